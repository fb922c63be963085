"""A call's turn: move → (stop | act ⇄ speak → answer) → close. Wiring only."""

from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime, get_runtime

from graphs.voice_call import nodes, routing
from graphs.voice_call.state import CallContext, CallTurn

# More than the longest turn has: move, answer, close and a pair for each round.
RECURSION_LIMIT = 20


def _context() -> CallContext:
    runtime: Runtime[CallContext] = get_runtime(CallContext)
    return runtime.context


# Coroutines, all of them: LangGraph runs a plain function in a thread.
async def _after_move(state: CallTurn) -> Literal["stop", "act", "speak", "answer"]:
    return routing.after_move(state["move"], pending=bool(state["pending"]), has_model=_context().model is not None)


async def _after_act(state: CallTurn) -> Literal["stop", "speak", "answer"]:
    context = _context()
    may_speak = context.model is not None and state["rounds"] < context.limits.rounds and context.has_time
    return routing.after_act(state["move"], may_speak=may_speak)


async def _after_speak(state: CallTurn) -> Literal["act", "answer"]:
    return "act" if state["pending"] and state["rounds"] < _context().limits.rounds else "answer"


@cache
def call_graph() -> CompiledStateGraph[Any, CallContext, Any, Any]:
    graph = StateGraph(CallTurn, context_schema=CallContext)
    graph.add_node("move", nodes.move)
    graph.add_node("stop", nodes.stop)
    graph.add_node("act", nodes.act)
    graph.add_node("speak", nodes.speak)
    graph.add_node("answer", nodes.answer)
    graph.add_node("close", nodes.close)
    graph.add_edge(START, "move")
    graph.add_conditional_edges("move", _after_move)
    graph.add_conditional_edges("act", _after_act)
    graph.add_conditional_edges("speak", _after_speak)
    graph.add_edge("stop", "close")
    graph.add_edge("answer", "close")
    graph.add_edge("close", END)
    return graph.compile()


async def run_turn(context: CallContext, state: CallTurn) -> None:
    """Answer one input. What is said goes out through `context.emit`, each sentence after it is stored."""
    await call_graph().ainvoke(state, context=context, config={"recursion_limit": RECURSION_LIMIT})
