from itertools import combinations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from storefront.upsells.rules import Candidate, UpsellReason, rank


def candidate(number: int, product: int, together: int, sold: int) -> Candidate:
    return Candidate(
        variant_id=UUID(int=number),
        product_id=UUID(int=product),
        sku=f"SKU-{number:03}",
        name="",
        unit_price_minor=100,
        image_url=None,
        orders_together=together,
        units_sold=sold,
    )


candidates = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)), max_size=9).map(
    lambda rows: [candidate(number, *row) for number, row in enumerate(rows)]
)


def goes_before(one: Candidate, other: Candidate) -> bool:
    if one.orders_together != other.orders_together:
        return one.orders_together > other.orders_together
    if one.units_sold != other.units_sold:
        return one.units_sold > other.units_sold
    return one.sku < other.sku


@given(candidates=candidates, limit=st.integers(0, 5), order=st.randoms(use_true_random=False))
def test_the_best_of_each_product_in_order_whatever_the_database_says_first(candidates, limit, order) -> None:  # type: ignore[no-untyped-def]  # hypothesis fills them in
    ranked = rank(candidates, limit=limit)
    products = {each.product_id for each in candidates}
    assert len(ranked) == min(limit, len(products))
    assert all(goes_before(first, second) for first, second in combinations(ranked, 2))
    chosen = {each.product_id for each in ranked}
    for each in candidates:
        if each in ranked:
            continue
        beaten_by = [other for other in ranked if goes_before(other, each)]
        # Left out for a better variant of its product, or because everything that was taken is better.
        assert any(other.product_id == each.product_id for other in beaten_by) or (
            each.product_id not in chosen and len(beaten_by) == len(ranked) == limit
        )
    order.shuffle(candidates)
    assert rank(candidates, limit=limit) == ranked


def test_the_reason_says_no_more_than_what_was_bought() -> None:
    assert candidate(1, 1, 2, 9).reason is UpsellReason.BOUGHT_TOGETHER
    assert candidate(1, 1, 0, 9).reason is UpsellReason.CATEGORY_BESTSELLER
    assert candidate(1, 1, 0, 0).reason is UpsellReason.SAME_CATEGORY
