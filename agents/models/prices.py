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


def cost_micro_usd(model: str, usage: Usage, *, on: date, prices: Sequence[Price] = PRICES) -> int:
    """The cost of one call in micro-USD, rounded up.

    A model without a price for that day counts as the dearest that is known: a budget is never overrun unseen.
    """
    tokens = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens
    valid = [price for price in prices if price.since <= on and tokens <= (price.up_to_tokens or tokens)]
    own = [price for price in valid if price.model == model]
    if not own:
        return max((_cost(price, usage) for price in prices), default=0)
    return _cost(max(own, key=lambda price: (price.since, price.up_to_tokens is not None)), usage)


def _cost(price: Price, usage: Usage) -> int:
    total = (
        usage.input_tokens * price.input
        + usage.output_tokens * price.output
        + usage.cache_read_tokens * price.cache_read
        + usage.cache_write_tokens * price.cache_write
    )
    return -(-total // _TOKENS)
