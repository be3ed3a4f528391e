"""Alarms: what a person should look at, and who sees to it."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter

from taigan.rights import Right
from taigan.storage.shown import views
from taigan.web.api.common import ACTS, BY_ID, READS, Here, Id, Number, Who, by_of
from taigan.web.errors import bad_value
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page


class Alarms(Controller):
    """What a person should look at. An act on one is an act on all unfinished ones of its kind, lane and order."""

    tags = ("alarms",)
    path = "/lots/{lot_id:str}/alarms"

    @get("/", responses=READS, right=Right.ALARM_SEE)
    async def list_alarms(
        self,
        office: Here,
        lot_id: Id,
        state_: Annotated[Literal["", r.AlarmState], QueryParameter(name="state", description="Empty: all.")] = "",
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Page[r.AlarmView]:
        """Alarms, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.alarms(conn, lot_id, most, after, state=state_),
            lambda alarm: (alarm.alarm_id,),
            r.shown_alarm,
        )

    @post("/{alarm_id:int}/take", status_code=200, responses=ACTS, right=Right.ALARM_TAKE)
    async def take_alarm(
        self, office: Here, holder: Who, lot_id: Id, alarm_id: Number, data: JSONBody[r.Act]
    ) -> r.AlarmView:
        """See to it: others see who does."""
        return r.shown_alarm(await office.alarms.take(lot_id, alarm_id, by_of(holder, data)))

    @post("/{alarm_id:int}/put_back", status_code=200, responses=ACTS, right=Right.ALARM_TAKE)
    async def put_back_alarm(
        self, office: Here, holder: Who, lot_id: Id, alarm_id: Number, data: JSONBody[r.Act]
    ) -> r.AlarmView:
        """Leave it to others again, or end its being put off."""
        return r.shown_alarm(await office.alarms.put_back(lot_id, alarm_id, by_of(holder, data)))

    @post("/{alarm_id:int}/snooze", status_code=200, responses=ACTS, right=Right.ALARM_TAKE)
    async def snooze_alarm(
        self, office: Here, holder: Who, lot_id: Id, alarm_id: Number, data: JSONBody[r.Snooze]
    ) -> r.AlarmView:
        """Put it off; it comes back by itself, within seven days."""
        if data.until.tzinfo is None:
            raise bad_value("needs a time zone, like 2025-06-01T09:00:00+08:00", "until")
        return r.shown_alarm(await office.alarms.snooze(lot_id, alarm_id, by_of(holder, data), data.until))

    @post("/{alarm_id:int}/finish", status_code=200, responses=ACTS, right=Right.ALARM_TAKE)
    async def finish_alarm(
        self, office: Here, holder: Who, lot_id: Id, alarm_id: Number, data: JSONBody[r.Act]
    ) -> r.AlarmView:
        """It is dealt with."""
        return r.shown_alarm(await office.alarms.finish(lot_id, alarm_id, by_of(holder, data)))
