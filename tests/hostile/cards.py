"""Card numbers as shoppers type and say them, and how to find one again in whatever was kept."""

import re
import unicodedata
from random import Random

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NO_DIGITS = re.compile(r"[^0-9]+")
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def new(rng: Random) -> str:
    """16 digits of a Visa card with a correct check digit (ISO/IEC 7812)."""
    body = "4" + "".join(rng.choice("0123456789") for _ in range(14))
    doubled = [int(digit) * 2 if place % 2 == 0 else int(digit) for place, digit in enumerate(body)]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return f"{body}{-total % 10}"


def as_typed(rng: Random, card: str) -> list[str]:
    """One message, or the two or three over which the number is spread."""
    groups = [card[at : at + 4] for at in range(0, 16, 4)]
    match rng.randrange(7):
        case 0:
            return [f"My card is {card}, charge it."]
        case 1:
            return [f"{' '.join(groups)} exp 12/29 cvv 417"]
        case 2:
            return [f"use {'-'.join(groups)} please"]
        case 3:
            return [" ".join(_WORDS[int(digit)] for digit in card)]
        case 4:
            return [card.translate(_FULL_WIDTH)]
        case 5:
            return [f"it starts with {groups[0]} {groups[1]}", f"and then {groups[2]} {groups[3]}"]
        case _:
            return [groups[0], f"{groups[1]} {groups[2]}", f"the last four are {groups[3]}"]


def in_text(rng: Random, card: str) -> str:
    """The number inside something that a model says or passes to a tool."""
    groups = " ".join(card[at : at + 4] for at in range(0, 16, 4))
    return rng.choice((f"Your card {card} was charged.", f"card={groups}", f"\0{groups}", card.translate(_FULL_WIDTH)))


def holds(text: str, card: str) -> bool:
    """Whether the digits of a text, also those in words and other scripts, contain the number."""
    return card in digits_of(text)


def digits_of(text: str) -> str:
    """All digits of a text in order; after a stroke once more, with the words that say digits read as such."""
    digits, lower = _digits(text), text.lower()
    if not any(word in lower for word in _WORDS):
        return digits
    for digit, word in enumerate(_WORDS):
        lower = lower.replace(word, str(digit))
    return f"{digits}|{_digits(lower)}"


def _digits(text: str) -> str:
    if not text.isascii():
        text = "".join(char if char.isascii() else str(unicodedata.digit(char, "")) for char in text)
    return _NO_DIGITS.sub("", text)
