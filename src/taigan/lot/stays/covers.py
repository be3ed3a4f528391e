"""What passes cover of a stay: between their days, on their weekdays, in their areas, at their hours, and while the car
has a space. For some days of grace after its end a pass still holds, and its driver is told so.

Who comes when all spaces of a pass are taken is no holder's; one that is left within half an hour is his from then on.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from taigan.lot import texts
from taigan.lot.errors import CannotPrice
from taigan.lot.stays import pass_times
from taigan.lot.stays.pass_times import Interval
from taigan.lot.stays.pricing import calendar_of
from taigan.lot.tariff.days import Calendar
from taigan.lot.tariff.errors import YearNotPublished
from taigan.storage.locked import passes as kept
from taigan.storage.locked.passes import PassStay
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Lot, Pass

WAITS = timedelta(minutes=30)
"""So long after it came in, a space that is left is still the car's."""
LOOKS_BACK = timedelta(days=7)
"""Who had a space when a car came in is worked out from the stays of so long before."""


class Cover(msgspec.Struct, frozen=True):
    """What one pass covers of one stay. `here`: the car came in by a lane of its areas; `since`: from when on the car
    has one of its spaces (None: it has none); `ends_at`: when it was ended, or the end of its days of grace;
    `calendar`: for a pass that goes by kinds of day; `holders`: the plates that have its spaces.
    """

    card: Pass
    here: bool
    since: datetime | None
    zone: ZoneInfo
    ends_at: datetime
    calendar: Calendar | None = None
    holders: tuple[str, ...] = ()

    @property
    def lacks(self) -> str:
        """Why it covers nothing of the stay at all: `area`, `spaces`; empty: it may cover some of it."""
        if not self.here:
            return "area"
        return "spaces" if self.since is None else ""

    def is_valid(self, at: datetime) -> bool:
        """Whether it has begun and is not over then, its days of grace counted."""
        return self.card.starts_at <= at < self.ends_at

    def is_overdue(self, at: datetime) -> bool:
        """Whether it holds then by its days of grace only."""
        return self.card.ends_at <= at < self.ends_at

    def has_run_out(self, at: datetime) -> bool:
        """Whether it is over by then without anybody having ended it."""
        return self.card.ended_at is None and self.ends_at <= at

    def times(self, begin: datetime, end: datetime) -> list[Interval]:
        """When the car may stand on it, as far as that is between these two moments.

        Raises CannotPrice: it goes by kinds of day, and nobody has said yet which days are holidays.
        """
        if not self.here or self.since is None:
            return []
        begin, end, card = max(begin, self.since), min(end, self.ends_at), self.card
        if end <= begin:
            return []
        if not (card.days or card.hours):
            return [(begin, end)]
        try:
            hours = pass_times.hours_of(card.hours)
            return pass_times.times(card.days.split(), hours, self.zone, self.calendar, begin, end)
        except YearNotPublished as error:
            raise CannotPrice(error.en) from None


def limit_told(cover: Cover | None, at: datetime) -> str:
    """What a driver at a lane is told of a pass that does not cover all; empty: nothing."""
    if cover is None:
        return ""
    if cover.lacks:
        return {"area": texts.PASS_ELSEWHERE, "spaces": texts.PASS_FULL}[cover.lacks]
    if cover.has_run_out(at):
        return texts.PASS_OVER.format(day=_last_day(cover.card.ends_at, cover.zone))
    return texts.PASS_HOURS.format(hours=times_told(cover.card))


def overdue_told(cover: Cover) -> str:
    """What a driver at a lane is told whose pass holds by its days of grace only."""
    return texts.PASS_OVERDUE.format(day=_last_day(cover.ends_at, cover.zone))


def times_told(card: Pass) -> str:
    """The days and hours of a pass, as drivers and BoLink read them."""
    return " ".join(filter(None, (pass_times.days_told(card.days.split()), card.hours.replace(" ", "、"))))


def _last_day(end: datetime, zone: ZoneInfo) -> str:
    last = (end - timedelta(seconds=1)).astimezone(zone)
    return f"{last.month}月{last.day}日"


def limits_told(card: Pass, grace_days: int) -> str:
    """What a pass is limited to, in BoLink's words; empty: nothing. `grace_days`: the lot's."""
    grace = grace_days if card.grace_days is None else card.grace_days
    told = (
        f"车位{card.spaces}个" if card.spaces else "",
        f"限区域{card.areas.replace(' ', '、')}" if card.areas else "",
        f"限{times_told(card)}" if card.days or card.hours else "",
        f"到期后宽限{grace}天" if grace else "",
    )
    return "，".join(filter(None, told))


def covers(
    sheet: Sheet,
    lot: Lot,
    passes: Iterable[Pass],
    order_id: str,
    plate: str,
    channel_id: str,
    entry: datetime,
) -> list[Cover]:
    """What passes cover of the stay of a car that came in by this lane then; empty `order_id`: it comes in now."""
    found, zone, calendar = [], ZoneInfo(lot.time_zone), None
    for card in passes:
        said = sheet.pass_limits(lot.lot_id)
        lanes = said.lanes_of(card.areas)
        here = not card.areas or channel_id in lanes
        since: datetime | None = card.starts_at
        holders: tuple[str, ...] = ()
        if card.spaces and here:
            begin = max(entry, card.starts_at)
            own = PassStay(order_id, plate, channel_id, entry, None)
            stays = sheet.read(kept.stays_of, lot.lot_id, card.card_id, begin - LOOKS_BACK, begin + WAITS)
            others = [one for one in stays if one.order_id != order_id and (not lanes or one.channel_id in lanes)]
            since, holders = space_since([*others, own], own, card.spaces, card.starts_at)
        if pass_times.asks_for_kinds(card.days.split()):
            calendar = calendar or calendar_of(sheet, lot.lot_id)
        ends_at = holds_until(card, said.grace_days, zone)
        found.append(Cover(card, here, since, zone, ends_at, calendar, holders))
    return found


def holds_until(card: Pass, grace_days: int, zone: ZoneInfo) -> datetime:
    """When a pass was ended, or the end of its days of grace by the lot's clock. `grace_days`: the lot's."""
    if card.ended_at is not None:
        return min(card.ends_at, card.ended_at)
    days = grace_days if card.grace_days is None else card.grace_days
    return (card.ends_at.astimezone(zone) + timedelta(days=days)).astimezone(UTC)


def space_since(
    stays: Sequence[PassStay], own: PassStay, spaces: int, starts_at: datetime
) -> tuple[datetime | None, tuple[str, ...]]:
    """From when on a car has one of a pass's spaces, first come first served; and the plates that go first."""
    ends: dict[str, datetime] = {}
    came: list[tuple[datetime, datetime, PassStay]] = []
    for one in sorted(stays, key=lambda stay: (stay.began, stay.order_id), reverse=True):
        end = min(one.ended or datetime.max.replace(tzinfo=UTC), ends.get(one.plate, datetime.max.replace(tzinfo=UTC)))
        ends[one.plate] = one.began  # a plate takes one space: it is not in twice
        if end > starts_at or one is own:
            came.append((max(one.began, starts_at), end, one))
    free: list[tuple[datetime, str]] = [(datetime.min.replace(tzinfo=UTC), "")] * spaces
    for begin, end, one in sorted(came, key=lambda row: (row[0], row[2].began, row[2].order_id)):
        at = max(begin, free[0][0])
        has_one = at <= begin + WAITS and at < end
        if one is own:
            return (at if has_one else None), tuple(sorted(plate for until, plate in free if plate and until > begin))
        if has_one:
            heapq.heapreplace(free, (end, one.plate))
    raise AssertionError("the car's own stay is none of the stays")
