"""The transcript: each utterance, and under each answer what it rests on and how it came about."""

import json
from itertools import groupby
from uuid import UUID

from db.base import type_json
from db.tables.conversations import BlockedSentence, ChatMessage, ChatTurn, MessageRole, ToolCall, TurnSource
from graphs.conversations.service import Transcript
from web.console.desk import Visit
from web.console.tags import chip, pair, tag
from web.console.wording import TIMINGS, TONES, dollars, words

SPEAKERS = {MessageRole.USER: "Shopper", MessageRole.ASSISTANT: "Agent", MessageRole.SYSTEM: "Notice"}


def show_turns(transcript: Transcript, visit: Visit) -> None:
    """What was said, oldest first; what an agent did without a word comes after it."""
    turns = {turn.id: turn for turn in transcript.turns}
    told: set[UUID] = set()
    for turn_id, rows in groupby(transcript.messages, key=lambda row: row.turn_id):
        said = list(rows)
        for role, sentences in groupby(said, key=lambda row: row.role):
            if role is MessageRole.ASSISTANT and turn_id in turns and turn_id not in told:
                told.add(turn_id)
                _kept_back([each for each in transcript.blocked if each.turn_id == turn_id])
            _utterance(role, list(sentences), visit)
        if turn_id in turns:
            told.add(turn_id)
            _making(turns[turn_id], transcript, visit)
    rest = [call for call in transcript.tool_calls if call.turn_id is None or call.turn_id not in told]
    if rest:
        tag("h2", "What the agent did")
        for call in rest:
            _tool_call(call, visit, opened=len(rest) == 1)
    if not transcript.messages and not rest:
        tag("p", "Nothing was said or done yet.", look="quiet")


def _utterance(role: MessageRole, sentences: list[ChatMessage], visit: Visit) -> None:
    with tag("article", look=f"said {role.lower()}"):
        with tag("p", look="speaker"):
            tag("strong", SPEAKERS[role])
            at = sentences[0].created_at
            tag("time", visit.clock(at), look="quiet", datetime=at.isoformat())
        with tag("p", look="words"):
            for sentence in sentences:
                rests_on = _rests_on(sentence)
                tag("span", sentence.content, **({"title": rests_on, "class": "grounded"} if rests_on else {}))


def _rests_on(sentence: ChatMessage) -> str:
    """The rows behind a sentence, as one hovers over it; under the answer they stand in full."""
    facts = sentence.bindings.get("facts", [])
    return "Rests on " + ", ".join(facts) if facts else ""


def _kept_back(blocked: list[BlockedSentence]) -> None:
    for each in blocked:
        with tag("article", look="said blocked"):
            with tag("p", look="speaker"):
                tag("strong", "Kept back: no fact stands behind it")
            tag("p", each.content, look="words")
            claims = [
                f"{words(str(claim.get('kind', '')))} “{claim.get('text', '')}”"
                for claim in each.unbound.get("claims", [])
            ]
            if claims:
                tag("p", " · ".join(claims), look="quiet")


def _making(turn: ChatTurn, transcript: Transcript, visit: Visit) -> None:
    calls = [call for call in transcript.tool_calls if call.turn_id == turn.id]
    sources = [source for source in transcript.sources if source.turn_id == turn.id]
    facts = sorted(
        {fact for row in transcript.messages if row.turn_id == turn.id for fact in row.bindings.get("facts", [])}
    )
    total = turn.timings.get("totalMs", turn.timings.get("total"))
    with tag("details", look="making"):
        with tag("summary"):
            tag("span", "How this answer was made")
            parts = [
                _count(len(calls), "tool call"),
                _count(len(sources), "source"),
                "" if total is None else f"{total:,} ms",
            ]
            tag("span", " · ".join(part for part in parts if part), look="quiet")
        for call in calls:
            _tool_call(call, visit, opened=False)
        _sources(sources)
        if facts:
            tag("h3", "Facts that its sentences rest on")
            with tag("ul", look="facts"):
                for fact in facts:
                    tag("li", fact)
        _timings(turn)
        with tag("dl", look="flat"):
            pair("Model", turn.model or "None")
            if turn.fallback_reason:
                pair("Fell back because", turn.fallback_reason)
            pair("Tokens", f"{turn.input_tokens:,} in, {turn.output_tokens:,} out")
            pair("Cost", dollars(turn.cost_micro_usd))
            pair("Turn", words(turn.status))


def _count(number: int, noun: str) -> str:
    return "" if number == 0 else f"{number} {noun}{'' if number == 1 else 's'}"


def _tool_call(call: ToolCall, visit: Visit, *, opened: bool) -> None:
    with tag("details", look="tool", **({"open": ""} if opened else {})):
        with tag("summary"):
            tag("code", call.name)
            chip(words(call.outcome), TONES.get(call.outcome, ""))
            tag("span", f"{call.latency_ms:,} ms", look="quiet")
            tag("time", visit.clock(call.called_at), look="quiet", datetime=call.called_at.isoformat())
        with tag("dl", look="flat"):
            if call.reason:
                pair("Reason", words(call.reason))
            pair("Policy version", str(call.policy_version))
            pair("Called", f"{visit.time(call.called_at)}")
        tag("h3", "Input")
        tag("pre", _json(call.input), tabindex="0")
        tag("h3", "Result")
        tag("pre", _json({name: value for name, value in call.result.items() if name != "facts"}), tabindex="0")


def _json(value: type_json) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else "Empty"


def _sources(sources: list[TurnSource]) -> None:
    if not sources:
        return
    tag("h3", "Sources")
    with tag("ul", look="facts"):
        for source in sources:
            tag("li", f"{source.title} (version {source.version}, score {source.score:.2f})")


def _timings(turn: ChatTurn) -> None:
    """Each stage as a bar beside the longest of them."""
    stages = list(TIMINGS)
    named = {name.removesuffix("Ms"): ms for name, ms in turn.timings.items()}
    timings = dict(sorted(named.items(), key=lambda stage: stages.index(stage[0]) if stage[0] in stages else 0))
    if not timings:
        return
    longest = max(1, *timings.values())
    tag("h3", "Time by stage")
    with tag("dl", look="timings"):
        for name, ms in timings.items():
            tag("dt", TIMINGS.get(name, words(name)))
            with tag("dd"):
                with tag("span", look="bar-track"):
                    tag("span").style(f"width: {100 * ms / longest:.1f}%")
                tag("span", f"{ms:,} ms", look="number")
