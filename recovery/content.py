"""What a stage's message says, without a model: short sentences, each bound to a fact (spec 8, rules H-12, H-23)."""

import unicodedata
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from db.tables.recovery import CartSaveStage
from knowledge.service import Hit
from policy.money import format_money
from recovery.remedies import InterventionType
from storefront.carts.schemas import CartView
from storefront.carts.wording import free_shipping_sentence

CHAT = "If a question is open, ask it in the chat beside your cart."
BACK = "The link below brings you back to it."
LONGEST_PASSAGE = 1200


def one_line(text: str, *, most: int) -> str:
    """What somebody else typed (a product's or a shop's name) as one line of at most `most` characters."""
    shown = "".join(" " if unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} else char for char in text)
    shown = " ".join(shown.split())
    return shown if len(shown) <= most else f"{shown[: most - 1].rstrip()}…"


def _line(text: str) -> str:
    if one_line(text, most=len(text) + 1) != text:
        raise ValueError("one line of text, without control characters or surplus spaces")
    return text


Words = Annotated[str, AfterValidator(_line)]


class Content(BaseModel):
    """The words of one intervention. The offer's sentence, prices, links and footer are added by code."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Words = Field(min_length=1, max_length=120)
    preheader: Words = Field(min_length=1, max_length=160)
    headline: Words = Field(min_length=1, max_length=120)
    paragraphs: tuple[Annotated[Words, Field(min_length=1, max_length=1500)], ...] = Field(min_length=1, max_length=6)
    cta_text: Words = Field(min_length=1, max_length=40)

    def texts(self) -> tuple[str, ...]:
        return (self.subject, self.preheader, self.headline, *self.paragraphs, self.cta_text)


@dataclass(frozen=True)
class ContentFacts:
    """What a message may draw on."""

    shop: str
    first_name: str | None
    stage: CartSaveStage
    sequence: int
    # Whether no other message about this cart will follow.
    is_last: bool
    remedy: InterventionType
    cart: CartView
    locale: str
    # Answers that the planner found for this shopper's question.
    passages: tuple[Hit, ...] = ()


def template(facts: ContentFacts) -> Content:
    """The message of a stage, by template."""
    subject, headline, paragraphs = _words(facts)
    return Content(
        subject=subject,
        preheader=_contents(facts),
        headline=headline,
        paragraphs=(_greeting(facts), *paragraphs),
        cta_text="Back to your cart",
    )


def bare() -> Content:
    """The message that claims nothing: sent where a name in the cart reads like a promise that nobody made."""
    return Content(
        subject="Your cart",
        preheader="It is where you left it.",
        headline="Your cart is still here",
        paragraphs=("Hello,", BACK),
        cta_text="Back to your cart",
    )


def _words(facts: ContentFacts) -> tuple[str, str, tuple[str, ...]]:
    match facts.stage:
        case CartSaveStage.BROWSE_REMINDER:
            return _cart_at(facts.shop), "Still looking around?", ("Your cart is still here.",)
        case CartSaveStage.PATTERN_INTERRUPT:
            return _cart_at(facts.shop), "Did something come up?", (_contents(facts), BACK)
        case CartSaveStage.DIAGNOSIS_SURVEY:
            asked = "Was anything unclear, or not right for you? One tap below tells us, and we will answer to that."
            return "What is holding you back?", "May we ask you something?", (asked,)
        case CartSaveStage.BRANCHING_INTERVENTION:
            return _branch(facts)
        case CartSaveStage.NUCLEAR_OFFER:
            return _cart_at(facts.shop), "Still thinking about it?", (_contents(facts), *_remedy(facts))
        case CartSaveStage.LOSS_VISUALIZATION:
            return "What you picked out", "These were your choices", (_contents(facts), *_free_shipping(facts))
        case CartSaveStage.WINBACK_SEQUENCE:
            return _winback(facts)


def _branch(facts: ContentFacts) -> tuple[str, str, tuple[str, ...]]:
    return "About your cart", "Maybe this helps", _remedy(facts)


def _remedy(facts: ContentFacts) -> tuple[str, ...]:
    match facts.remedy:
        case InterventionType.PERCENTAGE_DISCOUNT:
            return ("The price may have been in the way, so we looked at it again.",)
        case InterventionType.FREE_SHIPPING:
            return ("Shipping was in the way, so we looked at it again.",)
        case InterventionType.THRESHOLD_REMINDER:
            return _free_shipping(facts) or (CHAT,)
        case InterventionType.PRODUCT_FAQ if (found := _passage(facts)) is not None:
            return found
        case InterventionType.WISHLIST_SAVE:
            return ("There is no hurry: the link below brings your cart back.",)
        case InterventionType.PRODUCT_FAQ | InterventionType.LIVE_CHAT:
            return (CHAT,)
        case InterventionType.REMINDER | InterventionType.DIAGNOSIS:
            return (BACK,)


def _winback(facts: ContentFacts) -> tuple[str, str, tuple[str, ...]]:
    turns = (
        ("Your cart, whenever you like", "No hurry", ("The link below brings your cart back.",)),
        ("A question about your cart?", "We are glad to help", (CHAT,)),
        (_cart_at(facts.shop), "Still the right choice?", (_contents(facts),)),
        ("Has anything changed?", "Your cart is easy to change", ("Add to it or take from it as you like.",)),
    )
    if facts.is_last:
        return "Our last note about this cart", "We will leave it at that", ("The link below brings it back.",)
    return turns[(facts.sequence - 1) % len(turns)]


def _greeting(facts: ContentFacts) -> str:
    return f"Hello {facts.first_name}," if facts.first_name else "Hello,"


def _cart_at(shop: str) -> str:
    return f"Your cart at {one_line(shop, most=100)}"


def _passage(facts: ContentFacts) -> tuple[str, str] | None:
    """The best answer that the shop's FAQ has, if it is short enough for a message."""
    if not facts.passages or len(facts.passages[0].answer) > LONGEST_PASSAGE:
        return None
    best = facts.passages[0]
    return f"You may have wondered: {one_line(best.title, most=300)}", one_line(best.answer, most=LONGEST_PASSAGE)


def _contents(facts: ContentFacts) -> str:
    """What is in the cart, in at most 160 characters: the names as far as they fit."""
    cart = facts.cart
    names = [one_line(line.name, most=160) for line in cart.lines]
    total = format_money(cart.subtotal_minor, cart.currency, facts.locale)
    one = f"{names[0]} is in your cart; the subtotal is {total}."
    two = f"{' and '.join(names[:2])} are in your cart; the subtotal is {total}."
    more = f"{', '.join(names[:2])} and more are in your cart; the subtotal is {total}."
    said = (one, two)[len(names) - 1] if len(names) <= 2 else more
    return said if len(said) <= 160 else f"The subtotal of your cart is {total}."


def _free_shipping(facts: ContentFacts) -> tuple[str, ...]:
    sentence = free_shipping_sentence(facts.cart, locale=facts.locale)
    return () if sentence is None else (sentence,)
