"""What passes cover of a stay: between their days, in their areas, at their hours, and while the car has a space.

Who comes when all spaces of a pass are taken is no holder's; one that is left within half an hour is his from then on.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from taigan.lot import texts
from taigan.storage.locked import passes as kept
from taigan.storage.locked.passes import PassStay
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Pass

Interval = tuple[datetime, datetime]
Hours = tuple[int, int]
"""From and to in minutes of the day; over midnight where it ends before it begins."""
WAITS = timedelta(minutes=30)
"""So long after it came in, a space that is left is still the car's."""
LOOKS_BACK = timedelta(days=7)
"""Who had a space when a car came in is worked out from the stays of so long before."""
MOST_HOURS = 8
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*[-–—~至]\s*(\d{1,2}):(\d{2})")
_BETWEEN = re.compile(r"[\s,，;；、]+")


class Cover(msgspec.Struct, frozen=True):
    """What one pass covers of one stay. `here`: the car came in by a lane of its areas; `since`: from when on the car
    has one of its spaces (None: it has none); `holders`: the plates that have them.
    """

    card: Pass
    here: bool
    since: datetime | None
    holders: tuple[str, ...] = ()

    @property
    def ends_at(self) -> datetime:
        """When the pass is over, or was ended."""
        return min(self.card.ends_at, self.card.ended_at or self.card.ends_at)

    @property
    def lacks(self) -> str:
        """Why it covers nothing of the stay at all: `area`, `spaces`; empty: it may cover some of it."""
        if not self.here:
            return "area"
        return "spaces" if self.since is None else ""

    def times(self, zone: ZoneInfo, begin: datetime, end: datetime) -> list[Interval]:
        """When the car may stand on it, as far as that is between these two moments."""
        if not self.here or self.since is None:
            return []
        begin, end = max(begin, self.since), min(end, self.ends_at)
        if end <= begin:
            return []
        return list(at_hours(hours_of(self.card.hours), zone, begin, end)) if self.card.hours else [(begin, end)]


def limit_told(cover: Cover | None) -> str:
    """What a driver at a lane is told of a pass that does not cover all; empty: nothing."""
    if cover is None:
        return ""
    told = {"area": texts.PASS_ELSEWHERE, "spaces": texts.PASS_FULL}
    return told.get(cover.lacks) or texts.PASS_HOURS.format(hours=cover.card.hours.replace(" ", "、"))


def limits_told(card: Pass) -> str:
    """What a pass is limited to, in BoLink's words; empty: nothing."""
    told = (
        f"车位{card.spaces}个" if card.spaces else "",
        f"限区域{card.areas.replace(' ', '、')}" if card.areas else "",
        f"限{card.hours.replace(' ', '、')}" if card.hours else "",
    )
    return "，".join(filter(None, told))


def hours_of(text: str) -> list[Hours]:
    """Hours of the day as people and BoLink write them: 22:00-08:00, several with blanks between.

    Raises ValueError: it is not written so, there are more than `MOST_HOURS`, or one ends when it begins.
    """
    found: list[Hours] = []
    for part in filter(None, _BETWEEN.split(re.sub(r"\s*([-–—~至])\s*", r"\1", text))):
        written = _HOURS.fullmatch(part)
        if written is None:
            raise ValueError(part)
        first, last = (int(written[n]) * 60 + int(written[n + 1]) for n in (1, 3))
        if int(written[2]) > 59 or int(written[4]) > 59 or first >= 1440 or last > 1440 or first == last:
            raise ValueError(part)
        found.append((first, last))
    if len(found) > MOST_HOURS:
        raise ValueError(text)
    return found


def written(hours: Iterable[Hours]) -> str:
    """Hours as they are kept."""
    return " ".join("-".join(f"{at // 60:02d}:{at % 60:02d}" for at in one) for one in hours)


def at_hours(hours: Sequence[Hours], zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[Interval]:
    """These hours of each day of the lot's clock, as far as they are between the two moments."""
    day, last = begin.astimezone(zone).date() - timedelta(days=1), end.astimezone(zone).date()
    while day <= last:
        for first, until in hours:
            begins = max(begin, _moment(day, first, zone))
            ends = min(end, _moment(day, until if until > first else until + 1440, zone))
            if begins < ends:
                yield begins, ends
        day += timedelta(days=1)


def covers(
    sheet: Sheet,
    lot_id: str,
    passes: Iterable[Pass],
    order_id: str,
    plate: str,
    channel_id: str,
    entry: datetime,
) -> list[Cover]:
    """What passes cover of the stay of a car that came in by this lane then; empty `order_id`: it comes in now."""
    found, areas = [], None
    for card in passes:
        if card.areas and areas is None:
            limits = sheet.read(kept.limits, lot_id)
            areas = {one.number: frozenset(one.body.split()) for one in limits if one.kind == "area"}
        lanes = frozenset[str]().union(*((areas or {}).get(number, ()) for number in card.areas.split()))
        here = not card.areas or channel_id in lanes
        since: datetime | None = card.starts_at
        holders: tuple[str, ...] = ()
        if card.spaces and here:
            begin = max(entry, card.starts_at)
            own = PassStay(order_id, plate, channel_id, entry, None)
            stays = sheet.read(kept.stays_of, lot_id, card.card_id, begin - LOOKS_BACK, begin + WAITS)
            others = [one for one in stays if one.order_id != order_id and (not lanes or one.channel_id in lanes)]
            since, holders = space_since([*others, own], own, card.spaces, card.starts_at)
        found.append(Cover(card, here, since, holders))
    return found


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


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    day, minute = day + timedelta(days=minute // 1440), minute % 1440
    return datetime.combine(day, time(minute // 60, minute % 60), zone).astimezone(UTC)
