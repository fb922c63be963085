"""An oracle for what was shown, independent of policy/claims: every number must be one that the shop itself gave.

It knows nothing of grammar. It reads every number of a sentence, in digits of any script or in English words, with
its kind by what stands beside it, and looks it up among the numbers of the cart's facts, of the shop's FAQ and of
what the tools answered. So it is coarser than the check that it judges (a true number in a wrong place passes),
and it shares none of its code.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from policy.money import exponent
from storefront.carts.schemas import CartView


class Kind(Enum):
    MONEY = "money"
    PERCENT = "percent"
    NUMBER = "number"


@dataclass(frozen=True)
class Found:
    """A number as it stands; `readings` are what it can mean (1.234 is two numbers)."""

    kind: Kind
    readings: frozenset[Decimal]
    text: str


_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_SMALL_VALUES = {word: value for value, word in enumerate([*_SMALL.split(), "seventeen", "eighteen", "nineteen"])}
_TENS = {
    word: value * 10
    for value, word in enumerate(
        ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], start=2
    )
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_NUMBER_WORDS = {**_SMALL_VALUES, **_TENS, **_SCALES}
_DIGITS = r"\d{1,3}(?:[,.']\d{3})+(?:[.,]\d{1,3})?(?!\d)|\d+(?:[.,]\d+)?"
_WORD = rf"(?:{'|'.join(sorted(_NUMBER_WORDS, key=len, reverse=True))})"
_WORDS = rf"\b{_WORD}(?:[\s-]+(?:and\s+)?{_WORD})*\b"
_SIGN = r"(?:US\$|\$|€|£|¥|USD|EUR|GBP|JPY|KWD|KD)"
_UNIT = rf"(?:{_SIGN}|dollars?|euros?|pounds?|yen|dinars?|bucks?|cents?)"
_PERCENT = r"(?:%|٪|percent|per\s+cent|pct)"
_NUMBER = re.compile(
    rf"(?P<before>{_SIGN}\s*)?(?P<number>{_DIGITS}|{_WORDS})(?:\s*(?:(?P<percent>{_PERCENT})|(?P<unit>{_UNIT})))?",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"https?://\S+|www\.\S+|\b[\w.+-]+@[\w-]+\.\w+|\b[a-z0-9-]+\.(?:example|com|net|org|test)\b", re.I
)


def numbers(text: str) -> list[Found]:
    """Every number of a text, except a lone "one", which is mostly no number."""
    plain = _plain(text)
    found = []
    for match in _NUMBER.finditer(plain):
        written = match["number"]
        if written.lower() == "one" and not (match["before"] or match["percent"] or match["unit"]):
            continue
        kind = Kind.PERCENT if match["percent"] else Kind.MONEY if match["before"] or match["unit"] else Kind.NUMBER
        readings = _readings(written) if written[0].isdigit() else frozenset({_spelled(written)})
        found.append(Found(kind, readings, match.group()))
    return found


def addresses(text: str) -> list[str]:
    """Links, mail addresses and hosts."""
    return [match.group().lower() for match in _ADDRESS.finditer(_plain(text))]


@dataclass
class Evidence:
    """The numbers and addresses that may be shown."""

    money: set[Decimal] = field(default_factory=set)
    percents: set[Decimal] = field(default_factory=set)
    plain: set[Decimal] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)

    def of_text(self, text: str) -> None:
        for found in numbers(text):
            target = {Kind.MONEY: self.money, Kind.PERCENT: self.percents, Kind.NUMBER: self.plain}[found.kind]
            target |= found.readings
        self.addresses |= set(addresses(text))

    def of_result(self, value: JsonValue, *, key: str = "") -> None:
        """What a tool answered; facts are left out, for the sentences that rest on them are beside them."""
        if isinstance(value, dict):
            for name, child in value.items():
                self.of_result(child, key=name)
        elif isinstance(value, list):
            for child in value:
                self.of_result(child, key=key)
        elif isinstance(value, str) and key not in ("facts", "grantId", "id", "handle", "sku"):
            self.of_text(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.plain.add(Decimal(str(value)))

    def of_cart(self, cart: CartView, *, tz: str) -> None:
        def major(minor: int) -> Decimal:
            return Decimal(minor).scaleb(-exponent(cart.currency))

        whole = (cart.subtotal_minor, cart.discount_minor, cart.shipping_minor, cart.tax_minor, cart.grand_total_minor)
        self.money |= {major(amount) for amount in whole}
        if cart.free_shipping is not None:
            self.money |= {major(cart.free_shipping.threshold_minor), major(cart.free_shipping.remaining_minor)}
        for line in cart.lines:
            self.money |= {major(line.unit_price_minor), major(line.net_minor)}
            self.plain.add(Decimal(line.quantity))
            self.of_text(line.name)
        self.plain.add(Decimal(cart.item_count))
        if cart.offer is not None:
            self.percents |= set() if cart.offer.percent is None else {cart.offer.percent}
            self._of_instant(cart.offer.expires_at, tz)
        if cart.hold_expires_at is not None:
            self._of_instant(cart.hold_expires_at, tz)

    def _of_instant(self, at: datetime, tz: str) -> None:
        local = at.astimezone(ZoneInfo(tz))
        parts = (local.year, local.month, local.day, local.hour, local.hour % 12 or 12, local.minute)
        self.plain |= {Decimal(part) for part in parts}

    def unbacked(self, sentence: str) -> list[str]:
        """What of a sentence nobody gave."""
        allowed = {
            Kind.MONEY: self.money,
            Kind.PERCENT: self.percents,
            Kind.NUMBER: self.plain | self.money | self.percents,
        }
        missing = [found.text for found in numbers(sentence) if not found.readings & allowed[found.kind]]
        return missing + [each for each in addresses(sentence) if each not in self.addresses]


def _plain(text: str) -> str:
    """Compatibility forms and digits of other scripts as ASCII; what has no width is gone."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(
        str(value) if not char.isascii() and (value := unicodedata.digit(char, -1)) >= 0 else char
        for char in folded
        if unicodedata.category(char) != "Cf"
    )


def _readings(written: str) -> frozenset[Decimal]:
    tight = written.replace("'", "")
    marks = [char for char in tight if char in ".,"]
    if not marks:
        return frozenset({Decimal(tight)})
    last = marks[-1]
    head, _, tail = tight.rpartition(last)
    decimal = Decimal(f"{re.sub('[.,]', '', head)}.{tail}")
    together = Decimal(re.sub("[.,]", "", tight))
    if len(set(marks)) == 2:
        return frozenset({decimal})
    if len(marks) > 1:
        return frozenset({together})
    return frozenset({decimal, together}) if len(tail) == 3 else frozenset({decimal})


def _spelled(written: str) -> Decimal:
    total = group = 0
    for word in re.split(r"[\s-]+", written.lower()):
        if word == "and":
            continue
        if word == "hundred":
            group = max(group, 1) * 100
        elif word in _SCALES:
            total, group = total + max(group, 1) * _SCALES[word], 0
        else:
            group += _NUMBER_WORDS[word]
    return Decimal(total + group)
