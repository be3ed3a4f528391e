"""`rejoin_within`: a car that left a moment ago gets no free minutes again."""

from __future__ import annotations

import pytest

from lot.conftest import NewParking
from support.lot.exits import PLATE, at_exit, leaves, parked, with_tariff
from support.lot.parking import Parking
from taigan.barriers.barrier import EventKind
from taigan.lot.policy import Policy

HALF_AN_HOUR = 1800.0


async def was_here(new_parking: NewParking, *, ago: float, within: float = HALF_AN_HOUR) -> Parking:
    """A street where the car with PLATE was for ten free minutes and left so many seconds ago."""
    street = await new_parking(policy=Policy(rejoin_within=within))
    await with_tariff(street)
    await parked(street, hours=1 / 6)
    await leaves(street, await at_exit(street))
    assert (await street.order(PLATE)).state == "out"
    street.clock.advance(ago)
    return street


async def newest(street: Parking) -> tuple[bool, list[str]]:
    """Whether the newest order gets no free minutes, and what its history says of it."""
    order = max(await street.orders(), key=lambda one: one.requested_at)
    events = (await street.history(order)).events
    return order.free_used, [one.event for one in events if one.event == "back so soon"]


@pytest.mark.parametrize(
    ("ago", "within", "lets_go"),
    [(HALF_AN_HOUR, HALF_AN_HOUR, False), (HALF_AN_HOUR + 1, HALF_AN_HOUR, True), (60.0, 0.0, True)],
)
async def test_a_plate_that_is_back_so_soon_pays_from_its_first_minute(
    new_parking: NewParking, ago: float, within: float, lets_go: bool
) -> None:
    street = await was_here(new_parking, ago=ago, within=within)
    await parked(street, hours=1 / 6)
    lifts = street.barrier("B1").lifts
    await at_exit(street)
    assert (street.barrier("B1").lifts > lifts) == lets_go
    assert await newest(street) == ((False, []) if lets_go else (True, ["back so soon"]))


async def test_a_scan_whose_plate_is_read_later_is_known_to_be_back_so_soon(new_parking: NewParking) -> None:
    street = await was_here(new_parking, ago=60.0)
    car = await street.enters("P1234567")
    assert await newest(street) == (False, [])
    for _ in range(2):
        await street.barrier("A1").report(EventKind.PLATE, car, plate=PLATE)
        await street.settled()
    assert await newest(street) == (True, ["back so soon"])


async def test_a_car_whose_plate_was_read_after_its_scan_is_known_again_by_the_plate(new_parking: NewParking) -> None:
    street = await new_parking(policy=Policy(rejoin_within=HALF_AN_HOUR))
    await with_tariff(street)
    car = await street.enters("P1234567")
    await street.barrier("A1").report(EventKind.PLATE, car, plate=PLATE)
    await street.settled()
    await street.passes(car, "A1")
    street.clock.advance(600)
    await leaves(street, await at_exit(street))
    await parked(street, hours=0)
    assert await newest(street) == (True, ["back so soon"])


async def test_another_car_has_its_free_minutes(new_parking: NewParking) -> None:
    street = await was_here(new_parking, ago=60.0)
    await parked(street, "京B12345", hours=1 / 6)
    lifts = street.barrier("B1").lifts
    await at_exit(street, "京B12345")
    assert street.barrier("B1").lifts == lifts + 1
