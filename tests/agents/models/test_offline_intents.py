import json
from pathlib import Path
from time import process_time

import numpy as np
import pytest

from agents.models import offline_intents
from agents.models.intent_training import fit
from agents.models.offline_intents import (
    Features,
    Intent,
    IntentClassifier,
    StaleWeights,
    load_data,
    needed_confidence,
)
from knowledge.embedding import get_embedder
from policy.redaction.rules import CARD_MARK


def test_every_intent_has_enough_phrases_and_none_stands_twice() -> None:
    phrases = load_data().phrases
    assert set(phrases) == set(Intent)
    assert {intent: len(each) for intent, each in phrases.items() if len(each) < 25} == {}
    every = [phrase.lower() for each in phrases.values() for phrase in each]
    assert len(every) == len(set(every))


def test_weights_fitted_to_other_data_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    changed = json.loads(offline_intents.DATA.read_text())
    changed["phrases"]["GREETING"].append("ahoy there")
    other = tmp_path / "intents.json"
    other.write_text(json.dumps(changed))
    monkeypatch.setattr(offline_intents, "DATA", other)
    with pytest.raises(StaleWeights):
        IntentClassifier(get_embedder())


def test_it_loads_quickly() -> None:
    get_embedder()
    started = process_time()
    IntentClassifier(get_embedder())
    assert process_time() - started < 1.0


def test_it_is_deterministic_and_says_how_sure_it_is(classifier: IntentClassifier) -> None:
    first = classifier.classify("do you take paypal")
    assert first[0] is Intent.PAYMENT_METHODS_QUESTION
    assert 0.5 < first[1] <= 1.0
    assert IntentClassifier(get_embedder()).classify("do you take paypal") == first


@pytest.mark.parametrize("nonsense", ["blargh fnord quux", "asdf qwer zxcv", "lorem ipsum dolor", "xyzzy plugh"])
def test_it_is_unsure_about_nonsense(classifier: IntentClassifier, nonsense: str) -> None:
    intent, confidence = classifier.classify(nonsense)
    assert confidence < needed_confidence(intent)


@pytest.mark.parametrize("message", ["what's the weather tomorrow?", "write me a poem about the sea"])
def test_it_is_sure_about_what_is_none_of_a_shops_business(classifier: IntentClassifier, message: str) -> None:
    intent, confidence = classifier.classify(message)
    assert intent is Intent.OUT_OF_SCOPE
    assert confidence >= needed_confidence(intent)


@pytest.mark.parametrize(
    "message", ["my card is {}, charge it", "{}", "take it off my visa {}", "here you go: {} exp 12/29"]
)
def test_a_masked_card_number_is_no_wish(classifier: IntentClassifier, message: str) -> None:
    intent, _ = classifier.classify(message.format(CARD_MARK))
    assert intent not in {Intent.OPT_OUT, Intent.HUMAN_REQUEST, Intent.COMPLAINT}


def test_training_gives_the_same_weights_each_time_and_separates_its_data() -> None:
    phrases = load_data().phrases
    chosen = [(index, phrase) for index, intent in enumerate(Intent) for phrase in phrases[intent][:4]]
    labels = [index for index, _ in chosen]
    rows = Features(get_embedder(), load_data().cues).rows([phrase for _, phrase in chosen])
    weights = fit(rows, labels)
    assert np.array_equal(weights, fit(rows, labels))
    assert float(((rows @ weights).argmax(axis=1) == labels).mean()) > 0.95
