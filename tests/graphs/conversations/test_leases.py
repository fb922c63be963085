"""Who answers a conversation: two processes at one lease whose holder is gone, and two that put out the same turn."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.clock import real_now
from db.session import transaction
from db.tables.conversations import ChatLease, ChatMessage, ChatTurn, ConversationChannel, MessageRole, TurnStatus
from graphs.conversations import service as conversations
from graphs.conversations.schemas import Repeat, Turn
from graphs.conversations.service import StillAnswering
from tests import factories as make
from tests.factories import NOW
from tests.policy.races import race


class Talk:
    """A conversation, and the turns that processes begin in it."""

    def __init__(self, engine: AsyncEngine, company_id: UUID, session_id: UUID) -> None:
        self.engine, self.company_id, self.session_id = engine, company_id, session_id

    async def write(self, session: AsyncSession, content: str) -> Turn | Repeat | type[StillAnswering]:
        try:
            return await conversations.begin_turn(
                session, self.session_id, content, company_id=self.company_id, request_key=None, now=NOW
            )
        except StillAnswering:
            return StillAnswering

    async def say(self, session: AsyncSession, content: str) -> Turn:
        return await conversations.begin_spoken_turn(
            session, self.session_id, content, company_id=self.company_id, bindings={}, now=NOW
        )

    async def begun(self, content: str) -> Turn:
        async with transaction(self.engine, company_id=self.company_id) as session:
            turn = await self.write(session, content)
        assert isinstance(turn, Turn)
        return turn

    async def die(self) -> None:
        """The process that answers is gone, and its time is up."""
        async with transaction(self.engine, company_id=self.company_id) as session:
            await session.execute(update(ChatLease).values(expires_at=real_now() - timedelta(seconds=1)))

    async def turns(self) -> dict[UUID, TurnStatus]:
        async with transaction(self.engine, company_id=self.company_id) as session:
            return {row.id: row.status for row in await session.scalars(select(ChatTurn))}

    async def holder(self) -> UUID | None:
        async with transaction(self.engine, company_id=self.company_id) as session:
            return await session.scalar(select(ChatLease.turn_id))

    async def heard(self) -> list[str]:
        async with transaction(self.engine, company_id=self.company_id) as session:
            said = select(ChatMessage.content).where(ChatMessage.role == MessageRole.USER)
            return list(await session.scalars(said.order_by(ChatMessage.position)))


@pytest.fixture
async def talk(engine: AsyncEngine) -> Talk:
    company = await make.make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        cart = await make.make_cart(session, company_id=company.id)
        opened = await conversations.open_conversation(
            session,
            cart.id,
            company_id=company.id,
            channel=ConversationChannel.CHECKOUT_CHAT,
            policy_version=1,
            now=NOW,
        )
    return Talk(engine, company.id, opened.id)


async def test_race_for_the_lease_of_a_dead_process_lets_one_answer(talk: Talk) -> None:
    dead = await talk.begun("Hello?")
    await talk.die()
    first, second = await race(
        talk.engine,
        lambda session: talk.write(session, "Are you there?"),
        lambda session: talk.write(session, "Anybody?"),
        company_id=talk.company_id,
    )
    assert isinstance(first, Turn)
    assert second is StillAnswering
    assert await talk.holder() == first.id
    assert await talk.turns() == {dead.id: TurnStatus.BROKEN, first.id: TurnStatus.RUNNING}
    assert await talk.heard() == ["Hello?", "Are you there?"]


async def test_race_to_put_out_one_turn_leaves_only_the_last_running(talk: Talk) -> None:
    running = await talk.begun("Hello?")
    first, second = await race(
        talk.engine,
        lambda session: talk.say(session, "Wait"),
        lambda session: talk.say(session, "Stop"),
        company_id=talk.company_id,
    )
    assert await talk.holder() == second.id
    assert await talk.turns() == {
        running.id: TurnStatus.BROKEN, first.id: TurnStatus.BROKEN, second.id: TurnStatus.RUNNING
    }  # fmt: skip
    assert await talk.heard() == ["Hello?", "Wait", "Stop"]


async def test_race_of_two_first_utterances_leaves_only_the_last_running(talk: Talk) -> None:
    first, second = await race(
        talk.engine,
        lambda session: talk.say(session, "Hello"),
        lambda session: talk.say(session, "Stop"),
        company_id=talk.company_id,
    )
    assert await talk.holder() == second.id
    assert await talk.turns() == {first.id: TurnStatus.BROKEN, second.id: TurnStatus.RUNNING}
