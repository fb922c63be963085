"""The one place where tool calls are run: schema, transaction, time limit, audit.

Each call is a transaction of its own, with its audit row in it: what a tool wrote and the record that it did
are committed together. A call that was made before (same key) answers with its first result.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

from pydantic import JsonValue, ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.clock import read_clock
from db.ids import uuid7
from db.session import transaction
from db.tables.conversations import ConversationChannel, ToolOutcome
from policy.claims.facts import Fact, fact_from_json, fact_to_json
from policy.errors import AppError
from policy.redaction.rules import redact
from recovery.config import FlowConfig
from recovery.emails import Mailing
from tools.arguments import plain_text, storable, unusable
from tools.base import Done, Effect, Refused, Tool, ToolContext
from tools.repository import ToolCallRepository

logger = logging.getLogger(__name__)

TIME_LIMIT_S = 5.0
FAILED_SAY = "Something went wrong on our side, so I couldn't do that."

Toolbox = Mapping[str, Tool[Any]]

# The event loop keeps no task alive by itself.
_running: "set[asyncio.Task[ToolReply]]" = set()


@dataclass(frozen=True)
class Conversation:
    """What a session binds: company, cart, channel and the policy in force."""

    id: UUID
    company_id: UUID
    cart_id: UUID
    attempt_id: UUID | None
    channel: ConversationChannel
    config: FlowConfig
    policy_version: int
    locale: str
    tz: str
    mailing: Mailing


@dataclass(frozen=True)
class ToolReply:
    """What the model is told (`content`, JSON) and what the sentences that follow may rest on."""

    name: str
    outcome: ToolOutcome
    reason: str | None
    result: dict[str, JsonValue]
    facts: tuple[Fact, ...]

    @property
    def content(self) -> str:
        return json.dumps({key: value for key, value in self.result.items() if key != "facts"})


@dataclass(frozen=True)
class Call:
    """A tool call as a model made it: any name, any arguments."""

    name: str
    input: Mapping[str, JsonValue]
    key: str
    turn_id: UUID | None


async def dispatch(engine: AsyncEngine, toolbox: Toolbox, conversation: Conversation, call: Call) -> ToolReply:
    """Run one call. Never raises for what a model can send; a crash is answered kindly and kept as FAILED.

    The call is a task of its own: once begun it ends, whoever stops listening, and its result is kept (a shopper who
    interrupts a call has not interrupted a write).
    """
    started = perf_counter()
    running = asyncio.create_task(_run(engine, toolbox, conversation, call, started))
    _running.add(running)
    running.add_done_callback(_running.discard)
    await asyncio.wait([running])
    match running.exception():
        case None:
            return running.result()
        case AppError() as error:
            refused = _answer(call.name, Refused(error.code.upper(), error.detail))
            return await _keep_alone(engine, conversation, call, started, refused)
        case error:
            logger.error("tool_failed", extra={"tool": call.name[:100], "error": type(error).__name__}, exc_info=error)
            result: dict[str, JsonValue] = {"ok": False, "code": "FAILED", "say": FAILED_SAY}
            failed = ToolReply(call.name, ToolOutcome.FAILED, type(error).__name__, result, ())
            return await _keep_alone(engine, conversation, call, started, failed)


async def _run(
    engine: AsyncEngine, toolbox: Toolbox, conversation: Conversation, call: Call, started: float
) -> ToolReply:
    run = _understood(toolbox, call)
    async with asyncio.timeout(TIME_LIMIT_S), transaction(engine, company_id=conversation.company_id) as session:
        writes = not isinstance(run, ToolReply) and toolbox[call.name].effect is Effect.WRITE
        if writes and (kept := await _kept_before(session, conversation, call)) is not None:
            return kept
        context = _context(session, conversation, call, now=await read_clock(session))
        reply = run if isinstance(run, ToolReply) else _answer(call.name, await run(context))
        if await _keep(session, conversation, call, started, reply, now=context.now):
            return reply
        # Reading twice does no harm, so a read finds out only here that it was made before.
        kept = await _kept(session, conversation, call)
        assert kept is not None  # it was in the way
        return kept


async def _kept_before(session: AsyncSession, conversation: Conversation, call: Call) -> ToolReply | None:
    """What came of this call when it was made before. The same call at the same moment waits here for the first."""
    await ToolCallRepository(session).lock(call.key, company_id=conversation.company_id)
    return await _kept(session, conversation, call)


async def _kept(session: AsyncSession, conversation: Conversation, call: Call) -> ToolReply | None:
    kept = await ToolCallRepository(session).get(call.key, company_id=conversation.company_id)
    return None if kept is None else _reply(call.name, kept.outcome, kept.reason, kept.result)


def _understood(toolbox: Toolbox, call: Call) -> Callable[[ToolContext], Awaitable[Done | Refused]] | ToolReply:
    """The call, ready to be run, or what the model got wrong."""
    tool = toolbox.get(call.name)
    if tool is None:
        return _invalid(call.name, "UNKNOWN_TOOL", "There is no such tool.")
    if (problem := unusable(call.input)) is not None:
        return _invalid(call.name, "BAD_ARGUMENTS", problem)
    try:
        arguments = tool.arguments.model_validate(dict(call.input))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'input'}: {each['msg']}" for each in error.errors())
        return _invalid(call.name, "BAD_ARGUMENTS", problems[:1000])
    return lambda context: tool.run(context, arguments)


def _context(session: AsyncSession, conversation: Conversation, call: Call, *, now: datetime) -> ToolContext:
    return ToolContext(
        session=session,
        company_id=conversation.company_id,
        cart_id=conversation.cart_id,
        conversation_id=conversation.id,
        turn_id=call.turn_id,
        attempt_id=conversation.attempt_id,
        channel=conversation.channel,
        call_key=call.key,
        now=now,
        config=conversation.config,
        policy_version=conversation.policy_version,
        locale=conversation.locale,
        tz=conversation.tz,
        mailing=conversation.mailing,
    )


def _invalid(name: str, code: str, problem: str) -> ToolReply:
    result: dict[str, JsonValue] = {"ok": False, "code": code, "problem": redact(problem).text}
    return ToolReply(name, ToolOutcome.INVALID, code, result, ())


def _answer(name: str, answer: Done | Refused) -> ToolReply:
    if isinstance(answer, Refused):
        result: dict[str, JsonValue] = {"ok": False, "code": answer.code, "say": answer.say}
        return ToolReply(name, ToolOutcome.REFUSED, answer.code, result, ())
    result = {"ok": True, **answer.data, "facts": [fact_to_json(fact) for fact in answer.facts]}
    if answer.say is not None:
        result["say"] = answer.say
    return ToolReply(name, ToolOutcome.OK, None, result, answer.facts)


def _reply(name: str, outcome: ToolOutcome, reason: str | None, result: dict[str, JsonValue]) -> ToolReply:
    stored = result.get("facts")
    facts = tuple(fact_from_json(each) for each in stored if isinstance(each, dict)) if isinstance(stored, list) else ()
    return ToolReply(name, outcome, reason, result, facts)


async def _keep_alone(
    engine: AsyncEngine, conversation: Conversation, call: Call, started: float, reply: ToolReply
) -> ToolReply:
    """Keep a call that changed nothing else. One that was kept before stays as it was, and answers."""
    async with transaction(engine, company_id=conversation.company_id) as session:
        if await _keep(session, conversation, call, started, reply, now=await read_clock(session)):
            return reply
        kept = await _kept(session, conversation, call)
    assert kept is not None  # it was in the way
    return kept


async def _keep(
    session: AsyncSession, conversation: Conversation, call: Call, started: float, reply: ToolReply, *, now: datetime
) -> bool:
    return await ToolCallRepository(session).add(
        {
            "id": uuid7(),
            "session_id": conversation.id,
            "turn_id": call.turn_id,
            "attempt_id": conversation.attempt_id,
            "call_key": call.key,
            "name": plain_text(call.name)[:100],
            "input": storable(call.input),
            "outcome": reply.outcome,
            "reason": reply.reason,
            "result": reply.result,
            "policy_version": conversation.policy_version,
            "latency_ms": round((perf_counter() - started) * 1000),
            "called_at": now,
        },
        company_id=conversation.company_id,
    )
