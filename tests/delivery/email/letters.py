"""Emails to test with."""

from typing import Any
from uuid import UUID

from delivery.email.compose import compose
from delivery.email.schemas import EmailContent, EmailItem, EmailTotal, Sender, SurveyOption
from delivery.transport import Outgoing

PUBLIC_URL = "https://shop.example"
MESSAGE_ID = UUID("019aa000-0000-7000-8000-000000000001")
SENDER = Sender(
    legal_name="Meridian Coffee Roasters GmbH",
    postal_address="Speicherstraße 12\n20457 Hamburg,\nGermany",
    from_address="hello@mail.meridian.example",
    support_email="help@meridian.example",
)


def letter(**changed: Any) -> EmailContent:
    fields: dict[str, Any] = {
        "subject": "Your coffee is still in your cart",
        "preheader": "Everything you picked is saved.",
        "headline": "Your cart is right where you left it",
        "paragraphs": ("Hi Ana, we saved your cart.", "Carry on with one tap."),
        "items": (
            EmailItem(name="Guji Natural, 250 g", quantity=2, price_text="€29.80", image_url=f"{PUBLIC_URL}/a.png"),
            EmailItem(name="V60 dripper", quantity=1, price_text="€24.50"),
        ),
        "totals": (EmailTotal(label="Total", amount_text="€54.30"),),
        "cta_text": "Return to my cart",
        "cta_url": f"{PUBLIC_URL}/r/token?a=1&b=2",
        "sender": SENDER,
        "unsubscribe_url": f"{PUBLIC_URL}/u/{'t' * 300}",
        "why_you_get_this": "You asked Meridian Coffee to email you about your cart.",
    }
    return EmailContent(**(fields | changed))


SURVEY: dict[str, Any] = {
    "survey_question": "What is holding you back?",
    "survey_options": (
        SurveyOption(label="Too expensive", url=f"{PUBLIC_URL}/s/1"),
        SurveyOption(label="Just looking", url=f"{PUBLIC_URL}/s/2"),
    ),
}


def outgoing(to: str = "ana@example.org", *, message_id: UUID = MESSAGE_ID, **changed: Any) -> Outgoing:
    composed = compose(letter(**changed), message_id=message_id, public_url=PUBLIC_URL)
    return Outgoing(message_id, to, composed.subject, composed.text, composed.html, composed.headers)
