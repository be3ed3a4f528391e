"""What a Vzenith camera is told over MQTT, word for word."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from support.servers.mqtt_listener import Listener, mqtt_listener
from support.stacks.barrier_bench import LANE, HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import Barrier, Outcome
from taigan.barriers.drivers import Fleet


class Camera:
    """A camera that takes everything and says nothing."""

    def __init__(self, listener: Listener, clock: HandClock, barrier: Barrier) -> None:
        self._listener, self._clock, self.barrier = listener, clock, barrier

    async def told(self, verb: str, name: str = "lift-1") -> tuple[str, dict[str, Any]]:
        """The last part of the topic and the message, of a command that nobody answers."""
        before = len(self._listener.messages)
        giving = asyncio.create_task(getattr(self.barrier, verb)(name, self._clock.now() + timedelta(seconds=4)))
        said = await self._next(before)
        self._clock.advance(4)
        assert (await giving).outcome is Outcome.UNCERTAIN
        return said

    async def shown(self, text: str) -> tuple[str, dict[str, Any]]:
        before = len(self._listener.messages)
        await self.barrier.screen.show(text)
        return await self._next(before)

    async def _next(self, before: int) -> tuple[str, dict[str, Any]]:
        await self._listener.until(lambda: len(self._listener.messages) > before)
        topic, payload = self._listener.messages[before]
        told = dict(json.loads(payload))
        assert (told.pop("sn"), told.pop("version")) == ("c5h", "1.0")
        assert told.pop("timestamp") <= self._clock.now().timestamp()
        assert topic == f"device/c5h/message/down/{told['name']}"
        return told.pop("name"), told


@contextlib.asynccontextmanager
async def camera(**others: Any) -> AsyncIterator[Camera]:
    clock = HandClock()
    async with mqtt_listener() as listener:
        fleet = Fleet(Heard(), clock, Random(1))
        own = {"driver": "vzenith-mqtt", "broker": listener.url, "serial": "c5h", "silent_after": 3600, **others}
        barrier = fleet.add(LANE, own)
        await fleet.start()
        await listener.until(lambda: listener.subscribed)
        async with asyncio.timeout(60):
            while not barrier._broker.connected:  # type: ignore[attr-defined]
                await asyncio.sleep(0)
        try:
            yield Camera(listener, clock, barrier)
        finally:
            await fleet.stop()


def pulse(name: str, output: int, milliseconds: int) -> tuple[str, dict[str, Any]]:
    body = {"delay": milliseconds, "io": output, "value": 2}
    return "gpio_out", {"id": name, "payload": {"type": "gpio_out", "body": body}}


def lock(name: str, output: int, status: int) -> tuple[str, dict[str, Any]]:
    body = {"ioout": output, "status": status}
    return "set_io_lock_status", {"id": name, "payload": {"type": "set_io_lock_status", "body": body}}


async def test_a_camera_pulses_its_outputs_and_keeps_the_one_that_raises_pressed() -> None:
    wiring = {"open_output": 2, "open_pulse": 700, "close_output": 3, "close_pulse": 900}
    async with camera(wiring=wiring) as one:
        assert await one.told("open") == pulse("lift-1-open", 2, 700)
        assert await one.told("close") == pulse("lift-1-close", 3, 900)
        assert await one.told("hold") == lock("lift-1-hold", 2, 1)
        assert one.barrier.state.held
        assert await one.told("close") == lock("lift-1-free", 2, 0)


async def test_a_camera_without_an_output_that_lowers_lets_go_of_the_one_that_raises() -> None:
    async with camera(wiring={"close_output": -1}) as one:
        assert await one.told("close") == lock("lift-1-free", 0, 0)


async def test_newer_firmware_is_told_to_open_and_nothing_more() -> None:
    async with camera(open_with="gate_direct_open") as one:
        assert await one.told("open") == ("gate_direct_open", {"id": "lift-1-open", "payload": None})


@pytest.mark.parametrize("channel", [0, 1])
async def test_texts_go_out_by_the_serial_port_that_the_screen_hangs_on_each_with_a_number(channel: int) -> None:
    screen = {"rows": 1, "voice": False}
    async with camera(screen=screen, wiring={"screen_channel": channel}) as one:
        for number in (1, 2):
            name, told = await one.shown("AB")
            assert (name, told["id"], told["payload"]["type"]) == ("serial_data", f"screen-{number}", "serial_data")
            body = told["payload"]["body"]
            assert body["interval"] == 50
            [item] = body["serialData"]
            assert (item["serialChannel"], item["dataLen"]) == (channel, len(base64.b64decode(item["data"])))
