"""What time alone brings about at the exits."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.lot.exits import (
    EXIT,
    PLATE,
    ask_price,
    at_exit,
    bill,
    departure,
    exits_told,
    leaves,
    parked,
    pay_at_exit,
    with_tariff,
)
from support.lot.parking import BY, LOT_ID, Parking, lot_with
from taigan.lot.leaving.hours import SET_ASIDE_FOR
from taigan.lot.people.exit_acts import LetGo
from taigan.lot.policy import OfflineExit, Policy
from taigan.storage import tables as t


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def let_go(street: Parking, unpaid: str) -> None:
    """A person raises the arm at the exit."""
    lot = await street.lot()
    picture = street.platform.leaving.pictures(lot.lot_id)[EXIT]
    act = LetGo(lot_id=lot.lot_id, channel_id=EXIT, by=BY, picture=picture, unpaid=unpaid)
    await street.platform.leaving.do_and_raise(act)


async def bolink_is_down(street: Parking) -> None:
    street.bolink.reachable = False
    for _ in range(3):
        await street.platform.courier.look()
        await street.platform.courier.sent()
        street.clock.advance(400)


async def test_f14_nobody_comes_to_a_car_without_an_order_and_after_a_minute_it_is_told_once(street: Parking) -> None:
    await at_exit(street, "粤B99999")
    await street.watch(59)
    assert await street.alarm_kinds() == ["no_entry"]
    await street.watch(2)
    await street.watch(60)
    assert await street.alarm_kinds() == ["no_entry", "exit_unanswered"]


async def test_f14_a_car_whose_plate_nobody_reads_is_told_after_a_minute(street: Parking) -> None:
    await at_exit(street, "")
    await street.watch(61)
    assert await street.alarm_kinds() == ["exit_unanswered"]


async def test_f14_a_stay_that_cannot_be_priced_is_told_after_a_minute(street: Parking) -> None:
    await street.database.write(lambda conn: conn.exec_driver_sql("DELETE FROM price_lists"))
    await parked(street)
    await at_exit(street)
    await street.watch(61)
    assert await street.alarm_kinds() == ["not_priced", "exit_unanswered"]


async def test_a_car_that_owes_and_whose_driver_has_the_price_calls_nobody(street: Parking) -> None:
    await parked(street)
    await at_exit(street)
    await street.watch(90)
    assert await street.alarm_kinds() == []


async def test_f13_bolink_is_down_something_is_due_and_after_a_minute_a_person_is_told(street: Parking) -> None:
    await parked(street, hours=1)
    await bolink_is_down(street)
    await at_exit(street)
    await street.watch(61)
    await street.watch(1)
    assert (await street.alarm_kinds(), street.barrier(EXIT).lifts) == (["exit_offline"], 0)


async def test_f13_let_go_lets_the_car_out_and_what_it_owes_stays_owed(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(offline_exit=OfflineExit.LET_GO))
    await with_tariff(street)
    order = await parked(street, hours=1)
    await bolink_is_down(street)
    car = await at_exit(street)
    await street.watch(59)
    assert street.barrier(EXIT).lifts == 0
    await street.watch(2)
    await street.settled()
    assert street.barrier(EXIT).lifts == 1
    await leaves(street, car)
    left = await street.order(PLATE)
    assert (left.state, left.review, (await bill(street, order)).balance_fen) == ("out", "left owing", 400)


async def test_d26_a_car_that_stands_and_owes_for_half_an_hour_is_priced_anew_with_an_alarm(street: Parking) -> None:
    await parked(street)  # 3 h: 6 yuan
    car = await at_exit(street)
    first = (await departure(street, car)).charge_at
    await street.watch(29 * 60)
    assert (await departure(street, car)).charge_at == first
    await street.watch(2 * 60)
    await street.settled()
    moved = await departure(street, car)
    assert (moved.charge_at, street.barrier(EXIT).asked[-1].due_fen) == (street.clock.now(), 800)
    assert await street.alarm_kinds() == ["stayed"]
    assert (await ask_price(street))["price"] == "8.00"


async def test_d26_a_price_that_was_told_before_holds_for_whoever_pays_it_in_time(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    street.clock.advance(28 * 60)
    assert (await ask_price(street))["price"] == "6.00"
    await street.watch(3 * 60)
    await pay_at_exit(street, order.order_id, "6.00")
    assert (street.barrier(EXIT).lifts, (await bill(street, order)).balance_fen) == (1, 0)


async def test_d26_a_payment_under_way_moves_no_charge(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    first = (await departure(street, car)).charge_at
    await pay_at_exit(street, order.order_id, "6.00", state=2)
    await street.watch(31 * 60)
    assert (await departure(street, car)).charge_at == first


async def test_g14_what_is_owed_is_reported_by_itself_only_where_the_operator_set_it(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(escape_after=3600))
    await with_tariff(street)
    order = await parked(street)
    car = await at_exit(street)
    await let_go(street, "owed")
    await leaves(street, car)
    await street.watch(3599)
    assert await exits_told(street) == []
    await street.watch(2)
    (said,) = await exits_told(street)
    assert (said["pay_type"], said["total"], said["order_id"]) == ("escape", "6.00", order.order_id)
    await street.watch(3600)
    assert len(await exits_told(street)) == 1
    await pay_at_exit(street, order.order_id, "6.00")
    assert (len(await exits_told(street)), "paid_after_report" in await street.alarm_kinds()) == (1, True)


async def test_g14_nothing_is_reported_while_nobody_set_it(street: Parking) -> None:
    await parked(street)
    car = await at_exit(street)
    await let_go(street, "owed")
    await leaves(street, car)
    await street.watch(366 * 86400)
    assert await exits_told(street) == []


async def test_a_waived_stay_is_never_reported(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(escape_after=3600))
    await with_tariff(street)
    await parked(street)
    car = await at_exit(street)
    await let_go(street, "waived")
    await leaves(street, car)
    await street.watch(7200)
    assert [said["pay_type"] for said in await exits_told(street)] == ["cash"]


async def test_a_lot_where_something_cannot_be_brought_about_holds_up_no_other(new_parking: NewParking) -> None:
    street = await new_parking(lots=[lot_with(), lot_with(park_id="9")])
    other = lot_with(park_id="9").lot_id
    for lot_id in (LOT_ID, other):
        await street.arrives(EXIT, lot_id)
    broken = {"lot_id": LOT_ID, "at": street.clock.now(), "kind": "exit_unanswered", "text": "there already"}
    await street.database.write(lambda conn: conn.execute(sa.insert(t.alarms).values(broken)))
    once = sa.text("CREATE UNIQUE INDEX once ON alarms (lot_id, kind)")
    await street.database.write(lambda conn: conn.execute(once))
    await street.watch(61)
    await street.watch(1)
    assert await street.alarm_kinds(other) == ["exit_unanswered"]
    await street.database.write(lambda conn: conn.execute(sa.text("DROP INDEX once")))
    await street.watch(SET_ASIDE_FOR)
    assert await street.alarm_kinds() == ["exit_unanswered", "exit_unanswered"]
