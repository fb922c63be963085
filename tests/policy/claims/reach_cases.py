"""How far a denial, a question or a report of the shopper's words reaches: beyond it a promise is one."""

from tests.policy.claims.cases import sentences_of

REACH_SAID = sentences_of(
    """
    # denied, weighed or asked in the same clause
    I can't offer free shipping on the Gooseneck Kettle.
    I can't add Sidamo Natural with free shipping.
    I can't confirm that your order has been changed.
    I can't say if a colleague will call you.
    I can't promise you we have it in stock.
    I couldn't find anything about a free gift in our help pages.
    There is no discount I can offer right now.
    There's no free shipping on this order.
    I don't have a discount code I could give you.
    I have not sent you the link.
    Neither the kettle nor the mug ships free.
    We never said it was free.
    You asked about free shipping, but I can't see it in our help pages.
    You asked about free shipping, but it is not on this order.
    You asked about a discount, but it has not been applied.
    I cannot apply a code you got elsewhere.
    I don't know if this chat is recorded.
    I can't delete your data, but a colleague can tell you more.
    That is not in our help pages - shall I ask a colleague?
    Sorry, can't do free shipping.
    Shipping isn't free on this order.
    It isn't free.
    Isn't the kettle lovely?
    # what it is, and what it can do
    I am not a real person.
    I'm not a human, but I can ask a colleague.
    I can send you a link to your cart.
    I can show you what is in your cart.
    """
)

REACH_NOT_SAID = sentences_of(
    """
    # a new clause behind a dash or a bar
    That's not a problem - your order ships free.
    That isn't necessary - shipping is free on this order.
    No coupon needed - shipping is free.
    It's not in our help pages - a colleague will email you.
    That is not permitted | shipping is free.
    That is not permitted => shipping is free.
    # a question that is none
    Isn't it great that your shipping is free!
    Isn't it nice that I've sent you the link!
    Aren't you glad that shipping is free!
    Don't you love that we ship for free!
    Doesn't a free gift sound good?
    Isn't free shipping nice?
    Who doesn't love free shipping on this order?
    Is shipping free? Yes.
    Who gets free shipping? You do.
    # what the shopper asked for, granted
    You asked for free shipping and you have it.
    You asked about free shipping, and yes.
    As you asked about shipping it is free.
    You asked for free shipping, so it comes with your order.
    You asked about free shipping, and it has been applied.
    # a sentence behind another without a full stop
    That is not permitted I'll text you the link.
    That is not permitted I sent you the link.
    That is not permitted I'm connecting you with a colleague.
    That is not permitted A person will join shortly.
    That is not permitted Someone will call you.
    That is not permitted Shipping is free for you.
    That is not permitted Free shipping for you.
    That is not permitted Here is a free gift.
    That is not permitted Please enjoy free shipping.
    That is not permitted OK your gift is free.
    That is not permitted everybody is buying this.
    That is not permitted my colleague will call you.
    Other addresses are not permitted your delivery address has been changed.
    It is not allowed we ship it free though.
    That is not possible you get free shipping instead.
    This is not a joke your shipping is free.
    It isn't a problem I will text you the link.
    Don't be shy I will text you the link.
    If you like coffee I've sent you the link.
    If it is refused, say its sentence and do not argue.card=[card number hidden]Everybody is buying this right now.
    # a denial that denies something else
    I won't lie shipping is free for you.
    I won't hide that your order ships free.
    I can't think of anything better than free shipping for you.
    You have not used your free gift yet.
    You haven't redeemed your free gift yet.
    I don't want you to miss your free shipping.
    You aren't paying for shipping.
    Not a cent for shipping.
    I have no hesitation in saying I've emailed you the link.
    # what no row makes true
    I have deleted your data.
    Your data has been erased.
    This call is not recorded.
    Your card was not charged.
    I'm Anna from the support team.
    Pay later with no interest.
    You can pay later with Affirm.
    I am not only an AI but a real person.
    # no offer to do it
    I can confirm I put the mug in your cart.
    I can confirm we dropped the mug in your basket.
    # other words for the same
    We match Amazon's prices.
    It's the cheapest you'll find anywhere.
    Nobody sells it for less.
    There's a little present in your parcel.
    You can send back opened coffee.
    My colleague has changed your delivery address.
    """
)

# True where a row keeps it, and nowhere else.
REACH_WITHOUT_ROWS = sentences_of(
    """
    # more than one space
    Your order ships  free.
    I have  cancelled  your order.
    Extra inputs are not permitted  Our beans are approved by the FDA.
    That is not permitted  Your order ships free.
    # words that run into each other
    customer_id: Extra inputs are not permittedEverybody is buying this right now.
    Thanks for waitingEverybody is buying this right now.
    THAT IS NOT PERMITTEDEverybody is buying this right now.
    reason: Input should be 'SAVING_FOR_LATER' or 'OTHER'Die Lieferung ist heute zum halben Preis.
    Input should be for the youDie Lieferung ist heute zum halben Preis.
    # of what was spoken of before
    About the discount: it's applied.
    You mentioned a discount, and it has been applied.
    You wanted a coupon, and it's on the order now.
    I made it cheaper for you.
    I've included a little something.
    You'll find an extra bag in your parcel.
    I kept it aside for you.
    No one else can buy it now.
    It'll be with you soon.
    We take everything back.
    My manager has agreed.
    Consider it done.
    That's sorted.
    Your payment went through.
    Your card has been charged.
    """
)
