"""Anyone's own controller in plain JSON over a real broker."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import aiomqtt
import pytest
from structlog.testing import capture_logs

from support.clock import PATIENCE
from support.servers.mosquitto import Broker, mosquitto_broker
from support.stacks.barrier_bench import LANE, Bench, HandClock, bench
from support.stacks.simulated_lanes import Heard
from taigan.barriers.barrier import EventKind, Outcome, Position, Price
from taigan.barriers.site import Site
from taigan.barriers.wires.broker import BrokerSettings, broker_of
from taigan.clock import SystemClock
from taigan.devices.electronics.device import Fault
from taigan.network.mqtt_client import Client


def settings(broker: Broker, **others: Any) -> dict[str, Any]:
    return {
        "driver": "mqtt",
        "broker": f"mqtt://127.0.0.1:{broker.port}",
        "prefix": f"lots/{uuid.uuid4().hex[:8]}/{{channel_id}}",
        **others,
    }


@pytest.fixture
async def lane(broker: Broker, tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, settings(broker)) as running:
        await running.online()
        yield running


async def test_a_whole_lane_life(lane: Bench) -> None:
    await lane.script.put(car="arrives")
    arrived = await lane.heard.until(EventKind.ARRIVED)
    await lane.opened()
    await lane.heard.until(EventKind.UP)
    await lane.script.put(car="passes")
    assert (await lane.heard.until(EventKind.PASSED)).presence_id == arrived.presence_id
    await lane.heard.until(EventKind.FALLING)
    await lane.heard.until(EventKind.DOWN)
    assert lane.barrier.state.position is Position.CLOSED


async def test_hold_and_close(lane: Bench) -> None:
    assert (await lane.command("hold")).outcome is Outcome.ACCEPTED
    await lane.script.until(held=True, barrier="open")
    assert (await lane.command("close")).outcome is Outcome.ACCEPTED
    await lane.script.until(held=False)


async def test_a_fault_is_rejected_and_reported(lane: Bench) -> None:
    await lane.script.put(mode="fault")
    assert (await lane.heard.until(EventKind.FAULT)).detail == "the barrier reports a fault"
    result = await lane.open()
    assert (result.outcome, result.reason) == (Outcome.REJECTED, "barrier fault")


async def test_no_reply_is_uncertain(lane: Bench) -> None:
    await lane.script.put(mode="silent")
    assert (await lane.unanswered()).outcome is Outcome.UNCERTAIN


async def test_a_text_is_shown(lane: Bench) -> None:
    await lane.barrier.screen.show("欢迎光临")
    await lane.script.until(screen="欢迎光临")


async def test_plate_and_scanned_code_are_reported_with_their_car(lane: Bench) -> None:
    await lane.script.put(car="arrives", plate="京A12345", scanner="134567890123456789")
    arrived = await lane.heard.until(EventKind.ARRIVED)
    read, scanned = await lane.heard.until(EventKind.PLATE), await lane.heard.until(EventKind.SCANNED_CODE)
    assert (read.plate, read.presence_id) == ("京A12345", arrived.presence_id)
    assert (scanned.code, scanned.presence_id) == ("134567890123456789", arrived.presence_id)


async def test_a_price_is_shown_with_its_code(lane: Bench) -> None:
    await lane.barrier.screen.ask(Price("京A12345", timedelta(minutes=65), 500, "请扫码缴费", "https://hub/pay/1"))
    shown = await lane.script.until(code="https://hub/pay/1")
    assert shown["screen"] == "京A12345，停车1小时5分，应付5.00元，请扫码缴费"


async def test_a_silent_controller_is_offline(broker: Broker, tmp_path: Path) -> None:
    clock = HandClock()
    async with bench(tmp_path, settings(broker), clock=clock, heartbeat=1.0) as lane:
        await lane.online()
        await lane.device.set_fault(Fault.UNPLUGGED)
        await lane.until_silent_for(40)
        await lane.heard.until(EventKind.OFFLINE)
        assert (await lane.open()).outcome is Outcome.REJECTED


async def test_any_bytes_change_nothing(broker: Broker, lane: Bench) -> None:
    prefix = lane.device.settings.prefix
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        for payload in (b"", b"[]", b'{"position":"sideways"}', b"[" * 5000, os.urandom(10_000)):
            await client.publish(f"{prefix}/event", payload)
            await client.publish(f"{prefix}/reply", payload)
    await lane.opened()
    await lane.heard.until(EventKind.UP)
    assert set(lane.heard.kinds()) == {EventKind.ONLINE, EventKind.RISING, EventKind.UP}


async def test_the_prefix_names_the_lane_unless_set_otherwise(broker: Broker, tmp_path: Path) -> None:
    own = settings(broker)
    del own["prefix"]
    async with bench(tmp_path, own) as lane:
        await lane.online()
        assert lane.device.settings.prefix == f"taigan/{LANE.lot_id}/{LANE.channel_id}"
        await lane.opened()


@pytest.mark.parametrize(
    ("broker", "username", "said"),
    [
        ("mqtt://broker.example:1883", "lot", True),
        ("mqtts://broker.example:8883", "", True),
        ("mqtts://broker.example:8883", "lot", False),
        ("mqtt://127.0.0.1:1", "", False),
    ],
)
async def test_a_broker_that_takes_anybody_of_its_network_is_named_in_the_log(
    broker: str, username: str, said: bool
) -> None:
    site = Site(Heard(), SystemClock(), Random(1))
    connection = broker_of(site, BrokerSettings(broker=broker, username=username))
    with capture_logs() as logs:
        await connection.start()
        await connection.stop()
    assert [line.get("broker") for line in logs if "anybody in that network" in line["event"]] == [broker] * said
    await site.stop()


async def test_an_end_right_behind_a_message_is_noticed_and_breaks_nothing() -> None:
    ended = asyncio.Event()

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        writer.write(b"\x20\x02\x00\x00")  # the connection is taken
        await reader.read(1024)
        writer.write(b"\xd0\x00" * 8)  # eight answers to pings
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        ended.set()

    server = await asyncio.start_server(break_off, "127.0.0.1", 0)
    async with server, Client("127.0.0.1", server.sockets[0].getsockname()[1]) as cut_off:
        await cut_off.publish("somewhere", b"1")
        await ended.wait()
        with pytest.raises(aiomqtt.MqttError, match="during message iteration"):
            async with asyncio.timeout(PATIENCE):
                await anext(aiter(cut_off.messages))


async def test_a_client_that_was_cut_off_as_it_wrote_leaves_the_next_connection_of_that_number_alone() -> None:
    with mosquitto_broker() as own:
        async with Client("127.0.0.1", own.port) as cut_off:
            lost = cut_off._client.socket()
            assert lost is not None
            number = lost.fileno()
            own.stop()
            cut_off._client.publish("somewhere", b"on its way")
            cut_off._client.loop_read()  # hears of the end before the loop watches what is to be written
            assert lost.fileno() == -1
            ours, theirs = socket.socketpair()
            with ours, theirs:
                assert number in (ours.fileno(), theirs.fileno())
                written = asyncio.Event()
                asyncio.get_running_loop().add_writer(number, written.set)
                async with asyncio.timeout(PATIENCE):
                    for _ in range(3):
                        await written.wait()
                        written.clear()
                asyncio.get_running_loop().remove_writer(number)
            with pytest.raises(aiomqtt.MqttError):
                await cut_off.publish("somewhere", b"later")


@pytest.mark.parametrize("topic", ["lots/1-7/+/report", "lots/#", "lots/1-7\0/A1"])
def test_a_topic_that_would_hear_everybody_is_refused(topic: str) -> None:
    site = Site(Heard(), SystemClock(), Random(1))
    connection = broker_of(site, BrokerSettings(broker="mqtt://127.0.0.1"))
    with pytest.raises(ValueError, match="cannot be a topic"):
        connection.listen({topic: lambda message: None})
