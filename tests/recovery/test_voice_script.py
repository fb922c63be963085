"""What a merchant may word of a call: nothing that is not so, nothing before it is known who answers."""

from typing import Any

import pytest
from pydantic import ValidationError

from recovery.config import FlowConfig
from recovery.voice_script import VoiceScript


def script(part: str, **changes: Any) -> VoiceScript:
    return VoiceScript.model_validate({part: changes})


def problem(part: str, **changes: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        script(part, **changes)
    return str(refused.value)


def test_the_template_holds_its_own_rules() -> None:
    stored = FlowConfig().model_dump(mode="json", by_alias=True)
    assert FlowConfig.model_validate(stored) == FlowConfig()
    assert VoiceScript.model_validate(stored["voice"]["script"]) == VoiceScript()


@pytest.mark.parametrize(
    "greeting",
    [
        "Hi {{customerName}}, it's about your cart, okay?",
        "Am I speaking with {{customerName}}?",
        "Did you forget an order?",
        "Is this who bought {{topItemName}}?",
        "Do you remember the items that you saved?",
        "Did you leave the checkout?",
    ],
)
def test_nothing_of_a_cart_before_identity(greeting: str) -> None:
    assert problem("opening", greeting=f"{greeting} May I have your name?")


@pytest.mark.parametrize("greeting", ["Is this a good time?", "Hi, my name is Ava. Are you well?", "Do you know us?"])
def test_a_greeting_asks_who_is_speaking(greeting: str) -> None:
    assert "ask who is speaking" in problem("opening", greeting=greeting)


@pytest.mark.parametrize("greeting", ["What's your first name?", "Who's speaking, please?", "With whom am I speaking?"])
def test_it_may_ask_in_any_words(greeting: str) -> None:
    assert script("opening", greeting=greeting).opening.greeting == greeting


@pytest.mark.parametrize(
    ("part", "name", "text", "named"),
    [
        ("closing", "declined", "Your cart will be saved for the next 7 days.", "7 days"),
        ("closing", "accepted", "I've applied the discount to your cart.", "discount"),
        ("closing", "goodbye", "Only 3 left, hurry!", "3"),
        ("closing", "escalate", "We do price matching, bye.", "price matching"),
        ("closing", "accepted", "I waived the shipping fee for you.", "shipping"),
        ("closing", "accepted", "You get {{discountPercent}}% off.", "discountPercent"),
        ("closing", "goodbye", "This is {{agentName}}.", "agentName"),
        ("closing", "goodbye", "Bye {{customerName", "brackets"),
        ("closing", "goodbye", "Bye <break/>", "brackets"),
        ("closing", "offerQuestion", "Would you like 30% off?", "30%"),
        ("closing", "goodbye", "Goodbye?", "may not ask"),
        ("closing", "linkQuestion", "I will email you.", ""),
    ],
)
def test_what_has_no_fact_is_refused_by_name(part: str, name: str, text: str, named: str) -> None:
    assert named in problem(part, **{name: text})


def test_what_a_fact_will_stand_behind_may_be_said() -> None:
    closing = script(
        "closing", offerQuestion="Would you like {{discountPercent}}% off your {{cartTotal}} cart?"
    ).closing
    assert "{{discountPercent}}" in closing.offer_question


@pytest.mark.parametrize("trigger", ["(a+)+$", "price.*", "a||b", "|", "", "[a-z]", "a\\b", "price|", "x{9}", "a?"])
def test_a_trigger_is_words_and_never_a_pattern(trigger: str) -> None:
    follow_up = {"trigger": trigger, "response": "I understand."}
    assert problem("diagnosis", followUps=[follow_up])


def test_a_trigger_may_be_any_words() -> None:
    follow_up = {"trigger": "payday|end of the month|don't like it|trop cher", "response": "I understand."}
    assert script("diagnosis", followUps=[follow_up]).diagnosis.follow_ups[0].trigger == follow_up["trigger"]


@pytest.mark.parametrize(
    "settings", [{"transferNumber": "+18885550100"}, {"callbackNumber": "888"}, {"speechRate": 9}, {"maxRetries": 99}]
)
def test_settings_that_do_not_exist_or_do_not_fit(settings: dict[str, Any]) -> None:
    assert problem("settings", **settings)
