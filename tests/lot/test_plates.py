"""Plates that a camera reads before, after or instead of a scan."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from lot.conftest import NewParking
from support.databases.troubled import TroubledDatabase
from support.lot.barrier import Mode
from support.lot.parking import BY, LOT_ID, SEES_ALL, Parking, lot_with
from taigan.barriers.barrier import Event, EventKind, LaneKey
from taigan.lot.entering.scan import Word
from taigan.lot.errors import BadValue
from taigan.lot.lanes.lanes import STORE_AGAIN
from taigan.lot.plates import nobody_asks
from taigan.lot.setup import LaneSetup
from taigan.storage.database import Database

PLATE = "浙A12345"


async def read_plate(street: Parking, car: str, plate: str = PLATE, channel_id: str = "A1") -> None:
    """The camera reads a plate, and what comes of it has come."""
    event = await street.barrier(channel_id).report(EventKind.PLATE, car, plate=plate)
    await street.barrier(channel_id).repeat(event)
    await street.settled()


async def test_a_plate_lets_its_car_in_with_a_plain_entry_for_bolink(street: Parking) -> None:
    car = await street.arrives()
    await read_plate(street, car)
    order = await street.order(PLATE)
    assert (order.state, order.origin, order.plate, street.barrier().lifts) == ("in", "plate", PLATE, 1)
    await street.deliver()
    entry = street.bolink.of("3.1")[0].data
    assert (entry["car_number"], entry["car_cost_type"]) == (PLATE, 1)


async def test_camera_already_opened_an_order_with_a_plate_for_this_car_so_the_scan_is_refused(street: Parking) -> None:
    car = await street.arrives()
    await read_plate(street, car)
    assert (await street.scan()).said == (0, "已识别车牌，请直接通行")
    assert [order.licence for order in await street.orders()] == [PLATE]


async def test_a_plate_read_after_the_scan_joins_the_order(street: Parking) -> None:
    car = await street.enters()
    await read_plate(street, car)
    order = await street.order()
    assert (order.plate, order.origin, street.barrier().lifts) == (PLATE, "scan", 1)
    assert [event.event for event in (await street.history(order)).events].count("plate read") == 1
    assert len(await street.orders()) == 1


@pytest.mark.parametrize("plates", [("浙A12345", "浙A12345"), ("浙A12345", "京B00001"), ("京B00001", "浙A12345")])
async def test_the_order_of_a_scan_has_the_plate_that_was_read_last_and_each_is_noted_once(
    street: Parking, plates: tuple[str, str]
) -> None:
    await street.enters()
    for plate in plates:
        street.clock.advance(1)
        said = await street.platform.plates.posted(LaneKey(LOT_ID, "A1"), plate, "")
        assert (said.state, said.errmsg) == (1, "入场成功")
    order = await street.order()
    assert order.plate == plates[-1]
    read = [event.detail for event in (await street.history(order)).events if event.event == "plate read"]
    assert read == list(dict.fromkeys(plates))


async def test_another_plate_for_the_order_of_a_plate_changes_nothing(street: Parking) -> None:
    car = await street.arrives()
    await read_plate(street, car)
    await street.platform.plates.posted(LaneKey(LOT_ID, "A1"), "京B00001", car)
    assert [(order.licence, order.plate) for order in await street.orders()] == [(PLATE, PLATE)]


async def test_a_plate_that_joins_while_the_arm_is_being_raised_is_told_so(street: Parking) -> None:
    street.barrier().mode = Mode.HELD
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    said = await street.platform.plates.posted(LaneKey(LOT_ID, "A1"), PLATE, car)
    assert (said.state, said.errmsg) == (2, "正在抬杆，请稍候")
    street.barrier().go_on()
    assert (await scanning).state == 1


async def test_a_plate_read_while_the_arm_is_being_raised_joins_the_order(street: Parking) -> None:
    street.barrier().mode = Mode.HELD
    car = await street.arrives()
    scanning = asyncio.create_task(street.scan())
    await street.barrier().commanded()
    await street.barrier().report(EventKind.PLATE, car, plate=PLATE)
    street.barrier().go_on()
    assert (await scanning).state == 1
    await street.settled()
    assert ((await street.order()).plate, (await street.order()).state) == (PLATE, "in")


async def test_a_plate_that_is_read_before_its_car_reaches_the_loop_waits_for_it(street: Parking) -> None:
    await street.barrier().report(EventKind.PLATE, "", plate=PLATE)
    await street.clock.waited_for(3.0)
    await street.arrives()
    await street.settled()
    assert (await street.order(PLATE)).state == "in"


async def test_a_plate_in_a_lane_that_the_arms_position_confirms_is_in_when_it_is_up(new_parking: NewParking) -> None:
    street = await new_parking(
        lots=[lot_with(lanes=[LaneSetup(channel_id="A1", confirm="position", barrier=SEES_ALL)])]
    )
    car = await street.arrives()
    await street.barrier().report(EventKind.PLATE, car, plate=PLATE)
    await street.barrier().commanded()
    await street.barrier().report(EventKind.UP)
    await street.settled()
    assert (await street.order(PLATE)).state == "in"


@pytest.mark.parametrize("plate", ["", " ", "_无_", "无牌车"])
async def test_a_plate_that_is_none_opens_no_order(street: Parking, plate: str) -> None:
    car = await street.arrives()
    await read_plate(street, car, plate)
    assert not await street.orders()


async def test_a_plate_at_an_exit_lane_opens_no_order(street: Parking) -> None:
    car = await street.arrives("B1")
    await read_plate(street, car, channel_id="B1")
    assert not await street.orders()


async def test_a_plate_needs_no_sms_check_and_is_not_counted_as_a_scan(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(sms_check=True)])
    car = await street.arrives()
    await read_plate(street, car)
    assert (await street.order(PLATE)).state == "in"


@pytest.mark.parametrize("plate", ["粤B12345", "粤b12345", "粤Ｂ１２３４５", "粤B·12345", " 粤B 12345"])
async def test_a_listed_plate_is_refused_however_it_is_spelled(street: Parking, plate: str) -> None:
    await street.attendant.block(LOT_ID, "licence", "粤b·12345", BY)
    car = await street.arrives()
    said = await street.platform.plates.posted(LaneKey(LOT_ID, "A1"), plate, car)
    assert (said.state, street.barrier().lifts) == (0, 0)


@pytest.mark.parametrize("plate", ["粤B1\x002345", "粤" * 17])
async def test_what_cannot_be_on_a_car_makes_no_order(street: Parking, plate: str) -> None:
    car = await street.arrives()
    await read_plate(street, car, plate)
    with pytest.raises(BadValue) as refused:
        await street.platform.plates.posted(LaneKey(LOT_ID, "A1"), plate, car)
    assert refused.value.field == "plate"
    assert (await street.orders(), street.barrier().lifts) == ([], 0)


async def test_a_plate_of_a_car_that_has_gone_raises_nothing_for_the_one_that_stands_there(street: Parking) -> None:
    await street.arrives(presence_id="new-car")
    barrier = street.barrier()
    old = street.clock.now() - timedelta(hours=1)
    await barrier._sink(Event("plate-1", barrier.lane, EventKind.PLATE, old, "old-car", "粤B12345"))
    await street.settled()
    assert (barrier.lifts, await street.orders()) == (0, [])


@pytest.fixture
def slow(database: Database) -> TroubledDatabase:
    return TroubledDatabase(database)


async def undecided(street: Parking, slow: TroubledDatabase) -> str:
    """A car whose plate was read, and then the database was gone."""

    async def goes_away(lot_id: str, plate: str) -> Word:
        slow.gone = True
        return Word()

    street.platform.plates.check_city = goes_away
    car = await street.arrives()
    await street.barrier().report(EventKind.PLATE, car, plate=PLATE)
    await street.clock.waited_for(STORE_AGAIN)
    street.platform.plates.check_city = nobody_asks
    slow.gone = False
    return car


async def test_a_plate_of_which_nothing_could_be_decided_lets_its_car_in_once_the_database_is_back(
    new_parking: NewParking, slow: TroubledDatabase
) -> None:
    street = await new_parking(on=slow)
    await undecided(street, slow)
    assert street.barrier().lifts == 0
    street.clock.advance(STORE_AGAIN)
    await street.settled()
    assert ((await street.order(PLATE)).state, street.barrier().lifts) == ("in", 1)


async def test_a_plate_of_which_nothing_could_be_decided_is_forgotten_once_another_car_stands_there(
    new_parking: NewParking, slow: TroubledDatabase
) -> None:
    street = await new_parking(on=slow)
    await street.backs_out(await undecided(street, slow))
    await street.arrives()
    street.clock.advance(STORE_AGAIN)
    await street.settled()
    assert (street.barrier().lifts, await street.orders()) == (0, [])


async def test_a_plate_that_joins_an_order_which_waits_for_the_attendant_is_not_told_that_it_is_in(
    street: Parking,
) -> None:
    car = await street.arrives("A3")
    await street.scan("EA47829", "A3")
    said = await street.platform.plates.posted(LaneKey(LOT_ID, "A3"), "粤B12345", car)
    assert (said.state, said.errmsg) == (2, "请等待管理员放行")
