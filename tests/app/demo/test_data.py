"""The demo shop's content agrees with itself: FAQ with rules, orders with catalogue, pictures with products."""

import csv
import json
import re
from collections import Counter
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import pytest

from db.tables.customers import ConsentChannel
from knowledge.markdown import markdown_rows

DATA = Path(__file__).parents[3] / "app" / "demo" / "data"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


def loaded(name: str) -> Any:  # JSON
    return json.loads((DATA / name).read_text())


PRODUCTS = rows("products.csv")
CUSTOMERS = rows("customers.csv")
SKUS = {row["Variant SKU"]: Decimal(row["Variant Price"]) for row in PRODUCTS}
SHOP = loaded("shop.json")
FAQ = {row.fields["question"]: row.fields["answer"] for row in markdown_rows((DATA / "faq.md").read_text())}


def test_the_catalogue_is_a_shop() -> None:
    products = [row for row in PRODUCTS if row["Title"]]

    assert len(products) >= 28
    assert len({row["Type"] for row in products}) >= 5
    assert len({row["Handle"] for row in products}) == len(products)
    assert len(SKUS) == len(PRODUCTS) > len(products)
    assert all(row["Body (HTML)"].startswith("<p>") for row in products)


def test_rows_of_a_product_stand_together() -> None:
    handles = [row["Handle"] for row in PRODUCTS]
    changes = sum(before != after for before, after in pairwise(handles))

    assert changes == len(set(handles)) - 1


def test_every_physical_variant_knows_its_cost_and_sells_above_it() -> None:
    for row in PRODUCTS:
        if row["Variant Requires Shipping"] == "true":
            assert Decimal(0) < Decimal(row["Cost per item"]) < Decimal(row["Variant Price"]), row["Variant SKU"]
            assert int(row["Variant Inventory Qty"]) >= 0


def test_every_picture_is_drawn_and_every_drawing_is_used() -> None:
    shown = {row[column] for row in PRODUCTS for column in ("Image Src", "Variant Image") if row[column]}

    assert shown == {f"/shop/art/{name}.svg" for name in loaded("art.json")}


def test_the_faq_is_long_enough_and_every_entry_has_an_answer() -> None:
    found = list(markdown_rows((DATA / "faq.md").read_text()))

    assert len(found) == len(FAQ) >= 45
    assert [row for row in found if row.problem or not row.fields["answer"]] == []
    assert len({row.fields["category"] for row in found}) >= 6


def test_the_faq_names_the_shops_own_delivery_price() -> None:
    (rate,) = SHOP["shipping_rates"]
    amounts = {f"${rate['amount']}", f"${rate['free_from']}"}

    for question in ("How much is shipping?", "What's the shipping cost to my area?"):
        assert set(re.findall(r"\$\d+\.\d\d", FAQ[question])) == amounts
    assert set(re.findall(r"\$\d+\.\d\d", FAQ["How do I get free shipping?"])) == {f"${rate['free_from']}"}


@pytest.mark.parametrize(
    ("question", "phrase", "policy"),
    [
        ("What's your return policy?", "{} days", "returns_days"),
        ("My order arrived damaged. What should I do?", "{} days", "returns_days"),
        ("When do I get my refund?", "{} working days", "refund_working_days"),
        ("Can I change my order after placing it?", "{} hours", "order_change_hours"),
        ("Can I cancel my order?", "{} hours", "order_change_hours"),
        ("What warranty do you give?", "{} months", "warranty_months"),
        ("When will my order leave the roastery?", "{} working days", "dispatch_working_days"),
        ("How long is my cart kept?", "{} minutes", "cart_hold_minutes"),
        ("How long is my cart kept?", "{} days", "cart_link_days"),
        ("Do you sell wholesale?", "{} lb", "wholesale_minimum_lb"),
    ],
)
def test_the_faq_agrees_with_the_shops_policies(question: str, phrase: str, policy: str) -> None:
    assert phrase.format(SHOP["policies"][policy]) in FAQ[question]


def test_the_faq_names_each_payment_method_country_and_delivery_time() -> None:
    assert [m for m in SHOP["payment_methods"] if m not in FAQ["Which payment methods do you accept?"]] == []
    countries = FAQ["Which countries do you ship to?"]
    assert [c["name"] for c in SHOP["countries"] if c["name"] not in countries] == []
    for zone in SHOP["delivery"]:
        assert zone["working_days"] in FAQ["How long does delivery take?"]
    assert sorted(code for zone in SHOP["delivery"] for code in zone["countries"]) == sorted(
        country["code"] for country in SHOP["countries"]
    )


def test_gift_cards_cost_what_the_faq_says() -> None:
    prices = {f"${row['Variant Price']}" for row in PRODUCTS if row["Handle"] == "gift-card"}

    assert set(re.findall(r"\$\d+\.\d\d", FAQ["How do gift cards work?"])) == prices


def test_customers_are_invented_and_cover_each_consent_with_and_without() -> None:
    assert all(row["email"].endswith("@example.com") for row in CUSTOMERS)
    assert len({row["email"] for row in CUSTOMERS}) == len(CUSTOMERS)
    assert {row["timezone"] for row in CUSTOMERS} <= available_timezones()
    given = Counter(consent for row in CUSTOMERS for consent in row["consents"].split(";") if consent)
    assert set(given) == set(ConsentChannel)
    assert all(count < len(CUSTOMERS) for count in given.values())


def test_phone_numbers_are_reserved_for_fiction() -> None:
    phones = [row["phone"] for row in CUSTOMERS if row["phone"]]

    assert [p for p in phones if not re.fullmatch(r"\+1\d{3}55501\d\d|\+447700900\d{3}", p)] == []


def test_orders_are_of_known_people_and_things_and_show_what_goes_together() -> None:
    orders = loaded("orders.json")
    people = {row["email"] for row in CUSTOMERS}

    assert len(orders) >= 40
    assert len({order["order_id"] for order in orders}) == len(orders)
    assert {order["customer"] for order in orders} <= people
    assert {item["sku"] for order in orders for item in order["items"]} <= set(SKUS)
    assert all(order["days_ago"] > 0 and order["items"] for order in orders)
    baskets = [{item["sku"] for item in order["items"]} for order in orders]
    assert sum({"WF-FLK-CHALK", "WF-PPF-2"} <= basket for basket in baskets) >= 10


def test_a_bundle_costs_less_than_its_parts() -> None:
    for bundle in loaded("bundles.json"):
        parts = sum(SKUS[item["sku"]] * item["quantity"] for item in bundle["items"])
        assert Decimal(bundle["price"]) < parts, bundle["name"]


def test_reviews_are_of_products() -> None:
    reviews = loaded("reviews.json")

    assert {review["handle"] for review in reviews} <= {row["Handle"] for row in PRODUCTS}
    assert {review["rating"] for review in reviews} <= {1, 2, 3, 4, 5}
    assert any(not review["verified_purchase"] for review in reviews)
