"""Whether two claims name the same value, each in its own notation."""

from decimal import Decimal

from policy.claims.claim import Claim, ClaimKind, When
from policy.claims.reading import Reading

_IN_HOURS = {
    "second": Decimal(1) / 3600,
    "minute": Decimal(1) / 60,
    "hour": Decimal(1),
    "day": Decimal(24),
    "week": Decimal(168),
}
_IN_MONTHS = {"month": Decimal(1), "year": Decimal(12)}


def same_value(said: Claim, claim: Claim) -> bool:
    """Dates share a part; spans may be in other units; a range is only itself."""
    if claim.kind is ClaimKind.INSTANT:
        return said.when is not None and claim.when is not None and bool(date_parts(claim.when) & date_parts(said.when))
    if claim.kind is ClaimKind.DURATION:
        return _same_span(said, claim)
    if claim.kind in {ClaimKind.MONEY, ClaimKind.MEASURE} and not said.units & claim.units:
        return False
    if not claim.low and not said.low:  # "24/7" in both
        return said.text.lower() == claim.text.lower()
    if bool(claim.high) != bool(said.high):
        return False
    same_high = not claim.high or bool(set(claim.high) & set(said.high))
    return bool(set(claim.low) & set(said.low)) and same_high


def _span(values: tuple[Decimal, ...], unit: str) -> tuple[str, frozenset[Decimal]]:
    for base, scale in (("hour", _IN_HOURS), ("month", _IN_MONTHS)):
        if unit in scale:
            return base, frozenset(value * scale[unit] for value in values)
    return unit, frozenset(values)


def _same_span(said: Claim, claim: Claim) -> bool:
    """Two weeks are 14 days; business days are only business days."""
    if not claim.low or not said.low:  # "a few days" in both
        return said.text.lower() == claim.text.lower()
    own, other = next(iter(claim.units), ""), next(iter(said.units), "")
    low, said_low = _span(claim.low, own), _span(said.low, other)
    high, said_high = _span(claim.high, own), _span(said.high, other)
    same_high = bool(high[1] & said_high[1]) if claim.high or said.high else True
    return low[0] == said_low[0] and bool(low[1] & said_low[1]) and same_high


def date_parts(when: When) -> frozenset[tuple[str, object]]:
    """What the words name, part by part; an hour of an unknown half of the day is that of the clock face."""
    named = {"year": when.year, "month": when.month, "day": when.day, "weekday": when.weekday, "period": when.period}
    named |= {"offset": when.day_offset, "zone": when.zone}
    parts: set[tuple[str, object]] = {(name, value) for name, value in named.items() if value is not None}
    if when.hour is not None:
        parts.add(("time", (when.hour, when.minute or 0)))
    return frozenset(parts)


def companions(reading: Reading, index: int) -> tuple[Claim, ...]:
    """Dates and times of the same clause: "on Saturdays ... until 2 pm" hold together."""
    places = reading.inside[index]
    if reading.claims[index].kind is not ClaimKind.INSTANT or not places:
        return ()
    clause = reading.stretch(places.start)
    return tuple(
        claim
        for claim, inside in zip(reading.claims, reading.inside, strict=True)
        if claim.kind is ClaimKind.INSTANT and inside and inside.start in clause
    )
