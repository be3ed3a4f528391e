"""What every contestant serves: 200 lots with five entries each, one vendor, one key; and the messages sent to them.

Where cars leave too, each lot has five exits as well, and asks 2 yuan for each hour begun.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

from taigan import bolink

UNION_ID = "200002"
KEY = "0123456789ABCDEF0123456789ABCDEF"
PARKS = [f"{number:03d}" for number in range(200)]
CHANNELS = ["A1", "A2", "A3", "A4", "A5"]
LANES = [(park, channel) for channel in CHANNELS for park in PARKS]
EXITS = ["B1", "B2", "B3", "B4", "B5"]
PRICE_LIST = '{"valid_from":"2020-01-01","rates":[{"sections":[{"steps":[{"per":60,"price":"2.00"}]}]}]}'
SPACES = 10_000_000


def lot_id(park_id: str) -> str:
    """The lot's name in the platform."""
    return f"{UNION_ID}-{park_id}"


class Car(NamedTuple):
    """A car without a plate, and the lane in which its driver scans."""

    park_id: str
    channel_id: str
    licence: str


class Asked(NamedTuple):
    """What a driver was told that a stay costs, in yuan."""

    car: Car
    order_id: str
    price: str


def at_exit(car: Car) -> Car:
    """The same car in the exit lane of the same number."""
    return car._replace(channel_id=EXITS[CHANNELS.index(car.channel_id)])


def entries(cars: Sequence[Car]) -> list[bytes]:
    """A signed `nolicence_in_park` (5.7) from the driver of each car."""
    now = int(time.time())
    return [
        _sealed(
            "nolicence_in_park",
            car,
            channel_id=car.channel_id,
            car_number=car.licence,
            pay_user_id=f"o6_bmjrPTlm6_2sgVt7hMZO{car.licence}",
            timetemp=now,
        )
        for car in cars
    ]


def prices(cars: Sequence[Car], numbers: Sequence[str]) -> list[bytes]:
    """A signed `query_price` (5.1) from the driver of each car, who scans the exit's code; each has a number."""
    return [
        _sealed(
            "query_price",
            car,
            pay_scene=1,
            out_channel_id=car.channel_id,
            licence=car.licence,
            query_order_no=number,
            pay_user_id=f"o6_bmjrPTlm6_2sgVt7hMZO{car.licence}",
        )
        for car, number in zip(cars, numbers, strict=True)
    ]


def payments(told: Sequence[Asked]) -> list[bytes]:
    """A signed `outpark` (5.5) for each price: the code at the exit was paid."""
    now = int(time.time())
    return [
        _sealed(
            "outpark",
            asked.car,
            state=1,
            order_id=asked.order_id,
            trade_no=f"4200{now:010d}{asked.car.licence:0>10}",
            pay_type="scancode",
            out_channel_id=asked.car.channel_id,
            total=asked.price,
            errmsg="",
            pay_channel=0,
            pay_time=now,
            car_number=asked.car.licence,
            arrive_money=asked.price,
            fee="0.00",
            account_type=1,
            remark="停车费",
        )
        for asked in told
    ]


def _sealed(service_name: str, car: Car, **fields: Any) -> bytes:
    data = {"service_name": service_name, "park_id": car.park_id, "union_id": int(UNION_ID), **fields}
    return bolink.seal(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(), KEY)


def licences(first: int = 0) -> Iterator[str]:
    """Numbers of drivers without a plate, seven characters each, never one twice."""
    return (f"{number:07X}" for number in count(first))
