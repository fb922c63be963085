"""One model call of the planner: what it is asked, what it proposed, and what it used."""

import asyncio
import json
import logging
from contextlib import aclosing
from time import perf_counter

from pydantic import ValidationError

from graphs.model import (
    Finished,
    Model,
    ModelMessage,
    ModelRequest,
    ModelUnavailable,
    SearchResultPart,
    SwitchedModel,
    TextDelta,
    TextPart,
    UnavailableReason,
)
from graphs.recovery_planner.state import Draft, Drafted, PlannerContext, PlannerState
from policy.money import format_money

logger = logging.getLogger(__name__)

MALFORMED = "MALFORMED_DRAFT"
UNGROUNDED = "UNGROUNDED_DRAFT"
# A draft is a few hundred words; what is longer is none.
LONGEST_DRAFT = 20_000


async def draft(context: PlannerContext, state: PlannerState) -> Drafted:
    """What the model proposes, if it gave something usable in time."""
    assert context.model is not None
    drafted, started = Drafted(context.model.name), perf_counter()
    try:
        async with asyncio.timeout(context.seconds):
            text = await _heard(context.model, _request(context, state), drafted)
        if drafted.failure is None:
            drafted.draft = Draft.model_validate_json(text)
    except TimeoutError:
        drafted.failure = UnavailableReason.TIMEOUT
        logger.warning("planner_model_too_slow", extra={"model": drafted.model})
    except ModelUnavailable as error:
        drafted.model, drafted.failure = error.model, error.reason
        drafted.spent.append((error.model, error.usage))
        logger.warning("planner_model_unavailable", extra={"reason": error.reason})
    except ValidationError:
        drafted.failure = MALFORMED
        logger.warning("planner_draft_malformed")
    drafted.seconds = perf_counter() - started
    return drafted


async def _heard(model: Model, request: ModelRequest, drafted: Drafted) -> str:
    """The text of the whole answer; who gave it and what it used is noted in `drafted`."""
    text = ""
    async with aclosing(model.stream(request)) as events:
        async for event in events:
            match event:
                case TextDelta() if len(text) < LONGEST_DRAFT:
                    text += event.text
                case SwitchedModel():
                    text, drafted.model = "", event.name
                    drafted.spent.append((event.failed_model, event.usage))
                case Finished():
                    drafted.model = event.model
                    drafted.spent.append((event.model, event.usage))
                    if event.stop == "refusal":
                        drafted.failure = UnavailableReason.REFUSED
                case _:
                    pass
    return text


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
