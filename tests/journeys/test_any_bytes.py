"""Random bytes at everything that listens: the hub, the platform, the edge and every emulated device."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

from support.clock import PATIENCE
from support.databases.postgres import NewDatabase
from support.servers.mosquitto import mosquitto_broker
from support.servers.ports import free_port
from support.stacks.device_stack import DeviceStack
from support.stacks.stack import eventually

LISTENING = "0A"


def listening_ports(process: int) -> set[int]:
    """Every TCP port that a process listens on."""
    own = set()
    for file in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            own.add(str(file.readlink()))
    ports = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == LISTENING and f"socket:[{fields[9]}]" in own:
            ports.add(int(fields[1].partition(":")[2], 16))
    return ports


async def throw(port: int, noise: bytes) -> None:
    """Send bytes, and return when the other side has had enough of them."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(noise)
        await writer.drain()
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await reader.read()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_ten_thousand_random_bytes_at_every_listening_port_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack_database: NewDatabase | None
) -> None:
    monkeypatch.setenv("TAIGAN_LOT_METRICS_PORT", str(free_port()))
    with mosquitto_broker() as broker:
        stack = DeviceStack(tmp_path, broker, stack_database)
        edge = tmp_path / "edge.toml"
        edge.write_text(f"devices_port = {free_port()}\n{edge.read_text('utf-8')}", "utf-8")
        try:
            await stack.start()
            ports = {port for process in stack.pids for port in listening_ports(process)}
            # hub; platform and its metrics; the edge's; the lanes', 3 gates and controllers, 2 relay boards, a screen
            assert len(ports) == 1 + 2 + 1 + 1 + 3 + 2 + 1
            for port in sorted(ports):
                for _ in range(3):
                    await throw(port, os.urandom(10_000))
            await stack.lane("modbus-relay").car("arrives")
            await eventually(lambda: occupied(stack, "modbus-relay"))
            scan = await stack.scan("modbus-relay", "after-the-noise")
            assert (scan["shown"], scan["text"]) == ("success", "入场成功"), stack.logs()
        finally:
            codes = await stack.stop()
        assert codes == [0, 0, 0, 0], stack.logs()
        assert "Traceback" not in "".join(log.read_text() for log in tmp_path.glob("*.log")), stack.logs()


async def occupied(stack: DeviceStack, channel: str) -> bool:
    return bool((await stack.lot.get(stack.path(channel)))["occupied"])
