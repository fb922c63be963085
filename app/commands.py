"""What every command that needs the database does."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from app.database import database
from app.settings import Settings
from db.session import open_engine

T = TypeVar("T")


def with_database(work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    """Run `work` on the database that the settings name."""

    async def run(url: str) -> T:
        engine = open_engine(url)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    with database(Settings()) as url:
        return asyncio.run(run(url))
