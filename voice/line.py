"""What we said on one call, and what of it the customer has heard: the one state that its processors share."""

import asyncio
from collections.abc import Callable
from time import perf_counter

from graphs.voice_call.events import Say
from voice.speech.schemas import SPOKEN_WITHIN_S
from voice.turns.alarm import Alarm

# Slower than any voice of ours: a bound for a mark that never comes back.
CHARACTERS_A_SECOND = 10
PATIENCE_S = SPOKEN_WITHIN_S + 3.0
# What was said is recognised this long after it ended, or never.
HEAR_OUT_S = 2.0


class Line:
    """A sentence is pending from the moment it is given to the voice until the carrier says that it was played.

    Each time a sentence is spoken it gets a mark of its own: after a `clear` the carrier returns the marks of what it
    threw away, and those must not count as heard.
    """

    def __init__(self, *, patience_s: float = PATIENCE_S, hear_out_s: float = HEAR_OUT_S) -> None:
        self._patience_s = patience_s
        self._hear_out_s = hear_out_s
        self._pending: dict[int, Say] = {}
        self._marks = 0
        self._opened = False
        self._on_audio: Callable[[], None] | None = None
        self._unanswered: list[tuple[str, float]] = []
        self.leaving = False
        self.cut_off = False
        self.silent = asyncio.Event()
        self.silent.set()
        # Nobody is speaking to us, and what was said is recognised: known also where the customer is muted.
        self.heard_out = asyncio.Event()
        self.heard_out.set()
        self._recognised = Alarm(self.heard_out.set)

    def say(self, say: Say) -> int:
        """A sentence goes to the voice; returns its mark."""
        self._opened = True
        self._marks += 1
        self._pending[self._marks] = say
        self.silent.clear()
        return self._marks

    def returned(self, mark: int) -> Say | None:
        """The sentence that was played to its end, or None for a mark of something thrown away."""
        say = self._pending.pop(mark, None)
        self._settle()
        return say

    def interrupted(self) -> list[Say]:
        """Give up what may be interrupted; what the customer did not hear to its end, in order."""
        cut = [say for say in self._pending.values() if say.interruptible]
        self._pending = {mark: say for mark, say in self._pending.items() if not say.interruptible}
        self._settle()
        return cut

    def cut(self) -> list[Say]:
        """Not a sound more, not even of what may not be interrupted: the customer asked for no more calls."""
        cut = list(self._pending.values())
        self._pending.clear()
        self.cut_off, self.leaving = True, False
        self._settle()
        return cut

    def leave(self) -> None:
        """The last sentence is on its way; nobody interrupts it any more."""
        self.leaving = True

    def speech_began(self) -> None:
        self._recognised.stop()
        self.heard_out.clear()

    def speech_ended(self) -> None:
        self._recognised.set(self._hear_out_s)

    def understood(self, text: str) -> None:
        """Keep what was recognised until a turn takes it up. What is said over the disclosure is not heard."""
        if self.leaving or not self.must_be_heard:
            self._unanswered.append((text, perf_counter()))

    def answered(self) -> None:
        """A turn has taken up what was said."""
        self._unanswered.clear()

    @property
    def last_words(self) -> tuple[str, float] | None:
        """What no turn took up, if anything, and when its first words were understood (`perf_counter`)."""
        if not self._unanswered:
            return None
        return " ".join(text.strip() for text, _ in self._unanswered), self._unanswered[0][1]

    @property
    def uninterruptible(self) -> bool:
        return any(not say.interruptible for say in self._pending.values())

    @property
    def must_be_heard(self) -> bool:
        """Whether what is being said is spoken to its end, whoever talks over it: disclosure and farewell."""
        return not self._opened or self.leaving or self.uninterruptible

    @property
    def at_most_s(self) -> float:
        """How long what is pending can take to be spoken and played."""
        return self._patience_s + sum(len(say.text) for say in self._pending.values()) / CHARACTERS_A_SECOND

    def on_next_audio(self, told: Callable[[], None] | None) -> None:
        """Call this once, when the next audio leaves for the carrier."""
        self._on_audio = told

    def audio_left(self) -> None:
        if self._on_audio is not None:
            told, self._on_audio = self._on_audio, None
            told()

    def _settle(self) -> None:
        if not self._pending:
            self.silent.set()
