"""What is told of an entry while it happens, to the pages that show it, and what is counted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lot.conftest import NewParking
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT_ID, Parking, in_time, lot_with
from taigan.barriers.barrier import EventKind
from taigan.storage.rows import Alarm

Listener = asyncio.Queue[dict[str, Any] | None]


def heard(listener: Listener, *steps: str) -> list[dict[str, Any]]:
    """What a listener has heard of these kinds, without the lot, and without times that stand still."""
    found = [step for step in (listener.get_nowait() for _ in range(listener.qsize())) if step is not None]
    assert {step["lot_id"] for step in found} <= {LOT_ID}
    return [{name: step[name] for name in step if name != "lot_id"} for step in found if step["step"] in steps]


async def test_an_entry_is_told_step_by_step(street: Parking) -> None:
    async with street.platform.events.subscribe(LOT_ID) as listener:
        car = await street.arrives()
        at = street.clock.now()
        assert (await street.scan()).state == 1
        order = await street.order()
        [lift] = await street.lifts()
        await street.barrier().report(EventKind.RISING)
        about = {"channel_id": "A1", "at": at}
        driver = about | {"car_number": "EA47829"}
        told = heard(listener, "lane", "received", "decided", "lift", "entry")
        signature = told[1].pop("signature")
        assert signature in ("raw", "compact")
        rising = told.pop()
        assert (rising["step"], rising["kind"], rising["channel_id"]) == ("lane", "rising", "A1")
        assert told == [
            about | {"step": "lane", "kind": "arrived", "presence_id": car, "event_id": f"{car}/arrived"},
            driver | {"step": "received"},
            driver | {"step": "decided", "order_id": order.order_id, "next": "raise", "state": 2},
            about
            | {
                "step": "lift",
                "order_id": order.order_id,
                "lift_id": lift.lift_id,
                "outcome": "accepted",
                "reason": "",
            },
            driver
            | {
                "step": "entry",
                "order_id": order.order_id,
                "state": 1,
                "lift_id": lift.lift_id,
                "outcome": "accepted",
                "reason": "",
                "seconds": 0.0,
            },
        ]


async def test_a_refusal_is_told_without_an_order_or_a_lift(street: Parking) -> None:
    async with street.platform.events.subscribe(LOT_ID) as listener:
        assert (await street.scan("EA47829", "A9")).state == 0
        decided, entry = heard(listener, "decided", "lift", "entry")
        assert (decided["order_id"], decided["next"], decided["state"]) == ("", "answer", 0)
        assert (entry["order_id"], entry["lift_id"], entry["outcome"], entry["reason"]) == ("", "", "", "")
        assert (entry["state"], entry["channel_id"], entry["seconds"]) == (0, "A9", 0.0)


async def test_an_entry_tells_how_long_it_took_and_why_the_arm_did_not_rise(street: Parking) -> None:
    street.barrier().mode = Mode.HELD_FAULT
    await street.arrives()
    async with street.platform.events.subscribe(LOT_ID) as listener:
        scanning = asyncio.create_task(street.scan())
        await street.barrier().commanded()
        street.clock.advance(1.23456)
        street.barrier().go_on()
        await in_time(scanning)
        lift, entry = heard(listener, "lift", "entry")
        assert (lift["outcome"], lift["reason"]) == ("rejected", "the arm is blocked")
        assert (entry["outcome"], entry["reason"]) == ("rejected", "the arm is blocked")
        assert entry["seconds"] == 1.2346
        assert entry["state"] == 0


async def test_a_lift_by_hand_is_told_without_an_order(street: Parking) -> None:
    async with street.platform.events.subscribe(LOT_ID) as listener:
        await street.attendant.open(LOT_ID, "A1", BY)
        [lift] = heard(listener, "lift")
        assert (lift["order_id"], lift["outcome"]) == ("", "accepted")


async def test_where_nobody_listens_an_entry_goes_on_all_the_same(street: Parking) -> None:
    await street.enters()
    async with street.platform.events.subscribe(LOT_ID) as listener:
        assert listener.qsize() == 0


async def test_an_alarm_of_a_lot_is_told_there_and_one_of_no_lot_everywhere(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(), lot_with(park_id="9")])
    lanes, at = street.platform.lanes, street.clock.now()
    async with street.platform.events.subscribe() as listener:
        lanes.alarm(Alarm(LOT_ID, "A1", "o1", at, "stayed", "a car stays"))
        lanes.alarm(Alarm("", "", "", at, "disk", "it is full"))
        told = [listener.get_nowait() for _ in range(listener.qsize())]
        assert [(step["lot_id"], step["kind"]) for step in told if step] == [
            (LOT_ID, "stayed"),
            ("200002-7", "disk"),
            ("200002-9", "disk"),
        ]
        assert told[0] is not None
        assert told[0]["step"] == "alarm"
        assert (told[0]["channel_id"], told[0]["order_id"], told[0]["text"]) == ("A1", "o1", "a car stays")
        assert told[0]["at"] == at
    assert street.metric("taigan_alarms_total", kind="stayed") == 1


@pytest.mark.parametrize("tell", [False, True])
async def test_what_became_of_an_alarm_is_shown_and_posted_only_where_it_is_to_be(street: Parking, tell: bool) -> None:
    lanes, posted = street.platform.lanes, list[Alarm]()
    lanes.when_alarmed = posted.append
    alarm = Alarm(LOT_ID, "A1", "", street.clock.now(), "stayed", "a car stays")
    async with street.platform.events.subscribe() as listener:
        lanes.alarm_changed(alarm, tell=tell)
        assert [step["kind"] for step in heard(listener, "alarm_changed")] == ["stayed"]
    assert posted == ([alarm] if tell else [])
    assert street.metric("taigan_alarms_total", kind="stayed") == 0
    lanes.alarm_changed(alarm)
    assert len(posted) == tell


async def test_lifts_are_counted_once_by_cause_and_outcome(street: Parking) -> None:
    await street.enters()
    await street.attendant.open(LOT_ID, "A2", BY)
    assert street.metric("taigan_lifts_total", cause="scan", outcome="accepted") == 1
    assert street.metric("taigan_lifts_total", cause="manual", outcome="accepted") == 1
    assert street.metric("taigan_lifts_total", cause="scan", outcome="rejected") == 0


async def test_the_time_from_a_scan_to_its_answer_is_measured(street: Parking) -> None:
    street.barrier().mode = Mode.HELD
    await street.arrives()
    street.clock.advance(100)
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    street.clock.advance(1.5)
    street.barrier().go_on()
    await in_time(scanning)
    assert street.metric("taigan_entry_seconds_count") == 1
    assert street.metric("taigan_entry_seconds_sum") == pytest.approx(1.5)
    assert street.metric("taigan_commit_seconds_count", commit="admit") == 1
    assert street.metric("taigan_commit_seconds_sum", commit="admit") == pytest.approx(0)
    assert street.metric("taigan_commit_seconds_count", commit="settle") == 1
    assert street.metric("taigan_commit_seconds_sum", commit="settle") == pytest.approx(0)


async def test_barriers_are_counted_by_whether_they_answer(street: Parking) -> None:
    for channel_id in ("A1", "A2", "B1"):
        street.barrier(channel_id).state.online = False
    assert street.metric("taigan_barriers", state="online") == 2
    assert street.metric("taigan_barriers", state="offline") == 3
