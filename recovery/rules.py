"""When each of the seven stages runs, as pure functions (spec 2). Delays count from abandonment."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from db.tables.recovery import CartAbandonmentReason, CartSaveOutcome, CartSaveStage
from recovery.config import FlowConfig

ORDER = tuple(CartSaveStage)
# Spec 2: "5 emails over 14 days".
WINBACK_SPAN = timedelta(days=14)
# A stage that ran late (quiet hours, an outage) pushes the next one away, so that two never arrive together.
LEAST_SPACING = timedelta(hours=4)
# A stage that ran within this of its instant ran in time: the seconds of its work move nothing.
IN_TIME = timedelta(minutes=1)
# An order is credited to a touch of the last 72 hours (rules 2.4): the attempt stays open that long after its end.
CREDIT_WINDOW = timedelta(hours=72)


@dataclass(frozen=True)
class Step:
    """A stage and the instant that it is due. `sequence` counts the emails of the winback sequence from 1."""

    stage: CartSaveStage
    sequence: int
    due_at: datetime


def first_step(config: FlowConfig, *, abandoned_at: datetime) -> Step | None:
    """The first enabled stage; None when all are off."""
    for stage in ORDER:
        if config.stages.get(stage).enabled:
            return Step(stage, 1, abandoned_at + config.delay(stage))
    return None


def next_step(
    config: FlowConfig,
    *,
    stage: CartSaveStage,
    sequence: int,
    abandoned_at: datetime,
    contacted_at: datetime | None,
) -> Step | None:
    """What follows `stage`, or None when the flow is exhausted.

    Due at its delay from abandonment, or later so that it keeps a distance from `contacted_at`, the last
    contact: the configured distance between the two stages, at most `LEAST_SPACING`.
    """
    if stage is CartSaveStage.WINBACK_SEQUENCE and sequence < config.stages.winback_sequence.sequence_length:
        following = Step(stage, sequence + 1, abandoned_at + winback_delay(config, sequence + 1))
    else:
        later = [each for each in ORDER[ORDER.index(stage) + 1 :] if config.stages.get(each).enabled]
        if not later:
            return None
        following = Step(later[0], 1, abandoned_at + config.delay(later[0]))
    if contacted_at is None:
        return following
    planned = following.due_at - abandoned_at - delay_of(config, stage, sequence)
    spaced = contacted_at + min(max(planned, timedelta()), LEAST_SPACING)
    due_at = following.due_at if spaced <= following.due_at + IN_TIME else spaced
    return Step(following.stage, following.sequence, due_at)


def winback_delay(config: FlowConfig, sequence: int) -> timedelta:
    """Delay of the nth winback email: the sequence is spread evenly over 14 days."""
    length = config.stages.winback_sequence.sequence_length
    between = WINBACK_SPAN / (length - 1) if length > 1 else timedelta()
    return config.delay(CartSaveStage.WINBACK_SEQUENCE) + (sequence - 1) * between


def delay_of(config: FlowConfig, stage: CartSaveStage, sequence: int) -> timedelta:
    if stage is CartSaveStage.WINBACK_SEQUENCE:
        return winback_delay(config, sequence)
    return config.delay(stage)


def answer_moves_to_branch(config: FlowConfig, stage: CartSaveStage) -> bool:
    """Whether a diagnosis given while `stage` waits brings the branch forward: not once it is behind us."""
    branch = CartSaveStage.BRANCHING_INTERVENTION
    return config.stages.branching_intervention.enabled and ORDER.index(stage) <= ORDER.index(branch)


def outcome_of_order(*, credited: bool, discounted: bool) -> CartSaveOutcome:
    """An order credited to a touch was saved, with or without a discount; another one just converted."""
    if not credited:
        return CartSaveOutcome.CONVERTED
    return CartSaveOutcome.SAVED_WITH_DISCOUNT if discounted else CartSaveOutcome.SAVED_WITHOUT_DISCOUNT


def is_credited(*, touched_at: datetime | None, ordered_at: datetime) -> bool:
    """A click, reply or answered call within 72 hours before the order earns the credit (rules 2.4)."""
    return touched_at is not None and timedelta() <= ordered_at - touched_at <= CREDIT_WINDOW


def offer_reason(stage: CartSaveStage, diagnosis: CartAbandonmentReason | None) -> CartAbandonmentReason | None:
    """For what the stage may ask the offer ledger; None: this stage gives no money."""
    if stage is CartSaveStage.BRANCHING_INTERVENTION:
        return diagnosis
    if stage is CartSaveStage.NUCLEAR_OFFER:
        return diagnosis if diagnosis is CartAbandonmentReason.SHIPPING_COST else CartAbandonmentReason.TOO_EXPENSIVE
    return None
