"""One stay is paid in several ways at once, and many stays in whatever way: everything is kept, once, to the fen."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from itertools import permutations
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from support.lot.exits import (
    EXIT,
    ask_price,
    at_exit,
    attempts,
    bill,
    leaves,
    parked,
    pay_at_exit,
    pay_inside,
    payments,
    pays_by_itself,
    with_tariff,
)
from support.lot.parking import BY, LOT_ID, Parking
from taigan.barriers.barrier import EventKind, LaneKey
from taigan.lot.errors import LotError
from taigan.lot.people.exit_acts import Cash, LetGo
from taigan.lot.people.shifts import OpenShift
from taigan.storage import tables as t
from taigan.storage.rows import Order
from taigan.storage.sums import postings

PAID, FAILED, PENDING = ({"state": state, "errmsg": "x"} for state in (1, 0, 2))
CODE = "134567890123456789"


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    await street.platform.leaving.do(OpenShift(lot_id=LOT_ID, booth="东门", opening_fen=0, by=BY))
    return street


async def cash(street: Parking, order: Order, due_fen: int) -> int:
    """The booth takes cash for the car in the lane; what it booked, 0 where it was refused."""
    picture = street.platform.leaving.picture(LaneKey(LOT_ID, EXIT))
    act = Cash(
        lot_id=LOT_ID,
        channel_id=EXIT,
        by=BY,
        picture=picture,
        order_id=order.order_id,
        due_fen=due_fen,
        received_fen=due_fen,
    )
    with suppress(LotError):
        payment, _ = await street.platform.leaving.do(act)
        return payment.fen
    return 0


async def code_is_read(street: Parking, car: str) -> None:
    await street.barrier(EXIT).report(EventKind.SCANNED_CODE, car, code=CODE)
    await street.settled()


@pytest.mark.parametrize("way", ["wallet", "sweepcode"])
async def test_two_phones_a_pull_and_the_booth_pay_one_stay_at_once_in_every_order(street: Parking, way: str) -> None:
    for number, order_of in enumerate(permutations(range(4))):
        plate = f"浙B{number:05d}"
        order = await parked(street, plate, hours=2.9)
        await street.deliver()
        if way == "wallet":
            await pays_by_itself(street, plate)
        street.bolink.charges = [PENDING]
        lifts = street.barrier(EXIT).lifts
        car = await at_exit(street, plate)
        if way == "sweepcode":
            await code_is_read(street, car)
        street.clock.advance(25)
        await ask_price(street)
        told = [
            pay_at_exit(street, order.order_id, "6.00"),
            pay_at_exit(street, order.order_id, "6.00"),
            pay_at_exit(street, order.order_id, "6.00", pay_type=way),
            cash(street, order, 600),
        ]
        said: list[Any] = await asyncio.gather(*(told[place] for place in order_of))
        by_cash = next(each for each in said if isinstance(each, int))
        assert all(each[1]["state"] == 1 for each in said if not isinstance(each, int))
        await street.settled()
        assert street.barrier(EXIT).lifts == lifts + 1, order_of
        await leaves(street, car)
        closed = await bill(street, order)
        assert (closed.charge_fen, closed.paid_fen, closed.balance_fen) == (600, 1800 + by_cash, -1200 - by_cash)
    assert {attempt.state for attempt in await attempts(street)} == {"paid"}


async def test_random_stays_through_all_ways_of_paying_end_with_books_that_agree_to_the_fen(street: Parking) -> None:
    random = Random(20260504)
    told: dict[str, int] = {}  # what BoLink and the booth took, by order
    for number in range(30):
        plate = f"浙C{number:05d}"
        order = await parked(street, plate, hours=random.choice([0.1, 1, 3, 5]))
        if random.random() < 0.8:
            await street.deliver()
        told[order.order_id] = await a_stay(street, random, order, plate)
    for order in await street.orders():
        closed = await bill(street, order)
        assert (order.state, closed.paid_fen) == ("out", told[order.order_id]), order.order_id
        assert closed.charge_fen is not None
        assert closed.charge_fen == closed.reduced_fen + closed.credited_fen + closed.balance_fen
    counted = [payment for payment in await payments(street) if payment.state == "paid"]
    assert sum(payment.fen for payment in counted) == sum(told.values())
    assert len({(payment.giver, payment.trade_no) for payment in counted}) == len(counted)
    sums = await street.row(sa.select(sa.func.sum(t.bills.c.paid_fen), sa.func.sum(t.bills.c.refunded_fen)))
    assert [int(value) for value in sums[0]] == [sum(told.values()), 0]
    year = timedelta(days=366)
    ever = (LOT_ID, street.clock.now() - year, street.clock.now() + year)
    assert await street.read(lambda conn: postings.unbalanced(conn, *ever)) == {}
    assert await street.read(lambda conn: postings.without_bill(conn, *ever)) == []
    assert len(street.unlawful_lifts) == 0
    assert await street.free() == 50


async def a_stay(street: Parking, random: Random, order: Order, plate: str) -> int:
    """The car leaves in whatever way, with whatever goes wrong; what was paid for it in all."""
    paid = 0
    if random.random() < 0.3:
        quote = await ask_price(street, scene=0, car_number=plate, order_id=order.order_id)
        if quote["price"] != "0.00":
            for _ in range(random.choice([1, 2])):  # BoLink tells it again
                await pay_inside(street, quote, trade_no=f"inside-{plate}", car_number=plate)
            paid += fen(quote["price"])
    if random.random() < 0.4:
        await pays_by_itself(street, plate)
    answer = random.choice([PAID, FAILED, PENDING])
    street.bolink.charges = [answer]
    car = await at_exit(street, plate)
    if random.random() < 0.3:
        await code_is_read(street, car)
    for pull in await attempts(street):
        if pull.order_id == order.order_id:
            late = pull.state == "unclear" and random.random() < 0.7
            if late:
                number = f"late-{plate}"
                await pay_at_exit(street, order.order_id, yuan(pull.fen), pay_type=pull.way, trade_no=number)
                await pay_at_exit(
                    street, order.order_id, yuan(pull.fen), pay_type=pull.way, trade_no=number, errmsg="2"
                )
            paid += pull.fen if late or pull.state == "paid" else 0
            street.clock.advance(30)
    price = await ask_price(street)
    due = fen(price["price"]) if price["state"] == 1 and price["price"] else 0
    match random.choice(["code", "twice", "cash", "less", "failed"]) if due else "":
        case "code":
            await pay_at_exit(street, order.order_id, yuan(due))
            paid += due
        case "twice":
            for _ in range(2):
                await pay_at_exit(street, order.order_id, yuan(due))
            paid += 2 * due
        case "cash":
            paid += await cash(street, order, due)
        case "less":
            await pay_at_exit(street, order.order_id, yuan(due - 100))
            paid += due - 100
        case "failed":
            await pay_at_exit(street, order.order_id, yuan(due), state=0)
    await street.settled()
    picture = street.platform.leaving.picture(LaneKey(LOT_ID, EXIT))
    unpaid = random.choice(["waived", "owed"])
    with suppress(LotError):
        act = LetGo(lot_id=LOT_ID, channel_id=EXIT, by=BY, picture=picture, unpaid=unpaid)
        await street.platform.leaving.do_and_raise(act)
    await leaves(street, car)
    return paid


def fen(text: str) -> int:
    return round(float(text) * 100)


def yuan(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"
