"""The production model of either agent against a provider of the test's; its waiting is in the test's hand."""

from dataclasses import dataclass, field
from time import monotonic
from typing import Literal

from agents.models.anthropic import AnthropicModel, connect
from agents.models.breaker import CircuitBreaker
from agents.models.fallback import FallbackModel
from agents.models.offline import OfflineModel
from agents.models.offline_intents import IntentClassifier
from knowledge.embedding import get_embedder
from tests.agents.models.provider import Time
from tests.fakes.messages_api import MessagesApi

# Long enough for a busy machine to answer in.
PATIENT_S = 6.0
FAILURES, COOL_DOWN_S = 2, 20.0


@dataclass
class Provider:
    """Retries wait on `time`, which moves when somebody sleeps; so does the breaker."""

    api: MessagesApi
    time: Time = field(default_factory=Time)
    offline: OfflineModel = field(default_factory=lambda: OfflineModel(IntentClassifier(get_embedder())))
    opened: list[AnthropicModel] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.breaker = CircuitBreaker(failures=FAILURES, cool_down_s=COOL_DOWN_S, clock=self.time.clock)

    def model(self, *, hangs: Literal["first", "later"] | None = None) -> FallbackModel:
        """One that gives up early what hangs: half a second for the first content, or a bit more for the whole."""
        claude = AnthropicModel(
            connect(api_key="test", base_url=self.api.url),
            first_byte_s=0.5 if hangs == "first" else PATIENT_S,
            total_s=1.5 if hangs == "later" else PATIENT_S,
            # A stream that goes on needs a clock that does, too.
            clock=monotonic if hangs == "later" else self.time.clock,
            sleep=self.time.sleep,
            jitter=lambda: 0.0,
        )
        self.opened.append(claude)
        return FallbackModel(claude, self.offline, breaker=self.breaker)

    def as_shipped(self) -> FallbackModel:
        """The limits, the waiting and the breaker that a shop has: time is the machine's."""
        claude = AnthropicModel(connect(api_key="test", base_url=self.api.url))
        self.opened.append(claude)
        return FallbackModel(claude, self.offline, breaker=CircuitBreaker())

    async def aclose(self) -> None:
        for each in self.opened:
            await each.aclose()


def haiku_micro_usd(tokens_in: int, tokens_out: int) -> int:
    """A tenth and a half of a millionth a token, rounded up (platform.claude.com, "Pricing")."""
    return -(-(tokens_in + 5 * tokens_out) // 10)
