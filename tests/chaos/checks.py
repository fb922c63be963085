"""Counted from the rows: nothing lost, nothing twice, everything explained, nothing held."""

from collections import Counter
from typing import assert_never

from tests.chaos.evidence import Evidence, Row, made_after
from tests.chaos.gate_oracle import address_hash, check_gate
from tests.chaos.invariants import Invariant, Tally
from tests.chaos.money_checks import check_caps, check_one_grant
from tests.chaos.plan import Act
from tests.chaos.shoppers import Acknowledged
from tests.chaos.world import TIGHTENED

FINAL = {"SENT", "UNKNOWN", "BLOCKED", "FAILED", "CANCELLED"}


def check_all(evidence: Evidence) -> Tally:
    tally = Tally()
    check_acknowledged(evidence, tally)
    check_flows_ended(evidence, tally)
    check_stages(evidence, tally)
    check_messages(evidence, tally)
    check_gate(evidence, tally)
    check_caps(evidence, tally)
    check_one_grant(evidence, tally)
    check_orders(evidence, tally)
    check_explained(evidence, tally)
    check_nothing_held(evidence, tally)
    return tally


def check_acknowledged(evidence: Evidence, tally: Tally) -> None:
    """What was answered with success has its row."""
    kept = _Kept(evidence)
    for each in evidence.acknowledged:
        tally.check(Invariant.NOTHING_LOST, kept.holds(each), f"{each.act} of person {each.person}, {each}")


class _Kept:
    def __init__(self, evidence: Evidence) -> None:
        rows = evidence.rows
        self.signing_key = evidence.signing_key
        self.carts = {str(row["id"]): row for row in rows["carts"]}
        self.of_customer = evidence.by("carts", "customer_id")
        self.customers = {row["id"]: row for row in rows["customers"]}
        self.orders = Counter((str(row["cart_id"]), row["external_id"]) for row in rows["orders"])
        answered = {row["attempt_id"] for row in rows["stage_events"] if row["kind"] == "ANSWERED"}
        self.answered = {row["cart_id"] for row in rows["save_attempts"] if row["id"] in answered}
        clicked = {row["message_id"] for row in rows["message_events"] if row["kind"] == "CLICKED"}
        self.clicked = {row["cart_id"] for row in rows["messages"] if row["id"] in clicked}
        self.stopped = {row["address_hash"] for row in rows["suppressions"] if row["scope"] == "ALL"}
        self.caps = [row["config"].get("offers", {}).get("caps") for row in rows["flow_config_versions"]]
        self.turns = evidence.by("chat_turns", "request_key")
        self.said = evidence.by("chat_messages", "turn_id")

    def holds(self, each: Acknowledged) -> bool:
        if each.act is Act.TIGHTEN:
            return self.caps.count(TIGHTENED["offers"]["caps"]) == 1
        cart = self.carts.get(each.cart_id or "")
        if cart is None:
            return False
        own = {row["id"] for row in self.of_customer[cart["customer_id"]]}
        match each.act:
            case Act.OPEN:
                return True
            case Act.CONVERT:
                return self.orders[str(cart["id"]), str(each.order_id)] == 1
            case Act.ANSWER:
                return bool(own & self.answered)
            case Act.CLICK:
                return bool(own & self.clicked)
            case Act.OPT_OUT:
                email = self.customers[cart["customer_id"]]["email"]
                return address_hash(self.signing_key, email) in self.stopped
            case Act.HAGGLE:
                return self._answered_once(each)
            case _:
                assert_never(each.act)

    def _answered_once(self, each: Acknowledged) -> bool:
        """One turn under the key, in which the shopper spoke once and was told what the request answered."""
        turns = [row for row in self.turns.get(each.key, ()) if str(row["session_id"]) == each.session_id]
        if len(turns) != 1 or turns[0]["status"] == "RUNNING":
            return False
        said = sorted(self.said.get(turns[0]["id"], ()), key=lambda row: row["position"])
        told = "".join(row["content"] for row in said if row["role"] == "ASSISTANT").strip()
        return sum(row["role"] == "USER" for row in said) == 1 and bool(told) and told == each.answer


def check_flows_ended(evidence: Evidence, tally: Tally) -> None:
    """Every cart was bought or had a flow, every flow has its outcome, every step of it is told."""
    attempts = evidence.by("save_attempts", "cart_id")
    events = evidence.by("stage_events", "attempt_id")
    for cart in evidence.rows["carts"]:
        known = cart["status"] == "CONVERTED" or cart["id"] in attempts
        tally.check(Invariant.NOTHING_LOST, known, f"cart {cart['id']} is {cart['status']} and has no flow")
    for attempt in evidence.rows["save_attempts"]:
        ended = attempt["status"] != "IN_PROGRESS" and attempt["due_at"] is None
        tally.check(Invariant.NOTHING_LOST, ended, f"attempt {attempt['id']} waits at {attempt['current_stage']}")
        told = {row["step"] for row in events.get(attempt["id"], ()) if row["kind"] in ("RAN", "SKIPPED", "ANSWERED")}
        missing = set(range(attempt["step"])) - told
        tally.check(Invariant.NOTHING_LOST, not missing, f"attempt {attempt['id']} tells nothing of steps {missing}")
    for copy in evidence.copies:
        row = evidence.messages.get(copy.message_id)
        known = row is not None and row["status"] in ("SENT", "UNKNOWN")
        detail = f"mail {copy.message_id} arrived and is {row['status'] if row else 'unknown to us'}"
        tally.check(Invariant.NOTHING_LOST, known, detail)
    for row in evidence.rows["messages"]:
        if row["status"] == "SENT" and row["channel"] == "EMAIL":
            came = row["id"] in evidence.arrived
            tally.check(Invariant.NOTHING_LOST, came, f"message {row['id']} counts as sent and never came")


def check_stages(evidence: Evidence, tally: Tally) -> None:
    """One end a step, one intervention a stage; the winback sequence has one for each of its emails."""
    done = Counter(
        (row["attempt_id"], row["step"]) for row in evidence.rows["stage_events"] if row["kind"] in ("RAN", "SKIPPED")
    )
    for (attempt, step), times in done.items():
        tally.check(Invariant.STAGE_ONCE, times == 1, f"step {step} of {attempt} ended {times} times")
    contacted = Counter((row["attempt_id"], row["stage"]) for row in evidence.rows["interventions"])
    for (attempt, stage), times in contacted.items():
        most = 5 if stage == "WINBACK_SEQUENCE" else 1
        tally.check(Invariant.STAGE_ONCE, times <= most, f"{stage} of {attempt} contacted {times} times")


def check_messages(evidence: Evidence, tally: Tally) -> None:
    planned = Counter(
        (row["intervention_id"], row["channel"]) for row in evidence.rows["messages"] if row["intervention_id"]
    )
    for (intervention, channel), times in planned.items():
        tally.check(Invariant.ONE_MESSAGE, times == 1, f"{times} messages of {intervention} on {channel}")
    for message_id, copies in evidence.arrived.items():
        tally.check(Invariant.ONE_MESSAGE, len(copies) == 1, f"{len(copies)} copies of {message_id} came")


def check_orders(evidence: Evidence, tally: Tally) -> None:
    """An order ends the flow of its cart: nothing is due, nothing waits to be sent, nothing leaves any more."""
    carts = {row["id"]: row for row in evidence.rows["carts"]}
    attempts, messages = evidence.by("save_attempts", "cart_id"), evidence.by("messages", "cart_id")
    for order in evidence.rows["orders"]:
        cart = carts.get(order["cart_id"])
        if cart is None:
            continue
        running = [row for row in attempts.get(cart["id"], ()) if row["status"] == "IN_PROGRESS"]
        waiting = [row for row in messages.get(cart["id"], ()) if row["status"] in ("PLANNED", "SENDING")]
        stopped = cart["status"] == "CONVERTED" and not running and not waiting
        tally.check(Invariant.ORDER_STOPS, stopped, f"order {order['external_id']}: its cart's flow goes on")
        late = [row["id"] for row in messages.get(cart["id"], ()) if _claimed_after(row, order, evidence)]
        tally.check(Invariant.ORDER_STOPS, not late, f"order {order['external_id']}: mails {late} left after it")


def _claimed_after(message: Row, order: Row, evidence: Evidence) -> bool:
    """Whether the flow was allowed to send it when the order stood already.

    Who orders and who allows have the cart locked when they make their row, and until they commit: of the two ids,
    which begin with the real time in milliseconds, the later one saw the other's row, or should have. What was
    allowed before may still be on its way, for as long as the gate's answer holds (gate_oracle).
    """
    if message["intervention_id"] is None:
        return False  # asked for: it is no part of the flow
    return any(made_after(row["id"], order["id"]) for row in evidence.permissions.get(message["id"], ()))


def check_explained(evidence: Evidence, tally: Tally) -> None:
    for row in evidence.rows["messages"]:
        said = row["status"] in FINAL and (row["status"] == "SENT" or bool(row["reason"]))
        tally.check(Invariant.EXPLAINED, said, f"message {row['id']} is {row['status']} for {row['reason']!r}")
    for row in evidence.rows["interventions"]:
        ended = row["status"] not in ("SCHEDULED", "SENDING") and (row["status"] != "FAILED" or row["error_message"])
        tally.check(Invariant.EXPLAINED, bool(ended), f"intervention {row['id']} is {row['status']}")
    for attempt, events in evidence.by("stage_events", "attempt_id").items():
        for place, event in enumerate(events):
            if event["kind"] == "DEFERRED":
                later = any(each["kind"] != "DEFERRED" for each in events[place + 1 :])
                tally.check(Invariant.EXPLAINED, later, f"{event['stage']} of {attempt} was put off and forgotten")
            if event["kind"] in ("DEFERRED", "SKIPPED", "BLOCKED", "CLOSED"):
                tally.check(Invariant.EXPLAINED, bool(event["reason"]), f"{event['kind']} of {attempt} says no reason")
    for row in evidence.rows["contact_decisions"]:
        if row["verdict"] != "ALLOW":
            tally.check(Invariant.EXPLAINED, bool(row["reasons"]), f"decision {row['id']} says no reason")


def check_nothing_held(evidence: Evidence, tally: Tally) -> None:
    for name, count in evidence.leftovers.items():
        tally.check(Invariant.NOTHING_HELD, count == 0, f"{count} {name}")
    for name, code in evidence.exit_codes.items():
        tally.check(Invariant.NOTHING_HELD, code == 0, f"{name} ended with {code} when told to stop")
