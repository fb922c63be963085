"""Companies with an FAQ."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.ids import uuid7
from db.session import transaction
from db.tables.companies import Company
from db.tables.knowledge import FaqChunk, FaqEntry, FaqVector
from knowledge.importing import ImportReport, import_entries
from knowledge.parsing import parse_file
from knowledge.repository import KnowledgeRepository
from knowledge.service import SearchResult, search

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Shop:
    """A company and short ways to import into its FAQ and search it."""

    id: UUID
    engine: AsyncEngine

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self.engine, company_id=self.id)

    async def import_markdown(
        self, text: str, *, now: datetime = NOW, source: str = "faq.md", remove_missing: bool = False
    ) -> ImportReport:
        return await import_entries(
            self.transaction,
            parse_file("faq.md", text.encode()),
            company_id=self.id,
            source=source,
            locale="en_US",
            tz=BERLIN,
            now=now,
            remove_missing=remove_missing,
        )

    async def store(self, vectors: NDArray[np.float32], texts: Sequence[str] = ()) -> None:
        """One entry in force, named "Entry 0" and so on, for each vector; `texts` are what full text finds."""
        entries, chunks, rows = [], [], []
        for number, vector in enumerate(vectors):
            entry = FaqEntry(
                company_id=self.id,
                id=uuid7(),
                key=str(number),
                version=1,
                question=f"Entry {number}",
                answer="",
                category="",
                locale="en",
                content_hash="",
                source="",
                created_at=NOW,
            )
            chunk = FaqChunk(
                company_id=self.id, id=uuid7(), entry_id=entry.id, position=0, text=texts[number] if texts else ""
            )
            entries.append(entry)
            chunks.append(chunk)
            rows.append(FaqVector(company_id=self.id, chunk_id=chunk.id, embedding=vector.tolist()))
        async with self.transaction() as session:
            await KnowledgeRepository(session).add_entries(entries, chunks, rows)

    async def search(
        self, question: str, *, now: datetime = NOW, locale: str = "en_US", limit: int = 3
    ) -> SearchResult:
        async with self.transaction() as session:
            return await search(session, question, company_id=self.id, locale=locale, now=now, limit=limit)


OpenShop = Callable[[], Awaitable[Shop]]


async def _open_shop(engine: AsyncEngine) -> Shop:
    shop = Shop(uuid7(), engine)
    async with shop.transaction() as session:
        session.add(
            Company(
                id=shop.id,
                name="Shop",
                legal_name="Shop Ltd",
                postal_address="1 Road",
                support_email="help@shop.example",
                currency="EUR",
                timezone="Europe/Berlin",
                country="DE",
                created_at=NOW,
            )
        )
    return shop


@pytest.fixture
def open_shop(engine: AsyncEngine) -> OpenShop:
    return partial(_open_shop, engine)


@pytest.fixture
async def shop(open_shop: OpenShop) -> Shop:
    return await open_shop()
