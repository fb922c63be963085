"""The API as a process: settings from the environment."""

import signal
import sys
from types import FrameType

from app.database import database
from app.logs import configure_logs
from app.parts import assemble
from app.phone import open_phone
from app.server import create_server
from app.serving import serve
from app.settings import Settings


def run(host: str, port: int, *, with_console: bool = False) -> None:
    """Serve until SIGTERM or Ctrl-C; answers that have begun are finished."""
    settings = Settings()
    configure_logs(settings.log_level)
    # uvicorn raises the signal once more when it has stopped serving. The default would end us on the spot, and
    # the last one out would leave the embedded database running.
    signal.signal(signal.SIGTERM, _leave)
    with database(settings) as url:
        parts = assemble(settings, url)
        app = create_server(parts, phone=open_phone(settings, parts))
        if with_console:
            # Imported where it is wanted: NiceGUI takes seconds.
            from app.console import add_console

            add_console(app, parts.engine, parts.signer, public_url=parts.public_url)
        serve(app, host=host, port=port)


def _leave(_: int, __: FrameType | None) -> None:
    sys.exit(0)
