"""The SDK and nothing else: ask, run the tool, ask again. No rows, no checks."""

import json
from collections.abc import Sequence

from anthropic import AsyncAnthropic, DefaultAioHttpClient
from anthropic.types import MessageParam, ToolResultBlockParam, ToolUseBlockParam

from agents.models.anthropic_wire import system_blocks
from benchmarks.chat import words


class Bare:
    """Over the SDK's own transport (httpx2), or over the one that our client uses (aiohttp)."""

    def __init__(self, *, aiohttp: bool) -> None:
        self.client = AsyncAnthropic(max_retries=0, http_client=DefaultAioHttpClient() if aiohttp else None)
        self.tools = words.tool_params()
        self.system = system_blocks(words.TOLD)
        self.history: list[MessageParam] = []

    async def prepare(self, sessions: Sequence[str], turns: int) -> None:  # noqa: ARG002
        self.history = words.history(turns)

    async def answer(self, session: str, number: int) -> str:  # noqa: ARG002
        messages: list[MessageParam] = [*self.history, {"role": "user", "content": words.utterance(number)}]
        while True:
            text, call_id, arguments = "", "", ""
            stream = await self.client.messages.create(
                model=words.MODEL,
                max_tokens=words.MAX_TOKENS,
                system=self.system,
                messages=messages,
                tools=self.tools,
                stream=True,
            )
            async for event in stream:
                if event.type == "content_block_start" and event.content_block.type == "tool_use":
                    call_id = event.content_block.id
                elif event.type == "content_block_delta" and event.delta.type == "text_delta":
                    text += event.delta.text
                elif event.type == "content_block_delta" and event.delta.type == "input_json_delta":
                    arguments += event.delta.partial_json
            if not call_id:
                return text
            use: ToolUseBlockParam = {
                "type": "tool_use",
                "id": call_id,
                "name": "get_cart",
                "input": json.loads(arguments),
            }
            result: ToolResultBlockParam = {"type": "tool_result", "tool_use_id": call_id, "content": words.CART}
            messages += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
