"""Conversations as the merchant reads them: what was said, which tools ran, what the policy decided."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import JsonValue

from api.dependencies import MerchantDep, SessionDep
from api.problems import responses
from api.route import TransactionRoute
from api.schemas import Cursor, Limit, Page, Schema, decode_cursor, encode_cursor, example
from db.tables.conversations import ChatSession, ConversationChannel, ConversationStatus, MessageRole
from graphs.conversations import service
from graphs.conversations.service import Transcript

router = APIRouter(prefix="/conversations", tags=["Conversations"], route_class=TransactionRoute)


_CONVERSATION: dict[str, JsonValue] = {
    "id": "01980f2e-8c5a-7c3e-9a54-0d5f8a3b1c22",
    "cartId": "01980f2e-8c59-7a1b-8d11-5c0a7e9f2b10",
    "attemptId": None,
    "channel": "CHECKOUT_CHAT",
    "status": "OPEN",
    "policyVersion": 0,
    "startedAt": "2026-11-22T12:00:00Z",
    "lastMessageAt": "2026-11-22T12:00:04Z",
}


class ConversationRead(Schema):
    model_config = example(_CONVERSATION)

    id: UUID
    cart_id: UUID
    attempt_id: UUID | None
    channel: ConversationChannel
    status: ConversationStatus
    policy_version: int
    started_at: datetime
    last_message_at: datetime


class TranscriptMessageRead(Schema):
    """One row of the transcript. `facts` are the rows behind the claims of a sentence."""

    id: UUID
    turn_id: UUID | None
    role: MessageRole
    content: str
    facts: list[str]
    created_at: datetime


class ToolCallRead(Schema):
    id: UUID
    turn_id: UUID | None
    name: str
    input: dict[str, JsonValue]
    outcome: str
    reason: str | None
    result: dict[str, JsonValue]
    policy_version: int
    latency_ms: int
    called_at: datetime


class SourceRead(Schema):
    id: UUID
    title: str
    version: int
    score: float


class TurnRead(Schema):
    id: UUID
    status: str
    model: str | None
    fallback_reason: str | None
    input_tokens: int
    output_tokens: int
    cost_micro_usd: int
    timings: dict[str, int]
    sources: list[SourceRead]


class BlockedSentenceRead(Schema):
    """What the model wanted to say and the claims check kept from the shopper; `claims` are those without a fact."""

    turn_id: UUID
    content: str
    claims: list[dict[str, str]]
    created_at: datetime


class TranscriptRead(ConversationRead):
    model_config = example(
        {
            **_CONVERSATION,
            "messages": [
                {
                    "id": "01980f2e-8c5b-7c3e-9a54-0d5f8a3b1c23",
                    "turnId": "01980f2e-8c5c-7c3e-9a54-0d5f8a3b1c24",
                    "role": "ASSISTANT",
                    "content": "10% off is applied to your cart until November 25 at 9:00 AM.",
                    "facts": ["grant:01980f2e-8c5d-7c3e-9a54-0d5f8a3b1c25"],
                    "createdAt": "2026-11-22T12:00:04Z",
                }
            ],
            "toolCalls": [
                {
                    "id": "01980f2e-8c5e-7c3e-9a54-0d5f8a3b1c26",
                    "turnId": "01980f2e-8c5c-7c3e-9a54-0d5f8a3b1c24",
                    "name": "apply_discount",
                    "input": {"reason": "TOO_EXPENSIVE"},
                    "outcome": "OK",
                    "reason": None,
                    "result": {"ok": True, "kind": "PERCENTAGE_DISCOUNT", "percent": "10"},
                    "policyVersion": 0,
                    "latencyMs": 14,
                    "calledAt": "2026-11-22T12:00:03Z",
                }
            ],
            "turns": [
                {
                    "id": "01980f2e-8c5c-7c3e-9a54-0d5f8a3b1c24",
                    "status": "DONE",
                    "model": "offline",
                    "fallbackReason": None,
                    "inputTokens": 0,
                    "outputTokens": 0,
                    "costMicroUsd": 0,
                    "timings": {"modelMs": 12, "toolsMs": 20, "totalMs": 61},
                    "sources": [],
                }
            ],
            "blockedSentences": [
                {
                    "turnId": "01980f2e-8c5c-7c3e-9a54-0d5f8a3b1c24",
                    "content": "Only 2 left, so hurry!",
                    "claims": [{"kind": "COUNT", "text": "Only 2"}, {"kind": "PRESSURE", "text": "hurry"}],
                    "createdAt": "2026-11-22T12:00:04Z",
                }
            ],
        }
    )

    messages: list[TranscriptMessageRead]
    tool_calls: list[ToolCallRead]
    turns: list[TurnRead]
    blocked_sentences: list[BlockedSentenceRead]


@router.get("", responses=responses(403))
async def list_conversations(
    merchant: MerchantDep,
    session: SessionDep,
    cart_id: Annotated[UUID | None, Query(alias="cartId")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ConversationRead]:
    """Conversations, newest first; of one cart with `cartId`."""
    found = await service.list_conversations(
        session, company_id=merchant.company_id, cart_id=cart_id, after=decode_cursor(cursor), limit=limit + 1
    )
    page = found[:limit]
    return Page(
        items=[_conversation(each) for each in page],
        next_cursor=encode_cursor(page[-1].id) if len(found) > limit else None,
    )


@router.get("/{conversation_id}", responses=responses(403, 404))
async def read_conversation(conversation_id: UUID, merchant: MerchantDep, session: SessionDep) -> TranscriptRead:
    """One conversation in full: transcript, tool calls with their outcomes, sources and timings of each turn."""
    return _transcript(await service.read_transcript(session, conversation_id, company_id=merchant.company_id))


def _conversation(row: ChatSession) -> ConversationRead:
    return ConversationRead(
        id=row.id,
        cart_id=row.cart_id,
        attempt_id=row.attempt_id,
        channel=row.channel,
        status=row.status,
        policy_version=row.policy_version,
        started_at=row.started_at,
        last_message_at=row.last_message_at,
    )


def _transcript(found: Transcript) -> TranscriptRead:
    return TranscriptRead(
        **_conversation(found.conversation).model_dump(),
        messages=[
            TranscriptMessageRead(
                id=row.id,
                turn_id=row.turn_id,
                role=row.role,
                content=row.content,
                facts=row.bindings.get("facts", []),
                created_at=row.created_at,
            )
            for row in found.messages
        ],
        tool_calls=[
            ToolCallRead(
                id=row.id,
                turn_id=row.turn_id,
                name=row.name,
                input=row.input,
                outcome=row.outcome,
                reason=row.reason,
                result={name: value for name, value in row.result.items() if name != "facts"},
                policy_version=row.policy_version,
                latency_ms=row.latency_ms,
                called_at=row.called_at,
            )
            for row in found.tool_calls
        ],
        turns=[
            TurnRead(
                id=row.id,
                status=row.status,
                model=row.model,
                fallback_reason=row.fallback_reason,
                input_tokens=row.input_tokens,
                output_tokens=row.output_tokens,
                cost_micro_usd=row.cost_micro_usd,
                timings=row.timings,
                sources=[
                    SourceRead(id=each.entry_id, title=each.title, version=each.version, score=each.score)
                    for each in found.sources
                    if each.turn_id == row.id
                ],
            )
            for row in found.turns
        ],
        blocked_sentences=[
            BlockedSentenceRead(
                turn_id=row.turn_id,
                content=row.content,
                claims=row.unbound.get("claims", []),
                created_at=row.created_at,
            )
            for row in found.blocked
        ],
    )
