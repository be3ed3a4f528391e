"""Anybody may type a plate at the lot's own code: nobody many, and a plate that many ask for is told."""

from __future__ import annotations

import pytest

from support.clock import ManualClock
from support.lot.exits import PLATE, ask_price, parked, with_tariff
from support.lot.parking import LOT_ID, Parking
from taigan.lot import texts
from taigan.lot.leaving.paying.strangers import DAY, HOUR, MOST_KEPT, PAYERS_A_DAY, PLATES_AN_HOUR, Asking, Strangers


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


def typed(asked: Strangers, payer: str, *plates: str) -> list[Asking]:
    """What is thought of each plate that a payer types."""
    return [asked.asks(LOT_ID, payer, plate) for plate in plates]


def plates(number: int) -> list[str]:
    return [f"京B{n:05d}" for n in range(number)]


def test_so_many_plates_an_hour_and_each_counts_until_its_own_hour_is_over() -> None:
    clock = ManualClock()
    asked = Strangers(clock)
    assert typed(asked, "curious", *plates(PLATES_AN_HOUR - 1)) == [Asking.USUAL] * (PLATES_AN_HOUR - 1)
    clock.advance(600)
    assert typed(asked, "curious", "京C00001", "京C00002") == [Asking.USUAL, Asking.TOO_MANY]
    assert typed(asked, "curious", "京C00001", plates(1)[0]) == [Asking.USUAL] * 2
    clock.advance(HOUR - 600)
    assert typed(asked, "curious", *plates(PLATES_AN_HOUR - 2)) == [Asking.USUAL] * (PLATES_AN_HOUR - 2)
    assert typed(asked, "curious", "京C00003", "京C00004") == [Asking.USUAL, Asking.TOO_MANY]


def test_the_same_plate_in_another_lot_is_another_plate() -> None:
    asked = Strangers(ManualClock())
    typed(asked, "curious", *plates(PLATES_AN_HOUR))
    assert asked.asks("another lot", "curious", plates(1)[0]) is Asking.TOO_MANY


def test_who_asks_for_too_many_is_no_sign_that_a_plate_is_watched() -> None:
    asked = Strangers(ManualClock())
    for payer in range(PAYERS_A_DAY - 1):
        assert typed(asked, f"payer {payer}", PLATE) == [Asking.USUAL]
    typed(asked, "curious", *plates(PLATES_AN_HOUR))
    assert typed(asked, "curious", PLATE) == [Asking.TOO_MANY]
    assert typed(asked, "the tenth", PLATE) == [Asking.WATCHED]


def test_a_plate_is_watched_again_once_fewer_asked_for_it_in_a_day() -> None:
    clock = ManualClock()
    asked = Strangers(clock)
    first = [found for payer in range(PAYERS_A_DAY + 1) for found in typed(asked, f"payer {payer}", PLATE)]
    assert first == [*[Asking.USUAL] * (PAYERS_A_DAY - 1), Asking.WATCHED, Asking.USUAL]
    clock.advance(DAY - 1)
    assert typed(asked, "payer 11", PLATE) == [Asking.USUAL], "nobody is told again while they are remembered"
    clock.advance(1)
    again = [found for payer in range(PAYERS_A_DAY) for found in typed(asked, f"other {payer}", PLATE)]
    assert again.count(Asking.WATCHED) == 1


def test_only_so_much_is_remembered_and_the_oldest_is_forgotten_first() -> None:
    asked = Strangers(ManualClock(), kept=3)
    for payer in ("a", "b", "c"):
        typed(asked, payer, *plates(PLATES_AN_HOUR))
    assert typed(asked, "a", "京C00001") == [Asking.TOO_MANY]
    typed(asked, "d", PLATE)  # b is the one that was heard of longest ago
    assert typed(asked, "a", "京C00001") == [Asking.TOO_MANY]
    assert typed(asked, "c", "京C00001") == [Asking.TOO_MANY]
    assert typed(asked, "b", "京C00001") == [Asking.USUAL]


@pytest.mark.parametrize(
    ("later", "asked_of"), [(HOUR - 1, Asking.TOO_MANY), (HOUR, Asking.USUAL), (HOUR + 1, Asking.USUAL)]
)
def test_a_plate_counts_for_an_hour_and_no_longer(later: float, asked_of: Asking) -> None:
    clock = ManualClock()
    clock.advance(5)
    asked = Strangers(clock)
    typed(asked, "curious", *plates(PLATES_AN_HOUR))
    clock.advance(later)
    assert typed(asked, "curious", "京C00001") == [asked_of]


@pytest.mark.parametrize(("later", "tenth"), [(DAY - 1, Asking.WATCHED), (DAY, Asking.USUAL), (2 * DAY, Asking.USUAL)])
def test_a_payer_counts_for_a_day_and_no_longer(later: float, tenth: Asking) -> None:
    clock = ManualClock()
    asked = Strangers(clock)
    for payer in range(PAYERS_A_DAY - 1):
        typed(asked, f"payer {payer}", PLATE)
    clock.advance(later)
    assert typed(asked, "the tenth", PLATE) == [tenth]


def test_as_many_payers_and_plates_are_remembered_as_fit() -> None:
    asked = Strangers(ManualClock(), kept=2)
    for payer in ("a", "b"):
        typed(asked, payer, *plates(PLATES_AN_HOUR))
    assert [typed(asked, payer, "京C00001") for payer in ("a", "b")] == [[Asking.TOO_MANY]] * 2


def test_twenty_plates_an_hour_and_ten_payers_a_day_are_let_and_twenty_thousand_of_each_remembered() -> None:
    assert (PLATES_AN_HOUR, PAYERS_A_DAY, HOUR, DAY, MOST_KEPT) == (20, 10, 3600, 86400, 20_000)
