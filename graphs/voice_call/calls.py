"""The life of a call's conversation in rows: opened, gone on with, heard, ended. Nothing of it lives in a process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.conversations import ChatMessage, ChatSession, ConversationChannel, MessageRole, TurnStatus
from graphs.conversations import service as conversations
from graphs.conversations.ending import TurnRecord, kept_replies
from graphs.conversations.repository import ConversationRepository, TurnRepository
from graphs.conversations.schemas import Said
from graphs.conversations.telling import applied_discount
from graphs.conversations.transcript.repository import TranscriptRepository
from graphs.model import Usage
from graphs.voice_call.course import Progress
from graphs.voice_call.repository import VoiceCallRepository
from graphs.voice_call.state import CallAnswer, CallContext
from policy.errors import NotFound
from storefront.carts import service as carts
from tools.dispatch import ToolReply


class NoSuchCall(NotFound):
    code = "no_such_call"
    title = "No such call"

    def __init__(self) -> None:
        super().__init__("There is no such call.")


class HeardOf(StrEnum):
    """How much of a sentence was played before the customer talked over it."""

    WHOLE = "WHOLE"
    PART = "PART"


@dataclass(frozen=True)
class Spoken:
    """A line of the transcript that was really heard; `at_ms` counts from the moment the call was answered."""

    speaker: Literal["AGENT", "CUSTOMER"]
    text: str
    at_ms: int


async def conversation_of(
    session: AsyncSession, call_id: UUID, *, company_id: UUID, disclosure: str, policy_version: int, now: datetime
) -> ChatSession:
    """The conversation of a call, opened by whoever answers it first; its first row is the disclosure.

    Raises:
        NoSuchCall.
    """
    calls = VoiceCallRepository(session)
    cart_id = await calls.cart_of(call_id, company_id=company_id)
    if cart_id is None:
        raise NoSuchCall
    # The cart before the call, as everywhere: a new conversation's foreign key locks it too.
    await carts.read_locked(session, cart_id, company_id=company_id, now=now)
    call = await calls.get_for_update(call_id, company_id=company_id)
    assert call is not None  # it was there, and none is deleted
    if call.session_id is not None:
        return await conversations.get_conversation(session, call.session_id, company_id=company_id)
    opened = await conversations.open_conversation(
        session,
        call.cart_id,
        company_id=company_id,
        channel=ConversationChannel.VOICE,
        policy_version=policy_version,
        disclosure=disclosure,
        attempt_id=call.attempt_id,
        now=now,
    )
    await calls.bind(call_id, opened.id, company_id=company_id)
    return opened


@dataclass(frozen=True)
class Standing:
    """What the rows say of a call so far. `heard` are rows of which something was heard, the customer's among them."""

    progress: Progress
    disclosure: str
    heard: tuple[ChatMessage, ...]
    replies: tuple[ToolReply, ...]

    @property
    def question_was_heard(self) -> bool:
        return any(row.position == self.progress.asked_at for row in self.heard)

    @property
    def told(self) -> tuple[Said, ...]:
        """Sentences that were heard to their end."""
        return tuple(
            Said(row.content, frozenset(row.bindings.get("facts", ())), row.position)
            for row in self.heard
            if row.role is MessageRole.ASSISTANT and row.bindings.get("heard") == HeardOf.WHOLE
        )

    @property
    def remembered(self) -> list[ChatMessage]:
        """What a model may take as said: after a barge-in, only sentences that were played to their end."""
        return [row for row in self.heard if row.role is MessageRole.USER or row.bindings.get("heard") == HeardOf.WHOLE]


async def standing(session: AsyncSession, session_id: UUID, *, company_id: UUID, limit: int, now: datetime) -> Standing:
    transcript, turns = TranscriptRepository(session), TurnRepository(session)
    result = await VoiceCallRepository(session).last_result(session_id, company_id=company_id)
    first = await transcript.first(session_id, company_id=company_id)
    rows = await transcript.latest(session_id, company_id=company_id, limit=limit)
    calls = await turns.tool_calls(session_id, company_id=company_id)
    return Standing(
        progress=Progress() if result is None else CallAnswer.model_validate(result).progress,
        disclosure=first.content,
        heard=tuple(really_heard(rows)),
        replies=tuple(await kept_replies(session, session_id, calls, company_id=company_id, now=now)),
    )


def really_heard(rows: Sequence[ChatMessage]) -> list[ChatMessage]:
    """What the customer said, and of each turn's sentences those that were played: all up to the one they talked into.

    Whoever carries the call reports every sentence that it threw away as heard in part; only the first of them had
    begun.
    """
    heard: list[ChatMessage] = []
    cut: set[UUID | None] = set()
    for row in rows:
        if row.role is MessageRole.USER:
            heard.append(row)
        elif "heard" in row.bindings and row.turn_id not in cut:
            heard.append(row)
            if row.bindings["heard"] == HeardOf.PART:
                cut.add(row.turn_id)
    return heard


async def played(
    session: AsyncSession, session_id: UUID, position: int, *, company_id: UUID, at_ms: int, whole: bool
) -> None:
    """The customer has heard a sentence, to its end or as far as they let us speak."""
    heard = HeardOf.WHOLE if whole else HeardOf.PART
    await TranscriptRepository(session).note(
        session_id, position, {"heard": heard, "atMs": at_ms}, company_id=company_id
    )


async def timed(
    session: AsyncSession, session_id: UUID, position: int, timings: Mapping[str, int], *, company_id: UUID
) -> None:
    await TurnRepository(session).add_timings(session_id, position, timings, company_id=company_id)


async def spoken(session: AsyncSession, session_id: UUID, *, company_id: UUID) -> list[Spoken]:
    """The call as it was heard, in its order: a sentence that never left the line is not in it."""
    rows = await TranscriptRepository(session).all(session_id, company_id=company_id)
    lines = [
        Spoken("CUSTOMER" if row.role is MessageRole.USER else "AGENT", row.content.strip(), row.bindings["atMs"])
        for row in really_heard(rows)
    ]
    return sorted(lines, key=lambda line: line.at_ms)


async def spoken_by_customer(session: AsyncSession, session_id: UUID, *, company_id: UUID) -> list[str]:
    rows = await TranscriptRepository(session).all(session_id, company_id=company_id)
    return [row.content for row in rows if row.role is MessageRole.USER]


async def accept_grant(session: AsyncSession, call_id: UUID, grant_id: UUID, *, company_id: UUID) -> None:
    await VoiceCallRepository(session).accept(call_id, grant_id, company_id=company_id)


async def close_conversation(session: AsyncSession, session_id: UUID, *, company_id: UUID) -> None:
    await ConversationRepository(session).close(session_id, company_id=company_id)


def record_of(
    context: CallContext,
    said: Sequence[Said],
    replies: Sequence[ToolReply],
    *,
    status: TurnStatus,
    model: str | None = None,
    fallback_reason: str | None = None,
    usage: Usage,
) -> TurnRecord:
    """What a turn of a call leaves, whether it came to its end or was talked over."""
    return TurnRecord(
        status=status,
        answer=CallAnswer(
            response="".join(each.text for each in said).strip(),
            auto_applied_discount=applied_discount(replies),
            progress=context.progress,
        ),
        model=model,
        fallback_reason=fallback_reason,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_micro_usd=context.cost_micro_usd,
        timings=context.timings,
    )
