"""What is said in the measured turns, and what every contestant is told: the same prompt, tools and tool result."""

import json

from anthropic.types import MessageParam, ToolParam

from agents.checkout_chat.prompt import SYSTEM
from agents.models.anthropic_wire import cached_to_here, tool_param
from agents.toolbox import CHECKOUT_CHAT
from graphs.model import ToolSpec

SHOP = "Wren Coffee"
TOLD = SYSTEM.format(shop=SHOP)
MAX_TOKENS = 700
MODEL = "claude-haiku-5-5"

# As get_cart answers about the measured carts.
CART = json.dumps(
    {
        "ok": True,
        "status": "ACTIVE",
        "items": [{"name": "Signature Blend 0", "quantity": 1, "unitPrice": "$24.99"}],
        "subtotal": "$24.99",
        "discount": "$0.00",
        "shipping": "$5.99",
        "tax": "$0.00",
        "total": "$30.98",
        "claims": [],
        "say": "Your cart has 1 × Signature Blend 0, and the total is $30.98.",
    }
)
# A turn before: what was asked, and the sentences of the answer.
EXCHANGE = (
    "Which of the two blends is better for a filter machine?",
    "Both work well in a filter machine.",
    " Many people like the lighter one there.",
)
ASKED_BEFORE, ANSWERED_BEFORE = EXCHANGE[0], "".join(EXCHANGE[1:])
_CUPS = ("mug", "jar", "pot", "glass", "flask", "bowl", "tin", "box", "bag", "cup")


def utterance(number: int) -> str:
    """A question about the cart, different for each number, so that no memory of questions helps."""
    digits = [int(digit) for digit in str(number)]
    return f"What is in my cart now and what does it cost with the {' and the '.join(_CUPS[each] for each in digits)}?"


def history(turns: int) -> list[MessageParam]:
    asked: MessageParam = {"role": "user", "content": ASKED_BEFORE}
    answered: MessageParam = {"role": "assistant", "content": ANSWERED_BEFORE}
    return [asked, answered] * turns


def tool_params() -> list[ToolParam]:
    return cached_to_here(
        [tool_param(ToolSpec(each.name, each.description, each.input_schema)) for each in CHECKOUT_CHAT.values()]
    )
