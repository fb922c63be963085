"""Who may do what; when a lock and a session end."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.tables.companies import Role
from policy.access import rules
from policy.access.rules import Right
from policy.errors import Forbidden
from tests.factories import NOW
from tests.policy.access.desks import actor

MAY = {
    Role.VIEWER: set(),
    Role.OPERATOR: {Right.CHANGE_SETTINGS},
    Role.ADMIN: {Right.CHANGE_SETTINGS, Right.MANAGE_KEYS},
}


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("role", Role)
def test_a_role_has_its_rights_and_no_more(role: Role, right: Right) -> None:
    assert rules.may(role, right) is (right in MAY[role])
    if right in MAY[role]:
        rules.require(actor(role), right)
    else:
        with pytest.raises(Forbidden):
            rules.require(actor(role), right)


@given(tries=st.integers(1, 200), limit=st.integers(1, 100))
def test_a_lock_begins_after_the_last_allowed_try_and_ends_with_its_window(tries: int, limit: int) -> None:
    until = rules.locked_until(tries, NOW, limit=limit)
    assert until == (NOW + timedelta(minutes=15) if tries >= limit + 1 else None)


@given(idle_s=st.integers(0, 50_000), left_s=st.integers(-50_000, 50_000))
def test_a_session_ends_by_idleness_or_age(idle_s: int, left_s: int) -> None:
    over = rules.is_over(
        last_seen_at=NOW - timedelta(seconds=idle_s), expires_at=NOW + timedelta(seconds=left_s), now=NOW
    )
    assert over is (idle_s >= 3600 or left_s <= 0)
