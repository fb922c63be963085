"""Claude over the Messages API, with our own deadlines and retries."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass

import anthropic
import httpx2
from anthropic import AsyncAnthropic, AsyncStream, DefaultAioHttpClient, omit
from anthropic.types import RawMessageStreamEvent, ToolParam

from agents.models import anthropic_wire as wire
from agents.models.anthropic_stream import BrokenAnswer, StreamedAnswer
from agents.models.retry import wait_before_retry
from graphs.model import (
    NO_USAGE,
    Finished,
    ModelEvent,
    ModelRequest,
    ModelUnavailable,
    Purpose,
    TextDelta,
    ToolSpec,
    UnavailableReason,
)

DEFAULT_MODELS: Mapping[Purpose, str] = {
    "chat": "claude-haiku-5-5",
    "plan": "claude-sonnet-5-5",
    "voice": "claude-haiku-5-5",
}
FIRST_BYTE_S = 3.0
TOTAL_S = 6.0

# The faults that an SDK call or its stream raises: the SDK wraps neither a drop, a stall nor a corrupt chunk.
_FAULTS = (anthropic.AnthropicError, httpx2.HTTPError, ValueError, TimeoutError, BrokenAnswer)


@dataclass(frozen=True)
class _Fault:
    reason: UnavailableReason
    may_retry: bool = True
    retry_after_s: float | None = None


class AnthropicModel:
    """Streams Claude's answers. Thinking is off: first words must be quick, and transcripts keep no thoughts.

    An attempt whose first content takes longer than `first_byte_s` is given up; the whole call, its retries
    included, ends within `total_s`. Nothing is retried once text has been streamed.
    """

    name = "anthropic"

    def __init__(
        self,
        client: AsyncAnthropic,
        *,
        models: Mapping[Purpose, str] = DEFAULT_MODELS,
        first_byte_s: float = FIRST_BYTE_S,
        total_s: float = TOTAL_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._models = dict(models)
        self._first_byte_s = first_byte_s
        self._total_s = total_s
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._tools: dict[str, tuple[ToolSpec, ToolParam]] = {}

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """Answer, or raise ModelUnavailable within the deadline with what was used so far."""
        model = self._models[request.purpose]
        limit_s = self._total_s if request.timeout_s is None else min(self._total_s, request.timeout_s)
        deadline = self._clock() + limit_s
        used, attempts = NO_USAGE, 0
        while True:
            answer, attempts = StreamedAnswer(), attempts + 1
            try:
                async with aclosing(self._attempt(request, model, answer, deadline)) as texts:
                    async for text in texts:
                        yield TextDelta(text)
                stop, tools = answer.finish()
            except _FAULTS as error:
                used += answer.usage
                fault = _fault(error, begun=answer.started)
                wait_s = self._wait_s(fault, attempts, left_s=deadline - self._clock())
                if answer.text_emitted or wait_s is None:
                    raise ModelUnavailable(
                        fault.reason, model=model, text_emitted=answer.text_emitted, usage=used
                    ) from error
                await self._sleep(wait_s)
                continue
            for tool in tools:
                yield tool
            yield Finished(stop=stop, usage=used + answer.usage, model=model)
            return

    async def aclose(self) -> None:
        """Close the connections; call it once, when the process ends."""
        await self._client.close()

    async def _attempt(
        self, request: ModelRequest, model: str, answer: StreamedAnswer, deadline: float
    ) -> AsyncGenerator[str]:
        """One HTTP request: fills `answer`, yields its texts. A timeout never spans a yield."""
        first_byte_by = min(deadline, self._clock() + self._first_byte_s)
        stream: AsyncStream[RawMessageStreamEvent] | None = None
        try:
            async with asyncio.timeout(first_byte_by - self._clock()):
                stream = await self._open(request, model)
            events = aiter(stream)
            while True:
                until = deadline if answer.started else first_byte_by
                async with asyncio.timeout(until - self._clock()):
                    event = await anext(events, None)
                if event is None:
                    return
                if text := answer.feed(event):
                    yield text
        finally:
            if stream is not None:
                with suppress(httpx2.HTTPError):
                    await stream.close()

    async def _open(self, request: ModelRequest, model: str) -> AsyncStream[RawMessageStreamEvent]:
        schema = request.output_schema
        return await self._client.messages.create(
            model=model,
            max_tokens=request.max_tokens,
            system=wire.system_blocks(request.system) or omit,
            messages=wire.message_params(request.messages),
            tools=wire.cached_to_here([self._tool_param(tool) for tool in request.tools]) or omit,
            output_config=omit if schema is None else wire.output_config(schema),
            thinking={"type": "disabled"},
            stream=True,
        )

    def _tool_param(self, tool: ToolSpec) -> ToolParam:
        """Rewriting a schema costs more than sending it, and a tool's schema is the same object each time."""
        known = self._tools.get(tool.name)
        same = known is not None and known[0].input_schema is tool.input_schema
        if known is None or not same or known[0].description != tool.description:
            known = self._tools[tool.name] = (tool, wire.tool_param(tool))
        return known[1]

    def _wait_s(self, fault: _Fault, attempts: int, *, left_s: float) -> float | None:
        if not fault.may_retry:
            return None
        return wait_before_retry(attempts, left_s=left_s, retry_after_s=fault.retry_after_s, jitter=self._jitter())


def connect(*, api_key: str, base_url: str | None = None) -> AsyncAnthropic:
    """A client without the SDK's own retries, over aiohttp (2.8 ms of CPU a turn against 4.7 over httpx2)."""
    return AsyncAnthropic(
        api_key=api_key, base_url=base_url, max_retries=0, timeout=TOTAL_S, http_client=DefaultAioHttpClient()
    )


def _fault(error: Exception, *, begun: bool) -> _Fault:
    match error:
        case BrokenAnswer():
            return _Fault(error.reason)
        case anthropic.APIStatusError():
            return _status_fault(error)
        case TimeoutError() | anthropic.APITimeoutError() | httpx2.TimeoutException():
            return _Fault(UnavailableReason.TIMEOUT)
        case anthropic.APIConnectionError() | httpx2.HTTPError():
            return _Fault(UnavailableReason.CUT_STREAM if begun else UnavailableReason.CONNECTION)
        case _:
            return _Fault(UnavailableReason.BAD_RESPONSE)


def _status_fault(error: anthropic.APIStatusError) -> _Fault:
    """An error of HTTP, or one that was announced in a stream that began with 200 (then its type tells)."""
    retry_after_s = _retry_after_s(error)
    kind = error.status_code if error.status_code >= 400 else error.type
    match kind:
        case 429 | "rate_limit_error":
            return _Fault(UnavailableReason.RATE_LIMITED, retry_after_s=retry_after_s)
        case 401 | 402 | 403 | "authentication_error" | "billing_error" | "permission_error":
            return _Fault(UnavailableReason.UNAUTHORIZED, may_retry=False)
        case 408 | 409 | "overloaded_error" | "api_error" | "timeout_error":
            return _Fault(UnavailableReason.OVERLOADED, retry_after_s=retry_after_s)
        case int(status) if status >= 500:
            return _Fault(UnavailableReason.OVERLOADED, retry_after_s=retry_after_s)
        case _:
            return _Fault(UnavailableReason.BAD_REQUEST, may_retry=False)


def _retry_after_s(error: anthropic.APIStatusError) -> float | None:
    """Retry-After in seconds (RFC 9110, 10.2.3); its date form is not used by this API."""
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if seconds >= 0 else None
