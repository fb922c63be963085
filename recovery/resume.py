"""The link to the cart, because the shopper asked for it in a conversation (tool send_resume_link)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.clock import real_now
from db.ids import uuid7
from db.jobs import Job, enqueue
from db.tables.delivery import Message
from db.tables.policy import Channel, ContactPhase, ContactVerdict
from delivery import service as delivery
from delivery.schemas import PlannedMessage
from policy.contact import service as contact
from policy.contact.rules import Purpose
from policy.errors import Conflict
from recovery.content import Content
from recovery.emails import Letter, Mailing, compose_email
from recovery.reader import locale_of
from recovery.repository import CompanyRepository
from storefront.carts import service as carts
from storefront.customers import service as customers

WHY_ASKED = "You get this because you asked for the link to your cart in our chat."


class CannotSend(Conflict):
    """Nothing was planned or sent; the detail is a sentence for the shopper."""

    code = "cannot_send"
    title = "The link cannot be sent"


async def send_resume_link(
    session: AsyncSession,
    cart_id: UUID,
    *,
    company_id: UUID,
    channel: Channel,
    request_key: str,
    mailing: Mailing,
    now: datetime,
) -> Message:
    """Plan one message with the link and its send job; a repeat with the same key returns the first.

    Raises:
        CannotSend: nobody to send it to, a channel that is not connected, or the gate said no.
    """
    if channel is not Channel.EMAIL:
        raise CannotSend("I can send the link by email only.")
    cart = await carts.read_locked(session, cart_id, company_id=company_id, now=now)
    if cart.customer_id is None or not cart.lines:
        raise CannotSend("I have no email address to send it to. You can give one in the checkout.")
    customer = await customers.get(session, cart.customer_id, company_id=company_id)
    if customer.email is None:
        raise CannotSend("I have no email address to send it to. You can give one in the checkout.")
    message_id = uuid7()
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
        raise CannotSend("I can't send messages to your address: it is on our list of those who want none.")
    company = await CompanyRepository(session).get(company_id=company_id)
    letter = Letter(company, customer.id, cart, locale_of(customer, company), _content(company.name), WHY_ASKED)
    email = compose_email(letter, mailing=mailing, message_id=message_id, now=now)
    planned = PlannedMessage(
        id=message_id,
        request_key=request_key,
        cart_id=cart_id,
        customer_id=customer.id,
        abandonment=cart.abandonment,
        channel=channel,
        to_address=customer.email,
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
        subject=f"Your cart at {shop}",
        preheader="The link that you asked for.",
        headline="Here is your cart",
        paragraphs=("You asked for the link to your cart: here it is.",),
        cta_text="Back to your cart",
    )
