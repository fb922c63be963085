"""The shop's time: real time plus an offset row, read once a request or job."""

from datetime import UTC, datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.tables.platform import ClockOffset


def real_now() -> datetime:
    """Time of the machine: for credentials, leases and latencies, which no demo may move."""
    return datetime.now(UTC)


async def read_clock(session: AsyncSession) -> datetime:
    """The shop's now, aware UTC."""
    offset = await session.scalar(select(ClockOffset.offset))
    return real_now() + offset if offset else real_now()


async def set_clock(session: AsyncSession, at: datetime) -> None:
    """Move the shop to `at` (demo and tests); it never goes back."""
    await session.execute(text('UPDATE clock SET "offset" = greatest("offset", :at - clock_timestamp())'), {"at": at})
