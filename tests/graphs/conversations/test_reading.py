"""The merchant's list of conversations: what came of each, narrowed and paged."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.ids import uuid7
from db.session import transaction
from db.tables.carts import Cart
from db.tables.companies import Company
from db.tables.conversations import (
    ChatSession,
    ConversationChannel,
    Handoff,
    HandoffStatus,
    MessageRole,
    ToolCall,
    ToolOutcome,
)
from graphs.conversations import service as conversations
from graphs.conversations.reading import service
from graphs.conversations.reading.schemas import ConversationOutcome, ConversationPage, Wanted
from graphs.conversations.service import NoSuchConversation
from graphs.conversations.transcript.repository import TranscriptRepository
from tests import factories as make
from tests.factories import NOW

T = TypeVar("T")


class Shop:
    def __init__(self, engine: AsyncEngine, company: Company) -> None:
        self.engine, self.company_id = engine, company.id

    async def run(self, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
        async with transaction(self.engine, company_id=self.company_id) as session:
            return await work(session)

    async def converse(
        self, channel: ConversationChannel = ConversationChannel.CHECKOUT_CHAT, *, days_ago: int = 0, said: str = ""
    ) -> ChatSession:
        async def work(session: AsyncSession) -> ChatSession:
            now = NOW - timedelta(days=days_ago)
            opened = await conversations.open_conversation(
                session, self.cart.id, company_id=self.company_id, channel=channel, policy_version=3, now=now
            )
            if said:
                await TranscriptRepository(session).add(
                    opened.id, MessageRole.USER, said, company_id=self.company_id, turn_id=None, now=now
                )
            return opened

        self.cart: Cart = await self.run(lambda s: make.make_cart(s, company_id=self.company_id))
        return await self.run(work)

    async def find(self, wanted: Wanted = Wanted(), **paging: UUID | int | None) -> ConversationPage:
        return await self.run(
            lambda s: service.find_conversations(s, wanted, company_id=self.company_id, **paging)  # type: ignore[arg-type]
        )

    async def called(self, conversation: ChatSession, name: str, outcome: ToolOutcome) -> None:
        async def work(session: AsyncSession) -> None:
            session.add(
                ToolCall(
                    company_id=self.company_id,
                    session_id=conversation.id,
                    call_key=uuid7().hex,
                    name=name,
                    input={},
                    outcome=outcome,
                    result={},
                    policy_version=3,
                    latency_ms=1,
                    called_at=NOW,
                )
            )

        await self.run(work)


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    return Shop(engine, await make.make_company(engine))


async def test_what_came_of_it_is_the_strongest_that_holds(shop: Shop) -> None:
    async def outcome() -> ConversationOutcome:
        (line,) = (await shop.find()).lines
        assert (await shop.find(Wanted(outcome=line.outcome))).lines == (line,)
        return line.outcome

    chat = await shop.converse(said="Is shipping free?")
    assert await outcome() is ConversationOutcome.OPEN
    await shop.called(chat, "apply_discount", ToolOutcome.REFUSED)
    await shop.called(chat, "get_cart", ToolOutcome.OK)
    assert await outcome() is ConversationOutcome.OPEN
    await shop.called(chat, "apply_discount", ToolOutcome.OK)
    assert await outcome() is ConversationOutcome.DISCOUNT_GIVEN

    async def hand_over(session: AsyncSession) -> None:
        session.add(
            Handoff(
                company_id=shop.company_id,
                session_id=chat.id,
                cart_id=shop.cart.id,
                status=HandoffStatus.REQUESTED,
                reason="ASKED",
                summary="",
                requested_at=NOW,
            )
        )

    await shop.run(hand_over)
    assert await outcome() is ConversationOutcome.HANDED_OVER

    async def buy(session: AsyncSession) -> None:
        (await session.get_one(Cart, (shop.company_id, shop.cart.id))).converted_at = NOW

    await shop.run(buy)
    assert await outcome() is ConversationOutcome.BOUGHT


async def test_a_list_is_narrowed_by_channel_day_and_outcome(shop: Shop) -> None:
    old = await shop.converse(days_ago=3)
    chat = await shop.converse(said="Hello")
    await shop.called(chat, "apply_discount", ToolOutcome.OK)
    plan = await shop.converse(ConversationChannel.PLANNER)
    call = await shop.converse(ConversationChannel.VOICE)

    async def ids(wanted: Wanted) -> list[UUID]:
        return [line.id for line in (await shop.find(wanted)).lines]

    assert await ids(Wanted()) == [call.id, plan.id, chat.id, old.id]
    assert await ids(Wanted(channel=ConversationChannel.VOICE)) == [call.id]
    assert await ids(Wanted(outcome=ConversationOutcome.DISCOUNT_GIVEN)) == [chat.id]
    assert await ids(Wanted(until=NOW)) == [old.id], "the end does not belong to it"
    assert await ids(Wanted(since=NOW)) == [call.id, plan.id, chat.id], "the start does"
    (line,) = (await shop.find(Wanted(outcome=ConversationOutcome.DISCOUNT_GIVEN))).lines
    assert (line.opening, line.email, line.policy_version) == ("Hello", None, 3)


async def test_pages_follow_each_other_without_a_gap(shop: Shop) -> None:
    made = [(await shop.converse()).id for _ in range(5)]
    seen, cursor = [], None
    for size in (2, 2, 1):
        page = await shop.find(after=cursor, limit=2)
        assert len(page.lines) == size
        seen += [line.id for line in page.lines]
        cursor = page.next_cursor
    assert (seen, cursor) == (made[::-1], None)


async def test_another_companys_conversation_is_not_there(shop: Shop, engine: AsyncEngine) -> None:
    chat = await shop.converse()
    other = Shop(engine, await make.make_company(engine, name="Another"))
    assert (await other.find()).lines == ()
    with pytest.raises(NoSuchConversation):
        await other.run(lambda s: service.read_conversation(s, chat.id, company_id=other.company_id))
    reading = await shop.run(lambda s: service.read_conversation(s, chat.id, company_id=shop.company_id))
    assert (reading.line.id, reading.call, reading.grants, reading.decisions) == (chat.id, None, (), ())
