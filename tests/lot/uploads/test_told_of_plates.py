"""What BoLink says of a plate: stays that it never paid, here or elsewhere (3.1, 3.8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lot.conftest import NewParking
from support.lot.exits import EXIT, PLATE, ask_price, at_exit, bill, leaves, parked, with_tariff
from support.lot.parking import BY, Parking
from taigan.barriers.barrier import EventKind
from taigan.lot.people.exit_acts import Report
from taigan.lot.policy import ArrearsAtEntry, Policy
from taigan.storage.rows import Order

HERE = ("200002", "7")
ELSEWHERE = ("200145", "123")
WORDS = "您有欠费订单，可补缴"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    return street


def escaped(*lots: tuple[str, str]) -> list[dict[str, Any]]:
    """Unpaid stays of a plate in these lots, as 3.8 lists them."""
    at = {"inTime": 1490875218, "outTime": 1490885218, "money": "6.00", "duration": "3小时"}
    return [
        {"parkName": "某车场", "unionId": union_id, "orderId": f"o{park_id}", "parkId": park_id, "carNumber": PLATE}
        | at
        for union_id, park_id in lots
    ]


def bolink_answers(street: Parking, section: str, *lots: tuple[str, str]) -> None:
    said = {"state": 1, "order_id": "x", "errmsg": "ok", "escapeOrder": escaped(*lots)}
    street.bolink.answers[section] = (200, json.dumps(said).encode())


async def owes(street: Parking) -> Order:
    """A car that left without paying, which is reported to BoLink."""
    order = await parked(street)
    await leaves(street, await at_exit(street))
    await street.platform.leaving.do(Report(lot_id=order.lot_id, order_id=order.order_id, by=BY))
    await street.deliver()
    assert (await bill(street, order)).balance_fen == 600
    return order


async def comes_in(street: Parking) -> list[Order]:
    """The car drives to an entry; its orders that are inside."""
    car = await street.arrives("A1")
    await street.barrier("A1").report(EventKind.PLATE, car, plate=PLATE)
    await street.settled()
    inside = [order for order in await street.orders() if order.state == "in"]
    if inside:
        await street.passes(car, "A1")
    return inside


async def test_d25_a_plate_with_arrears_here_or_elsewhere_is_asked_for_this_stay_only_and_told_that_it_may_pay_them(
    street: Parking,
) -> None:
    bolink_answers(street, "3.1", ELSEWHERE, HERE)
    order = await parked(street, hours=0)
    await street.deliver()
    street.clock.advance(3 * 3600)
    inside = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id)
    assert "errmsg" not in inside, "anybody may ask inside"
    await at_exit(street)
    asked = street.barrier(EXIT).asked[-1]
    assert (asked.due_fen, asked.text) == (600, f"请扫码缴费，{WORDS}")
    price = await ask_price(street)
    assert (price["price"], price["errmsg"]) == ("6.00", WORDS)


async def test_d25_one_that_owes_nothing_for_this_stay_leaves_and_is_told_all_the_same(street: Parking) -> None:
    bolink_answers(street, "3.1", ELSEWHERE)
    await parked(street, hours=0)
    await street.deliver()
    await at_exit(street)
    assert street.barrier(EXIT).shown[-1] == f"{PLATE} 请通行，{WORDS}"
    assert street.barrier(EXIT).lifts == 1


async def test_d25_one_without_arrears_is_told_of_none(street: Parking) -> None:
    bolink_answers(street, "3.1")
    await parked(street, hours=0)
    await street.deliver()
    street.clock.advance(3 * 3600)
    await at_exit(street)
    assert street.barrier(EXIT).asked[-1].text == "请扫码缴费"
    assert "errmsg" not in await ask_price(street)


async def test_g11_arrears_at_entry_are_told_on_the_screen_and_the_car_is_let_in(street: Parking) -> None:
    await owes(street)
    bolink_answers(street, "3.8", HERE, ELSEWHERE)
    [order] = await comes_in(street)
    assert street.barrier("A1").shown[-1] == WORDS
    assert order.arrears == 1, "only this lot's count"
    assert ("arrears", "1") in [(one.event, one.detail) for one in (await street.history(order)).events]


async def test_g11_a_plate_with_arrears_is_refused_where_it_is_set(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(arrears_at_entry=ArrearsAtEntry.REFUSE))
    await with_tariff(street)
    await owes(street)
    bolink_answers(street, "3.8", HERE)
    assert await comes_in(street) == []
    assert street.barrier("A1").shown[-1] == "有欠费，请先补缴"
    bolink_answers(street, "3.8")  # it was paid meanwhile
    assert len(await comes_in(street)) == 1


@pytest.mark.parametrize("rule", ArrearsAtEntry)
async def test_g11_arrears_that_were_not_reported_or_are_of_other_lots_keep_nobody_out(
    new_parking: NewParking, rule: ArrearsAtEntry
) -> None:
    street = await new_parking(policy=Policy(arrears_at_entry=rule))
    await with_tariff(street)
    await owes(street)
    bolink_answers(street, "3.8", ELSEWHERE, ("200002", "8"))
    [order] = await comes_in(street)
    assert (street.barrier("A1").shown[-1], order.arrears) == ("欢迎光临", 0)


async def test_g11_while_bolink_is_down_a_plate_with_arrears_is_let_in(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(arrears_at_entry=ArrearsAtEntry.REFUSE))
    await with_tariff(street)
    await owes(street)
    street.bolink.reachable = False
    assert len(await comes_in(street)) == 1


async def test_g11_bolink_is_asked_of_those_only_that_owe_something_here_and_of_none_where_it_is_ignored(
    new_parking: NewParking,
) -> None:
    street = await new_parking(policy=Policy(arrears_at_entry=ArrearsAtEntry.IGNORE))
    await with_tariff(street)
    await owes(street)
    await comes_in(street)
    assert street.bolink.of("3.8") == []
