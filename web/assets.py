"""Static files, read once at start.

An address that carries the version may be cached for ever, and its content never changes: the widget on a
payment page is a payment-page script, so each file has a published hash (rules C-47, PCI DSS 6.4.3).
"""

import gzip
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256, sha384
from pathlib import Path

_HERE = Path(__file__).parent
_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
}
ROOTS: Mapping[str, Path] = {
    "layout": _HERE / "layout",
    "console": _HERE / "console" / "static",
    "widget": _HERE / "widget",
    "storefront": _HERE / "storefront" / "static",
    "outbox": _HERE / "outbox" / "static",
    "recovery": _HERE / "recovery" / "static",
}


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    gzipped: bytes
    media_type: str
    integrity: str
    purpose: str


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """One script as a payment page's script inventory wants it."""

    url: str
    integrity: str
    purpose: str
    bytes: int
    gzipped_bytes: int


class Assets:
    def __init__(self, roots: Mapping[str, Path]) -> None:
        self._files = {
            f"{name}/{path.relative_to(root).as_posix()}": _read(path)
            for name, root in roots.items()
            for path in sorted(root.rglob("*"))
            if path.suffix in _MEDIA_TYPES
        }
        digest = sha256()
        for name, asset in sorted(self._files.items()):
            digest.update(name.encode() + b"\0" + asset.body)
        self.version = digest.hexdigest()[:12]

    def find(self, name: str) -> Asset | None:
        return self._files.get(name)

    def url(self, name: str) -> str:
        """The address that may be cached for ever. Raises KeyError for a file that is not there."""
        self._files[name]
        return f"/static/{self.version}/{name}"

    def integrity(self, name: str) -> str:
        return self._files[name].integrity

    def inventory(self) -> list[InventoryEntry]:
        """Every script that a merchant's page may load from here."""
        return [
            InventoryEntry(self.url(name), a.integrity, a.purpose, len(a.body), len(a.gzipped))
            for name, a in self._files.items()
            if name.startswith("widget/")
        ]


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    first_line = body.decode().split("\n", 1)[0]
    return Asset(
        body=body,
        gzipped=gzip.compress(body, mtime=0),
        media_type=_MEDIA_TYPES[path.suffix],
        integrity="sha384-" + b64encode(sha384(body).digest()).decode(),
        purpose=first_line.removeprefix("// "),
    )


assets = Assets(ROOTS)
