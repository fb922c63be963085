"""What a turn begins with: pure."""

from collections.abc import Sequence
from dataclasses import replace

from db.tables.conversations import ChatMessage, MessageRole
from graphs.checkout_chat.state import Escalation, TurnState, first_state
from graphs.model import ModelMessage, TextPart
from policy.claims.facts import Fact, PromiseFact, PromiseKind
from storefront.carts.facts import facts_of
from storefront.carts.schemas import CartView


def opening(
    rows: Sequence[ChatMessage],
    cart: CartView,
    names: Sequence[Fact],
    *,
    silenced: bool,
    escalation: Escalation,
    tz: str,
) -> TurnState:
    """The conversation so far and the cart as it stands; the utterance is the last of `rows`."""
    high = escalation.high_value_minor
    taken_over = (PromiseFact("handoff:accepted", PromiseKind.HUMAN),) if silenced else ()
    return {
        **first_state(),
        "messages": as_messages(rows),
        "facts": (*facts_of(cart, tz=tz), *names, *taken_over),
        "silenced": silenced,
        "offers_human": high is not None and cart.grand_total_minor >= high,
    }


def as_messages(rows: Sequence[ChatMessage]) -> tuple[ModelMessage, ...]:
    """The transcript as a model reads it: sentences of one answer together, the disclosure left out."""
    messages: list[ModelMessage] = []
    for row in rows:
        if row.role is MessageRole.SYSTEM:
            continue
        role = "user" if row.role is MessageRole.USER else "assistant"
        if messages and messages[-1].role == role:
            messages[-1] = replace(messages[-1], parts=(*messages[-1].parts, TextPart(row.content)))
        elif messages or role == "user":
            messages.append(ModelMessage("user" if role == "user" else "assistant", (TextPart(row.content),)))
    return tuple(messages)
