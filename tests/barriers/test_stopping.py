"""Whatever a driver or a device is doing when it is told to stop, it ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import pytest

from support.servers.ports import free_port
from support.stacks.barrier_bench import LANE
from support.stacks.simulated_lanes import Heard
from taigan.barriers.drivers import Fleet
from taigan.clock import SystemClock
from taigan.devices.electronics.device import Device
from taigan.devices.workbench import DeviceLane, emulate
from taigan.running.tasks import end

MOMENTS = range(16)
"""Turns of the loop between the beginning of something and the stop: its every step is hit by one of them."""
ENDS_WITHIN = 5.0


async def after(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def end_by_themselves(stopping: Sequence[asyncio.Task[None]]) -> None:
    """See that what is being stopped ends: a time-out would cancel it, and that may be just what it lacks.

    One was begun at each moment, and they end beside each other: each waits for a peer that does not answer.
    """
    await asyncio.wait(stopping, timeout=ENDS_WITHIN)
    assert [moment for moment, task in enumerate(stopping) if not task.done()] == []
    for task in stopping:
        await task


CONNECT, SUBSCRIBE = 1, 8


class Peer:
    """Somebody at the other end of a connection, who greets as an MQTT broker does."""

    def __init__(self) -> None:
        self.spoken_to = asyncio.Event()
        self.port = 0

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[Peer]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                kind, packet = await self._packet(reader)
                if kind >> 4 == CONNECT:
                    writer.write(b"\x20\x02\0\0")
                elif kind >> 4 == SUBSCRIBE:
                    topics = packet.count(b"device/")
                    writer.write(bytes((0x90, 2 + topics)) + packet[:2] + bytes(topics))
                self.spoken_to.set()
        writer.close()

    @staticmethod
    async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        kind, length = await reader.readexactly(2)
        if length & 0x80:
            length += ((await reader.readexactly(1))[0] - 1) << 7
        return kind, await reader.readexactly(length)


async def test_a_task_that_swallows_a_cancellation_is_cancelled_again() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        await asyncio.wait_for(answer, 60)
        await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await after(1)
    answer.set_result(None)
    await end_by_themselves([asyncio.create_task(end(task))])
    assert task.cancelled()


@pytest.mark.parametrize("there", [True, False])
async def test_a_relay_board_ends_in_the_middle_of_connecting(there: bool) -> None:
    async with contextlib.AsyncExitStack() as peers:
        stopping = []
        for moment in MOMENTS:
            peer = await peers.enter_async_context(Peer().listening())
            fleet = Fleet(Heard(), SystemClock(), Random(1))
            port = peer.port if there else free_port()
            fleet.add(LANE, {"driver": "modbus-relay", "host": "127.0.0.1", "port": port})
            await fleet.start()
            await after(moment)
            stopping.append(asyncio.create_task(fleet.stop()))
        await end_by_themselves(stopping)


def camera(port: int) -> dict[str, Any]:
    return {"driver": "vzenith-mqtt", "broker": f"mqtt://127.0.0.1:{port}", "serial": "c1"}


async def test_a_broker_s_connection_ends_in_the_middle_of_its_greeting() -> None:
    async with contextlib.AsyncExitStack() as peers:
        stopping = []
        for moment in MOMENTS:
            peer = await peers.enter_async_context(Peer().listening())
            fleet = Fleet(Heard(), SystemClock(), Random(1))
            fleet.add(LANE, camera(peer.port))
            await fleet.start()
            await peer.spoken_to.wait()
            await after(moment)
            stopping.append(asyncio.create_task(fleet.stop()))
        await end_by_themselves(stopping)


async def test_an_emulated_camera_ends_in_the_middle_of_its_greeting() -> None:
    async with contextlib.AsyncExitStack() as peers:
        stopping = []
        for moment in MOMENTS:
            peer = await peers.enter_async_context(Peer().listening())
            device: Device = emulate(DeviceLane(LANE.lot_id, LANE.channel_id, camera(peer.port)), "")
            await device.start()
            await peer.spoken_to.wait()
            await after(moment)
            stopping.append(asyncio.create_task(device.stop()))
        await end_by_themselves(stopping)
