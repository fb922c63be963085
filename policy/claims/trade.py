"""The last net: a sentence that speaks of the trade in words that no pattern knows is not vouched for.

Wordings are endless ("you owe us next to nothing"). What they speak of is not: prices, parcels, returns, stock, other
shoppers, cures, what was done to the shopper's order. Such a sentence passes when a passage says as much.
"""

import re
from collections.abc import Iterator, Sequence

from policy.claims.claim import Claim, ClaimKind
from policy.claims.excuses import denied_behind, excused
from policy.claims.facts import PromiseKind
from policy.claims.reading import Reading
from policy.claims.scopes import place_of

_TRADE = re.compile(
    r"\b(?:"
    r"pric(?:e|es|ed|ing)|pays?|paying|paid|owes?|charg(?:e|es|ed)|costs?|bills?|invoic\w+|(?:comes?|adds up) to|"
    r"money|cents?|fortune|fee|fees|"
    r"discount\w*|offers?|deals?|coupons?|vouchers?|bargains?|cheap\w*|savings?|on sale|rebates?|free(?! to)|gifts?|"
    r"ships?|shipped|shipping|deliver\w*|dispatch\w*|couriers?|postage|parcels?|packages?|warehouse|"
    r"(?:your|the) door\w*|"
    r"(?:in|of|out of) stock|restock\w*|suppliers?|runs? out|hardly any|"
    r"returns?|returned|refund\w*|exchang\w+|(?:send|bring|ship|mail|give|take|post) (?:\w+ ){0,3}(?:back|home)|"
    r"warrant\w+|guarante\w+|insured|repairs?|"
    r"customers|shoppers|buyers|(?:plenty|lots|hundreds|thousands|dozens|most|many|all) (?:of )?(?:the |these )?people|"
    r"doctors?|stud(?:y|ies)|research|scientists?|heal(?:s|th|thy|thier)?|allerg\w+|"
    r"unsubscribed|mailings?|our (?:mailing )?(?:lists?|records|database)|"
    r"(?:i|we|he|she|they|(?:the|our|my) \w+)(?: have| has|'ve)?(?: just| already| now)? (?!asked|mentioned|wanted|"
    r"noticed|looked|checked|added up)\w+(?:ed|ut|ade|ave|ent) (?:you|your|yours)\b"
    r")(?!\w)"
)
_OTHERS = re.compile(r"\b(?:customers|shoppers|buyers|people)\b")
# Of the talk itself: what one understands, wants to know, can look up or may be told.
_OF_THE_TALK = re.compile(
    r"^(?:(?:and|but|so|ok|okay|well|sure|yes|no|oh|sorry|great|thanks|of course|absolutely|certainly|totally|please|"
    r"no problem|no worries|alright|got it|one moment|just a (?:moment|second)|hold on)[,!.;:]* )*(?:"
    r"(?:i|we)(?:'d| would|'m| am| can| could| do| also)?(?: \w+ly| just| also| really| do)? "
    r"(?:understand|hear|get|see|appreciate|reali[sz]e|know|sorry|happy|glad|like|love|check(?:ing|ed)?|look(?:ing|ed)?|explain|show|help|find|"
    r"tell|answer|compare|go|walk|ask|able|here|afraid|hope|wonder|think)\b|"
    r"(?:let|tell|show|give|ask) (?:me|us)\b|feel free|thanks?\b|thank you|welcome|hello|hi\b|see you|take your time|"
    r"please (?:\w+ )?(?:pay|try|use|check|let|tell|have|take|enter|ask|review|note|choose|select|look)|"
    r"(?:that|this) (?:sounds|makes)|"
    r"(?:shipping|delivery|the price|it|that) (?:does|can) (?:really )?(?:add|feel|seem|sound|matter)\b|"
    r"(?:(?:the )?(?:price|money|cost|budget|shipping|delivery)s? )"
    r"(?:(?:really|is|are|certainly|always) )*(?:important|matters?)\b|"
    r"you(?:'re| are)? (?:can|could|may|might|will|'ll|welcome|asked|said|mentioned|wanted|want|wish|right|looking|"
    r"wondering) ?(?:also |always |still )?(?:to )?(?:ask|find|see|read|enter|check|compare|view|choose|review|look|"
    r"change|pick|go|finish|complete|about|that|know|the|$)|"
    r"(?:it|that)(?:'s| is) (?:safe|fine|ok|okay|a good|normal|understandable|good)|"
    r"(?:i've|we've) noted that|there(?:'s| is) nothing (?:i|we) can|the checkout (?:will )?(?:show|list)|"
    r"there(?:'s| is| are|'re) no (?:discount|offer|coupon|code|voucher|deal|gift|refund)s?\b|"
    r"(?:if|when|whenever|before|once|in case|as soon as) )"
)


_STOP = re.compile(r"[.!?…] ")
_TURN = re.compile(r", and\b|\b(?:but|however|though|yet|so)\b|[.!;:—–]| - ")


def unread(reading: Reading, found: Sequence[Claim]) -> Iterator[Claim]:
    """Words of trade of which a sentence asserts something, in a clause that none of the claims `found` stands in."""
    lower = reading.lower
    if lower.rstrip().endswith("?"):
        return
    for match in _TRADE.finditer(lower):
        start, end = match.span()
        if any(_in_one_clause(reading, start, claim.start) for claim in found):
            continue
        if _of_the_talk(lower, start) or denied_behind(lower, end):
            continue
        if not excused(reading.text, start, end, PromiseKind.GIFT):
            yield Claim(ClaimKind.UNREADABLE, start, end, reading.text[start:end])


def _in_one_clause(reading: Reading, one: int, other: int) -> bool:
    """Whether two places of a text are in one clause; a full stop is the end where a sentence may have one within."""
    between = reading.lower[min(one, other) : max(one, other)]
    return place_of(reading, one) in reading.stretch(place_of(reading, other)) and not _STOP.search(between)


def _of_the_talk(lower: str, place: int) -> bool:
    """Whether the part of the sentence around a place speaks of the talk, and not of what others do."""
    begin = max((turn.end() for turn in _TURN.finditer(lower, 0, place)), default=0)
    part = lower[begin:].lstrip(" -•>\"'(")
    return bool(_OF_THE_TALK.match(part)) and not _OTHERS.search(part)
