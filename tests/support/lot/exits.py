"""Cars that leave, drivers that ask for the price and pay, for tests on a `Parking`."""

from __future__ import annotations

import itertools
import json
import tomllib
from datetime import date, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from support.lot.parking import KEY, LOT_ID, Parking
from taigan import bolink
from taigan.barriers.barrier import EventKind
from taigan.storage import tables as t
from taigan.storage.locked import ledger
from taigan.storage.rows import Attempt, Bill, Departure, Order, Payment
from taigan.storage.setup import price_lists
from taigan.storage.setup.price_lists import PriceListRow

PLATE = "浙A12345"
EXIT = "B1"
TWO_AN_HOUR = """
valid_from = 2020-01-01
[[rates]]
free = 15
[[rates.sections]]
steps = [{ per = 60, price = "2.00" }]
"""
"""Fifteen minutes free, then 2 yuan for each hour begun."""
_numbers = itertools.count(1)


async def with_tariff(street: Parking, body: str = TWO_AN_HOUR, lot_id: str = LOT_ID) -> None:
    """Put a price list in force."""
    listed = msgspec.json.encode(tomllib.loads(body)).decode()
    row = PriceListRow(lot_id, 1, date(2020, 1, 1), listed, street.clock.now(), "test", "test")
    await street.database.write(lambda conn: price_lists.add(conn, row))


async def parked(street: Parking, plate: str = PLATE, *, hours: float = 3.0) -> Order:
    """A car with a plate drives in, and stays for so long."""
    car = await street.arrives("A1")
    await street.barrier("A1").report(EventKind.PLATE, car, plate=plate)
    await street.settled()
    await street.passes(car, "A1")
    order = await street.order(plate)
    street.clock.advance(hours * 3600)
    return order


async def at_exit(street: Parking, plate: str = PLATE, channel_id: str = EXIT) -> str:
    """A car drives to the exit and its plate is read (none: empty); its presence_id."""
    car = await street.arrives(channel_id)
    if plate:
        await street.barrier(channel_id).report(EventKind.PLATE, car, plate=plate)
    await street.settled()
    return car


async def leaves(street: Parking, car: str, channel_id: str = EXIT) -> None:
    """The car drives out."""
    await street.passes(car, channel_id)
    await street.settled()


async def told(street: Parking, service_name: str, data: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """BoLink's message and its answer: HTTP status and body."""
    fields = {"service_name": service_name, "park_id": "7"} | data
    text = json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
    answered = await street.platform.callbacks.answer(bolink.seal(text, KEY))
    await street.settled()
    return answered.status, json.loads(answered.body) if answered.body else {}


async def ask_price(
    street: Parking, *, scene: int = 1, channel_id: str = EXIT, number: str = "", **fields: Any
) -> dict[str, Any]:
    """5.1: the answer."""
    data = {"pay_scene": scene, "query_order_no": number or f"Q{next(_numbers)}"}
    if scene:
        data["out_channel_id"] = channel_id
    status, answer = await told(street, "query_price", data | fields)
    assert status == 200
    return answer


async def pay_inside(
    street: Parking, quote: dict[str, Any], yuan: str = "", **fields: Any
) -> tuple[int, dict[str, Any]]:
    """5.3 for a quote."""
    data = {
        "car_number": PLATE,
        "prepay": yuan or quote["price"],
        "order_id": quote["order_id"],
        "query_order_no": quote.get("query_order_no"),
        "trade_no": f"T{next(_numbers):020d}",
        "pay_time": int(street.clock.now().timestamp()),
        "arrive_money": yuan or quote["price"],
        "fee": "0",
        "account_type": 1,
        "remark": "停车费",
    }
    return await told(street, "prepay_order", data | fields)


async def pay_at_exit(
    street: Parking, order_id: str, yuan: str, *, state: int = 1, **fields: Any
) -> tuple[int, dict[str, Any]]:
    """5.5 for a code that was paid."""
    data = {
        "state": state,
        "order_id": order_id,
        "trade_no": f"T{next(_numbers):020d}",
        "pay_type": "scancode",
        "out_channel_id": EXIT,
        "total": yuan,
        "errmsg": "",
        "pay_time": int(street.clock.now().timestamp()),
        "arrive_money": yuan,
        "fee": "0",
        "account_type": 1,
        "remark": "停车费",
    }
    return await told(street, "outpark", data | fields)


async def bill(street: Parking, order: Order) -> Bill:
    return await street.read(lambda conn: ledger.bill(conn, order.lot_id, order.order_id))


async def payments(street: Parking, lot_id: str = LOT_ID) -> list[Payment]:
    """All payments of the lot, strays too, oldest first."""
    columns = [t.payments.c[name] for name in Payment.__struct_fields__]
    found = await street.row(sa.select(*columns).where(t.payments.c.lot_id == lot_id).order_by(t.payments.c.payment_id))
    return [Payment(*row) for row in found]


async def departure(street: Parking, presence_id: str) -> Departure:
    found = await street.read(lambda conn: ledger.departure(conn, LOT_ID, presence_id))
    assert found is not None
    return found


async def exits_told(street: Parking) -> list[dict[str, Any]]:
    """What BoLink was told of exits (3.2), in order."""
    await street.deliver()
    return [upload.data for upload in street.bolink.of("3.2")]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


async def pays_by_itself(street: Parking, plate: str = PLATE, *, still: bool = True) -> None:
    """5.2: BoLink says whether the plate pays by itself."""
    data = {"car_number": plate, "order_id": "", "is_union_user": int(still), "union_id": 200002}
    data["rand"] = str(next(_numbers))
    status, answer = await told(street, "notice_car_owner", data)
    assert (status, answer["state"]) == (200, 1)


async def attempts(street: Parking) -> list[Attempt]:
    """The lot's pulls, oldest first."""
    columns = [t.attempts.c[name] for name in Attempt.__struct_fields__]
    found = await street.row(sa.select(*columns).order_by(t.attempts.c.started_at, t.attempts.c.attempt_no))
    return [Attempt(*row) for row in found]


def pulls_told(street: Parking) -> list[dict[str, Any]]:
    """What BoLink was told to take (3.2 wallet, sweepcode)."""
    told = [upload.data for upload in street.bolink.of("3.2")]
    return [dict(data) for data in told if data["pay_type"] in ("wallet", "sweepcode")]
