from uuid import UUID

from pydantic import Field

from db.tables.conversations import ConversationChannel
from db.tables.customers import SuppressionScope
from policy.claims.facts import PromiseFact, PromiseKind
from recovery import attempts
from recovery import service as recovery
from storefront.carts import service as carts
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool

SAY = {
    SuppressionScope.ALL: "Understood: you will get no more messages from us about this.",
    SuppressionScope.EMAIL: "Understood: you will get no more emails from us about this.",
    SuppressionScope.SMS: "Understood: you will get no more text messages from us.",
    SuppressionScope.PUSH: "Understood: you will get no more push messages from us.",
    SuppressionScope.VOICE: "Understood: you will get no more calls from us.",
}


class SetOptOut(ToolArgs):
    scope: SuppressionScope = Field(
        SuppressionScope.ALL, description="ALL unless the shopper named one channel to stop."
    )


@tool(SetOptOut, effect=Effect.WRITE)
async def set_opt_out(ctx: ToolContext, args: SetOptOut) -> Done | Refused:
    """Stop contacting this shopper. It is always allowed.

    Call it as soon as the shopper wants no more messages, in whatever words. Do not ask again, do not persuade.
    """
    customer_id = await _who_speaks(ctx)
    if customer_id is None:
        return Refused("NOBODY_KNOWN", "We have no address of yours, so there is nothing that we would send.")
    await recovery.opt_out(
        ctx.session,
        customer_id,
        company_id=ctx.company_id,
        scope=args.scope,
        source=ctx.channel,
        conversation_id=ctx.conversation_id,
        signer=ctx.mailing.links.signer,
        now=ctx.now,
    )
    return Done(
        data={"scope": args.scope},
        say=SAY[args.scope],
        facts=(PromiseFact(f"opt-out:{customer_id}", PromiseKind.OPTED_OUT),),
    )


async def _who_speaks(ctx: ToolContext) -> UUID | None:
    """On the phone whom the flow called, though somebody else may have the cart meanwhile."""
    if ctx.channel is ConversationChannel.VOICE and ctx.attempt_id is not None:
        return (await attempts.get_attempt(ctx.session, ctx.attempt_id, company_id=ctx.company_id)).customer_id
    cart = await carts.read(ctx.session, ctx.cart_id, company_id=ctx.company_id, now=ctx.now)
    return cart.customer_id
