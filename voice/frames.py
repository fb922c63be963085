"""Frames of our own, beside Pipecat's."""

from dataclasses import dataclass

from pipecat.frames.frames import SystemFrame


@dataclass
class MarkReturned(SystemFrame):
    """The carrier has played everything up to this mark, or thrown it away."""

    mark: int


@dataclass
class OptOutHeard(SystemFrame):
    """Somebody asked for no more calls. A system frame: it overtakes everything that is queued."""

    text: str
