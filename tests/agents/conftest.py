"""What the agents are tried against."""

from collections.abc import AsyncIterator

import pytest

from tests.agents.provided import Provider
from tests.fakes import messages_api


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with messages_api.serving() as api:
        provider = Provider(api)
        yield provider
        await provider.aclose()
