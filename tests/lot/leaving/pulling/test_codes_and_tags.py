"""A code on a phone or a tag on a windscreen is read at an exit: when it takes what is due, and when nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.lot.barrier import ScriptedBarrier
from support.lot.exits import (
    EXIT,
    PLATE,
    at_exit,
    attempts,
    bill,
    parked,
    pay_at_exit,
    pays_by_itself,
    told,
    with_tariff,
)
from support.lot.parking import BY, LOT_ID, Parking
from taigan.barriers.barrier import EventKind
from taigan.lot import texts
from taigan.lot.people.exit_acts import SetAmount
from taigan.lot.policy import Policy
from taigan.storage import tables as t

CODE = "134567890123456789"
BOX = "jyyh 000123"
PAID = {"state": 1, "errmsg": "成功"}
FAILED = {"state": 0, "errmsg": "余额不足"}
PENDING = {"state": 2, "errmsg": "支付中"}
RAISED = {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"}
BOTH = pytest.mark.parametrize("kind", [EventKind.SCANNED_CODE, EventKind.READ_TAG])


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def waits(street: Parking, *, hours: float = 3.0) -> str:
    """A car whose entry BoLink has stands at the exit, and everything that is charged is paid."""
    await parked(street, hours=hours)
    await street.deliver()
    street.bolink.charges = [PAID] * 5
    return await at_exit(street)


async def read_at(barrier: ScriptedBarrier, kind: EventKind, car: str) -> None:
    """A code or the tag is read in the lane, for this car."""
    if kind is EventKind.SCANNED_CODE:
        await barrier.report(kind, car, code=CODE)
    else:
        await barrier.report(kind, car, plate=PLATE, detail=BOX)


async def is_read(street: Parking, kind: EventKind, car: str, channel_id: str = EXIT) -> None:
    await read_at(street.barrier(channel_id), kind, car)
    await street.settled()


@BOTH
@pytest.mark.parametrize(("late", "taken"), [(0, 1), (1, 1), (30, 1), (30.1, 0), (31, 0), (3600, 0)])
async def test_what_was_read_is_charged_up_to_half_a_minute_later_however_long_the_database_took(
    street: Parking, kind: EventKind, late: float, taken: int
) -> None:
    car, desk = await waits(street), street.platform.leaving
    event = await street.barrier(EXIT).report(kind, "another car", plate=PLATE, detail=BOX, code=CODE)
    assert await attempts(street) == []
    street.clock.advance(late)
    await (desk.scan_code if kind is EventKind.SCANNED_CODE else desk.read_tag)(replace(event, presence_id=car))
    await street.settled()
    assert len(await attempts(street)) == taken


@BOTH
@pytest.mark.parametrize("car", ["000", "zzz"])
async def test_what_was_read_for_another_car_takes_nothing(street: Parking, kind: EventKind, car: str) -> None:
    await waits(street)
    await is_read(street, kind, car)
    assert await attempts(street) == []


@BOTH
async def test_what_is_read_for_whoever_stands_there_is_charged(street: Parking, kind: EventKind) -> None:
    await waits(street)
    await is_read(street, kind, "")
    assert [one.state for one in await attempts(street)] == ["paid"]


@BOTH
async def test_what_is_read_in_an_empty_lane_or_at_an_entry_is_nobodys(street: Parking, kind: EventKind) -> None:
    await parked(street)
    await is_read(street, kind, "")
    await is_read(street, kind, await street.arrives("A1"), "A1")
    assert (await attempts(street), await street.row(t.departures.select())) == ([], [])
    street.clock.advance(60)


@BOTH
async def test_nothing_is_taken_for_a_car_that_was_let_go(street: Parking, kind: EventKind) -> None:
    car = await waits(street)
    await told(street, "operate_liftrod", RAISED)
    await is_read(street, kind, car)
    assert (await attempts(street), street.barrier(EXIT).asked[1:]) == ([], [])


@BOTH
async def test_nothing_is_taken_for_a_stay_that_is_not_in(street: Parking, kind: EventKind) -> None:
    car = await waits(street)
    await street.update(t.orders, state="abandoned")
    await is_read(street, kind, car)
    assert await attempts(street) == []
    await street.update(t.orders, state="in")


async def test_one_event_of_a_scanner_is_charged_once_and_another_again(street: Parking) -> None:
    await waits(street)
    street.bolink.charges = [FAILED, FAILED]
    event = await street.barrier(EXIT).report(EventKind.SCANNED_CODE, code=CODE)
    await street.settled()
    await street.barrier(EXIT).repeat(event)
    await street.settled()
    assert len(await attempts(street)) == 1
    await is_read(street, EventKind.SCANNED_CODE, "")
    numbers = [one.attempt_no for one in await attempts(street)]
    assert ([len(one) for one in numbers], {one[0] for one in numbers}) == ([32, 32], {"S"})


async def test_the_pulls_of_a_tag_and_of_a_wallet_have_numbers_of_their_own(street: Parking) -> None:
    await is_read(street, EventKind.READ_TAG, await waits(street))
    [tag] = await attempts(street)
    assert (tag.attempt_no[0], len(tag.attempt_no)) == ("T", 32)


@BOTH
async def test_a_code_is_not_charged_while_another_pull_is_unclear_nor_a_tag(street: Parking, kind: EventKind) -> None:
    await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [PENDING, PAID]
    car = await at_exit(street)
    await is_read(street, kind, car)
    assert [one.way for one in await attempts(street)] == ["wallet"]
    if kind is EventKind.SCANNED_CODE:
        assert street.barrier(EXIT).shown[-1] == texts.SCREEN_PENDING


@BOTH
@pytest.mark.parametrize(("later", "tried"), [(0, 1), (1, 0)])
async def test_a_stay_that_begins_later_than_it_ends_is_not_charged(
    street: Parking, kind: EventKind, later: int, tried: int
) -> None:
    order = await parked(street)
    await street.deliver()
    street.bolink.charges = [PAID]
    car = await at_exit(street)
    await street.platform.leaving.do(SetAmount(lot_id=LOT_ID, order_id=order.order_id, fen=400, by=BY))
    await street.update(t.orders, in_at=street.clock.now() + timedelta(seconds=later))
    await is_read(street, kind, car)
    assert [one.fen for one in await attempts(street)] == [400] * tried
    if not tried and kind is EventKind.SCANNED_CODE:
        assert street.barrier(EXIT).shown[-1] == texts.ATTENDANT
    await street.update(t.orders, in_at=order.in_at)


@BOTH
async def test_nothing_is_taken_where_nothing_is_due(street: Parking, kind: EventKind) -> None:
    await street.update(t.lanes, policy="attendant")  # who has paid waits there until a person lets them go
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00")
    asked = len(street.barrier(EXIT).asked)
    await is_read(street, kind, car)
    assert (await attempts(street), len(street.barrier(EXIT).asked)) == ([], asked)


@BOTH
async def test_what_is_unusually_much_is_not_taken(new_parking: NewParking, kind: EventKind) -> None:
    street = await new_parking(policy=Policy(ask_above_fen=599))
    await with_tariff(street)
    await is_read(street, kind, await waits(street))
    assert (await attempts(street), street.barrier(EXIT).asked) == ([], [])
    assert street.barrier(EXIT).shown[-1] == texts.STAY_UNUSUAL


@BOTH
async def test_what_cannot_be_priced_is_not_taken(new_parking: NewParking, kind: EventKind) -> None:
    street = await new_parking()  # without a price list
    await is_read(street, kind, await waits(street))
    assert (await attempts(street), street.barrier(EXIT).shown[-1]) == ([], texts.NOT_PRICED)


@BOTH
async def test_nothing_is_taken_for_a_stay_that_bolink_holds_for_left(street: Parking, kind: EventKind) -> None:
    order = await parked(street)
    await street.deliver()
    await pays_by_itself(street)
    street.bolink.charges = [PAID, PAID]
    await street.backs_out(await at_exit(street), EXIT)
    await pays_by_itself(street, still=False)
    street.clock.advance(3600)
    car = await at_exit(street)
    await is_read(street, kind, car)
    assert ([one.way for one in await attempts(street)], street.barrier(EXIT).asked[-1].due_fen) == (["wallet"], 200)
    assert (await bill(street, order)).paid_fen == 600


@pytest.mark.parametrize(("limit", "tried"), [(599, 0), (600, 1)])
async def test_a_tag_is_charged_up_to_the_highest_amount_that_may_be_and_a_code_above_it(
    new_parking: NewParking, limit: int, tried: int
) -> None:
    street = await new_parking(policy=Policy(charge_above_fen=limit))
    await with_tariff(street)
    car = await waits(street)
    street.bolink.charges = [FAILED, PAID]
    await is_read(street, EventKind.READ_TAG, car)
    assert len(await attempts(street)) == tried
    await is_read(street, EventKind.SCANNED_CODE, car)
    assert len(await attempts(street)) == tried + 1


@pytest.mark.parametrize(("first", "second"), [("car-1", "car-2"), ("car-2", "car-1")])
async def test_a_tag_is_charged_once_for_each_time_its_car_comes(street: Parking, first: str, second: str) -> None:
    await parked(street)
    await street.deliver()
    street.bolink.charges = [FAILED] * 4
    for car, tried in ((first, 1), (second, 2)):
        await street.arrives(EXIT, presence_id=car)
        await street.barrier(EXIT).report(EventKind.PLATE, car, plate=PLATE)
        for _ in range(2):
            await is_read(street, EventKind.READ_TAG, "")
        assert len(await attempts(street)) == tried
        await street.backs_out(car, EXIT)


@pytest.mark.parametrize("other", ["wallet", "sweepcode"])
async def test_a_tag_is_charged_after_another_way_has_failed(street: Parking, other: str) -> None:
    await parked(street)
    await street.deliver()
    if other == "wallet":
        await pays_by_itself(street)
    street.bolink.charges = [FAILED, PAID]
    car = await at_exit(street)
    if other == "sweepcode":
        await is_read(street, EventKind.SCANNED_CODE, car)
    street.clock.advance(1)
    await is_read(street, EventKind.READ_TAG, car)
    assert [(one.way, one.state) for one in await attempts(street)] == [(other, "failed"), ("etc", "paid")]


async def test_a_tag_is_charged_after_a_payment_that_failed(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    street.bolink.charges = [PAID]
    car = await at_exit(street)
    await pay_at_exit(street, order.order_id, "6.00", state=0)
    await is_read(street, EventKind.READ_TAG, car)
    assert [one.state for one in await attempts(street)] == ["paid"]


async def test_a_tag_that_is_read_before_a_car_of_another_plate_is_not_that_cars(street: Parking) -> None:
    await parked(street)
    await street.deliver()
    street.bolink.charges = [PAID]
    car = await at_exit(street, "粤B99999")
    await is_read(street, EventKind.READ_TAG, car)
    departures = await street.row(sa.select(t.departures.c.plate, t.departures.c.order_id))
    assert ([tuple(one) for one in departures], await attempts(street)) == ([("粤B99999", "")], [])


async def test_a_tag_is_read_for_the_car_of_a_driver_who_scanned_before_it(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    await at_exit(street, "")
    await street.update(t.departures, order_id=order.order_id)
    street.bolink.charges = [PAID]
    await is_read(street, EventKind.READ_TAG, "")
    departures = await street.row(sa.select(t.departures.c.plate, t.departures.c.order_id))
    assert [tuple(one) for one in departures] == [("", order.order_id)]
    assert [one.state for one in await attempts(street)] == ["paid"]


@pytest.mark.parametrize("code", ["1345", "16" + "1" * 16, "", "999999999999999999"])
async def test_what_is_no_payment_code_takes_nothing_and_is_told_on_the_screen(street: Parking, code: str) -> None:
    await waits(street)
    await street.barrier(EXIT).report(EventKind.SCANNED_CODE, code=code)
    await street.settled()
    assert (await attempts(street), street.barrier(EXIT).shown[-1]) == ([], texts.SCREEN_NO_CODE)


async def reads_tag(street: Parking, car: str, antenna: str = "jyyh 000123") -> None:
    for _ in range(2):
        await street.barrier(EXIT).report(EventKind.READ_TAG, car, plate=PLATE, detail=antenna)
        await street.settled()


@pytest.mark.parametrize(
    ("antenna", "named_in_the_alarm"),
    [("", "it gives neither kind nor number"), ("my 1", "my 1"), ("jyyh " + "1" * 100, "jyyh " + "1" * 75)],
)
async def test_an_antenna_that_cannot_be_used_is_told_once_by_what_it_gave(
    street: Parking, antenna: str, named_in_the_alarm: str
) -> None:
    await parked(street)
    await street.deliver()
    await reads_tag(street, await at_exit(street), antenna)
    [alarm] = await street.alarms()
    assert alarm.text == f"an antenna that cannot be used: {named_in_the_alarm}"


@pytest.mark.parametrize(("length", "charged"), [(1, 1), (64, 1), (65, 0)])
async def test_an_antennas_number_has_at_most_64_signs(street: Parking, length: int, charged: int) -> None:
    await parked(street)
    await street.deliver()
    street.bolink.charges = [PAID]
    await reads_tag(street, await at_exit(street), "jyyh " + "1" * length)
    assert len(street.bolink.of("3.7")) == charged


async def test_a_tag_of_a_car_without_an_order_takes_nothing(street: Parking) -> None:
    await reads_tag(street, await at_exit(street, ""))
    assert street.bolink.of("3.7") == []


async def test_a_tag_takes_nothing_for_a_car_that_was_let_go_on_what_is_awaited(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    car = await at_exit(street)
    raised = {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"}
    await told(street, "operate_liftrod", raised)
    await reads_tag(street, car)
    assert (street.bolink.of("3.7"), (await bill(street, order)).paid_fen) == ([], 0)


@pytest.mark.parametrize(
    ("free", "plot", "hours", "minutes"),
    [(0, 1, 2.999, "179"), (10, 11, 3, "180"), (49, 50, 3, "180"), (50, 50, 3, "180")],
)
async def test_a_tag_is_charged_with_whole_minutes_and_the_spaces_then_free(
    street: Parking, free: int, plot: int, hours: float, minutes: str
) -> None:
    await parked(street, hours=hours)
    await street.deliver()
    await street.update(t.lots, spaces_free=free)
    street.bolink.charges = [PAID]
    car = await at_exit(street)
    await reads_tag(street, car)
    [asked] = street.bolink.of("3.7")
    assert (asked.data["empty_plot"], asked.data["parking_time"]) == (plot, minutes)
