from decimal import Decimal

from pydantic import Field

from db.tables.conversations import ConversationChannel
from db.tables.policy import GrantSource
from db.tables.recovery import CartAbandonmentReason
from policy.offers import service as offers
from policy.offers.wording import PERSONAL_PRICE, offer_sentence, plain
from storefront.carts import service as carts
from storefront.carts.facts import facts_of
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool

SOURCES = {
    ConversationChannel.CHECKOUT_CHAT: GrantSource.CHAT,
    ConversationChannel.VOICE: GrantSource.VOICE,
    ConversationChannel.PLANNER: GrantSource.STAGE,
}


class ApplyDiscount(ToolArgs):
    reason: CartAbandonmentReason = Field(description="What the shopper actually objected to.")
    asked_percent: Decimal | None = Field(
        None,
        gt=0,
        le=100,
        max_digits=5,
        decimal_places=2,
        description="What the shopper asked for, if a number.",
    )


@tool(ApplyDiscount, effect=Effect.WRITE)
async def apply_discount(ctx: ToolContext, args: ApplyDiscount) -> Done | Refused:
    """Give the shopper a discount on the cart under discussion.

    Call it only after the shopper has objected to a cost. The shop decides what is given: say the returned
    sentence and promise nothing beyond it.
    """
    given = await offers.grant(
        ctx.session,
        ctx.cart_id,
        company_id=ctx.company_id,
        reason=args.reason,
        source=SOURCES[ctx.channel],
        asked_percent=args.asked_percent,
        idempotency_key=ctx.call_key,
        now=ctx.now,
    )
    if isinstance(given, offers.Refused):
        return Refused(given.code, given.say)
    grant = given.grant
    cart = await carts.read(ctx.session, ctx.cart_id, company_id=ctx.company_id, now=ctx.now)
    sentence = offer_sentence(grant.kind, grant.percent, grant.expires_at, tz=ctx.tz, locale=ctx.locale)
    return Done(
        data={
            "kind": grant.kind,
            "percent": None if grant.percent is None else plain(grant.percent),
            "isNew": given.is_new,
            "grantId": str(grant.id),
        },
        say=f"{sentence} {PERSONAL_PRICE}" if grant.personalised else sentence,
        facts=facts_of(cart, tz=ctx.tz),
    )
