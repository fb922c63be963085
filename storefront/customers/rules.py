"""Which consents a widget may take and in which words, and what a country and a zone look like."""

from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

from babel.core import get_global

from db.tables.customers import ConsentChannel, ConsentState, SuppressionScope
from policy.errors import AppError, NotFound


class NoSuchCustomer(NotFound):
    code = "no_such_customer"
    title = "No such customer"


class InvalidCustomer(AppError):
    status = 422
    code = "invalid_customer"
    title = "These details of the shopper cannot be used"


class ConsentNotTakenHere(AppError):
    status = 422
    code = "consent_not_taken_here"
    title = "This consent cannot be given in the widget"


# What a ticked box is worth: an email address is confirmed by it, a phone number by an answered text (rules C-04).
WORTH = {ConsentChannel.EMAIL: ConsentState.CONFIRMED, ConsentChannel.SMS: ConsentState.PENDING}
SUPPRESSED_BY = {
    ConsentChannel.EMAIL: frozenset({SuppressionScope.ALL, SuppressionScope.EMAIL}),
    ConsentChannel.SMS: frozenset({SuppressionScope.ALL, SuppressionScope.SMS}),
}

_WORDING = {
    ConsentChannel.EMAIL: (
        "email-1",
        "Yes, {seller} may email me about the cart I leave behind and offers for it. I can unsubscribe in every email.",
    ),
    ConsentChannel.SMS: (
        "sms-1",
        "Yes, {seller} may text me about the cart I leave behind: one automated text for each cart, "
        "after I have answered a first one. Message and data rates may apply. STOP ends it, HELP explains it. "
        "I need not agree to buy.",
    ),
}


@dataclass(frozen=True, slots=True)
class Wording:
    """The sentence beside a box that nobody has ticked beforehand. Its hash is kept with each consent."""

    version: str
    text: str


def wording(channel: ConsentChannel, *, seller: str) -> Wording:
    """What a shopper agrees to; `seller` is the company's legal name.

    Raises:
        ConsentNotTakenHere: the channel needs more than a box (a call needs written consent, rules C-01).
    """
    if channel not in _WORDING:
        raise ConsentNotTakenHere(f"A ticked box can give EMAIL or SMS consent, not {channel}.")
    version, text = _WORDING[channel]
    return Wording(version, text.format(seller=seller))


def is_news(latest: ConsentState | None, worth: ConsentState) -> bool:
    """Whether a ticked box says more than the latest record.

    It never weakens a confirmation, and it does not undo a revocation: anybody can type an address.
    """
    if latest is None:
        return True
    return latest is ConsentState.PENDING and worth is ConsentState.CONFIRMED


def check_country(country: str) -> str:
    if country not in _countries():
        raise InvalidCustomer("Give the country as its two letters of ISO 3166, such as US.")
    return country


def check_timezone(timezone: str) -> str:
    if timezone not in _zones():
        raise InvalidCustomer("Give the time zone by its IANA name, such as Europe/London.")
    return timezone


@cache
def _zones() -> frozenset[str]:
    # Lists a folder each time it is asked: 0.1 s.
    return frozenset(available_timezones())


@cache
def _countries() -> frozenset[str]:
    # CLDR's territories with legal tender of today, less what is no country: the European Union and "unknown".
    return frozenset(
        code
        for code, uses in get_global("territory_currencies").items()
        if any(tender and until is None for _, _, until, tender in uses)
    ) - {"EU", "ZZ"}
