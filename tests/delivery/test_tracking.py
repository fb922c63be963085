from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from db.ids import uuid7
from db.tables.delivery import Message, MessageEventKind, MessageStatus
from db.tables.policy import Channel
from delivery import service
from delivery.schemas import Touch
from delivery.transport import Sent, Unknown
from tests.delivery.shops import NOW, Gate, Shop, claim, open_shop, record, take

MINUTE = timedelta(minutes=1)


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
