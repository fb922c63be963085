"""Queries of the save flow."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Text, bindparam, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.ids import uuid7
from db.jobs import Job
from db.session import run_statement
from db.statements import Query, Reading
from db.tables.companies import Company
from db.tables.recovery import (
    CartAbandonmentReason,
    CartSaveStage,
    CartSaveStatus,
    Diagnosis,
    FlowConfigVersion,
    Intervention,
    InterventionStatus,
    SaveAttempt,
    StageEvent,
    StageEventKind,
)
from recovery.errors import NoSuchCompany

# The condition of `uq_save_attempts_running`. Written out: with a parameter in it, a statement that the server has
# planned once for all no longer finds the index, and fails.
_RUNNING = text("status = 'IN_PROGRESS'")
# Built once: every turn and every stage asks for them.
_COMPANY = Reading(select(Company).where(Company.id == bindparam("company")))
_ATTEMPT = Reading(
    select(SaveAttempt).where(SaveAttempt.company_id == bindparam("company"), SaveAttempt.id == bindparam("attempt"))
)
_GRANT_OF = Query(
    select(Intervention.grant_id).where(
        Intervention.company_id == bindparam("company"), Intervention.id == bindparam("intervention")
    )
)
_LAST_CONTACT = Query(
    select(func.max(Intervention.scheduled_at).label("at")).where(
        Intervention.company_id == bindparam("company"), Intervention.attempt_id == bindparam("attempt")
    )
)
_ADD_EVENT = """
    INSERT INTO stage_events (company_id, id, occurred_at, attempt_id, stage, previous_stage, step, kind, reason)
    VALUES (%(company_id)s, %(id)s, %(now)s, %(attempt_id)s, %(stage)s, %(previous)s, %(step)s, %(kind)s, %(reason)s)
"""
_LATEST_FLOW = Query(
    select(FlowConfigVersion.version, cast(FlowConfigVersion.config, Text).label("config"))
    .where(FlowConfigVersion.company_id == bindparam("company"))
    .order_by(FlowConfigVersion.version.desc())
    .limit(1)
)


class FlowConfigRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def latest(self, *, company_id: UUID) -> tuple[int, str] | None:
        """The newest version and its config, as JSON text."""
        rows = await _LATEST_FLOW.rows(self.session, company=company_id)
        return (rows[0].version, rows[0].config) if rows else None

    async def add(self, version: int, config: type_json, *, company_id: UUID, changed_by: str, now: datetime) -> bool:
        """Keep a version; False when somebody else made that version first."""
        kept = await self.session.execute(
            upsert(FlowConfigVersion)
            .values(company_id=company_id, version=version, config=config, changed_by=changed_by, created_at=now)
            .on_conflict_do_nothing()
            .returning(FlowConfigVersion.version)
        )
        return kept.first() is not None


class CompanyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def get(self, *, company_id: UUID) -> Company:
        """Raises NoSuchCompany: only a command line can name one that is none."""
        company = await _COMPANY.first(self.session, company=company_id)
        if company is None:
            raise NoSuchCompany(company_id)
        return company

    async def set_chat_config(self, config: type_json, *, company_id: UUID, expected_version: int) -> bool:
        """Replace the config that has this version; False when somebody else did first."""
        changed = await self.session.execute(
            update(Company)
            .where(Company.id == company_id, Company.chat_config_version == expected_version)
            .values(chat_config=config, chat_config_version=expected_version + 1)
            .returning(Company.id)
            .execution_options(synchronize_session=False)
        )
        return changed.first() is not None


class DiagnosisRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(
        self, cart_id: UUID, reason: CartAbandonmentReason, words: str | None, *, company_id: UUID, now: datetime
    ) -> None:
        self.session.add(
            Diagnosis(company_id=company_id, id=uuid7(), cart_id=cart_id, reason=reason, words=words, given_at=now)
        )

    async def latest(self, cart_id: UUID, *, company_id: UUID) -> Diagnosis | None:
        return await self.session.scalar(
            select(Diagnosis)
            .where(Diagnosis.company_id == company_id, Diagnosis.cart_id == cart_id)
            .order_by(Diagnosis.given_at.desc(), Diagnosis.id.desc())
            .limit(1)
        )


class AttemptRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add_if_none_runs(self, attempt: SaveAttempt) -> bool:
        """Keep a new attempt; False when the cart has a running one (partial unique index)."""
        columns = {column.key: getattr(attempt, column.key) for column in SaveAttempt.__table__.columns}
        given = {key: value for key, value in columns.items() if value is not None}
        kept = await self.session.execute(
            upsert(SaveAttempt)
            .values(**given)
            .on_conflict_do_nothing(index_elements=["company_id", "cart_id"], index_where=_RUNNING)
            .returning(SaveAttempt.id)
        )
        return kept.first() is not None

    async def get(self, attempt_id: UUID, *, company_id: UUID) -> SaveAttempt | None:
        """As it stands, to be read."""
        return await _ATTEMPT.first(self.session, company=company_id, attempt=attempt_id)

    async def get_for_update(self, attempt_id: UUID, *, company_id: UUID) -> SaveAttempt | None:
        """Lock the attempt until the transaction ends. Its cart is locked first (decision 14)."""
        return await self.session.scalar(
            select(SaveAttempt)
            .where(SaveAttempt.company_id == company_id, SaveAttempt.id == attempt_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def running_for_update(self, cart_id: UUID, *, company_id: UUID) -> SaveAttempt | None:
        return await self.session.scalar(
            select(SaveAttempt)
            .where(
                SaveAttempt.company_id == company_id,
                SaveAttempt.cart_id == cart_id,
                SaveAttempt.status == CartSaveStatus.IN_PROGRESS,
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    async def running_of_customer(self, customer_id: UUID, *, company_id: UUID) -> list[SaveAttempt]:
        """In the order of their carts, in which they are locked."""
        return list(
            await self.session.scalars(
                select(SaveAttempt)
                .where(
                    SaveAttempt.company_id == company_id,
                    SaveAttempt.customer_id == customer_id,
                    SaveAttempt.status == CartSaveStatus.IN_PROGRESS,
                )
                .order_by(SaveAttempt.cart_id)
            )
        )

    async def lock_cart(self, cart_id: UUID, *, company_id: UUID) -> None:
        await run_statement(
            self.session,
            "SELECT FROM carts WHERE company_id = %(company_id)s AND id = %(cart_id)s FOR UPDATE",
            company_id=company_id,
            cart_id=cart_id,
        )

    async def page(
        self, *, company_id: UUID, cart_id: UUID | None, after: UUID | None, limit: int
    ) -> list[SaveAttempt]:
        """Newest first; `after` is the last id of the page before."""
        query = select(SaveAttempt).where(SaveAttempt.company_id == company_id)
        if cart_id is not None:
            query = query.where(SaveAttempt.cart_id == cart_id)
        if after is not None:
            query = query.where(SaveAttempt.id < after)
        return list(await self.session.scalars(query.order_by(SaveAttempt.id.desc()).limit(limit)))

    async def add_event(
        self,
        attempt: SaveAttempt,
        kind: StageEventKind,
        *,
        company_id: UUID,
        now: datetime,
        reason: str | None = None,
        previous: CartSaveStage | None = None,
        stage: CartSaveStage | None = None,
    ) -> None:
        """`stage` is what it happened to, where that is not the stage that waits now."""
        await run_statement(
            self.session,
            _ADD_EVENT,
            company_id=company_id,
            id=uuid7(),
            now=now,
            attempt_id=attempt.id,
            stage=(stage or attempt.current_stage).value,
            previous=previous and previous.value,
            step=attempt.step,
            kind=kind.value,
            reason=reason,
        )

    async def events(self, attempt_ids: list[UUID], *, company_id: UUID) -> list[StageEvent]:
        return list(
            await self.session.scalars(
                select(StageEvent)
                .where(StageEvent.company_id == company_id, StageEvent.attempt_id.in_(attempt_ids))
                .order_by(StageEvent.occurred_at, StageEvent.id)
            )
        )


class InterventionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    def add(self, intervention: Intervention) -> Intervention:
        self.session.add(intervention)
        return intervention

    async def of_attempts(self, attempt_ids: list[UUID], *, company_id: UUID) -> list[Intervention]:
        return list(
            await self.session.scalars(
                select(Intervention)
                .where(Intervention.company_id == company_id, Intervention.attempt_id.in_(attempt_ids))
                .order_by(Intervention.step)
            )
        )

    async def grant_of(self, intervention_id: UUID, *, company_id: UUID) -> UUID | None:
        """The offer that an intervention names."""
        rows = await _GRANT_OF.rows(self.session, company=company_id, intervention=intervention_id)
        return rows[0].grant_id if rows else None

    async def mark(
        self, intervention_id: UUID, status: InterventionStatus, *, company_id: UUID, reason: str | None = None
    ) -> None:
        await self.session.execute(
            update(Intervention)
            .where(Intervention.company_id == company_id, Intervention.id == intervention_id)
            .values(status=status, error_message=reason)
        )

    async def fail_scheduled(self, intervention_id: UUID, reason: str, *, company_id: UUID) -> bool:
        """Note that it was not sent; False when what became of it is known already."""
        failed = await self.session.execute(
            update(Intervention)
            .where(
                Intervention.company_id == company_id,
                Intervention.id == intervention_id,
                Intervention.status == InterventionStatus.SCHEDULED,
            )
            .values(status=InterventionStatus.FAILED, error_message=reason)
            .returning(Intervention.id)
        )
        return failed.first() is not None

    async def expire_scheduled(self, attempt_id: UUID, *, company_id: UUID) -> None:
        """What was planned and not sent will not be sent any more."""
        await self.session.execute(
            update(Intervention)
            .where(
                Intervention.company_id == company_id,
                Intervention.attempt_id == attempt_id,
                Intervention.status == InterventionStatus.SCHEDULED,
            )
            .values(status=InterventionStatus.EXPIRED)
        )

    async def last_contact(self, attempt_id: UUID, *, company_id: UUID) -> datetime | None:
        """When the attempt last planned a contact."""
        [row] = await _LAST_CONTACT.rows(self.session, company=company_id, attempt=attempt_id)
        at: datetime | None = row.at
        return at


class DueRepository:
    """What sees all companies, through functions that return ids only (db/migrations 0002)."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def release_attempts(self, *, now: datetime, limit: int) -> list[Job]:
        return await self._release("release_attempts", now=now, limit=limit)

    async def release_carts(self, *, now: datetime, limit: int) -> list[Job]:
        return await self._release("release_carts", now=now, limit=limit)

    async def _release(self, function: str, *, now: datetime, limit: int) -> list[Job]:
        rows = await self.session.execute(text(f"SELECT * FROM {function}(:at, :most)"), {"at": now, "most": limit})  # noqa: S608
        return [Job(company_id=row.company_id, id=row.id, step=row.step) for row in rows]

    async def expire(self, *, now: datetime) -> None:
        """End the holds and grants whose time is over."""
        await self.session.execute(text("SELECT expire_due(:at)"), {"at": now})

    async def reclaim_lost(self, *, older_than: timedelta) -> None:
        """Let what was released long ago and never finished be released again: its job died with a worker."""
        await self.session.execute(text("SELECT reclaim_lost(:older_than)"), {"older_than": older_than})

    async def ensure_partitions(self, *, start: datetime, end: datetime) -> None:
        await self.session.execute(text("SELECT ensure_partitions(:start, :end)"), {"start": start, "end": end})

    async def next_due(self) -> datetime | None:
        """The next instant at which anything waits to be done, for any company."""
        due: datetime | None = await self.session.scalar(text("SELECT next_due()"))
        return due

    async def work_under_way(self) -> bool:
        """Whether something is released or queued and not finished."""
        return bool(await self.session.scalar(text("SELECT work_under_way()")))
