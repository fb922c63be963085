"""Wordings that hurry a shopper (rules C-38, H-12), and what no row can ever make true (C-27, C-44)."""

from policy.claims.claim import Pressure
from policy.claims.wording import Wording, wording

PRESSURE: tuple[Wording, ...] = (
    wording(
        Pressure.NEVER,
        "lifetime price prices total pay cost costs rise increase up spot selling fast going viewing looking carts "
        "human person bot lose others else snapped demand people sells demanding never ends end expires expire gone "
        "disappears disappear away over back real name cheaper grabs flying missing ai crazy "
        "mad foolish silly fool data details record recorded recording charged billed interest pay "
        "installments instalments payments team support staff manager "
        "password passcode pin cvv cvc security card otp code",
        r"prices? (?:may|might|could|will|can|is going to|are going to|is about to|are about to|is likely to|are "
        r"likely to|'ll|is set to|are set to|won't stay)(?: \w+)? (?:go(?:ing)? up|increase|rise|change|climb|jump|"
        r"be higher|this low|low)",
        r"(?:prices?|totals?|costs?|what you pay)(?: (?!not |never )\w+){0,3} (?:goes? up|going up|rises?|rising|"
        r"increases?|increasing|climbs?|doubles?|triples?|gets? (?:higher|more expensive))"
        r"(?! (?:to|by|if|with)\b| (?:when|once|as) you (?:add|put|choose|pick))",
        r"lose (?:your|the|this|out|these|them|it)(?: \w+)? ?(?:spot|place|items?|cart|deal|offer|discount|order|"
        r"chance)?",
        r"(?:selling|sells|going|moving|flying|goes|disappearing) (?:\w+ )?(?:fast|quick|quickly|out|off the "
        r"shelves|like)",
        r"snapped up",
        r"(?:in )?(?:\w+ )?people'?s? (?:are (?:\w+ )?(?:looking|viewing|watching|eyeing)|carts)",
        r"(?:others|other (?:people|shoppers|customers)|someone else|\w+ others) (?:\w+ ){0,2}(?:looking|viewing|"
        r"watching|eyeing|buy|grab|have|take|get)",
        r"high demand",
        r"in demand",
        r"(?:crazy|mad|foolish|silly|a fool) (?:not )?to (?:wait|miss|pass|let|skip)",
        r"i(?:'m| am) (?:(?!not (?!only|just))\w+ ){0,3}(?:human|person|not (?:a |an )?(?:bot|ai|robot|machine))",
        r"i(?:'m| am) (?:(?!not (?!only|just)|to |get |find |ask |connecting |calling |happy )[\w,]+ ){0,4}(?:real|"
        r"actual|living|"
        r"human) "
        r"(?:person|human|being)",
        r"(?:i'm|i am|my name is|this is) \w+ (?:from|in|of|at|with) (?:the|our) (?:\w+ )?(?:team|support|staff)",
        r"(?:i|we)(?: have|'ve)? (?:\w+ )?(?:deleted|erased|wiped|removed) (?:all )?(?:of )?your (?:\w+ )?(?:data|"
        r"details|"
        r"record|information|account)",
        r"your (?:\w+ )?(?:data|details|information|account) (?:is|are|was|were|has been|"
        r"have been) (?:\w+ )?(?:deleted|"
        r"erased|wiped|removed)",
        r"(?:isn't|is not|not|never|aren't) (?:being )?(?:recorded|recording|stored)",
        r"(?:not|never|n't) (?:been )?(?:charged|billed|debited)",
        r"(?:no|zero|without(?: any)?) interest(?! in)",
        r"(?:monthly|interest[- ]free|easy) (?:instal?lments?|payments?)",
        r"pay (?:it |them )?(?:later|over time)",
        r"but (?:also )?(?:an? )?(?:real|actual|living|human) (?:person|human|being)",
        r"once[- ]in[- ]a[- ]lifetime",
        r"speaking as a (?:human|person)",
        r"you(?:'ll| will) (?:regret|miss out|be sorry|kick yourself)",
        r"going up (?:soon|tomorrow|tonight|next)",
        r"(?:ends?|expires?|gone|disappears?|goes away|is over|comes? back)(?: \w+)? (?:when|once|as soon as|after|"
        r"unless|if) (?:(?:this|the|our|we) (?:\w+ )?(?:chat|page|tab|window|conversation|call|session|talk|hang|stop|"
        r"end|close|finish)|you (?:close|leave|go|wait|don't|do not|hesitate))",
        r"before (?:someone else|anyone else|others|somebody else)",
        r"never (?:come|be) (?:back|repeated)",
        # Nobody is asked for what opens an account or pays (C-45).
        r"(?:give|tell|send|read|type|text|share|provide|write|confirm|what is|what's) (?:me |us |here |out |in )*"
        r"(?:your|the) (?:\w+ ){0,2}?(?:password|passcode|pin|cvv|cvc|security code|card numbers?|otp|"
        r"code (?:that |which )?(?:you|we) (?:just |have )?(?:got|get|received|sent|texted))",
    ),
    wording(
        Pressure.DEADLINE,
        "limited last chance hurry miss act gone late expires expire ends end soon final now wait today out "
        "rush long time lasts forever quick quickly once before while won't ending expiring running ticking "
        "clock one-time flash lifetime can",
        r"limited[- ]time",
        r"time[- ]limited",
        r"for a (?:short|limited) time",
        r"last[- ]chance",
        r"final (?:chance|hours|call|day|reminder|opportunity)",
        r"hurry",
        r"don't miss",
        r"act (?:now|fast|quick\w*)",
        r"(?:before|until|while) (?:it's|it is|they're|they are|this is) (?:too late|over)",
        r"(?:be|better be|got to be) quick",
        r"while you (?:still )?can",
        r"too late",
        r"(?:offer|deal|discount|code|price|sale|it|this|coupon|hold|cart|link) (?:\w+ )?(?:ends?|expires?|is "
        r"ending|is expiring|runs out|will expire|will end|disappears|won't last|goes away|is over) (?:\w+ )?(?:"
        r"soon|shortly|tonight|today|any minute)?",
        r"(?:ends?|expires?|ending|expiring) (?:very )?soon",
        r"won't (?:last|come back|return|be repeated|happen again|be here|be available|stay|be around)(?: \w+)?",
        r"now or never",
        r"one[- ]time (?:offer|deal|only|discount)",
        r"flash sale",
        r"(?:time|clock) is (?:running|ticking)",
        r"running out of time",
        r"only for today",
        r"(?:while|as long as) it lasts",
        r"order (?:now|fast|quick\w*|soon|today) (?:before|to|or|while|so)",
        r"don't wait",
        r"not (?:last|be) (?:long|forever)",
    ),
    wording(
        Pressure.SCARCITY,
        "gone snap grab pick few left low stock supplies limited gone sold running almost nearly last scarce "
        "remaining stocks "
        "single one out restock restocked more quantities edition rare dwindling availability handful couple",
        r"(?:only |just )?(?:a |the last )?(?:few|couple|handful|several|some)(?: of (?:them|these|those))?(?: \w+)"
        r"{0,2} (?:left|remain\w*|in stock|available)",
        r"low (?:in |on )?(?:stock|supply|inventory)",
        r"(?:stock|supply|inventory|supplies) (?:is|are) (?:\w+ )?(?:low|limited|dwindling|short)",
        r"(?:while|as long as) (?:supplies|stocks?|quantities) lasts?",
        r"limited (?:stock|supply|supplies|quantit\w+|edition|availability|number|release|run|batch)",
        r"(?:almost|nearly|practically|just about|about to be) (?:gone|sold out|out of stock|out)",
        r"running (?:low|out)",
        r"(?:sell|selling|sells) out",
        r"(?:will|'ll|could|may|might|going to) (?:\w+ )?be (?:gone|sold out|out of stock)",
        r"(?:only|just) (?:one|a single) (?:\w+ ){0,7}?(?:left|remain\w*|in stock)",
        r"(?:before|until|while) (?:it's|it is|they're|they are) (?:all )?gone",
        r"(?:snap|grab|pick) (?:it|one|this|them|yours)(?: up)? (?:now|while|before|fast|quick\w*)",
        r"scarce",
        r"the last (?:one|few|ones|items?|bags?|of (?:it|them|these))",
        r"last (?:ones?|few|bags?|pieces?|units?) (?:left|available|remaining)",
        r"hard to (?:get|find)",
        r"(?:won't|will not|cannot|can't|never) (?:be )?(?:restock\w*|(?:make|produce|order) (?:any )?more)",
    ),
)
