"""When the words of a promise promise nothing: negated, asked, weighed, or offered for the shopper to accept."""

import re

from policy.claims.claim import Pressure
from policy.claims.facts import PromiseKind

_P = PromiseKind
# Behind one of these words a sentence has not ended: "I cannot say that we ship free".
_UNFINISHED = (
    r"that|if|whether|because|until|unless|when|once|before|after|what|which|where|how|why|who|anything|nothing|"
    r"something|everything|way|nor|neither|than|help|let|make|have|"
    r"(?:say|claim|confirm|mean|believ|guarantee|suggest|pretend|assum|promis|mention|check)(?:e|s|es|ed|ing)?|"
    r"(?:tell|told|promise|assure|guarantee|show) you|think|thought|said|see|saw|seen|find|found|know|knew|like|sure|"
    r"certain|heard|hear|wish|hope|expect|read|wrote"
)
_IN_A_NAME = re.compile(
    r"\b(?:a|an|the|our|your|my|this|these|those|of|on|in|for|with|to|from|at|by|through|and|or|about|between|via|per|is|are|"
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|"
    rf"was|not|no|any|some|both|each|every|called|named|{_UNFINISHED}|[A-Z][a-z][\w'&-]*)$"
)
_BEHIND_UNFINISHED = re.compile(rf"\b(?:{_UNFINISHED})$")
# A sentence that follows another without a full stop: with a capital, "is not allowed Your gift is free", or with its
# own subject and verb, "is not allowed my colleague has sent it".
_CAPITAL = re.compile(r"(?<=[^.!?;:,(—–\s]) (?=[A-Z][A-Za-z]*(?:'[a-z]+)?:? [a-z])")
# Whatever stands before it, no name begins so: "opened or not Where is it?".
_NO_NAME = re.compile(
    r"(?<=[a-z]) (?=(?:Where|How|What|When|Which|Who|Why|Do|Does|Did|Can|Could|Is|Are|Would|Will|Shall|Should|We|You|"
    r"They|There|It|This|That) |\d+(?:[.,]\d+)?% \w+ (?:is|are|was|were|has|have|applies)\b)"
)
_OWN_SENTENCE = re.compile(
    r"(?<=\w) (?=(?:i|we|they|he|she) (?:sent|emailed|texted|told|asked|added|removed|changed|cancell?ed|ship)\b|"
    r"(?:i|we|you|they|it|he|she)(?:'(?:ve|ll|re|m|s)\b| (?:just |already |now )*(?:will|have|has|am|are|is|can|gets?|"
    r"ships?|saves?)\b)|"
    r"(?:(?:my|your|our|the|a|an|all|every) (?:(?!i |we |you |they |that |which |who )\w+ ){1,2}|"
    r"(?:some|every|no)(?:one|body) |(?:shipping|delivery) )(?:is|are|was|has|have|will|ships?|comes?|can|loves?|buys?)"
    r"\b)"
)
_CLAUSE_END = re.compile(
    r"¶|[.!?;:()—–|](?=\s|$)|[!?;:)](?=[^\W\d_])|\]|\s[-=]{1,2}>?\s|,"
    r"|\b(?:but|however|although|though|yet|because|since|(?<!long )as(?! long as))\b"
    r"|\b(?:and|so|or|then) (?=(?:i|we|you|it|they|your|the|there|he|she|shipping|i'll|i've|you'll|we'll|it's|"
    r"that|free)\b)"
)
_JOINS = re.compile(r"\b(?:and|or|so|then|plus) ")
_FINITE = re.compile(
    r"\b(?:i|we|you|it|they|he|she|is|are|was|will|can|has|have|ships?|comes?|gets?|loves?|buy|choose|arrives?|"
    r"delivers?|"
    r"do|does|did|don't|let|there)\b|'(?:s|ll|ve|re|m)\b"
)
_ASIDES = re.compile(r", (?:unfortunately|sadly|i'm afraid|i am afraid|however|at the moment|at this time|honestly),")

_VERB = (
    r"(?:(?:actually|currently|really|just|simply|personally|automatically|yet|be|been|have|ever|also|even|to|"
    r"able|any|"
    r"at the moment|at this time|right now) )*"
)
_NEGATORS = re.compile(
    r"\b(?:"
    r"(?:can't|cannot|can not|couldn't|could not|am not able to|are not able to|aren't able to|isn't able to|"
    r"unable to|"
    r"not able to|won't be able to|wouldn't be able to|not allowed to|not authori[sz]ed to|not permitted to|no "
    r"way to|"
    rf"not in a position to|don't have the option to|never|not going to|not promising|not offering) {_VERB}"
    r"(?!believe|wait|miss|regret|resist|worry|forget|hesitate|lose|go wrong|help but|stop|deny|beat|recommend|"
    r"thank|"
    r"overstate|stress|only|just|say enough|imagine|be happier|refuse|get better|be beaten|been easier|disappoint|"
    r"think of|fail)"
    rf"|(?:don't|doesn't|do not|does not|didn't|did not|haven't|hasn't|have not|has not|hadn't) {_VERB}"
    r"(?!worry|miss|forget|hesitate|wait|lose|regret|only|just|let|need|have to|want to miss|think|doubt|mind|"
    r"stop|often|fail|you love|want you to|yet|used?|claim|redeem|activat|open|notice|be shy|be afraid)"
    r"|(?:isn't|is not|aren't|are not|'re not|'m not|'s not|am not|wasn't|was not|weren't|won't be|will not be|"
    r"not yet|"
    r"not currently|no longer|not (?:eligible|available|part|covered|included|something|sure|certain)) "
    r"(?!only|just|joking|kidding|lying|until|going to regret|without)"
    r"|(?:won't|will not|wouldn't|would not) (?!regret|believe|disappoint|miss|hurt|only|just|want|lose|last|be "
    r"here|"
    r"be beaten|lie|hide|find|hear|stop|contact|email|text|call|message|bother|receive|get any|have to|need|stay|ever)"
    r"|(?:there's|there is|there are|there isn't|there aren't|i have|we have|have|has|with|see|offers?|find|"
    r"that's|it's|get) "
    r"(?:currently |really |actually |unfortunately |absolutely )?no "
    r"(?!(?:extra |additional )?(?:charge|cost|fee|risk|doubt|better|shipping|delivery|question|problem|need|"
    r"limit|more|"
    r"further|catch|minimum|reason|time|brainer|postage|one|hassle|hesitation|trouble|difficulty))"
    r"|^no (?!(?:extra |additional )?(?:charge|cost|fee|risk|doubt|better|shipping|delivery|question|problem|"
    r"worries|"
    r"need|limit|more|further|catch|minimum|reason|postage|one|hassle))"
    r"|instead of|rather than|nor|neither"
    r")"
)
# "Isn't it great that ..." asks for a yes and denies nothing.
_RHETORICAL = re.compile(
    r"^(?:(?:oh|and|so|but|well|hey|now|then|why),? )?(?:(?:isn't|aren't|wasn't|weren't|doesn't) (?!available|"
    r"possible|included|allowed|permitted|offered)|"
    r"(?:don't|didn't|won't|wouldn't|can't|couldn't|haven't|hasn't) (?:i|we|you|they|it|he|she|that|this|everyone|"
    r"everybody|people)\b|(?:who|what) (?:\w+n't|\w+ not) )"
)
_CONSIDERED = re.compile(
    r"\b(?:(?:see|check|find out|look|know|sure|ask|show you|tell you|tell me|explain|wonder) (?:what|which|how|"
    r"when|where|why|who)(?:'s)?|"
    r"you (?:want|need|would like|hoped)|you'd like|you were hoping|whether|if|unless|in case|as long as|"
    r"wonder(?:ing)?|depends on|check(?:ing)? (?:for|on|about)|ask(?:ed|ing)? "
    r"(?:for|about)|"
    r"asking|questions? (?:about|on)|look(?:ing)? (?:for|into|up)|you (?:said|mentioned|asked|wanted|requested|"
    r"wrote|wished)|"
    r"you're (?:asking|looking|after|hoping|worried|wondering)|know more about|tell you (?:more )?about|read about|"
    r"information (?:about|on)|details (?:about|on|of)|search(?:ed|ing)? for|request for|interested in|"
    r"concern(?:s|ed)? (?:is |about )|try(?:ing)? to find|like to know about|learn about|apply for|enter (?:a|"
    r"your|the|any))\b"
)
# Said of what the shopper asked for, it grants it: "you asked for free shipping, and you have it".
_GRANTS = re.compile(
    r"\b(?:yes|yep|yeah|indeed|granted|done|of course|you (?:do|did)|(?:you|you've) (?:have|get|got) (?:it|that|one|"
    r"them)|"
    r"it(?:'s| is) (?:yours|free|in|included|there|on|done|yours)|here (?:it is|you go)|so be it|"
    r"(?:it|that|this|one|they)(?:'s|'re|'ll| is| are| was| were| has been| have been| will be| will| comes?| goes| "
    r"waits?) (?!not |never )(?:\w+ )?(?:added|applied|activated|arranged|granted|active|ready|waiting|"
    r"(?:in|inside|on|onto|with|to|for|part of) (?:your|the|this) (?:parcel|package|packet|box|order|carts?|basket|bag|"
    r"delivery|shipment|purchase|total|account|house|checkout)))\b"
)
_ASSERTS = re.compile(
    r"\b(?:you get|you'll|you will|i'll|we'll|i will|we will|i've|we've|i can|we can|you save|then|ships)\b"
)
_ONE_MAY_ASK = re.compile(
    r"^(?:(?:so|and|but|ok|okay|sure|hi|hello|sorry|great|thanks|of course)[,!.]? )*(?:(?:do|did|have|are|were|"
    r"had|is|was|would|"
    r"could|can|may|shall|should|(?:what|which|where|who|when|how)(?! (?:i|we|you|it|they|he|she|the)\b)) )"
)
# An afterthought: "we ship today, right?" asks nothing.
_TAG = re.compile(r", (?!or )(?:[\w']+ ?){1,3}\?\W*$|(?:[:;]-?\)|[\u2600-\u27bf\U0001f000-\U0001faff])\W*$")
_BAIT = re.compile(
    r"\b(?:did you know|do you know|how about|what about|what if|would you like (?:a|free|an|some|your)|can i "
    r"offer|"
    r"may i offer|could i offer|shall i (?:give|apply|add)|would (?:a|free)|do you want (?:a|free|an)|don't you|"
    r"isn't it|"
    r"aren't they|why not|should i (?:give|apply)|have you heard|are you ready|can i give|want (?:a|free))\b"
)
_ABOUT_YOU = re.compile(
    r"\b(?:do you (?:have|see|need|mean)|did you (?:have|get|receive|find|enter|see|try|want|mean|order)|have "
    r"you|are you "
    r"(?:looking|asking|hoping|after|trying|waiting|worried|returning)|were you|was (?:it|the|that|your)|is "
    r"(?:it|that|this) the|"
    r"what|which|where|who (?:told|said|gave|promised)|is there (?:a|an|any)|is your|would you like to|"
    r"do you want to)\b"
)
_ACTIONS = frozenset(
    {
        _P.LINK_SENT, _P.HUMAN, _P.OPTED_OUT, _P.CART_SAVED, _P.ORDER_CHANGED, _P.REMINDER, _P.HOLD, _P.RETURNS,
        _P.DELIVERY, _P.IN_STOCK, _P.REFUND, _P.PAYMENT,
    }
)  # fmt: skip
_OFFERS_TO_ACT = re.compile(
    r"\b(?:would you like|do you want|shall i|should i|can i|may i|could i|want me|would it help|is it ok|if you "
    r"like|"
    r"if you'd like|if you want|if you wish|if you prefer|i can|i could|we can|happy to|let me know if|say the "
    r"word)\b"
)
_ACTS_ON_REQUEST = frozenset({_P.LINK_SENT, _P.HUMAN, _P.REMINDER, _P.OPTED_OUT, _P.CART_SAVED, _P.ORDER_CHANGED})
_ON_CONDITION = re.compile(
    r"^(?:\w+[,!] )?(?:if|once|when|as soon as|whenever|just say|tell me|say|before|after|should) "
)
_BEGINS_NEGATED = re.compile(r"won't|will not|can't|cannot|nobody|no one|no other|none|never|no questions")
_DENIES = re.compile(
    r"\b(?:not|cannot|never|no longer)\b|n't\b|\bno (?:returns?|refunds?|exchanges?)\b"
    r"|\b(?:have|has|is|are|get|see|offer|with) (?:\w+ )?no (?!question|problem|hassle|charge|cost|fee|extra|"
    r"minimum)"
)
_DENIES_IT = re.compile(r"(?: \w+){0,2}? (?:is|are|was|were|can|could|will|do|does|may) ?(?:n't|not|never)\b|n't\b")
# Of whoever speaks and what they know: "I can't see a refund", "our help pages do not mention returns".
_SPEAKER = re.compile(
    r"\b(?:i|i'm|i've|i'll|i'd|me|know|sure|certain|say|says|said|see|find|found|mention\w*|confirm\w*|promise\w*|tell|"
    r"guarantee\w*|cover|covers|covered|listed|help pages?|chat|whether|(?:no|not|n't|never) (?:\w+ )?(?:need|have to|"
    r"required))\b"
)
# What softens a denial takes nothing of it back.
_PREFACE = re.compile(
    r"^(?:(?:(?:i'm|i am|we're|we are) (?:really |very |so )?(?:afraid|sorry)(?: to say)?|"
    r"(?:i|we) (?:have|need) to (?:say|tell you)|you (?:need to|should|must) know|(?:please )?note)(?: that)? )+"
)
_DONE_ALREADY = re.compile(
    r"\b(?:i've|we've|i have|we have|i just|we just|has been|have been|is being|sent|emailed|texted|unsubscribed|"
    r"opted|"
    r"removed|added|put|placed|moved|dropped|took|"
    r"updated|changed|cancell?ed|saved|(?:has|have) (?:already |just )*\w+ed|"
    r"on (?:its|their|his|her) way|in your inbox|check your|i'm|we're|i am|we are)\b"
)


def begun_with_a_capital(text: str) -> set[int]:
    """Places of the spaces where another sentence begins without a full stop before it, by its capital."""
    said = {at.start() for at in _CAPITAL.finditer(text) if not _IN_A_NAME.search(text, 0, at.start())}
    return said | {at.start() for at in _NO_NAME.finditer(text)}


def _with_run_ons(text: str) -> str:
    """A sentence in lower case, with a mark for the space where another begins without a full stop before it."""
    lower = text.lower()
    own = {at.start() for at in _OWN_SENTENCE.finditer(lower) if not _BEHIND_UNFINISHED.search(lower, 0, at.start())}
    begins = begun_with_a_capital(text) | own
    return "".join("¶" if place in begins else char for place, char in enumerate(lower)) if begins else lower


def _clause_start(lower: str, start: int, end: int) -> int:
    """Where the clause of a match begins. A conjunction divides unless it only joins nouns ("no gift and free ...")."""
    ends = [match.end() for match in _CLAUSE_END.finditer(lower, 0, start)]
    begin = ends[-1] if ends else 0
    joined = [match.end() for match in _JOINS.finditer(lower, begin, start)]
    if joined and (_FINITE.search(lower, joined[-1], end) or len(lower[joined[-1] : start].split()) > 2):
        return joined[-1]
    return begin


def excused(text: str, start: int, end: int, kind: PromiseKind | Pressure) -> bool:
    """Whether the promise at a place of a sentence, as it was written, is none."""
    lower = text.lower()
    plain = _ASIDES.sub(lambda match: " " * len(match.group()), _with_run_ons(text))
    begin = _clause_start(plain, start, end)
    before = plain[begin:start].lstrip()
    if kind is Pressure.NEVER:
        return _is_negated(before) and "lose" not in lower[start:end]
    if _is_negated(before) or _negated_inside(lower, start, end, kind):
        return True
    if _weighed(plain, begin, start, end):
        return True
    done = bool(_DONE_ALREADY.search(lower[start:end]))
    if kind in _ACTS_ON_REQUEST and not done and _on_request(plain, before, start):
        return True
    return asks(lower) and _asked(plain, begin, end, kind)


def denied_by_the_company(text: str, start: int, end: int, kind: PromiseKind | Pressure) -> bool:
    """Whether the clause of a promise says what the company does not do, and not what the speaker cannot."""
    plain = _with_run_ons(text)
    begin = _clause_start(plain, start, end)
    before = _PREFACE.sub("", plain[begin:start].lstrip())
    denied = _is_negated(before) or _negated_inside(plain, start, end, kind) or denied_behind(plain, end)
    weighed = _weighed(plain, start - len(before), start, end)
    return denied and not (speaks_of_oneself(before + plain[start:end]) or weighed)


def speaks_of_oneself(clause: str) -> bool:
    """Whether it is of whoever speaks and what they know: "I can't see a refund"."""
    return bool(_SPEAKER.search(clause))


def denied_behind(lower: str, end: int) -> bool:
    """Whether what ends here is denied right after it: "refunds are not possible"."""
    return bool(_DENIES_IT.match(lower, end))


def asks(lower: str) -> bool:
    """Whether a sentence is a question as a whole."""
    if not lower.rstrip().endswith("?"):
        return False
    return begins_as_a_question(lower) or not _TAG.search(lower)


def begins_as_a_question(lower: str) -> bool:
    return bool(_ONE_MAY_ASK.match(lower.lstrip()))


def _is_negated(before: str) -> bool:
    """Whether something in front, in the same clause, denies what follows."""
    return bool(_NEGATORS.search(before)) and not _RHETORICAL.match(before)


def _negated_inside(lower: str, start: int, end: int, kind: PromiseKind | Pressure) -> bool:
    """The pattern itself begins before the negator: "your items are not reserved", "the offer is not free"."""
    if kind is _P.PRODUCT:  # "doesn't contain nuts" says something of it
        return False
    if kind is _P.IN_STOCK and "out" in lower[start:end]:  # "isn't sold out" says that there is some
        return False
    if kind in {_P.OPTED_OUT, _P.FREE_SHIPPING, _P.GIFT, Pressure.DEADLINE, _P.GUARANTEE}:
        return bool(
            re.search(r"\b(?:is|are|was) not (?:\w+ )?(?:free|included|complimentary|covered)\b", lower[start:end])
        )
    if kind is not _P.RETURNS and _BEGINS_NEGATED.match(lower[start:end]):  # "nobody sells it cheaper" boasts
        return False
    return bool(_DENIES.search(lower[start:end]))


def _weighed(plain: str, begin: int, start: int, end: int) -> bool:
    """Whether the promise stands under "whether", "if" or a report of what the shopper asked."""
    considered = list(_CONSIDERED.finditer(plain, begin, start))
    if not considered or _GRANTS.search(plain, end):
        return False
    between = plain[considered[-1].end() : start]
    return len(between.split()) <= 8 and not _ASSERTS.search(between)


def _on_request(plain: str, before: str, start: int) -> bool:
    """An act offered or made to depend on the shopper's word is not yet promised."""
    return bool(_OFFERS_TO_ACT.search(before) or _ON_CONDITION.match(plain[:start]))


def _asked(plain: str, begin: int, end: int, kind: PromiseKind | Pressure) -> bool:
    """Whether the clause of the promise is itself the question, and no bait ("did you know shipping is free?")."""
    clause = plain[begin:end].lstrip()
    if isinstance(kind, Pressure) or _BAIT.search(plain):
        return kind in _ACTIONS and bool(_OFFERS_TO_ACT.search(clause))
    if kind in _ACTIONS:
        return bool(_ONE_MAY_ASK.match(clause))
    return bool(_ABOUT_YOU.search(clause))
