"""The merchant's console in a browser: sign in, read, change a cap and see that the next conversation obeys it."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from db.tables.companies import Role
from tests.e2e.demo import Demo, running_demo
from tests.e2e.merchant import PASSWORD, add_user, advance, chat, held_call, let_sessions_expire

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TOO_DEAR = "That is too expensive for me"
HOSTILE = "Is this ground? </script><img src=x onerror=\"document.title='owned'\"> {{ 1 + 1 }}"
SLOW_MS = 60_000


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A shop that was talked to before: one chat, one call, some mail."""
    with running_demo() as demo:
        chat(demo, "maya@example.com", "Do you accept PayPal?", TOO_DEAR, HOSTILE)
        # A day, so that mail may leave at some hour of it, whenever the test is run.
        advance(demo, 24 * 60)
        held_call(demo)
        for name, role in (("vera", Role.VIEWER), ("olive", Role.OPERATOR), ("luca", Role.OPERATOR)):
            add_user(demo, f"{name}@example.com", role)
        yield demo


@pytest.fixture
def page(page: Page) -> Page:
    page.set_default_timeout(SLOW_MS)
    expect.set_options(timeout=SLOW_MS)
    return page


def sign_in(page: Page, demo: Demo, email: str | None = None, password: str = PASSWORD) -> None:
    page.goto(f"{demo.console.url}/sign-in")
    page.get_by_label("Email").fill(email or demo.console.email)
    page.get_by_label("Password").fill(password if email else demo.console.password)
    page.get_by_role("button", name="Sign in").click()


def open_page(page: Page, demo: Demo, path: str, title: str) -> None:
    page.goto(f"{demo.console.url}{path}")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def save(page: Page, said: str) -> None:
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("status")).to_have_text(said)


def test_a_merchant_reads_a_chat_lowers_the_cap_and_the_next_chat_obeys(page: Page, demo: Demo) -> None:
    sign_in(page, demo)
    expect(page).to_have_title("Conversations · Momentum")
    page.get_by_label("Channel").select_option("Checkout chat")
    page.get_by_role("button", name="Filter").click()
    page.get_by_role("link", name="Do you accept PayPal?").last.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Checkout chat with Maya")
    transcript = page.get_by_role("region", name="Transcript")
    expect(transcript).to_contain_text("10% off is applied to your cart")
    transcript.get_by_text("How this answer was made").nth(1).click()
    discount = transcript.locator("details.tool", has_text="apply_discount")
    discount.locator("summary").click()
    expect(discount).to_contain_text('"reason": "TOO_EXPENSIVE"')
    expect(discount).to_contain_text("Policy version")
    expect(transcript.get_by_text("Time by stage").nth(1)).to_be_visible()
    # What a shopper typed is text, whatever it looks like.
    expect(transcript).to_contain_text(HOSTILE)
    assert page.title() == "Conversation · Momentum"
    assert transcript.locator("img").count() == 0

    open_page(page, demo, "/settings/flow", "Offers and stages")
    version = page.get_by_role("status").inner_text()
    before = int(found[0]) if (found := re.findall(r"\d+", version)) else 0
    page.locator("[data-setting='offers.caps.chat'] input").fill("4")
    expect(page.get_by_role("status")).to_have_text("1 unsaved change")
    save(page, f"Version {before + 1}, no unsaved changes")

    (answer,) = chat(demo, "nora@example.com", TOO_DEAR)
    assert answer["autoAppliedDiscount"]["percent"] == 4.0
    assert "4% off is applied to your cart" in answer["response"]

    open_page(page, demo, "/settings/history", "Versions")
    newest = page.locator(".version").first
    expect(newest).to_contain_text(f"Recovery flow, version {before + 1}")
    expect(newest).to_contain_text(demo.console.email)
    expect(newest.get_by_role("row", name="Cap: checkout chat")).to_have_text(re.compile("10.*4"))
    open_page(page, demo, "/audit", "Audit trail")
    expect(page.get_by_role("row", name=re.compile("Changed the recovery flow")).first).to_contain_text("1 setting")


def test_what_is_wrong_is_said_and_nothing_is_saved(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "olive@example.com")
    open_page(page, demo, "/settings/flow", "Offers and stages")
    page.locator("[data-setting='offers.caps.nuclear'] input").fill("130")
    page.locator("[data-setting='stages.nuclearOffer.delayMinutes'] input").fill("5")
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(".note.bad")).to_contain_text("Not saved: 2 entries need a change.")
    expect(page.locator("[data-setting='offers.caps.nuclear'] .field-error")).to_have_text("At most 100.")
    expect(page.locator("[data-setting='offers.caps.nuclear'] input")).to_be_focused()
    expect(page.locator(".note.bad")).to_contain_text("Each enabled stage needs a longer delay")
    expect(page.get_by_role("status")).to_have_text("2 unsaved changes")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("[data-setting='offers.caps.nuclear'] input")).to_have_value("30")


def test_who_saves_second_is_told_and_loses_nothing(page: Page, demo: Demo, browser: Browser) -> None:
    before = demo.read("/cart-save/config")["offers"]["caps"]["exitIntent"]
    sign_in(page, demo, "olive@example.com")
    open_page(page, demo, "/settings/flow", "Offers and stages")
    voice = page.locator("[data-setting='offers.caps.voice'] input")
    voice.fill("21")
    with browser.new_context() as other_context:
        other = other_context.new_page()
        other.set_default_timeout(SLOW_MS)
        sign_in(other, demo, "luca@example.com")
        open_page(other, demo, "/settings/flow", "Offers and stages")
        other.locator("[data-setting='offers.caps.exitIntent'] input").fill("6")
        other.get_by_role("button", name="Save changes").click()
        expect(other.get_by_role("status")).to_contain_text("no unsaved changes")

    page.get_by_role("button", name="Save changes").click()
    notice = page.locator(".note.warn")
    expect(notice).to_contain_text("somebody else changed these settings")
    expect(notice).to_contain_text(f"Cap: exit intent: {before:g} → 6")
    expect(voice).to_have_value("21")
    page.get_by_role("button", name="Put my entries on top of theirs").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("status")).to_contain_text("no unsaved changes")
    caps = demo.read("/cart-save/config")["offers"]["caps"]
    assert (caps["voice"], caps["exitIntent"]) == (21.0, 6.0)


def test_who_was_signed_out_finds_the_entries_after_signing_in_again(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "olive@example.com")
    open_page(page, demo, "/settings/flow", "Offers and stages")
    cap = page.locator("[data-setting='offers.caps.exitIntent'] input")
    cap.fill("7")
    let_sessions_expire(demo)
    page.get_by_role("button", name="Save changes").click()
    expect(page.locator(".note.warn")).to_contain_text("Not saved: your session has ended.")
    assert demo.read("/cart-save/config")["offers"]["caps"]["exitIntent"] != 7.0
    page.get_by_role("link", name="Sign in again").click()
    page.get_by_label("Email").fill("olive@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_text("They are back in the form.")).to_be_visible()
    expect(cap).to_have_value("7")
    expect(page.get_by_role("status")).to_have_text("1 unsaved change")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("status")).to_contain_text("no unsaved changes")
    assert demo.read("/cart-save/config")["offers"]["caps"]["exitIntent"] == 7.0
    page.reload()
    expect(cap).to_have_value("7")
    expect(page.get_by_text("They are back in the form.")).to_be_hidden()


def test_a_viewer_reads_and_is_offered_nothing_to_change(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "vera@example.com")
    open_page(page, demo, "/settings/flow", "Offers and stages")
    expect(page.get_by_text("An operator or an admin can change them.")).to_be_visible()
    expect(page.locator("[data-setting='offers.caps.chat'] input")).to_be_disabled()
    expect(page.get_by_role("button", name="Save changes")).to_have_count(0)
    expect(page.get_by_role("link", name="API keys")).to_have_count(0)
    page.goto(f"{demo.console.url}/settings/keys")
    expect(page.get_by_text("Keys are for admins. Ask one of them.")).to_be_visible()
    expect(page.get_by_role("button", name="Revoke")).to_have_count(0)


def test_an_admin_makes_a_key_and_ends_it(page: Page, demo: Demo) -> None:
    sign_in(page, demo)
    open_page(page, demo, "/settings/keys", "API keys")
    page.get_by_role("button", name="Create a secret key").click()
    key = page.locator(".whole-key").inner_text()
    assert key.startswith("sk_")
    page.get_by_role("button", name="I have copied it").click()
    page.get_by_role("button", name=f"Revoke {key[:11]}").click()
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_role("listitem").filter(has_text=key[:11])).to_contain_text("Revoked")
    assert key not in page.content()


def test_five_failures_lock_an_account_even_to_its_owner(page: Page, demo: Demo) -> None:
    add_user(demo, "locked@example.com", Role.VIEWER)
    for _ in range(5):
        sign_in(page, demo, "locked@example.com", "not the password")
        expect(page.get_by_role("alert")).to_contain_text("Email and password do not match")
    sign_in(page, demo, "locked@example.com")
    expect(page.get_by_role("alert")).to_contain_text("Too many tries. Wait 1")
    page.goto(f"{demo.console.url}/conversations")
    expect(page).to_have_title("Sign in · Momentum")


def test_everything_can_be_done_from_the_keyboard(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.console.url}/settings/flow")
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.type("olive@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Offers and stages")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    field = page.locator("[data-setting='offers.caps.branching'] input")
    for _ in range(4):
        page.keyboard.press("Tab")
        if field.evaluate("each => each === document.activeElement"):
            break
    expect(field).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type("14")
    save_button = page.get_by_role("button", name="Save changes")
    for _ in range(120):
        page.keyboard.press("Tab")
        if save_button.evaluate("each => each === document.activeElement"):
            break
    assert save_button.evaluate("each => getComputedStyle(each).outlineStyle") == "solid", "the focus can be seen"
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("no unsaved changes")
    assert demo.read("/cart-save/config")["offers"]["caps"]["branching"] == 14.0


PAGES = (
    "/conversations",
    "/outbox",
    "/settings/flow",
    "/settings/calls",
    "/settings/chat",
    "/settings/history",
    "/settings/keys",
    "/audit",
)


def test_no_page_asks_anybody_else_for_anything_or_is_cut_off(page: Page, demo: Demo) -> None:
    strangers: list[str] = []
    complaints: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(demo.base_url).netloc and not request.url.startswith("data:"):
            strangers.append(request.url)

    page.on("request", note)
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, demo)
    for path in PAGES:
        answer = page.goto(f"{demo.console.url}{path}")
        assert answer is not None
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert strangers == []
    assert complaints == []


def test_the_menu_of_a_narrow_screen_opens_and_closes(page: Page, demo: Demo) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, demo, "vera@example.com")
    outbox = page.get_by_role("link", name="Outbox")
    expect(outbox).not_to_be_visible()
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("button", name="Menu")).to_have_attribute("aria-expanded", "true")
    expect(outbox).to_be_visible()
    page.keyboard.press("Escape")
    expect(outbox).not_to_be_visible()
    page.get_by_role("button", name="Menu").click()
    outbox.click()
    expect(page).to_have_title("Outbox · Momentum")


def test_a_call_is_read_like_a_chat(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "vera@example.com")
    page.goto(f"{demo.console.url}/conversations?channel=VOICE&outcome=DISCOUNT_GIVEN")
    page.locator("a.line").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Phone call with Maya")
    expect(page.get_by_role("region", name="Transcript")).to_contain_text("This is an automated call")
    about = page.get_by_role("complementary", name="About this conversation")
    expect(about).to_contain_text("1:14 min")
    expect(about).to_contain_text("Discount accepted")
    page.get_by_text("How this answer was made").first.click()
    expect(page.get_by_text("Speech to text").first).to_be_visible()


def test_mail_is_shown_where_it_can_run_nothing(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "vera@example.com")
    open_page(page, demo, "/outbox", "Outbox")
    frame = page.locator("iframe")
    expect(frame).to_have_attribute("sandbox", "")
    expect(page.frame_locator("iframe").get_by_role("link", name="Back to your cart").first).to_be_visible()


def test_signing_out_ends_the_session(page: Page, demo: Demo) -> None:
    sign_in(page, demo, "vera@example.com")
    page.locator("[data-account] summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_title("Sign in · Momentum")
    page.goto(f"{demo.console.url}/audit")
    expect(page).to_have_title("Sign in · Momentum")
