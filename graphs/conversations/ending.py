"""How a turn ends: with its whole answer, or closed by whoever finds that it broke."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.clock import real_now
from db.ids import uuid7
from db.tables.conversations import MessageRole, ToolCall, TurnStatus
from graphs.conversations.repository import ConversationRepository, TurnRepository
from graphs.conversations.schemas import Answer, Said
from graphs.conversations.telling import applied_discount, separated, unspoken
from graphs.conversations.transcript.repository import TranscriptRepository
from policy.claims.facts import fact_from_json
from policy.claims.rules import check
from policy.offers import service as offers
from tools.dispatch import ToolReply

INTERRUPTED = "I was interrupted. Please ask again if something is missing."


class LostTurn(Exception):
    """Another process has ended this turn: nothing more may be said or kept in it."""


@dataclass(frozen=True)
class TurnRecord:
    """What a finished turn leaves behind besides its sentences."""

    status: TurnStatus
    answer: Answer
    model: str | None = None
    fallback_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_micro_usd: int = 0
    timings: Mapping[str, int] = field(default_factory=dict)
    sources: list[type_json] = field(default_factory=list)


@dataclass(frozen=True)
class Spent:
    """What is known of a turn that broke."""

    cost_micro_usd: int = 0
    timings: Mapping[str, int] = field(default_factory=dict)


NOTHING = Spent()


async def finish_turn(
    session: AsyncSession, session_id: UUID, turn_id: UUID, record: TurnRecord, *, company_id: UUID
) -> None:
    """Keep the answer and let the next message in.

    Raises:
        LostTurn: it has been ended already.
    """
    turns = TurnRepository(session)
    values: type_json = {
        "status": record.status,
        "model": record.model,
        "fallback_reason": record.fallback_reason,
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "cost_micro_usd": record.cost_micro_usd,
        "timings": dict(record.timings),
        "result": record.answer.model_dump(mode="json", by_alias=True),
        "finished_at": real_now(),
    }
    if not await turns.finish(turn_id, values, company_id=company_id):
        raise LostTurn
    await turns.add_sources(turn_id, record.sources, company_id=company_id)
    await ConversationRepository(session).end_lease(session_id, turn_id, company_id=company_id)


async def end_interrupted(
    session: AsyncSession, session_id: UUID, turn_id: UUID, record: TurnRecord, *, company_id: UUID
) -> None:
    """Close a turn whose answer was cut short, unless it has ended. Nothing is added: what is spoken cannot be shown
    later, and what it changed is told by the next turn."""
    if await TurnRepository(session).lock_running(turn_id, company_id=company_id):
        await finish_turn(session, session_id, turn_id, record, company_id=company_id)


async def keep_model_call(
    session: AsyncSession, session_id: UUID, record: TurnRecord, *, company_id: UUID, seconds: float, now: datetime
) -> None:
    """Keep a model call that answered nobody: the planner's, which took `seconds` until now."""
    turn_id, began = uuid7(), real_now() - timedelta(seconds=seconds)
    await TurnRepository(session).add(turn_id, session_id, None, company_id=company_id, started_at=began, now=now)
    await finish_turn(session, session_id, turn_id, record, company_id=company_id)


async def end_broken(
    session: AsyncSession, session_id: UUID, turn_id: UUID, *, company_id: UUID, now: datetime, spent: Spent = NOTHING
) -> None:
    """Close a turn that broke, unless it has ended: its tools may have been half-way, so nothing is run again.

    What they changed is told, and then that the answer was interrupted.
    """
    turns, transcript = TurnRepository(session), TranscriptRepository(session)
    if not await turns.lock_running(turn_id, company_id=company_id):
        return
    rows = await transcript.of_turn(turn_id, session_id, MessageRole.ASSISTANT, company_id=company_id)
    said = [Said(row.content, frozenset(row.bindings.get("facts", ()))) for row in rows]
    calls = await TurnRepository(session).tool_calls_of(turn_id, session_id, company_id=company_id)
    replies = await kept_replies(session, session_id, calls, company_id=company_id, now=now)
    facts = [fact for reply in replies for fact in reply.facts]
    for sentence in [*unspoken(replies, said), INTERRUPTED]:
        text = separated(sentence, said)
        verdict = check(text, facts, now=now)
        if not verdict.passed:
            continue
        bound = list(dict.fromkeys(binding.fact_id for binding in verdict.bindings))
        await transcript.add(
            session_id,
            MessageRole.ASSISTANT,
            text,
            company_id=company_id,
            turn_id=turn_id,
            bindings={"facts": bound},
            now=now,
        )
        said.append(Said(text, frozenset(bound)))
    record = TurnRecord(
        status=TurnStatus.BROKEN,
        answer=Answer(
            response="".join(each.text for each in said).strip(), auto_applied_discount=applied_discount(replies)
        ),
        fallback_reason="INTERRUPTED",
        cost_micro_usd=spent.cost_micro_usd,
        timings=spent.timings,
    )
    await finish_turn(session, session_id, turn_id, record, company_id=company_id)


async def kept_replies(
    session: AsyncSession, session_id: UUID, calls: Sequence[ToolCall], *, company_id: UUID, now: datetime
) -> list[ToolReply]:
    """What calls of a conversation did, with those of their facts that still hold: of an offer, only the live one."""
    if not calls:
        return []
    conversation = await ConversationRepository(session).get(session_id, company_id=company_id)
    assert conversation is not None  # it has made calls
    live = await offers.live_grant(session, conversation.cart_id, company_id=company_id, now=now)
    return [_reply(each, live_grant="" if live is None else f"grant:{live.id}") for each in calls]


def _reply(call: ToolCall, *, live_grant: str) -> ToolReply:
    kept = [fact_from_json(each) for each in call.result.get("facts", ())]
    facts = [each for each in kept if each.id == live_grant or not each.id.startswith(("cart:", "line:", "grant:"))]
    return ToolReply(call.name, call.outcome, call.reason, call.result, tuple(facts))
