"""Where a turn goes next: pure."""

from typing import Literal

from graphs.checkout_chat.state import Limits, TurnState


def after_detect(state: TurnState) -> Literal["retrieve", "close"]:
    return "close" if state["over"] else "retrieve"


def after_speak(state: TurnState, limits: Limits) -> Literal["act", "close"]:
    """Run the tools that the model called, as long as the turn's limits allow another round."""
    within = state["rounds"] < limits.rounds and len(state["replies"]) < limits.tool_calls
    return "act" if state["pending"] and within else "close"
