"""Who is offered what, as a pure function (rules 2.2): a reason goes in, the shop's published rules decide.

An offer is never a sum: a better one replaces the one that lives, anything else leaves it as it is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import assert_never
from uuid import UUID

from db.tables.policy import GrantKind, GrantSource
from db.tables.recovery import CartAbandonmentReason, CartSaveStage
from policy import money
from policy.offers.facts import GivenGrant, Intent, OfferFacts, OfferLine
from policy.offers.schemas import Occasion, OfferPolicy

WON_ORDERS_WINDOW = timedelta(days=180)
WON_ORDERS_LIMIT = 2
# An offer that comes back in substance makes its own deadline untrue (rules C-38), whatever the cool-down is.
SAME_OFFER_PAUSE = timedelta(days=14)


class DeniedCode(StrEnum):
    """Why nothing (more) is granted."""

    NO_ITEMS = "NO_ITEMS"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    EXCLUDED = "EXCLUDED"
    NO_BENEFIT = "NO_BENEFIT"
    CAP = "CAP"
    COOLDOWN = "COOLDOWN"
    ALREADY_OFFERED = "ALREADY_OFFERED"
    BUDGET = "BUDGET"
    MARGIN = "MARGIN"


_SAY = {
    DeniedCode.NO_ITEMS: "There is nothing in the cart yet, so there is nothing I could take off.",
    DeniedCode.NOT_ELIGIBLE: "I can't change the price here, but I'm glad to help with anything else.",
    DeniedCode.EXCLUDED: "I can't change the price of what is in this cart.",
    DeniedCode.NO_BENEFIT: "There is nothing that I could take off here.",
    DeniedCode.CAP: "I can't change the price of this order.",
    DeniedCode.COOLDOWN: "I can't add a special price to this order.",
    DeniedCode.ALREADY_OFFERED: "The earlier offer on this cart has ended, and I can't bring it back.",
    DeniedCode.BUDGET: "I can't change the price of this order at the moment.",
    DeniedCode.MARGIN: "The price of these items is as low as I can go.",
}


@dataclass(frozen=True, slots=True)
class Proposed:
    """A grant that may be written now; it replaces the live one."""

    kind: GrantKind
    percent: Decimal | None
    benefit_minor: int
    cap_percent: Decimal
    expires_at: datetime
    personalised: bool
    replaces: UUID | None


@dataclass(frozen=True, slots=True)
class Keep:
    """The live grant stays: nothing better may be given, and `code` says why."""

    existing: GivenGrant
    code: DeniedCode


@dataclass(frozen=True, slots=True)
class Denied:
    """Nothing is granted. `say` is a sentence for the shopper that promises nothing."""

    code: DeniedCode

    @property
    def say(self) -> str:
        return _SAY[self.code]


Decision = Proposed | Keep | Denied


def decide(intent: Intent, facts: OfferFacts, policy: OfferPolicy) -> Decision:
    """What the shop grants for this intent: one benefit under its caps, or the reason why none."""
    outcome = _candidate(intent, facts, policy)
    if isinstance(outcome, Proposed):
        denied = _forbidden(outcome, facts, policy)
        if denied is None:
            return outcome
        outcome = Denied(denied)
    return outcome if facts.live is None else Keep(facts.live, outcome.code)


def occasion_of(source: GrantSource, stage: CartSaveStage | None) -> Occasion | None:
    """Which cap an offer stands under; None where no money is ever offered."""
    match source:
        case GrantSource.CHAT:
            return Occasion.CHAT
        case GrantSource.VOICE:
            return Occasion.VOICE
        case GrantSource.UI:
            return Occasion.EXIT_INTENT
        case GrantSource.STAGE if stage is CartSaveStage.BRANCHING_INTERVENTION:
            return Occasion.BRANCHING
        case GrantSource.STAGE if stage is CartSaveStage.NUCLEAR_OFFER:
            return Occasion.NUCLEAR
        case GrantSource.STAGE | GrantSource.MERCHANT:
            return None
        case _:
            assert_never(source)


def remedy(reason: CartAbandonmentReason | None, occasion: Occasion) -> GrantKind | None:
    """A price objection gets a percentage, a shipping objection free shipping, every other reason no money.

    Who never said why gets the percentage of the nuclear stage and nothing before it.
    """
    if reason is CartAbandonmentReason.TOO_EXPENSIVE:
        return GrantKind.PERCENTAGE_DISCOUNT
    if reason is CartAbandonmentReason.SHIPPING_COST:
        return GrantKind.FREE_SHIPPING
    if reason is None and occasion is Occasion.NUCLEAR:
        return GrantKind.PERCENTAGE_DISCOUNT
    return None


def benefit_of(kind: GrantKind, percent: Decimal | None, facts: OfferFacts, policy: OfferPolicy) -> int:
    """What a grant is worth on this cart now, in minor units."""
    match kind:
        case GrantKind.FREE_SHIPPING:
            return facts.shipping_minor
        case GrantKind.PERCENTAGE_DISCOUNT:
            return sum(_cuts(percent or Decimal(0), facts, policy))
        case _:
            assert_never(kind)


def _candidate(intent: Intent, facts: OfferFacts, policy: OfferPolicy) -> Proposed | Denied:
    if not any(line.quantity for line in facts.lines):
        return Denied(DeniedCode.NO_ITEMS)
    occasion = occasion_of(intent.source, intent.stage)
    kind = None if occasion is None else remedy(intent.reason, occasion)
    if occasion is None or kind is None or not facts.open:
        return Denied(DeniedCode.NOT_ELIGIBLE)
    cap = policy.caps.on(occasion)
    percent = None
    if kind is GrantKind.PERCENTAGE_DISCOUNT:
        percent = _percent(policy.published.on(occasion), cap, intent.asked_percent)
        if percent <= 0:
            return Denied(DeniedCode.CAP)
        if all(line.sku in policy.excluded_skus for line in facts.lines):
            return Denied(DeniedCode.EXCLUDED)
    benefit = benefit_of(kind, percent, facts, policy)
    if benefit <= 0:
        return Denied(DeniedCode.NO_BENEFIT)
    expires_at = facts.now + timedelta(hours=policy.offer_valid_hours)
    return Proposed(
        kind=kind,
        percent=percent,
        benefit_minor=benefit,
        cap_percent=cap,
        # What was said stays true: a better offer never ends before the one that it replaces.
        expires_at=expires_at if facts.live is None else max(expires_at, facts.live.expires_at),
        # A history that was weighed makes the price a personal one; who has none was treated as anybody (C-37).
        personalised=facts.last_incentive_at is not None or facts.won_orders > 0,
        replaces=None if facts.live is None else facts.live.id,
    )


def _percent(published: Decimal, cap: Decimal, asked: Decimal | None) -> Decimal:
    if asked is not None and (not asked.is_finite() or asked < 0):
        return Decimal(0)
    percent = min(published, cap) if asked is None else min(published, cap, asked)
    return percent.quantize(Decimal("0.01"), rounding=ROUND_DOWN)


def _forbidden(offer: Proposed, facts: OfferFacts, policy: OfferPolicy) -> DeniedCode | None:
    if facts.live is not None and offer.benefit_minor <= benefit_of(facts.live.kind, facts.live.percent, facts, policy):
        return DeniedCode.NO_BENEFIT
    if _cooling_down(facts, policy):
        return DeniedCode.COOLDOWN
    if _offered_before(offer, facts, policy):
        return DeniedCode.ALREADY_OFFERED
    if not _within_budget(offer, facts, policy):
        return DeniedCode.BUDGET
    return _margin_or_cap(offer, facts, policy)


def _cooling_down(facts: OfferFacts, policy: OfferPolicy) -> bool:
    if facts.won_orders >= WON_ORDERS_LIMIT:
        return True
    last = facts.last_incentive_at
    return last is not None and facts.now < last + timedelta(days=policy.cooldown_days)


def _offered_before(offer: Proposed, facts: OfferFacts, policy: OfferPolicy) -> bool:
    pause = max(SAME_OFFER_PAUSE, timedelta(days=policy.cooldown_days))
    return any(
        facts.now < grant.expires_at + pause
        and offer.benefit_minor <= benefit_of(grant.kind, grant.percent, facts, policy)
        for grant in facts.ended
    )


def _within_budget(offer: Proposed, facts: OfferFacts, policy: OfferPolicy) -> bool:
    day = policy.daily_budget_minor(facts.currency)
    month = policy.monthly_budget_minor(facts.currency)
    return (day is None or facts.spent_day_minor + offer.benefit_minor <= day) and (
        month is None or facts.spent_month_minor + offer.benefit_minor <= month
    )


def _margin_or_cap(offer: Proposed, facts: OfferFacts, policy: OfferPolicy) -> DeniedCode | None:
    """The floor holds over the lines whose cost is known. Waived shipping that no cost vouches for stays
    under the percentage cap."""
    waived = offer.benefit_minor if offer.kind is GrantKind.FREE_SHIPPING else 0
    costs_known = all(line.unit_cost_minor is not None for line in facts.lines)
    if waived and not costs_known:
        if waived > money.percent_of(sum(_goods(line) for line in facts.lines), offer.cap_percent):
            return DeniedCode.CAP
        waived = 0
    left = kept = -waived
    cuts = _cuts(offer.percent or Decimal(0), facts, policy)
    for line, cut in zip(facts.lines, cuts, strict=True):
        if line.unit_cost_minor is not None:
            kept += _goods(line) - cut
            left += _goods(line) - cut - line.unit_cost_minor * line.quantity
    if not any(line.unit_cost_minor is not None for line in facts.lines):
        return None
    return None if left >= kept * Fraction(policy.margin_floor_percent) / 100 else DeniedCode.MARGIN


def _goods(line: OfferLine) -> int:
    return line.unit_price_minor * line.quantity - line.line_discount_minor


def _cuts(percent: Decimal, facts: OfferFacts, policy: OfferPolicy) -> list[int]:
    """What a percentage takes off each line, by the same arithmetic as the cart's totals."""
    priced = [
        money.PricedLine(
            id=line.sku,
            unit_price_minor=line.unit_price_minor,
            quantity=line.quantity,
            line_discount_minor=line.line_discount_minor,
            discountable=line.sku not in policy.excluded_skus,
        )
        for line in facts.lines
    ]
    with_offer = money.totals(priced, currency=facts.currency, discount=money.Discount(percent=percent))
    return [
        line.discount_minor - min(each.line_discount_minor, line.gross_minor)
        for line, each in zip(with_offer.lines, facts.lines, strict=True)
    ]
