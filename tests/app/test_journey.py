"""The spine, straight through: left, reminded, asked, offered, restored, paid."""

import re
from datetime import datetime, timedelta

from tests.app.living import IDLE, START, Shop, World


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_cart_is_lost_asked_about_won_back_and_paid(world: World, shop: Shop) -> None:
    cart = await shop.open_cart("BLEND", "MUG")
    abandoned_at = await world.now() + IDLE
    await world.live_until(START + timedelta(hours=2))
    attempt = await shop.attempt(cart["id"])
    assert abs(at(attempt["abandonedAt"]) - abandoned_at) < timedelta(seconds=5)
    assert attempt["currentStage"] == "DIAGNOSIS_SURVEY"
    assert at(attempt["dueAt"]) == at(attempt["abandonedAt"]) + timedelta(hours=3)
    (reminder,) = await shop.outbox(cart["id"])
    assert (reminder["stage"], reminder["to"], reminder["channel"]) == (
        "PATTERN_INTERRUPT",
        "maya@example.com",
        "EMAIL",
    )
    assert "Signature Blend" in reminder["text"]

    await world.live_until(START + timedelta(hours=4))
    survey = (await shop.outbox(cart["id"]))[-1]
    assert survey["stage"] == "DIAGNOSIS_SURVEY"
    links = [path for path in re.findall(r"http://shop\.test(/s/[^\s\"<]+)", survey["text"]) if "TOO_EXPENSIVE" in path]
    assert len(links) == 1
    assert (await world.client.get(links[0])).status_code == 200
    assert (await shop.attempt(cart["id"]))["diagnosisReason"] is None
    told = await world.client.post(links[0], data={"reason": "TOO_EXPENSIVE", "text": "A bit much."})
    assert told.status_code == 200
    await world.live_until(START + timedelta(hours=5, minutes=30))
    offer = (await shop.outbox(cart["id"]))[-1]
    assert offer["stage"] == "BRANCHING_INTERVENTION"
    assert "10% off is applied to your cart until" in offer["text"]

    link = offer["recoveryUrl"].removeprefix("http://shop.test")
    assert (await world.client.get(link)).status_code == 200
    back = await world.client.post(link, headers={"accept": "application/json"})
    assert back.status_code == 200
    token = back.json()["cartToken"]
    seen = await shop.call("GET", f"/carts/{cart['id']}", key=token)
    assert seen.json()["discountTotal"] == 4.3
    paid = await shop.convert(cart["id"])
    assert (paid.status_code, paid.json()["total"]) == (200, 44.67)
    attempt = await shop.attempt(cart["id"])
    assert (attempt["status"], attempt["outcome"], attempt["dueAt"]) == ("COMPLETED", "SAVED_WITH_DISCOUNT", None)
    await world.live_until(START + timedelta(days=30))
    assert len(await shop.outbox(cart["id"])) == 3
