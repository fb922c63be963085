"""The offline responder over requests as the graph makes them: the calls it makes and the words it says."""

import json
import re
from collections.abc import Mapping
from contextlib import aclosing

import pytest
from pydantic import JsonValue

from agents.models import offline_replies
from agents.models.offline import OfflineModel, continues_offline
from agents.models.offline_intents import IntentClassifier
from graphs.model import (
    Finished,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ModelUnavailable,
    SearchResultPart,
    TextDelta,
    TextPart,
    ToolResultPart,
    ToolSpec,
    ToolUse,
    ToolUsePart,
    UnavailableReason,
    Usage,
)
from tests.agents.models.tools import TOOLS

Results = Mapping[str, Mapping[str, JsonValue]]
RETURNS = SearchResultPart("faq:7@3", "Returns", "Returns\nSend it back within 30 days. We pay the label.")


@pytest.fixture
def model(classifier: IntentClassifier) -> OfflineModel:
    return OfflineModel(classifier)


def asking(text: str, *parts: SearchResultPart, tools: tuple[ToolSpec, ...] = TOOLS) -> ModelRequest:
    opening = ModelMessage("user", (*parts, TextPart(text)))
    return ModelRequest(system="", messages=(opening,), max_tokens=100, purpose="chat", tools=tools)


async def events_of(model: OfflineModel, request: ModelRequest) -> list[ModelEvent]:
    async with aclosing(model.stream(request)) as events:
        return [event async for event in events]


async def conversation(
    model: OfflineModel, request: ModelRequest, results: Results
) -> tuple[list[tuple[str, Mapping[str, JsonValue]]], str]:
    """Run a turn as the graph does; the calls in order and the text."""
    calls: list[tuple[str, Mapping[str, JsonValue]]] = []
    for _ in range(5):
        events = await events_of(model, request)
        uses = [event for event in events if isinstance(event, ToolUse)]
        end = events[-1]
        assert isinstance(end, Finished)
        assert (end.usage, end.model) == (Usage(), "offline")
        if end.stop == "end_turn":
            return calls, "".join(event.text for event in events if isinstance(event, TextDelta)).strip()
        calls += [(use.name, use.input) for use in uses]
        answered = [ToolResultPart(use.id, json.dumps(results.get(use.name, {"ok": True}))) for use in uses]
        request = ModelRequest(
            **{
                **request.__dict__,
                "messages": (
                    *request.messages,
                    ModelMessage("assistant", tuple(ToolUsePart(use.id, use.name, use.input) for use in uses)),
                    ModelMessage("user", tuple(answered)),
                ),
            }
        )
        assert continues_offline(request)
    raise AssertionError("the turn did not end")


def found(*answers: str) -> dict[str, JsonValue]:
    return {
        "ok": True,
        "entries": [{"id": str(n), "title": "T", "version": 1, "answer": each} for n, each in enumerate(answers)],
    }


async def test_a_question_is_answered_from_the_first_passage(model: OfflineModel) -> None:
    calls, text = await conversation(model, asking("what is your return policy?", RETURNS), {})
    assert calls == []
    assert text == "Send it back within 30 days. We pay the label."


async def test_without_passages_it_searches_and_quotes(model: OfflineModel) -> None:
    question = "what is your return policy?"
    results = {"search_faq": found("Send it back within 30 days.", "Another entry.")}
    calls, text = await conversation(model, asking(question), results)
    assert calls == [("search_faq", {"question": question})]
    assert text == "Send it back within 30 days."


async def test_what_the_faq_does_not_know_is_said_so(model: OfflineModel) -> None:
    refused: dict[str, JsonValue] = {"ok": False, "code": "NOT_KNOWN", "say": "I couldn't find that."}
    _, text = await conversation(model, asking("is the mug dishwasher safe?"), {"search_faq": refused})
    assert text == "I couldn't find that. Would you like me to ask a person from the shop?"


async def test_nonsense_is_looked_up_rather_than_guessed(model: OfflineModel) -> None:
    calls, _ = await conversation(model, asking("blargh fnord quux"), {"search_faq": found("Nothing.")})
    assert [name for name, _ in calls] == ["search_faq"]


async def test_a_price_objection_is_recorded_and_asks_for_a_discount(model: OfflineModel) -> None:
    said = "too expensive for me, can you do 15% off?"
    results: Results = {"apply_discount": {"ok": True, "say": "You get 10% off this cart."}}
    calls, text = await conversation(model, asking(said), results)
    assert calls == [
        ("record_diagnosis", {"reason": "TOO_EXPENSIVE", "quote": said}),
        ("apply_discount", {"reason": "TOO_EXPENSIVE", "asked_percent": 15}),
    ]
    assert text == "I understand, the price matters. You get 10% off this cart."


async def test_a_refused_discount_is_said_in_the_shops_words(model: OfflineModel) -> None:
    refused: Results = {"apply_discount": {"ok": False, "code": "COOLDOWN", "say": "There is no further offer now."}}
    _, text = await conversation(model, asking("that's too expensive"), refused)
    assert text == "I understand, the price matters. There is no further offer now."


async def test_a_shipping_objection_names_its_reason(model: OfflineModel) -> None:
    calls, _ = await conversation(model, asking("shipping is way too expensive"), {})
    assert calls == [
        ("record_diagnosis", {"reason": "SHIPPING_COST", "quote": "shipping is way too expensive"}),
        ("apply_discount", {"reason": "SHIPPING_COST"}),
    ]


async def test_who_asks_for_shipping_costs_hears_how_far_free_shipping_is(model: OfflineModel) -> None:
    passage = SearchResultPart("faq:1@1", "Shipping", "Shipping\nStandard shipping costs $4.90.")
    near: JsonValue = {
        "handle": "abc",
        "trigger": "GOAL_GRADIENT",
        "sentence": "You are $6.00 away from free shipping.",
    }
    cart: Results = {"get_cart": {"ok": True, "say": "Your cart has a mug.", "claims": [near]}}
    calls, text = await conversation(model, asking("how much is shipping?", passage), cart)
    assert calls == [("get_cart", {}), ("log_trigger", {"handle": "abc"})]
    assert text == "Standard shipping costs $4.90. You are $6.00 away from free shipping."


async def test_the_cart_is_told_in_the_tools_words(model: OfflineModel) -> None:
    cart: Results = {"get_cart": {"ok": True, "say": "Your cart has a mug.", "total": "$9.00"}}
    calls, text = await conversation(model, asking("what's in my cart?"), cart)
    assert (calls, text) == ([("get_cart", {})], "Your cart has a mug.")


async def test_suggestions_come_from_the_ranking(model: OfflineModel) -> None:
    ranked: Results = {"rank_upsells": {"ok": True, "say": "Filters go well with it, for $5.00."}}
    calls, text = await conversation(model, asking("what goes well with this?"), ranked)
    assert (calls, text) == ([("rank_upsells", {})], "Filters go well with it, for $5.00.")


async def test_saving_for_later_sends_the_link(model: OfflineModel) -> None:
    sent: Results = {"send_resume_link": {"ok": True, "say": "I have sent the link."}}
    calls, text = await conversation(model, asking("can you send me the link to my cart for later?"), sent)
    assert [name for name, _ in calls] == ["record_diagnosis", "send_resume_link"]
    assert calls[1][1] == {"channel": "EMAIL"}
    assert text == "No problem. I have sent the link."


@pytest.mark.parametrize(
    ("said", "scope"),
    [("unsubscribe", "ALL"), ("please stop emailing me", "EMAIL"), ("no me llamen más", "VOICE"), ("STOP", "ALL")],
)
async def test_an_opt_out_is_carried_out(said: str, scope: str, model: OfflineModel) -> None:
    done: Results = {"set_opt_out": {"ok": True, "say": "Understood."}}
    calls, text = await conversation(model, asking(said), done)
    assert (calls, text) == ([("set_opt_out", {"scope": scope})], "Understood.")


async def test_a_person_is_asked_for(model: OfflineModel) -> None:
    done: Results = {"request_human": {"ok": True, "say": "I have asked a person."}}
    calls, text = await conversation(model, asking("let me talk to a human"), done)
    assert (calls, text) == (
        [("request_human", {"reason": "The shopper asked for a person."})],
        "I have asked a person.",
    )


async def test_yes_to_the_offer_of_a_person_is_a_request(model: OfflineModel) -> None:
    request = asking("Yes, please!")
    offered = ModelMessage("assistant", (TextPart(f"I couldn't find that. {offline_replies.OFFER_HUMAN} "),))
    before = ModelMessage("user", (TextPart("do you sponsor teams?"),))
    events = await events_of(
        model, ModelRequest(**{**request.__dict__, "messages": (before, offered, *request.messages)})
    )
    assert isinstance(events[0], ToolUse)
    assert events[0].name == "request_human"


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (
            "are you a human?",
            "I'm an automated assistant, not a human. Would you like me to ask a person from the shop?",
        ),
        ("¿Eres un robot?", "Soy un asistente automático, no una persona."),
        ("Êtes-vous un humain ?", "Je suis un assistant automatique, pas un humain."),
        ("Bist du ein Mensch?", "Ich bin ein automatischer Assistent, kein Mensch."),
        ("Você é um robô?", "Sou um assistente automático, não uma pessoa."),
        ("Sei una persona vera?", "Sono un assistente automatico, non una persona."),
    ],
)
async def test_asked_it_says_truthfully_what_it_is(question: str, answer: str, model: OfflineModel) -> None:
    calls, text = await conversation(model, asking(question, RETURNS), {})
    assert (calls, text) == ([], answer)


async def test_small_talk_cites_nothing(model: OfflineModel) -> None:
    for said in ("hello!", "thanks a lot", "bye", "tell me a joke"):
        calls, text = await conversation(model, asking(said, RETURNS), {})
        assert calls == []
        assert "30 days" not in text


@pytest.mark.parametrize(
    "said",
    [
        "too expensive",
        "stop messaging me",
        "I want a human",
        "what's in my cart",
        "what goes with it",
        "you are useless",
    ],
)
async def test_without_tools_it_promises_nothing(said: str, model: OfflineModel) -> None:
    calls, text = await conversation(model, asking(said, tools=()), {})
    assert calls == []
    assert text


async def test_only_offered_tools_and_their_arguments_are_used(model: OfflineModel) -> None:
    bare = ToolSpec("apply_discount", "", {"type": "object", "properties": {"reason": {"type": "string"}}})
    calls, _ = await conversation(model, asking("too pricey, give me 20 percent off", tools=(bare,)), {})
    assert calls == [("apply_discount", {"reason": "TOO_EXPENSIVE"})]


async def test_results_of_another_models_calls_are_spoken(model: OfflineModel) -> None:
    request = asking("what is your return policy?")
    call = ToolUsePart("toolu_1", "search_faq", {"question": "returns"})
    result = ToolResultPart("toolu_1", json.dumps(found("Thirty days.")))
    messages = (*request.messages, ModelMessage("assistant", (TextPart("Let me look. "), call)))
    taken_over = ModelRequest(**{**request.__dict__, "messages": (*messages, ModelMessage("user", (result,)))})
    assert not continues_offline(taken_over)
    assert await events_of(model, taken_over) == [TextDelta("Thirty days. "), Finished("end_turn", Usage(), "offline")]


@pytest.mark.parametrize("content", ["", "not json", "[]", '{"ok": "maybe"}', '{"ok": true, "say": 5}'])
async def test_a_result_that_is_not_as_agreed_is_not_spoken(content: str, model: OfflineModel) -> None:
    request = asking("what's in my cart?")
    call = ToolUsePart("toolu_1", "get_cart", {})
    messages = (
        *request.messages,
        ModelMessage("assistant", (call,)),
        ModelMessage("user", (ToolResultPart("toolu_1", content, is_error=True),)),
    )
    events = await events_of(model, ModelRequest(**{**request.__dict__, "messages": messages}))
    assert events[0] == TextDelta("I can't read the cart right now; you see it beside this chat. ")


async def test_a_long_passage_is_cut_at_a_sentence(model: OfflineModel) -> None:
    passage = SearchResultPart("faq:1@1", "Returns", "Returns\n" + "You can send things back to us. " * 60)
    _, text = await conversation(model, asking("what is your return policy?", passage), {})
    assert text == "You can send things back to us."


async def test_structured_output_is_unsupported(model: OfflineModel) -> None:
    request = ModelRequest(**{**asking("plan").__dict__, "output_schema": {"type": "object"}})
    with pytest.raises(ModelUnavailable) as failed:
        await events_of(model, request)
    assert failed.value.reason is UnavailableReason.UNSUPPORTED


def test_fixed_sentences_hold_no_number_and_no_promise() -> None:
    sentences = [
        *offline_replies._BEFORE.values(),
        *offline_replies._ALONE.values(),
        *offline_replies.BOT_ANSWERS.values(),
        offline_replies.OFFER_HUMAN,
        offline_replies.UNKNOWN,
    ]
    risky = re.compile(
        r"\d|%|\b(free|guarantee\w*|always|minutes?|hours?|days?|one|two|stock|soon|will)\b", re.IGNORECASE
    )
    assert [each for each in sentences if risky.search(each)] == []
