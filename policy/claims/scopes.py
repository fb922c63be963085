"""Which words of a sentence speak of which of its numbers."""

from dataclasses import dataclass
from functools import lru_cache

from policy.claims.reading import Reading
from policy.claims.vocabulary import NEGATORS, STOP, topic, word_set

_VERBS = word_set(
    "can may must will is are was costs cost takes take has have comes come only not starts start lasts be "
    "arrive arrives ship ships leave leaves reach reaches include includes weigh weighs run runs give gives "
    "apply applies"
)
_SENT_BACK = word_set("send sending sent bring bringing brought come go going take taken mail mailing post")
# "Every two weeks" is no more than "two weeks" to a passage that has these.
_EACH = frozenset({"every", "each"})
_BREAKS = word_set(", ; and but or while whereas – — ( )")


@dataclass(frozen=True, slots=True)
class Scope:
    """The words around a claim, what they are about, and whether they deny it."""

    words: frozenset[str]
    topics: frozenset[str]
    negated: bool
    lead: str | None = None  # the topic that comes first: in "refunds come 5 days after arrival" it is the refund


NO_SCOPE = Scope(frozenset(), frozenset(), False)


def place_of(reading: Reading, start: int) -> int:
    """The token place of a character place."""
    return next((place for place, token in enumerate(reading.tokens) if token.end > start), 0)


def scope_of(reading: Reading, places: range) -> Scope:
    """The words at the places, without numbers and without what "except" takes out."""
    texts = [
        "usa" if reading.tokens[place].raw == "US" else reading.tokens[place].text
        for place in places
        if not (place in reading.taken or (reading.tokens[place].text in _EACH and place + 1 in reading.taken))
    ]
    cut = next((at for at, text in enumerate(texts) if text in {"except", "excluding", "unless"}), len(texts))
    words = frozenset(text for text in texts[:cut] if text[0].isalpha())
    sent = _SENT_BACK if "back" in words else frozenset[str]()
    about = {text: "return" if text in sent else topic(text) for text in texts[:cut]}
    topics = frozenset(name for word in words if (name := about[word]))
    if "refund" in topics and not any(topic(word) == "delivery" for word in words if not word.startswith("arriv")):
        topics -= {"delivery"}  # a refund arrives too
    lead = next((name for text in texts[:cut] if (name := about[text])), None)
    # "opened or not" denies nothing.
    negated = any(text in NEGATORS and texts[at - 1 : at] != ["or"] for at, text in enumerate(texts[:cut]))
    return Scope(words, topics, negated, lead)


@lru_cache(maxsize=2048)
def clause_scope(reading: Reading, start: int) -> Scope:
    """The scope of the clause around a character place; commas do not end it."""
    return scope_of(reading, reading.stretch(place_of(reading, start)))


def _segments(reading: Reading) -> list[range]:
    """For each claim the token places that speak of it: up to the break between it and its neighbours."""
    order = [index for index, places in enumerate(reading.inside) if places]
    result = [range(0)] * len(reading.inside)
    starts = {order[0]: 0} if order else {}
    ends: dict[int, int] = {}
    for left, right in zip(order, order[1:], strict=False):  # noqa: RUF007  (pairs of one list, none when empty)
        between = range(reading.inside[left].stop, reading.inside[right].start)
        breaks = [place for place in between if reading.tokens[place].text in _BREAKS]
        if breaks:
            # "1 to 2 days, to Hokkaido and Okinawa 2 to 4": what follows on the comma is all the next number's.
            at = breaks[0] if breaks[0] == between.start and len(breaks) > 1 else breaks[-1]
            ends[left], starts[right] = at, at + 1
        else:  # nothing divides them: they share what stands around
            starts[right] = starts[left]
    last = len(reading.tokens)
    for index in reversed(order):
        last = ends.get(index, last)
        result[index] = range(starts[index], last)
    return result


def _inherit(scopes: list[Scope], heads: list[str]) -> list[Scope]:
    """A part goes on about what came before: its topic if it has none, its thing if it begins with a verb."""
    done: list[Scope] = []
    for scope, head in zip(scopes, heads, strict=True):
        before = done[-1] if done else NO_SCOPE
        goes_on = head in _VERBS or scope.words <= STOP
        words = scope.words | before.words if goes_on else scope.words
        done.append(Scope(words, scope.topics or before.topics, scope.negated, scope.lead or before.lead))
    return done


@lru_cache(maxsize=2048)
def claim_scopes(reading: Reading, *, narrow: bool = True) -> list[Scope]:
    """The scope of each claim of a sentence; a passage is read with all words between its numbers."""
    segments = _segments(reading)
    heads = [reading.tokens[places.start].text if places else "" for places in segments]
    scopes = _inherit([scope_of(reading, places) for places in segments], heads)
    return [
        _narrowed(reading, scope, places, narrow=narrow) if places else scope
        for scope, places in zip(scopes, reading.inside, strict=True)
    ]


def _narrowed(reading: Reading, scope: Scope, places: range, *, narrow: bool) -> Scope:
    """The part up to the next conjunction, where it says enough; negation does not reach over a comma."""
    clause = scope_of(reading, reading.stretch(places.start))
    near = scope_of(reading, reading.clause(places.start, soft=True))
    # "Within 14 days of delivery" is not about delivery.
    told = range(reading.clause(places.start, soft=True).start, places.start)
    negated, lead = near.negated, scope_of(reading, told).lead or scope.lead
    head = reading.tokens[reading.stretch(places.start).start].text
    if not narrow or head in _VERBS or all(word in STOP for word in clause.words):
        return Scope(scope.words, scope.topics, negated, lead)
    return Scope(scope.words & clause.words, clause.topics & scope.topics, negated, lead)
