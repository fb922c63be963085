"""Search of a company's FAQ, and the resolution of citations."""

import asyncio
import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.knowledge import FaqEntry
from knowledge.chatter import chatter_similarity
from knowledge.embedding import get_embedder
from knowledge.repository import KnowledgeRepository
from policy.errors import NotFound

# Cosines, calibrated on labelled questions (docs/decisions/0006-faq-threshold.md).
SIMILARITY_FLOOR = 0.36
RELATED_MARGIN = 0.12
CERTAIN_CHATTER = 0.75
QUESTION_CHARS = 1_000

_SENTENCES = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that may be cited. `passage` is the part of the answer that fits best; `score` a cosine."""

    entry_id: UUID
    title: str
    answer: str
    passage: str
    category: str
    version: int
    score: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Best entry first; no entry means that the FAQ does not know."""

    entries: tuple[Hit, ...]

    @property
    def known(self) -> bool:
        return bool(self.entries)


NOTHING_KNOWN = SearchResult(())


class EntryNotFound(NotFound):
    code = "faq_entry_not_found"


async def search(
    session: AsyncSession,
    question: str,
    *,
    company_id: UUID,
    locale: str,
    now: datetime,
    limit: int = 3,
) -> SearchResult:
    """Find the entries in force that answer a question, in the question's language.

    `locale` is en or en_US: entries of any country of the language count, one of the same country goes first.
    """
    asked = _plain(question)
    if not asked:
        return NOTHING_KNOWN
    asked, vector, chatter = await asyncio.to_thread(_measure, asked)
    found = await KnowledgeRepository(session).search(
        asked,
        vector,
        company_id=company_id,
        locale=locale.replace("-", "_"),
        now=now,
        floor=max(SIMILARITY_FLOOR, chatter),
        margin=RELATED_MARGIN,
        limit=limit,
    )
    return SearchResult(
        tuple(
            Hit(
                entry_id=chunk.entry_id,
                title=chunk.question,
                answer=chunk.answer,
                passage=chunk.chunk_text.removeprefix(f"{chunk.question}\n"),
                category=chunk.category,
                version=chunk.version,
                score=chunk.similarity,
            )
            for chunk in found
        )
    )


async def get_entry(session: AsyncSession, entry_id: UUID, *, company_id: UUID) -> FaqEntry:
    """The version that was cited, though a newer one may have replaced it. Raises EntryNotFound."""
    entry = await KnowledgeRepository(session).get_entry(entry_id, company_id=company_id)
    if entry is None:
        raise EntryNotFound("No entry of this shop's FAQ has this id.")
    return entry


def _plain(question: str) -> str:
    storable = question.replace("\0", " ").encode(errors="replace").decode()
    return " ".join(storable.split())[:QUESTION_CHARS]


def _measure(question: str) -> tuple[str, NDArray[np.float32], float]:
    """What is asked beside the small talk, its vector, and how much it is small talk itself."""
    embedder = get_embedder()
    sentences = _SENTENCES.split(question)
    if len(sentences) > 1:
        vectors = map(embedder.embed_question, sentences)
        serious = [
            sentence
            for sentence, vector in zip(sentences, vectors, strict=True)
            if chatter_similarity(vector) < CERTAIN_CHATTER
        ]
        question = " ".join(serious) or question
    vector = embedder.embed_question(question)
    return question, vector, chatter_similarity(vector)
