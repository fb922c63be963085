"""Where a turn goes next: pure."""

from typing import Literal

from graphs.checkout_chat.state import Limits, TurnState

# With less than this left a model is not asked again: it could only fail.
ENOUGH_S = 0.3


def after_detect(state: TurnState) -> Literal["retrieve", "close"]:
    return "close" if state["over"] else "retrieve"


def after_speak(state: TurnState, limits: Limits) -> Literal["act", "close"]:
    """Run the tools that the model called, as long as the turn's limits allow another round."""
    within = state["rounds"] < limits.rounds and len(state["replies"]) < limits.tool_calls
    return "act" if state["pending"] and within else "close"


def after_act(*, seconds_left: float) -> Literal["speak", "close"]:
    return "speak" if seconds_left >= ENOUGH_S else "close"
