import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.delivery import Message, MessageEventKind, MessageStatus
from db.tables.policy import Channel, ContactVerdict
from delivery import service
from delivery.schemas import Claimed, Recorded, Skip
from delivery.transport import Outcome, Permanent, Sent, Temporary, Unknown
from tests.delivery.shops import NOW, Answer, Gate, Shop, claim, record, standing, take

MINUTE = timedelta(minutes=1)


async def test_a_claim_takes_the_message_for_one_try(shop: Shop) -> None:
    message_id = await shop.plan(released_at=NOW)
    gate = Gate()
    claimed = await claim(shop, message_id, gate=gate)
    message = await shop.message(message_id)
    assert isinstance(claimed, Claimed)
    assert (claimed.tries, claimed.channel, claimed.company_id) == (1, Channel.EMAIL, shop.company_id)
    assert (claimed.outgoing.text, claimed.outgoing.headers) == (message.text, message.headers)
    assert standing(message) == (MessageStatus.SENDING, NOW + 5 * MINUTE, None, 1, None)
    assert message.released_at is None
    assert await claim(shop, message_id, gate=gate) == Skip(MessageStatus.SENDING, None)
    assert gate.asked == 1


async def test_two_workers_claim_a_message_once(shop: Shop) -> None:
    message_id = await shop.plan()
    both_asked = asyncio.Barrier(2)

    class FreeGate(Gate):
        """Locks nothing, so that the message's own lock decides."""

        async def __call__(self, session: AsyncSession, message: Message) -> Answer:
            await both_asked.wait()
            return Answer()

    results = await asyncio.gather(*(claim(shop, message_id, gate=FreeGate()) for _ in range(2)))
    assert sorted(type(result).__name__ for result in results) == ["Claimed", "Skip"]
    assert (await shop.message(message_id)).tries == 1


async def test_a_cancellation_that_comes_between_gate_and_lock_wins(shop: Shop) -> None:
    message_id = await shop.plan()

    class CancellingGate(Gate):
        async def __call__(self, session: AsyncSession, message: Message) -> Answer:
            async with shop.begin() as other:
                await service.cancel_planned(
                    other, company_id=shop.company_id, customer_id=shop.customer_id, reason="OPTED_OUT"
                )
            return Answer()

    assert await claim(shop, message_id, gate=CancellingGate()) == Skip(MessageStatus.CANCELLED, "OPTED_OUT")
    assert standing(await shop.message(message_id)) == (MessageStatus.CANCELLED, None, "OPTED_OUT", 0, None)


async def test_what_is_not_due_is_left_alone(shop: Shop) -> None:
    message_id = await shop.plan(due_at=NOW + MINUTE)
    gate = Gate()
    assert await claim(shop, message_id, gate=gate) == Skip(MessageStatus.PLANNED, None)
    assert gate.asked == 0
    assert standing(await shop.message(message_id)) == (MessageStatus.PLANNED, NOW + MINUTE, None, 0, None)


async def test_a_block_is_kept_with_its_reason(shop: Shop) -> None:
    message_id = await shop.plan()
    gate = Gate(Answer(ContactVerdict.BLOCK, reasons=("SUPPRESSED",)))
    assert await claim(shop, message_id, gate=gate) == Skip(MessageStatus.BLOCKED, "SUPPRESSED")
    assert standing(await shop.message(message_id)) == (MessageStatus.BLOCKED, None, "SUPPRESSED", 0, None)
    assert await claim(shop, message_id, gate=gate) == Skip(MessageStatus.BLOCKED, "SUPPRESSED")


async def test_a_deferral_waits_and_costs_no_try(shop: Shop) -> None:
    message_id = await shop.plan(released_at=NOW)
    morning = NOW + timedelta(hours=10)
    gate = Gate(Answer(ContactVerdict.DEFER, morning, ("QUIET_HOURS",)))
    assert await claim(shop, message_id, gate=gate) == Skip(MessageStatus.PLANNED, "QUIET_HOURS")
    message = await shop.message(message_id)
    assert standing(message) == (MessageStatus.PLANNED, morning, "QUIET_HOURS", 0, None)
    assert message.released_at is None
    assert (await take(shop, message_id, now=morning)).tries == 1


@pytest.mark.parametrize(
    ("outcome", "status", "reason", "sent_at", "provider_id"),
    [
        (Sent("250 x"), MessageStatus.SENT, None, NOW, "250 x"),
        (Unknown("cut"), MessageStatus.UNKNOWN, "cut", NOW, None),
        (Permanent("554 spam"), MessageStatus.FAILED, "554 spam", None, None),
    ],
)
async def test_an_answer_ends_it(
    shop: Shop,
    outcome: Outcome,
    status: MessageStatus,
    reason: str | None,
    sent_at: datetime | None,
    provider_id: str | None,
) -> None:
    message_id = await shop.plan()
    await record(shop, await take(shop, message_id), outcome)
    message = await shop.message(message_id)
    assert standing(message) == (status, None, reason, 1, sent_at)
    assert message.provider_id == provider_id
    assert await shop.events() == []
    assert await claim(shop, message_id, now=NOW + timedelta(days=9)) == Skip(status, reason)


async def test_a_dead_mailbox_is_reported(shop: Shop) -> None:
    message_id = await shop.plan()
    claimed = await take(shop, message_id)
    async with shop.begin() as session:
        recorded = await service.record_result(
            session, claimed, Permanent("550 5.1.1 unknown", bad_recipient=True), now=NOW
        )
    assert (recorded.status, recorded.bad_recipient) == (MessageStatus.FAILED, True)
    message = await shop.message(message_id)
    assert (message.bounced_at, message.sent_at) == (NOW, None)
    (event,) = await shop.events()
    assert (event.kind, event.detail) == (MessageEventKind.BOUNCED, {"reason": "550 5.1.1 unknown"})


async def test_six_tries_at_growing_distance(shop: Shop) -> None:
    message_id = await shop.plan()
    now, waits = NOW, []
    for _ in range(5):
        await record(shop, await take(shop, message_id, now=now), Temporary("451 later"), now=now)
        due_at = (await shop.message(message_id)).due_at
        assert due_at is not None
        waits.append((due_at - now) / MINUTE)
        assert await claim(shop, message_id, now=due_at - timedelta(seconds=1)) == Skip(
            MessageStatus.PLANNED, "451 later"
        )
        now = due_at
    ratios = {round(wait / base, 6) for wait, base in zip(waits, (1, 5, 25, 125, 240), strict=True)}
    assert len(ratios) == 1
    assert 0.8 <= ratios.pop() <= 1.2
    await record(shop, await take(shop, message_id, now=now), Temporary("451 later"), now=now)
    assert standing(await shop.message(message_id)) == (MessageStatus.FAILED, None, "451 later", 6, None)


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
async def test_a_lost_claim_is_never_repeated(shop: Shop, channel: Channel) -> None:
    message_id = await shop.plan(channel=channel)
    await take(shop, message_id)
    lost, gate = NOW + 5 * MINUTE, Gate()
    assert await claim(shop, message_id, now=lost - timedelta(seconds=1)) == Skip(MessageStatus.SENDING, None)
    given_up = await claim(shop, message_id, gate=gate, now=lost)
    assert given_up == Recorded(message_id, MessageStatus.UNKNOWN, bad_recipient=False)
    assert standing(await shop.message(message_id)) == (MessageStatus.UNKNOWN, None, "CLAIM_LOST", 1, lost)
    assert gate.asked == 0
    assert await claim(shop, message_id, now=lost + 99 * MINUTE) == Skip(MessageStatus.UNKNOWN, "CLAIM_LOST")


async def test_an_answer_to_a_lost_claim_changes_nothing_but_an_acceptance(shop: Shop) -> None:
    message_id = await shop.plan()
    first = await take(shop, message_id)
    later = NOW + 5 * MINUTE
    await claim(shop, message_id, now=later)
    await record(shop, first, Temporary("451 later"), now=later)
    assert standing(await shop.message(message_id)) == (MessageStatus.UNKNOWN, None, "CLAIM_LOST", 1, later)
    await record(shop, first, Sent("first"), now=later)
    message = await shop.message(message_id)
    assert standing(message) == (MessageStatus.SENT, None, None, 1, later)
    assert message.provider_id == "first"
