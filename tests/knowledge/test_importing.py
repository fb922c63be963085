import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import func, select, text

from db.tables.knowledge import FaqChunk, FaqEntry, FaqVector
from knowledge import importing
from knowledge.embedding import Embedder, get_embedder
from knowledge.importing import ImportReport, apply_batch, embed_batch, import_entries, plan_import
from knowledge.parsing import ParsedEntry, ParsedFile, Problem, parse_file
from tests.knowledge.conftest import BERLIN, NOW, OpenShop, Shop

FAQ = """
# Delivery
## What does delivery cost?
<!-- key: cost -->
It costs 4.90.
## How long does delivery take?
<!-- key: time -->
Three days.
"""
CHEAPER = FAQ.replace("4.90", "3.90")


async def stored(shop: Shop) -> list[tuple[str, int, str, datetime | None]]:
    async with shop.transaction() as session:
        rows = await session.execute(
            select(FaqEntry.key, FaqEntry.version, FaqEntry.answer, FaqEntry.superseded_at).order_by(
                FaqEntry.key, FaqEntry.version
            )
        )
        return [(key, version, answer, superseded) for key, version, answer, superseded in rows]


async def counts(shop: Shop) -> tuple[int, int]:
    async with shop.transaction() as session:
        chunks = await session.scalar(select(func.count()).select_from(FaqChunk))
        vectors = await session.scalar(select(func.count()).select_from(FaqVector))
    return chunks or 0, vectors or 0


@pytest.fixture
def embedded_texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every text that an import embeds, in order."""
    texts: list[str] = []
    embed = Embedder.embed

    def watched(self: Embedder, given: Sequence[str]) -> NDArray[np.float32]:
        texts.extend(given)
        return embed(self, given)

    monkeypatch.setattr(Embedder, "embed", watched)
    return texts


async def test_a_first_import_stores_entries_chunks_and_vectors(shop: Shop) -> None:
    assert await shop.import_markdown(FAQ) == ImportReport(added=2)
    assert await stored(shop) == [("cost", 1, "It costs 4.90.", None), ("time", 1, "Three days.", None)]
    async with shop.transaction() as session:
        entry = (await session.scalars(select(FaqEntry).where(FaqEntry.key == "cost"))).one()
        chunk = (await session.scalars(select(FaqChunk).where(FaqChunk.entry_id == entry.id))).one()
        vector = (await session.scalars(select(FaqVector).where(FaqVector.chunk_id == chunk.id))).one()
    assert (entry.category, entry.locale, entry.source, entry.created_at) == ("Delivery", "en_US", "faq.md", NOW)
    assert chunk.text == "What does delivery cost?\nIt costs 4.90."
    np.testing.assert_allclose(vector.embedding, get_embedder().embed([chunk.text])[0], atol=1e-6)


async def test_a_second_import_embeds_and_writes_nothing(shop: Shop, embedded_texts: list[str]) -> None:
    await shop.import_markdown(FAQ)
    before = await stored(shop)
    embedded_texts.clear()
    assert await shop.import_markdown(FAQ, now=NOW + timedelta(days=1)) == ImportReport(unchanged=2)
    assert embedded_texts == []
    assert await stored(shop) == before


async def test_only_what_changed_gets_a_version_and_is_embedded(shop: Shop, embedded_texts: list[str]) -> None:
    await shop.import_markdown(FAQ)
    embedded_texts.clear()
    later = NOW + timedelta(days=1)
    assert await shop.import_markdown(CHEAPER, now=later) == ImportReport(changed=1, unchanged=1)
    assert embedded_texts == ["What does delivery cost?\nIt costs 3.90."]
    assert await stored(shop) == [
        ("cost", 1, "It costs 4.90.", later),
        ("cost", 2, "It costs 3.90.", None),
        ("time", 1, "Three days.", None),
    ]
    assert await counts(shop) == (2, 2)


async def test_a_version_that_begins_later_leaves_the_present_one_in_force_until_then(shop: Shop) -> None:
    await shop.import_markdown(FAQ)
    december = CHEAPER.replace("key: cost", "effective: 2026-12-01.. key: cost")
    assert await shop.import_markdown(december) == ImportReport(changed=1, unchanged=1)
    midnight = datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert await stored(shop) == [
        ("cost", 1, "It costs 4.90.", midnight),
        ("cost", 2, "It costs 3.90.", None),
        ("time", 1, "Three days.", None),
    ]
    # Each is asked for in the words of the other, so that only the time can decide.
    for now, asked, answer in [
        (midnight - timedelta(seconds=1), "does delivery cost 3.90", "It costs 4.90."),
        (midnight, "does delivery cost 4.90", "It costs 3.90."),
    ]:
        assert (await shop.search(asked, now=now)).entries[0].answer == answer
    # A correction for at once replaces both.
    assert await shop.import_markdown(FAQ.replace("4.90", "1.90")) == ImportReport(changed=1, unchanged=1)
    assert (await shop.search("what does delivery cost")).entries[0].answer == "It costs 1.90."
    assert (await shop.search("what does delivery cost", now=midnight)).entries[0].answer == "It costs 1.90."


async def test_what_a_file_lacks_stays_unless_asked_for(shop: Shop) -> None:
    await shop.import_markdown(FAQ)
    await shop.import_markdown("## Do you wrap gifts?\nYes.\n", source="other.md")
    shorter = FAQ[: FAQ.index("## How long")]
    assert await shop.import_markdown(shorter) == ImportReport(unchanged=1)
    later = NOW + timedelta(days=1)
    report = await shop.import_markdown(shorter, now=later, remove_missing=True)
    assert report == ImportReport(unchanged=1, removed=1)
    assert await stored(shop) == [
        ("cost", 1, "It costs 4.90.", None),
        ("do-you-wrap-gifts", 1, "Yes.", None),
        ("time", 1, "Three days.", later),
    ]
    assert await counts(shop) == (2, 2)
    assert await shop.import_markdown(FAQ, now=later) == ImportReport(added=1, unchanged=1)
    assert (await stored(shop))[-1] == ("time", 2, "Three days.", None)


async def test_refused_rows_are_reported_and_the_others_imported(shop: Shop) -> None:
    report = await shop.import_markdown(FAQ + "## Empty?\n")
    assert report == ImportReport(added=2, refused=(Problem(9, "The answer is empty; fill it or remove the row."),))


async def test_a_long_answer_becomes_several_chunks(shop: Shop) -> None:
    paragraph = "Brush the boots, let them dry at room temperature and treat them with wax. " * 8
    await shop.import_markdown(f"## How do I care for boots?\n{paragraph}\n\n{paragraph}\n\n{paragraph}\n")
    assert await counts(shop) == (3, 3)
    (hit,) = (await shop.search("how do I look after my boots")).entries
    assert hit.answer.count("Brush the boots") == 24
    assert hit.passage.count("Brush the boots") == 8


def many(number: int) -> ParsedFile:
    return ParsedFile(
        [ParsedEntry(f"k{i}", f"Question {i}?", f"Answer {i}.", "", None, None, None) for i in range(number)],
        [],
    )


async def run_import(shop: Shop, parsed: ParsedFile, progress: importing.Progress | None = None) -> ImportReport:
    return await import_entries(
        shop.transaction,
        parsed,
        company_id=shop.id,
        source="many.csv",
        locale="en_US",
        tz=BERLIN,
        now=NOW,
        progress=progress,
    )


async def test_an_import_that_died_between_batches_is_finished_by_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, embedded_texts: list[str]
) -> None:
    monkeypatch.setattr(importing, "BATCH_ENTRIES", 4)
    seen: list[tuple[int, int]] = []

    def die_after_two(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run_import(shop, many(10), die_after_two)
    assert seen == [(4, 10), (8, 10)]
    assert len(await stored(shop)) == 8
    embedded_texts.clear()
    seen.clear()
    report = await run_import(shop, many(10), lambda done, total: seen.append((done, total)))
    assert report == ImportReport(added=2, unchanged=8)
    assert seen == [(2, 2)]
    assert len(embedded_texts) == 2
    assert [version for _, version, *_ in await stored(shop)] == [1] * 10


async def test_no_transaction_is_open_while_texts_are_embedded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    open_transactions: list[int] = []

    async def watched(source: str, batch: Sequence[importing.NewVersion]) -> importing.EmbeddedBatch:
        async with shop.transaction() as session:
            open_now = await session.scalar(
                text(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
                )
            )
        open_transactions.append(open_now or 0)
        return await embed_batch(source, batch)

    monkeypatch.setattr(importing, "embed_batch", watched)
    await run_import(shop, many(3))
    assert open_transactions == [0]


async def waiting_for_a_lock(shop: Shop) -> None:
    """Return when a session of this database waits for an advisory lock."""
    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    while True:
        async with shop.transaction() as session:
            if await session.scalar(waiting):
                return


async def test_two_imports_of_one_file_at_once_store_it_once(shop: Shop) -> None:
    entries = parse_file("faq.md", FAQ.encode()).entries
    async with shop.transaction() as session:
        plan = await plan_import(session, entries, company_id=shop.id, source="faq.md", locale="en_US", tz=BERLIN)
    batch = await embed_batch(plan.source, plan.batches[0])

    async def second() -> ImportReport:
        async with shop.transaction() as session:
            return await apply_batch(session, batch, company_id=shop.id, now=NOW)

    async with shop.transaction() as session:
        assert await apply_batch(session, batch, company_id=shop.id, now=NOW) == ImportReport(added=2)
        racing = asyncio.create_task(second())
        await asyncio.wait_for(waiting_for_a_lock(shop), timeout=10)
    assert await racing == ImportReport(unchanged=2)
    assert [version for _, version, *_ in await stored(shop)] == [1, 1]


async def test_one_company_imports_beside_another(open_shop: OpenShop) -> None:
    first, second = await open_shop(), await open_shop()
    await first.import_markdown(FAQ)
    assert await second.import_markdown(CHEAPER, remove_missing=True) == ImportReport(added=2)
    assert await stored(first) == [("cost", 1, "It costs 4.90.", None), ("time", 1, "Three days.", None)]
    assert await stored(second) == [("cost", 1, "It costs 3.90.", None), ("time", 1, "Three days.", None)]
