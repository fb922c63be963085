"""Static files: for ever under their version, asked for again without it, never from outside their folders."""

import base64
import hashlib

import pytest
from httpx import AsyncClient

from web.assets import ROOTS, Asset, Assets, assets

LOADER_BYTES = 6 * 1024
WIDGET_BYTES = 25 * 1024


async def test_a_versioned_file_is_immutable_and_readable_by_any_shop(client: AsyncClient) -> None:
    response = await client.get(assets.url("widget/loader.js"))

    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.text == (ROOTS["widget"] / "loader.js").read_text()


async def test_an_unversioned_file_is_checked_each_time(client: AsyncClient) -> None:
    first = await client.get("/static/widget/loader.js")
    again = await client.get("/static/widget/loader.js", headers={"if-none-match": first.headers["etag"]})

    assert first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/static/000000000000/widget/loader.js",
        "/static/widget/nothing.js",
        "/static/widget/../assets.py",
        "/static/widget/%2e%2e/assets.py",
        "/static/storefront/router.py",
        "/static/",
    ],
)
async def test_nothing_else_is_served(client: AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_compression_is_only_for_who_asks(client: AsyncClient) -> None:
    plain = await client.get("/static/widget/chat.js", headers={"accept-encoding": "identity"})
    packed = await client.get("/static/widget/chat.js", headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content


def test_a_changed_file_changes_the_version(tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("assets")
    (root / "a.js").write_text("// One.\n")
    before = Assets({"x": root})
    (root / "a.js").write_text("// Two.\n")
    after = Assets({"x": root})

    assert before.version != after.version
    assert after.url("x/a.js") == f"/static/{after.version}/x/a.js"


def test_a_template_that_names_a_missing_file_fails() -> None:
    with pytest.raises(KeyError):
        assets.url("widget/gone.js")


async def test_the_inventory_lists_every_widget_script_with_its_hash_and_purpose(client: AsyncClient) -> None:
    entries = (await client.get("/static/inventory.json")).json()

    scripts = sorted(path.name for path in ROOTS["widget"].glob("*.js"))
    assert sorted(entry["url"].rsplit("/", 1)[1] for entry in entries) == scripts
    for entry in entries:
        body = (await client.get(entry["url"])).content
        digest = base64.b64encode(hashlib.sha384(body).digest()).decode()
        assert entry["integrity"] == f"sha384-{digest}"
        assert entry["bytes"] == len(body)
        assert entry["purpose"].endswith(".")


def _file(name: str) -> Asset:
    found = assets.find(name)
    assert found is not None
    return found


def test_the_loader_is_small() -> None:
    assert len(_file("widget/loader.js").gzipped) <= LOADER_BYTES


def test_the_whole_widget_is_small() -> None:
    parts = [_file(f"widget/{path.name}") for path in ROOTS["widget"].glob("*.js")]

    assert len(parts) >= 7
    assert sum(len(part.gzipped) for part in parts) <= WIDGET_BYTES
