"""Queries of the hot path: written once with SQLAlchemy, run over the driver."""

from collections import namedtuple
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from psycopg import AsyncRawCursor
from sqlalchemy import Select, SelectBase
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.ext.asyncio import AsyncSession

from db.base import Base
from db.session import driver_connection

# Numbered places are the server's own: for names the driver reads a long text through at each call.
_DIALECT: PGDialect_psycopg = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
# What SQLAlchemy wants to be told of a number, all of which are exact in our tables (pg_type of numeric).
_NUMERIC = 1700

Process = Callable[[Any], Any]
Table = TypeVar("Table", bound=Base)


class Query:
    """A SELECT whose text and types are worked out once: the rest of what SQLAlchemy does for it costs more than the
    database's answer.

    Rows are named tuples; their values are what SQLAlchemy would have made of them.
    """

    def __init__(self, select: SelectBase) -> None:
        compiled = select.compile(dialect=_DIALECT)
        self.text = str(compiled)
        if "POSTCOMPILE" in self.text:
            raise ValueError("IN (...) is written anew for each call: say = ANY(:array), or name the values")
        assert compiled.positiontup is not None
        self._places = compiled.positiontup
        self._constants = {name: value for name, value in compiled.params.items() if value is not None}
        columns = [(name, column.type) for name, column in select.exported_columns.items()]
        self._row: Any = namedtuple("Row", [name for name, _ in columns])  # type: ignore[misc]
        made = [type_.dialect_impl(_DIALECT).result_processor(_DIALECT, _NUMERIC) for _, type_ in columns]
        self._processes = [(place, process) for place, process in enumerate(made) if process is not None]

    async def rows(self, session: AsyncSession, /, **values: object) -> list[Any]:
        """All rows, with what the session has changed so far in them. `values` fill the query's bound parameters."""
        if session.new or session.dirty or session.deleted:
            await session.flush()
        cursor = AsyncRawCursor(await driver_connection(session))
        named = {**self._constants, **values}
        await cursor.execute(self.text, [named[name] for name in self._places])
        return [self._row._make(self._processed(row)) for row in await cursor.fetchall()]

    def _processed(self, row: tuple[Any, ...]) -> list[Any]:
        values = list(row)
        for place, process in self._processes:
            values[place] = process(values[place])
        return values


class Reading(Generic[Table]):
    """A query for whole rows of one table, as objects that are read and nothing else.

    They have no state of SQLAlchemy's: to set an attribute of one, or to add it to a session, is an error and not a
    change that nobody writes down.
    """

    def __init__(self, select: Select[Table]) -> None:
        self._table: type[Table] = select.column_descriptions[0]["entity"]
        self._query = Query(select)

    async def all(self, session: AsyncSession, /, **values: object) -> list[Table]:
        return [self._object(row._asdict()) for row in await self._query.rows(session, **values)]

    async def first(self, session: AsyncSession, /, **values: object) -> Table | None:
        return next(iter(await self.all(session, **values)), None)

    def _object(self, values: Mapping[str, object]) -> Table:
        made = self._table.__new__(self._table)
        vars(made).update(values)
        return made
