"""Offers, counted from the ledger's rows and the merchants' own configs: caps, cool-down, budgets, one a cart."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.chaos.evidence import Evidence, Row
from tests.chaos.invariants import Invariant, Tally

IN_FLIGHT = timedelta(seconds=15)
COOLDOWN = timedelta(days=90)
# Published, under the caps: the smaller counts.
PUBLISHED = {"chat": 10, "branching": 10, "nuclear": 20}
CAPS = {"chat": 10, "branching": 15, "nuclear": 30}
GIVEN = ("COMMITTED", "REDEEMED", "EXPIRED")


def check_one_grant(evidence: Evidence, tally: Tally) -> None:
    """At no instant two live ones; at the end of a run nearly all have ended."""
    grants = evidence.by("grants", "cart_id")
    for cart in evidence.rows["carts"]:
        lives = sorted(_life(row) for row in grants.get(cart["id"], ()) if row["committed_at"] is not None)
        # Replaced by who had read an earlier time: it never lived.
        lives = [(begun, ended) for begun, ended in lives if begun < ended]
        both = [second[0] for first, second in pairwise(lives) if second[0] < first[1]]
        tally.check(Invariant.ONE_GRANT, not both, f"cart {cart['id']}: two live grants at {both}")


def _life(grant: Row) -> tuple[datetime, datetime]:
    return grant["committed_at"], min(grant["ended_at"] or grant["expires_at"], grant["expires_at"])


def check_caps(evidence: Evidence, tally: Tally) -> None:
    given = [row for row in evidence.rows["grants"] if row["committed_at"] is not None]
    configs = evidence.by("flow_config_versions", "company_id")
    for grant in given:
        allowed = _most(grant, configs.get(grant["company_id"], []), evidence)
        percent = grant["percent"] or Decimal(0)
        tally.check(Invariant.CAPS, percent <= allowed, f"grant {grant['id']}: {percent} % of at most {allowed} %")
    _check_cooldown(given, tally)
    _check_budgets(given, evidence, configs, tally)


def _most(grant: Row, versions: list[Row], evidence: Evidence) -> Decimal:
    """The highest that any config in force around that instant allowed."""
    occasion = {"BRANCHING_INTERVENTION": "branching", "NUCLEAR_OFFER": "nuclear"}.get(grant["stage"] or "", "chat")
    at = evidence.timeline.real_of(grant["committed_at"])
    in_force: list[dict[str, Any]] = [{}]
    for row in versions:
        since = evidence.timeline.real_of(row["created_at"])
        if since + IN_FLIGHT < at:
            in_force = [row["config"]]
        elif since <= at:
            in_force.append(row["config"])
    return max(
        Decimal(str(min(PUBLISHED[occasion], config.get("offers", {}).get("caps", CAPS)[occasion])))
        for config in in_force
    )


def _check_cooldown(given: list[Row], tally: Tally) -> None:
    """One incentive a person in 90 days; within a cart a grant is only ever replaced."""
    people: defaultdict[tuple[UUID, str], list[Row]] = defaultdict(list)
    for grant in given:
        if grant["person_key"] is not None:
            people[grant["company_id"], grant["person_key"]].append(grant)
    for (_, person), grants in people.items():
        ordered = sorted(grants, key=lambda row: row["committed_at"])
        for first, second in pairwise(ordered):
            apart = second["committed_at"] - first["committed_at"]
            fine = second["cart_id"] == first["cart_id"] or apart >= COOLDOWN
            tally.check(Invariant.CAPS, fine, f"person {person[:8]} was given to on two carts within {apart}")


def _check_budgets(given: list[Row], evidence: Evidence, configs: dict[UUID, list[Row]], tally: Tally) -> None:
    zones = {row["id"]: ZoneInfo(row["timezone"]) for row in evidence.rows["companies"]}
    for company, versions in configs.items():
        budget = versions[-1]["config"].get("offers", {}).get("dailyBudget")
        if budget is None:
            continue
        spent: defaultdict[str, int] = defaultdict(int)
        for grant in given:
            # What expired unused goes back into the budget, perhaps on the same day.
            if grant["company_id"] == company and grant["status"] in ("COMMITTED", "REDEEMED"):
                at: datetime = grant["committed_at"]
                spent[f"{at.astimezone(zones[company]):%Y-%m-%d}"] += grant["benefit_minor"]
        for day, minor in spent.items():
            most = round(budget["USD"] * 100)
            tally.check(Invariant.CAPS, minor <= most, f"{minor} of {most} spent on {day}")
