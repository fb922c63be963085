"""Brings parsed entries into the FAQ: only what changed is embedded and written, in batches that may be repeated.

Planning reads, embedding computes outside any transaction, applying writes one batch. An import that died half-way
is finished by running it again.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.tables.knowledge import FaqChunk, FaqEntry, FaqVector
from knowledge.chunking import chunk_texts
from knowledge.embedding import get_embedder
from knowledge.parsing import ParsedEntry, ParsedFile, Problem
from knowledge.repository import EntryName, KnowledgeRepository

BATCH_ENTRIES = 50

OpenTransaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class NewVersion:
    """An entry to store; the instants are UTC, `effective_to` is the first one after its last day."""

    name: EntryName
    entry: ParsedEntry
    effective_from: datetime | None
    effective_to: datetime | None
    content_hash: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    source: str
    batches: tuple[tuple[NewVersion, ...], ...]
    removals: tuple[EntryName, ...]
    unchanged: int


@dataclass(frozen=True, slots=True)
class EmbeddedBatch:
    """New versions with the texts of their chunks; `vectors` has a row for each text, in order."""

    source: str
    versions: tuple[NewVersion, ...]
    texts: tuple[tuple[str, ...], ...]
    vectors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did; `refused` are the file's problems."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    removed: int = 0
    refused: tuple[Problem, ...] = ()

    def __add__(self, other: "ImportReport") -> "ImportReport":
        return ImportReport(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.removed + other.removed,
            self.refused + other.refused,
        )


async def import_entries(
    open_transaction: OpenTransaction,
    parsed: ParsedFile,
    *,
    company_id: UUID,
    source: str,
    locale: str,
    tz: ZoneInfo,
    now: datetime,
    remove_missing: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a parsed file in several transactions that the caller's edge opens and commits.

    `locale` is that of entries without one, `tz` the shop's zone in which their days begin. `source` names the file:
    with `remove_missing`, what an earlier import of the same source brought and this one lacks is taken out of
    force. `progress` gets the entries done and to do.
    """
    async with open_transaction() as session:
        plan = await plan_import(
            session,
            parsed.entries,
            company_id=company_id,
            source=source,
            locale=locale,
            tz=tz,
            remove_missing=remove_missing,
        )
    report = ImportReport(unchanged=plan.unchanged, refused=tuple(parsed.problems))
    done, total = 0, sum(map(len, plan.batches))
    for batch in plan.batches:
        embedded = await embed_batch(plan.source, batch)
        async with open_transaction() as session:
            report += await apply_batch(session, embedded, company_id=company_id, now=now)
        done += len(batch)
        if progress is not None:
            progress(done, total)
    async with open_transaction() as session:
        report += await finish_import(session, plan, company_id=company_id, now=now)
    return report


async def plan_import(
    session: AsyncSession,
    entries: Sequence[ParsedEntry],
    *,
    company_id: UUID,
    source: str,
    locale: str,
    tz: ZoneInfo,
    remove_missing: bool = False,
) -> ImportPlan:
    """Compare entries with what is stored; reads only."""
    current = await KnowledgeRepository(session).current_versions(company_id=company_id)
    offered = [_new_version(entry, locale, tz) for entry in entries]
    changed = [
        version
        for version in offered
        if version.name not in current or current[version.name].content_hash != version.content_hash
    ]
    names = {version.name for version in offered}
    removals = [name for name, stored in current.items() if stored.source == source and name not in names]
    return ImportPlan(
        source=source,
        batches=tuple(tuple(changed[start : start + BATCH_ENTRIES]) for start in range(0, len(changed), BATCH_ENTRIES)),
        removals=tuple(removals) if remove_missing else (),
        unchanged=len(offered) - len(changed),
    )


async def embed_batch(source: str, batch: Sequence[NewVersion]) -> EmbeddedBatch:
    """Cut the answers into chunks and embed them, in a thread; hold no transaction meanwhile."""
    embedder = get_embedder()
    texts = tuple(
        tuple(chunk_texts(version.entry.question, version.entry.answer, embedder.count_tokens)) for version in batch
    )
    vectors = await embedder.embed_async([text for entry_texts in texts for text in entry_texts])
    return EmbeddedBatch(source, tuple(batch), texts, vectors)


async def apply_batch(session: AsyncSession, batch: EmbeddedBatch, *, company_id: UUID, now: datetime) -> ImportReport:
    """Store a batch. What another import stored meanwhile is compared again under the company's import lock."""
    repository = KnowledgeRepository(session)
    await repository.lock_imports(company_id=company_id)
    last = await repository.last_versions([version.name for version in batch.versions], company_id=company_id)
    added = changed = unchanged = 0
    rows = _Rows([], [], [])
    vectors = iter(batch.vectors)
    for version, texts in zip(batch.versions, batch.texts, strict=True):
        embedded = [(text, next(vectors)) for text in texts]
        number, current_hash = last.get(version.name, (0, None))
        if current_hash == version.content_hash:
            unchanged += 1
            continue
        added, changed = added + (current_hash is None), changed + (current_hash is not None)
        rows.add(version, embedded, company_id=company_id, number=number + 1, source=batch.source, now=now)
        # A version that begins later leaves the present one in force until then.
        starts = max(now, version.effective_from or now)
        await repository.supersede([version.name], company_id=company_id, at=starts)
    await repository.add_entries(rows.entries, rows.chunks, rows.vectors)
    return ImportReport(added, changed, unchanged)


async def finish_import(session: AsyncSession, plan: ImportPlan, *, company_id: UUID, now: datetime) -> ImportReport:
    """Take out of force what the file no longer has, if the plan says so, and tidy the search tables."""
    repository = KnowledgeRepository(session)
    await repository.lock_imports(company_id=company_id)
    removed = await repository.supersede(plan.removals, company_id=company_id, at=now) if plan.removals else 0
    await repository.forget_chunks_of_superseded(company_id=company_id, now=now)
    return ImportReport(removed=removed)


@dataclass(frozen=True, slots=True)
class _Rows:
    entries: list[FaqEntry]
    chunks: list[FaqChunk]
    vectors: list[FaqVector]

    def add(
        self,
        version: NewVersion,
        embedded: Sequence[tuple[str, NDArray[np.float32]]],
        *,
        company_id: UUID,
        number: int,
        source: str,
        now: datetime,
    ) -> None:
        entry = FaqEntry(
            company_id=company_id,
            id=uuid7(),
            key=version.name.key,
            locale=version.name.locale,
            version=number,
            question=version.entry.question,
            answer=version.entry.answer,
            category=version.entry.category,
            content_hash=version.content_hash,
            source=source,
            effective_from=version.effective_from,
            effective_to=version.effective_to,
            created_at=now,
        )
        self.entries.append(entry)
        for position, (text, vector) in enumerate(embedded):
            chunk_id = uuid7()
            self.chunks.append(
                FaqChunk(company_id=company_id, id=chunk_id, entry_id=entry.id, position=position, text=text)
            )
            self.vectors.append(FaqVector(company_id=company_id, chunk_id=chunk_id, embedding=vector.tolist()))


def _new_version(entry: ParsedEntry, locale: str, tz: ZoneInfo) -> NewVersion:
    starts = _midnight(entry.effective_from, tz) if entry.effective_from else None
    ends = _midnight(entry.effective_to + timedelta(days=1), tz) if entry.effective_to else None
    content = [
        entry.question,
        entry.answer,
        entry.category,
        starts.isoformat() if starts else None,
        ends.isoformat() if ends else None,
    ]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return NewVersion(EntryName(entry.key, entry.locale or locale), entry, starts, ends, digest)


def _midnight(day: date, tz: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tz).astimezone(UTC)
