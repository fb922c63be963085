"""The checkout chat's turn: detect → retrieve → speak ⇄ act → close. Wiring only."""

from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime, get_runtime

from graphs.checkout_chat import nodes, routing
from graphs.checkout_chat.state import TurnContext, TurnState

# More than the longest turn has: detect, retrieve, close and a pair for each round.
RECURSION_LIMIT = 40


# Coroutines, all of them: LangGraph runs a plain function in a thread.
async def _after_detect(state: TurnState) -> Literal["retrieve", "close"]:
    return routing.after_detect(state)


async def _after_speak(state: TurnState) -> Literal["act", "close"]:
    runtime: Runtime[TurnContext] = get_runtime(TurnContext)
    return routing.after_speak(state, runtime.context.limits)


async def _after_act(_: TurnState) -> Literal["speak", "close"]:
    runtime: Runtime[TurnContext] = get_runtime(TurnContext)
    return routing.after_act(seconds_left=runtime.context.seconds_left)


@cache
def chat_graph() -> CompiledStateGraph[Any, TurnContext, Any, Any]:
    graph = StateGraph(TurnState, context_schema=TurnContext)
    graph.add_node("detect", nodes.detect)
    graph.add_node("retrieve", nodes.retrieve)
    graph.add_node("speak", nodes.speak)
    graph.add_node("act", nodes.act)
    graph.add_node("close", nodes.close)
    graph.add_edge(START, "detect")
    graph.add_conditional_edges("detect", _after_detect)
    graph.add_edge("retrieve", "speak")
    graph.add_conditional_edges("speak", _after_speak)
    graph.add_conditional_edges("act", _after_act)
    graph.add_edge("close", END)
    return graph.compile()


async def run_turn(context: TurnContext, state: TurnState) -> None:
    """Answer one utterance, from `opening(…)` on.

    What is said goes out through `context.emit`, each sentence after it is stored.
    """
    await chat_graph().ainvoke(state, context=context, config={"recursion_limit": RECURSION_LIMIT})
