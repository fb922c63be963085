"""What leaves, and the four ways that its leaving can end."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True)
class Outgoing:
    """A message as it was stored when it was planned: rendered once, so every try is the same."""

    message_id: UUID
    to_address: str
    subject: str
    text: str
    html: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Sent:
    """The provider took it and answers for it from here."""

    provider_id: str | None


@dataclass(frozen=True)
class Temporary:
    """It was certainly not taken; another try may do."""

    reason: str


@dataclass(frozen=True)
class Permanent:
    """It was certainly not taken and never will be. `bad_recipient`: there is no such mailbox."""

    reason: str
    bad_recipient: bool = False


@dataclass(frozen=True)
class Unknown:
    """It may have been taken: the line went dead between the content and the answer to it."""

    reason: str


Outcome = Sent | Temporary | Permanent | Unknown


class Transport(Protocol):
    async def send(self, outgoing: Outgoing) -> Outcome:
        """Hand one message over, within a time limit of its own. Never raises for what a provider did."""
