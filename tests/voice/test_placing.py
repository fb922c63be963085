"""A due call: allowed and dialled once, or refused with its reason, a decision, and no word to the carrier."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.jobs import Jobs
from db.jobs import Job
from db.tables.carts import PaymentState
from db.tables.catalogue import ProductVariant
from db.tables.customers import ConsentState, Customer
from db.tables.delivery import Message
from db.tables.policy import Channel
from db.tables.recovery import CartSaveStage, Intervention, SaveAttempt, StageEvent
from db.tables.voice import EndReason, VoiceCallOutcome, VoiceCallStatus
from recovery import service as recovery
from tests.recovery.shops import Shop
from tests.voice.calls import make_call
from tests.voice.phone import ABANDONED, CALL, CALLING, SID, Phone


async def test_a_due_call_is_dialled_answered_and_streamed(phone: Phone) -> None:
    await phone.at(CALL)
    (asked,) = phone.twilio.asked
    assert (asked.path, asked.form["To"]) == (f"/2010-04-01/Accounts/{SID}/Calls.json", "+15035550142")
    call = await phone.call()
    ((answered, stream),) = phone.streams
    assert (call.provider_id, call.answered_by) == (answered.sid, "human")
    times = [CALL, call.initiated_at, call.dialled_at, call.answered_at, call.completed_at]
    assert None not in times
    assert times == sorted(time for time in times if time is not None)
    assert stream.url == f"{phone.parts.public_url.replace('http', 'ws', 1)}/api/momentum/voice/stream"
    assert list(stream.parameters) == ["token"]
    assert stream.parameters["token"] not in stream.url
    assert set(phone.twilio.webhook_statuses) == {200, 204}
    # Nobody opened the stream, so the person hung up on silence.
    assert (call.status, call.outcome, call.end_reason) == (VoiceCallStatus.ENDED, "DISCONNECTED", "HUNG_UP")
    assert (call.slot, call.duration_s, call.called_on.isoformat()) == (None, 1, "2031-03-04")
    assert await phone.decisions() == [("PLAN", "ALLOW", []), ("DISPATCH", "ALLOW", [])]
    message = await phone.message()
    assert (message.status, message.provider_id) == ("SENT", answered.sid)
    assert message.sent_at == call.initiated_at


Change = Callable[[Phone], Awaitable[None]]

# The five refusals: each with its reason, a decision that is kept, and nothing asked of the carrier.


async def no_consent(phone: Phone) -> None:
    await phone.consent(ConsentState.REVOKED)


async def wrong_hour(phone: Phone) -> None:
    """11:00 where Maya lives; 09:00 where her number is from."""
    phone.maya.phone = "+18085550142"
    async with phone.session() as session:
        (await session.get_one(Customer, (phone.id, phone.maya.id))).phone = phone.maya.phone
    await phone.consent()


async def called_lately(phone: Phone) -> None:
    """Four days ago, about another cart."""
    (beans,) = await phone.rows(select(ProductVariant))
    shop = Shop(phone.engine, phone.company, phone.maya, beans, beans)
    call = await make_call(
        phone.engine,
        shop,
        at=CALL - timedelta(days=4),
        status=VoiceCallStatus.ENDED,
        slot=None,
        outcome=VoiceCallOutcome.NO_ANSWER,
        end_reason=EndReason.NO_ANSWER,
    )
    async with phone.session() as session:
        (await session.get_one(SaveAttempt, (phone.id, call.attempt_id))).due_at = None


async def over_the_cap(phone: Phone) -> None:
    await phone.configure({**CALLING, "voice": {"enabled": True, "maxCallsPerDay": 0}})


async def paid_meanwhile(phone: Phone) -> None:
    await phone.buys_elsewhere(at=ABANDONED + timedelta(hours=3))


# In what the change leads to: verdict, until when, reasons.
REFUSALS = [
    (no_consent, "BLOCK", None, ["CONSENT_REVOKED"]),
    (wrong_hour, "DEFER", CALL + timedelta(hours=1), ["QUIET_HOURS"]),
    # When seven days are over, the abandonment is too long ago.
    (called_lately, "BLOCK", None, ["FREQUENCY", "CALLED_RECENTLY", "TOO_LATE"]),
    # Until midnight where the shop is.
    (over_the_cap, "DEFER", datetime(2031, 3, 5, tzinfo=UTC), ["DAY_CAP"]),
    (paid_meanwhile, "BLOCK", None, ["ORDERED"]),
]


@pytest.mark.parametrize(("change", "verdict", "until", "reasons"), REFUSALS)
async def test_a_call_that_is_not_right_is_not_planned(
    phone: Phone, change: Change, verdict: str, until: datetime | None, reasons: list[str]
) -> None:
    await change(phone)
    before = len(await phone.calls())
    await phone.at(CALL)
    assert await phone.decisions() == [("PLAN", verdict, reasons)]
    assert phone.twilio.asked == []
    assert len(await phone.calls()) == before
    waiting = await phone.rows(select(Message).where(Message.channel == Channel.VOICE, Message.status == "PLANNED"))
    assert [message.due_at for message in waiting] == ([] if until is None else [until])


@pytest.mark.parametrize(("change", "verdict", "until", "reasons"), REFUSALS)
async def test_a_call_that_became_wrong_is_not_dialled(
    phone: Phone, change: Change, verdict: str, until: datetime | None, reasons: list[str]
) -> None:
    """Everything is asked again right before dialling."""
    await phone.world.set_time(CALL)
    await plan_the_call(phone)
    await change(phone)
    before = len(await phone.calls())
    await phone.at(CALL)
    assert await phone.decisions() == [("PLAN", "ALLOW", []), ("DISPATCH", verdict, reasons)]
    assert phone.twilio.asked == []
    assert len(await phone.calls()) == before
    message = await phone.message()
    status = "BLOCKED" if until is None else "PLANNED"
    assert (message.status, message.due_at, message.reason) == (status, until, ", ".join(reasons))
    (intervention,) = await phone.rows(select(Intervention).where(Intervention.attempt_id == phone.attempt_id))
    assert intervention.status == ("FAILED" if until is None else "SCHEDULED")


async def test_a_paid_cart_cancels_its_call(phone: Phone) -> None:
    await phone.world.set_time(CALL)
    await plan_the_call(phone)
    async with phone.session() as session:
        await recovery.convert(
            session, phone.cart_id, company_id=phone.id, order_id="1001", payment_state=PaymentState.COD, now=CALL
        )
    await phone.at(CALL)
    message = await phone.message()
    assert (message.status, message.reason) == ("CANCELLED", "ORDERED")
    assert phone.twilio.asked == []
    assert await phone.calls() == []


async def test_a_call_waits_for_the_called_persons_hours(phone: Phone) -> None:
    """Left at 20:00 on a Monday: a day later it is 20:00 again; the call waits for Wednesday 10:00."""
    evening = datetime(2031, 3, 5, 4, 0, tzinfo=UTC)
    await phone.set_attempt(due_at=evening)
    await phone.at(evening)
    message = await phone.message()
    assert (message.status, message.due_at) == ("PLANNED", datetime(2031, 3, 5, 18, 0, tzinfo=UTC))
    assert phone.twilio.asked == []
    await phone.at(datetime(2031, 3, 5, 18, 0, tzinfo=UTC))
    assert len(phone.twilio.asked) == 1
    assert await phone.decisions() == [("PLAN", "DEFER", ["QUIET_HOURS"]), ("DISPATCH", "ALLOW", [])]


async def test_a_waiting_call_does_not_hold_up_its_stages_email(phone: Phone) -> None:
    await phone.configure({**CALLING, "stages": {"nuclearOffer": {"channels": ["EMAIL", "VOICE"]}}})
    at_eight = datetime(2031, 3, 5, 4, 0, tzinfo=UTC)
    await phone.set_attempt(due_at=at_eight)
    await phone.at(at_eight)
    emails = await phone.rows(
        select(Message).where(Message.channel == Channel.EMAIL, Message.intervention_id.is_not(None))
    )
    assert [message.status for message in emails] == ["SENT"]
    message = await phone.message()
    assert (message.status, message.due_at) == ("PLANNED", datetime(2031, 3, 5, 18, 0, tzinfo=UTC))
    assert message.intervention_id == emails[0].intervention_id


async def test_nobody_is_called_without_a_carrier(phone: Phone) -> None:
    phone.world.parts = replace(phone.parts, carrier=None, telephony=None)
    await phone.at(CALL)
    assert await phone.decisions() == [("PLAN", "BLOCK", ["NO_CARRIER"])]
    assert await phone.calls() == []
    skipped = await phone.rows(select(StageEvent).where(StageEvent.stage == CartSaveStage.NUCLEAR_OFFER))
    assert [event.reason for event in skipped if event.kind == "SKIPPED"] == ["NO_CARRIER"]


async def plan_the_call(phone: Phone) -> Message:
    """Run the stage, without what it makes due."""
    await Jobs(phone.parts).run_stage(Job(company_id=phone.id, id=phone.attempt_id, step=0))
    return await phone.message()
