"""The shop in a browser: what leaves the page and when, and what the drawer says."""

import json
import re

import psycopg
import pytest
from playwright.sync_api import APIResponse, Page, Request, Route, expect

from db.embedded import EmbeddedServer, dsn

pytestmark = pytest.mark.browser

DRAWER = "momentum-cart-drawer"


def rows(database: EmbeddedServer, query: str) -> list[tuple[object, ...]]:
    """Read as the owner: what the shop stored, whatever the application says."""
    with psycopg.connect(dsn(database.owner_url)) as connection:
        return connection.execute(query).fetchall()


def put_in_cart(page: Page, base_url: str, handle: str) -> None:
    page.goto(f"{base_url}/shop/products/{handle}")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator(f"{DRAWER} .totals")).to_be_visible()


def contact_typed(page: Page, base_url: str) -> list[Request]:
    """Fill the contact form key by key; the requests made from then on."""
    put_in_cart(page, base_url, "signature-blend")
    page.goto(f"{base_url}/shop/checkout")
    expect(page.locator(".lines li")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - it must be a Python function
    page.get_by_label("Email", exact=True).press_sequentially("maya@example.com")
    page.get_by_label("First name").press_sequentially("Maya")
    page.get_by_label("First name").blur()
    return sent


def test_nothing_leaves_the_page_while_it_is_typed(page: Page, base_url: str, database: EmbeddedServer) -> None:
    sent = contact_typed(page, base_url)
    page.wait_for_load_state("networkidle")

    assert [request.url for request in sent] == []
    assert rows(database, "SELECT email FROM customers") == []


def test_an_unticked_box_gives_an_address_and_no_consent(page: Page, base_url: str, database: EmbeddedServer) -> None:
    sent = contact_typed(page, base_url)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("No emails about this cart.")).to_be_visible()

    (asked,) = [json.loads(request.post_data or "") for request in sent if request.url.endswith("/checkout")]
    assert asked["customer"]["consents"] == []
    assert rows(database, "SELECT email FROM customers") == [("maya@example.com",)]
    assert rows(database, "SELECT channel FROM consent_records") == []


def test_a_ticked_box_is_a_consent(page: Page, base_url: str, database: EmbeddedServer) -> None:
    contact_typed(page, base_url)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("We may email you about this cart.")).to_be_visible()

    found = rows(database, "SELECT channel, state, method, address FROM consent_records")
    assert found == [("EMAIL", "CONFIRMED", "WIDGET", "maya@example.com")]


def test_a_contact_form_that_cannot_be_used_is_not_sent(page: Page, base_url: str) -> None:
    put_in_cart(page, base_url, "beech-scoop")
    page.goto(f"{base_url}/shop/checkout")
    page.get_by_label("First name").fill("Maya")
    page.get_by_label("Email", exact=True).fill("maya at example")
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_text("Enter an email address such as name@example.com.")).to_be_visible()
    expect(page.get_by_label("Email", exact=True)).to_be_focused()


def test_an_item_leaves_at_once_and_comes_back_by_undo(page: Page, base_url: str, database: EmbeddedServer) -> None:
    put_in_cart(page, base_url, "beech-scoop")
    page.get_by_role("button", name="One more of Beech Scoop").click()
    expect(page.locator(f"{DRAWER} h2")).to_have_text("Your cart (2 items)")

    page.get_by_role("button", name="Remove Beech Scoop").click()
    expect(page.get_by_text("Beech Scoop removed.")).to_be_visible()
    assert rows(database, "SELECT sku FROM cart_lines") == []
    expect(page.get_by_role("button", name="Undo")).to_be_focused()

    page.keyboard.press("Enter")
    expect(page.locator(f"{DRAWER} h2")).to_have_text("Your cart (2 items)")
    assert rows(database, "SELECT sku, quantity FROM cart_lines") == [("WF-BSC", 2)]


def test_the_way_to_free_delivery_is_told_as_the_shop_counts_it(page: Page, base_url: str) -> None:
    put_in_cart(page, base_url, "beech-scoop")
    expect(page.get_by_text("Add $40.50 for free delivery. Otherwise it is $5.99.")).to_be_visible()
    expect(page.get_by_role("link", name="Checkout · $15.49")).to_be_visible()

    put_in_cart(page, base_url, "slow-tide-jar")
    page.get_by_role("button", name="One more of Beech Scoop").click()
    expect(page.get_by_text("Delivery is free for this order.")).to_be_visible()


def test_more_than_there_is_gets_a_sentence_and_changes_nothing(page: Page, base_url: str) -> None:
    page.goto(f"{base_url}/shop/products/kenya-nyeri")
    page.locator("input[name=quantity]").fill("3")
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("button", name="One more of Kenya").click()

    expect(page.locator(f"{DRAWER} .trouble")).to_contain_text("only 3 left")
    expect(page.locator(f"{DRAWER} h2")).to_have_text("Your cart (3 items)")


def test_escape_closes_the_drawer_and_gives_the_focus_back(page: Page, base_url: str) -> None:
    page.goto(f"{base_url}/shop")
    button = page.get_by_role("button", name="Cart", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing in here yet.")).to_be_visible()

    page.keyboard.press("Escape")

    expect(page.get_by_text("Nothing in here yet.")).to_be_hidden()
    expect(button).to_be_focused()


def test_the_shop_asks_nobody_else_for_anything(page: Page, base_url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{base_url}/shop")
    expect(page.locator(".card").first).to_be_visible()
    put_in_cart(page, base_url, "morning-mug")
    page.goto(f"{base_url}/shop/checkout")
    expect(page.locator(".lines li")).to_have_count(1)

    assert len(asked) > 20
    assert [url for url in asked if not url.startswith((base_url, "data:"))] == []


def test_an_answer_that_a_change_has_overtaken_changes_nothing(page: Page, base_url: str) -> None:
    put_in_cart(page, base_url, "beech-scoop")
    late: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if route.request.method == "GET":
            late.append((route, route.fetch()))
        else:
            route.continue_()

    page.route(re.compile(r"/api/momentum/carts/[^/]+$"), hold)
    with page.expect_request(re.compile(r"/api/momentum/carts/[^/]+$")):
        page.evaluate("dispatchEvent(new Event('momentum:open-cart'))")
    page.get_by_role("button", name="One more of Beech Scoop").click()
    expect(page.locator(f"{DRAWER} h2")).to_have_text("Your cart (2 items)")
    ((route, response),) = late
    with page.expect_event("requestfinished", lambda request: request == route.request):
        route.fulfill(response=response)

    page.get_by_role("button", name="Remove Beech Scoop").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(f"{DRAWER} h2")).to_have_text("Your cart (2 items)")
