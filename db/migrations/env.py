"""Alembic's entry: migrations run on a connection that `db.upgrade` opened as the owner."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

import db.tables  # noqa: F401  (fills the metadata)
from db.base import Base, EnumText, UtcDateTime


def render(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types as the plain ones they are made of: a migration must not change with them."""
    if kind == "type" and isinstance(item, UtcDateTime | EnumText):
        return f"sa.{item.impl_instance!r}"
    if kind == "type" and type(item).__name__ == "VECTOR":
        autogen.imports.add("from pgvector.sqlalchemy import VECTOR")
        return f"{item!r}"
    return False


connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True, render_item=render)
with context.begin_transaction():
    context.run_migrations()
