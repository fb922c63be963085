"""The save flow over HTTP: config, attempts, orders, outbox, and the links of messages. A refusal changes nothing."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.ids import uuid7
from db.tables.carts import Order
from db.tables.customers import Suppression
from db.tables.delivery import Message
from db.tables.recovery import FlowConfigVersion, SaveAttempt
from tests.app.living import START, Shop, World


@pytest.fixture
async def left(world: World, shop: Shop) -> dict[str, Any]:
    """A cart that was left, and written to once."""
    cart = await shop.open_cart("BLEND", "MUG")
    await world.live_until(START + timedelta(hours=2))
    return cart


def local(url: str) -> str:
    return url.removeprefix("http://shop.test")


async def test_the_config_is_read_changed_and_kept_as_versions(shop: Shop) -> None:
    config = (await shop.call("GET", "/cart-save/config")).json()
    assert config["stages"]["patternInterrupt"] == {
        "enabled": True,
        "delayMinutes": 60,
        "channels": ["EMAIL", "SMS", "PUSH"],
    }
    assert config["maxAttemptsPerCart"] == 10
    config["maxAttemptsPerCart"] = 3
    assert await shop.configure(config) == config
    assert (await shop.call("GET", "/cart-save/config")).json() == config
    bad = {**config, "stages": {**config["stages"], "patternInterrupt": {"enabled": True, "channels": []}}}
    wrongs: list[Any] = [bad, {**config, "respectUnsubscribe": False}, {**config, "maxAttemptsPerCart": -1}, []]
    for wrong in wrongs:
        refused = await shop.call("PUT", "/cart-save/config", json=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed")
    assert len(await shop.rows(select(FlowConfigVersion))) == 1
    assert (await shop.call("GET", "/cart-save/config")).json() == config


async def test_a_flow_begins_only_for_a_cart_that_was_left(world: World, shop: Shop) -> None:
    cart = await shop.open_cart("BLEND")
    refused = await shop.call("POST", "/cart-save/initiate", json={"cartId": cart["id"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "cart_not_abandoned")
    missing = await shop.call("POST", "/cart-save/initiate", json={"cartId": str(uuid7())})
    assert missing.status_code == 404
    assert await shop.rows(select(SaveAttempt)) == []
    await world.live_until(START + timedelta(minutes=31))
    running = await shop.attempt(cart["id"])
    again = await shop.call("POST", "/cart-save/initiate", json={"cartId": cart["id"], "reason": "SHIPPING_COST"})
    assert (again.status_code, again.json()["id"], again.json()["cartValue"]) == (200, running["id"], 30.98)
    assert len(await shop.rows(select(SaveAttempt))) == 1


async def test_answers_move_a_flow_and_a_refusal_ends_it(world: World, shop: Shop, left: dict[str, Any]) -> None:
    path = f"/cart-save/{(await shop.attempt(left['id']))['id']}"
    for wrong in ({"response": {"type": "ANSWERED"}}, {"response": {"type": "MAYBE"}}, {"outcome": "CONVERTED"}):
        assert (await shop.call("POST", f"{path}/progress", json=wrong)).status_code == 422
    clicked = await shop.call("POST", f"{path}/progress", json={"response": {"type": "CLICKED"}})
    assert (clicked.json()["status"], clicked.json()["diagnosisReason"]) == ("IN_PROGRESS", None)
    body = {"response": {"type": "ANSWERED", "reason": "SHIPPING_COST", "text": "Too much."}}
    answered = await shop.call("POST", f"{path}/progress", json=body)
    assert (answered.json()["diagnosisReason"], answered.json()["currentStage"]) == (
        "SHIPPING_COST",
        "BRANCHING_INTERVENTION",
    )
    declined = await shop.call("POST", f"{path}/progress", json={"response": {"type": "DECLINED"}})
    assert (declined.status_code, declined.json()["dueAt"]) == (200, None)
    assert declined.json()["status"] != "IN_PROGRESS"
    sent = len(await shop.outbox(left["id"]))
    await world.live_until(START + timedelta(days=10))
    assert len(await shop.outbox(left["id"])) == sent
    over = await shop.call("POST", f"{path}/progress", json=body)
    assert (over.status_code, over.json()["code"]) == (409, "attempt_is_closed")


@pytest.mark.parametrize("outcome", ["CONVERTED", "SAVED_WITH_DISCOUNT", "SAVED_WITHOUT_DISCOUNT"])
async def test_a_recovery_is_not_declared(shop: Shop, left: dict[str, Any], outcome: str) -> None:
    before = await shop.attempt(left["id"])
    refused = await shop.call("POST", f"/cart-save/{before['id']}/complete", json={"outcome": outcome})
    assert (refused.status_code, refused.json()["code"]) == (409, "outcome_needs_an_order")
    assert await shop.attempt(left["id"]) == before
    assert await shop.rows(select(Order)) == []


async def test_an_order_is_reported_once_and_again(shop: Shop, left: dict[str, Any]) -> None:
    first = await shop.convert(left["id"], "1001", "PENDING")
    assert first.status_code == 200
    told = first.json()
    assert {name: told[name] for name in ("cartId", "orderId", "paymentState", "total", "currency")} == {
        "cartId": left["id"],
        "orderId": "1001",
        "paymentState": "PENDING",
        "total": 48.97,
        "currency": "USD",
    }
    again = (await shop.convert(left["id"], "1001", "PAID")).json()
    assert (again["id"], again["paymentState"]) == (told["id"], "PAID")
    attempt = await shop.attempt(left["id"])
    assert (attempt["status"], attempt["dueAt"]) == ("COMPLETED", None)
    assert (await shop.convert(left["id"], "1002")).status_code == 409
    other = await shop.open_cart("BLEND", email=None)
    assert (await shop.convert(other["id"], "1001")).status_code == 409
    assert (await shop.convert(str(uuid7()), "1003")).status_code == 404
    assert [row.external_id for row in await shop.rows(select(Order))] == ["1001"]


async def test_the_outbox_shows_what_was_sent(shop: Shop, left: dict[str, Any]) -> None:
    (mail,) = await shop.outbox(left["id"])
    assert (mail["channel"], mail["to"], mail["stage"]) == ("EMAIL", "maya@example.com", "PATTERN_INTERRUPT")
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r"http://shop\.test/r/[^/]+", mail["recoveryUrl"])
    assert mail["recoveryUrl"] in mail["text"]
    assert (await shop.call("GET", f"/outbox?cartId={uuid7()}")).json() == {"items": [], "nextCursor": None}


async def test_a_recovery_link_shows_and_its_button_restores(world: World, shop: Shop, left: dict[str, Any]) -> None:
    (mail,) = await shop.outbox(left["id"])
    link = local(mail["recoveryUrl"])
    shown = await world.client.get(link)
    assert (shown.status_code, "Signature Blend" in shown.text, "maya" in shown.text) == (200, True, False)
    assert "RESTORED" not in {each["kind"] for each in (await shop.attempt(left["id"]))["stageHistory"]}
    back = await world.client.post(link, headers={"accept": "application/json"})
    assert back.json().keys() == {"cartId", "cartToken"}
    assert (back.json()["cartId"], back.headers["cache-control"]) == (left["id"], "no-store")
    cart = await shop.call("GET", f"/carts/{left['id']}", key=back.json()["cartToken"])
    assert (cart.json()["status"], cart.json()["itemCount"]) == ("ACTIVE", 2)
    assert (await world.client.post(link, headers={"accept": "text/html"})).status_code == 200
    await shop.convert(left["id"])
    # Over, whoever asks.
    assert (await world.client.get(link)).status_code == 410
    over = await world.client.post(link, headers={"accept": "application/json"})
    assert (over.status_code, over.json()["code"], "cartToken" in over.json()) == (410, "link_over", False)


async def test_one_click_unsubscribes_without_login_or_page(world: World, shop: Shop, left: dict[str, Any]) -> None:
    (mail,) = await shop.outbox(left["id"])
    link = local(mail["headers"]["List-Unsubscribe"].strip("<>"))
    asked = await world.client.get(link)
    assert (asked.status_code, await shop.rows(select(Suppression))) == (200, [])
    for _ in range(2):
        done = await world.client.post(
            link,
            content="List-Unsubscribe=One-Click",
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert (done.status_code, done.history) == (200, [])
    assert {row.scope for row in await shop.rows(select(Suppression))} == {"ALL"}
    attempt = await shop.attempt(left["id"])
    assert (attempt["status"] == "IN_PROGRESS", attempt["dueAt"]) == (False, None)
    await world.live_until(START + timedelta(days=20))
    assert len(await shop.rows(select(Message))) == 1


async def test_the_survey_takes_an_answer_by_its_button_alone(world: World, shop: Shop, left: dict[str, Any]) -> None:
    await world.live_until(START + timedelta(hours=4))
    survey = (await shop.outbox(left["id"]))[-1]
    link = re.findall(r"http://shop\.test(/s/[^\s\"<]+SHIPPING_COST[^\s\"<]+)", survey["text"])[0]
    assert (await world.client.get(link)).status_code == 200
    assert (await shop.attempt(left["id"]))["diagnosisReason"] is None
    wrong = await world.client.post(link, data={"reason": "MOON"})
    assert (wrong.status_code, wrong.headers["content-type"]) == (422, "application/problem+json")
    assert (await shop.attempt(left["id"]))["diagnosisReason"] is None
    told = await world.client.post(link, data={}, headers={"accept": "application/json"})
    assert told.json() == {"reason": "SHIPPING_COST"}
    assert (await shop.attempt(left["id"]))["diagnosisReason"] == "SHIPPING_COST"
