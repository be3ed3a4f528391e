"""Drivers by name, settings that explain themselves, deadlines and health."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from support.clock import PATIENCE
from support.stacks.barrier_bench import LANE, HandClock
from support.stacks.simulated_lanes import Heard
from taigan.barriers.backoff import Backoff
from taigan.barriers.barrier import Event, EventKind, LaneKey, Outcome, Result
from taigan.barriers.drivers import DRIVERS, BadSettings, Fleet, driver_named, read_settings
from taigan.barriers.watching.lane_watch import Attempt, LaneWatch, NoAnswer, NotSent
from taigan.deadline import Deadline

MQTT = {"driver": "vzenith-mqtt", "broker": "mqtt://127.0.0.1", "serial": "c5h"}
GATE = {"driver": "hikvision-isapi", "url": "http://127.0.0.1", "username": "a", "password": "b"}


@pytest.mark.parametrize("name", DRIVERS)
def test_every_driver_has_settings_and_a_build(name: str) -> None:
    driver = driver_named(name)
    assert driver.Settings.__doc__
    assert callable(driver.build)


@pytest.mark.parametrize(
    ("barrier", "names"),
    [
        ({}, "`driver` is missing"),
        ({"driver": "vzenit-mqtt"}, "`driver` is 'vzenit-mqtt'"),
        ({"driver": 7}, "`driver` is 7"),
        ({"driver": "vzenith-mqtt"}, "`broker` is missing"),
        ({**MQTT, "serail": "x"}, "`serail` is not a setting of it"),
        ({**MQTT, "serial": "a/b"}, "`serial`"),
        ({**MQTT, "serial": 5}, "`serial`: expected `str`, got `int`"),
        ({**MQTT, "broker": "http://x"}, "`broker` must look like"),
        ({**MQTT, "broker": "mqtt://x:99999"}, "`broker` must look like"),
        ({**MQTT, "prefix": "device"}, "`prefix` must contain {serial}"),
        ({**MQTT, "wiring": {"open_pulse": 1}}, "`wiring.open_pulse`"),
        ({**MQTT, "wiring": {"pulse": 1}}, "`wiring.pulse` is not a setting"),
        ({**MQTT, "screen": {"rows": 90}}, "`screen.rows`"),
        ({**MQTT, "cert_file": "x"}, "`cert_file` and `key_file`"),
        ({**GATE, "url": "ftp://x"}, "`url` must look like"),
        ({**GATE, "url": "http://admin:pw@x"}, "`url` must look like"),
        ({**GATE, "channel": 0}, "`channel`"),
        ({"driver": "modbus-relay"}, "`host` is missing"),
        ({"driver": "modbus-relay", "host": "x", "pulse_ms": 150}, "`pulse_ms`"),
        ({"driver": "modbus-relay", "host": "x", "open_coil": 32}, "`open_coil`"),
        ({"driver": "http", "serial": "x", "url": "http://x", "secret": "short"}, "`secret`"),
        ({"driver": "vzenith-http", "serial": "x", "wiring": {"position": True}}, "`wiring.position`"),
        ({"driver": "simulated", "url": "x"}, "`url`"),
        ({"driver": "edge", "broker": "mqtt://x", "lot": "y"}, "`lot` is not a setting"),
    ],
)
def test_bad_settings_are_one_sentence_that_names_the_key(barrier: dict[str, Any], names: str) -> None:
    with pytest.raises(BadSettings) as error:
        read_settings(barrier)
    assert names in str(error.value)
    assert "\n" not in str(error.value)


def test_no_password_is_in_the_sentence() -> None:
    with pytest.raises(BadSettings) as error:
        read_settings({**MQTT, "password": "hush", "broker": "mqtt://me:hush@x"})
    assert "hush" not in str(error.value)


def test_two_lanes_cannot_have_the_same_posting_camera() -> None:
    fleet = Fleet(Heard(), HandClock(), Random(1))
    fleet.add(LANE, {"driver": "hx-http", "serial": "one"})
    with pytest.raises(BadSettings, match=r"barrier of lane 200002-7/A2: `serial` one belongs to another lane"):
        fleet.add(LaneKey(LANE.lot_id, "A2"), {"driver": "hx-http", "serial": "one"})


def test_lanes_behind_one_broker_share_its_connection() -> None:
    fleet = Fleet(Heard(), HandClock(), Random(1))
    for number in range(10):
        fleet.add(LaneKey(LANE.lot_id, f"L{number}"), {**MQTT, "serial": f"c{number}"})
    assert len(fleet.site._connections) == 1


def test_a_deadline_holds_on_whichever_clock_comes_first() -> None:
    clock = HandClock()
    deadline = Deadline(clock.now() + timedelta(seconds=4), clock)
    clock.wall_is_ahead_by = timedelta(hours=-1)  # set back
    clock.advance(5)
    assert deadline.passed
    clock = HandClock()
    deadline = Deadline(clock.now() + timedelta(seconds=4), clock)
    clock.wall_is_ahead_by = timedelta(seconds=5)  # set forward
    assert deadline.passed


def test_waits_grow_with_jitter_and_begin_anew() -> None:
    backoff = Backoff(Random(3), first=1, most=8)
    waits = [backoff.wait() for _ in range(6)]
    assert all(most / 2 <= wait <= most for wait, most in zip(waits, (1, 2, 4, 8, 8, 8), strict=True))
    backoff.reset()
    assert backoff.wait() <= 1
    assert waits != [Backoff(Random(4), first=1, most=8).wait() for _ in range(6)]


@pytest.fixture
def watch() -> LaneWatch:
    return LaneWatch(LANE, Heard(), HandClock(), device="test", silent_after=30)


async def carry_out(watch: LaneWatch, error: Exception | None = None, *, sent: bool = False) -> Result:
    async def send(attempt: Attempt) -> Result:
        attempt.sent = sent
        if error is not None:
            raise error
        return Result(Outcome.ACCEPTED)

    return await watch.carry_out("lift-1", watch.clock.now() + timedelta(seconds=4), send, lifts=True)


async def test_health_is_kept_with_every_command(watch: LaneWatch) -> None:
    assert (await carry_out(watch)).outcome is Outcome.ACCEPTED
    assert (await carry_out(watch, NotSent("no"))).outcome is Outcome.REJECTED
    assert (await carry_out(watch, NoAnswer("hm"))).outcome is Outcome.UNCERTAIN
    assert (watch.state.commands, watch.state.errors) == (3, 2)
    assert watch.state.last_command == watch.clock.now()


async def test_a_drivers_mistake_is_uncertain_not_rejected(watch: LaneWatch) -> None:
    result = await carry_out(watch, ZeroDivisionError("oops"))
    assert result.outcome is Outcome.UNCERTAIN


@pytest.mark.parametrize(("sent", "outcome"), [(True, Outcome.UNCERTAIN), (False, Outcome.REJECTED)])
async def test_a_time_out_is_uncertain_only_when_something_has_left(
    watch: LaneWatch, sent: bool, outcome: Outcome
) -> None:
    assert (await carry_out(watch, TimeoutError(), sent=sent)).outcome is outcome


async def test_a_device_is_offline_when_it_was_not_heard_for_too_long_and_online_when_it_is_heard() -> None:
    heard, clock = Heard(), HandClock()
    watch = LaneWatch(LANE, heard, clock, device="test", silent_after=30)
    watch.heard()
    clock.advance(29)
    watch.tick()
    assert watch.state.online
    clock.advance(2)
    watch.tick()
    watch.tick()
    assert not watch.state.online
    watch.heard()
    await watch.delivered()
    assert heard.kinds() == [EventKind.ONLINE, EventKind.OFFLINE, EventKind.ONLINE]
    assert len({event.event_id for event in heard.events}) == 3


async def test_events_reach_a_slow_sink_in_order() -> None:
    import asyncio

    heard = Heard()
    gate = asyncio.Event()

    async def dawdle(event: object) -> None:
        await gate.wait()

    heard.before = dawdle
    watch = LaneWatch(LANE, heard, HandClock(), device="test")
    watch.heard()
    watch.loop(True, "1")
    watch.lifted()
    watch.loop(False, "2")
    assert heard.events == []
    gate.set()
    await watch.delivered()
    assert heard.kinds() == [EventKind.ONLINE, EventKind.ARRIVED, EventKind.PASSED]


async def test_who_reports_waits_for_what_was_told_by_then_and_not_for_what_nobody_may_ever_take() -> None:
    import asyncio

    heard = Heard()
    waits, never = asyncio.Event(), asyncio.Event()

    async def lose(event: Event) -> None:
        if event.kind is EventKind.OFFLINE:
            await never.wait()  # a lane whose device is not reached is watched by nobody
        elif event.kind is EventKind.ARRIVED:
            await waits.wait()
            watch.lost("it did not take the screen's text")

    heard.before = lose
    watch = LaneWatch(LANE, heard, HandClock(), device="test")
    watch.heard()
    watch.loop(True, "1")
    delivered = asyncio.create_task(watch.delivered())
    await asyncio.sleep(0)
    waits.set()
    await asyncio.wait([delivered], timeout=PATIENCE)
    assert delivered.done()
    assert heard.kinds() == [EventKind.ONLINE, EventKind.ARRIVED]
    never.set()
    await watch.stop()
    assert heard.kinds() == [EventKind.ONLINE, EventKind.ARRIVED, EventKind.OFFLINE]


def test_a_new_driver_is_one_line(tmp_path: Path) -> None:
    lines = (Path(__file__).parents[2] / "src/taigan/barriers/drivers.py").read_text("utf-8").splitlines()
    for name in DRIVERS:
        assert sum(line.startswith(f'    "{name}": ') for line in lines) == 1


@pytest.mark.parametrize("page", ["adding-a-barrier.md", "adding-a-barrier.en.md"])
async def test_the_driver_in_the_docs_works_as_it_stands(page: str) -> None:
    import asyncio
    import re
    from types import ModuleType

    from taigan.barriers.site import Lane, Site
    from taigan.clock import SystemClock

    text = (Path(__file__).parents[2] / "docs" / page).read_text("utf-8")
    source = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert source is not None
    acme = ModuleType("acme")
    exec(compile(source[1], "acme.py", "exec", dont_inherit=True), acme.__dict__)

    async def gate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"POST /open ")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(gate, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        site = Site(Heard(), SystemClock(), Random(1))
        barrier = acme.build(Lane(LANE), acme.Settings(url=f"http://127.0.0.1:{port}"), site)
        result = await barrier.open("lift-1", SystemClock().now() + timedelta(seconds=60))
        await site.stop()
    assert result == Result(Outcome.ACCEPTED)
