"""Bring a database to the current schema, as its owner."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from db.security import APP_ROLE

# Held while migrating, so that two processes that start at once do it once.
UPGRADE_LOCK = 7_266_101


class UpgradeFailed(Exception):
    """The database cannot be upgraded as it is; the message says what to do."""


def alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(owner_url: str, *, revision: str = "head") -> None:
    """Run the migrations. `owner_url` logs in as the owner of the database (MOMENTUM_DATABASE_OWNER_URL)."""
    engine = create_engine(owner_url)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
            _ensure_extension(connection)
            _ensure_role(connection)
            config = alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()


def _ensure_extension(connection: Connection) -> None:
    if connection.scalar(text("SELECT 1 FROM pg_extension WHERE extname = 'vector'")):
        return
    try:
        connection.execute(text("CREATE EXTENSION vector"))
    except (ProgrammingError, OperationalError) as error:
        raise UpgradeFailed(
            "The extension pgvector is missing and this role may not create it. Ask a superuser to run "
            "`CREATE EXTENSION vector` in this database, then run `momentum db upgrade` again."
        ) from error


def _ensure_role(connection: Connection) -> None:
    if connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": APP_ROLE}):
        return
    try:
        connection.execute(text(f"CREATE ROLE {APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE"))
    except ProgrammingError as error:
        raise UpgradeFailed(
            f"The role {APP_ROLE} is missing and this role may not create it. Ask a superuser to run "
            f"`CREATE ROLE {APP_ROLE} LOGIN`, then run `momentum db upgrade` again."
        ) from error
