"""LangGraph runs what is no coroutine in a thread, at every step of every turn: nothing of ours is run so."""

from typing import Any, TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from graphs.checkout_chat.graph import chat_graph
from graphs.recovery_planner.graph import planner_graph
from graphs.voice_call.graph import call_graph

Graph = CompiledStateGraph[Any, Any, Any, Any]


def run_in_threads(graph: Graph) -> set[str]:
    """The nodes and branches of a graph that are no coroutines."""
    built = graph.builder
    steps = [(name, node.runnable) for name, node in built.nodes.items()]
    steps += [(name, branch.path) for branches in built.branches.values() for name, branch in branches.items()]
    return {name for name, step in steps if getattr(step, "func", step) is not None}


@pytest.mark.parametrize("graph", [chat_graph(), call_graph(), planner_graph()])
def test_nodes_and_branches_are_coroutines(graph: Graph) -> None:
    assert run_in_threads(graph) == set()


class State(TypedDict):
    said: str


def test_a_plain_node_and_a_plain_branch_are_found() -> None:
    def node(state: State) -> State:
        return state

    def branch(_: State) -> str:
        return "node"

    graph: StateGraph[Any, Any, Any, Any] = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")
    graph.add_conditional_edges("node", branch)
    assert run_in_threads(graph.compile()) == {"node", "branch"}
