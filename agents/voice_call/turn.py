"""What a turn of a call begins with: everything read in one transaction, the cart only for who is known."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from agents.models.offline_replies import BOT_ANSWERS
from agents.voice_call.hearing import Classifier, hear
from agents.voice_call.prompt import system
from db.clock import read_clock
from db.session import transaction
from db.tables.companies import Company
from db.tables.conversations import ChatSession, ConversationChannel
from graphs.conversations import service as conversations
from graphs.conversations.facts import merged
from graphs.conversations.history import as_messages
from graphs.model import Model, Usage
from graphs.voice_call import calls, routing
from graphs.voice_call.course import Hearing
from graphs.voice_call.events import CallEvent
from graphs.voice_call.state import CallContext, CallLimits, CallTurn, first_turn
from graphs.voice_call.wording import Wording
from recovery import attempts
from recovery import service as recovery
from recovery.configuration import Flow, flow_in_force
from recovery.emails import Mailing
from storefront.carts import service as carts
from storefront.carts.facts import facts_of
from storefront.customers import service as customers
from storefront.customers.schemas import CustomerView
from tools.dispatch import Conversation, Toolbox


@dataclass(frozen=True)
class VoiceParts:
    """What calls are answered with. `model` is None without a provider: the script alone speaks.

    A model that hands over to another (agents.models.fallback) is listened to until then: what a call falls back on is
    its script.
    """

    engine: AsyncEngine
    model: Model | None
    classifier: Classifier
    toolbox: Toolbox
    mailing: Mailing
    price: Callable[[str, Usage], int]
    limits: CallLimits = field(default_factory=CallLimits)


@dataclass(frozen=True)
class Input:
    """What reached us over the line. `known` is set where code knows what it is without reading words."""

    text: str = ""
    at_ms: int = 0
    timings: dict[str, int] = field(default_factory=dict)
    known: Hearing | None = None


def wording_of(company: Company, flow: Flow) -> Wording:
    """The shop's words, before anything is known of who listens."""
    return Wording(
        script=flow.config.voice.script,
        shop=company.name,
        legal_name=company.legal_name,
        locale=company.locale,
        bot_answers={str(code): text for code, text in BOT_ANSWERS.items()},
    )


async def begin(
    parts: VoiceParts,
    call_id: UUID,
    session_id: UUID,
    given: Input,
    *,
    company_id: UUID,
    emit: Callable[[CallEvent], None],
) -> tuple[CallContext, CallTurn]:
    """Keep what was heard, take the turn, and read what it works with."""
    started = perf_counter()
    async with transaction(parts.engine, company_id=company_id) as session:
        now = await read_clock(session)
        turn = await conversations.begin_spoken_turn(
            session, session_id, given.text, company_id=company_id, bindings={"atMs": given.at_ms}, now=now
        )
        found = await conversations.get_conversation(session, session_id, company_id=company_id)
        rows = await calls.standing(
            session, session_id, company_id=company_id, limit=parts.limits.history_rows, now=now
        )
        flow = await flow_in_force(session, company_id=company_id)
        company = await recovery.the_company(session, company_id=company_id)
        customer = await _customer(session, found)
        words, first_name = wording_of(company, flow), None if customer is None else customer.first_name
        heard = given.known or hear(turn.content, rows.progress, words.script, parts.classifier, first_name=first_name)
        heard = routing.as_heard(heard, question_was_heard=rows.question_was_heard)
        if routing.is_known(rows.progress, heard):
            cart = await carts.read(session, found.cart_id, company_id=company_id, now=now)
            words = replace(words, cart=cart, first_name=first_name)
    conversation = _conversation(parts, found, flow, company, customer)
    context = CallContext(
        engine=parts.engine,
        call_id=call_id,
        model=parts.model,
        toolbox=parts.toolbox,
        conversation=conversation,
        turn=turn,
        wording=words,
        disclosure=rows.disclosure,
        system=system(rows.progress.state, shop=company.name, name=words.name),
        emit=emit,
        price=parts.price,
        progress=rows.progress,
        limits=parts.limits,
        started=started,
        timings=dict(given.timings),
    )
    known = () if words.cart is None else facts_of(words.cart, tz=conversation.tz)
    earlier = tuple(fact for reply in rows.replies for fact in reply.facts)
    state: CallTurn = {
        **first_turn(rows.progress, heard, routing.changed_by(rows.replies)),
        "facts": (*words.facts(), *merged(earlier if known else (), known)),
        "messages": as_messages(rows.remembered) if known else (),
        "told": rows.told,
        "earlier": rows.replies if known else (),
    }
    return context, state


async def _customer(session: AsyncSession, found: ChatSession) -> CustomerView | None:
    """Who is called. Their name is all that is used of them until they have said that it is they."""
    if found.attempt_id is None:
        return None
    attempt = await attempts.get_attempt(session, found.attempt_id, company_id=found.company_id)
    if attempt.customer_id is None:
        return None
    return await customers.get(session, attempt.customer_id, company_id=found.company_id)


def _conversation(
    parts: VoiceParts, found: ChatSession, flow: Flow, company: Company, customer: CustomerView | None
) -> Conversation:
    return Conversation(
        id=found.id,
        company_id=found.company_id,
        cart_id=found.cart_id,
        attempt_id=found.attempt_id,
        channel=ConversationChannel.VOICE,
        config=flow.config,
        policy_version=flow.version,
        locale=company.locale,
        tz=(customer.timezone if customer is not None else None) or company.timezone,
        mailing=parts.mailing,
    )
