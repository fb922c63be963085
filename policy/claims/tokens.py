"""Words, numbers, codes, links and signs of a normalised sentence, with numbers in words read as numbers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from policy.claims.vocabulary import word_set
from policy.claims.words import read_spoken


class TokenKind(StrEnum):
    WORD = "WORD"
    NUMBER = "NUMBER"
    CODE = "CODE"
    LINK = "LINK"
    SIGN = "SIGN"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is lower case, `raw` as written. A number has its possible values: "1,234" may be 1234."""

    kind: TokenKind
    start: int
    end: int
    text: str
    raw: str
    values: tuple[Decimal, ...] = ()
    ordinal: bool = False
    spoken: bool = False


_KINDS = {kind.value: kind for kind in TokenKind}
CURRENCY_CODES = word_set(
    "usd eur gbp jpy kwd cad aud nzd chf sek nok dkk pln czk huf inr cny hkd sgd mxn brl zar krw try aed sar "
    "bhd omr jod ils"
)
SUFFIX_UNITS = frozenset(
    {
        *("am", "pm", "a", "p", "h", "hr", "hrs", "min", "mins", "s", "sec", "secs", "d", "day", "days", "wk", "yr"),
        *("g", "gr", "kg", "mg", "ml", "cl", "l", "oz", "lb", "lbs", "cm", "mm", "m", "km", "in", "ft", "w", "v"),
        *("pcs", "pc", "pk", "ct", "x", "c", "k", "percent", "pct", "bar", "star", "stars", "pack", "cups", "cup"),
        *CURRENCY_CODES,
    }
)
_TLD = r"(?:com|net|org|io|co|shop|store|app|dev|uk|de|fr|nl|eu|info|biz|ai|link|ly|example|test)"
_LINK = rf"(?P<LINK>https?://\S+|www\.\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.{_TLD}\b(?:/\S*)?)"
_MAYBE_LINK = re.compile(r"[@/]|\w\.[a-z]", re.IGNORECASE)
_REST = (
    rf"(?<![^\W_])(?P<CURRENCY>{'|'.join(sorted(CURRENCY_CODES))})(?P<AMOUNT>\d+(?:[.,']\d+)*)(?![^\W_])"
    r"|(?P<GROUPED>(?<![^\W_])\d{1,3}(?: \d{3})+(?:,\d{1,2})?(?= ?(?:€|eur\b|kr\b|zł)))"
    r"|(?P<NUMBER>(?<![^\W_])(?:\d+(?:[.,']\d+)*|\.\d+))(?P<SUFFIX>[^\W\d_]*)(?![^\W_]|'[^\W\d])"
    r"|(?P<CODE>[^\W_]*\d[^\W_]*)"
    r"|(?P<WORD>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<SIGN>\S)"
)
_PLAIN = re.compile(f"(?P<LINK>(?!))|{_REST}", re.IGNORECASE)
_WITH_LINKS = re.compile(f"{_LINK}|{_REST}", re.IGNORECASE)


def _decimal(text: str) -> tuple[Decimal, ...]:
    """Readings of a number in digits. A group of three after one comma is thousands; after one dot it may be."""
    text = text.replace("'", ",") if "." in text or text.count("'") else text
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        point = "." if text.rfind(".") > text.rfind(",") else ","
        return (Decimal(text.replace("," if point == "." else ".", "").replace(",", ".")),)
    if dots > 1 or commas > 1:
        return (Decimal(re.sub("[.,]", "", text)),) if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", text) else ()
    if commas:
        thousands = len(text) - text.index(",") - 1 == 3
        return (Decimal(text.replace(",", "" if thousands else ".")),)
    if dots and len(text) - text.index(".") - 1 == 3 and text[0] not in "0.":
        return (Decimal(text), Decimal(text.replace(".", "")))
    return (Decimal(text),)


def _number(match: re.Match[str]) -> list[Token]:
    start, end = match.span("NUMBER")
    raw, suffix = match["NUMBER"], match["SUFFIX"].lower()
    number = Token(TokenKind.NUMBER, start, end, raw, raw, _decimal(raw))
    if not suffix:
        return [number]
    if suffix in {"st", "nd", "rd", "th"}:
        return [replace(number, end=match.end(), ordinal=True, text=raw + suffix)]
    if suffix == "k":
        return [replace(number, end=match.end(), values=tuple(value * 1000 for value in number.values))]
    if suffix not in SUFFIX_UNITS:
        return [Token(TokenKind.CODE, start, match.end(), match.group().lower(), match.group())]
    return [number, Token(TokenKind.WORD, end, match.end(), suffix, match["SUFFIX"])]


def _from_match(match: re.Match[str]) -> list[Token]:
    if match.lastgroup == "WORD":
        raw = match.group()
        return [Token(TokenKind.WORD, match.start(), match.end(), raw.lower(), raw)]
    if match["NUMBER"] is not None:
        return _number(match)
    raw = match.group()
    start, end, lower = match.start(), match.end(), raw.lower()
    if match["GROUPED"] is not None:
        return [Token(TokenKind.NUMBER, start, end, raw, raw, (Decimal(raw.replace(" ", "").replace(",", ".")),))]
    if match["LINK"] is not None:
        kept = raw.rstrip(".,;:!?)\"'")
        return [Token(TokenKind.LINK, start, start + len(kept), kept.lower(), kept)]
    if match["CURRENCY"] is not None:
        code, amount = match["CURRENCY"], match["AMOUNT"]
        return [
            Token(TokenKind.WORD, start, match.end("CURRENCY"), code.lower(), code),
            Token(TokenKind.NUMBER, match.start("AMOUNT"), end, amount, amount, _decimal(amount)),
        ]
    return [Token(_KINDS[match.lastgroup or "SIGN"], start, end, lower, raw)]


def tokenise(text: str) -> tuple[Token, ...]:
    """Tokens in order; a number said in words is one token ("seventy-three" is 73)."""
    pattern = _WITH_LINKS if _MAYBE_LINK.search(text) else _PLAIN
    plain = [token for match in pattern.finditer(text) for token in _from_match(match)]
    return tuple(_with_spoken_numbers(plain, text))


def _with_spoken_numbers(plain: Sequence[Token], text: str) -> list[Token]:
    words = [token.text for token in plain]
    tokens: list[Token] = []
    at = 0
    while at < len(plain):
        spoken = read_spoken(words, at)
        if spoken is None:
            tokens.append(plain[at])
            at += 1
            continue
        start, end = plain[at].start, plain[at + spoken.used - 1].end
        raw = text[start:end]
        tokens.append(Token(TokenKind.NUMBER, start, end, raw.lower(), raw, spoken.values, spoken.ordinal, True))
        at += spoken.used
    return tokens
