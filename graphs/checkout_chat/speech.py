"""Saying something: check the sentence, store it, then show it. Nothing reaches the shopper another way."""

from collections.abc import Sequence

from db.clock import read_clock
from db.session import transaction
from graphs.checkout_chat.state import Delta, Said, TurnContext
from graphs.conversations import service as conversations
from graphs.conversations.repository import TurnRepository
from policy.claims.facts import Fact
from policy.claims.rules import check
from policy.redaction.rules import redact


async def say(context: TurnContext, sentence: str, facts: Sequence[Fact]) -> Said | None:
    """Show a sentence if each of its claims is bound to a fact; otherwise keep it for the merchant and show nothing."""
    plain = redact(sentence).text
    verdict = check(plain, facts, now=context.turn.now)
    async with transaction(context.engine, company_id=context.turn.company_id) as session:
        now = await read_clock(session)
        if not verdict.passed:
            unbound = {"claims": [str(claim) for claim in verdict.unbound]}
            await TurnRepository(session).add_blocked(
                context.turn.session_id,
                context.turn.id,
                plain,
                unbound,
                company_id=context.turn.company_id,
                now=now,
            )
            return None
        bindings = {"facts": [binding.fact_id for binding in verdict.bindings]}
        position = await conversations.keep_sentence(session, context.turn, plain, bindings, now=now)
    context.emit(Delta(position, plain))
    return Said(plain, frozenset(binding.fact_id for binding in verdict.bindings))
