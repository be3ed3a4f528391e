"""What makes a stay cheaper by message (5.14: points, a hotel, charging), and what charging took off (3.11)."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from lot.conftest import NewParking
from support.lot.exits import EXIT, PLATE, ask_price, at_exit, bill, leaves, parked, pay_inside, with_tariff
from support.lot.parking import KEY, LANES, LOT_ID, SEES_ALL, Parking, lot_with
from taigan import bolink
from taigan.lot.setup import LaneSetup
from taigan.storage import tables as t
from taigan.storage.locked import vehicles

BEIJING = ZoneInfo("Asia/Shanghai")
_numbers = itertools.count(1)


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


async def told(street: Parking, kind: int, **data: Any) -> tuple[int, str]:
    """5.14: state and text of the answer."""
    message = {"service_name": "pay_notice", "park_id": "7", "car_number": PLATE, "type": kind} | data
    answered = await street.platform.callbacks.answer(bolink.seal(json.dumps(message).encode(), KEY))
    await street.settled()
    said = json.loads(answered.body)
    return said["state"], said["errmsg"]


def clock(street: Parking, hours: float = 0) -> str:
    at = street.clock.now().astimezone(BEIJING) + timedelta(hours=hours)
    return f"{at:%Y-%m-%d %H:%M:%S}"


async def test_i10_points_take_yuan_off_once_and_are_no_payment(street: Parking) -> None:
    order = await parked(street)
    points = {"order_id": order.order_id, "trade_no": "P1", "deduction_count": "400", "deduction_money": "4.00"}
    assert await told(street, 1, **points) == (1, "成功")
    assert await told(street, 1, **points, remark="again") == (1, "成功")
    await at_exit(street)
    assert street.barrier(EXIT).asked[-1].due_fen == 200
    assert (await bill(street, order)).paid_fen == 0


@pytest.mark.parametrize(
    ("told_of", "due"), [({"deduction_time": "120"}, 200), ({"reduce_amount": "1.50"}, 450)]
)  # 3 hours cost 6 yuan
async def test_i10_points_may_be_minutes_or_a_reduction(street: Parking, told_of: dict[str, str], due: int) -> None:
    order = await parked(street)
    assert await told(street, 1, order_id=order.order_id, **told_of) == (1, "成功")
    await at_exit(street)
    assert street.barrier(EXIT).asked[-1].due_fen == due


@pytest.mark.parametrize("wrong", [{}, {"deduction_money": "-1"}, {"deduction_money": "x"}, {"deduction_time": "²"}])
async def test_i13_points_that_are_none_are_refused_and_take_nothing(street: Parking, wrong: dict[str, str]) -> None:
    order = await parked(street)
    assert await told(street, 1, order_id=order.order_id, **wrong) == (0, "减免信息错误")
    await at_exit(street)
    assert street.barrier(EXIT).asked[-1].due_fen == 600


@pytest.mark.parametrize("kind", [1, 3])
async def test_i3_points_or_charging_without_an_open_stay_are_refused_and_after_the_exit_too(
    street: Parking, kind: int
) -> None:
    off = {"deduction_money": "4.00"} if kind == 1 else {"plat_form_id": 4, "start_charge_seq": "C1", "duration": 600}
    assert await told(street, kind, **off) == (0, "未找到在场订单")
    order = await parked(street, hours=0)
    await leaves(street, await at_exit(street))
    assert await told(street, kind, **off, order_id=order.order_id) == (0, "车辆已离场")


async def test_i11_a_hotels_guest_needs_no_stay_and_the_time_between_arrival_and_departure_is_covered(
    street: Parking,
) -> None:
    guest = {"arrival_time": clock(street), "check_out_time": clock(street, 2), "car_number_type": "1"}
    assert await told(street, 2, **guest) == (1, "成功")
    assert await told(street, 2, **guest, remark="again") == (1, "成功")
    await parked(street, hours=4)
    await at_exit(street)
    assert street.barrier(EXIT).asked[-1].due_fen == 400  # two hours of four


async def test_i11_a_hotel_changes_nothing_for_a_plate_that_is_free_for_ever(street: Parking) -> None:
    listed = {"service_name": "special_plate", "park_id": "7", "car_number": PLATE, "type": "add", "car_type": "white"}
    await street.platform.callbacks.answer(bolink.seal(json.dumps(listed).encode(), KEY))
    await told(street, 2, arrival_time=clock(street, -9), check_out_time=clock(street, -8), car_number_type="1")
    await parked(street)
    await at_exit(street)
    assert street.barrier(EXIT).lifts == 1


async def test_i11_a_plate_on_a_hotels_black_list_is_refused_while_it_holds(street: Parking) -> None:
    await told(street, 2, arrival_time=clock(street), check_out_time=clock(street, 2), car_number_type="0")
    asked = {"service_name": "query_car_info", "park_id": "7", "car_number": PLATE, "type": "special"}
    answered = await street.platform.callbacks.answer(bolink.seal(json.dumps(asked).encode(), KEY))
    assert json.loads(answered.body)["data"]["car_type"] == "black"


@pytest.mark.parametrize(
    "wrong",
    [
        {"check_out_time": "2000-01-01 00:00:00"},
        {"arrival_time": "soon"},
        {"car_number_type": "7"},
        {"car_number": "无牌"},
    ],
)
async def test_i13_a_guest_that_cannot_be_understood_is_on_no_list(street: Parking, wrong: dict[str, str]) -> None:
    guest = {"arrival_time": clock(street), "check_out_time": clock(street, 2), "car_number_type": "1"}
    assert await told(street, 2, **guest | wrong) == (0, "减免信息错误")


@pytest.mark.parametrize(
    ("platform", "reduction", "reported"),
    [
        (4, {"duration": 120}, {"platform_id": 1, "calculation_method": 1, "duration": 120, "reduce_amount": "4.00"}),
        (12, {"reduce_amount": "1.50"}, {"platform_id": 2, "calculation_method": 2, "reduce_amount": "1.50"}),
        (12, {"reduce_amount": "99"}, {"platform_id": 2, "calculation_method": 2, "reduce_amount": "6.00"}),
    ],
)
async def test_i12_what_charging_really_took_off_is_told_once_after_the_exit(
    street: Parking, platform: int, reduction: dict[str, Any], reported: dict[str, Any]
) -> None:
    await parked(street)
    assert await told(street, 3, plat_form_id=platform, start_charge_seq="C1", **reduction) == (1, "成功")
    quote = await ask_price(street, scene=0, car_number=PLATE)
    if quote["price"] != "0.00":
        await pay_inside(street, quote, quote["price"])
    await leaves(street, await at_exit(street))
    await street.deliver()
    (taken,) = street.bolink.of("3.11")
    assert (
        taken.data
        == {
            "union_id": 200002,
            "park_id": "7",
            "car_number": PLATE,
            "start_charge_seq": "C1",
            "out_time": int(street.clock.now().timestamp()),
        }
        | reported
    )
    assert [one.section for one in street.bolink.uploads if one.section in ("3.1", "3.2", "3.11")] == [
        "3.1",
        "3.2",
        "3.11",
    ]


async def test_i12_a_platform_that_does_not_ask_is_told_nothing(street: Parking) -> None:
    await parked(street)
    await told(street, 3, plat_form_id=1, start_charge_seq="C1", calculation_method=0)
    await leaves(street, await at_exit(street))
    await street.deliver()
    assert street.bolink.of("3.11") == []


@pytest.fixture
async def two_exits(new_parking: NewParking) -> Parking:
    lanes = (*LANES, LaneSetup(channel_id="B2", direction="exit", barrier=SEES_ALL))
    street = await new_parking(lots=(lot_with(lanes=lanes),))
    await with_tariff(street)
    return street


async def is_a_guest(street: Parking, begin: float = -9, end: float = 9, **other: Any) -> tuple[int, str]:
    """A hotel says that the plate is a guest's between these hours from now."""
    return await told(
        street, 2, arrival_time=clock(street, begin), check_out_time=clock(street, end), car_number_type="1", **other
    )


@pytest.mark.parametrize("other", ["京A00001", "粤Z99999"])
async def test_i11_a_guest_who_stands_at_the_exit_goes_and_nobody_else_is_asked_anew(
    two_exits: Parking, other: str
) -> None:
    street = two_exits
    for plate in (PLATE, other):
        await parked(street, plate)
    await at_exit(street)
    await at_exit(street, other, "B2")
    assert await is_a_guest(street) == (1, "成功")
    assert (street.barrier(EXIT).lifts, street.barrier("B2").lifts, len(street.barrier("B2").asked)) == (1, 0, 1)


async def test_i11_a_guest_whose_car_was_let_go_is_asked_for_nothing_more(street: Parking) -> None:
    await parked(street)
    await at_exit(street)
    await let_go(street)
    asked = len(street.barrier(EXIT).asked)
    await is_a_guest(street, -1, 1)  # covers a part of the stay
    assert len(street.barrier(EXIT).asked) == asked


async def test_i11_a_guest_who_comes_twice_is_one_for_both_times(street: Parking) -> None:
    for begin in (0, 48):
        assert await is_a_guest(street, begin, begin + 2) == (1, "成功")
    kept = await street.read(lambda conn: vehicles.special_vehicles(conn, LOT_ID))
    assert sorted((one.starts_at, one.ends_at) for one in kept) == [
        (street.clock.now() + timedelta(hours=begin), street.clock.now() + timedelta(hours=begin + 2))
        for begin in (0, 48)
    ]


async def let_go(street: Parking) -> None:
    """BoLink raises the arm at the exit (11.1)."""
    raised = {"service_name": "operate_liftrod", "park_id": "7", "union_id": 200002, "channel_id": EXIT}
    text = json.dumps(raised | {"operate": 0, "liftrod_id": "L1"}).encode()
    await street.platform.callbacks.answer(bolink.seal(text, KEY))
    await street.settled()


async def test_a_reduction_of_a_car_that_was_let_go_asks_for_nothing_more(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    await let_go(street)
    asked = len(street.barrier(EXIT).asked)
    assert await told(street, 1, order_id=order.order_id, deduction_money="1.00") == (1, "成功")
    assert len(street.barrier(EXIT).asked) == asked


async def test_a_reduction_that_leaves_nothing_due_lets_the_car_at_the_exit_go(street: Parking) -> None:
    order = await parked(street)
    await at_exit(street)
    assert await told(street, 1, order_id=order.order_id, deduction_money="6.00") == (1, "成功")
    assert street.barrier(EXIT).lifts == 1


async def test_a_reduction_that_names_no_stay_is_that_of_its_plate_unless_two_stand_inside(street: Parking) -> None:
    points = {"deduction_money": "1.00"}
    assert await told(street, 1, **points, trade_no="P1") == (0, "未找到在场订单")
    order = await parked(street)
    assert await told(street, 1, **points, trade_no="P2") == (1, "成功")
    await parked(street, "浙A67890")
    second = t.orders.update().where(t.orders.c.licence == "浙A67890").values(plate=PLATE)
    await street.database.write(lambda conn: conn.execute(second))
    assert await told(street, 1, **points, trade_no="P3") == (0, "未找到在场订单")
    assert await told(street, 1, **points, trade_no="P4", order_id=order.order_id) == (1, "成功")
    reduced = sa.select(t.reductions.c.order_id, t.reductions.c.value)
    assert [tuple(one) for one in await street.row(reduced)] == [(order.order_id, 100)] * 2


@pytest.mark.parametrize(
    ("state", "said"), [("out", "车辆已离场"), ("void", "未找到在场订单"), ("abandoned", "未找到在场订单")]
)
async def test_i3_a_stay_that_is_not_in_is_not_reduced(street: Parking, state: str, said: str) -> None:
    order = await parked(street)
    await street.update(t.orders, state=state)
    assert await told(street, 1, order_id=order.order_id, deduction_money="1.00", trade_no="P1") == (0, said)
    outcomes = sa.select(t.money_notices.c.section, t.money_notices.c.outcome)
    assert [tuple(one) for one in await street.row(outcomes)] == [("5.14", "kept")]
    await street.update(t.orders, state="in")
    assert await told(street, 1, order_id=order.order_id, deduction_money="1.00", trade_no="P2") == (1, "成功")
    assert sorted(tuple(one) for one in await street.row(outcomes)) == [("5.14", "booked"), ("5.14", "kept")]


async def test_a_stay_that_charging_pays_whole_is_reduced_by_no_number(street: Parking) -> None:
    order = await parked(street)
    whole = {"plat_form_id": 4, "start_charge_seq": "C1", "calculation_method": 0}
    assert await told(street, 3, order_id=order.order_id, **whole) == (1, "成功")
    history = await street.history(await street.order(PLATE))
    assert [one.detail for one in history.events if one.event == "reduced"] == ["whole 0 充电减免"]


async def test_a_message_of_a_reduction_that_is_sent_again_gets_its_first_answer(street: Parking) -> None:
    points = {"deduction_money": "1.00", "trade_no": "P1"}
    first = await told(street, 1, **points)
    await parked(street)
    assert (await told(street, 1, **points), first[0]) == (first, 0)
    assert await told(street, 1, **points, remark="another text") == (1, "成功")
