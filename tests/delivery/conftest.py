from collections.abc import AsyncIterator

import pytest

from tests.fakes.smtp import FakeSmtp, serving


@pytest.fixture
async def smtp() -> AsyncIterator[FakeSmtp]:
    async with serving() as fake:
        yield fake
