"""Brings a parsed product file into the catalogue: idempotent by handle and SKU, in batches that may be repeated."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.ids import uuid7
from db.tables.catalogue import PriceHistory, Product, ProductVariant, Stock, VariantPrice
from storefront.catalogue.repository import CatalogueRepository
from storefront.catalogue.schemas import ParsedCatalogue, ParsedProduct, ParsedVariant, RefusedRow

BATCH_PRODUCTS = 50

OpenTransaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Counts of variants; `retired` ones are no longer in the shop's file, `refused` are rows of it."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0
    refused: tuple[RefusedRow, ...] = ()

    def __add__(self, other: "ImportReport") -> "ImportReport":
        return ImportReport(
            self.added + other.added,
            self.changed + other.changed,
            self.unchanged + other.unchanged,
            self.retired + other.retired,
            self.refused + other.refused,
        )


async def import_products(
    open_transaction: OpenTransaction,
    parsed: ParsedCatalogue,
    *,
    company_id: UUID,
    now: datetime,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a parsed file in several transactions that the caller's edge opens and commits.

    `progress` gets the products done and to do. A variant that a product no longer has goes off sale, unless one of
    the product's rows was refused.
    """
    report = ImportReport(refused=parsed.refused)
    skus = frozenset(variant.sku for product in parsed.products for variant in product.variants)
    for start in range(0, len(parsed.products), BATCH_PRODUCTS):
        batch = parsed.products[start : start + BATCH_PRODUCTS]
        async with open_transaction() as session:
            report += await apply_products(
                session, batch, company_id=company_id, currency=parsed.currency, file_skus=skus, now=now
            )
        if progress is not None:
            progress(start + len(batch), len(parsed.products))
    return report


async def apply_products(
    session: AsyncSession,
    products: Sequence[ParsedProduct],
    *,
    company_id: UUID,
    currency: str,
    file_skus: Collection[str],
    now: datetime,
) -> ImportReport:
    """Write a batch of products. `file_skus` are those of the whole file: none of them goes off sale."""
    repository = CatalogueRepository(session)
    await repository.lock_imports(company_id=company_id)
    stored = await repository.products([product.handle for product in products], company_id=company_id)
    variants = await repository.variants(
        [variant.sku for product in products for variant in product.variants],
        [product.id for product in stored.values()],
        company_id=company_id,
    )
    ids = [variant.id for variant in variants.values()]
    writer = _Writer(
        session,
        company_id=company_id,
        currency=currency,
        now=now,
        products=stored,
        variants=variants,
        prices=await repository.prices(ids, company_id=company_id, currency=currency),
        stock=await repository.lock_stock(ids, company_id=company_id),
    )
    report = ImportReport()
    for product in products:
        report += writer.write(product)
    complete = {stored[product.handle].id for product in products if product.complete and product.handle in stored}
    gone = [
        variant
        for sku, variant in variants.items()
        if variant.active and variant.product_id in complete and sku not in file_skus
    ]
    for variant in gone:
        variant.active = False
    await repository.add(writer.new_products, writer.new_variants, writer.new_details)
    return report + ImportReport(retired=len(gone))


@dataclass(slots=True)
class _Writer:
    """Sets what differs on the stored rows and collects the new ones."""

    session: AsyncSession
    company_id: UUID
    currency: str
    now: datetime
    products: dict[str, Product]
    variants: dict[str, ProductVariant]
    prices: dict[UUID, VariantPrice]
    stock: dict[UUID, Stock]
    new_products: list[Product] = field(default_factory=list)
    new_variants: list[ProductVariant] = field(default_factory=list)
    new_details: list[VariantPrice | PriceHistory | Stock] = field(default_factory=list)

    def write(self, parsed: ParsedProduct) -> ImportReport:
        product, product_changed = self._product(parsed)
        added = changed = unchanged = 0
        for position, row in enumerate(parsed.variants, start=1):
            known = row.sku in self.variants
            variant, variant_changed = self._variant(row, product, position)
            priced, counted = self._price(row, variant), self._stock(row, variant)
            if not known:
                added += 1
            elif product_changed or variant_changed or priced or counted:
                changed += 1
            else:
                unchanged += 1
        return ImportReport(added, changed, unchanged)

    def _product(self, parsed: ParsedProduct) -> tuple[Product, bool]:
        product = self.products.get(parsed.handle)
        if product is None:
            product = Product(company_id=self.company_id, id=uuid7(), handle=parsed.handle, created_at=self.now)
            self.new_products.append(product)
        product.title = parsed.title
        product.description = parsed.description
        product.vendor = parsed.vendor
        product.category = parsed.category
        product.tags = list(parsed.tags)
        product.image_url = parsed.image_url
        product.status = parsed.status
        changed = self.session.is_modified(product)
        if changed:
            product.updated_at = self.now
        return product, changed

    def _variant(self, row: ParsedVariant, product: Product, position: int) -> tuple[ProductVariant, bool]:
        variant = self.variants.get(row.sku)
        if variant is None:
            variant = ProductVariant(company_id=self.company_id, id=uuid7(), sku=row.sku)
            self.new_variants.append(variant)
        variant.product_id = product.id
        variant.title = row.title
        variant.position = position
        variant.image_url = row.image_url
        variant.taxable = row.taxable
        variant.requires_shipping = row.requires_shipping
        variant.active = True
        return variant, self.session.is_modified(variant)

    def _price(self, row: ParsedVariant, variant: ProductVariant) -> bool:
        """Set the price in the file's currency, and remember each price that was ever asked (rules C-39)."""
        price = self.prices.get(variant.id)
        if price is None:
            price = VariantPrice(company_id=self.company_id, variant_id=variant.id, currency=self.currency)
            self.new_details.append(price)
        if price.price_minor != row.price_minor:
            self.new_details.append(
                PriceHistory(
                    company_id=self.company_id,
                    id=uuid7(),
                    variant_id=variant.id,
                    currency=self.currency,
                    price_minor=row.price_minor,
                    effective_at=self.now,
                )
            )
        price.price_minor = row.price_minor
        price.compare_at_minor = row.compare_at_minor
        # Many exports leave the cost out; without it an offer would lose its margin floor.
        price.unit_cost_minor = price.unit_cost_minor if row.unit_cost_minor is None else row.unit_cost_minor
        return self.session.is_modified(price)

    def _stock(self, row: ParsedVariant, variant: ProductVariant) -> bool:
        stock = self.stock.get(variant.id)
        if stock is None:
            stock = Stock(company_id=self.company_id, variant_id=variant.id)
            self.new_details.append(stock)
        stock.on_hand = row.on_hand
        stock.policy = row.policy
        changed = self.session.is_modified(stock)
        if changed:
            stock.updated_at = self.now
        return changed
