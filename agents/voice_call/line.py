"""One call's conversation in this process: which turn runs, and what becomes of it when the customer talks into it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from agents.detectors import asks_to_stop
from agents.voice_call import hearing
from agents.voice_call.turn import Input, VoiceParts, begin
from db.clock import read_clock
from db.session import transaction
from db.tables.conversations import TurnStatus
from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.conversations import service as conversations
from graphs.conversations.ending import LostTurn, end_interrupted
from graphs.model import NO_USAGE
from graphs.voice_call import calls, routing
from graphs.voice_call.course import Heard, Hearing
from graphs.voice_call.events import CallEvent, HangUp
from graphs.voice_call.graph import run_turn
from graphs.voice_call.state import CallContext
from recovery.voice_script import ScriptSettings

logger = logging.getLogger(__name__)

OPT_OUT_KEY = "9"
Events = asyncio.Queue[CallEvent | None]


@dataclass
class Line:
    """A LiveCall. Everything that was said or decided is in rows: this is a handle."""

    parts: VoiceParts
    call_id: UUID
    session_id: UUID
    company_id: UUID
    settings: ScriptSettings
    _turn: asyncio.Task[None] | None = None
    # Set as soon as an opt-out is heard: every turn from then on is that one, and nothing ends it half-way.
    _opted_out: Hearing | None = None
    _keeps_opt_out: bool = False
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _starts: set[asyncio.Task[asyncio.Task[None]]] = field(default_factory=set)
    _stored: asyncio.Event = field(default_factory=asyncio.Event)

    def opening(self) -> AsyncGenerator[CallEvent]:
        return self._answer(Input(known=Hearing(Heard.ANSWERED)))

    def heard(self, text: str, *, at_ms: int, timings: Mapping[str, int]) -> AsyncGenerator[CallEvent]:
        scope = hearing.opts_out(text)
        if scope is not None:
            self._opted_out = Hearing(Heard.OPT_OUT, scope=scope)
        return self._answer(Input(text=text, at_ms=at_ms, timings=dict(timings)))

    def quiet(self) -> AsyncGenerator[CallEvent]:
        return self._answer(Input(known=Hearing(Heard.SILENCE)))

    def pressed(self, digit: str) -> AsyncGenerator[CallEvent]:
        if digit != OPT_OUT_KEY:
            return _nothing()
        self._opted_out = Hearing(Heard.OPT_OUT)
        return self._answer(Input())

    def opts_out(self, text: str, *, partial: bool) -> bool:
        return hearing.opts_out(text) is not None and (not partial or asks_to_stop(text))

    async def played(self, position: int, *, at_ms: int, whole: bool) -> None:
        async with transaction(self.parts.engine, company_id=self.company_id) as session:
            await calls.played(session, self.session_id, position, company_id=self.company_id, at_ms=at_ms, whole=whole)

    async def timed(self, position: int, timings: Mapping[str, int]) -> None:
        async with transaction(self.parts.engine, company_id=self.company_id) as session:
            await calls.timed(session, self.session_id, position, timings, company_id=self.company_id)

    async def remember(self) -> None:
        """Know again of an opt-out that was heard where another process had this line."""
        async with transaction(self.parts.engine, company_id=self.company_id) as session:
            said = await calls.spoken_by_customer(session, self.session_id, company_id=self.company_id)
        scopes = [scope for text in said if (scope := hearing.opts_out(text)) is not None]
        if scopes:
            self._opted_out = Hearing(Heard.OPT_OUT, scope=scopes[-1])

    async def last_words(self, text: str, *, at_ms: int) -> None:
        scope = hearing.opts_out(text)  # its parts may not have told
        if scope is not None and self._opted_out is None:
            self._opted_out = Hearing(Heard.OPT_OUT, scope=scope)
        await self._end_turns()
        async with transaction(self.parts.engine, company_id=self.company_id) as session:
            now, bindings = await read_clock(session), {"atMs": at_ms}
            await conversations.keep_unanswered(
                session, self.session_id, text, company_id=self.company_id, bindings=bindings, now=now
            )

    async def closed(self, reason: EndReason) -> HangUp:
        await self._end_turns()
        rows = await self._standing()
        if self._opted_out is not None and not routing.changed_by(rows.replies).opted_out:
            async for _ in self._answer(Input()):  # whatever became of the turn that should have kept it
                pass
            rows = await self._standing()
        async with transaction(self.parts.engine, company_id=self.company_id) as session:
            await calls.close_conversation(session, self.session_id, company_id=self.company_id)
        ending = routing.ending_if_lost(rows.progress, routing.changed_by(rows.replies), reason)
        return HangUp(ending.outcome, ending.end_reason, ending.at_once)

    async def _standing(self) -> calls.Standing:
        async with transaction(self.parts.engine, company_id=self.company_id) as session:
            now = await read_clock(session)
            return await calls.standing(session, self.session_id, company_id=self.company_id, limit=1, now=now)

    def _answer(self, given: Input) -> AsyncGenerator[CallEvent]:
        """Events of one turn. It starts here and now: what was heard is kept even if nobody listens to the answer."""
        events: Events = asyncio.Queue()
        start = asyncio.create_task(self._start(given, events))
        self._starts.add(start)
        start.add_done_callback(self._starts.discard)
        return self._listen(start, events)

    async def _start(self, given: Input, events: Events) -> asyncio.Task[None]:
        """The turn is a task of its own, so that whoever stops listening can end it in good order."""
        async with self._starting:
            await self._end_turn()
            if self._opted_out is not None:
                given = replace(given, known=self._opted_out)
            stored = self._stored = asyncio.Event()
            turn = self._turn = asyncio.create_task(self._run(given, events, stored))
            turn.add_done_callback(self._ended)
            self._keeps_opt_out = self._opted_out is not None
            return turn

    async def _listen(self, start: asyncio.Task[asyncio.Task[None]], events: Events) -> AsyncGenerator[CallEvent]:
        try:
            while (event := await events.get()) is not None:
                yield event
        finally:
            turn = await asyncio.shield(start)
            if self._turn is turn:
                await self._end_turn()

    async def _end_turns(self) -> None:
        """The call is over: also what has only just begun to start says nothing more."""
        if self._starts:
            await asyncio.wait(set(self._starts))
        async with self._starting:
            await self._end_turn()

    async def _end_turn(self) -> None:
        """Let nothing more of the running turn be said. An opt-out is not ended by anything: it ends the call.

        What was heard is stored first: speaking again takes back the answer, not what was said.
        """
        turn = self._turn
        if turn is None or turn.done():
            return
        await self._stored.wait()
        if not self._keeps_opt_out and not turn.cancelling():  # a second one would hit what it still keeps
            turn.cancel()
        await asyncio.wait([turn])

    async def _run(self, given: Input, events: Events, stored: asyncio.Event) -> None:
        """One turn to its end, or until it is talked over. What it has begun is finished and kept either way."""
        context = None
        whole, broken = False, True
        try:
            context, state = await begin(
                self.parts, self.call_id, self.session_id, given, company_id=self.company_id, emit=events.put_nowait
            )
            stored.set()
            await run_turn(context, state)
            whole = True
        except LostTurn:
            whole = True  # another line has the call now
        except asyncio.CancelledError:
            broken = False  # talked over: the next turn goes on
        finally:
            stored.set()  # or never will be
            try:
                if not whole and context is not None:
                    await self._keep_interrupted(context)
            finally:
                if broken and not whole:  # better no call than one that says nothing
                    events.put_nowait(HangUp(VoiceCallOutcome.DISCONNECTED, EndReason.FAILED))
                events.put_nowait(None)

    @staticmethod
    def _ended(turn: asyncio.Task[None]) -> None:
        if not turn.cancelled() and (error := turn.exception()) is not None:
            logger.error("call_turn_crashed", exc_info=error)

    async def _keep_interrupted(self, context: CallContext) -> None:
        if context.running:
            await asyncio.wait(set(context.running))
        record = calls.record_of(
            context, (), (), status=TurnStatus.BROKEN, fallback_reason="INTERRUPTED", usage=NO_USAGE
        )
        async with transaction(self.parts.engine, company_id=self.company_id) as session:
            await end_interrupted(session, context.turn.session_id, context.turn.id, record, company_id=self.company_id)


async def _nothing() -> AsyncGenerator[CallEvent]:
    nothing: tuple[CallEvent, ...] = ()
    for event in nothing:
        yield event
