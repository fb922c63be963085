"""The shop's time: real time plus an offset row, read once a request or job."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import CLOCK_OFFSET
from db.tables.platform import ClockOffset


def real_now() -> datetime:
    """Time of the machine: for credentials, leases and latencies, which no demo may move."""
    return datetime.now(UTC)


async def read_clock(session: AsyncSession) -> datetime:
    """The shop's now, aware UTC; the offset was read when the transaction began."""
    if CLOCK_OFFSET not in session.info:
        session.info[CLOCK_OFFSET] = await session.scalar(select(ClockOffset.offset))
    offset: timedelta | None = session.info[CLOCK_OFFSET]
    return real_now() + offset if offset else real_now()


async def set_clock(session: AsyncSession, at: datetime) -> None:
    """Move the shop to `at` (demo and tests); it never goes back."""
    session.info.pop(CLOCK_OFFSET, None)
    await session.execute(text('UPDATE clock SET "offset" = greatest("offset", :at - clock_timestamp())'), {"at": at})
