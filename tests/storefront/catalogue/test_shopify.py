import pytest

from db.tables.catalogue import ProductStatus, StockPolicy
from policy.money import UnknownCurrency
from storefront.catalogue.cells import derived_sku
from storefront.catalogue.schemas import ParsedProduct, ParsedVariant, RefusedRow
from storefront.catalogue.shopify import CatalogueUnreadable, parse_shopify

MUG = {
    "Handle": "mug",
    "Title": "Mug",
    "Body (HTML)": "<p>A cup.</p>",
    "Vendor": "Wren",
    "Type": "Cups",
    "Tags": "cup, gift, cup",
    "Published": "true",
    "Option1 Value": "Red",
    "Variant SKU": "MUG-R",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "7",
    "Variant Inventory Policy": "deny",
    "Variant Price": "12.5",
    "Variant Requires Shipping": "true",
    "Variant Taxable": "true",
    "Image Src": "https://img.example/mug.jpg",
    "Cost per item": "4",
    "Status": "active",
}
COLUMNS = [*MUG, "Option2 Value", "Variant Compare At Price", "Gift Card", "Variant Image"]
BLUE = {"Handle": "mug", "Option1 Value": "Blue", "Variant SKU": "MUG-B", "Variant Price": "13"}
RED = ParsedVariant(
    row=2,
    sku="MUG-R",
    title="Red",
    image_url=None,
    taxable=True,
    requires_shipping=True,
    price_minor=12_50,
    compare_at_minor=None,
    unit_cost_minor=4_00,
    on_hand=7,
    policy=StockPolicy.DENY,
)


def file(*rows: dict[str, str], encoding: str = "utf-8", end: str = "\n") -> bytes:
    lines = [COLUMNS] + [[row.get(column, "") for column in COLUMNS] for row in rows]
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines]
    return (end.join(quoted) + end).encode(encoding)


def products(*rows: dict[str, str]) -> tuple[ParsedProduct, ...]:
    parsed = parse_shopify(file(*rows), currency="USD")
    assert parsed.refused == ()
    return parsed.products


def only_variant(**cells: str) -> ParsedVariant:
    (product,) = products(MUG | cells)
    (variant,) = product.variants
    return variant


@pytest.mark.parametrize(
    "content",
    [
        file(MUG),
        file(MUG, encoding="utf-8-sig", end="\r\n"),
        file(MUG, encoding="utf-16"),
        file(MUG).replace(b'","', b'";"'),
        file(MUG).replace(b'","', b'"\t"'),
    ],
    ids=["plain", "excel", "utf-16", "semicolon", "tab"],
)
def test_a_product_with_a_variant(content: bytes) -> None:
    parsed = parse_shopify(content, currency="USD")
    assert parsed.refused == ()
    assert parsed.products == (
        ParsedProduct(
            row=2,
            handle="mug",
            title="Mug",
            description="A cup.",
            vendor="Wren",
            category="Cups",
            tags=("cup", "gift"),
            image_url="https://img.example/mug.jpg",
            status=ProductStatus.ACTIVE,
            complete=True,
            variants=(RED,),
        ),
    )


def test_the_column_names_of_newer_exports() -> None:
    header = (
        "Title,URL handle,Description,Status,SKU,Option1 name,Option1 value,Price,Compare-at price,Cost per item,"
        "Charge tax,Inventory tracker,Inventory quantity,Continue selling when out of stock,Requires shipping,"
        "Product image URL,Variant image URL,Published on online store"
    )
    row = (
        "Mug,mug,<p>A cup.</p>,Active,MUG-R,Colour,Red,12.50,15.00,4,FALSE,shopify,7,CONTINUE,TRUE,"
        "https://img.example/mug.jpg,https://img.example/red.jpg,TRUE"
    )
    parsed = parse_shopify(f"{header}\n{row}\n".encode(), currency="USD")
    assert parsed.refused == ()
    (product,) = parsed.products
    (variant,) = product.variants
    assert (product.handle, product.description, product.status) == ("mug", "A cup.", ProductStatus.ACTIVE)
    assert (variant.sku, variant.price_minor, variant.compare_at_minor) == ("MUG-R", 12_50, 15_00)
    assert (variant.taxable, variant.policy, variant.on_hand) == (False, StockPolicy.CONTINUE, 7)
    assert variant.image_url == "https://img.example/red.jpg"


def test_follow_up_rows_are_variants_and_further_images() -> None:
    picture = {"Handle": "mug", "Image Src": "https://img.example/side.jpg"}
    pot = MUG | {"Handle": "pot", "Title": "Pot", "Variant SKU": "POT"}
    mug, other = products(MUG, BLUE, picture, pot)
    assert [(variant.sku, variant.title, variant.price_minor) for variant in mug.variants] == [
        ("MUG-R", "Red", 12_50),
        ("MUG-B", "Blue", 13_00),
    ]
    assert mug.image_url == "https://img.example/mug.jpg"
    assert [variant.sku for variant in other.variants] == ["POT"]


def test_a_title_repeated_on_follow_up_rows_is_the_same_product() -> None:
    (product,) = products(MUG, BLUE | {"Title": "Mug"})
    assert len(product.variants) == 2


def test_an_only_variant_has_no_title() -> None:
    assert only_variant(**{"Option1 Value": "Default Title"}).title == ""


def test_options_are_joined() -> None:
    assert only_variant(**{"Option1 Value": "Red", "Option2 Value": "Large"}).title == "Red / Large"


@pytest.mark.parametrize(
    ("handle", "options", "sku"),
    [
        ("mug", [], "mug"),
        ("mug", ["Crème Brûlée", "12 oz"], "mug-creme-brulee-12-oz"),
        ("mug", ["大"], "mug-7d4ca7f4"),
    ],
)
def test_a_missing_sku_is_derived(handle: str, options: list[str], sku: str) -> None:
    assert derived_sku(handle, options) == sku


def test_a_derived_sku_is_used_and_an_apostrophe_is_spreadsheet_dress() -> None:
    assert only_variant(**{"Variant SKU": ""}).sku == "mug-red"
    assert only_variant(**{"Variant SKU": "'00123"}).sku == "00123"


@pytest.mark.parametrize(
    ("written", "currency", "minor"),
    [
        ("50", "USD", 50_00),
        ("9.9", "USD", 9_90),
        ("1,234.50", "USD", 1_234_50),
        ("0", "USD", 0),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.234", "KWD", 1_234),
    ],
)
def test_prices(written: str, currency: str, minor: int) -> None:
    parsed = parse_shopify(file(MUG | {"Variant Price": written, "Cost per item": ""}), currency=currency)
    assert parsed.refused == ()
    assert parsed.products[0].variants[0].price_minor == minor


@pytest.mark.parametrize(("compare_at", "minor"), [("", None), ("12.5", None), ("10", None), ("15", 15_00)])
def test_a_struck_price_counts_only_above_the_price(compare_at: str, minor: int | None) -> None:
    assert only_variant(**{"Variant Compare At Price": compare_at}).compare_at_minor == minor


@pytest.mark.parametrize(
    ("tracker", "policy", "expected"),
    [
        ("", "deny", StockPolicy.UNTRACKED),
        ("shopify", "deny", StockPolicy.DENY),
        ("shopify", "", StockPolicy.DENY),
        ("shopify", "continue", StockPolicy.CONTINUE),
        ("amazon", "deny", StockPolicy.DENY),
    ],
)
def test_stock_policy(tracker: str, policy: str, expected: StockPolicy) -> None:
    cells = {"Variant Inventory Tracker": tracker, "Variant Inventory Policy": policy}
    assert only_variant(**cells).policy is expected


@pytest.mark.parametrize(("written", "on_hand"), [("", 0), ("0", 0), ("-3", -3), ("12", 12)])
def test_stock_on_hand(written: str, on_hand: int) -> None:
    assert only_variant(**{"Variant Inventory Qty": written}).on_hand == on_hand


@pytest.mark.parametrize(
    ("status", "published", "expected"),
    [
        ("active", "true", ProductStatus.ACTIVE),
        ("", "", ProductStatus.ACTIVE),
        ("", "false", ProductStatus.DRAFT),
        ("active", "false", ProductStatus.DRAFT),
        ("Draft", "true", ProductStatus.DRAFT),
        ("unlisted", "true", ProductStatus.DRAFT),
        ("archived", "true", ProductStatus.ARCHIVED),
    ],
)
def test_what_is_not_published_is_not_on_sale(status: str, published: str, expected: ProductStatus) -> None:
    (product,) = products(MUG | {"Status": status, "Published": published})
    assert product.status is expected


def test_a_gift_card_is_a_product_that_nothing_ships() -> None:
    card = {"Gift Card": "true", "Variant Requires Shipping": "false", "Variant Taxable": "false"}
    variant = only_variant(**card)
    assert (variant.requires_shipping, variant.taxable) == (False, False)


@pytest.mark.parametrize(
    ("src", "kept"),
    [
        ("https://img.example/a.jpg?v=1", "https://img.example/a.jpg?v=1"),
        ("/shop/art/a.svg", "/shop/art/a.svg"),
        ("//evil.example/a.jpg", None),
        ("javascript:alert(1)", None),
        ("", None),
    ],
)
def test_pictures_have_an_address_that_a_page_may_load(src: str, kept: str | None) -> None:
    (product,) = products(MUG | {"Image Src": src})
    assert product.image_url == kept


@pytest.mark.parametrize(
    ("cells", "say"),
    [
        ({"Variant Price": ""}, "The price is empty; fill it."),
        ({"Variant Price": "abc"}, 'The price "abc" is not an amount; write it as 1234.50, without a currency.'),
        ({"Variant Price": "$12"}, 'The price "$12" is not an amount; write it as 1234.50, without a currency.'),
        ({"Variant Price": "12,50"}, 'The price "12,50" is not an amount; write it as 1234.50, without a currency.'),
        ({"Variant Price": "-1"}, 'The price "-1" is not an amount; write it as 1234.50, without a currency.'),
        ({"Variant Price": "NaN"}, 'The price "NaN" is not an amount; write it as 1234.50, without a currency.'),
        ({"Variant Price": "1e5"}, 'The price "1e5" is not an amount; write it as 1234.50, without a currency.'),
        (
            {"Variant Price": "9.999"},
            'The price "9.999" is not an amount in USD: USD has 2 digits after the point.',
        ),
        ({"Variant Price": "9" * 20}, f'The price "{"9" * 20}" is not an amount in USD: The amount is too large.'),
        (
            {"Variant Compare At Price": "x"},
            'The compare at price "x" is not an amount; write it as 1234.50, without a currency.',
        ),
        (
            {"Cost per item": "x"},
            'The cost per item "x" is not an amount; write it as 1234.50, without a currency.',
        ),
        (
            {"Variant Inventory Qty": "2.5"},
            'The inventory quantity "2.5" is not a whole number; correct it.',
        ),
        (
            {"Variant Inventory Policy": "maybe"},
            'The inventory policy "maybe" is not known; write deny or continue.',
        ),
        ({"Variant Taxable": "maybe"}, 'The cell "taxable" holds "maybe"; write true or false.'),
        (
            {"Variant SKU": "MUG-R"},
            'The SKU "MUG-R" is that of row 2 too; give each variant one of its own.',
        ),
        (
            {"Title": "Another"},
            'The handle "mug" is that of "Mug" in row 2; give this product its own.',
        ),
        (
            {"Option1 Value": "", "Variant SKU": "", "Variant Price": ""},
            "It has neither a price nor an image; remove it or fill the price.",
        ),
    ],
)
def test_a_row_is_refused_with_its_reason_and_the_others_count(cells: dict[str, str], say: str) -> None:
    tracked = {"Variant Inventory Tracker": "shopify", "Variant Inventory Policy": "deny"}
    parsed = parse_shopify(file(MUG, BLUE | tracked | {"Variant Inventory Qty": "1"} | cells), currency="USD")
    assert parsed.refused == (RefusedRow(3, say),)
    (product,) = parsed.products
    assert product.variants == (RED,)
    assert not product.complete


def test_two_options_that_derive_one_sku_are_told_apart_by_a_refusal() -> None:
    rows = [BLUE | {"Variant SKU": "", "Option1 Value": value, "Handle": "mug"} for value in ("1/2", "1 2")]
    parsed = parse_shopify(file(MUG, *rows), currency="USD")
    say = 'The SKU "mug-1-2" is that of row 3 too; give each variant one of its own.'
    assert parsed.refused == (RefusedRow(4, say),)


def test_products_that_cannot_be_sold_are_refused_whole() -> None:
    parsed = parse_shopify(
        file(
            {"Handle": "a", "Variant Price": "1"},
            {"Handle": "a", "Variant Price": "2"},
            {"Handle": "b", "Title": "B"},
            {"Handle": "c", "Title": "C", "Variant Price": "1", "Status": "gone"},
            {"Title": "D", "Variant Price": "1"},
        ),
        currency="USD",
    )
    assert parsed.products == ()
    untitled = 'No row before it gives "a" a title; fill the title in its first row.'
    assert parsed.refused == (
        RefusedRow(2, untitled),
        RefusedRow(3, untitled),
        RefusedRow(4, 'No row of "b" has a price; fill it.'),
        RefusedRow(5, 'The status "gone" is not known; write active, draft or archived.'),
        RefusedRow(6, "It has no handle, so it belongs to no product; fill the handle."),
    )


@pytest.mark.parametrize(
    ("content", "say"),
    [
        (b"", "not found: handle, title, price"),
        (b"Name,SKU\nMug,1\n", "not found: handle, title, price"),
        (b'Handle,Title,Variant Price\nmug,"Mug,1\n', "Line 2: unexpected end of data"),
        (b"PK\x03\x04\0\0\0", "The file is not text"),
        (b"\xff\xfe\x00", "The file is not text"),
    ],
)
def test_a_file_that_is_no_export_is_refused(content: bytes, say: str) -> None:
    with pytest.raises(CatalogueUnreadable, match=say):
        parse_shopify(content, currency="USD")


def test_a_currency_without_a_price_is_refused() -> None:
    with pytest.raises(UnknownCurrency):
        parse_shopify(file(MUG), currency="XXX")
