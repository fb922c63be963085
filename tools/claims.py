"""True sentences about a cart that a conversation may use, each with a handle (rules 2.1, decision 2)."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue

from policy.offers.wording import moment, offer_sentence
from storefront.carts.schemas import CartView
from storefront.carts.wording import free_shipping_sentence


@dataclass(frozen=True)
class Claim:
    """A sentence that holds now. `trigger` is the behavioural trigger it is an instance of (rules 2.1)."""

    handle: str
    trigger: str
    sentence: str

    def as_json(self) -> JsonValue:
        return {"handle": self.handle, "trigger": self.trigger, "sentence": self.sentence}


def claims_of(cart: CartView, *, conversation_id: UUID, locale: str, tz: str) -> tuple[Claim, ...]:
    """What holds for this cart now. A claim has the same handle as long as it says the same in this conversation."""
    said: list[tuple[str, str]] = []
    if (gap := free_shipping_sentence(cart, locale=locale)) is not None:
        said.append(("GOAL_GRADIENT", gap))
    if cart.offer is not None:
        offer = cart.offer
        said.append(("URGENCY", offer_sentence(offer.kind, offer.percent, offer.expires_at, tz=tz, locale=locale)))
    if cart.hold_expires_at is not None:
        said.append(
            ("URGENCY", f"Your items are reserved for you until {moment(cart.hold_expires_at, tz=tz, locale=locale)}.")
        )
    return tuple(Claim(_handle(conversation_id, sentence), trigger, sentence) for trigger, sentence in said)


def _handle(conversation_id: UUID, sentence: str) -> str:
    return hashlib.sha256(f"{conversation_id}:{sentence}".encode()).hexdigest()[:12]
