from pydantic import Field, JsonValue

from knowledge import service as knowledge
from policy.claims.facts import PassageFact
from tools.base import Done, Effect, Refused, ToolArgs, ToolContext, tool


class SearchFaq(ToolArgs):
    question: str = Field(min_length=1, max_length=1000, description="What the shopper wants to know, in their words.")


@tool(SearchFaq, effect=Effect.READ)
async def search_faq(ctx: ToolContext, args: SearchFaq) -> Done | Refused:
    """Look up the shop's own answers: shipping, delivery, returns, payment, products, policies.

    Call it for every question about the shop. Answer from what it returns, and say that you do not know when it
    returns nothing.
    """
    found = await knowledge.search(
        ctx.session, args.question, company_id=ctx.company_id, locale=ctx.locale, now=ctx.now
    )
    if not found.known:
        return Refused("NOT_KNOWN", "I couldn't find that in the shop's help pages.")
    entries: list[JsonValue] = [
        {"id": str(hit.entry_id), "title": hit.title, "version": hit.version, "answer": hit.answer}
        for hit in found.entries
    ]
    facts = tuple(
        PassageFact(f"faq:{hit.entry_id}@{hit.version}", f"{hit.title}\n{hit.answer}") for hit in found.entries
    )
    return Done(data={"entries": entries}, facts=facts)
