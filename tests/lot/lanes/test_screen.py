"""What the lane's screen says while the lane lives."""

from __future__ import annotations

from support.lot.parking import Parking
from taigan.barriers.barrier import EventKind


async def last_shown(street: Parking, channel_id: str = "A1") -> str:
    await street.settled()
    return street.barrier(channel_id).shown[-1]


async def test_a_device_that_comes_up_welcomes_and_where_a_car_waits_asks_it_to_scan(street: Parking) -> None:
    await street.barrier().report(EventKind.ONLINE)
    assert await last_shown(street) == "欢迎光临"
    await street.arrives()
    await street.barrier().report(EventKind.OFFLINE)
    await street.barrier().report(EventKind.ONLINE)
    assert await last_shown(street) == "请扫码入场"


async def test_the_screen_follows_a_car_that_backs_out_and_one_that_enters(street: Parking) -> None:
    car = await street.arrives()
    assert await last_shown(street) == "请扫码入场"
    await street.backs_out(car)
    assert await last_shown(street) == "欢迎光临"
    await street.arrives()
    await street.scan()
    assert await last_shown(street) == "欢迎光临"


async def test_a_car_at_an_exit_whose_plate_is_not_read_is_asked_to_scan_to_leave_not_to_drive_in(
    street: Parking,
) -> None:
    before = await street.arrives("B1")
    await street.backs_out(before, "B1")
    await street.arrives("B1")
    assert await last_shown(street, "B1") == "请扫码离场"
