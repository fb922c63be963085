"""What a number of a sentence is about: the words beside it decide which facts may stand behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise

from policy.claims.claim import Bound, Claim, ClaimKind
from policy.claims.facts import Subject
from policy.claims.reading import Reading
from policy.claims.vocabulary import GENERIC, STOP, word_set


class Cue(StrEnum):
    """In order of rank: in "total shipping cost" the later word of a higher rank names the thing."""

    DISCOUNT = "DISCOUNT"
    TAX = "TAX"
    SHIPPING = "SHIPPING"
    SUBTOTAL = "SUBTOTAL"
    TOTAL = "TOTAL"
    EACH = "EACH"
    PRICE = "PRICE"
    ORDER = "ORDER"


_RANK = {cue: rank for rank, cue in enumerate(Cue)}
_CUES = {
    **dict.fromkeys(
        ("off", "discount", "discounts", "save", "saves", "saving", "savings", "saved", "cheaper", "reduction",
         "coupon", "voucher", "promo", "rebate", "knocked", "knock", "deal", "markdown", "reduced", "shaved"),
        Cue.DISCOUNT,
    ),
    **dict.fromkeys(("tax", "taxes", "vat", "gst", "duty", "duties"), Cue.TAX),
    **dict.fromkeys(
        ("shipping", "delivery", "postage", "courier", "freight", "ship", "ships", "shipped", "deliver", "delivered",
         "handling"),
        Cue.SHIPPING,
    ),
    **dict.fromkeys(("subtotal", "merchandise"), Cue.SUBTOTAL),
    **dict.fromkeys(
        ("total", "totals", "totalling", "pay", "paying", "payable", "due", "owe", "balance", "charged", "sum", "bill",
         "altogether", "totaling", "charge"),
        Cue.TOTAL,
    ),
    **dict.fromkeys(("each", "apiece"), Cue.EACH),
    **dict.fromkeys(
        ("price", "prices", "priced", "cost", "costs", "costing", "sells", "worth", "tag", "retails"), Cue.PRICE
    ),
    **dict.fromkeys(("order", "orders", "cart", "purchase", "basket"), Cue.ORDER),
}  # fmt: skip
_CUE_SUBJECTS: dict[Cue, frozenset[Subject]] = {
    Cue.DISCOUNT: frozenset({Subject.DISCOUNT}),
    Cue.TAX: frozenset({Subject.TAX}),
    Cue.SHIPPING: frozenset({Subject.SHIPPING}),
    Cue.SUBTOTAL: frozenset({Subject.SUBTOTAL}),
    Cue.TOTAL: frozenset({Subject.TOTAL}),
    Cue.EACH: frozenset({Subject.ITEM_PRICE}),
    Cue.PRICE: frozenset({Subject.ITEM_PRICE, Subject.LINE_TOTAL}),
    Cue.ORDER: frozenset({Subject.TOTAL, Subject.SUBTOTAL}),
}
_UNSAID = frozenset({Subject.ITEM_PRICE, Subject.LINE_TOTAL, Subject.SUBTOTAL, Subject.TOTAL, Subject.POLICY})
_LINKS = word_set(
    "is was are of : = to at by stands sits will be now comes come only just another amounts about costs cost for "
    "under over exactly a the - still you up your full than less more below above down from"
)
_LIMITS = frozenset({"under", "over", "below", "above", "than", "less", "more", "from"})
_SIDE = word_set("after with including includes include plus before without excluding minus")
_DETERMINERS = word_set("your the a an any all this that applied new our and of")
_GAP = frozenset({"away", "more", "short", "shy", "another", "extra", "additional", "needed"})
_REACH = word_set(
    "orders order spend reach reaches hits hit minimum threshold spending qualify qualifies unlock unlocks "
    "over above from at of once when if for or passed pass exceed exceeds exceeded past met"
)
_AS_BEFORE = frozenset({"normally", "usually", "instead", "was", "regular", "worth", "value"})
_WIDER_OFFER = (
    ("next", "order"), ("next", "purchase"), ("every", "order"), ("all", "orders"), ("future", "orders"),
    ("any", "item"), ("all", "items"), ("every", "item"), ("off", "everything"), ("off", "shipping"),
    ("off", "delivery"), ("off", "anything"), ("each", "month"), ("every", "month"), ("for", "life"),
    ("whole", "store"), ("entire", "store"), ("first", "order"), ("off", "any"), ("off", "all"), ("every", "purchase"),
    ("off", "every"), ("second", "item"), ("on", "top"), ("a", "friend"), ("your", "friends"), ("every", "time"),
)  # fmt: skip
_GOES_ON = word_set("is was will applies runs stays expires ends lasts until for on from with today now just right")
_WIDER_WORDS = frozenset(
    {
        "everyone",
        "everybody",
        "storewide",
        "sitewide",
        "forever",
        "lifetime",
        "always",
        "extra",
        "additional",
        "stack",
        "stacks",
    }
)


@dataclass(frozen=True, slots=True)
class _Named:
    """A cue phrase over token places `first` to `last`."""

    cue: Cue
    first: int
    last: int
    aside: bool  # "after the discount": named, but not what the number is


@lru_cache(maxsize=1024)
def _cue_phrases(reading: Reading) -> list[_Named]:
    taken = reading.taken
    found: list[_Named] = []
    for place, token in enumerate(reading.tokens):
        cue = _CUES.get(token.text)
        if cue is None or place in taken:
            continue
        if found and found[-1].last == place - 1:
            previous = found[-1]
            best = min(previous.cue, cue, key=_RANK.__getitem__)
            found[-1] = _Named(best, previous.first, place, previous.aside)
        else:
            found.append(_Named(cue, place, place, _is_aside(reading, place)))
    return found


def _is_aside(reading: Reading, place: int) -> bool:
    """Whether the cue hangs on "after", "with", "before", with at most a claim and an article between."""
    here = place - 1
    claimed = {inside: places for places in reading.inside for inside in places}
    while here >= 0 and (
        here in claimed or reading.tokens[here].text in _DETERMINERS or reading.tokens[here].text in _CUES
    ):
        here = claimed[here].start - 1 if here in claimed else here - 1
    return here >= 0 and reading.tokens[here].text in _SIDE


@lru_cache(maxsize=4096)
def subjects(reading: Reading, index: int) -> frozenset[Subject]:
    """Subjects that a fact may have to stand behind claim `index`."""
    claim, places = reading.claims[index], reading.inside[index]
    if not places:
        return frozenset()
    if claim.text.lower() == "half" and reading.texts(range(places.stop, places.stop + 2))[:1] == ["price"]:
        return frozenset({Subject.DISCOUNT})
    if claim.kind is ClaimKind.PERCENT and (share := _share_of_people(reading, places.stop)):
        return share
    if claim.kind is ClaimKind.MONEY and _for_one(reading, places.stop):
        return frozenset({Subject.ITEM_PRICE, Subject.POLICY})
    near = _Neighbourhood(reading, index)
    cue, goal = near.strong(), None
    if claim.kind is ClaimKind.MONEY and cue in {None, Cue.ORDER}:  # "orders from €180 ship free"
        goal = _shipping_goal(reading, claim, places)
    if goal is not None:
        return goal
    cue = cue or near.weak()
    if cue is not None:
        return _of_cue(cue, reading, index)
    if claim.kind is ClaimKind.PERCENT:
        following = reading.texts(range(places.stop, places.stop + 1))
        alone = not following or not following[0].isalpha() or following[0] in _GOES_ON
        yours = reading.texts(range(places.start - 1, places.start)) == ["your"]
        return frozenset({Subject.DISCOUNT, Subject.POLICY}) if alone or yours else frozenset({Subject.POLICY})
    return _UNSAID


def _of_cue(cue: Cue, reading: Reading, index: int) -> frozenset[Subject]:
    places = reading.inside[index]
    words = set(reading.texts(reading.before(index)) + reading.texts(reading.after(index)))
    if cue is Cue.DISCOUNT and (_wider(reading.texts(reading.stretch(places.start))) or _on_top(reading, places)):
        return frozenset({Subject.POLICY})
    if cue is Cue.TOTAL and reading.texts(range(places.start - 1, places.start)) == ["from"]:
        return frozenset({Subject.TOTAL, Subject.SUBTOTAL})
    if cue is Cue.TOTAL and "before" in words:
        return frozenset({Subject.SUBTOTAL})
    if cue is Cue.PRICE and words & {"order", "cart", "purchase"}:
        return _CUE_SUBJECTS[cue] | _CUE_SUBJECTS[Cue.ORDER]
    return _CUE_SUBJECTS[cue]


def _wider(words: list[str]) -> bool:
    """Whether a discount is said to hold for more than the cart under discussion."""
    return not _WIDER_WORDS.isdisjoint(words) or any(pair in _WIDER_OFFER for pair in pairwise(words))


def _on_top(reading: Reading, places: range) -> bool:
    """ "another 10% off": a second discount, where there is only ever one."""
    before = reading.texts(range(max(0, places.start - 1), places.start))
    return before in (["another"], ["further"], ["more"], ["extra"], ["additional"])


def _for_one(reading: Reading, after: int) -> bool:
    """ "$19.99 a bag", "per item", "each"."""
    words = [token.text for token in reading.tokens[after : after + 2]]
    return words[:1] in (["each"], ["apiece"], ["per"]) or (words[:1] == ["a"] and len(words) == 2)


def _share_of_people(reading: Reading, after: int) -> frozenset[Subject] | None:
    """ "90% of customers" is about people, never about money."""
    if after < len(reading.tokens) and reading.tokens[after].text == "of":
        following = {token.text for token in reading.tokens[after + 1 : after + 5]}
        if following & {
            "customers",
            "shoppers",
            "people",
            "buyers",
            "reviewers",
            "users",
            "reviews",
            "orders",
            "sales",
        }:
            return frozenset({Subject.POLICY})
    return None


def _shipping_goal(reading: Reading, claim: Claim, places: range) -> frozenset[Subject] | None:
    """The spend that makes shipping free, or what is missing to it."""
    words = reading.words
    if not words & {"shipping", "delivery", "ships", "ship", "postage"}:
        return None
    beside = {token.text for token in reading.tokens[max(0, places.start - 4) : places.stop + 2]}
    free = bool(words & {"free", "waived", "waive", "complimentary", "qualify", "qualifies", "unlock", "covered"})
    free = free or ("pay" in words and not words.isdisjoint({"won't", "don't", "nothing"})) or {"on", "us"} <= words
    if free and beside & _AS_BEFORE and claim.bound is Bound.NONE:
        return frozenset({Subject.SHIPPING})
    if free and beside & _GAP and not beside & {"than"}:
        return frozenset({Subject.SHIPPING_GAP})
    if free and claim.bound is not Bound.UPPER and (claim.bound is Bound.LOWER or beside & _REACH):
        return frozenset({Subject.SHIPPING_THRESHOLD})
    if not free and claim.bound is Bound.UPPER:
        return frozenset({Subject.SHIPPING_THRESHOLD})
    return None


class _Neighbourhood:
    """Cue phrases before and after one claim, up to the neighbouring claims and the ends of the clause."""

    def __init__(self, reading: Reading, index: int) -> None:
        self.reading = reading
        self.places = reading.inside[index]
        before, after = reading.before(index), reading.after(index)
        phrases = _cue_phrases(reading)
        owned = {places.stop for places in reading.inside if places and places.stop <= self.places.start}

        def within(part: range) -> list[_Named]:
            return [
                named for named in phrases
                if part.start <= named.first and named.last < part.stop and named.first not in owned
            ]  # fmt: skip

        own = within(reading.own(index))
        self.before = own if names_or_cues(reading, reading.own(index)) else within(before)
        self.after = [named for named in phrases if named.first in after]

    def strong(self) -> Cue | None:
        """The cue that grammar ties to the number: "$10 off", "total of $70", "$3 in tax"."""
        follows = self.after[0] if self.after else None
        adjacent = follows is not None and follows.first == self.places.stop
        if follows is not None and adjacent and _RANK[follows.cue] <= _RANK[Cue.SHIPPING]:
            return follows.cue
        sign = self.places.start > 0 and self.reading.tokens[self.places.start - 1].text == "-"
        if sign and self._begins_or_spaced():
            return Cue.DISCOUNT
        if self.before:
            named = self.before[-1]
            between = self.reading.texts(range(named.last + 1, self.places.start))
            links = _LINKS - _LIMITS if named.cue is Cue.SHIPPING else _LINKS
            if not (named.aside and between) and links.issuperset(between):
                return named.cue
        if follows is not None and adjacent:
            return follows.cue
        return None

    def _begins_or_spaced(self) -> bool:
        minus = self.places.start - 1
        return minus == 0 or self.reading.tokens[minus - 1].end < self.reading.tokens[minus].start

    def weak(self) -> Cue | None:
        """The nearest cue that is not an aside; then any."""
        follows = self.after[0] if self.after else None
        if follows is not None:
            between = self.reading.texts(range(self.places.stop, follows.first))
            if set(between) <= {"in", "for", "of", "towards", "on", "your", "the", "as", "is", "less", "it", "a"}:
                return follows.cue
        plain = [named for named in self.before if not named.aside]
        if plain:
            return plain[-1].cue
        if follows is not None and not follows.aside:
            return follows.cue
        return None


def names_or_cues(reading: Reading, part: range) -> bool:
    """Whether a clause has a subject of its own: a thing, a pronoun or a cue that is no aside."""
    aside = {place for named in _cue_phrases(reading) if named.aside for place in range(named.first, named.last + 1)}
    words = [reading.tokens[place].text for place in part if place not in aside]
    return any(word in _CUES or (word in GENERIC and word not in STOP) for word in words) or (
        names_something(words) or not {"it", "it's", "that", "that's", "this", "they", "these"}.isdisjoint(words)
    )


def names_something(words: Sequence[str]) -> bool:
    """Whether the words name a thing of their own, so that an unlabelled fact cannot be meant."""
    return any(
        word.isalpha() and len(word) > 2 and word not in STOP and word not in GENERIC and word not in _CUES
        for word in words
    )
