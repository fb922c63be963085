"""What a shopper wants, without a language model: sentence embeddings and word cues into a softmax.

Phrases and cues are data (intents.json). `intent_training` fits the weights (intents.npz) to them; a file that was
fitted to other data is refused at load.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from agents.detectors import asks_if_bot, opts_out, wants_human

DATA = Path(__file__).with_name("intents.json")
WEIGHTS = Path(__file__).with_name("intents.npz")
CUE_WEIGHT = 0.3
SHORT_WORDS = 2
LONG_WORDS = 9
REMEMBERED = 512


class Intent(StrEnum):
    SHIPPING_COST_QUESTION = "SHIPPING_COST_QUESTION"
    DELIVERY_TIME_QUESTION = "DELIVERY_TIME_QUESTION"
    RETURNS_QUESTION = "RETURNS_QUESTION"
    PAYMENT_METHODS_QUESTION = "PAYMENT_METHODS_QUESTION"
    ORDER_CHANGE_QUESTION = "ORDER_CHANGE_QUESTION"
    DISCOUNT_CODE_QUESTION = "DISCOUNT_CODE_QUESTION"
    PRODUCT_QUESTION = "PRODUCT_QUESTION"
    STOCK_QUESTION = "STOCK_QUESTION"
    CART_QUESTION = "CART_QUESTION"
    PRICE_OBJECTION = "PRICE_OBJECTION"
    SHIPPING_OBJECTION = "SHIPPING_OBJECTION"
    JUST_BROWSING = "JUST_BROWSING"
    COMPARING = "COMPARING"
    SAVE_FOR_LATER = "SAVE_FOR_LATER"
    PAYMENT_PROBLEM = "PAYMENT_PROBLEM"
    RECOMMENDATION = "RECOMMENDATION"
    HUMAN_REQUEST = "HUMAN_REQUEST"
    OPT_OUT = "OPT_OUT"
    COMPLAINT = "COMPLAINT"
    BOT_QUESTION = "BOT_QUESTION"
    GREETING = "GREETING"
    THANKS = "THANKS"
    GOODBYE = "GOODBYE"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"


INTENTS = tuple(Intent)

# Below it the intent is a guess, and the FAQ search, with a threshold of its own, is the better answer.
CONFIDENT = 0.3
# What silences every channel, or sends a question away unread, takes more than a likely guess.
CERTAIN = 0.6


def needed_confidence(intent: Intent) -> float:
    """The probability from which an intent is acted on."""
    return CERTAIN if intent in {Intent.OPT_OUT, Intent.OUT_OF_SCOPE} else CONFIDENT


class Embedder(Protocol):
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Shape (len(texts), 384), each row of length 1."""
        ...


class StaleWeights(Exception):
    """intents.npz was not fitted to this intents.json: run `python -m agents.models.intent_training`."""


class IntentData(BaseModel):
    """`cues`: a name and a regular expression over plain words; `phrases`: what shoppers say, by intent."""

    model_config = ConfigDict(frozen=True)

    cues: Mapping[str, str]
    phrases: Mapping[Intent, Sequence[str]]


def load_data() -> IntentData:
    return IntentData.model_validate_json(DATA.read_bytes())


def data_digest() -> str:
    """Of the content, so that another layout of the file is no change."""
    return hashlib.sha256(json.dumps(json.loads(DATA.read_bytes()), sort_keys=True).encode()).hexdigest()


class Features:
    """Turns texts into rows: the embedding, whether each cue occurs, and how the text is shaped."""

    def __init__(self, embedder: Embedder, cues: Mapping[str, str]) -> None:
        self._embedder = embedder
        self._cues = [re.compile(rf"\b(?:{pattern})\b") for pattern in cues.values()]

    def rows(self, texts: Sequence[str]) -> NDArray[np.float32]:
        cues = np.array([self._cue_row(text) for text in texts], dtype=np.float32)
        ones = np.ones((len(texts), 1), dtype=np.float32)
        return np.hstack([self._embedder.embed(texts), CUE_WEIGHT * cues, ones])

    def _cue_row(self, text: str) -> list[bool]:
        words = plain_words(text)
        count = words.count(" ") + 1
        shape = [count <= SHORT_WORDS, "?" in text, "!" in text, count >= LONG_WORDS]
        return [cue.search(words) is not None for cue in self._cues] + shape


def plain_words(text: str) -> str:
    """Lower case, apostrophes gone, everything else that is no letter or digit a space."""
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"['’]", "", text.lower())).strip()


class IntentClassifier:
    """Deterministic; about the cost of embedding one sentence."""

    def __init__(self, embedder: Embedder) -> None:
        self._features = Features(embedder, load_data().cues)
        with np.load(WEIGHTS) as stored:
            if str(stored["digest"]) != data_digest():
                raise StaleWeights(f"{WEIGHTS.name} was fitted to other data than {DATA.name}")
            self._weights: NDArray[np.float32] = stored["weights"]
        self.classify = lru_cache(maxsize=REMEMBERED)(self._classify)

    def _classify(self, text: str) -> tuple[Intent, float]:
        """The likeliest intent and its probability; what the detectors know in six languages comes first."""
        if (certain := _detected(text)) is not None:
            return certain, 1.0
        scores = (self._features.rows([text]) @ self._weights)[0]
        odds = np.exp(scores - scores.max())
        best = int(odds.argmax())
        return INTENTS[best], float(odds[best] / odds.sum())


def _detected(text: str) -> Intent | None:
    if asks_if_bot(text):
        return Intent.BOT_QUESTION
    if opts_out(text) is not None:
        return Intent.OPT_OUT
    if wants_human(text):
        return Intent.HUMAN_REQUEST
    return None
