"""How a flow ends or waits: order, opt-out, decline, the merchant, a restored cart."""

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import Order, PaymentState
from db.tables.customers import ConsentRecord, ConsentState, Suppression, SuppressionScope
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import GrantStatus
from db.tables.recovery import (
    CartSaveOutcome,
    CartSaveStage,
    CartSaveStatus,
    InterventionStatus,
    PausedReason,
)
from delivery.schemas import Skip
from recovery import attempts, responses, service
from recovery.errors import AttemptIsClosed, OutcomeNeedsAnOrder
from storefront.carts.rules import OtherOrder
from storefront.carts.schemas import OrderView
from tests.factories import NOW, SIGNER
from tests.policy.races import race
from tests.recovery.acts import click, click_and_leave, convert, opt_out
from tests.recovery.shops import PRICE, Shop, after

STAGE = CartSaveStage


@pytest.mark.parametrize(
    ("stage", "clicked_h", "outcome", "credited"),
    [
        (STAGE.PATTERN_INTERRUPT, None, CartSaveOutcome.CONVERTED, False),
        (STAGE.PATTERN_INTERRUPT, 1, CartSaveOutcome.SAVED_WITHOUT_DISCOUNT, True),
        (STAGE.BRANCHING_INTERVENTION, 1, CartSaveOutcome.SAVED_WITH_DISCOUNT, True),
        (STAGE.BRANCHING_INTERVENTION, None, CartSaveOutcome.CONVERTED, False),
    ],
)
async def test_an_order_ends_the_flow_and_is_credited_to_the_click_before_it(
    shop: Shop, stage: CartSaveStage, clicked_h: float | None, outcome: CartSaveOutcome, credited: bool
) -> None:
    attempt_id = await shop.waiting_at(stage, diagnosis=PRICE)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    await shop.send(message.id)
    if clicked_h is not None:
        await click(shop, message, at=after(hours=clicked_h))
    order = await convert(shop, attempt_id, at=after(hours=2))
    attempt = await shop.attempt(attempt_id)
    assert (attempt.status, attempt.outcome, attempt.due_at) == (CartSaveStatus.COMPLETED, outcome, None)
    assert attempt.completed_at == after(hours=2)
    (row,) = await shop.rows(select(Order))
    assert row.credited_message_id == (message.id if credited else None)
    with_offer = stage is STAGE.BRANCHING_INTERVENTION
    assert [each.status for each in await shop.grants()] == [GrantStatus.REDEEMED] * with_offer
    assert order.total_minor == (24_99 - 2_50 + 5_99 if with_offer else 24_99 + 5_99)


async def test_the_credit_ends_72_hours_after_the_click(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    await shop.send(message.id)
    await click(shop, message, at=after(hours=1))
    await convert(shop, attempt_id, at=after(hours=73, seconds=1))
    assert (await shop.attempt(attempt_id)).outcome is CartSaveOutcome.CONVERTED


async def test_an_order_cancels_what_is_planned_and_stops_what_is_due(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    await convert(shop, attempt_id)
    (message,) = await shop.messages()
    assert (message.status, message.reason, message.due_at) == (MessageStatus.CANCELLED, "ORDERED", None)
    assert [each.status for each in await shop.interventions()] == [InterventionStatus.EXPIRED]
    assert await shop.send(message.id) == Skip(MessageStatus.CANCELLED, "ORDERED")
    before = await shop.counts()
    assert await shop.run(attempt_id, at=after(days=3)) is None
    assert await shop.counts() == before


async def test_an_order_between_the_two_transactions_stops_the_stage(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.BRANCHING_INTERVENTION, diagnosis=PRICE)
    plan = await shop.planned(attempt_id)
    await convert(shop, attempt_id)
    assert await shop.finish(plan) is None
    assert await shop.messages() == []
    assert [each.status for each in await shop.grants()] == [GrantStatus.REVOKED]


async def test_a_repeated_order_changes_nothing_and_another_is_refused(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    first = await convert(shop, attempt_id)
    before = await shop.counts()
    again = await convert(shop, attempt_id, at=after(hours=1))
    assert (again.id, again.repeated, again.placed_at) == (first.id, True, NOW)
    with pytest.raises(OtherOrder):
        await convert(shop, attempt_id, "1002")
    assert await shop.counts() == before
    assert len(await shop.rows(select(Order))) == 1


async def test_two_reports_of_one_order_at_once_end_the_flow_once(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    cart_id = (await shop.attempt(attempt_id)).cart_id

    async def report(session: AsyncSession) -> OrderView:
        return await service.convert(
            session, cart_id, company_id=shop.id, order_id="1001", payment_state=PaymentState.PAID, now=NOW
        )

    one, two = await race(shop.engine, report, report, company_id=shop.id)
    assert (one.id, one.repeated, two.repeated) == (two.id, False, True)
    assert [kind for _, kind, _ in await shop.events(attempt_id)].count("CLOSED") == 1


async def test_an_opt_out_ends_every_flow_of_the_person(shop: Shop) -> None:
    first = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    second = await shop.waiting_at(STAGE.NUCLEAR_OFFER)
    await shop.run(first)
    await opt_out(shop)
    for attempt_id in (first, second):
        attempt = await shop.attempt(attempt_id)
        assert (attempt.status, attempt.outcome) == (CartSaveStatus.CANCELLED, CartSaveOutcome.CANCELLED)
        assert attempt.due_at is None
        assert (await shop.events(attempt_id))[-1][1:] == ("CLOSED", "OPTED_OUT")
    (message,) = await shop.messages()
    assert (message.status, message.reason) == (MessageStatus.CANCELLED, "OPTED_OUT")
    (suppression,) = await shop.rows(select(Suppression))
    assert (suppression.scope, suppression.address_hash) == (
        SuppressionScope.ALL,
        SIGNER.keyed_hash("maya@example.com"),
    )
    latest = (await shop.rows(select(ConsentRecord).order_by(ConsentRecord.recorded_at)))[-1]
    assert latest.state is ConsentState.REVOKED
    before = await shop.counts()
    await opt_out(shop)
    assert await shop.counts() == before
    # A later cart of the same person has a flow in which nobody is contacted.
    later = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    assert await shop.run(later) is None
    assert len(await shop.messages()) == 1


async def test_stopping_one_channel_leaves_the_flow_to_the_others(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    await opt_out(shop, SuppressionScope.SMS)
    assert (await shop.attempt(attempt_id)).status is CartSaveStatus.IN_PROGRESS
    assert [each.status for each in await shop.messages()] == [MessageStatus.PLANNED]
    await opt_out(shop, SuppressionScope.EMAIL)
    assert [each.status for each in await shop.messages()] == [MessageStatus.CANCELLED]


async def test_who_declines_is_left_alone(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    async with shop.begin() as session:
        await responses.decline(session, attempt_id, company_id=shop.id, now=NOW)
    attempt = await shop.attempt(attempt_id)
    assert (attempt.status, attempt.outcome) == (CartSaveStatus.CANCELLED, CartSaveOutcome.CANCELLED)
    assert [each.reason for each in await shop.messages()] == ["DECLINED"]
    for ending in (responses.decline, responses.progress, responses.click):
        async with shop.begin() as session:
            with pytest.raises(AttemptIsClosed):
                await ending(session, attempt_id, company_id=shop.id, now=NOW)


async def test_a_message_in_flight_when_the_flow_ended_is_not_tried_again(shop: Shop) -> None:
    """A mail server said 4xx while the shopper declined: the retry is refused."""
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    async with shop.begin() as session:
        await responses.decline(session, attempt_id, company_id=shop.id, now=NOW)
        row = update(Message).values(status=MessageStatus.PLANNED, due_at=NOW, reason="451", tries=1)
        await session.execute(row)
    assert await shop.send(message.id) == Skip(MessageStatus.BLOCKED, "FLOW_ENDED")


@pytest.mark.parametrize(
    "outcome",
    [CartSaveOutcome.CONVERTED, CartSaveOutcome.SAVED_WITH_DISCOUNT, CartSaveOutcome.SAVED_WITHOUT_DISCOUNT],
)
async def test_a_recovery_is_not_declared(shop: Shop, outcome: CartSaveOutcome) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    before = await shop.counts()
    async with shop.begin() as session:
        with pytest.raises(OutcomeNeedsAnOrder):
            await service.complete(session, attempt_id, outcome, company_id=shop.id, now=NOW)
    assert (await shop.attempt(attempt_id)).due_at == NOW
    assert await shop.counts() == before


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (CartSaveOutcome.CANCELLED, CartSaveStatus.CANCELLED),
        (CartSaveOutcome.EXPIRED, CartSaveStatus.EXPIRED),
        (CartSaveOutcome.EXHAUSTED, CartSaveStatus.COMPLETED),
    ],
)
async def test_the_merchant_ends_a_flow(shop: Shop, outcome: CartSaveOutcome, status: CartSaveStatus) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    async with shop.begin() as session:
        await service.complete(session, attempt_id, outcome, company_id=shop.id, now=NOW)
    attempt = await shop.attempt(attempt_id)
    assert (attempt.status, attempt.outcome, attempt.due_at) == (status, outcome, None)
    assert [each.status for each in await shop.messages()] == [MessageStatus.CANCELLED]


async def test_a_paused_flow_keeps_answers_and_goes_on_where_it_was(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.DIAGNOSIS_SURVEY)
    async with shop.begin() as session:
        await service.complete(session, attempt_id, CartSaveOutcome.PAUSED, company_id=shop.id, now=NOW)
    attempt = await shop.attempt(attempt_id)
    assert (attempt.status, attempt.paused_reason, attempt.due_at) == (
        CartSaveStatus.IN_PROGRESS,
        PausedReason.MERCHANT,
        None,
    )
    await shop.answer(attempt_id, PRICE, at=after(hours=1))
    attempt = await shop.attempt(attempt_id)
    assert (attempt.diagnosis_reason, attempt.current_stage, attempt.due_at) == (PRICE, STAGE.DIAGNOSIS_SURVEY, None)
    # Left again while it is paused: it stays paused.
    await click_and_leave(shop, attempt.cart_id, at=after(hours=2))
    assert (await shop.attempt(attempt_id)).due_at is None
    async with shop.begin() as session:
        await responses.progress(session, attempt_id, company_id=shop.id, now=after(hours=4))
    attempt = await shop.attempt(attempt_id)
    assert (attempt.paused_reason, attempt.due_at, attempt.current_stage) == (
        None,
        after(hours=4),
        STAGE.DIAGNOSIS_SURVEY,
    )


async def test_progress_passes_over_what_waits(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    async with shop.begin() as session:
        await responses.progress(session, attempt_id, company_id=shop.id, now=NOW)
    attempt = await shop.attempt(attempt_id)
    assert (attempt.current_stage, attempt.due_at, attempt.step) == (STAGE.DIAGNOSIS_SURVEY, after(hours=3), 1)
    assert ("PATTERN_INTERRUPT", "SKIPPED", "BY_MERCHANT") in await shop.events(attempt_id)
    async with shop.begin() as session:
        locked = await attempts.lock_running(session, attempt_id, company_id=shop.id)
        locked.current_stage, locked.sequence = STAGE.WINBACK_SEQUENCE, 5
    async with shop.begin() as session:
        closed = await responses.progress(session, attempt_id, company_id=shop.id, now=NOW)
    assert closed.outcome is CartSaveOutcome.EXHAUSTED


async def test_an_order_and_an_opt_out_at_once_leave_one_end(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    cart_id = (await shop.attempt(attempt_id)).cart_id

    async def order(session: AsyncSession) -> None:
        await service.convert(
            session, cart_id, company_id=shop.id, order_id="1", payment_state=PaymentState.COD, now=NOW
        )

    async def stop(session: AsyncSession) -> None:
        await service.opt_out(
            session,
            shop.maya.id,
            company_id=shop.id,
            scope=SuppressionScope.ALL,
            source="TEST",
            signer=SIGNER,
            now=NOW,
        )

    await race(shop.engine, order, stop, company_id=shop.id)
    assert [kind for _, kind, _ in await shop.events(attempt_id)].count("CLOSED") == 1
    assert (await shop.attempt(attempt_id)).outcome is CartSaveOutcome.CONVERTED
    assert len(await shop.rows(select(Suppression))) == 1
