"""Reads Shopify's product CSV as shops really export it, with old and new column names. Pure.

A product is the rows with its handle: the first carries title and description, each row with a price is a variant,
a row with an image alone is a further picture. A row that cannot be sold as written is refused with its reason.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from policy import money
from policy.errors import AppError
from storefront.catalogue import cells
from storefront.catalogue.cells import OPTIONS, Row, RowRefused
from storefront.catalogue.html_text import html_text
from storefront.catalogue.schemas import ParsedCatalogue, ParsedProduct, ParsedVariant, RefusedRow

MAX_FILE_BYTES = 50 * 1024 * 1024

_COLUMNS = {
    "url handle": "handle",
    "body (html)": "body",
    "description": "body",
    "published on online store": "published",
    "variant sku": "sku",
    "variant price": "price",
    "variant compare at price": "compare at price",
    "compare-at price": "compare at price",
    "variant inventory tracker": "tracker",
    "inventory tracker": "tracker",
    "variant inventory qty": "quantity",
    "inventory quantity": "quantity",
    "variant inventory policy": "policy",
    "continue selling when out of stock": "policy",
    "variant requires shipping": "requires shipping",
    "variant taxable": "taxable",
    "charge tax": "taxable",
    "image src": "image",
    "product image url": "image",
    "variant image url": "variant image",
}


class CatalogueUnreadable(AppError):
    """The file as a whole cannot be read; nothing of it was imported."""

    status = 400
    code = "catalogue_unreadable"
    title = "The product file cannot be read"


@dataclass(slots=True)
class _Reading:
    """What was seen so far: a SKU is unique in a shop, and each refusal is remembered."""

    currency: str
    sku_rows: dict[str, int] = field(default_factory=dict)
    refused: list[RefusedRow] = field(default_factory=list)

    def refuse(self, row: Row, say: str) -> None:
        self.refused.append(RefusedRow(row.number, say))


def parse_shopify(content: bytes, *, currency: str) -> ParsedCatalogue:
    """Read a product export; its prices carry no currency, so the caller names it.

    Raises:
        CatalogueUnreadable: not a CSV file with a handle, a title and a price column.
        UnknownCurrency: nothing can be sold in `currency`.
    """
    money.exponent(currency)
    reading = _Reading(currency)
    by_handle: dict[str, list[Row]] = {}
    for row in _rows(_decoded(content)):
        handle = row["handle"].lower()
        if handle:
            by_handle.setdefault(handle, []).append(row)
        else:
            reading.refuse(row, "It has no handle, so it belongs to no product; fill the handle.")
    products = [_product(handle, rows, reading) for handle, rows in by_handle.items()]
    return ParsedCatalogue(
        currency,
        tuple(product for product in products if product is not None),
        tuple(sorted(reading.refused, key=lambda refused: refused.row)),
    )


def _product(handle: str, rows: list[Row], reading: _Reading) -> ParsedProduct | None:
    first = rows[0]
    try:
        if not first["title"]:
            raise RowRefused(f'No row before it gives "{handle}" a title; fill the title in its first row.')
        status = cells.status(first)
    except RowRefused as refused:
        for row in rows:
            reading.refuse(row, str(refused))
        return None
    refused_before = len(reading.refused)
    variants, images = _variants_and_images(handle, rows, reading)
    complete = len(reading.refused) == refused_before
    if not variants:
        if complete:
            reading.refuse(first, f'No row of "{handle}" has a price; fill it.')
        return None
    return ParsedProduct(
        row=first.number,
        handle=handle,
        title=" ".join(first["title"].split()),
        description=html_text(first["body"]),
        vendor=first["vendor"],
        category=first["type"],
        tags=cells.tags(first["tags"]),
        image_url=images[0] if images else None,
        status=status,
        complete=complete,
        variants=tuple(variants),
    )


def _variants_and_images(handle: str, rows: list[Row], reading: _Reading) -> tuple[list[ParsedVariant], list[str]]:
    title = rows[0]["title"]
    variants: list[ParsedVariant] = []
    images: list[str] = []
    for row in rows:
        image = cells.image_url(row["image"])
        try:
            if row["title"] not in ("", title):
                raise RowRefused(
                    f'The handle "{handle}" is that of "{title}" in row {rows[0].number}; give this product its own.'
                )
            if row.is_variant:
                variants.append(_variant(handle, row, reading))
            elif image is None and row is not rows[0]:
                raise RowRefused("It has neither a price nor an image; remove it or fill the price.")
        except RowRefused as refused:
            reading.refuse(row, str(refused))
        else:
            images += [image] if image else []
    return variants, images


def _variant(handle: str, row: Row, reading: _Reading) -> ParsedVariant:
    options = [row[option] for option in OPTIONS if row[option]]
    if options == ["Default Title"]:
        options = []
    price = cells.amount_minor(row, "price", reading.currency)
    if price is None:
        raise RowRefused("The price is empty; fill it.")
    compare_at = cells.amount_minor(row, "compare at price", reading.currency)
    variant = ParsedVariant(
        row=row.number,
        # Spreadsheets keep leading zeros with an apostrophe.
        sku=row["sku"].removeprefix("'").strip() or cells.derived_sku(handle, options),
        title=" / ".join(options),
        image_url=cells.image_url(row["variant image"]),
        taxable=cells.flag(row, "taxable", default=True),
        requires_shipping=cells.flag(row, "requires shipping", default=True),
        price_minor=price,
        # A struck price that is not higher than the price says nothing true.
        compare_at_minor=compare_at if compare_at is not None and compare_at > price else None,
        unit_cost_minor=cells.amount_minor(row, "cost per item", reading.currency),
        on_hand=cells.on_hand(row),
        policy=cells.stock_policy(row),
    )
    first = reading.sku_rows.setdefault(variant.sku, row.number)
    if first != row.number:
        raise RowRefused(f'The SKU "{variant.sku}" is that of row {first} too; give each variant one of its own.')
    return variant


def _rows(text: str) -> Iterator[Row]:
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [_COLUMNS.get(name, name) for name in (cell.strip().lower() for cell in next(reader, []))]
        missing = [name for name in ("handle", "title", "price") if name not in names]
        if missing:
            raise CatalogueUnreadable(
                f"The first row must name the columns as Shopify's export does; not found: {', '.join(missing)}."
            )
        for number, values in enumerate(reader, start=2):
            stripped = [value.strip() for value in values]
            if any(stripped):
                yield Row(number, dict(zip(names, stripped, strict=False)))
    except csv.Error as error:
        raise CatalogueUnreadable(
            f"Line {reader.line_num}: {error}. Look for a quotation mark that is not closed or not doubled."
        ) from error


def _decoded(content: bytes) -> str:
    if len(content) > MAX_FILE_BYTES:
        raise CatalogueUnreadable(f"The file is larger than {MAX_FILE_BYTES // 2**20} MB; export it in parts.")
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    raise CatalogueUnreadable("The file is not text; export the products as CSV (UTF-8).")
