"""One conversation in full: what was said, why it could be said, and what was decided beside it."""

from uuid import UUID

from starlette.requests import Request

from db.tables.policy import ContactDecision, ContactPhase, Grant
from graphs.conversations.reading import service
from graphs.conversations.reading.schemas import Call, Reading
from graphs.conversations.service import NoSuchConversation
from policy.money import format_money
from web.console.desk import HOME, Visit
from web.console.reading.turns import show_turns
from web.console.tags import chip, heading, pair, tag
from web.console.wording import CHANNELS, MESSAGE_CHANNELS, OUTCOMES, TONES, dollars, words


async def build(visit: Visit, request: Request) -> None:
    conversation_id = _uuid(request.path_params["conversation_id"])
    async with visit.begin() as (session, visitor):
        reading = await service.read_conversation(session, conversation_id, company_id=visitor.company_id)
    line = reading.line
    tag("a", "Conversations", look="back", href=f"{HOME}/conversations")
    who = line.first_name or line.email or "an unknown shopper"
    heading(f"{CHANNELS[line.channel]} with {who}" if reading.transcript.messages else CHANNELS[line.channel])
    with tag("p", look="under"):
        chip(OUTCOMES[line.outcome], TONES.get(line.outcome, ""))
        tag("span", visit.time(line.started_at), look="quiet")
    with tag("div", look="reading"):
        with tag("section", look="transcript", aria_label="Transcript"):
            show_turns(reading.transcript, visit)
        with tag("aside", look="rail", aria_label="About this conversation"):
            _facts(reading, visit)
            if reading.call is not None:
                _call(reading.call, visit)
            _grants(reading, visit)
            _decisions(reading, visit)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NoSuchConversation from None


def _facts(reading: Reading, visit: Visit) -> None:
    line = reading.line
    tokens = sum(turn.input_tokens + turn.output_tokens for turn in reading.transcript.turns)
    with tag("section", look="card"):
        tag("h2", "At a glance")
        with tag("dl"):
            pair("Shopper", line.email or "Not known")
            pair("Began", visit.time(line.started_at))
            pair("Last word", visit.time(line.last_message_at))
            pair("Status", words(line.status))
            pair("Policy version", str(line.policy_version))
            pair("Model cost", f"{dollars(line.cost_micro_usd)} ({tokens:,} tokens)")
            pair("Cart", str(line.cart_id))


def _call(call: Call, visit: Visit) -> None:
    with tag("section", look="card"):
        tag("h2", "The call")
        with tag("dl"):
            pair("Placed", visit.time(call.initiated_at))
            pair("Answered", "No" if call.answered_at is None else visit.time(call.answered_at))
            pair(
                "Length",
                "None" if call.duration_s is None else f"{call.duration_s // 60}:{call.duration_s % 60:02} min",
            )
            pair("Outcome", "Still open" if call.outcome is None else words(call.outcome))
            pair("Ended because", "Still open" if call.end_reason is None else words(call.end_reason))


def _grants(reading: Reading, visit: Visit) -> None:
    with tag("section", look="card"):
        tag("h2", "Offers on this cart")
        if not reading.grants:
            tag("p", "None was made.", look="quiet")
        for grant in reading.grants:
            _grant(grant, visit)


def _grant(grant: Grant, visit: Visit) -> None:
    what = "Free shipping" if grant.percent is None else f"{grant.percent.normalize():f}% off"
    with tag("div", look="item"):
        with tag("p", look="item-head"):
            tag("strong", what)
            chip(words(grant.status), TONES.get(grant.status, ""))
        worth = format_money(grant.benefit_minor, grant.currency)
        tag("p", f"Worth {worth} when given, under a cap of {grant.cap_percent.normalize():f}%.", look="quiet")
        tag("p", f"From: {words(grant.source).lower()}. Reason: {words(grant.reason).lower()}.", look="quiet")
        tag("p", f"Given {visit.time(grant.created_at)}, ends {visit.time(grant.expires_at)}.", look="quiet")
        tag("p", f"Policy version {grant.policy_version}.", look="quiet")


def _decisions(reading: Reading, visit: Visit) -> None:
    with tag("section", look="card"):
        tag("h2", "Contact decisions")
        if not reading.decisions:
            tag("p", "Nobody was to be contacted about this cart so far.", look="quiet")
        for decision in reading.decisions:
            _decision(decision, visit)


def _decision(decision: ContactDecision, visit: Visit) -> None:
    with tag("div", look="item"):
        with tag("p", look="item-head"):
            phase = "planning" if decision.phase is ContactPhase.PLAN else "sending"
            tag("strong", f"{MESSAGE_CHANNELS[decision.channel]}, at {phase}")
            chip(words(decision.verdict), TONES.get(decision.verdict, ""))
        if decision.reasons:
            tag("p", ", ".join(words(reason) for reason in decision.reasons), look="quiet")
        if decision.until is not None:
            tag("p", f"Until {visit.time(decision.until)}", look="quiet")
        tag("p", f"{visit.time(decision.decided_at)}, rules {decision.pack_version}", look="quiet")
