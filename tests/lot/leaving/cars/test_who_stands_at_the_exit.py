"""Whose car stands at the exit, and whether it may leave without a person: the rules beside the price itself."""

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
from support.lot.parking import BY, LOT_ID, SEES_ALL, Parking, lot_with
from taigan.barriers.barrier import EventKind, Position
from taigan.lot import texts
from taigan.lot.leaving.room import Picture
from taigan.lot.people.exit_acts import LetGo, SetAmount
from taigan.lot.policy import MatchOneOff, Policy
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t
from taigan.storage.rows import Order

MISREAD = "浙A12845"  # a camera takes B for 8
LANES = (("A1", "entry"), ("B1", "exit"), ("B2", "exit"))
TRUE_PLATE = "浙A12B45"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def with_policy(new_parking: NewParking, policy: Policy) -> Parking:
    street = await new_parking(policy=policy)
    await with_tariff(street)
    return street


def lifts(street: Parking) -> int:
    return street.barrier(EXIT).lifts


async def changed(street: Parking, order: Order, **values: object) -> None:
    """The order's row is another one, as it is after an outage or an act that is long past."""
    where = t.orders.c.order_id == order.order_id
    await street.database.write(lambda conn: conn.execute(sa.update(t.orders).where(where).values(**values)))


@pytest.mark.parametrize(("hours", "asked"), [(24.0, True), (24.01, False)])
async def test_a_stay_that_is_longer_than_is_asked_for_waits_for_a_person(
    new_parking: NewParking, hours: float, asked: bool
) -> None:
    street = await with_policy(new_parking, Policy(ask_after=86400.0))
    await parked(street, hours=hours)
    await at_exit(street)
    assert (lifts(street), "stay_unusual" in await street.alarm_kinds()) == (0, not asked)
    assert (texts.STAY_UNUSUAL in street.barrier(EXIT).shown) is not asked
    assert bool(street.barrier(EXIT).asked) is asked


@pytest.mark.parametrize(("most", "asked"), [(0, True), (600, True), (599, False)])
async def test_a_price_that_is_higher_than_is_asked_for_waits_for_a_person(
    new_parking: NewParking, most: int, asked: bool
) -> None:
    street = await with_policy(new_parking, Policy(ask_above_fen=most))
    await parked(street)
    await at_exit(street)
    assert ("stay_unusual" in await street.alarm_kinds(), bool(street.barrier(EXIT).asked)) == (not asked, asked)


async def test_what_a_person_set_is_asked_for_however_unusual(new_parking: NewParking) -> None:
    street = await with_policy(new_parking, Policy(ask_above_fen=100))
    order = await parked(street)
    await street.platform.leaving.do(SetAmount(lot_id=LOT_ID, order_id=order.order_id, fen=400, by=BY))
    await at_exit(street)
    assert [price.due_fen for price in street.barrier(EXIT).asked] == [400]
    assert "stay_unusual" not in await street.alarm_kinds()


async def test_what_a_person_set_for_a_departure_ends_with_it_unless_it_was_paid(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await street.platform.leaving.do(SetAmount(lot_id=LOT_ID, order_id=order.order_id, fen=400, by=BY))
    await street.backs_out(car, EXIT)
    await street.settled()
    assert (await bill(street, order)).set_fen is None
    again = await at_exit(street)
    await street.platform.leaving.do(SetAmount(lot_id=LOT_ID, order_id=order.order_id, fen=400, by=BY))
    assert (await ask_price(street))["price"] == "4.00"
    await pay_at_exit(street, order.order_id, "4.00")
    await leaves(street, again)
    closed = await bill(street, order)
    assert (closed.set_fen, closed.charge_fen, closed.balance_fen) == (400, 400, 0)


async def test_an_entry_that_is_later_than_the_exit_is_a_persons_to_look_at(street: Parking) -> None:
    order = await parked(street)
    await changed(street, order, in_at=street.clock.now() + (street.clock.now() - order.requested_at))
    await at_exit(street)
    assert (lifts(street), await street.alarm_kinds()) == (0, ["time_unusual"])
    assert texts.TIMES_WRONG in street.barrier(EXIT).shown


@pytest.mark.parametrize("plate", ["浙A1234警", "粤应急123", "WJ01A123"])
async def test_cars_of_the_state_leave_free_at_first_sight(street: Parking, plate: str) -> None:
    car = await at_exit(street, plate)
    gone = await departure(street, car)
    assert (lifts(street), gone.released_by, gone.reason, gone.order_id) == (1, "rule", "公务车免费", "")


async def test_a_plate_that_nobody_let_in_and_no_rule_frees_waits_for_a_person(street: Parking) -> None:
    car = await at_exit(street, "浙A99999")
    assert (lifts(street), (await departure(street, car)).released_at) == (0, None)
    assert await street.alarm_kinds() == ["no_entry"]


async def test_in_an_emergency_every_car_goes_and_the_stay_of_a_plate_that_is_read_ends(street: Parking) -> None:
    order = await parked(street)
    await street.attendant.set_emergency(LOT_ID, True, BY)
    car = await at_exit(street)
    gone = await departure(street, car)
    assert (gone.released_by, gone.actor, gone.reason, gone.order_id) == (
        "rule",
        "emergency",
        "紧急放行",
        order.order_id,
    )
    assert texts.EMERGENCY_EXIT in street.barrier(EXIT).shown
    await leaves(street, car)
    assert (await street.order(PLATE)).state == "out"
    stranger = await departure(street, await at_exit(street, "浙A99999"))
    assert (stranger.released_by, stranger.order_id) == ("rule", "")
    assert "no_entry" not in await street.alarm_kinds()


async def test_whoever_stands_in_the_lane_of_a_car_that_is_found_elsewhere_is_asked_for_anew(
    new_parking: NewParking,
) -> None:
    lanes = [LaneSetup(channel_id=name, direction=way, barrier=SEES_ALL) for name, way in LANES]
    street = await new_parking(lots=[lot_with(lanes=lanes)])
    await with_tariff(street)
    order = await parked(street)
    first = await at_exit(street)
    await pay_at_exit(street, order.order_id, (await ask_price(street))["price"])
    assert lifts(street) == 1
    await at_exit(street, channel_id="B2")  # nobody saw it leave B1, and another car stands there now
    assert ((await departure(street, first)).ended_how, street.barrier("B2").lifts) == ("taken_over", 1)
    assert (await ask_price(street, scene=2, licence="NOBODY", order_id=""))["state"] == 0
    anew = await departure(street, first)
    assert (anew.order_id, anew.released_at, anew.ended_at) == ("", None, None)
    picture = Picture(online=True, position=Position.CLOSED)
    await street.platform.leaving.do(LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture))
    await street.settled()
    causes = sa.select(t.lifts.c.cause).where(t.lifts.c.presence_id == first).order_by(t.lifts.c.cause)
    assert await street.row(causes) == [("manual",), ("released",)]
    assert (await departure(street, first)).released_by == "person"


async def test_what_is_due_in_an_emergency_is_reduced_by_who_declared_it(street: Parking) -> None:
    order = await parked(street)
    await street.attendant.set_emergency(LOT_ID, True, BY)
    await leaves(street, await at_exit(street))
    closed = await bill(street, order)
    assert (closed.charge_fen, closed.reduced_fen, closed.waived_fen, closed.balance_fen) == (600, 600, 600, 0)
    reductions = await street.row(sa.select(t.reductions.c.source, t.reductions.c.actor, t.reductions.c.reason))
    assert reductions == [("emergency", BY.operator, "紧急放行")]
    told = (await exits_told(street))[0]
    assert (told["total"], told["reduce_amount"], told["freereasons"]) == ("0.00", "6.00", "紧急放行")
    assert "left_owing" not in await street.alarm_kinds()


async def test_in_an_emergency_what_cannot_be_priced_waits_for_a_person(new_parking: NewParking) -> None:
    street = await new_parking()  # without a price list
    order = await parked(street)
    await street.attendant.set_emergency(LOT_ID, True, BY)
    await leaves(street, await at_exit(street))
    assert (await bill(street, order)).waived_fen == 0
    assert "无法计费" in (await street.order(PLATE)).review


@pytest.mark.parametrize(
    ("match", "hours", "let_go"),
    [
        (MatchOneOff.OFF, 0.1, False),
        (MatchOneOff.OWES_NOTHING, 0.1, True),
        (MatchOneOff.OWES_NOTHING, 3.0, False),
        (MatchOneOff.ALWAYS, 0.1, True),
        (MatchOneOff.ALWAYS, 3.0, None),  # matched, and asked to pay
    ],
)
async def test_a_misread_plate_is_matched_as_the_operator_set_it(
    new_parking: NewParking, match: MatchOneOff, hours: float, let_go: bool | None
) -> None:
    street = await with_policy(new_parking, Policy(match_one_off=match))
    order = await parked(street, TRUE_PLATE, hours=hours)
    car = await at_exit(street, MISREAD)
    found = (await departure(street, car)).order_id
    assert (lifts(street), found) == (int(let_go is True), "" if let_go is False else order.order_id)
    assert ("no_entry" in await street.alarm_kinds()) is (let_go is False)
    review = (await street.order(TRUE_PLATE)).review
    assert review == ("" if let_go is False else f"one character off: {MISREAD}")


async def test_of_two_cars_that_a_reading_may_be_neither_is_taken(street: Parking) -> None:
    await parked(street, TRUE_PLATE, hours=0.05)
    await parked(street, "沪A12845", hours=0.05)
    car = await at_exit(street, MISREAD)
    assert (lifts(street), (await departure(street, car)).order_id) == (0, "")
    (alarm,) = await street.alarms()
    assert (alarm.kind, TRUE_PLATE in alarm.text, "沪A12845" in alarm.text) == ("no_entry", True, True)


@pytest.mark.parametrize(("hours", "let_go"), [(0.05, True), (3.0, False)])
async def test_of_two_open_orders_of_one_plate_the_older_goes_if_neither_owes_anything(
    street: Parking, hours: float, let_go: bool
) -> None:
    first = await parked(street, PLATE, hours=0.05)
    second = await parked(street, "浙A88888", hours=hours)
    await changed(street, second, plate=PLATE)
    car = await at_exit(street)
    assert (lifts(street), (await departure(street, car)).order_id) == (int(let_go), first.order_id if let_go else "")
    if let_go:
        row = await street.read(lambda conn: conn.execute(sa.select(t.orders.c.order_id, t.orders.c.review)).all())
        assert dict(map(tuple, row)) == {first.order_id: "two open orders of one plate", second.order_id: ""}


async def test_an_alarm_about_a_departure_is_raised_once_however_often_its_plate_is_read(street: Parking) -> None:
    car = await at_exit(street, "浙A99999")
    for plate in ("浙A99998", "浙A99999"):
        await street.barrier(EXIT).report(EventKind.PLATE, car, plate=plate)
        await street.settled()
    assert await street.alarm_kinds() == ["no_entry"]
    assert (await departure(street, car)).plate == "浙A99999"


async def test_a_second_car_of_one_order_takes_the_departure_over(street: Parking) -> None:
    order = await parked(street)
    first = await at_exit(street)
    await street.backs_out(first, EXIT)
    await street.settled()
    second = await at_exit(street)
    assert ((await departure(street, first)).ended_how, (await departure(street, second)).order_id) == (
        "backed_out",
        order.order_id,
    )
    assert await exits_told(street) == []
