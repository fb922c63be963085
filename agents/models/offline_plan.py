"""Which tools an intent calls for, and with what: pure. The same tools that a language model would call."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agents.detectors import opts_out
from agents.models.offline_intents import Intent
from db.tables.customers import SuppressionScope
from graphs.model import ToolSpec

MAX_QUOTE = 500
MAX_QUESTION = 1000
_ASKED_PERCENT = re.compile(r"(?<![\d.,])(\d{1,2})\s*(?:%|percent\b|pct\b|per cent\b)", re.IGNORECASE)

QUESTIONS = frozenset(
    {
        Intent.SHIPPING_COST_QUESTION,
        Intent.DELIVERY_TIME_QUESTION,
        Intent.RETURNS_QUESTION,
        Intent.PAYMENT_METHODS_QUESTION,
        Intent.ORDER_CHANGE_QUESTION,
        Intent.DISCOUNT_CODE_QUESTION,
        Intent.PRODUCT_QUESTION,
        Intent.STOCK_QUESTION,
        Intent.PAYMENT_PROBLEM,
    }
)
# Reasons of spec 2's CartAbandonmentReason.
_DIAGNOSES: Mapping[Intent, str] = {
    Intent.PRICE_OBJECTION: "TOO_EXPENSIVE",
    Intent.SHIPPING_OBJECTION: "SHIPPING_COST",
    Intent.JUST_BROWSING: "JUST_BROWSING",
    Intent.COMPARING: "COMPARING_OPTIONS",
    Intent.SAVE_FOR_LATER: "SAVING_FOR_LATER",
    Intent.PAYMENT_PROBLEM: "PAYMENT_ISSUES",
}
_OBJECTIONS = frozenset({Intent.PRICE_OBJECTION, Intent.SHIPPING_OBJECTION})


@dataclass(frozen=True)
class Step:
    tool: str
    arguments: Mapping[str, JsonValue]


def plan(
    intent: Intent | None, text: str, *, tools: Iterable[ToolSpec], called: Sequence[str], has_passages: bool
) -> list[Step]:
    """The calls still to make for this message, of the tools that are offered; `called` ones are not repeated.

    `intent` is None where the classifier was not sure: that is treated as a question to the FAQ.
    """
    offered = {tool.name: tool for tool in tools}
    return [
        Step(step.tool, _known(step.arguments, offered[step.tool]))
        for step in _steps(intent, text, has_passages=has_passages)
        if step.tool in offered and step.tool not in called
    ]


def _steps(intent: Intent | None, text: str, *, has_passages: bool) -> list[Step]:
    steps: list[Step] = []
    if intent is not None and (diagnosis := _DIAGNOSES.get(intent)):
        steps.append(Step("record_diagnosis", {"reason": diagnosis, "quote": text[:MAX_QUOTE]}))
        if intent in _OBJECTIONS:
            steps.append(Step("apply_discount", {"reason": diagnosis, **_asked_percent(text)}))
    if (intent is None or intent in QUESTIONS) and not has_passages:
        steps.append(Step("search_faq", {"question": text[:MAX_QUESTION]}))
    match intent:
        case Intent.CART_QUESTION | Intent.SHIPPING_COST_QUESTION:
            steps.append(Step("get_cart", {}))
        case Intent.RECOMMENDATION:
            steps.append(Step("rank_upsells", {}))
        case Intent.SAVE_FOR_LATER:
            steps.append(Step("send_resume_link", {"channel": "EMAIL"}))
        case Intent.HUMAN_REQUEST:
            steps.append(Step("request_human", {"reason": "The shopper asked for a person."}))
        case Intent.COMPLAINT:
            steps.append(Step("request_human", {"reason": "The shopper is unhappy with the shop or the answers."}))
        case Intent.OPT_OUT:
            steps.append(Step("set_opt_out", {"scope": (opts_out(text) or SuppressionScope.ALL).value}))
        case _:
            pass
    return steps


def _asked_percent(text: str) -> dict[str, JsonValue]:
    """What the shopper asked for, never what we would give."""
    asked = _ASKED_PERCENT.search(text)
    return {"asked_percent": int(asked[1])} if asked and int(asked[1]) > 0 else {}


def _known(arguments: Mapping[str, JsonValue], tool: ToolSpec) -> Mapping[str, JsonValue]:
    """Only arguments that the offered tool has: the tool sets are a merchant's to cut."""
    properties = tool.input_schema.get("properties")
    if not isinstance(properties, dict):
        return {}
    return {name: value for name, value in arguments.items() if name in properties}
