"""Words that tell what a sentence is about: stems, topics, and words that carry no meaning of their own."""

from functools import lru_cache


def word_set(text: str) -> frozenset[str]:
    """A set of words, written as one text."""
    return frozenset(text.split())


STOP = word_set(
    "a an and are as at be been being but by can could did do does for from get gets getting got had has have having "
    "here how i if in into is it its it's just let like make makes may me might more most much my no not now of on "
    "once only or our out over please shall she should so some such than that that's the their them then there "
    "there's these they they're this those to too under until up us very was we we're we'll we've were what when "
    "which while who will with within without would you you'd you'll you're you've your yours i'm i'll i've also "
    "about after again all already always am any around because before below between both each either else ever "
    "every few further great good happy hello help hi hurry currently right sure thanks thank today well yes still "
    "usually normally typically take takes took come comes go goes going need needs want know see look looks give "
    "gives given one two first second really even back per plus via vs that'll it'll don't doesn't isn't "
    "aren't can't "
    "won't didn't left remaining actually simply quite almost nearly exactly approximately roughly approx least "
    "less set brings bring leaves leave makes pays works working dropped drops drop went fell falls changed "
    "changes down lower okay ok oh and/or etc kindly yeah"
)

GENERIC = word_set(
    "scores score scored rates "
    "new final updated current revised exact full page pages "
    "it it's its that that's this these those they they're each item items product products price prices "
    "priced cost costs costing per piece unit units apiece bag bags pack packs box boxes bottle bottles tin "
    "tins cup everything altogether coming comes sells sell selling currently stock available rating rated "
    "average reviews review ratings stars star customers reviewers buyers quantity qty thing things one ones pieces "
    "goods together copies pairs pair pcs pc x × size"
)

_TOPIC_PREFIXES = {
    "deliver": "delivery", "arriv": "delivery", "shipping": "delivery", "shipment": "delivery",
    "postage": "delivery", "courier": "delivery",
    "dispatch": "dispatch", "ship": "dispatch",
    "return": "return",
    "refund": "refund", "reimburs": "refund",
    "exchang": "exchange",
    "warrant": "guarantee", "guarant": "guarantee",
    "discount": "discount", "sav": "discount", "coupon": "discount", "voucher": "discount", "promo": "discount",
    "total": "total", "subtotal": "total",
    "tax": "tax", "vat": "tax",
    "subscri": "subscription",
    "point": "points", "reward": "points", "loyalty": "points",
    "roast": "roast", "grind": "grind", "ground": "grind", "brew": "brew", "steep": "brew",
    "open": "hours", "clos": "hours", "hours": "hours",
    "repli": "support", "reply": "support", "respond": "support", "answer": "support", "support": "support",
    "cancel": "cancel",
    "pickup": "pickup", "collect": "pickup",
    "fresh": "freshness", "shelf": "freshness",
    "instal": "payment", "klarna": "payment",
    "restock": "restock", "preorder": "restock",
    "gift": "gift", "sample": "sample", "deposit": "deposit",
}  # fmt: skip
_TOPIC_WORDS = {"off": "discount", "open": "hours", "saved": "cart", "saving": "discount", "save": "discount"}
_NOT_TOPIC = frozenset({"savour", "savoury", "savor", "savory", "pointless", "relationship", "shipper", "hours"})

QUALIFIERS = word_set(
    "express standard economy overnight priority same-day next-day international domestic worldwide abroad overseas "
    "eu europe european uk usa states kingdom britain america canada mexico germany france spain italy "
    "ireland scotland wales england "
    "australia zealand japan china india asia africa hawaii alaska islands saturday sunday weekend opened "
    "opening unopened another other others competitor competitors elsewhere "
    "used unused damaged faulty defective broken sale final personalised personalized custom engraved perishable "
    "food equipment machine machines grinder grinders kettle kettles bean beans coffee tea mug mugs subscriber "
    "subscribers member members student students new existing wholesale christmas partial credit lifetime "
    "life forever worn unworn free "
    "instant instantly immediately automatically bulky heavy large small oversized prepaid bank paypal card "
    "everything anything everyone anyone anytime anywhere unlimited always every any all never double extended "
    "military teacher senior birthday referral app newsletter outlet clearance preorder backorder furniture "
    "satisfaction full complete entire whole decaf organic electronics accessories accessory po remote rural "
    "local city morning afternoon evening noon midnight twice whenever whatever whoever wherever"
)
UNIVERSAL = word_set(
    "everything anything everyone anyone anytime anywhere unlimited always every any all never forever lifetime "
    "whenever whatever whoever wherever"
)
RESTRICTORS = word_set(
    "member members subscriber subscribers subscription subscriptions student students wholesale first new "
    "selected eligible newsletter app birthday referral sale"
)

# Said of anything: of a denial they do not tell what is denied.
WEAK = word_set(
    "contain contains containing include includes included including made use uses used put keep kept place placed "
    "cover covers covered offer offers offered sold sell allowed possible available suitable send sent carried "
    "provided accept accepted accepts type kind sort part deal"
)

NEGATORS = word_set(
    "not no never cannot can't don't doesn't didn't isn't aren't won't wasn't unable neither nor "
    "couldn't shouldn't wouldn't haven't hasn't none cant dont doesnt isnt arent wont excluded excludes "
    "except excluding"
)


_ALIASES = {
    "eu": "european",
    "usa": "states",
    "america": "states",
    "uk": "kingdom",
    "britain": "kingdom",
    "sent": "send",
    "paid": "pay",
    "bought": "buy",
    "kept": "keep",
    "gave": "give",
    "given": "give",
    "took": "take",
    "taken": "take",
}


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A rough stem: returns, returned and returning are one."""
    word = _ALIASES.get(word, word)
    word = word.removesuffix("'s").removesuffix("s'")
    if len(word) < 5:
        return word.removesuffix("s") if len(word) == 4 and not word.endswith("ss") else word
    for ending, put in (("ies", "i"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("able", "")):
        if word.endswith(ending) and not word.endswith("ss"):
            word = word.removesuffix(ending) + put
            break
    return word[:-1] + "i" if word.endswith("y") else word.removesuffix("e")


@lru_cache(maxsize=8192)
def topic(word: str) -> str | None:
    """What a word of trade is about ("arrives" and "delivery" are one topic), or None."""
    if word in _TOPIC_WORDS:
        return _TOPIC_WORDS[word]
    if word in _NOT_TOPIC:
        return None
    return next((name for prefix, name in _TOPIC_PREFIXES.items() if word.startswith(prefix)), None)
