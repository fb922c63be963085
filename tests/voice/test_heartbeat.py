"""A process says that it holds a call: the database may be away for as long as others take the call for alive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from db.embedded import EmbeddedServer
from db.session import transaction
from db.tables.voice import EndReason, VoiceCallOutcome, VoiceCallStatus
from tests.databases import administer
from tests.factories import NOW
from tests.recovery.shops import Shop
from tests.voice.lines import LIMITS, Customer, exchange, voice
from tests.voice.scripted import COMPLETED, FAREWELL, QUESTION, ScriptedCall
from voice.calls import service as calls

PATIENT = replace(LIMITS, idle_s=20)


@asynccontextmanager
async def away(database: EmbeddedServer, engine: AsyncEngine) -> AsyncIterator[asyncio.Event]:
    """The database ends its connections and takes no new one; the event tells that it was asked for a second one."""
    asked: list[object] = []
    twice = asyncio.Event()

    def asks(*parameters: object) -> None:
        asked.append(parameters)
        if len(asked) > 1:
            twice.set()

    name = engine.url.database
    event.listen(engine.sync_engine, "do_connect", asks)
    with administer(database) as admin:
        admin.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0')
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield twice
        finally:
            admin.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1')
            event.remove(engine.sync_engine, "do_connect", asks)


async def test_a_database_that_is_away_for_a_moment_ends_no_call(
    database: EmbeddedServer, engine: AsyncEngine, shop: Shop
) -> None:
    live = ScriptedCall(beginning=[QUESTION], answers=[[FAREWELL, COMPLETED]])
    async with exchange(engine, shop, live, limits=PATIENT) as line, asyncio.timeout(60):
        call, token = await line.answered_call()
        customer = Customer(call, token)
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_heard(10)
        async with away(database, engine) as asked_twice:
            await asked_twice.wait()
        customer.stream.say(await voice("Yes, I am."))
        await line.carrier.when.wait()
        await running
        row = await line.row(call.id)
    assert ("heard", "Yes, I am.") in live.told
    assert (row.outcome, row.end_reason) == (VoiceCallOutcome.CALLBACK_REQUESTED, EndReason.COMPLETED)


async def test_a_call_that_others_may_take_for_lost_is_let_go(
    database: EmbeddedServer, engine: AsyncEngine, shop: Shop
) -> None:
    live, limits = ScriptedCall(), replace(PATIENT, lost_after_s=1.0)
    async with exchange(engine, shop, live, limits=limits) as line, asyncio.timeout(60):
        call, token = await line.answered_call()
        customer = Customer(call, token)
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_heard(10)
        async with away(database, engine):
            await line.carrier.when.wait()
            await running
        row = await line.row(call.id)
    assert line.carrier.hung_up == [call.provider_id]
    assert ("quiet",) not in live.told  # that would have ended it too
    # Nobody could write down that it ended: that is the sweeper's.
    assert row.status is VoiceCallStatus.TALKING


async def test_a_call_that_was_ended_elsewhere_is_let_go(engine: AsyncEngine, shop: Shop) -> None:
    live = ScriptedCall()
    async with exchange(engine, shop, live, limits=PATIENT) as line, asyncio.timeout(60):
        call, token = await line.answered_call()
        customer = Customer(call, token)
        running = asyncio.create_task(customer.stream.carry(line.url))
        await customer.until_heard(10)
        async with transaction(engine, company_id=shop.id) as session:
            await calls.finish(
                session,
                call.id,
                company_id=shop.id,
                outcome=VoiceCallOutcome.DISCONNECTED,
                end_reason=EndReason.PROCESS_LOST,
                now=NOW,
            )
        await line.carrier.when.wait()
        await running
        row = await line.row(call.id)
    assert ("quiet",) not in live.told  # that would have ended it too
    assert (row.outcome, row.end_reason) == (VoiceCallOutcome.DISCONNECTED, EndReason.PROCESS_LOST)
