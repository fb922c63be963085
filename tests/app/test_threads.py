"""FastAPI runs what is no coroutine in a thread, which costs more than reading a cart: nothing of ours is run so."""

from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from app.demo.runtime import Runtime
from app.demo.server import create_demo_server
from tests.app.living import World


def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    """What answers, and all that it asks for."""
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from calls(each)


def run_in_threads(app: FastAPI) -> set[str]:
    routes = [context.original_route for context in iter_route_contexts(app.routes)]
    asked = [call for route in routes if isinstance(route, APIRoute) for call in calls(route.dependant)]
    # A dependency that is an object (HTTPBearer) is called through its class.
    plain = [call for call in asked if not iscoroutinefunction(call) and not iscoroutinefunction(type(call).__call__)]
    return {f"{call.__module__}.{call.__qualname__}" for call in plain}


async def test_endpoints_and_what_they_ask_for_are_coroutines(carried: World) -> None:
    demo = create_demo_server(carried.parts, Runtime(company_id=UUID(int=1), publishable_key="pk_x", port=1))
    assert run_in_threads(demo) == set()


def test_a_plain_dependency_is_found() -> None:
    app = FastAPI()

    @app.get("/")
    def answer() -> None: ...

    assert len(run_in_threads(app)) == 1
