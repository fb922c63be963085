"""What a merchant may word of a call (spec 7's VoiceScript), checked as a whole.

Not in it, because nobody may edit it away: the disclosure, the answer who is speaking, the opt-out, and every sentence
about something that was done, which its tool renders from the committed row.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from db.tables.recovery import CartAbandonmentReason
from policy.claims.facts import CountFact, Fact, MoneyFact, NameFact, PercentFact, PromiseFact, PromiseKind, Subject
from policy.claims.rules import check

PLACEHOLDER = re.compile(r"\{\{(\w*)\}\}")
# Whoever answers may be anybody: until they are known there is no cart, and nothing was left in it (rules C-21).
_TELLS_OF_A_CART = re.compile(
    r"\b(?:carts?|baskets?|bags?|items?|products?|orders?|ordered|checkouts?|purchases?|purchased|bought|buy|buying|"
    r"left|forgot|abandon\w*|saved|wish ?lists?)\b",
    re.IGNORECASE,
)
# Who answers is known by their name alone: a greeting that does not ask for it would end every call.
_ASKS_WHO = re.compile(
    r"\b(?:(?<!my )name|whom|who(?: is|['’]s| am i| i am| i['’]m| do i| you are| this is))\b", re.IGNORECASE
)
# No letter outside these ranges and no operator but "|": what a merchant types can never be a slow pattern.
_TRIGGER = re.compile(r"[^\W_][^\W_ '-]*(?:[ '-][^\W_]+)*", re.UNICODE)

_SHOP = frozenset({"companyName"})
_CART = _SHOP | {"customerName", "topItemName", "itemCount", "cartTotal"}
_OFFER = _CART | {"discountPercent"}

# Stand-ins for what is filled in, and the facts that will be behind it.
_SAMPLE: Mapping[str, str] = {
    "companyName": "Wren",
    "customerName": "Maya",
    "topItemName": "Kettle",
    "itemCount": "3",
    "cartTotal": "$87.65",
    "discountPercent": "17",
}
_SAMPLE_FACTS: Mapping[str, Fact] = {
    "companyName": NameFact("companyName", "Wren"),
    "customerName": NameFact("customerName", "Maya"),
    "topItemName": NameFact("topItemName", "Kettle"),
    "itemCount": CountFact("itemCount", Subject.ITEM_COUNT, 3),
    "cartTotal": MoneyFact("cartTotal", Subject.TOTAL, 87_65, "USD"),
    "discountPercent": PercentFact("discountPercent", Subject.DISCOUNT, Decimal(17)),
}
_OFFERED = PromiseFact("discountPercent", PromiseKind.DISCOUNT)
_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def _sayable(text: str, allowed: frozenset[str]) -> str:
    """A sentence whose every claim will come from a placeholder, or the reason why it is none."""
    names = PLACEHOLDER.findall(text)
    if unknown := sorted(set(names) - allowed):
        raise ValueError(
            f"only {', '.join(f'{{{{{each}}}}}' for each in sorted(allowed))} can be filled in here, "
            f"not {', '.join(f'{{{{{each}}}}}' for each in unknown)}"
        )
    if re.search(r"[{}<>\[\]\0]", PLACEHOLDER.sub("", text)):
        raise ValueError("brackets are only for placeholders like {{companyName}}")
    facts = [_SAMPLE_FACTS[name] for name in names]
    facts += [_OFFERED] if "discountPercent" in names else []
    filled = PLACEHOLDER.sub(lambda found: _SAMPLE[found[1]], text)
    if unbound := check(filled, facts, now=_ANY_MOMENT).unbound:
        said = ", ".join(f"“{each.text}”" for each in unbound)
        raise ValueError(f"{said} is a number, a promise or pressure that no fact stands behind")
    return text


def _asks_for_the_name(text: str) -> str:
    if found := _TELLS_OF_A_CART.search(text):
        raise ValueError(f"“{found[0]}” may not be said before it is known who answers")
    if not _ASKS_WHO.search(text):
        raise ValueError("it has to ask who is speaking, by name: that is how the customer is known")
    return _sayable(text, _SHOP)


def _plain_alternatives(text: str) -> str:
    alternatives = text.split("|")
    if not all(_TRIGGER.fullmatch(each) for each in alternatives):
        raise ValueError("a trigger is words, with | between alternatives: price|too expensive")
    return text


_Text = Annotated[str, Field(min_length=1, max_length=300)]
Greeting = Annotated[_Text, AfterValidator(_asks_for_the_name)]
Sentence = Annotated[_Text, AfterValidator(lambda text: _sayable(text, _CART))]
OfferSentence = Annotated[_Text, AfterValidator(lambda text: _sayable(text, _OFFER))]
Trigger = Annotated[str, Field(min_length=2, max_length=300), AfterValidator(_plain_alternatives)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Opening(_Part):
    """`greeting` asks for the first name, which it never says itself: who tells it is known (rules C-21).

    The rest is for them. An empty `confirm_continue` is not asked.
    """

    greeting: Greeting = "To be sure that I speak with the right person, may I have your first name?"
    introduction: Sentence = "Thank you. I'm calling about the cart that you left in our shop."
    confirm_continue: Sentence | Literal[""] = "Do you have a quick moment?"


class FollowUp(_Part):
    """What is answered to words of the customer, and the reason that they give for not having bought.

    TOO_EXPENSIVE and SHIPPING_COST ask the offer ledger; what it grants is told from its row, never from here.
    """

    trigger: Trigger
    response: Sentence
    reason: CartAbandonmentReason | None = None


class Diagnosis(_Part):
    primary_question: Sentence = (
        "I see that you had {{topItemName}} in your cart. Was there anything that made you hesitate?"
    )
    ask_again: Sentence = "Is there anything that made you hesitate?"
    tell_more: Sentence = "What is it?"
    follow_ups: tuple[FollowUp, ...] = Field(
        (
            FollowUp(
                trigger="shipping|delivery|postage",
                response="Thank you for telling me. Shipping does add to it.",
                reason=CartAbandonmentReason.SHIPPING_COST,
            ),
            FollowUp(
                trigger="price|pricey|expensive|cost|costs|too much|afford|budget",
                response="I understand. Price is important.",
                reason=CartAbandonmentReason.TOO_EXPENSIVE,
            ),
            FollowUp(
                trigger="just looking|not ready|thinking|think about it|decide later|not sure yet",
                response="That's fine, take your time.",
                reason=CartAbandonmentReason.JUST_BROWSING,
            ),
            FollowUp(
                trigger="payment|pay with|card was declined",
                response="I'm sorry that it was difficult.",
                reason=CartAbandonmentReason.PAYMENT_ISSUES,
            ),
        ),
        max_length=30,
    )


class ObjectionHandling(_Part):
    """There is no answer to "not interested" here: the call ends (rules C-23)."""

    patterns: tuple[FollowUp, ...] = Field(
        (
            FollowUp(trigger="too busy|busy right now|bad time|no time", response="I understand, you are busy."),
            FollowUp(
                trigger="found it cheaper|cheaper elsewhere|cheaper somewhere else|another shop",
                response="Thank you for telling me.",
                reason=CartAbandonmentReason.COMPARING_OPTIONS,
            ),
        ),
        max_length=30,
    )


class Closing(_Part):
    """Questions and last words. What was done (a link sent, a person asked) its tool tells before them."""

    offer_question: OfferSentence = "Would you like to order with it, and get the link to your cart by email?"
    link_question: Sentence = "Would you like me to send you an email with a link, so that you can come back to it?"
    accepted: Sentence = "Wonderful."
    anything_else: Sentence = "Is there anything else I can help with?"
    declined: Sentence = "No problem, {{customerName}}. Thank you for your time. Have a great day!"
    goodbye: Sentence = "Thank you for your time, {{customerName}}. Goodbye!"
    escalate: Sentence = "Thank you for your patience. Goodbye!"


class ScriptSettings(_Part):
    """`max_retries`: how often a question is asked again. `callback_number` is told in the disclosure.

    There is no transfer number: no call is handed over live.
    """

    voice: str = Field("Polly.Joanna", min_length=1, max_length=100)
    speech_rate: float = Field(1.0, ge=0.5, le=1.5)
    max_retries: int = Field(2, ge=0, le=5)
    callback_number: str | None = Field(None, pattern=r"^\+[1-9]\d{6,14}$")


class VoiceScript(_Part):
    type: Literal["CART_RECOVERY"] = "CART_RECOVERY"
    opening: Opening = Opening()
    diagnosis: Diagnosis = Diagnosis()
    objection_handling: ObjectionHandling = ObjectionHandling()
    closing: Closing = Closing()
    settings: ScriptSettings = ScriptSettings()

    @model_validator(mode="after")
    def questions_ask(self) -> Self:
        """A yes or a no answers the last question: what stands in a question's place has to be one."""
        for name, text in self._questions():
            if text and not text.rstrip().endswith("?"):
                raise ValueError(f"{name} has to end with a question mark")
        return self

    @model_validator(mode="after")
    def statements_do_not_ask(self) -> Self:
        for name, text in self._statements():
            if "?" in text:
                raise ValueError(f"{name} may not ask: the question that follows it is the one that is answered")
        return self

    def follow_ups(self) -> tuple[FollowUp, ...]:
        """In the order in which they are tried: what is more exact comes first."""
        return (*self.objection_handling.patterns, *self.diagnosis.follow_ups)

    def _questions(self) -> Iterator[tuple[str, str]]:
        yield "opening.greeting", self.opening.greeting
        yield "opening.confirmContinue", self.opening.confirm_continue
        yield "diagnosis.primaryQuestion", self.diagnosis.primary_question
        yield "diagnosis.askAgain", self.diagnosis.ask_again
        yield "diagnosis.tellMore", self.diagnosis.tell_more
        yield "closing.offerQuestion", self.closing.offer_question
        yield "closing.linkQuestion", self.closing.link_question
        yield "closing.anythingElse", self.closing.anything_else

    def _statements(self) -> Iterator[tuple[str, str]]:
        yield "opening.introduction", self.opening.introduction
        yield from ((f"the response to {each.trigger!r}", each.response) for each in self.follow_ups())
        for name in ("accepted", "declined", "goodbye", "escalate"):
            yield f"closing.{name}", getattr(self.closing, name)
