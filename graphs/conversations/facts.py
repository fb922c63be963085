"""Which facts a conversation may rest on, as it goes on: pure."""

from collections.abc import Sequence

from policy.claims.facts import Fact

# What a reading of the cart replaces as a whole: what is not in it any more no longer holds.
_OF_THE_CART = ("cart:", "line:", "grant:")


def merged(known: Sequence[Fact], fresh: Sequence[Fact]) -> tuple[Fact, ...]:
    """Facts with newer ones in the place of those they replace."""
    ids = {fact.id for fact in fresh}
    rereads_cart = "cart:total" in ids
    kept = [fact for fact in known if fact.id not in ids and not (rereads_cart and fact.id.startswith(_OF_THE_CART))]
    return (*kept, *fresh)
