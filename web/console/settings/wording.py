"""What each setting is called and what it does. A setting without words of its own is called by its name."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from db.tables.policy import Channel
from web.console.settings.difference import Path
from web.console.wording import MESSAGE_CHANNELS, words

# In place of a unit: the currency of the shop.
MONEY = "money"


@dataclass(frozen=True)
class Words:
    label: str
    unit: str = ""
    hint: str = ""


_STAGES = {
    "browseReminder": "Browse reminder",
    "patternInterrupt": "Pattern interrupt",
    "diagnosisSurvey": "Diagnosis survey",
    "branchingIntervention": "Branching intervention",
    "nuclearOffer": "Nuclear offer",
    "lossVisualization": "Loss visualization",
    "winbackSequence": "Winback sequence",
}
_OCCASIONS = {
    "chat": "Checkout chat",
    "branching": "Branching intervention",
    "nuclear": "Nuclear offer",
    "voice": "Phone call",
    "exitIntent": "Exit intent",
}
_OPTIONS = {
    "bottom-right": "Bottom right",
    "bottom-left": "Bottom left",
    "inline": "In the page",
    "TOO_EXPENSIVE": "Too expensive",
}

# By the last name of the path, where it means the same everywhere.
_NAMES: Mapping[str, Words] = {
    "delayMinutes": Words("Delay", "min", "Minutes after the cart was abandoned."),
    "channels": Words("Channels"),
    "maxDiscountPercent": Words("Largest discount", "%"),
}

_PATHS: Mapping[Path, Words] = {
    ("enabled",): Words("Win back abandoned carts", hint="Off: no stage runs and nobody is contacted."),
    ("maxAttemptsPerCart",): Words("Messages for a cart", hint="Of every channel, in all stages together."),
    ("blackoutHours", "start"): Words("Quiet from", "o'clock", "In the shopper's own zone."),
    ("blackoutHours", "end"): Words("Quiet until", "o'clock"),
    ("stages", "branchingIntervention", "freeShippingThreshold"): Words(
        "Free shipping from", MONEY, "Cart value; empty means any."
    ),
    ("stages", "nuclearOffer", "voiceCallEnabled"): Words("May place a call"),
    ("stages", "nuclearOffer", "minCartValueForVoice"): Words("Call from a cart value of", MONEY),
    ("stages", "winbackSequence", "sequenceLength"): Words("Emails in the sequence"),
    ("offers", "cooldownDays"): Words("Cool-down", "days", "After an offer, a person gets no other for this long."),
    ("offers", "dailyBudget"): Words("Budget a day", hint="All discounts together; empty is no limit."),
    ("offers", "monthlyBudget"): Words("Budget a month"),
    ("offers", "marginFloorPercent"): Words("Margin floor", "%", "Of the discounted price, above the unit cost."),
    ("offers", "offerValidHours"): Words("An offer holds for", "hours"),
    ("offers", "excludedSkus"): Words("Excluded products", hint="One SKU a line: never discounted."),
    ("triggers", "urgency"): Words("Urgency"),
    ("triggers", "scarcity"): Words("Scarcity"),
    ("triggers", "scarcityBelowStock"): Words("Scarcity below a stock of"),
    ("triggers", "socialProof"): Words("Social proof"),
    ("triggers", "freeShipping"): Words("Free shipping progress"),
    ("triggers", "lossAversion"): Words("Loss aversion"),
    ("voice", "enabled"): Words("Place recovery calls", hint="Only to people who agreed in writing."),
    ("voice", "minCartValue"): Words("From a cart value of", MONEY),
    ("voice", "minCartValues"): Words(
        "In other currencies, from", hint="EUR 120, one a line. A cart in another currency is not called about."
    ),
    ("voice", "minCustomerLTV"): Words("From a customer value of", MONEY),
    ("voice", "minAbandonmentHours"): Words("Not before", "hours", "After the cart was abandoned."),
    ("voice", "maxAbandonmentHours"): Words("Not after", "hours"),
    ("voice", "requireEmailAttempts"): Words("Emails delivered first"),
    ("voice", "excludeFirstTimeBuyers"): Words("Leave out who never bought"),
    ("voice", "excludeRecentCalls"): Words("Days between calls to a person", "days"),
    ("voice", "callHours", "start"): Words("Calls from", "o'clock", "In the called person's zone, on weekdays."),
    ("voice", "callHours", "end"): Words("Calls until", "o'clock"),
    ("voice", "maxCallsPerDay"): Words("Calls a day at most"),
    ("voice", "script", "diagnosis", "followUps"): Words("Follow-ups"),
    ("voice", "script", "objectionHandling", "patterns"): Words("Objections"),
    ("position",): Words("Place on the page"),
    ("quickQuestions",): Words("Quick questions", hint="One a line, shown when the chat opens."),
    ("aiCapabilities", "canAnswerShipping"): Words("Answers about shipping"),
    ("aiCapabilities", "canAnswerReturns"): Words("Answers about returns"),
    ("aiCapabilities", "canAnswerPayment"): Words("Answers about payment"),
    ("aiCapabilities", "canApplyDiscounts"): Words("May apply discounts"),
    ("aiCapabilities", "maxDiscountPercent"): Words(
        "Largest discount in a chat", "%", "Lowers the chat cap of Offers and stages; it cannot raise it."
    ),
    ("escalateToHuman", "onFrustration"): Words("Offer a person to who is frustrated"),
    ("escalateToHuman", "onHighValue"): Words("Offer a person for valuable carts"),
    ("escalateToHuman", "highValueThreshold"): Words("Valuable from", MONEY),
}

# The chat's own switch has the same path as the flow's.
CHAT_PATHS: Mapping[Path, Words] = {
    ("enabled",): Words("Show the chat in the checkout", hint="Off: shoppers see no chat."),
}


def words_of(path: Path, *, own: Mapping[Path, Words] | None = None) -> Words:
    """What the form calls the setting."""
    if own and path in own:
        return own[path]
    if path in _PATHS:
        return _PATHS[path]
    if path[:2] in (("offers", "caps"), ("offers", "published")):
        return Words(_OCCASIONS.get(path[2], words(path[2])), "%")
    if path[0] == "stages" and path[-1] == "enabled":
        return Words("Runs")
    return _NAMES.get(path[-1], Words(words(path[-1])))


def title_of(path: Path) -> str:
    """A setting with its place, for lists where it stands alone: `Nuclear offer: delay`."""
    label = words_of(path).label
    match path:
        case ("stages", stage, _):
            return f"{_STAGES.get(stage, words(stage))}: {label.lower()}"
        case ("offers", "caps", _):
            return f"Cap: {label.lower()}"
        case ("offers", "published", _):
            return f"Published discount: {label.lower()}"
        case ("offers", "dailyBudget" | "monthlyBudget" as budget, currency):
            return f"{words_of(('offers', budget)).label}, {currency}"
        case ("voice", "script", part, _):
            return f"Call script, {words(part).lower()}: {label.lower()}"
        case ("voice", *_):
            return f"Phone calls: {label.lower()}"
        case ("triggers", _):
            return f"Trigger: {label.lower()}"
    return label


def option(value: str) -> str:
    if value in Channel.__members__:
        return MESSAGE_CHANNELS[Channel(value)]
    return _OPTIONS.get(value, words(value))


def told(value: object) -> str:
    """A value in a sentence."""
    match value:
        case None | "" | [] | {}:
            return "Not set"
        case bool():
            return "On" if value else "Off"
        case float():
            return f"{Decimal(str(value)).normalize():f}"
        case list():
            return ", ".join(option(each) if isinstance(each, str) else _item(each) for each in value)
        case dict():
            return _item(value)
        case str():
            return option(value) if value.isupper() else value
    return str(value)


def _item(value: object) -> str:
    assert isinstance(value, dict)
    return " → ".join(str(each) for each in value.values() if each)
