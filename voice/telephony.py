"""What the phone room needs of a carrier. `voice/twilio.py` speaks to Twilio; nothing else of the room knows which."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Dial:
    """One call to be placed. The carrier asks back under addresses that carry company and call."""

    company_id: UUID
    call_id: UUID
    # E.164.
    to_number: str


class NotDialled(Exception):
    """The carrier certainly did not place the call; `reason` is its code, never its words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class DialUnknown(Exception):
    """The line went dead between the request and its answer: the phone may be ringing."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Telephony(Protocol):
    async def dial(self, dial: Dial) -> str:
        """Place one call, once, within a time limit of its own; the carrier's id of it.

        Raises:
            NotDialled, DialUnknown.
        """

    async def hang_up(self, provider_id: str) -> None:
        """End the call at the carrier, ringing or answered. Quiet when it has ended already or cannot be reached."""
