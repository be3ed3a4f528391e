"""What a person says of prices: new price lists, and holidays that differ from what is announced."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from taigan.clock import Clock
from taigan.lot.errors import BadValue, CannotPrice, Conflict, UnknownLot
from taigan.lot.people.attendant import By
from taigan.lot.stays import pricing
from taigan.lot.stays.pricing import Priced
from taigan.lot.tariff.days import Days
from taigan.lot.tariff.errors import ExitFirst, UnusableTimes
from taigan.lot.tariff.evaluation import check_order
from taigan.lot.tariff.model import PriceList
from taigan.lot.tariff.reading import price_lists
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.locked import facts
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Act, Lot
from taigan.storage.setup import price_lists as kept
from taigan.storage.setup.price_lists import CalendarDay, PriceListRow
from taigan.storage.shown import views


class Prices:
    """Who adds price lists and days, and reads what stays cost by them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add_price_list(self, lot_id: str, price_list: PriceList, by: By) -> PriceListRow:
        """Keep a new price list. The first of a lot may begin on any day.

        A later one begins after all before it, and tomorrow at the earliest: what is in force is never changed, and who
        is inside pays by the list of the day of the entry. Raises UnknownLot, Conflict.
        """
        now = self._clock.now()

        def transaction(conn: sa.Connection) -> PriceListRow:
            lot = _locked(conn, lot_id)
            newest = kept.newest(conn, lot_id)
            if newest is not None:
                _check_order(price_list.valid_from, newest, now.astimezone(ZoneInfo(lot.time_zone)).date())
            row = PriceListRow(
                lot_id=lot_id,
                version=newest.version + 1 if newest is not None else 1,
                valid_from=price_list.valid_from,
                body=msgspec.json.encode(price_lists.to_data(price_list)).decode(),
                at=now,
                operator=by.operator,
                reason=by.reason,
                via=by.via,
            )
            kept.add(conn, row)
            _note(conn, lot_id, by, now, f"price list {row.version} from {row.valid_from}")
            return row

        return await self._database.write(transaction)

    async def tell_days(self, lot_id: str, days: Days, by: By) -> list[CalendarDay]:
        """Keep what a lot says of dates and years; of a date the newest counts. Raises UnknownLot, BadValue."""
        now = self._clock.now()
        told = [
            *((day, "holiday") for day in days.holidays),
            *((day, "workday") for day in days.workdays),
            *((day, "ordinary") for day in days.ordinary),
            *((date(year, 1, 1), "year") for year in days.years),
        ]
        if not told:
            raise BadValue("names no date and no year", "days")
        rows = [CalendarDay(lot_id, day, kind, now, by.operator, by.reason, by.via) for day, kind in told]

        def transaction(conn: sa.Connection) -> None:
            _locked(conn, lot_id)
            kept.add_days(conn, rows)
            _note(conn, lot_id, by, now, f"{len(rows)} calendar days, the first {min(day for day, _ in told)}")

        await self._database.write(transaction)
        return rows

    async def price(self, lot_id: str, entry: str, exit: str, vehicle: str) -> Priced:
        """What a stay costs. `entry` and `exit` are ISO 8601; without an offset, as the lot's clock shows them.

        Raises UnknownLot, BadValue, CannotPrice.
        """

        def transaction(conn: sa.Connection) -> Priced:
            lot = _known(views.lot(conn, lot_id), lot_id)
            zone = ZoneInfo(lot.time_zone)
            came, left = _moment(entry, "entry", zone), _moment(exit, "exit", zone)
            try:
                check_order(came, left, zone)
            except ExitFirst as error:
                raise BadValue(error.en, "exit") from None
            except UnusableTimes as error:
                raise CannotPrice(error.en) from None
            return pricing.price(Sheet(conn), lot, came, left, vehicle)

        return await self._database.read(transaction)


def _check_order(valid_from: date, newest: PriceListRow, today: date) -> None:
    field = "price_list.valid_from"
    if valid_from <= newest.valid_from:
        raise Conflict(
            f"启用日期（valid_from）须晚于第 {newest.version} 版价目表的 {newest.valid_from}，现为 {valid_from}\n"
            f"price list {newest.version} begins on {newest.valid_from}; a new one must begin after it, "
            f"not on {valid_from}",
            field,
        )
    if valid_from <= today:
        raise Conflict(
            f"启用日期（valid_from）最早是明天，今天是 {today}，现为 {valid_from}\n"
            f"a new price list begins tomorrow at the earliest, not on {valid_from}; today is {today}",
            field,
        )


def _moment(text: str, field: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue("must be ISO 8601 as 2026-03-02T10:00:00+08:00; in an address + is written %2B", field) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _known(lot: Lot | None, lot_id: str) -> Lot:
    if lot is None:
        raise UnknownLot(f"there is no lot {lot_id}", "lot_id")
    return lot


def _locked(conn: sa.Connection, lot_id: str) -> Lot:
    return _known(facts.lock(conn, [lot_id]).get(lot_id), lot_id)


def _note(conn: sa.Connection, lot_id: str, by: By, now: datetime, act: str) -> None:
    changes = Changes()
    changes.acts.append(Act(lot_id, now, by.operator, by.reason, act, by.via))
    changes.write(conn)
