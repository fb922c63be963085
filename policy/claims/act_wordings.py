"""Wordings that say something was or will be done for this shopper, or is there for them."""

from policy.claims.facts import PromiseKind
from policy.claims.wording import DONE, TOLD, Wording, wording

_P = PromiseKind
_PERSON = (
    r"(?:an? (?:\w+ )?(?:person|human|colleague|teammate|specialist|agent|representative|manager|member|expert|"
    r"human being)"
    r"|someone|somebody|(?:one|member|anyone) of (?:our|the) (?:\w+ )?(?:team|staff|people|colleagues|experts|"
    r"specialists)"
    r"|(?:our|the|my) (?:\w+ )?(?:team|staff|people|colleagues?|support|agents?|manager|specialists?|experts?|"
    r"baristas?|owner|founder|roasters?|boss)"
    r"|(?:our|the|customer) (?:customer )?(?:support|service|care)(?: team)?|a team ?mate|a real person|a live "
    r"agent)"
)
_GOODS = r"(?:items?|cart|order|things|products?|bags?|coffee|basket|it|them|this|everything|one|these|those|\w+)"

ACTS: tuple[Wording, ...] = (
    wording(
        _P.HOLD,
        "hold held holding reserve reserved reserving aside keep keeping lock locked secured save saved on set "
        "kept else",
        r"reserved",
        rf"{TOLD} {DONE}(?:reserv\w+|held|hold(?:ing)?|lock\w*|secur\w+)(?: \w+){{0,4}}",
        r"(?:set|put|setting|putting|kept|keep|keeping) (?:\w+ ){0,3}aside",
        r"(?:no one|nobody) else (?:can|will|could) (?:\w+ )?(?:buy|take|get|grab|have) (?:it|them|this|that|yours)",
        r"(?:on|under) hold for you",
        rf"(?:{TOLD}|can|to) {DONE}(?:keep(?:ing)?|kept|sav(?:e|ed|ing)) "
        rf"(?:\w+ )?(?:for you|{_GOODS} (?:\w+ )?(?:for you|aside|on hold|reserved|as long|until|till|for as))",
        r"(?:items?|cart|stock|order|one|they|it|bag|bags) (?:is|are|'s|'re|will be|stays?|has been|have been) (?:"
        r"\w+ )?(?:held|on hold|locked in|secured|set aside)",
        r"\bheld for\b",
        r"hold (?:is|expires|ends|runs)",
    ),
    wording(
        _P.IN_STOCK,
        "stock available availability inventory have ready supply plenty sold",
        r"(?:isn't|is not|aren't|are not|not|never|no longer) (?:\w+ )?(?:sold out|out of stock)",
        r"(?:in|back in) stock(?! (?:notification|alert|status|level|question)s?)",
        r"(?:is|are|'s|'re|it's|they're|still|both|all) (?:currently |still |now |readily |always |also |both |all "
        r"|right now )*available(?! to (?:help|talk|chat|you by)| by (?:phone|email)| at checkout| around)",
        r"(?:have|got|has) (?:plenty|lots|enough|loads|tons|a lot|many|some)(?: \w+){0,3} (?:left|in stock|"
        r"available|of)",
        r"ready to ship",
        r"plenty (?:left|in stock|available)",
        r"plenty of (?:stock|them|it)",
        r"well[- ]stocked",
    ),
    wording(
        _P.LINK_SENT,
        "sent send sending email emailed emailing texted text texting link inbox messaged message forwarded mailed sms",
        rf"{TOLD} {DONE}(?:sent|sending|send|emailed|emailing|email|texted|texting|text(?: you)|messaged|"
        r"messaging|forwarded|mailed|shot|dropped|popped|sms'?e?d)(?: (?:you|over|it|that|this|the|a|an|your|off|"
        r"out|everything|along|them|him|her|all|my|to)\b)"
        r"(?! (?:an?|the|your) (?:\w+ ){0,2}(?:label|parcel|package|replacement|spare|refund))",
        r"(?:link|email|text|message|sms|confirmation|summary|copy)(?:'s| has been| is being| was| is| has| will "
        r"be|"
        r" just) (?:\w+ )?(?:sent|emailed|texted|on its way|in your inbox|on the way|waiting in|gone out|headed|"
        r"delivered to)",
        r"you should have (?:an?|the|our|my) (?:\w+ )?(?:email|e-mail|text|message|link)",
        r"check your (?:\w+ )?(?:inbox|email|e-mail|phone|messages|texts|spam)",
        r"in your inbox",
        r"(?:you'll|you will|you should|you can expect to|you're going to) (?:\w+ )?(?:get|receive) "
        r"(?:an?|the|our|my|your) (?:\w+ ){0,3}(?:email|e-mail|text|message|link|sms|confirmation)",
        r"(?:sent|emailed|texted) (?:you|to your|it to|the link|a link|your)",
        r"here's (?:the|your) (?:\w+ )?link",
    ),
    wording(
        _P.HUMAN,
        "someone's somebody's told asked informed alerted notified person human colleague team someone "
        "somebody agent representative manager specialist staff connect "
        "connected connecting transfer transferring transferred owner founder roaster boss "
        "call calling ring hear touch reach support "
        "expert barista you teammate bot real people",
        r"(?:will|'ll|is going to|are going to) (?:\w+ )?(?:ring|call|phone|contact|message|write to|get back to|"
        r"reach out to|be in touch with|visit) you\b",
        rf"{_PERSON} (?:(?:from|at|in) (?:\w+ ){{1,3}})?(?:will|is going to|is about to|can be|'ll|is|are|has "
        rf"been|have been|has|have|should|shall) "
        r"(?:\w+ ){0,3}(?:join\w*|call\w*|contact\w*|reach\w*|repl\w+|get back|be with|(?:be|get) in touch|help\w* you|"
        r"take over|taking over|follow up|email\w*|on (?:the|its|his|her|their) way|looking|look into|notified|alerted|"
        r"informed|answer\w*|respond\w*|speak with you|talk to you|phone|ring|write|pick|review\w*|handle|on it)",
        rf"(?:someone|somebody|{_PERSON})'ll (?:\w+ )?(?:be|join|call|contact|reach|reply|get|help|take|follow|"
        r"email|answer|respond|ring|phone)",
        rf"(?:i've|we've|i'm|we're|i'll|we'll|i have|i will|i am|we will|we are|we have|i just|we just) {DONE}(?:"
        r"connect\w*|transfer\w*|pass\w*|hand\w*|escalat\w+|forward\w*|notif\w+|alert\w*|ask\w*|request\w*|call\w*|"
        r"contact\w*|told|tell\w*|inform\w*|flagged|flag|rais\w+|get\w*|got|bring\w*|put\w*|let|loop\w*|page\w*|"
        rf"paging|patch\w*|refer\w*)(?: \w+){{0,6}}? (?:with |to |through to |over to |in )?{_PERSON}",
        r"(?:you're|you are|you will be|you'll be|i'm|i am|we're) (?:now |being |currently )*(?:connect(?:ed|ing "
        r"you)|transferr?(?:ed|ing you)|speaking (?:with|to) a|talking (?:with|to) a)",
        r"(?:you'll|you will|you should|you can expect to) (?:\w+ )?(?:hear (?:back )?from|get a (?:call|reply|"
        r"response|phone call|callback) |be contacted|get a call|receive a (?:call|reply|callback))",
        r"(?:we'll|i'll|we will|i will|they'll|they will|she'll|he'll) (?:\w+ )?(?:get back to you|call you|ring "
        r"you|phone you|reach out|be in touch|contact you|give you a (?:call|ring)|follow up|have (?:\w+ "
        r")?someone)",
        r"(?:someone|somebody)'s (?:\w+ )?(?:on it|looking|coming|there|joining)",
        r"(?:i'll|we'll|i've|we've|i will|we will) pass(?:ed)? (?:this|that|it|your \w+) (?:on|along)",
        r"(?:i've|we've|i have|we have|i) (?:\w+ )?(?:told|asked|informed|alerted|notified|briefed) (?:our|my|"
        r"the|a|an) "
        r"(?!shop|store|system|question|following)\w+",
        r"callback (?:is|has been) (?:booked|scheduled|arranged)",
    ),
    wording(
        _P.OPTED_OUT,
        "unsubscribed unsubscribe opted opt removed hear contact email emails text texts message messages "
        "call calls bother list stop stopped remove taken off contacted messaged emailed texted",
        r"won't (?:ever )?(?:hear from|get|receive|be (?:contacted|messaged|emailed|called|texted))(?: \w+){0,4}",
        r"unsubscribed",
        r"opted (?:you )?out",
        r"opted-out",
        r"(?:taken|took|taking) (?:you )?off (?:our|the|all|every)",
        r"(?:taken|took|taking) you off",
        r"remov(?:ed|ing) (?:you|your (?:email|number|address|phone))",
        r"(?:no|zero) (?:more|further) (?:\w+ )?(?:emails?|messages?|texts?|calls?|reminders?|contact|sms)",
        r"(?:won't|will not|will never|never) (?:\w+ )?(?:contact|email|text|call|message|bother|reach out|write|"
        r"remind|disturb|send)(?: (?:to )?you)? ?(?:again|any ?more|any|further|\w+ (?:emails?|messages?|texts?))?",
        r"(?:stop|stopped|stopping|end|ended) (?:\w+ )?(?:sending|all|contacting|emailing|calling|texting|messaging"
        r"|messages|emails|calls)",
        r"you're (?:now )?off (?:our|the)",
        r"(?:unsubscrib\w+|opt\w*) you",
        r"that was the last (?:email|message|text|call)",
        r"i'll (?:unsubscribe|opt) you",
        r"you have been (?:removed|unsubscribed)",
    ),
    wording(
        _P.CART_SAVED,
        "cart saved save basket waiting selection progress items safe kept keep picks",
        r"(?:saved|kept|stored|saving|parked|preserved) (?:your|the|this|that|my) (?:\w+ )?(?:cart|basket|items?|"
        r"selections?|order|picks|progress|bag)",
        r"(?:cart|basket|items|selections?|picks|order|everything)(?: \w+)? (?:is|are|has been|have been|will be|'s"
        r"|stays?|remains?|'ll be) (?:\w+ ){0,2}(?:saved|safe|waiting|kept|stored|here|ready for you|where you left"
        r")",
        r"(?:i'll|we'll|i will|we will) (?:\w+ )?(?:save|keep) (?:your|the|this) (?:\w+ )?(?:cart|basket|"
        r"selections?|picks)",
        r"left (?:it|them|everything) (?:just )?(?:as|where)",
        r"keep(?:ing)? your cart",
    ),
    wording(
        _P.ORDER_CHANGED,
        "your for put taken dropped combined split order added removed updated changed upgraded cancelled canceled "
        "swapped replaced adjusted edited modified "
        "placed switched adding removing updating changing cancelling canceling swapping replacing now "
        "doubled increased decreased confirmed processed switch booked payment card account consider sorted arranged "
        "settled care manager person human colleague team someone somebody agent representative specialist staff "
        "support expert teammate barista owner founder roaster boss",
        r"(?:i've|we've|i have|we have|i|we|i just) (?:just |already |now )?(?!found|seen|see|look|can |could |"
        r"may )\w+ (?:\w+ "
        r"){1,6}"
        r"(?:in|into|to|from|out of) your (?:cart|basket|bag|order)",
        r"(?:i've|we've|i have|we have|i just|we just) (?:just |already |now )?(?!found|check|look|list|picked|put "
        r"together|gather|search|read|noted|compar|summari|collect|highlight|recommend|select|chos|narrow|explain|"
        r"pull|written|got|heard|seen)\w+ (?:\w+ ){1,6}for you",
        r"(?:i've|we've|i have|we have|i just|we just|i|we|i'm|we're|i am|i'll|we'll|i will|have|has) (?:already |just "
        r"|now |also |gone ahead and |went ahead and )*(?:added|adding|removed|removing|updated|updating|changed|"
        r"changing|upgraded|upgrading|cancell?ed|cancell?ing|swapp(?:ed|ing)|replac(?:ed|ing)|adjust(?:ed|ing)|edit"
        r"(?:ed|ing)|modif(?:ied|ying)|placed|placing|switch(?:ed|ing)|doubled|increased|decreased|processed|"
        r"confirmed|put|booked|taken|dropped|combined|split|redirected|rerouted|expedited) (?:\w+ ){0,7}?(?:order|"
        r"cart|basket|address|quantity|item|items|bag|bags|shipping|delivery|subscription|size|grind|colou?r|it|"
        r"them|that|this|those|one|mug|kettle|grinder|beans|coffee|out|purchase|payment|method|in)",
        r"(?<!otherwise )(?:your|the) (?:\w+ )?(?:order|cart|basket|address|quantity|subscription|shipping method|"
        r"delivery|purchase|payment|item|grind|size) "
        r"(?:has been|was|is now|is being|has now been|have been|'s been|is) (?:\w+ )?"
        r"(?:changed|updated|cancell?ed|placed|upgraded|modified|adjusted|confirmed|swapped|replaced|added|removed|"
        r"processed|switched|expedited|edited)",
        r"(?:is|are|'s) (?:now )?(?:in|out of) your cart now",
        r"(?:has|have) been (?:added|removed|swapped|placed)",
        r"now in your (?:cart|basket)",
        r"all done, (?:it|that)",
        r"order (?:is|has been) (?:confirmed|placed)",
        r"payment (?:went|has gone|is going) through",
        r"payment (?:was|has been) (?:\w+ )?(?:successful|received|accepted|processed|confirmed|completed?|taken)",
        r"(?:card|account) (?:was|has been) (?:\w+ )?(?:charged|debited|refunded|credited)",
        r"consider it done",
        r"(?:that's|that is|it's|it is|everything's|everything is) (?:\w+ )?(?:sorted|arranged|settled|taken care of)",
        r"manager (?:has |have )?(?:\w+ )?(?:agreed|approved|signed off|said yes|authori[sz]ed)",
        rf"{_PERSON} (?:has|have) (?:(?!not|never)\w+ )?(?!not|never)\w+(?:ed|en|nt) (?:you|it|your|the)\b",
    ),
    wording(
        _P.REMINDER,
        "remind reminder reminding notify notified know alert follow check ping",
        r"(?:i'll|we'll|i will|we will|i'm going to|we're going to|i've|we've|i'm|let me) (?:\w+ )?(?:remind\w*|set"
        r" (?:up )?(?:a|an|your) (?:reminder|alert)|notif\w+ you|alert you|ping you|let you know (?:when|as soon as"
        r"|once|the moment|if it)|check (?:back|in) (?:with you|on|later|tomorrow|in)|scheduled a reminder|send (?:"
        r"you )?(?:a|one) (?:\w+ )?reminder)",
        r"you(?:'ll| will) (?:be notified|get a (?:reminder|notification|alert)|receive a (?:reminder|notification|"
        r"alert))",
        r"(?:a|your) reminder (?:is|has been|will) ",
    ),
)
