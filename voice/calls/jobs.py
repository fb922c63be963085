"""The phone's jobs: place a call that is due, close one that was lost. Each may run often, also at once."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.jobs import enqueue
from db.tables.voice import VoiceCallStatus
from voice.calls import placing, rules
from voice.calls.repository import CallRepository
from voice.calls.service import finish
from voice.eligibility.service import Policy
from voice.telephony import DialUnknown, NotDialled, Telephony

logger = logging.getLogger(__name__)

Begin = Callable[[], AbstractAsyncContextManager[AsyncSession]]
# What a lost conversation comes to by its rows; an opt-out in them is kept (agents.voice_call.agent).
LastWords = Callable[[rules.End], Awaitable[rules.End]]
CLOSE_JOB = "close_lost_call"
SWEEP = 1000


async def place(
    begin: Begin, telephony: Telephony | None, policy: Policy, message_id: UUID, *, company_id: UUID, now: datetime
) -> None:
    """Dial one due call, once. `begin` opens a transaction of this company and commits it (db.session.transaction)."""
    async with begin() as session:
        placed = await placing.claim(session, message_id, policy, company_id=company_id, now=now)
    if placed is None:
        return
    assert telephony is not None  # without one the policy has refused (NO_CARRIER)
    try:
        provider_id = await telephony.dial(placed.dial)
    except NotDialled as refused:
        logger.warning("call_refused", extra={"call": placed.dial.call_id, "reason": refused.reason})
        async with begin() as session:
            await placing.record_refused(session, placed, refused.reason, now=now)
    except DialUnknown as unknown:
        logger.warning("call_unknown", extra={"call": placed.dial.call_id, "reason": unknown.reason})
        async with begin() as session:
            await placing.record_unknown(session, placed, unknown.reason, policy, now=now)
    else:
        async with begin() as session:
            wanted = await placing.record_dialled(session, placed, provider_id, policy, now=now)
        if not wanted:
            await telephony.hang_up(provider_id)


async def sweep(session: AsyncSession) -> int:
    """Enqueue a closing job for each live call of any company that nothing was heard of; how many."""
    lost = await CallRepository(session).lost(older_than=rules.LOST_AFTER, limit=SWEEP)
    await enqueue(session, CLOSE_JOB, lost)
    return len(lost)


async def close_lost(
    begin: Begin,
    telephony: Telephony | None,
    last_words: LastWords,
    call_id: UUID,
    *,
    company_id: UUID,
    now: datetime,
) -> None:
    """End a call whose process died, free its line, and hang up at the carrier if it may still be on.

    What was said before counts: who opted out or said no did so, whatever died afterwards.
    """
    async with begin() as session:
        call = await CallRepository(session).still_lost(call_id, company_id=company_id, older_than=rules.LOST_AFTER)
        if call is None:
            return
        end = rules.end_of_lost(call.status, is_over=call.completed_at is not None)
        provider_id = call.provider_id if call.completed_at is None else None
        talked = call.status is VoiceCallStatus.TALKING
    logger.warning("call_lost", extra={"call": call_id, "reason": end.reason})
    # Hung up first: whoever is on the line is not left with a machine that has forgotten them.
    if provider_id is not None and telephony is not None:
        await telephony.hang_up(provider_id)
    if talked:
        end = await last_words(end)
    async with begin() as session:
        await finish(session, call_id, company_id=company_id, outcome=end.outcome, end_reason=end.reason, now=now)
