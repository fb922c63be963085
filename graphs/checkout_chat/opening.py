"""What a turn begins with: pure."""

from collections.abc import Sequence

from db.tables.conversations import ChatMessage
from graphs.checkout_chat.state import Escalation, TurnState, first_state
from graphs.conversations.history import as_messages
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
