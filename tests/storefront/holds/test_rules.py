from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from db.tables.catalogue import StockPolicy
from storefront.holds.rules import HoldPolicy, StockLevel, held, short_of
from tests.factories import NOW

minutes = st.integers(1, 120).map(lambda count: timedelta(minutes=count))
policies = st.builds(HoldPolicy, duration=minutes, limit=minutes)
variants = st.sampled_from([UUID(int=number) for number in range(4)])


@given(policy=policies, gaps=st.lists(st.integers(0, 90).map(lambda count: timedelta(minutes=count)), max_size=12))
def test_activity_renews_a_hold_up_to_its_limit(policy: HoldPolicy, gaps: list[timedelta]) -> None:
    until = policy.renewable_until(NOW)
    at, ends = NOW, policy.expires_at(NOW, renewable_until=until)
    assert ends == NOW + policy.duration  # nobody gets less than was announced
    for gap in gaps:
        if at + gap >= ends:
            break  # nobody came: it has expired, and nothing renews it
        at += gap
        renewed = policy.expires_at(at, renewable_until=until)
        assert renewed >= ends  # a countdown that was shown never gets shorter
        ends = renewed
    assert at < ends <= NOW + max(policy.limit, policy.duration)
    assert ends <= at + policy.duration


@given(
    wanted=st.dictionaries(variants, st.integers(1, 5)),
    stock=st.dictionaries(
        variants,
        st.builds(StockLevel, on_hand=st.integers(-2, 6), policy=st.sampled_from(StockPolicy), held=st.integers(0, 6)),
    ),
)
def test_what_others_hold_cannot_be_had(wanted: dict[UUID, int], stock: dict[UUID, StockLevel]) -> None:
    short = short_of(wanted, stock)
    for variant, quantity in wanted.items():
        level = stock.get(variant)
        # Give out one unit after the other for as long as there is one: the slow way to the same answer.
        free = 0 if level is None else level.on_hand - level.held
        endless = level is not None and level.policy in ("CONTINUE", "UNTRACKED")
        given_out = 0
        while given_out < quantity and (endless or given_out < free):
            given_out += 1
        if given_out == quantity:
            assert variant not in short
        else:
            assert short[variant] == given_out
    assert short.keys() <= wanted.keys()


def test_only_units_that_can_run_out_are_held() -> None:
    levels = {UUID(int=at): StockLevel(1, policy) for at, policy in enumerate(StockPolicy)}
    assert {levels[variant].policy for variant in held(levels)} == {StockPolicy.DENY}
