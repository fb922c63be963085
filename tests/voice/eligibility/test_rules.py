"""Who may be called: each reason by example, and the whole against a reading of rules 2.3 of its own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.tables.policy import ContactVerdict
from recovery.config import FlowConfig
from voice.eligibility.rules import Facts, GateAnswer, evaluate, minimum_minor

NOW = datetime(2031, 3, 4, 19, 0, tzinfo=UTC)
DAY_ENDS = NOW + timedelta(hours=5)
ALLOW = GateAnswer(ContactVerdict.ALLOW)
GOOD = Facts(
    gate=ALLOW,
    has_carrier=True,
    has_name=True,
    is_holdout=False,
    stale=None,
    is_abandoned=True,
    abandoned_at=NOW - timedelta(hours=30),
    ordered=False,
    value_minor=100_00,
    currency="USD",
    shop_currency="USD",
    orders=0,
    lifetime_minor=0,
    emails=2,
    last_email_at=NOW - timedelta(hours=4),
    email_answered=False,
    last_call_at=None,
    calls_today=49,
    live_calls=9,
    day_ends_at=DAY_ENDS,
)


def config(**voice: Any) -> FlowConfig:
    return FlowConfig.model_validate({"voice": {"enabled": True, **voice}})


def test_who_meets_every_rule_just_so_is_called() -> None:
    found = evaluate(GOOD, config(), NOW)
    assert (found.eligible, found.reasons, found.until, found.facts) == (True, (), None, GOOD)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"has_carrier": False}, "NO_CARRIER"),
        ({"has_name": False}, "NO_NAME"),
        ({"is_holdout": True}, "HOLDOUT"),
        ({"stale": "FLOW_ENDED"}, "FLOW_ENDED"),
        ({"is_abandoned": False}, "NOT_ABANDONED"),
        ({"ordered": True}, "ORDERED"),
        ({"value_minor": 99_99}, "CART_TOO_SMALL"),
        ({"currency": "EUR"}, "NO_MINIMUM"),
        ({"emails": 1}, "TOO_FEW_EMAILS"),
        ({"email_answered": True}, "EMAIL_ANSWERED"),
        ({"abandoned_at": NOW - timedelta(hours=72, seconds=1)}, "TOO_LATE"),
        ({"gate": GateAnswer(ContactVerdict.BLOCK, None, ("NO_PEWC",))}, "NO_PEWC"),
    ],
)
def test_what_no_waiting_mends(change: dict[str, Any], reason: str) -> None:
    found = evaluate(replace(GOOD, **change), config(), NOW)
    assert (found.eligible, found.reasons, found.until) == (False, (reason,), None)


@pytest.mark.parametrize(
    ("change", "reason", "until"),
    [
        ({"abandoned_at": NOW - timedelta(hours=23)}, "TOO_EARLY", NOW + timedelta(hours=1)),
        ({"last_email_at": NOW - timedelta(hours=3)}, "EMAIL_TOO_RECENT", NOW + timedelta(hours=1)),
        ({"calls_today": 50}, "DAY_CAP", DAY_ENDS),
        ({"live_calls": 10}, "LINES_BUSY", NOW + timedelta(minutes=1)),
        ({"last_call_at": NOW - timedelta(days=6, hours=23)}, "CALLED_RECENTLY", NOW + timedelta(hours=1)),
        (
            {"gate": GateAnswer(ContactVerdict.DEFER, NOW + timedelta(hours=2), ("QUIET_HOURS",))},
            "QUIET_HOURS",
            NOW + timedelta(hours=2),
        ),
    ],
)
def test_what_waiting_mends(change: dict[str, Any], reason: str, until: datetime) -> None:
    found = evaluate(replace(GOOD, **change), config(), NOW)
    assert (found.reasons, found.until) == ((reason,), until)
    # And at that instant it is mended.
    if reason in ("TOO_EARLY", "EMAIL_TOO_RECENT", "CALLED_RECENTLY"):
        assert evaluate(replace(GOOD, **change), config(), until).eligible


def test_the_longest_wait_counts_and_what_outlasts_the_window_is_too_late() -> None:
    both = replace(GOOD, calls_today=50, last_email_at=NOW - timedelta(hours=1))
    assert evaluate(both, config(), NOW).until == DAY_ENDS
    weekend = GateAnswer(ContactVerdict.DEFER, NOW + timedelta(hours=43), ("QUIET_HOURS",))
    assert evaluate(replace(GOOD, gate=weekend), config(), NOW).reasons == ("QUIET_HOURS", "TOO_LATE")
    friday = GateAnswer(ContactVerdict.DEFER, NOW + timedelta(hours=42), ("QUIET_HOURS",))
    assert evaluate(replace(GOOD, gate=friday), config(), NOW).reasons == ("QUIET_HOURS",)


def test_switched_off_is_off() -> None:
    off = [
        FlowConfig(),
        FlowConfig.model_validate({"enabled": False, "voice": {"enabled": True}}),
        FlowConfig.model_validate({"voice": {"enabled": True}, "stages": {"nuclearOffer": {"enabled": False}}}),
    ]
    assert [evaluate(GOOD, each, NOW).reasons for each in off] == [("VOICE_OFF",)] * 3


def test_lifetime_value_and_first_purchase_count_when_the_merchant_says_so() -> None:
    asks = config(minCustomerLTV=200, excludeFirstTimeBuyers=True)
    assert evaluate(GOOD, asks, NOW).reasons == ("LTV_TOO_LOW", "FIRST_TIME_BUYER")
    assert evaluate(replace(GOOD, lifetime_minor=200_00, orders=1), asks, NOW).eligible


@pytest.mark.parametrize(
    ("voice", "stage", "currency", "shop", "minimum"),
    [
        ({}, {}, "USD", "USD", 100_00),
        ({"minCartValue": 80}, {}, "USD", "USD", 100_00),
        ({"minCartValue": 120}, {}, "USD", "USD", 120_00),
        ({"minCartValue": 80}, {"minCartValueForVoice": 50}, "USD", "USD", 80_00),
        ({}, {}, "JPY", "JPY", 100),
        ({}, {}, "KWD", "KWD", 100_000),
        ({}, {}, "EUR", "USD", None),
        ({"minCartValues": {"EUR": 90.5, "JPY": 15000}}, {}, "EUR", "USD", 90_50),
        ({"minCartValues": {"EUR": 90.5, "JPY": 15000}}, {}, "JPY", "USD", 15_000),
    ],
)
def test_the_least_value_is_told_in_each_currencys_own_units(
    voice: dict[str, Any], stage: dict[str, Any], currency: str, shop: str, minimum: int | None
) -> None:
    flow = FlowConfig.model_validate({"voice": voice, "stages": {"nuclearOffer": stage}})
    assert minimum_minor(flow, currency=currency, shop_currency=shop) == minimum


# Whole hours and small counts on purpose: they meet the edges.
hours = st.integers(-100, 100).map(lambda count: NOW + timedelta(hours=count))
gates = st.one_of(
    st.just(ALLOW),
    hours.map(lambda at: GateAnswer(ContactVerdict.DEFER, max(at, NOW), ("QUIET_HOURS",))),
    st.just(GateAnswer(ContactVerdict.BLOCK, None, ("SUPPRESSED",))),
)
facts = st.builds(
    Facts,
    gate=gates,
    has_carrier=st.booleans(),
    is_holdout=st.booleans(),
    stale=st.none() | st.just("FLOW_PAUSED"),
    is_abandoned=st.booleans(),
    has_name=st.booleans(),
    abandoned_at=st.none() | st.integers(20, 76).map(lambda count: NOW - timedelta(hours=count)),
    ordered=st.booleans(),
    value_minor=st.sampled_from([0, 99_99, 100_00, 200_00]),
    currency=st.sampled_from(["USD", "EUR"]),
    shop_currency=st.just("USD"),
    orders=st.integers(0, 2),
    lifetime_minor=st.sampled_from([0, 199_99, 200_00]),
    emails=st.integers(0, 3),
    last_email_at=st.none() | st.integers(0, 8).map(lambda count: NOW - timedelta(hours=count)),
    email_answered=st.booleans(),
    last_call_at=st.none() | st.integers(160, 176).map(lambda count: NOW - timedelta(hours=count)),
    calls_today=st.integers(0, 3),
    live_calls=st.integers(0, 3),
    day_ends_at=st.just(DAY_ENDS),
)
configs = st.builds(
    config,
    minCustomerLTV=st.sampled_from([0, 200]),
    excludeFirstTimeBuyers=st.booleans(),
    requireEmailAttempts=st.integers(0, 3),
    maxCallsPerDay=st.integers(0, 3),
    maxCallsAtOnce=st.integers(1, 3),
    minCartValues=st.sampled_from([{}, {"EUR": Decimal(100)}]),
)


@given(given=facts, flow=configs)
def test_eligible_is_exactly_what_the_rules_say(given: Facts, flow: FlowConfig) -> None:
    voice, age = flow.voice, None if given.abandoned_at is None else NOW - given.abandoned_at
    minimum = 100_00 if given.currency == "USD" or voice.min_cart_values else None
    expected = all(
        [
            given.gate.verdict == "ALLOW",
            given.has_carrier and not given.is_holdout and given.stale is None,
            given.is_abandoned and not given.ordered and given.has_name,
            minimum is not None and given.value_minor >= minimum,
            given.lifetime_minor >= voice.min_customer_ltv * 100,
            given.orders > 0 or not voice.exclude_first_time_buyers,
            given.emails >= voice.require_email_attempts and not given.email_answered,
            given.last_email_at is None or given.last_email_at <= NOW - timedelta(hours=4),
            age is None or timedelta(hours=24) <= age <= timedelta(hours=72),
            given.last_call_at is None or given.last_call_at <= NOW - timedelta(days=7),
            given.calls_today < voice.max_calls_per_day,
            given.live_calls < voice.max_calls_at_once,
        ]
    )
    found = evaluate(given, flow, NOW)
    assert found.eligible == expected
    assert set(given.gate.reasons) <= set(found.reasons)
    if found.until is not None:
        assert not found.eligible
        assert found.until > NOW or given.gate.until == NOW
        assert given.abandoned_at is None or found.until <= given.abandoned_at + timedelta(hours=72)
