"""Entries that could not be saved because the session was over: the browser's tab keeps them until its user is back."""

import json
from collections.abc import Sequence

from nicegui import ui
from pydantic import JsonValue, TypeAdapter, ValidationError

from web.console.desk import Visit
from web.console.settings.difference import Flat, Path

# The browser has to run a line of script, at the moment when it loads the page.
ANSWERED_WITHIN_S = 20.0

_Entries = TypeAdapter[list[tuple[Path, JsonValue]]](list[tuple[Path, JsonValue]])


class KeptEntries:
    """Of one form and one user: who signs in to another account in this tab does not find them."""

    def __init__(self, visit: Visit, form: str) -> None:
        self._key = json.dumps(f"{form} {visit.visitor.company_id} {visit.visitor.user_id}")

    def put(self, entries: Flat) -> None:
        text = _Entries.dump_json(list(entries.items())).decode()
        ui.run_javascript(f"sessionStorage.setItem({self._key}, {json.dumps(text)})")

    async def get(self, known: Sequence[Path]) -> Flat:
        """What was kept of these settings; nothing where there is nothing that can be read."""
        text = await ui.run_javascript(f"return sessionStorage.getItem({self._key})", timeout=ANSWERED_WITHIN_S)
        try:
            kept = _Entries.validate_json(text or "[]")
        except ValidationError:
            return {}
        return {path: value for path, value in kept if path in known}

    def drop(self) -> None:
        ui.run_javascript(f"sessionStorage.removeItem({self._key})")
