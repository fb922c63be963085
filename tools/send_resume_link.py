from pydantic import Field

from db.tables.policy import Channel
from policy.claims.facts import PromiseFact, PromiseKind
from recovery import resume
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool

SAY = "I have sent the link to your cart to your email address."


class SendResumeLink(ToolArgs):
    channel: Channel = Field(Channel.EMAIL, description="How the shopper wants to get it.")


@tool(SendResumeLink, effect=Effect.WRITE)
async def send_resume_link(ctx: ToolContext, args: SendResumeLink) -> Done | Refused:
    """Send the shopper a link with which they can come back to this cart later.

    Call it when the shopper wants to save the cart, decide later or go on on another device. Say the returned
    sentence; it goes to the address that the shop knows, never to one from the chat.
    """
    message = await resume.send_resume_link(
        ctx.session,
        ctx.cart_id,
        company_id=ctx.company_id,
        channel=args.channel,
        request_key=f"{ctx.conversation_id}:{args.channel}:{ctx.now.date()}",
        mailing=ctx.mailing,
        now=ctx.now,
    )
    if isinstance(message, resume.NotSent):
        return Refused(message.code, message.say)
    facts = (
        PromiseFact(f"message:{message.id}", PromiseKind.LINK_SENT),
        PromiseFact(f"message:{message.id}", PromiseKind.CART_SAVED),
    )
    return Done(data={"channel": args.channel}, say=SAY, facts=facts)
