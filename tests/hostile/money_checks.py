"""Offers: caps, one live grant, benefit and margin, cool-down, budget. Written out in fractions, not asked of the
code under test."""

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import pairwise
from math import ceil
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.hostile.records import Row, Wave
from tests.hostile.shops import Terms
from tests.hostile.tally import Invariant, Tally
from tests.hostile.world import Shop

LIVE = ("COMMITTED", "REDEEMED")


def check_money(wave: Wave, tally: Tally) -> None:
    episodes = {each.seat.cart_id: each.episode.number for each in wave.seen}
    made = [row for row in wave.grants if row["cart_id"] in episodes]
    tally.count("grants", len(made))
    asked = _asked(wave)
    for grant in made:
        shop, episode = wave.shop(grant["company_id"]), episodes[grant["cart_id"]]
        _check_cap(grant, shop.terms(wave.number), asked, episode, tally)
        _check_benefit(grant, wave, shop, episode, tally)
    for cart_id, episode in episodes.items():
        live = [row for row in made if row["cart_id"] == cart_id and row["status"] == "COMMITTED"]
        tally.check(Invariant.ONE_GRANT, len(live) <= 1, episode, f"cart {cart_id}: {len(live)} live grants")
    for shop in wave.world.shops:
        _check_cooldown(wave, shop, episodes, tally)
        _check_budgets(wave, shop, episodes, tally)


def _asked(wave: Wave) -> dict[str, Decimal]:
    """What the model said that the shopper asked for, by the key of the grant that came of it."""
    asked: dict[str, Decimal] = {}
    for calls in wave.calls.values():
        for call in calls:
            value = call["input"].get("asked_percent")
            if call["name"] != "apply_discount" or isinstance(value, bool):
                continue
            try:
                asked[call["call_key"]] = Decimal(str(value))
            except InvalidOperation:
                continue
    return asked


def _check_cap(grant: Row, terms: Terms, asked: dict[str, Decimal], episode: int, tally: Tally) -> None:
    most = min(terms.ceiling, asked.get(grant["idempotency_key"].partition(":")[2], Decimal(100)))
    given = grant["percent"] if grant["percent"] is not None else Decimal(0)
    allowed = terms.discounts and given <= most and grant["cap_percent"] <= Decimal(terms.cap)
    tally.check(Invariant.CAP, allowed, episode, f"{grant['kind']} {given} % where {most} % is the most")


def _check_benefit(grant: Row, wave: Wave, shop: Shop, episode: int, tally: Tally) -> None:
    terms, lines = shop.terms(wave.number), wave.lines[grant["cart_id"]]
    excluded = {shop.kind.sku(name) for name in terms.excluded}
    goods = sum(_net(line) for line in lines)
    discountable = sum(_net(line) for line in lines if line["sku"] not in excluded)
    known = [line for line in lines if line["unit_cost_minor"] is not None]
    waived = Fraction(0)
    if grant["kind"] == "FREE_SHIPPING":
        least = shop.kind.shipping_minor
        fits = grant["benefit_minor"] <= least
        if len(known) < len(lines):
            fits = fits and grant["benefit_minor"] <= ceil(goods * Fraction(terms.least_cap) / 100)
        else:
            waived = Fraction(grant["benefit_minor"])
        share = Fraction(0)
    else:
        share = Fraction(grant["percent"]) / 100
        fits = grant["benefit_minor"] <= ceil(discountable * Fraction(terms.ceiling) / 100)
    kept = sum((_net(each) * (1 if each["sku"] in excluded else 1 - share) for each in known), -waived)
    cost = sum(each["unit_cost_minor"] * each["quantity"] for each in known)
    # A cent of rounding a line may go either way.
    margin = not known or kept - cost >= kept * Fraction(terms.floor) / 100 - len(known)
    detail = f"{grant['kind']} worth {grant['benefit_minor']} of {goods}, {kept} kept at a cost of {cost}"
    tally.check(Invariant.BENEFIT, fits and margin, episode, detail)


def _net(line: Row) -> int:
    net: int = line["unit_price_minor"] * line["quantity"] - line["discount_minor"]
    return net


def _check_cooldown(wave: Wave, shop: Shop, episodes: dict[UUID, int], tally: Tally) -> None:
    pause = timedelta(days=shop.terms(wave.number).cooldown_days)
    for person in shop.people:
        given = [
            row
            for row in wave.grants
            if row["company_id"] == shop.id and row["person_key"] == person.person_key and row["committed_at"]
        ]
        for first, second in pairwise(given):
            if second["cart_id"] not in episodes or first["cart_id"] == second["cart_id"]:
                continue
            apart = second["committed_at"] - first["committed_at"]
            detail = f"{shop.kind.word}: given again on another cart after {apart}"
            tally.check(Invariant.COOLDOWN, apart >= pause, episodes[second["cart_id"]], detail)


def _check_budgets(wave: Wave, shop: Shop, episodes: dict[UUID, int], tally: Tally) -> None:
    terms = shop.terms(wave.number)
    own = [row for row in wave.grants if row["company_id"] == shop.id and row["status"] in LIVE]
    fresh = [row for row in own if row["cart_id"] in episodes]
    if not fresh:
        return
    latest: datetime = fresh[-1]["committed_at"]
    own = [row for row in own if row["expires_at"] > latest]
    zone = ZoneInfo(shop.kind.zone)
    for budget, span in ((terms.daily_minor, 10), (terms.monthly_minor, 7)):
        if budget is None:
            continue
        # The first ten characters of an ISO date are its day, the first seven its month.
        now = latest.astimezone(zone).isoformat()[:span]
        spent = sum(
            row["benefit_minor"] for row in own if row["committed_at"].astimezone(zone).isoformat()[:span] == now
        )
        detail = f"{shop.kind.word}: {spent} spent of {budget} in {now}"
        tally.check(Invariant.BUDGET, spent <= budget, episodes[fresh[-1]["cart_id"]], detail)
