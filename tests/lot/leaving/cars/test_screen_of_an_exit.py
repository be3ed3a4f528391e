"""What the screen of an exit says when its device is back: it is blank then."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lot.conftest import NewParking
from lot.leaving.pulling.test_pulls_ended import told_of
from support.lot.barrier import Mode
from support.lot.exits import (
    EXIT,
    PLATE,
    at_exit,
    attempts,
    leaves,
    parked,
    pay_at_exit,
    pays_by_itself,
    pulls_told,
    with_tariff,
)
from support.lot.parking import BY, LOT_ID, SEES_ALL, Parking, lot_with
from taigan.barriers.barrier import EventKind
from taigan.lot import texts
from taigan.lot.people.exit_acts import LetGo
from taigan.lot.policy import Policy
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def is_back(street: Parking, channel_id: str = EXIT) -> str:
    """The device was away and is back: the text on its screen; empty where it asks for a price."""
    screen = street.barrier(channel_id)
    await screen.report(EventKind.OFFLINE)
    await street.settled()
    screen.shown, screen.asked = [], []
    alarms, lifts = await street.alarm_kinds(), screen.lifts
    await screen.report(EventKind.ONLINE)
    await street.settled()
    assert (await street.alarm_kinds(), screen.lifts) == (alarms, lifts), "nothing but its screen changes"
    assert len(screen.shown) + len(screen.asked) == 1
    return screen.shown[0] if screen.shown else ""


async def test_where_nobody_stands_whoever_comes_is_asked_to_scan(street: Parking) -> None:
    assert await is_back(street) == texts.SCREEN_SCAN_TO_LEAVE
    await parked(street, hours=0.1)
    await leaves(street, await at_exit(street))
    assert await is_back(street) == texts.SCREEN_SCAN_TO_LEAVE


async def test_a_car_that_owes_is_asked_for_the_same_price_again(street: Parking) -> None:
    await parked(street)
    await at_exit(street)
    [asked] = street.barrier(EXIT).asked
    street.clock.advance(3600)  # it is priced by when it came to the exit
    assert await is_back(street) == ""
    assert street.barrier(EXIT).asked == [asked]
    assert (asked.plate, asked.due_fen, asked.text) == (PLATE, 600, texts.SCREEN_PAY)


async def test_a_car_that_was_let_go_is_told_to_drive_on(street: Parking) -> None:
    await parked(street, hours=0.1)
    await at_exit(street)
    assert await is_back(street) == f"{PLATE} {texts.SCREEN_DRIVE_ON}"


async def test_a_car_that_was_let_go_as_nobodys_is_told_to_drive_on(street: Parking) -> None:
    for plate, said in (("", texts.SCREEN_DRIVE_ON), ("粤B99999", f"粤B99999 {texts.SCREEN_DRIVE_ON}")):
        car = await at_exit(street, plate)
        picture = street.platform.leaving.pictures(LOT_ID)[EXIT]
        await street.platform.leaving.do_and_raise(LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture))
        assert await is_back(street) == said
        await leaves(street, car)


async def test_a_car_that_was_let_go_under_an_arm_that_was_up_already_is_told_to_drive_on(street: Parking) -> None:
    await parked(street, hours=0.1)
    await street.barrier(EXIT).report(EventKind.UP)
    await at_exit(street)
    assert street.barrier(EXIT).lifts == 0
    assert await is_back(street) == f"{PLATE} {texts.SCREEN_DRIVE_ON}"


async def test_the_driver_of_a_car_whose_arm_did_not_rise_is_asked_to_scan_until_it_does(street: Parking) -> None:
    await parked(street, hours=0.1)
    for mode in (Mode.FAULT, Mode.LOST):
        street.barrier(EXIT).mode = mode
        car = await at_exit(street)
        assert await is_back(street) == texts.SCREEN_SCAN_AGAIN
        await street.backs_out(car, EXIT)
        street.barrier(EXIT).mode = Mode.FAULT
    await at_exit(street)
    street.barrier(EXIT).mode = Mode.OK
    picture = street.platform.leaving.pictures(LOT_ID)[EXIT]
    await street.platform.leaving.do_and_raise(LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture))
    assert await is_back(street) == f"{PLATE} {texts.SCREEN_DRIVE_ON}"


async def test_while_the_arm_is_on_its_way_up_the_driver_is_told_to_drive_on(street: Parking) -> None:
    await parked(street, hours=0.1)
    screen = street.barrier(EXIT)
    screen.mode = Mode.HELD
    car = await street.arrives(EXIT)
    await screen.report(EventKind.PLATE, car, plate=PLATE)
    await screen.commanded()
    await screen.report(EventKind.ONLINE)
    await street.platform.lanes.settled()
    assert screen.shown[-1] == f"{PLATE} {texts.SCREEN_DRIVE_ON}"
    screen.go_on()


async def test_without_a_loop_a_person_is_needed_where_the_arm_did_not_rise(new_parking: NewParking) -> None:
    lanes = [
        LaneSetup(channel_id="A1", barrier=SEES_ALL),
        LaneSetup(channel_id=EXIT, direction="exit", detector=False, barrier={"sight": "ack"}),
    ]
    street = await new_parking(lots=[lot_with(lanes=lanes)])
    await with_tariff(street)
    await parked(street, hours=0.1)
    street.barrier(EXIT).mode = Mode.FAULT
    await street.barrier(EXIT).report(EventKind.PLATE, plate=PLATE)
    await street.settled()
    assert await is_back(street) == texts.SEE_ATTENDANT


async def test_a_car_that_nobody_knows_is_told_so_and_one_without_a_plate_is_asked_to_scan(street: Parking) -> None:
    await at_exit(street, "")
    assert await is_back(street) == texts.SCREEN_SCAN_TO_LEAVE
    await street.watch(61)  # a person was called
    assert await is_back(street) == texts.SEE_ATTENDANT
    await at_exit(street, "粤B99999")
    assert await is_back(street) == texts.SCREEN_NO_ENTRY


async def test_a_stay_that_a_person_must_look_at_is_not_asked_for_money(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(ask_above_fen=100))
    await parked(street)
    await at_exit(street)
    assert await is_back(street) == texts.NOT_PRICED
    await with_tariff(street)
    assert await is_back(street) == texts.STAY_UNUSUAL


@pytest.mark.parametrize(("later", "wrong"), [(0, False), (1, True)])
async def test_an_entry_that_is_later_than_the_exit_has_no_price(street: Parking, later: int, wrong: bool) -> None:
    await parked(street, hours=0)
    await street.update(t.orders, in_at=street.clock.now() + timedelta(seconds=later))
    await at_exit(street)
    assert (await is_back(street) == texts.TIMES_WRONG) is wrong


async def test_while_it_is_being_charged_the_driver_waits_and_is_asked_for_the_price_after_that(
    street: Parking,
) -> None:
    await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [{"state": 2, "errmsg": "支付中"}]
    await at_exit(street)
    assert await is_back(street) == texts.SCREEN_CHARGING
    street.clock.advance(21)
    await street.watch()
    assert await is_back(street) == ""
    assert (street.barrier(EXIT).asked[0].due_fen, len(pulls_told(street))) == (600, 1)


async def test_a_wallet_without_money_is_not_tried_again(street: Parking) -> None:
    await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [{"state": 0, "errmsg": "余额不足"}]
    await at_exit(street)
    assert await is_back(street) == ""
    assert len(await attempts(street)) == 1


async def test_in_an_emergency_it_says_to_leave_at_once(street: Parking) -> None:
    await street.attendant.set_emergency(LOT_ID, True, BY)
    await at_exit(street, "")
    assert await is_back(street) == texts.EMERGENCY_EXIT


async def test_at_an_attendants_exit_whoever_has_paid_waits_for_him(street: Parking) -> None:
    order = await parked(street)
    await street.update(t.lanes, policy="attendant")
    await at_exit(street)
    assert await is_back(street) == ""
    await pay_at_exit(street, order.order_id, "6.00")
    assert await is_back(street) == texts.ATTENDANT


async def test_at_an_attendants_exit_whoever_bolink_says_has_paid_waits_for_him(street: Parking) -> None:
    order = await parked(street)
    await street.update(t.lanes, policy="attendant")
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [{"state": 2, "errmsg": "支付中"}]
    await at_exit(street)
    await told_of(street, order, {"pay_type": "wallet"})
    street.clock.advance(21)
    assert await is_back(street) == texts.ATTENDANT


async def test_a_plate_that_left_other_stays_unpaid_is_told_so_again(street: Parking) -> None:
    await parked(street)
    await street.update(t.orders, arrears=500)
    await at_exit(street)
    [asked] = street.barrier(EXIT).asked
    assert texts.ARREARS in asked.text
    await is_back(street)
    assert street.barrier(EXIT).asked == [asked]
