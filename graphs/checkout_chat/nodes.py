"""The nodes of a chat turn: async, one effect each."""

import json
from dataclasses import replace
from time import perf_counter

from langgraph.runtime import Runtime

from db.session import transaction
from db.tables.conversations import ToolOutcome, TurnStatus
from graphs.checkout_chat.answers import answer_of, found_by, sources_of
from graphs.checkout_chat.state import Passage, ToolRan, TurnContext, TurnDone, TurnState, TurnUpdate
from graphs.conversations.ending import TurnRecord, finish_turn
from graphs.conversations.facts import merged
from graphs.conversations.telling import sentence_of, unspoken
from graphs.model import (
    ModelMessage,
    ModelRequest,
    SearchResultPart,
    TextPart,
    ToolResultPart,
    ToolSpec,
    ToolUse,
    ToolUsePart,
)
from graphs.speech import Patience, Speech, say
from knowledge import service as knowledge
from policy.claims.facts import PassageFact
from policy.redaction.rules import holds_mark
from tools.dispatch import Call, ToolReply, dispatch

TAKEN_OVER = "A person from the shop is answering here now."
# Rules C-45.
NO_CARDS = "I can't take card numbers here, so I hid yours. Please pay on the checkout page."
NOTHING_TO_SAY = "I'm not sure about that, and I don't want to guess. You can ask for a person from the shop any time."


async def detect(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:
    """Opt-out, the wish for a person and the question who this is are answered by code, before any model."""
    context, detectors = runtime.context, runtime.context.detectors
    text = context.turn.content
    if (scope := detectors.opts_out(text)) is not None:
        return await _by_code(state, context, "set_opt_out", {"scope": scope}, over=True)
    if state["silenced"]:
        return {"over": True, "offers_human": False, "said": await say(context, TAKEN_OVER, state["facts"], ())}
    if (language := detectors.language_of_bot_question(text)) is not None:
        answer = context.bot_answers[language]
        return {"over": True, "offers_human": True, "said": await say(context, answer, state["facts"], ())}
    if context.escalation.on_request and detectors.wants_human(text):
        return await _by_code(state, context, "request_human", {"reason": "asked for a person"}, over=True)
    if context.escalation.on_frustration and detectors.frustrated(text):
        return await _by_code(state, context, "request_human", {"reason": "seems upset"}, over=False)
    if holds_mark(text):
        return {"said": await say(context, NO_CARDS, state["facts"], ())}
    return {}


async def _by_code(
    state: TurnState, context: TurnContext, name: str, arguments: dict[str, str], *, over: bool
) -> TurnUpdate:
    """Call a tool without being asked by a model, and say what it says."""
    reply = await _call(context, ToolUse(name, name, dict(arguments)), ordinal=0)
    facts, sentence = merged(state["facts"], reply.facts), sentence_of(reply)
    return {
        "over": over,
        "facts": facts,
        "replies": (reply,),
        "said": await say(context, sentence, facts, ()) if sentence is not None else (),
        "offers_human": reply.outcome is not ToolOutcome.OK,
    }


async def retrieve(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:
    """Find what the FAQ says about the utterance; the passages become facts and stand before the model."""
    context, started = runtime.context, perf_counter()
    async with transaction(context.engine, company_id=context.turn.company_id) as session:
        found = await knowledge.search(
            session,
            context.turn.content,
            company_id=context.turn.company_id,
            locale=context.conversation.locale,
            now=context.now,
        )
    passages = tuple(
        Passage(hit.entry_id, hit.title, hit.version, f"{hit.title}\n{hit.answer}", hit.score) for hit in found.entries
    )
    parts = tuple(SearchResultPart(f"faq:{each.entry_id}@{each.version}", each.title, each.text) for each in passages)
    messages = state["messages"]
    if parts and messages and messages[-1].role == "user":
        messages = (*messages[:-1], replace(messages[-1], parts=(*parts, *messages[-1].parts)))
    context.timings["retrieveMs"] = _since(started)
    facts = tuple(PassageFact(f"faq:{each.entry_id}@{each.version}", each.text) for each in passages)
    return {"messages": messages, "passages": passages, "facts": merged(state["facts"], facts)}


async def speak(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:
    """Let the model go on; each finished sentence is checked, stored and shown. Tool calls wait for `act`."""
    context, started = runtime.context, perf_counter()
    patience = Patience(context.seconds_left + context.limits.grace_s, context.limits.characters)
    speech = Speech(context, context.model, state["facts"], state["said"], patience, context.spend)
    await speech.hear(_request(state, context))
    spoken = "".join(each.text for each in speech.said[len(state["said"]) :])
    parts = (
        *((TextPart(spoken),) if spoken else ()),
        *(ToolUsePart(use.id, use.name, use.input) for use in speech.uses),
    )
    context.timings.setdefault("firstEventMs", speech.first_event_ms)
    context.timings["modelMs"] = context.timings.get("modelMs", 0) + _since(started)
    return {
        "rounds": state["rounds"] + 1,
        "messages": (*state["messages"], ModelMessage("assistant", parts)) if parts else state["messages"],
        "said": speech.said,
        "pending": tuple(speech.uses),
        "usage": state["usage"] + speech.usage,
        "model": speech.model_name or state["model"],
        "fallback_reason": speech.fallback_reason or state["fallback_reason"],
    }


def _request(state: TurnState, context: TurnContext) -> ModelRequest:
    return ModelRequest(
        system=context.system,
        messages=state["messages"],
        tools=tuple(ToolSpec(tool.name, tool.description, tool.input_schema) for tool in context.toolbox.values()),
        max_tokens=context.limits.max_tokens,
        purpose="chat",
        timeout_s=max(context.seconds_left, 0.1),
    )


async def act(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:
    """Run the tools that the model called, one after the other, and tell it what came of each."""
    context, started = runtime.context, perf_counter()
    replies, facts, passages = list(state["replies"]), state["facts"], list(state["passages"])
    results: list[ToolResultPart] = []
    for use in state["pending"]:
        if (refusal := _past_the_limits(context, replies)) is not None:
            results.append(ToolResultPart(use.id, json.dumps({"ok": False, "code": refusal}), is_error=True))
            continue
        reply = await _call(context, use, ordinal=len(replies))
        replies.append(reply)
        facts = merged(facts, reply.facts)
        passages += found_by(reply, known=passages)
        results.append(ToolResultPart(use.id, reply.content, is_error=reply.outcome is not ToolOutcome.OK))
    context.timings["toolsMs"] = context.timings.get("toolsMs", 0) + _since(started)
    return {
        "messages": (*state["messages"], ModelMessage("user", tuple(results))),
        "replies": tuple(replies),
        "facts": facts,
        "passages": tuple(passages),
        "pending": (),
    }


def _past_the_limits(context: TurnContext, replies: list[ToolReply]) -> str | None:
    if len(replies) >= context.limits.tool_calls:
        return "TOO_MANY_CALLS"
    return "OUT_OF_TIME" if context.seconds_left <= 0 else None


async def _call(context: TurnContext, use: ToolUse, *, ordinal: int) -> ToolReply:
    call = Call(name=use.name, input=use.input, key=f"{context.turn.id}:{ordinal}", turn_id=context.turn.id)
    reply = await dispatch(context.engine, context.toolbox, context.conversation, call)
    context.emit(ToolRan(use.name, reply.outcome))
    return reply


async def close(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:
    """Say what must not stay unsaid, keep the turn, and hand out the whole answer."""
    context, said, facts = runtime.context, state["said"], state["facts"]
    for sentence in unspoken(state["replies"], said):
        said = await say(context, sentence, facts, said)
    # What a tool gave to be said is a better answer than none, the last one first.
    for reply in reversed(state["replies"]):
        if not said and (result := sentence_of(reply)) is not None:
            said = await say(context, result, facts, said)
    if not said:
        said = await say(context, NOTHING_TO_SAY, facts, said)
    final: TurnState = {**state, "said": said, "offers_human": state["offers_human"] or not state["said"]}
    answer = answer_of(final)
    context.timings["totalMs"] = _since(context.started)
    record = TurnRecord(
        status=TurnStatus.DONE,
        answer=answer,
        model=state["model"],
        fallback_reason=state["fallback_reason"],
        input_tokens=state["usage"].input_tokens,
        output_tokens=state["usage"].output_tokens,
        cost_micro_usd=context.cost_micro_usd,
        timings=context.timings,
        sources=[
            {"entry_id": each.entry_id, "title": each.title, "version": each.version, "score": each.score}
            for each in sources_of(final)
        ],
    )
    turn = context.turn
    async with transaction(context.engine, company_id=turn.company_id) as session:
        await finish_turn(session, turn.session_id, turn.id, record, company_id=turn.company_id)
    context.emit(TurnDone(answer))
    return {"said": said}


def _since(started: float) -> int:
    return round((perf_counter() - started) * 1000)
