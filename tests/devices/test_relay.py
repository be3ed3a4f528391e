"""The emulated relay board, asked by a Modbus library that is not ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.client import AsyncModbusTcpClient

from support.clock import PATIENCE
from support.servers.ports import free_port
from support.stacks.barrier_bench import workbench
from support.stacks.simulated_lanes import Script
from taigan.devices.makes.relay import RelayBoard


@contextlib.asynccontextmanager
async def board(folder: Path, **others: Any) -> AsyncIterator[tuple[RelayBoard, Script, AsyncModbusTcpClient]]:
    settings = {
        "driver": "modbus-relay",
        "host": "127.0.0.1",
        "port": free_port(),
        "loop_input": 0,
        "up_input": 2,
        "down_input": 3,
        **others,
    }
    async with workbench(folder, settings) as (device, script):
        assert isinstance(device, RelayBoard)
        framer = FramerType.RTU if others.get("framer") == "rtu" else FramerType.SOCKET
        client = AsyncModbusTcpClient("127.0.0.1", port=device.port, framer=framer, timeout=1, retries=0)
        assert await client.connect()
        try:
            yield device, script, client
        finally:
            client.close()


@pytest.mark.parametrize("framer", ["tcp", "rtu"])
async def test_a_coil_is_the_barriers_button(tmp_path: Path, framer: str) -> None:
    async with board(tmp_path, framer=framer) as (_, script, client):
        written = await client.write_coil(0, True)
        assert not written.isError()
        await script.until(barrier="open", lifts=1)
        assert (await client.read_coils(0, count=8)).bits[0] is True
        assert not (await client.write_coil(0, False)).isError()
        assert (await client.read_coils(0, count=8)).bits[:8] == [False] * 8


async def test_the_arm_and_the_loop_are_inputs(tmp_path: Path) -> None:
    async with board(tmp_path) as (_, script, client):
        assert (await client.read_discrete_inputs(0, count=8)).bits[:4] == [False, False, False, True]
        await script.put(car="arrives")
        await client.write_coil(0, True)
        await script.until(barrier="open")
        assert (await client.read_discrete_inputs(0, count=8)).bits[:4] == [True, False, True, False]


async def test_a_button_kept_pressed_holds_the_arm_up(tmp_path: Path) -> None:
    async with board(tmp_path, held_after=0.05) as (_, script, client):
        await client.write_coil(0, True)
        await script.until(held=True)
        await client.write_coil(0, False)
        await script.until(held=False, barrier="closed")


async def frame(port: int, pdu: str) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = bytes.fromhex("01" + pdu)
    writer.write(b"\0\1\0\0" + len(body).to_bytes(2) + body)
    head = await asyncio.wait_for(reader.readexactly(6), PATIENCE)
    answer = await reader.readexactly(int.from_bytes(head[4:6]))
    writer.close()
    return answer[1:].hex().upper()


async def test_the_board_knows_the_pulse(tmp_path: Path) -> None:
    async with board(tmp_path) as (device, script, _):
        assert await frame(device.port, "0502000002") == "0502000002"
        assert device.coils[0]
        await device.coil(0, False)
        assert device.history == [(0, True), (0, False)]
        assert (await script.get())["lifts"] == 1


@pytest.mark.parametrize(
    ("pdu", "answer"),
    [("0300000001", "8301"), ("0500080000", "8502"), ("0500001234", "8503"), ("0100000009", "8102"), ("05", "8503")],
)
async def test_what_it_cannot_do_is_an_exception(tmp_path: Path, pdu: str, answer: str) -> None:
    async with board(tmp_path) as (device, _, _client):
        assert await frame(device.port, pdu) == answer


@pytest.mark.parametrize("framer", ["tcp", "rtu"])
async def test_any_bytes_do_not_bring_it_down(tmp_path: Path, framer: str) -> None:
    async with board(tmp_path, framer=framer) as (device, script, client):
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", device.port)
            writer.write(os.urandom(10_000))
            with contextlib.suppress(OSError):
                writer.write_eof()
                await reader.read()
            writer.close()
        assert not (await client.read_coils(0, count=8)).isError()
        assert (await script.get())["lifts"] == 0
