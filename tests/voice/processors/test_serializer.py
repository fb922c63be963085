"""Twilio's messages to frames and back."""

import base64
import json

import pytest
from pipecat.frames.frames import InputDTMFFrame, InterruptionFrame, OutputAudioRawFrame

from graphs.voice_call.events import Say
from voice.frames import MarkReturned
from voice.line import Line
from voice.processors.serializer import MAX_MESSAGE_CHARACTERS, MessageTooLong, TwilioSerializer, mark_frame

SAY = Say(4, "Hello.", interruptible=True)
DISCLOSURE = Say(1, "This is an automated call.", interruptible=False)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def serializer(line: Line) -> TwilioSerializer:
    return TwilioSerializer(line, stream_sid="MZ1")


async def test_a_mark_goes_out_and_comes_back(line: Line, serializer: TwilioSerializer) -> None:
    frame = mark_frame(line.say(SAY), interruptible=True)
    await serializer.serialize(OutputAudioRawFrame(bytes(320), 8_000, 1))
    sent = await serializer.serialize(frame)
    assert sent is not None
    assert json.loads(sent) == {"event": "mark", "mark": {"name": "1"}, "streamSid": "MZ1"}
    back = await serializer.deserialize(
        json.dumps({"event": "mark", "sequenceNumber": "9", "streamSid": "MZ1", "mark": {"name": "1"}})
    )
    assert isinstance(back, MarkReturned)
    assert line.returned(back.mark) == SAY


async def test_a_sentence_that_no_audio_came_of_is_not_marked_as_played(
    line: Line, serializer: TwilioSerializer
) -> None:
    assert await serializer.serialize(mark_frame(line.say(DISCLOSURE), interruptible=False)) is None
    await serializer.serialize(OutputAudioRawFrame(bytes(320), 8_000, 1))
    assert await serializer.serialize(mark_frame(line.say(SAY), interruptible=True)) is not None
    assert await serializer.serialize(mark_frame(line.say(SAY), interruptible=True)) is None


async def test_what_a_barge_in_threw_away_is_no_audio_of_the_next_sentence(
    line: Line, serializer: TwilioSerializer
) -> None:
    line.say(SAY)
    await serializer.serialize(OutputAudioRawFrame(bytes(320), 8_000, 1))
    line.interrupted()
    await serializer.serialize(InterruptionFrame())
    assert await serializer.serialize(mark_frame(line.say(SAY), interruptible=True)) is None


async def test_a_barge_in_clears_but_never_disclosure_or_farewell(line: Line, serializer: TwilioSerializer) -> None:
    sent = await serializer.serialize(InterruptionFrame())
    assert sent is not None
    assert json.loads(sent) == {"event": "clear", "streamSid": "MZ1"}
    mark = line.say(DISCLOSURE)
    assert await serializer.serialize(InterruptionFrame()) is None
    line.returned(mark)
    assert await serializer.serialize(InterruptionFrame()) is not None
    line.leave()
    assert await serializer.serialize(InterruptionFrame()) is None
    line.cut()  # an opt-out outranks the farewell
    assert await serializer.serialize(InterruptionFrame()) is not None


async def test_after_an_opt_out_not_a_sound_leaves(line: Line, serializer: TwilioSerializer) -> None:
    audio = OutputAudioRawFrame(bytes(320), 8_000, 1)
    sent = await serializer.serialize(audio)
    assert sent is not None
    assert json.loads(sent)["media"] == {"payload": base64.b64encode(b"\xff" * 160).decode()}
    line.say(DISCLOSURE)
    line.cut()
    assert await serializer.serialize(audio) is None
    assert await serializer.serialize(InterruptionFrame()) is not None


async def test_the_first_audio_of_an_answer_is_noticed_once(line: Line, serializer: TwilioSerializer) -> None:
    left: list[str] = []
    line.on_next_audio(lambda: left.append("first"))
    for _ in range(3):
        await serializer.serialize(OutputAudioRawFrame(bytes(320), 8_000, 1))
    assert left == ["first"]


async def test_keys_and_what_means_nothing(serializer: TwilioSerializer) -> None:
    pressed = await serializer.deserialize(
        json.dumps({"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "9"}})
    )
    assert isinstance(pressed, InputDTMFFrame)
    assert pressed.button.value == "9"
    for nothing in ("not json", "[]", '{"event": "mark", "mark": {"name": "theirs"}}', '{"event": "stop"}'):
        assert await serializer.deserialize(nothing) is None


async def test_a_message_that_twilio_would_never_send_ends_the_stream(serializer: TwilioSerializer) -> None:
    with pytest.raises(MessageTooLong):
        await serializer.deserialize("x" * (MAX_MESSAGE_CHARACTERS + 1))
