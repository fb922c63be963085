"""Pages behind the links of a message: opening one offers, only its button acts."""

import pytest
from starlette.responses import HTMLResponse

from tests.web.markup import Markup
from web.recovery import pages

ITEMS = [
    pages.ItemView("Flock <b>Dripper</b>", 1, "$28.00", "/shop/art/flock-dripper.svg"),
    pages.ItemView("Signature Blend, 1 lb", 2, "$49.98"),
]
CHOICES = [pages.Choice("TOO_EXPENSIVE", "It costs too much"), pages.Choice("SHIPPING_COST", "Delivery costs too much")]


def text(response: HTMLResponse) -> str:
    return bytes(response.body).decode()


def forms(html: str) -> list[tuple[str, str]]:
    return [(v["method"], v["action"]) for tag, v in Markup(html).elements if tag == "form"]


def test_a_recovery_link_shows_the_items_and_one_button_that_posts() -> None:
    html = text(pages.restore_page(company_name="Wrenfold", action="/r/tok", items=ITEMS, total_text="$77.98"))

    assert forms(html) == [("post", "/r/tok")]
    assert "Signature Blend, 1 lb" in html
    assert "$77.98" in html
    assert "Flock &lt;b&gt;Dripper&lt;/b&gt;" in html
    assert Markup(html).values("script", "src") == []


def test_the_restored_cart_is_handed_to_this_browser_and_kept_by_no_cache() -> None:
    cart = pages.RestoredCart("cart-1", "ct_1", ITEMS, missing=["Only 1 of 2 is left."])
    response = pages.restored_page(company_name="W", cart=cart, shop_url="/shop", checkout_url="/shop/checkout")

    body = next(values for tag, values in Markup(text(response)).elements if tag == "body")
    assert body == {"data-cart-id": "cart-1", "data-cart-token": "ct_1"}
    assert "Only 1 of 2 is left." in text(response)
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"


def test_the_survey_shows_the_tapped_answer_and_sends_it_by_a_button() -> None:
    html = text(pages.survey_page(company_name="W", action="/s/tok", choices=CHOICES, chosen="SHIPPING_COST"))

    radios = [values for tag, values in Markup(html).elements if values.get("type") == "radio"]
    assert [(r["value"], "checked" in r) for r in radios] == [("TOO_EXPENSIVE", False), ("SHIPPING_COST", True)]
    assert forms(html) == [("post", "/s/tok")]


def test_the_survey_without_a_tapped_answer_ticks_none() -> None:
    html = text(pages.survey_page(company_name="W", action="/s/tok", choices=CHOICES, chosen=None))

    assert [v for _, v in Markup(html).elements if "checked" in v] == []


def test_unsubscribing_is_asked_first_and_said_after() -> None:
    asks = text(pages.unsubscribe_page(company_name="W", action="/u/tok", done=False))
    says = text(pages.unsubscribe_page(company_name="W", action="/u/tok", done=True))

    assert forms(asks) == [("post", "/u/tok")]
    assert "You are unsubscribed" not in asks
    assert forms(says) == []
    assert "You are unsubscribed" in says


def test_a_dead_link_is_gone() -> None:
    response = pages.expired_page(company_name="W", shop_url=None)

    assert response.status_code == 410
    assert "This link no longer works" in text(response)


@pytest.mark.parametrize(
    "response",
    [
        pages.restore_page(company_name="W", action="/r/t", items=ITEMS),
        pages.survey_page(company_name="W", action="/s/t", choices=CHOICES, chosen=None),
        pages.survey_done_page(company_name="W", answer="Delivery costs too much", cart_url="/r/t"),
        pages.unsubscribe_page(company_name="W", action="/u/t", done=False),
        pages.expired_page(company_name="W", shop_url="/shop"),
    ],
    ids=["restore", "survey", "survey_done", "unsubscribe", "expired"],
)
def test_nothing_is_inline_and_nothing_comes_from_elsewhere(response: HTMLResponse) -> None:
    markup = Markup(text(response))

    assert markup.inline == []
    assert [a for a in markup.addresses() if not a.startswith("/")] == []
    assert "default-src 'none'" in response.headers["content-security-policy"]
