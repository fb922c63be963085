"""A due stage whose model fails: the template is sent in its place, nothing more is done, every token is accounted."""

import asyncio
import json

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from agents.recovery_planner.agent import RecoveryPlanner
from db.tables.conversations import ChatTurn, ToolCall, TurnStatus
from db.tables.delivery import Message
from db.tables.policy import Grant
from db.tables.recovery import CartSaveStage, Intervention
from graphs.model import Model, Usage
from recovery.finish_stage import TEMPLATE, template_of
from tests.agents.faults import FAULTS, begun
from tests.agents.provided import COOL_DOWN_S, Provider
from tests.fakes.messages_api import Events, ended, text_block
from tests.recovery import shops
from tests.recovery.shops import MAILING, Shop

WORDS = "Your cart is still here whenever you like."
# What hangs is ended by the client; a budget of the planner's own is tried apart.
LONG_S = 20.0


CONTENT = {
    "subject": "Your cart", "preheader": "Still here.", "headline": "Still here",
    "paragraphs": [WORDS], "cta_text": "Back to your cart",
}  # fmt: skip


def draft(**changed: object) -> Events:
    text = json.dumps({"remedy": "REMINDER", "content": CONTENT} | changed)
    return Events(begun(text_block(text), ended("end_turn", output_tokens=90)))


def sonnet_micro_usd(tokens_in: int, tokens_out: int) -> int:
    """Two and ten millionths a token (platform.claude.com, "Pricing")."""
    return 2 * tokens_in + 10 * tokens_out


async def stage(shop: Shop, model: Model, *, seconds: float = LONG_S) -> tuple[Intervention, Message]:
    """Run one due stage; its intervention and its one message."""

    def price(name: str, usage: Usage) -> int:
        known = name == "claude-sonnet-5-5"
        return sonnet_micro_usd(usage.input_tokens, usage.output_tokens) if known else 0

    planner = RecoveryPlanner(shop.engine, model, MAILING, price=price, seconds=seconds)
    plan = await shop.planned(await shop.waiting_at(CartSaveStage.PATTERN_INTERRUPT))
    made = await shop.finish(plan, written=await planner.write(plan))
    assert made is not None
    (message,) = [each for each in await shop.messages() if each.intervention_id == made.id]
    if made.author == TEMPLATE:
        expected = template_of(plan, plan.remedies[0], plan.cart).content
        assert (made.content["subject"], tuple(made.content["paragraphs"])) == (expected.subject, expected.paragraphs)
    return made, message


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    opened = await shops.open_shop(engine)
    await opened.consent()
    return opened


async def call_of(shop: Shop) -> ChatTurn:
    """The row of the last model call."""
    turns: list[ChatTurn] = await shop.rows(select(ChatTurn).order_by(ChatTurn.id))
    return turns[-1]


async def test_what_a_model_writes_is_sent_and_its_cost_kept(shop: Shop, provider: Provider) -> None:
    provider.api.script(draft())
    made, message = await stage(shop, provider.model())
    assert made.author == "claude-sonnet-5-5"
    assert WORDS in message.text
    call = await call_of(shop)
    assert (call.status, call.model, call.fallback_reason) == (TurnStatus.DONE, "claude-sonnet-5-5", None)
    assert (call.input_tokens, call.output_tokens, call.cost_micro_usd) == (40, 90, 980)


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_sends_the_template_and_runs_nothing_half_made(name: str, shop: Shop, provider: Provider) -> None:
    fault = FAULTS[name]
    provider.api.script(*fault.answers)
    made, message = await stage(shop, provider.model(hangs=fault.hangs))
    assert (made.author, WORDS in message.text) == (TEMPLATE, False)
    call = await call_of(shop)
    # Structured output has no offline form: a refusal is told at the end of the stream.
    assert (call.fallback_reason, (call.input_tokens, call.output_tokens)) == (fault.reason, fault.tokens)
    assert call.cost_micro_usd == sonnet_micro_usd(*fault.tokens)
    ran = {each.name for each in await shop.rows(select(ToolCall))}
    assert ran <= {"get_cart", "rank_upsells", "search_faq", "schedule_stage"}
    assert await shop.rows(select(Grant)) == []
    assert len(provider.api.requests) == len(fault.answers)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (draft(content="x"), "MALFORMED_DRAFT"),
        (draft(more=1), "MALFORMED_DRAFT"),
        (Events(begun(text_block('{"remedy": "REM'), ended("max_tokens", output_tokens=90))), "MALFORMED_DRAFT"),
    ],
)
async def test_a_draft_that_is_none_costs_and_is_not_sent(
    answer: Events, failure: str, shop: Shop, provider: Provider
) -> None:
    provider.api.script(answer)
    made, _ = await stage(shop, provider.model())
    call = await call_of(shop)
    assert (made.author, call.fallback_reason, call.cost_micro_usd) == (TEMPLATE, failure, 980)


async def test_a_lie_costs_and_is_not_sent(shop: Shop, provider: Provider) -> None:
    provider.api.script(draft(content={**CONTENT, "paragraphs": ["It is 70% off until midnight."]}))
    made, message = await stage(shop, provider.model())
    call = await call_of(shop)
    assert (made.author, call.fallback_reason, call.cost_micro_usd) == (TEMPLATE, "UNGROUNDED_DRAFT", 980)
    assert "70%" not in message.text


@pytest.mark.parametrize("name", ["slow first token", "stalled in mid-stream", "endless stream", "429", "529"])
async def test_a_stage_has_its_words_within_ten_seconds_by_the_clock(name: str, shop: Shop, provider: Provider) -> None:
    provider.api.script(*FAULTS[name].answers)
    planner = RecoveryPlanner(shop.engine, provider.as_shipped(), MAILING, price=lambda *_: 0)
    plan = await shop.planned(await shop.waiting_at(CartSaveStage.PATTERN_INTERRUPT))
    async with asyncio.timeout(10):
        written = await planner.write(plan)
    made = await shop.finish(plan, written=written)
    assert made is not None
    assert made.author == TEMPLATE


async def test_the_planner_has_a_deadline_of_its_own(shop: Shop, provider: Provider) -> None:
    provider.api.script(Events(begun(), then="hang"))
    made, _ = await stage(shop, provider.model(), seconds=0.5)
    assert (made.author, (await call_of(shop)).fallback_reason) == (TEMPLATE, "TIMEOUT")


async def test_the_breaker_opens_asks_nobody_and_closes_after_a_probe(shop: Shop, provider: Provider) -> None:
    provider.api.script(*FAULTS["529"].answers, *FAULTS["529"].answers, draft())
    reasons = []
    for _ in range(3):
        made, _ = await stage(shop, provider.model())
        reasons.append((made.author, (await call_of(shop)).fallback_reason))
    assert reasons == [(TEMPLATE, "OVERLOADED"), (TEMPLATE, "OVERLOADED"), (TEMPLATE, "CIRCUIT_OPEN")]
    assert len(provider.api.requests) == 6
    provider.time.seconds += COOL_DOWN_S
    made, _ = await stage(shop, provider.model())
    assert (made.author, provider.breaker.state) == ("claude-sonnet-5-5", "closed")
