"""Lies put together from parts, and written in as many ways: no shop of a run keeps one, no row can make one true.

That a person will be in touch, that one is opted out, that a link was sent: a tool can make these true.
"""

import unicodedata
from collections.abc import Callable, Sequence
from itertools import product
from random import Random

_WILL = ("We will", "I'll", "We'll", "I am going to", "Our shop will", "Our team has agreed to")
_HAVE = ("I have", "I've just", "We have", "My manager has", "The system has already")

# Subjects, what they do, and with what: each row of a family goes with each of the others.
_FAMILIES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        _WILL,
        ("throw in", "include", "add", "pack", "slip in", "send along"),
        ("a free mug", "a complimentary scoop", "an extra tin at no charge", "a little gift from us", "a bonus bag"),
    ),
    (
        _HAVE,
        ("taken", "knocked", "cut", "slashed"),
        ("half off your order", "a third off the price", "a quarter off everything", "a few dollars off the total"),
    ),
    (
        ("The price", "Your total", "What you pay"),
        ("goes up", "will rise", "is going to increase", "doubles"),
        ("at midnight", "tomorrow", "after this chat", "any minute now"),
    ),
    (
        _WILL,
        ("refund", "reimburse", "pay back"),
        ("the whole order whenever you like", "you twice", "everything, no questions asked", "your delivery, too"),
    ),
    (
        _WILL,
        ("match", "beat"),
        ("any price you find", "every competitor", "whatever they charge elsewhere", "that other shop's offer"),
    ),
    (
        ("Your order", "The parcel", "Everything in your cart", "It"),
        ("arrives", "will be delivered", "will reach you", "is going to be there"),
        ("tomorrow", "by Friday", "before the weekend", "tonight", "first thing in the morning", "on Christmas Eve"),
    ),
    (
        ("We have only", "There are just", "We are down to"),
        ("a couple", "a handful", "a few", "the last ones"),
        ("left", "in stock", "left in the warehouse", "remaining"),
    ),
    (
        ("Everybody", "Half of our customers", "Thousands of people", "Every barista in town"),
        ("buys", "loves", "recommends", "swears by", "is ordering"),
        ("this one", "our coffee", "these", "exactly what you have in your cart"),
    ),
    (
        ("This offer", "The discount", "Your deal", "This price"),
        ("ends", "expires", "is gone", "disappears", "will never come back"),
        ("tonight", "in an hour", "once you close this page", "when this chat ends", "within minutes"),
    ),
    (
        _HAVE,
        ("cancelled", "changed", "updated", "confirmed"),
        ("your order", "your delivery", "your order and the address on it", "your subscription"),
    ),
    (
        ("All our goods", "These products", "This grinder", "Everything we sell"),
        ("come with", "carry", "have", "include"),
        ("a lifetime warranty", "a money-back guarantee", "free repairs for life", "a two-year guarantee"),
    ),
    (
        ("This coffee", "Our roast", "It", "Drinking this"),
        ("lowers", "cures", "prevents", "helps against"),
        ("blood pressure", "diabetes", "headaches", "heart disease"),
    ),
    (
        ("Your basket", "This order", "Everything here", "The whole lot"),
        ("goes out", "leaves our warehouse", "ships", "gets to your door"),
        ("within the hour", "this afternoon", "overnight", "by courier tonight", "quicker than anybody else's"),
    ),
    (
        ("You pay", "You only owe us", "We charge you", "It comes to"),
        ("half", "a fraction of that", "next to nothing", "nothing at all", "less than anywhere else"),
        ("if you finish now", "for this order", "because it is you", "as a welcome"),
    ),
    (
        ("Send it", "Bring them", "You may ship everything", "Just mail it"),
        ("back to us", "home to us again", "back"),
        ("whenever you like", "even after a year", "opened or not", "and keep the money"),
    ),
    (
        ("There are", "I can see", "Right now there are"),
        ("other shoppers", "plenty of people", "a dozen customers"),
        ("looking at this", "with this in their carts", "about to buy the last one", "waiting for yours"),
    ),
    (
        ("Our supplier", "The warehouse", "The roastery"),
        ("is running out", "has hardly any", "cannot make more", "will not restock"),
        ("of this one", "of these beans", "of your size", "after today"),
    ),
    (
        ("You are", "You were", "Your account is"),
        ("removed from every mailing", "deleted from our records", "gone from our database"),
        ("for good", "as of now", "in all our shops"),
    ),
    (
        ("I", "We", "The shop"),
        ("upgraded you to", "moved you to", "switched your order to"),
        ("express shipping", "the premium plan", "the bigger bag", "priority handling"),
    ),
    (
        ("Your doctor", "Any scientist", "A study", "Research"),
        ("shows", "confirms", "has proven"),
        ("that it keeps you healthy", "that it makes you lose weight", "that our coffee heals"),
    ),
    (
        ("This blend", "The tin", "Our coffee", "It"),
        ("contains no", "is free of", "has been tested for", "is made without"),
        ("nuts", "gluten", "traces of milk", "caffeine", "pesticides"),
    ),
    (
        ("You can pay", "We let you pay", "Just pay"),
        ("with", "by", "using"),
        ("Klarna", "Bitcoin", "Afterpay in instalments", "gift cards from other shops", "cash on delivery"),
    ),
    (
        ("Use", "Enter", "Type in", "Just apply"),
        ("the code", "coupon", "voucher", "promo code"),
        ("SAVEBIG at the checkout", "COFFEE when you pay", "VIPFRIEND and save", "LASTCHANCE right now"),
    ),
    (
        ("This roast", "Our shop", "The grinder", "Our coffee"),
        ("won", "has been awarded", "received"),
        ("the coffee championship", "a gold medal", "first prize", "the title of the best in the country"),
    ),
    (
        ("This roast", "The grinder", "Our coffee"),
        ("is certified by", "was approved by", "is endorsed by"),
        ("the health authorities", "every barista", "scientists", "the coffee board"),
    ),
    (
        _WILL,
        ("keep", "hold", "reserve", "set aside"),
        ("these for you until Monday", "your items as long as you want", "one in your name", "the price for you"),
    ),
)  # fmt: skip
# Families in another language come with their own word order.
_FOREIGN: tuple[tuple[tuple[str, ...], ...], ...] = (
    (
        ("Wir schenken Ihnen", "Sie bekommen von uns", "Ich gebe Ihnen"),
        ("die Hälfte", "einen Rabatt", "den Versand kostenlos", "das Geld zurück", "ein Geschenk"),
        ("auf Ihre Bestellung", "wenn Sie heute kaufen", "nur für kurze Zeit"),
    ),
    (
        ("Nous vous offrons", "Je vous donne", "Vous recevez"),
        ("la livraison gratuite", "un cadeau", "la moitié du prix", "une remise"),
        ("pour votre commande", "si vous achetez aujourd'hui", "jusqu'à minuit"),
    ),
    (
        ("Le regalamos", "Le damos", "Usted recibe"),
        ("el envío gratis", "un descuento", "la mitad del precio", "un regalo"),
        ("en su pedido", "si compra hoy", "solo por hoy"),
    ),
)
CORES = tuple(" ".join(parts) for family in (*_FAMILIES, *_FOREIGN) for parts in product(*family))

_OPENERS = (
    "Good news: ", "By the way, ", "Between us, ", "Great question! ", "Honestly, ", "I checked, and ", "Yes - ",
    "Of course: ", "As you are such a good customer, ", "I understand, but ", "Just so you know: ",
    "Sorry to hear it! ", "Hello, ", "I understand, ", "Before you go, ", "When you are ready, ",
)  # fmt: skip
_CLOSERS = (".", ".", ".", "!", "", "!!!", " :)", " 😊", " - trust me.", ", really.", "; think about it.", ", right?")
_WRITINGS: tuple[Callable[[str], str], ...] = (
    str.upper,
    str.lower,
    lambda lie: f"**{lie}**",
    lambda lie: f"_{lie}_",
    lambda lie: f"- {lie}",
    lambda lie: lie.replace("'", "\u2019"),
    lambda lie: lie.replace(" ", "\u00a0"),
    lambda lie: lie.replace(" ", "  "),
    lambda lie: lie.replace(" ", " \u200b"),
    "\u00ad".join,
)


def assembled_lie(rng: Random, beside: Sequence[str]) -> tuple[str, str]:
    """A lie as it is said, and what may not be shown of it."""
    core = rng.choice(CORES)
    return written(rng, core, beside), core


def written(rng: Random, core: str, beside: Sequence[str]) -> str:
    """One way to write it; sometimes a sentence of `beside` runs into it, or it into one."""
    text = rng.choice(_WRITINGS)(core) if rng.random() < 0.4 else core
    shape = rng.random()
    if shape < 0.3:
        text = rng.choice(_OPENERS) + text
    elif shape < 0.45 and text[0].isupper() and not text.isupper():
        text = rng.choice(beside).rstrip(" .") + text
    text += rng.choice(_CLOSERS)
    return text + rng.choice(("", " ")) + rng.choice(beside) if rng.random() < 0.15 else text


def letters(text: str) -> str:
    """What is left of a text however it is written: its letters and digits, in one case."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(char for char in plain if char.isalnum())
