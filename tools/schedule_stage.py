from datetime import UTC, datetime

from pydantic import Field

from db.tables.recovery import CartSaveStage
from recovery import responses as recovery
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool


class ScheduleStage(ToolArgs):
    stage: CartSaveStage = Field(description="The stage that you propose to come next.")


@tool(ScheduleStage, effect=Effect.READ)
async def schedule_stage(ctx: ToolContext, args: ScheduleStage) -> Done | Refused:
    """Propose the stage that should follow the message you are writing.

    The shop's schedule decides whether and when it runs; you learn when that would be.
    """
    if ctx.attempt_id is None:
        return Refused("NO_FLOW", "There is no save flow in this conversation.")
    following = await recovery.following_step(ctx.session, ctx.attempt_id, company_id=ctx.company_id)
    if following is None or following.stage is not args.stage:
        expected = "none" if following is None else following.stage
        return Refused("NOT_NEXT", f"The schedule decides: what follows is {expected}.")
    due_at = max(following.due_at, ctx.now).astimezone(UTC)
    return Done(data={"stage": following.stage, "dueAt": datetime.isoformat(due_at)})
