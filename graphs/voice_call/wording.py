"""The words of a call: the disclosure, which is code, and the merchant's script with its placeholders filled."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from policy import money
from policy.claims.facts import Fact, NameFact
from policy.offers.wording import plain
from recovery.voice_script import PLACEHOLDER, VoiceScript
from storefront.carts.schemas import CartView, LineView

# A name from a form may be anything; what is no plain name is not said.
_NAME = re.compile(r"[^\W\d_][^\W\d_' .-]{0,39}(?:[' .-][^\W\d_]{1,39}){0,3}")
_NAMELESS = re.compile(r",? ?\{\{customerName\}\}")

STILL_THERE = "Are you still there?"
NOT_UNDERSTOOD = "I'm sorry, I didn't catch that."
NO_CARDS = "I can't take card numbers on the phone. Please use the checkout of the shop for that."
PURPOSE = "This is about your recent visit to our online shop."
SORRY = "I'm sorry to have disturbed you. Goodbye."
NO_ITEM_QUESTION = "Was there anything that made you hesitate?"


def sayable_name(first_name: str | None) -> str | None:
    """A customer's first name, where it is one."""
    given = (first_name or "").strip()
    return given if _NAME.fullmatch(given) else None


@dataclass(frozen=True)
class Wording:
    """`first_name` and `cart` are None until it is known who is speaking: then nothing of them can be said."""

    script: VoiceScript
    shop: str
    legal_name: str
    locale: str
    # The truth about who speaks, by language (rules C-27).
    bot_answers: Mapping[str, str]
    first_name: str | None = None
    cart: CartView | None = None

    @property
    def name(self) -> str | None:
        return sayable_name(self.first_name)

    def disclosure(self) -> str:
        """Who calls, what speaks, how to stop it, why, and what becomes of it (rules C-11, C-12, C-20, C-27).

        The way out stands right after the name, so that it is heard within two seconds of it.
        """
        number = self.script.settings.callback_number
        reach = "" if number is None else f" You can call us back at {_in_digits(number)}."
        return (
            f"Hello. This is an automated AI voice calling for {self.legal_name}. To get no more calls, press 9 or "
            f"say stop, at any time. {PURPOSE} This call is processed by software and stored as text.{reach}"
        )

    def for_a_screener(self) -> str:
        return f"This is an automated AI voice calling for {self.legal_name}. {PURPOSE} Goodbye."

    def greeting(self) -> str:
        return self.fill(self.script.opening.greeting)

    def primary_question(self) -> str:
        question = self.script.diagnosis.primary_question
        if "{{topItemName}}" in question and self._top_item() is None:
            return NO_ITEM_QUESTION
        return self.fill(question)

    def bot_answer(self, language: str) -> str:
        return self.bot_answers.get(language, self.bot_answers["en"])

    def fill(self, text: str) -> str:
        """A sentence of the script with what is known now; what rests on no row of this cart stays empty."""
        if self.name is None:
            text = _NAMELESS.sub("", text)
        values = self._values()
        return " ".join(PLACEHOLDER.sub(lambda found: values.get(found[1], ""), text).split())

    def facts(self) -> tuple[Fact, ...]:
        """Names that may be said."""
        names = (NameFact("shop", self.shop), NameFact("seller", self.legal_name))
        return names if self.name is None else (*names, NameFact("person", self.name))

    def _values(self) -> dict[str, str]:
        values = {"companyName": self.shop, "customerName": self.name or ""}
        cart, top = self.cart, self._top_item()
        if cart is None:
            return values
        values["itemCount"] = str(cart.item_count)
        values["cartTotal"] = money.format_money(cart.grand_total_minor, cart.currency, self.locale)
        values["topItemName"] = "" if top is None else top.name
        if cart.offer is not None and cart.offer.percent is not None:
            values["discountPercent"] = plain(cart.offer.percent)
        return values

    def _top_item(self) -> LineView | None:
        """What most of the money is for."""
        return None if self.cart is None else max(self.cart.lines, key=lambda line: line.net_minor, default=None)


def _in_digits(number: str) -> str:
    """Digit by digit: a voice would read a number of eleven digits as billions."""
    return ", ".join(number.removeprefix("+"))


_DOLLARS = re.compile(r"\$(\d+(?:,\d{3})*)(?:\.(\d\d))?(?![\d.]*\d)")


def aloud(text: str) -> str:
    """What reads well in a chat as it has to stand for a voice: signs as words, no marks of layout."""
    text = re.sub(r"(?<=\d)\s?%", " percent", text)
    text = _DOLLARS.sub(_dollars, text)
    return re.sub(r"[*_#`]+", "", text.replace(" × ", " "))


def _dollars(found: re.Match[str]) -> str:
    whole, cents = found[1], found[2]
    said = f"{whole} dollar{'' if whole == '1' else 's'}"
    if cents in {None, "00"}:
        return said
    return f"{said} and {int(cents)} cent{'' if cents == '01' else 's'}"
