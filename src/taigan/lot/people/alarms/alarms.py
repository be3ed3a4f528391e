"""Alarms, taken by a person, put off, dealt with; and what time brings: they come back, or end by themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import sqlalchemy as sa

from taigan.barriers.barrier import LaneKey
from taigan.clock import Clock
from taigan.lot.errors import BadValue, Conflict, UnknownAlarm
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.people.by import By
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.locked import facts
from taigan.storage.rows import Act
from taigan.storage.shown import alarms
from taigan.storage.shown.alarms import Change
from taigan.storage.shown.views import NumberedAlarm

LONGEST_SNOOZE = timedelta(days=7)


class AlarmDesk:
    """What is done about alarms. An act on one is an act on all unfinished ones that say the same of the same lane and
    order: what came again and again is taken, and done, once."""

    def __init__(self, database: Database, lanes: Lanes, clock: Clock) -> None:
        self._database = database
        self._lanes = lanes
        self._clock = clock

    async def take(self, lot_id: str, alarm_id: int, by: By) -> NumberedAlarm:
        """It is mine now. Raises UnknownAlarm, Conflict: another person has it, or it is finished."""

        def free(alarm: NumberedAlarm) -> None:
            if alarm.state == "taken" and alarm.actor != by.operator:
                raise Conflict(f"the alarm was taken by {alarm.actor} already")

        return await self._change(lot_id, alarm_id, by, "taken", check=free)

    async def put_back(self, lot_id: str, alarm_id: int, by: By) -> NumberedAlarm:
        """Somebody else should see to it, or to one that was put off. Raises UnknownAlarm, Conflict."""

        def not_open(alarm: NumberedAlarm) -> None:
            if alarm.state == "open":
                raise Conflict("the alarm is open already")

        return await self._change(lot_id, alarm_id, by, "open", check=not_open)

    async def finish(self, lot_id: str, alarm_id: int, by: By) -> NumberedAlarm:
        """It is dealt with. Raises UnknownAlarm, Conflict."""
        return await self._change(lot_id, alarm_id, by, "done")

    async def snooze(self, lot_id: str, alarm_id: int, by: By, until: datetime) -> NumberedAlarm:
        """It can wait until then, and comes back. Raises UnknownAlarm, Conflict, BadValue."""
        now = self._clock.now()
        if not now < until <= now + LONGEST_SNOOZE:
            raise BadValue("until must be later than now, and within seven days", "until")
        return await self._change(lot_id, alarm_id, by, "snoozed", until=until)

    async def _change(
        self,
        lot_id: str,
        alarm_id: int,
        by: By,
        state: str,
        *,
        until: datetime | None = None,
        check: Callable[[NumberedAlarm], None] = lambda alarm: None,
    ) -> NumberedAlarm:
        now = self._clock.now()

        def transaction(conn: sa.Connection) -> NumberedAlarm:
            facts.lock(conn, [lot_id])
            alarm = alarms.alarm(conn, lot_id, alarm_id)
            if alarm is None:
                raise UnknownAlarm(f"lot {lot_id} has no alarm {alarm_id}", "alarm_id")
            if alarm.state in alarms.FINISHED:
                raise Conflict(f"the alarm is {alarm.state} already")
            check(alarm)
            ids = [one.alarm_id for one in alarms.like(conn, alarm)]
            changed = alarms.change(conn, ids, Change(state, now, by.operator, by.reason, by.via, until))
            word = "put back" if state == "open" else state
            about = " ".join(filter(None, (alarm.kind, alarm.channel_id, alarm.order_id)))
            changes = Changes()
            changes.acts.append(Act(lot_id, now, by.operator, by.reason, f"alarm {alarm_id} {about} {word}", by.via))
            changes.write(conn)
            return next(one for one in changed if one.alarm_id == alarm_id)

        alarm = await self._database.write(transaction)
        self._lanes.alarm_changed(alarm)
        return alarm


class Endings:
    """What becomes of alarms by themselves, looked at again and again by any number of processes."""

    def __init__(self, database: Database, lanes: Lanes, clock: Clock) -> None:
        self._database = database
        self._lanes = lanes
        self._clock = clock

    async def look(self, *, queue_is_short: bool) -> None:
        """Let what was put off come back, and end what is over. Raises StorageError."""
        now = self._clock.now()

        def due(conn: sa.Connection) -> tuple[list[int], list[int]]:
            ended = [*alarms.over(conn)]
            ended += [one.alarm_id for one in alarms.of_devices(conn) if self._is_heard(one)]
            if queue_is_short:
                ended += alarms.of_queue(conn)
            return ended, alarms.to_come_back(conn, now)

        ended, back = await self._database.read(due)
        if not ended and not back:
            return

        def settle(conn: sa.Connection) -> list[NumberedAlarm]:
            over = alarms.change(conn, ended, Change("ended", now))
            still = set(alarms.to_come_back(conn, now)) & set(back)
            return [*over, *alarms.change(conn, still, Change("open", now))]

        for alarm in await self._database.write(settle):
            self._lanes.alarm_changed(alarm, tell=True)

    def _is_heard(self, alarm: NumberedAlarm) -> bool:
        state = self._lanes.state(LaneKey(alarm.lot_id, alarm.channel_id))
        return state is not None and state.online and (state.last_heard is None or state.last_heard > alarm.at)
