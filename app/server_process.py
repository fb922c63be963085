"""The API as a process: settings from the environment."""

import uvicorn

from app.database import database
from app.logs import configure_logs
from app.parts import assemble
from app.server import create_server
from app.settings import Settings


def run(host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; answers that have begun are finished."""
    settings = Settings()
    configure_logs(settings.log_level)
    with database(settings) as url:
        app = create_server(assemble(settings, url))
        uvicorn.run(app, host=host, port=port, log_config=None, timeout_graceful_shutdown=15)
