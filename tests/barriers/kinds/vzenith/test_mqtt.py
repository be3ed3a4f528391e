"""Vzenith over MQTT: real Mosquitto between the driver and the emulated camera."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from support.clock import PATIENCE
from support.servers.mosquitto import Broker, mosquitto_broker
from support.stacks.barrier_bench import LANE, Bench, HandClock, bench
from taigan.barriers.barrier import EventKind, Outcome, Position
from taigan.clock import SystemClock
from taigan.devices.electronics.device import Fault


def settings(broker: Broker, **others: Any) -> dict[str, Any]:
    return {
        "driver": "vzenith-mqtt",
        "broker": f"mqtt://127.0.0.1:{broker.port}",
        "serial": uuid.uuid4().hex[:12],
        "wiring": {"position": True},
        "screen": {},
        **others,
    }


@pytest.fixture
async def lane(broker: Broker, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, settings(broker)) as running:
        await running.online()
        yield running


async def test_the_arm_rises_once_and_the_camera_says_so(lane: Bench) -> None:
    await lane.opened()
    await lane.heard.until(EventKind.UP)
    assert (await lane.script.get())["lifts"] == 1
    assert lane.barrier.state.position is Position.OPEN


async def test_cars_are_told_from_loop_and_arm(lane: Bench) -> None:
    await lane.script.put(car="arrives")
    arrived = await lane.heard.until(EventKind.ARRIVED)
    assert lane.barrier.state.presence_id == arrived.presence_id
    await lane.opened()
    await lane.heard.until(EventKind.UP)
    await lane.script.put(car="passes")
    assert (await lane.heard.until(EventKind.PASSED)).presence_id == arrived.presence_id
    await lane.heard.until(EventKind.DOWN, times=2)
    await lane.script.put(car="arrives")
    again = await lane.heard.until(EventKind.ARRIVED, times=2)
    await lane.script.put(car="backs_out")
    assert (await lane.heard.until(EventKind.BACKED_OUT)).presence_id == again.presence_id != arrived.presence_id


async def test_a_second_car_on_one_lift_is_told(lane: Bench) -> None:
    await lane.script.put(car="arrives")
    await lane.heard.until(EventKind.ARRIVED)
    await lane.opened()
    await lane.heard.until(EventKind.UP)
    await lane.script.put(car="second_car")
    await lane.heard.until(EventKind.PASSED)
    await lane.heard.until(EventKind.SECOND_CAR)


async def test_with_a_loop_under_the_arm_a_car_that_backs_out_of_an_open_lane_is_seen(
    broker: Broker, tmp_path: Path
) -> None:
    two_loops = settings(broker, wiring={"position": True, "under_input": 1})
    async with bench(tmp_path, two_loops) as lane:
        await lane.online()
        await lane.script.put(car="arrives")
        await lane.heard.until(EventKind.ARRIVED)
        await lane.opened()
        await lane.heard.until(EventKind.UP)
        await lane.script.put(car="passes")
        await lane.heard.until(EventKind.PASSED)


async def test_a_rejecting_barrier_is_rejected(lane: Bench) -> None:
    await lane.script.put(mode="fault")
    result = await lane.open()
    assert result.outcome is Outcome.REJECTED
    assert "500" in result.reason


@pytest.mark.parametrize("mode", ["silent", "mute"])
async def test_a_camera_that_does_not_reply_is_uncertain_and_gets_no_second_pulse(lane: Bench, mode: str) -> None:
    await lane.script.put(mode=mode)
    result = await lane.unanswered()
    assert result.outcome is Outcome.UNCERTAIN
    await lane.script.until(lifts=1 if mode == "mute" else 0)


async def test_a_locked_gate_accepts_and_is_not_up(lane: Bench) -> None:
    await lane.script.put(mode="locked")
    await lane.script.put(car="arrives")
    await lane.heard.until(EventKind.ARRIVED)
    await lane.opened()
    await lane.script.put(car="backs_out")
    await lane.heard.until(EventKind.BACKED_OUT)
    assert EventKind.UP not in lane.heard.kinds()


async def test_hold_keeps_the_arm_up_until_close(lane: Bench) -> None:
    assert (await lane.command("hold")).outcome is Outcome.ACCEPTED
    assert lane.barrier.state.held
    await lane.script.until(barrier="open", held=True)
    assert (await lane.command("close")).outcome is Outcome.ACCEPTED
    assert not lane.barrier.state.held
    await lane.script.until(barrier="closed", held=False)


async def test_a_text_is_on_the_led_screen_in_lines_and_spoken(lane: Bench) -> None:
    await lane.barrier.screen.show("欢迎光临，请入场停车")
    await lane.script.until(screen="欢迎光临\n请入场停车")
    assert lane.device.screen.spoken == ["欢迎光临，请入场停车"]
    assert lane.device.screen.colours[0] == "green"


async def test_a_plate_is_read_from_base64(lane: Bench) -> None:
    async with lane.script.session.put(f"{lane.script.lane_url('A1')}/device", json={"plate": "粤B12345"}) as answer:
        assert answer.status == 200
    assert (await lane.heard.until(EventKind.PLATE)).plate == "粤B12345"


async def test_the_serial_number_may_come_first_in_the_topics(broker: Broker, tmp_path: Path) -> None:
    async with bench(tmp_path, settings(broker, prefix="{serial}/device/message")) as lane:
        await lane.online()
        await lane.opened()


async def test_newer_firmware_is_opened_directly(broker: Broker, tmp_path: Path) -> None:
    async with bench(tmp_path, settings(broker, open_with="gate_direct_open")) as lane:
        await lane.online()
        await lane.opened()
        assert (await lane.script.get())["lifts"] == 1


async def test_no_command_is_retained(broker: Broker, lane: Bench) -> None:
    await lane.opened()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("#")
        await client.publish("end")
        async for message in client.messages:
            assert not message.retain
            if message.topic.value == "end":
                return


async def test_a_camera_back_after_a_minute_does_not_open_for_the_old_command(broker: Broker, tmp_path: Path) -> None:
    # the worst camera there is: its broker keeps what it misses
    async with bench(tmp_path, settings(broker)) as lane:
        await lane.online()
        lane.device._mqtt = type(lane.device._mqtt)(
            **{name: getattr(lane.device._mqtt, name) for name in lane.device._mqtt.__struct_fields__}
            | {"persistent": True}
        )
        await lane.device.set_fault(Fault.UNPLUGGED)
        await lane.device.set_fault(Fault.NONE)
        await asyncio.wait_for(lane.device.connected.wait(), PATIENCE)
        await lane.device.set_fault(Fault.UNPLUGGED)
        assert (await lane.unanswered()).outcome is Outcome.UNCERTAIN
        await lane.device.set_fault(Fault.NONE)
        await asyncio.wait_for(lane.device.connected.wait(), PATIENCE)
        heard = len(lane.heard.events)
        await lane.script.put(car="arrives")  # whatever the broker had kept came before this
        await lane.until(lambda: len(lane.heard.events) > heard)
        assert (await lane.script.get())["lifts"] == 0


async def test_a_camera_not_heard_for_long_is_offline_and_rejects_at_once(broker: Broker, tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, settings(broker), clock=clock, heartbeat=1.0) as lane:
        await lane.online()
        await lane.opened()
        await lane.heard.until(EventKind.UP)
        await lane.device.set_fault(Fault.UNPLUGGED)
        await lane.until_silent_for(36)
        assert (await lane.heard.until(EventKind.OFFLINE)).detail == "not heard for 35 s"
        assert lane.barrier.state.position is Position.UNKNOWN
        result = await lane.open()
        assert (result.outcome, "offline" in result.reason) == (Outcome.REJECTED, True)
        await lane.device.set_fault(Fault.NONE)
        await lane.heard.until(EventKind.ONLINE, times=2)
        await lane.opened()


async def test_a_command_past_its_deadline_on_either_clock_never_leaves(broker: Broker, tmp_path: Path) -> None:
    async with bench(tmp_path, settings(broker)) as lane:
        await lane.online()
        result = await lane.open(-0.001)
        assert result.outcome is Outcome.REJECTED
        assert (await lane.script.get())["lifts"] == 0


async def test_a_broker_that_is_down_rejects_and_is_found_again(tmp_path: Path) -> None:
    with mosquitto_broker() as own:
        async with bench(tmp_path, settings(own)) as lane:
            await lane.online()
            await asyncio.to_thread(own.stop)
            await lane.heard.until(EventKind.OFFLINE)
            result = await lane.open()
            assert result.outcome is Outcome.REJECTED
            await asyncio.to_thread(own.start)
            await lane.heard.until(EventKind.ONLINE, times=2)
            await lane.opened()
            assert (await lane.script.get())["lifts"] == 1


async def test_wrong_credentials_at_the_broker_are_said_plainly(tmp_path: Path) -> None:
    with mosquitto_broker("allow_anonymous false\n") as own:
        async with bench(tmp_path, settings(own, username="camera", password="wrong")) as lane:
            await lane.until(lambda: "authori" in lane.barrier.state.extra.get("offline", "").lower())
            assert (await lane.open()).outcome is Outcome.REJECTED


async def test_two_processes_make_the_same_presence_and_event_of_a_message(broker: Broker, tmp_path: Path) -> None:
    both = settings(broker)
    first, second = tmp_path / "first", tmp_path / "second"
    elsewhere = {"serial": uuid.uuid4().hex[:12]}  # both platforms have the first one's camera
    async with bench(first, both) as one, bench(second, both, device=elsewhere) as two:
        await one.online()
        await two.online()
        await one.script.put(car="arrives")
        arrived = await one.heard.until(EventKind.ARRIVED), await two.heard.until(EventKind.ARRIVED)
        assert arrived[0].event_id == arrived[1].event_id
        assert arrived[0].presence_id == arrived[1].presence_id
        await one.opened()
        await one.heard.until(EventKind.UP)
        await one.script.put(car="passes")
        assert (await two.heard.until(EventKind.PASSED)).presence_id == arrived[0].presence_id


async def test_any_bytes_on_its_topics_change_nothing(broker: Broker, lane: Bench) -> None:
    prefix = lane.device._prefix
    names = ["up/gpio_in", "up/barr_gate_status", "up/ivs_result", "up/keep_alive", "down/gpio_out/reply"]
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for payload in (b"", b"null", b"[" * 5000, b"[]", b"{}", b'{"payload":{"body":[]}}', os.urandom(10_000)):
            for name in names:
                await client.publish(f"{prefix}/{name}", payload)
        await client.publish(f"{prefix}/up/ivs_result", json.dumps({"payload": {"body": {"AlarmInfoPlate": 1}}}))
    before = (await lane.script.get())["lifts"]
    await lane.opened()
    assert (await lane.script.get())["lifts"] == before + 1
    assert set(lane.heard.kinds()) <= {EventKind.ONLINE, EventKind.DOWN, EventKind.UP}
    assert lane.barrier.state.errors > 0


async def test_two_hundred_lanes_open_at_once_over_one_connection(broker: Broker, tmp_path: Path) -> None:
    from random import Random

    from support.stacks.simulated_lanes import Heard
    from taigan.barriers.barrier import LaneKey
    from taigan.barriers.drivers import Fleet

    heard = Heard()
    fleet = Fleet(heard, SystemClock(), Random(1))
    serials = [f"many-{uuid.uuid4().hex[:6]}-{number}" for number in range(200)]
    lanes = [
        fleet.add(LaneKey(LANE.lot_id, f"L{number}"), settings(broker, serial=serial))
        for number, serial in enumerate(serials)
    ]
    answered: dict[str, int] = {}

    async def answer_all(ready: asyncio.Event) -> None:
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.subscribe([(f"device/{serial}/message/down/gpio_out", 0) for serial in serials])
            ready.set()
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                order = json.loads(message.payload)
                answered[order["sn"]] = answered.get(order["sn"], 0) + 1
                await client.publish(f"{message.topic}/reply", json.dumps({"id": order["id"], "code": 200}))

    ready = asyncio.Event()
    cameras = asyncio.create_task(answer_all(ready))
    await fleet.start()
    try:
        await asyncio.wait_for(ready.wait(), PATIENCE)
        connection = next(iter(fleet.site._connections.values()))
        assert len(fleet.site._connections) == 1
        async with asyncio.timeout(PATIENCE):
            while not getattr(connection, "connected"):  # noqa: B009
                await asyncio.sleep(0.01)
        deadline = SystemClock().now() + timedelta(seconds=PATIENCE)
        results = await asyncio.gather(*(lane.open(f"at-once-{n}", deadline) for n, lane in enumerate(lanes)))
        assert {result.outcome for result in results} == {Outcome.ACCEPTED}
        assert set(answered.values()) == {1}
        assert len(answered) == 200
    finally:
        cameras.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await cameras
        await fleet.stop()
