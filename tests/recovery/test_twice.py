"""A job may run twice, at once, or half: a stage is one intervention and one message all the same."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import CartStatus
from db.tables.delivery import MessageStatus
from db.tables.policy import GrantStatus
from db.tables.recovery import CartSaveStage, Intervention
from delivery.schemas import Skip
from recovery import scheduler
from recovery.begin_stage import StagePlan, begin_stage
from recovery.finish_stage import finish_stage, template_of
from tests.factories import NOW, SIGNER
from tests.policy.races import race
from tests.recovery.shops import MAILING, PRICE, Shop, after

STAGE = CartSaveStage


async def test_a_stage_that_ran_does_nothing_the_second_time(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.BRANCHING_INTERVENTION, diagnosis=PRICE)
    plan = await shop.planned(attempt_id)
    assert await shop.finish(plan) is not None
    before = await shop.counts()
    assert await shop.plan(attempt_id, step=plan.step) is None
    assert await shop.finish(plan) is None
    assert await shop.counts() == before
    assert before["interventions"] == before["messages"] == before["grants"] == 1


async def test_a_stage_is_not_begun_before_its_time(shop: Shop) -> None:
    attempt_id = await shop.start(await shop.cart())
    before = await shop.counts()
    assert await shop.plan(attempt_id, at=after(minutes=14, seconds=59)) is None
    assert await shop.counts() == before


async def test_two_workers_with_one_stage_make_one_intervention(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.BRANCHING_INTERVENTION, diagnosis=PRICE)

    async def begin(session: AsyncSession) -> StagePlan | None:
        return await begin_stage(session, attempt_id, company_id=shop.id, step=0, signer=SIGNER, now=NOW)

    one, two = await race(shop.engine, begin, begin, company_id=shop.id)
    assert one is not None
    assert two is not None
    assert one.proposal == two.proposal

    def finishing(plan: StagePlan) -> Callable[[AsyncSession], Awaitable[Intervention | None]]:
        async def finish(session: AsyncSession) -> Intervention | None:
            written = template_of(plan, plan.remedies[0], plan.cart)
            return await finish_stage(session, plan, written, mailing=MAILING, now=NOW)

        return finish

    first, second = await race(shop.engine, finishing(one), finishing(two), company_id=shop.id)
    assert first is not None
    assert second is None
    counts = await shop.counts()
    assert (counts["interventions"], counts["messages"], counts["grants"]) == (1, 1, 1)
    assert [each.status for each in await shop.grants()] == [GrantStatus.COMMITTED]


async def release(shop: Shop) -> list[str]:
    """Tick at NOW: the names of the jobs that were queued."""
    async with shop.begin() as session:
        await scheduler.release_due(session, now=NOW)
        rows = await session.execute(text("DELETE FROM pgqueuer RETURNING entrypoint"))
        return sorted(rows.scalars())


async def look_after(shop: Shop, *, minutes_later: float) -> None:
    """As the worker does each minute; what was released looks that much older (its guard is real time)."""
    async with shop.engine.begin() as connection:
        await connection.execute(text("SELECT set_config('app.company_id', :id, true)"), {"id": str(shop.id)})
        for table in ("save_attempts", "messages", "carts"):
            aged = f"UPDATE {table} SET released_at = released_at - make_interval(secs => :s)"
            await connection.execute(text(aged), {"s": minutes_later * 60})
    async with shop.begin() as session:
        await scheduler.look_after(session, lost_after=timedelta(minutes=5), now=NOW)


async def test_a_stage_whose_worker_died_is_released_again_and_done_once(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.BRANCHING_INTERVENTION, diagnosis=PRICE)
    assert await release(shop) == ["run_stage"]
    lost = await shop.planned(attempt_id)  # begun, and never finished
    assert await release(shop) == []
    await look_after(shop, minutes_later=4)
    assert await release(shop) == []
    await look_after(shop, minutes_later=2)
    assert await release(shop) == ["run_stage"]
    again = await shop.planned(attempt_id)
    assert again.proposal == lost.proposal
    assert await shop.finish(again) is not None
    assert await shop.finish(lost) is None
    counts = await shop.counts()
    assert (counts["interventions"], counts["messages"], counts["grants"]) == (1, 1, 1)


async def test_a_cart_and_a_message_whose_worker_died_are_released_again(shop: Shop) -> None:
    await shop.cart(status=CartStatus.ACTIVE)
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    # Its send job is queued with it, so the ticker leaves it alone.
    assert await release(shop) == ["abandon_cart", "send_message"]
    await look_after(shop, minutes_later=6)
    assert await release(shop) == ["abandon_cart", "send_message"]
    await shop.send(message.id)
    assert await shop.send(message.id) == Skip(MessageStatus.SENT, None)
    sent = await shop.messages()
    assert [(each.status, each.sent_at, each.tries) for each in sent] == [(MessageStatus.SENT, NOW, 1)]


async def test_two_tickers_release_a_stage_once(shop: Shop) -> None:
    await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    async with shop.begin() as one, shop.begin() as two:
        assert await scheduler.release_due(one, now=NOW) == 1
        # Skips what the other holds, and does not wait for it.
        assert await scheduler.release_due(two, now=NOW) == 0


async def test_what_is_rolled_back_leaves_no_job(shop: Shop) -> None:
    await shop.waiting_at(STAGE.PATTERN_INTERRUPT)

    async def die_half_way() -> None:
        async with shop.begin() as session:
            await scheduler.release_due(session, now=NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await die_half_way()
    assert await release(shop) == ["run_stage"]
