"""What every table is made of: declarative base, column types, the tenant mixin."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKeyConstraint, MetaData, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from db.ids import uuid7

# JSON enters the system here; services read it through a pydantic model.
type_json = dict[str, Any]


class Base(DeclarativeBase):
    # Minor units of a large order do not fit 32 bits.
    type_annotation_map: ClassVar = {int: BigInteger}
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """timestamptz that refuses naive values and always answers in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone was about to be stored")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value.astimezone(UTC) if value is not None else None


class EnumText(TypeDecorator[StrEnum]):
    """A StrEnum kept as text; `one_of` adds the CHECK that goes with it."""

    impl = String
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else self.enum(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002
        return None if value is None else self.enum(value)


def one_of(column: str, enum: type[StrEnum]) -> CheckConstraint:
    """CHECK that the text column holds one of the enum's values."""
    values = ", ".join(f"'{member.value}'" for member in enum)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def owned_by(table: str, column: str, *, ondelete: str | None = None) -> ForeignKeyConstraint:
    """Foreign key within the company: (company_id, column) → table (company_id, id)."""
    return ForeignKeyConstraint(["company_id", column], [f"{table}.company_id", f"{table}.id"], ondelete=ondelete)


class Tenant:
    """A row that belongs to one company. `company_id` leads every key, so that the tables can be
    distributed by it later; row-level security walls it off (db/security.py)."""

    company_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, sort_order=-2)


class TenantRow(Tenant):
    """A tenant row with an identifier of its own."""

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default=uuid7, sort_order=-1)


def company_fk() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["company_id"], ["companies.id"])


JSON = JSONB(none_as_null=True)
