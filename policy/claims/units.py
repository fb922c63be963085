"""Vocabulary of units and limits."""

from policy.claims.vocabulary import word_set

_DOLLARS = frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"})
CURRENCY_SIGNS = {
    "$": _DOLLARS,
    "€": frozenset({"EUR"}),
    "£": frozenset({"GBP"}),
    "¥": frozenset({"JPY", "CNY"}),
    "₹": frozenset({"INR"}),
    "₩": frozenset({"KRW"}),
    "₪": frozenset({"ILS"}),
    "₺": frozenset({"TRY"}),
}
CURRENCY_WORDS = {
    **dict.fromkeys(("dollar", "dollars", "buck", "bucks"), _DOLLARS),
    **dict.fromkeys(("euro", "euros"), frozenset({"EUR"})),
    **dict.fromkeys(("pound", "pounds", "quid", "sterling"), frozenset({"GBP"})),
    "yen": frozenset({"JPY"}),
    "yuan": frozenset({"CNY"}),
    **dict.fromkeys(("rupee", "rupees"), frozenset({"INR"})),
    **dict.fromkeys(("dinar", "dinars"), frozenset({"KWD", "BHD", "JOD"})),
    **dict.fromkeys(("kr", "krona", "kronor", "kroner"), frozenset({"SEK", "NOK", "DKK"})),
    **dict.fromkeys(("franc", "francs"), frozenset({"CHF"})),
    **dict.fromkeys(("zloty", "zł"), frozenset({"PLN"})),
}
MINOR_WORDS = {
    **dict.fromkeys(("cent", "cents", "¢", "c"), _DOLLARS | {"EUR"}),
    **dict.fromkeys(("pence", "penny", "pennies", "p"), frozenset({"GBP"})),
    "fils": frozenset({"KWD", "BHD", "JOD"}),
}
PERCENT_WORDS = frozenset({"%", "percent", "pct", "percents"})
DURATION_UNITS = {
    **dict.fromkeys(("second", "seconds", "sec", "secs", "s"), "second"),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), "minute"),
    **dict.fromkeys(("hour", "hours", "hr", "hrs", "h"), "hour"),
    **dict.fromkeys(("day", "days", "d"), "day"),
    **dict.fromkeys(("week", "weeks", "wk", "wks"), "week"),
    **dict.fromkeys(("month", "months"), "month"),
    **dict.fromkeys(("year", "years", "yr", "yrs"), "year"),
}
MEASURE_UNITS = {
    **dict.fromkeys(("g", "gr", "gram", "grams", "gramme", "grammes"), "g"),
    **dict.fromkeys(("kg", "kilo", "kilos", "kilogram", "kilograms"), "kg"),
    **dict.fromkeys(("ml", "millilitre", "millilitres", "milliliters"), "ml"),
    **dict.fromkeys(("l", "litre", "litres", "liter", "liters"), "l"),
    **dict.fromkeys(("oz", "ounce", "ounces"), "oz"),
    **dict.fromkeys(("lb", "lbs"), "lb"),
    **dict.fromkeys(("cm", "centimetre", "centimetres"), "cm"),
    **dict.fromkeys(("mm",), "mm"),
    **dict.fromkeys(("bar", "bars"), "bar"),
    **dict.fromkeys(("w", "watt", "watts"), "w"),
    **dict.fromkeys(("v", "volt", "volts"), "v"),
    **dict.fromkeys(("inch", "inches"), "inch"),
    **dict.fromkeys(("mile", "miles"), "mile"),
    **dict.fromkeys(("km", "kilometres", "kilometers"), "km"),
}

DEGREES = frozenset({"°", "degrees", "degree"})
_SCALES = {"c": "celsius", "celsius": "celsius", "centigrade": "celsius", "f": "fahrenheit", "fahrenheit": "fahrenheit"}


def degrees(following: str) -> tuple[frozenset[str], int]:
    """The unit of a temperature by the word after the degree sign, and how many words it takes."""
    if following in _SCALES:
        return frozenset({_SCALES[following]}), 1
    return frozenset(_SCALES.values()), 0


_LOWER_WORDS = word_set("over above exceeds exceed exceeding from beyond minimum past after min")
_UPPER_WORDS = frozenset({"under", "below", "within", "maximum", "inside", "max", "beneath"})

Words = tuple[str, str, str]


def lower_limit_before(words: Words) -> bool:
    """Whether the three words before a number set a lower limit: "more than", "at least", "over"."""
    first, second, third = words
    if third == "of":
        return second in {"minimum", "excess"}
    if (second, third) == ("more", "than"):
        return first not in {"no", "not", "never"}
    return (second, third) in {
        ("at", "least"), ("starting", "at"), ("starts", "at"), ("upwards", "of"), ("greater", "than"),
        ("later", "than"), ("longer", "than"), ("higher", "than"),
    } or (third in _LOWER_WORDS and not (third == "from" and second in {"away", "far"}))  # fmt: skip


def lower_limit_after(words: Words) -> bool:
    """ "or more", "and up", "+", "minimum"."""
    first, second, _ = words
    return first in {"+", "minimum", "upwards"} or (
        first in {"or", "and"} and second in {"more", "up", "over", "above", "higher", "later", "longer", "upwards"}
    )


def upper_limit_before(words: Words) -> bool:
    """ "less than", "up to", "at most", "within"."""
    first, second, third = words
    if (second, third) == ("more", "than"):
        return first in {"no", "not", "never"}
    return third in _UPPER_WORDS or (second, third) in {
        ("less", "than"), ("fewer", "than"), ("up", "to"), ("at", "most"), ("lower", "than"), ("as", "little"),
        ("cheaper", "than"), ("sooner", "than"), ("maximum", "of"), ("maximum", "is"),
    }  # fmt: skip


def upper_limit_after(words: Words) -> bool:
    """ "or less", "max", "at most"."""
    first, second, _ = words
    return first in {"max", "maximum", "tops"} or (
        first in {"or", "and"} and second in {"less", "under", "fewer", "below", "lower", "sooner"}
    )
