"""One call's pipeline: Twilio's stream → voice detection → speech to text → opt-out → turns → conversation → speech."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol
from uuid import UUID

import psycopg
from fastapi import WebSocket
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker, ProcessorUnusablePolicy
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregator, UserTurnStoppedMessage
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.workers.runner import WorkerRunner
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from db.clock import read_clock
from db.session import transaction
from db.tables.voice import EndReason, VoiceCallOutcome
from graphs.voice_call.events import HangUp, LiveCall
from voice.calls import service as calls
from voice.calls.rules import LOST_AFTER
from voice.calls.schemas import StreamedCall
from voice.line import HEAR_OUT_S, Line
from voice.processors.conversation import LAST_WORDS_S, Conversation
from voice.processors.opt_out import OptOutEar
from voice.processors.serializer import TwilioSerializer
from voice.speech.rates import HEARING_RATE, LINE_RATE
from voice.speech.schemas import PAUSE_S, Speech
from voice.telephony import Telephony
from voice.turns.alarm import Alarm
from voice.turns.policies import VOICE_DETECTION, TurnStop, turn_policies

logger = logging.getLogger(__name__)

SILENCE_FRAME_S = 0.02


class Agent(Protocol):
    async def answer(self, call_id: UUID, *, company_id: UUID) -> LiveCall: ...


@dataclass(frozen=True)
class Limits:
    call_s: float = 300.0
    idle_s: float = 6.0
    beat_every_s: float = 5.0
    lost_after_s: float = LOST_AFTER.total_seconds()
    end_within_s: float = 40.0
    # Somebody who speaks as the call ends may go on for so long; then, or when they have put the phone down, it takes
    # this long to recognise their last words. Only an opt-out among them still counts.
    last_words_s: float = LAST_WORDS_S
    hear_out_s: float = HEAR_OUT_S


@dataclass(frozen=True)
class Phone:
    """What the calls of a process share."""

    engine: AsyncEngine
    agent: Agent
    speech: Speech
    telephony: Telephony
    turn_stop: TurnStop = TurnStop.SMART_TURN
    limits: Limits = Limits()


async def hold_call(phone: Phone, call: StreamedCall, websocket: WebSocket, *, stream_sid: str) -> None:
    """Talk until the conversation or the line ends; then the call has an outcome, and the carrier is told.

    Whatever breaks, the call's row is closed and its slot is free.
    """
    live, reason = None, EndReason.FAILED
    try:
        live = await phone.agent.answer(call.call_id, company_id=call.company_id)
        async with _beating(phone, call) as let_go:
            reason = await _talk(phone, live, websocket, let_go, stream_sid=stream_sid)
    finally:
        await asyncio.shield(_close(phone, call, live, reason))


async def _close(phone: Phone, call: StreamedCall, live: LiveCall | None, reason: EndReason) -> None:
    """`live` is None where the call could not even be taken up."""
    try:
        hang_up = HangUp(VoiceCallOutcome.DISCONNECTED, reason) if live is None else await live.closed(reason)
        async with transaction(phone.engine, company_id=call.company_id) as session:
            await calls.finish(
                session,
                call.call_id,
                company_id=call.company_id,
                outcome=hang_up.outcome,
                end_reason=hang_up.end_reason,
                now=await read_clock(session),
            )
    finally:
        await phone.telephony.hang_up(call.provider_id)


async def _talk(
    phone: Phone, live: LiveCall, websocket: WebSocket, gone: asyncio.Event, *, stream_sid: str
) -> EndReason:
    """Run the pipeline until somebody ends the call, `gone` included; why it ended."""
    ended: asyncio.Future[HangUp] = asyncio.get_running_loop().create_future()

    def end(hang_up: HangUp) -> None:
        if not ended.done():
            ended.set_result(hang_up)

    limits, line = phone.limits, Line(hear_out_s=phone.limits.hear_out_s)
    conversation = Conversation(live, line, idle_s=limits.idle_s, end=end, last_words_s=limits.last_words_s)
    transport = FastAPIWebsocketTransport(
        websocket,
        FastAPIWebsocketParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            allowed_origins=[],
            serializer=TwilioSerializer(line, stream_sid=stream_sid),
        ),
    )
    worker = _worker(
        transport.input(),
        VADProcessor(vad_analyzer=SileroVADAnalyzer(params=VOICE_DETECTION)),
        phone.speech.speech_to_text(),
        OptOutEar(live, line),
        _turns(line, conversation, phone.turn_stop),
        conversation,
        phone.speech.text_to_speech(live.settings),
        transport.output(),
    )

    async def disconnected(_: FastAPIWebsocketTransport, __: WebSocket) -> None:
        gone.set()

    transport.add_event_handler("on_client_disconnected", disconnected)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    leaving = asyncio.create_task(gone.wait())
    ends: set[asyncio.Future[HangUp] | asyncio.Task[None] | asyncio.Task[bool]] = {ended, running, leaving}
    try:
        over, _ = await asyncio.wait(ends, timeout=limits.call_s, return_when=asyncio.FIRST_COMPLETED)
        if not over:
            conversation.time_is_up()
            await asyncio.wait(ends, timeout=limits.last_words_s, return_when=asyncio.FIRST_COMPLETED)
        if not (ended.done() or running.done()):
            # Whoever tells first that the line is closed, the line itself or the carrier: the last words are heard.
            # So are those of somebody who speaks on and on.
            conversation.left()
            await worker.queue_frames(_silence())
            await asyncio.wait(ends - {leaving}, timeout=limits.hear_out_s, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            return ended.result().end_reason
        if gone.is_set():
            return EndReason.HUNG_UP
        return EndReason.FAILED if running.done() else EndReason.TIME_LIMIT
    finally:
        leaving.cancel()
        await _end_pipeline(worker, running, within_s=limits.end_within_s)
        await conversation.drain()


def _silence() -> list[InputAudioRawFrame]:
    """What tells the voice detector, and whoever recognises speech elsewhere, that the last words are over."""
    audio = bytes(2 * round(HEARING_RATE * SILENCE_FRAME_S))
    return [
        InputAudioRawFrame(audio, HEARING_RATE, 1)
        for _ in range(round((VOICE_DETECTION.stop_secs + PAUSE_S) / SILENCE_FRAME_S))
    ]


def _worker(*processors: FrameProcessor) -> PipelineWorker:
    return PipelineWorker(
        Pipeline(list(processors)),
        params=PipelineParams(audio_in_sample_rate=HEARING_RATE, audio_out_sample_rate=LINE_RATE),
        # Speech that cannot be heard or spoken ends the call: nobody listens to silence.
        processor_unusable_policy=ProcessorUnusablePolicy.CANCEL,
        # The conversation knows better when nobody speaks.
        cancel_on_idle_timeout=False,
        idle_timeout_secs=None,
        enable_rtvi=False,
    )


async def _end_pipeline(worker: PipelineWorker, running: "asyncio.Task[None]", *, within_s: float) -> None:
    """What hangs there holds no line: this process still says that the call is alive (_beating)."""

    async def end() -> None:
        await worker.cancel()
        await running

    # Waited for, not cancelled: a processor that hangs may not heed that either.
    done, _ = await asyncio.wait({asyncio.create_task(end())}, timeout=within_s)
    if not done:
        logger.error("pipeline_never_ended")
    for each in done:
        each.result()


def _turns(line: Line, conversation: Conversation, stop: TurnStop) -> LLMUserAggregator:
    turns = LLMUserAggregator(LLMContext(messages=[]), params=turn_policies(line, stop))

    async def stopped(_: LLMUserAggregator, __: object, message: UserTurnStoppedMessage) -> None:
        conversation.customer_said(message.content or "")

    turns.add_event_handler("on_user_turn_stopped", stopped)
    return turns


@asynccontextmanager
async def _beating(phone: Phone, call: StreamedCall) -> AsyncGenerator[asyncio.Event]:
    """Say now and then that this process still holds the call: who falls silent is swept (calls.service).

    The event is set when the call has ended elsewhere and is to be let go, or the database was away, or did not answer,
    for so long that others may take the call for lost.
    """
    let_go = asyncio.Event()
    # An alarm of its own: it rings also where a beat hangs.
    lost = Alarm(let_go.set)
    lost.set(phone.limits.lost_after_s)

    async def beat() -> None:
        try:
            while True:
                # Before the beat, as whoever sweeps counts from the moment in which it was written.
                asked = perf_counter()
                try:
                    async with transaction(phone.engine, company_id=call.company_id) as session:
                        if not await calls.beat(session, call.call_id, company_id=call.company_id):
                            return
                except (psycopg.OperationalError, OperationalError) as error:
                    logger.warning("heartbeat_missed", extra={"call": call.call_id, "error": type(error).__name__})
                else:
                    lost.set(phone.limits.lost_after_s - (perf_counter() - asked))
                await asyncio.sleep(phone.limits.beat_every_s)
        finally:
            let_go.set()

    beating = asyncio.create_task(beat())
    try:
        yield let_go
    finally:
        lost.stop()
        beating.cancel()
