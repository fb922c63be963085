from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storefront.carts.rules import (
    IdleFacts,
    IdlePolicy,
    InvalidQuantity,
    check_quantity,
    idle_due_at,
    line_name,
    rescaled,
    started_since,
)
from tests.factories import NOW

# Whole minutes, so that "at the same moment" happens often.
moments = st.integers(-90, 90).map(lambda minutes: NOW + timedelta(minutes=minutes))
facts = st.builds(
    IdleFacts,
    last_activity_at=moments,
    checkout_started_at=st.none() | moments,
    abandoned_at=st.none() | moments,
    item_count=st.integers(0, 3),
    reachable=st.booleans(),
    ordered=st.booleans(),
)
policies = st.builds(
    IdlePolicy,
    cart=st.integers(1, 60).map(lambda minutes: timedelta(minutes=minutes)),
    checkout=st.integers(1, 60).map(lambda minutes: timedelta(minutes=minutes)),
)


@given(facts=facts, policy=policies)
def test_a_cart_is_abandoned_when_it_was_left_alone_and_could_be_won_back(facts: IdleFacts, policy: IdlePolicy) -> None:
    due = idle_due_at(facts, policy)
    can_be = facts.item_count > 0 and facts.reachable and not facts.ordered
    assert (due is not None) == can_be
    if due is None:
        return
    # The idle time is counted from the last activity to the second, by whoever looks and whenever.
    waited = due - facts.last_activity_at
    if facts.checkout_started_at is None:
        assert waited == policy.cart
    elif facts.abandoned_at is None or facts.abandoned_at < facts.checkout_started_at:
        assert waited == policy.checkout
    else:
        assert waited == policy.cart


@given(facts=facts, later=st.integers(1, 600))
def test_activity_moves_the_end_by_exactly_as_much(facts: IdleFacts, later: int) -> None:
    moved = IdleFacts(
        last_activity_at=facts.last_activity_at + timedelta(seconds=later),
        checkout_started_at=facts.checkout_started_at,
        abandoned_at=facts.abandoned_at,
        item_count=facts.item_count,
        reachable=facts.reachable,
        ordered=facts.ordered,
    )
    before, after = idle_due_at(facts, IdlePolicy()), idle_due_at(moved, IdlePolicy())
    assert (before is None) == (after is None)
    assert before is None or after == before + timedelta(seconds=later)


def test_the_default_is_half_an_hour_and_ten_minutes_in_the_checkout() -> None:
    browsing = IdleFacts(NOW, None, None, item_count=1, reachable=True, ordered=False)
    paying = IdleFacts(NOW, NOW, None, item_count=1, reachable=True, ordered=False)
    assert idle_due_at(browsing, IdlePolicy()) == NOW + timedelta(minutes=30)
    assert idle_due_at(paying, IdlePolicy()) == NOW + timedelta(minutes=10)


def test_who_comes_back_after_leaving_the_checkout_is_in_the_cart_again() -> None:
    assert started_since(NOW, None)
    assert not started_since(NOW, NOW)
    assert not started_since(NOW, NOW + timedelta(minutes=10))
    assert started_since(NOW + timedelta(minutes=11), NOW + timedelta(minutes=10))
    assert not started_since(None, None)


@pytest.mark.parametrize("quantity", [1, 2, 999])
def test_a_quantity_is_taken(quantity: int) -> None:
    assert check_quantity(quantity) == quantity


@pytest.mark.parametrize("quantity", [-1, 0, 1000, 10**12])
def test_a_quantity_is_refused(quantity: int) -> None:
    with pytest.raises(InvalidQuantity) as refused:
        check_quantity(quantity)
    assert (refused.value.status, refused.value.detail) == (422, "A cart takes 1 to 999 of an item.")


@example(unit=0, spare=0, was=1, now=999)
@given(unit=st.integers(0, 10_000), spare=st.integers(0, 998), was=st.integers(1, 999), now=st.integers(1, 999))
def test_a_markdown_grows_and_shrinks_with_its_line(unit: int, spare: int, was: int, now: int) -> None:
    discount = unit * was + spare % was
    changed = rescaled(discount, was=was, now=now)
    # Per piece it stays what it was to less than a minor unit, and the shopper's price is never below it.
    assert unit * now <= changed <= (unit + 1) * now
    assert changed * was <= discount * now < (changed + 1) * was
    assert rescaled(discount, was=was, now=was) == discount


def test_a_line_says_which_variant_it_is() -> None:
    assert line_name("Signature Blend", "2 lb") == "Signature Blend – 2 lb"
    assert line_name("Steel Cone Filter", "") == "Steel Cone Filter"
