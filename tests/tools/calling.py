"""A conversation about one cart, and calls made in it as a model makes them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from agents.toolbox import CHECKOUT_CHAT, RECOVERY_PLANNER
from db.clock import read_clock
from db.ids import uuid7
from db.session import transaction
from db.tables.conversations import ConversationChannel, ToolCall
from graphs.conversations.service import open_conversation
from recovery.config import FlowConfig
from recovery.emails import Mailing
from recovery.links import Links
from tests.factories import SIGNER
from tools.dispatch import Call, Conversation, Toolbox, ToolReply, dispatch

MAILING = Mailing(Links(SIGNER, "http://shop.test"), "hello@shop.test")


@dataclass
class Talk:
    engine: AsyncEngine
    conversation: Conversation
    toolbox: Toolbox

    async def call(self, name: str, input_: dict[str, JsonValue] | None = None, *, key: str | None = None) -> ToolReply:
        made = Call(name, input_ or {}, key or uuid7().hex, None)
        return await dispatch(self.engine, self.toolbox, self.conversation, made)

    async def rows(self, query: Any) -> list[Any]:
        async with transaction(self.engine, company_id=self.conversation.company_id) as session:
            return list(await session.scalars(query))

    async def kept(self) -> list[ToolCall]:
        return await self.rows(select(ToolCall).order_by(ToolCall.id))


async def talk_about(
    engine: AsyncEngine,
    cart_id: UUID,
    *,
    company_id: UUID,
    toolbox: Toolbox | None = None,
    channel: ConversationChannel = ConversationChannel.CHECKOUT_CHAT,
    attempt_id: UUID | None = None,
) -> Talk:
    async with transaction(engine, company_id=company_id) as session:
        opened = await open_conversation(
            session,
            cart_id,
            company_id=company_id,
            channel=channel,
            policy_version=0,
            attempt_id=attempt_id,
            now=await read_clock(session),
        )
    conversation = Conversation(
        id=opened.id,
        company_id=company_id,
        cart_id=cart_id,
        attempt_id=attempt_id,
        channel=channel,
        config=FlowConfig(),
        policy_version=0,
        locale="en_US",
        tz="UTC",
        mailing=MAILING,
    )
    return Talk(engine, conversation, {**CHECKOUT_CHAT, **RECOVERY_PLANNER} if toolbox is None else toolbox)
