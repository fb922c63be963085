"""The last net: a sentence that speaks of the trade in words that no pattern knows is not vouched for.

Wordings are endless ("you owe us next to nothing"). What they speak of is not: prices, parcels, returns, stock, other
shoppers, cures, what was done to the shopper's order. Such a sentence passes when a passage says as much.
"""

import re
from collections.abc import Iterator, Sequence

from policy.claims.claim import Claim, ClaimKind
from policy.claims.excuses import asks, denied_behind, excused
from policy.claims.facts import PromiseKind
from policy.claims.reading import Reading
from policy.claims.scopes import place_of

# Of these a denial is a promise as well: "we don't charge for delivery".
_COST = r"pays?|paying|owes?|charg(?:e|es|ed)|costs?|bills?|cents?|fees?"
_DONE_TO_YOU = (
    r"(?:upgraded|moved|switched|changed|added|removed|cancell?ed|put|gave|given|sent|made|saved|credited|enrolled|"
    r"signed|registered|booked|extended|doubled|granted|deleted|shipped|reserved|transferred|updated|unlocked|approved|"
    r"waived|cut|lowered|reduced|secured|ordered|wired|placed|swapped|renewed|expedited)"
)
_OTHERS = r"customers|shoppers|buyers|suppliers?|stud(?:y|ies)|research|scientists?|doctors?"
_TRADE = re.compile(
    r"\b(?:"
    rf"(?P<cost>{_COST})|pric(?:e|es|ed|ing)|paid|invoic\w+|(?:comes?|adds up) to|money|fortune|"
    r"discount\w*|offers?|deals?|coupons?|vouchers?|bargains?|cheap\w*|savings?|on sale|rebates?|free(?! to)|"
    r"ships?|shipped|shipping|deliver\w*|arriv\w+|reach(?:es)? you|dispatch\w*|couriers?|postage|parcels?|packages?|"
    r"warehouse|(?:your|the) door\w*|(?:in|of|out of) stock|restock\w*|runs? out|hardly any|"
    r"returns?|returned|refund\w*|exchang\w+|(?:send|bring|ship|mail|give|take|post) (?:\w+ ){0,3}(?:back|home)|"
    r"warrant\w+|guarante\w+|insured|repairs?|heal(?:s|th|thy|thier)?|allerg\w+|"
    rf"{_OTHERS}|(?:plenty|lots|hundreds|thousands|dozens|most|many|all) (?:of )?(?:the |these )?people|"
    r"around the clock|day and night|24/7|any time of (?:the )?(?:day|night)|seven days a week|"
    r"true to size|runs? (?:\w+ ){0,3}(?:small|large|narrow|wide|short|long)|"
    r"unsubscribed|mailings?|our (?:mailing )?(?:lists?|records|database)|"
    rf"(?:i|we|he|she|they|(?:the|our|my|an?) \w+)(?: have| has|'ve)?(?: just| already| now)? {_DONE_TO_YOU} "
    r"(?:you|your|yours)"
    r")(?!\w)"
)
# Of the talk itself: what one understands, wants to know, can look up or may be told.
_BEFORE_TALK = (
    r"(?:(?:and|but|so|ok|okay|well|sure|yes|no|oh|sorry|great|thanks|of course|absolutely|certainly|totally|please|"
    r"no problem|no worries|alright|got it|one moment|just a (?:moment|second)|hold on)[,!.;:]* )*"
)
_WE_TALK = (
    r"(?:i|we)(?:'d|'ll|'m|'ve| would| will| am| have| can| could| do)?(?: \w+ly| just| also| really| do)? "
    r"(?:(?:understand|hear|get|see|know|hope|wonder|think)(?! that (?!(?:the |this |your )?(?:price|"
    r"cost|costs|shipping|delivery|money|total)\b)| (?:(?:we|our|it|they|any\w*|every\w*)\b|you "
    r"(?:owe|pay|get|save)))|"
    r"appreciate|reali[sz]e|noted|sorry|happy|glad|like|love|check(?:ing|ed)?|look(?:ing|ed)?|have a look|explain|show|"
    r"help|find|tell|answer|compare|go|walk|ask|able|here|afraid)\b"
)
_YOU_TALK = (
    r"you(?:'ll|(?:'re| are)? (?:can|could|may|might|will|welcome|asked|said|mentioned|wanted|want|wish|right|looking|"
    r"wondering)) ?(?:also |always |still )?(?:to )?(?:ask|find|see|read|enter|check|compare|view|choose|review|look|"
    r"change|pick|go|finish|complete|about|that|know|the)(?! (?:that )?(?:we|you|it|they)\b)\b"
)
_IT_MATTERS = (
    r"(?:shipping|delivery|the price|it|that) (?:does|can) (?:really )?(?:add|feel|seem|sound|matter|"
    r"be an? (?:dealbreaker|surprise|problem|concern|lot))\b|"
    r"(?:the )?(?:price|money|cost|budget|shipping|delivery)s? (?:(?:really|is|are|certainly|always) )*"
    r"(?:important|matters?)\b|(?:that|this) (?:sounds|makes)|"
    r"(?:it|that)(?:'s| is) (?:safe|fine|ok|okay|a good|normal|understandable|good|a (?:question|matter) of|"
    r"the (?:price|cost|money|shipping|"
    r"delivery)$)"
)
_OF_THE_TALK = re.compile(
    rf"{_BEFORE_TALK}(?:{_WE_TALK}|{_YOU_TALK}|{_IT_MATTERS}|"
    r"(?:let|tell|show|ask) (?:me|us)\b|feel free|thanks?\b|thank you|welcome|hello|hi\b|see you|take your time|"
    r"please (?:\w+ )?(?:pay|try|use|check|let|tell|have|take|enter|ask|review|note|choose|select|look)|"
    r"there(?:'s| is) nothing (?:i|we) can|here(?:'s| is| are) (?:the|what)\b|my job is\b|"
    r"there(?:'s| is| are|'re) no (?:discount|offer|coupon|code|voucher|deal|gift|refund)s?\b|"
    r"(?:if|when|whenever|before|once|in case|as soon as) )"
)
# It says where something stands or what it hangs on, and not what it is.
_POINTS = re.compile(
    r"\b(?:(?:in|on|to) (?:our|the) (?:\w+ )?(?:help )?pages?|(?:shown|listed|calculated|displayed|answered|explained) "
    r"(?:at|in|on|during) (?:the |your |our )?(?:\w+ )?(?:checkout|cart|steps?|pages?)|depends? on|"
    r"the checkout (?:will )?(?:shows?|lists?)|(?:our|the) (?:\w+ )?pages? "
    r"(?:has|have|lists?|says?|tells?|explains?))\b"
)
_BY_OTHERS = re.compile(rf"\b(?:{_OTHERS}|people)\b")
_STOP = re.compile(r"(?:[.!?…\u2600-\u27bf\U0001f000-\U0001faff]|[:;]-?\)) ")
# Where a part of a sentence ends; the commas of a list do not end it.
_TURN = re.compile(r", (?!(?:and |or )?\w+(?:[,.?!]|$| (?:and|or) ))|\b(?:but|however|though|yet|so)\b|[.!;:—–]| - ")


def unread(reading: Reading, found: Sequence[Claim]) -> Iterator[Claim]:
    """Words of trade of which a sentence asserts something, in a clause that none of the claims `found` stands in."""
    lower = reading.lower
    for match in _TRADE.finditer(lower, 0, _question_from(lower)):
        start, end = match.span()
        if any(_in_one_clause(reading, start, claim.start) for claim in found) or is_of_the_talk(lower, start):
            continue
        denied = denied_behind(lower, end) or excused(reading.text, start, end, PromiseKind.GIFT)
        if match["cost"] or not denied:
            yield Claim(ClaimKind.UNREADABLE, start, end, reading.text[start:end])


def _question_from(lower: str) -> int:
    """Where the question at the end of a text begins; an afterthought (", right?") makes none."""
    begin = max((stop.end() for stop in _STOP.finditer(lower.rstrip())), default=0)
    return begin if asks(lower[begin:]) else len(lower)


def _in_one_clause(reading: Reading, one: int, other: int) -> bool:
    """Whether two places of a text are in one clause; a full stop is the end where a sentence may have one within."""
    between = reading.lower[min(one, other) : max(one, other)]
    return place_of(reading, one) in reading.stretch(place_of(reading, other)) and not _STOP.search(between)


def is_of_the_talk(lower: str, place: int) -> bool:
    """Whether the part of the sentence around a place speaks of the talk or points, and not of what others do."""
    begin = max((turn.end() for turn in _TURN.finditer(lower, 0, place)), default=0)
    after = _TURN.search(lower, place)
    part = lower[begin : after.start() if after else len(lower)].lstrip(" -•>\"'(")
    return bool(_OF_THE_TALK.match(part) or _POINTS.search(part)) and not _BY_OTHERS.search(part)
