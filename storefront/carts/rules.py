"""When a cart is lost, and what may go into one (rules 2.4, decision 7)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from policy.errors import AppError, Conflict, NotFound
from storefront.holds.rules import HoldPolicy

MAX_QUANTITY = 999
MAX_LINES = 100


class NoSuchCart(NotFound):
    code = "no_such_cart"
    title = "No such cart"

    def __init__(self) -> None:
        super().__init__("There is no such cart.")


class NoSuchItem(NotFound):
    code = "no_such_item"
    title = "No such item in this cart"

    def __init__(self) -> None:
        super().__init__("The cart has no such item; it may have been removed.")


class NoSuchProduct(NotFound):
    code = "no_such_product"
    title = "No such product"


class NotForSale(Conflict):
    code = "not_for_sale"
    title = "This is not for sale"


class OutOfStock(Conflict):
    code = "out_of_stock"
    title = "Not enough in stock"


class AlreadyOrdered(Conflict):
    code = "already_ordered"
    title = "This cart has become an order"

    def __init__(self) -> None:
        super().__init__("It can no longer be changed. Open a new cart.")


class OtherOrder(Conflict):
    code = "other_order"
    title = "Another order stands against this"


class EmptyCart(Conflict):
    code = "empty_cart"
    title = "This cart is empty"

    def __init__(self) -> None:
        super().__init__("Put something into it first.")


class InvalidQuantity(AppError):
    status = 422
    code = "invalid_quantity"
    title = "Not a quantity that a cart takes"

    def __init__(self) -> None:
        super().__init__(f"A cart takes 1 to {MAX_QUANTITY} of an item.")


class TooManyItems(Conflict):
    code = "too_many_items"
    title = "This cart is full"

    def __init__(self) -> None:
        super().__init__(f"A cart takes up to {MAX_LINES} different items.")


@dataclass(frozen=True, slots=True)
class IdlePolicy:
    """How long a cart is left alone before it counts as abandoned."""

    cart: timedelta = timedelta(minutes=30)
    checkout: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class CartPolicy:
    """A shop's own rules for its carts."""

    holds: HoldPolicy = field(default_factory=HoldPolicy)
    idle: IdlePolicy = field(default_factory=IdlePolicy)


DEFAULT = CartPolicy()


@dataclass(frozen=True, slots=True)
class IdleFacts:
    """`reachable`: the cart has a customer with an address. `ordered`: an order exists, whatever became of its payment.

    `abandoned_at` is the last abandonment of a cart that was restored since.
    """

    last_activity_at: datetime
    checkout_started_at: datetime | None
    abandoned_at: datetime | None
    item_count: int
    reachable: bool
    ordered: bool


def idle_due_at(facts: IdleFacts, policy: IdlePolicy) -> datetime | None:
    """When the cart, left alone, is abandoned; None when it cannot be."""
    if facts.ordered or not facts.reachable or facts.item_count < 1:
        return None
    in_checkout = started_since(facts.checkout_started_at, facts.abandoned_at)
    return facts.last_activity_at + (policy.checkout if in_checkout else policy.cart)


def started_since(checkout_started_at: datetime | None, abandoned_at: datetime | None) -> bool:
    """Whether the checkout was begun after the last abandonment: who comes back is in the cart again."""
    if checkout_started_at is None:
        return False
    return abandoned_at is None or checkout_started_at > abandoned_at


def check_quantity(quantity: int) -> int:
    if not 1 <= quantity <= MAX_QUANTITY:
        raise InvalidQuantity
    return quantity


def merged(items: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Quantities by sku, in the order asked; the same sku twice is one line."""
    quantities: dict[str, int] = {}
    for sku, quantity in items:
        quantities[sku] = quantities.get(sku, 0) + check_quantity(quantity)
    if len(quantities) > MAX_LINES:
        raise TooManyItems
    return quantities


def line_name(product: str, variant: str) -> str:
    """What a line is called: the product, and which one where there are several."""
    return f"{product} – {variant}" if variant else product


def rescaled(discount_minor: int, *, was: int, now: int) -> int:
    """A line's own markdown after its quantity changed, in minor units: the same for each piece, never rounded up."""
    return discount_minor * now // was
