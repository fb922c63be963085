"""What the worker does: names of jobs bound to functions. Each may run twice and re-reads the world."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from app.parts import Parts
from db.clock import read_clock
from db.jobs import Job
from db.session import transaction
from db.tables.delivery import Message
from db.tables.policy import Channel, ContactPhase
from db.tables.recovery import SaveAttempt
from delivery import jobs as delivery_jobs
from delivery.schemas import Recorded
from delivery.service import CALL_JOB, SEND_JOB
from policy.contact.service import GateDecision
from recovery import service as recovery
from recovery.begin_stage import begin_stage
from recovery.dispatch import after_sending, may_leave
from recovery.finish_stage import finish_stage, template_of
from recovery.scheduler import ABANDON_CART_JOB, RUN_STAGE_JOB
from voice.calls import jobs as calls
from voice.calls.jobs import CLOSE_JOB
from voice.calls.rules import End
from voice.eligibility import service as eligibility


@dataclass(frozen=True)
class Jobs:
    parts: Parts

    def entrypoints(self) -> dict[str, Callable[[Job], Awaitable[None]]]:
        return {
            ABANDON_CART_JOB: self.abandon_cart,
            RUN_STAGE_JOB: self.run_stage,
            SEND_JOB: self.send_message,
            CALL_JOB: self.place_call,
            CLOSE_JOB: self.close_lost_call,
        }

    def transaction(self, job: Job) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self.parts.engine, company_id=job.company_id)

    async def abandon_cart(self, job: Job) -> None:
        async with self.transaction(job) as session:
            await recovery.abandon(session, job.id, company_id=job.company_id, now=await read_clock(session))

    async def run_stage(self, job: Job) -> None:
        """Two transactions with the planner between them, which holds no lock (decision 17)."""
        async with self.transaction(job) as session:
            plan = await begin_stage(
                session,
                job.id,
                company_id=job.company_id,
                step=job.step,
                signer=self.parts.signer,
                may_call=self.may_call,
                now=await read_clock(session),
            )
        if plan is None:
            return
        # A call finds its words in its own conversation.
        is_call = plan.channels == (Channel.VOICE,)
        written = template_of(plan, plan.remedies[0], plan.cart) if is_call else await self.parts.planner.write(plan)
        async with self.transaction(job) as session:
            await finish_stage(session, plan, written, mailing=self.parts.mailing, now=await read_clock(session))

    async def may_call(self, session: AsyncSession, attempt: SaveAttempt, *, now: datetime) -> GateDecision:
        return await eligibility.decide(
            session, attempt, self.parts.calling, company_id=attempt.company_id, phase=ContactPhase.PLAN, now=now
        )

    async def place_call(self, job: Job) -> None:
        parts, begin = self.parts, partial(self.transaction, job)
        now = await self.now(job)
        await calls.place(begin, parts.telephony, parts.calling, job.id, company_id=job.company_id, now=now)

    async def close_lost_call(self, job: Job) -> None:
        begin, now = partial(self.transaction, job), await self.now(job)

        async def last_words(end: End) -> End:
            hang_up = await self.parts.voice.end_lost(job.id, end.reason, company_id=job.company_id)
            return End(hang_up.outcome, hang_up.end_reason)

        await calls.close_lost(begin, self.parts.telephony, last_words, job.id, company_id=job.company_id, now=now)

    async def now(self, job: Job) -> datetime:
        async with self.transaction(job) as session:
            return await read_clock(session)

    async def send_message(self, job: Job) -> None:
        now, signer = await self.now(job), self.parts.signer

        async def gate(session: AsyncSession, message: Message) -> GateDecision:
            return await may_leave(session, message, signer=signer, now=now)

        async def recorded(session: AsyncSession, outcome: Recorded) -> None:
            await after_sending(session, outcome, company_id=job.company_id, signer=signer, now=now)

        await delivery_jobs.send(
            lambda: self.transaction(job),
            self.parts.transports,
            job.id,
            company_id=job.company_id,
            now=now,
            gate=gate,
            on_recorded=recorded,
        )
