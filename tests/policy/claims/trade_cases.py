"""What speaks of the trade in words that no pattern knows, what is only talk of it, how to pay, and what is denied."""

from tests.policy.claims.cases import sentences_of

TRADE_SAID = sentences_of(
    """
    # of the talk
    I completely understand, price matters.
    I understand that the price feels high.
    I hear you on the shipping cost.
    That makes sense, shipping can be a dealbreaker.
    I see the shipping cost surprised you.
    Let me know if shipping costs are the concern.
    Let me check the shipping options for you.
    What matters most to you, the price or the taste?
    Do you have any questions about delivery?
    Could you tell me which payment step failed?
    You can find all return details in our help pages.
    You asked about the price of the grinder.
    You're right that shipping adds to the total.
    Please try another card or reload the page.
    Please pay on the checkout page.
    Take your time, there's no rush.
    Thank you for telling me. Shipping does add to it.
    I understand. Price is important.
    # of the shop, as its pages say
    Opened coffee cannot be returned.
    Our team replies within 24 hours.
    You can't return it after 30 days.
    Sorry, opened coffee cannot be returned.
    # where it stands, and what it hangs on
    Shipping is calculated at the checkout.
    Shipping costs depend on your address.
    You'll find all shipping details in our help pages.
    I'll check the return policy.
    It makes a lovely gift.
    I missed your question.
    The checkout rejected your card.
    Is the price of the AeroPress too high for you?
    Shipping, returns, or something else?
    # of what is not
    I can't lower the price, but I can answer any questions.
    There is no discount I can offer right now.
    I'm not able to refund you in this chat.
    I can't take card numbers here, so please don't send your card number.
    # of other things
    The Sidamo Natural goes well with a French press.
    Both are roasted dark.
    You can remove an item at any time.
    """
)

TRADE_NOT_SAID = sentences_of(
    """
    You only owe us next to nothing for this order.
    It comes to a fraction of that if you finish now.
    We charge you less than anywhere else.
    Bring them home to us again whenever you like.
    Just mail it back to us, opened or not.
    Your basket gets to your door overnight.
    There are plenty of people waiting for yours.
    I can see other shoppers with this in their carts.
    Our supplier has hardly any of these beans.
    The roastery will not restock after today.
    You are removed from every mailing for good.
    I moved you to the premium plan.
    The shop upgraded you to priority handling.
    A study has proven that our coffee heals.
    Your total is $80.95, and you owe next to nothing of it.
    Give me your password and I will sort it out.
    Tell me the code that you just got by text.
    What's your card number?
    # what the shop does not do is said by its pages or not at all
    We never refund anything.
    Refunds are not possible.
    You cannot return unopened bags.
    Unopened bags can't be sent back.
    No returns.
    There is no refund.
    # how to pay
    You can pay with Bitcoin.
    We accept Klarna.
    PayPal is not accepted.
    # no denial, though it has a "not"; and one behind a polite word
    Isn't it great that opened coffee can be returned!
    Not only can opened coffee be returned.
    I'm afraid unopened bags cannot be returned.
    You need to know that unopened bags cannot be returned.
    Here we never refund.
    # a discount that is granted backs no code, and its end does not say that it never comes back
    Before you go, just apply voucher vipfriend and save.
    This price will never come back when this chat ends!
    Use code welcome at the end.
    Your order will reach you tonighta…
    # a denied cost is a promise
    We don't charge for delivery.
    You never pay for shipping with us.
    I understand, Visa is not accepted.
    # what stands around it excuses nothing
    Yes - The shop switched your order to priority handling 😊  Can you do anything about the price?
    Tell me more about what you are looking for.T­he warehouse has hardly any of these beans.
    We charge you next to nothing, e.g. today. Do you like it?
    I know that we charge you next to nothing.
    Hello, you owe us a fraction of that.
    You only owe us next to nothing, right?
    When you are ready, just mail it home to us again whenever you like, right?
    Say what is true and what you can back:The roastery has hardly any after today, right?
    You pay next to nothing for this order We accept visitors.
    You pay nothing at all as a welcome :)Which payment methods do you accept?
    Send it back opened or not Where is the coffee roasted?
    _You were removed from every mailing for good_Where is the coffee roasted?
    Your basket leaves our warehouse overnightWhere is the coffee roasted?
    We charge you a fraction of that for this order 10% off is applied to your cart.
    Everything here gets to your door within the hour - trust me.10% off is applied to your cart.
    We moved you to the bigger bag.$10.04 more makes shipping free.
    Visa is not acceptedwe are here for you.
    # what a screen shows is not what was read
    Happy to help \u202eyou.
    # said of the goods, not of the way to them
    We pay the return shipping.
    The return shipping is on us.
    We refund your delivery, too.
    I'll refund you twice.
    """
)

PAYING_SAID = sentences_of(
    """
    You can pay with PayPal.
    Yes, we accept Visa and PayPal.
    Apple Pay is accepted, too.
    We do not take Klarna.
    """
)
PAYING_NOT_SAID = sentences_of(
    """
    You can pay with PayPal or Bitcoin.
    We accept Klarna.
    We do not take PayPal.
    Visa is not accepted.
    Just pay by bank transfer.
    """
)

# A passage, and what it does not say.
PASSAGES_NOT_SAID = (
    ("Do you accept Bitcoin? No.", "We accept Bitcoin."),
    ("You will receive an invoice by email once your payment is received.", "You can pay by invoice."),
    ("You can pay for gift cards with Visa.", "You can pay with gift cards."),
    ("You can pay with Klarna in Germany.", "In Canada you can pay with Klarna."),
    ("We accept PayPal for orders over $50.", "We accept PayPal."),
    ("Payment by bank transfer is reserved for wholesale customers.", "You can pay by bank transfer."),
    ("Customs fees are paid by you.", "Customs fees are paid by us."),
    ("Send the parcel back at your own cost.", "Send the parcel back at our cost."),
    ("Your card is charged after we ship.", "Your card is charged before we ship."),
    ("Parcels are insured for orders over $100.", "Parcels are insured."),
    ("Is the courier insured? No.", "The courier is insured."),
    ("Gift cards cannot be returned.", "No returns."),
    ("We do not accept PayPal in Brazil.", "We do not accept PayPal."),
    ("Bags cannot be returned after 30 days.", "Bags cannot be returned."),
    ("Where is the coffee roasted? In our own mill.", "Type in coupon COFFEE when you pay."),
    ("Where is the coffee roasted? In our own mill.", "Use code coffee when you pay."),
    # a passage says the opposite
    ("Do not put them in the washing machine.", "You can put them in the washing machine."),
    ("The warranty covers defects, but not water damage or drops.", "The warranty includes water damage."),
    ("It may be carried in hand luggage, but not in checked baggage.", "You can put it in your checked baggage."),
    ("The Monstera is toxic to cats and dogs.", "The Monstera is not toxic to cats."),
    ("The Terra is a road shoe. The Terra is not made for muddy trails.", "The Terra is great on muddy trails."),
    # of another place, or paid by another
    ("Return shipping is free from Germany; from Austria it costs €6.", "Return shipping is free from Austria."),
    ("Delivery to Honshu takes 1 to 2 days, to Oki and Iki 2 to 4 days.", "Delivery to Oki takes 1 to 2 days."),
    ("Pots can be returned unused; you pay the postage.", "Pots can be returned, and we pay the postage."),
)
PASSAGES_SAID = (
    ("We accept Visa, Mastercard and PayPal but not American Express.", "You can pay with Visa."),
    ("We accept all major credit cards and PayPal.", "You can pay by credit card."),
    ("Gift cards cannot be returned.", "Gift cards can't be returned."),
    ("With Klarna you can pay in 3 instalments.", "You can pay in 3 instalments."),
    ("Are you new here? First orders get the code WELCOME.", "Enter the code WELCOME when you pay."),
    ("The warranty covers defects, but not water damage or drops.", "The warranty does not cover water damage."),
    ("Do not put the shoes in the machine. The socks can be machine washed.", "The socks can be machine washed."),
    ("Return shipping is free from Germany; from Austria it costs €6.", "Return shipping is free from Germany."),
    ("Delivery to Honshu takes 1 to 2 days, to Oki and Iki 2 to 4 days.", "Delivery to Oki takes 2 to 4 days."),
    ("Pots can be returned within 28 days.", "Pots can come back within 28 days."),
    ("All products carry a one-year warranty.", "Everything comes with a one-year guarantee."),
    ("To Ontario it takes 2 to 4 days, to the others 4 to 8.", "To Ontario it takes 2 to 4 days."),
    ("Orders to Ontario take 2 to 4 days, orders to Yukon take 4 to 8.", "Orders to Yukon take 4 to 8 days."),
    ("The first service, after 300 km, is free.", "The first service is free after 300 km."),
    ("We accept Visa and PayPal, but no cheques.", "You can pay with PayPal."),
)
