from pydantic import Field

from storefront.triggers import service as triggers
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool
from tools.repository import ToolCallRepository


class LogTrigger(ToolArgs):
    handle: str = Field(max_length=40, description="The handle of the claim that you used, from get_cart.")


@tool(LogTrigger, effect=Effect.WRITE)
async def log_trigger(ctx: ToolContext, args: LogTrigger) -> Done | Refused:
    """Record that you used one of the claims that get_cart gave you in this conversation."""
    given = await ToolCallRepository(ctx.session).results(ctx.conversation_id, "get_cart", company_id=ctx.company_id)
    claims = {claim["handle"]: claim for result in given for claim in result.get("claims", [])}
    claim = claims.get(args.handle)
    if claim is None:
        return Refused("NOT_GIVEN", "That handle was not given in this conversation.")
    new = await triggers.log_use(
        ctx.session,
        ctx.cart_id,
        company_id=ctx.company_id,
        session_id=ctx.conversation_id,
        trigger=claim["trigger"],
        placement=ctx.channel,
        handle=args.handle,
        now=ctx.now,
    )
    return Done(data={"trigger": claim["trigger"], "isNew": new})
