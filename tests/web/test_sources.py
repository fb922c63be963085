"""Scripts and styles: no third party, nothing read as HTML, nothing captured while it is typed."""

import re
from pathlib import Path

import pytest

from web.assets import ROOTS

WEB = Path(__file__).parents[2] / "web"
SCRIPTS = sorted(path for root in ROOTS.values() for path in root.rglob("*.js"))
SOURCES = sorted(path for path in WEB.rglob("*") if path.suffix in {".js", ".css", ".html", ".j2", ".svg"})
NAMESPACE = "http://www.w3.org/2000/svg"
READS_HTML = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|createContextualFragment"
)
WATCHES_TYPING = re.compile(
    r"""["'](input|change|key\w+|blur|focusout|paste)["']|\bon(input|change|key\w+|blur|paste)\b"""
)


def name(path: Path) -> str:
    return path.relative_to(WEB).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_no_address_of_anybody_else(path: Path) -> None:
    text = path.read_text().replace(NAMESPACE, "")

    assert re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}", text) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_nothing_that_arrives_is_read_as_html(path: Path) -> None:
    assert READS_HTML.findall(path.read_text()) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_says_in_its_first_line_what_it_is_for(path: Path) -> None:
    assert re.fullmatch(r"// [A-Z].+\.", path.read_text().split("\n", 1)[0])


@pytest.mark.parametrize("script", ["storefront/static/checkout.js", "widget/client.js", "widget/loader.js"])
def test_checkout_does_not_watch_what_is_typed(script: str) -> None:
    """Rules C-03: an address leaves the page when its form is submitted, not before."""
    assert WATCHES_TYPING.findall((WEB / script).read_text()) == []
