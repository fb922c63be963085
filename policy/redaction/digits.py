"""Digits as people write and say them: "4111 1111", "４１１１", "four one double one", "forty-two"."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TOKEN = re.compile(r"(?P<digits>\d+)|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)?)|(?P<stop>[$€£¥%])")

_SPOKEN = {
    "zero": "0",
    "nought": "0",
    "naught": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "niner": "9",
    "ten": "10",
    "eleven": "11",
    "twelve": "12",
    "thirteen": "13",
    "fourteen": "14",
    "fifteen": "15",
    "sixteen": "16",
    "seventeen": "17",
    "eighteen": "18",
    "nineteen": "19",
    "hundred": "00",
    "thousand": "000",
}
# Customers fall back on their own language for a number: Spanish, German, French.
for _digits in (
    "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "null eins zwei drei vier fünf sechs sieben acht neun",
    "zéro un deux trois quatre cinq six sept huit neuf",
):
    _SPOKEN |= {word: str(digit) for digit, word in enumerate(_digits.split())}
_TENS = {
    "twenty": "2",
    "thirty": "3",
    "forty": "4",
    "fourty": "4",
    "fifty": "5",
    "sixty": "6",
    "seventy": "7",
    "eighty": "8",
    "ninety": "9",
}
_REPEAT = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
# Speech to text writes these for digits; they count only where a digit stands on both sides.
_HOMOPHONE = {"o": "0", "oh": "0", "to": "2", "too": "2", "for": "4", "won": "1", "ate": "8"}
_OH = frozenset({"o", "oh"})
# What people put between the groups of one number.
_FILLER_WORDS = (
    "and then the rest is are next last first final digits number numbers dash hyphen space dot comma point slash um "
    "uh uhm er erm ah so ok okay right yes followed by it's its that's thats ending in again card my of new line "
    "continued plus a an also with part group second third half got it sorry wait "
    "finally lastly let me see yeah yep you know hang on well "
    "b i br em strong td nbsp visa mastercard master amex discover maestro debit credit"
)
_FILLER = frozenset(_FILLER_WORDS.split())
_COUNTED = frozenset({"digits", "digit", "numbers", "groups"})
# After these a single number word may say how many digits follow ("the last four are ...") or be a digit itself.
_COUNTING = frozenset({"last", "first", "next", "final", "other", "middle", "remaining", "part", "group"})
_MAY_HOLD_DIGITS = re.compile(rf"[^\x00-/:-\x7f]|\b(?:{'|'.join([*_SPOKEN, *_TENS])})\b", re.IGNORECASE)

_WORDS_ACROSS_TURNS = 15
_FILLERS_IN_A_ROW = 6


@dataclass(frozen=True, slots=True)
class Group:
    """Digits that stand together, with their place in one turn. `doubtful`: it may say how many digits follow."""

    digits: str
    turn: int
    start: int
    end: int
    doubtful: bool = False


def fold(text: str) -> str:
    """Turn each character that is a digit in any script into its ASCII digit; positions stay."""
    if text.isascii():
        return text
    return "".join(char if (value := unicodedata.digit(char, -1)) < 0 else str(value) for char in text)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def _tokens(text: str) -> list[_Token]:
    straight = fold(text).replace("’", "'")
    return [
        _Token(match.lastgroup or "", match.group().lower(), match.start(), match.end())
        for match in _TOKEN.finditer(straight)
    ]


def _digits_of(tokens: Sequence[_Token], at: int) -> tuple[str, int]:
    """Digits that begin at token `at`, and how many tokens they take; none gives ("", 1)."""
    token = tokens[at]
    if token.kind == "digits":
        return token.text, 1
    following = tokens[at + 1].text if at + 1 < len(tokens) else ""
    if following in _COUNTED:  # "the last four digits are ..."
        return "", 2
    if token.text in _REPEAT and at + 1 < len(tokens):
        repeated = "0" if following in _OH else _digits_of(tokens, at + 1)[0]
        single = repeated[:1]
        if len(repeated) == 1 or (tokens[at + 1].kind == "digits" and len(repeated) <= 2):
            return single * _REPEAT[token.text] + repeated[1:], 2
        return "", 1
    if token.text in _TENS:
        unit = _SPOKEN.get(following, "")
        if len(unit) == 1 and unit != "0":
            return _TENS[token.text] + unit, 2
        return _TENS[token.text] + "0", 1
    return _SPOKEN.get(token.text, ""), 1


def _is_digit(tokens: Sequence[_Token], at: int) -> bool:
    return 0 <= at < len(tokens) and bool(_digits_of(tokens, at)[0])


def _between_digits(tokens: Sequence[_Token], at: int) -> bool:
    """Whether nothing but more of its kind parts a homophone from a digit on each side: "one oh oh oh five"."""
    before, after = at - 1, at + 1
    while before >= 0 and tokens[before].text in _HOMOPHONE:
        before -= 1
    while after < len(tokens) and tokens[after].text in _HOMOPHONE:
        after += 1
    return _is_digit(tokens, before) and _is_digit(tokens, after)


def _in_turn(text: str, turn: int) -> Iterator[Group | str]:
    """Yield groups, and the words or stop signs between them."""
    if not _MAY_HOLD_DIGITS.search(text):
        yield from text.split(maxsplit=_WORDS_ACROSS_TURNS)
        return
    tokens = _tokens(text)
    at = 0
    while at < len(tokens):
        token = tokens[at]
        digits, used = _digits_of(tokens, at)
        if not digits and token.text in _HOMOPHONE and _between_digits(tokens, at):
            digits = _HOMOPHONE[token.text]
        if digits:
            doubtful = len(digits) == 1 and at > 0 and tokens[at - 1].text in _COUNTING
            yield Group(digits, turn, token.start, tokens[at + used - 1].end, doubtful)
        else:
            yield tokens[at + used - 1].text
        at += used


def runs(turns: Sequence[str]) -> list[list[Group]]:
    """Groups that may belong to one number: only separators and fillers between them, or a change of turn."""
    found: list[list[Group]] = []
    current: list[Group] = []
    for turn, text in enumerate(turns):
        words: list[str] = []
        first_of_turn = True
        for piece in _in_turn(text, turn):
            if isinstance(piece, str):
                words.append(piece)
                continue
            if current and _breaks(words, across_turns=first_of_turn):
                found.append(current)
                current = []
            current.append(piece)
            words, first_of_turn = [], False
        # A message without digits between the halves of a number, however long, does not part them.
        if current and not first_of_turn and len(words) > _WORDS_ACROSS_TURNS:
            found.append(current)
            current = []
    if current:
        found.append(current)
    return found


def _breaks(words: Sequence[str], *, across_turns: bool) -> bool:
    if across_turns:
        return len(words) > _WORDS_ACROSS_TURNS
    return len(words) > _FILLERS_IN_A_ROW or not _FILLER.issuperset(words)
