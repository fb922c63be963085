"""What the rooms of a shop need to know of the company behind it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Home:
    """`seller` is the legal name: who a consent is given to."""

    seller: str
    country: str
    currency: str
