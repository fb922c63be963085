"""The link to the cart, because the shopper asked for it in a conversation (tool send_resume_link)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.clock import real_now
from db.ids import uuid7
from db.jobs import Job, enqueue
from db.tables.carts import CartStatus
from db.tables.delivery import Message, MessageStatus
from db.tables.policy import Channel, ContactPhase, ContactVerdict
from delivery import service as delivery
from delivery.schemas import PlannedMessage
from policy.contact import service as contact
from policy.contact.rules import Purpose, Reason
from recovery.content import Content, one_line
from recovery.emails import Letter, Mailing, compose_email
from recovery.reader import locale_of
from recovery.repository import CompanyRepository
from storefront.carts import service as carts
from storefront.carts.schemas import CartView
from storefront.customers import service as customers
from storefront.customers.schemas import CustomerView

WHY_ASKED = "You get this because you asked us for the link to your cart."


NO_ADDRESS = "I have no email address to send it to. You can give one in the checkout."
# What the gate can answer to a message that the shopper asked for; anything else is told as a plain no.
SAY = {
    Reason.SUPPRESSED: "I can't send messages to your address: it is on our list of those who want none.",
    Reason.CONSENT_REVOKED: "I can't send messages to your address: you asked us to stop.",
    Reason.NO_CONSENT: "I may only write to you once you have agreed to it, which you can do in the checkout.",
    Reason.CONSENT_PENDING: "I may only write to you once you have confirmed that you agree to it.",
    Reason.CONSENT_TOO_WEAK: "I may only write to you once you have confirmed that you agree to it.",
}
GONE = frozenset({MessageStatus.BLOCKED, MessageStatus.FAILED, MessageStatus.CANCELLED})


@dataclass(frozen=True)
class NotSent:
    """Nothing was planned or sent. `say` is a sentence for the shopper."""

    code: str
    say: str


async def send_resume_link(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    channel: Channel,
    request_key: str,
    mailing: Mailing,
    now: datetime,
) -> Message | NotSent:
    """Plan one message with the link and its send job; a repeat with the same key returns the first.

    Not sent: nobody to send it to, a channel that is not connected, or the gate said no. What the gate said is kept.
    """
    if channel is not Channel.EMAIL:
        return NotSent("NOT_CONNECTED", "I can send the link by email only.")
    cart = await carts.read_locked(session, cart_id, company_id=company_id, now=now)
    if cart.status is CartStatus.CONVERTED or not cart.lines:
        return NotSent("NOTHING_TO_SAVE", "There is nothing in this cart that a link could bring back.")
    if cart.customer_id is None:
        return NotSent("NO_ADDRESS", NO_ADDRESS)
    customer = await customers.get(session, cart.customer_id, company_id=company_id)
    if customer.email is None:
        return NotSent("NO_ADDRESS", NO_ADDRESS)
    decision = await contact.decide_and_record(
        session,
        customer.id,
        company_id=company_id,
        channel=channel,
        purpose=Purpose.TRANSACTIONAL,
        phase=ContactPhase.PLAN,
        signer=mailing.links.signer,
        cart_id=cart_id,
        now=now,
    )
    if decision.verdict is not ContactVerdict.ALLOW:
        reason = Reason(decision.reasons[0])
        return NotSent(reason, SAY.get(reason, "I can't send messages to your address."))
    message = await _plan(
        session, cart, customer, customer.email, channel, request_key=request_key, mailing=mailing, now=now
    )
    if message.status in GONE:
        return NotSent("NOT_DELIVERED", "I tried to send it today, and it could not be delivered.")
    return message


async def _plan(
    session: AsyncSession,
    cart: CartView,
    customer: CustomerView,
    to_address: str,
    channel: Channel,
    *,
    request_key: str,
    mailing: Mailing,
    now: datetime,
) -> Message:
    company_id, message_id = cart.company_id, uuid7()
    company = await CompanyRepository(session).get(company_id=company_id)
    letter = Letter(company, customer.id, cart, locale_of(customer, company), _content(company.name), WHY_ASKED)
    email = compose_email(letter, mailing=mailing, message_id=message_id, now=now)
    planned = PlannedMessage(
        id=message_id,
        request_key=request_key,
        cart_id=cart.id,
        customer_id=customer.id,
        abandonment=cart.abandonment,
        channel=channel,
        to_address=to_address,
        subject=email.subject,
        text=email.text,
        html=email.html,
        headers=email.headers,
        recovery_url=email.recovery_url,
        due_at=now,
        released_at=real_now(),
    )
    message = await delivery.plan_message(session, planned, company_id=company_id, now=now)
    if message.id == message_id:
        await enqueue(session, delivery.SEND_JOB, [Job(company_id=company_id, id=message.id)])
    return message


def _content(shop: str) -> Content:
    return Content(
        subject=f"Your cart at {one_line(shop, most=100)}",
        preheader="The link that you asked for.",
        headline="Here is your cart",
        paragraphs=("You asked for the link to your cart: here it is.",),
        cta_text="Back to your cart",
    )
