"""`momentum key …` and `momentum company origins`, as they are typed: what they do, refuse, and leave in the trail."""

import sys
from collections.abc import Callable

import psycopg
import pytest

from app.cli import main
from db.embedded import EmbeddedServer, dsn

COMPANY = (
    "company", "create", "Wren Coffee", "--legal-name", "Wren Coffee LLC", "--postal-address", "1 Example Street",
    "--support-email", "help@shop.example", "--currency", "USD", "--timezone", "America/Los_Angeles", "--country", "US",
)  # fmt: skip
TRAIL = "SELECT actor, action, before, after FROM audit_entries WHERE action = ANY(%s) ORDER BY id"


Momentum = Callable[..., str]


@pytest.fixture
def momentum(database: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Momentum:
    """`momentum WORDS`: what it prints. `fails`: it ends with an error."""
    monkeypatch.setenv("MOMENTUM_DATABASE_URL", database.app_url)

    def run(*words: str, fails: bool = False) -> str:
        monkeypatch.setattr(sys, "argv", ["momentum", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert (ended.value.code != 0) == fails, printed
        return printed.out + printed.err

    return run


@pytest.fixture
def company(database: EmbeddedServer, momentum: Momentum) -> str:
    momentum(*COMPANY)
    with connect(database) as rows:
        (found,) = rows.execute("SELECT id FROM companies").fetchall()
    return str(found[0])


def connect(database: EmbeddedServer) -> psycopg.Connection:
    return psycopg.connect(dsn(database.owner_url))


def trail(database: EmbeddedServer, *actions: str) -> list[tuple[object, ...]]:
    with connect(database) as rows:
        return rows.execute(TRAIL, [list(actions)]).fetchall()


def test_a_key_is_made_listed_and_revoked_once(database: EmbeddedServer, company: str, momentum: Momentum) -> None:
    key = momentum("key", "create", "--company", company, "--scope", "cart-save:read").strip()
    assert key.startswith("sk_")
    prefix = key[:11]
    listed = momentum("key", "list", "--company", company)
    assert f"{prefix}…  SECRET  cart-save:read  valid" in listed
    assert key not in listed
    for _ in range(2):
        momentum("key", "revoke", "--company", company, prefix)
    (revoked,) = [
        line for line in momentum("key", "list", "--company", company).splitlines() if line.startswith(prefix)
    ]
    assert "revoked" in revoked
    (told,) = trail(database, "KEY_REVOKED")
    assert told[2] == {"kind": "SECRET", "prefix": prefix}


def test_what_begins_no_key_is_said_and_nothing_is_revoked(
    database: EmbeddedServer, company: str, momentum: Momentum
) -> None:
    assert "first 11 characters" in momentum("key", "revoke", "--company", company, "sk_", fails=True)
    assert trail(database, "KEY_REVOKED") == []
    with connect(database) as rows:
        assert rows.execute("SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL").fetchone() == (0,)


def test_origins_are_set_shown_and_kept_in_the_trail(
    database: EmbeddedServer, company: str, momentum: Momentum
) -> None:
    for _ in range(2):
        momentum("company", "origins", "--company", company, "https://shop.example", "https://www.shop.example")
    shown = momentum("company", "origins", "--company", company).split()
    assert shown == ["https://shop.example", "https://www.shop.example"]
    refused = momentum("company", "origins", "--company", company, "shop.example/cart", fails=True)
    assert "scheme and host" in refused
    assert momentum("company", "origins", "--company", company).split() == shown
    (told,) = trail(database, "ORIGINS_CHANGED")
    assert told[1:] == ("ORIGINS_CHANGED", {"origins": []}, {"origins": shown})
