"""The flow config in force, and its changes: each one is a new version that is kept."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.tables.access import AuditAction
from policy.access import audit
from policy.access.rules import Right, require
from policy.access.schemas import Actor
from policy.errors import Conflict
from recovery.config import FlowConfig
from recovery.repository import CompanyRepository, FlowConfigRepository


class ChangedMeanwhile(Conflict):
    code = "changed_meanwhile"
    title = "Somebody else has changed this meanwhile"

    def __init__(self) -> None:
        super().__init__("Read it again and repeat your change.")


@dataclass(frozen=True)
class Flow:
    config: FlowConfig
    version: int


# Before a company's first change the spec's defaults are in force.
DEFAULT = Flow(FlowConfig(), version=0)


async def flow_in_force(session: AsyncSession, *, company_id: UUID) -> Flow:
    latest = await FlowConfigRepository(session).latest(company_id=company_id)
    if latest is None:
        return DEFAULT
    version, config = latest
    return Flow(_parsed(config), version)


@lru_cache(maxsize=1_000)
def _parsed(config: str) -> FlowConfig:
    """The same text is the same config, whosever it is: every sentence of its script was checked once, which takes as
    long as a transaction."""
    return FlowConfig.model_validate_json(config)


async def change_flow(
    session: AsyncSession,
    config: FlowConfig,
    *,
    company_id: UUID,
    by: Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Flow:
    """Put a config in force for every stage that has not run yet; the versions before it stay readable.

    `expected_version` is the one that the change was made upon, where that was shown to a person.

    Raises:
        Forbidden: a viewer may not.
        ChangedMeanwhile: somebody else changed it since, or at the same moment.
    """
    require(by, Right.CHANGE_SETTINGS)
    current = await flow_in_force(session, company_id=company_id)
    if expected_version not in (None, current.version):
        raise ChangedMeanwhile
    if config == current.config:
        return current
    version, after = current.version + 1, _as_json(config)
    kept = await FlowConfigRepository(session).add(version, after, company_id=company_id, changed_by=by.name, now=now)
    if not kept:
        raise ChangedMeanwhile
    await audit.record(
        session,
        by,
        AuditAction.FLOW_CHANGED,
        company_id=company_id,
        before={"version": current.version, "config": _as_json(current.config)},
        after={"version": version, "config": after},
    )
    return Flow(config, version)


async def change_chat_config(
    session: AsyncSession, before: type_json, after: type_json, *, company_id: UUID, by: Actor, expected_version: int
) -> int:
    """Keep a chat config that agents/checkout_chat has validated; its version. Raises as `change_flow` does."""
    require(by, Right.CHANGE_SETTINGS)
    if before == after:
        return expected_version
    kept = await CompanyRepository(session).set_chat_config(
        after, company_id=company_id, expected_version=expected_version
    )
    if not kept:
        raise ChangedMeanwhile
    await audit.record(
        session,
        by,
        AuditAction.CHAT_CHANGED,
        company_id=company_id,
        before={"version": expected_version, "config": before},
        after={"version": expected_version + 1, "config": after},
    )
    return expected_version + 1


def _as_json(config: FlowConfig) -> type_json:
    """As it is stored. A set has no order of its own, and a change of order is none."""
    stored = config.model_dump(mode="json", by_alias=True)
    stored["offers"]["excludedSkus"].sort()
    return stored
