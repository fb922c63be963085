"""What an attempt has done so far: its events and interventions."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.recovery import Intervention, StageEvent
from recovery.repository import AttemptRepository, InterventionRepository


@dataclass(frozen=True)
class AttemptHistory:
    events: list[StageEvent] = field(default_factory=list)
    interventions: list[Intervention] = field(default_factory=list)


async def histories(session: AsyncSession, attempt_ids: list[UUID], *, company_id: UUID) -> dict[UUID, AttemptHistory]:
    """The history of each attempt, oldest first."""
    found = {attempt_id: AttemptHistory() for attempt_id in attempt_ids}
    for event in await AttemptRepository(session).events(attempt_ids, company_id=company_id):
        found[event.attempt_id].events.append(event)
    for each in await InterventionRepository(session).of_attempts(attempt_ids, company_id=company_id):
        found[each.attempt_id].interventions.append(each)
    return found
