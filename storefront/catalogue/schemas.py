"""Products on their way in, as a file describes them, and on their way out, as a shop lists them."""

from dataclasses import dataclass
from uuid import UUID

from db.tables.catalogue import ProductStatus, StockPolicy
from storefront.carts.rules import line_name


@dataclass(frozen=True, slots=True)
class ParsedVariant:
    """`row` is the spreadsheet's; amounts are minor units of the file's currency. An only variant has no title."""

    row: int
    sku: str
    title: str
    image_url: str | None
    taxable: bool
    requires_shipping: bool
    price_minor: int
    compare_at_minor: int | None
    unit_cost_minor: int | None
    on_hand: int
    policy: StockPolicy


@dataclass(frozen=True, slots=True)
class ParsedProduct:
    """`complete` when none of its rows was refused, so that a variant which is missing here is gone from the shop."""

    row: int
    handle: str
    title: str
    description: str
    vendor: str
    category: str
    tags: tuple[str, ...]
    image_url: str | None
    status: ProductStatus
    complete: bool
    variants: tuple[ParsedVariant, ...]


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """Why a row was not taken and what to do about it."""

    row: int
    say: str


@dataclass(frozen=True, slots=True)
class ParsedCatalogue:
    currency: str
    products: tuple[ParsedProduct, ...]
    refused: tuple[RefusedRow, ...]


@dataclass(frozen=True, slots=True)
class ListedVariant:
    """A variant on sale. `stock` is on hand less live holds; None where running out stops nobody."""

    id: UUID
    product_id: UUID
    handle: str
    sku: str
    title: str
    variant: str
    description: str
    category: str
    tags: tuple[str, ...]
    image_url: str | None
    product_image_url: str | None
    price_minor: int
    compare_at_minor: int | None
    currency: str
    stock: int | None

    @property
    def name(self) -> str:
        return line_name(self.title, self.variant)


@dataclass(frozen=True, slots=True)
class ListedPage:
    """`after` continues the list; None at its end."""

    items: tuple[ListedVariant, ...]
    after: UUID | None
