"""Heads of requests over a real socket: too large, too slow, and none at all."""

import gc
import socket
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from api.application import create_application
from api.edge import Edge
from app import serving
from app.serving import MOST_HEAD_BYTES, BoundedHttp
from db.session import open_engine
from tests.factories import SIGNER
from tests.live import serving as live


async def make_app(base_url: str) -> FastAPI:
    return create_application(Edge(open_engine("postgresql://nobody@127.0.0.1:1/none"), SIGNER, base_url), [])


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    monkeypatch.setattr(serving, "HEAD_WITHIN_S", 0.3)
    with live(make_app, http=BoundedHttp) as base_url:
        host, port = base_url.removeprefix("http://").split(":")
        yield host, int(port)


def answer(address: tuple[str, int], *sent: bytes) -> str:
    """What comes back until the server closes."""
    with socket.create_connection(address, timeout=30) as connection:
        try:
            for each in sent:
                connection.sendall(each)
        except (BrokenPipeError, ConnectionResetError):
            pass
        received = b""
        try:
            while piece := connection.recv(65_536):
                received += piece
        except ConnectionResetError:
            pass
    return received.decode()


GET = b"GET /nothing HTTP/1.1\r\nHost: x\r\n"


def test_an_ordinary_request_is_served(address: tuple[str, int]) -> None:
    assert answer(address, GET + b"Connection: close\r\n\r\n").startswith("HTTP/1.1 404 ")
    twice = answer(
        address, GET + b"\r\n", GET + b"X: " + b"a" * (MOST_HEAD_BYTES - 100) + b"\r\nConnection: close\r\n\r\n"
    )
    assert twice.count("HTTP/1.1 404 ") == 2


@pytest.mark.parametrize(
    "sent",
    [
        [GET + b"X: " + b"a" * (MOST_HEAD_BYTES + 1) + b"\r\n\r\n"],
        [GET, *[b"X: " + b"a" * 1000 + b"\r\n"] * 40],
        [GET + b"X: ", *[b"a" * 8_192] * 8],
        [b"GET /", *[b"a" * 8_192] * 8],
    ],
    ids=["one", "many", "unfinished header", "unfinished address"],
)
def test_a_large_head_is_refused_while_it_comes(address: tuple[str, int], sent: list[bytes]) -> None:
    said = answer(address, *sent)
    assert said.startswith("HTTP/1.1 431 ") or said == ""  # a reset can overtake the answer
    assert "404" not in said


def test_a_large_head_is_told_what_is_wrong(address: tuple[str, int]) -> None:
    said = answer(address, GET + b"X: " + b"a" * (MOST_HEAD_BYTES + 1) + b"\r\n\r\n")
    assert "content-type: application/problem+json\r\n" in said
    assert '"code":"request_header_fields_too_large"' in said


def test_what_is_no_http_is_a_problem(address: tuple[str, int]) -> None:
    said = answer(address, b"HELLO\r\n\r\n")
    assert said.startswith("HTTP/1.1 400 ")
    assert "application/problem+json" in said


@pytest.mark.parametrize("sent", [b"", GET], ids=["nothing", "half a head"])
def test_who_does_not_get_on_with_it_is_let_go(address: tuple[str, int], sent: bytes) -> None:
    assert answer(address, sent).startswith("HTTP/1.1 408 ")


def test_what_is_loaded_is_out_of_the_collectors_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full collection that walks through all of it stops every request for 0.2 s."""
    out_of_the_way: list[int] = []
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: out_of_the_way.append(gc.get_freeze_count()))
    before = gc.get_freeze_count()
    try:
        serving.serve(FastAPI(), host="127.0.0.1", port=0)
    finally:
        gc.unfreeze()
    assert before == 0
    assert out_of_the_way[0] > 100_000
