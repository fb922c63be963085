"""What a model may send is pinned: effect and JSON schema of each tool. No argument names who, whose or how much.

A wanted change is written down with `python -m tests.tools.test_schemas` and reviewed with the code.
"""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tools
from tools.base import Tool

SCHEMAS = Path(__file__).parent / "schemas"

# Who and which cart come from the context (style.md 15). What the shopper asked for is a wish; the ledger decides.
FORBIDDEN = re.compile(
    r"(^|_)(id|ids|cart|customer|company|person|phone|email|address|amount|price|percent|minor|currency|url|token)(_|$)"
)
ALLOWED = {("apply_discount", "asked_percent")}


def every_tool() -> list[Tool[Any]]:
    modules = [importlib.import_module(f"tools.{found.name}") for found in pkgutil.iter_modules(tools.__path__)]
    found = {value.name: value for module in modules for value in vars(module).values() if isinstance(value, Tool)}
    return [found[name] for name in sorted(found)]


TOOLS = every_tool()
each_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


def pinned(tool: Tool[Any]) -> str:
    return json.dumps({"name": tool.name, "effect": tool.effect, "input": tool.input_schema}, indent=2) + "\n"


def objects(schema: object) -> Iterator[dict[str, Any]]:
    """Every object schema in it, however deep."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for value in schema.values():
            yield from objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from objects(value)


@each_tool
def test_the_schema_is_the_pinned_one(tool: Tool[Any]) -> None:
    assert pinned(tool) == (SCHEMAS / f"{tool.name}.json").read_text()


def test_nothing_else_is_pinned() -> None:
    assert {path.stem for path in SCHEMAS.iterdir()} == {tool.name for tool in TOOLS}


@each_tool
def test_no_argument_names_who_whose_or_how_much(tool: Tool[Any]) -> None:
    names = {name for schema in objects(tool.input_schema) for name in schema.get("properties", {})}
    assert {name for name in names if FORBIDDEN.search(name) and (tool.name, name) not in ALLOWED} == set()


@pytest.mark.parametrize("name", ["cart_id", "id", "customer", "asked_percent", "phone", "to_email", "price_minor"])
def test_an_argument_that_does_is_seen(name: str) -> None:
    assert FORBIDDEN.search(name)


@each_tool
def test_arguments_are_closed_and_frozen(tool: Tool[Any]) -> None:
    assert all(schema.get("additionalProperties") is False for schema in objects(tool.input_schema))
    assert tool.arguments.model_config.get("frozen") is True


if __name__ == "__main__":
    for each in TOOLS:
        (SCHEMAS / f"{each.name}.json").write_text(pinned(each))
