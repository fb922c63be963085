"""Queries of the FAQ tables."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import run_statement
from db.tables.knowledge import FaqChunk, FaqEntry, FaqVector


class EntryName(NamedTuple):
    """What stays the same from version to version."""

    key: str
    locale: str


@dataclass(frozen=True, slots=True)
class CurrentVersion:
    """The newest version of an entry, which may lie in the future."""

    id: UUID
    content_hash: str
    source: str


@dataclass(frozen=True, slots=True)
class FoundChunk:
    """An entry's part that is most similar to a question; similarity is a cosine."""

    entry_id: UUID
    version: int
    question: str
    answer: str
    category: str
    chunk_text: str
    similarity: float


# Exact, because an approximate index shared by companies loses most neighbours under a company's filter (H-53).
# The 100 nearest leave room for versions that are not in force; they also keep the joins on primary keys.
# Full text reorders what is similar enough and never adds what is not: reciprocal rank fusion with k = 60.
_SEARCH = """
    WITH measured AS MATERIALIZED (
        SELECT v.chunk_id, -(v.embedding <#> %(vector)s::vector) AS similarity
        FROM faq_vectors v
        WHERE v.company_id = %(company_id)s
        ORDER BY similarity DESC
        LIMIT 100
    ), one_a_key AS (
        SELECT DISTINCT ON (e.key)
               e.id, e.key, e.version, e.question, e.answer, e.category, c.text, c.words, m.similarity
        FROM measured m
        JOIN faq_chunks c ON c.company_id = %(company_id)s AND c.id = m.chunk_id
        JOIN faq_entries e ON e.company_id = %(company_id)s AND e.id = c.entry_id
        WHERE m.similarity >= %(floor)s
          AND (e.effective_from IS NULL OR e.effective_from <= %(now)s)
          AND (e.effective_to IS NULL OR e.effective_to > %(now)s)
          AND (e.superseded_at IS NULL OR e.superseded_at > %(now)s)
          AND split_part(e.locale, '_', 1) = %(language)s
        ORDER BY e.key, e.locale = %(locale)s DESC, m.similarity DESC
    ), related AS (
        SELECT * FROM one_a_key WHERE similarity >= (SELECT max(similarity) FROM one_a_key) - %(margin)s
    ), ranked AS (
        SELECT r.*, rank() OVER (ORDER BY r.similarity DESC) AS place,
               CASE WHEN r.words @@ asked.words
                    THEN rank() OVER (ORDER BY r.words @@ asked.words DESC, ts_rank(r.words, asked.words) DESC)
               END AS text_place
        FROM related r CROSS JOIN websearch_to_tsquery('english', %(question)s) AS asked(words)
    )
    SELECT id, version, question, answer, category, text, similarity
    FROM ranked
    ORDER BY 1.0 / (60 + place) + coalesce(1.0 / (60 + text_place), 0) DESC, similarity DESC, key
    LIMIT %(limit)s
"""


class KnowledgeRepository:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def search(
        self,
        question: str,
        vector: NDArray[np.float32],
        *,
        company_id: UUID,
        locale: str,
        now: datetime,
        floor: float,
        margin: float,
        limit: int,
    ) -> list[FoundChunk]:
        """The entries in force that reach `floor` and the best similarity less `margin`; best first, one a key."""
        rows = await run_statement(
            self.session,
            _SEARCH,
            question=question,
            vector=str(vector.tolist()),
            company_id=company_id,
            locale=locale,
            language=locale.partition("_")[0],
            now=now,
            floor=floor,
            margin=margin,
            limit=limit,
        )
        return [FoundChunk(*row) for row in rows]

    async def get_entry(self, entry_id: UUID, *, company_id: UUID) -> FaqEntry | None:
        """Any version, superseded ones included."""
        return await self.session.scalar(
            select(FaqEntry).where(FaqEntry.company_id == company_id, FaqEntry.id == entry_id)
        )

    async def current_versions(self, *, company_id: UUID) -> dict[EntryName, CurrentVersion]:
        rows = await self.session.execute(
            select(FaqEntry.key, FaqEntry.locale, FaqEntry.id, FaqEntry.content_hash, FaqEntry.source).where(
                FaqEntry.company_id == company_id, FaqEntry.superseded_at.is_(None)
            )
        )
        return {EntryName(row.key, row.locale): CurrentVersion(row.id, row.content_hash, row.source) for row in rows}

    async def lock_imports(self, *, company_id: UUID) -> None:
        """Let one import of a company write at a time, until the transaction ends."""
        await self.session.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"faq_entries {company_id}", 0)))
        )

    async def last_versions(
        self, names: Collection[EntryName], *, company_id: UUID
    ) -> dict[EntryName, tuple[int, str | None]]:
        """Of each name that was ever used: its highest version, and the hash of the current one if there is one."""
        current_hash = func.max(FaqEntry.content_hash).filter(FaqEntry.superseded_at.is_(None))
        rows = await self.session.execute(
            select(FaqEntry.key, FaqEntry.locale, func.max(FaqEntry.version), current_hash)
            .where(FaqEntry.company_id == company_id, tuple_(FaqEntry.key, FaqEntry.locale).in_(names))
            .group_by(FaqEntry.key, FaqEntry.locale)
        )
        return {EntryName(key, locale): (version, digest) for key, locale, version, digest in rows}

    async def supersede(self, names: Collection[EntryName], *, company_id: UUID, at: datetime) -> int:
        """End every version of these names at `at`, unless it ends before. Returns how many were ended."""
        result = await self.session.execute(
            update(FaqEntry)
            .where(
                FaqEntry.company_id == company_id,
                tuple_(FaqEntry.key, FaqEntry.locale).in_(names),
                or_(FaqEntry.superseded_at.is_(None), FaqEntry.superseded_at > at),
            )
            .values(superseded_at=at)
            .returning(FaqEntry.id)
        )
        return len(result.all())

    async def add_entries(
        self, entries: Sequence[FaqEntry], chunks: Sequence[FaqChunk], vectors: Sequence[FaqVector]
    ) -> None:
        """Store new versions with what is searched; each row carries its company."""
        for rows in (entries, chunks, vectors):
            self.session.add_all(rows)
            await self.session.flush()

    async def forget_chunks_of_superseded(self, *, company_id: UUID, now: datetime) -> None:
        """Keep what is searched small; the superseded entries themselves stay citable."""
        ended = select(FaqEntry.id).where(FaqEntry.company_id == company_id, FaqEntry.superseded_at <= now)
        await self.session.execute(
            delete(FaqChunk).where(FaqChunk.company_id == company_id, FaqChunk.entry_id.in_(ended))
        )
