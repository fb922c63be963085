"""No rate of the report has fallen below its floor."""

from collections.abc import Callable

from tests.evals.measures import every_rate
from tests.evals.report import rendered


def test_every_rate_is_above_its_floor(closing: Callable[[str], None]) -> None:
    rates = list(every_rate())
    closing(rendered(rates))
    assert {rate.of: rate.wrong for rate in rates if not rate.holds} == {}
