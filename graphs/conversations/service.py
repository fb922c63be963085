"""The life of a conversation: one turn at a time, and each sentence a row before it is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.clock import real_now
from db.ids import uuid7
from db.tables.conversations import (
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
from graphs.conversations.repository import ConversationRepository, TranscriptRepository, TurnRepository
from graphs.conversations.schemas import Answer, Repeat, Turn
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
    found = await ConversationRepository(session).of_attempt(attempt_id, company_id=company_id)
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
    if request_key is not None:
        before = await turns.of_request(session_id, request_key, company_id=company_id)
        if before is not None:
            return Repeat(before.id, session_id, company_id)
    since = real_now() - timedelta(minutes=1)
    if await turns.count_since(session_id, since, company_id=company_id) >= MESSAGES_A_MINUTE:
        raise TooManyRequests("Please wait a moment before you write again.", retry_after_s=20)
    turn_id = uuid7()
    conversations = ConversationRepository(session)
    if not await conversations.take_lease(session_id, turn_id, company_id=company_id, now=real_now(), life=LEASE):
        raise StillAnswering
    plain = await _store_redacted(session, session_id, turn_id, content, company_id=company_id, now=now)
    await turns.add(
        ChatTurn(
            company_id=company_id,
            id=turn_id,
            session_id=session_id,
            position=await turns.next_position(session_id, company_id=company_id),
            request_key=request_key,
            status=TurnStatus.RUNNING,
            started_at=real_now(),
        )
    )
    await conversations.touch(session_id, company_id=company_id, now=now)
    return Turn(turn_id, session_id, company_id, plain, now)


async def _store_redacted(
    session: AsyncSession, session_id: UUID, turn_id: UUID, content: str, *, company_id: UUID, now: datetime
) -> str:
    transcript = TranscriptRepository(session)
    rows = await transcript.latest(session_id, company_id=company_id, limit=REDACTION_REACH * 4)
    earlier = [row for row in rows if row.role is MessageRole.USER][-REDACTION_REACH:]
    redacted = redact_turns([row.content for row in earlier], content)
    for row, kept in zip(earlier, redacted.previous, strict=True):
        if kept != row.content:
            await transcript.rewrite(row, kept, company_id=company_id)
    await transcript.add(session_id, MessageRole.USER, redacted.text, company_id=company_id, turn_id=turn_id, now=now)
    return redacted.text


async def history(session: AsyncSession, session_id: UUID, *, company_id: UUID, limit: int) -> list[ChatMessage]:
    """The last rows of the transcript, oldest first: an answer costs the same however long the conversation is."""
    return await TranscriptRepository(session).latest(session_id, company_id=company_id, limit=limit)


async def keep_sentence(session: AsyncSession, turn: Turn, sentence: str, bindings: type_json, *, now: datetime) -> int:
    """Store a sentence that passed; its position is the id of the event that shows it."""
    return await TranscriptRepository(session).add(
        turn.session_id,
        MessageRole.ASSISTANT,
        sentence,
        company_id=turn.company_id,
        turn_id=turn.id,
        now=now,
        bindings=bindings,
    )


@dataclass(frozen=True)
class TurnRecord:
    """What a finished turn leaves behind besides its sentences."""

    status: TurnStatus
    answer: Answer
    model: str | None
    fallback_reason: str | None
    input_tokens: int
    output_tokens: int
    cost_micro_usd: int
    timings: dict[str, int]
    sources: list[type_json]


async def finish_turn(session: AsyncSession, turn: Turn, record: TurnRecord) -> None:
    turns = TurnRepository(session)
    row = await turns.get(turn.id, company_id=turn.company_id)
    row.status, row.model, row.fallback_reason = record.status, record.model, record.fallback_reason
    row.input_tokens, row.output_tokens = record.input_tokens, record.output_tokens
    row.cost_micro_usd, row.timings = record.cost_micro_usd, dict(record.timings)
    row.result = record.answer.model_dump(mode="json", by_alias=True)
    row.finished_at = real_now()
    await turns.add_sources(turn.id, record.sources, company_id=turn.company_id)
    await ConversationRepository(session).end_lease(turn.session_id, turn.id, company_id=turn.company_id)


@dataclass(frozen=True)
class TurnState:
    """Where a turn stands, for a request that is repeated."""

    done: bool
    # Running, and nobody holds its lease any more: the process that answered is gone.
    orphaned: bool
    sentences: list[tuple[int, str]]
    answer: Answer | None


async def turn_state(session: AsyncSession, repeat: Repeat) -> TurnState:
    row = await TurnRepository(session).get(repeat.turn_id, company_id=repeat.company_id)
    said = await TranscriptRepository(session).of_turn(
        repeat.turn_id, MessageRole.ASSISTANT, company_id=repeat.company_id
    )
    held = await ConversationRepository(session).holds_lease(
        repeat.session_id, repeat.turn_id, company_id=repeat.company_id, now=real_now()
    )
    done = row.status is not TurnStatus.RUNNING
    return TurnState(
        done=done,
        orphaned=not done and not held,
        sentences=[(each.position, each.content) for each in said],
        answer=Answer.model_validate(row.result) if done else None,
    )


async def adopt_turn(session: AsyncSession, repeat: Repeat, *, now: datetime) -> Turn | None:
    """Take over a turn whose process died; None when somebody else did."""
    taken = await ConversationRepository(session).take_lease(
        repeat.session_id, repeat.turn_id, company_id=repeat.company_id, now=real_now(), life=LEASE
    )
    if not taken:
        return None
    asked = await TranscriptRepository(session).of_turn(repeat.turn_id, MessageRole.USER, company_id=repeat.company_id)
    return Turn(repeat.turn_id, repeat.session_id, repeat.company_id, asked[0].content, now)


@dataclass(frozen=True)
class Transcript:
    """A conversation as a merchant reads it."""

    conversation: ChatSession
    messages: list[ChatMessage]
    turns: list[ChatTurn]
    tool_calls: list[ToolCall]
    sources: list[TurnSource]


async def read_transcript(session: AsyncSession, session_id: UUID, *, company_id: UUID) -> Transcript:
    conversation = await get_conversation(session, session_id, company_id=company_id)
    turns = TurnRepository(session)
    rows = await turns.of_session(session_id, company_id=company_id)
    return Transcript(
        conversation=conversation,
        messages=await TranscriptRepository(session).all(session_id, company_id=company_id),
        turns=rows,
        tool_calls=await turns.tool_calls(session_id, company_id=company_id),
        sources=await turns.sources([row.id for row in rows], company_id=company_id),
    )


async def list_conversations(
    session: AsyncSession, *, company_id: UUID, cart_id: UUID | None, after: UUID | None, limit: int
) -> list[ChatSession]:
    return await ConversationRepository(session).page(company_id=company_id, cart_id=cart_id, after=after, limit=limit)
