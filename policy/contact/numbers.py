"""Where a phone number may be: the zones of its country or North American area code."""

import json
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

LONGEST_PREFIX = 4


def zones_of_number(number: str) -> frozenset[ZoneInfo]:
    """The zones of an E.164 number by its longest known prefix; a mobile number may have moved away from them."""
    digits = number.removeprefix("+")
    for length in range(LONGEST_PREFIX, 0, -1):
        if (found := _zones().get(digits[:length])) is not None:
            return found
    return frozenset()


@cache
def _zones() -> dict[str, frozenset[ZoneInfo]]:
    known = json.loads((files("policy.contact") / "number_zones.json").read_text("utf-8"))["zones"]
    found: dict[str, set[ZoneInfo]] = {}
    for zone, prefixes in known.items():
        for prefix in prefixes.split():
            found.setdefault(prefix, set()).add(ZoneInfo(zone))
    return {prefix: frozenset(zones) for prefix, zones in found.items()}
