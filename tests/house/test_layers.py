"""The contract of .importlinter names every room, and finds an import that goes up."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.checks import ROOT

CONFIG = ROOT / ".importlinter"
NO_ROOMS = {"tests", "benchmarks"}


def contract() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(CONFIG)
    return parser


def rooms(root: Path = ROOT) -> set[str]:
    return {path.parent.name for path in root.glob("*/__init__.py")} - NO_ROOMS


def test_every_room_is_under_the_contract() -> None:
    assert set(contract()["importlinter"]["root_packages"].split()) == rooms()
    layers = contract()["importlinter:contract:layers"]["layers"]
    assert rooms() <= set(layers.replace("|", " ").replace("(", " ").replace(")", " ").split())


@pytest.mark.parametrize(
    ("file", "imported", "held"),
    [
        ("recovery/service.py", "import storefront.service", True),
        ("storefront/service.py", "import recovery.service", False),
        ("storefront/service.py", "import delivery.service", False),
        ("policy/service.py", "import experiments.service", False),
        ("web/service.py", "import api.service", False),
    ],
)
def test_an_import_that_goes_up_or_aside_is_found(tmp_path: Path, file: str, imported: str, *, held: bool) -> None:
    for room in rooms():
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
        (tmp_path / room / "service.py").touch()
    (tmp_path / file).write_text(f"{imported}\n")
    linter = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    (tmp_path / ".importlinter").write_text(CONFIG.read_text())
    done = subprocess.run(
        [sys.executable, "-c", linter], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode == 0) is held, done.stdout + done.stderr
