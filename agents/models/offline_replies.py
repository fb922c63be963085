"""What the offline responder says: fixed sentences, what tools returned to be said, and quoted FAQ passages.

A fixed sentence holds no number, no date and no promise; whatever does comes from a tool or a passage.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.detectors import Language
from agents.models.offline_intents import Intent
from agents.models.offline_plan import QUESTIONS
from graphs.model import SearchResultPart
from policy.claims.sentences import split

MAX_QUOTED_CHARACTERS = 600

OFFER_HUMAN = "Would you like me to ask a person from the shop?"
UNKNOWN = "I couldn't find that in the shop's help pages."
NO_DISCOUNT = "I can't change the price of this cart."
CANNOT_STOP_HERE = "I can't change that from this chat; the unsubscribe link in our messages does it."
CANNOT_HAND_OVER = "I can't bring a person into this chat."

_BEFORE: Mapping[Intent, str] = {
    Intent.PRICE_OBJECTION: "I understand, the price matters.",
    Intent.SHIPPING_OBJECTION: "I understand, shipping adds to the bill.",
    Intent.PAYMENT_PROBLEM: "I'm sorry that the payment isn't going through.",
    Intent.COMPLAINT: "I'm sorry about that.",
    Intent.SAVE_FOR_LATER: "No problem.",
}
_ALONE: Mapping[Intent, str] = {
    Intent.JUST_BROWSING: "Enjoy looking around. Ask me whenever you want to know something.",
    Intent.COMPARING: "Comparing is a good idea. Tell me what matters most to you and I'll look up what the shop says.",
    Intent.SAVE_FOR_LATER: "You can come back to your cart whenever you like.",
    Intent.RECOMMENDATION: "I have nothing particular to suggest for this cart.",
    Intent.CART_QUESTION: "I can't read the cart right now; you see it beside this chat.",
    Intent.PRICE_OBJECTION: NO_DISCOUNT,
    Intent.SHIPPING_OBJECTION: "I can't change the shipping of this cart.",
    Intent.HUMAN_REQUEST: CANNOT_HAND_OVER,
    Intent.COMPLAINT: "Please tell me what went wrong and I'll look up what the shop can do.",
    Intent.OPT_OUT: CANNOT_STOP_HERE,
    Intent.GREETING: "Hello! What would you like to know?",
    Intent.THANKS: "You're welcome!",
    Intent.GOODBYE: "Goodbye, and thank you for stopping by.",
    Intent.OUT_OF_SCOPE: "I can only help with this shop, your cart and the checkout.",
}
# Rules C-27: asked, it says the truth, in the shopper's language.
BOT_ANSWERS: Mapping[Language, str] = {
    "en": "I'm an automated assistant, not a human.",
    "es": "Soy un asistente automático, no una persona.",
    "fr": "Je suis un assistant automatique, pas un humain.",
    "de": "Ich bin ein automatischer Assistent, kein Mensch.",
    "pt": "Sou um assistente automático, não uma pessoa.",
    "it": "Sono un assistente automatico, non una persona.",
}
_OFFERS_HUMAN = frozenset({Intent.PAYMENT_PROBLEM, Intent.BOT_QUESTION})


class _Entry(BaseModel):
    answer: str


class Claim(BaseModel):
    """A sentence that get_cart found true; log_trigger takes its handle when it is used."""

    model_config = ConfigDict(frozen=True)

    handle: str
    trigger: str
    sentence: str


class _Result(BaseModel):
    """What of a tool's result is said; the rest is for language models."""

    model_config = ConfigDict(extra="ignore")

    ok: bool = False
    say: str | None = None
    entries: Sequence[_Entry] = ()
    claims: Sequence[Claim] = ()


@dataclass(frozen=True)
class Outcome:
    """A tool's result of this turn. `quotes` are the answers that search_faq found, best first."""

    tool: str
    ok: bool
    say: str | None = None
    quotes: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def can_be_said(self) -> bool:
        return bool(self.say or self.quotes)


def read_outcome(tool: str, content: str) -> Outcome:
    """Read a tool result; one that is not as agreed counts as refused with nothing to say."""
    try:
        result = _Result.model_validate_json(content)
    except ValidationError:
        return Outcome(tool, ok=False)
    quotes = tuple(entry.answer for entry in result.entries)
    return Outcome(tool, result.ok, result.say, quotes, tuple(result.claims))


def claim_to_use(intent: Intent | None, outcomes: Iterable[Outcome]) -> Claim | None:
    """How far free shipping is, for who asks what shipping costs."""
    if intent is not Intent.SHIPPING_COST_QUESTION:
        return None
    claims = (claim for outcome in outcomes for claim in outcome.claims)
    return next((claim for claim in claims if claim.trigger == "GOAL_GRADIENT"), None)


def reply(
    intent: Intent | None,
    outcomes: Iterable[Outcome],
    passages: Sequence[SearchResultPart],
    *,
    bot_language: Language = "en",
) -> list[str]:
    """The sentences of the answer, in order, each once."""
    outcomes = list(outcomes)
    if intent is Intent.BOT_QUESTION:
        return [BOT_ANSWERS[bot_language], *([OFFER_HUMAN] if bot_language == "en" else [])]
    claim = claim_to_use(intent, outcomes)
    silent = {"search_faq"} if intent is Intent.CART_QUESTION else {"search_faq", "get_cart"}
    said = [outcome.say for outcome in outcomes if outcome.say and outcome.tool not in silent]
    quotes = [quote for outcome in outcomes for quote in outcome.quotes] or [body_of(each) for each in passages]
    asks = intent is None or intent in QUESTIONS
    if asks and quotes:
        said = [shortened(quotes[0]), *([claim.sentence] if claim else []), *said]
    elif asks and not said:
        refused = next((each.say for each in outcomes if each.tool == "search_faq" and each.say), None)
        said = [refused or UNKNOWN, OFFER_HUMAN]
    elif intent is not None and not said:
        said = [_ALONE.get(intent, UNKNOWN)]
    before = [_BEFORE[intent]] if intent is not None and intent in _BEFORE else []
    after = [OFFER_HUMAN] if intent in _OFFERS_HUMAN else []
    return list(dict.fromkeys(sentence.strip() for part in [*before, *said, *after] for sentence in split(part)))


def body_of(passage: SearchResultPart) -> str:
    """The answer alone: a passage's text repeats its title in the first line."""
    return passage.text.removeprefix(passage.title).strip() or passage.text


def shortened(text: str) -> str:
    """Whole sentences of the passage, as many as read well in a chat."""
    kept = ""
    for sentence in split(text):
        if kept and len(kept) + len(sentence) > MAX_QUOTED_CHARACTERS:
            break
        kept += sentence
    return kept.strip()
