"""What crosses the edge between the calls and those who carry them."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True)
class StreamedCall:
    """The call whose media stream was just opened."""

    call_id: UUID
    company_id: UUID
    provider_id: str


@dataclass(frozen=True)
class CallClaim:
    """A call that the policy has just allowed: whose it is, on which line, and the day in the called person's zone."""

    attempt_id: UUID
    cart_id: UUID
    customer_id: UUID
    message_id: UUID
    abandonment: int
    person_key: str
    number_hash: str
    called_on: date
    slot: int
