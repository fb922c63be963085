"""Twilio's media-stream messages to frames and back: Pipecat's translation, and marks.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

import json

from pipecat.frames.frames import AudioRawFrame, Frame, InterruptionFrame, OutputTransportMessageFrame
from pipecat.serializers.twilio import TwilioFrameSerializer
from pydantic import BaseModel, ValidationError

from voice.frames import MarkReturned
from voice.line import Line

# Twilio's own messages are some hundred bytes long.
MAX_MESSAGE_CHARACTERS = 16_384


class MessageTooLong(ValueError):
    """Not Twilio: the connection is closed."""


class _Mark(BaseModel):
    name: str


class _Message(BaseModel):
    event: str
    mark: _Mark | None = None


def mark_frame(mark: int, *, interruptible: bool) -> OutputTransportMessageFrame:
    """Asks the carrier to tell when everything sent before it was played."""
    frame = OutputTransportMessageFrame(message={"event": "mark", "mark": {"name": str(mark)}})
    frame.interruptible = interruptible
    return frame


class TwilioSerializer(TwilioFrameSerializer):
    def __init__(self, line: Line, *, stream_sid: str) -> None:
        # The state machine hangs up, not the end of a pipeline.
        super().__init__(stream_sid=stream_sid, params=TwilioFrameSerializer.InputParams(auto_hang_up=False))
        self._line = line
        self._heard_since_mark = False

    async def serialize(self, frame: Frame) -> str | bytes | None:
        match frame:
            case InterruptionFrame() if self._line.uninterruptible or self._line.leaving:
                # `clear` would throw away the disclosure, or the farewell, too.
                return None
            case InterruptionFrame():
                self._heard_since_mark = False
            case OutputTransportMessageFrame(message=message):
                # A sentence that no audio came of was not heard: its mark would say that it was.
                if not self._heard_since_mark:
                    return None
                self._heard_since_mark = False
                return json.dumps({**message, "streamSid": self._stream_sid})
            case AudioRawFrame():
                if self._line.cut_off:
                    return None
                self._heard_since_mark = True
                self._line.audio_left()
        return await super().serialize(frame)

    async def deserialize(self, data: str | bytes) -> Frame | None:
        if len(data) > MAX_MESSAGE_CHARACTERS:
            raise MessageTooLong
        try:
            message = _Message.model_validate_json(data)
        except ValidationError:
            return None
        if message.mark is not None:
            return MarkReturned(int(message.mark.name)) if message.mark.name.isdecimal() else None
        return await super().deserialize(data)
