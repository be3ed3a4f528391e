"""What the driver of a car at the exit is told when its price is asked for, and whose car it is taken to be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lot.conftest import NewParking
from support.lot.exits import EXIT, PLATE, ask_price, at_exit, departure, leaves, parked, pay_at_exit, told, with_tariff
from support.lot.parking import BY, LANES, LOT_ID, SEES_ALL, Parking, lot_with
from taigan.lot import texts
from taigan.lot.people.passes import AddPass
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t

SECOND = "B2"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def refused(street: Parking, **asked: Any) -> str:
    """Why no price is told."""
    said = await ask_price(street, **asked)
    assert (said["state"], said["price"], said["duration"]) == (0, "", 0)
    return str(said["errmsg"])


async def came_in(street: Parking, licence: str = "EA47829") -> str:
    """A driver without a plate came in by a scan: the order."""
    await street.passes(await street.enters(licence))
    street.clock.advance(3600)
    return (await street.order(licence)).order_id


@pytest.mark.parametrize(
    ("waited", "said"),
    [
        (0, texts.READING_PLATE),
        (4.9, texts.READING_PLATE),
        (5, texts.PLATE_NOT_READ),
        (5.1, texts.PLATE_NOT_READ),
        (600, texts.PLATE_NOT_READ),
    ],
)
async def test_a_camera_is_given_five_seconds_before_a_person_is_asked(
    street: Parking, waited: float, said: str
) -> None:
    await at_exit(street, "")
    street.clock.advance(waited)
    assert await refused(street) == said
    assert await street.alarm_kinds() == (["no_entry"] if said == texts.PLATE_NOT_READ else [])


@pytest.mark.parametrize("asked", [{"licence": "EA11111"}, {"order_id": "nobody"}])
async def test_who_names_himself_and_has_no_entry_is_told_so_at_once(street: Parking, asked: dict[str, str]) -> None:
    await at_exit(street, "")
    assert await refused(street, **asked) == texts.NO_ENTRY


async def test_the_same_query_gets_the_price_it_was_told_first(street: Parking) -> None:
    await parked(street)
    await at_exit(street)
    first = await ask_price(street, number="Q1")
    street.clock.advance(60)
    assert await ask_price(street, number="Q1", remark="sent again") == first


@pytest.mark.parametrize("standing", [True, False])
async def test_a_closed_exit_sends_a_car_that_stands_in_it_to_a_person_and_any_other_elsewhere(
    street: Parking, standing: bool
) -> None:
    await parked(street)
    if standing:
        await at_exit(street)
    await street.update(t.lanes, is_open=False)
    assert await refused(street) == (texts.ATTENDANT if standing else texts.EXIT_CLOSED)
    assert [one.text for one in await street.alarms()] == ([f"{PLATE}: stands in a closed exit"] if standing else [])


async def test_an_entry_is_no_exit_and_a_lane_that_nobody_knows_is_none(street: Parking) -> None:
    assert await refused(street, channel_id="A1") == texts.ENTRY_LANE
    assert await refused(street, channel_id="Z9") == texts.UNKNOWN_LANE


@pytest.fixture
async def two_exits(new_parking: NewParking) -> Parking:
    lanes = (*LANES, LaneSetup(channel_id=SECOND, direction="exit", barrier=SEES_ALL))
    street = await new_parking(lots=(lot_with(lanes=lanes),))
    await with_tariff(street)
    return street


@pytest.mark.parametrize(("stands", "scans"), [(EXIT, SECOND), (SECOND, EXIT)])
async def test_a_driver_who_scans_at_another_exit_is_told_where_his_car_stands_while_it_does(
    two_exits: Parking, stands: str, scans: str
) -> None:
    street, order = two_exits, await parked(two_exits)
    car = await at_exit(street, channel_id=stands)
    elsewhere = texts.CAR_ELSEWHERE.format(lane=stands)
    assert await refused(street, channel_id=scans, order_id=order.order_id) == elsewhere
    await street.backs_out(car, stands)
    await at_exit(street, "", scans)
    assert (await ask_price(street, channel_id=scans, order_id=order.order_id))["price"] == "6.00"


@pytest.mark.parametrize("there", ["", "000", "zzz"])
async def test_a_driver_whose_car_is_no_longer_on_the_other_exits_loop_is_asked_for_here(
    two_exits: Parking, there: str
) -> None:
    street, order = two_exits, await parked(two_exits)
    car = await at_exit(street)
    await at_exit(street, "", SECOND)
    row = t.presences.update().where(t.presences.c.presence_id == car)
    now = street.clock.now()
    await street.database.write(
        lambda conn: conn.execute(
            row.values(presence_id=there) if there else row.values(left_at=now, left_how="passed")
        )
    )
    said = await ask_price(street, channel_id=SECOND, order_id=order.order_id)
    assert (said["state"], said["price"]) == (1, "6.00")


@pytest.mark.parametrize(("stands", "scans"), [(EXIT, SECOND), (SECOND, EXIT)])
async def test_who_scans_before_an_empty_exit_is_sent_to_the_code_of_the_lane_in_which_a_car_waits(
    two_exits: Parking, stands: str, scans: str
) -> None:
    street = two_exits
    street.barrier(scans).state.online = False  # what it would report of a car is not waited for
    nobody, other_lane = texts.NO_CAR_AT_EXIT, texts.OTHER_LANE.format(lane=scans)
    assert await refused(street, channel_id=scans) == nobody
    car, order = "", await parked(street)
    for paid, said in (("", other_lane), ("6.00", nobody)):
        car = car or await at_exit(street, channel_id=stands)
        if paid:
            await pay_at_exit(street, order.order_id, paid)
        assert await refused(street, channel_id=scans) == said


async def test_a_departure_whose_loop_is_dark_is_no_car_in_another_lane(street: Parking) -> None:
    await parked(street)
    await at_exit(street)
    street.barrier(EXIT).state.online = False
    await street.update(t.presences, left_at=street.clock.now(), left_how="passed")
    assert await refused(street) == texts.NO_CAR_AT_EXIT


async def test_another_orders_stay_does_not_say_where_this_drivers_car_is(two_exits: Parking) -> None:
    street = two_exits
    mine = await came_in(street)
    await parked(street)
    await at_exit(street)
    await at_exit(street, "", SECOND)
    said = await ask_price(street, channel_id=SECOND, order_id=mine, licence="EA47829")
    assert (said["state"], said["order_id"]) == (1, mine)


async def test_a_stay_that_has_left_is_told_as_that_and_one_that_owes_too(street: Parking) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await told(street, "operate_liftrod", {"union_id": 200002, "channel_id": EXIT, "operate": 0, "liftrod_id": "L1"})
    await leaves(street, car)
    for paid, said in ((None, texts.OWES), ("5.99", texts.OWES), ("0.01", texts.HAS_LEFT)):
        if paid:
            await pay_at_exit(street, order.order_id, paid)
        assert await refused(street, scene=0, order_id=order.order_id, car_number=PLATE) == said
    await at_exit(street, "")
    assert await refused(street, order_id=order.order_id) == texts.HAS_LEFT


async def test_a_stay_that_was_never_confirmed_in_is_a_persons_at_the_exit(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street, "")
    await street.update(t.orders, state="waiting", in_at=None)
    assert await refused(street, order_id=order.order_id) == texts.NOT_INSIDE
    [alarm] = await street.alarms()
    assert (alarm.kind, alarm.text) == ("no_entry", f"{PLATE}: at the exit, never confirmed in")
    await street.update(t.orders, state="in", in_at=order.in_at)


async def test_a_stay_that_is_over_is_no_reason_to_call_anybody_to_the_exit(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street, "")
    await street.update(t.orders, state="void")
    assert await refused(street, order_id=order.order_id) == texts.NOT_INSIDE
    assert await street.alarms() == []
    await street.update(t.orders, state="in")


@pytest.mark.parametrize("first", [True, False])
async def test_a_driver_may_not_take_the_car_of_another_plate_for_his(street: Parking, first: bool) -> None:
    mine = await came_in(street) if first else ""
    await parked(street)
    await parked(street, "浙A12B45")
    mine = mine or await came_in(street)
    await at_exit(street, "浙A12845")  # one character off
    assert await refused(street, licence="EA47829", order_id=mine) == texts.SEE_ATTENDANT
    [alarm] = [one for one in await street.alarms() if one.kind == "other_car"]
    assert alarm.text == "EA47829: a scan for a car whose plate reads 浙A12845"


@pytest.mark.parametrize("first", [True, False])
async def test_a_driver_may_not_take_a_car_whose_plate_stands_inside_for_his(street: Parking, first: bool) -> None:
    mine = await came_in(street) if first else ""
    for plate in (PLATE, "浙A67890"):  # two stays of one plate that owe: whose car it is, is a person's to say
        await parked(street, plate)
    second = t.orders.update().where(t.orders.c.licence == "浙A67890").values(plate=PLATE)
    await street.database.write(lambda conn: conn.execute(second))
    mine = mine or await came_in(street)
    car = await at_exit(street)
    assert await refused(street, licence="EA47829", order_id=mine) == texts.SEE_ATTENDANT
    assert (await departure(street, car)).order_id == ""


async def test_a_driver_takes_the_car_that_his_own_plate_was_read_for_and_that_of_his_own_misread_plate(
    street: Parking,
) -> None:
    for plate, read in ((PLATE, PLATE), ("浙A12B45", "浙A12845")):
        order = await parked(street, plate)
        mine = t.orders.update().where(t.orders.c.order_id == order.order_id)
        away = mine.values(state="waiting", in_at=None)  # not in yet when its plate is read
        back = mine.values(state="in", in_at=order.in_at)
        await street.database.write(lambda conn, it=away: conn.execute(it))  # type: ignore[misc]
        car = await at_exit(street, read)
        assert (await departure(street, car)).order_id == ""
        await street.database.write(lambda conn, it=back: conn.execute(it))  # type: ignore[misc]
        said = await ask_price(street, order_id=order.order_id)
        assert (said["state"], said["order_id"]) == (1, order.order_id)
        await pay_at_exit(street, order.order_id, said["price"])
        await leaves(street, car)


@pytest.mark.parametrize("passed", [True, False])
async def test_a_driver_whose_entry_passage_nobody_saw_is_noted_at_the_exit(street: Parking, passed: bool) -> None:
    mine = await came_in(street)
    if not passed:
        await street.update(t.orders, passed_at=None)
    await at_exit(street, "")
    await ask_price(street, licence="EA47829", order_id=mine)
    history = await street.history(await street.order("EA47829"))
    noted = [(one.event, one.detail) for one in history.events if one.event == "at the exit"]
    assert noted == ([] if passed else [("at the exit", "its entry passage was never seen")])


async def test_a_driver_is_taken_for_that_of_a_car_whose_plate_nobody_brought_in(street: Parking) -> None:
    mine = await came_in(street)
    car = await at_exit(street, "粤B99999")
    said = await ask_price(street, licence="EA47829", order_id=mine)
    assert (said["state"], (await departure(street, car)).order_id) == (1, mine)


@pytest.mark.parametrize("came", ["EA47829 EA11111", "EA11111 EA47829"])
@pytest.mark.parametrize("review", ["", "looked at already"])
async def test_the_driver_of_the_front_car_takes_it_from_whoever_scanned_for_it_first(
    street: Parking, came: str, review: str
) -> None:
    orders = {licence: await came_in(street, licence) for licence in came.split()}
    behind, front = orders["EA47829"], orders["EA11111"]
    car = await at_exit(street, "")
    await ask_price(street, licence="EA47829", order_id=behind)
    await street.update(t.orders, review=review)
    said = await ask_price(street, licence="EA11111", order_id=front)
    assert (said["order_id"], (await departure(street, car)).order_id) == (front, front)
    assert [(await street.order(one)).review for one in ("EA47829", "EA11111")] == [
        review or "scanned for the car in front",
        review,
    ]


async def test_who_scans_twice_for_the_own_car_takes_it_from_nobody(street: Parking) -> None:
    mine = await came_in(street)
    car = await at_exit(street, "")
    for _ in range(2):
        assert (await ask_price(street, licence="EA47829", order_id=mine))["order_id"] == mine
    assert ((await street.order("EA47829")).review, (await departure(street, car)).order_id) == ("", mine)


async def test_a_car_that_was_let_go_is_taken_from_nobody(street: Parking) -> None:
    paid, late = await came_in(street), await came_in(street, "EA11111")
    car = await at_exit(street, "")
    price = (await ask_price(street, licence="EA47829", order_id=paid))["price"]
    await pay_at_exit(street, paid, price)
    await ask_price(street, licence="EA11111", order_id=late)
    assert ((await departure(street, car)).order_id, (await street.order("EA47829")).review) == (paid, "")


async def test_the_order_of_another_stay_changes_nothing_about_a_car_that_is_known(street: Parking) -> None:
    gone = await parked(street, "浙A67890", hours=0.1)
    await leaves(street, await at_exit(street, "浙A67890"))
    order = await parked(street)
    await at_exit(street)
    said = await ask_price(street, order_id=gone.order_id)
    assert (said["state"], said["price"], said["order_id"]) == (1, "6.00", order.order_id)


async def test_a_car_with_a_plate_is_taken_from_nobody(street: Parking) -> None:
    mine, order = await came_in(street), await parked(street)
    car = await at_exit(street)
    said = await ask_price(street, licence="EA47829", order_id=mine)
    assert (said["order_id"], (await departure(street, car)).order_id) == (order.order_id, order.order_id)


@pytest.mark.parametrize(("minutes", "duration"), [(59.9, 59), (60, 60)])
async def test_a_price_tells_whole_minutes_and_the_time_to_leave(
    street: Parking, minutes: float, duration: int
) -> None:
    order = await parked(street, hours=minutes / 60)
    assert order.in_at is not None
    said = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    assert (said["duration"], said["free_out_time"]) == (duration, 15)
    assert ("derate_money" in said, "derate_duration" in said) == (False, False)
    assert said["in_time"] == int(order.in_at.timestamp())
    assert said["query_time"] == int(street.clock.now().timestamp())


@pytest.mark.parametrize(("off", "minutes"), [("119", 119), ("120", 120)])
async def test_a_price_tells_what_was_taken_off_it(street: Parking, off: str, minutes: int) -> None:
    order = await parked(street, hours=4)
    notice = {"car_number": PLATE, "type": 1, "order_id": order.order_id, "deduction_time": off, "trade_no": "P1"}
    await told(street, "pay_notice", notice)
    said = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    taken = 200 if off == "119" else 400
    assert (said["derate_money"], said["derate_duration"], said["price"]) == (
        taken / 100,
        minutes,
        f"{(800 - taken) // 100}.00",
    )


async def test_an_entry_that_bolink_has_is_not_told_again_with_the_price(street: Parking) -> None:
    order = await parked(street)
    await street.deliver()
    said = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    assert ("in_time" in said, "car_number" in said) == (False, False)


async def test_inside_an_order_is_priced_for_its_own_plate_alone(street: Parking) -> None:
    order = await parked(street)
    assert await refused(street, scene=0, order_id=order.order_id, car_number="浙B1") == texts.OTHER_PLATE
    assert await refused(street, scene=0, order_id="nobody") == texts.NOT_FOUND
    assert (await ask_price(street, scene=0, order_id=order.order_id))["state"] == 1


async def test_a_stay_that_begins_later_than_now_has_no_price_and_is_told(street: Parking) -> None:
    order = await parked(street)
    for later, said in ((0, None), (1, texts.TIMES_WRONG)):
        await street.update(t.orders, in_at=street.clock.now() + timedelta(seconds=later))
        asked = await ask_price(street, scene=0, order_id=order.order_id)
        assert asked["state"] == int(said is None)
        assert asked["errmsg"] == (said or texts.NOTHING_DUE)
    assert await street.alarm_kinds() == ["time_unusual"]


async def test_who_has_paid_is_told_until_when_to_leave_up_to_that_moment(street: Parking) -> None:
    order = await parked(street)
    now = street.clock.now()
    await pay_at_exit(street, order.order_id, "6.00")
    for after, price in ((900, "0.00"), (901, "2.00")):
        street.clock.advance(after - (street.clock.now() - now).total_seconds())
        said = await ask_price(street, scene=0, order_id=order.order_id)
        assert said["price"] == price
        assert said.get("errmsg", "").startswith("已缴费，请于") is (price == "0.00")


@pytest.mark.parametrize(("later", "said"), [(0, None), (1, texts.TIMES_WRONG)])
async def test_at_the_exit_a_stay_that_begins_later_than_it_ends_is_a_persons(
    street: Parking, later: int, said: str | None
) -> None:
    order = await parked(street)
    await at_exit(street)
    await street.update(t.orders, in_at=street.clock.now() + timedelta(seconds=later))
    asked = await ask_price(street)
    assert (asked["state"], asked["errmsg"]) == (int(said is None), said or texts.PASS_ON)
    assert await street.alarm_kinds() == ([] if said is None else ["time_unusual"])
    await street.update(t.orders, in_at=order.in_at)


@pytest.mark.parametrize(("how", "said"), [("free", texts.HAS_LEFT), ("owed", texts.OWES)])
async def test_a_stay_that_was_ended_while_its_car_stood_there_is_told_as_that(
    street: Parking, how: str, said: str
) -> None:
    order = await parked(street)
    car = await at_exit(street)
    await street.closes(order.order_id, how)
    row = t.departures.update().where(t.departures.c.presence_id == car)
    await street.database.write(lambda conn: conn.execute(row.values(order_id=order.order_id, ended_at=None)))
    assert await refused(street) == said
    await street.update(t.orders, state="void")
    assert await refused(street) == texts.NOT_INSIDE
    await street.update(t.orders, state="out")


async def scans_out(street: Parking, policy: str, *, hours: float, paid: bool) -> tuple[dict[str, Any], str]:
    """A driver without a plate scans at the exit, whose policy is this: what is told, and by what the car goes."""
    row = t.lanes.update().where(t.lanes.c.channel_id == EXIT).values(policy=policy)
    await street.database.write(lambda conn: conn.execute(row))
    await street.passes(await street.enters("EA47829"))
    street.clock.advance(hours * 3600)
    order = await street.order("EA47829")
    if paid:
        await pay_at_exit(street, order.order_id, "2.00")
    car = await at_exit(street, "")
    said = await ask_price(street, licence="EA47829", order_id=order.order_id)
    return said, (await departure(street, car)).released_by


async def test_who_paid_inside_and_scans_out_goes_as_paid(street: Parking) -> None:
    said, by = await scans_out(street, "automatic", hours=0.9, paid=True)
    assert (said["state"], said["price"], said["errmsg"], by) == (1, "0.00", texts.PASS_ON, "paid")
    assert street.barrier(EXIT).lifts == 1


async def test_who_owes_nothing_and_scans_out_goes_as_free(street: Parking) -> None:
    said, by = await scans_out(street, "automatic", hours=0.2, paid=False)
    assert (said["state"], said["price"], said["errmsg"], by) == (1, "0.00", texts.PASS_ON, "free")
    assert street.barrier(EXIT).shown[-1] == f"EA47829 {texts.SCREEN_DRIVE_ON}"


@pytest.mark.parametrize(
    ("hours", "paid", "said", "by"), [(0.9, True, texts.ATTENDANT, ""), (0.2, False, texts.PASS_ON, "free")]
)
async def test_at_an_attendants_exit_the_attendant_raises_the_arm_for_who_paid(
    street: Parking, hours: float, paid: bool, said: str, by: str
) -> None:
    asked, released = await scans_out(street, "attendant", hours=hours, paid=paid)
    assert (asked["state"], asked["price"], asked["errmsg"], released) == (1, "0.00", said, by)
    assert street.barrier(EXIT).lifts == int(bool(by))


async def test_who_scans_out_on_a_pass_in_its_days_of_grace_is_told_to_renew_it(street: Parking) -> None:
    now = street.clock.now()
    card = {"lot_id": LOT_ID, "card_id": "K1", "holder": "", "by": BY, "grace_days": 7}
    given = AddPass(plates=[PLATE], starts_at=now - timedelta(days=9), ends_at=now - timedelta(days=1), **card)
    await street.platform.leaving.do(given)
    order = await parked(street)
    await at_exit(street, "")
    said = await ask_price(street, order_id=order.order_id)
    assert (said["price"], said["errmsg"].startswith(f"{texts.PASS_ON}，月卡已到期")) == ("0.00", True)
    assert street.barrier(EXIT).shown[-1].startswith(f"{PLATE} {texts.SCREEN_DRIVE_ON}，月卡已到期")
