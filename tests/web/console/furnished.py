"""A lot as it is at ten in the morning: cars inside, at the entries and at the exits, money, alarms, a price list."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from taigan.barriers.barrier import Position
from taigan.lot.people.by import By
from taigan.lot.people.prices import Prices
from taigan.lot.tariff.reading import price_lists
from taigan.storage import tables as t
from taigan.storage.rows import Alarm, Bill, Departure, Payment
from web.house import LOT, House

PRICES: dict[str, Any] = {
    "valid_from": "2025-01-01",
    "rates": [{"free": 15, "period_caps": ["40"], "sections": [{"steps": [{"per": 30, "price": "2"}]}]}],
}
LONG_NAME = "上海浦东新区世纪大道国际金融中心地下停车场（东区）"


async def furnish(house: House) -> None:
    """Fill the first lot."""
    prices = Prices(house.database, house.clock)
    await prices.add_price_list(LOT, price_lists.from_data(PRICES), By("王芳", "2025 年的价"))
    for number in range(30):
        await house.order(f"粤B{10000 + 137 * number}", origin="plate", plate=f"粤B{10000 + 137 * number}")
    asked = house.clock.step(1)
    await house.order("无A8F3K2", state="waiting", waiting_for="attendant", in_at=None, channel_id="A1")
    await house.order("无C2M7Q1", state="waiting", waiting_for="barrier", in_at=None, channel_id="A2")
    owing = await house.order(
        "沪A·88888",
        order_id="owing",
        plate="沪A88888",
        in_at=asked - timedelta(hours=3, minutes=12),
        channel_id="A2",
    )
    left = await house.order(
        "京N6K1Z9",
        order_id="left",
        origin="plate",
        plate="京N6K1Z9",
        state="out",
        in_at=asked - timedelta(hours=5),
        closed_at=asked - timedelta(hours=1),
        closed_why="passed",
        review="left owing",
    )
    await house.car("car-b1", "B1")
    now = house.clock.step(20)
    departure = Departure(LOT, "car-b1", "B1", owing.order_id, "沪A88888", now)
    bill = Bill(LOT, left.order_id, charge_fen=1600, paid_fen=1200, closed_at=asked - timedelta(hours=1))
    paid = Payment(
        LOT, "P1", "bolink", "T20250601", left.order_id, "", "", "scancode", "paid", 1200, 7, now, now, "京N6K1Z9"
    )
    await house.keep(lambda changes: changes.new_departure(departure))
    await house.keep(lambda changes: changes.bill(bill))
    await house.keep(lambda changes: changes.new_payment(paid))
    for kind, text in (
        ("barrier_offline", "A2: no answer for 30 s"),
        ("left_owing", "京N6K1Z9 left owing 4.00"),
        ("tailgating", "a second car followed through A1"),
    ):
        alarm = Alarm(LOT, "A1", "", house.clock.step(60), kind, text)
        await house.keep(lambda changes, alarm=alarm: changes.alarms.append(alarm))  # type: ignore[misc]
    house.barriers["A2"].state.position = Position.RISING
    house.barriers["东门/一号 50%"].state.online = False


async def rename(house: House, name: str) -> None:
    """Give the first lot another name."""
    await house.write(t.lots.update().where(t.lots.c.lot_id == LOT).values(name=name))


def tomorrow(house: House) -> date:
    return (house.clock.now() + timedelta(days=1)).date()
