"""Cut text into sentences while it streams in, so that each can be checked before it leaves."""

import re

from policy.claims.vocabulary import word_set

# A model that forgets the space after a full stop has ended its sentence all the same: "seen it.We match any price".
_GLUED = (
    r"(?:(?<=[^\W\d_]{2})|(?<=['’][sS])|(?<=\d\d)|(?<=[%)]))[.!?…]+[\"'”’»)\]*_]*"
    r"(?=[-–—•*#>]*[^\S\n]*[A-ZÀ-ÖØ-Þ¿¡][^\W\d_]*[\s,;:'’]|[-–—•]\s)"
)
# The same before a number: "of it.10% off". Versions and names have shorter words before their point.
_GLUED_NUMBER = r"(?P<number>(?<=[^\W\d_]{3})[.!?…]+(?=\d))"
# Two run into each other with nothing between: "is not possibleI have sent it".
_RUN_ON = r"(?P<run_on>(?<=[a-z]{3})(?=(?:I|We|You|Your|Our|The|It|This|That|There)[ '’])|(?<=[A-Z]{3})(?=I[ '’][a-z]))"
# A face ends a sentence as a full stop does: "as a welcome :)We accept", "for you 😊 We accept".
_FACE = r"(?P<face>(?:(?<=[:;]\))|(?<=[:;]-\))|(?<=[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f]))[ \t]*(?=[A-ZÀ-ÖØ-Þ¿¡]))"
_CANDIDATE = re.compile(
    rf"(?P<mark>[.!?…]+)[\"'”’»)\]*_]*[ \t\r]+(?=\S)|[ \t]*\n\s*(?=\S)|{_GLUED}|{_GLUED_NUMBER}|{_RUN_ON}|{_FACE}",
    re.UNICODE,
)
_LAST_WORD = re.compile(r"[^\s(\[\"“]+$")
_ENDED = re.compile(r"[.!?…]+[\"'”’»)\]*_]*$")
_LIST_NUMBER = re.compile(r"(?:^|\n)\s*\d{1,2}$")
_ABBREVIATIONS = word_set(
    "e.g i.e eg ie mr mrs ms dr prof st vs approx ca incl excl max min oz lb lbs fl tel ext art fig inc ltd "
    "co dept cf jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri"
)
_BEFORE_A_NUMBER = frozenset({"no", "nos", "nr", "vol", "p", "pp"})
_OFTEN_LAST = frozenset({"a.m", "p.m", "am", "pm", "etc", "u.s", "u.k"})


def _is_abbreviation(before: str, following: str) -> bool:
    """Whether the full stop after `before` belongs to a word rather than to the sentence."""
    match = _LAST_WORD.search(before)
    word = match.group().lower().lstrip("'") if match else ""
    if word in _BEFORE_A_NUMBER:
        return following.isdigit() or following == "#"
    if word in _OFTEN_LAST:
        return not following.isupper()
    return word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and word != "i")


def _ends_here(text: str, match: re.Match[str]) -> bool:
    following = text[match.end()]
    mark = match["mark"]
    if match["run_on"] is not None or match["face"] is not None:
        return True
    if match["number"] is not None:
        return not _is_abbreviation(text[: match.start()], following)
    if mark is None and "\n" in match.group() and (ended := _ENDED.search(text[: match.start()])):
        return ended.group()[0] in "!?…" or not _is_abbreviation(text[: ended.start()], following)
    if mark is None:  # a line ends without a full stop, or a full stop has no space behind it
        return not (following.islower() or following.isdigit() or following in "$€£¥%+")
    before = text[: match.start()]
    if "!" in mark or "?" in mark:
        return True
    if _LIST_NUMBER.search(before) or following.islower():
        return False
    if "\n" in match.group():
        return True
    return len(mark) > 1 or not _is_abbreviation(before, following)


class SentenceBuffer:
    """Feed deltas, take finished sentences; joined together they are the text that came in, to the character."""

    def __init__(self) -> None:
        self._pending = ""
        self._scanned = 0

    def feed(self, delta: str) -> list[str]:
        """Add text; return the sentences that are complete now, each with the white space that follows it."""
        self._pending += delta
        done: list[str] = []
        while match := _CANDIDATE.search(self._pending, self._scanned):
            if not _ends_here(self._pending, match):
                self._scanned = match.end()
                continue
            done.append(self._pending[: match.end()])
            self._pending = self._pending[match.end() :]
            self._scanned = 0
        return done

    def flush(self) -> list[str]:
        """Return what is left when the stream has ended."""
        rest = [self._pending] if self._pending else []
        self._pending = ""
        self._scanned = 0
        return rest


def split(text: str) -> list[str]:
    """Cut a whole text into sentences."""
    buffer = SentenceBuffer()
    return [*buffer.feed(text), *buffer.flush()]
