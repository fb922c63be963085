"""Logs: constant event names with fields, on standard error; no transcript, address, prompt or key in them.

Three things see to it. What others log below a warning is dropped at any level: at DEBUG they print prompts, rows and
answers. A trace shows where and what kind, never the error's own words, which quote what somebody wrote. And whatever
still looks like a credential, an address or a number of somebody is struck out.
"""

import logging
import re
import traceback
from types import TracebackType

import psycopg
from loguru import logger as loguru

from policy.errors import AppError
from policy.redaction.rules import redact

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}
ROOMS = frozenset({"agents", "analytics", "api", "app", "db", "delivery", "experiments", "graphs"}) | frozenset(
    {"knowledge", "policy", "recovery", "storefront", "tools", "voice", "web"}
)
# Start and stop of the server: addresses of our own.
SPOKEN = frozenset({"uvicorn.error"})

_STRUCK_OUT = (
    (re.compile(r"\b[sp]k_[A-Za-z0-9_-]{8,}"), "[key]"),
    (re.compile(r"\b[a-z]\.[0-9a-f]{32}\.[A-Za-z0-9_.~-]+"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic) +[^\s\"',]+"), r"\1 [credential]"),
    (re.compile(r"(?<=://)[^\s/@]+@"), "[credential]@"),
    (re.compile(r"[^\s@\"'<>(=\[,;:]+@[^\s@\"'<>),;\]]+\.[A-Za-z]{2,}"), "[address]"),
    (re.compile(r"(?<!\d)\+\d[\d ().-]{6,18}\d"), "[number]"),
)


class Discreet(logging.Filter):
    """Ours at the level that was set; of others, what is a warning or worse."""

    def filter(self, record: logging.LogRecord) -> bool:
        ours = record.name.partition(".")[0] in ROOMS or record.name in SPOKEN
        return ours or record.levelno >= logging.WARNING


class FieldsFormatter(logging.Formatter):
    """`2026-11-22 12:00:00 WARNING room event field=value`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD)
        line = super().format(record)
        return struck_out(f"{line} {fields}" if fields else line)

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return "" if ei[1] is None else "".join(_trace(ei[1])).rstrip()


def _trace(error: BaseException) -> list[str]:
    """The trace with each error's type. Words stand there only where they are ours and name nobody (AppError)."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    said = f": {error.detail}" if isinstance(error, AppError) else ""
    state = f" [{error.sqlstate}]" if isinstance(error, psycopg.Error) else ""
    lines = [
        *([] if before is None else [*_trace(before), "which led to\n"]),
        *traceback.format_tb(error.__traceback__),
        f"{type(error).__module__}.{type(error).__qualname__}{state}{said}\n",
    ]
    if isinstance(error, BaseExceptionGroup):
        lines += [line for each in error.exceptions for line in _trace(each)]
    return lines


def struck_out(line: str) -> str:
    for pattern, instead in _STRUCK_OUT:
        line = pattern.sub(instead, line)
    return redact(line).text


def configure_logs(level: str) -> None:
    handler = logging.StreamHandler()
    handler.addFilter(Discreet())
    handler.setFormatter(FieldsFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    # Others are told that they need not even format what is dropped; some raise their own level again.
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in (*ROOMS, *SPOKEN):
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(True)
    # Pipecat logs through loguru, which prints everything unless told otherwise, values of variables included.
    loguru.remove()
    loguru.add(_from_loguru, level="WARNING", format="{message}", diagnose=False)


def _from_loguru(message: object) -> None:
    record = getattr(message, "record")  # noqa: B009 (loguru's message is a str with a record)
    error = record["exception"]
    logging.getLogger(record["name"] or "loguru").log(
        record["level"].no, record["function"], exc_info=None if error is None else error.value
    )
