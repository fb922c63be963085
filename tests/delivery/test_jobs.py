import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.carts import Cart
from db.tables.delivery import Message, MessageEventKind, MessageStatus
from db.tables.policy import Channel, ContactVerdict
from db.tables.recovery import SaveAttempt
from delivery.channels import Transports, transports
from delivery.email.smtp import Limits, SmtpServer, SmtpTransport
from delivery.jobs import send
from delivery.outbox import LocalOutbox
from delivery.schemas import Recorded, Skip
from delivery.transport import Outcome, Outgoing
from tests.delivery.shops import NOW, Answer, Gate, Ledger, Shop
from tests.fakes.smtp import FakeSmtp, Fault, Reply, Stage

FAST = Limits(command_s=0.3, total_s=2.0, goodbye_s=0.1)
CLAIM = timedelta(minutes=5)


def over(smtp: FakeSmtp) -> Transports:
    return {Channel.EMAIL: SmtpTransport(SmtpServer.from_url(smtp.url), limits=FAST)}


async def run(
    shop: Shop,
    chosen: Transports,
    message_id: UUID,
    *,
    now: datetime = NOW,
    gate: Gate | None = None,
    ledger: Ledger | None = None,
) -> Recorded | Skip:
    return await send(
        shop.begin,
        chosen,
        message_id,
        company_id=shop.company_id,
        now=now,
        gate=gate or Gate(),
        on_recorded=ledger or Ledger(),
    )


async def test_a_message_is_sent_and_recorded(shop: Shop, smtp: FakeSmtp) -> None:
    message_id = await shop.plan()
    ledger = Ledger()
    recorded = await run(shop, over(smtp), message_id, ledger=ledger)
    assert recorded == Recorded(message_id, MessageStatus.SENT, bad_recipient=False)
    assert ledger.recorded == [recorded]
    message = await shop.message(message_id)
    assert (message.status, message.sent_at, message.tries, message.due_at, message.provider_id) == (
        MessageStatus.SENT,
        NOW,
        1,
        None,
        "2.0.0 queued as 1",
    )
    assert [mail.recipients for mail in smtp.mails] == [["ana@example.org"]]


async def test_running_again_sends_nothing(shop: Shop, smtp: FakeSmtp) -> None:
    message_id = await shop.plan()
    chosen = over(smtp)
    await run(shop, chosen, message_id)
    assert await run(shop, chosen, message_id, now=NOW + timedelta(days=9)) == Skip(MessageStatus.SENT, None)
    assert (len(smtp.mails), smtp.connections) == (1, 1)


async def test_five_at_once_send_one(shop: Shop, smtp: FakeSmtp) -> None:
    message_id = await shop.plan()
    chosen = over(smtp)
    results = await asyncio.gather(*(run(shop, chosen, message_id) for _ in range(5)))
    assert sorted(type(result).__name__ for result in results) == ["Recorded", "Skip", "Skip", "Skip", "Skip"]
    assert len(smtp.mails) == 1
    assert (await shop.message(message_id)).tries == 1


FAULTS: list[tuple[Stage, Reply | Fault, MessageStatus, str, int]] = [
    (Stage.GREETING, Reply("421 4.3.2 busy"), MessageStatus.PLANNED, "421 4.3.2 busy", 0),
    (Stage.EHLO, Fault.DROP, MessageStatus.PLANNED, "SMTPServerDisconnected", 0),
    (Stage.RCPT, Reply("450 4.2.1 greylisted"), MessageStatus.PLANNED, "450 4.2.1 greylisted", 0),
    (Stage.RCPT, Fault.HANG, MessageStatus.PLANNED, "SMTPReadTimeoutError", 0),
    (Stage.RCPT, Reply("550 5.7.1 policy"), MessageStatus.FAILED, "550 5.7.1 policy", 0),
    (Stage.CONTENT, Reply("452 4.3.1 full"), MessageStatus.PLANNED, "452 4.3.1 full", 0),
    (Stage.CONTENT, Reply("554 5.7.1 spam"), MessageStatus.FAILED, "554 5.7.1 spam", 0),
    (Stage.CONTENT, Fault.DROP, MessageStatus.UNKNOWN, "after the content: SMTPServerDisconnected", 0),
    (Stage.CONTENT, Fault.KEEP_AND_DROP, MessageStatus.UNKNOWN, "after the content: SMTPServerDisconnected", 1),
    (Stage.CONTENT, Fault.HANG, MessageStatus.UNKNOWN, "after the content: SMTPReadTimeoutError", 0),
]


@pytest.mark.parametrize(("stage", "fault", "status", "reason", "mails"), FAULTS)
async def test_each_fault_has_its_row(
    shop: Shop,
    smtp: FakeSmtp,
    stage: Stage,
    fault: Reply | Fault,
    status: MessageStatus,
    reason: str,
    mails: int,
) -> None:
    smtp.script(stage, fault)
    message_id = await shop.plan()
    ledger = Ledger()
    assert await run(shop, over(smtp), message_id, ledger=ledger) == Recorded(message_id, status, False)
    assert [recorded.status for recorded in ledger.recorded] == [status]
    message = await shop.message(message_id)
    assert (message.status, message.reason, message.tries) == (status, reason, 1)
    assert (message.due_at is not None) == (status is MessageStatus.PLANNED)
    assert message.sent_at == (NOW if status is MessageStatus.UNKNOWN else None)
    assert (len(smtp.mails), smtp.connections) == (mails, 1)
    # The server is well again: what waits goes out once when it is due, and nothing else ever moves.
    again = await run(shop, over(smtp), message_id, now=NOW + timedelta(days=1))
    assert again.status is (MessageStatus.SENT if status is MessageStatus.PLANNED else status)
    assert len(smtp.mails) == mails + (status is MessageStatus.PLANNED)


async def test_a_dead_mailbox_is_handed_to_the_caller(shop: Shop, smtp: FakeSmtp) -> None:
    smtp.script(Stage.RCPT, Reply("550 5.1.1 no such user"))
    message_id = await shop.plan()
    ledger = Ledger()
    await run(shop, over(smtp), message_id, ledger=ledger)
    assert ledger.recorded == [Recorded(message_id, MessageStatus.FAILED, bad_recipient=True)]
    assert [event.kind for event in await shop.events()] == [MessageEventKind.BOUNCED]
    assert smtp.mails == []


async def test_a_block_at_sending_sends_nothing(shop: Shop, smtp: FakeSmtp) -> None:
    message_id = await shop.plan()
    ledger = Ledger()
    gate = Gate(Answer(ContactVerdict.BLOCK, reasons=("SUPPRESSED",)))
    skipped = await run(shop, over(smtp), message_id, gate=gate, ledger=ledger)
    assert skipped == Skip(MessageStatus.BLOCKED, "SUPPRESSED")
    assert (smtp.connections, ledger.recorded) == (0, [])
    assert (await shop.message(message_id)).status is MessageStatus.BLOCKED


async def test_the_gate_is_asked_again_before_a_retry(shop: Shop, smtp: FakeSmtp) -> None:
    smtp.script(Stage.RCPT, Reply("450 4.2.1 greylisted"))
    message_id = await shop.plan()
    gate = Gate(Answer(), Answer(ContactVerdict.BLOCK, reasons=("ORDER_PLACED",)))
    await run(shop, over(smtp), message_id, gate=gate)
    skipped = await run(shop, over(smtp), message_id, gate=gate, now=NOW + timedelta(hours=1))
    assert skipped == Skip(MessageStatus.BLOCKED, "ORDER_PLACED")
    assert smtp.mails == []


class NoLockHeld:
    """A transport that locks all that the job may have locked: it would wait for ever behind a lock."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.seen: list[MessageStatus] = []

    async def send(self, outgoing: Outgoing) -> Outcome:
        async with asyncio.timeout(5), self.shop.begin() as session:
            for table in (Cart, SaveAttempt, Message):
                await session.execute(select(table.id).with_for_update())
        self.seen.append((await self.shop.message(outgoing.message_id)).status)
        return await LocalOutbox().send(outgoing)


async def test_no_lock_is_held_while_the_provider_is_asked(shop: Shop) -> None:
    message_id = await shop.plan()
    transport = NoLockHeld(shop)
    recorded = await run(shop, {Channel.EMAIL: transport}, message_id)
    assert recorded.status is MessageStatus.SENT
    assert transport.seen == [MessageStatus.SENDING]


class WorkerDied(Exception):
    pass


async def die_before_recording(shop: Shop, chosen: Transports, message_id: UUID, now: datetime = NOW) -> None:
    """Run the job and lose the worker after the provider has answered."""
    opened = 0

    @asynccontextmanager
    async def begin() -> AsyncIterator[AsyncSession]:
        nonlocal opened
        opened += 1
        if opened == 2:
            raise WorkerDied
        async with shop.begin() as session:
            yield session

    with pytest.raises(WorkerDied):
        await send(
            begin,
            chosen,
            message_id,
            company_id=shop.company_id,
            now=now,
            gate=Gate(),
            on_recorded=Ledger(),
        )


async def test_a_worker_that_dies_never_costs_a_second_copy(shop: Shop, smtp: FakeSmtp) -> None:
    message_id = await shop.plan()
    chosen, ledger = over(smtp), Ledger()
    await die_before_recording(shop, chosen, message_id)
    assert await run(shop, chosen, message_id, ledger=ledger) == Skip(MessageStatus.SENDING, None)
    unknown = Recorded(message_id, MessageStatus.UNKNOWN, bad_recipient=False)
    assert await run(shop, chosen, message_id, now=NOW + CLAIM, ledger=ledger) == unknown
    assert ledger.recorded == [unknown]
    assert await run(shop, chosen, message_id, now=NOW + 99 * CLAIM) == Skip(MessageStatus.UNKNOWN, "CLAIM_LOST")
    assert [mail.message["Message-ID"] for mail in smtp.mails] == [f"<{message_id}@mail.meridian.example>"]


async def test_without_a_relay_the_message_lands_in_the_local_outbox(shop: Shop) -> None:
    chosen = transports(smtp_url=None)
    for channel in (Channel.EMAIL, Channel.SMS, Channel.PUSH, Channel.IN_APP):
        message_id = await shop.plan(channel=channel)
        recorded = await run(shop, chosen, message_id)
        message = await shop.message(message_id)
        assert recorded.status is MessageStatus.SENT
        assert (message.provider_id, message.sent_at) == (f"local-outbox/{message_id}", NOW)


async def test_the_local_outbox_claims_and_delivers_in_one_change(shop: Shop) -> None:
    message_id = await shop.plan()

    class Refusing(Ledger):
        async def __call__(self, session: AsyncSession, recorded: Recorded) -> None:
            raise WorkerDied

    with pytest.raises(WorkerDied):
        await run(shop, transports(smtp_url=None), message_id, ledger=Refusing())
    message = await shop.message(message_id)
    assert (message.status, message.tries, message.sent_at) == (MessageStatus.PLANNED, 0, None)


def test_every_channel_has_a_transport() -> None:
    local = transports(smtp_url=None)
    assert {type(local[channel]) for channel in Channel} == {LocalOutbox}
    relayed = transports(smtp_url="smtp://mail.example:25")
    assert [channel for channel in Channel if isinstance(relayed[channel], SmtpTransport)] == [Channel.EMAIL]
