"""A second shop: plants, sold in euros from Germany."""

from datetime import UTC, datetime

from policy.claims.facts import CountFact, Fact, MoneyFact, NameFact, PassageFact, Subject
from tests.policy.claims.cases import sentences_of

PLANTS_NOW = datetime(2026, 6, 10, 9, 30, tzinfo=UTC)  # a Wednesday

PLANTS: tuple[Fact, ...] = (
    PassageFact(
        "d",
        "Shipping within Germany takes two to three working days and costs €3.95. We ship free from €45. To "
        "Austria and Switzerland it takes 4–6 working days and costs €9.50. Plants leave our greenhouse on "
        "Mondays and Wednesdays only.",
    ),
    PassageFact(
        "r",
        "You may send back pots and tools within 14 days of delivery and get the full price back. Plants cannot "
        "be sent back, but if one arrives damaged we replace it within 7 days. The return label costs €4.50.",
    ),
    PassageFact(
        "g",
        "Is there a guarantee? Yes: our trees are guaranteed to grow for 12 months. Houseplants come with a "
        "30-day guarantee.",
    ),
    PassageFact("s", "Gift cards can be bought from €10 to €200 and are valid for three years."),
    PassageFact("o", "Our shop in Ulm is open Monday to Friday from 9 am to 6 pm and on Saturdays until 2 pm."),
    PassageFact("p", "You can pay by card, PayPal or invoice. With Klarna you pay in 3 instalments without interest."),
    PassageFact("w", "Water your ficus once a week with about 200 ml. It likes 18 to 24 degrees."),
    PassageFact("m", "We do not ship to the UK. Members of our club get 5% off every order."),
    MoneyFact("t", Subject.TOTAL, 4720, "EUR"),
    MoneyFact("st", Subject.SUBTOTAL, 4325, "EUR"),
    MoneyFact("sh", Subject.SHIPPING, 395, "EUR"),
    MoneyFact("gap", Subject.SHIPPING_GAP, 175, "EUR"),
    MoneyFact("th", Subject.SHIPPING_THRESHOLD, 4500, "EUR"),
    MoneyFact("p1", Subject.ITEM_PRICE, 1990, "EUR", "Ficus Elastica"),
    MoneyFact("p2", Subject.ITEM_PRICE, 2335, "EUR", "Copper Watering Can"),
    CountFact("q1", Subject.QUANTITY, 1, "Ficus Elastica"),
    CountFact("ic", Subject.ITEM_COUNT, 2),
    CountFact("s1", Subject.STOCK, 2, "Copper Watering Can"),
    CountFact("s2", Subject.STOCK, 0, "Olive Tree"),
    NameFact("n1", "Ficus Elastica"),
    NameFact("n2", "Copper Watering Can"),
    NameFact("n3", "Olive Tree"),
    NameFact("n4", "Pot 12 cm"),
)

PLANTS_SAID = sentences_of(
    """
    "Shipping within Germany takes 2-3 working days.
    Delivery in Germany takes two to three working days and costs €3.95.
    In Germany it takes 2 to 3 working days.
    We ship free from €45.
    Orders from €45 ship free.
    Shipping is free once you reach €45.
    You only need €1.75 more for free shipping.
    You're just 1,75 € short of free shipping.
    Shipping to Austria takes 4-6 working days.
    Shipping to Switzerland costs €9.50.
    Plants leave our greenhouse on Mondays and Wednesdays.
    Pots and tools can be sent back within 14 days.
    You can send back pots within two weeks.
    Plants can't be sent back.
    If your plant arrives damaged, we replace it within 7 days.
    The return label is €4.50.
    Our trees are guaranteed to grow for 12 months.
    Trees are guaranteed to grow for twelve months.
    Houseplants have a 30-day guarantee.
    Gift cards are valid for 3 years.
    You can buy gift cards from €10 to €200.
    The shop in Ulm is open Monday to Friday from 9 am to 6 pm.
    On Saturdays we're open until 2 pm.
    With Klarna you can pay in three instalments.
    Give the ficus about 200 ml once a week.
    It likes 18 to 24 degrees.
    We don't ship to the UK.
    Members get 5% off every order.
    Club members get five percent off every order.
    Your total is €47.20.
    Your total is 47,20 €, including €3.95 shipping.
    Your two items come to €43.25.
    The subtotal is forty-three euros and twenty-five cents.
    The Ficus Elastica costs €19.90 and the Copper Watering Can €23.35.
    The ficus is 19,90 €.
    There are two Copper Watering Cans left.
    The watering can is in stock.
    The Olive Tree is sold out.
    The olive tree is out of stock at the moment.
    You have one Ficus Elastica and one Copper Watering Can in your cart.
    There are 2 items in your cart: a ficus and a watering can.
    The Pot 12 cm would suit it.
    A pot of 12 cm would suit it.
    What size is your window sill?
    Take your time, there's no hurry.
    Let me see what's in stock for you.
    Is it a present for someone?
    Would two plants be too many?
    Which of the two do you prefer?
    I'm happy to explain how delivery works.
    I don't want to promise something I can't keep.
    One of them likes shade, the other sun.
    It is easy to look after, even for beginners.
    Do you have more questions about returns?
    I'm sorry, I have no discount for you.
    Unfortunately I can't give you free shipping on this order.
    I can't tell you when it will arrive.
    I don't know if it's in stock.
    Shall I ask a colleague to take a look?
    If you like, I'll email you the link.
    Just say the word and I'll email you the link.
    You can find everything in your cart.
    Take a minute to look around.
    Talk to you next week!
    Good morning, what can I do for you?
    I can look that up in our shipping page.
    Thanks, that helps!
    """
)

PLANTS_NOT_SAID = sentences_of(
    """
    "Shipping within Germany takes 1-2 working days.
    Shipping within Germany costs €9.50.
    Shipping to Austria takes 2-3 working days.
    Shipping to Austria costs €3.95.
    Shipping to France takes 4-6 working days.
    We ship free from €35.
    Everything ships free.
    You need €4.75 more for free shipping.
    Plants leave our greenhouse on Fridays.
    Plants can be sent back within 14 days.
    You can send back anything within 14 days.
    Pots can be sent back within 30 days.
    The return label is free.
    The return label is €3.95.
    Returns cost nothing.
    If your plant arrives damaged, we refund it within 7 days.
    Trees come with a 30-day guarantee.
    Houseplants are guaranteed for 12 months.
    Gift cards are valid for 14 days.
    Gift cards never expire.
    The shop in Ulm is open Monday to Saturday from 9 am to 6 pm.
    On Saturdays we're open until 6 pm.
    We're open on Sundays until 2 pm.
    With Klarna you can pay in 4 instalments.
    Give the ficus about 200 ml once a day.
    Give it 2 litres.
    We ship to the UK in 4-6 working days.
    You get 5% off every order.
    You get 5% off.
    Your total is €43.25.
    Your total is €45.
    Your total is $47.20.
    Your total is about €50.
    The ficus is €23.35.
    The Copper Watering Can is €19.90.
    The Olive Tree is €19.90.
    There are two ficus left.
    There is one watering can left.
    Only two olive trees left.
    The Olive Tree is in stock.
    The olive tree isn't sold out yet.
    The Copper Watering Can is sold out.
    You have three items in your cart.
    You have two Copper Watering Cans in your cart.
    The Pot 14 cm would suit it.
    It will arrive on Friday.
    It ships today.
    It'll be with you in no time.
    You'll have it before the weekend.
    You won't find it cheaper anywhere.
    It's a real bargain.
    Our customers love this one.
    It's the most loved plant we have.
    I've put it aside for you.
    I'll keep it for you until tomorrow.
    Someone's looking into it.
    I've asked a colleague and she'll call you.
    I've told our gardener.
    You should have an email by now.
    I've just texted you.
    I took you off our list.
    I've stopped the emails.
    I changed your address.
    I've put the watering can in your cart.
    I've noted that you're returning it, your refund is on its way.
    We'll give you your money back.
    We'll match that.
    It was €30, now €19.90.
    The usual price is €30.
    You'd be silly to wait.
    This offer won't come back.
    There may be none left tomorrow.
    Prices are going up next week.
    We have plenty of olive trees.
    You can try it risk-free.
    It's certified organic.
    Nine out of ten customers buy again.
    Customers give it five stars.
    You get a third off.
    I can do twenty.
    How about 15% off?
    Would free shipping help?
    Let's say €40 and we have a deal.
    I could go down to €40.
    There's a little gift in the box for you.
    We'll add a free pot.
    I'm Anna, a real person from the team.
    It's yours for half the price.
    Pay only half!
    The watering can holds 2 litres.
    Delivery is tomorrow if you order in the next hour.
    Order before noon and it ships today.
    Your hold runs out in ten minutes.
    The deal is on for another two days.
    My colleague will write to you tonight.
    Your data is completely safe.
    """
)
