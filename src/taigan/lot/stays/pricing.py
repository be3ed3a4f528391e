"""What a stay in a lot costs: the lot's own price lists and days, as they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from taigan.lot.errors import CannotPrice
from taigan.lot.tariff import evaluation
from taigan.lot.tariff.days import Calendar, Days, published
from taigan.lot.tariff.errors import TariffError
from taigan.lot.tariff.model import PriceList
from taigan.lot.tariff.reading import price_lists
from taigan.lot.tariff.result import Price
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Lot
from taigan.storage.setup import price_lists as kept


class Priced(msgspec.Struct, frozen=True):
    """A price, and the version of the price list that says so."""

    version: int
    price: Price


def price(
    sheet: Sheet,
    lot: Lot,
    entry: datetime,
    exit: datetime,
    vehicle: str = "",
    covered: Iterable[tuple[datetime, datetime]] = (),
    *,
    free_used: bool = False,
) -> Priced:
    """What a stay costs by the list that was in force when it began; see `tariff.evaluation.price`.

    Raises CannotPrice: the lot has no list for that day or that vehicle, or the days of a year are not known.
    """
    zone = ZoneInfo(lot.time_zone)
    try:
        evaluation.check_times(entry, exit)
        row = sheet.first(kept.IN_FORCE, lot.lot_id, entry.astimezone(zone).date())
        if row is None:
            raise CannotPrice(f"the lot has no price list for an entry on {entry.astimezone(zone).date()}", "entry")
        price_list = _read(row.body)
        calendar = calendar_of(sheet, lot.lot_id) if _asks_for_days(price_list) else None
        found = evaluation.price(
            price_list, entry, exit, vehicle, covered, zone=zone, calendar=calendar, free_used=free_used
        )
    except TariffError as error:
        raise CannotPrice(error.en) from None
    return Priced(row.version, found)


@lru_cache(maxsize=256)
def _read(body: str) -> PriceList:
    return price_lists.from_data(msgspec.json.decode(body))


def _asks_for_days(price_list: PriceList) -> bool:
    return any(rate.by_kind_of_day for rate in price_list.rates)


def read_lists(sheet: Sheet, lots: Mapping[str, Lot], entries: Iterable[tuple[str, datetime]]) -> None:
    """Read ahead what says how much stays cost that began at these moments in these lots."""
    zones = {lot_id: ZoneInfo(lot.time_zone) for lot_id, lot in lots.items()}
    found = sheet.find(kept.IN_FORCE, ((lot_id, entry.astimezone(zones[lot_id]).date()) for lot_id, entry in entries))
    sheet.find(kept.DAYS, ((row.lot_id, kept.ANY) for row in found if _asks_for_days(_read(row.body))))


def calendar_of(sheet: Sheet, lot_id: str) -> Calendar:
    """The published days, and over them what the lot has told, the newest of each date."""
    told = [day for found in sheet.find(kept.DAYS, [(lot_id, kept.ANY)]) for day in found.days]
    days = {day.day: day.kind for day in told if day.kind != "year"}
    return published().with_days(
        Days(
            holidays=tuple(day for day, kind in days.items() if kind == "holiday"),
            workdays=tuple(day for day, kind in days.items() if kind == "workday"),
            ordinary=tuple(day for day, kind in days.items() if kind == "ordinary"),
            years=tuple(day.day.year for day in told if day.kind == "year"),
        )
    )
