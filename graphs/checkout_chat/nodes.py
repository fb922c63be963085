"""The nodes of a chat turn: async, one effect each."""

import json
from contextlib import aclosing
from dataclasses import replace
from time import perf_counter

from langgraph.runtime import Runtime

from db.clock import read_clock
from db.session import transaction
from db.tables.conversations import ChatMessage, MessageRole, ToolOutcome, TurnStatus
from graphs.checkout_chat.answers import answer_of, found_by, sources_of, unspoken
from graphs.checkout_chat.speech import say
from graphs.checkout_chat.state import Passage, Said, ToolRan, TurnContext, TurnDone, TurnState, TurnUpdate, merged
from graphs.conversations import service as conversations
from graphs.conversations.repository import ConversationRepository
from graphs.conversations.service import TurnRecord
from graphs.model import (
    Finished,
    ModelMessage,
    ModelRequest,
    ModelUnavailable,
    SearchResultPart,
    SwitchedModel,
    TextDelta,
    TextPart,
    ToolResultPart,
    ToolSpec,
    ToolUse,
    ToolUsePart,
)
from knowledge import service as knowledge
from policy.claims.facts import PassageFact
from policy.claims.sentences import SentenceBuffer
from policy.redaction.rules import without_marks
from storefront.carts import service as carts
from storefront.carts.facts import facts_of
from tools.dispatch import Call, ToolReply, dispatch

TAKEN_OVER = "A person from the shop is answering here now."
I_AM_AI = "I am an AI assistant, not a person. You can ask for a person from the shop any time."
NOTHING_TO_SAY = "I'm not sure about that, and I don't want to guess. You can ask for a person from the shop any time."


async def listen(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:  # noqa: ARG001  (a node)
    """Read the conversation so far; the utterance itself was redacted and stored before the turn began."""
    context, started = runtime.context, perf_counter()
    async with transaction(context.engine, company_id=context.turn.company_id) as session:
        rows = await conversations.history(
            session, context.turn.session_id, company_id=context.turn.company_id, limit=context.limits.history_rows
        )
        silenced = await ConversationRepository(session).is_silenced(
            context.turn.session_id, company_id=context.turn.company_id
        )
        cart = await carts.read(
            session, context.conversation.cart_id, company_id=context.turn.company_id, now=context.turn.now
        )
    facts = merged(facts_of(cart, tz=context.conversation.tz), context.names)
    high = context.escalation.high_value_minor
    context.timings["historyMs"] = _since(started)
    if silenced:
        said = await say(context, TAKEN_OVER, facts)
        return {"over": True, "said": (said,) if said else ()}
    return {
        "messages": _as_messages(rows),
        "facts": facts,
        "offers_human": high is not None and cart.grand_total_minor >= high,
    }


def _as_messages(rows: list[ChatMessage]) -> tuple[ModelMessage, ...]:
    """The transcript as a model reads it: sentences of one answer together, the disclosure left out."""
    messages: list[ModelMessage] = []
    for row in rows:
        if row.role is MessageRole.SYSTEM:
            continue
        role = "user" if row.role is MessageRole.USER else "assistant"
        if messages and messages[-1].role == role:
            messages[-1] = replace(messages[-1], parts=(*messages[-1].parts, TextPart(row.content)))
        elif messages or role == "user":
            messages.append(ModelMessage("user" if role == "user" else "assistant", (TextPart(row.content),)))
    return tuple(messages)


async def detect(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:
    """Opt-out, the wish for a person and the question who this is are answered by code, before any model."""
    # Our own mark says "removed", which is not what the shopper said.
    context, text = runtime.context, without_marks(runtime.context.turn.content)
    if state["over"]:
        return {}
    if (scope := context.detectors.opts_out(text)) is not None:
        return await _by_code(state, context, "set_opt_out", {"scope": scope}, over=True)
    if context.detectors.asks_if_bot(text):
        said = await say(context, I_AM_AI, state["facts"])
        return {"over": True, "said": (said,) if said else ()}
    if context.escalation.on_request and context.detectors.wants_human(text):
        return await _by_code(state, context, "request_human", {"reason": "asked for a person"}, over=True)
    if context.escalation.on_frustration and context.detectors.frustrated(text):
        return await _by_code(state, context, "request_human", {"reason": "seems upset"}, over=False)
    return {}


async def _by_code(
    state: TurnState, context: TurnContext, name: str, arguments: dict[str, str], *, over: bool
) -> TurnUpdate:
    """Call a tool without being asked by a model, and say what it says."""
    reply = await _call(context, ToolUse(name, name, dict(arguments)), ordinal=0)
    facts = merged(state["facts"], reply.facts)
    sentence = reply.result.get("say")
    said = await say(context, sentence, facts) if isinstance(sentence, str) else None
    return {"over": over, "facts": facts, "replies": (reply,), "said": (said,) if said else (), "offers_human": True}


async def retrieve(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:
    """Find what the FAQ says about the utterance; the passages become facts and stand before the model."""
    context, started = runtime.context, perf_counter()
    async with transaction(context.engine, company_id=context.turn.company_id) as session:
        found = await knowledge.search(
            session,
            context.turn.content,
            company_id=context.turn.company_id,
            locale=context.conversation.locale,
            now=context.turn.now,
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
    buffer, said, uses = SentenceBuffer(), list(state["said"]), list[ToolUse]()
    update: TurnUpdate = {"rounds": state["rounds"] + 1, "usage": state["usage"]}
    spoken = ""
    try:
        async with aclosing(context.model.stream(_request(state, context))) as events:
            async for event in events:
                context.timings.setdefault("firstEventMs", _since(started))
                match event:
                    case TextDelta():
                        for sentence in buffer.feed(_clean(event.text)):
                            spoken += await _say_to(context, said, sentence, state)
                    case ToolUse():
                        uses.append(event)
                    case SwitchedModel():
                        buffer, uses = SentenceBuffer(), []
                        update["fallback_reason"] = event.reason
                        context.spend(event.failed_model, event.usage)
                    case Finished():
                        update["model"] = event.model
                        update["usage"] = state["usage"] + event.usage
                        context.spend(event.model, event.usage)
        for sentence in buffer.flush():
            spoken += await _say_to(context, said, sentence, state)
    except ModelUnavailable as error:
        update["fallback_reason"], uses = error.reason, []
        context.spend(error.model, error.usage)
    context.timings["modelMs"] = context.timings.get("modelMs", 0) + _since(started)
    parts = (*((TextPart(spoken),) if spoken else ()), *(ToolUsePart(use.id, use.name, use.input) for use in uses))
    if parts:
        update["messages"] = (*state["messages"], ModelMessage("assistant", parts))
    update["said"], update["pending"] = tuple(said), tuple(uses)
    return update


def _request(state: TurnState, context: TurnContext) -> ModelRequest:
    return ModelRequest(
        system=context.system,
        messages=state["messages"],
        tools=tuple(ToolSpec(tool.name, tool.description, tool.input_schema) for tool in context.toolbox.values()),
        max_tokens=context.limits.max_tokens,
        purpose="chat",
        timeout_s=max(context.seconds_left, 0.1),
    )


async def _say_to(context: TurnContext, said: list[Said], sentence: str, state: TurnState) -> str:
    """Say a sentence if it may be said; what of it the shopper saw."""
    if not sentence.strip():
        return ""
    passed = await say(context, sentence, state["facts"])
    if passed is None:
        return ""
    said.append(passed)
    return passed.text


async def act(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:
    """Run the tools that the model called, one after the other, and tell it what came of each."""
    context, started = runtime.context, perf_counter()
    replies, facts, passages = list(state["replies"]), state["facts"], list(state["passages"])
    results: list[ToolResultPart] = []
    for use in state["pending"]:
        if len(replies) >= context.limits.tool_calls:
            refused = json.dumps({"ok": False, "code": "TOO_MANY_CALLS"})
            results.append(ToolResultPart(use.id, refused, is_error=True))
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


async def _call(context: TurnContext, use: ToolUse, *, ordinal: int) -> ToolReply:
    call = Call(name=use.name, input=use.input, key=f"{context.turn.id}:{ordinal}", turn_id=context.turn.id)
    reply = await dispatch(context.engine, context.toolbox, context.conversation, call)
    context.emit(ToolRan(use.name, reply.outcome))
    return reply


async def close(state: TurnState, runtime: Runtime[TurnContext]) -> TurnUpdate:
    """Say what must not stay unsaid, keep the turn, and hand out the whole answer."""
    context = runtime.context
    said = list(state["said"])
    for sentence in unspoken(state["replies"], said):
        if passed := await say(context, _separated(sentence, said), state["facts"]):
            said.append(passed)
    if not said and (passed := await say(context, NOTHING_TO_SAY, state["facts"])):
        said.append(passed)
    offers_human = state["offers_human"] or not state["said"]
    final: TurnState = {**state, "said": tuple(said), "offers_human": offers_human}
    answer, sources = answer_of(final), sources_of(final)
    context.timings["totalMs"] = _since(context.started)
    async with transaction(context.engine, company_id=context.turn.company_id) as session:
        await read_clock(session)
        await conversations.finish_turn(
            session,
            context.turn,
            TurnRecord(
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
                    for each in sources
                ],
            ),
        )
    context.emit(TurnDone(answer))
    return {"said": tuple(said)}


def _separated(sentence: str, said: list[Said]) -> str:
    """Sentences are shown one after the other as they are: one that is added brings its own space."""
    return f" {sentence}" if said and not said[-1].text.endswith((" ", "\n")) else sentence


def _clean(text: str) -> str:
    """What a database can hold as text."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _since(started: float) -> int:
    return round((perf_counter() - started) * 1000)
