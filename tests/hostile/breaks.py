"""What is broken on purpose, in memory and in the run's own database: one function a guard that is taken away."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from pydantic import JsonValue
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

import agents.detectors
import api.chat
import graphs.conversations.service
import graphs.conversations.transcript.repository
import graphs.speech
import knowledge.repository
import policy.contact.rules
import policy.offers.rules
import policy.offers.service
import tests.hostile.episodes
import tests.hostile.model
import tools.dispatch
from db.tables.carts import Cart
from db.tables.conversations import ChatLease, ChatSession, ToolOutcome
from graphs.conversations.repository import ConversationRepository, Lease
from graphs.conversations.transcript.repository import TranscriptRepository
from policy.claims.rules import Verdict
from policy.offers import assessment
from policy.offers.repository import OfferRepository
from policy.redaction.rules import Redacted
from tests.hostile.arguments import Aim
from tools.base import ToolContext

LIVE_INDEX_OFF = "DROP INDEX uq_grants_live"
CAP_CHECK_OFF = "ALTER TABLE grants DROP CONSTRAINT ck_grants_within_cap"


def walls_off(*tables: str) -> tuple[str, ...]:
    return tuple(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY" for table in tables)


def greedy(mp: pytest.MonkeyPatch, **more: JsonValue) -> None:
    """A model that asks for nothing but discounts, so that a short run has many."""
    asks: dict[str, JsonValue] = {"reason": "TOO_EXPENSIVE", **more}
    mp.setattr(tests.hostile.model, "hostile_call", lambda *_: ("apply_discount", dict(asks)))


def impatient(mp: pytest.MonkeyPatch) -> None:
    """Shoppers who always write again before the answer is there."""
    dialogue = tests.hostile.episodes.Dialogue
    mp.setattr(tests.hostile.episodes, "Dialogue", lambda *args, **each: dialogue(*args, **{**each, "impatient": True}))


def cap_check_removed(mp: pytest.MonkeyPatch) -> None:
    mp.setattr(policy.offers.rules, "_percent", lambda published, cap, asked: asked or Decimal(50))


def asked_percent_ignored(mp: pytest.MonkeyPatch) -> None:
    greedy(mp, asked_percent=2)
    mp.setattr(policy.offers.rules, "_percent", lambda published, cap, asked: min(published, cap))


def margin_unchecked(mp: pytest.MonkeyPatch) -> None:
    greedy(mp)
    mp.setattr(policy.offers.rules, "_margin_or_cap", lambda *_: None)


def cooldown_unchecked(mp: pytest.MonkeyPatch) -> None:
    greedy(mp)
    mp.setattr(policy.offers.rules, "_cooling_down", lambda *_: False)


def budget_unchecked(mp: pytest.MonkeyPatch) -> None:
    greedy(mp)
    mp.setattr(policy.offers.rules, "_within_budget", lambda *_: True)


def locks_removed(mp: pytest.MonkeyPatch) -> None:
    """Nobody queues at the cart, the person or the budget; each takes its time between reading and writing."""
    greedy(mp)
    assess = assessment.assess

    async def lock_cart(self: OfferRepository, cart_id: UUID, *, company_id: UUID) -> Cart | None:
        return await self.cart(cart_id, company_id=company_id)

    async def lock(*_: object) -> None:
        pass

    async def slow(*args: Any, **each: Any) -> object:
        found = await assess(*args, **each)
        await asyncio.sleep(0.3)
        return found

    mp.setattr(OfferRepository, "lock_cart", lock_cart)
    mp.setattr(OfferRepository, "lock_grants", OfferRepository.grants)
    mp.setattr(OfferRepository, "_lock", lock)
    mp.setattr(policy.offers.service, "assess", slow)


def extra_fields_accepted(mp: pytest.MonkeyPatch) -> None:
    """A dispatcher that reads a cart's id from the model, and a model that always names one."""
    understood, context = tools.dispatch._understood, tools.dispatch._context

    def lenient(toolbox: tools.dispatch.Toolbox, call: tools.dispatch.Call) -> object:
        tool = toolbox.get(call.name)
        known = () if tool is None else tool.arguments.model_fields
        own = {name: value for name, value in call.input.items() if name in known}
        return understood(toolbox, tools.dispatch.Call(call.name, own, call.key, call.turn_id))

    def redirected(session: Any, conversation: Any, call: tools.dispatch.Call, *, now: datetime) -> ToolContext:
        own = context(session, conversation, call, now=now)
        named = call.input.get("cart_id")
        try:
            cart_id = UUID(named) if isinstance(named, str) else own.cart_id
        except ValueError:
            cart_id = own.cart_id
        return ToolContext(**{**own.__dict__, "cart_id": cart_id})

    def names_a_cart(rng: Random, aim: Aim, handles: list[str]) -> tuple[str, dict[str, JsonValue]]:
        return "apply_discount", {"reason": "TOO_EXPENSIVE", "cart_id": aim.foreign_ids[0]}

    mp.setattr(tests.hostile.model, "hostile_call", names_a_cart)
    mp.setattr(tools.dispatch, "_understood", lenient)
    mp.setattr(tools.dispatch, "_context", redirected)


def company_filter_left_out(mp: pytest.MonkeyPatch) -> None:
    """A write that forgets whose it is: it also moves the latest conversation of some other company."""

    take_lease = ConversationRepository.take_lease

    async def take(
        self: ConversationRepository, own: UUID, *args: Any, company_id: UUID, now: datetime, **each: Any
    ) -> Any:
        # Its own first, which the turn changes later: two that move each other's would wait for each other.
        await self.session.execute(select(ChatSession.id).where(ChatSession.id == own).with_for_update())
        foreign = select(ChatSession.id).where(ChatSession.company_id != company_id)
        last = foreign.order_by(ChatSession.id.desc()).limit(1).with_for_update(skip_locked=True).scalar_subquery()
        await self.session.execute(update(ChatSession).where(ChatSession.id == last).values(last_message_at=now))
        return await take_lease(self, own, *args, company_id=company_id, now=now, **each)

    mp.setattr(ConversationRepository, "take_lease", take)


def faq_of_everybody(mp: pytest.MonkeyPatch) -> None:
    """A search that forgets whose FAQ it is."""
    open_to_all = knowledge.repository._SEARCH
    for wall, gap in (
        ("v.company_id = %(company_id)s", "v.company_id IS DISTINCT FROM %(company_id)s"),
        ("c.company_id = %(company_id)s AND ", ""),
        ("e.company_id = %(company_id)s AND ", ""),
    ):
        assert wall in open_to_all
        open_to_all = open_to_all.replace(wall, gap)
    mp.setattr(knowledge.repository, "_SEARCH", open_to_all)


def claims_let_through(mp: pytest.MonkeyPatch) -> None:
    mp.setattr(graphs.speech, "check", lambda *_, **__: Verdict(True, (), ()))


def redaction_off(mp: pytest.MonkeyPatch) -> None:
    def kept(previous: list[str], content: str) -> Redacted:
        return Redacted(content, found=False, previous=tuple(previous))

    mp.setattr(graphs.conversations.service, "redact_turns", kept)


def stored_otherwise(mp: pytest.MonkeyPatch) -> None:
    add = TranscriptRepository.add_sentence

    async def tidied(self: Any, session_id: UUID, turn_id: UUID, content: str, *args: Any, **each: Any) -> int | None:
        return await add(self, session_id, turn_id, content.replace(".", "!"), *args, **each)

    mp.setattr(TranscriptRepository, "add_sentence", tidied)


def lease_never_ended(mp: pytest.MonkeyPatch) -> None:
    async def end_lease(*_: object, **__: object) -> None:
        pass

    mp.setattr(ConversationRepository, "end_lease", end_lease)


def lease_removed(mp: pytest.MonkeyPatch) -> None:
    """Whoever asks becomes the one that answers."""
    impatient(mp)

    async def take(
        self: ConversationRepository,
        session_id: UUID,
        turn_id: UUID,
        *,
        company_id: UUID,
        now: datetime,
        life: timedelta,
        seize: bool = True,
    ) -> Lease:
        values = {"turn_id": turn_id, "expires_at": now + life}
        taken = insert(ChatLease).values(company_id=company_id, session_id=session_id, **values)
        await self.session.execute(
            taken.on_conflict_do_update(index_elements=["company_id", "session_id"], set_=values)
        )
        return Lease(dead_turn=None)

    mp.setattr(ConversationRepository, "take_lease", take)


def arguments_kept_as_they_are(mp: pytest.MonkeyPatch) -> None:
    def as_they_are(arguments: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return dict(arguments)

    mp.setattr(tools.dispatch, "storable", as_they_are)


def gate_always_open(mp: pytest.MonkeyPatch) -> None:
    mp.setattr(policy.contact.rules, "decide", lambda *_: policy.contact.rules.Allow())


def opt_outs_unheard(mp: pytest.MonkeyPatch) -> None:
    mp.setattr(agents.detectors, "opts_out", lambda _: None)


def positions_skip(mp: pytest.MonkeyPatch) -> None:
    module = graphs.conversations.transcript.repository
    for name in ("_APPEND", "_APPEND_WHILE_ANSWERING"):
        statement: str = getattr(module, name)
        assert "max(position), 0) + 1" in statement
        mp.setattr(module, name, statement.replace("max(position), 0) + 1", "max(position), 0) + 2"))


def invalid_calls_forgotten(mp: pytest.MonkeyPatch) -> None:
    keep = tools.dispatch._keep

    async def partial(*args: Any, **each: Any) -> bool:
        return True if args[4].outcome is ToolOutcome.INVALID else await keep(*args, **each)

    mp.setattr(tools.dispatch, "_keep", partial)


def answer_unreadable(mp: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    mp.setattr(api.chat.AnswerRead, "model_validate", broken)
