"""Find each number, date, price, code and link of a sentence, with its unit and its limit."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from policy.claims.claim import Bound, Claim, ClaimKind
from policy.claims.dates import MAY_BEGIN_DATE, read_date
from policy.claims.idioms import is_figure_of_speech, is_moment, is_time_idiom
from policy.claims.tokens import CURRENCY_CODES, Token, TokenKind
from policy.claims.units import (
    CURRENCY_SIGNS,
    CURRENCY_WORDS,
    DEGREES,
    DURATION_UNITS,
    MEASURE_UNITS,
    MINOR_WORDS,
    PERCENT_WORDS,
    degrees,
    lower_limit_after,
    lower_limit_before,
    upper_limit_after,
    upper_limit_before,
)
from policy.claims.vocabulary import word_set

_RANGE = frozenset({"-", "–", "to", "or", "through"})
_FRACTIONS = {
    "half": Decimal(50), "third": Decimal(100) / 3, "quarter": Decimal(25), "fifth": Decimal(20),
    "tenth": Decimal(10), "thirds": Decimal(100) / 3, "quarters": Decimal(25), "fifths": Decimal(20),
    "tenths": Decimal(10), "halves": Decimal(50),
}  # fmt: skip
_DOLLAR_PREFIXES = {"us": "USD", "ca": "CAD", "c": "CAD", "a": "AUD", "au": "AUD", "nz": "NZD", "s": "SGD", "hk": "HKD"}
_OF_PRICE = word_set("off of price priced the less cheaper discount your its")
_BEFORE_TIME = word_set("in within for under after takes lasts about inside another once twice times")
_WITHIN = frozenset({"within", "under", "takes", "inside"})
_MULTIPLES = frozenset({"double", "twice", "triple", "treble", "quadruple", "doubled", "tripled"})
_OF_MULTIPLE = word_set("the your as points discount savings rewards our price my any")
_NOT_PLAIN = frozenset(
    {
        *MAY_BEGIN_DATE, *CURRENCY_CODES, *_MULTIPLES, *_FRACTIONS, "an", "few", "several", "many", "within",
        "percent", "pct", "dollars", "bucks", "euros", "quid", "cents", "pence",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Number:
    """A number or a range of numbers over tokens `at` to `end` (exclusive)."""

    low: tuple[Decimal, ...]
    high: tuple[Decimal, ...]
    at: int
    end: int


class Extractor:
    """One pass over the tokens of one sentence."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.question = text.rstrip().endswith("?")

    def claims(self) -> Iterator[Claim]:
        at = 0
        while at < len(self.tokens):
            claim, used = self._at(at)
            if claim is not None:
                yield claim
            at += used

    def word(self, at: int) -> str:
        return self.tokens[at].text if 0 <= at < len(self.tokens) else ""

    def _make(self, kind: ClaimKind, at: int, end: int) -> Claim:
        start, stop = self.tokens[at].start, self.tokens[end - 1].end
        # A price after 5% off is no price from 5% up.
        is_share = kind is ClaimKind.PERCENT and self.word(at - 1) == "after"
        return Claim(kind, start, stop, self.text[start:stop], bound=Bound.NONE if is_share else self._bound(at, end))

    def _bound(self, at: int, end: int) -> Bound:
        before = (self.word(at - 3), self.word(at - 2), self.word(at - 1))
        after = (self.word(end), self.word(end + 1), self.word(end + 2))
        if before[2] == "from" and after[0] == "to":
            return Bound.NONE
        if lower_limit_before(before) or lower_limit_after(after):
            return Bound.LOWER
        if upper_limit_before(before) or upper_limit_after(after):
            return Bound.UPPER
        return Bound.NONE

    def _at(self, at: int) -> tuple[Claim | None, int]:
        token = self.tokens[at]
        if self._is_plain(token):
            return None, 1
        if token.kind is TokenKind.LINK:
            return self._make(ClaimKind.LINK, at, at + 1), 1
        if token.kind is TokenKind.CODE or self._is_promo_code(at):
            return self._make(ClaimKind.CODE, at, at + 1), 1
        if (date := read_date(self.tokens, self.text, at)) is not None:
            claim = replace(self._make(ClaimKind.INSTANT, at, at + date.used), when=date.when)
            idiom = is_time_idiom([other.text for other in self.tokens], at, at + date.used, date.when)
            return (None if idiom else claim), date.used
        if token.kind is TokenKind.NUMBER or self._signed_amount(at):
            return self._number(at)
        if loose := self._fraction(at) or self._without_number(at):
            return loose
        if self._unreadable(at):
            return self._make(ClaimKind.UNREADABLE, at, at + 1), 1
        return None, 1

    def _is_plain(self, token: Token) -> bool:
        """Most words: nothing below can find anything at them."""
        return (
            token.kind is TokenKind.WORD
            and token.text not in _NOT_PLAIN
            and len(token.text) > 1
            and token.text.isascii()
            and not token.raw.isupper()
        )

    def _is_promo_code(self, at: int) -> bool:
        token = self.tokens[at]
        if token.kind is not TokenKind.WORD or not token.raw.isupper() or len(token.raw) < 3:
            return False
        return bool({self.word(at - 1), self.word(at - 2), self.word(at + 1)} & {"code", "coupon", "voucher"})

    def _signed_amount(self, at: int) -> bool:
        """A currency sign or code right before a number."""
        following = self.tokens[at + 1] if at + 1 < len(self.tokens) else None
        if following is None or following.kind is not TokenKind.NUMBER:
            return False
        token = self.tokens[at]
        return token.text in CURRENCY_SIGNS or (
            token.text in CURRENCY_CODES and (token.raw.isupper() or token.end == following.start)
        )

    def _span(self, at: int) -> _Number:
        """The number at `at`, with the rest of a range that shares its unit ("2-3 days", "between 2 and 3")."""
        low = self.tokens[at].values
        joint = self.word(at + 1)
        ranged = joint in _RANGE or (joint == "and" and self.word(at - 1) == "between")
        changed = joint == "to" and self.word(at - 2) == "from" and self._signed_amount(at - 1)
        if changed:  # "from $80 to $72" are two amounts
            return _Number(low, (), at, at + 1)
        following = at + 3 if self.word(at + 2) in CURRENCY_SIGNS else at + 2
        if ranged and following < len(self.tokens) and self.tokens[following].kind is TokenKind.NUMBER:
            apart = read_date(self.tokens, self.text, following) is not None
            if not apart and not self.tokens[following].ordinal:
                return _Number(low, self.tokens[following].values, at, following + 1)
        return _Number(low, (), at, at + 1)

    def _number(self, at: int) -> tuple[Claim | None, int]:
        signed = self.tokens[at].kind is not TokenKind.NUMBER
        first = at + 1 if signed else at
        if not signed and (special := self._rating(at) or self._share(at)):
            return special
        span = self._span(first)
        kind, units, end = self._unit(span, self.tokens[at].text if signed else "")
        begin = at - 1 if signed and self.word(at) == "$" and self._dollar_of(at - 1) else at
        if kind is ClaimKind.MONEY and not span.high:
            span, end = self._with_cents(span, end)
        claim = replace(self._make(kind, begin, end), low=span.low, high=span.high, units=units)
        if kind is ClaimKind.COUNT and self.word(begin - 1) == "from":  # "rated 4.7 from 128 reviews"
            claim = replace(claim, bound=Bound.NONE)
        if kind is ClaimKind.COUNT and is_figure_of_speech(self.tokens, at, end, question=self.question):
            return None, end - at
        if kind is ClaimKind.DURATION and is_moment(self.word(at - 1), self.tokens[at], units):
            return None, end - at
        return claim, end - at

    def _signed_unit(self, span: _Number, sign: str) -> tuple[ClaimKind, frozenset[str], int]:
        """ "$10", "US$10", "$10 CAD", "EUR 10"."""
        units = CURRENCY_SIGNS.get(sign) or frozenset({sign.upper()})
        if sign == "$" and (country := self._dollar_of(span.at - 2)):
            units = frozenset({country})
        if self.word(span.end) in CURRENCY_CODES and self.tokens[span.end].raw.isupper():
            return ClaimKind.MONEY, units & {self.word(span.end).upper()}, span.end + 1
        return ClaimKind.MONEY, units, span.end

    def _dollar_of(self, at: int) -> str | None:
        """Whose dollars a sign means: "CA$10", "CAD $10"."""
        if self.word(at) in CURRENCY_CODES and self.tokens[at].raw.isupper():
            return self.tokens[at].raw
        touches = at >= 0 and self.tokens[at].end == self.tokens[at + 1].start
        return _DOLLAR_PREFIXES.get(self.word(at)) if touches else None

    def _unit(self, span: _Number, sign: str) -> tuple[ClaimKind, frozenset[str], int]:
        """Kind, units and the end of the claim, by what stands before and after the number."""
        if sign:
            return self._signed_unit(span, sign)
        here = span.end
        hyphen = 1 if self.word(here) == "-" and self.word(here + 1).isalpha() else 0
        word = self.word(here + hyphen)
        if word in PERCENT_WORDS:
            return ClaimKind.PERCENT, frozenset(), here + hyphen + 1
        if word == "per" and self.word(here + hyphen + 1) == "cent":
            return ClaimKind.PERCENT, frozenset(), here + hyphen + 2
        if word in CURRENCY_SIGNS or word in CURRENCY_CODES or word in CURRENCY_WORDS:
            units = CURRENCY_SIGNS.get(word) or CURRENCY_WORDS.get(word) or frozenset({word.upper()})
            if word in {"pound", "pounds"} and self.word(here + hyphen + 1) == "of":
                return ClaimKind.MEASURE, frozenset({"lb"}), here + hyphen + 1
            return ClaimKind.MONEY, units, here + hyphen + 1
        if word in MINOR_WORDS:
            return ClaimKind.MONEY, MINOR_WORDS[word] | {"minor"}, here + hyphen + 1
        if self.tokens[span.at].ordinal:
            return ClaimKind.COUNT, frozenset({"ordinal"}), here
        return self._other_unit(here, hyphen)

    def _other_unit(self, here: int, hyphen: int) -> tuple[ClaimKind, frozenset[str], int]:
        word, following = self.word(here + hyphen), self.word(here + hyphen + 1)
        if word in {"business", "working"} and following in {"day", "days"}:
            return ClaimKind.DURATION, frozenset({"business day"}), here + hyphen + 2
        if word in {"calendar", "full", "more", "short"} and following in DURATION_UNITS:
            return ClaimKind.DURATION, frozenset({DURATION_UNITS[following]}), here + hyphen + 2
        if word in DURATION_UNITS:
            return ClaimKind.DURATION, frozenset({DURATION_UNITS[word]}), here + hyphen + 1
        if word in DEGREES:
            units, more = degrees(following)
            return ClaimKind.MEASURE, units, here + hyphen + 1 + more
        if word in MEASURE_UNITS:
            return ClaimKind.MEASURE, frozenset({MEASURE_UNITS[word]}), here + hyphen + 1
        if word in {"star", "stars"}:
            return ClaimKind.RATING, frozenset(), here + hyphen + 1
        return ClaimKind.COUNT, frozenset(), here

    def _with_cents(self, span: _Number, end: int) -> tuple[_Number, int]:
        """ "ten dollars and fifty cents", "a dollar fifty"."""
        link = 1 if self.word(end) == "and" else 0
        more = end + link
        if more < len(self.tokens) and self.tokens[more].kind is TokenKind.NUMBER:
            cents = [value for value in self.tokens[more].values if 0 < value < 100]
            named = self.word(more + 1) in MINOR_WORDS
            idiom = not link and self.tokens[more].spoken and self.word(end - 1) in CURRENCY_WORDS
            if cents and (named or idiom):
                low = tuple(value + cents[0] / 100 for value in span.low)
                return replace(span, low=low), more + 1 + named
        return span, end

    def _rating(self, at: int) -> tuple[Claim, int] | None:
        """ "4.7 out of 5", "4.7/5 stars"; other fractions stay one claim that only its own text supports."""
        out_of = (self.word(at + 1), self.word(at + 2)) == ("out", "of")
        top = at + 3 if out_of else at + 2
        if not out_of and self.word(at + 1) != "/":
            return None
        if top >= len(self.tokens) or self.tokens[top].kind is not TokenKind.NUMBER:
            return None
        end = top + 1
        if self.tokens[top].values == (Decimal(5),):
            end += self.word(end) in {"star", "stars"}
            return replace(self._make(ClaimKind.RATING, at, end), low=self.tokens[at].values), end - at
        return self._make(ClaimKind.CODE, at, end), end - at

    def _share(self, at: int) -> tuple[Claim, int] | None:
        """ "a tenth of", "one fifth off", "two thirds"."""
        token, following = self.tokens[at], self.word(at + 1)
        if token.ordinal and token.spoken and token.text in _FRACTIONS and self.word(at - 1) in {"a", "one"}:
            last = token.text not in {"third", "fifth"} and not following.isalpha()
            if last or following in {"off", "of", "less", "cheaper", "discount"}:
                return replace(self._make(ClaimKind.PERCENT, at, at + 1), low=(_FRACTIONS[token.text],)), 1
        if following in _FRACTIONS and following != "half" and following.endswith("s") and not token.ordinal:
            low = tuple(value * _FRACTIONS[following] for value in token.values)
            return replace(self._make(ClaimKind.PERCENT, at, at + 2), low=low), 2
        return None

    def _without_number(self, at: int) -> tuple[Claim, int] | None:
        """ "within an hour", "a few days", "a dollar": an amount whose number is a word that is not a number."""
        word, following = self.word(at), self.word(at + 1)
        short = following in {"minute", "second"}
        timed = self.word(at - 1) in (_WITHIN if short else _BEFORE_TIME)
        if word in {"a", "an"} and following in DURATION_UNITS and timed:
            unit = frozenset({DURATION_UNITS[following]})
            return replace(self._make(ClaimKind.DURATION, at, at + 2), low=(Decimal(1),), units=unit), 2
        if word == "a" and following in {"dollar", "buck", "euro", "quid", "penny"}:
            span, end = self._with_cents(_Number((Decimal(1),), (), at, at + 1), at + 2)
            units = CURRENCY_WORDS.get(following, frozenset({"GBP", "minor"}))
            return replace(self._make(ClaimKind.MONEY, at, end), low=span.low, units=units), end - at
        vague = word in {"few", "several", "many"} or (word == "within" and following.endswith("s"))
        if vague and following in DURATION_UNITS and DURATION_UNITS[following] != "second":
            unit = frozenset({DURATION_UNITS[following]})
            return replace(self._make(ClaimKind.DURATION, at, at + 2), units=unit), 2
        return None

    def _fraction(self, at: int) -> tuple[Claim, int] | None:
        """ "half off", "a tenth of", "two thirds": a percentage. "half an hour": a time."""
        word, following = self.word(at), self.word(at + 1)
        if word in _MULTIPLES and following in _OF_MULTIPLE:
            return self._make(ClaimKind.UNREADABLE, at, at + 1), 1
        hyphen = 1 if following == "-" else 0
        if word == "half" and self.word(at + 2) in DURATION_UNITS and following in {"a", "an", "-"}:
            unit = frozenset({DURATION_UNITS[self.word(at + 2)]})
            return replace(self._make(ClaimKind.DURATION, at, at + 3), low=(Decimal("0.5"),), units=unit), 3
        if word in {"half", "halves"} and not (hyphen and self.word(at + 2) not in _OF_PRICE):
            end = at + 1
            return replace(self._make(ClaimKind.PERCENT, at, end), low=(Decimal(50),)), 1
        if word in {"quarter", "quarters", "thirds", "fifths", "tenths"}:
            return replace(self._make(ClaimKind.PERCENT, at, at + 1), low=(_FRACTIONS[word],)), 1
        return None

    def _unreadable(self, at: int) -> bool:
        """A percent or currency sign without its number, or letters that are not Latin: nothing we can vouch for."""
        token = self.tokens[at]
        if token.kind is TokenKind.SIGN:
            return token.text in "%‰‱" or unicodedata.category(token.text) in {"Sc", "No", "Nl"}
        if any(unicodedata.numeric(char, None) is not None for char in token.text):
            return True
        if not token.text.isascii() and any(char > "ɏ" and not "Ḁ" <= char <= "ỿ" for char in token.text):
            return True
        lone = token.text in {"percent", "pct", "dollars", "bucks", "euros", "quid", "cents", "pence"}
        spelled = len(token.text) == 1 and self._letters_from(at) >= 4
        return lone or spelled

    def _letters_from(self, at: int) -> int:
        """How many single letters follow each other ("f r e e", "t-e-n")."""
        count, here = 0, at
        while len(self.word(here)) == 1 and (self.word(here).isalpha() or self.word(here) in "-."):
            count += self.word(here).isalpha()
            here += 1
        return count
