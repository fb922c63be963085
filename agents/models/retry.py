"""When to try a model again: pure, so that the deadline is tested without waiting."""

BASE_S = 0.25
MAX_ATTEMPTS = 3


def wait_before_retry(attempts: int, *, left_s: float, retry_after_s: float | None, jitter: float) -> float | None:
    """Seconds to wait before the next attempt, or None to give up.

    `attempts` have been made, `left_s` is left until the deadline, `jitter` is drawn from [0, 1). What the
    provider asked for in Retry-After is never undercut: when it does not fit the deadline, there is no retry.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    backoff_s = BASE_S * 2 ** (attempts - 1) * (0.5 + jitter / 2)
    wait_s = max(backoff_s, retry_after_s or 0.0)
    return wait_s if wait_s < left_s else None
