"""The contact gate in use: decide and keep the evidence, record consents, stop contact.

Consents and suppressions are append-only; a suppression only ever widens.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.base import type_json
from db.ids import uuid7
from db.tables.customers import (
    ConsentChannel,
    ConsentMethod,
    ConsentRecord,
    ConsentState,
    Customer,
    SuppressionScope,
)
from db.tables.policy import Channel, ContactDecision, ContactPhase, ContactVerdict
from policy.contact import rules
from policy.contact.addresses import normalise
from policy.contact.assessment import Assessment, Question, assess, hashes
from policy.contact.repository import ContactRepository
from policy.contact.rules import Purpose
from policy.errors import AppError, NotFound
from policy.tokens import Signer


class NoSuchCustomer(NotFound):
    code = "no_such_customer"
    title = "No such customer"


class NotInWriting(AppError):
    status = 422
    code = "not_in_writing"
    title = "This consent must be given in writing"


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """One act of one person for one channel (rules C-01, C-02). `wording` is the sentence that they agreed to."""

    customer_id: UUID
    channel: ConsentChannel
    address: str
    state: ConsentState
    method: ConsentMethod
    wording_version: str
    wording: str
    ip: str | None = None
    user_agent: str | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class GateDecision:
    """What the gate answered and where that is kept. `until` is set for DEFER, `reasons` for all but ALLOW."""

    id: UUID
    verdict: ContactVerdict
    until: datetime | None
    reasons: tuple[str, ...]
    pack_version: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The gate's answer before it is written down."""

    customer: Customer
    question: Question
    assessment: Assessment
    verdict: ContactVerdict
    until: datetime | None
    reasons: tuple[str, ...]

    def tightened(self, *, until: datetime | None, reasons: tuple[str, ...], facts: type_json) -> "Asked":
        """This answer with a room's own reasons, which include the gate's: they may only speak against it."""
        if not set(self.reasons) <= set(reasons):
            raise ValueError("what the gate found must not be left out")
        verdict = ContactVerdict.ALLOW
        if reasons:
            verdict = ContactVerdict.BLOCK if until is None else ContactVerdict.DEFER
        evidence = replace(self.assessment, evidence=self.assessment.evidence | facts)
        return replace(self, assessment=evidence, verdict=verdict, until=until, reasons=reasons)


async def decide_and_record(
    session: AsyncSession,
    customer_id: UUID,
    *,
    company_id: UUID,
    channel: Channel,
    purpose: Purpose,
    phase: ContactPhase,
    signer: Signer,
    now: datetime,
    cart_id: UUID | None = None,
    attempt_id: UUID | None = None,
    message_id: UUID | None = None,
) -> GateDecision:
    """Ask the gate from what the database says now, and keep the answer with its reasons, facts and pack.

    At DISPATCH the person stays locked until the transaction ends, so that two workers with a message each do
    not both pass the same limit: claim the message in this transaction. Locks after cart, attempt and grant.
    """
    question = Question(channel, purpose, cart_id, message_id)
    asked = await ask(session, customer_id, question, company_id=company_id, phase=phase, signer=signer, now=now)
    return await keep(session, asked, phase=phase, attempt_id=attempt_id, now=now)


async def ask(
    session: AsyncSession,
    customer_id: UUID,
    question: Question,
    *,
    company_id: UUID,
    phase: ContactPhase | None,
    signer: Signer,
    now: datetime,
) -> Asked:
    """What the gate says to this question now. Nothing is written; with DISPATCH the person is locked."""
    contacts = ContactRepository(session)
    customer = await _customer(contacts, customer_id, company_id=company_id)
    if phase is ContactPhase.DISPATCH:
        await contacts.lock_person(customer.person_key, company_id=company_id)
    found = await assess(session, customer, question, signer=signer, now=now)
    return Asked(customer, question, found, *_answer(found.decision))


async def keep(
    session: AsyncSession, asked: Asked, *, phase: ContactPhase, attempt_id: UUID | None, now: datetime
) -> GateDecision:
    """Write the answer down as evidence. Whoever asked may have tightened it (`Asked.tightened`)."""
    contacts, customer, question = ContactRepository(session), asked.customer, asked.question
    row = ContactDecision(
        company_id=customer.company_id,
        id=uuid7(),
        decided_at=now,
        person_key=customer.person_key,
        customer_id=customer.id,
        cart_id=question.cart_id,
        attempt_id=attempt_id,
        message_id=question.message_id,
        channel=question.channel,
        phase=phase,
        verdict=asked.verdict,
        until=asked.until,
        reasons=list(asked.reasons),
        facts=asked.assessment.evidence,
        pack_version=asked.assessment.pack.version,
    )
    contacts.add_decision(row)
    await contacts.flush()
    return GateDecision(row.id, asked.verdict, asked.until, asked.reasons, asked.assessment.pack.version)


async def decisions_about(
    session: AsyncSession, cart_id: UUID, *, company_id: UUID, limit: int = 100
) -> list[ContactDecision]:
    """Why somebody was or was not contacted about the cart: the latest decisions, oldest first."""
    return await ContactRepository(session).decisions_about(cart_id, company_id=company_id, limit=limit)


async def record_consent(
    session: AsyncSession, given: ConsentGiven, *, company_id: UUID, now: datetime
) -> ConsentRecord:
    """Keep a consent as evidence. It lifts no suppression: what was stopped stays stopped.

    Raises:
        NotInWriting: an AI call needs written consent (47 CFR 64.1200(f)(9)).
        InvalidAddress, NoSuchCustomer: nobody could be reached under it.
    """
    if (
        given.channel is ConsentChannel.AI_VOICE
        and given.state is ConsentState.CONFIRMED
        and given.method is not ConsentMethod.WRITTEN
    ):
        raise NotInWriting("Record a signed, written consent that names the seller, the number and the AI voice.")
    contacts = ContactRepository(session)
    await _customer(contacts, given.customer_id, company_id=company_id)
    push = given.channel is ConsentChannel.PUSH
    record = ConsentRecord(
        company_id=company_id,
        customer_id=given.customer_id,
        channel=given.channel,
        address=given.address if push else normalise(given.address),
        state=given.state,
        method=given.method,
        seller=(await contacts.configured(company_id=company_id)).legal_name,
        wording_version=given.wording_version,
        wording_hash=hashlib.sha256(given.wording.encode()).hexdigest(),
        ip=given.ip,
        user_agent=given.user_agent,
        locale=given.locale,
        recorded_at=now,
    )
    contacts.add_consent(record)
    await contacts.flush()
    return record


async def suppress(
    session: AsyncSession,
    address: str,
    scope: SuppressionScope,
    *,
    company_id: UUID,
    reason: str,
    source: str,
    signer: Signer,
    now: datetime,
) -> bool:
    """Never contact this address again within `scope`; whether that is news. Consents under it are revoked.

    Raises:
        InvalidAddress: neither an email address nor a phone number.
    """
    address = normalise(address)
    contacts = ContactRepository(session)
    is_news = await contacts.add_suppression(
        signer.keyed_hash(address), scope, company_id=company_id, reason=reason, source=source, now=now
    )
    for customer in await contacts.customers_at(address, company_id=company_id):
        await _revoke(contacts, customer, scope, address=None if scope is SuppressionScope.ALL else address, now=now)
    await contacts.flush()
    return is_news


async def suppress_person(
    session: AsyncSession,
    customer_id: UUID,
    scope: SuppressionScope,
    *,
    company_id: UUID,
    reason: str,
    source: str,
    signer: Signer,
    now: datetime,
    conversation_id: UUID | None = None,
) -> bool:
    """Stop `scope` at every address of this person (rules C-06: saying stop anywhere stops all, by default).

    Who says so in a call said it at the number that was dialled, which may not be theirs any more.
    """
    contacts = ContactRepository(session)
    customer = await _customer(contacts, customer_id, company_id=company_id)
    stopped = hashes(customer, signer)
    if conversation_id is not None:
        stopped += await contacts.numbers_dialled(conversation_id, company_id=company_id)
    is_news = False
    # In one order whoever stops: of two that meet, neither waits for what the other waits for.
    for address_hash in sorted(set(stopped)):
        written = await contacts.add_suppression(
            address_hash, scope, company_id=company_id, reason=reason, source=source, now=now
        )
        is_news = is_news or written
    await _revoke(contacts, customer, scope, address=None, now=now)
    await contacts.flush()
    return is_news


async def is_suppressed(
    session: AsyncSession, customer_id: UUID, channel: Channel, *, company_id: UUID, signer: Signer
) -> bool:
    """Whether this person has stopped the channel, or everything, under any of their addresses."""
    contacts = ContactRepository(session)
    customer = await _customer(contacts, customer_id, company_id=company_id)
    scopes = await contacts.suppressions(hashes(customer, signer), company_id=company_id)
    return rules.is_suppressed(channel, scopes)


async def get_customer(session: AsyncSession, customer_id: UUID, *, company_id: UUID) -> Customer:
    """Whom a decision was about, with the address that it was about."""
    return await _customer(ContactRepository(session), customer_id, company_id=company_id)


async def _customer(contacts: ContactRepository, customer_id: UUID, *, company_id: UUID) -> Customer:
    customer = await contacts.customer(customer_id, company_id=company_id)
    if customer is None:
        raise NoSuchCustomer("There is no such customer.")
    return customer


def _answer(decision: rules.Decision) -> tuple[ContactVerdict, datetime | None, tuple[str, ...]]:
    match decision:
        case rules.Allow():
            return ContactVerdict.ALLOW, None, ()
        case rules.Defer():
            return ContactVerdict.DEFER, decision.until, _codes(decision.reasons)
        case rules.Block():
            return ContactVerdict.BLOCK, None, _codes(decision.reasons)
        case _:
            assert_never(decision)


def _codes(reasons: tuple[rules.Reason, ...]) -> tuple[str, ...]:
    return tuple(reason.value for reason in reasons)


_STOPS = {
    SuppressionScope.ALL: frozenset(ConsentChannel) - {ConsentChannel.CHAT_RECORDING},
    SuppressionScope.EMAIL: frozenset({ConsentChannel.EMAIL}),
    SuppressionScope.SMS: frozenset({ConsentChannel.SMS}),
    SuppressionScope.PUSH: frozenset({ConsentChannel.PUSH}),
    SuppressionScope.VOICE: frozenset({ConsentChannel.AI_VOICE, ConsentChannel.LIVE_CALL}),
}


async def _revoke(
    contacts: ContactRepository, customer: Customer, scope: SuppressionScope, *, address: str | None, now: datetime
) -> None:
    """Follow each standing consent within `scope` by its revocation, at one address or at all."""
    for given in await contacts.latest_consents(customer.id, company_id=customer.company_id):
        concerned = given.channel in _STOPS[scope] and address in (None, given.address)
        if concerned and given.state is not ConsentState.REVOKED:
            contacts.add_consent(
                ConsentRecord(
                    company_id=customer.company_id,
                    customer_id=customer.id,
                    channel=given.channel,
                    address=given.address,
                    state=ConsentState.REVOKED,
                    method=ConsentMethod.OPT_OUT,
                    seller=given.seller,
                    wording_version=given.wording_version,
                    wording_hash=given.wording_hash,
                    ip=None,
                    user_agent=None,
                    locale=given.locale,
                    recorded_at=now,
                )
            )
