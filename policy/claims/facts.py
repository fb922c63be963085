"""Facts that a sentence may rest on. Whoever passes them vouches that they hold now, for this cart and shopper.

A rating is a PercentFact with subject RATING whose `percent` is the mean number of stars (4.7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import assert_never

from pydantic import JsonValue


class Subject(StrEnum):
    """What a number is about; a total never stands behind a sentence about a discount."""

    ITEM_PRICE = "ITEM_PRICE"
    LINE_TOTAL = "LINE_TOTAL"
    SUBTOTAL = "SUBTOTAL"
    DISCOUNT = "DISCOUNT"
    SHIPPING = "SHIPPING"
    SHIPPING_THRESHOLD = "SHIPPING_THRESHOLD"
    SHIPPING_GAP = "SHIPPING_GAP"
    TAX = "TAX"
    TOTAL = "TOTAL"
    ITEM_COUNT = "ITEM_COUNT"
    QUANTITY = "QUANTITY"
    STOCK = "STOCK"
    OFFER_EXPIRY = "OFFER_EXPIRY"
    HOLD_EXPIRY = "HOLD_EXPIRY"
    LINK_EXPIRY = "LINK_EXPIRY"
    RATING = "RATING"
    REVIEW_COUNT = "REVIEW_COUNT"
    POLICY = "POLICY"


class PromiseKind(StrEnum):
    """A promise in words. The fact with this kind says that a committed row stands behind it."""

    DISCOUNT = "DISCOUNT"
    FREE_SHIPPING = "FREE_SHIPPING"
    HOLD = "HOLD"
    IN_STOCK = "IN_STOCK"
    LINK_SENT = "LINK_SENT"
    HUMAN = "HUMAN"
    OPTED_OUT = "OPTED_OUT"
    PRICE_MATCH = "PRICE_MATCH"
    REFUND = "REFUND"
    RETURNS = "RETURNS"
    DELIVERY = "DELIVERY"
    GUARANTEE = "GUARANTEE"
    GIFT = "GIFT"
    POPULARITY = "POPULARITY"
    CART_SAVED = "CART_SAVED"
    ORDER_CHANGED = "ORDER_CHANGED"
    REMINDER = "REMINDER"
    PRODUCT = "PRODUCT"
    PAYMENT = "PAYMENT"
    CODE = "CODE"


@dataclass(frozen=True, slots=True)
class MoneyFact:
    """An amount in minor units; `label` names the item where the amount is about one."""

    id: str
    subject: Subject
    amount_minor: int
    currency: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class PercentFact:
    """A percentage: 10 means ten percent."""

    id: str
    subject: Subject
    percent: Decimal
    label: str | None = None


@dataclass(frozen=True, slots=True)
class CountFact:
    """A whole number of things: items in the cart, units left, reviews."""

    id: str
    subject: Subject
    count: int
    label: str | None = None


@dataclass(frozen=True, slots=True)
class InstantFact:
    """A moment, read as date and time in `tz` (an IANA name)."""

    id: str
    subject: Subject
    at: datetime
    tz: str

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("an InstantFact needs an aware datetime")


@dataclass(frozen=True, slots=True)
class PassageFact:
    """An FAQ chunk or policy text: each claim that it makes may be repeated, with its unit."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class PromiseFact:
    """A committed row (grant, message, handoff, suppression, hold) that keeps a promise of this kind."""

    id: str
    kind: PromiseKind


@dataclass(frozen=True, slots=True)
class NameFact:
    """A product's or shop's name: digits inside it are no claim ("Blend No. 7")."""

    id: str
    text: str


Fact = MoneyFact | PercentFact | CountFact | InstantFact | PassageFact | PromiseFact | NameFact


def _text(data: Mapping[str, object], key: str) -> str:
    value = data.get(key)
    if not isinstance(value, str):
        raise ValueError(f"fact: {key} must be text")
    return value


def _label(data: Mapping[str, object]) -> str | None:
    return None if data.get("label") is None else _text(data, "label")


def _whole(data: Mapping[str, object], key: str) -> int:
    value = data.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"fact: {key} must be a whole number")
    return value


def _decimal(data: Mapping[str, object], key: str) -> Decimal:
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"fact: {key} must be a decimal as text")
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"fact: {key} must be a decimal as text") from error
    if not number.is_finite():
        raise ValueError(f"fact: {key} must be finite")
    return number


def fact_from_json(data: Mapping[str, object]) -> Fact:
    """Read one fact from its JSON form. Raises ValueError for a missing or mistyped part.

    `type` is money, percent, count, instant (`at` is ISO 8601 with offset), passage, promise or name; the other
    keys are the fields of that fact: `{"type": "count", "id": "s", "subject": "STOCK", "count": 3, "label": null}`.
    """
    fact_id = _text(data, "id")
    match _text(data, "type"):
        case "money":
            subject = Subject(_text(data, "subject"))
            amount = _whole(data, "amount_minor")
            return MoneyFact(fact_id, subject, amount, _text(data, "currency"), _label(data))
        case "percent":
            return PercentFact(fact_id, Subject(_text(data, "subject")), _decimal(data, "percent"), _label(data))
        case "count":
            return CountFact(fact_id, Subject(_text(data, "subject")), _whole(data, "count"), _label(data))
        case "instant":
            at = datetime.fromisoformat(_text(data, "at"))
            return InstantFact(fact_id, Subject(_text(data, "subject")), at, _text(data, "tz"))
        case "passage":
            return PassageFact(fact_id, _text(data, "text"))
        case "promise":
            return PromiseFact(fact_id, PromiseKind(_text(data, "kind")))
        case "name":
            return NameFact(fact_id, _text(data, "text"))
        case other:
            raise ValueError(f"fact: unknown type {other!r}")


def fact_to_json(fact: Fact) -> dict[str, JsonValue]:
    """The JSON form of a fact, as `fact_from_json` reads it."""
    match fact:
        case MoneyFact():
            own: dict[str, JsonValue] = {"amount_minor": fact.amount_minor, "currency": fact.currency}
            return {"type": "money", "id": fact.id, "subject": fact.subject, "label": fact.label, **own}
        case PercentFact():
            own = {"percent": str(fact.percent), "label": fact.label}
            return {"type": "percent", "id": fact.id, "subject": fact.subject, **own}
        case CountFact():
            own = {"count": fact.count, "label": fact.label}
            return {"type": "count", "id": fact.id, "subject": fact.subject, **own}
        case InstantFact():
            own = {"at": fact.at.isoformat(), "tz": fact.tz}
            return {"type": "instant", "id": fact.id, "subject": fact.subject, **own}
        case PassageFact():
            return {"type": "passage", "id": fact.id, "text": fact.text}
        case PromiseFact():
            return {"type": "promise", "id": fact.id, "kind": fact.kind}
        case NameFact():
            return {"type": "name", "id": fact.id, "text": fact.text}
        case _:
            assert_never(fact)
