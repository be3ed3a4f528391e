"""Devices fitted to lanes by the platform's own settings."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from support.servers.ports import free_port
from support.stacks.simulated_lanes import PATIENCE
from taigan.clock import SystemClock
from taigan.devices.lanes.lanes import LanesSettings, PortUnavailable
from taigan.devices.makes.hx import HxSettings
from taigan.devices.workbench import DeviceLane, UnknownDevice, WorkbenchSettings, emulate, serve


def settings(folder: Path, barrier: dict[str, Any]) -> WorkbenchSettings:
    lanes = LanesSettings(folder / "devices.journal", travel_time=0.01)
    return WorkbenchSettings(lanes, (DeviceLane("1-1", "A1", barrier),), "http://127.0.0.1:1")


async def test_it_serves_the_lanes_doors_until_it_is_stopped(tmp_path: Path) -> None:
    barrier = {"driver": "modbus-relay", "host": "127.0.0.1", "port": free_port()}
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(settings(tmp_path, barrier), stop, clock=SystemClock(), ready=ready.set_result))
    url = await asyncio.wait_for(ready, PATIENCE)
    async with aiohttp.ClientSession() as session, session.get(f"{url}/lots/1-1/lanes/A1") as answer:
        assert (await answer.json())["barrier"] == "closed"
    stop.set()
    await asyncio.wait_for(serving, PATIENCE)


async def test_a_port_in_use_is_said_plainly(tmp_path: Path) -> None:
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as taken:
        port = taken.sockets[0].getsockname()[1]
        barrier = {"driver": "modbus-relay", "host": "127.0.0.1", "port": port}
        with pytest.raises(PortUnavailable):
            await serve(settings(tmp_path, barrier), asyncio.Event(), clock=SystemClock())


@pytest.mark.parametrize("barrier", [{}, {"driver": "simulated"}, {"driver": "dahua-cgi"}, {"driver": "vzenith-mqtt"}])
def test_what_cannot_be_emulated_is_said_with_the_lane(barrier: dict[str, Any]) -> None:
    with pytest.raises(UnknownDevice, match="lane 1-1/A1"):
        emulate(DeviceLane("1-1", "A1", barrier), "http://x")


def test_heartbeats_come_as_documented_unless_set_otherwise() -> None:
    assert HxSettings(url="http://x").heartbeat == 10
