"""FAQ search beside the embedding: our query, the exact scan alone and full text alone; recall against exact.

Each vector is the real embedding of one of 40 questions with noise, so that they lie in clusters as a shop's do.
Several companies share the tables, and each is searched with its own questions. What is nearest is told by numpy.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncEngine

from benchmarks.database import database, owner
from benchmarks.report import Figure, Reference, median, percentile
from db.clock import real_now
from db.embedded import EmbeddedServer, dsn
from db.session import open_engine, transaction
from knowledge.embedding import DIMENSIONS, get_embedder
from knowledge.repository import FoundChunk, KnowledgeRepository
from knowledge.service import RELATED_MARGIN, SIMILARITY_FLOOR
from tests.factories import make_company

SEED = 7_411
TOPICS = ("delivery", "a refund", "grinding", "my plan", "a gift card", "the warranty", "an invoice", "roasting")
ASKED = ("How much is {}?", "Can I change {}?", "When do I get {}?", "Who pays for {}?", "Where do I find {}?")
QUESTIONS = tuple(asked.format(topic) for topic in TOPICS for asked in ASKED)
# Length of the noise beside a vector of length 1: two neighbours of one question have a cosine of about 0.7.
NOISE = 0.65
TOP = 5
TIE = 1e-5
EXACT = "SELECT chunk_id FROM faq_vectors WHERE company_id = %s ORDER BY embedding <#> %s::vector LIMIT 5"
TEXT = """
    SELECT id FROM faq_chunks, websearch_to_tsquery('english', %s) AS asked
    WHERE company_id = %s AND words @@ asked ORDER BY ts_rank(words, asked) DESC LIMIT 5
"""

Vectors = NDArray[np.float32]
T = TypeVar("T")


@dataclass(frozen=True)
class Faq:
    """One company's: `ids[n]` is the entry of the vector `vectors[n]`."""

    company_id: UUID
    ids: list[UUID]
    vectors: Vectors


@dataclass(frozen=True)
class Question:
    faq: Faq
    text: str
    vector: Vectors

    def recall(self, found: Sequence[UUID]) -> float:
        """The share of the five nearest that was found; entries that tie with the fifth count."""
        similarities = self.faq.vectors @ self.vector
        fifth = np.sort(similarities)[-TOP]
        near = {self.faq.ids[n] for n in np.flatnonzero(similarities >= fifth - TIE)}
        return len(near & set(found)) / TOP


def run(*, full: bool, tiny: bool = False) -> list[Figure]:
    sizes = ((200, 2),) if tiny else ((2_000, 5), (20_000, 3)) if full else ((2_000, 3), (20_000, 2))
    questions = 5 if tiny else 100 if full else 40
    with database("search") as server:
        return [
            figure
            for size, companies in sizes
            for figure in asyncio.run(_measure(server, size=size, companies=companies, questions=questions))
        ]


async def _measure(server: EmbeddedServer, *, size: int, companies: int, questions: int) -> list[Figure]:
    engine = open_engine(server.app_url)
    random = np.random.default_rng(SEED + size)
    faqs = []
    with owner(server) as connection:
        for number in range(companies):
            company = await make_company(engine, name=f"Shop {size} {number}")
            faqs.append(_fill(connection, company.id, random, size=size))
        connection.execute("VACUUM ANALYZE")
    asked = [_question(faq, random) for _ in range(questions) for faq in faqs]
    times: dict[str, list[float]] = {"ours": [], "exact": [], "text": []}
    async with await psycopg.AsyncConnection.connect(dsn(server.owner_url), autocommit=True) as connection:
        for number, each in enumerate(asked):
            owner_id, vector = each.faq.company_id, str(each.vector.tolist())
            for name, search in (
                ("ours", _ours(engine, each)),
                ("exact", _rows(connection, EXACT, owner_id, vector)),
                ("text", _rows(connection, TEXT, each.text, owner_id)),
            ):
                took = await _timed(search)
                if number >= len(faqs):  # the first of each company warms up
                    times[name].append(took)
    # Afterwards, since numpy's threads go on spinning for a while and would take a core from the next search.
    recalls: dict[UUID, list[float]] = {faq.company_id: [] for faq in faqs}
    for each in asked:
        recalls[each.faq.company_id].append(each.recall(await _nearest(engine, each)))
    await engine.dispose()
    return _figures(times, recalls, size=size)


def _fill(connection: psycopg.Connection, company_id: UUID, random: np.random.Generator, *, size: int) -> Faq:
    """Entries of one chunk each: vector n is question n % 40 with noise n // 40, added up in the database."""
    bases = get_embedder().embed(QUESTIONS)
    noise = random.standard_normal((-(-size // len(bases)), DIMENSIONS)).astype(np.float32)
    noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
    for table, vectors in (("bases", bases), ("noise", noise)):
        connection.execute(f"DROP TABLE IF EXISTS {table}".encode())
        connection.execute(f"CREATE TEMPORARY TABLE {table} (n bigint PRIMARY KEY, embedding vector)".encode())
        with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for number, vector in enumerate(vectors):
                copy.write_row((number, str(vector.tolist())))
    values = {"company": company_id, "size": size, "many": len(bases), "questions": list(QUESTIONS), "now": real_now()}
    connection.execute("DROP TABLE IF EXISTS batch")
    connection.execute(
        "CREATE TEMPORARY TABLE batch AS SELECT n, uuidv7() AS id FROM generate_series(0, %(size)s - 1) AS n", values
    )
    connection.execute(
        """
        INSERT INTO faq_entries (company_id, id, key, version, question, answer, category, locale, content_hash, source,
                                 created_at)
        SELECT %(company)s, id, n::text, 1, (%(questions)s::text[])[1 + n %% %(many)s], 'Answer ' || n, 'Shop', 'en',
               n::text, 'bench', %(now)s
        FROM batch
        """,
        values,
    )
    connection.execute(
        """
        INSERT INTO faq_chunks (company_id, id, entry_id, position, text)
        SELECT company_id, id, id, 0, question || chr(10) || answer FROM faq_entries WHERE company_id = %(company)s
        """,
        values,
    )
    connection.execute(
        """
        INSERT INTO faq_vectors (company_id, chunk_id, embedding)
        SELECT %(company)s, id, l2_normalize(bases.embedding + noise.embedding)
        FROM batch JOIN bases ON bases.n = batch.n %% %(many)s JOIN noise ON noise.n = batch.n / %(many)s
        """,
        values,
    )
    ids = [row[0] for row in connection.execute("SELECT id FROM batch ORDER BY n").fetchall()]
    numbers = np.arange(size)
    vectors = bases[numbers % len(bases)] + noise[numbers // len(bases)]
    return Faq(company_id, ids, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _question(faq: Faq, random: np.random.Generator) -> Question:
    """One of the 40, said a little differently."""
    number = int(random.integers(len(QUESTIONS)))
    noise = random.standard_normal(DIMENSIONS).astype(np.float32)
    vector = get_embedder().embed_question(QUESTIONS[number]) + noise * (NOISE / 2 / np.linalg.norm(noise))
    return Question(faq, QUESTIONS[number], vector / np.linalg.norm(vector))


async def _ours(engine: AsyncEngine, asked: Question) -> list[FoundChunk]:
    """As a turn asks, transaction included; the embedding is not."""
    return await _search(engine, asked, text=asked.text, floor=SIMILARITY_FLOOR, margin=RELATED_MARGIN, limit=3)


async def _nearest(engine: AsyncEngine, asked: Question) -> list[UUID]:
    """The same query with nothing in its way: no threshold, and no words that reorder."""
    found = await _search(engine, asked, text="", floor=-1, margin=2, limit=TOP)
    return [each.entry_id for each in found]


async def _search(
    engine: AsyncEngine, asked: Question, *, text: str, floor: float, margin: float, limit: int
) -> list[FoundChunk]:
    async with transaction(engine, company_id=asked.faq.company_id) as session:
        return await KnowledgeRepository(session).search(
            text,
            asked.vector,
            company_id=asked.faq.company_id,
            locale="en_US",
            now=real_now(),
            floor=floor,
            margin=margin,
            limit=limit,
        )


async def _rows(connection: psycopg.AsyncConnection, query: str, *values: object) -> list[tuple[object, ...]]:
    return await (await connection.execute(query.encode(), values)).fetchall()


async def _timed(work: Awaitable[object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    await work
    return 1000 * (time.perf_counter() - begun)


def _figures(times: dict[str, list[float]], recalls: dict[UUID, list[float]], *, size: int) -> list[Figure]:
    ours, p95 = times["ours"], percentile(times["ours"], 0.95)
    worst = min(sum(each) / len(each) for each in recalls.values())
    goal = size <= 2_000
    return [
        Figure(f"search, {size:,} entries, p50", median(ours), "ms", _reference("ms exact scan alone", times["exact"])),
        Figure("", median(ours), "ms", _reference("ms full text alone", times["text"])),
        Figure(
            f"search, {size:,} entries, p95",
            p95,
            "ms",
            Reference("ms exact scan alone", percentile(times["exact"], 0.95)),
            goal="≤ 5 ms" if goal else "",
            met=p95 <= 5 if goal else None,
        ),
        Figure(f"recall@5 of the worst of {len(recalls)} companies", worst, "", goal="≥ 0.98", met=worst >= 0.98),
    ]


def _reference(what: str, times: Sequence[float]) -> Reference:
    return Reference(what, median(times))
