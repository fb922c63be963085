"""The tests' own databases: one that is used again is as good as new, and one with another schema is not used again."""

import psycopg

from db.embedded import EmbeddedServer
from tests.databases import Databases, administer

EVERYTHING = """
SELECT 'companies', count(*)::text FROM companies UNION ALL SELECT 'clock', min("offset")::text FROM clock
"""


def name_of(database: EmbeddedServer) -> str:
    return database.app_url.rpartition("/")[2]


def connect(server: EmbeddedServer, database: EmbeddedServer) -> psycopg.Connection:
    return administer(server, name_of(database))


def test_what_was_written_is_gone(server: EmbeddedServer, template: str) -> None:
    databases = Databases(server, template)
    with databases.lent() as first, connect(server, first) as connection:
        new = connection.execute(EVERYTHING).fetchall()
        connection.execute("UPDATE clock SET \"offset\" = '3 days'")
        connection.execute(
            "INSERT INTO companies (id, name, legal_name, postal_address, support_email, currency, timezone, country,"
            " created_at) VALUES (uuidv7(), 'Wren', 'Wren LLC', '1 Street', 'a@b.example', 'USD', 'UTC', 'US', now())"
        )
        assert connection.execute(EVERYTHING).fetchall() != new
    with databases.lent() as second, connect(server, second) as connection:
        assert name_of(second) == name_of(first)
        assert connection.execute(EVERYTHING).fetchall() == new
    databases.close()


def test_a_changed_schema_is_thrown_away(server: EmbeddedServer, template: str) -> None:
    databases = Databases(server, template)
    for change in ("CREATE TABLE extra (id int)", "ALTER TABLE carts DISABLE ROW LEVEL SECURITY", "DROP TABLE clock"):
        with databases.lent() as first, connect(server, first) as connection:
            connection.execute(change)
        with databases.lent() as second:
            assert name_of(second) != name_of(first)
    databases.close()


def test_two_at_once_are_two(server: EmbeddedServer, template: str) -> None:
    databases = Databases(server, template)
    with databases.lent() as first, databases.lent() as second:
        assert name_of(first) != name_of(second)
    databases.close()
