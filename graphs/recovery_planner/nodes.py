"""The nodes of the planner: async, one effect each."""

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from uuid import UUID

from langgraph.runtime import Runtime
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, field_validator

from db.tables.conversations import ToolOutcome
from graphs.model import (
    Finished,
    ModelMessage,
    ModelRequest,
    ModelUnavailable,
    SearchResultPart,
    SwitchedModel,
    TextDelta,
    TextPart,
)
from graphs.recovery_planner.state import GivenClaim, PlannerContext, PlannerState
from knowledge.service import Hit
from policy.claims.facts import MoneyFact, NameFact
from policy.money import format_money
from recovery import rules
from recovery.content import Content
from recovery.finish_stage import Written, facts_for, holds, template_of
from recovery.remedies import InterventionType
from tools.dispatch import Call, ToolReply, dispatch

logger = logging.getLogger(__name__)


# A draft is a few hundred words; what is longer is none.
LONGEST_DRAFT = 20_000
ADDRESS = re.compile(
    r"://|www\.|@|\b[\w-]+\.(?:[a-z]{2,}/|(?:com|net|org|info|biz|shop|store|io|co|xyz|me|ly)\b)", re.I
)


class Draft(BaseModel):
    """What a model answers: a remedy of the menu and the words, without any address to go to."""

    model_config = ConfigDict(extra="forbid")

    remedy: InterventionType
    content: Content

    @field_validator("content")
    @classmethod
    def has_no_address(cls, content: Content) -> Content:
        if any(ADDRESS.search(text) for text in content.texts()):
            raise ValueError("the shop adds the links")
        return content


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
    draft, author = await _draft(context, state)
    if draft is None or draft.remedy not in plan.remedies:
        return {"written": by_template}
    facts = facts_for(plan, plan.cart, state["passages"], state["facts"])
    if not all(holds(text, facts, now=plan.now) for text in draft.content.texts()):
        logger.warning("planner_draft_ungrounded", extra={"model": author})
        return {"written": by_template}
    return {"written": Written(draft.remedy, draft.content, author, state["passages"], facts=state["facts"])}


async def _draft(context: PlannerContext, state: PlannerState) -> tuple[Draft | None, str]:
    """What the model proposes and which model it was; None when it gave nothing usable in time."""
    assert context.model is not None
    text, author = "", context.model.name
    try:
        async with (
            asyncio.timeout(context.seconds),
            aclosing(context.model.stream(_request(context, state))) as events,
        ):
            async for event in events:
                match event:
                    case TextDelta() if len(text) < LONGEST_DRAFT:
                        text += event.text
                    case SwitchedModel():
                        text, author = "", event.name
                    case Finished():
                        author = event.model
                    case _:
                        pass
        return Draft.model_validate_json(text), author
    except TimeoutError:
        logger.warning("planner_model_too_slow", extra={"model": author})
    except ModelUnavailable as error:
        logger.warning("planner_model_unavailable", extra={"reason": error.reason})
    except ValidationError:
        logger.warning("planner_draft_malformed")
    return None, author


def _request(context: PlannerContext, state: PlannerState) -> ModelRequest:
    plan = context.plan
    cart = plan.cart
    brief = {
        "stage": plan.stage,
        "remedies": list(plan.remedies),
        "diagnosis": plan.diagnosis,
        "firstName": plan.first_name,
        "shop": plan.shop,
        "items": [line.name for line in cart.lines],
        "subtotal": format_money(cart.subtotal_minor, cart.currency, plan.locale),
        "trueSentences": [claim.sentence for claim in state["claims"]],
        "suggestion": state.get("upsell"),
        "lastMessage": plan.is_last,
    }
    passages = tuple(SearchResultPart(f"faq:{hit.entry_id}", hit.title, hit.answer) for hit in state["passages"])
    return ModelRequest(
        system=context.system,
        messages=(ModelMessage("user", (*passages, TextPart(json.dumps(brief)))),),
        max_tokens=context.max_tokens,
        purpose="plan",
        output_schema=Draft.model_json_schema(),
        timeout_s=context.seconds,
    )


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
