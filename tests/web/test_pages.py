"""Every page of the demo: nothing inline, nothing from elsewhere, every address of it answered."""

import base64
import hashlib

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from db.tables.customers import ConsentChannel
from storefront.customers.rules import wording
from tests.web.markup import Markup
from web.storefront.router import storefront_router
from web.storefront.schemas import ShopView

PAGES = ["/shop", "/shop/products/flock-dripper", "/shop/checkout", "/shop/thank-you", "/outbox"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_brings_everything_from_our_own_origin(client: AsyncClient, path: str) -> None:
    response = await client.get(path)

    assert response.status_code == 200
    markup = Markup(response.text)
    assert markup.inline == []
    outside = [a for a in markup.addresses() if not a.startswith(("/", "#", "mailto:"))]
    assert outside == []


@pytest.mark.parametrize("path", PAGES)
async def test_what_a_page_loads_is_there(client: AsyncClient, path: str) -> None:
    markup = Markup((await client.get(path)).text)
    loaded = [*markup.values("script", "src"), *markup.values("link", "href"), *markup.values("img", "src")]

    answers = {address: (await client.get(address)).status_code for address in loaded}

    assert loaded
    assert set(answers.values()) == {200}


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_runs_under_a_policy_and_is_not_kept(client: AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert ("'unsafe-inline'" in policy) == (path == "/outbox")
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


async def test_the_loader_has_its_hash_and_gets_no_more_than_key_company_currency_and_address(
    client: AsyncClient,
) -> None:
    page = Markup((await client.get("/shop/checkout")).text)
    loader = next(values for tag, values in page.elements if values.get("data-publishable-key"))
    body = (await client.get(loader["src"])).content

    digest = base64.b64encode(hashlib.sha384(body).digest()).decode()
    assert loader["integrity"] == f"sha384-{digest}"
    given = {name: value for name, value in loader.items() if name.startswith("data-")}
    assert given == {
        "data-publishable-key": "pk_test_1",
        "data-company": "Wrenfold Coffee",
        "data-currency": "USD",
        "data-api-base": "/api/momentum",
    }


async def test_the_consent_box_is_unticked_and_says_the_words_that_are_kept(
    client: AsyncClient, shop: ShopView
) -> None:
    html = (await client.get("/shop/checkout")).text
    boxes = [values for tag, values in Markup(html).elements if values.get("type") == "checkbox"]

    assert boxes == [{"type": "checkbox", "name": "consent"}]
    assert wording(ConsentChannel.EMAIL, seller=shop.legal_name).text in html


async def test_what_the_shop_says_of_delivery_is_its_rate(client: AsyncClient) -> None:
    html = (await client.get("/shop")).text

    assert "Standard delivery $5.99, free from $50.00." in html


async def test_names_are_escaped(shop: ShopView) -> None:
    hostile = shop.model_copy(update={"name": '"><script>alert(1)</script>'})
    app = FastAPI()
    app.include_router(storefront_router(shop=hostile, publishable_key="pk", art={}))

    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://shop.test") as client:
        html = (await client.get("/shop/products/%22%3E%3Cscript%3E")).text

    assert Markup(html).inline == []
    assert "<script>alert" not in html


async def test_the_root_leads_to_the_shop(client: AsyncClient) -> None:
    response = await client.get("/")

    assert (response.status_code, response.headers["location"]) == (307, "/shop")


@pytest.mark.parametrize("name", ["scene", "flock-dripper", "morning-mug--clay", "gift-card"])
async def test_pictures_are_drawn(client: AsyncClient, name: str) -> None:
    response = await client.get(f"/shop/art/{name}.svg")

    assert response.headers["content-type"].startswith("image/svg+xml")
    assert response.text.lstrip().startswith("<svg")
    assert "href" not in response.text
    assert "<script" not in response.text


async def test_a_picture_that_nobody_drew_is_not_found(client: AsyncClient) -> None:
    assert (await client.get("/shop/art/no-such-thing.svg")).status_code == 404
