"""What some days of a lot came to, for reports: days that are over are worked out once, today each time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from taigan.storage.database import Database
from taigan.storage.rows import Lot
from taigan.storage.sums import day_sums
from taigan.storage.sums.day_sums import Day, DaySums

MOST_AT_ONCE = 35
"""So many days are worked out while somebody waits; the rest in the background, the newest first."""
MOST_A_ROUND = 100
OVER = timedelta(minutes=10)
"""After its end a day is left alone for so long: what began in it may still be written."""


class Told(msgspec.Struct):
    """Days with their sums, in order; those that are still to be worked out; and how many cars were inside when each
    hour ended, by the hour's end (up to now, none where days after it are to be worked out)."""

    days: list[tuple[date, Day, DaySums]]
    missing: int
    inside: list[tuple[datetime, int]]


def day_of(lot: Lot, day: date) -> Day:
    """From when to when a day lasts on the lot's clock."""
    zone = ZoneInfo(lot.time_zone)
    begins, ends = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    utc = ZoneInfo("UTC")
    return begins.astimezone(utc), ends.astimezone(utc)


def each(first: date, last: date) -> Iterable[date]:
    """The days from one to another, both included."""
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


async def tell(database: Database, lot: Lot, first: date, last: date, now: datetime) -> Told:
    """The sums of those days; of days to come there is nothing."""
    today = now.astimezone(ZoneInfo(lot.time_zone)).date()
    if first > today:
        return Told([], 0, [])
    known = await _known(database, lot, first, today, now)
    wanted = [day for day in each(first, today) if _is_over(lot, day, now)]
    asked = [day for day in wanted if day <= last and day_of(lot, day) not in known]
    since = [day for day in wanted if day > last and day_of(lot, day) not in known]
    for day in [*reversed(asked), *reversed(since)][:MOST_AT_ONCE]:
        known[day_of(lot, day)] = await _keep(database, lot, day)
    found = [(day, day_of(lot, day)) for day in each(first, min(last, today))]
    there = [(day, span, known[span]) for day, span in found if span in known]
    inside: list[tuple[datetime, int]] = []
    spans = [day_of(lot, day) for day in each(first, today)]
    if all(span in known for span in spans):
        count = await database.read(lambda conn: day_sums.inside(conn, lot.lot_id))
        inside = _inside([(span, known[span]) for span in spans], count, day_of(lot, last)[1], now)
    return Told(there, len(found) - len(there), inside)


async def sum_up(database: Database, lot: Lot, now: datetime) -> int:
    """Work out days that are over and were not yet, the newest first; how many were."""
    began = await database.read(lambda conn: day_sums.began(conn, lot.lot_id))
    if began is None:
        return 0
    zone = ZoneInfo(lot.time_zone)
    known = await database.read(lambda conn: day_sums.kept(conn, lot.lot_id, began - timedelta(days=1), now))
    over = [day for day in each(began.astimezone(zone).date(), now.astimezone(zone).date()) if _is_over(lot, day, now)]
    missing = [day for day in over if day_of(lot, day) not in known]
    done = list(reversed(missing))[:MOST_A_ROUND]
    for day in done:
        await _keep(database, lot, day)
    return len(done)


def _is_over(lot: Lot, day: date, now: datetime) -> bool:
    return day_of(lot, day)[1] + OVER <= now


async def _known(database: Database, lot: Lot, first: date, today: date, now: datetime) -> dict[Day, DaySums]:
    """What is kept, and what can still change."""
    going_on = [day_of(lot, day) for day in (today - timedelta(days=1), today) if day >= first]
    going_on = [span for span in going_on if span[1] + OVER > now]

    def read(conn: sa.Connection) -> dict[Day, DaySums]:
        known = day_sums.kept(conn, lot.lot_id, day_of(lot, first)[0], now)
        return known | {span: day_sums.worked_out(conn, lot.lot_id, span) for span in going_on}

    return await database.read(read)


async def _keep(database: Database, lot: Lot, day: date) -> DaySums:
    return await database.write(lambda conn: day_sums.keep(conn, lot.lot_id, day_of(lot, day)))


def _inside(
    days: Sequence[tuple[Day, DaySums]], inside: int, until: datetime, now: datetime
) -> list[tuple[datetime, int]]:
    """Hour by hour, backwards from how many are inside now."""
    found, count = [], inside
    for (begins, ends), sums in reversed(days):
        hours = (ends - begins) // timedelta(hours=1)
        for hour in reversed(range(hours)):
            end = begins + timedelta(hours=hour + 1)
            if end <= until and end - timedelta(hours=1) <= now:
                found.append((min(end, now), count))
            count += sums.exits[hour] - sums.entries[hour]
    return found[::-1]
