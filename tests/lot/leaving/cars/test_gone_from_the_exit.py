"""How a car is gone from an exit: seen or not, let go or not, with a loop or without one; and what its lane shows."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.lot.barrier import Mode
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
from taigan.barriers.barrier import EventKind
from taigan.lot import texts
from taigan.lot.errors import Conflict
from taigan.lot.people.exit_acts import Correct, LetGo, Match
from taigan.lot.people.passes import AddPass
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t
from taigan.storage.rows import Order

OTHER = "粤B99999"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


@pytest.fixture
async def no_loop(new_parking: NewParking) -> Parking:
    """A lot whose exit has no detector."""
    lanes = [
        LaneSetup(channel_id="A1", barrier=SEES_ALL),
        LaneSetup(channel_id=EXIT, direction="exit", detector=False, barrier={"sight": "ack"}),
    ]
    street = await new_parking(lots=[lot_with(lanes=lanes)])
    await with_tariff(street)
    return street


async def read(street: Parking, plate: str) -> None:
    """A camera reads a plate at the exit that has no loop."""
    await street.barrier(EXIT).report(EventKind.PLATE, plate=plate)
    await street.settled()


async def let_go(street: Parking, unpaid: str = "") -> None:
    picture = street.platform.leaving.pictures(LOT_ID)[EXIT]
    act = LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture, unpaid=unpaid)
    await street.platform.leaving.do_and_raise(act)


async def departures(street: Parking) -> list[tuple[str, str]]:
    """Plates and how their departures ended, in order."""
    columns = t.departures.c.plate, t.departures.c.ended_how
    return [(plate, how) for plate, how in await street.row(sa.select(*columns).order_by(t.departures.c.presence_id))]


async def events(street: Parking, order: Order) -> list[tuple[str, str, str]]:
    return [(one.event, one.actor, one.detail) for one in (await street.history(order)).events]


# Without a loop


async def test_at_an_exit_without_a_loop_a_car_has_left_once_its_arm_was_raised(no_loop: Parking) -> None:
    await parked(no_loop, hours=0.1)
    await read(no_loop, PLATE)
    assert no_loop.barrier(EXIT).lifts == 1
    left = await no_loop.order(PLATE)
    assert (left.state, left.closed_why, await departures(no_loop)) == ("out", "left unseen", [(PLATE, "passed")])


async def test_at_an_exit_without_a_loop_the_arm_that_does_not_rise_is_told_and_the_stay_goes_on(
    no_loop: Parking,
) -> None:
    await parked(no_loop, hours=0.1)
    no_loop.barrier(EXIT).mode = Mode.FAULT
    await read(no_loop, PLATE)
    assert ((await no_loop.order(PLATE)).state, await departures(no_loop)) == ("in", [(PLATE, "")])
    assert no_loop.barrier(EXIT).shown[-1] == texts.SEE_ATTENDANT
    told = [one.text for one in await no_loop.alarms() if one.kind == "barrier_fault"]
    assert told[-1] == f"{PLATE}: let go, the arm is blocked"


async def test_at_an_exit_with_a_loop_the_arm_that_does_not_rise_has_the_driver_scan_again(street: Parking) -> None:
    await parked(street, hours=0.1)
    street.barrier(EXIT).mode = Mode.FAULT
    car = await at_exit(street)
    assert street.barrier(EXIT).shown[-1] == texts.SCREEN_SCAN_AGAIN
    assert ((await street.order(PLATE)).state, (await departure(street, car)).ended_at) == ("in", None)


async def test_at_an_exit_without_a_loop_another_plate_is_another_car_and_the_same_one_is_not(
    no_loop: Parking,
) -> None:
    await parked(no_loop)
    for plate in (PLATE, PLATE, OTHER):
        await read(no_loop, plate)
        no_loop.clock.advance(1)
    assert await departures(no_loop) == [(PLATE, "assumed"), (OTHER, "")]
    how = sa.select(t.presences.c.left_how).where(t.presences.c.channel_id == EXIT).order_by(t.presences.c.presence_id)
    assert [one for (one,) in await no_loop.row(how)] == ["assumed", None]
    assert (await no_loop.order(PLATE)).state == "in"  # it owes, and was not let go


async def test_at_an_exit_without_a_loop_a_scan_is_the_car_whose_plate_was_read(no_loop: Parking) -> None:
    order = await parked(no_loop)
    await read(no_loop, PLATE)
    assert (await ask_price(no_loop))["price"] == "6.00"
    await pay_at_exit(no_loop, order.order_id, "6.00")
    assert (no_loop.barrier(EXIT).lifts, (await no_loop.order(PLATE)).state) == (1, "out")


@pytest.mark.parametrize(("seconds", "still"), [(599, True), (602, False)])
async def test_at_an_exit_without_a_loop_a_reading_claims_the_lane_for_ten_minutes(
    no_loop: Parking, seconds: int, still: bool
) -> None:
    await parked(no_loop)
    await read(no_loop, PLATE)
    await no_loop.watch(seconds)
    there = sa.select(t.presences.c.left_at).where(t.presences.c.channel_id == EXIT)
    assert ((await no_loop.row(there))[0][0] is None) is still


# Nobody saw it leave


async def test_a_car_that_was_not_let_go_stays_when_another_one_comes(street: Parking) -> None:
    await parked(street)
    first = await at_exit(street)
    await at_exit(street, OTHER)
    assert ((await departure(street, first)).ended_how, (await street.order(PLATE)).state) == ("assumed", "in")


async def test_a_car_whose_arm_refused_to_rise_stays_when_another_one_comes(street: Parking) -> None:
    await parked(street, hours=0.1)
    street.barrier(EXIT).mode = Mode.FAULT
    first = await at_exit(street)
    await at_exit(street, OTHER)
    assert ((await departure(street, first)).ended_how, (await street.order(PLATE)).state) == ("assumed", "in")


async def test_a_car_let_go_under_an_arm_that_was_up_has_left_when_another_one_comes(street: Parking) -> None:
    order = await parked(street, hours=0.1)
    await street.barrier(EXIT).report(EventKind.UP)
    await at_exit(street)
    assert street.barrier(EXIT).commands == []
    await at_exit(street, OTHER)
    left = await street.order(PLATE)
    assert (left.state, left.closed_why, left.review) == ("out", "left unseen", "nobody saw the car leave")
    assert [said["order_id"] for said in await exits_told(street)] == [order.order_id]


async def test_a_car_let_go_under_an_arm_that_falls_stays_when_another_one_comes(street: Parking) -> None:
    await parked(street, hours=0.1)
    await street.barrier(EXIT).report(EventKind.FALLING)
    await at_exit(street)
    await at_exit(street, OTHER)
    assert (street.barrier(EXIT).lifts, (await street.order(PLATE)).state) == (0, "in")


async def test_a_car_let_go_while_the_arm_falls_gets_its_one_command_once_it_is_down(street: Parking) -> None:
    await parked(street, hours=0.1)
    barrier = street.barrier(EXIT)
    await barrier.report(EventKind.FALLING)
    await at_exit(street)
    assert barrier.commands == []
    for _ in range(2):
        await barrier.report(EventKind.DOWN)
        await street.settled()
    assert barrier.lifts == 1
    (lift,) = [one for one in await street.lifts() if one.channel_id == EXIT]
    assert (lift.actor, lift.reason, (lift.deadline - lift.intended_at).total_seconds()) == ("platform", "free", 4.0)


async def test_an_arm_that_comes_down_before_a_car_that_owes_stays_down(street: Parking) -> None:
    await parked(street)
    await street.barrier(EXIT).report(EventKind.FALLING)
    await at_exit(street)
    await street.barrier(EXIT).report(EventKind.DOWN)
    await street.settled()
    assert street.barrier(EXIT).lifts == 0


async def test_an_arm_that_comes_down_once_the_car_that_was_let_go_is_no_longer_there_stays_down(
    new_parking: NewParking,
) -> None:
    lanes = [
        LaneSetup(channel_id="A1", barrier=SEES_ALL),
        LaneSetup(channel_id=EXIT, direction="exit", detector=False, barrier={"sight": "ack position"}),
    ]
    street = await new_parking(lots=[lot_with(lanes=lanes)])
    await with_tariff(street)
    await parked(street, hours=0.1)
    await street.barrier(EXIT).report(EventKind.FALLING)
    await read(street, PLATE)
    assert await departures(street) == [(PLATE, "")]
    await street.watch(602)
    await street.barrier(EXIT).report(EventKind.DOWN)
    await street.settled()
    assert street.barrier(EXIT).commands == []


async def test_an_arm_that_comes_down_as_another_car_comes_is_not_raised_for_the_one_before(street: Parking) -> None:
    await parked(street, hours=0.1)
    barrier = street.barrier(EXIT)
    await barrier.report(EventKind.FALLING)
    await at_exit(street)
    await asyncio.gather(barrier.report(EventKind.DOWN), barrier.report(EventKind.ARRIVED, "another"))
    await street.settled()
    assert barrier.commands == []


async def test_a_car_that_backs_out_is_let_in_no_lane_and_its_stay_goes_on(street: Parking) -> None:
    await parked(street, hours=0.1)
    car = await at_exit(street)
    await street.backs_out(car, EXIT)
    await street.settled()
    gone = await departure(street, car)
    assert (gone.ended_how, (await street.order(PLATE)).state) == ("backed_out", "in")
    assert street.barrier(EXIT).shown[-1] == texts.SCREEN_SCAN_TO_LEAVE


async def test_a_car_that_went_unseen_without_being_let_go_has_backed_out(street: Parking) -> None:
    await parked(street)
    car = await at_exit(street)
    await street.barrier(EXIT).report(EventKind.BACKED_OUT, car, seen=False)
    await street.settled()
    assert ((await departure(street, car)).ended_how, (await street.order(PLATE)).state) == ("backed_out", "in")


@pytest.mark.parametrize(
    ("first", "state"), [(Mode.OK, "out"), (Mode.FAULT, "in")], ids=["the first arm rose", "no arm rose"]
)
async def test_a_car_gone_during_its_second_command_has_left_if_the_first_may_have_raised_the_arm(
    street: Parking, first: Mode, state: str
) -> None:
    await parked(street, hours=0.1)
    barrier = street.barrier(EXIT)
    barrier.mode = first
    car = await at_exit(street)
    await barrier.commanded()
    await barrier.report(EventKind.DOWN)
    barrier.mode = Mode.HELD_FAULT
    again = asyncio.create_task(let_go(street))
    await barrier.commanded()
    await barrier.report(EventKind.BACKED_OUT, car, seen=False)
    barrier.go_on()
    await again
    await street.settled()
    assert (await street.order(PLATE)).state == state


# Seen to leave


async def test_a_car_that_a_rule_let_go_without_an_order_is_a_stay_of_its_own_for_nothing(street: Parking) -> None:
    free = await street.free()
    car = await at_exit(street, "浙A1234警")
    arrived = (await departure(street, car)).charge_at
    street.clock.advance(20)
    await leaves(street, car)
    left = await street.order("浙A1234警")
    assert (left.state, left.review, left.requested_at) == ("out", "公务车免费", arrived)
    closed = await bill(street, left)
    assert (closed.charge_fen, closed.balance_fen) == (0, 0)
    assert (await departure(street, car)).order_id == left.order_id
    assert await street.free() >= free
    assert await street.alarm_kinds() == []


async def test_a_car_that_a_person_let_go_as_nobodys_is_no_stay(street: Parking) -> None:
    car = await at_exit(street, "")
    await let_go(street)
    await leaves(street, car)
    assert (await street.orders(), await street.alarm_kinds()) == ([], [])


async def test_a_car_that_drives_out_without_an_order_or_a_person_raises_an_alarm(street: Parking) -> None:
    car = await at_exit(street, "")
    await leaves(street, car)
    assert await street.alarm_kinds() == ["passed_without_order"]


async def test_in_an_emergency_a_car_that_drives_out_without_an_order_raises_none(street: Parking) -> None:
    await street.attendant.set_emergency(LOT_ID, True, BY)
    await leaves(street, await at_exit(street, ""))
    assert await street.alarm_kinds() == []


async def test_a_second_car_on_one_lift_has_followed(street: Parking) -> None:
    await parked(street, hours=0.1)
    await leaves(street, await at_exit(street))
    await street.barrier(EXIT).report(EventKind.SECOND_CAR, "follower")
    await street.settled()
    assert await street.alarm_kinds() == ["tailgating"]


async def test_a_car_that_no_loop_saw_takes_nothing_from_the_one_that_stands_there(street: Parking) -> None:
    await parked(street)
    car = await at_exit(street)
    free = await street.free()
    await street.barrier(EXIT).report(EventKind.PASSED, "ghost")
    await street.settled()
    assert ((await departure(street, car)).ended_at, (await street.order(PLATE)).state) == (None, "in")
    assert (await street.alarm_kinds(), await street.free()) == (["loop_fault", "passed_without_order"], free + 1)


async def test_without_a_loop_whoever_passes_after_his_claim_is_over_is_the_car_of_the_departure(
    no_loop: Parking,
) -> None:
    order = await parked(no_loop)
    await read(no_loop, PLATE)
    await no_loop.watch(602)
    await no_loop.barrier(EXIT).report(EventKind.PASSED, "some-car")
    await no_loop.settled()
    left = await no_loop.order(PLATE)
    assert (left.state, left.closed_why, left.review) == ("out", "seen", "left owing")
    assert (await departures(no_loop), await no_loop.alarm_kinds()) == ([(PLATE, "passed")], ["left_owing"])
    assert (await bill(no_loop, order)).balance_fen == 600


async def test_without_a_loop_whoever_passes_where_nobody_was_read_leaves_a_space_and_an_alarm(
    no_loop: Parking,
) -> None:
    await parked(no_loop, OTHER)
    await parked(no_loop, hours=0.1)
    await read(no_loop, PLATE)
    free = await no_loop.free()
    await no_loop.barrier(EXIT).report(EventKind.PASSED, "some-car")
    await no_loop.settled()
    assert (await no_loop.alarm_kinds(), await no_loop.free()) == (["passed_without_order"], free + 1)


@pytest.fixture
async def two_exits(new_parking: NewParking) -> Parking:
    """A lot with a second exit, B2."""
    ways = (("A1", "entry"), (EXIT, "exit"), ("B2", "exit"))
    lanes = [LaneSetup(channel_id=name, direction=way, barrier=SEES_ALL) for name, way in ways]
    street = await new_parking(lots=[lot_with(lanes=lanes)])
    await with_tariff(street)
    return street


async def test_a_car_whose_stay_was_found_in_another_lane_drives_out_without_one(two_exits: Parking) -> None:
    await parked(two_exits)
    first = await at_exit(two_exits)
    second = await at_exit(two_exits, channel_id="B2")
    await leaves(two_exits, first)
    assert (await two_exits.order(PLATE)).state == "in"
    assert (await departure(two_exits, first)).ended_how == "taken_over"
    assert (await departure(two_exits, second)).ended_at is None
    assert await two_exits.alarm_kinds() == ["passed_without_order"]


async def test_a_car_whose_stay_was_found_in_another_lane_and_that_goes_back_ends_nothing(two_exits: Parking) -> None:
    await parked(two_exits)
    first = await at_exit(two_exits)
    second = await at_exit(two_exits, channel_id="B2")
    ended = await departure(two_exits, first)
    two_exits.clock.advance(5)
    two_exits.barrier(EXIT).shown.clear()
    await two_exits.backs_out(first, EXIT)
    await two_exits.settled()
    assert await departure(two_exits, first) == ended
    assert (await departure(two_exits, second)).ended_at is None
    assert two_exits.barrier(EXIT).shown == []


@pytest.mark.parametrize("backs", [True, False])
async def test_a_car_that_stood_there_before_its_lane_was_an_exit_ends_no_stay(street: Parking, backs: bool) -> None:
    await parked(street)
    car = await street.arrives("A2")
    await street.update(t.lanes, direction="exit")
    if backs:
        await street.backs_out(car, "A2")
    else:
        await street.passes(car, "A2")
    await street.settled()
    assert (await street.order(PLATE)).state == "in"
    assert (await street.alarm_kinds(), await departures(street)) == ([] if backs else ["passed_without_order"], [])


# Whose car it is


async def test_in_an_emergency_a_plate_that_stands_for_two_stays_ends_neither(street: Parking) -> None:
    first = await parked(street, PLATE, hours=0.05)
    second = await parked(street, "浙A88888", hours=3)
    changed = sa.update(t.orders).where(t.orders.c.order_id == second.order_id).values(plate=PLATE)
    await street.database.write(lambda conn: conn.execute(changed))
    await street.attendant.set_emergency(LOT_ID, True, BY)
    car = await at_exit(street)
    assert (street.barrier(EXIT).lifts, (await departure(street, car)).order_id) == (1, "")
    await leaves(street, car)
    states = {one.order_id: one.state for one in await street.orders()}
    assert (states[first.order_id], states[second.order_id]) == ("in", "in")


@pytest.mark.parametrize(("stays", "states"), [(1, ["out"]), (2, ["in", "in"])])
async def test_in_an_emergency_at_an_exit_without_a_loop_a_plate_ends_the_one_stay_that_it_stands_for(
    no_loop: Parking, stays: int, states: list[str]
) -> None:
    for plate in (PLATE, "浙A88888")[:stays]:
        await parked(no_loop, plate)
    await no_loop.update(t.orders, plate=PLATE)
    await no_loop.attendant.set_emergency(LOT_ID, True, BY)
    await read(no_loop, PLATE)
    assert no_loop.barrier(EXIT).lifts == 1
    assert [one.state for one in await no_loop.orders()] == states


async def test_a_plate_that_was_seen_to_leave_and_stands_there_again_is_a_persons(street: Parking) -> None:
    await parked(street, hours=0.1)
    await leaves(street, await at_exit(street))
    car = await at_exit(street)
    assert (street.barrier(EXIT).lifts, (await departure(street, car)).order_id) == (1, "")
    assert await street.alarm_kinds() == ["no_entry"]


@pytest.mark.parametrize(("minutes", "goes"), [(9.9, True), (10.2, False)])
async def test_a_plate_that_left_unseen_goes_again_for_ten_minutes(street: Parking, minutes: float, goes: bool) -> None:
    order = await parked(street, hours=0.1)
    await at_exit(street)
    await at_exit(street, OTHER)
    assert (await street.order(PLATE)).closed_why == "left unseen"
    await street.barrier(EXIT).report(EventKind.DOWN)
    street.clock.advance(60 * minutes)
    again = await at_exit(street)
    assert (await departure(street, again)).order_id == (order.order_id if goes else "")


@pytest.mark.parametrize("corrected", [False, True])
async def test_the_plate_that_is_read_at_the_exit_is_kept_with_a_stay_that_had_none(
    street: Parking, corrected: bool
) -> None:
    await street.passes(await street.enters("EA47829"))
    order = await street.order("EA47829")
    if corrected:
        await street.platform.leaving.do(Correct(lot_id=LOT_ID, order_id=order.order_id, by=BY, plate=PLATE))
    await at_exit(street, OTHER)
    match = Match(lot_id=LOT_ID, channel_id=EXIT, by=BY, order_id=order.order_id, may_be_far=True)
    await street.platform.leaving.do(match)
    kept = ("exit plate read", "camera", OTHER) in await events(street, order)
    assert kept is not corrected


async def test_of_a_stay_by_plate_and_of_a_car_without_one_no_reading_is_kept(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    assert "exit plate read" not in [event for event, _, _ in await events(street, order)]
    await street.passes(await street.enters("EA47829"))
    scanned = await street.order("EA47829")
    await at_exit(street, "")
    await street.platform.leaving.do(Match(lot_id=LOT_ID, channel_id=EXIT, by=BY, order_id=scanned.order_id))
    assert "exit plate read" not in [event for event, _, _ in await events(street, scanned)]


async def listed(street: Parking, starts_at: datetime | None, ends_at: datetime | None) -> None:
    row = {
        "lot_id": LOT_ID,
        "car_number": OTHER,
        "kind": "white",
        "remark": "",
        "at": street.clock.now(),
        "starts_at": starts_at,
        "ends_at": ends_at,
    }
    await street.database.write(lambda conn: conn.execute(sa.insert(t.special_vehicles).values(row)))


@pytest.mark.parametrize(
    ("starts", "ends", "goes"),
    [
        (None, None, True),
        (0, None, True),
        (-60, None, True),
        (1, None, False),
        (None, 1, True),
        (None, 0, False),
        (-60, -1, False),
    ],
)
async def test_a_plate_on_the_free_list_leaves_at_first_sight_while_that_holds(
    street: Parking, starts: int | None, ends: int | None, goes: bool
) -> None:
    now = street.clock.now()
    await listed(
        street,
        None if starts is None else now + timedelta(seconds=starts),
        None if ends is None else now + timedelta(seconds=ends),
    )
    car = await at_exit(street, OTHER)
    gone = await departure(street, car)
    assert (street.barrier(EXIT).lifts, gone.reason) == (int(goes), "免费车" if goes else "")
    lifts = [(one.actor, one.reason) for one in await street.lifts()]
    assert lifts == ([("platform", "免费车")] if goes else [])


@pytest.mark.parametrize(("starts", "goes"), [(-1, True), (0.5, False), (60, False)])
async def test_a_plate_with_a_pass_and_no_stay_leaves_at_first_sight_while_it_holds(
    street: Parking, starts: float, goes: bool
) -> None:
    now = street.clock.now()
    begin = now + timedelta(seconds=starts)
    given = AddPass(
        lot_id=LOT_ID,
        card_id="K1",
        holder="",
        plates=[OTHER],
        by=BY,
        starts_at=begin,
        ends_at=now + timedelta(days=30),
    )
    await street.platform.leaving.do(given)
    car = await at_exit(street, OTHER)
    assert (street.barrier(EXIT).lifts, (await departure(street, car)).reason) == (int(goes), "月卡" if goes else "")


async def test_a_car_that_nobody_knows_is_told_with_the_three_plates_likest_to_it(street: Parking) -> None:
    for plate in ("沪A12845", "苏A12845", "皖A12845", "粤A12845"):
        await parked(street, plate, hours=0.01)
    await at_exit(street, "浙A12845")
    (alarm,) = await street.alarms()
    assert alarm.text.count("A12845") == 4
    assert street.barrier(EXIT).shown[-1] == texts.SCREEN_NO_ENTRY


async def test_a_stay_that_began_at_the_very_moment_its_car_leaves_is_no_wrong_time(street: Parking) -> None:
    order = await parked(street)
    now = sa.update(t.orders).where(t.orders.c.order_id == order.order_id).values(in_at=street.clock.now())
    await street.database.write(lambda conn: conn.execute(now))
    await at_exit(street)
    assert (street.barrier(EXIT).lifts, await street.alarm_kinds()) == (1, [])


async def test_a_car_that_owes_nothing_is_free_and_one_that_paid_ahead_has_paid(street: Parking) -> None:
    await parked(street, hours=0.1)
    free = await at_exit(street)
    assert ((await departure(street, free)).released_by, street.barrier(EXIT).shown[-1]) == (
        "free",
        f"{PLATE} {texts.SCREEN_DRIVE_ON}",
    )
    await leaves(street, free)
    order = await parked(street)
    car = await at_exit(street)
    await ask_price(street)
    await street.backs_out(car, EXIT)
    await pay_at_exit(street, order.order_id, "6.00")
    paid = await departure(street, await at_exit(street))
    assert (paid.released_by, paid.reason) == ("paid", "")


async def test_a_plate_of_a_car_that_has_left_says_nothing_of_the_next_one(street: Parking) -> None:
    await parked(street, hours=0.1)
    first = await at_exit(street, "")
    await street.backs_out(first, EXIT)
    second = await at_exit(street, "")
    await street.barrier(EXIT).report(EventKind.PLATE, first, plate=PLATE)
    await street.settled()
    assert (street.barrier(EXIT).lifts, (await departure(street, second)).plate) == (0, "")


async def test_a_review_that_stood_before_is_kept_when_the_car_leaves_owing(street: Parking) -> None:
    order = await parked(street)
    looked = sa.update(t.orders).where(t.orders.c.order_id == order.order_id).values(review="look at it")
    await street.database.write(lambda conn: conn.execute(looked))
    car = await at_exit(street)
    await let_go(street, "owed")
    await leaves(street, car)
    assert (await street.order(PLATE)).review == "look at it"


async def test_an_act_on_a_stay_that_has_a_line_more_than_was_seen_is_refused(street: Parking) -> None:
    order = await parked(street)
    lines = len(await events(street, order))
    correct = Correct(lot_id=LOT_ID, order_id=order.order_id, by=BY, plate="浙A00001", seen=lines)
    await street.platform.leaving.do(correct)
    for seen in (lines, lines + 2):
        again = Correct(lot_id=LOT_ID, order_id=order.order_id, by=BY, plate="浙A00002", seen=seen)
        with pytest.raises(Conflict):
            await street.platform.leaving.do(again)
    assert (await street.orders())[0].plate == "浙A00001"


async def test_a_lane_that_becomes_an_exit_while_a_car_stands_there_has_its_departure_from_its_plate_on(
    street: Parking,
) -> None:
    order = await parked(street)
    car = await street.arrives("A2")
    exit_now = sa.update(t.lanes).where(t.lanes.c.channel_id == "A2").values(direction="exit")
    await street.database.write(lambda conn: conn.execute(exit_now))
    await street.barrier("A2").report(EventKind.PLATE, car, plate=PLATE)
    await street.settled()
    assert ((await departure(street, car)).order_id, street.barrier("A2").asked[-1].due_fen) == (order.order_id, 600)


async def test_a_loop_that_is_dead_claims_its_exit_by_the_plate(street: Parking) -> None:
    await parked(street, hours=0.1)
    dead = sa.update(t.lanes).where(t.lanes.c.channel_id == EXIT).values(loop_dead=True)
    await street.database.write(lambda conn: conn.execute(dead))
    await read(street, PLATE)
    assert street.barrier(EXIT).lifts == 1
    assert await departures(street) == [(PLATE, "")]
    await read(street, OTHER)
    assert await departures(street) == [(PLATE, "assumed"), (OTHER, "")]
    assert (await street.order(PLATE)).state == "out"
