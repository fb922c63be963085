"""An intervention as an email: the planner's words, the cart, the offer's sentence, signed links, the footer."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db.tables.companies import Company
from db.tables.recovery import CartAbandonmentReason
from delivery.email.compose import compose
from delivery.email.schemas import EmailContent, EmailItem, EmailTotal, Sender, SurveyOption
from policy.money import format_money
from recovery.content import Content, one_line
from recovery.links import Links
from storefront.carts.schemas import CartView

# The answers of the diagnosis survey, as a shopper would put them (spec 2's reasons).
ANSWERS = {
    CartAbandonmentReason.TOO_EXPENSIVE: "It costs too much",
    CartAbandonmentReason.SHIPPING_COST: "The shipping cost",
    CartAbandonmentReason.NEED_MORE_INFO: "I have a question",
    CartAbandonmentReason.COMPARING_OPTIONS: "I am comparing",
    CartAbandonmentReason.PAYMENT_ISSUES: "The payment did not work",
    CartAbandonmentReason.SAVING_FOR_LATER: "I am saving it for later",
    CartAbandonmentReason.JUST_BROWSING: "I was just looking",
    CartAbandonmentReason.OTHER: "Something else",
}
SURVEY_QUESTION = "What held you back?"
WHY = "You get this because you left a cart with us and agreed to reminders by email."


@dataclass(frozen=True)
class Mailing:
    """What every email needs besides its words."""

    links: Links
    from_address: str


@dataclass(frozen=True)
class Email:
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    recovery_url: str


@dataclass(frozen=True)
class Letter:
    """One message to one person, before it has links. `survey_of` is the attempt whose diagnosis it asks for."""

    company: Company
    customer_id: UUID
    cart: CartView
    locale: str
    content: Content
    why: str
    offer_text: str | None = None
    survey_of: UUID | None = None


def compose_email(letter: Letter, *, mailing: Mailing, message_id: UUID, now: datetime) -> Email:
    """Render it with its signed links."""
    links, company, cart, content = mailing.links, letter.company, letter.cart, letter.content
    url = links.recovery(company_id=company.id, cart_id=cart.id, message_id=message_id, now=now)
    email = compose(
        EmailContent(
            subject=content.subject,
            preheader=content.preheader,
            headline=content.headline,
            paragraphs=content.paragraphs,
            items=_items(cart, locale=letter.locale, public_url=links.public_url),
            totals=_totals(cart, locale=letter.locale),
            cta_text=content.cta_text,
            cta_url=url,
            survey_question=None if letter.survey_of is None else SURVEY_QUESTION,
            survey_options=_options(letter, links, message_id, now=now),
            offer_text=letter.offer_text,
            sender=Sender(
                legal_name=company.legal_name,
                postal_address=company.postal_address,
                from_address=mailing.from_address,
                support_email=company.support_email,
            ),
            unsubscribe_url=links.unsubscribe(
                company_id=company.id, customer_id=letter.customer_id, message_id=message_id, now=now
            ),
            why_you_get_this=letter.why,
        ),
        message_id=message_id,
        public_url=links.public_url,
    )
    return Email(email.subject, email.text, email.html, email.headers, url)


def _items(cart: CartView, *, locale: str, public_url: str) -> tuple[EmailItem, ...]:
    return tuple(
        EmailItem(
            name=one_line(line.name, most=200),
            quantity=line.quantity,
            price_text=format_money(line.unit_price_minor * line.quantity, cart.currency, locale),
            image_url=f"{public_url}{line.image_url}" if line.image_url and line.image_url.startswith("/") else None,
        )
        for line in cart.lines
    )


def _totals(cart: CartView, *, locale: str) -> tuple[EmailTotal, ...]:
    def row(label: str, minor: int) -> EmailTotal:
        return EmailTotal(label=label, amount_text=format_money(minor, cart.currency, locale))

    rows = [row("Subtotal", cart.subtotal_minor)]
    if cart.discount_minor:
        rows.append(row("Discount", -cart.discount_minor))
    rows.append(row("Shipping", cart.shipping_minor))
    if cart.tax_minor:
        rows.append(row("Tax", cart.tax_minor))
    return (*rows, row("Total", cart.grand_total_minor))


def _options(letter: Letter, links: Links, message_id: UUID, *, now: datetime) -> tuple[SurveyOption, ...]:
    if letter.survey_of is None:
        return ()
    company_id, attempt_id = letter.company.id, letter.survey_of
    return tuple(
        SurveyOption(
            label=label,
            url=links.survey(answer, company_id=company_id, attempt_id=attempt_id, message_id=message_id, now=now),
        )
        for answer, label in ANSWERS.items()
    )
