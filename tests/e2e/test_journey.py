"""The whole way in a browser: a cart is talked to, lost, won back and paid for, and the merchant reads why."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.demo import Demo, running_demo
from tests.e2e.test_storefront import put_in_cart

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

SLOW_MS = 120_000
EMAIL = "nora.fielding@example.com"


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with running_demo() as demo:
        yield demo


def ask(page: Page, words: str) -> None:
    """Say it in the chat and wait until the answer has ended."""
    answers = page.locator("momentum-chat li.theirs")
    before = answers.count()
    page.get_by_label("Your question").fill(words)
    page.keyboard.press("Enter")
    expect(answers).to_have_count(before + 1, timeout=SLOW_MS)
    expect(page.locator("momentum-chat .log")).to_have_attribute("aria-busy", "false", timeout=SLOW_MS)


def answer(page: Page) -> str:
    return page.locator("momentum-chat li.theirs").last.inner_text()


def fill_contact(page: Page, *, consent: bool) -> None:
    page.get_by_label("Email", exact=True).fill(EMAIL)
    page.get_by_label("First name").fill("Nora")
    page.get_by_role("checkbox").set_checked(consent)
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-payment]")).to_be_visible()


def move_clock(page: Page, label: str) -> str:
    """Press a button of the time control; what it says when all that became due has been done."""
    page.get_by_role("button", name=label).click()
    said = page.locator("[data-said]")
    expect(said).to_contain_text("message", timeout=SLOW_MS)
    return said.inner_text()


def test_a_cart_is_talked_to_lost_won_back_and_paid_for(page: Page, demo: Demo) -> None:
    fill_a_cart_and_ask(page, demo)
    fill_contact(page, consent=True)

    page.goto(f"{demo.base_url}/outbox")
    move_clock(page, "+1 day")
    cart_id = read_the_message(page, demo)
    follow_the_link_and_pay(page, demo, cart_id)

    page.goto(f"{demo.base_url}/outbox")
    expect(page.locator("[data-list] li").first).to_be_visible()
    assert move_clock(page, "+3 days") == "No new messages."
    the_merchant_reads_why(demo, cart_id)


def test_a_question_whose_connection_is_lost_is_asked_once(page: Page, demo: Demo) -> None:
    # The drawer opens when the cart has answered: closed before that, it would take the focus from the chat.
    put_in_cart(page, demo.base_url, "beech-scoop")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Questions?").click()
    expect(page.locator("momentum-chat li.quick")).to_be_visible()
    keys: list[str] = []

    def lose_the_first(route: Route) -> None:
        """The server gets the question and answers; the browser never hears of it."""
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        route.fetch()
        route.abort()

    page.route("**/messages", lose_the_first)
    ask(page, "Do you accept PayPal?")

    assert "Choose PayPal at checkout" in answer(page)
    assert len(keys) == 2
    assert keys[0] == keys[1]
    held = page.evaluate("JSON.parse(localStorage.getItem('momentum.cart')).id")
    (chat,) = [c for c in demo.read("/conversations")["items"] if c["cartId"] == held]
    said = demo.read(f"/conversations/{chat['id']}")["messages"]
    assert [m["content"] for m in said].count("Do you accept PayPal?") == 1


def fill_a_cart_and_ask(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.base_url}/shop")
    page.get_by_role("link", name="Flock Pour-Over Dripper").click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="Checkout · $33.99").click()
    page.get_by_role("button", name="Questions?").click()
    expect(page.locator("momentum-chat li.notice")).to_contain_text("AI assistant")

    ask(page, "What's the shipping cost to my area?")
    assert "$5.99" in answer(page)
    assert "From our help pages: What's the shipping cost to my area?" in answer(page)

    ask(page, "That is too expensive for me")
    assert "10% off is applied to your cart" in answer(page)
    # The offer is on the page without a reload.
    expect(page.locator("[data-summary] .discount dd")).to_have_text("−$2.80")
    expect(page.locator("[data-summary] .total dd")).to_have_text("$31.19")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Questions?")).to_be_focused()


def read_the_message(page: Page, demo: Demo) -> str:
    """Open the first message; the id of its cart."""
    page.locator("[data-list] button").last.click()
    expect(page.locator("[data-envelope]")).to_contain_text(EMAIL)
    mail = page.frame_locator("iframe")
    item = mail.get_by_text("Flock Pour-Over Dripper – Chalk", exact=True)
    expect(item).to_be_visible()
    box = item.bounding_box()
    assert box is not None
    assert box["width"] > 150
    expect(mail.get_by_role("link", name="Unsubscribe")).to_be_visible()
    page.get_by_role("tab", name="Headers").click()
    expect(page.locator("#part-headers")).to_contain_text("List-Unsubscribe=One-Click")

    assert {message["to"] for message in demo.read("/outbox")["items"]} == {EMAIL}
    return str(page.evaluate("JSON.parse(localStorage.getItem('momentum.cart')).id"))


def follow_the_link_and_pay(page: Page, demo: Demo, cart_id: str) -> None:
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Follow the link to the cart").click()
    visit = opened.value
    expect(visit.get_by_role("heading", name="Your cart is still here")).to_be_visible()
    assert "RESTORED" not in history(demo, cart_id)

    visit.get_by_role("button", name="Restore my cart").click()
    expect(visit.get_by_role("heading", name="Your cart is back")).to_be_visible()
    assert "RESTORED" in history(demo, cart_id)

    visit.get_by_role("link", name="Go to checkout").click()
    fill_contact(visit, consent=False)
    visit.get_by_role("button", name="Pay $31.19").click()
    expect(visit.get_by_role("heading", name="Thank you, Nora.")).to_be_visible()
    expect(visit.locator("[data-order-number]")).to_contain_text("DEMO-")
    visit.close()


def history(demo: Demo, cart_id: str) -> set[str]:
    (attempt,) = demo.read("/cart-save", cartId=cart_id)["items"]
    return {event["kind"] for event in attempt["stageHistory"]}


def the_merchant_reads_why(demo: Demo, cart_id: str) -> None:
    (attempt,) = demo.read("/cart-save", cartId=cart_id)["items"]
    assert (attempt["status"], attempt["outcome"]) == ("COMPLETED", "SAVED_WITH_DISCOUNT")

    listed = [c for c in demo.read("/conversations")["items"] if c["cartId"] == cart_id]
    chat = demo.read(f"/conversations/{next(c['id'] for c in listed if c['channel'] == 'CHECKOUT_CHAT')}")
    assert "AI assistant" in chat["messages"][0]["content"]
    calls = {call["name"]: call for call in chat["toolCalls"]}
    assert calls["apply_discount"]["outcome"] == "OK"
    assert "PLANNER" in {c["channel"] for c in listed}
