"""Who is in which arm: deterministic from the person and the experiment, the same everywhere (decision 19)."""

import hashlib
from enum import StrEnum


class Arm(StrEnum):
    TREATED = "TREATED"
    # Contacted by nobody, so that what recovery adds can be measured (rules 2.4).
    HOLDOUT = "HOLDOUT"


def assign(person_key: str, *, experiment: str, holdout_share: float) -> Arm:
    """The arm of a person. `holdout_share` from 0 to 1; raising it only moves people into the holdout."""
    digest = hashlib.sha256(f"{experiment}:{person_key}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return Arm.HOLDOUT if place < holdout_share else Arm.TREATED
