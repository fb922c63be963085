"""Somebody who may be called: a cart worth it, consent in writing, and the flow that calls."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncEngine

from app.demo.seed import COMPANY_ID
from app.simulator.repository import SimulationRepository
from db.clock import read_clock
from db.session import transaction
from db.tables.customers import ConsentChannel, ConsentMethod, ConsentState
from db.tables.policy import Channel
from policy.access.schemas import COMMAND_LINE
from policy.contact import service as contact
from policy.contact.rules import Contact, Purpose, windows_of
from policy.contact.schemas import MerchantRules, pack_in_force
from policy.contact.service import ConsentGiven
from policy.contact.windows import HORIZON
from policy.errors import AppError
from policy.tokens import Signer
from recovery.config import FlowConfig
from recovery.configuration import change_flow, flow_in_force
from storefront.carts import service as carts
from storefront.customers.schemas import CustomerDetails, Evidence

NAME = "Maya"
COUNTRY, ZONE = "US", "America/Los_Angeles"
# The call is due a day after the cart is lost, and may wait some hours for the emails before it.
CALLED_AFTER = (timedelta(hours=24), timedelta(hours=30))
CURRENCY = "USD"
# Worth more than the least that is called about.
SKU, QUANTITY = "WF-SIG-2LB-WB", 3
# What carts hold, given back after a while, and what was ordered: for as many calls as anybody plays in a while.
STOCK = 10_000
# The shop's clock may stand in one day for many runs.
CALLS_A_DAY = 1_000


class NoCallingHours(AppError):
    status = 409
    code = "no_calling_hours"
    title = "Nobody may be called at any hour"


@dataclass(frozen=True)
class Person:
    cart_id: UUID
    customer_id: UUID
    phone: str


async def let_calls_be_made(engine: AsyncEngine, *, at_once: int) -> None:
    """Switch the phone on in the demo shop's flow, where it is not: the fifth stage is a call and nothing else.

    There are lines for as many calls at once, and there is enough in stock for everybody's cart.
    """
    async with transaction(engine, company_id=COMPANY_ID) as session:
        await SimulationRepository(session).have_in_stock(SKU, STOCK, company_id=COMPANY_ID)
        flow = await flow_in_force(session, company_id=COMPANY_ID)
        changed = flow.config.model_dump(mode="json", by_alias=True)
        voice = changed["voice"]
        voice["enabled"] = True
        voice["maxCallsAtOnce"] = max(voice["maxCallsAtOnce"], at_once)
        voice["maxCallsPerDay"] = max(voice["maxCallsPerDay"], CALLS_A_DAY)
        changed["stages"]["nuclearOffer"] |= {"voiceCallEnabled": True, "channels": [Channel.VOICE]}
        config = FlowConfig.model_validate(changed)
        await change_flow(session, config, company_id=COMPANY_ID, by=COMMAND_LINE, now=await read_clock(session))


def leaves_at(now: datetime, config: FlowConfig) -> datetime:
    """When a cart has to be left so that its call falls into calling hours, at or after `now`.

    A call that is due before a weekend would have to wait for Monday, and by then it is too late for it.
    """
    person = Contact(has_address=True, zones=(ZoneInfo(ZONE),), shop_zone=ZoneInfo(ZONE), country=COUNTRY)
    pack = pack_in_force(now).tightened(MerchantRules.of(config.model_dump(mode="json", by_alias=True)))
    windows = windows_of(person, Channel.VOICE, Purpose.MARKETING, pack)
    leaves = now
    while not all(window.allows(leaves + after) for window in windows for after in CALLED_AFTER):
        leaves += timedelta(hours=1)
        if leaves > now + HORIZON:
            raise NoCallingHours(f"There is no hour from {now} on at which the shop's settings let anybody be called.")
    return leaves


async def leave_a_cart(engine: AsyncEngine, signer: Signer) -> Person:
    """A new person in Oregon fills a cart and goes away. They agreed to emails, and in writing to calls by an AI."""
    number = f"+1503555{secrets.randbelow(10_000):04d}"
    email = f"maya.{secrets.token_hex(6)}@example.com"
    details = CustomerDetails(
        email=email,
        phone=number,
        first_name=NAME,
        country=COUNTRY,
        timezone=ZONE,
        consents=(ConsentChannel.EMAIL,),
    )
    async with transaction(engine, company_id=COMPANY_ID) as session:
        now = await read_clock(session)
        cart = await carts.open_cart(
            session,
            company_id=COMPANY_ID,
            currency=CURRENCY,
            items=((SKU, QUANTITY),),
            customer=details,
            evidence=Evidence(),
            signer=signer,
            now=now,
        )
        assert cart.customer_id is not None
        await contact.record_consent(
            session,
            ConsentGiven(
                customer_id=cart.customer_id,
                channel=ConsentChannel.AI_VOICE,
                address=number,
                state=ConsentState.CONFIRMED,
                method=ConsentMethod.WRITTEN,
                wording_version="simulation-1",
                wording="I agree that this shop calls me on this number with an automated AI voice about my cart.",
            ),
            company_id=COMPANY_ID,
            now=now,
        )
    return Person(cart.id, cart.customer_id, number)
