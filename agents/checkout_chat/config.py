"""Spec 6's CheckoutChatConfig, with its defaults."""

from decimal import Decimal
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

    def escalation(self, currency: str) -> Escalation:
        rules = self.escalate_to_human
        threshold = money.to_minor(rules.high_value_threshold, currency) if rules.on_high_value else None
        return Escalation(rules.on_request, rules.on_frustration, threshold)
