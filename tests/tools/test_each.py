"""Each tool through the dispatcher: what it answers, what it refuses, what it writes and what it does not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.imports import import_faq_file
from db.clock import read_clock, set_clock
from db.session import transaction
from db.tables.conversations import Handoff, ToolOutcome
from db.tables.customers import ConsentChannel, ConsentMethod, ConsentState, Suppression
from db.tables.delivery import Message
from db.tables.policy import Grant
from db.tables.storefront import TriggerImpression
from policy.contact import service as contact
from policy.contact.service import ConsentGiven
from tests import factories as make
from tests.app.living import START
from tests.tools.calling import Talk, talk_about
from tools.dispatch import ToolReply

FAQ = b"# Payment\n\n## Do you accept PayPal?\n\nYes. Choose PayPal at checkout.\n"


@dataclass
class Shop:
    engine: AsyncEngine
    id: UUID
    now: datetime
    maya: UUID
    known: Talk
    unknown: Talk


@pytest.fixture
async def shop(engine: AsyncEngine) -> Shop:
    """BLEND at 24.99 and a MUG that others bought with it; a known shopper's cart and a stranger's."""
    company = await make.make_company(engine)
    async with transaction(engine, company_id=company.id) as session:
        # An afternoon: mail may go out.
        await set_clock(session, START)
        now = await read_clock(session)
        blend = await make.make_product(session, "BLEND", company_id=company.id, name="Signature Blend")
        mug = await make.make_product(session, "MUG", company_id=company.id, name="Wren Mug", prices={"USD": 17_99})
        await make.make_shipping_rate(session, company_id=company.id)
        maya = await make.make_customer(session, company_id=company.id, timezone="UTC")
        for _ in range(3):
            await make.make_order(session, (blend, 1), (mug, 1), company_id=company.id, placed_at=now - timedelta(9))
        carts = [
            await make.make_cart(session, (blend, 1), company_id=company.id, customer=who, last_activity_at=now)
            for who in (maya, None)
        ]
    known, unknown = [await talk_about(engine, cart.id, company_id=company.id) for cart in carts]
    return Shop(engine, company.id, now, maya.id, known, unknown)


async def agree(shop: Shop) -> None:
    given = ConsentGiven(
        customer_id=shop.maya,
        channel=ConsentChannel.EMAIL,
        address="maya@example.com",
        state=ConsentState.CONFIRMED,
        method=ConsentMethod.IMPORT,
        wording_version="test",
        wording="Yes.",
    )
    async with transaction(shop.engine, company_id=shop.id) as session:
        await contact.record_consent(session, given, company_id=shop.id, now=shop.now)


def refused(reply: ToolReply) -> str:
    assert reply.outcome is ToolOutcome.REFUSED, reply
    assert reply.result == {"ok": False, "code": reply.reason, "say": reply.result["say"]}
    assert reply.facts == ()
    return str(reply.reason)


def done(reply: ToolReply) -> Any:  # JSON
    assert (reply.outcome, reply.result["ok"]) == (ToolOutcome.OK, True), reply
    return {name: value for name, value in reply.result.items() if name not in ("ok", "facts")}


async def test_get_cart(shop: Shop) -> None:
    told = done(await shop.known.call("get_cart"))
    assert told["items"] == [{"name": "Signature Blend", "quantity": 1, "unitPrice": "$24.99"}]
    assert (told["subtotal"], told["shipping"], told["total"]) == ("$24.99", "$5.99", "$30.98")
    assert told["say"] == "Your cart has 1 × Signature Blend, and the total is $30.98."
    assert refused(await shop.known.call("schedule_stage", {"stage": "NUCLEAR_OFFER"})) == "NO_FLOW"


async def test_search_faq(shop: Shop) -> None:
    await import_faq_file(shop.engine, "faq.md", FAQ, company_id=shop.id, remove_missing=False)
    told = done(await shop.known.call("search_faq", {"question": "Can I pay with PayPal?"}))
    assert [(each["title"], each["version"]) for each in told["entries"]] == [("Do you accept PayPal?", 1)]
    assert refused(await shop.known.call("search_faq", {"question": "Who won the football last night?"})) == "NOT_KNOWN"


async def test_apply_discount(shop: Shop) -> None:
    told = done(await shop.known.call("apply_discount", {"reason": "TOO_EXPENSIVE", "asked_percent": 90}))
    assert (told["kind"], told["percent"], told["isNew"]) == ("PERCENTAGE_DISCOUNT", "10", True)
    again = done(await shop.known.call("apply_discount", {"reason": "TOO_EXPENSIVE"}))
    assert (again["grantId"], again["isNew"]) == (told["grantId"], False)
    grants = await shop.known.rows(select(Grant))
    assert [(str(row.id), row.cart_id, row.percent) for row in grants] == [
        (told["grantId"], shop.known.conversation.cart_id, 10)
    ]
    assert (
        await shop.known.call("apply_discount", {"reason": "TOO_EXPENSIVE", "percent": 90})
    ).reason == "BAD_ARGUMENTS"
    assert len(await shop.known.rows(select(Grant))) == 1


async def test_rank_upsells(shop: Shop) -> None:
    told = done(await shop.known.call("rank_upsells"))
    assert [(each["sku"], each["price"]) for each in told["products"]] == [("MUG", "$17.99")]
    async with transaction(shop.engine, company_id=shop.id) as session:
        empty = await make.make_cart(session, company_id=shop.id)
    talk = await talk_about(shop.engine, empty.id, company_id=shop.id)
    assert refused(await talk.call("rank_upsells")) == "NOTHING_FITS"


async def test_log_trigger(shop: Shop) -> None:
    assert refused(await shop.known.call("log_trigger", {"handle": "made-up"})) == "NOT_GIVEN"
    assert await shop.known.rows(select(TriggerImpression)) == []
    claims = done(await shop.known.call("get_cart"))["claims"]
    handle = claims[0]["handle"]
    # What one conversation was given is no other's.
    assert refused(await shop.unknown.call("log_trigger", {"handle": handle})) == "NOT_GIVEN"
    assert done(await shop.known.call("log_trigger", {"handle": handle})) == {"trigger": "GOAL_GRADIENT", "isNew": True}
    assert done(await shop.known.call("log_trigger", {"handle": handle}))["isNew"] is False
    assert len(await shop.known.rows(select(TriggerImpression))) == 1


async def test_record_diagnosis(shop: Shop) -> None:
    told = await shop.known.call("record_diagnosis", {"reason": "TOO_EXPENSIVE", "quote": "Card 4111111111111111"})
    assert done(told) == {"reason": "TOO_EXPENSIVE", "flowMoved": False}
    assert (await shop.known.call("record_diagnosis", {"reason": "MOON"})).reason == "BAD_ARGUMENTS"


async def test_send_resume_link(shop: Shop) -> None:
    assert refused(await shop.unknown.call("send_resume_link"))
    assert await shop.unknown.rows(select(Message)) == []
    # An address alone is no consent.
    assert refused(await shop.known.call("send_resume_link")) == "NO_CONSENT"
    await agree(shop)
    first = done(await shop.known.call("send_resume_link"))
    assert first == {"channel": "EMAIL", "say": "I have sent the link to your cart to your email address."}
    await shop.known.call("send_resume_link")
    messages = await shop.known.rows(select(Message))
    assert [(row.to_address, row.cart_id) for row in messages] == [
        ("maya@example.com", shop.known.conversation.cart_id)
    ]
    assert refused(await shop.known.call("send_resume_link", {"channel": "SMS"}))
    assert len(await shop.known.rows(select(Message))) == 1


async def test_request_human(shop: Shop) -> None:
    told = done(await shop.known.call("request_human", {"reason": "Card 4111 1111 1111 1111 was charged twice"}))
    assert told["status"] == "REQUESTED"
    await shop.known.call("request_human", {"reason": "Again"})
    (row,) = await shop.known.rows(select(Handoff))
    assert (row.session_id, "1111" in row.reason, "charged twice" in row.reason) == (
        shop.known.conversation.id,
        False,
        True,
    )


async def test_set_opt_out(shop: Shop) -> None:
    assert refused(await shop.unknown.call("set_opt_out")) == "NOBODY_KNOWN"
    assert await shop.unknown.rows(select(Suppression)) == []
    await agree(shop)
    assert done(await shop.known.call("set_opt_out"))["scope"] == "ALL"
    assert {row.scope for row in await shop.known.rows(select(Suppression))} == {"ALL"}
    assert refused(await shop.known.call("send_resume_link"))
    assert await shop.known.rows(select(Message)) == []
