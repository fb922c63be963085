"""The offer rules against an oracle that knows only sums of minor units."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from db.tables.policy import GrantKind, GrantSource
from db.tables.recovery import CartAbandonmentReason, CartSaveStage
from policy.offers.facts import GivenGrant, Intent, OfferFacts, OfferLine
from policy.offers.rules import Denied, DeniedCode, Keep, Proposed, benefit_of, decide
from policy.offers.schemas import OfferPolicy, Percentages

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
POLICY = OfferPolicy()
PRICE = Intent(GrantSource.CHAT, CartAbandonmentReason.TOO_EXPENSIVE)
DELIVERY = Intent(GrantSource.CHAT, CartAbandonmentReason.SHIPPING_COST)
CART = OfferFacts(
    now=NOW, currency="USD", lines=(OfferLine("beans", 2000, 3, unit_cost_minor=1200),), shipping_minor=599
)
CAPS = {GrantSource.CHAT: 10, GrantSource.VOICE: 30, GrantSource.UI: 10}
STAGE_CAPS = {CartSaveStage.BRANCHING_INTERVENTION: 15, CartSaveStage.NUCLEAR_OFFER: 30}


def given_grant(kind: GrantKind, percent: int | None, *, until: datetime = NOW + timedelta(hours=5)) -> GivenGrant:
    off = None if percent is None else Decimal(percent)
    return GivenGrant(UUID(int=7), kind, off, until - timedelta(hours=72), until)


def published(percent: int) -> Percentages:
    each = Decimal(percent)
    return Percentages(chat=each, branching=each, nuclear=each, voice=each, exit_intent=each)


def denied_code(decision: object) -> DeniedCode:
    assert isinstance(decision, Denied)
    return decision.code


def test_a_price_objection_gets_the_published_percentage() -> None:
    assert decide(PRICE, CART, POLICY) == Proposed(
        kind=GrantKind.PERCENTAGE_DISCOUNT,
        percent=Decimal("10.00"),
        benefit_minor=600,
        cap_percent=Decimal(10),
        expires_at=NOW + timedelta(hours=72),
        personalised=False,
        replaces=None,
    )


def test_a_shipping_objection_gets_free_shipping() -> None:
    decision = decide(DELIVERY, CART, POLICY)
    assert isinstance(decision, Proposed)
    assert (decision.kind, decision.percent, decision.benefit_minor) == (GrantKind.FREE_SHIPPING, None, 599)


@pytest.mark.parametrize(
    ("source", "stage", "percent"),
    [
        (GrantSource.CHAT, None, 10),
        (GrantSource.VOICE, None, 20),
        (GrantSource.UI, None, 10),
        (GrantSource.STAGE, CartSaveStage.BRANCHING_INTERVENTION, 10),
        (GrantSource.STAGE, CartSaveStage.NUCLEAR_OFFER, 20),
    ],
)
def test_each_occasion_has_its_published_percentage(
    source: GrantSource, stage: CartSaveStage | None, percent: int
) -> None:
    decision = decide(Intent(source, CartAbandonmentReason.TOO_EXPENSIVE, stage), CART, POLICY)
    assert isinstance(decision, Proposed)
    assert decision.percent == percent


@pytest.mark.parametrize("stage", set(CartSaveStage) - set(STAGE_CAPS))
def test_other_stages_offer_no_money(stage: CartSaveStage) -> None:
    intent = Intent(GrantSource.STAGE, CartAbandonmentReason.TOO_EXPENSIVE, stage)
    assert denied_code(decide(intent, CART, POLICY)) is DeniedCode.NOT_ELIGIBLE


@pytest.mark.parametrize(
    "reason",
    [*set(CartAbandonmentReason) - {CartAbandonmentReason.TOO_EXPENSIVE, CartAbandonmentReason.SHIPPING_COST}, None],
)
def test_other_reasons_get_no_money(reason: CartAbandonmentReason | None) -> None:
    assert denied_code(decide(replace(PRICE, reason=reason), CART, POLICY)) is DeniedCode.NOT_ELIGIBLE


def test_who_never_answered_gets_the_nuclear_offer_and_no_branch() -> None:
    nuclear = Intent(GrantSource.STAGE, None, CartSaveStage.NUCLEAR_OFFER)
    decision = decide(nuclear, CART, POLICY)
    assert isinstance(decision, Proposed)
    assert decision.percent == 20
    branch = replace(nuclear, stage=CartSaveStage.BRANCHING_INTERVENTION)
    assert denied_code(decide(branch, CART, POLICY)) is DeniedCode.NOT_ELIGIBLE


def test_a_lowered_cap_lowers_the_offer_and_zero_ends_it() -> None:
    low = OfferPolicy(caps=published(4))
    decision = decide(PRICE, CART, low)
    assert isinstance(decision, Proposed)
    assert (decision.percent, decision.cap_percent, decision.benefit_minor) == (Decimal(4), Decimal(4), 240)
    assert denied_code(decide(PRICE, CART, OfferPolicy(caps=published(0)))) is DeniedCode.CAP


@pytest.mark.parametrize(
    ("asked", "granted"), [("5", "5.00"), ("50", "10.00"), ("10", "10.00"), ("3.339", "3.33"), ("1e30", "10.00")]
)
def test_asking_can_only_lower_the_percentage(asked: str, granted: str) -> None:
    decision = decide(replace(PRICE, asked_percent=Decimal(asked)), CART, POLICY)
    assert isinstance(decision, Proposed)
    assert decision.percent == Decimal(granted)


@pytest.mark.parametrize("asked", ["0", "-5", "NaN", "Infinity", "-Infinity", "0.001", "sNaN"])
def test_asking_for_nonsense_gives_nothing(asked: str) -> None:
    decision = decide(replace(PRICE, asked_percent=Decimal(asked)), CART, POLICY)
    assert denied_code(decision) is DeniedCode.CAP


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"lines": ()}, DeniedCode.NO_ITEMS),
        ({"open": False}, DeniedCode.NOT_ELIGIBLE),
        ({"lines": (OfferLine("beans", 4, 1),)}, DeniedCode.NO_BENEFIT),
        ({"won_orders": 2}, DeniedCode.COOLDOWN),
        ({"last_incentive_at": NOW - timedelta(days=90) + timedelta(seconds=1)}, DeniedCode.COOLDOWN),
        ({"lines": (OfferLine("beans", 2000, 3, unit_cost_minor=1801),)}, DeniedCode.MARGIN),
    ],
)
def test_each_wall_has_its_reason(change: dict[str, object], code: DeniedCode) -> None:
    facts = replace(CART, **change)  # type: ignore[arg-type]  # the table of cases mixes field types
    decision = decide(PRICE, facts, POLICY)
    assert denied_code(decision) is code
    assert isinstance(decision, Denied)
    assert not any(character.isdigit() or character == "%" for character in decision.say)


def test_cooldown_ends_on_its_day_and_leaves_a_personal_price() -> None:
    for history in ({"last_incentive_at": NOW - timedelta(days=90)}, {"won_orders": 1}):
        decision = decide(PRICE, replace(CART, **history), POLICY)
        assert isinstance(decision, Proposed)
        assert decision.personalised is True


def test_cost_itself_is_the_default_floor() -> None:
    at_cost = replace(CART, lines=(OfferLine("beans", 6000, 1, unit_cost_minor=5400),))
    assert isinstance(decide(PRICE, at_cost, POLICY), Proposed)
    a_cent_below = replace(CART, lines=(OfferLine("beans", 6000, 1, unit_cost_minor=5401),))
    assert denied_code(decide(PRICE, a_cent_below, POLICY)) is DeniedCode.MARGIN
    assert denied_code(decide(PRICE, at_cost, OfferPolicy(margin_floor_percent=Decimal(1)))) is DeniedCode.MARGIN


def test_waived_shipping_counts_against_the_margin_or_else_the_cap() -> None:
    thin = replace(CART, lines=(OfferLine("beans", 2000, 1, unit_cost_minor=1500),))
    assert denied_code(decide(DELIVERY, thin, POLICY)) is DeniedCode.MARGIN
    unknown = replace(CART, lines=(OfferLine("beans", 5989, 1),))
    assert denied_code(decide(DELIVERY, replace(unknown, shipping_minor=600), POLICY)) is DeniedCode.CAP
    assert isinstance(decide(DELIVERY, unknown, POLICY), Proposed)
    assert denied_code(decide(DELIVERY, replace(CART, shipping_minor=0), POLICY)) is DeniedCode.NO_BENEFIT


def test_excluded_goods_are_left_out() -> None:
    lines = (OfferLine("beans", 2000, 1), OfferLine("gift-card", 5000, 1))
    policy = OfferPolicy(excluded_skus=frozenset({"gift-card"}))
    decision = decide(PRICE, replace(CART, lines=lines), policy)
    assert isinstance(decision, Proposed)
    assert decision.benefit_minor == 200
    only = replace(CART, lines=lines[1:])
    assert denied_code(decide(PRICE, only, policy)) is DeniedCode.EXCLUDED


def test_budgets_hold_by_currency() -> None:
    policy = OfferPolicy(daily_budget={"USD": Decimal("10.00")}, monthly_budget={"USD": Decimal(50)})
    assert isinstance(decide(PRICE, replace(CART, spent_day_minor=400, spent_month_minor=4400), policy), Proposed)
    assert denied_code(decide(PRICE, replace(CART, spent_day_minor=401), policy)) is DeniedCode.BUDGET
    assert denied_code(decide(PRICE, replace(CART, spent_month_minor=4401), policy)) is DeniedCode.BUDGET
    assert denied_code(decide(PRICE, replace(CART, currency="EUR"), policy)) is DeniedCode.BUDGET


def test_only_a_better_offer_replaces_the_live_one() -> None:
    ten = given_grant(GrantKind.PERCENTAGE_DISCOUNT, 10)
    live = replace(CART, live=ten)
    assert decide(PRICE, live, POLICY) == Keep(ten, DeniedCode.NO_BENEFIT)
    assert decide(DELIVERY, live, POLICY) == Keep(ten, DeniedCode.NO_BENEFIT)
    better = decide(Intent(GrantSource.VOICE, CartAbandonmentReason.TOO_EXPENSIVE), live, POLICY)
    assert isinstance(better, Proposed)
    assert (better.benefit_minor, better.replaces) == (1200, ten.id)


def test_a_replacement_never_ends_sooner_than_what_was_said() -> None:
    long = given_grant(GrantKind.PERCENTAGE_DISCOUNT, 10, until=NOW + timedelta(days=30))
    better = decide(Intent(GrantSource.VOICE, CartAbandonmentReason.TOO_EXPENSIVE), replace(CART, live=long), POLICY)
    assert isinstance(better, Proposed)
    assert better.expires_at == long.expires_at


def test_an_ended_offer_does_not_come_back_in_substance() -> None:
    ended = given_grant(GrantKind.PERCENTAGE_DISCOUNT, 10, until=NOW - timedelta(days=13))
    facts = replace(CART, ended=(ended,))
    no_cooldown = OfferPolicy(cooldown_days=0)
    assert denied_code(decide(PRICE, facts, no_cooldown)) is DeniedCode.ALREADY_OFFERED
    assert denied_code(decide(DELIVERY, facts, no_cooldown)) is DeniedCode.ALREADY_OFFERED
    nuclear = Intent(GrantSource.STAGE, None, CartSaveStage.NUCLEAR_OFFER)
    assert isinstance(decide(nuclear, facts, no_cooldown), Proposed)
    later = replace(facts, now=NOW + timedelta(days=1))
    assert isinstance(decide(PRICE, later, no_cooldown), Proposed)
    assert denied_code(decide(PRICE, later, POLICY)) is DeniedCode.ALREADY_OFFERED


lines_of_a_cart = st.lists(
    st.builds(
        OfferLine,
        sku=st.sampled_from(["a", "b", "c", "gift-card"]),
        unit_price_minor=st.integers(0, 20_000),
        quantity=st.integers(1, 9),
        unit_cost_minor=st.none() | st.integers(0, 20_000),
    ),
    max_size=5,
).map(tuple)
percents = st.decimals(0, 100, places=2)
tables = st.lists(percents, min_size=5, max_size=5).map(
    lambda each: Percentages(chat=each[0], branching=each[1], nuclear=each[2], voice=each[3], exit_intent=each[4])
)
policies = st.builds(
    OfferPolicy,
    published=tables,
    caps=tables,
    cooldown_days=st.integers(0, 120),
    daily_budget=st.none() | st.fixed_dictionaries({"USD": st.integers(0, 2_000).map(Decimal)}),
    monthly_budget=st.none(),
    margin_floor_percent=st.decimals(0, 60, places=1),
    offer_valid_hours=st.integers(1, 200),
    excluded_skus=st.just(frozenset({"gift-card"})),
)
intents = st.builds(
    Intent,
    source=st.sampled_from(GrantSource),
    reason=st.none() | st.sampled_from(CartAbandonmentReason),
    stage=st.none() | st.sampled_from(CartSaveStage),
    asked_percent=st.none() | st.decimals(),
)
grants = st.builds(
    lambda free, percent, hours: given_grant(
        GrantKind.FREE_SHIPPING if free else GrantKind.PERCENTAGE_DISCOUNT,
        None if free else percent,
        until=NOW + timedelta(hours=hours),
    ),
    st.booleans(),
    st.integers(1, 100),
    st.integers(-2_000, 200),
)
all_facts = st.builds(
    OfferFacts,
    now=st.just(NOW),
    currency=st.just("USD"),
    lines=lines_of_a_cart,
    shipping_minor=st.integers(0, 3_000),
    open=st.booleans(),
    live=st.none() | grants.filter(lambda grant: grant.expires_at > NOW),
    ended=st.lists(grants.filter(lambda grant: grant.expires_at <= NOW), max_size=2).map(tuple),
    last_incentive_at=st.none() | st.integers(0, 200).map(lambda days: NOW - timedelta(days=days)),
    won_orders=st.integers(0, 3),
    spent_day_minor=st.integers(0, 200_000),
)


def cap_of(intent: Intent, policy: OfferPolicy) -> Decimal:
    if intent.source is GrantSource.STAGE:
        nuclear = intent.stage is CartSaveStage.NUCLEAR_OFFER
        return policy.caps.nuclear if nuclear else policy.caps.branching
    return {
        GrantSource.CHAT: policy.caps.chat,
        GrantSource.VOICE: policy.caps.voice,
        GrantSource.UI: policy.caps.exit_intent,
    }[intent.source]


def worth(grant: GivenGrant, facts: OfferFacts) -> Fraction:
    if grant.percent is None:
        return Fraction(facts.shipping_minor)
    goods = sum(line.unit_price_minor * line.quantity for line in facts.lines if line.sku != "gift-card")
    return Fraction(goods) * Fraction(grant.percent) / 100


@given(intent=intents, facts=all_facts, policy=policies)
def test_whatever_is_granted_passes_no_wall(intent: Intent, facts: OfferFacts, policy: OfferPolicy) -> None:
    decision = decide(intent, facts, policy)
    if not isinstance(decision, Proposed):
        assert isinstance(decision, Denied) == (facts.live is None)
        return
    cap = cap_of(intent, policy)
    goods = sum(line.unit_price_minor * line.quantity for line in facts.lines)
    open_to_offers = sum(line.unit_price_minor * line.quantity for line in facts.lines if line.sku != "gift-card")
    assert decision.cap_percent == cap
    if decision.percent is not None:
        assert intent.reason in (CartAbandonmentReason.TOO_EXPENSIVE, None)
        assert 0 < decision.percent <= cap
        assert intent.asked_percent is None or decision.percent <= intent.asked_percent
        assert decision.benefit_minor <= Fraction(open_to_offers) * Fraction(cap) / 100 + Fraction(1, 2)
    else:
        assert intent.reason is CartAbandonmentReason.SHIPPING_COST
        assert decision.benefit_minor == facts.shipping_minor
    known = [line for line in facts.lines if line.unit_cost_minor is not None]
    if len(known) == len(facts.lines):
        income = goods - decision.benefit_minor
        cost = sum((line.unit_cost_minor or 0) * line.quantity for line in known)
        assert income - cost >= Fraction(policy.margin_floor_percent) / 100 * income
    else:
        assert decision.benefit_minor <= Fraction(goods) * Fraction(cap) / 100 + Fraction(1, 2)
    if policy.daily_budget is not None:
        assert facts.spent_day_minor + decision.benefit_minor <= policy.daily_budget["USD"] * 100
    assert facts.open
    assert facts.won_orders < 2
    if facts.last_incentive_at is not None:
        assert NOW - facts.last_incentive_at >= timedelta(days=policy.cooldown_days)


@given(intent=intents, facts=all_facts, policy=policies)
def test_offers_never_add_up(intent: Intent, facts: OfferFacts, policy: OfferPolicy) -> None:
    decision = decide(intent, facts, policy)
    if isinstance(decision, Proposed):
        assert decision.replaces == (None if facts.live is None else facts.live.id)
        if facts.live is not None:
            assert decision.benefit_minor > worth(facts.live, facts) - Fraction(1, 2)
            assert decision.expires_at >= facts.live.expires_at
    elif isinstance(decision, Keep):
        assert decision.existing is facts.live


@given(facts=all_facts, policy=policies, less=st.integers(0, 500), intent=intents)
def test_a_tighter_world_never_gives_more(facts: OfferFacts, policy: OfferPolicy, less: int, intent: Intent) -> None:
    def benefit(of: OfferFacts) -> int:
        decision = decide(intent, of, policy)
        return decision.benefit_minor if isinstance(decision, Proposed) else 0

    before = benefit(facts)
    dearer = tuple(
        line if line.unit_cost_minor is None else replace(line, unit_cost_minor=line.unit_cost_minor + less)
        for line in facts.lines
    )
    assert benefit(replace(facts, lines=dearer)) <= before
    assert benefit(replace(facts, spent_day_minor=facts.spent_day_minor + less)) <= before
    assert benefit(replace(facts, won_orders=facts.won_orders + 1)) <= before
    assert benefit(replace(facts, last_incentive_at=NOW)) <= before or policy.cooldown_days == 0


@given(percent=percents, facts=all_facts)
def test_benefit_is_within_half_a_unit_of_the_percentage(percent: Decimal, facts: OfferFacts) -> None:
    policy = OfferPolicy(excluded_skus=frozenset({"gift-card"}))
    exact = worth(replace(given_grant(GrantKind.PERCENTAGE_DISCOUNT, 1), percent=percent), facts)
    assert abs(benefit_of(GrantKind.PERCENTAGE_DISCOUNT, percent, facts, policy) - exact) <= Fraction(1, 2)


def test_policy_reads_the_json_of_the_flow_config() -> None:
    policy = OfferPolicy.model_validate(
        {"caps": {"chat": 5, "branching": 15, "nuclear": 25.5, "voice": 30, "exitIntent": 0}, "cooldownDays": 30}
    )
    assert (policy.caps.chat, policy.caps.nuclear, policy.published.chat) == (Decimal(5), Decimal("25.5"), Decimal(10))
    dumped = policy.model_dump(mode="json", by_alias=True)
    assert dumped["caps"]["nuclear"] == 25.5
    assert (dumped["published"]["exitIntent"], dumped["marginFloorPercent"], dumped["dailyBudget"]) == (10, 0, None)
    assert OfferPolicy.model_validate(dumped) == policy


@pytest.mark.parametrize(
    "config",
    [
        {"caps": {"chat": 101, "branching": 1, "nuclear": 1, "voice": 1, "exitIntent": 1}},
        {"cooldownDays": -1},
        {"dailyBudget": {"XXX": 5}},
        {"dailyBudget": {"USD": "0.001"}},
        {"marginFloorPercent": 100},
        {"offerValidHours": 0},
        {"respectUnsubscribe": False},
    ],
)
def test_policy_refuses_what_it_cannot_mean(config: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OfferPolicy.model_validate(config)
