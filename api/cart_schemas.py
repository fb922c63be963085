"""A cart as the widget sends and gets it: camelCase, money as decimal numbers of major units."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from api.schemas import Body, Schema, example
from db.tables.carts import CartStatus
from db.tables.customers import ConsentChannel
from db.tables.policy import GrantKind
from policy import money
from storefront.carts.rules import MAX_LINES, MAX_QUANTITY
from storefront.carts.schemas import CartView, FreeShippingView, LineView, OfferView
from storefront.customers.schemas import CustomerDetails

Amount = Annotated[int | float, WithJsonSchema({"type": "number"})]
Quantity = Annotated[int, Field(strict=True, ge=1, le=MAX_QUANTITY, examples=[2])]
Sku = Annotated[str, Field(min_length=1, max_length=200, examples=["WF-SIG-1LB-WB"])]


def _blank_is_none(value: object) -> object:
    # What a form sends for a field that was left empty.
    return None if isinstance(value, str) and not value.strip() else value


Blank = BeforeValidator(_blank_is_none)


class ItemToAdd(Body):
    sku: Sku
    quantity: Quantity


class QuantityToSet(Body):
    quantity: Quantity


class CustomerToName(Body):
    """Who the shopper says they are. An address alone is no consent; `consents` are the boxes that they ticked."""

    email: str = Field(min_length=3, max_length=254, examples=["maya@example.com"])
    phone: Annotated[Annotated[str, Field(max_length=32)] | None, Blank] = Field(
        default=None, examples=["+15035550111"]
    )
    first_name: Annotated[Annotated[str, Field(max_length=100)] | None, Blank] = Field(default=None, examples=["Maya"])
    last_name: Annotated[Annotated[str, Field(max_length=100)] | None, Blank] = Field(default=None, examples=["Okafor"])
    country: Annotated[Annotated[str, Field(pattern="^[A-Z]{2}$")] | None, Blank] = Field(default=None, examples=["US"])
    timezone: Annotated[Annotated[str, Field(max_length=64)] | None, Blank] = Field(
        default=None, examples=["America/Los_Angeles"]
    )
    locale: Annotated[Annotated[str, Field(max_length=35)] | None, Blank] = Field(default=None, examples=["en_US"])
    consents: list[ConsentChannel] = Field(
        default=[], max_length=6, description="EMAIL or SMS; a call needs a written consent.", examples=[["EMAIL"]]
    )

    def details(self) -> CustomerDetails:
        return CustomerDetails(
            email=self.email,
            phone=self.phone,
            first_name=self.first_name,
            last_name=self.last_name,
            country=self.country,
            timezone=self.timezone,
            locale=self.locale,
            consents=tuple(self.consents),
        )


_CUSTOMER: dict[str, JsonValue] = {
    "email": "maya@example.com",
    "firstName": "Maya",
    "timezone": "America/Los_Angeles",
    "country": "US",
    "consents": ["EMAIL"],
}


class CartToOpen(Body):
    model_config = example(
        {"currency": "USD", "items": [{"sku": "WF-SIG-1LB-WB", "quantity": 2}], "customer": _CUSTOMER}
    )

    currency: str = Field(pattern="^[A-Z]{3}$", description="ISO 4217.", examples=["USD"])
    items: list[ItemToAdd] = Field(default=[], max_length=MAX_LINES)
    customer: CustomerToName | None = None


class CheckoutToStart(Body):
    model_config = example({"customer": _CUSTOMER})

    customer: CustomerToName | None = None


class Item(Schema):
    id: UUID
    sku: str
    name: str
    quantity: int
    unit_price: Amount
    discount: Amount = Field(description="The item's own markdown and its share of the cart's discount.")
    line_total: Amount = Field(description="Quantity × unit price, less `discount`.")
    image_url: str | None
    hold_expires_at: datetime | None = Field(description="Until when the units are held for this cart.")


class Offer(Schema):
    kind: GrantKind
    percent: Amount | None
    expires_at: datetime


class FreeShipping(Schema):
    threshold: Amount
    remaining: Amount


_EXAMPLE: dict[str, JsonValue] = {
    "id": "01980f2e-8c5a-7c3e-9a54-0d5f8a3b1c22",
    "status": "ACTIVE",
    "items": [
        {
            "id": "01980f2e-8c61-7d10-b1a3-7d2f0c9e4b11",
            "sku": "WF-SIG-1LB-WB",
            "name": "Signature Blend – 1 lb",
            "quantity": 2,
            "unitPrice": 24.99,
            "discount": 0.0,
            "lineTotal": 49.98,
            "imageUrl": "/shop/art/signature-blend.svg",
            "holdExpiresAt": "2026-11-22T15:15:00Z",
        }
    ],
    "subtotal": 49.98,
    "discountTotal": 0.0,
    "shipping": 5.99,
    "tax": 0.0,
    "grandTotal": 55.97,
    "currency": "USD",
    "itemCount": 2,
    "holdExpiresAt": "2026-11-22T15:15:00Z",
    "freeShipping": {"threshold": 50.0, "remaining": 0.02},
    "offer": None,
    "checkoutStartedAt": None,
}


class CartRead(Schema):
    """Totals are worked out anew at each read. Tax is in the prices or comes on top, as the country has it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    status: CartStatus
    items: list[Item]
    subtotal: Amount
    discount_total: Amount
    shipping: Amount
    tax: Amount
    grand_total: Amount
    currency: str
    item_count: int
    hold_expires_at: datetime | None = Field(description="The earliest end of a hold.")
    free_shipping: FreeShipping | None
    offer: Offer | None = Field(description="The live offer, if there is one; `discountTotal` contains it.")
    checkout_started_at: datetime | None

    @classmethod
    def of(cls, cart: CartView) -> "CartRead":
        currency = cart.currency
        return cls(
            id=cart.id,
            status=cart.status,
            items=[_item(line, currency) for line in cart.lines],
            subtotal=money.json_number(cart.subtotal_minor, currency),
            discount_total=money.json_number(cart.discount_minor, currency),
            shipping=money.json_number(cart.shipping_minor, currency),
            tax=money.json_number(cart.tax_minor, currency),
            grand_total=money.json_number(cart.grand_total_minor, currency),
            currency=currency,
            item_count=cart.item_count,
            hold_expires_at=cart.hold_expires_at,
            free_shipping=_free_shipping(cart.free_shipping, currency),
            offer=_offer(cart.offer),
            checkout_started_at=cart.checkout_started_at,
        )


class OpenedCart(CartRead):
    model_config = ConfigDict(json_schema_extra={"examples": [{**_EXAMPLE, "cartToken": "c.…"}]})

    cart_token: str = Field(description="Bearer token for this cart, good for 30 minutes. Never given twice.")

    @classmethod
    def with_token(cls, cart: CartView, token: str) -> "OpenedCart":
        return cls(**CartRead.of(cart).model_dump(), cart_token=token)


def _item(line: LineView, currency: str) -> Item:
    return Item(
        id=line.id,
        sku=line.sku,
        name=line.name,
        quantity=line.quantity,
        unit_price=money.json_number(line.unit_price_minor, currency),
        discount=money.json_number(line.discount_minor, currency),
        line_total=money.json_number(line.net_minor, currency),
        image_url=line.image_url,
        hold_expires_at=line.hold_expires_at,
    )


def _offer(offer: OfferView | None) -> Offer | None:
    if offer is None:
        return None
    percent = None if offer.percent is None else float(offer.percent)
    return Offer(kind=offer.kind, percent=percent, expires_at=offer.expires_at)


def _free_shipping(found: FreeShippingView | None, currency: str) -> FreeShipping | None:
    if found is None:
        return None
    return FreeShipping(
        threshold=money.json_number(found.threshold_minor, currency),
        remaining=money.json_number(found.remaining_minor, currency),
    )
