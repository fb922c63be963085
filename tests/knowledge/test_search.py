from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from db.embedded import EmbeddedServer
from db.ids import uuid7
from db.tables.knowledge import FaqEntry
from knowledge import service
from knowledge.embedding import get_embedder
from knowledge.repository import KnowledgeRepository
from knowledge.service import NOTHING_KNOWN, EntryNotFound, Hit, SearchResult, get_entry
from tests.knowledge.conftest import NOW, OpenShop, Shop

FAQ = """
# Delivery
## What does delivery cost?
<!-- key: cost -->
It costs 4.90.
## How long does delivery take?
<!-- key: time -->
Three days.
# Products
## How do I clean the Flock dripper?
<!-- key: clean -->
Rinse it with warm water.
"""


def titles(result: SearchResult) -> list[str]:
    return [hit.title for hit in result.entries]


async def test_a_question_is_answered_with_a_citation(shop: Shop) -> None:
    await shop.import_markdown(FAQ)
    result = await shop.search("how much is delivery?", limit=1)
    assert result.known
    (hit,) = result.entries
    assert hit == Hit(
        entry_id=hit.entry_id,
        title="What does delivery cost?",
        answer="It costs 4.90.",
        passage="It costs 4.90.",
        category="Delivery",
        version=1,
        score=hit.score,
    )
    assert 0.36 <= hit.score <= 1.0
    async with shop.transaction() as session:
        cited = await get_entry(session, hit.entry_id, company_id=shop.id)
    assert (cited.key, cited.version, cited.answer) == ("cost", 1, "It costs 4.90.")


async def test_a_citation_stays_resolvable_when_the_answer_changed(shop: Shop) -> None:
    await shop.import_markdown(FAQ)
    (old,) = (await shop.search("how much is delivery?", limit=1)).entries
    await shop.import_markdown(FAQ.replace("4.90", "3.90"))
    (new,) = (await shop.search("how much is delivery?", limit=1)).entries
    assert (new.version, new.answer) == (2, "It costs 3.90.")
    async with shop.transaction() as session:
        cited = await get_entry(session, old.entry_id, company_id=shop.id)
        assert (cited.version, cited.answer) == (1, "It costs 4.90.")
        with pytest.raises(EntryNotFound):
            await get_entry(session, uuid7(), company_id=shop.id)


@pytest.mark.parametrize("question", ["", "   ", "\0", "Who won the world cup?", "\ud800", "?!"])
async def test_what_the_faq_does_not_know_cites_nothing(shop: Shop, question: str) -> None:
    await shop.import_markdown(FAQ)
    assert await shop.search(question) == NOTHING_KNOWN


async def test_an_empty_faq_knows_nothing(shop: Shop) -> None:
    assert await shop.search("What does delivery cost?") == NOTHING_KNOWN


async def test_a_text_hit_alone_never_admits(shop: Shop) -> None:
    await shop.import_markdown(FAQ)
    async with shop.transaction() as session:
        words = text("SELECT count(*) FROM faq_chunks WHERE words @@ websearch_to_tsquery('english', :question)")
        assert await session.scalar(words, {"question": "warm"}) == 1
        vector = get_embedder().embed_question("warm")

        async def found(floor: float) -> int:
            chunks = await KnowledgeRepository(session).search(
                "warm", vector, company_id=shop.id, locale="en", now=NOW, floor=floor, margin=2.0, limit=9
            )
            return len(chunks)

        assert await found(floor=-1.0) == 3
        assert await found(floor=0.9) == 0
    assert await shop.search("warm") == NOTHING_KNOWN


async def test_among_similar_entries_a_text_hit_goes_first(shop: Shop) -> None:
    asked, away = np.eye(2, 384, dtype=np.float32)
    similar = [0.60, 0.59, 0.55, 0.40]
    vectors = np.array([share * asked + away for share in similar], dtype=np.float32)
    await shop.store(vectors, ["kettle", "kettle", "zephyrine kettle", "zephyrine"])

    async def order(question: str) -> list[str]:
        async with shop.transaction() as session:
            found = await KnowledgeRepository(session).search(
                question, asked, company_id=shop.id, locale="en", now=NOW, floor=0.3, margin=0.12, limit=9
            )
        return [chunk.question for chunk in found]

    assert await order("wren") == ["Entry 0", "Entry 1", "Entry 2"]
    assert await order("zephyrine") == ["Entry 2", "Entry 0", "Entry 1"]


async def test_small_talk_around_a_question_does_not_hide_it(shop: Shop) -> None:
    await shop.import_markdown(FAQ + "## How do I get free shipping?\nPut items worth 50.00 or more in your cart.\n")
    for said in ("That's too expensive.", "Is there free shipping at least?"):
        assert (await shop.search(said)).known == (said[0] == "I")
    both = await shop.search("That's too expensive. Is there free shipping at least?")
    assert titles(both)[0] == "How do I get free shipping?"
    assert await shop.search("Hello! That's too expensive. Thanks.") == NOTHING_KNOWN


async def test_an_entry_counts_from_its_first_day_to_the_end_of_its_last(shop: Shop) -> None:
    await shop.import_markdown(
        "## What does delivery cost?\n<!-- effective: 2026-12-01..2026-12-24 -->\nNothing until Christmas.\n"
    )
    starts, ends = datetime(2026, 11, 30, 23, tzinfo=UTC), datetime(2026, 12, 24, 23, tzinfo=UTC)
    second = timedelta(seconds=1)
    known = [
        (await shop.search("what does delivery cost?", now=now)).known
        for now in (starts - second, starts, ends - second, ends)
    ]
    assert known == [False, True, True, False]


async def test_the_shoppers_language_is_answered_in_and_their_country_goes_first(shop: Shop) -> None:
    cost = "## What does delivery cost?\n<!-- key: cost locale: {} -->\n{}\n"
    await shop.import_markdown(
        cost.format("en_US", "5 dollars.") + cost.format("en_GB", "4 pounds.") + cost.format("de", "5 Euro.")
    )

    async def answers(locale: str) -> list[str]:
        return [hit.answer for hit in (await shop.search("what does delivery cost?", locale=locale)).entries]

    assert await answers("en_GB") == ["4 pounds."]
    assert await answers("en-US") == ["5 dollars."]
    assert await answers("de_AT") == ["5 Euro."]
    assert await answers("fr_FR") == []
    assert len(await answers("en_AU")) == 1


async def test_a_company_finds_and_cites_only_its_own(open_shop: OpenShop) -> None:
    mine, other = await open_shop(), await open_shop()
    await mine.import_markdown(FAQ)
    await other.import_markdown(FAQ.replace("4.90", "9.90"))
    (found,) = (await mine.search("what does delivery cost?", limit=1)).entries
    (theirs,) = (await other.search("what does delivery cost?", limit=1)).entries
    assert (found.answer, theirs.answer) == ("It costs 4.90.", "It costs 9.90.")
    async with mine.transaction() as session:
        with pytest.raises(EntryNotFound):
            await get_entry(session, theirs.entry_id, company_id=mine.id)
        # With the wrong company's id in hand, row-level security still shows nothing.
        with pytest.raises(EntryNotFound):
            await get_entry(session, theirs.entry_id, company_id=other.id)
        foreign = await service.search(
            session, "what does delivery cost?", company_id=other.id, locale="en_US", now=NOW
        )
    assert foreign == NOTHING_KNOWN


async def test_the_filter_on_the_company_does_not_rest_on_row_level_security(
    open_shop: OpenShop, database: EmbeddedServer
) -> None:
    """Read as the owner, whom no policy binds, beside a company with more and nearer entries than a scan keeps."""
    mine, other = await open_shop(), await open_shop()
    asked = np.eye(1, 384, dtype=np.float32)[0]
    near = np.tile(asked, (210, 1)).astype(np.float32)
    await other.store(near)
    await mine.store(near[:2] * np.float32(0.9))
    async with other.transaction() as session:
        theirs = await session.scalar(select(FaqEntry.id).limit(1))
    assert theirs is not None
    owner = create_async_engine(database.owner_url)
    async with AsyncSession(owner) as session:
        with pytest.raises(EntryNotFound):
            await get_entry(session, theirs, company_id=mine.id)
        found = await KnowledgeRepository(session).search(
            "x", asked, company_id=mine.id, locale="en", now=NOW, floor=0.5, margin=0.5, limit=9
        )
    await owner.dispose()
    assert [round(chunk.similarity, 6) for chunk in found] == [0.9, 0.9]


async def test_each_company_gets_its_true_nearest_neighbours(open_shop: OpenShop) -> None:
    """Rules H-53: an index shared by companies would lose most of them. The oracle is a plain product."""
    random = np.random.default_rng(7)
    shops = [await open_shop(), await open_shop()]
    vectors = random.normal(size=(2, 300, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    for shop, own in zip(shops, vectors, strict=True):
        await shop.store(own)
    for shop, own in zip(shops, vectors, strict=True):
        for asked in random.normal(size=(5, 384)).astype(np.float32):
            async with shop.transaction() as session:
                found = await KnowledgeRepository(session).search(
                    "x", asked, company_id=shop.id, locale="en", now=NOW, floor=-99.0, margin=99.0, limit=5
                )
            nearest = np.argsort(-(own @ asked))[:5]
            assert [chunk.question for chunk in found] == [f"Entry {number}" for number in nearest]
