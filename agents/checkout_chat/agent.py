"""The checkout-chat agent: opens conversations and answers in them."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from agents.checkout_chat.config import CheckoutChatConfig
from agents.checkout_chat.prompt import DISCLOSURE, SYSTEM
from agents.models.offline_replies import BOT_ANSWERS
from agents.toolbox import CHECKOUT_CHAT
from db.clock import read_clock
from db.session import transaction
from db.tables.companies import Company
from db.tables.conversations import ChatSession, ConversationChannel
from graphs.checkout_chat.graph import run_turn
from graphs.checkout_chat.opening import opening
from graphs.checkout_chat.state import Delta, Detectors, Limits, TurnContext, TurnDone, TurnEvent, TurnState
from graphs.conversations import service as conversations
from graphs.conversations.ending import Spent, end_broken
from graphs.conversations.schemas import Repeat, Turn
from graphs.model import Model, Usage
from policy.claims.facts import NameFact
from policy.errors import Conflict
from recovery import service as recovery
from recovery.configuration import flow_in_force
from recovery.emails import Mailing
from storefront.carts import service as carts
from storefront.customers import service as customers
from tools.dispatch import Conversation, Toolbox

logger = logging.getLogger(__name__)

POLL_S = 0.1


class ChatIsOff(Conflict):
    code = "chat_is_off"
    title = "This shop has switched its chat off"


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
        """A new conversation about a cart; its first row says that this is an AI (rules C-24).

        Raises:
            ChatIsOff: the merchant switched it off.
            NotFound: the cart is gone.
        """
        await carts.read(session, cart_id, company_id=company_id, now=now)
        company = await recovery.the_company(session, company_id=company_id)
        if not _configured(company).enabled:
            raise ChatIsOff("There is no assistant to talk to here.")
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
        return _configured(await recovery.the_company(session, company_id=company_id))

    def answer(self, asked: Turn | Repeat, *, seen: int = 0) -> AsyncGenerator[TurnEvent]:
        """The events of a turn, which begins at once and ends whether or not anybody listens.

        A repeated request gets what it has not seen (`seen` is the last event's position).
        """
        if isinstance(asked, Repeat):
            return self._resume(asked, seen=seen)
        events: asyncio.Queue[TurnEvent | None] = asyncio.Queue()
        task = asyncio.create_task(self._run(asked, events))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return self._follow(asked, events)

    async def drain(self) -> None:
        """Wait for the turns under way: called when the process is told to stop."""
        while self._running:
            await asyncio.wait(self._running)

    async def _run(self, turn: Turn, events: asyncio.Queue[TurnEvent | None]) -> None:
        """One turn to its end. After a crash it is closed, so that the shopper can write again."""
        context = None
        whole = False
        try:
            context, state = await self._begin(turn, emit=events.put_nowait)
            await run_turn(context, state)
            whole = True
        finally:
            try:
                if not whole:
                    await self._close_broken(turn, context)
            finally:
                events.put_nowait(None)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("turn_crashed", exc_info=error)

    async def _close_broken(self, turn: Turn, context: TurnContext | None) -> None:
        spent = Spent() if context is None else Spent(context.cost_micro_usd, context.timings)
        async with transaction(self.engine, company_id=turn.company_id) as session:
            await end_broken(
                session,
                turn.session_id,
                turn.id,
                company_id=turn.company_id,
                now=await read_clock(session),
                spent=spent,
            )

    async def _follow(self, turn: Turn, events: "asyncio.Queue[TurnEvent | None]") -> AsyncGenerator[TurnEvent]:
        """What the turn tells while it runs; if it broke, how it was closed."""
        seen = 0
        while (event := await events.get()) is not None:
            seen = event.position if isinstance(event, Delta) else seen
            yield event
            if isinstance(event, TurnDone):
                return
        async with aclosing(self._resume(Repeat(turn.id, turn.session_id, turn.company_id), seen=seen)) as rest:
            async for each in rest:
                yield each

    async def _resume(self, repeat: Repeat, *, seen: int) -> AsyncGenerator[TurnEvent]:
        """Show what is stored of a turn and follow it while it runs."""
        while True:
            async with transaction(self.engine, company_id=repeat.company_id) as session:
                state = await conversations.turn_state(session, repeat, seen=seen, now=await read_clock(session))
            for position, text in state.sentences:
                seen = position
                yield Delta(position, text)
            if state.answer is not None:
                yield TurnDone(state.answer)
                return
            await asyncio.sleep(POLL_S)

    async def _begin(self, turn: Turn, *, emit: Callable[[TurnEvent], None]) -> tuple[TurnContext, TurnState]:
        """Read what the turn works with, in one transaction."""
        started, company_id = perf_counter(), turn.company_id
        async with transaction(self.engine, company_id=company_id) as session:
            found = await conversations.get_conversation(session, turn.session_id, company_id=company_id)
            company = await recovery.the_company(session, company_id=company_id)
            flow = await flow_in_force(session, company_id=company_id)
            cart = await carts.read(session, found.cart_id, company_id=company_id, now=turn.now)
            tz = company.timezone
            if cart.customer_id is not None:
                customer = await customers.get(session, cart.customer_id, company_id=company_id)
                tz = customer.timezone or tz
            rows = await conversations.history(session, found.id, company_id=company_id, limit=self.limits.history_rows)
            silenced = await conversations.is_silenced(session, found.id, company_id=company_id)
        config = _configured(company)
        escalation = config.escalation(cart.currency, shop_currency=company.currency)
        conversation = Conversation(
            id=found.id,
            company_id=company_id,
            cart_id=found.cart_id,
            attempt_id=None,
            channel=ConversationChannel.CHECKOUT_CHAT,
            config=flow.config,
            policy_version=flow.version,
            locale=company.locale,
            tz=tz,
            mailing=self.mailing,
        )
        context = TurnContext(
            engine=self.engine,
            model=self.model,
            toolbox=_allowed(config),
            detectors=self.detectors,
            conversation=conversation,
            turn=turn,
            system=SYSTEM.format(shop=company.name),
            escalation=escalation,
            bot_answers=BOT_ANSWERS,
            emit=emit,
            price=self.price,
            limits=self.limits,
            started=started,
        )
        context.timings["readMs"] = round((perf_counter() - started) * 1000)
        names = [NameFact("shop", company.name)]
        return context, opening(rows, cart, names, silenced=silenced, escalation=escalation, tz=tz)


def _configured(company: Company) -> CheckoutChatConfig:
    return CheckoutChatConfig.model_validate(company.chat_config)


def _allowed(config: CheckoutChatConfig) -> Toolbox:
    """The agent's tools, less what the merchant switched off."""
    return {
        name: each
        for name, each in CHECKOUT_CHAT.items()
        if name != "apply_discount" or config.ai_capabilities.can_apply_discounts
    }
