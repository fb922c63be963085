"""The flow config in force, and its changes: each one is a new version that is kept."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from policy.errors import Conflict
from recovery.config import FlowConfig
from recovery.repository import FlowConfigRepository

# Before a company's first change the spec's defaults are in force.
DEFAULT_VERSION = 0


@dataclass(frozen=True)
class Flow:
    config: FlowConfig
    version: int


async def flow_in_force(session: AsyncSession, *, company_id: UUID) -> Flow:
    latest = await FlowConfigRepository(session).latest(company_id=company_id)
    if latest is None:
        return Flow(FlowConfig(), DEFAULT_VERSION)
    return Flow(FlowConfig.model_validate(latest.config), latest.version)


async def change_flow(
    session: AsyncSession, config: FlowConfig, *, company_id: UUID, changed_by: str, now: datetime
) -> Flow:
    """Put a config in force for every stage that has not run yet; the versions before it stay readable.

    Raises:
        Conflict: somebody else changed it at the same moment.
    """
    current = await flow_in_force(session, company_id=company_id)
    if config == current.config:
        return current
    version = current.version + 1
    kept = await FlowConfigRepository(session).add(
        version, config.model_dump(mode="json", by_alias=True), company_id=company_id, changed_by=changed_by, now=now
    )
    if not kept:
        raise Conflict("Somebody else has just changed the flow. Read it again and repeat your change.")
    return Flow(config, version)
