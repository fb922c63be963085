"""The planner's turn for a due stage: read → write → account → schedule. Wiring only."""

from functools import cache
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from graphs.recovery_planner import nodes
from graphs.recovery_planner.state import PlannerContext, PlannerState
from recovery.finish_stage import Written


@cache
def planner_graph() -> CompiledStateGraph[Any, PlannerContext, Any, Any]:
    graph = StateGraph(PlannerState, context_schema=PlannerContext)
    graph.add_node("read", nodes.read)
    graph.add_node("write", nodes.write)
    graph.add_node("account", nodes.account)
    graph.add_node("schedule", nodes.schedule)
    graph.add_edge(START, "read")
    graph.add_edge("read", "write")
    graph.add_edge("write", "account")
    graph.add_edge("account", "schedule")
    graph.add_edge("schedule", END)
    return graph.compile()


async def plan_stage(context: PlannerContext) -> Written:
    """Choose a remedy and write the message of a stage, within what gate and ledger allowed."""
    state = await planner_graph().ainvoke({"passages": (), "claims": (), "facts": ()}, context=context)
    written: Written = state["written"]
    return written
