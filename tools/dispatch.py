"""The one place where tool calls are run: schema, transaction, time limit, audit.

Each call is a transaction of its own, with its audit row in it: what a tool wrote and the record that it did
are committed together. A call that was made before (same key) answers with its first result.
"""

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import UUID

from pydantic import JsonValue, ValidationError
from sqlalchemy.exc import SQLAlchemyError
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
from tools.base import Done, Refused, Tool, ToolContext
from tools.repository import ToolCallRepository

logger = logging.getLogger(__name__)

TIME_LIMIT_S = 5.0
FAILED_SAY = "Something went wrong on our side, so I couldn't do that."

Toolbox = Mapping[str, Tool[Any]]


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
    """Run one call. Never raises for what a model can send; a crash is answered kindly and kept as FAILED."""
    started = perf_counter()
    tool = toolbox.get(call.name)
    if tool is None:
        return await _keep_alone(
            engine, conversation, call, started, _invalid("UNKNOWN_TOOL", "There is no such tool.")
        )
    try:
        arguments = tool.arguments.model_validate(dict(call.input))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'input'}: {each['msg']}" for each in error.errors())
        return await _keep_alone(engine, conversation, call, started, _invalid("BAD_ARGUMENTS", problems))
    try:
        async with asyncio.timeout(TIME_LIMIT_S), transaction(engine, company_id=conversation.company_id) as session:
            kept = await ToolCallRepository(session).get(call.key, company_id=conversation.company_id)
            if kept is not None:
                return _reply(call.name, kept.outcome, kept.reason, kept.result)
            context = _context(session, conversation, call, now=await read_clock(session))
            reply = _answer(call.name, await tool.run(context, arguments))
            await _keep(session, conversation, call, started, reply, now=context.now)
            return reply
    except AppError as error:
        refused = _answer(call.name, Refused(error.code.upper(), error.detail))
        return await _keep_alone(engine, conversation, call, started, refused)
    except (SQLAlchemyError, TimeoutError) as error:
        logger.exception("tool_failed", extra={"tool": call.name, "error": type(error).__name__})
        result: dict[str, JsonValue] = {"ok": False, "code": "FAILED", "say": FAILED_SAY}
        failed = ToolReply(call.name, ToolOutcome.FAILED, type(error).__name__, result, ())
        return await _keep_alone(engine, conversation, call, started, failed)


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


def _invalid(code: str, problem: str) -> ToolReply:
    result: dict[str, JsonValue] = {"ok": False, "code": code, "problem": problem}
    return ToolReply("", ToolOutcome.INVALID, code, result, ())


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
    """Keep a call that changed nothing else. One that was kept before stays as it was."""
    async with transaction(engine, company_id=conversation.company_id) as session:
        await _keep(session, conversation, call, started, reply, now=await read_clock(session))
    return reply


async def _keep(
    session: AsyncSession, conversation: Conversation, call: Call, started: float, reply: ToolReply, *, now: datetime
) -> None:
    await ToolCallRepository(session).add(
        {
            "id": uuid7(),
            "session_id": conversation.id,
            "turn_id": call.turn_id,
            "attempt_id": conversation.attempt_id,
            "call_key": call.key,
            "name": call.name[:100],
            "input": _storable(dict(call.input)),
            "outcome": reply.outcome,
            "reason": reply.reason,
            "result": reply.result,
            "policy_version": conversation.policy_version,
            "latency_ms": round((perf_counter() - started) * 1000),
            "called_at": now,
        },
        company_id=conversation.company_id,
    )


def _storable(value: JsonValue) -> JsonValue:
    """The value without card numbers, and without what jsonb cannot hold: a model can send anything."""
    match value:
        case str():
            return redact(value.encode("utf-8", "replace").decode().replace("\0", "")).text
        case float() if not math.isfinite(value):
            return str(value)
        case list():
            return [_storable(each) for each in value]
        case dict():
            return {str(_storable(key)): _storable(each) for key, each in value.items()}
        case _:
            return value
