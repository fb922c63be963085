"""A model that is an enemy. It keeps to the protocol's types and to nothing else."""

import json
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random

from pydantic import JsonValue

from graphs.model import (
    Finished,
    ModelEvent,
    ModelRequest,
    ModelUnavailable,
    SearchResultPart,
    Stop,
    SwitchedModel,
    TextDelta,
    TextPart,
    ToolResultPart,
    ToolUse,
    UnavailableReason,
    Usage,
)
from tests.hostile import cards
from tests.hostile.arguments import Aim, Trick, hostile_call, tricks
from tests.hostile.lies import letters
from tests.hostile.sentences import hostile_sentence

USAGE = Usage(10, 5)


class Boom(RuntimeError):
    """A crash inside a model: planned, so that nobody takes it for one of ours."""


@dataclass
class Script:
    """One dialogue's enemy: what it does comes from `rng` and from what it was given so far."""

    rng: Random
    aim: Aim
    # Spoken by this model of its own accord; never in what it is given.
    secrets: tuple[str, ...]
    forbidden: tuple[str, ...]
    # A model that calls tools for ever.
    loops: bool = False
    heard: list[str] = field(default_factory=list)
    handles: list[str] = field(default_factory=list)
    # Letters of what this model said and nobody may read.
    lies: set[str] = field(default_factory=set)
    # What should never have reached a model.
    leaks: list[str] = field(default_factory=list)
    tried: Counter[Trick] = field(default_factory=Counter)
    booms: int = 0
    requests: int = 0

    def listen(self, request: ModelRequest) -> None:
        self.requests += 1
        own = {
            part.text
            for message in request.messages
            if message.role == "assistant"
            for part in message.parts
            if isinstance(part, TextPart)
        }
        given = [text for text in _texts(request) if text not in own]
        everything = "\n".join(given)
        self.leaks += [word for word in self.forbidden if word in everything.lower()]
        if cards.holds(everything, self.aim.card):
            self.leaks.append("card")
        for text in given:
            self._remember(text)

    def _remember(self, text: str) -> None:
        try:
            result = json.loads(text)
        except ValueError:
            self.heard += text.splitlines()
        else:
            _sentences(result, self.heard, self.handles)
        del self.heard[:-20]

    def steps(self) -> list[ModelEvent | Exception]:
        """One answer: texts and calls in any order, an end or none, sometimes a failure at any place."""
        rng = self.rng
        steps: list[ModelEvent | Exception] = []
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            said = hostile_sentence(rng, self.aim, self.heard, self.secrets)
            if said.lie:
                self.lies.add(letters(said.lie))
            steps += _deltas(rng, said.text + rng.choice((" ", "\n", "", "  ")))
        calls = 1 if self.loops else rng.choice((0, 0, 0, 1, 1, 2, 12 if rng.random() < 0.1 else 1))
        for number in range(calls):
            name, arguments = hostile_call(rng, self.aim, self.handles)
            self.tried.update(tricks(name, arguments, self.aim))
            use = ToolUse(f"call-{number % 3}", name, arguments)
            steps.insert(rng.randrange(len(steps) + 1) if rng.random() < 0.3 else len(steps), use)
            if rng.random() < 0.1:
                self.tried[Trick.REPEATED] += 1
                steps.append(use)
        if rng.random() < 0.03:
            switched = SwitchedModel("hostile-2", UnavailableReason.CUT_STREAM, "hostile", USAGE)
            steps.insert(rng.randrange(len(steps) + 1), switched)
        stop: Stop = rng.choice(("end_turn", "tool_use", "max_tokens", "refusal"))
        steps += [Finished(stop, USAGE, "hostile")] * rng.choice((0, 1, 1, 1, 1, 1, 2))
        if rng.random() < 0.05:
            unavailable = ModelUnavailable(rng.choice(tuple(UnavailableReason)), model="hostile", usage=USAGE)
            steps.insert(rng.randrange(len(steps) + 1), unavailable)
        if rng.random() < 0.01:
            steps.insert(rng.randrange(len(steps) + 1), Boom("the model fell over"))
        return steps


SCRIPT: ContextVar[Script] = ContextVar("script")


class HostileModel:
    """One for all dialogues; each finds its own script in the context that its turn was begun in."""

    name = "hostile"

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        script = SCRIPT.get()
        script.listen(request)
        for step in script.steps():
            if isinstance(step, Exception):
                script.booms += isinstance(step, Boom)
                raise step
            yield step


def _deltas(rng: Random, text: str) -> list[ModelEvent | Exception]:
    width = rng.choice((1, 3, 12, 4000)) if len(text) < 200 else 4000
    return [TextDelta(text[at : at + width]) for at in range(0, len(text), width)]


def _texts(request: ModelRequest) -> list[str]:
    """All that a request tells beside the list of tools."""
    texts = [request.system]
    for message in request.messages:
        for part in message.parts:
            match part:
                case TextPart():
                    texts.append(part.text)
                case ToolResultPart():
                    texts.append(part.content)
                case SearchResultPart():
                    texts.append(part.text)
    return texts


def _sentences(value: JsonValue, sentences: list[str], handles: list[str]) -> None:
    """Collect what a tool's answer says, and the handles in it."""
    children: Sequence[JsonValue] = ()
    if isinstance(value, dict):
        handle = value.get("handle")
        if isinstance(handle, str):
            handles.append(handle)
        children = list(value.values())
    elif isinstance(value, list):
        children = value
    elif isinstance(value, str) and " " in value:
        sentences.append(value)
    for child in children:
        _sentences(child, sentences, handles)
