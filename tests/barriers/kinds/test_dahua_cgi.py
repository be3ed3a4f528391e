"""Dahua over CGI."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.servers.ports import free_port
from support.stacks.barrier_bench import Bench, bench
from taigan.barriers.barrier import EventKind, Outcome
from taigan.devices.electronics.device import Fault


def settings(**others: Any) -> dict[str, Any]:
    return {
        "driver": "dahua-cgi",
        "url": f"http://127.0.0.1:{free_port()}",
        "username": "admin",
        "password": "admin123",
        "plate": "无牌车",
        **others,
    }


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, settings()) as running:
        yield running


async def test_the_arm_rises_once(lane: Bench) -> None:
    await lane.opened()
    await lane.script.until(barrier="open", lifts=1)
    assert lane.barrier.state.last_heard is not None


async def test_a_barrier_fault_is_rejected(lane: Bench) -> None:
    await lane.script.put(mode="fault")
    assert (await lane.open()).outcome is Outcome.REJECTED


async def test_a_gate_that_says_nothing_is_uncertain(lane: Bench) -> None:
    await lane.script.put(mode="silent")
    assert (await lane.unanswered()).outcome is Outcome.UNCERTAIN


async def test_two_401_in_a_row_stop_it(tmp_path: Path) -> None:
    async with bench(tmp_path, settings(), device={"password": "another"}) as lane:
        for _ in range(3):
            assert (await lane.open()).outcome is Outcome.REJECTED
        assert lane.device.requests == 2
        await lane.heard.until(EventKind.FAULT)


async def test_a_connection_broken_before_the_answer_is_no_second_get(tmp_path: Path) -> None:
    gets = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal gets
        gets += (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET")
        writer.close()

    async with bench(tmp_path, settings()) as lane:
        await lane.device.set_fault(Fault.UNPLUGGED)
        async with await asyncio.start_server(serve, "127.0.0.1", lane.device.port):
            assert (await lane.open()).outcome is Outcome.UNCERTAIN
    assert gets == 1


async def test_an_unplugged_gate_is_rejected(lane: Bench) -> None:
    await lane.device.set_fault(Fault.UNPLUGGED)
    result = await lane.open()
    assert (result.outcome, "reached" in result.reason) == (Outcome.REJECTED, True)
    await lane.heard.until(EventKind.OFFLINE)
    await lane.device.set_fault(Fault.NONE)
    await lane.opened()
    await lane.heard.until(EventKind.ONLINE)


async def test_a_command_past_its_deadline_never_leaves(lane: Bench) -> None:
    assert (await lane.open(-1)).outcome is Outcome.REJECTED
    assert lane.device.requests == 0


async def test_it_neither_holds_nor_lowers_and_says_so(lane: Bench) -> None:
    for verb in ("hold", "close"):
        assert (await lane.command(verb)).outcome is Outcome.REJECTED


@pytest.mark.parametrize(("blanks", "outcome"), [(65_533, Outcome.REJECTED), (65_534, Outcome.ACCEPTED)])
async def test_of_an_answer_sixty_four_kilobytes_are_read(tmp_path: Path, blanks: int, outcome: Outcome) -> None:
    async def gate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b"OK" + b" " * blanks + b"x"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(gate, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with bench(tmp_path, settings(), driver={"url": url}) as lane:
            assert (await lane.open()).outcome is outcome
