from datetime import date

from agents.models.prices import Price, cost_micro_usd
from graphs.model import Usage

DAY = date(2026, 11, 1)


def test_each_kind_of_token_has_its_price() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=200, cache_read_tokens=4_000, cache_write_tokens=800)
    # 1,000 x 0.10 + 200 x 0.50 + 4,000 x 0.01 + 800 x 0.125 USD a million: 340 micro-USD
    assert cost_micro_usd("claude-haiku-5-5", usage, on=DAY) == 340
    # 1,000 x 2 + 200 x 10 + 4,000 x 0.10 + 800 x 2.50
    assert cost_micro_usd("claude-sonnet-5-5", usage, on=DAY) == 6_400


def test_a_fraction_of_a_micro_dollar_counts_as_one() -> None:
    assert cost_micro_usd("claude-haiku-5-5", Usage(input_tokens=1), on=DAY) == 1
    assert cost_micro_usd("claude-haiku-5-5", Usage(), on=DAY) == 0


def test_a_long_prompt_has_the_higher_price_with_its_cached_part_counted() -> None:
    assert cost_micro_usd("claude-haiku-5-5", Usage(input_tokens=100_000), on=DAY) == 10_000
    assert cost_micro_usd("claude-haiku-5-5", Usage(input_tokens=100_001), on=DAY) == 50_001
    assert cost_micro_usd("claude-haiku-5-5", Usage(input_tokens=1, cache_read_tokens=100_000), on=DAY) == 5_001


def test_an_old_call_keeps_the_price_of_its_day() -> None:
    prices = [
        Price("m", date(2026, 1, 1), 2_000_000, 0, 0, 0),
        Price("m", date(2026, 6, 1), 1_000_000, 0, 0, 0),
    ]
    assert cost_micro_usd("m", Usage(input_tokens=10), on=date(2026, 5, 31), prices=prices) == 20
    assert cost_micro_usd("m", Usage(input_tokens=10), on=date(2026, 6, 1), prices=prices) == 10


def test_an_unknown_model_counts_as_the_dearest() -> None:
    usage = Usage(input_tokens=1_000, output_tokens=1_000)
    assert cost_micro_usd("claude-next", usage, on=DAY) == cost_micro_usd("claude-opus-5-5", usage, on=DAY) == 24_000


def test_the_offline_responder_costs_nothing() -> None:
    assert cost_micro_usd("offline", Usage(input_tokens=5, output_tokens=5), on=DAY) == 0
