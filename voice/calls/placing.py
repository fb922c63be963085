"""How a due call is placed: claimed in one transaction, dialled once with nothing locked, recorded in another.

The row of the call is written with the claim. Whoever dies on the way leaves it: no index lets the person, the
number or the abandonment have another, and the sweeper closes it (docs/decisions/0009-a-call-is-placed-once.md).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.customers import Customer
from db.tables.delivery import Message
from db.tables.policy import Channel, ContactPhase, ContactVerdict
from db.tables.voice import EndReason, VoiceCallOutcome, VoiceCallStatus
from delivery import service as delivery
from delivery.schemas import Claimed, Recorded
from delivery.transport import Permanent, Sent, Unknown
from policy.contact import service as contact
from policy.contact.assessment import zones_of
from policy.contact.service import GateDecision
from recovery import attempts, dispatch
from recovery.configuration import flow_in_force
from storefront.carts import service as carts
from voice.calls import rules
from voice.calls.repository import CallRepository
from voice.calls.schemas import CallClaim
from voice.calls.service import finish
from voice.eligibility import service as eligibility
from voice.eligibility.service import Policy
from voice.telephony import Dial

# An index said no where the policy had said yes: they had their call.
HAD_THEIR_CALL = "HAD_THEIR_CALL"


@dataclass(frozen=True)
class Placing:
    """The right to dial once, and for what."""

    dial: Dial
    claimed: Claimed


async def claim(
    session: AsyncSession, message_id: UUID, policy: Policy, *, company_id: UUID, now: datetime
) -> Placing | None:
    """Take a due call if it is still right: everything is asked again. None: there is nothing to dial.

    Locks cart, attempt, person, lines, message; commit before dialling.
    """

    async def gate(session: AsyncSession, message: Message) -> GateDecision:
        return await may_dial(session, message, policy, now=now)

    claimed = await delivery.claim(session, message_id, company_id=company_id, now=now, gate=gate)
    if isinstance(claimed, Recorded):
        await dispatch.after_sending(session, claimed, company_id=company_id, signer=policy.signer, now=now)
        return None
    if not isinstance(claimed, Claimed):
        return None
    message = await delivery.get_message(session, message_id, company_id=company_id)
    customer = await contact.get_customer(session, message.customer_id, company_id=company_id)
    call_id = await _open(session, message, customer, policy, now=now)
    if call_id is None:
        recorded = await delivery.record_result(session, claimed, Permanent(HAD_THEIR_CALL), now=now)
        await dispatch.after_sending(session, recorded, company_id=company_id, signer=policy.signer, now=now)
        return None
    assert customer.phone is not None  # the gate has seen it
    return Placing(Dial(company_id, call_id, customer.phone), claimed)


async def may_dial(session: AsyncSession, message: Message, policy: Policy, *, now: datetime) -> GateDecision:
    """Whether the planned call may be placed now; the decision is kept, a block also noted on its intervention."""
    company_id = message.company_id
    assert message.attempt_id is not None  # calls belong to a flow
    cart = await carts.read_locked(session, message.cart_id, company_id=company_id, now=now)
    stale = await dispatch.why_stale(session, message, cart, now=now)
    attempt = await attempts.get_attempt(session, message.attempt_id, company_id=company_id)
    decision = await eligibility.decide(
        session,
        attempt,
        policy,
        company_id=company_id,
        phase=ContactPhase.DISPATCH,
        message_id=message.id,
        stale=stale,
        now=now,
    )
    if decision.verdict is ContactVerdict.BLOCK:
        await dispatch.note_block(session, message, decision.reasons, now=now)
    return decision


async def _open(
    session: AsyncSession, message: Message, customer: Customer, policy: Policy, *, now: datetime
) -> UUID | None:
    """Write the call on a free line. The lines are locked, and one is free: the policy has just said so."""
    company_id = message.company_id
    assert message.attempt_id is not None
    calls = CallRepository(session)
    flow = await flow_in_force(session, company_id=company_id)
    line = rules.free_line(await calls.lines_taken(company_id=company_id), lines=flow.config.voice.max_calls_at_once)
    number_hash = eligibility.number_hash(customer, policy.signer)
    if line is None or number_hash is None:
        return None
    claim = CallClaim(
        attempt_id=message.attempt_id,
        cart_id=message.cart_id,
        customer_id=customer.id,
        message_id=message.id,
        abandonment=message.abandonment,
        person_key=customer.person_key,
        number_hash=number_hash,
        called_on=now.astimezone(zones_of(customer, Channel.VOICE)[0]).date(),
        slot=line,
    )
    return await calls.open(claim, company_id=company_id, now=now)


async def record_dialled(
    session: AsyncSession, placing: Placing, provider_id: str, policy: Policy, *, now: datetime
) -> bool:
    """The carrier took it. False: the call was closed meanwhile, and is to be hung up.

    The carrier's own callbacks may have come first, and told more.
    """
    company_id = placing.dial.company_id
    recorded = await delivery.record_result(session, placing.claimed, Sent(provider_id), now=now)
    calls = CallRepository(session)
    call = await calls.get_for_update(placing.dial.call_id, company_id=company_id)
    assert call is not None  # written with the claim
    call.provider_id = call.provider_id or provider_id
    call.dialled_at = call.dialled_at or now
    if call.status is VoiceCallStatus.ENDED:
        return call.end_reason is not EndReason.PROCESS_LOST
    if call.status is VoiceCallStatus.CLAIMED:
        call.status = VoiceCallStatus.DIALLED
    calls.note_life(call)
    await dispatch.after_sending(session, recorded, company_id=company_id, signer=policy.signer, now=now)
    return True


async def record_refused(session: AsyncSession, placing: Placing, reason: str, *, now: datetime) -> None:
    """The carrier did not place it: the call is over, and there is no other try."""
    company_id = placing.dial.company_id
    await finish(
        session,
        placing.dial.call_id,
        company_id=company_id,
        outcome=VoiceCallOutcome.NO_ANSWER,
        end_reason=EndReason.FAILED,
        now=now,
    )
    await delivery.record_result(session, placing.claimed, Permanent(reason), now=now)


async def record_unknown(
    session: AsyncSession, placing: Placing, reason: str, policy: Policy, *, now: datetime
) -> None:
    """The phone may be ringing: the carrier's callbacks will tell, or the sweeper closes the call."""
    company_id = placing.dial.company_id
    recorded = await delivery.record_result(session, placing.claimed, Unknown(reason), now=now)
    await dispatch.after_sending(session, recorded, company_id=company_id, signer=policy.signer, now=now)
