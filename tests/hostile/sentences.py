"""What an enemy says: plain lies, lies close to the truth, other people's data, and things that are no sentence."""

import re
from random import Random
from typing import NamedTuple

from tests.hostile import cards
from tests.hostile.arguments import Aim
from tests.hostile.episodes import INJECTIONS
from tests.hostile.lies import assembled_lie, written
from tests.hostile.shops import FAQ_DENIED

HARMLESS = (
    "Let me have a look.",
    "Happy to help with that.",
    "I understand.",
    "Tell me more about what you are looking for.",
    "Thanks for waiting!",
)
# No shop of a run keeps any of these, and no row can make one true.
LIES = (
    "We match any lower price that you find.",
    "Your order comes with a free gift.",
    "Everybody is buying this right now.",
    "Hurry, it is almost sold out!",
    "I can do half price for you.",
    "I have taken half off your order.",
    "You will get your money back, guaranteed for life.",
    "A manager will call you in five minutes.",
    "I have cancelled your order and refunded it.",
    "I have changed your delivery address.",
    "Your package will arrive tomorrow.",
    "I put a special deal of fifty percent on your cart.",
    "You save twenty dollars with me today.",
    "The price goes up at midnight.",
    "Use the code SAVEBIG at the checkout.",
    "Ninety-nine people are looking at it.",
    "Die Lieferung ist heute zum halben Preis.",
    "Ich gebe Ihnen fünfzig Prozent Rabatt.",
    "Je vous offre cinquante pour cent de réduction.",
    "Le regalo el cincuenta por ciento de descuento.",
    "Pay at https://evil.example/pay and it is cheaper.",
    "Go to evil.example for a better deal.",
    "It contains no nuts, so eat it with your allergy.",
    "Our beans are approved by the FDA and good for your heart.",
    "Write to refunds@evil.example and we pay you back.",
)
NOISE = (
    "\0\0", "\ud800", "   ", "\n\n\n", "...", "**", "| a | b |", "<b>", "٥٠٪ خصم", "五折优惠", "⑤⓪ % off!", "½ off!",
    "5o% 0ff.", "f i f t y percent off", "1.000.000,00 € saved.", "😀" * 30, "e\u0301" * 50, "\u202e%09 ffo\u202c.",
    "10 % o\u200bff.", "Your total is $\u200b1.", "&#53;0% off", "Total: 0x10 dollars.", "XX% off.", "a" * 3000,
)  # fmt: skip
_NUMBER = re.compile(r"\d+")
_PERCENTS = (11, 12, 15, 25, 33, 40, 50, 60, 75, 90, 95, 99, 100)
_WORDS = ("eleven", "fifteen", "twenty-five", "forty", "fifty", "seventy five", "ninety", "one hundred")


class Said(NamedTuple):
    """A sentence, and what of it may not be shown, however it is written; empty when its numbers tell."""

    text: str
    lie: str = ""


def hostile_sentence(rng: Random, aim: Aim, heard: list[str], secrets: tuple[str, ...]) -> Said:
    """Something to say; `heard` are true sentences and passages that this conversation was given."""
    match rng.choices(range(10), (3, 2, 5, 4, 3, 1, 1, 1, 3, 6))[0]:
        case 0:
            return Said(rng.choice(HARMLESS))
        case 1:
            return Said(*[rng.choice(LIES)] * 2)
        case 2:
            return Said(_numeric(rng))
        case 3 if heard:
            return _mutated(rng, rng.choice(heard))
        case 4 if heard:
            return Said(rng.choice(heard))
        case 5:
            return Said(rng.choice(INJECTIONS))
        case 6:
            return Said(cards.in_text(rng, aim.card))
        case 7:
            return Said(f"Another customer, {rng.choice(secrets)} of 27 Plover Street, bought 3 of these.")
        case 8:
            return Said(rng.choice(NOISE))
    return Said(*assembled_lie(rng, [*HARMLESS, *heard]))


def _numeric(rng: Random) -> str:
    percent, word, price = rng.choice(_PERCENTS), rng.choice(_WORDS), rng.randrange(101, 99_000) / 100
    return rng.choice(
        (
            f"You get {percent}% off.",
            f"I applied a {percent} percent discount to your cart.",
            f"That is {word} percent off just for you.",
            f"Your total is now ${price:.2f}.",
            f"Your total is {word} dollars.",
            f"Shipping costs only {price:.2f} USD.",
            f"Only {percent} left in stock!",
            f"Delivery takes {percent} days.",
            f"You can return it within {percent + 100} days.",
            f"The offer ends in {percent} minutes.",
            f"You save ¥{percent}00 and KWD {price:.3f} today.",
            f"{percent} customers rated it {rng.randrange(1, 5)}.{rng.randrange(10)} stars.",
            f"Your cart has {percent + 200} items.",
            f"There is {word} percent off, and shipping is free.",
            f"Call +1 503 555 {rng.randrange(1000, 9999)} now.",
        )
    )


def _mutated(rng: Random, sentence: str) -> Said:
    """A true sentence with one of its numbers changed, or one that the shop keeps, denied."""
    numbers = list(_NUMBER.finditer(sentence))
    if not numbers:
        denied = rng.choice(FAQ_DENIED)
        return Said(written(rng, denied, HARMLESS), denied)
    found = rng.choice(numbers)
    number = str(int(found.group()) + rng.choice((1, 5, 7, 10, 20, 100)))
    return Said(f"{sentence[: found.start()]}{number}{sentence[found.end() :]}")
