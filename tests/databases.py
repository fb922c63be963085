"""A database for each test: that of the test before, emptied, as long as nothing but rows was changed in it.

To empty one takes a tenth of the time that making one does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import psycopg
from psycopg.types.json import Jsonb

from db.base import type_json
from db.embedded import EmbeddedServer, dsn
from db.ids import uuid7

_TABLES = """
SELECT format('%I.%I', nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname !~ '^(pg_|information_schema)'
"""
# What a statement that changes the schema leaves in one of these: a row more or less, or one by a later transaction.
_SHAPE = " UNION ALL ".join(
    f"SELECT '{catalogue}', count(*), max(xmin::text::bigint) FROM {catalogue}"
    for catalogue in ("pg_class", "pg_attribute", "pg_constraint", "pg_index", "pg_policy", "pg_proc", "pg_trigger")
)
_END_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_RESTART_SEQUENCES = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"


def administer(server: EmbeddedServer, name: str = "postgres") -> psycopg.Connection:
    """The owner's connection to a database of the server; each statement is a transaction."""
    return psycopg.connect(dsn(server.at(name).owner_url), autocommit=True)


class Databases:
    """The databases of one test process: one, unless tests change schemas or use several at once."""

    def __init__(self, server: EmbeddedServer, template: str) -> None:
        self._server, self._template = server, template
        self._empty: list[str] = []
        with administer(server, template) as connection:
            self._tables = [name for (name,) in connection.execute(_TABLES)]
            self._rows = {table: rows for table in self._tables if (rows := _rows_of(connection, table))}

    @contextmanager
    def lent(self) -> Iterator[EmbeddedServer]:
        """An empty one; its two addresses."""
        name = self._empty.pop() if self._empty else self._create()
        with administer(self._server, name) as connection:
            shape = connection.execute(_SHAPE).fetchall()
        yield self._server.at(name)
        with administer(self._server, name) as connection:
            connection.execute(_END_OTHERS)
            whole = connection.execute(_SHAPE).fetchall() == shape
            if whole:
                self._restore(connection)
        if whole:
            self._empty.append(name)
        else:
            self._drop(name)

    def close(self) -> None:
        for name in self._empty:
            self._drop(name)

    def _create(self) -> str:
        name = f"test_{uuid7().hex}"
        with administer(self._server) as admin:
            admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self._template}" STRATEGY file_copy')
        return name

    def _drop(self, name: str) -> None:
        with administer(self._server) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _restore(self, connection: psycopg.Connection) -> None:
        """Take out all rows and put in those that a new database has."""
        with connection.transaction():
            # No trigger fires: what may never be deleted is.
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute("; ".join(f"DELETE FROM {table}" for table in self._tables))
            for table, rows in self._rows.items():
                insert = f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, %s)"
                connection.execute(insert, [Jsonb(rows)])
            connection.execute(_RESTART_SEQUENCES)


def _rows_of(connection: psycopg.Connection, table: str) -> list[type_json]:
    row = connection.execute(f"SELECT coalesce(jsonb_agg(t), '[]') FROM {table} t").fetchone()
    assert row is not None
    return cast(list[type_json], row[0])
