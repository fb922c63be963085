import pytest

from agents.models.offline_intents import IntentClassifier
from knowledge.embedding import get_embedder


@pytest.fixture(scope="session")
def classifier() -> IntentClassifier:
    return IntentClassifier(get_embedder())
