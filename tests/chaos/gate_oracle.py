"""An oracle for contacts, independent of policy/contact: written out from consents, suppressions, local hours,
frequency and orders, for each mail that really arrived."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.chaos.evidence import Evidence, Row, made_after
from tests.chaos.invariants import Invariant, Tally

# A gate's answer may be as old as a delivery may last, and an opt-out as long under way as a request.
ANSWER_HOLDS = timedelta(seconds=75)
IN_FLIGHT = timedelta(seconds=15)
LIMITS = ((1, timedelta(hours=1)), (4, timedelta(days=1)), (7, timedelta(days=7)))
MOST_UNANSWERED, MOST_MESSAGES = 6, 10


def address_hash(signing_key: str, address: str) -> str:
    return hmac.new(signing_key.encode(), b"hash:" + address.encode(), hashlib.sha256).hexdigest()


def check_gate(evidence: Evidence, tally: Tally) -> None:
    facts = _Facts(evidence)
    times: defaultdict[UUID, dict[UUID, datetime]] = defaultdict(dict)
    for message, copy, permission in evidence.contacts():
        if permission is None:
            tally.check(Invariant.GATE, False, f"mail {message['id']} left without a permission")
            continue
        at: datetime = permission["decided_at"]
        age = copy.at - evidence.timeline.real_of(at)
        tally.check(Invariant.GATE, age <= ANSWER_HOLDS, f"mail {message['id']} left {age} after it was allowed")
        for wrong in facts.against(message, permission):
            tally.check(Invariant.GATE, False, f"mail {message['id']} at {at}: {wrong}")
        tally.check(Invariant.GATE, True, "")
        if message["intervention_id"] is not None:
            times[message["customer_id"]][message["id"]] = at
    for customer, found in times.items():
        for most, within in LIMITS:
            crowded = _too_often(sorted(found.values()), most, within)
            tally.check(Invariant.GATE, not crowded, f"{customer}: more than {most} within {within} at {crowded}")


def _too_often(times: list[datetime], most: int, within: timedelta) -> list[datetime]:
    return [later for first, later in zip(times, times[most:], strict=False) if later - first < within]


class _Facts:
    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.customers = {row["id"]: row for row in evidence.rows["customers"]}
        self.companies = {row["id"]: row for row in evidence.rows["companies"]}
        self.consents = evidence.by("consent_records", "customer_id")
        self.configs = evidence.by("flow_config_versions", "company_id")
        self.orders = evidence.by("orders", "cart_id")
        self.messages = evidence.by("messages", "cart_id")
        self.suppressions = evidence.by("suppressions", "address_hash")

    def against(self, message: Row, permission: Row) -> Iterator[str]:
        """What should have kept a message from leaving when it was allowed to."""
        at: datetime = permission["decided_at"]
        customer = self.customers[message["customer_id"]]
        if message["to_address"] != customer["email"]:
            yield f"it went to {message['to_address']}"
        given = [
            row
            for row in self.consents.get(customer["id"], ())
            if row["channel"] == "EMAIL"
            and row["address"] == customer["email"]
            and self._before(row["recorded_at"], at)
        ]
        if not given:
            yield "there was no consent"
        elif all(row["state"] != "CONFIRMED" for row in given):
            yield "the consent was never confirmed"
        hashed = address_hash(self.evidence.signing_key, customer["email"])
        for row in self.suppressions.get(hashed, ()):
            if row["scope"] in ("ALL", "EMAIL") and self._long_before(row["created_at"], at):
                yield f"stopped since {row['created_at']}"
        if message["intervention_id"] is None:
            return
        if any(made_after(permission["id"], row["id"]) for row in self.orders.get(message["cart_id"], ())):
            yield "the cart was ordered"
        zone = ZoneInfo(customer["timezone"] or self.companies[message["company_id"]]["timezone"])
        start, end = self._night(message["company_id"], at)
        hour = at.astimezone(zone).hour
        if hour >= start or hour < end:
            yield f"it was {at.astimezone(zone):%H:%M} in {zone.key}"
        yield from self._too_many(message, at)

    def _too_many(self, message: Row, at: datetime) -> Iterator[str]:
        """How many mails of this abandonment had come before."""
        same = [
            row
            for row in self.messages[message["cart_id"]]
            if row["abandonment"] == message["abandonment"] and row["id"] != message["id"]
        ]
        before = [row for row in same if row["id"] in self.evidence.arrived and row["sent_at"] and row["sent_at"] < at]
        engaged = any(row["clicked_at"] is not None or row["opened_at"] is not None for row in same)
        if len(before) >= MOST_MESSAGES or (not engaged and len(before) >= MOST_UNANSWERED):
            yield f"{len(before)} mails had come about this abandonment"

    def _night(self, company_id: UUID, at: datetime) -> tuple[int, int]:
        """The blackout hours in force, 22 to 8 unless the merchant says otherwise; they always cross midnight here."""
        night: dict[str, Any] = {"start": 22, "end": 8}
        for row in self.configs.get(company_id, ()):
            if row["created_at"] <= at:
                night = row["config"].get("blackoutHours", night)
        return night["start"], night["end"]

    def _before(self, then: datetime, at: datetime) -> bool:
        return self.evidence.timeline.real_of(then) <= self.evidence.timeline.real_of(at) + IN_FLIGHT

    def _long_before(self, then: datetime, at: datetime) -> bool:
        return self.evidence.timeline.real_of(then) + IN_FLIGHT < self.evidence.timeline.real_of(at)
