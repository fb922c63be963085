"""The flow config of a company: spec 2's nesting with channels on every stage, checked as a whole."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, model_validator
from pydantic.alias_generators import to_camel

from db.tables.policy import Channel
from db.tables.recovery import CartSaveStage
from policy.contact.schemas import BlackoutHours
from policy.offers.schemas import OfferPolicy
from recovery.voice_script import VoiceScript

Minutes = Annotated[int, Field(ge=0, le=129_600, description="Minutes after abandonment, at most 90 days.")]
Percent = Annotated[
    Decimal, Field(ge=0, le=100, decimal_places=2), PlainSerializer(float, return_type=float, when_used="json")
]
MajorAmount = Annotated[
    Decimal, Field(ge=0, le=10_000_000), PlainSerializer(float, return_type=float, when_used="json")
]


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Stage(_Part):
    """What all seven stages have."""

    enabled: bool = True
    delay_minutes: Minutes
    channels: tuple[Channel, ...]

    @model_validator(mode="after")
    def an_enabled_stage_has_a_channel(self) -> Self:
        if self.enabled and not self.channels:
            raise ValueError("an enabled stage needs at least one channel")
        if len(set(self.channels)) != len(self.channels):
            raise ValueError("a channel stands twice")
        return self


class BrowseReminder(Stage):
    delay_minutes: Minutes = 15
    channels: tuple[Literal[Channel.IN_APP, Channel.PUSH], ...] = (Channel.IN_APP, Channel.PUSH)


class PatternInterrupt(Stage):
    delay_minutes: Minutes = 60
    channels: tuple[Literal[Channel.EMAIL, Channel.SMS, Channel.PUSH], ...] = (
        Channel.EMAIL,
        Channel.SMS,
        Channel.PUSH,
    )


class DiagnosisSurvey(Stage):
    delay_minutes: Minutes = 180
    # SMS is spent once an abandonment, in stage 2 (rules H-02).
    channels: tuple[Literal[Channel.EMAIL, Channel.SMS], ...] = (Channel.EMAIL,)


class BranchingIntervention(Stage):
    delay_minutes: Minutes = 360
    channels: tuple[Literal[Channel.EMAIL, Channel.PUSH], ...] = (Channel.EMAIL,)
    max_discount_percent: Percent = Decimal(15)
    free_shipping_threshold: MajorAmount | None = None


class NuclearOffer(Stage):
    delay_minutes: Minutes = 1440
    channels: tuple[Literal[Channel.EMAIL, Channel.PUSH, Channel.VOICE], ...] = (Channel.EMAIL,)
    max_discount_percent: Percent = Decimal(30)
    include_gift: Literal[False] = False  # there are no gifts to give until a promotion row exists
    voice_call_enabled: bool = False
    min_cart_value_for_voice: MajorAmount = Decimal(100)


class LossVisualization(Stage):
    delay_minutes: Minutes = 2880
    channels: tuple[Literal[Channel.EMAIL, Channel.PUSH], ...] = (Channel.EMAIL,)


class WinbackSequence(Stage):
    delay_minutes: Minutes = 4320
    channels: tuple[Literal[Channel.EMAIL], ...] = (Channel.EMAIL,)
    sequence_length: int = Field(5, ge=1, le=10)


class Stages(_Part):
    browse_reminder: BrowseReminder = BrowseReminder()
    pattern_interrupt: PatternInterrupt = PatternInterrupt()
    diagnosis_survey: DiagnosisSurvey = DiagnosisSurvey()
    branching_intervention: BranchingIntervention = BranchingIntervention()
    nuclear_offer: NuclearOffer = NuclearOffer()
    loss_visualization: LossVisualization = LossVisualization()
    winback_sequence: WinbackSequence = WinbackSequence()

    def get(self, stage: CartSaveStage) -> Stage:
        found: Stage = getattr(self, stage.lower())
        return found

    @model_validator(mode="after")
    def delays_follow_the_order_of_the_stages(self) -> Self:
        delays = [self.get(stage).delay_minutes for stage in CartSaveStage if self.get(stage).enabled]
        if any(later <= earlier for earlier, later in pairwise(delays)):
            raise ValueError("each enabled stage needs a longer delay than the one before it")
        return self


class CallHours(_Part):
    """Whole hours of the called person's own day; a merchant may narrow the legal window, never widen it."""

    start: int = Field(10, ge=10, le=17)
    end: int = Field(18, ge=11, le=18)

    @model_validator(mode="after")
    def an_hour_is_left(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must come before end")
        return self


class Voice(_Part):
    """Spec 7's VoiceRecoveryConfig as rules 2.3 settles it: one policy, off until the merchant turns it on."""

    enabled: bool = False
    min_cart_value: MajorAmount = Field(Decimal(100), description="In the shop's own currency.")
    min_cart_values: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], MajorAmount] = Field(
        default_factory=dict, description="In other currencies; a cart in one without a value is not called about."
    )
    min_customer_ltv: MajorAmount = Field(Decimal(0), alias="minCustomerLTV")
    min_abandonment_hours: int = Field(24, ge=1, le=168)
    max_abandonment_hours: int = Field(72, ge=1, le=336)
    require_email_attempts: int = Field(2, ge=0, le=10)
    exclude_first_time_buyers: bool = False
    exclude_recent_calls: int = Field(7, ge=7, le=365, description="Days since the last call to the person.")
    call_hours: CallHours = CallHours()
    max_calls_per_day: int = Field(50, ge=0, le=10_000)
    max_calls_at_once: int = Field(10, ge=1, le=100, description="Lines: calls that may ring or talk at one time.")
    script: VoiceScript = VoiceScript()

    @model_validator(mode="after")
    def the_window_is_open(self) -> Self:
        if self.min_abandonment_hours >= self.max_abandonment_hours:
            raise ValueError("minAbandonmentHours must be less than maxAbandonmentHours")
        return self


class Triggers(_Part):
    """Which behavioural triggers may show (spec 3). A trigger that is on still shows only what holds."""

    urgency: bool = True
    scarcity: bool = True
    scarcity_below_stock: int = Field(10, ge=1, le=100)
    social_proof: bool = True
    free_shipping: bool = True
    loss_aversion: bool = True


class FlowConfig(_Part):
    """Spec 2 and decision 4. There is no respectUnsubscribe: it is always on (rules H-03).

    A published percentage may stand above a cap: the ledger gives the smaller of the two, so that lowering a cap is
    one change.
    """

    enabled: bool = True
    stages: Stages = Stages()
    max_attempts_per_cart: int = Field(10, ge=1, le=10, description="Messages of every channel, in all.")
    blackout_hours: BlackoutHours = BlackoutHours()
    offers: OfferPolicy = OfferPolicy()
    voice: Voice = Voice()
    triggers: Triggers = Triggers()

    @model_validator(mode="after")
    def skus_can_be_stored(self) -> Self:
        if any("\0" in sku or not 1 <= len(sku) <= 200 for sku in self.offers.excluded_skus):
            raise ValueError("offers.excludedSkus takes skus of 1 to 200 characters")
        return self

    def channels_of(self, stage: CartSaveStage) -> tuple[Channel, ...]:
        """What the stage wants to use. `voiceCallEnabled` (spec 2) says the same as VOICE among its channels."""
        wanted = self.stages.get(stage).channels
        if stage is CartSaveStage.NUCLEAR_OFFER and self.stages.nuclear_offer.voice_call_enabled:
            return tuple(dict.fromkeys((*wanted, Channel.VOICE)))
        return wanted

    def delay(self, stage: CartSaveStage) -> timedelta:
        return timedelta(minutes=self.stages.get(stage).delay_minutes)


# What a merchant starts from, in the OpenAPI document.
FlowConfig.model_config["json_schema_extra"] = {"example": FlowConfig().model_dump(mode="json", by_alias=True)}
FlowConfig.model_rebuild(force=True)
