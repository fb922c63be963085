"""What model calls cost. Prices are dated data: an old call keeps the price of its day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from graphs.model import Usage

_TOKENS = 1_000_000


@dataclass(frozen=True)
class Price:
    """Micro-USD per million tokens, for prompts of at most `up_to_tokens` (cached ones included)."""

    model: str
    since: date
    input: int
    output: int
    cache_read: int
    cache_write: int
    up_to_tokens: int | None = None


# platform.claude.com, "Pricing", read on 2026-10-16; cache writes at the five-minute rate, which is what we use.
_SINCE = date(2026, 10, 7)
PRICES: Sequence[Price] = (
    Price("claude-haiku-5-5", _SINCE, 100_000, 500_000, 10_000, 125_000, up_to_tokens=100_000),
    Price("claude-haiku-5-5", _SINCE, 500_000, 2_500_000, 50_000, 625_000),
    Price("claude-sonnet-5-5", _SINCE, 2_000_000, 10_000_000, 100_000, 2_500_000),
    Price("claude-opus-5-5", _SINCE, 4_000_000, 20_000_000, 200_000, 5_000_000),
    Price("offline", date.min, 0, 0, 0, 0),
)


def cost_micro_usd(model: str, usage: Usage, *, on: date, prices: Sequence[Price] = PRICES) -> int | None:
    """The cost of one call in micro-USD, rounded up; None if no price of this model is known for that day."""
    prompt_tokens = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    fitting = [
        price
        for price in prices
        if price.model == model
        and price.since <= on
        and (price.up_to_tokens is None or prompt_tokens <= price.up_to_tokens)
    ]
    if not fitting:
        return None
    newest = max(price.since for price in fitting)
    price = min((p for p in fitting if p.since == newest), key=lambda p: p.up_to_tokens or prompt_tokens + 1)
    total = (
        usage.input_tokens * price.input
        + usage.output_tokens * price.output
        + usage.cache_read_tokens * price.cache_read
        + usage.cache_write_tokens * price.cache_write
    )
    return -(-total // _TOKENS)
