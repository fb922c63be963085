"""`momentum call --simulate`: a whole call on this machine, with no key.

The API with the phone and a worker run as processes of their own, unchanged; only the base URLs that they are given
point here, at a fake Twilio whose called customers listen, understand and speak.
"""

import asyncio
import audioop
import os
import socket
import subprocess
import sys
import wave
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from time import monotonic
from urllib.error import URLError
from urllib.request import urlopen

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import database
from app.demo.clock import advance
from app.demo.seed import COMPANY_ID, seed
from app.settings import Settings, signing_key
from app.simulator.caller import ScriptedCaller
from app.simulator.people import NAME, Person, leave_a_cart, leaves_at, let_calls_be_made
from app.simulator.report import CallReport, report_of, show
from app.simulator.repository import SimulationRepository
from app.simulator.scenarios import SCENARIOS, Scenario, ScenarioName
from app.simulator.twilio import FakeCall, FakeTwilio, OnStream, Stream
from db.clock import read_clock
from db.session import open_engine, transaction
from db.tables.policy import Channel
from db.tables.voice import VoiceCallStatus
from policy.contact import service as contact
from policy.errors import AppError
from policy.tokens import Signer
from recovery import scheduler
from recovery.configuration import flow_in_force
from voice.speech.local_models import get_local_models

FROM_NUMBER = "+15005550006"
READY_WITHIN_S = 180.0
CALL_WITHIN_S = 360.0
STOP_WITHIN_S = 15.0
POLL_S, LOOK_S = 0.1, 0.01
# A call is due within a week (the longest weekend).
LONGEST = timedelta(days=8)
# What is due now is done by the step to it.
SHORTEST = timedelta(seconds=1)


class NobodyWasCalled(AppError):
    status = 500
    code = "nobody_was_called"
    title = "Nobody was called"


class SimulationBroke(AppError):
    status = 500
    code = "simulation_broke"
    title = "The simulated call did not come to an end"


@dataclass
class Customers:
    """The people at the other end: each call finds somebody who does what the scenario says."""

    scenario: Scenario = field(default_factory=Scenario)
    callers: dict[str, ScriptedCaller] = field(default_factory=dict)

    async def take(self, call: FakeCall, stream: Stream) -> None:
        caller = ScriptedCaller(get_local_models(), self.scenario, name=NAME)
        self.callers[call.form["To"]] = caller
        await caller.answer(call, stream)


@dataclass(frozen=True)
class Round:
    """Calls that are placed at once, each with a customer of its own."""

    scenario: Scenario
    count: int = 1


async def simulate(settings: Settings, database_url: str, *rounds: Round) -> list[CallReport]:
    """Play each round to its end. Leaves the rows of real calls, and their audio in the data folder.

    Raises:
        NobodyWasCalled: the flow did not come to a call.
        SimulationBroke: a process did not start, or a call did not end.
    """
    engine = open_engine(database_url)
    try:
        customers = Customers()
        async with _placed(settings, database_url, customers.take) as twilio:
            signer = Signer(signing_key(settings))
            await seed(engine, signer)
            await let_calls_be_made(engine, at_once=max(each.count for each in rounds))
            reports: list[CallReport] = []
            for each in rounds:
                await _wait_for_a_day_of_calls(engine)
                people = [await leave_a_cart(engine, signer) for _ in range(each.count)]
                customers.scenario = each.scenario
                twilio.phones |= {person.phone: each.scenario.phone for person in people}
                await _live_until_called(engine, people)
                noting = asyncio.create_task(_note_suppressions(engine, signer, people, customers))
                await _until_ended(engine, people, customers)
                noting.cancel()
                reports += await _reports(engine, settings.data_dir, people, customers)
        return reports
    finally:
        await engine.dispose()


def run(settings: Settings, name: ScenarioName, *, count: int, as_json: bool) -> None:
    """The command. Only the report goes to standard output."""
    if (settings.data_dir / "demo.json").exists():
        raise SimulationBroke("The demo runs on this data folder: stop it first, or set MOMENTUM_DATA_DIR.")
    with database(settings) as url:
        reports = asyncio.run(simulate(settings, url, Round(SCENARIOS[name], count)))
    for report in reports:
        if as_json:
            sys.stdout.write(report.model_dump_json(by_alias=True) + "\n")
        else:
            show(report, Console())


@asynccontextmanager
async def _placed(settings: Settings, database_url: str, on_stream: OnStream) -> AsyncIterator[FakeTwilio]:
    """Carrier, API and worker, until the block ends. All are ready when it begins."""
    account_sid, auth_token = "AC" + "0" * 32, "the token of a simulated account"
    async with FakeTwilio(account_sid, auth_token, on_stream=on_stream) as twilio:
        port = _free_port()
        base_url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ,
            "MOMENTUM_DATABASE_URL": database_url,
            "MOMENTUM_SIGNING_KEY": signing_key(settings),
            "MOMENTUM_DATA_DIR": str(settings.data_dir),
            "MOMENTUM_PUBLIC_URL": base_url,
            "MOMENTUM_TWILIO_ACCOUNT_SID": account_sid,
            "MOMENTUM_TWILIO_AUTH_TOKEN": auth_token,
            "MOMENTUM_TWILIO_FROM": FROM_NUMBER,
            "MOMENTUM_TWILIO_BASE_URL": twilio.base_url,
        }
        logs = settings.data_dir / "calls"
        logs.mkdir(parents=True, exist_ok=True)
        with (
            _process("serve", "--port", str(port), environment=environment, log=logs / "serve.log") as api,
            _process("worker", environment=environment, log=logs / "worker.log"),
        ):
            await asyncio.to_thread(get_local_models)
            await _until_ready(base_url, api, logs / "serve.log")
            yield twilio


@contextmanager
def _process(*command: str, environment: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as output:
        running = subprocess.Popen(  # noqa: S603 (our own command)
            [sys.executable, "-m", "app.cli", *command], env=environment, stdout=output, stderr=output
        )
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


async def _until_ready(base_url: str, api: "subprocess.Popen[bytes]", log: Path) -> None:
    begun = monotonic()
    while api.poll() is None and monotonic() - begun < READY_WITHIN_S:
        try:
            await asyncio.to_thread(_get, f"{base_url}/healthz")
        except (URLError, OSError):
            await asyncio.sleep(POLL_S)
        else:
            return
    raise SimulationBroke(f"The API did not start; its log is {log}.")


def _get(url: str) -> None:
    with urlopen(url, timeout=5):  # noqa: S310 (our own address)
        return


async def _wait_for_a_day_of_calls(engine: AsyncEngine) -> None:
    """Whatever day it is: a cart that is left on the eve of a weekend or a holiday is not called about in time."""
    async with transaction(engine, company_id=COMPANY_ID) as session:
        now, flow = await read_clock(session), await flow_in_force(session, company_id=COMPANY_ID)
    await advance(engine, leaves_at(now, flow.config) - now)


async def _live_until_called(engine: AsyncEngine, people: list[Person]) -> None:
    """Move the shop's clock, event by event, until everybody's call was placed: at the next legal instant."""
    cart_ids = [person.cart_id for person in people]
    lived, step = timedelta(), timedelta()
    while lived < LONGEST:
        lived += step
        await advance(engine, step)
        async with transaction(engine, company_id=COMPANY_ID) as session:
            if len(await SimulationRepository(session).calls(cart_ids, company_id=COMPANY_ID)) == len(people):
                return
            now, due = await read_clock(session), await scheduler.next_due(session)
        step = LONGEST if due is None else max(due - now, SHORTEST)
    async with transaction(engine, company_id=COMPANY_ID) as session:
        waiting = await SimulationRepository(session).waiting(cart_ids, company_id=COMPANY_ID)
    raise NobodyWasCalled(f"Their attempts stand at {waiting}.")


async def _until_ended(engine: AsyncEngine, people: list[Person], customers: Customers) -> None:
    begun = monotonic()
    while monotonic() - begun < CALL_WITHIN_S:
        async with transaction(engine, company_id=COMPANY_ID) as session:
            calls = await SimulationRepository(session).calls([each.cart_id for each in people], company_id=COMPANY_ID)
        if all(call.status is VoiceCallStatus.ENDED for call in calls.values()):
            return
        await asyncio.sleep(POLL_S)
    going_on = [
        f"{call.id} is {call.status}, "
        + ("its line never opened" if caller is None else f"heard last {caller.heard[-2:]}, said {caller.said[-2:]}")
        for call, caller in ((calls[each.cart_id], customers.callers.get(each.phone)) for each in people)
        if call.status is not VoiceCallStatus.ENDED
    ]
    raise SimulationBroke(f"After {CALL_WITHIN_S:.0f} seconds a call was still going on: {'; '.join(going_on)}.")


async def _note_suppressions(
    engine: AsyncEngine, signer: Signer, people: Sequence[Person], customers: Customers
) -> None:
    """Look, until cancelled, how long after a customer's opt-out the row is there that keeps it."""
    while True:
        for person in people:
            caller = customers.callers.get(person.phone)
            if caller is None or caller.measured.opted_out_at is None or caller.measured.suppressed_ms is not None:
                continue
            async with transaction(engine, company_id=COMPANY_ID) as session:
                kept = await contact.is_suppressed(
                    session, person.customer_id, Channel.VOICE, company_id=COMPANY_ID, signer=signer
                )
            if kept:
                caller.measured.suppressed_ms = caller.measured.since_opt_out_ms()
        await asyncio.sleep(LOOK_S)


async def _reports(engine: AsyncEngine, data_dir: Path, people: list[Person], customers: Customers) -> list[CallReport]:
    async with transaction(engine, company_id=COMPANY_ID) as session:
        read = SimulationRepository(session)
        calls = await read.calls([person.cart_id for person in people], company_id=COMPANY_ID)
        reports = []
        for person in people:
            call, caller = calls[person.cart_id], customers.callers.get(person.phone)
            given = [] if call.grant_id is None else await read.grants([call.grant_id], company_id=COMPANY_ID)
            audio = None if caller is None else _save(caller, data_dir / "calls" / f"{call.id}.wav")
            reports.append(report_of(call, given, caller, audio))
    return reports


def _save(caller: ScriptedCaller, path: Path) -> Path:
    """Both directions as a stereo recording: the agent left, the customer right."""
    assert caller.stream is not None
    sides = [audioop.ulaw2lin(bytes(side), 2) for side in (caller.stream.agent, caller.stream.customer)]
    left, right = audioop.tostereo(sides[0], 2, 1, 0), audioop.tostereo(sides[1], 2, 0, 1)
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(2)
        recording.setsampwidth(2)
        recording.setframerate(8_000)
        recording.writeframes(audioop.add(left, right, 2))
    return path
