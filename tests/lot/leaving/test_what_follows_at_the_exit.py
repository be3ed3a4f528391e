"""What follows once something at the exit is committed: BoLink is told at once, screens, listeners, arms."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from lot.conftest import NewParking
from support.databases.troubled import TroubledDatabase
from support.lot.barrier import Mode
from support.lot.exits import (
    EXIT,
    PLATE,
    ask_price,
    at_exit,
    attempts,
    bill,
    departure,
    exits_told,
    leaves,
    parked,
    pay_at_exit,
    payments,
    pays_by_itself,
    told,
    with_tariff,
)
from support.lot.parking import BY, LOT_ID, SEES_ALL, Parking, lot_with
from taigan.barriers.barrier import EventKind, LaneKey, Position
from taigan.lot import texts
from taigan.lot.errands.city import SetCity, TellCity
from taigan.lot.people.exit_acts import Close, Correct, LetGo, Report, SetAmount, Waive
from taigan.lot.policy import Policy
from taigan.lot.setup import LaneSetup
from taigan.lot.uploads.courier import BREATH, LOOK_EVERY
from taigan.storage.database import Database
from taigan.storage.rows import Order

PAID = {"state": 1, "errmsg": "成功"}
PENDING = {"state": 2, "errmsg": "支付中"}
OTHER = "粤B99999"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def known(street: Parking, hours: float = 3.0) -> Order:
    """A car has come in, and BoLink took its entry."""
    order = await parked(street, hours=hours)
    await street.deliver()
    return order


async def let_go(street: Parking, unpaid: str = "") -> None:
    picture = street.platform.leaving.pictures(LOT_ID)[EXIT]
    act = LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture, unpaid=unpaid)
    await street.platform.leaving.do_and_raise(act)


async def goes_at_once(street: Parking, section: str, what: Awaitable[Any]) -> dict[str, Any]:
    """What BoLink is told by what is done, while the courier waits for its next round: the clock stands still."""
    street.clock.advance(1)  # whatever went before is past
    before = len(street.bolink.of(section))
    carrying = asyncio.create_task(street.platform.courier.run())
    try:
        await street.clock.waited_for(LOOK_EVERY - BREATH)
        await what
        async with asyncio.timeout(10):
            return dict((await street.bolink.received(section, before + 1)).data)
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)


# BoLink is told at once


async def test_an_exit_is_told_at_once(street: Parking) -> None:
    await known(street, hours=0.1)
    car = await at_exit(street)
    told = await goes_at_once(street, "3.2", leaves(street, car))
    assert told["total"] == "0.00"


async def test_what_a_stay_left_owing_is_reported_at_once(street: Parking) -> None:
    order = await known(street)
    await street.platform.leaving.do(Close(lot_id=LOT_ID, order_id=order.order_id, by=BY, how="owed"))
    report = street.platform.leaving.do(Report(lot_id=LOT_ID, order_id=order.order_id, by=BY))
    assert (await goes_at_once(street, "3.2", report))["pay_type"] == "escape"


async def test_an_exit_that_was_waived_afterwards_is_told_at_once(street: Parking) -> None:
    order = await known(street)
    await street.platform.leaving.do(Close(lot_id=LOT_ID, order_id=order.order_id, by=BY, how="owed"))
    waive = street.platform.leaving.do(Waive(lot_id=LOT_ID, order_id=order.order_id, by=BY))
    assert (await goes_at_once(street, "3.2", waive))["reduce_amount"] == "6.00"


async def test_a_correction_is_told_at_once(street: Parking) -> None:
    order = await known(street)
    await street.platform.leaving.do(SetCity(lot_id=LOT_ID, corrections=True, checks=False, screens=False, by=BY))
    correct = Correct(lot_id=LOT_ID, order_id=order.order_id, by=BY, plate=OTHER)
    assert (await goes_at_once(street, "10.1", street.platform.leaving.do(correct)))["car_number"] == OTHER
    tell = street.platform.leaving.do(TellCity(lot_id=LOT_ID, order_id=order.order_id, by=BY))
    assert (await goes_at_once(street, "10.1", tell))["car_number"] == OTHER


async def test_what_charging_took_off_is_told_at_once_where_a_pull_was_the_exit(street: Parking) -> None:
    await known(street)
    await pays_by_itself(street)
    street.bolink.charges = [PAID]
    charged = {"car_number": PLATE, "type": 3, "plat_form_id": 12, "start_charge_seq": "C1", "reduce_amount": "1.00"}
    await told(street, "pay_notice", charged)
    car = await at_exit(street)
    said = await goes_at_once(street, "3.11", leaves(street, car))
    assert said["reduce_amount"] == "1.00"


# The same exit is told once


async def test_a_pull_that_is_paid_after_its_car_left_was_its_exit(street: Parking) -> None:
    order = await known(street)
    await pays_by_itself(street)
    street.bolink.holds, street.bolink.charges = True, [PAID]
    coming = asyncio.create_task(at_exit(street))
    await street.bolink.received("3.2")
    await let_go_while_busy(street)
    car = street.barrier(EXIT).state.presence_id
    await street.passes(car, EXIT)
    assert ((await street.order(PLATE)).review, (await bill(street, order)).awaited) == (
        "left while its payment was unclear",
        True,
    )
    street.bolink.go_on()
    await coming
    await street.settled()
    paid = await bill(street, order)
    assert (paid.balance_fen, paid.awaited, (await street.order(PLATE)).review) == (0, False, "")
    assert [said["pay_type"] for said in await exits_told(street)] == ["wallet"]


async def let_go_while_busy(street: Parking) -> None:
    """A person lets the car go while a pull is under way."""
    picture = street.platform.leaving.pictures(LOT_ID)[EXIT]
    act = LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture, unpaid="owed")
    await street.platform.leaving.do_and_raise(act)


async def test_a_car_that_a_rule_lets_go_without_an_order_has_its_entry_and_its_exit_told(street: Parking) -> None:
    await leaves(street, await at_exit(street, "浙A1234警"))
    await street.deliver()
    said = [(upload.section, upload.order_id) for upload in street.bolink.uploads if upload.section[0] == "3"]
    order = await street.order("浙A1234警")
    assert said == [("3.1", order.order_id), ("3.2", order.order_id)]


@pytest.mark.parametrize("came_first", [PLATE, OTHER])
async def test_a_wallet_is_charged_though_another_exit_is_told_in_the_same_moment(
    new_parking: NewParking, came_first: str
) -> None:
    lanes = [
        LaneSetup(channel_id="A1", barrier=SEES_ALL),
        LaneSetup(channel_id=EXIT, direction="exit", detector=False, barrier={"sight": "ack"}),
    ]
    street = await new_parking(lots=[lot_with(lanes=lanes)])
    await with_tariff(street)
    for plate in (PLATE, OTHER) if came_first == PLATE else (OTHER, PLATE):
        await parked(street, plate, hours=2)
    await street.deliver()
    await pays_by_itself(street, OTHER)
    street.bolink.charges = [PAID]
    screen = street.barrier(EXIT)
    screen.mode = Mode.LOST  # nobody knows whether the arm rose
    await screen.report(EventKind.PLATE, plate=PLATE)
    await street.settled()
    await let_go(street, "waived")
    await screen.report(EventKind.PLATE, plate=OTHER)
    await street.settled()
    assert (await street.order(PLATE)).closed_why == "left unseen"
    assert [(pull.way, pull.state) for pull in await attempts(street)] == [("wallet", "paid")]


# A balance at its limits


@pytest.mark.parametrize(
    ("yuan", "balance", "awaited", "review"),
    [("6.01", -1, False, ""), ("6.00", 0, False, ""), ("5.99", 1, True, "left while its payment was unclear")],
)
async def test_only_what_is_still_owed_is_awaited_from_a_pull_that_is_unclear(
    street: Parking, yuan: str, balance: int, awaited: bool, review: str
) -> None:
    order = await known(street)
    await pays_by_itself(street)
    street.bolink.charges = [PENDING]
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, yuan)
    if balance > 0:
        await let_go(street, "owed")
    await leaves(street, car)
    closed = await bill(street, order)
    assert (closed.balance_fen, closed.awaited, (await street.order(PLATE)).review) == (balance, awaited, review)
    told = [said for said in await exits_told(street) if said["pay_type"] != "wallet"]
    assert len(told) == (balance <= 0)
    assert "left_owing" not in await street.alarm_kinds()


@pytest.mark.parametrize(("fen", "told"), [(599, False), (600, False), (601, True)])
async def test_a_car_that_leaves_owing_one_fen_is_told_and_one_that_paid_it_all_is_not(
    street: Parking, fen: int, told: bool
) -> None:
    order = await known(street)
    car = await at_exit(street)
    await street.platform.leaving.do(SetAmount(lot_id=LOT_ID, order_id=order.order_id, fen=fen, by=BY))
    await pay_at_exit(street, order.order_id, "6.00")
    if told:
        await let_go(street, "owed")
    await leaves(street, car)
    left = await street.order(PLATE)
    assert (left.state, left.review) == ("out", "left owing" if told else "")
    assert ([one.text for one in await street.alarms()] == [f"{PLATE}: left owing 1 fen"]) is told
    assert len(await exits_told(street)) == (not told)
    assert [payment.fen for payment in await payments(street)] == [600]


# Screens, listeners, arms


async def test_whoever_listens_hears_every_step_of_a_car_at_the_exit(street: Parking) -> None:
    order = await known(street)
    async with street.platform.events.subscribe(LOT_ID) as heard:
        car = await at_exit(street)
        await ask_price(street)
        await pay_at_exit(street, order.order_id, "6.00", trade_no="T1")
        await leaves(street, car)
        steps = [heard.get_nowait() for _ in range(heard.qsize())]
    at = street.clock.now()
    about = {"lot_id": LOT_ID, "at": at}
    here = about | {"channel_id": EXIT, "order_id": order.order_id, "plate": PLATE}
    for step in (
        {"step": "plate", "presence_id": car} | about | {"channel_id": EXIT, "plate": PLATE},
        {"step": "due", "due_fen": 600} | here,
        {"step": "payment", "way": "scancode", "fen": 600, "trade_no": "T1", "order_id": order.order_id} | about,
        {"step": "released", "by": "paid"} | here,
        {"step": "left", "order_id": order.order_id, "balance_fen": 0} | about,
    ):
        assert steps.count(step) == 1, step


async def test_an_alarm_at_the_exit_is_told_live_and_counted(street: Parking) -> None:
    async with street.platform.events.subscribe(LOT_ID) as heard:
        await at_exit(street, OTHER)
        steps = [heard.get_nowait() for _ in range(heard.qsize())]
    told = [(step["kind"], step["channel_id"], step["text"]) for step in steps if step["step"] == "alarm"]
    assert told == [("no_entry", EXIT, f"{OTHER}: no entry found")]
    assert street.metric("taigan_alarms_total", kind="no_entry") == 1


async def test_nothing_that_fails_for_one_lane_keeps_what_follows_in_another(street: Parking) -> None:
    """An arm whose driver breaks its promise: the next car goes all the same."""
    await parked(street, hours=0.1)
    street.barrier(EXIT).mode = Mode.BROKEN
    first = await at_exit(street)
    street.barrier(EXIT).mode = Mode.OK
    assert street.barrier(EXIT).shown[-1] == texts.SCREEN_SCAN_AGAIN
    assert (await departure(street, first)).ended_at is None
    await let_go(street)
    await leaves(street, first)
    assert (await street.order(PLATE)).state == "out"


@pytest.mark.parametrize(
    ("position", "held", "raised"),
    [
        (Position.CLOSED, False, True),
        (None, False, True),
        (Position.CLOSED, True, False),
        (None, True, False),
        (Position.OPEN, False, False),
        (Position.RISING, False, False),
        (Position.FALLING, False, False),
        (Position.UNKNOWN, False, False),
    ],
)
async def test_an_arm_is_raised_only_where_it_is_down_as_far_as_anyone_can_tell(
    street: Parking, position: Position | None, held: bool, raised: bool
) -> None:
    await parked(street, hours=0.1)
    state = street.barrier(EXIT).state
    state.position, state.held = position, held
    car = await at_exit(street)
    assert (street.barrier(EXIT).lifts, (await departure(street, car)).released_by) == (int(raised), "free")


@pytest.mark.parametrize(
    ("position", "held", "left"),
    [
        (Position.CLOSED, False, False),
        (None, False, False),
        (Position.FALLING, False, False),
        (Position.UNKNOWN, False, False),
        (Position.OPEN, False, True),
        (Position.RISING, False, True),
        (Position.CLOSED, True, True),
    ],
)
async def test_a_car_whose_arm_refused_has_left_where_it_is_up_when_the_next_one_comes(
    street: Parking, position: Position | None, held: bool, left: bool
) -> None:
    await parked(street, hours=0.1)
    street.barrier(EXIT).mode = Mode.FAULT
    await at_exit(street)
    state = street.barrier(EXIT).state
    state.position, state.held = position, held
    await at_exit(street, "")
    assert (await street.order(PLATE)).state == ("out" if left else "in")


async def test_a_plate_that_is_read_before_its_car_is_on_the_loop_is_that_cars(street: Parking) -> None:
    await parked(street)
    screen = street.barrier(EXIT)
    await screen.report(EventKind.PLATE, plate=PLATE)
    assert screen.asked == []
    car = await street.arrives(EXIT)
    await street.settled()
    assert ([price.due_fen for price in screen.asked], (await departure(street, car)).plate) == ([600], PLATE)


async def test_a_plate_that_is_read_and_no_car_comes_is_nobodys(street: Parking) -> None:
    await parked(street)
    await street.barrier(EXIT).report(EventKind.PLATE, plate=PLATE)
    await street.clock.waited_for(Policy().presence_grace)
    street.clock.advance(Policy().presence_grace)
    await street.settled()
    car = await street.arrives(EXIT)
    await street.settled()
    assert ((await departure(street, car)).plate, street.barrier(EXIT).asked) == ("", [])


async def test_a_plate_that_an_entry_camera_reads_begins_no_departure(street: Parking) -> None:
    await parked(street)
    lane = LaneKey(LOT_ID, "A1")
    assert await street.platform.leaving.read_plate(lane, PLATE) is None
    assert street.barrier("A1").asked == []


async def test_what_became_of_an_arm_is_stored_once_the_database_is_back(
    new_parking: NewParking, database: Database
) -> None:
    trouble = TroubledDatabase(database)
    street = await new_parking(on=trouble)
    await with_tariff(street)
    await parked(street, hours=0.1)
    barrier = street.barrier(EXIT)
    barrier.mode = Mode.HELD
    car = await street.arrives(EXIT)
    await barrier.report(EventKind.PLATE, car, plate=PLATE)
    await barrier.commanded()
    trouble.gone = True
    barrier.go_on()
    for _ in range(2):
        await street.clock.waited_for(0.5)
        trouble.gone = trouble.refused < 4  # each time it is tried twice
        street.clock.advance(0.5)
    await street.settled()
    assert [lift.outcome for lift in await street.lifts() if lift.channel_id == EXIT] == ["accepted"]


async def test_a_scan_at_an_empty_exit_waits_for_its_car_for_a_moment(street: Parking) -> None:
    await street.passes(await street.enters("EA47829"))
    order = await street.order("EA47829")
    street.clock.advance(3 * 3600 - 1)
    asking = asyncio.create_task(ask_price(street, scene=2, licence="EA47829", order_id=order.order_id))
    await street.clock.waited_for(0.8)
    street.clock.advance(0.7)
    await street.arrives(EXIT)
    assert (await asking)["price"] == "6.00"
