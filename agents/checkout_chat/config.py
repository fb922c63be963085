"""Spec 6's CheckoutChatConfig, with its defaults."""

from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from graphs.checkout_chat.state import Escalation
from policy import money

Amount = Annotated[Decimal, Field(ge=0), PlainSerializer(float, return_type=float, when_used="json")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class AiCapabilities(_Part):
    can_answer_shipping: bool = True
    can_answer_returns: bool = True
    can_answer_payment: bool = True
    can_apply_discounts: bool = True
    max_discount_percent: Amount = Field(Decimal(10), le=10, description="Lowers the chat cap of the flow config.")
    can_modify_cart: Literal[False] = False


class EscalateToHuman(_Part):
    on_request: Literal[True] = True  # asked for a person, always (rules H-56)
    on_frustration: bool = True
    on_high_value: bool = True
    high_value_threshold: Amount = Decimal(500)


class CheckoutChatConfig(_Part):
    enabled: bool = True
    position: Literal["bottom-right", "bottom-left", "inline"] = "bottom-right"
    quick_questions: tuple[str, ...] = (
        "What's the shipping cost to my area?",
        "Do you accept PayPal?",
        "Can I change my order after placing it?",
        "How do I apply a discount code?",
        "What's your return policy?",
    )
    ai_capabilities: AiCapabilities = AiCapabilities()
    escalate_to_human: EscalateToHuman = EscalateToHuman()

    def escalation(self, cart_currency: str, *, shop_currency: str) -> Escalation:
        """The threshold is an amount of the shop's own currency; there is no conversion in a decision (rules H-22)."""
        rules = self.escalate_to_human
        compared = rules.on_high_value and cart_currency == shop_currency
        threshold = rules.high_value_threshold.scaleb(money.exponent(shop_currency))
        return Escalation(
            rules.on_request,
            rules.on_frustration,
            int(threshold.to_integral_value(ROUND_CEILING)) if compared else None,
        )
