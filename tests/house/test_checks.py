"""Each check finds a planted violation and leaves the right way alone; then the tree is clean of it."""

import pytest

from tests.house.checks import (
    ANY,
    PYTHON,
    Check,
    Source,
    commits_stay_at_the_edges,
    environment_is_read_once,
    excepts_are_narrow,
    files,
    files_and_functions_are_short,
    findings,
    links_lead_somewhere,
    names_say_what_is_inside,
    nothing_is_left_for_later,
    nothing_private_is_committed,
    queries_stay_in_repositories,
    repositories_ask_for_the_company,
    repositories_stay_in_their_room,
    time_is_a_parameter,
    tools_say_what_they_do,
    types_are_named,
)

SOURCES = list(files())
PYTHON_SOURCES = [source for source in SOURCES if source.path.endswith(".py")]

QUERY = "from sqlalchemy import select\n"
REPOSITORY = """
class CartRepository:
    def __init__(self, session):
        self.session = session

    async def {signature}:
        return await self.session.scalar(select(Cart).where(Cart.id == cart_id))

    def add(self, cart):
        self.session.add(cart)
"""
BOUND = """
class CartRepository:
    def __init__(self, session, company_id):
        self.company_id = company_id

    def get(self, cart_id):
        return select(Cart)
"""
TOOL = """
@tool(GetCart{effect})
async def get_cart(ctx, args):
    {docstring}
    return Done()
"""
OPENING = "async def f(engine):\n    async with transaction(engine, company_id=1): pass"
LONG = "def long():\n" + "    pass\n" * 60
FACTORY = "def router():\n    def get():\n" + "        pass\n" * 58 + "    def put():\n" + "        pass\n" * 58
# Written in parts, so that this file has none of them.
SECRET = "sk-" + "ant-api03-x9"
MACHINE = "/ro" + "ot/project"
REGISTRY = "py" + "pi.org"

BROKEN: list[tuple[Check, str, str]] = [
    (queries_stay_in_repositories, "recovery/service.py", QUERY),
    (queries_stay_in_repositories, "recovery/service.py", "from sqlalchemy.dialects.postgresql import insert as put"),
    (queries_stay_in_repositories, "recovery/service.py", "import sqlalchemy as sa"),
    (queries_stay_in_repositories, "recovery/service.py", "async def f(session): await session.scalars(query)"),
    (queries_stay_in_repositories, "recovery/service.py", "def f(ctx): return ctx.session.get(Cart, 1)"),
    (queries_stay_in_repositories, "recovery/service.py", "def f(session): session.add(Cart())"),
    (queries_stay_in_repositories, "recovery/service.py", "async def f(session): await run_statement(session, SQL)"),
    (queries_stay_in_repositories, "tools/get_cart.py", QUERY),
    (queries_stay_in_repositories, "app/companies.py", "async def f(session): await session.execute(query)"),
    (commits_stay_at_the_edges, "recovery/service.py", "async def f(session): await session.commit()"),
    (commits_stay_at_the_edges, "delivery/jobs.py", "async def f(session): await session.rollback()"),
    (
        commits_stay_at_the_edges,
        "tools/get_cart.py",
        OPENING,
    ),
    (
        repositories_ask_for_the_company,
        "storefront/carts/repository.py",
        REPOSITORY.format(signature="get(self, cart_id)"),
    ),
    (
        repositories_ask_for_the_company,
        "storefront/carts/repository.py",
        REPOSITORY.format(signature="get(self, cart_id, company_id)"),
    ),
    (
        repositories_ask_for_the_company,
        "storefront/carts/repository.py",
        REPOSITORY.format(signature="get(self, cart_id, *, company_id=None)"),
    ),
    (
        repositories_stay_in_their_room,
        "recovery/service.py",
        "from storefront.carts.repository import CartRepository",
    ),
    (tools_say_what_they_do, "tools/get_cart.py", TOOL.format(effect="", docstring='"""Read the cart."""')),
    (tools_say_what_they_do, "tools/get_cart.py", TOOL.format(effect=", effect=Effect.READ", docstring="pass")),
    (tools_say_what_they_do, "tools/get_cart.py", "@tool\ndef get_cart(ctx, args): pass"),
    (types_are_named, "storefront/carts/schemas.py", "def f() -> dict[str, Any]: ..."),
    (types_are_named, "storefront/carts/schemas.py", "class Cart:\n    lines: list[Mapping[str, Any]]"),
    (excepts_are_narrow, "api/carts.py", "try:\n    f()\nexcept Exception:\n    pass"),
    (excepts_are_narrow, "api/carts.py", "try:\n    f()\nexcept:\n    raise"),
    (excepts_are_narrow, "tests/test_carts.py", "try:\n    f()\nexcept (OSError, BaseException):\n    pass"),
    (time_is_a_parameter, "policy/offers/rules.py", "at = datetime.now(UTC)"),
    (time_is_a_parameter, "policy/offers/rules.py", "at = datetime.datetime.utcnow()"),
    (time_is_a_parameter, "api/carts.py", "at = time.time()"),
    (environment_is_read_once, "agents/models/anthropic.py", "import os\nkey = os.environ['ANTHROPIC_API_KEY']"),
    (environment_is_read_once, "agents/models/anthropic.py", "import os\nkey = os.getenv('ANTHROPIC_API_KEY')"),
    (environment_is_read_once, "agents/models/anthropic.py", "from os import environ"),
    (files_and_functions_are_short, "recovery/service.py", "x = 1\n" * 401),
    (files_and_functions_are_short, "recovery/service.py", LONG),
    (names_say_what_is_inside, "recovery/utils.py", "x = 1"),
    (names_say_what_is_inside, "recovery/rules.py", "\n"),
    (nothing_is_left_for_later, "web/widget/chat.js", "// TODO: reconnect"),
    (nothing_is_left_for_later, "recovery/rules.py", "raise NotImplementedError"),
    (nothing_private_is_committed, "README.md", f"cd {MACHINE}"),
    (nothing_private_is_committed, "requirements.lock", f"--index-url https://{REGISTRY}/simple"),
    (nothing_private_is_committed, "docs/operations.md", f"ANTHROPIC_API_KEY={SECRET}"),
    (nothing_private_is_committed, "app/key.pem", "-----BEGIN " + "RSA PRIVATE KEY-----"),
    (links_lead_somewhere, "docs/operations.md", "See [the code](../app/nothing.py)."),
]

RIGHT: list[tuple[Check, str, str]] = [
    (queries_stay_in_repositories, "storefront/carts/repository.py", QUERY),
    (queries_stay_in_repositories, "db/jobs.py", QUERY),
    (queries_stay_in_repositories, "recovery/service.py", "from sqlalchemy.ext.asyncio import AsyncSession"),
    (queries_stay_in_repositories, "tools/log_trigger.py", "def f(facts): return facts.get('price')"),
    (queries_stay_in_repositories, "app/demo/seed.py", "def f(session): session.add(Cart())"),
    (commits_stay_at_the_edges, "api/dependencies.py", "async def f(session): await session.commit()"),
    (
        commits_stay_at_the_edges,
        "tools/dispatch.py",
        OPENING,
    ),
    (commits_stay_at_the_edges, "recovery/finish_stage.py", "async def f(s): await offers.commit(s, now=now)"),
    (
        repositories_ask_for_the_company,
        "storefront/carts/repository.py",
        REPOSITORY.format(signature="get(self, cart_id, *, company_id)"),
    ),
    (repositories_ask_for_the_company, "storefront/carts/repository.py", BOUND),
    (
        repositories_stay_in_their_room,
        "graphs/checkout_chat/nodes.py",
        "from graphs.conversations.repository import TurnRepository",
    ),
    (
        tools_say_what_they_do,
        "tools/get_cart.py",
        TOOL.format(effect=", effect=Effect.READ", docstring='"""Read the cart."""'),
    ),
    (types_are_named, "db/base.py", "type_json = dict[str, Any]"),
    (types_are_named, "storefront/carts/schemas.py", "def f() -> dict[str, JsonValue]: ..."),
    (excepts_are_narrow, "api/carts.py", "try:\n    f()\nexcept (OSError, TimeoutError):\n    pass"),
    (time_is_a_parameter, "db/clock.py", "at = datetime.now(UTC)"),
    (time_is_a_parameter, "policy/offers/rules.py", "at = datetime.fromtimestamp(seconds, UTC)"),
    (environment_is_read_once, "app/settings.py", "import os\nkey = os.environ['KEY']"),
    (files_and_functions_are_short, "recovery/service.py", "x = 1\n" * 400),
    (files_and_functions_are_short, "api/carts.py", FACTORY),
    (names_say_what_is_inside, "recovery/__init__.py", ""),
    (links_lead_somewhere, "docs/operations.md", "See [it](../README.md#run-it) and [them](https://shop.example)."),
    (nothing_private_is_committed, "web/mount.py", "@router.get('/work/{item}')\nurl = 'https://shop.example/home/x'"),
]


@pytest.mark.parametrize(("check", "path", "text"), BROKEN)
def test_a_planted_violation_is_found(check: Check, path: str, text: str) -> None:
    assert findings(check, [Source(path, text)]) != []


@pytest.mark.parametrize(("check", "path", "text"), RIGHT)
def test_the_right_way_is_left_alone(check: Check, path: str, text: str) -> None:
    assert findings(check, [Source(path, text)]) == []


def test_every_check_is_shown_a_violation() -> None:
    assert {check for check, _, _ in BROKEN} == {*PYTHON, *ANY}


def test_the_whole_tree_is_read() -> None:
    read = {source.path for source in SOURCES}
    assert {"Makefile", ".ci/run", "db/base.py", "tests/house/checks.py", "web/widget/chat.js"} <= read
    assert not any(path.startswith((".venv/", ".git/")) for path in read)


@pytest.mark.parametrize("check", PYTHON)
def test_the_code_keeps_the_rule(check: Check) -> None:
    found = findings(check, PYTHON_SOURCES)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("check", ANY)
def test_every_file_keeps_the_rule(check: Check) -> None:
    found = findings(check, SOURCES)
    assert not found, "\n".join(found)
