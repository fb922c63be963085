"""What may be said about a cart: the facts behind its numbers (policy/claims)."""

from policy.claims.facts import (
    CountFact,
    Fact,
    InstantFact,
    MoneyFact,
    NameFact,
    PercentFact,
    PromiseFact,
    PromiseKind,
    Subject,
)
from storefront.carts.schemas import CartView, LineView, OfferView


def facts_of(cart: CartView, *, tz: str) -> tuple[Fact, ...]:
    """Every number of the cart as it stands, and the promises that its rows keep; times are told in `tz`."""
    currency = cart.currency
    facts: list[Fact] = [
        MoneyFact("cart:subtotal", Subject.SUBTOTAL, cart.subtotal_minor, currency),
        MoneyFact("cart:shipping", Subject.SHIPPING, cart.shipping_minor, currency),
        MoneyFact("cart:tax", Subject.TAX, cart.tax_minor, currency),
        MoneyFact("cart:total", Subject.TOTAL, cart.grand_total_minor, currency),
        CountFact("cart:items", Subject.ITEM_COUNT, cart.item_count),
    ]
    for line in cart.lines:
        facts += _line(line, currency)
    if cart.discount_minor:
        facts.append(MoneyFact("cart:discount", Subject.DISCOUNT, cart.discount_minor, currency))
    if cart.free_shipping is not None:
        threshold, gap = cart.free_shipping.threshold_minor, cart.free_shipping.remaining_minor
        facts.append(MoneyFact("cart:free-shipping-from", Subject.SHIPPING_THRESHOLD, threshold, currency))
        if gap:
            facts.append(MoneyFact("cart:free-shipping-gap", Subject.SHIPPING_GAP, gap, currency))
    if cart.lines and cart.shipping_minor == 0:
        facts.append(PromiseFact("cart:free-shipping", PromiseKind.FREE_SHIPPING))
    if cart.hold_expires_at is not None:
        facts.append(InstantFact("cart:hold", Subject.HOLD_EXPIRY, cart.hold_expires_at, tz))
        facts.append(PromiseFact("cart:hold", PromiseKind.HOLD))
    if cart.offer is not None:
        facts += facts_of_offer(cart.offer, tz=tz)
    facts.append(PromiseFact("cart:saved", PromiseKind.CART_SAVED))
    return tuple(facts)


def facts_of_offer(offer: OfferView, *, tz: str) -> tuple[Fact, ...]:
    """What a committed grant lets us say."""
    name = f"grant:{offer.grant_id}"
    facts: list[Fact] = [
        InstantFact(name, Subject.OFFER_EXPIRY, offer.expires_at, tz),
        PromiseFact(name, PromiseKind.DISCOUNT if offer.percent is not None else PromiseKind.FREE_SHIPPING),
    ]
    if offer.percent is not None:
        facts.append(PercentFact(name, Subject.DISCOUNT, offer.percent))
    return tuple(facts)


def _line(line: LineView, currency: str) -> list[Fact]:
    name = f"line:{line.id}"
    return [
        NameFact(name, line.name),
        MoneyFact(name, Subject.ITEM_PRICE, line.unit_price_minor, currency, line.name),
        MoneyFact(name, Subject.LINE_TOTAL, line.net_minor, currency, line.name),
        CountFact(name, Subject.QUANTITY, line.quantity, line.name),
    ]
