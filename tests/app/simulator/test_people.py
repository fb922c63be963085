"""A simulated call is placed on any day: the cart is left so that the call is due in calling hours."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.simulator.people import CALLED_AFTER, NoCallingHours, leaves_at
from recovery.config import FlowConfig

# Thanksgiving is on the 26th.
HOURS = [datetime(2026, 11, 16, 0, 30, tzinfo=UTC) + timedelta(hours=hour) for hour in range(24 * 21)]


@pytest.mark.parametrize("now", HOURS[::5], ids=lambda now: f"{now:%a %d %H}h")
def test_the_call_is_due_on_a_working_day(now: datetime) -> None:
    leaves = leaves_at(now, FlowConfig())
    assert now <= leaves <= now + timedelta(days=6)
    for after in CALLED_AFTER:
        called = (leaves + after).astimezone(ZoneInfo("America/Los_Angeles"))
        assert called.weekday() < 5
        assert (called.month, called.day) != (11, 26)
        assert 8 <= called.hour < 21


def test_a_cart_is_left_at_once_where_nothing_is_in_the_way() -> None:
    monday_morning = datetime(2026, 11, 16, 18, 0, tzinfo=UTC)
    assert leaves_at(monday_morning, FlowConfig()) == monday_morning


def test_a_shop_that_lets_nobody_be_called_is_told_so() -> None:
    never = FlowConfig.model_validate({"blackoutHours": {"start": 8, "end": 21}})
    with pytest.raises(NoCallingHours):
        leaves_at(HOURS[0], never)
