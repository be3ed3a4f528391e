"""Many at once: the same message, two phones, a rush for the last spaces, a bad row among good ones."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest

from lot.conftest import NewParking
from support.lot.parking import LOT_ID, SEES_ALL, Parking, in_time, lot_with
from taigan.barriers.barrier import EventKind
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t

WIDE = [LaneSetup(channel_id=f"A{number:03d}", barrier=SEES_ALL) for number in range(200)]


async def test_50_times_the_same_message_at_once_raise_once_and_all_get_one_answer(street: Parking) -> None:
    await street.arrives()
    text = street.message()
    said = await in_time(*(street.send(text) for _ in range(50)))
    assert len({answer.body for answer in said}) == 1
    assert said[0].said == (1, "入场成功")
    assert street.barrier().lifts == 1
    assert len(await street.orders()) == 1
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


async def test_50_times_the_same_message_at_once_over_two_processes_raise_once(new_parking: NewParking) -> None:
    one = await new_parking()
    other = await new_parking(clock=one.clock, process="q")
    await one.arrives(presence_id="car")
    await other.arrives(presence_id="car")
    text = one.message()
    sending = [asyncio.create_task(each.send(text)) for _ in range(25) for each in (one, other)]
    await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    while not all(each.done() for each in sending):  # the process that came second looks for the first one's answer
        looking = asyncio.create_task(one.clock.waited_for(0.1))
        await asyncio.wait([looking, *sending[:2]], return_when=asyncio.FIRST_COMPLETED, timeout=0.1)
        one.clock.advance(0.1 if looking.done() else 0)
        looking.cancel()
    answers = [each.result() for each in sending]
    assert {answer.said for answer in answers} == {(1, "入场成功")}
    assert len({answer.body for answer in answers}) == 1
    assert one.barrier().lifts + other.barrier().lifts == 1
    assert len(await one.orders()) == 1


async def test_two_phones_at_one_lane_at_once_the_first_is_let_in_the_other_is_told_to_wait(street: Parking) -> None:
    await street.arrives()
    said = await in_time(street.scan("AAAAAAA"), street.scan("BBBBBBB"))
    assert [answer.said for answer in said] == [(1, "入场成功"), (0, "车道正在处理其他车辆，请稍候")]
    assert street.barrier().lifts == 1
    await street.deliver()
    assert len(street.bolink.of("3.1")) == 1


async def test_two_phones_at_one_lane_at_once_both_waiting_for_the_car(street: Parking) -> None:
    scanning = asyncio.create_task(in_time(street.scan("AAAAAAA"), street.scan("BBBBBBB")))
    await street.clock.waited_for(3.0)
    await street.arrives()
    assert sorted(answer.state for answer in await scanning) == [0, 1]
    assert street.barrier().lifts == 1


async def test_two_phones_at_one_lane_at_once_over_two_processes(new_parking: NewParking) -> None:
    one = await new_parking()
    other = await new_parking(clock=one.clock, process="q")
    await one.arrives(presence_id="car")
    said = await in_time(one.scan("AAAAAAA"), other.scan("BBBBBBB"))
    assert sorted(answer.state for answer in said) == [0, 1]
    assert one.barrier().lifts + other.barrier().lifts == 1


async def test_one_driver_in_two_lanes_at_once_is_let_in_by_one(street: Parking) -> None:
    await street.arrives("A1")
    await street.arrives("A2")
    said = await in_time(street.scan("EA47829", "A1"), street.scan("EA47829", "A2"))
    assert sorted(answer.state for answer in said) == [0, 1]
    assert street.barrier("A1").lifts + street.barrier("A2").lifts == 1


async def test_200_entries_at_once_into_a_lot_with_50_spaces_let_in_50(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(spaces=50, lanes=WIDE)])
    await in_time(*(street.arrives(lane.channel_id) for lane in WIDE))
    said = await in_time(*(street.scan(f"CAR{n:04d}", lane.channel_id) for n, lane in enumerate(WIDE)))
    assert Counter(answer.said for answer in said) == {(1, "入场成功"): 50, (0, "车位已满"): 150}
    assert await street.free() == 0
    assert Counter(order.state for order in await street.orders()) == {"in": 50}
    plots = [json.loads(delivery.payload)["empty_plot"] for delivery in await street.deliveries()]
    assert min(plots) == 0
    assert max(plots) < 50  # each after its own car was counted


async def test_100_entries_at_once_over_two_processes_fill_the_lot_and_no_more(new_parking: NewParking) -> None:
    lots = [lot_with(spaces=10, lanes=WIDE[:40])]
    one = await new_parking(lots=lots)
    other = await new_parking(lots=lots, clock=one.clock, process="q")
    await in_time(*(one.arrives(lane.channel_id) for lane in WIDE[:40]))
    said = await in_time(
        *((one, other)[n % 2].scan(f"CAR{n:04d}", lane.channel_id) for n, lane in enumerate(WIDE[:40]))
    )
    assert Counter(answer.state for answer in said) == {1: 10, 0: 30}
    assert await one.free() == 0


async def test_cars_that_back_out_all_at_once_give_back_every_space(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(spaces=50, lanes=WIDE[:30])])
    cars = await in_time(*(street.arrives(lane.channel_id) for lane in WIDE[:30]))
    await in_time(*(street.scan(f"CAR{n:04d}", lane.channel_id) for n, lane in enumerate(WIDE[:30])))
    assert await street.free() == 20
    await in_time(*(street.backs_out(car, lane.channel_id) for car, lane in zip(cars, WIDE[:30], strict=True)))
    assert await street.free() == 50
    assert Counter(order.state for order in await street.orders()) == {"void": 30}


@pytest.mark.parametrize("kind", [EventKind.PASSED, EventKind.BACKED_OUT, EventKind.SECOND_CAR, EventKind.FAULT])
async def test_an_event_told_20_times_at_once_changes_what_it_changes_once(street: Parking, kind: EventKind) -> None:
    car = await street.enters()
    street.clock.advance(1)
    event = await street.barrier().report(kind, "second" if kind is EventKind.SECOND_CAR else car)
    before = (await street.orders(), await street.free(), await street.alarm_kinds())
    await in_time(*(street.barrier().repeat(event) for _ in range(20)))
    assert (await street.orders(), await street.free(), await street.alarm_kinds()) == before


async def test_a_message_with_a_text_that_no_database_holds_fails_alone(street: Parking) -> None:
    await street.arrives("A1")
    await street.arrives("A2")
    good = street.message("AAAAAAA", "A1")
    bad = street.message("BBBBBBB", "A2", pay_user_id="\ud800")
    said = await in_time(street.send(good), street.send(bad))
    assert said[0].said == (1, "入场成功")
    assert said[1].state == 0
    assert {row.lot_id for row in await street.row(t.inbox.select())} == {LOT_ID}
