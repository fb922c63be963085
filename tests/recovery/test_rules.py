from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from db.tables.recovery import CartAbandonmentReason, CartSaveOutcome, CartSaveStage
from recovery import rules
from recovery.config import FlowConfig

ABANDONED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DEFAULT = FlowConfig()
NAMES = {
    "browseReminder": CartSaveStage.BROWSE_REMINDER,
    "patternInterrupt": CartSaveStage.PATTERN_INTERRUPT,
    "diagnosisSurvey": CartSaveStage.DIAGNOSIS_SURVEY,
    "branchingIntervention": CartSaveStage.BRANCHING_INTERVENTION,
    "nuclearOffer": CartSaveStage.NUCLEAR_OFFER,
    "lossVisualization": CartSaveStage.LOSS_VISUALIZATION,
    "winbackSequence": CartSaveStage.WINBACK_SEQUENCE,
}


def walk(config: FlowConfig, lateness: list[timedelta]) -> list[tuple[rules.Step, datetime]]:
    """Run the whole flow, each stage as late as told; the steps and when they ran."""
    ran: list[tuple[rules.Step, datetime]] = []
    step = rules.first_step(config, abandoned_at=ABANDONED)
    while step is not None:
        at = step.due_at + (lateness[len(ran) % len(lateness)] if lateness else timedelta())
        ran.append((step, at))
        step = rules.next_step(
            config, stage=step.stage, sequence=step.sequence, abandoned_at=ABANDONED, contacted_at=at
        )
    return ran


def test_the_default_flow_runs_at_the_delays_of_the_spec() -> None:
    hours = [(step.stage, (at - ABANDONED) / timedelta(hours=1)) for step, at in walk(DEFAULT, [])]
    assert hours == [
        (CartSaveStage.BROWSE_REMINDER, 0.25),
        (CartSaveStage.PATTERN_INTERRUPT, 1),
        (CartSaveStage.DIAGNOSIS_SURVEY, 3),
        (CartSaveStage.BRANCHING_INTERVENTION, 6),
        (CartSaveStage.NUCLEAR_OFFER, 24),
        (CartSaveStage.LOSS_VISUALIZATION, 48),
        *((CartSaveStage.WINBACK_SEQUENCE, 72 + 84 * email) for email in range(5)),
    ]


def configs() -> st.SearchStrategy[dict[str, object]]:
    """Random valid configs as a merchant would send them: increasing delays, some stages off."""
    return st.builds(
        lambda gaps, enabled, length: {
            "stages": {
                name: {
                    "delayMinutes": sum(gaps[: place + 1]),
                    "enabled": on,
                    **({"sequenceLength": length} if name == "winbackSequence" else {}),
                }
                for place, (name, on) in enumerate(zip(NAMES, enabled, strict=True))
            }
        },
        st.lists(st.integers(1, 3000), min_size=7, max_size=7),
        st.lists(st.booleans(), min_size=7, max_size=7),
        st.integers(1, 10),
    )


@given(raw=configs(), late=st.lists(st.integers(0, 2000).map(lambda m: timedelta(minutes=m)), max_size=5))
def test_stages_run_once_in_order_never_early_and_never_together(
    raw: dict[str, dict[str, dict[str, int]]], late: list[timedelta]
) -> None:
    config = FlowConfig.model_validate(raw)
    ran = walk(config, late)
    expected: list[tuple[CartSaveStage, int, timedelta]] = []
    for name, stage in NAMES.items():
        part = raw["stages"][name]
        if not part["enabled"]:
            continue
        for email in range(1, part.get("sequenceLength", 1) + 1):
            spread = timedelta(days=14) * (email - 1) / max(part.get("sequenceLength", 1) - 1, 1)
            expected.append((stage, email, timedelta(minutes=part["delayMinutes"]) + spread))
    assert [(step.stage, step.sequence) for step, _ in ran] == [(stage, email) for stage, email, _ in expected]
    previous_at, previous_delay = None, timedelta()
    for (step, at), (_, _, delay) in zip(ran, expected, strict=True):
        assert step.due_at >= ABANDONED + delay
        if previous_at is None:
            assert step.due_at == ABANDONED + delay
        else:
            # No shorter than planned between the two, or four hours where more was planned; and no needless wait.
            apart = previous_at + min(delay - previous_delay, timedelta(hours=4))
            in_time = apart <= ABANDONED + delay + timedelta(minutes=1)
            assert step.due_at == (ABANDONED + delay if in_time else apart)
        previous_at, previous_delay = at, delay


@pytest.mark.parametrize(("seconds", "moved_s"), [(0, 0), (2, 0), (60, 0), (61, 61), (3600, 3600)])
def test_the_seconds_that_a_stage_took_do_not_move_the_next_one(seconds: int, moved_s: int) -> None:
    ran_at = ABANDONED + timedelta(minutes=60, seconds=seconds)
    step = rules.next_step(
        DEFAULT, stage=CartSaveStage.PATTERN_INTERRUPT, sequence=1, abandoned_at=ABANDONED, contacted_at=ran_at
    )
    due_at = ABANDONED + timedelta(minutes=180, seconds=moved_s)
    assert step == rules.Step(CartSaveStage.DIAGNOSIS_SURVEY, 1, due_at)


def test_a_stage_that_contacted_nobody_does_not_push_the_next_one_away() -> None:
    step = rules.next_step(
        DEFAULT, stage=CartSaveStage.BROWSE_REMINDER, sequence=1, abandoned_at=ABANDONED, contacted_at=None
    )
    assert step == rules.Step(CartSaveStage.PATTERN_INTERRUPT, 1, ABANDONED + timedelta(hours=1))


@pytest.mark.parametrize(
    ("stage", "moves"),
    [
        (CartSaveStage.DIAGNOSIS_SURVEY, True),
        (CartSaveStage.BRANCHING_INTERVENTION, True),
        (CartSaveStage.NUCLEAR_OFFER, False),
        (CartSaveStage.WINBACK_SEQUENCE, False),
    ],
)
def test_an_answer_moves_the_flow_until_the_branch_is_behind(stage: CartSaveStage, moves: bool) -> None:
    assert rules.answer_moves_to_branch(DEFAULT, stage) is moves


@pytest.mark.parametrize(
    ("hours", "credited"), [(None, False), (0, True), (72, True), (72.001, False), (-0.001, False)]
)
def test_credit_ends_after_72_hours(hours: float | None, credited: bool) -> None:
    touched = None if hours is None else ABANDONED - timedelta(hours=hours)
    assert rules.is_credited(touched_at=touched, ordered_at=ABANDONED) is credited


def test_outcomes_follow_the_credit() -> None:
    assert rules.outcome_of_order(credited=False, discounted=True) is CartSaveOutcome.CONVERTED
    assert rules.outcome_of_order(credited=True, discounted=True) is CartSaveOutcome.SAVED_WITH_DISCOUNT
    assert rules.outcome_of_order(credited=True, discounted=False) is CartSaveOutcome.SAVED_WITHOUT_DISCOUNT


@pytest.mark.parametrize(
    ("stage", "diagnosis", "reason"),
    [
        (CartSaveStage.PATTERN_INTERRUPT, CartAbandonmentReason.TOO_EXPENSIVE, None),
        (CartSaveStage.BRANCHING_INTERVENTION, None, None),
        (
            CartSaveStage.BRANCHING_INTERVENTION,
            CartAbandonmentReason.SHIPPING_COST,
            CartAbandonmentReason.SHIPPING_COST,
        ),
        (CartSaveStage.NUCLEAR_OFFER, None, CartAbandonmentReason.TOO_EXPENSIVE),
        (CartSaveStage.NUCLEAR_OFFER, CartAbandonmentReason.SHIPPING_COST, CartAbandonmentReason.SHIPPING_COST),
        (CartSaveStage.WINBACK_SEQUENCE, CartAbandonmentReason.TOO_EXPENSIVE, None),
    ],
)
def test_only_branch_and_nuclear_ask_for_money(
    stage: CartSaveStage, diagnosis: CartAbandonmentReason | None, reason: CartAbandonmentReason | None
) -> None:
    assert rules.offer_reason(stage, diagnosis) is reason


@pytest.mark.parametrize(
    "bad",
    [
        {"stages": {"patternInterrupt": {"delayMinutes": 10}}},
        {"stages": {"patternInterrupt": {"channels": []}}},
        {"stages": {"patternInterrupt": {"channels": ["EMAIL", "EMAIL"]}}},
        {"stages": {"browseReminder": {"channels": ["EMAIL"]}}},
        {"offers": {"excludedSkus": ["a\0b"]}},
        {"stages": {"nuclearOffer": {"maxDiscountPercent": 101}}},
        {"blackoutHours": {"start": 24, "end": 8}},
        {"maxAttemptsPerCart": 11},
        {"respectUnsubscribe": False},
    ],
)
def test_a_config_that_cannot_hold_is_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FlowConfig.model_validate(bad)


def test_a_config_survives_its_own_json() -> None:
    assert FlowConfig.model_validate_json(DEFAULT.model_dump_json(by_alias=True)) == DEFAULT
