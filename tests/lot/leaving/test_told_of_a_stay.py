"""What BoLink, the city and a charging platform are told of a stay that has ended: who paid, who let it go, and why."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from support.lot.exits import (
    EXIT,
    PLATE,
    ask_price,
    at_exit,
    departure,
    exits_told,
    leaves,
    parked,
    pay_at_exit,
    told,
    with_tariff,
)
from support.lot.parking import BY, LOT_ID, Parking
from taigan.lot.errands.city import SetCity, TellCity
from taigan.lot.errors import Conflict
from taigan.lot.people.exit_acts import Close, Correct, GiveBack, LetGo, Reduce, Report, Waive
from taigan.lot.people.passes import AddPass
from taigan.storage import tables as t
from taigan.storage.rows import Order


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def known(street: Parking, hours: float = 3.0) -> Order:
    """A car has come in, and BoLink took its entry."""
    order = await parked(street, hours=hours)
    await street.deliver()
    return order


async def let_go(street: Parking, unpaid: str) -> None:
    picture = street.platform.leaving.pictures(LOT_ID)[EXIT]
    act = LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture, unpaid=unpaid)
    await street.platform.leaving.do_and_raise(act)


async def tell_city(street: Parking, order: Order) -> dict[str, Any]:
    """A person has the city told; what it is told."""
    await street.platform.leaving.do(TellCity(lot_id=LOT_ID, order_id=order.order_id, by=BY))
    return (await corrections(street))[-1]


async def corrections(street: Parking) -> list[dict[str, Any]]:
    return [json.loads(one.payload) for one in await street.deliveries() if one.section == "10.1"]


async def with_pass(street: Parking) -> None:
    now = street.clock.now()
    days = {"starts_at": now - timedelta(days=30), "ends_at": now + timedelta(days=300)}
    await street.platform.leaving.do(AddPass(lot_id=LOT_ID, card_id="K1", holder="", plates=[PLATE], by=BY, **days))


async def paid_and_gone(street: Parking, yuan: str = "6.00") -> None:
    car = await at_exit(street)
    await ask_price(street)
    await pay_at_exit(street, (await street.order(PLATE)).order_id, yuan)
    await leaves(street, car)


async def test_of_a_stay_that_goes_on_the_city_is_told_the_plate_alone(street: Parking) -> None:
    order = await known(street)
    assert await tell_city(street, order) == {
        "service_name": "correct_business",
        "union_id": 200002,
        "park_id": "7",
        "car_number": PLATE,
        "order_id": order.order_id,
        "type": "1",
    }


async def test_of_a_stay_that_was_paid_the_city_is_told_times_and_what_it_cost(street: Parking) -> None:
    order = await known(street)
    reduce = Reduce(lot_id=LOT_ID, order_id=order.order_id, by=BY, kind="fen", value=150)
    await street.platform.leaving.do(reduce)
    await paid_and_gone(street, "4.50")
    left_at = int(street.clock.now().timestamp())
    street.clock.advance(7200)
    said = await tell_city(street, order)
    assert order.in_at is not None
    assert said == {
        "service_name": "correct_business",
        "union_id": 200002,
        "park_id": "7",
        "car_number": PLATE,
        "order_id": order.order_id,
        "type": "3",
        "in_time": int(order.in_at.timestamp()),
        "out_time": left_at,
        "total": 4.5,
        "leave_business_type": "24",
    }


async def test_a_stay_whose_money_was_all_given_back_left_free_and_one_of_which_a_part_was_has_paid(
    street: Parking,
) -> None:
    order = await known(street)
    car = await at_exit(street)
    for _ in range(2):  # two phones pay at once
        await pay_at_exit(street, order.order_id, "6.00")
    await leaves(street, car)
    await street.platform.leaving.do(GiveBack(lot_id=LOT_ID, order_id=order.order_id, by=BY, fen=600))
    assert (await tell_city(street, order))["leave_business_type"] == "24"
    await street.update(t.bills, refunded_fen=1200)
    assert (await tell_city(street, order))["leave_business_type"] == "21"


@pytest.mark.parametrize("closes", [True, False])
async def test_a_stay_that_nobody_paid_for_left_free(street: Parking, closes: bool) -> None:
    order = await known(street, hours=0.1)
    if closes:
        await street.platform.leaving.do(Close(lot_id=LOT_ID, order_id=order.order_id, by=BY, how="free"))
    else:
        await leaves(street, await at_exit(street))
    said = await tell_city(street, order)
    assert (said["total"], said["leave_business_type"]) == (0, "21")


async def test_who_was_let_go_for_his_pass_left_by_it(street: Parking) -> None:
    order = await known(street)
    await with_pass(street)
    car = await at_exit(street)
    await leaves(street, car)
    assert (await departure(street, car)).reason == "月卡"
    assert (await tell_city(street, order))["leave_business_type"] == "22"


async def test_the_city_is_told_of_a_new_plate_only_where_it_wants_to_be_and_bolink_has_the_entry(
    street: Parking,
) -> None:
    order = await parked(street)

    async def correct(plate: str) -> int:
        await street.platform.leaving.do(Correct(lot_id=LOT_ID, order_id=order.order_id, by=BY, plate=plate))
        return len(await corrections(street))

    assert await correct("浙A00001") == 0
    await street.platform.leaving.do(SetCity(lot_id=LOT_ID, corrections=True, checks=False, screens=False, by=BY))
    assert await correct("浙A00002") == 0
    with pytest.raises(Conflict):
        await tell_city(street, order)
    await street.deliver()
    assert await correct("浙A00003") == 1
    await street.platform.leaving.do(SetCity(lot_id=LOT_ID, corrections=False, checks=False, screens=False, by=BY))
    assert await correct("浙A00004") == 1


async def test_an_exit_names_who_let_the_car_go_and_the_reason_of_what_was_waived(street: Parking) -> None:
    order = await known(street)
    car = await at_exit(street)
    await street.platform.leaving.do(
        Reduce(lot_id=LOT_ID, order_id=order.order_id, by=BY, kind="minutes", value=60)
    )  # another kind, and what is waived counts
    await let_go(street, "waived")
    await leaves(street, car)
    (said,) = await exits_told(street)
    assert (said["out_uname"], said["freereasons"], said["out_channel_id"], said["pay_type"]) == (
        BY.operator,
        BY.reason,
        EXIT,
        "cash",
    )
    assert (said["reduce_amount"], said["derate_duration"]) == ("6.00", 60)


async def test_an_exit_that_was_waived_alone_names_no_minutes_and_one_that_was_paid_names_nobody(
    street: Parking,
) -> None:
    order = await known(street)
    await street.platform.leaving.do(Waive(lot_id=LOT_ID, order_id=order.order_id, by=BY))
    await leaves(street, await at_exit(street))
    (said,) = await exits_told(street)
    assert ("derate_duration" in said, said["freereasons"], "out_uname" in said) == (False, BY.reason, False)


async def test_an_exit_that_was_paid_names_neither_a_reason_nor_a_person(street: Parking) -> None:
    await known(street)
    await paid_and_gone(street)
    (said,) = await exits_told(street)
    assert ("freereasons" in said, "out_uname" in said, "reduce_amount" in said) == (False, False, False)


async def test_an_exit_that_a_rule_let_go_names_the_rule(street: Parking) -> None:
    await known(street)
    await with_pass(street)
    await leaves(street, await at_exit(street))
    (said,) = await exits_told(street)
    assert (said["freereasons"], "out_uname" in said) == ("月卡", False)


async def test_a_stay_that_a_person_closes_ends_when_he_does(street: Parking) -> None:
    order = await known(street, hours=0.1)
    await street.platform.leaving.do(Close(lot_id=LOT_ID, order_id=order.order_id, by=BY, how="free"))
    closed_at = int(street.clock.now().timestamp())
    street.clock.advance(60)
    (said,) = await exits_told(street)
    assert (said["out_time"], "out_channel_id" in said) == (closed_at, False)


async def test_what_is_waived_after_a_person_closed_a_stay_is_told_with_the_time_it_ended(street: Parking) -> None:
    order = await known(street)
    await street.platform.leaving.do(Close(lot_id=LOT_ID, order_id=order.order_id, by=BY, how="owed"))
    closed_at = int(street.clock.now().timestamp())
    assert await exits_told(street) == []
    street.clock.advance(3600)
    await street.platform.leaving.do(Waive(lot_id=LOT_ID, order_id=order.order_id, by=BY))
    (said,) = await exits_told(street)
    assert (said["out_time"], said["reduce_amount"]) == (closed_at, "6.00")


async def test_a_car_that_leaves_owing_is_told_once_with_its_plate_and_is_reported_with_what_it_owes(
    street: Parking,
) -> None:
    order = await known(street)
    car = await at_exit(street)
    await let_go(street, "owed")
    await leaves(street, car)
    (alarm,) = await street.alarms()
    assert (alarm.kind, alarm.text, alarm.order_id) == ("left_owing", f"{PLATE}: left owing 600 fen", order.order_id)
    assert await exits_told(street) == []
    await street.platform.leaving.do(Report(lot_id=LOT_ID, order_id=order.order_id, by=BY))
    (said,) = await exits_told(street)
    assert (said["pay_type"], said["total"]) == ("escape", "6.00")
    events = [(event.event, event.detail) for event in (await street.history(order)).events]
    assert ("reported", "6.00") in events


async def test_a_car_without_a_plate_that_leaves_owing_is_told_by_its_licence(street: Parking) -> None:
    await street.passes(await street.enters("EA47829"))
    order = await street.order("EA47829")
    street.clock.advance(3600)
    car = await at_exit(street, "")
    await ask_price(street, scene=2, licence="EA47829", order_id=order.order_id, car_number="EA47829")
    await let_go(street, "owed")
    await leaves(street, car)
    assert [one.text for one in await street.alarms()] == ["EA47829: left owing 200 fen"]


async def charged(street: Parking, number: str, platform: int, **reduction: Any) -> None:
    """A charging platform says what a plate's charging takes off (5.14)."""
    data = {"car_number": PLATE, "type": 3, "plat_form_id": platform, "start_charge_seq": number} | reduction
    status, answer = await told(street, "pay_notice", data)
    assert (status, answer["state"]) == (200, 1)


async def taken(street: Parking) -> dict[str, dict[str, Any]]:
    await street.deliver()
    return {upload.data["start_charge_seq"]: dict(upload.data) for upload in street.bolink.of("3.11")}


async def test_minutes_of_charging_that_took_nothing_off_are_told_as_none(street: Parking) -> None:
    await parked(street, hours=0.1)
    await charged(street, "C1", 12, calculation_method=1, duration="30")
    await leaves(street, await at_exit(street))
    said = (await taken(street))["C1"]
    assert (said["calculation_method"], said["duration"], said["reduce_amount"]) == (1, 0, "0.00")


async def test_of_several_chargings_each_platform_that_asks_is_told_of_its_own(street: Parking) -> None:
    await parked(street)
    await charged(street, "C1", 1, reduce_amount="1.00")
    await charged(street, "C2", 12, reduce_amount="1.50")
    await charged(street, "C3", 12, reduce_amount="0.50")
    await paid_and_gone(street, "3.00")
    said = await taken(street)
    assert {number: one["reduce_amount"] for number, one in said.items()} == {"C2": "1.50", "C3": "0.50"}


async def test_a_stay_that_left_owing_tells_the_charging_once_it_was_paid_and_only_once(street: Parking) -> None:
    order = await parked(street)
    await charged(street, "C1", 12, reduce_amount="1.00")
    car = await at_exit(street)
    left_at = int(street.clock.now().timestamp())
    await let_go(street, "owed")
    await leaves(street, car)
    assert await taken(street) == {}
    street.clock.advance(3600)
    await pay_at_exit(street, order.order_id, "5.00")
    assert (await taken(street))["C1"]["out_time"] == left_at
    rows = sa.select(sa.func.count()).where(t.deliveries.c.section == "3.11")
    assert (await street.row(rows))[0][0] == 1
