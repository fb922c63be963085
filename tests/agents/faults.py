"""How a provider fails, as both agents meet it: what it sends, and what the production client makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from tests.fakes.messages_api import (
    Answer,
    Endless,
    Events,
    Status,
    ended,
    error,
    started,
    text_block,
    text_delta,
    text_start,
    tool_block,
)

# What the half-made calls would do, if one of them were run.
CALL = '{"reason": "TOO_EXPENSIVE"}'


@dataclass(frozen=True)
class Fault:
    """`answers` to the requests of one model call; `tokens` are what it is known to have used, in and out.

    `kept` is the sentence that was whole before it failed. `hangs`: only a deadline ends it, the one
    for the first content or the one for the whole.
    """

    answers: Sequence[Answer]
    reason: str
    tokens: tuple[int, int]
    kept: str = ""
    hangs: Literal["first", "later"] | None = None


def begun(*events: Sequence[JsonValue]) -> list[JsonValue]:
    return [started(input_tokens=40), *(event for each in events for event in each)]


HALF = text_block("Happy to help. Half a sent")
KEPT = "Happy to help."

FAULTS: dict[str, Fault] = {
    "cut politely": Fault([Events(begun(HALF))], "CUT_STREAM", (40, 1), KEPT),
    "cut after a call that looks ready": Fault(
        [Events(begun(tool_block("apply_discount", CALL)))] * 3, "CUT_STREAM", (120, 3)
    ),
    "cut in a call after a sentence": Fault(
        [Events(begun(HALF, tool_block("apply_discount", CALL[:12], index=1, closed=False)))],
        "CUT_STREAM", (40, 1), KEPT,
    ),
    "broken in mid-stream": Fault([Events(begun(HALF), then="break")], "CUT_STREAM", (40, 1), KEPT),
    "a corrupt chunk after a sentence": Fault([Events(begun(HALF), then="corrupt")], "BAD_RESPONSE", (40, 1), KEPT),
    "a corrupt chunk in a call": Fault(
        [Events(begun(tool_block("apply_discount", CALL[:12], closed=False)), then="corrupt")] * 3,
        "BAD_RESPONSE", (120, 3),
    ),
    "no event at all": Fault([Events([])] * 3, "CUT_STREAM", (0, 0)),
    "stalled in mid-stream": Fault([Events(begun(HALF), then="hang")], "TIMEOUT", (40, 1), KEPT, hangs="later"),
    "slow first token": Fault([Events(begun(), then="hang")] * 3, "TIMEOUT", (120, 3), hangs="first"),
    "endless stream": Fault(
        [Endless(begun([text_start()]), text_delta("la "))], "TIMEOUT", (40, 1), hangs="later"
    ),
    "refusal": Fault([Events(begun(ended("refusal", output_tokens=3)))], "REFUSED", (40, 3)),
    "refusal after a sentence": Fault(
        [Events(begun(HALF, ended("refusal", output_tokens=9)))], "REFUSED", (40, 9), KEPT
    ),
    "token limit inside a call": Fault(
        [Events(begun(tool_block("apply_discount", CALL[:12], closed=False), ended("max_tokens")))] * 3,
        "EMPTY_ANSWER", (120, 15),
    ),
    "empty answer": Fault([Events(begun(ended("end_turn")))] * 3, "EMPTY_ANSWER", (120, 15)),
    "arguments that are no JSON": Fault(
        [Events(begun(tool_block("apply_discount", CALL[:12]), ended("tool_use")))] * 3, "BAD_RESPONSE", (120, 15)
    ),
    "a stop reason from the future": Fault([Events(begun(HALF, ended("later")))], "BAD_RESPONSE", (40, 5), KEPT),
    "overloaded, said after a sentence": Fault(
        [Events(begun(HALF, [error("overloaded_error")]))], "OVERLOADED", (40, 1), KEPT
    ),
    "429, to come back after the turn": Fault(
        [Status(429, headers=[("retry-after", "20")])], "RATE_LIMITED", (0, 0)
    ),
    "429": Fault([Status(429)] * 3, "RATE_LIMITED", (0, 0)),
    "529": Fault([Status(529)] * 3, "OVERLOADED", (0, 0)),
    "500": Fault([Status(500)] * 3, "OVERLOADED", (0, 0)),
    "401": Fault([Status(401)], "UNAUTHORIZED", (0, 0)),
    "400": Fault([Status(400)], "BAD_REQUEST", (0, 0)),
}  # fmt: skip
