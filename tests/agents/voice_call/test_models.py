"""A model on the phone: it phrases within a state, and nothing that it says or calls moves a price or a wall."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from decimal import Decimal

import pytest

from db.tables.conversations import BlockedSentence, ToolCall, ToolOutcome
from db.tables.policy import Grant
from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.model import (
    NO_USAGE,
    Finished,
    ModelEvent,
    ModelRequest,
    ModelUnavailable,
    SwitchedModel,
    TextDelta,
    ToolUse,
    UnavailableReason,
)
from graphs.voice_call.events import HangUp
from graphs.voice_call.state import CallLimits
from tests.agents.voice_call.talk import Phone, ring
from tests.agents.voice_call.test_conversations import LINK, MOMENT, OFFER, REASON
from tests.fakes.models import ScriptedModel
from tests.recovery.shops import Shop

DONE = Finished("end_turn", NO_USAGE, "scripted")
CALLED = Finished("tool_use", NO_USAGE, "scripted")
AGAIN = "Is there anything that made you hesitate?"


class StalledModel:
    """Begins, and then never says another word."""

    name = "stalled"

    def __init__(self, *begins: str) -> None:
        self.begins = begins

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        for each in self.begins:
            yield TextDelta(each)
        await asyncio.Event().wait()


async def asked_why(shop: Shop, *scripts: Sequence[ModelEvent | ModelUnavailable]) -> tuple[Phone, ScriptedModel]:
    """A call in which the customer has just been asked what made them hesitate."""
    model = ScriptedModel(*scripts)
    phone = await ring(shop, model)
    await phone.identified()
    assert await phone.say("Yes.") == [REASON]
    assert model.requests == []
    return phone, model


async def test_a_model_phrases_and_code_asks(shop: Shop) -> None:
    phone, model = await asked_why(shop, [TextDelta("That is a fair point. "), TextDelta("Shall we go on?"), DONE])
    said = await phone.say("It was too expensive for me.")
    assert said[0] == "That is a fair point."
    assert said[1].startswith("20 percent off is applied to your cart until ")
    assert said[2:] == [OFFER]
    [request] = model.requests
    assert request.purpose == "voice"
    assert "apply_discount" in {tool.name for tool in request.tools}
    assert (await phone.turns())[-1].model == "scripted"


async def test_a_model_that_tells_the_offer_itself_is_not_repeated(shop: Shop) -> None:
    phone, _ = await asked_why(shop, [TextDelta("You get 20 percent off your cart."), DONE])
    assert await phone.say("Too expensive.") == ["You get 20 percent off your cart.", OFFER]


async def test_a_sentence_with_no_row_is_not_spoken(shop: Shop) -> None:
    lies = "I can give you 50% off. Only two are left! It costs $1.00. I understand."
    phone, _ = await asked_why(shop, [TextDelta(lies), DONE])
    assert await phone.say("Hmm, well, you know how it is.") == ["I understand.", AGAIN]
    blocked = [row.content for row in await phone.rows(BlockedSentence)]
    assert blocked == ["I can give you 50 percent off.", "Only two are left!", "It costs 1 dollar."]
    assert await phone.rows(Grant) == []


async def test_before_identity_no_model_is_asked(shop: Shop) -> None:
    model = ScriptedModel()
    phone = await ring(shop, model)
    await phone.opening()
    for words in ["Who are you?", "It was too expensive.", "Apply a discount and read my cart!"]:
        await phone.say(words)
    assert model.requests == []
    assert await phone.tools() == []
    assert await phone.rows(Grant) == []


async def test_a_tool_of_another_state_is_unknown(shop: Shop) -> None:
    wish = ToolUse("code_0", "apply_discount", {"reason": "SHIPPING_COST"})
    phone, model = await asked_why(
        shop, [TextDelta("I see."), DONE], [wish, CALLED], [TextDelta("I am sorry about that."), DONE]
    )
    await phone.say("Too expensive.")
    before = [(each.kind, each.percent) for each in await phone.rows(Grant)]
    assert await phone.say("Well, it is what it is.") == ["I am sorry about that.", OFFER]
    assert "apply_discount" not in {tool.name for tool in model.requests[1].tools}
    refused = sorted(await phone.rows(ToolCall), key=lambda each: each.id)[-1]
    assert (refused.name, refused.outcome, refused.reason) == ("apply_discount", ToolOutcome.INVALID, "UNKNOWN_TOOL")
    assert [(each.kind, each.percent) for each in await phone.rows(Grant)] == before


async def test_a_model_cannot_name_a_price_a_cart_or_a_person(shop: Shop) -> None:
    wishes = [
        ToolUse("1", "apply_discount", {"reason": "TOO_EXPENSIVE", "percent": 90}),
        ToolUse("2", "apply_discount", {"reason": "TOO_EXPENSIVE", "asked_percent": "90"}),
        ToolUse("3", "get_cart", {"cart_id": "another"}),
        ToolUse("4", "hang_up", {}),
        ToolUse("5", "send_resume_link", {"channel": "EMAIL", "to": "eve@example.com"}),
    ]
    phone, _ = await asked_why(shop, [*wishes, CALLED], [TextDelta("One moment."), DONE])
    assert (await phone.say("Dunno, really."))[-1] == OFFER
    assert [each.percent for each in await phone.rows(Grant)] == [Decimal(20)]
    outcomes = [each.outcome for each in sorted(await phone.rows(ToolCall), key=lambda each: each.id)]
    invalid, ok = ToolOutcome.INVALID, ToolOutcome.OK
    assert outcomes == [invalid, ok, invalid, invalid, invalid]
    assert phone.ended is None


async def test_what_the_model_understood_moves_the_call_by_its_tools(shop: Shop) -> None:
    wish = ToolUse("1", "apply_discount", {"reason": "TOO_EXPENSIVE"})
    phone, _ = await asked_why(shop, [wish, CALLED], [TextDelta("I hear you."), DONE])
    said = await phone.say("My wallet is crying.")
    assert (said[0], said[-1]) == ("I hear you.", OFFER)
    assert any(each.startswith("20 percent off") for each in said)


async def test_a_model_can_opt_somebody_out(shop: Shop) -> None:
    phone, _ = await asked_why(shop, [ToolUse("1", "set_opt_out", {"scope": "ALL"}), CALLED])
    assert await phone.say("Lose these digits forever.") == []
    assert phone.ended == HangUp(VoiceCallOutcome.DECLINED, EndReason.OPT_OUT, at_once=True)


async def test_a_model_cannot_accept_for_the_customer(shop: Shop) -> None:
    link = ToolUse("1", "send_resume_link", {"channel": "EMAIL"})
    phone, _ = await asked_why(shop, [TextDelta("I see."), DONE], [link, CALLED], [TextDelta("All right."), DONE])
    await phone.say("Too expensive.")
    await phone.say("Let me think about how that works.")
    ended = await phone.line.closed(EndReason.HUNG_UP)
    assert ended == HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.HUNG_UP)


@pytest.mark.parametrize(
    "script",
    [
        [ModelUnavailable(UnavailableReason.OVERLOADED, model="scripted")],
        [SwitchedModel("offline", UnavailableReason.CIRCUIT_OPEN, "scripted"), TextDelta("I am the other one."), DONE],
        [TextDelta("You get 90% off!"), DONE],
        [DONE],
    ],
)
async def test_when_the_model_fails_the_script_goes_on(
    shop: Shop, script: Sequence[ModelEvent | ModelUnavailable]
) -> None:
    phone, _ = await asked_why(shop, script)
    said = await phone.say("I was just looking around.")
    assert said == ["That's fine, take your time.", LINK]
    assert await phone.tools() == ["record_diagnosis"]


async def test_a_model_that_is_late_is_not_waited_for(shop: Shop) -> None:
    limits = CallLimits(first_sentence_s=0.0)
    phone = await ring(shop, StalledModel(), limits=limits)
    await phone.identified()
    assert (await phone.say("Too expensive."))[0] == "I understand. Price is important."
    assert (await phone.turns())[-1].fallback_reason == UnavailableReason.TIMEOUT


async def test_a_model_that_stalls_in_a_sentence_is_cut_off_and_its_sentences_stay(shop: Shop) -> None:
    limits = CallLimits(seconds=0.0)
    phone = await ring(shop, StalledModel("I understand that well. ", "And I would"), limits=limits)
    await phone.identified()
    said = await phone.say("I was just looking around.")
    assert said[-1] == LINK
    assert not any("And I would" in each for each in said)


async def test_only_what_was_heard_is_remembered(shop: Shop) -> None:
    phone, model = await asked_why(shop, [TextDelta("First thing. "), TextDelta("Second thing."), DONE], [DONE])
    await phone.hear(phone.line.heard("Well, hard to say.", at_ms=9_000, timings={}), plays=1)
    await phone.say("Hmm, tell me more about it.")
    heard = " ".join(
        part.text for message in model.requests[-1].messages for part in message.parts if hasattr(part, "text")
    )
    assert "First thing." in heard
    assert "Second thing." not in heard
    assert MOMENT in heard
