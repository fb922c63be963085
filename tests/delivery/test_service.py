import asyncio
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.ids import uuid7
from db.jobs import Job
from db.session import transaction
from db.tables.delivery import Message, MessageEventKind, MessageStatus
from db.tables.policy import Channel, ContactVerdict
from delivery import service
from delivery.schemas import Claimed, PlannedMessage, Skip, Touch
from delivery.transport import Outcome, Permanent, Sent, Temporary, Unknown
from tests.delivery.shops import NOW, Answer, Gate, Shop, open_shop

MINUTE = timedelta(minutes=1)


async def claim(shop: Shop, message_id: UUID, *, gate: Gate | None = None, now: datetime = NOW) -> Claimed | Skip:
    async with shop.begin() as session:
        return await service.claim(session, message_id, company_id=shop.company_id, now=now, gate=gate or Gate())


async def take(shop: Shop, message_id: UUID, *, now: datetime = NOW) -> Claimed:
    claimed = await claim(shop, message_id, now=now)
    assert isinstance(claimed, Claimed)
    return claimed


async def record(shop: Shop, claimed: Claimed, outcome: Outcome, *, now: datetime = NOW) -> None:
    async with shop.begin() as session:
        await service.record_result(session, claimed, outcome, now=now)


def standing(message: Message) -> tuple[MessageStatus, datetime | None, str | None, int, datetime | None]:
    return message.status, message.due_at, message.reason, message.tries, message.sent_at


async def test_a_planned_message_waits(shop: Shop) -> None:
    draft = shop.draft(due_at=NOW + MINUTE)
    async with shop.begin() as session:
        planned = await service.plan_message(session, draft, company_id=shop.company_id, now=NOW)
    message = await shop.message(planned.id)
    assert message.id == draft.id
    assert standing(message) == (MessageStatus.PLANNED, NOW + MINUTE, None, 0, None)
    assert (message.html, message.headers) == (draft.html, draft.headers)


async def test_planning_twice_keeps_the_first(shop: Shop) -> None:
    first = await shop.plan(subject="One")
    assert await shop.plan(subject="Two") == first
    assert [m.subject for m in await shop.messages()] == ["One"]
    asked = {"intervention_id": None, "request_key": "session/EMAIL/2026-11-22"}
    on_request = await shop.plan(**asked)
    assert on_request != first
    assert await shop.plan(**asked) == on_request
    assert len(await shop.messages()) == 2


async def test_one_text_message_an_abandonment(shop: Shop) -> None:
    first = await shop.plan(channel=Channel.SMS)
    other = await shop.add_intervention(2)
    with pytest.raises(service.SmsAlreadySpent):
        await shop.plan(channel=Channel.SMS, intervention_id=other)
    assert [m.id for m in await shop.messages()] == [first]
    await shop.plan(channel=Channel.SMS, intervention_id=other, abandonment=2)
    await shop.plan(channel=Channel.EMAIL, intervention_id=other)
    assert len(await shop.messages()) == 3


async def test_a_blocked_text_message_is_not_spent(shop: Shop) -> None:
    first = await shop.plan(channel=Channel.SMS)
    await claim(shop, first, gate=Gate(Answer(ContactVerdict.BLOCK, reasons=("NO_CONSENT",))))
    await shop.plan(channel=Channel.SMS, intervention_id=await shop.add_intervention(2))
    assert [m.status for m in await shop.messages()] == [MessageStatus.BLOCKED, MessageStatus.PLANNED]


async def two_at_once(shop: Shop, first: PlannedMessage, second: PlannedMessage) -> list[UUID | type]:
    """Plan in two sessions, the second beginning before the first commits."""

    async def plan(session: AsyncSession, draft: PlannedMessage) -> UUID | type:
        try:
            message = await service.plan_message(session, draft, company_id=shop.company_id, now=NOW)
        except service.SmsAlreadySpent as refused:
            return type(refused)
        return message.id

    async def later() -> UUID | type:
        async with shop.begin() as session:
            return await plan(session, second)

    async with shop.begin() as session:
        winner = await plan(session, first)
        waiting = asyncio.create_task(later())
        await someone_waits(shop)
    return [winner, await waiting]


async def someone_waits(shop: Shop) -> None:
    """Return once another session of this database waits for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while True:
            async with shop.engine.connect() as connection:
                if await connection.scalar(query):
                    return


async def test_two_planners_make_one_message(shop: Shop) -> None:
    first, second = shop.draft(), shop.draft()
    assert await two_at_once(shop, first, second) == [first.id, first.id]
    assert len(await shop.messages()) == 1


async def test_two_planners_make_one_text_message(shop: Shop) -> None:
    other = await shop.add_intervention(2)
    first = shop.draft(channel=Channel.SMS)
    second = shop.draft(channel=Channel.SMS, intervention_id=other)
    assert await two_at_once(shop, first, second) == [first.id, service.SmsAlreadySpent]
    assert len(await shop.messages()) == 1


@pytest.mark.parametrize("changed", [{}, {"channel": Channel.SMS}])
async def test_the_schema_itself_refuses_a_second(shop: Shop, changed: dict[str, Channel]) -> None:
    await shop.plan(**changed)
    other = await shop.add_intervention(2) if changed else shop.intervention_id
    twin = {**asdict(shop.draft(intervention_id=other, **changed)), "company_id": shop.company_id}
    with pytest.raises(IntegrityError, match=r"uq_messages_(company_id_intervention_id_channel|cart_sms)"):
        async with shop.begin() as session:
            session.add(Message(**twin, status=MessageStatus.PLANNED, created_at=NOW))


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


async def test_a_lost_claim_is_sent_once_more_and_then_given_up(shop: Shop) -> None:
    message_id = await shop.plan()
    first = await take(shop, message_id)
    later = NOW + 5 * MINUTE
    assert await claim(shop, message_id, now=later - timedelta(seconds=1)) == Skip(MessageStatus.SENDING, None)
    second = await take(shop, message_id, now=later)
    assert second.outgoing == first.outgoing
    assert second.tries == 2
    gone = later + 5 * MINUTE
    assert await claim(shop, message_id, now=gone) == Skip(MessageStatus.UNKNOWN, "CLAIM_LOST")
    assert standing(await shop.message(message_id)) == (MessageStatus.UNKNOWN, None, "CLAIM_LOST", 2, gone)


async def test_a_lost_claim_without_a_key_for_the_receiver_is_never_repeated(shop: Shop) -> None:
    message_id = await shop.plan(channel=Channel.SMS)
    await take(shop, message_id)
    assert await claim(shop, message_id, now=NOW + 5 * MINUTE) == Skip(MessageStatus.UNKNOWN, "CLAIM_LOST")


async def test_an_answer_to_a_lost_claim_changes_nothing_but_an_acceptance(shop: Shop) -> None:
    message_id = await shop.plan()
    first = await take(shop, message_id)
    later = NOW + 5 * MINUTE
    second = await take(shop, message_id, now=later)
    await record(shop, first, Temporary("451 later"), now=later)
    assert standing(await shop.message(message_id)) == (
        MessageStatus.SENDING,
        later + 5 * MINUTE,
        "CLAIM_LOST",
        2,
        None,
    )
    await record(shop, first, Sent("first"), now=later)
    await record(shop, second, Permanent("554 duplicate"), now=later)
    message = await shop.message(message_id)
    assert standing(message) == (MessageStatus.SENT, None, None, 2, later)
    assert message.provider_id == "first"


async def test_cancelling_spares_what_is_past_recall(shop: Shop) -> None:
    waiting = await shop.plan()
    claimed = await shop.plan(intervention_id=await shop.add_intervention(2))
    text_message = await shop.plan(intervention_id=await shop.add_intervention(3), channel=Channel.SMS)
    await take(shop, claimed)
    async with shop.begin() as session:
        cancelled = await service.cancel_planned(
            session,
            company_id=shop.company_id,
            customer_id=shop.customer_id,
            channel=Channel.EMAIL,
            reason="OPTED_OUT",
        )
    assert cancelled == 1
    assert [((await shop.message(m)).status) for m in (waiting, claimed, text_message)] == [
        MessageStatus.CANCELLED,
        MessageStatus.SENDING,
        MessageStatus.PLANNED,
    ]
    async with shop.begin() as session:
        assert (
            await service.cancel_planned(session, company_id=shop.company_id, cart_id=shop.cart_id, reason="CONVERTED")
            == 1
        )
    assert (await shop.message(text_message)).reason == "CONVERTED"


async def test_cancelling_waits_for_a_claim_under_way(shop: Shop) -> None:
    message_id = await shop.plan()

    async def cancel() -> int:
        async with shop.begin() as session:
            return await service.cancel_planned(
                session, company_id=shop.company_id, cart_id=shop.cart_id, reason="CONVERTED"
            )

    async with shop.begin() as session:
        await service.claim(session, message_id, company_id=shop.company_id, now=NOW, gate=Gate())
        await session.flush()
        cancelling = asyncio.create_task(cancel())
        await someone_waits(shop)
    assert await cancelling == 0
    assert (await shop.message(message_id)).status is MessageStatus.SENDING


async def test_cancelling_names_whose(shop: Shop) -> None:
    await shop.plan()
    with pytest.raises(ValueError, match="name the cart or the customer"):
        async with shop.begin() as session:
            await service.cancel_planned(session, company_id=shop.company_id, reason="x")
    assert [m.status for m in await shop.messages()] == [MessageStatus.PLANNED]


async def test_release_enqueues_each_due_message_once(shop: Shop, engine: AsyncEngine) -> None:
    other = await open_shop(engine)
    due = {await shop.plan(), await other.plan()}
    await shop.plan(intervention_id=await shop.add_intervention(2), due_at=NOW + MINUTE)
    async with transaction(engine, company_id=None) as session:
        assert await service.release_due(session, now=NOW, limit=10) == 2
    async with transaction(engine, company_id=None) as session:
        assert await service.release_due(session, now=NOW, limit=10) == 0
        jobs = (await session.execute(text("SELECT entrypoint, payload FROM pgqueuer"))).all()
    assert {(job.entrypoint, Job.model_validate_json(job.payload).id) for job in jobs} == {
        ("send_message", message_id) for message_id in due
    }


async def test_first_times_and_every_event_are_kept(shop: Shop) -> None:
    message_id = await shop.plan()
    for minutes, kind in enumerate(
        (MessageEventKind.OPENED, MessageEventKind.CLICKED, MessageEventKind.CLICKED, MessageEventKind.REPLIED)
    ):
        async with shop.begin() as session:
            await service.record_event(
                session,
                message_id,
                kind,
                company_id=shop.company_id,
                now=NOW + minutes * MINUTE,
                detail={"n": str(minutes)},
            )
    message = await shop.message(message_id)
    assert (message.opened_at, message.clicked_at, message.bounced_at) == (NOW, NOW + MINUTE, None)
    assert [(e.kind.value, e.detail["n"]) for e in sorted(await shop.events(), key=lambda e: e.occurred_at)] == [
        ("OPENED", "0"),
        ("CLICKED", "1"),
        ("CLICKED", "2"),
        ("REPLIED", "3"),
    ]


async def test_the_last_touch_is_the_latest_click_or_reply_of_the_cart(shop: Shop) -> None:
    first, second = await shop.plan(), await shop.plan(intervention_id=await shop.add_intervention(2))
    for minutes, message_id, kind in (
        (1, first, MessageEventKind.CLICKED),
        (3, second, MessageEventKind.REPLIED),
        (4, first, MessageEventKind.OPENED),
        (5, first, MessageEventKind.BOUNCED),
        (9, first, MessageEventKind.CLICKED),
    ):
        async with shop.begin() as session:
            await service.record_event(
                session, message_id, kind, company_id=shop.company_id, now=NOW + minutes * MINUTE
            )

    async def touch(minutes: int, cart_id: UUID | None = None) -> Touch | None:
        async with shop.begin() as session:
            return await service.last_touch(
                session, cart_id or shop.cart_id, company_id=shop.company_id, before=NOW + minutes * MINUTE
            )

    assert await touch(0) is None
    assert await touch(1) == Touch(first, NOW + MINUTE)
    assert await touch(8) == Touch(second, NOW + 3 * MINUTE)
    assert await touch(9) == Touch(first, NOW + 9 * MINUTE)
    assert await touch(9, cart_id=uuid7()) is None


async def test_the_outbox_shows_what_was_sent_newest_first(shop: Shop) -> None:
    sent = []
    for step in range(2, 7):
        message_id = await shop.plan(intervention_id=await shop.add_intervention(step))
        # Two at the same instant: the cursor must not lose one of them.
        now = NOW + (step // 2) * MINUTE
        await record(shop, await take(shop, message_id, now=now), Sent("x"), now=now)
        sent.append(message_id)
    await shop.plan(intervention_id=await shop.add_intervention(7))
    unknown = await shop.plan(intervention_id=await shop.add_intervention(8))
    await record(shop, await take(shop, unknown), Unknown("cut"))
    seen: list[UUID] = []
    cursor: UUID | None = None
    pages = 0
    while True:
        async with shop.begin() as session:
            page = await service.list_outbox(
                session, company_id=shop.company_id, cart_id=shop.cart_id, cursor=cursor, limit=2
            )
        seen += [entry.id for entry in page.items]
        pages += 1
        if (cursor := page.next_cursor) is None:
            break
    assert seen == sent[::-1]
    assert pages == 3
    async with shop.begin() as session:
        entry = (await service.list_outbox(session, company_id=shop.company_id)).items[-1]
        nothing = await service.list_outbox(session, company_id=shop.company_id, cart_id=uuid7())
    draft = shop.draft()
    assert nothing.items == ()
    assert (entry.channel, entry.to, entry.subject, entry.stage, entry.sent_at) == (
        Channel.EMAIL,
        "ana@example.org",
        draft.subject,
        "PATTERN_INTERRUPT",
        NOW + MINUTE,
    )
    assert (entry.text, entry.html) == (draft.text, draft.html)
    assert entry.headers["Message-ID"] == f"<{entry.id}@mail.meridian.example>"
    assert (entry.cart_id, entry.recovery_url) == (shop.cart_id, "https://shop.example/r/token")


async def test_another_company_finds_nothing(shop: Shop, engine: AsyncEngine) -> None:
    message_id = await shop.plan()
    other = await open_shop(engine)
    gate = Gate()
    with pytest.raises(service.MessageNotFound):
        await claim(other, message_id, gate=gate)
    with pytest.raises(service.MessageNotFound):
        async with other.begin() as session:
            await service.record_event(
                session, message_id, MessageEventKind.CLICKED, company_id=other.company_id, now=NOW
            )
    # The walls hold even where the question names the right company.
    async with other.begin() as session:
        assert (await service.list_outbox(session, company_id=shop.company_id)).items == ()
        assert (await session.scalars(select(Message))).all() == []
    assert gate.asked == 0
    assert await other.events() == []
    assert (await shop.message(message_id)).status is MessageStatus.PLANNED
