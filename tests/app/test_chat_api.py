"""The checkout chat over HTTP: sessions, answers as JSON and as events, resuming, waiting, silence, redaction."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from db.ids import uuid7
from db.tables.conversations import ChatMessage, ChatSession, ChatTurn, Handoff, HandoffStatus
from graphs.model import Finished, ModelEvent, ModelRequest, TextDelta, ToolUse, Usage
from tests.app.living import Shop, World
from tests.fakes.models import ScriptedModel

SAID = (TextDelta("Hello there. "), TextDelta("How can I help?"), Finished("end_turn", Usage(), "scripted"))


@pytest.fixture
async def talk(world: World, shop: Shop) -> "Talk":
    cart = await shop.open_cart("BLEND")
    opened = await shop.call("POST", "/cs/sessions", key=cart["cartToken"], json={"channel": "CHECKOUT_CHAT"})
    assert opened.status_code == 201, opened.text
    return Talk(world, shop, cart, opened.json())


class Talk:
    def __init__(self, world: World, shop: Shop, cart: dict[str, Any], opened: dict[str, Any]) -> None:
        self.world, self.shop, self.cart, self.opened = world, shop, cart, opened
        self.path = f"/cs/sessions/{opened['id']}"

    def scripted(self, *scripts: tuple[ModelEvent, ...]) -> ScriptedModel:
        model = ScriptedModel(*scripts)
        self.world.parts.chat.model = model
        return model

    async def say(self, content: str, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.shop.call(
            "POST", f"{self.path}/messages", key=self.cart["cartToken"], json={"content": content}, headers=named
        )

    async def count(self, table: type[ChatTurn | ChatMessage | ChatSession | Handoff]) -> int:
        (found,) = await self.shop.rows(select(func.count()).select_from(table))
        return int(found)

    async def transcript(self) -> dict[str, Any]:
        found = await self.shop.call("GET", f"/conversations/{self.opened['id']}")
        assert found.status_code == 200
        told: dict[str, Any] = found.json()
        return told


def events(answer: httpx.Response) -> list[tuple[str, str, dict[str, Any]]]:
    """(event, id, data) of each."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in answer.text.replace("\r\n", "\n").strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "data" in fields:
            found.append((fields["event"], fields.get("id", ""), json.loads(fields["data"])))
    return found


async def test_a_session_begins_with_the_disclosure_and_shows_what_was_said(talk: Talk) -> None:
    first = talk.opened["messages"]
    assert [(row["role"], "AI assistant" in row["content"]) for row in first] == [("system", True)]
    assert (talk.opened["status"], len(talk.opened["quickQuestions"])) == ("OPEN", 5)
    talk.scripted(SAID)
    await talk.say("Hi")
    read = await talk.shop.call("GET", talk.path, key=talk.cart["cartToken"])
    assert [(row["role"], row["content"]) for row in read.json()["messages"][1:]] == [
        ("user", "Hi"),
        ("assistant", "Hello there. How can I help?"),
    ]


async def test_an_answer_as_json(talk: Talk) -> None:
    talk.scripted(SAID)
    answer = await talk.say("Hi")
    assert answer.status_code == 200
    body = answer.json()
    assert body.keys() == {"response", "suggestedActions", "autoAppliedDiscount", "sources"}
    assert (body["response"], body["autoAppliedDiscount"], body["sources"]) == (
        "Hello there. How can I help?",
        None,
        [],
    )


async def test_an_answer_as_events_taken_up_where_it_broke(talk: Talk) -> None:
    model = talk.scripted(SAID)
    key = {"accept": "text/event-stream", "idempotency_key": "one"}
    whole = events(await talk.say("Hi", **key))
    assert [(name, data.get("text")) for name, _, data in whole] == [
        ("message.delta", "Hello there. "),
        ("message.delta", "How can I help?"),
        ("message.done", None),
    ]
    assert whole[-1][2]["response"] == "Hello there. How can I help?"
    after_first = events(await talk.say("Hi", **key, last_event_id=whole[0][1]))
    assert after_first == whole[1:]
    assert events(await talk.say("Hi", **key)) == whole
    assert (await talk.say("Hi", idempotency_key="one")).json()["response"] == "Hello there. How can I help?"
    assert (len(model.requests), await talk.count(ChatTurn)) == (1, 1)


async def test_a_discount_is_told_once_and_the_merchant_reads_why(talk: Talk) -> None:
    talk.scripted(
        (ToolUse("1", "apply_discount", {"reason": "TOO_EXPENSIVE"}), Finished("tool_use", Usage(), "scripted")),
        (Finished("end_turn", Usage(), "scripted"),),
    )
    answer = (await talk.say("That is too expensive for me")).json()
    discount = answer["autoAppliedDiscount"]
    assert (discount["kind"], discount["percent"]) == ("PERCENTAGE_DISCOUNT", 10.0)
    assert discount["sentence"] in answer["response"]
    read = await talk.transcript()
    (call,) = read["toolCalls"]
    assert {name: call[name] for name in ("name", "input", "outcome", "reason", "policyVersion")} == {
        "name": "apply_discount",
        "input": {"reason": "TOO_EXPENSIVE"},
        "outcome": "OK",
        "reason": None,
        "policyVersion": 0,
    }
    assert call["latencyMs"] >= 0
    (turn,) = read["turns"]
    assert (turn["status"], turn["model"]) == ("DONE", "scripted")
    cart = await talk.shop.call("GET", f"/carts/{talk.cart['id']}", key=talk.cart["cartToken"])
    assert cart.json()["discountTotal"] == 2.5


class Slow:
    """A model that answers when it is let."""

    name = "slow"

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        self.asked.set()
        await self.go.wait()
        for event in SAID:
            yield event


async def test_who_writes_while_an_answer_is_written_is_asked_to_wait(talk: Talk) -> None:
    slow = Slow()
    talk.world.parts.chat.model = slow
    first = asyncio.create_task(talk.say("Hi"))
    await slow.asked.wait()
    second = await talk.say("And another thing")
    assert (second.status_code, second.json()["code"], second.headers["retry-after"]) == (409, "still_answering", "2")
    assert await talk.count(ChatTurn) == 1
    slow.go.set()
    assert (await first).json()["response"] == "Hello there. How can I help?"
    assert "And another thing" not in [row["content"] for row in (await talk.transcript())["messages"]]
    talk.scripted(SAID)
    assert (await talk.say("And another thing")).status_code == 200


@pytest.mark.parametrize("status", list(HandoffStatus))
async def test_only_a_person_who_took_over_silences_the_assistant(talk: Talk, status: HandoffStatus) -> None:
    async with talk.shop.session() as session:
        session.add(
            Handoff(
                company_id=talk.shop.id,
                id=uuid7(),
                session_id=UUID(talk.opened["id"]),
                cart_id=UUID(talk.cart["id"]),
                status=status,
                reason="asked",
                summary="",
                requested_at=await talk.world.now(),
            )
        )
    model = talk.scripted(SAID)
    said = (await talk.say("What does it cost?")).json()["response"]
    silent = status is HandoffStatus.ACCEPTED
    assert (len(model.requests), said == "A person from the shop is answering here now.") == (
        0 if silent else 1,
        silent,
    )


async def test_card_numbers_are_gone_before_anything_is_kept_or_asked(talk: Talk) -> None:
    model = talk.scripted(SAID)
    await talk.say("My card is 4111 1111 1111 1111")
    assert "1111" not in str(model.requests)
    kept = await talk.shop.rows(select(ChatMessage.content))
    assert [text for text in kept if "1111" in text] == []


async def test_forty_messages_a_minute_and_no_more(talk: Talk) -> None:
    talk.scripted(*[SAID] * 41)
    statuses = [(await talk.say("Hi")).status_code for _ in range(41)]
    assert statuses == [200] * 40 + [429]
    assert await talk.count(ChatTurn) == 40


@pytest.mark.parametrize("content", ["", " ", "x" * 2001, "a\0b"])
async def test_what_is_no_message_is_not_kept(talk: Talk, content: str) -> None:
    answer = await talk.say(content)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert (await talk.count(ChatTurn), await talk.count(ChatMessage)) == (0, 1)


async def test_sessions_are_about_the_tokens_cart(talk: Talk) -> None:
    foreign = {"channel": "CHECKOUT_CHAT", "context": {"cartId": str(uuid7())}}
    refused = await talk.shop.call("POST", "/cs/sessions", key=talk.cart["cartToken"], json=foreign)
    assert (refused.status_code, await talk.count(ChatSession)) == (404, 1)
    for _ in range(9):
        again = await talk.shop.call("POST", "/cs/sessions", key=talk.cart["cartToken"], json={})
        assert again.status_code == 201
    limited = await talk.shop.call("POST", "/cs/sessions", key=talk.cart["cartToken"], json={})
    assert (limited.status_code, await talk.count(ChatSession)) == (429, 10)


async def test_conversations_are_paged_newest_first(talk: Talk) -> None:
    for _ in range(2):
        await talk.shop.call("POST", "/cs/sessions", key=talk.cart["cartToken"], json={})
    first = (await talk.shop.call("GET", "/conversations?limit=2")).json()
    rest = (await talk.shop.call("GET", f"/conversations?limit=2&cursor={first['nextCursor']}")).json()
    ids = [row["id"] for row in (*first["items"], *rest["items"])]
    assert (len(first["items"]), rest["nextCursor"], ids) == (2, None, sorted(ids, reverse=True))
    assert ids[-1] == talk.opened["id"]
    other = (await talk.shop.call("GET", f"/conversations?cartId={uuid7()}")).json()
    assert other == {"items": [], "nextCursor": None}
    assert (await talk.shop.call("GET", "/conversations?cursor=!")).status_code == 400
