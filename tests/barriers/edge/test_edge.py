"""A platform, a broker, an edge in the lot, and a camera beside it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Self

import aiomqtt
import msgspec
import pytest

from support.clock import PATIENCE
from support.servers.mosquitto import Broker, mosquitto_broker
from support.servers.ports import free_port
from support.servers.programs import program
from support.stacks.barrier_bench import LANE, HandClock, workbench
from support.stacks.device_stack import toml
from support.stacks.simulated_lanes import Heard, Script
from taigan.barriers.barrier import Barrier, Event, EventKind, Outcome, Position, Price, Result
from taigan.barriers.door import Post
from taigan.barriers.drivers import BadSettings, Fleet
from taigan.barriers.edge.agent import EdgeAgent, EdgeSettings, read_edge_settings
from taigan.barriers.edge.cars import Car, Cars
from taigan.barriers.edge.outbox import Line as KeptLine
from taigan.barriers.edge.outbox import Outbox, OutboxUnusable, Owed
from taigan.barriers.edge.wire import Cancel, Command, LaneEvent, prefix
from taigan.barriers.wires.broker import BrokerSettings
from taigan.clock import Clock, SystemClock
from taigan.devices.lanes.lane import Verb


def device(broker: Broker) -> dict[str, Any]:
    return {
        "driver": "modbus-relay",
        "host": "127.0.0.1",
        "port": free_port(),
        "pulse_ms": 100,
        "loop_input": 0,
        "up_input": 2,
        "down_input": 3,
        "read_every": 0.05,
    }


class ThreeDaysLate(SystemClock):
    """A machine whose wall clock nobody ever set."""

    def now(self) -> datetime:
        return super().now() - timedelta(days=3)


class Line:
    """The platform's barrier at one end, the edge and its device at the other."""

    def __init__(
        self,
        broker: Broker,
        folder: Path,
        clock: Clock | None = None,
        edge_clock: Clock | None = None,
        **device_settings: Any,
    ) -> None:
        self.broker = broker
        self.heard = Heard()
        self.clock = clock or SystemClock()
        self.fleet = Fleet(self.heard, self.clock, Random(1))
        self.url = f"mqtt://127.0.0.1:{broker.port}"
        self.barrier: Barrier = self.fleet.add(LANE, {"driver": "edge", "broker": self.url})
        self.device = device_settings if "driver" in device_settings else device(broker) | device_settings
        self.outbox = Outbox(folder / "data" / "edge.jsonl")
        self.cars = Cars(folder / "data" / "edge-cars.json")
        self.settings = {
            "lot_id": LANE.lot_id,
            "platform": {"broker": self.url},
            "beat_every": 0.2,
            "lanes": [{"channel_id": LANE.channel_id, "barrier": self.device}],
        }
        self.agent = EdgeAgent(read_edge_settings(self.settings), self.outbox, self.cars, edge_clock, Random(2))

    async def known(self) -> None:
        """Wait for the edge's first beat: an event may come before it, a command cannot go."""
        async with asyncio.timeout(PATIENCE):
            while "edge_clock_skew" not in self.barrier.state.extra:
                await asyncio.sleep(0.01)

    async def command(self, verb: str = "open", seconds: float = PATIENCE, command_id: str = "lift-1") -> Result:
        result = await getattr(self.barrier, verb)(command_id, self.clock.now() + timedelta(seconds=seconds))
        assert isinstance(result, Result)
        return result


@contextlib.asynccontextmanager
async def running(line: Line, folder: Path) -> AsyncIterator[Script]:
    async with workbench(folder, line.device) as (_, script):
        await line.fleet.start()
        await line.agent.start()
        try:
            await line.heard.until(EventKind.DOWN)
            await line.known()
            yield script
        finally:
            await line.agent.stop()
            await line.fleet.stop()
            line.outbox.close()


async def test_a_barrier_in_the_lot_is_raised_from_afar(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    async with running(line, tmp_path) as script:
        await script.put(car="arrives")
        arrived = await line.heard.until(EventKind.ARRIVED)
        assert line.barrier.state.presence_id == arrived.presence_id
        assert line.barrier.state.position is Position.CLOSED
        assert line.barrier.sight.position
        assert (await line.command()).outcome is Outcome.ACCEPTED
        await line.heard.until(EventKind.UP)
        await script.put(car="passes")
        assert (await line.heard.until(EventKind.PASSED)).presence_id == arrived.presence_id
        assert (await script.get())["lifts"] == 1


async def test_a_price_reaches_the_screen_in_the_lot(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path, screen={"address": f"tcp://127.0.0.1:{free_port()}"})
    async with running(line, tmp_path) as script:
        await line.barrier.screen.ask(Price("京A12345", timedelta(minutes=65), 500, "请扫码缴费", "https://hub/1"))
        await script.until(screen="京A12345\n停车1小时5分\n应付5.00元\n请扫码缴费")


async def test_an_event_that_could_not_be_stored_is_said_again_until_it_is(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    refused = 0

    async def no_database(event: Event) -> None:
        nonlocal refused
        if event.kind is EventKind.ARRIVED and refused < 2:
            refused += 1
            raise RuntimeError("the database is gone")

    async with running(line, tmp_path) as script:
        line.heard.before = no_database
        await script.put(car="arrives")
        async with asyncio.timeout(PATIENCE):
            while EventKind.ARRIVED not in line.heard.kinds():
                await line.agent._tell_everything()
                await asyncio.sleep(0.05)
        assert refused == 2
        async with asyncio.timeout(PATIENCE):
            while line.outbox.owed:
                await asyncio.sleep(0.01)


async def test_a_scanned_code_is_said_once_and_never_kept(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    async with running(line, tmp_path):
        event = Event("code-1", LANE, EventKind.SCANNED_CODE, SystemClock().now(), code="134567890123456789")
        await line.agent.fleet.site.sink(event)
        assert (await line.heard.until(EventKind.SCANNED_CODE)).code == "134567890123456789"
        assert "134567890123456789" not in (tmp_path / "data" / "edge.jsonl").read_text()


async def test_a_cut_line_rejects_and_nothing_rises_later(tmp_path: Path) -> None:
    with mosquitto_broker() as own:
        line = Line(own, tmp_path)
        async with running(line, tmp_path) as script:
            await asyncio.to_thread(own.stop)
            await line.heard.until(EventKind.OFFLINE)
            assert (await line.command()).outcome is Outcome.REJECTED
            await script.put(car="arrives")  # while the line is cut
            await asyncio.to_thread(own.start)
            await line.heard.until(EventKind.ARRIVED)  # the edge kept it and says it now, maybe before its first beat
            assert (await script.get())["lifts"] == 0
            async with asyncio.timeout(PATIENCE):
                for number in itertools.count(2):
                    if (await line.command(command_id=f"lift-{number}")).outcome is Outcome.ACCEPTED:
                        break


async def test_a_command_that_waits_at_the_edge_for_its_device_is_dropped_with_its_car(
    broker: Broker, tmp_path: Path
) -> None:
    line = Line(broker, tmp_path, driver="vzenith-http", serial="c1")
    await line.fleet.start()
    await line.agent.start()
    try:
        camera = line.agent.fleet.door.find("vzenith-http", "c1")
        assert camera is not None
        heartbeat = Post(b"", {}, {"device_name": "c1"})
        await camera.handle(heartbeat)
        await line.heard.until(EventKind.ONLINE)
        await line.known()
        async with asyncio.timeout(PATIENCE):
            opening = asyncio.create_task(line.command(seconds=PATIENCE))
            while "lift-1" not in line.agent._results:
                await asyncio.sleep(0.01)
        await line.barrier.cancel("lift-1")
        assert (await opening).outcome is Outcome.REJECTED
        assert b'"info":"no"' in (await camera.handle(heartbeat)).body
    finally:
        await line.agent.stop()
        await line.fleet.stop()
        line.outbox.close()


async def test_a_cancellation_that_overtakes_its_command_stops_it(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    async with running(line, tmp_path) as script:
        line.agent._cancel(line.barrier, msgspec.json.encode(Cancel("lift-1")))
        assert (await line.command()).outcome is Outcome.REJECTED
        assert (await script.get())["lifts"] == 0


async def test_an_edge_that_goes_away_is_told_by_its_last_will(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    async with running(line, tmp_path):
        await line.agent.stop()
        assert (await line.heard.until(EventKind.OFFLINE)).detail == "the edge in the lot went away"
        assert (await line.command()).outcome is Outcome.REJECTED


async def test_an_edge_that_falls_silent_is_offline(broker: Broker, tmp_path: Path) -> None:
    clock = HandClock()
    line = Line(broker, tmp_path, clock)
    async with running(line, tmp_path):
        assert line.agent._beating is not None
        line.agent._beating.cancel()
        await asyncio.sleep(0)
        clock.advance(16)
        line.fleet.site.tick()
        await line.heard.until(EventKind.OFFLINE)
        assert (await line.command()).outcome is Outcome.REJECTED


async def test_a_wrong_wall_clock_in_the_lot_lets_no_command_live_longer(broker: Broker, tmp_path: Path) -> None:
    edge_clock = ThreeDaysLate()
    line = Line(broker, tmp_path, edge_clock=edge_clock)
    async with running(line, tmp_path) as script:
        assert (await line.command()).outcome is Outcome.ACCEPTED
        await line.heard.until(EventKind.UP)
        topic = f"{prefix(LANE.lot_id)}/{LANE.channel_id}"
        late = Command("lift-late", "open", line.agent._boot, edge_clock.monotonic() - 0.001)
        earlier = Command("lift-earlier", "open", "another boot", edge_clock.monotonic() + 1000)
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.subscribe(f"{topic}/outcome")
            for command in (late, earlier):
                await client.publish(f"{topic}/command", msgspec.json.encode(command))
            outcomes = []
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                outcomes.append(msgspec.json.decode(message.payload)["outcome"])
                if len(outcomes) == 2:
                    break
        assert outcomes == ["rejected", "rejected"]
        assert (await script.get())["lifts"] == 1


async def test_a_command_delivered_twice_raises_once(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    async with running(line, tmp_path) as script:
        topic = f"{prefix(LANE.lot_id)}/{LANE.channel_id}"
        command = Command("lift-1", "open", line.agent._boot, SystemClock().monotonic() + PATIENCE)
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            for _ in range(2):
                await client.publish(f"{topic}/command", msgspec.json.encode(command))
        await line.heard.until(EventKind.UP)
        await script.put(mode="ok")
        await line.heard.until(EventKind.DOWN, times=2)
        assert (await script.get())["lifts"] == 1


def owes(outbox: Outbox, kind: EventKind) -> bool:
    return any(owed.event.kind is kind for owed in outbox.owed)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_command_that_comes_again_is_answered_with_its_first_outcome(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    async with running(line, tmp_path) as script:
        topic = f"{prefix(LANE.lot_id)}/{LANE.channel_id}"
        command = Command("lift-1", "open", line.agent._boot, SystemClock().monotonic() + PATIENCE)
        async with aiomqtt.Client("127.0.0.1", broker.port) as client, asyncio.timeout(PATIENCE):
            await client.subscribe(f"{topic}/outcome")
            outcomes = []
            await client.publish(f"{topic}/command", msgspec.json.encode(command))
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                outcomes.append(msgspec.json.decode(message.payload))
                if len(outcomes) == 2:
                    break
                await client.publish(f"{topic}/command", msgspec.json.encode(command))
        assert outcomes == [{"id": "lift-1", "outcome": "accepted", "reason": ""}] * 2
        assert (await script.get())["lifts"] == 1


async def test_two_thousand_commands_are_known_again(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    for number in range(2001):
        command = Command(f"lift-{number}", "open", "another boot", 0.0)
        line.agent._command("topic", line.barrier, msgspec.json.encode(command))
    assert (len(line.agent._results), "lift-0" in line.agent._results) == (2000, False)
    await asyncio.gather(*line.agent._doing)
    assert (len(line.agent._results), "lift-0" in line.agent._results) == (2000, False)
    line.outbox.close()


async def test_two_thousand_cancellations_whose_commands_never_came_are_remembered(
    broker: Broker, tmp_path: Path
) -> None:
    line = Line(broker, tmp_path)
    for number in range(2001):
        line.agent._cancel(line.barrier, msgspec.json.encode(Cancel(f"lift-{number}")))
    assert (len(line.agent._results), "lift-0" in line.agent._results) == (2000, False)
    line.outbox.close()


async def test_events_are_said_again_until_they_are_acknowledged(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    async with workbench(tmp_path, line.device) as (_, script):
        await line.agent.start()
        try:
            await until(lambda: owes(line.outbox, EventKind.DOWN))
            await script.put(car="arrives")
            await until(lambda: owes(line.outbox, EventKind.ARRIVED))
            await line.fleet.start()  # the platform comes only now
            await line.heard.until(EventKind.ARRIVED)
            await until(lambda: not line.outbox.owed)
        finally:
            await line.agent.stop()
            await line.fleet.stop()
            line.outbox.close()


class EdgeProcess:
    """`taigan edge` as a process of its own, beside the line's device."""

    def __init__(self, line: Line, folder: Path) -> None:
        line.outbox.close()
        self.kept = folder / "data" / "edge.jsonl"
        self._config = folder / "edge.toml"
        self._config.write_text(
            f"lot_id = {toml(LANE.lot_id)}\nplatform = {toml({'broker': line.url})}\n"
            f"[[lanes]]\nchannel_id = {toml(LANE.channel_id)}\nbarrier = {toml(line.device)}\n",
            "utf-8",
        )

    async def __aenter__(self) -> Self:
        command = [sys.executable, "-m", "taigan", "edge", "--config", str(self._config)]
        self._process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        return self

    async def __aexit__(self, *error: object) -> None:
        """SIGKILL, as a power cut would."""
        self._process.kill()
        await self._process.wait()

    async def keeps(self, kind: EventKind) -> None:
        """Return when it has kept an event of this kind."""
        await until(lambda: self.kept.exists() and f'"kind":"{kind}"' in self.kept.read_text())

    async def owes_nothing(self) -> None:
        await until(lambda: self.kept.read_text() == "")


async def test_what_an_edge_kept_before_it_was_killed_is_told_after_its_restart_and_never_again(
    tmp_path: Path,
) -> None:
    with mosquitto_broker() as own:
        line = Line(own, tmp_path)
        edge = EdgeProcess(line, tmp_path)
        async with workbench(tmp_path, line.device) as (device, script):
            await asyncio.to_thread(own.stop)  # the line is cut
            async with edge:
                await edge.keeps(EventKind.DOWN)
                await script.put(car="arrives")
                await edge.keeps(EventKind.ARRIVED)
                device.command(Verb.OPEN, lambda _: None)  # by the button in the booth
                await edge.keeps(EventKind.UP)
                await script.put(car="passes")
                await edge.keeps(EventKind.PASSED)
            await asyncio.to_thread(own.start)
            await line.fleet.start()
            async with edge:
                passed = await line.heard.until(EventKind.PASSED)
                assert passed.presence_id == (await line.heard.until(EventKind.ARRIVED)).presence_id
                await edge.owes_nothing()
            downs = line.heard.kinds().count(EventKind.DOWN)
            async with edge:
                await line.heard.until(EventKind.DOWN, times=downs + 1)  # all it kept was said before this
            await line.fleet.stop()
            assert [event for event in line.heard.events if event.kind is EventKind.PASSED] == [passed]


async def test_a_car_that_stood_on_the_loop_while_the_edge_was_killed_is_the_same_car_afterwards(
    broker: Broker, tmp_path: Path
) -> None:
    line = Line(broker, tmp_path)
    edge = EdgeProcess(line, tmp_path)
    async with workbench(tmp_path, line.device) as (device, script):
        await line.fleet.start()
        async with edge:
            await line.heard.until(EventKind.DOWN)
            await script.put(car="arrives")
            arrived = await line.heard.until(EventKind.ARRIVED)
        async with edge:
            await line.heard.until(EventKind.DOWN, times=2)
            device.command(Verb.OPEN, lambda _: None)  # by the button in the booth
            await line.heard.until(EventKind.UP)
            await script.put(car="passes")
            assert (await line.heard.until(EventKind.PASSED)).presence_id == arrived.presence_id
        await line.fleet.stop()
        arrivals = {event.presence_id for event in line.heard.events if event.kind is EventKind.ARRIVED}
        assert arrivals == {arrived.presence_id}


async def test_a_car_that_left_while_the_edge_was_down_is_told_to_be_gone(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    edge = EdgeProcess(line, tmp_path)
    async with workbench(tmp_path, line.device) as (_, script):
        await line.fleet.start()
        async with edge:
            await line.heard.until(EventKind.DOWN)
            await script.put(car="arrives")
            arrived = await line.heard.until(EventKind.ARRIVED)
        await script.put(car="backs_out")
        async with edge:
            gone = await line.heard.until(EventKind.BACKED_OUT)
        await line.fleet.stop()
        assert (gone.presence_id, gone.seen) == (arrived.presence_id, False)


def test_cars_whose_file_cannot_be_read_or_written_are_only_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "edge-cars.json"
    file.write_text('{"A1": {"presence_id"', "utf-8")
    arrived = Event("id", LANE, EventKind.ARRIVED, SystemClock().now(), "car-1")
    cars = Cars(file)
    assert cars.there("A1") is None
    cars.heard(arrived)
    assert Cars(file).there("A1") == Car("car-1", arrived.at)
    cars.heard(dataclasses.replace(arrived, kind=EventKind.PASSED, presence_id="another"))
    assert Cars(file).there("A1") is not None
    cars.heard(dataclasses.replace(arrived, kind=EventKind.BACKED_OUT))
    assert Cars(file).there("A1") is None
    Cars(tmp_path / "missing" / "edge-cars.json").heard(arrived)


def an_event(number: int) -> Owed:
    return Owed("A1", LaneEvent(f"event-{number}", EventKind.PASSED, SystemClock().now(), f"car-{number}"))


def reopened(file: Path) -> list[Owed]:
    outbox = Outbox(file)
    outbox.close()
    return outbox.owed


def test_the_outbox_is_as_it_was_left_and_empties_itself(tmp_path: Path) -> None:
    file = tmp_path / "new" / "edge.jsonl"
    outbox = Outbox(file)
    events = [an_event(number) for number in range(3)]
    for event in events:
        outbox.keep(event)
    outbox.dealt_with(["event-1", "of nobody"])
    outbox.close()
    assert reopened(file) == [events[0], events[2]]
    outbox = Outbox(file)
    outbox.dealt_with(["event-0", "event-2"])
    outbox.close()
    assert (file.read_bytes(), reopened(file)) == (b"", [])


def test_a_line_torn_by_a_crash_costs_that_event_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "edge.jsonl"
    outbox = Outbox(file)
    outbox.keep(an_event(1))
    outbox.keep(an_event(2))
    outbox.close()
    file.write_bytes(file.read_bytes()[:-10])
    outbox = Outbox(file)
    outbox.keep(three := an_event(3))
    outbox.close()
    assert [owed.event.event_id for owed in reopened(file)] == ["event-1", "event-3"]
    assert reopened(file)[1] == three


def test_an_edge_that_owes_too_much_gives_up_the_oldest(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "edge.jsonl", most=2)
    for number in range(4):
        outbox.keep(an_event(number))
    outbox.close()
    assert [owed.event.event_id for owed in reopened(tmp_path / "edge.jsonl")] == ["event-2", "event-3"]


def test_the_file_does_not_grow_for_ever_beside_an_event_that_nobody_acknowledges(tmp_path: Path) -> None:
    file = tmp_path / "edge.jsonl"
    outbox = Outbox(file, largest=4000)
    outbox.keep(never := an_event(0))
    for number in range(1, 200):
        outbox.keep(an_event(number))
        outbox.dealt_with([f"event-{number}"])
        assert file.stat().st_size < 5000
    outbox.close()
    assert reopened(file) == [never]


def test_an_edge_owes_twenty_thousand_events_at_most(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "edge.jsonl")
    for number in range(20_001):
        outbox.keep(an_event(number))
    outbox.close()
    assert [len(outbox.owed), outbox.owed[0].event.event_id] == [20_000, "event-1"]


def test_the_file_is_written_anew_when_it_is_larger_than_thirty_two_megabytes(tmp_path: Path) -> None:
    file = tmp_path / "edge.jsonl"
    outbox = Outbox(file)
    outbox.keep(never := an_event(0))
    whole = 32 * 2**20 - file.stat().st_size
    empty = len(msgspec.json.encode(KeptLine(owed=a_long_event("")))) + 1
    outbox.keep(a_long_event("x" * (whole - empty)))
    assert file.stat().st_size == 32 * 2**20
    outbox.dealt_with(["long"])
    assert file.stat().st_size > 32 * 2**20, "it was not larger than that when this was written"
    outbox.keep(last := an_event(1))
    assert file.stat().st_size < 1000
    outbox.close()
    assert reopened(file) == [never, last]


def a_long_event(detail: str) -> Owed:
    at = datetime(2026, 5, 4, tzinfo=UTC)
    return Owed("A1", LaneEvent("long", EventKind.FAULT, at, detail=detail))


def test_two_edges_do_not_share_a_folder(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "edge.jsonl")
    for _ in range(2):
        with pytest.raises(OutboxUnusable, match="another edge is using it"):
            Outbox(tmp_path / "edge.jsonl")
    outbox.close()
    Outbox(tmp_path / "edge.jsonl").close()


async def test_an_unreachable_device_behind_the_edge_is_rejected_with_its_reason(
    broker: Broker, tmp_path: Path
) -> None:
    line = Line(broker, tmp_path)
    await line.fleet.start()
    await line.agent.start()
    try:
        async with asyncio.timeout(PATIENCE):
            while (result := await line.command(command_id=os.urandom(4).hex())).reason == (
                "the edge in the lot has not been heard"
            ):
                await asyncio.sleep(0.01)
        assert result.outcome is Outcome.REJECTED
        assert "offline" in result.reason or "not connected" in result.reason
        assert not line.barrier.state.online
    finally:
        await line.agent.stop()
        await line.fleet.stop()


async def test_any_bytes_on_the_topics_change_nothing_at_either_end(broker: Broker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    async with running(line, tmp_path) as script:
        top = prefix(LANE.lot_id)
        lane = f"{top}/{LANE.channel_id}"
        topics = [f"{top}/ack", f"{top}/ask", f"{lane}/command", f"{lane}/screen", f"{lane}/event", f"{lane}/state"]
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            for payload in (b"", b"[]", b"[" * 5000, b'{"id":1}', os.urandom(10_000)):
                for topic in (*topics, f"{lane}/outcome"):
                    await client.publish(topic, payload)
        assert (await line.command()).outcome is Outcome.ACCEPTED
        await line.heard.until(EventKind.UP)
        assert (await script.get())["lifts"] == 1


@pytest.fixture
def secured() -> Iterator[tuple[Broker, str]]:
    """A broker with a certificate of its own and one user, and that certificate."""
    folder = Path(tempfile.mkdtemp(prefix="taigan-tls-"))
    folder.chmod(0o755)  # the broker gives up root
    try:
        key, cert, passwords = folder / "key.pem", folder / "cert.pem", folder / "passwords"
        made = [
            program("openssl", "openssl"),
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ]
        named = ["-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run([*made, *named, "-keyout", key, "-out", cert], check=True, capture_output=True)
        passwords.touch()
        subprocess.run(
            [program("mosquitto_passwd", "mosquitto"), "-b", passwords, "edge", "secret"],
            check=True,
            capture_output=True,
        )
        for file in (key, cert, passwords):
            file.chmod(0o644)
        options = f"certfile {cert}\nkeyfile {key}\nallow_anonymous false\npassword_file {passwords}\n"
        with mosquitto_broker(options) as own:
            yield own, str(cert)
    finally:
        shutil.rmtree(folder)


async def test_tls_with_the_edges_own_credentials(secured: tuple[Broker, str], tmp_path: Path) -> None:
    own, cert = secured
    line = Line(own, tmp_path)
    access = {"broker": f"mqtts://127.0.0.1:{own.port}", "username": "edge", "password": "secret", "ca_file": cert}
    line.fleet = Fleet(line.heard, line.clock, Random(1))
    line.barrier = line.fleet.add(LANE, {"driver": "edge", **access})
    platform = msgspec.convert(access, BrokerSettings)
    line.agent = EdgeAgent(
        msgspec.structs.replace(read_edge_settings(line.settings), platform=platform), line.outbox, line.cars
    )
    async with running(line, tmp_path):
        assert (await line.command()).outcome is Outcome.ACCEPTED


def test_bad_edge_settings_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="lot_id"):
        read_edge_settings({})
    with pytest.raises(BadSettings, match="`driver` is 'x'"):
        EdgeAgent(
            msgspec.convert(
                {
                    "lot_id": "1-1",
                    "platform": {"broker": "mqtt://x"},
                    "lanes": [{"channel_id": "A1", "barrier": {"driver": "x"}}],
                },
                EdgeSettings,
            ),
            Outbox(tmp_path / "edge.jsonl"),
            Cars(tmp_path / "edge-cars.json"),
        )


def test_an_event_comes_out_as_it_went_in() -> None:
    now = SystemClock().now()
    event = LaneEvent("id", EventKind.BACKED_OUT, now, "presence", seen=True, boot="boot", clock=7.0)
    told = event.in_lane(LANE, 30.0)
    assert (told.seen, told.age) == (True, 30.0)
    assert LaneEvent.of(told, "boot", 7.0) == event
