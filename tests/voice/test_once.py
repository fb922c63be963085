"""Once, whoever races and whoever dies: one dial, one call a day, and every call ends and frees its line."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.jobs import Jobs
from app.worker import sweep_calls
from db.ids import uuid7
from db.jobs import Job
from db.session import transaction
from db.tables.delivery import Message
from db.tables.policy import Channel
from db.tables.recovery import Intervention
from db.tables.voice import VoiceCall, VoiceCallStatus
from tests.factories import NOW
from tests.policy.races import race
from tests.recovery.shops import Shop
from tests.voice.calls import make_call, make_contact
from tests.voice.phone import CALL, CALLING, Phone, caller
from voice.calls import jobs as calls
from voice.calls import placing
from voice.calls.placing import Placing
from voice.calls.repository import CallRepository
from voice.calls.rules import End
from voice.calls.schemas import CallClaim
from voice.telephony import Dial, DialUnknown, NotDialled

# By then the call that was planned for CALL is due.
LATER = CALL + timedelta(minutes=1)


class Carrier:
    """Counts what it is asked; it may refuse, or fall silent."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.dialled: list[Dial] = []
        self.hung_up: list[str] = []

    async def dial(self, dial: Dial) -> str:
        self.dialled.append(dial)
        if self.fault is not None:
            raise self.fault
        return f"CA{len(self.dialled):032}"

    async def hang_up(self, provider_id: str) -> None:
        self.hung_up.append(provider_id)


class Dies(Exception):
    """The process ends here."""


async def plan_calls(phone: Phone, *attempt_ids: UUID) -> list[Message]:
    """Run the stages, without what they make due."""
    await phone.world.set_time(CALL)
    for attempt_id in attempt_ids:
        await Jobs(phone.parts).run_stage(Job(company_id=phone.id, id=attempt_id, step=0))
    found: list[Message] = await phone.rows(
        select(Message).where(Message.channel == Channel.VOICE).order_by(Message.id)
    )
    return found


def place(phone: Phone, message: Message, carrier: Carrier) -> Awaitable[None]:
    begin = partial(transaction, phone.engine, company_id=phone.id)
    return calls.place(begin, carrier, phone.parts.calling, message.id, company_id=phone.id, now=LATER)


async def test_many_workers_dial_once(phone: Phone) -> None:
    (message,) = await plan_calls(phone, phone.attempt_id)
    carrier = Carrier()
    await asyncio.gather(*(place(phone, message, carrier) for _ in range(4)))
    assert len(carrier.dialled) == 1
    call = await phone.call()
    assert (call.id, call.status, call.provider_id) == (carrier.dialled[0].call_id, "DIALLED", f"CA{1:032}")
    assert (await phone.message()).status == "SENT"
    (intervention,) = await phone.rows(select(Intervention).where(Intervention.attempt_id == phone.attempt_id))
    assert (intervention.status, intervention.error_message) == ("SENT", None)


def claims(phone: Phone, message: Message) -> Callable[[AsyncSession], Awaitable[Placing | None]]:
    async def claim(session: AsyncSession) -> Placing | None:
        return await placing.claim(session, message.id, phone.parts.calling, company_id=phone.id, now=LATER)

    return claim


async def test_a_worker_waits_for_another_that_claims_the_same_call(phone: Phone) -> None:
    (message,) = await plan_calls(phone, phone.attempt_id)
    first, second = await race(phone.engine, claims(phone, message), claims(phone, message), company_id=phone.id)
    assert first is not None
    assert second is None
    assert len(await phone.calls()) == 1


async def two_people(phone: Phone) -> list[Message]:
    _, _, other = await caller(phone.engine, phone.company, "noor@example.com", "+15035550143")
    return await plan_calls(phone, phone.attempt_id, other)


async def test_the_last_call_of_the_day_is_given_once(phone: Phone) -> None:
    """Two people, two workers, one call left: whoever comes second waits, and finds the cap reached."""
    await phone.configure({**CALLING, "voice": {"enabled": True, "maxCallsPerDay": 1}})
    one, two = await two_people(phone)
    first, second = await race(phone.engine, claims(phone, one), claims(phone, two), company_id=phone.id)
    assert first is not None
    assert second is None
    assert len(await phone.calls()) == 1
    assert (await phone.decisions())[-1] == ("DISPATCH", "DEFER", ["DAY_CAP"])


async def test_the_last_line_is_taken_once(phone: Phone) -> None:
    await phone.configure({**CALLING, "voice": {"enabled": True, "maxCallsAtOnce": 1}})
    one, two = await two_people(phone)
    first, second = await race(phone.engine, claims(phone, one), claims(phone, two), company_id=phone.id)
    assert first is not None
    assert second is None
    assert [call.slot for call in await phone.calls()] == [1]
    assert (await phone.decisions())[-1] == ("DISPATCH", "DEFER", ["LINES_BUSY"])
    assert (await phone.message(two.attempt_id)).due_at == LATER + timedelta(minutes=1)


async def test_two_calls_at_once_have_a_line_each(phone: Phone) -> None:
    one, two = await two_people(phone)
    await race(phone.engine, claims(phone, one), claims(phone, two), company_id=phone.id)
    assert [call.slot for call in await phone.calls()] == [1, 2]


@pytest.mark.parametrize("shared", ["person_key", "number_hash", "cart_id", "message_id", "slot"])
async def test_what_two_calls_may_not_share_is_kept_by_an_index(engine: AsyncEngine, shop: Shop, shared: str) -> None:
    """Two sessions write at the same time: the second waits for the first, and is told that there is one."""
    one = await claim_of(shop, slot=1, person_key="one", number_hash="one")
    two = await claim_of(shop, slot=2, person_key="two", number_hash="two")
    two = replace(two, **{shared: getattr(one, shared)})

    def opens(claim: CallClaim) -> Callable[[AsyncSession], Awaitable[UUID | None]]:
        return lambda session: CallRepository(session).open(claim, company_id=shop.id, now=NOW)

    first, second = await race(engine, opens(one), opens(two), company_id=shop.id)
    assert first is not None
    assert second is None
    assert [call.id for call in await shop.rows(select(VoiceCall))] == [first]


async def claim_of(shop: Shop, *, slot: int, person_key: str, number_hash: str) -> CallClaim:
    contact = await make_contact(shop, at=NOW)
    return CallClaim(
        **contact,
        customer_id=shop.maya.id,
        abandonment=1,
        person_key=person_key,
        number_hash=number_hash,
        called_on=NOW.date(),
        slot=slot,
    )


async def test_a_carriers_call_is_one_of_ours(engine: AsyncEngine, shop: Shop) -> None:
    await make_call(engine, shop, at=NOW, provider_id="CA1")
    with pytest.raises(IntegrityError, match="uq_cart_voice_calls_provider"):
        await make_call(engine, shop, at=NOW, provider_id="CA1", person_key="another", number_hash="another", slot=2)


@pytest.mark.parametrize("point", ["before the dial", "before the record"])
async def test_a_worker_that_dies_leaves_a_call_that_ends(
    phone: Phone, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    (message,) = await plan_calls(phone, phone.attempt_id)
    carrier = Carrier(Dies() if point == "before the dial" else None)

    async def dies(*_: object, **__: object) -> bool:
        raise Dies

    if point == "before the record":
        monkeypatch.setattr(placing, "record_dialled", dies)
    with pytest.raises(Dies):
        await place(phone, message, carrier)
    call = await phone.call()
    assert (call.status, call.slot, call.provider_id) == (VoiceCallStatus.CLAIMED, 1, None)
    assert await sweep_calls(phone.engine) == 0
    await forget(phone)
    assert await sweep_calls(phone.engine) == 1
    await phone.world.work()
    call = await phone.call()
    assert (call.outcome, call.end_reason, call.slot) == ("NO_ANSWER", "PROCESS_LOST", None)
    # The claim is given up when its time is over, and nobody is dialled again, today or about this cart.
    await phone.at(CALL + timedelta(hours=3))
    assert (await phone.message()).status == "UNKNOWN"
    assert len(carrier.dialled) == 1
    assert phone.twilio.asked == []
    assert len(await phone.calls()) == 1


async def as_it_stands(end: End) -> End:
    """Nothing was said."""
    return end


async def forget(phone: Phone) -> None:
    """Let the live calls' last sign of life be a minute old, in real time."""
    async with phone.session() as session:
        await session.execute(text("UPDATE cart_voice_calls SET heartbeat_at = heartbeat_at - interval '1 minute'"))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("DIALLED", "NO_ANSWER"), ("ANSWERED", "DISCONNECTED"), ("TALKING", "DISCONNECTED")],
)
async def test_a_lost_call_is_hung_up_and_closed(engine: AsyncEngine, shop: Shop, status: str, outcome: str) -> None:
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus(status), silent_for=timedelta(minutes=1))
    carrier = Carrier()
    begin = partial(transaction, engine, company_id=shop.id)
    for _ in range(2):
        await calls.close_lost(begin, carrier, as_it_stands, call.id, company_id=shop.id, now=NOW)
    (found,) = await shop.rows(select(VoiceCall))
    assert (found.status, found.outcome, found.end_reason, found.slot) == ("ENDED", outcome, "PROCESS_LOST", None)
    assert carrier.hung_up == [call.provider_id]


async def test_a_call_that_is_heard_of_is_not_closed(engine: AsyncEngine, shop: Shop) -> None:
    call = await make_call(engine, shop, at=NOW, status=VoiceCallStatus.TALKING, silent_for=timedelta(seconds=30))
    carrier = Carrier()
    begin = partial(transaction, engine, company_id=shop.id)
    await calls.close_lost(begin, carrier, as_it_stands, call.id, company_id=shop.id, now=NOW)
    (found,) = await shop.rows(select(VoiceCall))
    assert found.status is VoiceCallStatus.TALKING
    assert carrier.hung_up == []


async def test_what_the_carrier_refuses_is_over_at_once(phone: Phone) -> None:
    (message,) = await plan_calls(phone, phone.attempt_id)
    await place(phone, message, Carrier(NotDialled("TWILIO_21211")))
    call = await phone.call()
    assert (call.outcome, call.end_reason, call.slot) == ("NO_ANSWER", "FAILED", None)
    found = await phone.message()
    assert (found.status, found.reason) == ("FAILED", "TWILIO_21211")
    (intervention,) = await phone.rows(select(Intervention).where(Intervention.attempt_id == phone.attempt_id))
    assert (intervention.status, intervention.error_message) == ("FAILED", "FAILED")


async def test_a_dial_without_an_answer_is_adopted_by_its_callbacks(phone: Phone) -> None:
    """The request arrived, its answer did not: the phone rings, and the carrier tells us which call it is."""
    (message,) = await plan_calls(phone, phone.attempt_id)
    await place(phone, message, Carrier(DialUnknown("LINE_LOST")))
    assert (await phone.message()).status == "UNKNOWN"
    call = await phone.call()
    assert (call.status, call.provider_id) == (VoiceCallStatus.CLAIMED, None)
    form = {
        "AccountSid": phone.twilio.account_sid,
        "CallSid": f"CA{uuid7().hex}",
        "CallStatus": "ringing",
    }
    carrier = phone.parts.carrier
    assert carrier is not None
    status, _ = await phone.twilio.post(carrier.webhook(phone.id, call.id, "status"), form)
    assert status == 204
    call = await phone.call()
    assert (call.status, call.provider_id) == (VoiceCallStatus.DIALLED, form["CallSid"])
