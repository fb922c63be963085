"""What the gate sees of a person: every fact from its own row, and the decision that follows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.tables.customers import ConsentChannel, ConsentRecord, Customer, SuppressionScope
from db.tables.policy import Channel
from policy.contact import rules
from policy.contact.numbers import zones_of_number
from policy.contact.repository import AbandonmentCounts, CartState, ContactRepository
from policy.contact.rules import Consent, Contact, ContactFacts, EndedCall, Purpose
from policy.contact.schemas import MerchantRules, PolicyPack, pack_in_force
from policy.tokens import Signer


@dataclass(frozen=True, slots=True)
class Question:
    """Whom to contact how and about what. `message_id` is the message under decision: it does not count itself."""

    channel: Channel
    purpose: Purpose
    cart_id: UUID | None = None
    message_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """A decision beside what it was made from, ready to be kept as evidence without any address."""

    decision: rules.Decision
    pack: PolicyPack
    evidence: type_json


async def assess(
    session: AsyncSession, customer: Customer, question: Question, *, signer: Signer, now: datetime
) -> Assessment:
    """Read every fact and ask the gate."""
    contacts, company_id = ContactRepository(session), customer.company_id
    configured = await contacts.configured(company_id=company_id)
    pack = pack_in_force(now).tightened(MerchantRules.of(configured.flow_config))
    consents = _consents(customer, await contacts.latest_consents(customer.id, company_id=company_id))
    contact = Contact(
        has_address=_has_address(customer, question.channel, consents),
        zones=zones_of(customer, question.channel),
        shop_zone=ZoneInfo(configured.timezone),
        country=customer.country,
        closed_to_ai_calls=customer.phone is not None and pack.is_closed_to_ai_calls(customer.phone),
    )
    suppressed = await contacts.suppressions(hashes(customer, signer), company_id=company_id)
    number_hash = None if customer.phone is None else signer.keyed_hash(customer.phone)
    facts = await _facts(contacts, customer, question, consents, suppressed, number_hash, pack=pack, now=now)
    decision = rules.decide(contact, question.channel, question.purpose, now, facts, pack)
    return Assessment(decision, pack, _evidence(contact, question, facts))


def addresses(customer: Customer) -> list[str]:
    return [address for address in (customer.email, customer.phone) if address is not None]


def hashes(customer: Customer, signer: Signer) -> list[str]:
    """What a suppression of this person is kept under."""
    return [signer.keyed_hash(address) for address in addresses(customer)]


async def _facts(
    contacts: ContactRepository,
    customer: Customer,
    question: Question,
    consents: dict[ConsentChannel, Consent],
    suppressed: frozenset[SuppressionScope],
    number_hash: str | None,
    *,
    pack: PolicyPack,
    now: datetime,
) -> ContactFacts:
    company_id, channel, besides = customer.company_id, question.channel, question.message_id
    cart, counts, calls = CartState(0, None, ordered=False), AbandonmentCounts(), 0
    if question.cart_id is not None:
        cart = await contacts.cart_state(question.cart_id, company_id=company_id) or cart
        counts = await contacts.abandonment_counts(
            question.cart_id, cart.abandonment, company_id=company_id, besides=besides
        )
        if channel is Channel.VOICE and cart.abandoned_at is not None:
            calls = await contacts.calls_about(
                question.cart_id, company_id=company_id, since=cart.abandoned_at, besides=besides
            )
    since = now - max(
        (timedelta(minutes=limit.within_minutes) for limit in pack.limits.get(channel, ())), default=timedelta()
    )
    ended: tuple[EndedCall, ...] = ()
    if channel is Channel.VOICE:
        person = customer.person_key
        sent = await contacts.calls(person, number_hash, company_id=company_id, since=since, besides=besides)
        ended = await contacts.ended_calls(person, number_hash, company_id=company_id)
    else:
        sent = await contacts.sent(customer.id, channel, company_id=company_id, since=since, now=now, besides=besides)
    return ContactFacts(
        consents=consents,
        suppressed=suppressed,
        sent=tuple(sent),
        messages=counts.messages,
        emails=counts.emails,
        sms=counts.sms,
        calls=calls,
        engaged=counts.engaged,
        ended_calls=ended,
        abandoned_at=cart.abandoned_at,
        ordered=cart.ordered,
    )


def _consents(customer: Customer, records: list[ConsentRecord]) -> dict[ConsentChannel, Consent]:
    """The state of each channel at the address that is in use now: consent does not move to a new number."""
    in_use = {
        ConsentChannel.EMAIL: customer.email,
        ConsentChannel.SMS: customer.phone,
        ConsentChannel.AI_VOICE: customer.phone,
        ConsentChannel.LIVE_CALL: customer.phone,
    }
    return {
        record.channel: Consent(record.state, record.method)
        for record in sorted(records, key=lambda record: (record.recorded_at, record.id))
        if record.channel not in in_use or record.address == in_use[record.channel]
    }


def _has_address(customer: Customer, channel: Channel, consents: dict[ConsentChannel, Consent]) -> bool:
    match channel:
        case Channel.EMAIL:
            return customer.email is not None
        case Channel.SMS | Channel.VOICE:
            return customer.phone is not None
        case Channel.PUSH:
            # A browser's subscription is given together with the consent.
            return ConsentChannel.PUSH in consents
        case Channel.IN_APP:
            return True


def zones_of(customer: Customer, channel: Channel) -> tuple[ZoneInfo, ...]:
    """The zones in which this person may be when the channel reaches them: their own, and those of their number.

    A number that may well be where its owner lives adds nothing; one from elsewhere adds all that it may be in
    (rules C-14). An imported name of a zone that is none is as good as unknown.
    """
    own = _zone(customer.timezone)
    if channel not in (Channel.SMS, Channel.VOICE) or customer.phone is None:
        return () if own is None else (own,)
    of_number = zones_of_number(customer.phone)
    if own is None:
        return tuple(sorted(of_number, key=str))
    return (own,) if own in of_number else (own, *sorted(of_number, key=str))


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _evidence(contact: Contact, question: Question, facts: ContactFacts) -> type_json:
    needed = rules.consent_channel(question.channel)
    consent = None if needed is None else facts.consents.get(needed)
    return {
        "purpose": question.purpose.value,
        "zones": [zone.key for zone in contact.zones or (contact.shop_zone,)],
        "zoneKnown": bool(contact.zones),
        "country": contact.country,
        "consent": None if consent is None else {"state": consent.state.value, "method": consent.method.value},
        "suppressed": sorted(facts.suppressed),
        "sent": sorted(at.isoformat() for at in facts.sent),
        "messages": facts.messages,
        "emails": facts.emails,
        "sms": facts.sms,
        "calls": facts.calls,
        "engaged": facts.engaged,
        "declinedCall": rules.said_no(facts.ended_calls),
        "wrongNumber": rules.is_wrong_number(facts.ended_calls),
        "abandonedAt": None if facts.abandoned_at is None else facts.abandoned_at.isoformat(),
        "ordered": facts.ordered,
    }
