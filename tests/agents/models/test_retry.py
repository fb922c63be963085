from hypothesis import given
from hypothesis import strategies as st

from agents.models.retry import MAX_ATTEMPTS, wait_before_retry

seconds = st.floats(0, 60, allow_nan=False)


@given(attempts=st.integers(1, 6), left=seconds, asked=st.none() | seconds, jitter=st.floats(0, 1, exclude_max=True))
def test_a_retry_fits_the_deadline_and_never_undercuts_the_provider(
    attempts: int, left: float, asked: float | None, jitter: float
) -> None:
    wait = wait_before_retry(attempts, left_s=left, retry_after_s=asked, jitter=jitter)
    longest = 0.25 * 2 ** (attempts - 1)
    if wait is None:
        assert attempts >= MAX_ATTEMPTS or max(longest, asked or 0) >= left
    else:
        assert attempts < MAX_ATTEMPTS
        assert wait < left
        assert wait >= (asked or 0)
        assert longest / 2 <= wait <= max(longest, asked or 0)


def test_the_wait_doubles_and_is_spread_by_jitter() -> None:
    assert wait_before_retry(1, left_s=9, retry_after_s=None, jitter=0) == 0.125
    assert wait_before_retry(2, left_s=9, retry_after_s=None, jitter=0) == 0.25
    assert wait_before_retry(2, left_s=9, retry_after_s=None, jitter=0.5) == 0.375
    assert wait_before_retry(3, left_s=9, retry_after_s=None, jitter=0) is None
