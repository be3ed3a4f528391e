"""The way to other servers, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from inspect import signature

import pytest
from aiohttp import web

from support.clock import PATIENCE
from taigan.bolink import TimedOut, Transport, Unreachable
from taigan.bolink.transport import StandardTransport
from taigan.lot.uploads.courier import UNDER_WAY
from taigan.network.transport import AiohttpTransport

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture(params=["aiohttp", "standard"])
async def transport(request: pytest.FixtureRequest) -> AsyncIterator[Transport]:
    """Both ways there are, held to the same."""
    if request.param == "standard":
        yield StandardTransport()
    else:
        async with AiohttpTransport() as opened:
            yield opened


async def test_the_body_arrives_as_it_was_and_so_does_the_answer(transport: Transport) -> None:
    async def echo(request: web.Request) -> web.Response:
        assert request.content_type == "application/json"
        return web.Response(status=202, body=await request.read())

    async with server(echo) as url:
        assert await transport.post(f"{url}/a", b'{ "a": 1.10 }', timeout=PATIENCE) == (202, b'{ "a": 1.10 }')


async def test_a_connection_is_used_again() -> None:
    peers = set()

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response()

    async with server(note) as url, AiohttpTransport() as transport:
        for _ in range(3):
            await transport.post(url, b"{}", timeout=PATIENCE)
    assert len(peers) == 1


async def test_a_redirect_is_an_answer_and_not_followed(transport: Transport) -> None:
    async def redirect(request: web.Request) -> web.Response:
        raise web.HTTPFound("/elsewhere")

    async with server(redirect) as url:
        assert (await transport.post(url, b"{}", timeout=PATIENCE))[0] == 302


async def test_nobody_there_is_unreachable(transport: Transport) -> None:
    async def never(request: web.Request) -> web.Response:
        raise AssertionError

    async with server(never) as url:
        pass
    with pytest.raises(Unreachable):
        await transport.post(url, b"{}", timeout=PATIENCE)


async def test_an_address_that_is_none_is_unreachable(transport: Transport) -> None:
    for url in ("nonsense", "ftp://127.0.0.1/", "http://"):
        with pytest.raises(Unreachable):
            await transport.post(url, b"{}", timeout=PATIENCE)


async def test_no_answer_in_time_is_timed_out(transport: Transport) -> None:
    asked, done = asyncio.Event(), asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        asked.set()
        await done.wait()
        return web.Response()

    async with server(wait) as url:
        with pytest.raises(TimedOut):
            await transport.post(url, b"{}", timeout=0.1)
        assert asked.is_set()
        done.set()


async def test_a_connection_cut_before_the_answer_is_unreachable(transport: Transport) -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with server(cut) as url:
        with pytest.raises(Unreachable):
            await transport.post(url, b"{}", timeout=PATIENCE)


async def test_an_answer_without_end_is_cut_off(transport: Transport) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        except ConnectionError:
            return response

    async with server(flood) as url:
        with pytest.raises(Unreachable, match="larger"):
            await transport.post(url, b"{}", timeout=PATIENCE)


async def test_an_answer_that_comes_twice_is_not_taken_for_the_next_messages() -> None:
    again, told_again = asyncio.Event(), asyncio.Event()

    async def answer_twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                body = await reader.readexactly(int(length.partition(b":")[2]))
                answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                writer.write(answer)
                await asyncio.wait_for(again.wait(), PATIENCE)
                again.clear()
                writer.write(answer)
                told_again.set()
        writer.close()

    listening = await asyncio.start_server(answer_twice, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        async with AiohttpTransport() as transport:
            for number in range(4):
                body = b"message %d" % number
                assert await transport.post(url, body, timeout=PATIENCE) == (200, body)
                again.set()
                await asyncio.wait_for(told_again.wait(), PATIENCE)
                told_again.clear()
                for _ in range(5):  # it has been sent; turns of the loop in which it is read
                    await asyncio.sleep(0)
    finally:
        listening.close()
        await listening.wait_closed()


async def test_a_server_that_is_slow_keeps_nobody_from_another() -> None:
    stopped = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        await stopped.wait()
        return web.Response()

    async def quick(request: web.Request) -> web.Response:
        return web.Response(body=b"taken")

    async with server(slow) as bolink, server(quick) as sms, AiohttpTransport(connections=5) as transport:
        waiting = [asyncio.create_task(transport.post(bolink, b"{}", timeout=PATIENCE)) for _ in range(20)]
        assert await transport.post(sms, b"{}", timeout=PATIENCE) == (200, b"taken")
        assert not any(task.done() for task in waiting)
        stopped.set()
        await asyncio.gather(*waiting)


def test_the_courier_has_no_more_uploads_under_way_than_there_are_connections() -> None:
    assert signature(AiohttpTransport).parameters["connections"].default >= UNDER_WAY


async def test_the_standard_transport_takes_its_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=str(request.raw_path))

    async with server(answer) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        status, said = await StandardTransport().post("http://bolink.example/unionapi", b"{}", timeout=PATIENCE)
    assert (status, said.decode()) == (200, "http://bolink.example/unionapi")


async def test_an_answer_that_stops_half_way_is_no_answer(transport: Transport) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"state":1')
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(half, "127.0.0.1", 0)
    async with listening:
        with pytest.raises(Unreachable):
            await transport.post(f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", b"{}", timeout=PATIENCE)
