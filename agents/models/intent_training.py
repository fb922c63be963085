"""Fits the weights of the offline intents: `python -m agents.models.intent_training` after a change of the data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from agents.models.offline_intents import INTENTS, WEIGHTS, Embedder, Features, data_digest, load_data
from knowledge.embedding import get_embedder

STEPS = 200
RATE = 1.0
MOMENTUM = 0.9
DECAY = 1e-4


def fit(features: NDArray[np.float32], labels: Sequence[int]) -> NDArray[np.float32]:
    """Softmax regression by full-batch gradient descent from zero: the same weights each time."""
    rows = features.astype(np.float64)
    wanted = np.eye(len(INTENTS))[np.asarray(labels)]
    weights = np.zeros((rows.shape[1], len(INTENTS)))
    velocity = np.zeros_like(weights)
    for _ in range(STEPS):
        scores = rows @ weights
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        error = odds / odds.sum(axis=1, keepdims=True) - wanted
        velocity = MOMENTUM * velocity - RATE * (rows.T @ error / len(rows) + DECAY * weights)
        weights += velocity
    return weights.astype(np.float32)


def train(embedder: Embedder) -> NDArray[np.float32]:
    data = load_data()
    texts = [phrase for intent in INTENTS for phrase in data.phrases[intent]]
    labels = [index for index, intent in enumerate(INTENTS) for _ in data.phrases[intent]]
    return fit(Features(embedder, data.cues).rows(texts), labels)


if __name__ == "__main__":
    np.savez_compressed(WEIGHTS, weights=train(get_embedder()), digest=np.array(data_digest()))
