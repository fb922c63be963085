"""Seed the demo shop. Each step is a transaction and looks first: a start that was cut short goes on at the next."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.companies import Keys, NewCompany, NewShippingRate, NewTaxRate, create_company, issue_keys
from app.demo import files
from app.demo.repository import DemoRepository
from app.imports import import_faq_file, import_products_file
from db.clock import read_clock
from db.ids import uuid7
from db.session import transaction
from db.tables.carts import OrderLine, PaymentState
from db.tables.catalogue import Bundle, BundleItem, Review
from db.tables.companies import Role
from db.tables.customers import ConsentChannel, ConsentMethod, ConsentState
from policy import money
from policy.access import service as access
from policy.access.passwords import Passwords
from policy.access.schemas import COMMAND_LINE
from policy.contact import service as contact
from policy.contact.service import ConsentGiven
from policy.errors import NotFound
from policy.tokens import Signer
from storefront.carts import service as carts
from storefront.customers import service as customers
from storefront.customers.schemas import CustomerDetails, Evidence

# The same at every start: the shop is found again.
COMPANY_ID = UUID("01980000-0000-7000-8000-00000000c0fe")
CART = (("WF-SIG-1LB-WB", 1), ("WF-PPF-2", 1))


@dataclass(frozen=True)
class Admin:
    """Who signs in to the demo's console; the password in clear, this once."""

    email: str
    password: str


@dataclass(frozen=True)
class DemoShop:
    company_id: UUID
    keys: Keys
    cart_id: UUID
    admin: Admin


async def seed(engine: AsyncEngine, signer: Signer) -> DemoShop:
    """The demo shop with catalogue, FAQ, customers and history, new keys and a cart to begin with."""
    begin = partial(transaction, engine, company_id=COMPANY_ID)
    shop = files.shop()
    async with begin() as session:
        now = await read_clock(session)
        if await DemoRepository(session).company(company_id=COMPANY_ID) is None:
            await create_company(session, _company(shop), now=now)
    await import_products_file(engine, files.products_csv(), company_id=COMPANY_ID, currency=shop.currency)
    await import_faq_file(engine, "faq.md", files.faq(), company_id=COMPANY_ID, remove_missing=True)
    async with begin() as session:
        await _customers(session, shop, signer, now=now)
    async with begin() as session:
        await _orders(session, shop.currency, now=now)
        await _reviews(session, now=now)
        await _bundles(session)
    async with begin() as session:
        keys = await issue_keys(session, company_id=COMPANY_ID)
        cart = await carts.open_cart(
            session,
            company_id=COMPANY_ID,
            currency=shop.currency,
            items=CART,
            customer=None,
            evidence=Evidence(),
            signer=signer,
            now=now,
        )
    return DemoShop(COMPANY_ID, keys, cart.id, await _admin(engine))


async def _admin(engine: AsyncEngine) -> Admin:
    """The demo's admin, with a new password at each start, as its keys are new."""
    admin = Admin(f"owner@{files.shop().support_email.partition('@')[2]}", secrets.token_urlsafe(12))
    hashed = await Passwords().hash(admin.password)
    async with transaction(engine, company_id=COMPANY_ID) as session:
        try:
            await access.set_password(session, admin.email, hashed, company_id=COMPANY_ID, by=COMMAND_LINE)
        except NotFound:
            await access.add_user(session, admin.email, hashed, Role.ADMIN, company_id=COMPANY_ID, by=COMMAND_LINE)
    return admin


def _company(shop: files.ShopFile) -> NewCompany:
    view = files.shop_view()
    return NewCompany(
        id=COMPANY_ID,
        name=shop.name,
        legal_name=shop.legal_name,
        postal_address=shop.postal_address,
        support_email=shop.support_email,
        currency=shop.currency,
        timezone=shop.timezone,
        country=shop.country,
        locale=shop.locale,
        shipping_rates=[
            NewShippingRate(rate.currency, rate.name, rate.amount, rate.free_from, rate.country)
            for rate in view.shipping_rates
        ],
        tax_rates=[NewTaxRate(tax.rate, tax.inclusive, tax.country) for tax in shop.tax_rates],
    )


async def _customers(session: AsyncSession, shop: files.ShopFile, signer: Signer, *, now: datetime) -> None:
    known = await DemoRepository(session).customer_ids(company_id=COMPANY_ID)
    for row in files.customers():
        if row.email in known:
            continue
        details = CustomerDetails(
            email=row.email,
            phone=row.phone,
            first_name=row.first_name,
            last_name=row.last_name,
            country=row.country,
            timezone=row.timezone,
        )
        customer_id = await customers.identify(
            session, details, company_id=COMPANY_ID, evidence=Evidence(), signer=signer, now=now
        )
        for name in filter(None, row.consents.split(";")):
            channel = ConsentChannel(name)
            written = channel is ConsentChannel.AI_VOICE
            by_email = channel in (ConsentChannel.EMAIL, ConsentChannel.PUSH, ConsentChannel.CHAT_RECORDING)
            await contact.record_consent(
                session,
                ConsentGiven(
                    customer_id=customer_id,
                    channel=channel,
                    address=row.email if by_email else row.phone or "",
                    state=ConsentState.CONFIRMED,
                    method=ConsentMethod.WRITTEN if written else ConsentMethod.IMPORT,
                    wording_version="demo-1",
                    wording=f"Imported with the demo shop: consent to {channel} by {shop.legal_name}.",
                ),
                company_id=COMPANY_ID,
                now=now,
            )


async def _orders(session: AsyncSession, currency: str, *, now: datetime) -> None:
    demo = DemoRepository(session)
    prices = await demo.prices(currency, company_id=COMPANY_ID)
    people = await demo.customer_ids(company_id=COMPANY_ID)
    for past in files.orders():
        lines = [(prices[item.sku], item.quantity) for item in past.items]
        subtotal = sum(priced.price_minor * quantity for priced, quantity in lines)
        order_id = uuid7()
        order = {
            "id": order_id,
            "customer_id": people.get(past.customer),
            "external_id": past.order_id,
            "payment_state": PaymentState.PAID,
            "currency": currency,
            "subtotal_minor": subtotal,
            "discount_minor": 0,
            "shipping_minor": 0,
            "tax_minor": 0,
            "total_minor": subtotal,
            "placed_at": now - timedelta(days=past.days_ago),
        }
        if not await demo.add_order(order, company_id=COMPANY_ID):
            continue
        for priced, quantity in lines:
            session.add(
                OrderLine(
                    company_id=COMPANY_ID,
                    id=uuid7(),
                    order_id=order_id,
                    variant_id=priced.variant_id,
                    quantity=quantity,
                    unit_price_minor=priced.price_minor,
                )
            )


async def _reviews(session: AsyncSession, *, now: datetime) -> None:
    demo = DemoRepository(session)
    if await demo.has_reviews(company_id=COMPANY_ID):
        return
    products = await demo.product_ids(company_id=COMPANY_ID)
    for past in files.reviews():
        session.add(
            Review(
                company_id=COMPANY_ID,
                id=uuid7(),
                product_id=products[past.handle],
                rating=past.rating,
                title=past.title,
                body=past.body,
                author=past.author,
                verified_purchase=past.verified_purchase,
                created_at=now - timedelta(days=past.days_ago),
            )
        )


async def _bundles(session: AsyncSession) -> None:
    demo = DemoRepository(session)
    if await demo.has_bundles(company_id=COMPANY_ID):
        return
    for row in files.bundles():
        prices = await demo.prices(row.currency, company_id=COMPANY_ID)
        bundle = Bundle(
            company_id=COMPANY_ID,
            id=uuid7(),
            name=row.name,
            currency=row.currency,
            price_minor=money.to_minor(row.price, row.currency),
            active=True,
        )
        session.add(bundle)
        await session.flush()
        for item in row.items:
            session.add(
                BundleItem(
                    company_id=COMPANY_ID,
                    bundle_id=bundle.id,
                    variant_id=prices[item.sku].variant_id,
                    quantity=item.quantity,
                )
            )
