"""Requests to devices over HTTP: how many at once, how much of an answer, and who waits for whom."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from random import Random

import pytest
from aiohttp import web

from support.clock import PATIENCE
from support.servers.ports import free_port
from support.stacks.barrier_bench import LANE, HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.site import Lane, Site
from taigan.barriers.watching.lane_watch import Attempt, NoAnswer, NotSent
from taigan.barriers.wires.device_http import DeviceAddress, HttpDevice, http_of
from taigan.deadline import Deadline

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
KIB = 1024


class Devices:
    """Devices at one address, and our site."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = HandClock()
        self.site = Site(Heard(), self.clock, Random(1))
        self.watch = self.site.watch(Lane(LANE), "a gate")

    def device(self, timeout: float = 30, username: str = "", url: str = "") -> HttpDevice:
        address = DeviceAddress(url=url or self.url, timeout=timeout)
        return HttpDevice(self.site, address, self.watch, username, "secret" if username else "")

    def attempt(self, seconds: float = 20) -> Attempt:
        return Attempt("lift-1", Deadline(self.clock.now() + timedelta(seconds=seconds), self.clock))


@contextlib.asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[Devices]:
    server = web.Server(handler)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    devices = Devices(f"http://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield devices
    finally:
        await devices.site.stop()
        await runner.cleanup()


class Gate:
    """Keeps what comes in until it is opened."""

    def __init__(self) -> None:
        self.inside = 0
        self.come = asyncio.Condition()
        self.opened = asyncio.Event()

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        async with self.come:
            self.inside += 1
            self.come.notify_all()
        await self.opened.wait()
        return web.Response(text=request.path)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE), self.come:
            await self.come.wait_for(lambda: self.inside >= count)


async def test_any_number_of_devices_are_asked_at_once() -> None:
    gate = Gate()
    async with answering(gate) as devices:
        asking = [asyncio.create_task(devices.device().request("GET", "/")) for _ in range(3)]
        await gate.until(3)
        gate.opened.set()
        assert await asyncio.gather(*asking) == [(200, b"/")] * 3


async def test_a_device_gets_one_command_at_a_time_and_is_asked_beside_it_once_it_let_us_in() -> None:
    gate = Gate()
    async with answering(gate) as devices:
        device = devices.device()
        first = asyncio.create_task(device.request("GET", "/first"))
        await gate.until(1)
        second = asyncio.create_task(device.request("GET", "/second"))
        await asyncio.sleep(0)
        gate.opened.set()
        assert await asyncio.gather(first, second) == [(200, b"/first"), (200, b"/second")]
        gate.opened.clear()
        command = asyncio.create_task(device.request("PUT", "/command", devices.attempt()))
        await gate.until(3)
        late = asyncio.create_task(device.request("PUT", "/late", devices.attempt(5)))
        question = asyncio.create_task(device.request("GET", "/question"))
        await gate.until(4)
        assert gate.inside == 4
        devices.clock.advance(5)
        gate.opened.set()
        assert await command == (200, b"/command")
        assert await question == (200, b"/question")
        with pytest.raises(NotSent, match="busy until after the deadline"):
            await late
        assert gate.inside == 4


@pytest.mark.parametrize("size", [64 * KIB, 64 * KIB + 1, 200 * KIB])
async def test_of_an_answer_sixty_four_kilobytes_are_read_unless_more_is_asked_for(size: int) -> None:
    async def long(request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"x" * size)

    async with answering(long) as devices:
        device = devices.device()
        assert await device.request("GET", "/") == (200, b"x" * min(size, 64 * KIB))
        _, content, headers = await device.exchange("GET", "/", most=size)
        assert (len(content), headers["Content-Length"]) == (size, str(size))


@pytest.mark.parametrize("where", ["timeout", "deadline"])
async def test_an_answer_is_waited_for_as_long_as_an_exchange_may_take_or_the_command_has(where: str) -> None:
    gate = Gate()
    async with answering(gate) as devices:
        device = devices.device(timeout=0.2 if where == "timeout" else 30)
        attempt = devices.attempt(20 if where == "timeout" else 0.2)
        with pytest.raises(NoAnswer, match=r"did not answer within 0\.2 s"):
            await device.request("PUT", "/", attempt)
        assert attempt.sent


async def test_a_device_that_is_not_there_surely_got_nothing_and_is_not_reached() -> None:
    devices = Devices(f"http://127.0.0.1:{free_port()}")
    devices.watch.heard()
    attempt = devices.attempt()
    with pytest.raises(NotSent, match="cannot be reached"):
        await devices.device().request("PUT", "/", attempt)
    assert not attempt.sent
    assert (devices.watch.state.online, devices.watch.state.extra["offline"]) == (False, "it cannot be reached")
    await devices.site.stop()


async def test_a_password_that_is_refused_twice_is_shown_no_third_time() -> None:
    asked = 0

    async def refuse(request: web.BaseRequest) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=401, headers={"WWW-Authenticate": 'Digest realm="gate", nonce="1", qop="auth"'})

    async with answering(refuse) as devices:
        device = devices.device(username="admin")
        for _ in range(2):
            with pytest.raises(NotSent, match="refused user and password"):
                await device.request("PUT", "/", devices.attempt())
        assert device.locked_out
        assert asked == 2


DIGEST = {"WWW-Authenticate": 'Digest realm="gate", nonce="1", qop="auth"'}
BASIC = {"WWW-Authenticate": 'Basic realm="gate"'}


class Answers:
    """A gate that answers so, one request after the other, and keeps what it was shown."""

    def __init__(self, *answers: tuple[int, dict[str, str]]) -> None:
        self._answers = list(answers)
        self.shown: list[str] = []

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        self.shown.append(request.headers.get("Authorization", "").partition(" ")[0])
        status, headers = self._answers.pop(0)
        return web.Response(status=status, headers=headers)


async def test_a_device_is_left_alone_after_two_refusals_in_a_row_and_not_after_two_in_all() -> None:
    gate = Answers((401, {}), (200, {}), (401, {}), (200, {}), (401, {}), (401, {}))
    async with answering(gate) as devices:
        device = devices.device()
        assert [(await device.request("GET", "/"))[0] for _ in range(5)] == [401, 200, 401, 200, 401]
        with pytest.raises(NotSent, match="refused user and password"):
            await device.request("GET", "/")
        assert device.locked_out


async def test_a_device_that_let_us_in_is_asked_once_more_where_a_challenge_has_grown_old_twice() -> None:
    gate = Answers((401, DIGEST), (200, {}), (401, DIGEST), (401, DIGEST), (200, {}), *[(401, DIGEST)] * 4)
    async with answering(gate) as devices:
        device = devices.device(username="admin")
        assert [(await device.request("GET", "/"))[0] for _ in range(2)] == [200, 200]
        with pytest.raises(NotSent, match="refused user and password"):
            await device.request("GET", "/")
        assert gate.shown == ["", *["Digest"] * 8]


async def test_a_device_that_offers_basic_only_is_shown_the_password_at_once_from_then_on() -> None:
    gate = Answers((401, BASIC), (200, {}), (200, {}))
    async with answering(gate) as devices:
        device = devices.device(username="admin")
        assert [(await device.request("GET", "/"))[0] for _ in range(2)] == [200, 200]
        assert gate.shown == ["", "Basic", "Basic"]


async def test_a_device_that_forbids_what_was_signed_afresh_is_not_asked_again() -> None:
    gate = Answers((401, DIGEST), (200, {}), (401, DIGEST), (403, {}))
    async with answering(gate) as devices:
        device = devices.device(username="admin")
        assert [(await device.request("GET", "/"))[0] for _ in range(2)] == [200, 403]
        assert gate.shown == ["", "Digest", "Digest", "Digest"]


async def test_bytes_that_a_device_does_not_take_within_four_seconds_are_given_up() -> None:
    devices = Devices("http://127.0.0.1")
    connector = http_of(devices.site).session.connector
    assert connector is not None
    made = connector._socket_factory((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("", 0)))  # type: ignore[attr-defined]
    with made:
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 4000
    await http_of(devices.site).stop()
