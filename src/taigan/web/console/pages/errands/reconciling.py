"""Days held against BoLink's books: what differs, what that means, what to do; and a day held again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.lot.errors import BadValue, LotError, UnknownDifference
from taigan.rights import Right
from taigan.storage.rows import Difference, Reconciliation
from taigan.storage.sums import reconciling as kept
from taigan.web.api.common import BY_TIME
from taigan.web.console import fields
from taigan.web.console.rendering.words.bolink import DIFFERENCE_STATE
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

DAYS = 14
"""So many days' runs are shown."""
OF_STAY = ("parked_there_only", "exit_refused", "parked_here_only", "bill_unbalanced", "bill_missing")
OF_DAY = ("withdrawal_differs",)
"""Kinds whose number is a stay's, or a day."""


@get("/lots/{lot_id:str}/reconciling", right=Right.MONEY_SEE)
async def reconciling(visit: Here) -> Answer:
    """The days that were held against BoLink's books, and what differs."""
    try:
        return visit.page("errands/reconciling.html", part="errands/parts/differences.html", **await _shown(visit))
    except Refused:
        return visit.go(visit.in_lot("reconciling"))


@post("/lots/{lot_id:str}/reconciling", right=Right.MONEY_RECONCILE)
async def reconcile(visit: Here) -> Answer:
    """Hold a day against BoLink's books now."""
    try:
        day = _day(visit)
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        run = await visit.office.reconciling.reconcile(visit.here.lot_id, day, by)
    except LotError as error:
        error.field = error.field if error.field in ("day", "reason") else "day"
        return visit.again("errands/reconciling.html", error, **await _shown(visit))
    if run.said:
        return visit.go(visit.in_lot("reconciling"), visit.tell("泊链没有全部回答：%(said)s", said=run.said), "bad")
    if not run.differences:
        return visit.go(visit.in_lot("reconciling"), visit.tell("%(day)s 对完了，没有差异。", day=day))
    done = visit.tell("%(day)s 对完了，有 %(count)d 项差异。", day=day, count=run.differences)
    return visit.go(visit.in_lot("reconciling"), done)


@post("/lots/{lot_id:str}/reconciling/differences/{difference_id:str}/settle", right=Right.MONEY_RECONCILE)
async def settle_difference(visit: Here, difference_id: FromPath[str]) -> Answer:
    """A person has dealt with it, and says how."""
    if "\x00" in difference_id:
        raise UnknownDifference("there is no such difference", "difference_id")
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写怎么处理的。")))
    await visit.office.reconciling.settle(visit.here.lot_id, difference_id, by)
    return visit.go(visit.back(visit.in_lot("reconciling")), visit.tell("已记下，这项差异了结。"))


def differences_sought(visit: Visit) -> str:
    """The state that the address asks for; at first those that are open."""
    state = visit.asked.get("state", "open")
    return state if state in DIFFERENCE_STATE else ""


def _day(visit: Visit) -> date:
    text = visit.text("day", 10, needed=visit.tell("请选日期。"))
    try:
        day = date.fromisoformat(text)
        if not 2000 <= day.year <= 9000:
            raise ValueError(day)
    except ValueError:
        raise BadValue(visit.tell("日期要写成 2026-01-31。"), "day") from None
    return day


async def _shown(visit: Visit) -> dict[str, Any]:
    lot_id, state = visit.here.lot_id, differences_sought(visit)
    after = BY_TIME.read(visit.asked.get("after", "")[:512])

    def read(conn: sa.Connection) -> tuple[list[Difference], list[Reconciliation]]:
        return kept.listed(conn, lot_id, fields.PAGE + 1, after, state=state), kept.runs(conn, lot_id, DAYS, ())

    rows, runs = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_TIME, lambda row: (row.found_at, row.difference_id), "reconciling")
    yesterday = visit.now.astimezone(visit.zone).date() - timedelta(days=1)
    return {
        "rows": rows,
        "more": more,
        "runs": runs,
        "state": state,
        "states": DIFFERENCE_STATE,
        "yesterday": yesterday,
        "of_stay": OF_STAY,
        "of_day": OF_DAY,
        "at_night": visit.office.leaving.policy.reconcile_at,
    }


PAGES = (reconciling, reconcile, settle_difference)
