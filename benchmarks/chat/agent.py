"""LangChain's agent with LangGraph's Postgres saver: the same model, prompt and tools; a thread a conversation."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from agents.toolbox import CHECKOUT_CHAT
from benchmarks.chat import words
from db.embedded import dsn


class Agent:
    """`durability` async, its default, keeps every step; exit keeps the end of the turn alone."""

    def __init__(self, graph: Any, durability: Literal["async", "exit"]) -> None:
        self.graph = graph
        self.durability = durability

    @classmethod
    async def open(cls, database_url: str, *, durability: Literal["async", "exit"]) -> Self:
        pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            dsn(database_url),
            min_size=10,
            max_size=20,
            open=False,
            kwargs={"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row},
        )
        await pool.open(wait=True)
        model = ChatAnthropic(model=words.MODEL, max_tokens_to_sample=words.MAX_TOKENS, streaming=True, max_retries=0)
        graph = create_agent(model, tools=_tools(), system_prompt=words.TOLD, checkpointer=AsyncPostgresSaver(pool))
        return cls(graph, durability)

    async def prepare(self, sessions: Sequence[str], turns: int) -> None:
        past = [HumanMessage(words.ASKED_BEFORE), AIMessage(words.ANSWERED_BEFORE)] * turns
        if past:
            for session in sessions:
                await self.graph.aupdate_state(_thread(session), {"messages": [each.model_copy() for each in past]})

    async def answer(self, session: str, number: int) -> str:
        asked = {"messages": [{"role": "user", "content": words.utterance(number)}]}
        text = ""
        async for chunk, _ in self.graph.astream(
            asked, _thread(session), stream_mode="messages", durability=self.durability
        ):
            if isinstance(chunk, AIMessageChunk):
                text += chunk.text
        return text


def _thread(session: str) -> dict[str, dict[str, str]]:
    return {"configurable": {"thread_id": session}}


def _tools() -> list[BaseTool]:
    async def run(**_: object) -> str:
        return words.CART

    return [
        StructuredTool.from_function(
            coroutine=run, name=each.name, description=each.description, args_schema=each.arguments
        )
        for each in CHECKOUT_CHAT.values()
    ]


async def set_up(database_url: str) -> None:
    """The saver's tables."""
    async with AsyncPostgresSaver.from_conn_string(dsn(database_url)) as saver:
        await saver.setup()
