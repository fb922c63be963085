"""The nodes of the planner: async, one effect each."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

from langgraph.runtime import Runtime
from pydantic import JsonValue

from db.session import transaction
from db.tables.conversations import ToolOutcome, TurnStatus
from graphs.conversations.ending import TurnRecord, keep_model_call
from graphs.conversations.schemas import Answer
from graphs.recovery_planner.drafting import UNGROUNDED, draft
from graphs.recovery_planner.state import GivenClaim, PlannerContext, PlannerState
from knowledge.service import Hit
from policy.claims.facts import MoneyFact, NameFact
from recovery import rules
from recovery.finish_stage import Written, facts_for, holds, template_of
from tools.dispatch import Call, ToolReply, dispatch

logger = logging.getLogger(__name__)


async def read(state: PlannerState, runtime: Runtime[PlannerContext]) -> PlannerState:  # noqa: ARG001  (a node)
    """Read the facts through the same tools and audit as any agent."""
    plan = runtime.context.plan
    cart = await _call(runtime.context, "get_cart", {})
    upsells = await _call(runtime.context, "rank_upsells", {})
    passages: tuple[Hit, ...] = ()
    if plan.question is not None:
        passages = _hits(await _call(runtime.context, "search_faq", {"question": plan.question}))
    suggestion = upsells.result.get("say") if upsells.outcome is ToolOutcome.OK else None
    return {
        "passages": passages,
        "claims": _claims(cart),
        "upsell": suggestion if isinstance(suggestion, str) else None,
        # Stock may be gone when the message is read: what fits is named and priced, not promised.
        "facts": tuple(fact for fact in upsells.facts if isinstance(fact, NameFact | MoneyFact)),
    }


def _claims(reply: ToolReply) -> tuple[GivenClaim, ...]:
    given = reply.result.get("claims")
    if not isinstance(given, list):
        return ()
    return tuple(GivenClaim(str(each["handle"]), str(each["sentence"])) for each in given if isinstance(each, dict))


def _hits(reply: ToolReply) -> tuple[Hit, ...]:
    entries = reply.result.get("entries")
    if reply.outcome is not ToolOutcome.OK or not isinstance(entries, list):
        return ()
    return tuple(
        Hit(
            entry_id=UUID(str(each["id"])),
            title=str(each["title"]),
            answer=str(each["answer"]),
            passage=str(each["answer"]),
            category="",
            version=int(str(each["version"])),
            score=0.0,
        )
        for each in entries
        if isinstance(each, dict)
    )


async def write(state: PlannerState, runtime: Runtime[PlannerContext]) -> PlannerState:
    """Choose and write: the model if there is one and what it writes holds, else the template."""
    context, plan = runtime.context, runtime.context.plan
    by_template = template_of(plan, plan.remedies[0], plan.cart, state["passages"])
    if context.model is None:
        return {"written": by_template}
    drafted = await draft(context, state)
    found = drafted.draft
    if found is None or found.remedy not in plan.remedies:
        return {"written": by_template, "drafted": drafted}
    facts = facts_for(plan, plan.cart, state["passages"], state["facts"])
    if not all(holds(text, facts, now=plan.now) for text in found.content.texts()):
        logger.warning("planner_draft_ungrounded", extra={"model": drafted.model})
        return {"written": by_template, "drafted": replace(drafted, failure=UNGROUNDED)}
    written = Written(found.remedy, found.content, drafted.model, state["passages"], facts=state["facts"])
    return {"written": written, "drafted": drafted}


async def account(state: PlannerState, runtime: Runtime[PlannerContext]) -> PlannerState:
    """Keep what the model call used and cost, whatever became of its draft."""
    context, drafted = runtime.context, state.get("drafted")
    if drafted is not None:
        record = TurnRecord(
            status=TurnStatus.DONE,
            answer=Answer(response=""),
            model=drafted.model,
            fallback_reason=drafted.failure,
            input_tokens=drafted.usage.input_tokens,
            output_tokens=drafted.usage.output_tokens,
            cost_micro_usd=sum(context.price(model, usage) for model, usage in drafted.spent),
            timings={"modelMs": round(drafted.seconds * 1000)},
        )
        company_id = context.plan.company_id
        async with transaction(context.engine, company_id=company_id) as session:
            await keep_model_call(
                session,
                context.conversation.id,
                record,
                company_id=company_id,
                seconds=drafted.seconds,
                now=context.plan.now,
            )
    return state


async def schedule(state: PlannerState, runtime: Runtime[PlannerContext]) -> PlannerState:
    """Log the claims that were used and propose the next stage; the schedule decides its time."""
    context, plan, written = runtime.context, runtime.context.plan, state["written"]
    used = []
    for claim in state["claims"]:
        if any(claim.sentence in paragraph for paragraph in written.content.paragraphs):
            reply = await _call(context, "log_trigger", {"handle": claim.handle})
            if reply.outcome is ToolOutcome.OK:
                used.append(str(reply.result["trigger"]))
    following = rules.next_step(
        plan.flow.config,
        stage=plan.stage,
        sequence=plan.sequence,
        abandoned_at=plan.now,
        contacted_at=None,
    )
    if following is not None:
        await _call(context, "schedule_stage", {"stage": following.stage})
    return {"written": replace(written, triggers=tuple(dict.fromkeys(used)))}


async def _call(context: PlannerContext, name: str, arguments: Mapping[str, JsonValue]) -> ToolReply:
    """One call a tool and step: a stage that is planned again after a crash reads anew and writes nothing twice."""
    plan = context.plan
    key = f"{plan.attempt_id}:{plan.step}:{plan.now.isoformat()}:{name}:{json.dumps(dict(arguments), sort_keys=True)}"
    call = Call(name=name, input=arguments, key=key, turn_id=None)
    return await dispatch(context.engine, context.toolbox, context.conversation, call)
