"""Alarms: what needs a person, on top; who sees to it; what was put off, and what is done or over."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.languages import N_
from taigan.lot.errors import BadValue, LotError, UnknownAlarm
from taigan.rights import Right
from taigan.storage.shown import alarms
from taigan.storage.shown.views import NumberedAlarm
from taigan.web.api.common import BY_ID
from taigan.web.console import fields
from taigan.web.console.rendering.words.alarms import ALARM
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

MOST = 500
"""So many unfinished alarms are put together on one page."""
URGENT = frozenset(
    {
        *("barrier_fault", "barrier_offline", "loop_fault", "not_confirmed", "stayed", "barrier_settings"),
        *("no_entry", "not_priced", "other_car", "attendant_wanted", "exit_unanswered", "exit_offline"),
    }
)
"""Kinds with which a car may be waiting."""
AWHILE = (
    ("15", N_("15 分钟")),
    ("60", N_("1 小时")),
    ("240", N_("4 小时")),
    ("morning", N_("明天早上 8 点")),
)
"""For how long an alarm may be put off."""


class Heap(msgspec.Struct):
    """What was said once or more of one lane and order: the newest alarm, since when, and how often."""

    alarm: NumberedAlarm
    since: datetime
    times: int = 1

    @property
    def tone(self) -> str:
        return "stop" if self.alarm.kind in URGENT else "care"


class Table(msgspec.Struct):
    """The unfinished alarms of a lot, by what has become of them."""

    open: list[Heap]
    taken: list[Heap]
    snoozed: list[Heap]
    there_are_more: bool

    @property
    def empty(self) -> bool:
        return not (self.open or self.taken or self.snoozed)


@get("/lots/{lot_id:str}/alarms", right=Right.ALARM_SEE)
async def alarms_page(visit: Here) -> Answer:
    """What needs a person, who sees to what, and what is over."""
    lot_id, kind, lane = visit.here.lot_id, visit.text("kind", 40), visit.text("lane", 64)
    try:
        after = BY_ID.read(visit.text("after", 512))
    except Refused:
        return visit.go(visit.in_lot("alarms"))
    wanted = fields.PAGE + 1
    past = await visit.office.database.read(
        lambda conn: alarms.finished(conn, lot_id, wanted, after, kind=kind, channel_id=lane)
    )
    past, more = fields.further(visit, past, BY_ID, lambda alarm: (alarm.alarm_id,), "alarms")
    return visit.page("lanes/alarms.html", table=await _table(visit), past=past, more=more, kinds=ALARM)


@get("/lots/{lot_id:str}/alarms/list", right=Right.ALARM_SEE)
async def unfinished(visit: Here) -> Answer:
    """The part of the page that changes by itself."""
    return visit.page("lanes/parts/alarms.html", table=await _table(visit))


@get("/lots/{lot_id:str}/alarms/count", right=Right.ALARM_SEE)
async def count(visit: Here) -> Answer:
    """How many nobody has taken, for the menu."""
    lot_id = visit.here.lot_id
    visit.open_alarms = await visit.office.database.read(lambda conn: alarms.count_open(conn, lot_id))
    return visit.page("lanes/parts/alarm_count.html")


@post("/lots/{lot_id:str}/alarms/{alarm_id:int}/take", right=Right.ALARM_TAKE)
async def take(visit: Here, alarm_id: FromPath[int]) -> Answer:
    """See to it."""
    by = visit.by(visit.tell(N_("处理报警")))
    await visit.office.alarms.take(visit.here.lot_id, alarm_id, by)
    return visit.go(visit.in_lot("alarms"), visit.tell("您在处理。处理完请点“完成”。"))


@post("/lots/{lot_id:str}/alarms/{alarm_id:int}/back", right=Right.ALARM_TAKE)
async def put_back(visit: Here, alarm_id: FromPath[int]) -> Answer:
    """Leave it to others."""
    by = visit.by(visit.tell(N_("放回待处理")))
    await visit.office.alarms.put_back(visit.here.lot_id, alarm_id, by)
    return visit.go(visit.in_lot("alarms"), visit.tell("已放回待处理。"))


@post("/lots/{lot_id:str}/alarms/{alarm_id:int}/finish", right=Right.ALARM_TAKE)
async def finish(visit: Here, alarm_id: FromPath[int]) -> Answer:
    """It is dealt with."""
    by = visit.by(visit.text("reason", 200) or visit.tell(N_("处理完")))
    await visit.office.alarms.finish(visit.here.lot_id, alarm_id, by)
    return visit.go(visit.in_lot("alarms"), visit.tell("已完成。"))


@get("/lots/{lot_id:str}/alarms/{alarm_id:int}/snooze", right=Right.ALARM_TAKE)
async def snooze_page(visit: Here, alarm_id: FromPath[int]) -> Answer:
    """Until when, and why."""
    return visit.page("lanes/alarm_snooze.html", alarm=await _alarm(visit, alarm_id), awhile=AWHILE)


@post("/lots/{lot_id:str}/alarms/{alarm_id:int}/snooze", right=Right.ALARM_TAKE)
async def snooze(visit: Here, alarm_id: FromPath[int]) -> Answer:
    """Put it off."""
    alarm = await _alarm(visit, alarm_id)
    try:
        until = _until(visit)
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写为什么可以稍后。")))
        await visit.office.alarms.snooze(visit.here.lot_id, alarm_id, by, until)
    except LotError as error:
        if error.field not in ("reason", "until"):
            raise
        return visit.again("lanes/alarm_snooze.html", error, alarm=alarm, awhile=AWHILE)
    return visit.go(visit.in_lot("alarms"), visit.tell("到时候会再提醒。"))


def _until(visit: Visit) -> datetime:
    chosen = visit.text("until", 20)
    if chosen == "morning":
        day = visit.now.astimezone(visit.zone).date() + timedelta(days=1)
        return datetime.combine(day, time(8), visit.zone).astimezone(visit.now.tzinfo)
    if chosen not in dict(AWHILE):
        raise BadValue(visit.tell("请选到什么时候。"), "until")
    return visit.now + timedelta(minutes=int(chosen))


async def _alarm(visit: Visit, alarm_id: int) -> NumberedAlarm:
    lot_id = visit.here.lot_id
    found = await visit.office.database.read(lambda conn: alarms.alarm(conn, lot_id, alarm_id))
    if found is None:
        raise UnknownAlarm(f"lot {lot_id} has no alarm {alarm_id}", "alarm_id")
    return found


async def _table(visit: Visit) -> Table:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> list[NumberedAlarm]:
        return alarms.unfinished(conn, lot_id, MOST + 1)

    return heaped(await visit.office.database.read(read))


def heaped(newest_first: list[NumberedAlarm]) -> Table:
    """Alarms put together: what says the same of one lane and order is one thing to do, from its first time on."""
    heaps: dict[tuple[str, str, str, str], Heap] = {}
    for alarm in newest_first[:MOST]:
        key = (alarm.state, alarm.kind, alarm.channel_id, alarm.order_id)
        if heap := heaps.get(key):
            heap.since, heap.times = alarm.at, heap.times + 1
        else:
            heaps[key] = Heap(alarm, alarm.at)
    by_state: dict[str, list[Heap]] = {state: [] for state in alarms.UNFINISHED}
    for heap in heaps.values():
        by_state[heap.alarm.state].append(heap)
    for some in by_state.values():
        some.sort(key=lambda heap: (heap.alarm.kind not in URGENT, heap.since, heap.alarm.alarm_id))
    return Table(by_state["open"], by_state["taken"], by_state["snoozed"], len(newest_first) > MOST)


PAGES = (alarms_page, unfinished, count, take, put_back, finish, snooze_page, snooze)
