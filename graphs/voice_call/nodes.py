"""The nodes of a call's turn: async, one effect each."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from langgraph.runtime import Runtime

from db.session import transaction
from db.tables.conversations import ToolOutcome, TurnStatus
from graphs.conversations.ending import finish_turn
from graphs.conversations.facts import merged
from graphs.model import ModelMessage, ModelRequest, TextPart, ToolResultPart, ToolSpec, ToolUse, ToolUsePart
from graphs.speech import Patience, Speech, say
from graphs.voice_call import routing, texts
from graphs.voice_call.calls import accept_grant, record_of
from graphs.voice_call.course import Ending, Line, Move, Progress, Question
from graphs.voice_call.events import HangUp, Say
from graphs.voice_call.state import CallContext, CallTurn, CallUpdate
from storefront.carts import service as carts
from storefront.carts.schemas import CartView
from tools.dispatch import Call, Toolbox, ToolReply, dispatch

# An opt-out cuts the line after this long, also while its row is still being written.
OPT_OUT_PATIENCE_S = 0.7
OPT_OUT_TRIES = 3


async def move(state: CallTurn, runtime: Runtime[CallContext]) -> CallUpdate:
    """Decide what comes of the input. What the customer said yes to is theirs from here on."""
    context = runtime.context
    decided = routing.decide(
        state["before"],
        state["hearing"],
        state["done"],
        quote=context.turn.content,
        max_retries=context.wording.script.settings.max_retries,
    )
    if decided.asks is Question.CONTINUE and not context.wording.script.opening.confirm_continue:
        decided = replace(decided, asks=Question.REASON)
    context.progress = _progress(state, decided, asked_at=None, accepted=_accepted(state, decided, context))
    uses = tuple(
        ToolUse(f"code_{number}", step.tool, dict(step.arguments)) for number, step in enumerate(decided.tools)
    )
    return {"move": decided, "pending": uses, "progress": context.progress}


def _accepted(state: CallTurn, decided: Move, context: CallContext) -> UUID | None:
    cart = context.wording.cart
    if decided.accepts and cart is not None and cart.offer is not None:
        return cart.offer.grant_id
    return state["before"].accepted


def _progress(state: CallTurn, decided: Move, *, asked_at: int | None, accepted: UUID | None) -> Progress:
    progress = routing.after(state["before"], state["hearing"], decided, asked_at=asked_at)
    return progress.model_copy(update={"accepted": accepted})


async def stop(state: CallTurn, runtime: Runtime[CallContext]) -> CallUpdate:
    """An opt-out: its row is written and the line is cut; neither waits long for the other (rules C-06, C-12)."""
    context, ending = runtime.context, state["move"].ends
    assert ending is not None  # routing comes here for that alone
    calls = asyncio.create_task(_insist(state["pending"], context))
    await asyncio.wait([calls], timeout=OPT_OUT_PATIENCE_S)
    context.emit(_hang_up(ending))
    return {"replies": await calls, "pending": ()}


async def _insist(uses: Sequence[ToolUse], context: CallContext) -> tuple[ToolReply, ...]:
    replies: list[ToolReply] = []
    for use in uses:
        for _ in range(OPT_OUT_TRIES):
            replies.append(await _call(context, use, context.toolbox, ordinal=len(replies)))
            if replies[-1].outcome is not ToolOutcome.FAILED:
                break
    return tuple(replies)


async def act(state: CallTurn, runtime: Runtime[CallContext]) -> CallUpdate:
    """Run the tools that code or the model called, one after the other; what they changed bends the move."""
    context, by_code = runtime.context, state["rounds"] == 0
    box = context.toolbox if by_code else _allowed(state, context)
    replies, facts = list(state["replies"]), state["facts"]
    results: list[ToolResultPart] = []
    for use in state["pending"]:
        if len(replies) >= context.limits.tool_calls:
            results.append(ToolResultPart(use.id, json.dumps({"ok": False, "code": "TOO_MANY_CALLS"}), is_error=True))
            continue
        reply = await _call(context, use, box, ordinal=len(replies))
        replies.append(reply)
        facts = merged(facts, reply.facts)
        results.append(ToolResultPart(use.id, reply.content, is_error=reply.outcome is not ToolOutcome.OK))
    if any(reply.name == "apply_discount" and reply.outcome is ToolOutcome.OK for reply in replies):
        context.wording = replace(context.wording, cart=await _cart(context))
    accepted = context.progress.accepted
    bent = routing.after_tools(state["move"], routing.changed_by(replies), accepted=accepted is not None)
    context.progress = _progress(state, bent, asked_at=None, accepted=accepted)
    messages = state["messages"]
    if by_code:  # its calls stand before the model as if that had made them
        used = tuple(ToolUsePart(use.id, use.name, use.input) for use in state["pending"])
        messages = (*messages, ModelMessage("assistant", used))
    return {
        "messages": (*messages, ModelMessage("user", tuple(results))),
        "replies": tuple(replies),
        "facts": facts,
        "pending": (),
        "move": bent,
        "progress": context.progress,
    }


def _allowed(state: CallTurn, context: CallContext) -> Toolbox:
    """What a model may call in this state; whatever else it names is an unknown tool."""
    names = routing.TOOLS[state["before"].state]
    return {name: tool for name, tool in context.toolbox.items() if name in names}


async def _call(context: CallContext, use: ToolUse, box: Toolbox, *, ordinal: int) -> ToolReply:
    """A call that has begun is finished and kept, also when the customer talks into it."""
    call = Call(name=use.name, input=use.input, key=f"{context.turn.id}:{ordinal}", turn_id=context.turn.id)
    running = asyncio.create_task(dispatch(context.engine, box, context.conversation, call))
    context.running.add(running)
    running.add_done_callback(context.running.discard)
    return await asyncio.shield(running)


async def _cart(context: CallContext) -> CartView:
    conversation = context.conversation
    async with transaction(context.engine, company_id=conversation.company_id) as session:
        return await carts.read(session, conversation.cart_id, company_id=conversation.company_id, now=context.now)


async def speak(state: CallTurn, runtime: Runtime[CallContext]) -> CallUpdate:
    """Let the model answer in its own words. It asks nothing: a yes has to answer what code asked."""
    context, limits = runtime.context, runtime.context.limits
    assert context.model is not None  # routing comes here with one alone
    passed_s = context.passed_ms / 1000
    patience = Patience(
        total_s=limits.seconds - passed_s,
        characters=limits.characters,
        first_sentence_s=None if state["said"] else limits.first_sentence_s - passed_s,
        switching=False,
    )
    speech = Speech(
        context,
        context.model,
        state["facts"],
        state["said"],
        patience,
        context.spend,
        wanted=_no_question,
    )
    await speech.hear(_request(state, context, timeout_s=patience.total_s))
    context.timings.setdefault("firstToken", speech.first_event_ms)
    spoken = "".join(each.text for each in speech.said[len(state["said"]) :])
    parts = (
        *((TextPart(spoken),) if spoken else ()),
        *(ToolUsePart(use.id, use.name, use.input) for use in speech.uses),
    )
    return {
        "rounds": state["rounds"] + 1,
        "messages": (*state["messages"], ModelMessage("assistant", parts)) if parts else state["messages"],
        "said": speech.said,
        "pending": tuple(speech.uses),
        "usage": state["usage"] + speech.usage,
        "model": speech.model_name or state["model"],
        "fallback_reason": speech.fallback_reason or state["fallback_reason"],
    }


def _no_question(sentence: str) -> bool:
    return "?" not in sentence


def _request(state: CallTurn, context: CallContext, *, timeout_s: float) -> ModelRequest:
    return ModelRequest(
        system=context.system,
        messages=state["messages"],
        tools=tuple(
            ToolSpec(tool.name, tool.description, tool.input_schema) for tool in _allowed(state, context).values()
        ),
        max_tokens=context.limits.max_tokens,
        purpose="voice",
        timeout_s=max(timeout_s, 0.1),
    )


async def answer(state: CallTurn, runtime: Runtime[CallContext]) -> CallUpdate:
    """Say what the script says, what tools did and nobody has heard yet, and then the question or the last words."""
    context, decided, facts, said = runtime.context, state["move"], state["facts"], state["said"]
    if Line.DISCLOSURE in decided.lines:
        context.emit(Say(1, context.disclosure, interruptible=False))
    for text in texts.answer(state, context.wording):
        said = await say(context, text, facts, said)
    asked_at = None
    if decided.asks is not None:
        before = len(said)
        said = await say(context, texts.question(decided, state["before"], context.wording), facts, said)
        asked_at = said[-1].position if len(said) > before else None
    context.progress = _progress(state, decided, asked_at=asked_at, accepted=context.progress.accepted)
    return {"said": said, "progress": context.progress}


async def close(state: CallTurn, runtime: Runtime[CallContext]) -> CallUpdate:
    """Keep the turn and where the call stands; if it is over, hang up when all of it has been played."""
    context, decided = runtime.context, state["move"]
    context.timings["total"] = context.passed_ms
    record = record_of(
        context,
        state["said"],
        state["replies"],
        status=TurnStatus.DONE,
        model=state["model"],
        fallback_reason=state["fallback_reason"],
        usage=state["usage"],
    )
    turn = context.turn
    async with transaction(context.engine, company_id=turn.company_id) as session:
        await finish_turn(session, turn.session_id, turn.id, record, company_id=turn.company_id)
        if context.progress.accepted is not None:
            await accept_grant(session, context.call_id, context.progress.accepted, company_id=turn.company_id)
    if decided.ends is not None and not decided.ends.at_once:
        context.emit(_hang_up(decided.ends))
    return {}


def _hang_up(ending: Ending) -> HangUp:
    return HangUp(ending.outcome, ending.end_reason, ending.at_once)
