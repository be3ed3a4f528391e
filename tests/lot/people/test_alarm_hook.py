"""Alarms posted to an address of the operator's own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from support.clock import PATIENCE, ManualClock
from support.lot.parking import Parking
from taigan.barriers.barrier import EventKind
from taigan.bolink.errors import Unreachable
from taigan.lot.people.alarms.hook import FIRST_PAUSE, KEPT, AlarmHook
from taigan.storage.rows import Alarm


class ControlRoom:
    """Takes what is posted, after so many failures."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.posted: list[dict[str, Any]] = []
        self.tried = asyncio.Event()
        self.took = asyncio.Event()

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        self.tried.set()
        if self.failures:
            self.failures -= 1
            if self.failures % 2:
                raise Unreachable("no way there")
            return 500, b""
        self.posted.append(json.loads(body))
        self.took.set()
        return 200, b""


def alarm(text: str = "the barrier reports a fault") -> Alarm:
    return Alarm("200002-7", "A1", "", ManualClock().now(), "barrier_fault", text)


async def test_an_alarm_is_posted_with_lot_lane_time_kind_and_text(street: Parking) -> None:
    room = ControlRoom()
    hook = AlarmHook("http://control.room", room, street.clock)
    street.platform.lanes.when_alarmed = hook.take
    await street.barrier().report(EventKind.FAULT, detail="motor blocked")
    await asyncio.wait_for(room.took.wait(), PATIENCE)
    assert room.posted == [
        {
            "lot_id": "200002-7",
            "channel_id": "A1",
            "order_id": "",
            "at": "2026-05-04T04:00:00Z",
            "kind": "barrier_fault",
            "text": "motor blocked",
            "state": "open",
        }
    ]
    await hook.stop()


async def test_what_is_not_taken_is_posted_again_after_a_growing_pause() -> None:
    clock, room = ManualClock(), ControlRoom(failures=2)
    hook = AlarmHook("http://control.room", room, clock)
    hook.take(alarm())
    await clock.waited_for(FIRST_PAUSE)
    clock.advance(FIRST_PAUSE)
    await clock.waited_for(FIRST_PAUSE * 2)
    clock.advance(FIRST_PAUSE * 2)
    await asyncio.wait_for(room.took.wait(), PATIENCE)
    assert len(room.posted) == 1


async def test_while_the_address_is_away_the_newest_are_kept() -> None:
    clock, room = ManualClock(), ControlRoom(failures=1)
    hook = AlarmHook("http://control.room", room, clock)
    hook.take(alarm("first"))
    await asyncio.wait_for(room.tried.wait(), PATIENCE)
    for number in range(KEPT + 10):
        hook.take(alarm(f"alarm {number}"))
    await clock.waited_for(FIRST_PAUSE)
    clock.advance(FIRST_PAUSE)
    async with asyncio.timeout(PATIENCE):
        while len(room.posted) < KEPT + 1:
            await asyncio.sleep(0)
    assert room.posted[-1]["text"] == f"alarm {KEPT + 9}"
    await hook.stop()


@pytest.mark.parametrize("online", [True, False])
async def test_metrics_count_barriers_by_whether_they_answer(street: Parking, online: bool) -> None:
    for lane in ("A1", "A2", "A3", "A4", "B1"):
        street.barrier(lane).state.online = online
    value = street.platform.metrics.registry.get_sample_value("taigan_barriers", {"state": "online"})
    assert value == (5 if online else 0)
