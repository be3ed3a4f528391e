"""What a lot's own price list says, and which days the lot takes for holidays and working days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from support.lot.exits import with_tariff
from support.lot.parking import LOT_ID, Parking
from taigan.lot.stays.pricing import calendar_of, price
from taigan.lot.tariff.errors import YearNotPublished
from taigan.storage.locked.sheet import Sheet
from taigan.storage.setup import price_lists
from taigan.storage.setup.price_lists import CalendarDay

MONDAY, TUESDAY, SATURDAY, SUNDAY = date(2025, 6, 9), date(2025, 6, 10), date(2025, 6, 14), date(2025, 6, 15)
NATIONAL_DAY, FAR = date(2025, 10, 1), date(2080, 1, 1)
"""A holiday that was published, and a year that nobody publishes yet: its first day is a Monday."""


async def test_what_a_lot_says_of_its_days_holds_over_what_is_published_the_newest_of_each(street: Parking) -> None:
    said = [
        (MONDAY, "holiday"),
        (SATURDAY, "workday"),
        (SUNDAY, "workday"),
        (SUNDAY, "holiday"),
        (TUESDAY, "holiday"),
        (TUESDAY, "ordinary"),
        (NATIONAL_DAY, "ordinary"),
        (FAR, "year"),
    ]
    told = [CalendarDay(LOT_ID, day, kind, street.clock.now(), "王芳", "announced") for day, kind in said]
    await street.database.write(lambda conn: price_lists.add_days(conn, told))
    calendar = await street.read(lambda conn: calendar_of(Sheet(conn), LOT_ID))
    days = {day: str(calendar.kind(day)) for day in (MONDAY, TUESDAY, SATURDAY, SUNDAY, NATIONAL_DAY, FAR)}
    assert days == {
        MONDAY: "holiday",
        TUESDAY: "workday",
        SATURDAY: "workday",
        SUNDAY: "holiday",
        NATIONAL_DAY: "workday",
        FAR: "workday",
    }
    assert str(calendar.kind(date(2025, 6, 21))) == "weekend"
    with pytest.raises(YearNotPublished, match="2081"):
        calendar.kind(date(2081, 1, 1))


async def test_a_stay_has_its_free_minutes_unless_they_were_used_up_before(street: Parking) -> None:
    await with_tariff(street)
    lot, entry = await street.lot(), street.clock.now()
    until = entry + timedelta(minutes=10)
    asked = await street.read(lambda conn: price(Sheet(conn), lot, entry, until))
    used_up = await street.read(lambda conn: price(Sheet(conn), lot, entry, until, free_used=True))
    assert (asked.price.fen, used_up.price.fen) == (0, 200)
    assert asked.version == used_up.version == 1
