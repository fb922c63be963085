"""Small shops for tests: each function writes one thing, in the caller's transaction, and returns its row.

`NOW` is the moment at which they exist; nothing here reads a clock.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from db.ids import uuid7
from db.session import transaction
from db.tables.carts import Cart, CartLine, CartStatus, HoldStatus, InventoryHold, Order, OrderLine, PaymentState
from db.tables.catalogue import Product, ProductStatus, ProductVariant, Stock, StockPolicy, VariantPrice
from db.tables.companies import Company, ShippingRate, TaxRate
from db.tables.customers import Customer
from db.tables.policy import Grant, GrantKind, GrantSource, GrantStatus
from policy.tokens import Signer

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
SIGNER = Signer("a signing key for tests, 32 characters or more")


async def make_company(
    engine: AsyncEngine, *, name: str = "Wren Coffee", currency: str = "USD", country: str = "US", timezone: str = "UTC"
) -> Company:
    """A company, committed: its wall is its own id, so it needs a transaction of its own."""
    company = Company(
        id=uuid7(),
        name=name,
        legal_name=f"{name} LLC",
        postal_address="1 Example Street, Portland, OR 97201",
        support_email="hello@shop.example",
        currency=currency,
        timezone=timezone,
        country=country,
        created_at=NOW,
    )
    async with transaction(engine, company_id=company.id) as session:
        session.add(company)
    return company


async def make_product(
    session: AsyncSession,
    sku: str,
    *,
    company_id: UUID,
    name: str | None = None,
    prices: Mapping[str, int] | None = None,
    unit_cost_minor: int | None = None,
    on_hand: int = 10,
    policy: StockPolicy = StockPolicy.DENY,
    category: str = "Coffee beans",
    status: ProductStatus = ProductStatus.ACTIVE,
    active: bool = True,
    taxable: bool = True,
    image_url: str | None = None,
) -> ProductVariant:
    """A product with one variant, its prices (minor units by currency, default USD 24.99) and its stock."""
    product = Product(
        company_id=company_id,
        id=uuid7(),
        handle=sku.lower(),
        title=name or f"Product {sku}",
        description="",
        vendor="Wren",
        category=category,
        tags=[],
        image_url=image_url,
        status=status,
        created_at=NOW,
        updated_at=NOW,
    )
    session.add(product)
    await session.flush()
    return await make_variant(
        session,
        product,
        sku,
        prices=prices,
        unit_cost_minor=unit_cost_minor,
        on_hand=on_hand,
        policy=policy,
        active=active,
        taxable=taxable,
    )


async def make_variant(
    session: AsyncSession,
    product: Product,
    sku: str,
    *,
    title: str = "",
    prices: Mapping[str, int] | None = None,
    unit_cost_minor: int | None = None,
    on_hand: int = 10,
    policy: StockPolicy = StockPolicy.DENY,
    active: bool = True,
    taxable: bool = True,
) -> ProductVariant:
    """A further variant of a product, with prices and stock."""
    variant = ProductVariant(
        company_id=product.company_id,
        id=uuid7(),
        product_id=product.id,
        sku=sku,
        title=title,
        position=1,
        image_url=None,
        taxable=taxable,
        requires_shipping=True,
        active=active,
    )
    session.add(variant)
    await session.flush()
    key = {"company_id": product.company_id, "variant_id": variant.id}
    for currency, price_minor in ({"USD": 24_99} if prices is None else prices).items():
        session.add(
            VariantPrice(
                **key,
                currency=currency,
                price_minor=price_minor,
                compare_at_minor=None,
                unit_cost_minor=unit_cost_minor,
            )
        )
    session.add(Stock(**key, on_hand=on_hand, policy=policy, updated_at=NOW))
    await session.flush()
    return variant


async def make_shipping_rate(
    session: AsyncSession,
    *,
    company_id: UUID,
    currency: str = "USD",
    amount_minor: int = 5_99,
    free_from_minor: int | None = 50_00,
    country: str | None = None,
) -> ShippingRate:
    rate = ShippingRate(
        company_id=company_id,
        currency=currency,
        country=country,
        name="Standard delivery",
        amount_minor=amount_minor,
        free_from_minor=free_from_minor,
    )
    session.add(rate)
    await session.flush()
    return rate


async def make_tax_rate(
    session: AsyncSession, *, company_id: UUID, rate: str = "0.2", inclusive: bool = True, country: str | None = None
) -> TaxRate:
    tax = TaxRate(company_id=company_id, country=country, rate=Decimal(rate), inclusive=inclusive)
    session.add(tax)
    await session.flush()
    return tax


async def make_customer(
    session: AsyncSession,
    email: str = "maya@example.com",
    *,
    company_id: UUID,
    first_name: str | None = "Maya",
    phone: str | None = None,
    country: str | None = "US",
    timezone: str | None = "America/Los_Angeles",
) -> Customer:
    customer = Customer(
        company_id=company_id,
        id=uuid7(),
        email=email,
        phone=phone,
        first_name=first_name,
        last_name=None,
        country=country,
        timezone=timezone,
        locale=None,
        person_key=SIGNER.keyed_hash(email),
        created_at=NOW,
    )
    session.add(customer)
    await session.flush()
    return customer


async def make_cart(
    session: AsyncSession,
    *lines: tuple[ProductVariant, int],
    company_id: UUID,
    customer: Customer | None = None,
    currency: str = "USD",
    country: str | None = "US",
    status: CartStatus = CartStatus.ACTIVE,
    last_activity_at: datetime = NOW,
    idle_due_at: datetime | None = None,
    abandoned_at: datetime | None = None,
    line_discount_minor: int = 0,
) -> Cart:
    """A cart written directly, with its lines at the price of its currency and no holds."""
    cart = Cart(
        company_id=company_id,
        id=uuid7(),
        status=status,
        currency=currency,
        customer_id=None if customer is None else customer.id,
        country=country,
        last_activity_at=last_activity_at,
        idle_due_at=idle_due_at,
        abandoned_at=abandoned_at,
        abandonment=0 if abandoned_at is None else 1,
        created_at=last_activity_at,
    )
    session.add(cart)
    await session.flush()
    for variant, quantity in lines:
        price = await session.get_one(VariantPrice, (company_id, variant.id, currency))
        product = await session.scalar(
            select(Product).where(Product.company_id == company_id, Product.id == variant.product_id)
        )
        assert product is not None
        session.add(
            CartLine(
                company_id=company_id,
                cart_id=cart.id,
                variant_id=variant.id,
                sku=variant.sku,
                name=product.title,
                quantity=quantity,
                unit_price_minor=price.price_minor,
                discount_minor=line_discount_minor,
                taxable=variant.taxable,
                created_at=last_activity_at,
            )
        )
    await session.flush()
    return cart


async def make_hold(
    session: AsyncSession,
    cart: Cart,
    variant: ProductVariant,
    *,
    quantity: int = 1,
    placed_at: datetime = NOW,
    lasts: timedelta = timedelta(minutes=15),
) -> InventoryHold:
    hold = InventoryHold(
        company_id=cart.company_id,
        id=uuid7(),
        cart_id=cart.id,
        variant_id=variant.id,
        quantity=quantity,
        status=HoldStatus.ACTIVE,
        placed_at=placed_at,
        expires_at=placed_at + lasts,
        renewable_until=placed_at + timedelta(hours=1),
    )
    session.add(hold)
    await session.flush()
    return hold


async def make_grant(
    session: AsyncSession,
    cart: Cart,
    *,
    kind: GrantKind = GrantKind.PERCENTAGE_DISCOUNT,
    percent: str | None = "10",
    benefit_minor: int = 0,
    status: GrantStatus = GrantStatus.COMMITTED,
    committed_at: datetime = NOW,
    lasts: timedelta = timedelta(hours=72),
    person_key: str | None = None,
    source: GrantSource = GrantSource.CHAT,
) -> Grant:
    """A grant of the ledger. Free shipping takes `percent=None`."""
    grant = Grant(
        company_id=cart.company_id,
        id=uuid7(),
        cart_id=cart.id,
        person_key=person_key,
        kind=kind,
        percent=None if percent is None else Decimal(percent),
        benefit_minor=benefit_minor,
        currency=cart.currency,
        source=source,
        stage=None,
        reason="TOO_EXPENSIVE",
        policy_version=1,
        cap_percent=Decimal(30),
        status=status,
        personalised=False,
        idempotency_key=uuid7().hex,
        created_at=committed_at,
        committed_at=committed_at if status is GrantStatus.COMMITTED else None,
        ended_at=None,
        expires_at=committed_at + lasts,
    )
    session.add(grant)
    await session.flush()
    return grant


async def make_order(
    session: AsyncSession,
    *lines: tuple[ProductVariant, int],
    company_id: UUID,
    external_id: str | None = None,
    customer: Customer | None = None,
    currency: str = "USD",
    unit_price_minor: int = 10_00,
    payment_state: PaymentState = PaymentState.PAID,
    placed_at: datetime = NOW - timedelta(days=1),
) -> Order:
    """A past order that came from no cart of ours."""
    total = unit_price_minor * sum(quantity for _, quantity in lines)
    order = Order(
        company_id=company_id,
        id=uuid7(),
        cart_id=None,
        customer_id=None if customer is None else customer.id,
        external_id=external_id or uuid7().hex,
        payment_state=payment_state,
        currency=currency,
        subtotal_minor=total,
        discount_minor=0,
        shipping_minor=0,
        tax_minor=0,
        total_minor=total,
        grant_id=None,
        credited_message_id=None,
        placed_at=placed_at,
    )
    session.add(order)
    await session.flush()
    for variant, quantity in lines:
        session.add(
            OrderLine(
                company_id=company_id,
                order_id=order.id,
                variant_id=variant.id,
                quantity=quantity,
                unit_price_minor=unit_price_minor,
            )
        )
    await session.flush()
    return order
