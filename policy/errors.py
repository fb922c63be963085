"""The one error base: each subclass owns its status, its code and its sentence (rendered once, as problem+json)."""


class AppError(Exception):
    """Something the caller can act on. `detail` says what to do; it never carries personal data."""

    status = 400
    code = "bad_request"
    title = "The request cannot be done"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Unauthenticated(AppError):
    status = 401
    code = "unauthenticated"
    title = "No valid credentials"


class Forbidden(AppError):
    status = 403
    code = "forbidden"
    title = "These credentials may not do that"


class NotFound(AppError):
    status = 404
    code = "not_found"
    title = "No such thing"


class Conflict(AppError):
    status = 409
    code = "conflict"
    title = "The state does not allow that"


class TooManyRequests(AppError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
