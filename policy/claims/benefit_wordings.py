"""Wordings that promise a benefit, a service level or praise by others."""

import re

from policy.claims.facts import PromiseKind
from policy.claims.wording import DONE, TOLD, Wording, wording

_P = PromiseKind
_PARCEL = (
    r"(?:it|them|this|everything|these|your (?:orders?|parcel|package|items?|coffee|beans|delivery|things|goods|"
    r"shipment|cart|purchase))"
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day"
_BY_WHEN = (
    rf"(?:(?:by|before|within) \w+|on (?:the |{_DAY}|time|\d|january|february|march|april|may|june|july|august|"
    r"september|october|november|december|christmas)|in (?:\w+ ){0,3}(?:days?|hours?|weeks?|minutes?|time|months?)|"
    rf"today|tonight|tomorrow|overnight|(?:this|next|same|the same|the next) (?:week|day|business|afternoon|"
    rf"morning|"
    rf"evening|{_DAY}|month)|(?:first thing )?in the (?:morning|afternoon|evening)|at (?:noon|midnight|dawn)|"
    rf"for (?:the )?(?:{_DAY}|weekend|christmas))"
)
_CARRY = (
    r"(?:shipping|delivery|postage|shipping costs?|shipping fees?|delivery fees?|delivery costs?|delivery charges?)"
)

_METHOD = (
    r"(?:(?:credit |debit |gift |store |major |all )*cards?|paypal|klarna|afterpay|clearpay|sezzle|laybuy|"
    r"bitcoins?|ethereum|crypto\w*|(?:apple|google|shop|amazon|samsung|wechat|meta) ?pay|alipay|venmo|cash ?app|"
    r"cash(?: on delivery)?|che(?:que|ck)s?|bank transfers?|wire(?: transfers?)?|invoices?|(?:monthly )?instal?lments|"
    r"sofort|twint|sepa|giropay|bancontact|visa|master ?card|amex|american express|discover|maestro|stripe|"
    r"ideal|interac(?: debit)?|postfinance|swish|vipps|mobilepay|blik|multibanco|eps|jcb|diners(?: club)?|unionpay|"
    r"paypay|line pay|revolut(?: pay)?|wero|direct debit)"
)

PAYMENT_METHOD = re.compile(rf"\b{_METHOD}\b")

BENEFITS: tuple[Wording, ...] = (
    wording(
        _P.FREE_SHIPPING,
        "shipping delivery postage ship ships shipped delivered deliver",
        rf"free (?:\w+ ){{0,2}}{_CARRY}",
        rf"{_CARRY}(?: [\w€$£]+(?:[.,]\d+)*){{0,8}}? (?:is|are|will be|would be|comes|being|'s|stays|becomes|goes) "
        rf"(?:\w+ ){{0,2}}(?:free|on us|"
        r"on me|on the house|complimentary|waived|included|covered|nothing)",
        rf"{_CARRY}(?:'s)? (?:\w+ )?(?:free|on us|on the house|complimentary|waived|covered)",
        r"(?:ships?|shipped|delivered?) (?:\w+ ){0,3}(?:free|at no cost|at no charge|on us)",
        r"(?:waiv\w+|cover\w*|took off|tak\w+ off|remov\w+|dropp?\w*|(?<!you )(?<!to )(?<!buyers )(?:paid|pay|"
        r"paying)|"
        r"knock\w* off|lift\w*|comp\w*) "
        rf"(?:off )?(?:the |your |all |for )*(?:\w+ )?{_CARRY}(?! method| address| option)",
        rf"(?:no|zero|without|without any) (?:(?!free|complimentary)\w+ )?(?:{_CARRY}(?: (?:cost|costs|fee|fees|"
        rf"charge|charges))?|cost of"
        r" shipping)(?= at all| to pay| for you| on|[.!]|$)",
        rf"(?:no|zero) {_CARRY} (?:cost|costs|fee|fees|charge|charges)",
        r"(?:won't|will not|don't|do not|needn't) (?:have to |need to )?(?:pay|be charged|owe)(?: \w+){0,2} for "
        rf"{_CARRY}",
        rf"(?:aren't|are not|'re not|not) paying (?:\w+ )?for {_CARRY}",
        rf"not a (?:cent|penny|dime) (?:for|in) {_CARRY}",
        rf"(?:pay|costs?) (?:you )?nothing (?:for|in) {_CARRY}",
        rf"{_CARRY} (?:won't|will not|doesn't) cost (?:you )?(?:a thing|anything|a cent)",
        rf"complimentary (?:\w+ )?{_CARRY}",
        rf"{_CARRY}[^.!?]{{,80}}, [^.!?]{{,60}}\bit (?:would be|will be|becomes) free",
    ),
    wording(
        _P.DISCOUNT,
        "combined stacked together bargain steal cheaper extend extended extending discount discounted "
        "coupon voucher deal savings "
        "save saving saved offer promo cheaper sale price "
        "total reduction code bargain bogo cut lower reduced off markdown rebate cashback credit less prices "
        "applied activated redeemed deducted taken order bill",
        rf"(?:{TOLD} {DONE}|you |you'll |you will |you can |you've |you're |can |to |there is |there's |there are"
        r" |here is |here's |please |and |has |have |with |with your |with the )(?:\w+ )?(?:appl(?:y|ied|ying)|add"
        r"(?:ed|ing)?|giv(?:e|en|ing)|gave|get|gets|getting|got|offer(?:ed|ing)?|have|has|receiv\w+|unlock\w*|"
        r"qualif\w+ for|enjoy|activat\w+|includ\w+|grant\w*|secur\w+|approv\w+|arrang\w+|throw in|eligible for)"
        r" (?:you )?(?:\w+ ){0,3}?(?:discount|coupon|voucher|promo code|discount code|deal|special "
        r"offer|special price|savings|money off|price cut|price reduction|reduction|rebate|store credit|cashback|"
        r"better price|lower price|offer)s?(?: code)?",
        r"(?:there is|there's|here is|here's|with|you have|you've got) (?:an?|your|some|the|this) (?:\w+ ){0,2}"
        r"(?:discount|coupon|voucher|promo code|deal|special offer|special price|price cut|reduction|rebate|"
        r"offer)s?",
        r"your (?:\w+ ){0,2}(?:discount|coupon|voucher|savings|special offer|special price|promo code)(?:'s| is| "
        r"are| has| have| was| will)?",
        r"(?:you'll|you will|you can|you could|you're|you|you've|lets you|helps you) (?:also |really )?sav(?:e|ed|"
        r"ing)(?! (?:your|it|the|this|a|for|them|my|these|up))",
        r"(?:lower(?:ed)?|reduc(?:e|ed|ing)|drop(?:ped)?|cut|slash(?:ed)?|knock(?:ed)?|shav(?:e|ed)|brought down|"
        r"bring down|tak(?:e|en|ing)|took) (?:\w+ ){0,3}(?:prices?|totals?|costs?|off(?! (?:our|the|my|all) "
        r"(?:\w+ )?list))(?! the shipping| shipping)",
        r"(?:is|are|it's|currently|now|'s) (?:\w+ )?(?:on sale|discounted|marked down|on offer|reduced|cheaper)",
        r"a (?:real |total |absolute |true )?(?:steal|bargain)",
        r"extend(?:ed|ing)? (?:your|the|this) (?:\w+ )?(?:offer|discount|deal|code|sale)",
        r"(?:sale|discounted|reduced|special) prices?",
        r"discounts? (?:\w+ )?(?:is|are|has been|have been|was|of|will be) (?:\w+ )?(?:applied|active|ready|waiting"
        r"|yours|in your cart|on|included|available)",
        r"buy \w+,? (?:and )?get",
        r"\w+[- ]for[- ](?:the price of )?(?:one|two|1|2)\b",
        r"bogo",
        r"price (?:has )?(?:just )?(?:dropped|came down|went down)",
        r"money off",
        r"store credit",
        r"cashback",
        r"discounts? (?:\w+ )?(?:just )?(?:for you|you get|you'll get|you have|you've)",
        r"at a discount",
        r"with a discount",
        r"(?:it|that|this|one|they|both)(?:'s|'re| is| are| was| were| has been| have been) (?:now |already |just )*"
        r"(?:applied|activated|redeemed|deducted|taken off|on (?:the|your) (?:order|total|bill))",
        r"ma(?:de|king) (?:it|this|that|them) (?:\w+ )?(?:cheaper|cost less)",
        r"for less",
    ),
    wording(
        _P.CODE,
        "code coupon voucher",
        r"(?:use|using|enter|type in|apply|try|redeem|with) (?:the |this |my |our |just )*(?:promo |discount )?(?:code|"
        r"coupon|voucher) (?!(?:at|in|on|is|are|you|we|when|during|while|if|field|box|for|that|from|which|before|and|"
        r"or|to|of|as|will|can|has|into|here|there|below|above|itself|again|now)\b)\w+",
    ),
    wording(
        _P.PRICE_MATCH,
        "match matched matching beat lowest difference competitor best cheapest better lower unbeatable cheaper less",
        r"(?:best|lowest|cheapest|better|lower|unbeatable) (?:possible )?(?:prices?|deals?)",
        r"(?:the )?(?:cheapest|least expensive) (?:\w+ )?(?:you|there is|around|anywhere|on the market|online)",
        r"(?:won't|will not|can't|cannot) (?:find|get|buy) (?:\w+ )?(?:\w+ )?(?:cheaper|better|lower|less)(?: "
        r"\w+)?",
        r"(?:nobody|no one|no other shop|none) (?:\w+ )?(?:sells|offers|beats|has|does) (?:\w+ ){0,2}(?:cheaper|"
        r"lower|less|better)",
        r"price[- ]match\w*",
        r"(?:match|beat)(?:es|ed|ing)? (?:[\w']+ ){0,4}(?:prices?|offers?|deals?|quotes?|competit\w+|rivals?|shops?|"
        r"stores?|sellers?)",
        rf"{TOLD} (?:can |could |will |would |always |even |gladly |happy to |going to )*(?:match|beat) "
        r"(?:whatever|what|any\w*|every\w*|all|them)",
        r"(?:refund|pay|give you) (?:you )?the difference",
        r"lowest price (?:guarantee|promise)",
        r"match (?:it|that|them)(?! with| to)",
    ),
    wording(
        _P.REFUND,
        "refund refunds refunded refunding pay paid paying money reimburse reimbursed refundable",
        r"(?:full|partial|complete|instant|your|a|the|immediate) refund",
        r"refund(?:s|ed|ing)?(?! polic| question| request| page| rule| term| option)",
        r"money[- ]back",
        r"money (?:will be )?(?:back|returned)",
        r"reimburs\w+",
        r"pa(?:y|id|ying) (?:\w+ ){0,4}back",
        r"refundable",
    ),
    wording(
        _P.RETURNS,
        "send sent back questions return returns returned returning exchange exchanges exchanged "
        "exchangeable returnable",
        r"no (?:returns?|exchanges?)",
        r"(?:send|sending|mailing|posting|shipping) (?:\w+ ){0,4}back (?:is|will be|'s) (?:\w+ )?free",
        r"(?:can|cannot|can't|may|could|able to|free to|welcome to|will|always|simply|just|easily|be) (?:\w+ )?"
        r"(?:return(?:ed)?|exchange(?:d)?|send (?:\w+ ){0,2}back|(?:be )?(?:sent|taken|given|brought) back)",
        r"(?:free|easy|hassle-free|no-hassle|simple|extended|30-day) (?:returns?|exchanges?)",
        r"(?:returns?|exchanges?) (?:are|is|will be|within|for|up to|period|window|accepted|'s)",
        r"(?:accept|take|offer|allow)(?:s|ed)? (?:\w+ )?(?:returns?|exchanges?)",
        r"no questions asked",
        r"(?:we|we'll|we will) (?:\w+ )?take (?:\w+ ){0,3}back",
        r"returnable",
        r"exchangeable",
        r"return (?:it|them|any\w*|unused|unopened|your|within|for|the|period|window)",
    ),
    wording(
        _P.DELIVERY,
        "deliver delivered delivers delivery arrive arrives arriving arrival ship ships shipped shipping get "
        "dispatched reach same-day next-day overnight door doorstep day receive sent post out leaves there "
        "worldwide internationally hands you time soon",
        rf"(?:deliver(?:ed|s|y|ing)?|arriv(?:e|es|ing|al)|ship(?:s|ped|ping)?|dispatch(?:ed|es)?|get {_PARCEL}|"
        rf"receive {_PARCEL}|be there|have (?:it|them)|reach(?:es)? you|sent out|leaves?(?: our \w+)?|goes out|"
        rf"go out|"
        r"with you|at your door|in your hands|on your doorstep)(?! (?:address|options?|methods?|notes?|details|"
        rf"instructions|costs?|fees?|charges?))(?: \w+){{0,4}}? {_BY_WHEN}",
        r"(?:same|next)[- ](?:business[- ])?day (?:delivery|shipping|dispatch|arrival)",
        r"overnight (?:delivery|shipping)",
        r"(?:express|expedited|fast|faster|rush|priority|standard|international|worldwide) (?:delivery|shipping) "
        r"(?:is|takes|arrives|available|gets|will|for|means|costs)",
        r"(?:we|we'll|we can|i can|can) (?:also |now |always |currently )?(?:deliver|ship) (?:\w+ )?(?:to|worldwide"
        r"|internationally|everywhere|anywhere|today|tomorrow|overnight|within|in|by|on|out)",
        r"(?:delivery|shipping) (?:takes|time is|is \d|within|by|today|tomorrow)",
        r"(?:arrives?|delivered|ships?|there|out) (?:today|tomorrow|tonight|overnight|on time|soon|right away|"
        r"immediately|the (?:same|next) day)",
        r"in time for",
        r"(?:arriv|deliver|ship|dispatch)\w* (?:\w+ ){0,2}(?:quickly|fast|promptly|in no time|right away|"
        r"immediately)",
        r"on its way to you",
        rf"(?:they|{_PARCEL})(?:'ll be| will be|'s| is|'re| are) (?:\w+ )?with you (?:very )?(?:soon|shortly|"
        r"in no time)",
    ),
    wording(
        _P.GUARANTEE,
        "combined stacked together never secure safe private guarantee guaranteed guarantees warranty "
        "warranties promise promised "
        "risk-free risk certified "
        "certainly lifetime assure promises satisfaction guaranteeing",
        r"guarante\w+",
        r"warrant(?:y|ies|ied)",
        r"(?:i|we) (?:\w+ )?(?:promise|assure|swear)",
        r"(?:my|our) (?:\w+ )?promise",
        r"risk[- ]free",
        r"no[- ]risk",
        r"zero risk",
        r"without (?:any )?risk",
        r"certified",
        r"(?:can|may|could) (?:\w+ )?be (?:combined|stacked|used together|used with)",
        r"satisfaction",
        r"never expires?",
        r"no expiry",
        r"never (?:share|sell|pass on|give away) your",
        r"(?:is|are|stays) (?:\w+ )?(?:completely|totally|perfectly|fully|absolutely) (?:safe|secure|private)",
    ),
    wording(
        _P.GIFT,
        "present surprise goodie treat free gift complimentary bonus house charge cost sample samples extra throw "
        "throwing us freebie nothing gratis little",
        r"(?<!-)(?<!feel )(?<!caffeine )(?<!sugar )(?<!gluten )(?<!dairy )(?<!lactose )(?<!hands )(?<!cruelty )free"
        r"(?! to\b|dom|[- ](?:time|range|trade|standing|hand|of (?:\w+ )?(?:caffeine|sugar|dairy|gluten|lactose|"
        r"nuts?|plastic|bpa|additives|preservatives)))",
        r"(?:duty|tax|interest|postage|charge)[- ]free",
        r"(?:a|the|your|little|small) (?:\w+ )?(?:gift|present|surprise|goodie|treat) (?:in|inside|with|for you|is|"
        r"waiting|included|from us)",
        r"complimentary",
        r"on the house",
        r"bonus",
        r"(?:no|without|at no) (?:\w+ )?(?:extra |additional )?(?:charge|cost)",
        r"throw(?:n|ing)? in",
        r"freebies?",
        r"gratis",
        rf"{TOLD} {DONE}(?:includ\w+|add(?:ed|ing)?|put|slipp\w+|toss\w*|pack\w*) (?:\w+ ){{0,2}}"
        r"(?:a little (?:something|extra)|something (?:extra|special))",
        r"(?:an?|one|some) extra (?:\w+ ){0,2}(?:in|inside|with) your (?:parcel|package|box|delivery)",
        r"as a gift (?:from|to) (?:us|you)",
        r"gift from us",
        r"on us",
        r"our treat",
        r"costs? (?:you )?nothing",
        r"for nothing",
    ),
    wording(
        _P.POPULARITY,
        "love adore choose swear rave trust prefer recommend come bestseller bestsellers best-seller "
        "best-sellers best-selling best popular everyone everybody most "
        "people customers shoppers loved trending top-rated rated award award-winning favourite favorite "
        "favourites favorites fan others #1 love number bestselling top many crowd winner rave buyers demand "
        "won wins winning awarded received earned half thousands hundreds dozens millions every",
        r"best[- ]?sell(?:er|ers|ing)",
        r"(?:very |most |so |hugely |extremely |really )?popular(?:ity)?",
        r"(?:everyone|everybody|nobody|no one|people|customers|shoppers|buyers|coffee lovers|most|many|others|fans|"
        r"they all|our regulars|guests|(?:thousands|hundreds|dozens|millions|half)(?: of (?:\w+ )?\w+)?|every \w+"
        r"(?: (?:in|around) \w+)?) (?:\w+ )?(?:absolutely |really |just )?(?:is |are "
        r")?(?:loves?|loving|buying|choosing|adores?"
        r"|raves?|buy|buys|bought|choose|chose|chooses|prefer|prefers|pick|picks|picked|recommend|recommends|agree|"
        r"agrees|orders?|ordering|swears?|recommends|recommending|viewing|looking|enjoy|come back|"
        r"can't get enough|are raving)",
        r"(?:most|many|other|our|all|happy|countless|lots of|plenty of|a lot of|of our) (?:\w+ )?(?:people|"
        r"customers|shoppers|buyers|coffee lovers|fans|users)(?: who)?(?: \w+)? (?:love|choose|buy|bought|prefer|"
        r"pick|recommend|go for|order|say|said|agree|also|are|rave|enjoy|like|return|rate|rated|report|swear|keep|"
        r"come|use|find)",
        r"(?:\w+s|people|folks?) (?:all |really |absolutely |just )?(?:love|adore|choose|swear by|rave about|"
        r"trust|prefer|"
        r"recommend|come back for|can't get enough of) (?:us|it|this|these|them|our|that|the)",
        r"(?:well|much|most|widely|best|universally)[- ]?loved",
        r"loved by",
        r"trending",
        r"(?:top|highly|best|well)[- ]?rated",
        r"top[- ]?(?:seller|pick|choice)s?",
        r"award[- ]winning",
        r"(?:fan|customer|crowd|shop|staff|team|house|all-time|people's|local|firm) (?:favou?rite|pleaser)s?",
        r"favou?rites? (?:of|among|with|for)",
        r"number one",
        r"#\s?1",
        r"(?:frequently|often|usually|commonly) (?:bought|paired|ordered|purchased)",
        r"rave reviews",
        r"(?:won|wins|winning|awarded|received|earned) (?:\w+ ){0,4}(?:awards?|prizes?|medals?|championships?|"
        r"competitions?|titles?|troph(?:y|ies))",
        r"five[- ]star",
        r"hot (?:item|seller)",
        r"world's (?:best|finest)",
        r"best in (?:class|the)",
    ),
    wording(
        _P.PAYMENT,
        "pay paying paid payment payments accept accepts accepting accepted take takes support supports",
        rf"(?:accepts?|accepting|takes?|supports?|(?:pay|paying|paid|payments?) (?:\w+ ){{0,2}}?(?:with|by|via|using|"
        rf"through|in|on))(?! (?:another|a (?:different|second|new)|your|"
        rf"the same))(?: \w+){{0,3}}? {_METHOD}(?:(?:,| and| or|, and|, or) (?:by |with |via )?{_METHOD})*",
        rf"{_METHOD}(?:(?:,| and| or|, and|, or) {_METHOD})* (?:is|are|'s) (?:\w+ )?(?:accepted|supported|"
        r"fine|ok|okay|possible)",
    ),
)
