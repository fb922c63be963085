"""The worker as a process: settings from the environment, stopped by SIGTERM or Ctrl-C after its jobs."""

import asyncio
import signal
from datetime import timedelta

import uvloop

from app.database import database
from app.logs import configure_logs
from app.memory import keep_loaded
from app.parts import assemble
from app.settings import Settings
from app.worker import run_worker


async def _work(settings: Settings, url: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    parts = assemble(settings, url)
    keep_loaded()
    try:
        await run_worker(
            parts,
            url,
            stop=stop,
            concurrency=settings.worker_concurrency,
            lost_after=timedelta(seconds=settings.lost_after_s),
        )
    finally:
        await parts.aclose()


def main() -> None:
    settings = Settings()
    configure_logs(settings.log_level)
    with database(settings) as url:
        uvloop.run(_work(settings, url))


if __name__ == "__main__":
    main()
