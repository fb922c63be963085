"""The life of a call once it has a row: its stream, its heartbeat, its end.

Locks in order: cart, attempt, grant, message, call. Every end is `finish`: the first outcome wins.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.clock import real_now
from db.ids import uuid7
from db.session import enter
from db.tables.policy import Channel
from db.tables.voice import EndReason, VoiceCall, VoiceCallOutcome, VoiceCallStatus
from delivery import service as delivery
from graphs.voice_call import calls as conversations
from policy.contact import service as contact
from policy.contact.rules import SAID_NO
from policy.errors import NotFound
from policy.tokens import BadToken, Signer, Token, TokenKind
from recovery import responses
from recovery.attempts import get_attempt
from recovery.dispatch import after_call, why_stale
from recovery.errors import AttemptIsClosed
from storefront.carts import service as carts
from voice.calls import rules
from voice.calls.repository import CallRepository
from voice.calls.schemas import StreamedCall

# From the answer until the carrier opens the stream, in real time.
STREAM_TOKEN_LIFE = timedelta(minutes=1)
# Somebody spoke with us; an order of the next days is credited to it.
REACHED = frozenset(
    {
        VoiceCallOutcome.RECOVERED,
        VoiceCallOutcome.DISCOUNT_ACCEPTED,
        VoiceCallOutcome.CALLBACK_REQUESTED,
        VoiceCallOutcome.DECLINED,
        VoiceCallOutcome.ESCALATED,
    }
)


class NoSuchCall(NotFound):
    code = "no_such_call"
    title = "No such call"


def issue_stream_token(call: VoiceCall, *, signer: Signer) -> str:
    """A token that opens the stream of this locked call once; the one before it is good for nothing any more."""
    token = Token(TokenKind.STREAM, call.company_id, (call.id,), real_now() + STREAM_TOKEN_LIFE, word=uuid7().hex)
    text = signer.sign(token)
    call.stream_token_hash = _hash(text)
    return text


async def is_called_off(session: AsyncSession, call: VoiceCall, *, signer: Signer, now: datetime) -> bool:
    """Whether the call's reason fell away while it rang: they stopped contact, bought or came back, or the flow ended.

    What keeps a due call from being dialled keeps an answered one from being taken up. Locks cart and attempt: before
    the call.
    """
    cart = await carts.read_locked(session, call.cart_id, company_id=call.company_id, now=now)
    message = await delivery.get_message(session, call.message_id, company_id=call.company_id)
    if await why_stale(session, message, cart, now=now) is not None:
        return True
    return await contact.is_suppressed(
        session, call.customer_id, Channel.VOICE, company_id=call.company_id, signer=signer
    )


async def open_stream(session: AsyncSession, token: str, *, signer: Signer, now: datetime) -> StreamedCall | None:
    """Use up a stream token, in a transaction that knows no company yet: it enters the token's.

    None: the call was called off since it was answered, and has ended.

    Raises:
        BadToken: not ours, too old, used, replaced by a newer one, or the call is over.
    """
    read = signer.read(token, kind=TokenKind.STREAM, now=real_now())
    await enter(session, read.company_id)
    calls = CallRepository(session)
    found = await calls.get(read.subjects[0], company_id=read.company_id)
    called_off = found is not None and await is_called_off(session, found, signer=signer, now=now)
    call = await calls.get_for_update(read.subjects[0], company_id=read.company_id)
    if call is None or call.status is not VoiceCallStatus.ANSWERED or call.stream_token_hash != _hash(token):
        raise BadToken
    if called_off:
        end = rules.CALLED_OFF
        await finish(session, call.id, company_id=call.company_id, outcome=end.outcome, end_reason=end.reason, now=now)
        return None
    assert call.provider_id is not None  # who answered was dialled
    call.status, call.stream_token_used_at = VoiceCallStatus.TALKING, now
    calls.note_life(call)
    await session.flush()
    return StreamedCall(call.id, call.company_id, call.provider_id)


async def beat(session: AsyncSession, call_id: UUID, *, company_id: UUID) -> bool:
    """The process that holds the call is alive; False when the call has ended meanwhile and is to be let go.

    Beat every few seconds: a call that nothing is heard of for `voice.calls.rules.LOST_AFTER` is closed.
    """
    return await CallRepository(session).heard_of(call_id, company_id=company_id)


async def finish(
    session: AsyncSession,
    call_id: UUID,
    *,
    company_id: UUID,
    outcome: VoiceCallOutcome,
    end_reason: EndReason,
    now: datetime,
    note: Callable[[VoiceCall], None] | None = None,
) -> bool:
    """End a call, once: keep its outcome and transcript, free its line, close its contact. False: it had ended.

    Who declined is not tried elsewhere (rules C-23): the flow of the cart ends too. The grant that was accepted is on
    the row already, put there when the customer said yes. `note` writes down what else the caller knows of the call,
    whether it had ended or not.
    """
    calls = CallRepository(session)
    found = await calls.get(call_id, company_id=company_id)
    if found is None:
        raise NoSuchCall("There is no such call.")
    await carts.read_locked(session, found.cart_id, company_id=company_id, now=now)
    call = await calls.get_for_update(call_id, company_id=company_id)
    assert call is not None  # it was there, and none is deleted
    transcript = await _transcript(session, call)
    # All changes in one UPDATE (see `CallRepository.note_life`).
    if note is not None:
        note(call)
    if call.status is VoiceCallStatus.ENDED:
        return False
    call.status, call.slot = VoiceCallStatus.ENDED, None
    call.outcome, call.end_reason = outcome, end_reason
    call.completed_at = call.completed_at or now
    call.transcript = transcript
    await session.flush()
    await after_call(
        session, call.message_id, company_id=company_id, reached=outcome in REACHED, reason=end_reason, now=now
    )
    if end_reason in SAID_NO:
        await _end_flow(session, call, now=now)
    return True


async def _end_flow(session: AsyncSession, call: VoiceCall, *, now: datetime) -> None:
    attempt = await get_attempt(session, call.attempt_id, company_id=call.company_id)
    try:
        await responses.decline(session, attempt.id, company_id=call.company_id, now=now)
    except AttemptIsClosed:
        return  # an opt-out has ended it already


async def _transcript(session: AsyncSession, call: VoiceCall) -> list[type_json] | None:
    """What was really heard, as `{speaker, text, atMs}`; milliseconds count from the answer."""
    if call.session_id is None:
        return None
    lines = await conversations.spoken(session, call.session_id, company_id=call.company_id)
    return [{"speaker": line.speaker, "text": line.text, "atMs": line.at_ms} for line in lines]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
