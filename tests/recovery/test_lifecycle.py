"""An attempt from its opening to its end, at exact instants."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.tables.carts import Cart, CartStatus
from db.tables.customers import ConsentState, SuppressionScope
from db.tables.delivery import MessageStatus
from db.tables.policy import ContactDecision, ContactPhase, ContactVerdict
from db.tables.recovery import (
    CartAbandonmentReason,
    CartSaveOutcome,
    CartSaveStage,
    CartSaveStatus,
    InterventionStatus,
    SaveAttempt,
)
from delivery.schemas import Recorded, Skip
from policy.contact.service import suppress_person
from policy.redaction.rules import CARD_MARK
from recovery import responses, service
from recovery.errors import CartNotAbandoned, FlowIsOff
from storefront.carts.rules import NoSuchCart
from tests.factories import NOW, SIGNER
from tests.fakes import smtp
from tests.policy.races import race
from tests.recovery.shops import PRICE, Shop, after

STAGE = CartSaveStage


async def test_the_idle_cart_opens_its_attempt_at_the_end_of_its_idle_time(shop: Shop) -> None:
    cart_id = await shop.cart(status=CartStatus.ACTIVE)
    async with shop.begin() as session:
        early = await service.abandon(session, cart_id, company_id=shop.id, now=NOW - timedelta(seconds=1))
    assert early is None
    assert (await shop.counts())["save_attempts"] == 0
    async with shop.begin() as session:
        attempt = await service.abandon(session, cart_id, company_id=shop.id, now=after(minutes=7))
    assert attempt is not None
    assert (attempt.abandoned_at, attempt.current_stage, attempt.due_at) == (
        NOW,
        STAGE.BROWSE_REMINDER,
        after(minutes=15),
    )
    assert (attempt.cart_value_minor, attempt.currency, attempt.step) == (30_98, "USD", 0)
    assert await shop.events(attempt.id) == [("BROWSE_REMINDER", "ENTERED", None)]
    async with shop.begin() as session:
        again = await service.abandon(session, cart_id, company_id=shop.id, now=after(minutes=8))
    assert again is None
    assert (await shop.counts())["stage_events"] == 1


async def test_a_connection_opens_any_number_of_attempts(shop: Shop) -> None:
    """After 5 uses the driver prepares a statement, and after 5 more the server plans it for whatever may come."""
    carts = [await shop.cart() for _ in range(12)]
    assert len({await shop.start(each) for each in carts}) == 12


async def test_a_first_stage_that_is_past_already_is_due_at_once(shop: Shop) -> None:
    cart_id = await shop.cart(status=CartStatus.ACTIVE)
    async with shop.begin() as session:
        attempt = await service.abandon(session, cart_id, company_id=shop.id, now=after(hours=5))
    assert attempt is not None
    assert (attempt.abandoned_at, attempt.due_at) == (NOW, after(hours=5))


async def test_a_flow_that_is_off_leaves_the_cart_abandoned_and_alone(shop: Shop) -> None:
    await shop.configure({"enabled": False})
    cart_id = await shop.cart(status=CartStatus.ACTIVE)
    async with shop.begin() as session:
        assert await service.abandon(session, cart_id, company_id=shop.id, now=NOW) is None
    (cart,) = await shop.rows(select(Cart))
    assert cart.status is CartStatus.ABANDONED
    async with shop.begin() as session:
        with pytest.raises(FlowIsOff):
            await service.start_attempt(session, cart_id, company_id=shop.id, now=NOW)
    assert (await shop.counts())["save_attempts"] == 0


async def test_only_an_abandoned_cart_has_a_flow(shop: Shop) -> None:
    active = await shop.cart(status=CartStatus.ACTIVE)
    async with shop.begin() as session:
        with pytest.raises(CartNotAbandoned):
            await service.start_attempt(session, active, company_id=shop.id, now=NOW)
    async with shop.begin() as session:
        with pytest.raises(NoSuchCart):
            await service.start_attempt(session, uuid7(), company_id=shop.id, now=NOW)
    assert (await shop.counts())["save_attempts"] == 0


async def test_two_workers_open_one_attempt(shop: Shop) -> None:
    cart_id = await shop.cart()

    async def start(session: AsyncSession) -> SaveAttempt:
        return await service.start_attempt(session, cart_id, company_id=shop.id, now=NOW)

    one, two = await race(shop.engine, start, start, company_id=shop.id)
    assert one.id == two.id
    assert (await shop.counts())["save_attempts"] == 1
    assert await shop.events(one.id) == [("BROWSE_REMINDER", "ENTERED", None)]


async def test_the_index_holds_without_the_lock(shop: Shop) -> None:
    attempt_id = await shop.start(await shop.cart())
    copied = text(
        "INSERT INTO save_attempts SELECT (jsonb_populate_record(a, jsonb_build_object('id', CAST(:id AS text)))).* "
        "FROM save_attempts a WHERE a.id = :running"
    )
    with pytest.raises(IntegrityError, match="uq_save_attempts_running"):
        async with shop.begin() as session:
            await session.execute(copied, {"id": str(uuid7()), "running": attempt_id})


async def test_what_was_said_before_the_flow_is_not_asked_again(shop: Shop) -> None:
    cart_id = await shop.cart()
    card = "4111 1111 1111 1111"
    async with shop.begin() as session:
        for reason, words in [(CartAbandonmentReason.OTHER, "hm"), (PRICE, f"too dear, {card}")]:
            taken_up = await responses.answer_for_cart(
                session, cart_id, reason, company_id=shop.id, now=NOW - timedelta(minutes=5), text=words
            )
            assert not taken_up
    attempt = await shop.attempt(await shop.start(cart_id))
    assert attempt.diagnosis_reason is PRICE
    (kept,) = attempt.diagnosis_answers["answers"]
    assert kept == {
        "reason": "TOO_EXPENSIVE",
        "at": (NOW - timedelta(minutes=5)).isoformat(),
        "text": f"too dear, {CARD_MARK}",
    }


async def test_the_reason_that_the_merchant_gives_wins(shop: Shop) -> None:
    cart_id = await shop.cart()
    async with shop.begin() as session:
        await responses.answer_for_cart(session, cart_id, PRICE, company_id=shop.id, now=NOW)
    attempt = await shop.attempt(await shop.start(cart_id, reason=CartAbandonmentReason.SHIPPING_COST))
    assert (attempt.diagnosis_reason, attempt.diagnosis_answers) == (CartAbandonmentReason.SHIPPING_COST, {})


async def test_the_whole_flow_runs_at_its_instants(shop: Shop) -> None:
    """No answer, nothing opened: six emails at most, then the credit window, then the end."""
    attempt_id = await shop.start(await shop.cart())
    sent: list[tuple[str, float]] = []
    due: list[float] = []
    while (attempt := await shop.attempt(attempt_id)).due_at is not None:
        at = attempt.due_at
        due.append((at - NOW) / timedelta(hours=1))
        ran = await shop.run(attempt_id, at=at)
        if ran is not None:
            (message,) = [each for each in await shop.messages() if each.intervention_id == ran.id]
            assert isinstance(await shop.send(message.id, at=at), Recorded)
            sent.append((ran.stage.value, (at - NOW) / timedelta(hours=1)))
    assert due == [0.25, 1, 3, 6, 24, 48, 72, 156, 240, 324, 408, 480]
    assert sent == [
        ("PATTERN_INTERRUPT", 1),
        ("DIAGNOSIS_SURVEY", 3),
        ("BRANCHING_INTERVENTION", 6),
        ("NUCLEAR_OFFER", 24),
        ("LOSS_VISUALIZATION", 48),
        ("WINBACK_SEQUENCE", 72),
    ]
    assert (attempt.status, attempt.outcome) == (CartSaveStatus.COMPLETED, CartSaveOutcome.EXHAUSTED)
    assert attempt.completed_at == after(hours=480)
    assert [kind for _, kind, _ in await shop.events(attempt_id)] == [
        *("ENTERED", "SKIPPED"),
        *("ENTERED", "RAN") * 6,
        *("ENTERED", "SKIPPED") * 4,
        *("ENTERED", "CLOSED"),
    ]
    reasons = [reason for _, kind, reason in await shop.events(attempt_id) if kind == "SKIPPED"]
    assert reasons == ["NO_CHANNEL", *["TOO_MANY_UNANSWERED"] * 4]
    assert {message.status for message in await shop.messages()} == {MessageStatus.SENT}
    assert [each.status for each in await shop.interventions()] == [InterventionStatus.SENT] * 6


async def test_who_did_not_agree_is_written_nothing(shop: Shop) -> None:
    await shop.consent(ConsentState.REVOKED, at=NOW)
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    assert await shop.run(attempt_id) is None
    assert await shop.messages() == []
    assert (await shop.attempt(attempt_id)).current_stage is STAGE.DIAGNOSIS_SURVEY
    assert ("PATTERN_INTERRUPT", "SKIPPED", "CONSENT_REVOKED") in await shop.events(attempt_id)
    (decision,) = await shop.rows(select(ContactDecision))
    assert (decision.verdict, decision.phase, decision.reasons) == (
        ContactVerdict.BLOCK,
        ContactPhase.PLAN,
        ["CONSENT_REVOKED"],
    )


async def test_quiet_hours_put_a_stage_off_to_their_end(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    assert await shop.run(attempt_id, at=after(hours=8)) is None  # 23:00
    attempt = await shop.attempt(attempt_id)
    morning = after(hours=17)  # 08:00
    assert (attempt.due_at, attempt.step, attempt.released_at) == (morning, 0, None)
    assert await shop.messages() == []
    assert await shop.run(attempt_id, at=morning) is not None
    assert await shop.events(attempt_id) == [
        ("BROWSE_REMINDER", "ENTERED", None),
        ("PATTERN_INTERRUPT", "DEFERRED", "QUIET_HOURS"),
        ("PATTERN_INTERRUPT", "RAN", "REMINDER"),
        ("DIAGNOSIS_SURVEY", "ENTERED", None),
    ]
    # The survey keeps its two hours' distance from the contact that came late.
    assert (await shop.attempt(attempt_id)).due_at == after(hours=19)


async def test_who_opts_out_between_planning_and_sending_is_not_written_to(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    ran = await shop.run(attempt_id)
    assert ran is not None
    (message,) = await shop.messages()
    async with shop.begin() as session:
        # One channel only: the flow goes on, and the message was not cancelled by the one who suppressed.
        await suppress_person(
            session,
            shop.maya.id,
            SuppressionScope.EMAIL,
            company_id=shop.id,
            reason="COMPLAINED",
            source="PROVIDER",
            signer=SIGNER,
            now=NOW,
        )
    answered = await shop.send(message.id)
    assert answered == Skip(MessageStatus.BLOCKED, "SUPPRESSED, CONSENT_REVOKED")
    assert await shop.send(message.id) == answered
    (intervention,) = await shop.interventions()
    assert (intervention.status, intervention.error_message) == (
        InterventionStatus.FAILED,
        "SUPPRESSED,CONSENT_REVOKED",
    )
    blocks = [event for event in await shop.events(attempt_id) if event[1] == "BLOCKED"]
    assert blocks == [("PATTERN_INTERRUPT", "BLOCKED", "SUPPRESSED,CONSENT_REVOKED")]
    assert [each.sent_at for each in await shop.messages()] == [None]


async def test_what_the_relay_refused_is_explained(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    async with smtp.serving() as relay:
        relay.script(smtp.Stage.CONTENT, smtp.Reply("554 5.7.1 spam"))
        assert await shop.send(message.id, smtp_url=relay.url) == Recorded(message.id, MessageStatus.FAILED, False)
        assert relay.mails == []
    (intervention,) = await shop.interventions()
    assert (intervention.status, intervention.error_message) == (InterventionStatus.FAILED, "554 5.7.1 spam")


async def test_a_stage_that_was_switched_off_is_passed_over(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.configure({"stages": {"patternInterrupt": {"enabled": False}, "diagnosisSurvey": {"delayMinutes": 200}}})
    assert await shop.run(attempt_id) is None
    attempt = await shop.attempt(attempt_id)
    assert (attempt.current_stage, attempt.due_at) == (STAGE.DIAGNOSIS_SURVEY, after(minutes=200))
    assert ("PATTERN_INTERRUPT", "SKIPPED", "SWITCHED_OFF") in await shop.events(attempt_id)


async def test_a_message_of_a_stage_that_was_switched_off_meanwhile_does_not_leave(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    await shop.configure({"stages": {"patternInterrupt": {"enabled": False}}})
    assert await shop.send(message.id) == Skip(MessageStatus.BLOCKED, "SWITCHED_OFF")


async def test_a_cart_whose_goods_are_gone_is_not_written_about(shop: Shop) -> None:
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    await shop.run(attempt_id)
    (message,) = await shop.messages()
    async with shop.begin() as session:
        await session.execute(text("UPDATE stock SET on_hand = 0"))
    assert await shop.send(message.id) == Skip(MessageStatus.BLOCKED, "SOLD_OUT")
    assert await shop.run(attempt_id, at=after(hours=3)) is None
    assert ("DIAGNOSIS_SURVEY", "SKIPPED", "SOLD_OUT") in await shop.events(attempt_id)


async def test_maximum_of_messages_holds_over_all_stages(shop: Shop) -> None:
    await shop.configure({"maxAttemptsPerCart": 2})
    attempt_id = await shop.start(await shop.cart())
    while (attempt := await shop.attempt(attempt_id)).due_at is not None:
        if await shop.run(attempt_id, at=attempt.due_at) is not None:
            await shop.send((await shop.messages())[-1].id, at=attempt.due_at)
    assert len(await shop.messages()) == 2
    reasons = [reason for _, kind, reason in await shop.events(attempt_id) if kind == "SKIPPED"]
    assert reasons == ["NO_CHANNEL", *["TOO_MANY_MESSAGES"] * 8]


@pytest.mark.parametrize("timezone", ["Nowhere/Nothing", None])
@pytest.mark.parametrize("locale", ["en-GB", "xx", "de-DE", "\u20ac", ""])
async def test_a_shopper_with_any_locale_and_zone_is_written_to(shop: Shop, locale: str, timezone: str | None) -> None:
    async with shop.begin() as session:
        await session.execute(
            text("UPDATE customers SET locale = :locale, timezone = :zone"), {"locale": locale, "zone": timezone}
        )
    attempt_id = await shop.waiting_at(STAGE.PATTERN_INTERRUPT)
    assert await shop.run(attempt_id) is not None
    (message,) = await shop.messages()
    assert ("US$24.99" if locale == "en-GB" else "$24.99") in message.text
