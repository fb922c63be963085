"""A primary model behind a circuit breaker, and the offline responder that finishes what it could not."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from agents.models.breaker import Admission, CircuitBreaker
from agents.models.offline import OfflineModel, continues_offline
from graphs.model import (
    NO_USAGE,
    Finished,
    Model,
    ModelEvent,
    ModelMessage,
    ModelRequest,
    ModelUnavailable,
    SwitchedModel,
    TextDelta,
    TextPart,
    UnavailableReason,
    Usage,
)

# These say something about the request, not about the provider: they leave the breaker as it is.
_NOT_THE_PROVIDER = frozenset({UnavailableReason.BAD_REQUEST, UnavailableReason.UNSUPPORTED})


@dataclass
class _Attempt:
    """How far the primary came. `failure` is set if another model has to go on."""

    said: str = ""
    failure: UnavailableReason | None = None
    model: str = ""
    usage: Usage = field(default=NO_USAGE)


class FallbackModel:
    """Streams the primary's answer; on any failure says so with SwitchedModel and lets the other one finish.

    A structured request has no offline form: it raises ModelUnavailable, and the caller has a template. Tool
    calls that the offline responder made are finished by it, so that an outage costs a turn its deadline once.
    """

    def __init__(self, primary: Model, offline: OfflineModel, *, breaker: CircuitBreaker) -> None:
        self._primary = primary
        self._offline = offline
        self._breaker = breaker

    @property
    def name(self) -> str:
        return self._primary.name

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        """The primary's events; from a SwitchedModel on, those of the offline responder."""
        attempt = _Attempt()
        if not continues_offline(request):
            async with aclosing(self._try_primary(request, attempt)) as events:
                async for event in events:
                    yield event
            if attempt.failure is None:
                return
            yield SwitchedModel(self._offline.name, attempt.failure, attempt.model, attempt.usage)
        async with aclosing(self._offline.stream(_with_what_was_said(request, attempt.said))) as events:
            async for event in events:
                yield event

    async def _try_primary(self, request: ModelRequest, attempt: _Attempt) -> AsyncGenerator[ModelEvent]:
        admission = self._breaker.admit()
        if admission is None:
            attempt.failure, attempt.model = UnavailableReason.CIRCUIT_OPEN, self._primary.name
            if request.output_schema is not None:
                raise ModelUnavailable(attempt.failure, model=attempt.model)
            return
        settled = False
        try:
            async with aclosing(self._primary.stream(request)) as events:
                async for event in events:
                    match event:
                        case TextDelta():
                            attempt.said += event.text
                        case Finished():
                            self._breaker.succeeded(admission)
                            settled = True
                            if event.stop == "refusal" and request.output_schema is None:
                                attempt.failure = UnavailableReason.REFUSED
                                attempt.model, attempt.usage = event.model, event.usage
                                return
                        case _:
                            pass
                    yield event
        except ModelUnavailable as unavailable:
            self._count(unavailable.reason, admission)
            settled = True
            if request.output_schema is not None:
                raise
            attempt.failure = unavailable.reason
            attempt.model, attempt.usage = unavailable.model, unavailable.usage
        finally:
            if not settled:  # the caller left in mid-stream
                self._breaker.abandoned(admission)

    def _count(self, reason: UnavailableReason, admission: Admission) -> None:
        if reason in _NOT_THE_PROVIDER:
            self._breaker.abandoned(admission)
        else:
            self._breaker.failed(admission, for_good=reason is UnavailableReason.UNAUTHORIZED)


def _with_what_was_said(request: ModelRequest, said: str) -> ModelRequest:
    """The shopper has read the beginning: the other model must not repeat it."""
    if not said:
        return request
    return replace(request, messages=(*request.messages, ModelMessage("assistant", (TextPart(said),))))
