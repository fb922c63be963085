"""The checkout-chat agent: opens conversations and answers in them."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from agents.checkout_chat.config import CheckoutChatConfig
from agents.checkout_chat.prompt import DISCLOSURE, SYSTEM
from agents.toolbox import CHECKOUT_CHAT
from db.clock import read_clock
from db.session import transaction
from db.tables.companies import Company
from db.tables.conversations import ChatSession, ConversationChannel, TurnStatus
from graphs.checkout_chat.graph import run_turn
from graphs.checkout_chat.speech import say
from graphs.checkout_chat.state import Delta, Detectors, Limits, TurnContext, TurnDone, TurnEvent
from graphs.conversations import service as conversations
from graphs.conversations.schemas import Answer, Repeat, Turn
from graphs.conversations.service import TurnRecord
from graphs.model import Model, Usage
from policy.claims.facts import Fact, NameFact
from recovery import service as recovery
from recovery.configuration import flow_in_force
from recovery.emails import Mailing
from storefront.carts import service as carts
from storefront.customers import service as customers
from tools.dispatch import Conversation, Toolbox

INTERRUPTED = "I was interrupted. Please ask again if something is missing."
POLL_S = 0.1


@dataclass
class CheckoutChat:
    """One for a process. Turns run as tasks of their own: a shopper who leaves does not stop one half-way."""

    engine: AsyncEngine
    model: Model
    detectors: Detectors
    mailing: Mailing
    price: Callable[[str, Usage], int]
    limits: Limits = field(default_factory=Limits)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def open(
        self, session: AsyncSession, cart_id: UUID, *, company_id: UUID, checkout_step: str | None, now: datetime
    ) -> ChatSession:
        """A new conversation about a cart; its first row says that this is an AI (rules C-24)."""
        company = await recovery.the_company(session, company_id=company_id)
        flow = await flow_in_force(session, company_id=company_id)
        return await conversations.open_conversation(
            session,
            cart_id,
            company_id=company_id,
            channel=ConversationChannel.CHECKOUT_CHAT,
            policy_version=flow.version,
            disclosure=DISCLOSURE.format(shop=company.name),
            checkout_step=checkout_step,
            now=now,
        )

    async def config(self, session: AsyncSession, *, company_id: UUID) -> CheckoutChatConfig:
        company = await recovery.the_company(session, company_id=company_id)
        return CheckoutChatConfig.model_validate(company.chat_config)

    async def answer(self, asked: Turn | Repeat, *, seen: int = 0) -> AsyncGenerator[TurnEvent]:
        """The events of a turn. A repeated request gets what it has not seen (`seen` is the last event's position)."""
        if isinstance(asked, Repeat):
            async for event in self._resume(asked, seen=seen):
                yield event
            return
        events: asyncio.Queue[TurnEvent | None] = asyncio.Queue()
        task = asyncio.create_task(self._run(asked, events))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        while (next_event := await events.get()) is not None:
            yield next_event
        await task

    async def _run(self, turn: Turn, events: asyncio.Queue[TurnEvent | None]) -> None:
        answered = False

        def emit(event: TurnEvent) -> None:
            nonlocal answered
            answered = answered or isinstance(event, TurnDone)
            events.put_nowait(event)

        try:
            await run_turn(await self._context(turn, emit=emit))
        finally:
            # A crash goes up to whoever reports it; the shopper gets an ended turn and can write again.
            if not answered:
                async for event in self._end(turn):
                    emit(event)
            events.put_nowait(None)

    async def drain(self) -> None:
        """Wait for the turns under way: called when the process is told to stop."""
        if self._running:
            await asyncio.wait(self._running)

    async def _context(self, turn: Turn, *, emit: Callable[[TurnEvent], None]) -> TurnContext:
        async with transaction(self.engine, company_id=turn.company_id) as session:
            found = await conversations.get_conversation(session, turn.session_id, company_id=turn.company_id)
            company = await recovery.the_company(session, company_id=turn.company_id)
            flow = await flow_in_force(session, company_id=turn.company_id)
            cart = await carts.read(session, found.cart_id, company_id=turn.company_id, now=turn.now)
            tz = company.timezone
            if cart.customer_id is not None:
                customer = await customers.get(session, cart.customer_id, company_id=turn.company_id)
                tz = customer.timezone or tz
        config = CheckoutChatConfig.model_validate(company.chat_config)
        return TurnContext(
            engine=self.engine,
            model=self.model,
            toolbox=_allowed(config),
            detectors=self.detectors,
            conversation=Conversation(
                id=found.id,
                company_id=turn.company_id,
                cart_id=found.cart_id,
                attempt_id=None,
                channel=ConversationChannel.CHECKOUT_CHAT,
                config=flow.config,
                policy_version=flow.version,
                locale=company.locale,
                tz=tz,
                mailing=self.mailing,
            ),
            turn=turn,
            system=SYSTEM.format(shop=company.name),
            names=_names(company),
            escalation=config.escalation(cart.currency),
            emit=emit,
            price=self.price,
            limits=self.limits,
        )

    async def _resume(self, repeat: Repeat, *, seen: int) -> AsyncGenerator[TurnEvent]:
        """Show what is stored of a turn, follow it while it runs, end it if its process died."""
        while True:
            async with transaction(self.engine, company_id=repeat.company_id) as session:
                state = await conversations.turn_state(session, repeat)
                now = await read_clock(session)
                adopted = await conversations.adopt_turn(session, repeat, now=now) if state.orphaned else None
            for position, text in state.sentences:
                if position > seen:
                    seen = position
                    yield Delta(position, text)
            if state.answer is not None:
                yield TurnDone(state.answer)
                return
            if adopted is not None:
                async for event in self._end(adopted):
                    yield event
                return
            await asyncio.sleep(POLL_S)

    async def _end(self, turn: Turn) -> AsyncGenerator[TurnEvent]:
        """Close a turn that broke. Nothing is run again: its tools may have been half-way."""
        events: list[TurnEvent] = []
        context = await self._context(turn, emit=events.append)
        repeat = Repeat(turn.id, turn.session_id, turn.company_id)
        async with transaction(self.engine, company_id=turn.company_id) as session:
            said = [text for _, text in (await conversations.turn_state(session, repeat)).sentences]
        sentence = f" {INTERRUPTED}" if said else INTERRUPTED
        await say(context, sentence, context.names)
        answer = Answer(response="".join([*said, sentence]).strip())
        record = TurnRecord(TurnStatus.BROKEN, answer, None, "INTERRUPTED", 0, 0, 0, {}, [])
        async with transaction(self.engine, company_id=turn.company_id) as session:
            await conversations.finish_turn(session, turn, record)
        for event in events:
            yield event
        yield TurnDone(answer)


def _allowed(config: CheckoutChatConfig) -> Toolbox:
    """The agent's tools, less what the merchant switched off."""
    return {
        name: each
        for name, each in CHECKOUT_CHAT.items()
        if name != "apply_discount" or config.ai_capabilities.can_apply_discounts
    }


def _names(company: Company) -> tuple[Fact, ...]:
    return (NameFact("shop", company.name),)
