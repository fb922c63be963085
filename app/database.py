"""Which database: the one in the settings, or the embedded one in the data folder, brought up to date."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.settings import Settings
from db import embedded
from db.upgrade import upgrade


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The address for the application's own role, as long as the block runs.

    A database of one's own is upgraded by hand (`momentum db upgrade`); the embedded one here, since nobody else can.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    with embedded.running(settings.data_dir) as server:
        upgrade(server.owner_url)
        yield server.app_url
