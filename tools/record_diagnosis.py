from pydantic import Field

from db.tables.recovery import CartAbandonmentReason
from recovery import responses as recovery
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool

# Of what was said, in characters.
LONGEST_QUOTE = 500


class RecordDiagnosis(ToolArgs):
    reason: CartAbandonmentReason = Field(description="What keeps the shopper from buying.")
    quote: str = Field(max_length=LONGEST_QUOTE, description="The shopper's own words for it.")


@tool(RecordDiagnosis, effect=Effect.WRITE)
async def record_diagnosis(ctx: ToolContext, args: RecordDiagnosis) -> Done | Refused:
    """Keep what holds the shopper back, so that nobody asks again and what follows fits.

    Call it when the shopper has said why they hesitate. It says nothing to the shopper.
    """
    moved = await recovery.answer_for_cart(
        ctx.session, ctx.cart_id, args.reason, company_id=ctx.company_id, now=ctx.now, text=args.quote
    )
    return Done(data={"reason": args.reason, "flowMoved": moved})
