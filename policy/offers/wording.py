"""The sentence about an offer, rendered from its row (rules 2.2)."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from db.tables.policy import GrantKind

# Beside every price that a person's own history influenced (N.Y. Gen. Bus. Law 349-a, rules C-37).
PERSONAL_PRICE = "This price was set by an algorithm using your personal data."


def offer_sentence(
    kind: GrantKind, percent: Decimal | None, expires_at: datetime, *, tz: str, locale: str = "en_US"
) -> str:
    """What the shopper is told of a committed grant: what it takes off and until when, in the shopper's zone."""
    until = moment(expires_at, tz=tz, locale=locale)
    if kind is GrantKind.FREE_SHIPPING:
        return f"Shipping on this order is free until {until}."
    return f"{plain(percent)}% off is applied to your cart until {until}."


def plain(percent: Decimal | None) -> str:
    """10, not 10.00."""
    return "0" if percent is None else f"{percent.normalize():f}"


def moment(at: datetime, *, tz: str, locale: str = "en_US") -> str:
    """Date and time as a reader of `locale` in `tz` would say them."""
    return format_datetime(at.astimezone(ZoneInfo(tz)), "MMMM d 'at' h:mm a", locale=locale).replace("\u202f", " ")
