"""The driver for the simulated lanes, against the real ones and against lanes that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec
import pytest
from aiohttp import web

from support.clock import PATIENCE, ManualClock, RunningClock
from support.stacks.simulated_lanes import LOT, Heard, Script, running, settings
from taigan.barriers.barrier import Barrier, Event, EventKind, LaneKey, Outcome, Position, Price
from taigan.barriers.kinds.simulated.lanes import SimulatedBarrier, SimulatedLanes, Snapshot
from taigan.clock import Clock, SystemClock

A1 = LaneKey(LOT, "A1")
A2 = LaneKey(LOT, "A2")


def in_seconds(seconds: float) -> datetime:
    return SystemClock().now() + timedelta(seconds=seconds)


@contextlib.asynccontextmanager
async def driving(
    url: str,
    heard: Heard,
    *keys: LaneKey,
    detector: bool = True,
    online: bool = True,
    clock: Clock = SystemClock(),  # noqa: B008 - it keeps nothing
) -> AsyncIterator[Barrier]:
    """A lot platform's driver; the first lane's barrier."""
    lanes = SimulatedLanes(url, heard, clock, chance=random.Random(1))
    barriers = [lanes.lane(key, detector) for key in keys or (A1,)]
    await lanes.start()
    try:
        if online:
            for key in keys or (A1,):
                await heard.until(EventKind.ONLINE, key.channel_id)
        yield barriers[0]
    finally:
        await lanes.stop()


class FakeLanes:
    """Lanes whose every frame the test decides."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.connections = 0
        self.url = ""
        self.channel = web.WebSocketResponse()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/control", self._control)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = "http://{}:{}".format(*self._runner.addresses[0])
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()

    async def _control(self, request: web.Request) -> web.WebSocketResponse:
        self.connections += 1
        self.channel = web.WebSocketResponse(timeout=0.1)
        await self.channel.prepare(request)
        async for message in self.channel:
            frame = json.loads(message.data)
            if "watch" in frame:
                await self.send(snapshot=[self.snapshot(lane["channel_id"]) for lane in frame["watch"]])
            else:
                self.frames.put_nowait(frame)
        return self.channel

    @staticmethod
    def snapshot(channel: str) -> dict[str, Any]:
        return {
            "lot_id": LOT,
            "channel_id": channel,
            "position": "closed",
            "held": False,
            "presence": "",
            "since": 0,
            "ended": [],
        }

    async def send(self, **frame: object) -> None:
        await self.channel.send_json(frame)

    async def next_frame(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.frames.get(), PATIENCE)


async def test_an_accepted_command_raises_the_arm_and_the_picture_follows(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, Script(url) as script, driving(url, heard) as barrier:
        assert (barrier.state.online, barrier.state.position) == (True, Position.CLOSED)
        await script.put(car="arrives")
        arrived = heard.events[-1]
        assert (arrived.kind, arrived.presence_id) == (EventKind.ARRIVED, barrier.state.presence_id)
        assert barrier.state.since == arrived.at
        assert (await barrier.open("lift-1", in_seconds(PATIENCE))).outcome is Outcome.ACCEPTED
        await heard.until(EventKind.UP)
        assert barrier.state.position is Position.OPEN
        await script.put(car="passes")
        passed = await heard.until(EventKind.PASSED)
        assert passed.presence_id == arrived.presence_id
        assert (barrier.state.presence_id, barrier.state.since) == ("", None)
        await heard.until(EventKind.DOWN, times=2)
        assert (await script.get())["lifts"] == 1
        assert (barrier.state.commands, barrier.state.errors) == (1, 0)


async def test_what_it_sees_depends_on_the_detector(tmp_path: Path) -> None:
    heard = Heard()
    async with (
        running(settings(tmp_path)) as url,
        Script(url) as script,
        driving(url, heard, detector=False) as barrier,
    ):
        assert (barrier.sight.acknowledges, barrier.sight.position, barrier.sight.detector) == (True, True, False)
        await script.put(car="arrives")
        await barrier.open("lift-1", in_seconds(PATIENCE))
        await script.put(car="passes")
        await heard.until(EventKind.DOWN, times=2)
        assert not {EventKind.ARRIVED, EventKind.PASSED} & set(heard.kinds())
        assert barrier.state.presence_id == ""


async def test_a_held_arm_is_known_as_held_until_it_is_closed(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, driving(url, heard) as barrier:
        assert (await barrier.hold("hold", in_seconds(PATIENCE))).outcome is Outcome.ACCEPTED
        await heard.until(EventKind.UP)
        assert barrier.state.held
        assert (await barrier.close("down", in_seconds(PATIENCE))).outcome is Outcome.ACCEPTED
        await heard.until(EventKind.DOWN, times=2)
        assert not barrier.state.held


async def test_an_open_arm_that_is_held_is_known_as_held(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, driving(url, heard) as barrier:
        await barrier.open("lift-1", in_seconds(PATIENCE))
        await heard.until(EventKind.UP)
        await barrier.hold("hold", in_seconds(PATIENCE))
        assert barrier.state.held


async def test_a_locked_arm_accepts_a_hold_and_is_not_known_as_held(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, Script(url) as script, driving(url, heard) as barrier:
        await script.put(mode="locked")
        assert (await barrier.hold("hold", in_seconds(PATIENCE))).outcome is Outcome.ACCEPTED
        assert (barrier.state.held, barrier.state.position) == (False, Position.CLOSED)


async def test_a_command_past_its_deadline_is_rejected_and_never_moves_the_arm(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, Script(url) as script, driving(url, heard) as barrier:
        assert (await barrier.open("lift-1", in_seconds(-0.001))).outcome is Outcome.REJECTED
        assert (await barrier.close("after", in_seconds(PATIENCE))).outcome is Outcome.ACCEPTED
        assert (await script.get())["lifts"] == 0


async def test_a_fault_is_a_rejection_with_its_reason(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, Script(url) as script, driving(url, heard) as barrier:
        await script.put(mode="fault")
        assert (await heard.until(EventKind.FAULT)).detail
        result = await barrier.open("lift-1", in_seconds(PATIENCE))
        assert (result.outcome, result.reason) == (Outcome.REJECTED, "barrier fault")
        assert barrier.state.errors == 1


async def test_no_reply_by_the_deadline_is_uncertain_and_the_arm_is_reported_up_later() -> None:
    heard, clock = Heard(), RunningClock()
    async with FakeLanes() as fake, driving(fake.url, heard, clock=clock) as barrier:
        opening = asyncio.create_task(barrier.open("lift-1", in_seconds(PATIENCE)))
        await fake.next_frame()
        clock.advance(PATIENCE)
        assert (await opening).outcome is Outcome.UNCERTAIN
        await fake.send(event="e1", lot_id=LOT, channel_id="A1", kind="up", at=1.0)
        await heard.until(EventKind.UP)


async def test_without_lanes_it_starts_at_once_and_rejects_and_stops(tmp_path: Path) -> None:
    heard = Heard()
    async with driving("http://127.0.0.1:9", heard, online=False) as barrier:
        result = await barrier.open("lift-1", in_seconds(PATIENCE))
        assert (result.outcome, result.reason) == (Outcome.REJECTED, "offline")
        await barrier.screen.show("欢迎光临")
    assert heard.events == []


async def test_lanes_that_come_later_are_found(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as url:
        port = int(url.rpartition(":")[2])
    heard = Heard()
    async with driving(url, heard, online=False), running(settings(tmp_path, port=port)):
        await heard.until(EventKind.ONLINE)


async def test_after_a_restart_of_the_lanes_nothing_is_missing_and_nothing_told_twice(tmp_path: Path) -> None:
    heard = Heard()
    lanes = settings(tmp_path)
    async with contextlib.AsyncExitStack() as first:
        url = await first.enter_async_context(running(lanes))
        driver = driving(url, heard)
        barrier = await driver.__aenter__()
        async with Script(url) as script:
            await script.put(car="arrives")
            await script.put(car="leaves")
            await script.put(car="arrives")
    await heard.until(EventKind.OFFLINE)
    assert not barrier.state.online
    presence = barrier.state.presence_id
    assert (await barrier.open("lift-1", in_seconds(PATIENCE))).outcome is Outcome.REJECTED
    async with running(dataclasses.replace(lanes, port=int(url.rpartition(":")[2]))), Script(url) as script:
        await heard.until(EventKind.ONLINE, times=2)
        assert barrier.state.online
        assert barrier.state.presence_id == presence
        await script.put(car="leaves")
        assert (await heard.until(EventKind.BACKED_OUT, times=2)).presence_id == presence
        await driver.__aexit__(None, None, None)
    names = [event.event_id for event in heard.events]
    assert len(names) == len(set(names))


async def test_what_happened_while_nobody_drove_is_told_in_order_under_the_same_names(tmp_path: Path) -> None:
    before, between, after = Heard(), Heard(), Heard()
    async with running(settings(tmp_path)) as url, Script(url) as script:
        async with driving(url, before) as barrier:
            await script.put(car="arrives")
        async with driving(url, between):
            await script.put(car="leaves")
            await script.put(car="arrives")
        async with driving(url, after) as barrier:
            assert after.kinds() == [EventKind.BACKED_OUT, EventKind.ARRIVED, EventKind.DOWN, EventKind.ONLINE]
            assert barrier.state.presence_id == after.events[1].presence_id
        live = {event.event_id: event for event in between.events}
        assert [live[event.event_id] for event in after.events[:2]] == after.events[:2]


async def test_the_plate_of_a_car_that_stands_there_is_told_to_whoever_drives_the_lane_next(tmp_path: Path) -> None:
    before, after, later = Heard(), Heard(), Heard()
    lanes = settings(tmp_path)
    async with running(lanes) as url, Script(url) as script:
        async with driving(url, before):
            await script.put(car="arrives", plate="京A12345")
            arrived, read = await before.until(EventKind.ARRIVED), await before.until(EventKind.PLATE)
        async with driving(url, after):
            assert await after.until(EventKind.PLATE) == read
            assert after.kinds()[:2] == [EventKind.ARRIVED, EventKind.PLATE]
    async with running(lanes) as url, driving(url, later):  # a camera that was off looks again
        plate = await later.until(EventKind.PLATE)
        assert (plate.plate, plate.presence_id) == ("京A12345", arrived.presence_id)


async def test_a_put_returns_after_the_sinks_of_all_platforms_returned(tmp_path: Path) -> None:
    one, other = Heard(), Heard()
    gate = asyncio.Event()
    reached = asyncio.Event()

    async def dawdle(event: Event) -> None:
        if event.kind is EventKind.ARRIVED:
            reached.set()
            await gate.wait()

    other.before = dawdle
    async with (
        running(settings(tmp_path)) as url,
        Script(url) as script,
        driving(url, one),
        driving(url, other),
    ):
        arriving = asyncio.create_task(script.put(car="arrives"))
        await asyncio.wait_for(reached.wait(), PATIENCE)
        await one.until(EventKind.ARRIVED)
        await script.get()
        assert not arriving.done()
        gate.set()
        await arriving
        assert other.kinds()[-1] is EventKind.ARRIVED


async def test_a_lane_whose_sink_is_stuck_holds_up_no_other(tmp_path: Path) -> None:
    heard = Heard()
    gate = asyncio.Event()

    async def dawdle(event: Event) -> None:
        if event.lane == A1 and event.kind is EventKind.ARRIVED:
            await gate.wait()

    heard.before = dawdle
    async with (
        running(settings(tmp_path, "A1", "A2")) as url,
        Script(url) as script,
        driving(url, heard, A1, A2) as barrier,
    ):
        stuck = asyncio.create_task(script.put("A1", car="arrives"))
        await script.until("A1", car="loop")
        assert (await barrier.open("lift-1", in_seconds(PATIENCE))).outcome is Outcome.ACCEPTED
        await script.put("A2", car="arrives")
        assert EventKind.ARRIVED not in heard.kinds("A1")
        gate.set()
        await stuck
        await heard.until(EventKind.UP)
        assert heard.kinds("A1")[-3:] == [EventKind.ARRIVED, EventKind.RISING, EventKind.UP]


async def test_a_sink_that_raises_against_its_word_loses_only_that_event(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()

    async def stumble(event: Event) -> None:
        if event.kind is EventKind.ARRIVED:
            raise RuntimeError("a mistake")

    heard.before = stumble
    lanes = settings(tmp_path, acknowledged_within=0.05)
    async with running(lanes) as url, Script(url) as script, driving(url, heard):
        await script.put(car="arrives")
        await script.put(car="leaves")
        await heard.until(EventKind.BACKED_OUT)
    assert "was not taken" in caplog.text


async def test_the_screen_shows_the_text(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, Script(url) as script, driving(url, heard) as barrier:
        await barrier.screen.show("请扫码入场")
        await script.until(screen="请扫码入场")


async def test_many_lanes_share_one_connection() -> None:
    heard = Heard()
    keys = [LaneKey(LOT, f"A{number}") for number in range(500)]
    async with FakeLanes() as fake, driving(fake.url, heard, *keys):
        assert fake.connections == 1
        assert sum(event.kind is EventKind.ONLINE for event in heard.events) == 500


async def test_a_lane_started_later_is_watched_on_the_same_connection() -> None:
    heard = Heard()
    async with FakeLanes() as fake:
        lanes = SimulatedLanes(fake.url, heard, SystemClock())
        first, second = lanes.lane(A1, True), lanes.lane(A2, True)
        await first.start()
        await heard.until(EventKind.ONLINE, "A1")
        await second.start()
        await heard.until(EventKind.ONLINE, "A2")
        assert fake.connections == 1
        await first.stop()
        assert (first.state.online, second.state.online) == (False, True)
        await fake.send(event="e1", lot_id=LOT, channel_id="A1", kind="arrived", presence="p", at=1.0)
        assert await fake.next_frame() == {"ack": "e1"}
        await second.stop()
        await second.stop()
        assert lanes.lane(A1, True) is first


async def test_replies_find_their_commands_by_id() -> None:
    heard = Heard()
    async with FakeLanes() as fake, driving(fake.url, heard, A1, A2) as barrier:
        first = asyncio.create_task(barrier.open("lift-1", in_seconds(PATIENCE)))
        second = asyncio.create_task(barrier.open("lift-2", in_seconds(PATIENCE)))
        assert [(await fake.next_frame())["id"], (await fake.next_frame())["id"]] == ["lift-1", "lift-2"]
        await fake.send(reply="lift-2", outcome="rejected", reason="no")
        await fake.send(reply="lift-3", outcome="accepted")
        await fake.send(reply="lift-1", outcome="accepted")
        assert (await first).outcome is Outcome.ACCEPTED
        assert (await second).outcome is Outcome.REJECTED


async def test_the_same_command_twice_at_once_is_sent_once() -> None:
    heard = Heard()
    async with FakeLanes() as fake, driving(fake.url, heard) as barrier:
        first = asyncio.create_task(barrier.open("lift-1", in_seconds(PATIENCE)))
        await fake.next_frame()
        assert (await barrier.open("lift-1", in_seconds(PATIENCE))).outcome is Outcome.REJECTED
        await fake.send(reply="lift-1", outcome="accepted")
        assert (await first).outcome is Outcome.ACCEPTED
        assert fake.frames.empty()


async def test_a_connection_lost_after_sending_is_uncertain_and_before_it_a_rejection() -> None:
    heard = Heard()
    async with FakeLanes() as fake, driving(fake.url, heard) as barrier:
        sent = asyncio.create_task(barrier.open("lift-1", in_seconds(PATIENCE)))
        await fake.next_frame()
        await fake.channel.close()
        assert (await asyncio.wait_for(sent, PATIENCE)).outcome is Outcome.UNCERTAIN
        await heard.until(EventKind.ONLINE, times=2)
        assert (heard.kinds().count(EventKind.OFFLINE), fake.connections) == (1, 2)


async def test_a_command_whose_caller_gave_up_before_it_was_sent_is_not_sent() -> None:
    heard = Heard()
    async with FakeLanes() as fake, driving(fake.url, heard) as barrier:
        given_up = asyncio.ensure_future(barrier.open("lift-1", in_seconds(PATIENCE)))
        asyncio.get_running_loop().call_soon(given_up.cancel)
        with pytest.raises(asyncio.CancelledError):
            await given_up
        next_one = asyncio.create_task(barrier.open("lift-2", in_seconds(PATIENCE)))
        assert (await fake.next_frame())["id"] == "lift-2"
        await fake.send(reply="lift-2", outcome="accepted")
        assert (await next_one).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "null",
        "[" * 100_000,
        '{"event": "e", "lot_id": "200002-7", "channel_id": "A1", "kind": "exploded"}',
        '{"event": "e", "lot_id": "200002-7", "channel_id": "A1", "kind": "arrived", "at": 1e300}',
        '{"event": "e", "lot_id": "200002-7", "channel_id": "A1", "kind": "arrived", "at": -1}',
        '{"reply": "nobody", "outcome": "perhaps"}',
        '{"error": "no"}',
        "{}",
    ],
)
async def test_a_frame_that_makes_no_sense_is_passed_over(text: str) -> None:
    heard = Heard()
    async with FakeLanes() as fake, driving(fake.url, heard) as barrier:
        await fake.channel.send_str(text)
        await fake.channel.send_bytes(b"\xff")
        await fake.send(event="e2", lot_id=LOT, channel_id="A1", kind="up", at=1.0, held=True)
        assert await fake.next_frame() == {"ack": "e2"}
        assert (barrier.state.position, barrier.state.held, fake.connections) == (Position.OPEN, True, 1)


async def test_an_event_told_again_is_acknowledged_again_and_handled_once() -> None:
    heard = Heard()
    async with FakeLanes() as fake, driving(fake.url, heard):
        for _ in range(2):
            await fake.send(event="e1", lot_id=LOT, channel_id="A1", kind="arrived", presence="p", at=1.0)
            assert await fake.next_frame() == {"ack": "e1"}
        assert heard.kinds().count(EventKind.ARRIVED) == 1


async def test_a_token_opens_the_door(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path, token="secret")) as url:
        lanes = SimulatedLanes(url, heard, SystemClock(), token="secret")
        lanes.lane(A1, True)
        await lanes.start()
        await heard.until(EventKind.ONLINE)
        await lanes.stop()


async def test_plates_and_scanned_codes_arrive_with_their_car(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, Script(url) as script, driving(url, heard):
        await script.put(car="arrives", plate="京A12345", scanner="134567890123456789")
        arrived, read = await heard.until(EventKind.ARRIVED), await heard.until(EventKind.PLATE)
        scanned = await heard.until(EventKind.SCANNED_CODE)
        assert (read.plate, read.presence_id) == ("京A12345", arrived.presence_id)
        assert (scanned.code, scanned.presence_id) == ("134567890123456789", arrived.presence_id)
        assert "134567890123456789" not in repr(scanned)


async def test_a_price_is_shown_in_words_and_its_code_drawn(tmp_path: Path) -> None:
    heard = Heard()
    price = Price("京A12345", timedelta(hours=3, minutes=4, seconds=1), 1500, "请扫码缴费", "https://hub/pay/1")
    async with running(settings(tmp_path)) as url, Script(url) as script, driving(url, heard) as barrier:
        await barrier.screen.ask(price)
        lane = await script.until(code="https://hub/pay/1")
        assert lane["screen"] == "京A12345，停车3小时5分，应付15.00元，请扫码缴费"
        await barrier.screen.show("支付成功，请通行")
        assert (await script.until(screen="支付成功，请通行"))["code"] == ""


async def test_a_lane_without_power_is_offline_until_it_is_back(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, Script(url) as script, driving(url, heard) as barrier:
        await script.put(car="arrives")
        await script.put(power="cut")
        await heard.until(EventKind.OFFLINE)
        assert (barrier.state.online, barrier.state.position) == (False, Position.UNKNOWN)
        assert (await barrier.open("lift-1", in_seconds(PATIENCE))).outcome is Outcome.REJECTED
        await script.until(barrier="open")
        await script.put(power="back")
        await heard.until(EventKind.ONLINE, times=2)
        assert (barrier.state.position, barrier.state.presence_id) == (Position.OPEN, "")


async def test_a_lane_that_has_no_power_at_the_start_is_offline(tmp_path: Path) -> None:
    heard = Heard()
    async with running(settings(tmp_path)) as url, Script(url) as script:
        await script.put(power="cut")
        async with driving(url, heard, online=False) as barrier:
            await script.put(power="back")
            await heard.until(EventKind.ONLINE)
            assert barrier.state.online
            assert heard.kinds().count(EventKind.ONLINE) == 1


@pytest.mark.parametrize(("more", "connections"), [(-1024, 1), (1024, 2)])
async def test_a_frame_of_the_lanes_has_sixteen_megabytes_at_most(more: int, connections: int) -> None:
    heard = Heard()
    async with FakeLanes() as fake, driving(fake.url, heard) as barrier:
        with contextlib.suppress(ConnectionError):  # it is hung up on in the midst of it
            await fake.send(snapshot=[], detail="x" * (16 * 2**20 + more - len('{"snapshot": [], "detail": ""}')))
        if connections == 2:
            await heard.until(EventKind.ONLINE, times=2)
        opening = asyncio.create_task(barrier.open("lift-1", in_seconds(PATIENCE)))
        frame = await fake.next_frame()
        await fake.send(reply=frame["id"], outcome="accepted")
        assert (await opening).outcome is Outcome.ACCEPTED
        assert fake.connections == connections


class Told:
    """One lane of simulated lanes that nobody is connected to, and what it tells."""

    def __init__(self) -> None:
        self.heard, self.clock = Heard(), ManualClock()
        self.acknowledged: list[str] = []
        lanes = SimulatedLanes("http://127.0.0.1:9", self.heard, self.clock, chance=random.Random(1))
        lanes.acknowledge = lambda event: self.acknowledged.append(event.event_id)  # type: ignore[method-assign]
        barrier = lanes.lane(A1, True)
        assert isinstance(barrier, SimulatedBarrier)
        self.barrier = barrier

    async def tells(self, count: int) -> list[Event]:
        """So many events, once they were taken."""
        await self.barrier.start()
        async with asyncio.timeout(PATIENCE):
            while len(self.heard.events) < count:
                await asyncio.sleep(0.001)
        await self.barrier.stop()
        return self.heard.events

    def snapshot(self, **told: Any) -> Snapshot:
        return msgspec.convert(FakeLanes.snapshot("A1") | told, Snapshot)

    def happens(self, kind: EventKind, presence: str = "", *, name: str = "", held: bool = False) -> None:
        event = Event(name or f"{presence}/{kind}", A1, kind, self.clock.now(), presence)
        self.barrier.happened(event, held=held, now=self.clock.now())


async def test_a_lane_as_it_stands_is_told_from_what_has_ended_to_what_is_there() -> None:
    told = Told()
    now = told.clock.now()
    told.barrier.connected(
        told.snapshot(
            position="open",
            held=True,
            presence="car-2",
            since=1000,
            ended=[("car-0", "passed", 10), ("car-1", "backed_out", 20)],
            read=("read-1", "粤B12345", 1001),
            lifts=7,
        ),
        now,
    )
    state = told.barrier.state
    assert (state.online, state.held, state.position, state.presence_id) == (True, True, Position.OPEN, "car-2")
    assert (state.since, state.last_heard) == (datetime.fromtimestamp(1000, UTC), now)
    assert [
        (each.event_id, each.kind, each.at.timestamp(), each.presence_id, each.plate, each.seen)
        for each in (await told.tells(6))
    ] == [
        ("car-0/passed", EventKind.PASSED, 10, "car-0", "", False),
        ("car-1/backed_out", EventKind.BACKED_OUT, 20, "car-1", "", True),
        ("car-2/arrived", EventKind.ARRIVED, 1000, "car-2", "", False),
        ("read-1", EventKind.PLATE, 1001, "car-2", "粤B12345", False),
        (f"{A1}/7/up", EventKind.UP, now.timestamp(), "", "", False),
        (f"{A1}/online/{now.isoformat()}", EventKind.ONLINE, now.timestamp(), "", "", False),
    ]
    assert told.acknowledged == []


async def test_a_lane_that_is_empty_and_whose_arm_is_nowhere_is_only_there() -> None:
    told = Told()
    told.barrier.state.since = told.clock.now()
    told.barrier.connected(told.snapshot(position="unknown", read=("read-1", "粤B12345", 1)), told.clock.now())
    assert (told.barrier.state.since, told.barrier.state.presence_id) == (None, "")
    assert [event.kind for event in await told.tells(1)] == [EventKind.ONLINE]


async def test_a_lane_without_power_is_not_there_and_says_so_once() -> None:
    told = Told()
    told.barrier.connected(told.snapshot(), told.clock.now())
    for _ in range(2):
        told.barrier.connected(told.snapshot(power=False), told.clock.now())
    assert not told.barrier.state.online
    told.clock.advance(1)
    told.barrier.connected(told.snapshot(), told.clock.now())
    assert [event.kind for event in await told.tells(4)] == [
        EventKind.DOWN,
        EventKind.ONLINE,
        EventKind.OFFLINE,
        EventKind.ONLINE,
    ]


async def test_the_picture_of_a_lane_follows_what_happens_in_it() -> None:
    told = Told()
    state = told.barrier.state
    assert (state.online, state.position) == (False, Position.UNKNOWN)
    told.happens(EventKind.ARRIVED, "car-1")
    assert (state.presence_id, state.since) == ("car-1", told.clock.now())
    for kind, position in (
        (EventKind.RISING, Position.RISING),
        (EventKind.UP, Position.OPEN),
        (EventKind.FALLING, Position.FALLING),
        (EventKind.DOWN, Position.CLOSED),
    ):
        told.happens(kind, name=f"1/{kind}", held=kind is EventKind.UP)
        assert (state.position, state.held) == (position, kind is EventKind.UP)
    for other in ("car-0", "car-2"):
        told.happens(EventKind.PASSED, other, name=f"{other} passed")
        assert state.presence_id == "car-1"
    told.happens(EventKind.BACKED_OUT, "car-1")
    assert (state.presence_id, state.since) == ("", None)
    state.online = True
    told.happens(EventKind.OFFLINE, name="off")
    assert (state.online, state.position) == (False, Position.UNKNOWN)
    assert len(await told.tells(9)) == 9
    assert len(told.acknowledged) == 9


async def test_an_event_is_known_again_while_two_hundred_others_have_come_since() -> None:
    told = Told()
    for number in range(201):
        told.happens(EventKind.FAULT, name=str(number))
    await told.tells(201)
    assert len(told.acknowledged) == 201
    told.happens(EventKind.FAULT, name="1")
    assert told.acknowledged[-1] == "1"
    assert len(told.acknowledged) == 202
    told.happens(EventKind.FAULT, name="0")  # so long ago that it is told once more
    assert len(await told.tells(202)) == 202


async def test_an_event_that_waits_to_be_taken_is_not_acknowledged_before_it_is() -> None:
    told = Told()
    for _ in range(2):
        told.happens(EventKind.FAULT, name="1")
    assert told.acknowledged == []
    await told.tells(1)
    assert told.acknowledged == ["1"]


@pytest.mark.parametrize(
    ("count", "frames"), [(1, [1]), (200, [200]), (201, [200, 1]), (400, [200, 200]), (401, [200, 200, 1])]
)
async def test_lanes_are_asked_for_by_two_hundreds(count: int, frames: list[int]) -> None:
    asked: list[int] = []

    async def control(request: web.Request) -> web.WebSocketResponse:
        channel = web.WebSocketResponse()
        await channel.prepare(request)
        async for message in channel:
            asked.append(len(json.loads(message.data)["watch"]))
        return channel

    app = web.Application()
    app.router.add_get("/control", control)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = "http://{}:{}".format(*runner.addresses[0])
        keys = [LaneKey(LOT, f"L{number}") for number in range(count)]
        async with driving(url, Heard(), *keys, online=False), asyncio.timeout(PATIENCE):
            while sum(asked) < count:
                await asyncio.sleep(0.005)
        assert asked == frames
    finally:
        await runner.cleanup()


class Highest(random.Random):
    """Chance that gives the most it may."""

    def uniform(self, a: float, b: float) -> float:
        return b


def test_lanes_that_are_not_there_are_looked_for_after_a_twentieth_of_a_second_to_five_seconds() -> None:
    lanes = SimulatedLanes("http://127.0.0.1:9", Heard(), ManualClock(), chance=Highest(1))
    waits = [lanes._backoff.wait() for _ in range(9)]
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


async def test_a_silent_connection_to_the_lanes_is_tried_every_ten_seconds_and_given_up_soon() -> None:
    async with FakeLanes() as fake, aiohttp.ClientSession() as session:
        channel = await SimulatedLanes(fake.url, Heard(), ManualClock())._connect(session)
        assert (channel._heartbeat, channel._timeout.ws_close) == (10.0, 0.5)
        await channel.close()
