"""What the cells of a product file say: amounts, counts, flags, stock policy, status, pictures. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from db.tables.catalogue import ProductStatus, StockPolicy
from policy import money

OPTIONS = ("option1 value", "option2 value", "option3 value")
MAX_ON_HAND = 10**9

_AMOUNT = re.compile(r"\d+(?:\.\d+)?|\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class RowRefused(Exception):
    """The row cannot be taken as it is; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by the names of its columns; `number` is the spreadsheet's, the header being 1."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def is_variant(self) -> bool:
        return bool(self["price"] or self["sku"] or any(self[option] for option in OPTIONS))


def amount_minor(row: Row, column: str, currency: str) -> int | None:
    """An amount in minor units; None for an empty cell. A decimal comma is refused, as it may part thousands."""
    written = row[column]
    if not written:
        return None
    if not _AMOUNT.fullmatch(written):
        raise RowRefused(f'The {column} "{written[:40]}" is not an amount; write it as 1234.50, without a currency.')
    try:
        return money.to_minor(written.replace(",", ""), currency)
    except money.InvalidAmount as error:
        raise RowRefused(f'The {column} "{written[:40]}" is not an amount in {currency}: {error.detail}') from error


def on_hand(row: Row) -> int:
    """Units in stock, 0 for an empty cell; negative when the shop has sold more than it had."""
    written = row["quantity"] or "0"
    if not re.fullmatch(r"-?\d{1,10}", written) or abs(int(written)) > MAX_ON_HAND:
        raise RowRefused(f'The inventory quantity "{written[:40]}" is not a whole number; correct it.')
    return int(written)


def stock_policy(row: Row) -> StockPolicy:
    """Without a tracker Shopify does not count."""
    if not row["tracker"]:
        return StockPolicy.UNTRACKED
    written = row["policy"].lower() or "deny"
    if written not in ("deny", "continue"):
        raise RowRefused(f'The inventory policy "{written[:40]}" is not known; write deny or continue.')
    return StockPolicy(written.upper())


def status(row: Row) -> ProductStatus:
    """Status of the product; one that is not published to the shop's own storefront is a draft here."""
    written = row["status"].lower() or "active"
    if written not in ("active", "draft", "archived", "unlisted"):
        raise RowRefused(f'The status "{written[:40]}" is not known; write active, draft or archived.')
    if written == "active" and flag(row, "published", default=True):
        return ProductStatus.ACTIVE
    return ProductStatus.ARCHIVED if written == "archived" else ProductStatus.DRAFT


def flag(row: Row, column: str, *, default: bool) -> bool:
    written = row[column].lower()
    if written and written not in _FLAGS:
        raise RowRefused(f'The cell "{column}" holds "{written[:40]}"; write true or false.')
    return _FLAGS.get(written, default)


def image_url(written: str) -> str | None:
    """The address, if a page may load it: http, https or a path of the shop's own."""
    return written if re.match(r"https?://[^\s]+$|/(?!/)\S*$", written) else None


def tags(written: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in written.split(",") if tag.strip()))


def derived_sku(handle: str, options: Sequence[str]) -> str:
    """A SKU for a variant without one. It stays the same from export to export while handle and options do."""
    return "-".join([handle, *(_slug(option) for option in options)])


def _slug(option: str) -> str:
    folded = unicodedata.normalize("NFKD", option).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", folded)
    return "-".join(words) if words else hashlib.sha256(option.encode()).hexdigest()[:8]
