"""A database that is late: whoever is told that the lot is busy is served the next time, and who has paid is let go."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.databases.troubled import TroubledDatabase
from support.lot.exits import EXIT, PLATE, ask_price, at_exit, bill, leaves, parked, pay_at_exit, with_tariff
from support.lot.parking import BY, KEY, LOT_ID, Parking, in_time
from taigan import bolink
from taigan.barriers.barrier import EventKind, LaneKey
from taigan.lot import texts
from taigan.lot.lanes.lanes import STORE_AGAIN
from taigan.lot.people.exit_acts import LetGo
from taigan.storage import tables as t
from taigan.storage.database import Database

OTHER = "浙B54321"
CUT_OFF = 4.25
"""Seconds after which BoLink is answered, whatever the database does."""


@pytest.fixture
def slow(database: Database) -> TroubledDatabase:
    return TroubledDatabase(database)


@pytest.fixture
async def street(slow: TroubledDatabase, new_parking: NewParking) -> Parking:
    street = await new_parking(on=slow)
    await with_tariff(street)
    return street


def sent(street: Parking, service_name: str, **data: Any) -> asyncio.Task[tuple[int, bytes]]:
    """BoLink's message, on its way."""

    async def answer() -> tuple[int, bytes]:
        text = json.dumps({"service_name": service_name, "park_id": "7", **data}).encode()
        answered = await street.platform.callbacks.answer(bolink.seal(text, KEY))
        return answered.status, bytes(answered.body)

    return asyncio.create_task(answer())


async def cut_off(street: Parking, message: asyncio.Task[tuple[int, bytes]], after: float = CUT_OFF) -> tuple[int, Any]:
    """What BoLink is told when its time is over."""
    await street.clock.waited_for(after)
    street.clock.advance(after)
    ((status, body),) = await in_time(message)
    return status, json.loads(body)["errmsg"] if body else ""


def busy(street: Parking) -> asyncio.Task[None]:
    """Something is committed first, and takes its time."""
    return asyncio.create_task(street.platform.leaving.read_plate(LaneKey(LOT_ID, EXIT), PLATE))


async def test_who_is_told_busy_before_anybody_looked_is_served_when_he_scans_again(
    street: Parking, slow: TroubledDatabase
) -> None:
    await parked(street)
    await at_exit(street)
    await street.platform.keyring.refresh()
    slow.hang()
    first = busy(street)
    await slow.holds()
    scan = {"pay_scene": 1, "out_channel_id": EXIT, "query_order_no": "Q-late"}
    assert await cut_off(street, sent(street, "query_price", **scan)) == (200, texts.BUSY)
    slow.go_on()
    await in_time(first)
    await street.settled()
    assert await street.row(sa.select(t.quotes.c.quote_no)) == []  # nobody works for who has gone away
    again = await ask_price(street, number="Q-late")
    assert (again["state"], again["price"]) == (1, "6.00")


async def test_a_driver_who_owes_nothing_and_is_told_busy_is_let_go_when_he_scans_again(
    street: Parking, slow: TroubledDatabase
) -> None:
    await parked(street, hours=0.2)
    car = await at_exit(street, "")
    await street.platform.keyring.refresh()
    slow.answer_late()
    scan = {"pay_scene": 1, "out_channel_id": EXIT, "licence": PLATE, "query_order_no": "Q-late"}
    asking = sent(street, "query_price", **scan)
    await slow.holds()
    assert await cut_off(street, asking) == (200, texts.BUSY)
    slow.go_on()
    await street.settled()
    assert street.barrier(EXIT).lifts == 0  # it was past its deadline when the commit was heard of
    again = await ask_price(street, licence=PLATE)
    assert (again["state"], again["price"], street.barrier(EXIT).lifts) == (1, "0.00", 1)
    await leaves(street, car)
    assert (await street.order(PLATE)).state == "out"


async def test_a_payment_that_is_kept_after_its_answer_lets_its_car_go_at_once(
    street: Parking, slow: TroubledDatabase
) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await street.platform.keyring.refresh()
    slow.answer_late()
    first = busy(street)
    await slow.holds()
    paid = {
        "order_id": order.order_id,
        "trade_no": "T1",
        "pay_type": "scancode",
        "out_channel_id": EXIT,
        "total": "6.00",
    }
    message = sent(street, "outpark", state=1, pay_time=int(street.clock.now().timestamp()), **paid)
    await street.clock.waited_for(CUT_OFF)
    street.clock.advance(3)
    slow.go_on()
    slow.answer_late()
    await in_time(first)
    await slow.holds()
    assert await cut_off(street, message, CUT_OFF - 3) == (503, "")
    slow.go_on()
    await street.settled()
    assert street.barrier(EXIT).lifts == 1
    assert (await pay_at_exit(street, order.order_id, "6.00", trade_no="T1"))[0] == 200
    assert street.barrier(EXIT).lifts == 1
    await leaves(street, car)
    assert (await street.order(PLATE)).state == "out"


async def test_a_plate_that_is_read_after_a_person_let_its_car_go_ends_the_stay_it_stands_for(street: Parking) -> None:
    order = await parked(street)
    free = await street.free()
    car = await at_exit(street, "")
    await let_go(street)
    await street.barrier(EXIT).report(EventKind.PLATE, car, plate=PLATE)
    await street.settled()
    await leaves(street, car)
    left = await street.order(PLATE)
    assert (left.state, left.review, await street.free()) == ("out", "left owing", free + 1)
    assert (await bill(street, order)).balance_fen == 600
    assert street.barrier(EXIT).lifts == 1
    history = await street.history(left)
    assert ("released", BY.operator, BY.reason) in [(one.event, one.actor, one.detail) for one in history.events]
    assert "passed_without_order" not in await street.alarm_kinds()


async def test_of_a_car_that_was_let_go_a_later_reading_of_another_plate_says_nothing(street: Parking) -> None:
    await parked(street)
    await parked(street, OTHER, hours=0)
    car = await at_exit(street, PLATE[:-1] + "9")
    await let_go(street)
    await street.barrier(EXIT).report(EventKind.PLATE, car, plate=OTHER)
    await street.settled()
    await leaves(street, car)
    assert [(await street.order(plate)).state for plate in (PLATE, OTHER)] == ["in", "in"]


async def test_a_plate_is_kept_before_its_lane_tells_that_the_car_drove_out(
    street: Parking, slow: TroubledDatabase
) -> None:
    await parked(street, hours=0.2)
    car = await street.arrives(EXIT)
    slow.gone = True
    barrier = street.barrier(EXIT)
    reading = asyncio.create_task(barrier.report(EventKind.PLATE, car, plate=PLATE))
    await street.clock.waited_for(STORE_AGAIN)
    assert not reading.done()  # a device that keeps what is not taken keeps it
    slow.gone = False
    street.clock.advance(STORE_AGAIN)
    await in_time(reading)
    await leaves(street, car)
    assert (await street.order(PLATE)).state == "out"


async def test_a_plate_whose_car_reaches_the_loop_while_the_database_is_gone_is_looked_up_once_it_is_back(
    street: Parking, slow: TroubledDatabase
) -> None:
    await parked(street, hours=0.2)
    await street.barrier(EXIT).report(EventKind.PLATE, "", plate=PLATE)
    slow.gone = True
    await street.clock.waited_for(street.platform.policy.presence_grace)
    street.clock.advance(street.platform.policy.presence_grace)
    await street.clock.waited_for(STORE_AGAIN)
    slow.gone = False
    car = await street.arrives(EXIT)
    street.clock.advance(STORE_AGAIN)
    await street.settled()
    await leaves(street, car)
    assert ((await street.order(PLATE)).state, street.barrier(EXIT).lifts) == ("out", 1)


async def let_go(street: Parking) -> None:
    """A person raises the arm for whoever stands at the exit."""
    lane = LaneKey(LOT_ID, EXIT)
    picture = street.platform.leaving.picture(lane)
    await street.platform.leaving.do(LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture, unpaid="owed"))
    await street.settled()
