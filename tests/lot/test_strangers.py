"""Anybody may type a plate at the lot's own code: nobody many, and a plate that many ask for is told."""

from __future__ import annotations

import pytest

from support.exits import PLATE, ask_price, parked, with_tariff
from support.parking import Parking
from taigan.lot import texts
from taigan.lot.leaving.paying.strangers import PAYERS_A_DAY, PLATES_AN_HOUR


@pytest.fixture
async def street(street: Parking) -> Parking:
    await with_tariff(street)
    await parked(street)
    return street


async def asks(street: Parking, payer: str, plate: str = PLATE) -> bool:
    """Whether a payer who types a plate is told its price."""
    said = await ask_price(street, scene=0, car_number=plate, pay_user_id=payer)
    if said["state"] == 0:
        assert said["errmsg"] == texts.NOT_FOUND
    return bool(said["state"])


async def test_who_types_many_plates_is_told_of_none_for_an_hour_and_others_are(street: Parking) -> None:
    for number in range(PLATES_AN_HOUR - 1):
        assert not await asks(street, "curious", f"京B{number:05d}")
    assert await asks(street, "curious")
    assert not await asks(street, "curious", "京C00001")
    assert await asks(street, "curious"), "what was asked before may be asked again"
    street.clock.advance(3000)
    assert not await asks(street, "curious", "京C00001")
    assert await asks(street, "another")
    street.clock.advance(601)
    for number in range(PLATES_AN_HOUR - 2):
        await asks(street, "curious", f"京D{number:05d}")
    assert await asks(street, "curious"), "an hour later the plates of then count no longer"


async def test_the_own_car_is_priced_however_many_plates_its_driver_typed(street: Parking) -> None:
    order = await street.order(PLATE)
    for number in range(PLATES_AN_HOUR):
        await asks(street, "curious", f"京B{number:05d}")
    assert not await asks(street, "curious")
    said = await ask_price(street, scene=0, car_number=PLATE, order_id=order.order_id, pay_user_id="curious")
    assert said["state"] == 1


async def test_a_plate_that_many_ask_for_is_told_to_a_person_once(street: Parking) -> None:
    for number in range(PAYERS_A_DAY - 1):
        for _ in range(2):
            assert await asks(street, f"payer {number}")
    assert "plate_asked" not in await street.alarm_kinds()
    assert await asks(street, "the tenth")
    assert await asks(street, "the tenth")
    assert await asks(street, "the eleventh")
    [alarm] = [alarm for alarm in await street.alarms() if alarm.kind == "plate_asked"]
    assert (PLATE in alarm.text, "payer" not in alarm.text.removeprefix(f"{PLATE}: 10 payers")) == (True, True)


async def test_a_payers_name_of_any_length_is_no_reason_to_refuse_a_price(street: Parking) -> None:
    assert await asks(street, "x" * 5000)
