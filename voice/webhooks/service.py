"""What a carrier's callback changes. Each may come twice, late, or before the dialler has heard of its own call.

A callback for a call that has ended changes nothing but its duration.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome, VoiceCallStatus
from policy.tokens import Signer
from voice.calls import rules
from voice.calls.repository import CallRepository
from voice.calls.service import finish, is_called_off, issue_stream_token
from voice.webhooks.schemas import CallForm

MACHINE = rules.End(VoiceCallOutcome.VOICEMAIL, EndReason.MACHINE)


async def answered(
    session: AsyncSession, call_id: UUID, form: CallForm, *, company_id: UUID, signer: Signer, now: datetime
) -> str | None:
    """Something picked up: the token of the stream to open, or None to hang up without a word.

    A machine is hung up on. So is a person who needs no call any more (`is_called_off`). Asked again before the stream
    is open, the answer is a fresh token, and the one before it is void.
    """
    call = await CallRepository(session).get(call_id, company_id=company_id)
    if call is None or not _is_of(call, form):
        return None
    if form.answered_by in rules.MACHINES:
        await _end(session, call, MACHINE, form, now=now)
        return None
    if await is_called_off(session, call, signer=signer, now=now):
        await _end(session, call, rules.CALLED_OFF, form, now=now)
        return None
    calls = CallRepository(session)
    locked = await calls.get_for_update(call_id, company_id=company_id)
    if locked is None or locked.status in (VoiceCallStatus.TALKING, VoiceCallStatus.ENDED):
        return None
    _adopt(locked, form, now=now)
    locked.status = VoiceCallStatus.ANSWERED
    locked.answered_at = locked.answered_at or now
    calls.note_life(locked)
    return issue_stream_token(locked, signer=signer)


async def progressed(session: AsyncSession, call_id: UUID, form: CallForm, *, company_id: UUID, now: datetime) -> None:
    """The carrier says how the call goes: it rings, nobody answered, it is over."""
    calls = CallRepository(session)
    call = await calls.get(call_id, company_id=company_id)
    if call is None or not _is_of(call, form):
        return
    end = rules.end_of(call.status, form.call_status, answered_by=form.answered_by, sip_code=form.sip_response_code)
    if end is not None:
        await _end(session, call, end, form, now=now)
        return
    locked = await calls.get_for_update(call_id, company_id=company_id)
    assert locked is not None
    _adopt(locked, form, now=now)
    if form.call_status == "completed":
        # Whoever holds the stream ends the call; if nobody does, the sweeper, which nothing puts off any more.
        locked.completed_at = locked.completed_at or now
    elif locked.status is not VoiceCallStatus.ENDED:
        calls.note_life(locked)


async def _end(session: AsyncSession, call: VoiceCall, end: rules.End, form: CallForm, *, now: datetime) -> None:
    await finish(
        session,
        call.id,
        company_id=call.company_id,
        outcome=end.outcome,
        end_reason=end.reason,
        now=now,
        note=lambda locked: _adopt(locked, form, now=now),
    )


def _is_of(call: VoiceCall, form: CallForm) -> bool:
    """Whether the form speaks of this call: its own id, or the first one that is heard of it."""
    return call.provider_id in (None, form.call_sid)


def _adopt(call: VoiceCall, form: CallForm, *, now: datetime) -> None:
    """Keep what is new: the process that dialled may have died before it could tell which call this is."""
    call.provider_id = form.call_sid
    call.dialled_at = call.dialled_at or now
    call.answered_by = form.answered_by or call.answered_by
    call.duration_s = form.call_duration if call.duration_s is None else call.duration_s
    if call.status is VoiceCallStatus.CLAIMED:
        call.status = VoiceCallStatus.DIALLED
