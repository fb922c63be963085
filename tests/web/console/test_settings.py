"""The form knows every setting of its model, and says what the model says is wrong."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from agents.checkout_chat.config import CheckoutChatConfig
from recovery.config import FlowConfig
from web.console.settings.difference import Path
from web.console.settings.fields import Kind, settings_of
from web.console.settings.form import value_at, with_values
from web.console.settings.problems import problems_of
from web.console.settings.sections import CALLS, CHAT, FLOW, divided
from web.console.settings.wording import title_of, told

FIXED = {
    ("stages", "nuclearOffer", "includeGift"),
    ("voice", "script", "type"),
    ("aiCapabilities", "canModifyCart"),
    ("escalateToHuman", "onRequest"),
}


def leaves(value: object, at: Path = ()) -> set[Path]:
    """What a dumped config holds, by its JSON alone."""
    if isinstance(value, dict) and value:
        return {path for name, inner in value.items() for path in leaves(inner, (*at, name))}
    return {at}


@pytest.mark.parametrize(("model", "pages"), [(FlowConfig, [FLOW, CALLS]), (CheckoutChatConfig, [CHAT])])
def test_every_setting_stands_on_one_page(model: type[BaseModel], pages: list[Any]) -> None:
    paths = [setting.path for setting in settings_of(model)]
    shown = [path for page in pages for _, found in divided(paths, page) for path in found]
    assert len(shown) == len(set(shown))
    assert set(shown) == leaves(model().model_dump(mode="json", by_alias=True)) - FIXED
    assert all(title_of(path) for path in shown)


@pytest.mark.parametrize("model", [FlowConfig, CheckoutChatConfig])
def test_values_that_are_read_and_put_back_are_the_same_config(model: type[BaseModel]) -> None:
    config = model().model_dump(mode="json", by_alias=True)
    values = {setting.path: value_at(config, setting.path) for setting in settings_of(model)}
    assert with_values(config, values) == config
    assert model.model_validate(with_values(config, values)) == model()


def test_a_setting_has_the_bounds_of_its_model() -> None:
    found = {setting.path: setting for setting in settings_of(FlowConfig)}
    cap = found["offers", "caps", "chat"]
    assert (cap.kind, cap.least, cap.most) == (Kind.DECIMAL, 0, 100)
    days = found["voice", "excludeRecentCalls"]
    assert (days.kind, days.least, days.most) == (Kind.WHOLE, 7, 365)
    assert found["stages", "diagnosisSurvey", "channels"].choices == ("EMAIL", "SMS")
    assert found["offers", "dailyBudget"].kind is Kind.BUDGET
    assert found["voice", "minCartValues"].kind is Kind.AMOUNTS
    assert [each.path for each in found["voice", "script", "diagnosis", "followUps"].inner] == [
        ("trigger",),
        ("response",),
        ("reason",),
    ]


@pytest.mark.parametrize(
    ("path", "value", "place", "sentence"),
    [
        (("offers", "caps", "chat"), 101, ("offers", "caps", "chat"), "At most 100."),
        (("offers", "caps", "chat"), -1, ("offers", "caps", "chat"), "At least 0."),
        (("offers", "caps", "chat"), None, ("offers", "caps", "chat"), "Enter a number."),
        (("offers", "caps", "chat"), 7.125, ("offers", "caps", "chat"), "At most 2 places after the point."),
        (("maxAttemptsPerCart",), 2.5, ("maxAttemptsPerCart",), "A whole number."),
        (
            ("voice", "minCartValues"),
            {"euro 5": None},
            ("voice", "minCartValues"),
            "A currency and an amount on each line, such as EUR 120.",
        ),
        (
            ("stages", "nuclearOffer", "delayMinutes"),
            5,
            ("stages",),
            "Each enabled stage needs a longer delay than the one before it.",
        ),
        (
            ("stages", "patternInterrupt", "channels"),
            [],
            ("stages", "patternInterrupt"),
            "An enabled stage needs at least one channel.",
        ),
        (
            ("voice", "script", "opening", "introduction"),
            "",
            ("voice", "script", "opening", "introduction"),
            "This may not be empty.",
        ),
    ],
)
def test_what_is_wrong_is_said_beside_its_setting(path: Path, value: Any, place: Path, sentence: str) -> None:
    config = with_values(FlowConfig().model_dump(mode="json", by_alias=True), {path: value})
    with pytest.raises(ValidationError) as refused:
        FlowConfig.model_validate(config)
    paths = [setting.path for setting in settings_of(FlowConfig)]
    assert problems_of(refused.value, paths) == {place: sentence}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "Not set"),
        (True, "On"),
        (7.0, "7"),
        (7.5, "7.5"),
        (1234567.89, "1234567.89"),
        (9000000.0, "9000000"),
        (["EMAIL", "IN_APP"], "Email, In the shop"),
        ([], "Not set"),
    ],
)
def test_a_value_is_told_in_words(value: object, sentence: str) -> None:
    assert told(value) == sentence
