"""What is logged names events and places, never people, secrets or what was said."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from loguru import logger as loguru
from pydantic import BaseModel

from app.logs import Discreet, FieldsFormatter, configure_logs, struck_out
from db.ids import uuid7
from policy.errors import Conflict
from policy.tokens import Signer, Token, TokenKind

SECRETS = [
    "sk_uvUC1DMeovrdz9xLvrJAHG6PH19j1lXa-pLFxwrDGTQ",
    "pk_uvUC1DMeovrdz9xLvrJAHG6PH19j1lXa-pLFxwrDGTQ",
    "maya.okafor+shop@mail.example.com",
    "4111 1111 1111 1111",
    "5555555555554444",
    "+1 (503) 555-0111",
    "+15035550111",
]


@pytest.fixture
def restored() -> Iterator[None]:
    """pytest's own handlers and levels, as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def trace_of(error: Exception) -> str:
    try:
        raise error
    except type(error) as caught:
        record = logging.LogRecord(
            "app.x", logging.ERROR, __file__, 1, "job_failed", None, (type(caught), caught, None)
        )
        record.exc_info = (type(caught), caught, caught.__traceback__)
        return FieldsFormatter("%(levelname)s %(message)s").format(record)


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_struck_out(secret: str) -> None:
    for line in (f"x={secret} y", f"'{secret}'", f"/path/{secret}", f"({secret})"):
        assert secret not in struck_out(line), line


@pytest.mark.parametrize("kind", list(TokenKind))
def test_a_token_is_struck_out_wherever_it_stands(kind: TokenKind) -> None:
    expires_at = datetime.now(UTC) + timedelta(days=7)
    token = Signer("s" * 32).sign(Token(kind, uuid7(), (uuid7(), uuid7()), expires_at, "TOO_EXPENSIVE"))
    line = struck_out(f'GET "/{kind}/{token}" 200')
    assert line == f'GET "/{kind}/[token]" 200'


@pytest.mark.parametrize(
    "line",
    [
        f"2026-11-25 22:57:12,407 INFO app started id={uuid7()} n=12345 ms=1.5 at=2026-11-25T13:30:00+00:00",
        "uvicorn.error Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)",
        'File "/srv/api/route.py", line 51, in handle',
    ],
)
def test_what_names_nobody_stays(line: str) -> None:
    assert struck_out(line) == line


def test_credentials_in_addresses_and_headers_are_struck_out() -> None:
    assert struck_out("postgresql://momentum_app:pass@h/db") == "postgresql://[credential]@h/db"
    assert struck_out("Authorization: Bearer abc.def") == "Authorization: Bearer [credential]"


class Cart(BaseModel):
    count: int


def test_an_error_is_told_by_its_kind_and_place() -> None:
    words = "I live at 1 Fir Street"
    assert words not in trace_of(ValueError(words))
    assert "builtins.ValueError" in trace_of(ValueError(words))
    assert 'tests/app/test_logs.py", line' in trace_of(ValueError(words))
    unique = psycopg.errors.UniqueViolation(f"duplicate key\nDETAIL:  Key (email)=({words}) already exists.")
    assert words not in trace_of(unique)
    assert "UniqueViolation [23505]" in trace_of(unique)
    try:
        Cart.model_validate({"count": words})
    except ValueError as invalid:
        wrapped = RuntimeError(words)
        wrapped.__cause__ = invalid
    assert words not in trace_of(wrapped)
    assert "ValidationError" in trace_of(wrapped)
    assert words not in trace_of(ExceptionGroup(words, [ValueError(words), KeyError(words)]))
    # Ours say what to do and never who (policy.errors).
    assert "policy.errors.Conflict: Open a new cart." in trace_of(Conflict("Open a new cart."))


@pytest.mark.parametrize(
    ("name", "level", "kept"),
    [
        ("graphs.checkout_chat.nodes", logging.DEBUG, True),
        ("uvicorn.error", logging.INFO, True),
        ("uvicorn.access", logging.INFO, False),
        ("sqlalchemy.engine.Engine", logging.DEBUG, False),
        ("anthropic._base_client", logging.DEBUG, False),
        ("sse_starlette.sse", logging.DEBUG, False),
        ("httpx2", logging.INFO, False),
        ("apiary", logging.INFO, False),
        ("pgqueuer", logging.WARNING, True),
    ],
)
def test_others_speak_of_trouble_only(name: str, level: int, *, kept: bool) -> None:
    assert Discreet().filter(logging.LogRecord(name, level, __file__, 1, "x", None, None)) is kept


def test_at_debug_others_stay_silent_even_if_they_raise_their_own_level(
    restored: None, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("DEBUG")
    logging.getLogger("anthropic").setLevel(logging.DEBUG)
    logging.getLogger("anthropic").debug("Request options: %s", {"content": "where is my order"})
    logging.getLogger("graphs.x").debug("turn_ended", extra={"ms": 5})
    loguru.debug("user said: where is my order")
    loguru.error("could not send: where is my order")
    logging.getLogger("anthropic").setLevel(logging.NOTSET)
    written = capsys.readouterr().err
    assert "where is my order" not in written
    assert "DEBUG graphs.x turn_ended ms=5" in written
    assert "ERROR tests.app.test_logs test_at_debug_others" in written
