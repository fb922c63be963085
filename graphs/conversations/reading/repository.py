"""Queries of the merchant's list of conversations."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import Cart
from db.tables.conversations import (
    ChatMessage,
    ChatSession,
    ChatTurn,
    ConversationStatus,
    Handoff,
    MessageRole,
    ToolCall,
    ToolOutcome,
)
from db.tables.customers import Customer
from db.tables.voice import VoiceCall, VoiceCallOutcome
from graphs.conversations.reading.schemas import Call, ConversationLine, ConversationOutcome, Wanted


class ReadingRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def page(self, wanted: Wanted, *, company_id: UUID, after: UUID | None, limit: int) -> list[ConversationLine]:
        """Newest first; `after` is the last id of the page before."""
        query = _lines(company_id)
        if wanted.channel is not None:
            query = query.where(ChatSession.channel == wanted.channel)
        if wanted.since is not None:
            query = query.where(ChatSession.started_at >= wanted.since)
        if wanted.until is not None:
            query = query.where(ChatSession.started_at < wanted.until)
        if wanted.outcome is not None:
            query = query.where(_outcome == wanted.outcome.value)
        if after is not None:
            query = query.where(ChatSession.id < after)
        rows = await self.session.execute(query.order_by(ChatSession.id.desc()).limit(limit))
        return [_line(row) for row in rows]

    async def line(self, session_id: UUID, *, company_id: UUID) -> ConversationLine | None:
        row = (await self.session.execute(_lines(company_id).where(ChatSession.id == session_id))).first()
        return None if row is None else _line(row)

    async def call(self, session_id: UUID, *, company_id: UUID) -> Call | None:
        row = (
            await self.session.execute(
                select(
                    VoiceCall.initiated_at,
                    VoiceCall.answered_at,
                    VoiceCall.duration_s,
                    VoiceCall.outcome,
                    VoiceCall.end_reason,
                    VoiceCall.script_type,
                ).where(VoiceCall.company_id == company_id, VoiceCall.session_id == session_id)
            )
        ).first()
        return None if row is None else Call(*row)


_called = VoiceCall.outcome
_outcome: ColumnElement[str] = case(
    (Cart.converted_at.is_not(None), ConversationOutcome.BOUGHT),
    (
        (_called == VoiceCallOutcome.ESCALATED)
        | (ChatSession.status == ConversationStatus.HANDED_OFF)
        | select(Handoff.id)
        .where(Handoff.company_id == ChatSession.company_id, Handoff.session_id == ChatSession.id)
        .exists(),
        ConversationOutcome.HANDED_OVER,
    ),
    (
        (_called == VoiceCallOutcome.DISCOUNT_ACCEPTED)
        | select(ToolCall.id)
        .where(
            ToolCall.company_id == ChatSession.company_id,
            ToolCall.session_id == ChatSession.id,
            ToolCall.name == "apply_discount",
            ToolCall.outcome == ToolOutcome.OK,
        )
        .exists(),
        ConversationOutcome.DISCOUNT_GIVEN,
    ),
    (_called == VoiceCallOutcome.CALLBACK_REQUESTED, ConversationOutcome.CALLBACK),
    (_called == VoiceCallOutcome.DECLINED, ConversationOutcome.DECLINED),
    (_called.in_([VoiceCallOutcome.NO_ANSWER, VoiceCallOutcome.VOICEMAIL]), ConversationOutcome.NOT_REACHED),
    (_called == VoiceCallOutcome.DISCONNECTED, ConversationOutcome.BROKEN_OFF),
    else_=literal(ConversationOutcome.OPEN.value),
)

_opening = (
    select(ChatMessage.content)
    .where(
        ChatMessage.company_id == ChatSession.company_id,
        ChatMessage.session_id == ChatSession.id,
        ChatMessage.role == MessageRole.USER,
    )
    .order_by(ChatMessage.position)
    .limit(1)
    .scalar_subquery()
)

_cost = (
    select(func.coalesce(func.sum(ChatTurn.cost_micro_usd), 0))
    .where(ChatTurn.company_id == ChatSession.company_id, ChatTurn.session_id == ChatSession.id)
    .scalar_subquery()
)


def _line(row: Row[*tuple[Any, ...]]) -> ConversationLine:
    named = dict(row._mapping)
    return ConversationLine(**named | {"outcome": ConversationOutcome(named["outcome"])})


def _lines(company_id: UUID) -> Select[*tuple[Any, ...]]:
    return (
        select(
            ChatSession.id,
            ChatSession.channel,
            ChatSession.status,
            ChatSession.started_at,
            ChatSession.last_message_at,
            ChatSession.cart_id,
            ChatSession.policy_version,
            Customer.first_name,
            Customer.email,
            _outcome.label("outcome"),
            _opening.label("opening"),
            _cost.label("cost_micro_usd"),
        )
        .join(Cart, and_(Cart.company_id == ChatSession.company_id, Cart.id == ChatSession.cart_id))
        .outerjoin(Customer, and_(Customer.company_id == Cart.company_id, Customer.id == Cart.customer_id))
        .outerjoin(
            VoiceCall, and_(VoiceCall.company_id == ChatSession.company_id, VoiceCall.session_id == ChatSession.id)
        )
        .where(ChatSession.company_id == company_id)
    )
