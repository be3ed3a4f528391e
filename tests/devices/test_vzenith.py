"""The emulated Vzenith camera, spoken to by hand."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import aiomqtt
import pytest
from aiohttp import web

from support.servers.mosquitto import Broker
from support.stacks.barrier_bench import workbench
from support.stacks.simulated_lanes import PATIENCE, Script
from taigan.devices.makes.vzenith import HttpCamera, HttpCameraSettings, MqttCamera, MqttCameraSettings

VOICE = bytes.fromhex("0064FFFF300901BBB6D3ADB9E2C1D93258")
LINE = bytes.fromhex("0064FFFF621B00150100020000030AFF000000000000000800BBB6D3ADB9E2C1D93CB7")


class ByHand:
    """An MQTT client at the camera's topics."""

    def __init__(self, port: int, serial: str) -> None:
        self.prefix = f"device/{serial}/message"
        self._serial = serial
        self._client = aiomqtt.Client("127.0.0.1", port)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        await self._client.subscribe(f"{self.prefix}/up/+")
        await self._client.subscribe(f"{self.prefix}/down/+/reply")
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.__aexit__(None, None, None)

    async def send(self, name: str, payload: Any, message_id: str = "m-1") -> None:
        message = {"id": message_id, "sn": self._serial, "name": name, "version": "1.0", "payload": payload}
        await self._client.publish(f"{self.prefix}/down/{name}", json.dumps(message))

    async def until(self, topic: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            async for message in self._client.messages:
                if message.topic.value == f"{self.prefix}/{topic}":
                    assert isinstance(message.payload, bytes)
                    return dict(json.loads(message.payload))
        raise AssertionError(topic)


@contextlib.asynccontextmanager
async def camera(broker: Broker, folder: Path, **wiring: int) -> AsyncIterator[tuple[MqttCamera, Script, ByHand]]:
    serial = uuid.uuid4().hex[:10]
    barrier = {
        "driver": "vzenith-mqtt",
        "broker": f"mqtt://127.0.0.1:{broker.port}",
        "serial": serial,
        "wiring": wiring,
    }
    async with ByHand(broker.port, serial) as by_hand, workbench(folder, barrier) as (device, script):
        assert isinstance(device, MqttCamera)
        await by_hand.until("up/keep_alive")
        yield device, script, by_hand


def pulse(io: int, value: int = 2) -> dict[str, Any]:
    return {"type": "gpio_out", "body": {"delay": 1500, "io": io, "value": value}}


async def test_a_pulse_is_answered_with_its_id_and_raises_the_arm(broker: Broker, tmp_path: Path) -> None:
    async with camera(broker, tmp_path) as (device, script, by_hand):
        await by_hand.send("gpio_out", pulse(0), "abc")
        reply = await by_hand.until("down/gpio_out/reply")
        assert (reply["code"], reply["id"], reply["sn"], reply["payload"]) == (200, "abc", device.settings.serial, None)
        status = await by_hand.until("up/barr_gate_status")
        assert status["payload"]["body"]["gate_status"] == 1
        assert (await script.get())["lifts"] == 1
        await by_hand.send("gpio_out", pulse(1))
        await script.until(barrier="closed")


async def test_newer_firmware_opens_directly_and_locks(broker: Broker, tmp_path: Path) -> None:
    async with camera(broker, tmp_path) as (_, script, by_hand):
        await by_hand.send("gate_direct_open", None)
        assert (await by_hand.until("down/gate_direct_open/reply"))["code"] == 200
        await script.until(barrier="open")
        await by_hand.send("set_io_lock_status", {"type": "x", "body": {"ioout": 0, "status": 1}})
        await script.until(held=True)
        await by_hand.send("set_io_lock_status", {"type": "x", "body": {"ioout": 0, "status": 0}})
        await script.until(held=False, barrier="closed")


async def test_loops_are_inputs(broker: Broker, tmp_path: Path) -> None:
    async with camera(broker, tmp_path, under_input=1) as (_, script, by_hand):
        await script.put(car="arrives")
        seen = await by_hand.until("up/gpio_in")
        assert seen["payload"]["body"]["AlarmGioIn"]["result"]["TriggerResult"] == {"source": 0, "value": 1}
        await by_hand.send("gpio_out", pulse(0))
        await script.until(barrier="open")
        await script.put(car="passes")
        values = []
        for _ in range(3):
            seen = await by_hand.until("up/gpio_in")
            values.append(seen["payload"]["body"]["AlarmGioIn"]["result"]["TriggerResult"])
        assert values == [{"source": 1, "value": 1}, {"source": 0, "value": 0}, {"source": 1, "value": 0}]


@pytest.mark.parametrize(("mode", "code", "lifts"), [("fault", 500, 0), ("locked", 200, 0), ("late", 200, 1)])
async def test_modes_that_answer(broker: Broker, tmp_path: Path, mode: str, code: int, lifts: int) -> None:
    async with camera(broker, tmp_path) as (_, script, by_hand):
        await script.put(mode=mode)
        await by_hand.send("gpio_out", pulse(0))
        assert (await by_hand.until("down/gpio_out/reply"))["code"] == code
        assert (await script.get())["lifts"] == lifts


@pytest.mark.parametrize(("mode", "lifts"), [("silent", 0), ("mute", 1)])
async def test_modes_that_keep_silent(broker: Broker, tmp_path: Path, mode: str, lifts: int) -> None:
    async with camera(broker, tmp_path) as (_, script, by_hand):
        await script.put(mode=mode)
        await by_hand.send("gpio_out", pulse(0))
        await by_hand.send("set_time", {}, "after")  # is answered in every mode
        await by_hand.until("down/set_time/reply")
        assert (await script.get())["lifts"] == lifts


async def test_the_serial_port_shows_and_speaks(broker: Broker, tmp_path: Path) -> None:
    async with camera(broker, tmp_path) as (device, script, by_hand):
        items = [
            {"serialChannel": 0, "data": base64.b64encode(frame).decode(), "dataLen": len(frame)}
            for frame in (LINE, VOICE)
        ]
        await by_hand.send("serial_data", {"type": "x", "body": {"interval": 50, "serialData": items}})
        await script.until(screen="欢迎光临")
        assert device.screen.spoken == ["欢迎光临"]


async def test_a_plate_is_base64(broker: Broker, tmp_path: Path) -> None:
    async with camera(broker, tmp_path) as (device, _, by_hand):
        await device.read_plate("粤B12345")
        seen = await by_hand.until("up/ivs_result")
        result = seen["payload"]["body"]["AlarmInfoPlate"]["result"]["PlateResult"]
        assert base64.b64decode(result["license"]).decode() == "粤B12345"


async def test_any_bytes_are_dropped(broker: Broker, tmp_path: Path) -> None:
    async with camera(broker, tmp_path) as (_, script, by_hand):
        for payload in (b"", b"[]", b"null", b"[" * 5000, os.urandom(10_000), b'{"id":1,"payload":{"body":[]}}'):
            await by_hand._client.publish(f"{by_hand.prefix}/down/gpio_out", payload)
        await by_hand.send("unheard_of", None)
        assert (await by_hand.until("down/unheard_of/reply"))["code"] == 404
        assert (await script.get())["lifts"] == 0


def test_heartbeats_come_as_documented_unless_set_otherwise() -> None:
    assert MqttCameraSettings(serial="x", broker="mqtt://x").keep_alive == 10
    assert HttpCameraSettings(serial="x", url="http://x").heartbeat == 30


# Over HTTP


class Platform:
    """Answers what it is told to, and keeps what was posted."""

    def __init__(self) -> None:
        self.posted: list[Any] = []
        self.answer: Any = {}
        self.status = 200

    async def serve(self, request: web.Request) -> web.Response:
        if request.content_type == "multipart/form-data":
            self.posted.append(dict(await request.post()))
        else:
            self.posted.append(await request.json())
        answer, self.answer = self.answer, {}
        return web.json_response(answer, status=self.status)


@contextlib.asynccontextmanager
async def posting(folder: Path) -> AsyncIterator[tuple[HttpCamera, Script, Platform]]:
    platform = Platform()
    app = web.Application()
    app.router.add_post("/devices/vzenith-http/c1", platform.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        barrier = {"driver": "vzenith-http", "serial": "c1"}
        async with workbench(folder, barrier, url, 3600) as (device, script):
            assert isinstance(device, HttpCamera)
            assert await device.beat()
            platform.posted.clear()
            yield device, script, platform
    finally:
        await runner.cleanup()


async def test_a_heartbeat_is_a_form(tmp_path: Path) -> None:
    async with posting(tmp_path) as (device, _, platform):
        await device.beat()
        assert platform.posted[-1]["serialno"] == "c1"
        assert set(platform.posted[-1]) >= {"device_name", "ipaddr", "port", "user_name", "pass_wd", "channel_num"}


async def test_exactly_ok_opens(tmp_path: Path) -> None:
    async with posting(tmp_path) as (device, script, platform):
        for info, lifts in (("OK", 0), ("no", 0), ("ok", 1)):
            platform.answer = {"Response_AlarmInfoPlate": {"info": info}}
            await device.read_plate("粤B12345")
            assert (await script.get())["lifts"] == lifts


async def test_outputs_and_frames_ride_on_the_answer(tmp_path: Path) -> None:
    async with posting(tmp_path) as (device, script, platform):
        data = [{"serialChannel": 0, "data": base64.b64encode(LINE).decode(), "dataLen": len(LINE)}]
        platform.answer = {
            "Response_AlarmInfoPlate": {
                "info": "no",
                "ivs_ioctrl": {"io": 0, "value": 2, "delay": 500},
                "serialData": data,
            }
        }
        await device.beat()
        state = await script.get()
        assert (state["lifts"], state["screen"]) == (1, "欢迎光临")


async def test_a_plate_is_tried_four_times_then_kept_and_told_as_offline(tmp_path: Path) -> None:
    async with posting(tmp_path) as (device, _, platform):
        platform.status = 500
        await device.read_plate("粤B12345")
        assert len(platform.posted) == 4
        assert len({str(post["AlarmInfoPlate"]["result"]["PlateResult"]["plateid"]) for post in platform.posted}) == 1
        platform.status = 200
        await device.beat()
        kept = platform.posted[-1]["AlarmInfoPlate"]["result"]["PlateResult"]
        assert kept["isoffline"] == 1
