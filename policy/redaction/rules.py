"""Remove card numbers and security codes from what a shopper writes or says (rules C-45, PCI DSS 3.3.1).

A number is a card number when 13 to 19 digits have a known issuer prefix, a length of that issuer and a correct
check digit (ISO/IEC 7812). Digits may be spoken, in any script, with any separator, and spread over turns.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from policy.redaction.digits import Group, fold, runs

# Detectors and models read them as if the shopper had written them: no word in a mark may be a wish ("removed" was
# heard as an opt-out).
CARD_MARK = "[card number hidden]"
CODE_MARK = "[security code hidden]"

_ANY_LONG = frozenset({16, 17, 18, 19})
# Hardly any card number has so many digits: others stand glued to it.
_TOO_LONG = 17
# How 15 and 16 digits stand on a card, but for the group that others are glued to: the last or the first.
_PRINTED = {15: frozenset({(4, 6), (6, 5)}), 16: frozenset({(4, 4, 4)})}
_MAESTRO = frozenset(range(13, 20))
_ISSUERS: tuple[tuple[range, frozenset[int]], ...] = (
    (range(4, 5), frozenset({13, 16, 19})),  # Visa
    (range(51, 56), frozenset({16})),  # Mastercard
    (range(2221, 2721), frozenset({16})),  # Mastercard
    (range(34, 35), frozenset({15})),  # American Express
    (range(37, 38), frozenset({15})),  # American Express
    (range(300, 306), frozenset({14}) | _ANY_LONG),  # Diners Club
    (range(36, 37), frozenset({14, 15}) | _ANY_LONG),  # Diners Club
    (range(38, 40), frozenset({14}) | _ANY_LONG),  # Diners Club
    (range(3528, 3590), _ANY_LONG),  # JCB
    (range(60, 61), _ANY_LONG),  # Discover, RuPay
    (range(62, 63), _ANY_LONG),  # UnionPay
    (range(64, 66), _ANY_LONG),  # Discover
    (range(81, 83), _ANY_LONG),  # UnionPay, RuPay
    (range(2200, 2205), _ANY_LONG),  # Mir
    (range(5018, 5021), _MAESTRO),  # Maestro, Dankort
    (range(5038, 5039), _MAESTRO),
    (range(5060, 5091), _ANY_LONG),  # Verve, Elo, RuPay
    (range(5893, 5894), _MAESTRO),
    (range(6304, 6305), _MAESTRO),
    (range(6362, 6400), _ANY_LONG),  # Elo, Maestro, InstaPayment
    (range(6759, 6764), _MAESTRO),
    (range(9792, 9793), frozenset({16})),  # Troy
)
"""Issuers' prefixes and the lengths that they use."""
_LENGTHS = {str(prefix): lengths for prefixes, lengths in _ISSUERS for prefix in prefixes}

_CODE_NAME = (
    r"(?:cvv2?|cvc2?|cvn2?|csc|c\.?\s?v\.?\s?v\.?|"
    r"(?:card\s+)?security\s+(?:code|number)|card\s+verification(?:\s+(?:code|number|value))?|"
    r"(?:code|digits|number|numbers)\s+(?:on|at)\s+the\s+(?:back|front))"
)
_GAP = r"[\s,;.\-]{0,20}"
_DIGIT_WORD = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_ONE = rf"(?:\d|{_DIGIT_WORD}|(?:double|triple)[\s-](?:\d|{_DIGIT_WORD}))"
_NO_MORE = rf"(?![\w%]|[.,]\d|[\s\-]{{0,20}}(?:\d|{_DIGIT_WORD}\b))"
_CODE = rf"(?P<code>{_ONE}(?:{_GAP}{_ONE}){{1,3}}){_NO_MORE}"
_CODE_DIGITS = rf"(?<![\w$€£]){_CODE}"
_BETWEEN = r"(?:[\s:=,.#'\-]|\b(?:is|it's|its|it|of|on|my|the|card|number|code|are|that|would|be|back|a|and|s)\b){0,40}"
_EXPIRY = (
    r"(?:(?:exp(?:iry|ires|iration)?(?:\sdate)?|valid\s(?:thru|until)|date)?[\s:,;.]{0,20}"
    r"(?:\d{1,2}\s?[/.\- ]\s?\d{2}(?:\d{2})?|(?:0[1-9]|1[0-2])\d{2}(?!\d)))?"
)
# A name may stand glued to digits on either side: "4111 1111 1111 1111cvv123".
_NAMED = rf"(?<![^\W\d_]){_CODE_NAME}(?![^\W\d_])"
_CODE_HINT = re.compile(r"(?<![^\W\d_])c\.?\s?[vsi]|secur|verif|back|front|hidden\]", re.IGNORECASE)
_CODE_AFTER = re.compile(rf"{_NAMED}{_BETWEEN}{_CODE}", re.IGNORECASE)
_CODE_BEFORE = re.compile(
    rf"{_CODE_DIGITS}{_GAP}(?:is|as|are|for)\s(?:(?:the|my|your|its|a)\s){{0,3}}{_NAMED}", re.IGNORECASE
)
_CODE_NAME_AT_END = re.compile(rf"{_NAMED}{_BETWEEN}[?.!\s]{{0,20}}$", re.IGNORECASE)
_CODE_AFTER_CARD = re.compile(rf"{_GAP}{_EXPIRY}{_GAP}(?:and\s)?{_CODE_DIGITS}", re.IGNORECASE)
_ONLY_CODE = re.compile(
    rf"\s{{0,20}}{_EXPIRY}{_GAP}(?:(?:it's|its|and|is)\s){{0,3}}{_CODE_DIGITS}[\s.!?]{{0,20}}$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Redacted:
    """`previous` are the turns handed in, with a number that began in them masked too: store them again."""

    text: str
    found: bool
    previous: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class _Mask:
    turn: int
    start: int
    end: int
    mark: str


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char)
        if place % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def is_card_number(digits: str) -> bool:
    """Whether a known issuer gives out numbers with this prefix and length, and the check digit is right."""
    if not 13 <= len(digits) <= 19:
        return False
    known = any(len(digits) in _LENGTHS.get(digits[:width], ()) for width in (1, 2, 3, 4))
    return known and luhn(digits)


def _cards(run: Sequence[Group]) -> Iterable[Sequence[Group]]:
    """The card numbers in a run, with what may be a count of digits read as a digit and left out."""
    yield from _cards_of(run)
    certain = [group for group in run if not group.doubtful]
    if len(certain) < len(run):
        yield from _cards_of(certain)


def _cards_of(run: Sequence[Group]) -> Iterable[Sequence[Group]]:
    for first in range(len(run)):
        digits = ""
        for last in range(first, len(run)):
            digits += run[last].digits
            if len(digits) > 19:
                break
            if is_card_number(digits):
                yield run[first : last + 1]


def _glued_cards(run: Sequence[Group]) -> Iterable[Sequence[Group]]:
    """Card numbers that other digits follow or precede without a gap: they begin or end where a group does, which is
    too long to be one number's or stands beside groups of a card's size ("4111 1111 1111 111110")."""
    edges = [0, *accumulate(len(group.digits) for group in run)]
    joined = "".join(group.digits for group in run)
    for size in (15, 16):
        for start in {*edges, *(edge - size for edge in edges)}:
            if start < 0 or not is_card_number(joined[start : start + size]):
                continue
            held = [g for g, lo, hi in zip(run, edges, edges[1:], strict=False) if lo < start + size and hi > start]
            lengths = tuple(len(group.digits) for group in held)
            if max(lengths) >= _TOO_LONG or any(rest in _PRINTED[size] for rest in (lengths[:-1], lengths[1:])):
                yield held


def _card_masks(turns: Sequence[str]) -> list[_Mask]:
    spans = [
        (turn, min(g.start for g in groups), max(g.end for g in groups))
        for run in runs(turns)
        for card in (*_cards(run), *_glued_cards(run))
        for turn in sorted({group.turn for group in card})
        if (groups := [group for group in card if group.turn == turn])
    ]
    merged: list[_Mask] = []
    for turn, start, end in sorted(spans):
        if merged and merged[-1].turn == turn and start <= merged[-1].end:
            merged[-1] = _Mask(turn, merged[-1].start, max(end, merged[-1].end), CARD_MARK)
        else:
            merged.append(_Mask(turn, start, end, CARD_MARK))
    return merged


def _code_masks(turns: Sequence[str], cards: Sequence[_Mask]) -> list[_Mask]:
    found: list[_Mask] = []
    if not cards and not any(_CODE_HINT.search(turn) for turn in turns):
        return found
    for turn, text in enumerate(turns):
        plain = fold(text).replace("’", "'")
        matches = [*_CODE_AFTER.finditer(plain), *_CODE_BEFORE.finditer(plain)]
        matches += [after for card in cards if card.turn == turn if (after := _CODE_AFTER_CARD.match(plain, card.end))]
        before = turns[turn - 1] if turn else ""
        card_before = CARD_MARK in before or any(card.turn == turn - 1 for card in cards)
        if (card_before or _CODE_NAME_AT_END.search(before)) and (only := _ONLY_CODE.match(plain)):
            matches.append(only)
        found += [
            _Mask(turn, match.start("code"), match.end("code"), CODE_MARK)
            for match in matches
            if len(_spoken_digits(match["code"])) in (3, 4)
            and not any(_overlap(turn, match.span("code"), card) for card in cards)
        ]
    return found


def _overlap(turn: int, span: tuple[int, int], mask: _Mask) -> bool:
    return turn == mask.turn and span[0] < mask.end and mask.start < span[1]


def _spoken_digits(code: str) -> str:
    return "".join(group.digits for run in runs([code]) for group in run)


def _masked(text: str, masks: Sequence[_Mask]) -> str:
    end = len(text)
    parts: list[str] = []
    for mask in sorted(masks, reverse=True):
        if mask.end > end:  # inside one that is masked already
            continue
        parts += [text[mask.end : end], mask.mark]
        end = mask.start
    return text[:end] + "".join(reversed(parts))


def redact_turns(previous: Sequence[str], text: str) -> Redacted:
    """Mask what `text` completes or contains. `previous`: the shopper's last few stored turns, oldest first.

    Nothing is carried between calls: the caller reads the stored turns again and stores `previous` of the result,
    so that half a number never lives anywhere but in the transcript that is mended.
    """
    turns = [*previous, text]
    cards = _card_masks(turns)
    masks = [*cards, *_code_masks(turns, cards)]
    masked = [_masked(turn_text, [mask for mask in masks if mask.turn == turn]) for turn, turn_text in enumerate(turns)]
    return Redacted(text=masked[-1], found=bool(masks), previous=tuple(masked[:-1]))


def redact(text: str) -> Redacted:
    """Mask card data within one text."""
    return redact_turns((), text)


def holds_mark(text: str) -> bool:
    """Whether card data was masked in a text."""
    return CARD_MARK in text or CODE_MARK in text
