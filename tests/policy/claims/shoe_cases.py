"""A third shop: running shoes, sold in pounds from Leeds; the offer and the hold run, delivery is free."""

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
from tests.policy.claims.cases import sentences_of

SHOES_NOW = datetime(2026, 3, 3, 18, 5, tzinfo=UTC)  # a Tuesday

SHOES: tuple[Fact, ...] = (
    PassageFact(
        "del",
        "Delivery. Parcels to the UK mainland arrive in 2 to 3 working days; the Highlands and islands take up "
        "to 6. Delivery is £3.50, or free when you spend £60. Order before 1 pm and we post it the same day.",
    ),
    PassageFact(
        "ret",
        "Can I return shoes? Yes, unworn shoes can be returned within 60 days. You pay the return postage unless "
        "the shoes are faulty. We refund you within 10 days of getting them back.",
    ),
    PassageFact("care", "Treat the leather every 3 months. Never wash them above 30 degrees."),
    PassageFact("fit", "The Fell Runner comes up half a size small. About 8 out of 10 people go up a size."),
    PassageFact("war", "Soles are guaranteed for a year. The guarantee doesn't cover laces."),
    PassageFact("store", "Our Leeds store opens at 10 and closes at 6, Tuesday to Saturday. Phone 0113 496 0000."),
    PassageFact("edu", "Students get 15% off with a valid card. It can't be combined with other offers."),
    MoneyFact("a", Subject.SUBTOTAL, 13500, "GBP"),
    MoneyFact("b", Subject.DISCOUNT, 2025, "GBP"),
    PercentFact("c", Subject.DISCOUNT, Decimal(15)),
    MoneyFact("d", Subject.SHIPPING, 0, "GBP"),
    MoneyFact("e", Subject.TAX, 1913, "GBP"),
    MoneyFact("f", Subject.TOTAL, 11475, "GBP"),
    MoneyFact("g", Subject.ITEM_PRICE, 12000, "GBP", "Fell Runner GTX"),
    MoneyFact("h", Subject.ITEM_PRICE, 1500, "GBP", "Merino Socks"),
    CountFact("i", Subject.ITEM_COUNT, 2),
    CountFact("j", Subject.STOCK, 1, "Fell Runner GTX"),
    CountFact("k", Subject.STOCK, 40, "Merino Socks"),
    PercentFact("l", Subject.RATING, Decimal("4.6"), "Fell Runner GTX"),
    CountFact("m", Subject.REVIEW_COUNT, 212, "Fell Runner GTX"),
    InstantFact("n", Subject.OFFER_EXPIRY, datetime(2026, 3, 6, 23, 59, tzinfo=UTC), "Europe/London"),
    PromiseFact("n", PromiseKind.DISCOUNT),
    InstantFact("o", Subject.HOLD_EXPIRY, datetime(2026, 3, 3, 18, 35, tzinfo=UTC), "Europe/London"),
    PromiseFact("o", PromiseKind.HOLD),
    PromiseFact("p", PromiseKind.CART_SAVED),
    PromiseFact("q", PromiseKind.FREE_SHIPPING),
    NameFact("r", "Fell Runner GTX"),
    NameFact("s", "Merino Socks"),
)

SHOES_SAID = sentences_of(
    """
    "You're all set: your total is £114.75, with free delivery.
    That brings it down to £114.75.
    I've knocked 15% off for you, so you pay £114.75.
    You've saved £20.25 on this order.
    That's a saving of £20.25.
    The discount comes to twenty pounds twenty-five.
    Before the discount it was £135.
    Delivery's free on this one.
    The tax included is £19.13.
    The Fell Runner GTX is £120 and the socks are £15.
    Those are £120.
    One pair of Fell Runner GTX is left.
    There's only one pair of the Fell Runner GTX left.
    It's the last pair of Fell Runner GTX!
    The Merino Socks are in stock.
    It scores 4.6 out of 5 in 212 reviews.
    212 people reviewed the Fell Runner GTX, and they give it 4.6 stars on average.
    Your discount runs until Friday.
    The 15% is valid until the end of Friday, 6 March.
    Your offer is good through Friday night at 11:59 pm.
    You have three days left to use it.
    I'm holding your items for half an hour.
    They're reserved for the next 30 minutes.
    We'll hold them until 6:35 pm.
    Your basket is saved.
    Parcels to the UK mainland take 2-3 working days.
    Delivery is £3.50 unless you spend £60.
    Spend £60 or more and delivery is free.
    If you order before 1 pm, we post it the same day.
    You can return unworn shoes within 60 days.
    You've got sixty days to return them, as long as they're unworn.
    Refunds arrive within ten days of us getting them back.
    The return postage is on you unless they're faulty.
    Treat the leather every three months.
    Don't wash them above 30 degrees.
    It comes up half a size small.
    The soles are guaranteed for a year.
    Laces aren't covered by the guarantee.
    You can phone us on 0113 496 0000.
    Students get 15% off with a valid card.
    I don't have any other offers for you, sorry.
    I'm afraid I can't stack discounts.
    No, we don't sell those.
    What are you planning to use them for?
    They're quite light, so they suit long days.
    Personally I'd look at the grip first.
    Are they for road or trail?
    I could check the returns page if that helps.
    Let me know once you've decided.
    There isn't a faster delivery option that I know of.
    I haven't been told when more will come in.
    If you need a different size, just tell me.
    I won't keep you any longer!
    Both are good choices.
    You can remove them from your basket at any time.
    That one I can't answer, shall I get someone from the team?
    I'd rather not guess at that.
    Sorry, I can only talk about this shop.
    """
)

SHOES_NOT_SAID = sentences_of(
    """
    "You're all set: your total is £135.
    I've knocked 20% off for you.
    That's a saving of £15.
    You pay £114.75 a pair.
    The Fell Runner GTX is £114.75.
    The socks are £120.
    The jacket is £120.
    They were £150 and are now £120.
    Delivery is £5.
    Two pairs of Fell Runner GTX are left.
    There's only one pair of Merino Socks left.
    The Merino Socks are nearly sold out.
    There are forty pairs of Fell Runner left.
    It scores 4.8 out of 5.
    The socks have 212 reviews.
    Thousands of runners swear by it.
    8 out of 10 runners choose us.
    Nine out of ten people go up a size.
    Your discount runs until Saturday.
    Your discount runs until Thursday night.
    The 15% ends today.
    You have five days left to use it.
    I'm holding your items for an hour.
    We'll hold them until Friday.
    Your parcel arrives on Friday.
    Parcels to the UK mainland take 2-3 hours.
    Parcels to the islands take 2 to 3 working days.
    Parcels to Ireland take 2 to 3 working days.
    Delivery is free when you spend £30.
    Delivery is £3.50 for everyone.
    If you order before 5 pm, we post it the same day.
    You can return worn shoes within 60 days.
    You can return shoes within 90 days.
    Return postage is free.
    We refund you within 60 days.
    Refunds are instant.
    Treat the leather every 3 weeks.
    You can wash them at 60 degrees.
    Soles are guaranteed for two years.
    Soles are guaranteed for life.
    The guarantee covers laces for a year.
    The Leeds store is open on Mondays.
    The Leeds store opens at 8.
    Phone us on 0113 496 0001.
    Everyone gets 15% off with a valid card.
    It can be combined with other offers.
    Take another fifteen percent off the socks.
    Buy the socks and get 50% off.
    Get the socks free!
    I've popped the socks in your basket.
    I've swapped the size for you.
    I've booked you in for a call.
    Someone from our Leeds store will ring you.
    I've dropped you an email.
    The link's on its way.
    You've been taken off our mailing list.
    You won't get another message.
    I'll ping you when it's back.
    It's our top seller.
    Runners rave about it.
    Snap it up before it's gone!
    They're flying off the shelves.
    Price goes up tomorrow.
    If you find it cheaper we'll match it.
    Your money back if you're not happy.
    It'll last you a lifetime, guaranteed.
    It's waterproof to 10,000 mm.
    It weighs 280 g.
    Half of our customers come back.
    This is a once-in-a-lifetime deal.
    I'm as human as you are.
    """
)
