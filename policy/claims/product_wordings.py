"""Wordings that say what a product is made of, who approved it, for whom it is safe and what it does to a body."""

from policy.claims.facts import PromiseKind
from policy.claims.wording import Wording, wording

# What somebody may have to keep away from. Denied, it is a claim; affirmed, it is a warning and may be said.
_MATTER = (
    r"(?:(?:added|artificial|refined|animal|harmful|synthetic|tree|traces? of|other|known|common|major) )*"
    r"(?:allergens?|(?:pea|wal|hazel)?nuts?|almonds?|cashews?|pistachios?|gluten|wheat|dairy|lactose|milk|soya?|eggs?|"
    r"sesame|mustard|celery|shellfish|fish|sugars?|sweeteners?|caffeine|sul(?:ph|f)[ai]tes?|additives?|preservatives?|"
    r"colou?rings?|flavou?rings?|pesticides?|herbicides?|gmos?|bpa|pfas|plastics?|microplastics?|latex|fragrances?|"
    r"perfumes?|parabens?|phthalates?|silicones?|alcohol|animal (?:products?|ingredients?)|leather|meat|pork|gelatine?|"
    r"chemicals?|toxins?|lead|mercury|nickel|heavy metals?|mou?ld|dyes?|wax|beeswax|honey|wool|fur|corn|yeast|starch|"
    r"(?:(?:palm|seed|vegetable|coconut|mineral|essential) )?oils?|side effects?|cruelty|calories|carbs|fat|salt|"
    r"sodium)(?! times?)"
)
_ALL = rf"{_MATTER}(?:,? (?:(?:or|and|nor|no|any) )+{_MATTER}|, {_MATTER})*"
_LACKS = r"(?:doesn't|don't|does not|do not|didn't|did not|never|won't|will not)"
# "We have no eggs" is about the shop's stock.
_HAVE = r"(?<!we )(?<!you )(?<!i )(?<!we don't )(?<!you don't )(?<!i don't )(?<!we do not )have"
_EXPERT = (
    r"(?:fda|usda|epa|ce|gmp|doctors?|physicians?|dermatologists?|dermatologically|vets?|veterinarians?|dentists?|"
    r"pa?ediatricians?|nutritionists?|experts?|scientists?|clinically|medically|scientifically|lab|laborator(?:y|ies)|"
    r"third[- ]party|independently)"
)
_APPROVED = (
    r"(?:approved|certified|tested|proven|recommended|registered|cleared|inspected|endorsed|accredited|verified)"
)
_LABEL = (
    r"(?:organic(?:ally (?:grown|farmed|sourced))?|kosher|halal|vegan|vegetarian|keto|paleo|hypoallergenic|"
    r"non[- ]?toxic|biodegradable|compostable|recyclable|carbon[- ]neutral|climate[- ]neutral|fair[- ]?trade|"
    r"ethically \w+|sustainabl[ey](?: \w+)?|non[- ]gmo|food[- ](?:grade|safe)|"
    r"(?:dishwasher|microwave|oven|child|baby|pet)[- ](?:safe|proof)|waterproof|fire[- ]?proof|flame[- ]retardant|"
    r"handmade|hand[- ]crafted)"
)
_AILMENT = (
    r"(?:anxiety|(?:\w+ )?pain|headaches?|migraines?|diabetes|cancer|blood (?:pressure|sugar)|cholesterol|acne|eczema|"
    r"insomnia|inflammation|depression|(?:\w+ )?disease|colds?|flu|(?:\w+ )?symptoms?|wrinkles|ag(?:e)?ing|arthritis|"
    r"allergies|infections?|hair loss)"
)
_BODY = r"(?:heart|health|skin|liver|gut|stomach|body|bones|brain)"

PRODUCTS: tuple[Wording, ...] = (
    wording(
        PromiseKind.PRODUCT,
        "free contain contains containing has have no zero without approved certified tested proven recommended "
        "registered cleared inspected endorsed accredited verified organic organically kosher halal vegan vegetarian "
        "keto paleo hypoallergenic toxic nontoxic biodegradable compostable recyclable neutral trade fairtrade "
        "ethically sustainable sustainably gmo grade safe proof waterproof fireproof retardant handmade crafted cures "
        "cure heals heal treats treat prevents prevent relieves relieve lowers lower reduces reduce eases ease helps "
        "help boosts boost strengthens strengthen improves improve lose losing shed burns burn weight detox detoxes "
        "detoxifies good great better health healthy healthier side don't doesn't never not "
        "poisonous harmful dangerous flammable hazardous friendly baggage luggage",
        rf"{_MATTER}[- ]free",
        rf"free (?:of|from) (?:any |all )?{_ALL}",
        rf"(?:contain(?:s|ing)?|has|{_HAVE}|with|there (?:is|are)|there's|made with|uses?) (?:absolutely |literally )?"
        rf"(?:no|zero) {_ALL}",
        rf"(?:made|produced|roasted|grown|processed|brewed|is|are|comes?) (?:\w+ )?without (?:any )?{_ALL}",
        rf"{_LACKS} (?:\w+ )?(?:contain|{_HAVE}|include|use|hold|cause) (?:any |the )?{_ALL}",
        rf"(?:isn't|aren't|is not|are not|never) (?:made|produced|processed) with (?:any )?{_ALL}",
        rf"{_EXPERT}[- ]{_APPROVED}",
        rf"{_APPROVED} by (?:the |our |many |leading |most )?{_EXPERT}",
        r"(?:approved|certified|endorsed|accredited|inspected) by (?:the )?\w+",
        r"(?:been |lab[- ]|independently )*tested (?:for|against|on|free)",
        rf"certified {_LABEL}",
        rf"{_LABEL}[- ]certified",
        rf"(?:is|are|'s|'re|being|all|both|100%|completely|fully|entirely|totally) "
        rf"(?:(?!not |never |no )\w+ |100% ){{0,2}}?{_LABEL}",
        r"safe (?:for (?!your (?:order|payment|card|data|details))|during |while |to (?:eat|drink|use|take|wear|give|"
        r"consume|ingest))(?:\w+ ?){0,4}",
        r"(?:cures?|heals?|treats?|prevents?|relieves?|lowers?|reduces?|eases?|helps? (?:with|against)) "
        rf"(?:your |the |my )?{_AILMENT}",
        r"(?:boosts?|strengthens?|improves?) (?:your |the )?(?:immune system|immunity|metabolism|digestion|sleep|"
        r"memory|fertility|health|focus|concentration)",
        r"(?:lose|losing|shed) weight|burns? fat|weight loss|detox(?:es|ifies)?",
        rf"(?:good|great|healthy|healthier|better) for (?:your|the) {_BODY}",
        r"health benefits|(?:is|are|'s|'re) (?:very |really |so )?health(?:y|ier)",
        r"no side effects",
        r"(?:isn't|aren't|is not|are not|'s not|'re not|never|neither) (?:\w+ )?"
        r"(?:toxic|poisonous|harmful|dangerous|flammable|hazardous)",
        r"(?:pet|child|kid|cat|dog|baby|skin)[- ]friendly",
        r"(?:checked|hold|hand|carry-on|cabin) (?:baggage|luggage)",
    ),
)
