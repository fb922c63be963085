"""What a shop sells, for its pages."""

from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field, JsonValue

from api.cart_schemas import Amount
from api.dependencies import Now, SessionDep, WidgetDep
from api.problems import responses
from api.route import PageRoute
from api.schemas import Cursor, Limit, Page, Schema, decode_cursor, encode_cursor
from policy import money
from storefront.catalogue import service
from storefront.catalogue.schemas import ListedVariant
from storefront.shops import service as shops

router = APIRouter(prefix="/products", tags=["Products"], route_class=PageRoute)

_EXAMPLE: dict[str, JsonValue] = {
    "id": "01980f2e-8c5a-7c3e-9a54-0d5f8a3b1c22",
    "productId": "01980f2e-8c59-7a1b-8d11-5c0a7e9f2b10",
    "handle": "signature-blend",
    "sku": "WF-SIG-1LB-WB",
    "name": "Signature Blend – 1 lb",
    "title": "Signature Blend",
    "variant": "1 lb",
    "description": "The coffee we drink ourselves, every morning.",
    "category": "Coffee beans",
    "tags": ["medium roast"],
    "imageUrl": "/shop/art/signature-blend.svg",
    "productImageUrl": "/shop/art/signature-blend.svg",
    "price": 24.99,
    "compareAtPrice": None,
    "currency": "USD",
    "stock": 42,
}


class ProductRead(Schema):
    """What goes into a cart: one variant of a product."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    product_id: UUID
    handle: str
    sku: str
    name: str = Field(description="The product, and which variant of it where there are several.")
    title: str
    variant: str = Field(description="Empty for a product with one variant.")
    description: str
    category: str
    tags: list[str]
    image_url: str | None
    product_image_url: str | None
    price: Amount
    compare_at_price: Amount | None
    currency: str
    stock: int | None = Field(description="On hand less what carts hold; null where running out stops nobody.")

    @classmethod
    def of(cls, listed: ListedVariant) -> Self:
        before = listed.compare_at_minor
        return cls(
            id=listed.id,
            product_id=listed.product_id,
            handle=listed.handle,
            sku=listed.sku,
            name=listed.name,
            title=listed.title,
            variant=listed.variant,
            description=listed.description,
            category=listed.category,
            tags=list(listed.tags),
            image_url=listed.image_url,
            product_image_url=listed.product_image_url,
            price=money.json_number(listed.price_minor, listed.currency),
            compare_at_price=None if before is None else money.json_number(before, listed.currency),
            currency=listed.currency,
            stock=listed.stock,
        )


@router.get("", responses=responses(400, 403))
async def list_products(
    caller: WidgetDep,
    session: SessionDep,
    now: Now,
    currency: Annotated[
        str | None, Query(pattern="^[A-Z]{3}$", description="ISO 4217; the shop's own if left out.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = service.PAGE_SIZE,
) -> Page[ProductRead]:
    """The variants on sale that have a price in the currency, in the order in which they were added."""
    if currency is None:
        currency = (await shops.home(session, company_id=caller.company_id)).currency
    money.exponent(currency)
    page = await service.list_products(
        session, company_id=caller.company_id, currency=currency, now=now, after=decode_cursor(cursor), limit=limit
    )
    return Page(
        items=[ProductRead.of(listed) for listed in page.items],
        next_cursor=None if page.after is None else encode_cursor(page.after),
    )
