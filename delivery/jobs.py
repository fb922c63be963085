"""The send job: claim, hand over with no lock held, record."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from delivery import service
from delivery.channels import Transports
from delivery.outbox import LocalOutbox
from delivery.schemas import Recorded, Skip

Begin = Callable[[], AbstractAsyncContextManager[AsyncSession]]
OnRecorded = Callable[[AsyncSession, Recorded], Awaitable[None]]


async def send(
    begin: Begin,
    transports: Transports,
    message_id: UUID,
    *,
    company_id: UUID,
    now: datetime,
    gate: service.Gate,
    on_recorded: OnRecorded,
) -> Recorded | Skip:
    """Send one message if it is due and allowed. May run any number of times, also at once.

    `begin` opens a transaction of this company and commits it (db.session.transaction). `on_recorded`
    runs inside the recording one: it marks the intervention and suppresses a dead mailbox.
    """
    async with begin() as session:
        claimed = await service.claim(session, message_id, company_id=company_id, now=now, gate=gate)
        if isinstance(claimed, Skip):
            return claimed
        if isinstance(claimed, Recorded):
            await on_recorded(session, claimed)
            return claimed
        transport = transports[claimed.channel]
        if isinstance(transport, LocalOutbox):
            # Nothing leaves the process: claim and delivery are one change.
            outcome = await transport.send(claimed.outgoing)
            recorded = await service.record_result(session, claimed, outcome, now=now)
            await on_recorded(session, recorded)
            return recorded
    outcome = await transport.send(claimed.outgoing)
    async with begin() as session:
        recorded = await service.record_result(session, claimed, outcome, now=now)
        await on_recorded(session, recorded)
    return recorded
