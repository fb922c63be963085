"""What a diagnosis leads to, and which money goes with it: one offer a cart, from the ledger or none."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from db.tables.carts import Cart
from db.tables.delivery import MessageStatus
from db.tables.policy import Grant, GrantKind, GrantSource, GrantStatus
from db.tables.recovery import CartAbandonmentReason, CartSaveStage
from delivery.schemas import Recorded, Skip
from policy.offers.service import OfferGranted
from recovery.remedies import InterventionType
from tests import factories as make
from tests.factories import NOW
from tests.recovery.shops import DELIVERY, PRICE, Shop, after

STAGE, REMEDY = CartSaveStage, InterventionType
BRANCH, NUCLEAR = STAGE.BRANCHING_INTERVENTION, STAGE.NUCLEAR_OFFER
# Until three days from NOW, in Maya's zone.
TEN_OFF = "10% off is applied to your cart until November 25 at 3:00 PM."
TWENTY_OFF = "20% off is applied to your cart until November 25 at 3:00 PM."
FREE = "Shipping on this order is free until November 25 at 3:00 PM."


async def only_grant(shop: Shop) -> Grant:
    (grant,) = await shop.grants()
    return grant


@pytest.mark.parametrize(
    ("stage", "diagnosis", "remedy", "kind", "percent", "sentence"),
    [
        (BRANCH, PRICE, REMEDY.PERCENTAGE_DISCOUNT, GrantKind.PERCENTAGE_DISCOUNT, Decimal(10), TEN_OFF),
        (BRANCH, DELIVERY, REMEDY.FREE_SHIPPING, GrantKind.FREE_SHIPPING, None, FREE),
        (NUCLEAR, None, REMEDY.PERCENTAGE_DISCOUNT, GrantKind.PERCENTAGE_DISCOUNT, Decimal(20), TWENTY_OFF),
        (NUCLEAR, DELIVERY, REMEDY.FREE_SHIPPING, GrantKind.FREE_SHIPPING, None, FREE),
    ],
)
async def test_a_cost_objection_is_answered_with_money_within_the_cap(
    shop: Shop,
    stage: CartSaveStage,
    diagnosis: CartAbandonmentReason | None,
    remedy: InterventionType,
    kind: GrantKind,
    percent: Decimal | None,
    sentence: str,
) -> None:
    attempt_id = await shop.waiting_at(stage, diagnosis=diagnosis)
    plan = await shop.planned(attempt_id)
    proposed = await only_grant(shop)
    assert (proposed.status, plan.remedies[0]) == (GrantStatus.PROPOSED, remedy)
    ran = await shop.finish(plan)
    assert ran is not None
    grant = await only_grant(shop)
    assert (grant.status, grant.kind, grant.percent, grant.source) == (
        GrantStatus.COMMITTED,
        kind,
        percent,
        GrantSource.STAGE,
    )
    assert (ran.grant_id, ran.content["remedy"]) == (grant.id, remedy)
    (message,) = await shop.messages()
    assert sentence in message.text
    assert sentence in message.html
    assert isinstance(await shop.send(message.id), Recorded)


@pytest.mark.parametrize(
    "diagnosis", [each for each in CartAbandonmentReason if each not in (PRICE, DELIVERY)] + [None]
)
async def test_every_other_answer_is_met_with_words(shop: Shop, diagnosis: CartAbandonmentReason | None) -> None:
    attempt_id = await shop.waiting_at(BRANCH, diagnosis=diagnosis)
    assert await shop.run(attempt_id) is not None
    assert await shop.grants() == []
    (message,) = await shop.messages()
    assert "%" not in message.text.replace("http", "")
    assert "free" not in message.text.lower()
    assert "Hello Maya," in message.text


async def test_a_proposal_that_is_not_chosen_is_taken_back(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(NUCLEAR)
    plan = await shop.planned(attempt_id)
    assert plan.remedies == (REMEDY.PERCENTAGE_DISCOUNT,)
    # The menu of a price objection below free shipping has two.
    other = await shop.waiting_at(BRANCH, diagnosis=PRICE)
    plan = await shop.planned(other)
    assert plan.remedies == (REMEDY.PERCENTAGE_DISCOUNT, REMEDY.THRESHOLD_REMINDER)
    ran = await shop.finish(plan, remedy=REMEDY.THRESHOLD_REMINDER)
    assert ran is not None
    taken_back = await shop.rows(select(Grant).where(Grant.cart_id == ran.cart_id))
    assert [(each.status, ran.grant_id) for each in taken_back] == [(GrantStatus.REVOKED, None)]
    message = (await shop.messages())[-1]
    assert "$25.01 more makes shipping free; otherwise shipping is $5.99." in message.text
    assert "%" not in message.text


async def test_a_remedy_that_is_not_on_the_menu_is_not_given(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(BRANCH, diagnosis=CartAbandonmentReason.OTHER)
    plan = await shop.planned(attempt_id)
    ran = await shop.finish(plan, remedy=REMEDY.PERCENTAGE_DISCOUNT)
    assert ran is not None
    assert ran.content["remedy"] == REMEDY.LIVE_CHAT
    assert await shop.grants() == []
    assert "%" not in (await shop.messages())[0].text


async def test_the_better_of_chat_and_stage_stands_and_they_never_add_up(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(BRANCH, diagnosis=PRICE)
    cart_id = (await shop.attempt(attempt_id)).cart_id
    chat = await shop.chat_offer(cart_id, at=after(hours=-1))
    assert isinstance(chat, OfferGranted)
    # The branch publishes ten percent too: what the chat gave stays, with its own end.
    ran = await shop.run(attempt_id)
    assert ran is not None
    assert ran.grant_id == chat.grant.id
    assert "10% off is applied to your cart until November 25 at 2:00 PM." in (await shop.messages())[0].text
    assert len(await shop.grants()) == 1
    # The nuclear offer is better and takes its place.
    due_at = (await shop.attempt(attempt_id)).due_at
    assert due_at == after(hours=24)
    await shop.send((await shop.messages())[0].id)
    ran = await shop.run(attempt_id, at=due_at)
    assert ran is not None
    assert [(each.status, each.percent) for each in await shop.grants()] == [
        (GrantStatus.REVOKED, Decimal(10)),
        (GrantStatus.COMMITTED, Decimal(20)),
    ]
    last = (await shop.messages())[-1]
    assert "20% off" in last.text
    assert "10% off" not in last.text


async def test_an_offer_that_was_bettered_before_sending_stops_the_message(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    await shop.chat_offer(message.cart_id)
    assert await shop.send(message.id) == Skip(MessageStatus.BLOCKED, "OFFER_CHANGED")


async def test_nobody_is_written_to_about_a_cart_that_is_somebody_else_s_now(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    async with shop.begin() as session:
        other = await make.make_customer(session, "other@example.com", company_id=shop.id)
        (await session.get_one(Cart, (shop.id, message.cart_id))).customer_id = other.id
    assert await shop.send(message.id) == Skip(MessageStatus.BLOCKED, "ANOTHER_CUSTOMER")


@pytest.mark.parametrize("stage", [BRANCH, NUCLEAR])
async def test_who_had_an_incentive_lately_gets_none_and_is_told_of_none(shop: Shop, stage: CartSaveStage) -> None:
    async with shop.begin() as session:
        before = await make.make_cart(session, (shop.mug, 1), company_id=shop.id, customer=shop.maya)
        await make.make_grant(
            session, before, committed_at=NOW - timedelta(days=80), person_key=shop.maya.person_key,
            status=GrantStatus.COMMITTED,
        )  # fmt: skip
        await session.execute(update(Grant).values(status=GrantStatus.EXPIRED))
    attempt_id = await shop.waiting_at(stage, diagnosis=PRICE)
    ran = await shop.run(attempt_id)
    assert ran is not None
    assert ran.grant_id is None
    assert len(await shop.grants()) == 1
    (message,) = await shop.messages()
    assert "%" not in message.text
    assert "off" not in message.text.replace("offer", "").split("--")[0]


async def test_a_price_that_history_influenced_says_so(shop: Shop) -> None:
    async with shop.begin() as session:
        before = await make.make_cart(session, (shop.mug, 1), company_id=shop.id, customer=shop.maya)
        await make.make_grant(session, before, committed_at=NOW - timedelta(days=91), person_key=shop.maya.person_key)
        await session.execute(update(Grant).values(status=GrantStatus.EXPIRED))
    attempt_id = await shop.waiting_at(BRANCH, diagnosis=PRICE)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    assert f"{TEN_OFF} This price was set by an algorithm using your personal data." in message.text


async def test_a_cap_that_was_lowered_while_the_planner_wrote_holds(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(BRANCH, diagnosis=PRICE)
    plan = await shop.planned(attempt_id)
    await shop.configure({"stages": {"branchingIntervention": {"maxDiscountPercent": 5}}})
    ran = await shop.finish(plan)
    assert ran is not None
    assert (ran.grant_id, ran.content["remedy"]) == (None, REMEDY.REMINDER)
    assert (await only_grant(shop)).status is GrantStatus.REVOKED
    assert "%" not in (await shop.messages())[0].text


async def test_a_cap_that_was_lowered_before_is_what_is_given(shop: Shop) -> None:
    await shop.configure({"stages": {"branchingIntervention": {"maxDiscountPercent": 5}}})
    attempt_id = await shop.waiting_at(BRANCH, diagnosis=PRICE)
    await shop.run(attempt_id)
    assert ((await only_grant(shop)).percent, (await only_grant(shop)).cap_percent) == (Decimal(5), Decimal(5))
    assert "5% off is applied" in (await shop.messages())[0].text


async def test_an_answer_moves_the_flow_to_its_branch_and_later_ones_are_only_kept(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.DIAGNOSIS_SURVEY)
    await shop.run(attempt_id)
    await shop.send((await shop.messages())[0].id)
    await shop.answer(attempt_id, DELIVERY, text="My card is 4111 1111 1111 1111", at=after(minutes=20))
    attempt = await shop.attempt(attempt_id)
    assert (attempt.current_stage, attempt.due_at, attempt.step) == (BRANCH, after(minutes=20), 2)
    (given,) = attempt.diagnosis_answers["answers"]
    assert given["reason"] == "SHIPPING_COST"
    assert "4111" not in given["text"]
    # An hour lies between two emails.
    assert await shop.run(attempt_id, at=after(minutes=20)) is None
    assert (await shop.attempt(attempt_id)).due_at == after(minutes=60)
    assert await shop.run(attempt_id, at=after(minutes=60)) is not None
    assert (await only_grant(shop)).kind is GrantKind.FREE_SHIPPING
    waiting = await shop.attempt(attempt_id)
    await shop.answer(attempt_id, PRICE, at=after(minutes=90))
    attempt = await shop.attempt(attempt_id)
    assert (attempt.current_stage, attempt.due_at, attempt.step) == (NUCLEAR, waiting.due_at, waiting.step)
    assert attempt.diagnosis_reason is PRICE
    assert [kind for _, kind, _ in await shop.events(attempt_id)] == [
        *("ENTERED", "RAN", "ENTERED", "ANSWERED", "ENTERED", "DEFERRED", "RAN", "ENTERED", "ANSWERED")
    ]


async def test_nobody_is_asked_who_has_answered(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.DIAGNOSIS_SURVEY, diagnosis=PRICE)
    assert await shop.run(attempt_id) is None
    assert await shop.messages() == []
    assert ("DIAGNOSIS_SURVEY", "SKIPPED", "ALREADY_ANSWERED") in await shop.events(attempt_id)
    assert (await shop.attempt(attempt_id)).current_stage is BRANCH


async def test_an_answer_while_the_branch_is_being_written_starts_it_anew(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(BRANCH)
    plan = await shop.planned(attempt_id)
    await shop.answer(attempt_id, PRICE)
    assert await shop.finish(plan) is None
    assert await shop.messages() == []
    ran = await shop.run(attempt_id)
    assert ran is not None
    assert ran.content["remedy"] == REMEDY.PERCENTAGE_DISCOUNT
