"""Anyone's own controller over HTTP: signed both ways."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from support.servers.ports import free_port
from support.stacks.barrier_bench import LANE, Bench, HandClock, bench, handed
from taigan.barriers.barrier import Event, EventKind, LaneKey, Outcome, Position, Price
from taigan.barriers.door import Post
from taigan.barriers.kinds.http import signature
from taigan.devices.electronics.device import Fault

SECRET = "a secret of sixteen or more"


def settings() -> dict[str, Any]:
    return {"driver": "http", "serial": "gate-1", "url": f"http://127.0.0.1:{free_port()}/barrier", "secret": SECRET}


@pytest.fixture
async def lane(tmp_path: Path) -> AsyncIterator[Bench]:
    async with bench(tmp_path, settings()) as running:
        yield running


async def report(
    lane: Bench, body: bytes, *, secret: str = SECRET, age: float = 0.0, serial: str = "gate-1", at: str = "gate-1"
) -> int:
    """Post a report that `serial` signed, at the address of `at`; the status it is answered with."""
    timestamp = str(int(lane.clock.now().timestamp() - age))
    about = f"{serial}.{timestamp}" if serial else timestamp
    headers = {"x-taigan-timestamp": timestamp, "x-taigan-signature": signature(secret, about, body)}
    return (await handed(lane, "http", at, Post(body, headers, {}))).status


async def test_a_whole_lane_life(lane: Bench) -> None:
    await lane.script.put(car="arrives")
    arrived = await lane.heard.until(EventKind.ARRIVED)
    await lane.opened()
    await lane.heard.until(EventKind.UP)
    await lane.script.put(car="passes")
    assert (await lane.heard.until(EventKind.PASSED)).presence_id == arrived.presence_id
    await lane.heard.until(EventKind.DOWN)


async def test_the_other_outcomes(lane: Bench) -> None:
    await lane.script.put(mode="fault")
    assert (await lane.open()).outcome is Outcome.REJECTED
    await lane.script.put(mode="silent")
    assert (await lane.unanswered()).outcome is Outcome.UNCERTAIN
    await lane.device.set_fault(Fault.UNPLUGGED)
    assert (await lane.open()).outcome is Outcome.REJECTED


async def test_hold_and_close(lane: Bench) -> None:
    assert (await lane.command("hold")).outcome is Outcome.ACCEPTED
    await lane.script.until(held=True)
    assert (await lane.command("close")).outcome is Outcome.ACCEPTED
    await lane.script.until(held=False)


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


async def test_a_report_counts_only_with_a_fresh_signature(lane: Bench) -> None:
    body = json.dumps({"id": "1", "position": "open"}).encode()
    assert await report(lane, body, secret="another secret entirely") == 401
    assert await report(lane, body, age=301) == 401
    assert lane.barrier.state.position is None
    assert await report(lane, body) == 200
    assert lane.barrier.state.position is Position.OPEN


async def test_a_report_is_fresh_for_five_minutes_either_way_and_taken_once_for_as_long_as_it_is(
    tmp_path: Path,
) -> None:
    clock = HandClock()
    async with bench(tmp_path, settings(), clock=clock) as lane:
        for number, (age, status) in enumerate([(300, 200), (301, 401), (-301, 401), (-300, 200)]):
            body = json.dumps({"id": str(number), "alive": True}).encode()
            assert await report(lane, body, age=age) == status
        clock.advance(600)
        assert await report(lane, body, age=300) == 409
        clock.advance(1)
        assert await report(lane, body, age=301) == 401


async def test_a_report_sent_again_is_one_event(lane: Bench) -> None:
    body = json.dumps({"id": "5", "loop": True}).encode()
    assert await report(lane, body) == 200
    assert await report(lane, body, age=1) == 200
    assert lane.heard.kinds().count(EventKind.ARRIVED) == 1


async def test_a_report_that_could_not_be_stored_is_503_and_counts_when_it_comes_again(lane: Bench) -> None:
    async def no_database(event: Event) -> None:
        lane.heard.before = None
        raise RuntimeError("the database is gone")

    lane.barrier.watch.heard()  # type: ignore[attr-defined]
    await lane.barrier.watch.delivered()  # type: ignore[attr-defined]
    lane.heard.before = no_database
    body = json.dumps({"id": "5", "plate": "粤B12345"}).encode()
    assert [await report(lane, body, age=age) for age in (0, 1, 2)] == [503, 200, 200]
    assert lane.heard.kinds().count(EventKind.PLATE) == 1


async def test_a_plate_sent_again_is_read_once(lane: Bench) -> None:
    body = json.dumps({"id": "5", "plate": "粤B12345"}).encode()
    assert [await report(lane, body, age=age) for age in (0, 1, 2)] == [200, 200, 200]
    assert lane.heard.kinds().count(EventKind.PLATE) == 1


async def test_the_same_signed_bytes_are_taken_once_at_any_lane(lane: Bench) -> None:
    other = {**settings(), "serial": "gate-2"}
    lane.fleet.add(LaneKey(LANE.lot_id, "A2"), other)
    body = json.dumps({"id": "5", "plate": "粤B12345"}).encode()
    for serial in ("gate-1", ""):
        assert await report(lane, body, serial=serial) == 200
        assert await report(lane, body, serial=serial) == 409
        assert await report(lane, body, serial=serial, at="gate-2") in (401, 409)
    assert EventKind.PLATE not in lane.heard.kinds("A2")


async def test_a_controller_that_names_itself_is_heard_only_with_its_name(tmp_path: Path) -> None:
    async with bench(tmp_path, {**settings(), "names_itself": True}) as lane:
        body = json.dumps({"id": "5", "position": "open"}).encode()
        assert await report(lane, body, serial="") == 401
        assert await report(lane, body, serial="gate-2") == 401
        assert await report(lane, body) == 200


async def test_an_answer_that_somebody_else_signed_is_none(tmp_path: Path) -> None:
    headers: dict[str, str] = {}

    async def serve(request: web.Request) -> web.Response:
        return web.json_response({"outcome": "accepted"}, headers=headers)

    async with bench(tmp_path, {**settings(), "signs_answers": True}) as lane:
        await lane.opened()
        await lane.device.set_fault(Fault.UNPLUGGED)
        app = web.Application()
        app.router.add_post("/barrier", serve)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", lane.device.port).start()
        try:
            for shown in ({}, {"X-Taigan-Signature": "ab" * 32}):
                headers = shown
                result = await lane.open()
                assert (result.outcome, "not signed" in result.reason) == (Outcome.UNCERTAIN, True)
        finally:
            await runner.cleanup()


async def test_a_controller_that_counts_since_it_was_switched_on_is_heard_after_a_power_cut(lane: Bench) -> None:
    for boot in (1, 2, 3):
        await lane.device.set_fault(Fault.COUNTS_SINCE_BOOT)
        await lane.script.put(car="arrives")
        await lane.heard.until(EventKind.ARRIVED, times=boot)
        await lane.opened()
        await lane.heard.until(EventKind.UP, times=boot)
        await lane.script.put(car="passes")
        await lane.heard.until(EventKind.PASSED, times=boot)
        await lane.heard.until(EventKind.DOWN, times=boot)
    presences = [event.presence_id for event in lane.heard.events if event.kind is EventKind.ARRIVED]
    assert len(set(presences)) == 3


async def test_any_bytes_are_answered_and_change_nothing(lane: Bench) -> None:
    for body in (b"", b"[]", b"[" * 5000, b"\xff", os.urandom(10_000)):
        assert await report(lane, body) == 400
        answer = await handed(lane, "http", "gate-1", Post(body, {"x-taigan-signature": "é"}, {}))
        assert answer.status == 401
    assert lane.heard.kinds() in ([], [EventKind.ONLINE])


async def test_an_answer_of_any_bytes_is_uncertain_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    posts = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal posts
        await reader.readuntil(b"\r\n\r\n")
        posts += 1
        writer.write(os.urandom(10_000))
        await writer.drain()
        writer.close()

    async with bench(tmp_path, settings()) as lane:
        await lane.device.set_fault(Fault.UNPLUGGED)
        async with await asyncio.start_server(serve, "127.0.0.1", lane.device.port):
            assert (await lane.open()).outcome is Outcome.UNCERTAIN
    assert posts == 1
