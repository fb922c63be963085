"""Logs: constant event names with fields, on standard error; no transcript, address, prompt or key in them."""

import logging

STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}


class FieldsFormatter(logging.Formatter):
    """`2026-11-22 12:00:00 WARNING room event field=value`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = " ".join(f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD)
        line = super().format(record)
        return f"{line} {fields}" if fields else line


def configure_logs(level: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(FieldsFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "pgqueuer", "uvicorn.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
