"""The `offers` part of the flow config: what a merchant publishes and the caps above it (spec 2, rules 2.2)."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, assert_never

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, field_validator
from pydantic.alias_generators import to_camel

from db.base import type_json
from policy import money

_as_number = PlainSerializer(float, return_type=float, when_used="json")
Percent = Annotated[Decimal, Field(ge=0, le=100, decimal_places=2), _as_number]
MajorAmount = Annotated[Decimal, Field(ge=0), _as_number]


class Occasion(StrEnum):
    """When an offer can be made; each has a published percentage and a cap."""

    CHAT = "CHAT"
    BRANCHING = "BRANCHING"
    NUCLEAR = "NUCLEAR"
    VOICE = "VOICE"
    EXIT_INTENT = "EXIT_INTENT"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Percentages(_Part):
    """One percentage for each occasion."""

    chat: Percent
    branching: Percent
    nuclear: Percent
    voice: Percent
    exit_intent: Percent

    def on(self, occasion: Occasion) -> Decimal:
        match occasion:
            case Occasion.CHAT:
                return self.chat
            case Occasion.BRANCHING:
                return self.branching
            case Occasion.NUCLEAR:
                return self.nuclear
            case Occasion.VOICE:
                return self.voice
            case Occasion.EXIT_INTENT:
                return self.exit_intent
            case _:
                assert_never(occasion)

    def at_most(self, other: "Percentages") -> "Percentages":
        """The smaller of the two on each occasion."""
        return Percentages(**{name: min(getattr(self, name), getattr(other, name)) for name in type(self).model_fields})


def _percentages(chat: int, branching: int, nuclear: int, voice: int, exit_intent: int) -> Percentages:
    return Percentages(
        chat=Decimal(chat),
        branching=Decimal(branching),
        nuclear=Decimal(nuclear),
        voice=Decimal(voice),
        exit_intent=Decimal(exit_intent),
    )


class OfferPolicy(_Part):
    """What may be given away. The defaults are the published ones: 10, 10, 20, 20, 10 under 10, 15, 30, 30, 10.

    Budgets are major units a currency; once one is set, a currency without an amount has none to spend.
    `margin_floor_percent` is the least share of the discounted price that stays above the unit cost.
    """

    published: Percentages = _percentages(10, 10, 20, 20, 10)
    caps: Percentages = _percentages(10, 15, 30, 30, 10)
    cooldown_days: int = Field(default=90, ge=0, le=3650)
    daily_budget: dict[str, MajorAmount] | None = None
    monthly_budget: dict[str, MajorAmount] | None = None
    margin_floor_percent: Annotated[Decimal, Field(ge=0, lt=100, decimal_places=2), _as_number] = Decimal(0)
    offer_valid_hours: int = Field(default=72, ge=1, le=720)
    excluded_skus: frozenset[str] = frozenset()

    @field_validator("daily_budget", "monthly_budget")
    @classmethod
    def _known_currencies(cls, budget: dict[str, Decimal] | None) -> dict[str, Decimal] | None:
        for currency, amount in (budget or {}).items():
            try:
                money.to_minor(amount, currency)
            except (money.UnknownCurrency, money.InvalidAmount) as refused:
                raise ValueError(refused.detail) from None
        return budget

    def daily_budget_minor(self, currency: str) -> int | None:
        """Minor units a day, None for no limit."""
        return _budget_minor(self.daily_budget, currency)

    def monthly_budget_minor(self, currency: str) -> int | None:
        """Minor units a calendar month, None for no limit."""
        return _budget_minor(self.monthly_budget, currency)


def _budget_minor(budget: dict[str, Decimal] | None, currency: str) -> int | None:
    return None if budget is None else money.to_minor(budget.get(currency, Decimal(0)), currency)


class _StageCap(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    max_discount_percent: Percent = Decimal(100)


class _StageCaps(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    branching_intervention: _StageCap = _StageCap()
    nuclear_offer: _StageCap = _StageCap()


class _FlowPart(BaseModel):
    """What the ledger reads of a flow config; the whole is checked where it is stored."""

    offers: OfferPolicy = OfferPolicy()
    stages: _StageCaps = _StageCaps()


class _ChatCapabilities(_StageCap):
    can_apply_discounts: bool = True


class _ChatPart(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel)

    ai_capabilities: _ChatCapabilities = _ChatCapabilities()


def policy_of(flow_config: type_json, chat_config: type_json) -> OfferPolicy:
    """The offers part under every cap that a merchant can set: `offers.caps`, the stages' `maxDiscountPercent`
    (spec 2; that of the nuclear offer also binds calls) and the chat's (spec 6). The lowest counts."""
    flow = _FlowPart.model_validate(flow_config)
    chat = _ChatPart.model_validate(chat_config).ai_capabilities
    nuclear = flow.stages.nuclear_offer.max_discount_percent
    set_elsewhere = Percentages(
        chat=chat.max_discount_percent if chat.can_apply_discounts else Decimal(0),
        branching=flow.stages.branching_intervention.max_discount_percent,
        nuclear=nuclear,
        voice=nuclear,
        exit_intent=Decimal(100),
    )
    return flow.offers.model_copy(update={"caps": flow.offers.caps.at_most(set_elsewhere)})
