"""A cart that came back from its link: what waits, what does not leave."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from db.tables.carts import Cart, CartLine, CartStatus
from db.tables.delivery import MessageEvent, MessageEventKind, MessageStatus
from db.tables.policy import GrantStatus
from db.tables.recovery import (
    CartSaveOutcome,
    CartSaveStage,
    CartSaveStatus,
)
from delivery.schemas import Skip
from recovery import service
from storefront.carts import service as carts
from storefront.carts.rules import AlreadyOrdered
from tests.factories import NOW
from tests.recovery.acts import click, click_and_leave, convert
from tests.recovery.shops import PRICE, Shop, after

STAGE = CartSaveStage


async def test_a_restored_cart_lets_its_stages_wait_and_repeats_none(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    await shop.send(message.id)
    back = after(hours=2, minutes=50)
    await click(shop, message, at=back)
    (touch,) = await shop.rows(select(MessageEvent))
    assert (touch.kind, touch.message_id, touch.occurred_at) == (MessageEventKind.CLICKED, message.id, back)
    # The survey is due while Maya is in her cart.
    assert await shop.run(attempt_id, at=after(hours=3)) is None
    attempt = await shop.attempt(attempt_id)
    idle = back + timedelta(minutes=30)
    assert (attempt.current_stage, attempt.due_at, attempt.released_at) == (STAGE.DIAGNOSIS_SURVEY, idle, None)
    assert len(await shop.messages()) == 1
    # Its job comes before that of the abandonment: it waits for it and does not spin.
    assert await shop.run(attempt_id, at=idle) is None
    assert (await shop.attempt(attempt_id)).due_at is None
    async with shop.begin() as session:
        opened = await service.abandon(session, attempt.cart_id, company_id=shop.id, now=idle)
    assert opened is not None
    assert (opened.id, opened.due_at, opened.abandoned_at) == (attempt_id, idle, NOW)
    ran = await shop.run(attempt_id, at=idle)
    assert ran is not None
    assert [each.stage for each in await shop.interventions()] == [STAGE.PATTERN_INTERRUPT, STAGE.DIAGNOSIS_SURVEY]
    assert (await shop.counts())["save_attempts"] == 1
    assert (await shop.attempt(attempt_id)).due_at == after(hours=6, minutes=20)


async def test_a_stage_that_is_not_due_yet_waits_for_its_own_instant(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    attempt = await shop.attempt(attempt_id)
    await click_and_leave(shop, attempt.cart_id, at=after(minutes=10))
    assert (await shop.attempt(attempt_id)).due_at == after(hours=3)


async def test_a_message_about_a_restored_cart_does_not_leave(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    async with shop.begin() as session:
        await carts.restore(session, message.cart_id, company_id=shop.id, now=NOW)
    assert await shop.send(message.id) == Skip(MessageStatus.BLOCKED, "RESTORED")


async def test_a_cart_that_was_emptied_has_nothing_left_to_save(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    cart_id = (await shop.attempt(attempt_id)).cart_id
    async with shop.begin() as session:
        await carts.restore(session, cart_id, company_id=shop.id, now=NOW)
    (line,) = await shop.rows(select(CartLine))
    async with shop.begin() as session:
        await carts.remove_item(session, cart_id, company_id=shop.id, item_id=line.id, now=NOW)
    assert await shop.run(attempt_id) is None
    attempt = await shop.attempt(attempt_id)
    assert (attempt.status, attempt.outcome) == (CartSaveStatus.EXPIRED, CartSaveOutcome.EXPIRED)
    assert (await shop.events(attempt_id))[-1][1:] == ("CLOSED", "CART_EMPTIED")


async def test_a_cart_restored_while_the_planner_wrote_takes_its_proposal_back_and_gets_another(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.BRANCHING_INTERVENTION, diagnosis=PRICE)
    plan = await shop.planned(attempt_id)
    async with shop.begin() as session:
        await carts.restore(session, plan.cart.id, company_id=shop.id, now=NOW)
    assert await shop.finish(plan) is None
    assert [each.status for each in await shop.grants()] == [GrantStatus.REVOKED]
    assert await shop.messages() == []
    idle = after(minutes=30)
    async with shop.begin() as session:
        await service.abandon(session, plan.cart.id, company_id=shop.id, now=idle)
    ran = await shop.run(attempt_id, at=idle)
    assert ran is not None
    assert [each.status for each in await shop.grants()] == [GrantStatus.REVOKED, GrantStatus.COMMITTED]


async def test_an_ordered_cart_is_not_restored(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    await shop.send(message.id)
    await convert(shop, attempt_id)
    async with shop.begin() as session:
        with pytest.raises(AlreadyOrdered):
            await service.restore(session, message.cart_id, message.id, company_id=shop.id, now=NOW)
    (cart,) = await shop.rows(select(Cart))
    assert cart.status is CartStatus.CONVERTED
    assert await shop.rows(select(MessageEvent)) == []
