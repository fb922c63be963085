"""The checkout chat's turn: listen → detect → retrieve → speak ⇄ act → close. Wiring only."""

from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime, get_runtime

from graphs.checkout_chat import nodes, routing
from graphs.checkout_chat.state import TurnContext, TurnState, first_state

# Nodes of the longest turn: listen, detect, retrieve, close and a pair for each round.
RECURSION_LIMIT = 40


def _after_speak(state: TurnState) -> Literal["act", "close"]:
    runtime: Runtime[TurnContext] = get_runtime(TurnContext)
    return routing.after_speak(state, runtime.context.limits)


@cache
def chat_graph() -> CompiledStateGraph[Any, TurnContext, Any, Any]:
    graph = StateGraph(TurnState, context_schema=TurnContext)
    graph.add_node("listen", nodes.listen)
    graph.add_node("detect", nodes.detect)
    graph.add_node("retrieve", nodes.retrieve)
    graph.add_node("speak", nodes.speak)
    graph.add_node("act", nodes.act)
    graph.add_node("close", nodes.close)
    graph.add_edge(START, "listen")
    graph.add_edge("listen", "detect")
    graph.add_conditional_edges("detect", routing.after_detect)
    graph.add_edge("retrieve", "speak")
    graph.add_conditional_edges("speak", _after_speak)
    graph.add_edge("act", "speak")
    graph.add_edge("close", END)
    return graph.compile()


async def run_turn(context: TurnContext) -> None:
    """Answer one utterance. What is said goes out through `context.emit`, each sentence after it is stored."""
    await chat_graph().ainvoke(first_state(), context=context, config={"recursion_limit": RECURSION_LIMIT})
