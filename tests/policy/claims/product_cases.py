"""What a product is made of, who approved it, whom it is safe for: said where a passage says it of that product."""

from policy.claims.facts import NameFact, PassageFact
from tests.policy.claims.cases import sentences_of

PRODUCTS = [
    PassageFact(
        "allergens",
        "Does your coffee contain allergens or gluten?\nOur bags contain coffee and nothing else. A coffee that tastes "
        "of hazelnut has no nuts in it. We roast no nuts in our building.",
    ),
    PassageFact(
        "labels",
        "All our teas are vegan. The Quiet Hours Decaf is certified organic. The Beech Scoop is dishwasher safe. "
        "The Rye Cookies are gluten-free but they contain milk.",
    ),
    NameFact("name", "Nut-Free Trail Mix"),
]

PRODUCTS_SAID = sentences_of(
    """
    # as a passage has it, of the same product
    A coffee that tastes of hazelnut has no nuts in it.
    Our coffee contains no nuts.
    The Quiet Hours Decaf is certified organic.
    The Beech Scoop is dishwasher-safe.
    Yes, the Rye Cookies are gluten free.
    All our teas are vegan.
    They are vegan.
    # a product's name
    The Nut-Free Trail Mix is still in your cart.
    # no claim: denied, weighed, asked, a warning, or about something else
    It isn't gluten-free.
    I can't say whether it is gluten-free.
    I don't know if it contains nuts.
    The Rye Cookies contain milk.
    It may contain traces of nuts.
    Are you looking for something vegan?
    If you need it gluten-free, please ask a person from the shop.
    I can't tell you if this is safe for pregnant women.
    Enjoy it without milk.
    You don't have to use sugar.
    We do not have eggs in stock.
    It has no lead time.
    It is safe to pay here.
    """
)

PRODUCTS_NOT_SAID = sentences_of(
    """
    # no passage says it
    Our coffee is gluten-free.
    The scoop contains no latex.
    There is no plastic in it.
    This blend doesn't contain any dairy.
    The bags are made without plastic.
    It is free from pesticides.
    The decaf is caffeine-free.
    It is FDA approved.
    Dermatologist tested.
    It is recommended by doctors.
    This one is certified fair trade.
    The mug is dishwasher safe.
    It's completely hypoallergenic.
    Safe for children with allergies.
    It is safe to drink during pregnancy.
    It lowers blood pressure.
    It cures headaches.
    It helps you lose weight.
    It boosts your immune system.
    It's good for your heart.
    It has no side effects.
    # a passage says it of another product, or of all of another kind
    The Signature Blend is certified organic.
    The Rye Cookies are vegan.
    It is certified organic.
    The Beech Scoop is gluten-free.
    # a passage says a part of it
    Our coffee contains no nuts or gluten.
    Our coffee contains no nuts, no gluten.
    The Rye Cookies contain no milk.
    # a question that is none
    Is it gluten-free? Yes.
    """
)
