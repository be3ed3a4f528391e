"""What a connection may cost before anybody knows who it is."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from taigan.running.connections import HEAD_LIMIT, KEPT_BACK, LimitedProtocol, Places

DOCS = Path(__file__).parents[2] / "docs"
GET = b"GET / HTTP/1.1\r\nHost: lot\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body; at /early before it has read it."""
    size = 0
    more = scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    said = str(size).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})


class Peer:
    """A connection of somebody we do not know."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, sent: bytes) -> None:
        self.writer.write(sent)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        status = int((await self.reader.readline()).split()[1])
        length = 0
        while (header := await self.reader.readline()).strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, await self.reader.readexactly(length)

    async def closed(self) -> bool:
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True


class Port:
    """A port with the limits, and whoever connects to it."""

    def __init__(self, number: int, places: Places) -> None:
        self.number, self.places = number, places
        self.peers: list[Peer] = []

    async def peer(self) -> Peer:
        self.peers.append(Peer(*await asyncio.open_connection("127.0.0.1", self.number)))
        return self.peers[-1]


@asynccontextmanager
async def port_of(most: int, **limits: float) -> AsyncIterator[Port]:
    places = Places(most, **limits)
    protocol: Any = partial(LimitedProtocol, places=places)
    config = uvicorn.Config(echo, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    serving = asyncio.create_task(server._serve([listener]))
    port = Port(listener.getsockname()[1], places)
    try:
        yield port
    finally:
        for peer in port.peers:
            peer.writer.close()
        server.should_exit = True
        await serving


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    async with port_of(100) as port:
        yield port


@pytest.fixture
async def hurried() -> AsyncIterator[Port]:
    """With the limits of time in hundredths of a second."""
    async with port_of(100, head_within=0.05, piece_within=0.05) as port:
        yield port


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"a" * HEAD_LIMIT + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 40 * HEAD_LIMIT,
        b"GET /" + b"a" * HEAD_LIMIT + b" HTTP/1.1\r\nHost: lot\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: aaaaaaaaaaaaaaaa\r\n" * 3000,
    ],
    ids=["one header", "one header without end", "the address", "many headers"],
)
async def test_a_head_of_more_than_32_kib_is_431_and_the_end(port: Port, head: bytes) -> None:
    peer = await port.peer()
    peer.writer.write(head)
    assert (await peer.answer())[0] == 431
    assert await peer.closed()


async def test_a_head_just_below_the_limit_and_a_large_body_are_taken(port: Port) -> None:
    peer = await port.peer()
    padding = b"X: " + b"a" * (HEAD_LIMIT - 200) + b"\r\n"
    await peer.send(b"POST / HTTP/1.1\r\n" + padding + b"Content-Length: 1000000\r\n\r\n" + b"b" * 1_000_000)
    assert await peer.answer() == (200, b"1000000")
    await peer.send(GET)
    assert await peer.answer() == (200, b"0")


async def test_requests_one_after_another_on_one_connection_do_not_add_up(port: Port) -> None:
    peer = await port.peer()
    for _ in range(10):
        await peer.send(b"GET / HTTP/1.1\r\nX: " + b"a" * 10_000 + b"\r\n\r\n")
        assert await peer.answer() == (200, b"0")
    await peer.send(GET * 50)
    for _ in range(50):
        assert await peer.answer() == (200, b"0")


@pytest.mark.parametrize("name", ["threat-model.md", "threat-model.en.md"])
def test_the_limits_are_those_that_the_threat_model_names(name: str) -> None:
    page = (DOCS / name).read_text("utf-8")
    found = re.search(r"(\d+) KiB\D*431\D*(\d+)\D*(\d+)\D*(\d+)", page)
    assert found is not None
    limits = Places(1)
    assert [int(figure) for figure in found.groups()] == [
        HEAD_LIMIT // 1024,
        limits.head_within,
        limits.piece_within,
        KEPT_BACK,
    ]


async def test_a_connection_that_says_nothing_is_closed(hurried: Port) -> None:
    assert await (await hurried.peer()).closed()


@pytest.mark.parametrize(
    "begun",
    [
        b"GET / HTTP/1.1\r\nHost: l",
        b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
        GET + b"GET",
        GET + b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc",
    ],
    ids=["half a head", "blank lines", "no body", "half a body", "half a second head", "half a second body"],
)
async def test_what_does_not_come_to_an_end_is_408(hurried: Port, begun: bytes) -> None:
    peer = await hurried.peer()
    await peer.send(begun)
    if begun.startswith(GET):
        assert await peer.answer() == (200, b"0")
    assert (await peer.answer())[0] == 408
    assert await peer.closed()


async def test_a_body_that_goes_on_after_its_answer_ends_too(hurried: Port) -> None:
    peer = await hurried.peer()
    await peer.send(b"POST /early HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
    assert await peer.answer() == (200, b"0")
    assert (await peer.answer())[0] == 408
    assert await peer.closed()


async def test_after_an_early_answer_and_the_rest_of_its_body_the_connection_serves_on(port: Port) -> None:
    peer = await port.peer()
    await peer.send(b"POST /early HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
    assert await peer.answer() == (200, b"0")
    await peer.send(b"defghij" + GET)
    assert await peer.answer() == (200, b"0")
    assert len(port.places.idle) == 1


async def test_silent_strangers_make_room_the_oldest_first() -> None:
    async with port_of(3) as port:
        known = await port.peer()
        await known.send(GET)
        assert await known.answer() == (200, b"0")
        strangers = [await port.peer() for _ in range(10)]
        late = await port.peer()
        await late.send(GET)
        assert await late.answer() == (200, b"0")
        assert await strangers[0].closed()
        await known.send(GET)
        assert await known.answer() == (200, b"0")
        assert len(port.places.taken) <= 3


async def test_a_place_is_free_again_when_its_connection_is_gone(port: Port) -> None:
    peer = await port.peer()
    await peer.send(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert await peer.answer() == (200, b"0")
    assert await peer.closed()
    other = await port.peer()
    await other.send(GET)
    assert await other.answer() == (200, b"0")
    assert len(port.places.taken) == 1
    assert not port.places.strange


async def test_a_body_in_pieces_is_taken_until_its_whole_time_is_over() -> None:
    async with port_of(100, piece_within=600, body_within=0.2) as port:
        peer = await port.peer()
        await peer.send(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na")
        await peer.send(b"b")
        await peer.send(b"c")
        assert await peer.answer() == (200, b"3")
        await peer.send(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na")
        assert (await peer.answer())[0] == 408
