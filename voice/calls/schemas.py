"""What crosses the edge between the calls and those who carry them."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class StreamedCall:
    """The call whose media stream was just opened."""

    call_id: UUID
    company_id: UUID
    provider_id: str
