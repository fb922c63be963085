"""Fixtures of this room."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from agents.models.anthropic import AnthropicModel, connect
from agents.models.offline_intents import IntentClassifier
from knowledge.embedding import get_embedder
from tests.agents.models.provider import Time
from tests.fakes import messages_api
from tests.fakes.messages_api import (
    MessagesApi,
)


@pytest.fixture(scope="session")
def classifier() -> IntentClassifier:
    return IntentClassifier(get_embedder())


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def api() -> AsyncIterator[MessagesApi]:
    async with messages_api.serving() as server:
        yield server


@pytest.fixture
async def model_at(time: Time) -> AsyncIterator[Callable[..., AnthropicModel]]:
    """Make models with the given deadlines; they are closed when the test ends."""
    made: list[AnthropicModel] = []

    def make(url: str, *, first_byte: timedelta | None = None, total: timedelta | None = None) -> AnthropicModel:
        made.append(
            AnthropicModel(
                connect(api_key="test", base_url=url),
                first_byte_s=(first_byte or timedelta(seconds=5)).total_seconds(),
                total_s=(total or timedelta(seconds=6)).total_seconds(),
                clock=time.clock,
                sleep=time.sleep,
                jitter=lambda: 0.0,
            )
        )
        return made[-1]

    yield make
    for model in made:
        await model.aclose()
