"""The demo shop's own files, as they lie in app/demo/data."""

import csv
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from web.storefront.schemas import ProductArt, ShopView

DATA = Path(__file__).parent / "data"


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ShopTaxRate(_Row):
    country: str | None
    rate: Decimal
    inclusive: bool


class ShopFile(_Row):
    """What of shop.json becomes rows; the pages read the rest (web/storefront/schemas.py)."""

    name: str
    legal_name: str
    postal_address: str
    support_email: str
    currency: str
    timezone: str
    country: str
    locale: str
    tax_rates: tuple[ShopTaxRate, ...]


class CustomerRow(_Row):
    email: str
    first_name: str
    last_name: str
    phone: str | None = None
    country: str
    timezone: str
    consents: str = Field("", description="Channels, separated by semicolons.")


class Item(_Row):
    sku: str
    quantity: int = Field(ge=1)


class PastOrder(_Row):
    order_id: str
    customer: str
    days_ago: int
    items: tuple[Item, ...]


class PastReview(_Row):
    handle: str
    rating: int
    title: str
    body: str
    author: str
    verified_purchase: bool
    days_ago: int


class BundleRow(_Row):
    name: str
    currency: str
    price: Decimal
    items: tuple[Item, ...]


def shop() -> ShopFile:
    return ShopFile.model_validate_json((DATA / "shop.json").read_bytes())


def shop_view() -> ShopView:
    return ShopView.model_validate_json((DATA / "shop.json").read_bytes())


def art() -> dict[str, ProductArt]:
    return TypeAdapter(dict[str, ProductArt]).validate_json((DATA / "art.json").read_bytes())


def products_csv() -> bytes:
    return (DATA / "products.csv").read_bytes()


def faq() -> bytes:
    return (DATA / "faq.md").read_bytes()


def customers() -> list[CustomerRow]:
    with (DATA / "customers.csv").open(encoding="utf-8", newline="") as file:
        return [CustomerRow.model_validate({**row, "phone": row["phone"] or None}) for row in csv.DictReader(file)]


def orders() -> list[PastOrder]:
    return TypeAdapter(list[PastOrder]).validate_json((DATA / "orders.json").read_bytes())


def reviews() -> list[PastReview]:
    return TypeAdapter(list[PastReview]).validate_json((DATA / "reviews.json").read_bytes())


def bundles() -> list[BundleRow]:
    return TypeAdapter(list[BundleRow]).validate_json((DATA / "bundles.json").read_bytes())
