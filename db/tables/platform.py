"""What the processes share: the clock's offset and answers to repeated requests."""

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, Index, Interval
from sqlalchemy.orm import Mapped, mapped_column

from db.base import JSON, Base, Tenant, UtcDateTime, company_fk, type_json


class ClockOffset(Base):
    """One row: how far ahead of real time the shop lives. Zero outside demo and tests."""

    __tablename__ = "clock"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset: Mapped[timedelta] = mapped_column(Interval)

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)


class IdempotencyKey(Base, Tenant):
    """The answer to a write, kept for its repeats. A row without an answer belongs to a request under way."""

    __tablename__ = "idempotency_keys"

    principal: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[str]
    status: Mapped[int | None]
    answer: Mapped[type_json | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (company_fk(),)


class RateWindow(Base, Tenant):
    """How often one caller did one thing in its current minute of real time. Lost in a crash, which hurts nobody."""

    __tablename__ = "rate_windows"

    # What is counted, and for whom: `carts:<pseudonym of an address>`, `tokens:<cart>`.
    name: Mapped[str] = mapped_column(primary_key=True)
    begins_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used: Mapped[int]

    __table_args__ = (
        company_fk(),
        Index("ix_rate_windows_begins_at", "company_id", "begins_at"),
        {"prefixes": ["UNLOGGED"]},
    )
