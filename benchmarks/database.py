"""A database of a benchmark's own, on a server that keeps its promises: every commit is flushed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from db.embedded import EmbeddedServer, dsn, running
from db.upgrade import upgrade

DATA_DIR = Path(tempfile.gettempdir()) / f"momentum-benchmarks-{os.getuid()}"


@contextmanager
def database(name: str) -> Iterator[EmbeddedServer]:
    """An empty database at the current schema, gone when the block ends."""
    with running(DATA_DIR) as server, psycopg.connect(dsn(server.owner_url), autocommit=True) as admin:
        admin.execute(f'DROP DATABASE IF EXISTS "bench_{name}" WITH (FORCE)')
        admin.execute(f'CREATE DATABASE "bench_{name}"')
        own = server.at(f"bench_{name}")
        try:
            upgrade(own.owner_url)
            yield own
        finally:
            admin.execute(f'DROP DATABASE "bench_{name}" WITH (FORCE)')


@contextmanager
def owner(server: EmbeddedServer) -> Iterator[psycopg.Connection]:
    """The owner's connection, past row-level security and without foreign key checks: for filling tables at once."""
    with psycopg.connect(dsn(server.owner_url), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection
