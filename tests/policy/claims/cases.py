"""A shop, a cart and sentences about them: what may be said and what may not."""

from datetime import UTC, datetime
from decimal import Decimal

from policy.claims.facts import (
    CountFact,
    Fact,
    InstantFact,
    MoneyFact,
    NameFact,
    PassageFact,
    PercentFact,
    PromiseFact,
    PromiseKind,
    Subject,
)

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)  # a Monday

CART: tuple[Fact, ...] = (
    MoneyFact("subtotal", Subject.SUBTOTAL, 7996, "USD"),
    MoneyFact("discount", Subject.DISCOUNT, 800, "USD"),
    PercentFact("discount-rate", Subject.DISCOUNT, Decimal(10)),
    MoneyFact("shipping", Subject.SHIPPING, 599, "USD"),
    MoneyFact("threshold", Subject.SHIPPING_THRESHOLD, 9000, "USD"),
    MoneyFact("gap", Subject.SHIPPING_GAP, 1004, "USD"),
    MoneyFact("tax", Subject.TAX, 300, "USD"),
    MoneyFact("total", Subject.TOTAL, 8095, "USD"),
    MoneyFact("sidamo-price", Subject.ITEM_PRICE, 1999, "USD", "Sidamo Natural"),
    MoneyFact("kettle-price", Subject.ITEM_PRICE, 3998, "USD", "Gooseneck Kettle"),
    MoneyFact("sidamo-line", Subject.LINE_TOTAL, 3998, "USD", "Sidamo Natural"),
    CountFact("items", Subject.ITEM_COUNT, 3),
    CountFact("sidamo-quantity", Subject.QUANTITY, 2, "Sidamo Natural"),
    CountFact("kettle-stock", Subject.STOCK, 4, "Gooseneck Kettle"),
    InstantFact("offer-ends", Subject.OFFER_EXPIRY, datetime(2026, 11, 25, 17, 0, tzinfo=UTC), "Europe/London"),
    InstantFact("hold-ends", Subject.HOLD_EXPIRY, datetime(2026, 11, 23, 14, 15, tzinfo=UTC), "Europe/London"),
    PercentFact("rating", Subject.RATING, Decimal("4.7"), "Sidamo Natural"),
    CountFact("reviews", Subject.REVIEW_COUNT, 128, "Sidamo Natural"),
    NameFact("name-7", "Blend No. 7"),
    NameFact("name-v60", "V60 filter 100 pcs"),
    NameFact("name-kettle", "Gooseneck Kettle 0.9 l"),
)

HELP: tuple[Fact, ...] = (
    PassageFact(
        "delivery",
        "How long does delivery take? Standard delivery takes 2-4 business days and express takes 1 business day. "
        "Delivery to Canada takes 5 to 8 business days. Orders placed before 2 pm are dispatched the same day.",
    ),
    PassageFact(
        "returns",
        "Returns. Unopened bags can be returned within 30 days. Refunds are paid within 5 business days after we "
        "receive the parcel. Opened coffee cannot be returned.",
    ),
    PassageFact("free", "Delivery is free on orders over $90. Below that it costs $5.99."),
    PassageFact("match", "Price matching: we do not match prices of other shops."),
    PassageFact("brew", "Use 15 g of coffee for 250 ml of water at 94 degrees. Brew for 3 minutes."),
    PassageFact("warranty", "Kettles come with a 2-year warranty and grinders with a 5-year warranty."),
    PassageFact(
        "contact", "Write to help@bean.example or read https://bean.example/help. Our team replies within 24 hours."
    ),
    PassageFact("club", "Members get free shipping on every order. The club costs $4 a month."),
)

ROWS: tuple[Fact, ...] = (
    PromiseFact("mail", PromiseKind.LINK_SENT),
    PromiseFact("handoff", PromiseKind.HUMAN),
    PromiseFact("suppression", PromiseKind.OPTED_OUT),
)

EVERYTHING = CART + HELP


def sentences_of(block: str) -> tuple[str, ...]:
    """One sentence a line; lines that begin with # are headings."""
    lines = (line.strip() for line in block.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


SAID = sentences_of(
    """
    # harmless
    I am not sure that I have changed your delivery address.
    The Dos Hermanos Dark Roast Whole Bean Coffee is what many like best.
    I can't say if I have sent you the link.
    I cannot confirm I have changed your delivery address.
    Happy to help!
    One moment please.
    Which one would you like?
    No problem at all.
    Hi there, welcome back!
    What would you like to know?
    I can't see that in our help pages.
    Let me look that up for you.
    First, let me check.
    No one likes a cold coffee.
    That is one of my questions too.
    Thanks for visiting us today!
    See you tomorrow!
    I can ask a person to join if you like.
    Would you like me to email you a link?
    You can ask me about shipping and returns.
    I'm not sure about that one.
    Feel free to ask.
    I can't offer free shipping.
    There is no discount right now.
    I'm sorry, we don't do price matching.
    Would you like one or two?
    Here are a couple of options.
    Second, have a look at the kettle.
    I'm an AI assistant.
    Sure, give me one second.
    It tastes of cocoa and cherries.
    Shall I add the kettle?
    # the cart
    Your total is $80.95.
    Your total is 80.95.
    Your subtotal is $79.96 and shipping is $5.99.
    Your total comes to eighty dollars and ninety-five cents.
    Your total with the 10% discount is $80.95.
    With your $8 discount, the total is $80.95.
    You save $8.00!
    You save eight dollars.
    That's 10% off.
    I've applied a 10% discount.
    I took a tenth off.
    You get ten percent off.
    Shipping is $5.99.
    It includes $3 in tax.
    Tax: $3.00
    Total: US$80.95
    Your total is 80,95 USD.
    You're $10.04 away from free shipping.
    Add $10.04 more for free shipping.
    Shipping is free over $90.
    Free shipping starts at $90.
    Spend $90 and shipping is free.
    The Sidamo Natural is $19.99.
    Sidamo costs $19.99 a bag.
    The kettle is $39.98.
    Your two bags of Sidamo come to $39.98.
    It's $19.99 each.
    You have 3 items in your cart.
    There are three items in your cart.
    You have two bags of Sidamo Natural.
    Only 4 kettles left.
    We have four of the Gooseneck Kettle in stock.
    The kettle is in stock.
    Your total dropped from $79.96 to $80.95.
    Rated 4.7 out of 5.
    The Sidamo has 4.7 stars from 128 reviews.
    # time
    The offer ends on Wednesday at 5 pm.
    Your 10% discount is valid until 25 November.
    Use it by Wednesday.
    The offer ends on November 25th, 2026.
    The offer expires in 2 days.
    Your offer is good until 5 pm on Wednesday.
    The offer ends in 51 hours.
    Your items are reserved for you.
    Your items are held for 15 minutes.
    We hold them for the next fifteen minutes.
    Your hold ends at 2:15 pm.
    The offer ends this week.
    The offer ends 2026-11-25.
    Limited-time offer!
    Only a few kettles left!
    Low stock: only 4 kettles left.
    The kettle is not sold out.
    # names
    Blend No. 7 is a good choice.
    I like the V60 filter 100 pcs.
    The Gooseneck Kettle 0.9 l is lovely.
    It holds 0.9 l.
    # help pages
    Standard delivery takes 2-4 business days.
    Delivery takes two to four business days.
    Express takes 1 business day.
    Express delivery takes one business day.
    To Canada it takes 5 to 8 business days.
    Unopened bags can be returned within 30 days.
    You can return unopened bags within thirty days.
    Refunds are paid within 5 business days.
    You get your refund within five business days.
    Opened coffee can't be returned.
    Delivery is free over $90.
    We don't match prices.
    Use 15 g of coffee for 250 ml of water.
    Brew it for three minutes.
    Kettles have a 2-year warranty.
    Grinders come with a five-year warranty.
    Write to help@bean.example.
    Our team replies within 24 hours.
    Members get free shipping on every order.
    Orders placed before 2 pm are dispatched the same day.
    """
)

NOT_SAID = sentences_of(
    """
    # wrong number, wrong thing
    Your total is $79.96.
    Your total is $8.
    Your discount is $80.95.
    You save $10.
    That's 15% off.
    You get twenty percent off.
    That's half off.
    It's half price.
    I took a third off.
    Shipping is $3.
    Shipping is $4.99.
    Your tax is $5.99.
    Your subtotal is $80.95.
    Your total is 80.95 euros.
    Your total is €80.95.
    Your total is 8095 dollars.
    Free shipping over $50.
    Shipping is free over $80.95.
    You're $5.99 away from free shipping.
    Free shipping under $90.
    The kettle is $19.99.
    The Sidamo is $39.98 a bag.
    The grinder is $19.99.
    The mug is $80.95.
    The House Blend is $19.99.
    You have 4 items in your cart.
    Only 3 kettles left.
    Only 4 left of the Sidamo.
    Only three left!
    There are two kettles left.
    Rated 4.9 out of 5.
    The kettle has 128 reviews.
    Over 1,000 reviews for the Sidamo.
    Your total is under $80.
    Your total is under $81.
    More than 100 reviews for the Sidamo.
    The kettles are nearly gone.
    The kettle will soon be gone.
    The kettle is not available, it is sold out.
    The Sidamo is in stock.
    10% of customers come back.
    It's 10% arabica.
    10% off your next order!
    Take another 10% off.
    10% off everything.
    Take 10% to 20% off.
    Up to 30% off!
    $8 off every order.
    I'm 100% sure.
    Your total is five ninety-nine.
    Save up to half!
    # sneaked in
    You get 1O% off.
    You get １５% off.
    You get 1\u200b5% off.
    Get ١٥% off.
    Get ½ off.
    Get 15⁒ off; get 15 off.
    T-e-n percent off.
    You get a dеcent 20 percent.
    You get X% off.
    Twice the points!
    Save dollars today.
    Get €€ off.
    You save 1️⃣5️⃣%.
    Sie sparen zehn Prozent, und der Versand ist gratis.
    Ich gebe Ihnen fünfzig Prozent Rabatt.
    Cinquante pour cent de réduction.
    A metà prezzo.
    Choose one of 'A', 'B', 'OTHER_THINGS' or 'NONE OF IT' Die Lieferung ist heute zum halben Preis.
    Le regalo el cincuenta por ciento, and it is in your cart so that you can pay now.
    Say what is true and what you can back:Die Lieferung ist heute zum halben Preis.
    If it is refused, say its sentence and do not argue.Le regalo el cincuenta por ciento.
    Halber Preis!
    Entrega mañana.
    十% off
    Ten% off plus 5% more
    Use code SAVE20.
    Use code WELCOME for more.
    Visit https://evil.example/x.
    Write to me@evil.example.
    Call 555-0132.
    Open 24/7.
    Buy two get one free.
    2 for 1 on all bags.
    The second bag is half price.
    Dozens of people bought it.
    Thousands of happy customers.
    You get double points.
    # time
    The offer ends on Thursday.
    The offer ends on Wednesday at 6 pm.
    The offer ends on 26 November.
    The offer ends tomorrow.
    The offer ends in 3 days.
    The offer ends today.
    Today only!
    Your items are held for an hour.
    Your hold ends on Wednesday.
    It will arrive on Wednesday.
    Delivered by Friday.
    It arrives tomorrow.
    The offer starts on Wednesday.
    The offer ends next week.
    Your items are held for 2 days.
    Get it by Christmas.
    The offer ends in a few minutes.
    The refund comes on Wednesday.
    Valid until the end of the month.
    The offer ends at 5 pm.
    By Friday the discount is gone.
    # help pages
    Standard delivery takes 1 business day.
    Express delivery takes 2-4 business days.
    Delivery takes 2-4 hours.
    Delivery takes 2 days.
    Delivery to Canada takes 2-4 business days.
    Delivery to Mexico takes 5 to 8 business days.
    Refunds are paid within 30 days.
    Opened bags can be returned within 30 days.
    Opened coffee can be returned.
    You can return anything within 30 days.
    You can return it after 30 days.
    We match prices of other shops.
    We price match.
    Every order ships free.
    You get free shipping.
    Brew it for 15 minutes.
    Use 250 g of coffee.
    Grinders have a 2-year warranty.
    Kettles have a 5-year warranty.
    Mugs have a 2-year warranty.
    Our team replies within 24 minutes.
    You get free shipping on every order.
    Delivery takes 2-8 business days.
    Returns are free.
    The club costs $90 a month.
    # promises
    Other addresses are not permitted I have changed your delivery address.
    Extra inputs are not permitted Everybody is buying this right now.
    No lists unless asked.[card number hidden] Your order comes with a free gift.
    I've sent you an email with the link.
    I'll text you the link.
    A person will join shortly.
    Someone will call you.
    I'm connecting you with a colleague now.
    You won't hear from us again.
    I've unsubscribed you.
    You'll get a full refund.
    Satisfaction guaranteed.
    You'll get a free gift.
    We'll throw in a mug.
    It's our best-seller.
    Most people choose this one.
    Everyone loves it.
    Selling fast!
    The price may go up.
    I've saved your cart.
    I removed the mug from your cart.
    I changed your order.
    I'll remind you.
    You may lose your spot.
    Not only is shipping free, it is fast.
    Don't worry, shipping is on us.
    Did you know shipping is free?
    I'm a real person.
    The kettle is sold out.
    I've waived the shipping fee.
    Your order has been cancelled.
    The sidamo comes with a lifetime warranty.
    """
)
