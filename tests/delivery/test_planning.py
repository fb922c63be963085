import asyncio
from dataclasses import asdict
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.jobs import Job
from db.session import transaction
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import Channel, ContactVerdict
from delivery import service
from delivery.schemas import PlannedMessage
from tests.delivery.shops import NOW, Answer, Gate, Shop, claim, open_shop, someone_waits, standing, take

MINUTE = timedelta(minutes=1)


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
