from pydantic import Field

from db.ids import uuid7
from db.tables.conversations import ConversationChannel, HandoffStatus
from policy.claims.facts import PromiseFact, PromiseKind
from policy.redaction.rules import redact
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool
from tools.repository import HandoffRepository

SAY = {
    ConversationChannel.CHECKOUT_CHAT: "I have asked a person from the shop to look at this conversation. "
    "You can go on writing here meanwhile.",
    ConversationChannel.VOICE: "I have asked a person from the shop to look at this call.",
    ConversationChannel.PLANNER: "I have asked a person from the shop to look at this.",
}


class RequestHuman(ToolArgs):
    reason: str = Field(min_length=1, max_length=300, description="Why a person is needed, in a few words.")


@tool(RequestHuman, effect=Effect.WRITE)
async def request_human(ctx: ToolContext, args: RequestHuman) -> Done | Refused:
    """Ask a person from the shop to take over.

    Call it whenever the shopper asks for a person, is upset, or needs something that you may not do. Say the
    returned sentence; do not say when somebody will answer.
    """
    handoffs = HandoffRepository(ctx.session)
    await handoffs.add(
        {
            "id": uuid7(),
            "session_id": ctx.conversation_id,
            "cart_id": ctx.cart_id,
            "status": HandoffStatus.REQUESTED,
            "reason": redact(args.reason).text,
            "summary": "",
            "requested_at": ctx.now,
        },
        company_id=ctx.company_id,
    )
    handoff = await handoffs.get(ctx.conversation_id, company_id=ctx.company_id)
    assert handoff is not None  # added above or before
    return Done(
        data={"status": handoff.status},
        say=SAY[ctx.channel],
        facts=(PromiseFact(f"handoff:{handoff.id}", PromiseKind.HUMAN),),
    )
