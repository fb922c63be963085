"""The life of a conversation: one turn at a time, and each sentence a row before it is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.clock import real_now
from db.ids import uuid7
from db.tables.conversations import (
    BlockedSentence,
    ChatMessage,
    ChatSession,
    ChatTurn,
    ConversationChannel,
    ConversationStatus,
    MessageRole,
    ToolCall,
    TurnSource,
    TurnStatus,
)
from graphs.conversations.ending import LostTurn, TurnRecord, end_broken, end_interrupted
from graphs.conversations.repository import ConversationRepository, TurnRepository
from graphs.conversations.schemas import Answer, Repeat, Turn
from graphs.conversations.transcript.repository import TranscriptRepository
from policy.errors import Conflict, NotFound, TooManyRequests
from policy.redaction.rules import redact_turns

# A turn answers within 10 s; a process that died with one is taken over after this long (real time).
LEASE = timedelta(seconds=20)
MESSAGES_A_MINUTE = 40
# How far back a card number that is spread over messages is looked for.
REDACTION_REACH = 4


class NoSuchConversation(NotFound):
    code = "no_such_session"
    title = "No such conversation"

    def __init__(self) -> None:
        super().__init__("There is no such conversation.")


class StillAnswering(Conflict):
    code = "still_answering"
    title = "The answer to the message before is still being written"

    def __init__(self) -> None:
        super().__init__("Wait for it, then send this message again.")
        self.retry_after_s = 2


async def open_conversation(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    channel: ConversationChannel,
    policy_version: int,
    now: datetime,
    disclosure: str | None = None,
    checkout_step: str | None = None,
    attempt_id: UUID | None = None,
) -> ChatSession:
    """A new conversation about a cart. The disclosure is the first row of its transcript (rules C-24)."""
    conversation = await ConversationRepository(session).add(
        ChatSession(
            company_id=company_id,
            id=uuid7(),
            cart_id=cart_id,
            attempt_id=attempt_id,
            channel=channel,
            checkout_step=checkout_step,
            status=ConversationStatus.OPEN,
            policy_version=policy_version,
            started_at=now,
            last_message_at=now,
        )
    )
    if disclosure is not None:
        await TranscriptRepository(session).add(
            conversation.id, MessageRole.SYSTEM, disclosure, company_id=company_id, turn_id=None, now=now
        )
    return conversation


async def of_attempt(
    session: AsyncSession, attempt_id: UUID, cart_id: UUID, *, company_id: UUID, policy_version: int, now: datetime
) -> ChatSession:
    """The planner's record of a save attempt, opened when it is first needed."""
    found = await ConversationRepository(session).of_attempt(
        attempt_id, ConversationChannel.PLANNER, company_id=company_id
    )
    return found or await open_conversation(
        session,
        cart_id,
        company_id=company_id,
        channel=ConversationChannel.PLANNER,
        policy_version=policy_version,
        attempt_id=attempt_id,
        now=now,
    )


async def get_conversation(session: AsyncSession, session_id: UUID, *, company_id: UUID) -> ChatSession:
    found = await ConversationRepository(session).get(session_id, company_id=company_id)
    if found is None:
        raise NoSuchConversation
    return found


async def begin_turn(
    session: AsyncSession, session_id: UUID, content: str, *, company_id: UUID, request_key: str | None, now: datetime
) -> Turn | Repeat:
    """Keep an utterance and become the one that answers it. Card numbers are gone before anything is stored.

    Raises:
        StillAnswering: another turn of this conversation is under way.
        TooManyRequests: more than 40 messages within a minute.
    """
    turns = TurnRepository(session)
    if request_key is not None and (before := await turns.of_request(session_id, request_key, company_id=company_id)):
        return Repeat(before, session_id, company_id)
    since = real_now() - timedelta(minutes=1)
    if await turns.count_since(session_id, since, company_id=company_id) >= MESSAGES_A_MINUTE:
        raise TooManyRequests("Please wait a moment before you write again.", retry_after_s=20)
    turn_id = uuid7()
    conversations = ConversationRepository(session)
    lease = await conversations.take_lease(session_id, turn_id, company_id=company_id, now=real_now(), life=LEASE)
    if lease is None:
        # The same request may have been made twice at once: the one that came second waited at the lease.
        if request_key and (first := await turns.of_request(session_id, request_key, company_id=company_id)):
            return Repeat(first, session_id, company_id)
        raise StillAnswering
    if lease.dead_turn is not None:
        await end_broken(session, session_id, lease.dead_turn, company_id=company_id, now=now)
    plain = await _store_redacted(session, session_id, turn_id, content, company_id=company_id, now=now)
    await turns.add(turn_id, session_id, request_key, company_id=company_id, started_at=real_now(), now=now)
    return Turn(turn_id, session_id, company_id, plain, now)


async def begin_spoken_turn(
    session: AsyncSession, session_id: UUID, content: str, *, company_id: UUID, bindings: type_json, now: datetime
) -> Turn:
    """Keep what was heard on a call, if anything, and become the one that answers it.

    A call has one line, and whoever holds the newest speaks: a turn that is still running elsewhere is put out.
    """
    turn_id = uuid7()
    conversations, turns = ConversationRepository(session), TurnRepository(session)
    await conversations.take_lease(session_id, turn_id, company_id=company_id, now=real_now(), life=LEASE, seize=True)
    for other in await turns.running(session_id, company_id=company_id):
        lost = TurnRecord(TurnStatus.BROKEN, Answer(response=""), fallback_reason="INTERRUPTED")
        await end_interrupted(session, session_id, other, lost, company_id=company_id)
    plain = content
    if content:
        plain = await _store_redacted(
            session, session_id, turn_id, content, company_id=company_id, now=now, bindings=bindings
        )
    await turns.add(turn_id, session_id, None, company_id=company_id, started_at=real_now(), now=now)
    return Turn(turn_id, session_id, company_id, plain, now)


async def keep_unanswered(
    session: AsyncSession, session_id: UUID, content: str, *, company_id: UUID, bindings: type_json, now: datetime
) -> None:
    """Keep what was heard on a call with no turn that answers it. Nobody else writes: its last turn has ended."""
    await _store_redacted(session, session_id, None, content, company_id=company_id, now=now, bindings=bindings)


async def _store_redacted(
    session: AsyncSession,
    session_id: UUID,
    turn_id: UUID | None,
    content: str,
    *,
    company_id: UUID,
    now: datetime,
    bindings: type_json | None = None,
) -> str:
    transcript = TranscriptRepository(session)
    earlier = await transcript.latest(session_id, company_id=company_id, limit=REDACTION_REACH, role=MessageRole.USER)
    redacted = redact_turns([row.content for row in earlier], content)
    for row, kept in zip(earlier, redacted.previous, strict=True):
        if kept != row.content:
            await transcript.rewrite(row, kept, company_id=company_id)
    await transcript.add(
        session_id,
        MessageRole.USER,
        redacted.text,
        company_id=company_id,
        turn_id=turn_id,
        bindings=bindings,
        now=now,
    )
    return redacted.text


async def history(session: AsyncSession, session_id: UUID, *, company_id: UUID, limit: int) -> list[ChatMessage]:
    """The last rows of the transcript, oldest first: an answer costs the same however long the conversation is."""
    return await TranscriptRepository(session).latest(session_id, company_id=company_id, limit=limit)


async def whole_history(session: AsyncSession, session_id: UUID, *, company_id: UUID, limit: int) -> list[ChatMessage]:
    """What a shopper is shown: the disclosure, and the last rows."""
    rows = await history(session, session_id, company_id=company_id, limit=limit)
    if rows and rows[0].position > 1:
        rows = [await TranscriptRepository(session).first(session_id, company_id=company_id), *rows]
    return rows


async def is_silenced(session: AsyncSession, session_id: UUID, *, company_id: UUID) -> bool:
    """Whether a person has taken over (decision 31)."""
    return await ConversationRepository(session).is_silenced(session_id, company_id=company_id)


async def keep_sentence(session: AsyncSession, turn: Turn, sentence: str, bindings: type_json, *, now: datetime) -> int:
    """Store a sentence that passed; its position is the id of the event that shows it.

    Raises:
        LostTurn: the turn was ended by another process, which took this one for dead.
    """
    position = await TranscriptRepository(session).add_sentence(
        turn.session_id, turn.id, sentence, bindings, company_id=turn.company_id, now=now
    )
    if position is None:
        raise LostTurn
    return position


async def keep_blocked(session: AsyncSession, turn: Turn, sentence: str, unbound: type_json, *, now: datetime) -> None:
    """Keep for the merchant what a model wanted to say and might not."""
    await TranscriptRepository(session).add_blocked(
        turn.session_id, turn.id, sentence, unbound, company_id=turn.company_id, now=now
    )


@dataclass(frozen=True)
class TurnState:
    """Where a turn stands, for a request that is repeated. `sentences` are those after the last one seen."""

    status: TurnStatus
    sentences: list[tuple[int, str]]
    answer: Answer | None


async def turn_state(session: AsyncSession, repeat: Repeat, *, seen: int, now: datetime) -> TurnState:
    """Read a turn; one whose process died is closed by whoever asks for it."""
    turns = TurnRepository(session)
    row = await turns.get(repeat.turn_id, company_id=repeat.company_id)
    if row.status is TurnStatus.RUNNING and not await ConversationRepository(session).holds_lease(
        repeat.session_id, repeat.turn_id, company_id=repeat.company_id, now=real_now()
    ):
        await end_broken(session, repeat.session_id, repeat.turn_id, company_id=repeat.company_id, now=now)
        row = await turns.get(repeat.turn_id, company_id=repeat.company_id)
    said = await TranscriptRepository(session).of_turn(
        repeat.turn_id, repeat.session_id, MessageRole.ASSISTANT, company_id=repeat.company_id, after=seen
    )
    return TurnState(
        status=row.status,
        sentences=[(each.position, each.content) for each in said],
        answer=None if row.status is TurnStatus.RUNNING else Answer.model_validate(row.result),
    )


@dataclass(frozen=True)
class Transcript:
    """A conversation as a merchant reads it."""

    conversation: ChatSession
    messages: list[ChatMessage]
    turns: list[ChatTurn]
    tool_calls: list[ToolCall]
    sources: list[TurnSource]
    blocked: list[BlockedSentence]


async def read_transcript(session: AsyncSession, session_id: UUID, *, company_id: UUID) -> Transcript:
    conversation = await get_conversation(session, session_id, company_id=company_id)
    turns, transcript = TurnRepository(session), TranscriptRepository(session)
    rows = await turns.of_session(session_id, company_id=company_id)
    return Transcript(
        conversation=conversation,
        messages=await transcript.all(session_id, company_id=company_id),
        turns=rows,
        tool_calls=await turns.tool_calls(session_id, company_id=company_id),
        sources=await turns.sources([row.id for row in rows], company_id=company_id),
        blocked=await transcript.blocked(session_id, company_id=company_id),
    )


async def list_conversations(
    session: AsyncSession, *, company_id: UUID, cart_id: UUID | None, after: UUID | None, limit: int
) -> list[ChatSession]:
    return await ConversationRepository(session).page(company_id=company_id, cart_id=cart_id, after=after, limit=limit)
