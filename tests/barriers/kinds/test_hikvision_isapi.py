"""Hikvision over ISAPI, with Digest and a position that has to be asked for."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from support.servers.ports import free_port
from support.stacks.barrier_bench import Bench, HandClock, bench
from taigan.barriers.barrier import EventKind, Outcome, Position
from taigan.devices.electronics.device import Fault


def settings(**others: Any) -> dict[str, Any]:
    return {
        "driver": "hikvision-isapi",
        "url": f"http://127.0.0.1:{free_port()}",
        "username": "admin",
        "password": "a password, with: signs",
        "ask_every": 0.1,
        "ask_busy": 0.1,
        **others,
    }


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, settings()) as running:
        await running.online()
        yield running


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def odd_device(port: int, serve: Serve) -> AsyncIterator[None]:
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield


async def test_the_arm_rises_once_and_its_position_is_asked_for(lane: Bench) -> None:
    await lane.heard.until(EventKind.DOWN)
    await lane.opened()
    await lane.heard.until(EventKind.UP)
    assert (await lane.script.get())["lifts"] == 1


async def test_a_locked_gate_says_accepted_and_is_not_up(lane: Bench) -> None:
    await lane.heard.until(EventKind.DOWN)
    await lane.script.put(mode="locked")
    await lane.opened()
    asked = lane.device.requests
    await lane.until(lambda: lane.device.requests > asked + 2)
    assert EventKind.UP not in lane.heard.kinds()
    assert lane.barrier.state.position in (Position.CLOSED, Position.RISING)


async def test_hold_and_close(lane: Bench) -> None:
    assert (await lane.command("hold")).outcome is Outcome.ACCEPTED
    await lane.script.until(barrier="open", held=True)
    assert (await lane.command("close")).outcome is Outcome.ACCEPTED
    await lane.script.until(barrier="closed", held=False)


async def test_a_barrier_fault_is_rejected_with_the_gates_words(lane: Bench) -> None:
    await lane.script.put(mode="fault")
    result = await lane.open()
    assert (result.outcome, "Device Error" in result.reason) == (Outcome.REJECTED, True)


async def test_a_gate_that_says_nothing_is_uncertain(lane: Bench) -> None:
    await lane.script.put(mode="silent")
    assert (await lane.unanswered()).outcome is Outcome.UNCERTAIN
    assert (await lane.script.get())["lifts"] == 0


async def test_two_401_in_a_row_stop_it_and_raise_an_alarm(tmp_path: Path) -> None:
    wrong = settings()
    async with bench(tmp_path, {**wrong, "password": "wrong"}, device={"password": "right"}) as lane:
        fault = await lane.heard.until(EventKind.FAULT)
        assert "password" in fault.detail
        assert lane.device.requests == 2
        assert lane.barrier.state.extra["alarm"] == "password refused"
        assert (await lane.open()).outcome is Outcome.REJECTED
        assert (await lane.open()).outcome is Outcome.REJECTED
        assert lane.device.requests == 2
        assert not lane.device.gatekeeper.locked


async def test_a_nonce_that_has_grown_old_is_no_refusal(lane: Bench) -> None:
    for _ in range(3):
        lane.device.gatekeeper.forget_used()
        await lane.opened()
    assert EventKind.FAULT not in lane.heard.kinds()


async def test_a_gate_that_breaks_the_connection_gets_no_second_command(tmp_path: Path) -> None:
    puts = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal puts
        head = await reader.readuntil(b"\r\n\r\n")
        puts += head.startswith(b"PUT")
        writer.close()

    own = settings(ask_every=3600)
    async with bench(tmp_path, own) as lane:
        await lane.device.set_fault(Fault.UNPLUGGED)
        async with odd_device(lane.device.port, serve):
            assert (await lane.open()).outcome is Outcome.UNCERTAIN
    assert puts == 1


async def test_half_an_answer_is_uncertain(lane: Bench) -> None:
    await lane.device.set_fault(Fault.HALF_ANSWERS)
    result = await lane.open()
    assert result.outcome is Outcome.UNCERTAIN
    assert (await lane.script.get())["lifts"] == 1


@pytest.mark.parametrize("body", [os.urandom(10_000), b"", b"<a>" * 5000, b"<!DOCTYPE x [<!ENTITY y 'z'>]><x>&y;</x>"])
async def test_an_answer_that_is_not_xml_is_uncertain(tmp_path: Path, body: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with bench(tmp_path, settings(ask_every=3600)) as lane:
        await lane.device.set_fault(Fault.UNPLUGGED)
        async with odd_device(lane.device.port, serve):
            assert (await lane.open()).outcome is Outcome.UNCERTAIN


async def test_an_unplugged_gate_is_rejected_and_found_again(lane: Bench) -> None:
    await lane.device.set_fault(Fault.UNPLUGGED)
    await lane.heard.until(EventKind.OFFLINE)
    assert lane.barrier.state.position is Position.UNKNOWN
    assert (await lane.open()).outcome is Outcome.REJECTED
    await lane.device.set_fault(Fault.NONE)
    await lane.heard.until(EventKind.ONLINE, times=2)
    await lane.opened()


async def test_it_sees_the_arm_and_no_cars(lane: Bench) -> None:
    sight = lane.barrier.sight
    assert (sight.acknowledges, sight.position, sight.detector) == (True, True, False)


@contextlib.asynccontextmanager
async def gate_that_says(folder: Path, status: int, body: str) -> AsyncIterator[Bench]:
    """A gate that answers whatever it is asked with this."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if length := re.search(rb"Content-Length: (\d+)", head):
            await reader.readexactly(int(length[1]))
        content = body.encode()
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(content)) + content)
        await writer.drain()
        writer.close()

    async with bench(folder, settings(ask_every=3600)) as lane:
        await lane.device.set_fault(Fault.UNPLUGGED)
        async with odd_device(lane.device.port, serve):
            yield lane


@pytest.mark.parametrize(
    ("status", "said", "position", "online"),
    [
        (200, "1", Position.CLOSED, True),
        (200, " 2 ", Position.OPEN, True),
        (200, "3", Position.UNKNOWN, True),
        (200, "", Position.UNKNOWN, True),
        (500, "2", Position.UNKNOWN, False),
        (404, "2", Position.UNKNOWN, False),
    ],
)
async def test_a_gate_says_whether_its_arm_is_down_or_up(
    tmp_path: Path, status: int, said: str, position: Position, online: bool
) -> None:
    body = f'<BarrierGateStatus xmlns="x"><barrierGateStatus>{said}</barrierGateStatus></BarrierGateStatus>'
    async with gate_that_says(tmp_path, status, body) as lane:
        lane.barrier.watch.arm(Position.RISING)  # type: ignore[attr-defined]
        await lane.barrier.ask()  # type: ignore[attr-defined]
        assert (lane.barrier.state.position, lane.barrier.state.online) == (position, online)


@pytest.mark.parametrize(
    ("status", "answer", "outcome", "reason"),
    [
        (200, "<statusCode>1</statusCode>", Outcome.ACCEPTED, ""),
        (200, "<statusCode>4</statusCode>", Outcome.REJECTED, "the gate does not support open"),
        (
            200,
            "<statusCode>3</statusCode><statusString>Device Error</statusString>",
            Outcome.REJECTED,
            "the gate answered status 3: Device Error",
        ),
        (500, "<other>1</other>", Outcome.REJECTED, "the gate answered status nothing: HTTP 500"),
    ],
)
async def test_a_gate_says_what_became_of_a_command(
    tmp_path: Path, status: int, answer: str, outcome: Outcome, reason: str
) -> None:
    async with gate_that_says(tmp_path, status, f"<ResponseStatus>{answer}</ResponseStatus>") as lane:
        result = await lane.open()
        assert (result.outcome, result.reason) == (outcome, reason)


async def test_a_gate_is_asked_more_often_for_half_a_minute_after_a_command(tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, settings(ask_every=10, ask_busy=0.5), clock=clock) as lane:
        barrier: Any = lane.barrier
        await barrier.ask()
        assert barrier._asked.every == 10
        await lane.opened()
        assert (barrier._asked.every, barrier._asked.due) == (0.5, clock.monotonic())
        for later, every in ((29.9, 0.5), (0.1, 10), (1, 10)):
            clock.advance(later)
            await barrier.ask()
            assert barrier._asked.every == every
