"""Shifts 交接班: opened with counted cash, reported on at any time, handed over by counting first."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.lot.errors import LotError, UnknownOrder
from taigan.lot.people.shifts import CloseShift, OpenShift
from taigan.rights import Right
from taigan.storage.locked import ledger
from taigan.storage.rows import Shift
from taigan.storage.shown import ledger_views
from taigan.storage.sums import books
from taigan.storage.sums.books import ShiftSums
from taigan.web.api.common import BY_TIME
from taigan.web.console import fields
from taigan.web.console.allowed import need
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused


@get("/lots/{lot_id:str}/shifts", right=Right.MONEY_SEE)
async def shifts(visit: Here) -> Answer:
    """The person's own shift, or the form that opens one; and all shifts, the newest first."""
    try:
        return visit.page("money/shifts/shifts.html", **await _listed(visit))
    except Refused:
        return visit.go(visit.in_lot("shifts"))


@post("/lots/{lot_id:str}/shifts", right=Right.SHIFT_RUN)
async def open_shift(visit: Here) -> Answer:
    """Begin a shift."""
    try:
        booth = visit.text("booth", 64, needed=visit.tell("请填岗亭。"))
        opening = fields.money(visit, "opening")
        by = visit.by(visit.tell("开班"))
        shift = await visit.office.leaving.do(
            OpenShift(lot_id=visit.here.lot_id, booth=booth, opening_fen=opening, by=by)
        )
    except LotError as error:
        if error.field == "operator":
            error.field = ""
        return visit.again("money/shifts/shifts.html", error, **await _listed(visit))
    visit.changed()
    return visit.go(visit.back(visit.in_lot("shifts", shift.shift_id)), visit.tell("已开班。"))


@get("/lots/{lot_id:str}/shifts/{shift_id:str}", right=Right.MONEY_SEE)
async def shift(visit: Here, shift_id: FromPath[str]) -> Answer:
    """The report of a shift: of one that goes on, as it is now."""
    found, sums = await _report(visit, shift_id)
    return visit.page("money/shifts/shift.html", shift=found, sums=sums, mine=_is_own(visit, found))


@get("/lots/{lot_id:str}/shifts/{shift_id:str}/close", right=Right.SHIFT_RUN)
async def counting(visit: Here, shift_id: FromPath[str]) -> Answer:
    """The cash is counted before anybody says what it should be."""
    found = await _own(visit, shift_id)
    if found.closed_at is not None:
        return visit.go(visit.in_lot("shifts", shift_id))
    return visit.page("money/shifts/shift_close.html", shift=found)


@post("/lots/{lot_id:str}/shifts/{shift_id:str}/close", right=Right.SHIFT_RUN)
async def close_shift(visit: Here, shift_id: FromPath[str]) -> Answer:
    """Hand over: a difference needs its reason."""
    found = await _own(visit, shift_id)
    try:
        counted, note = fields.money(visit, "counted"), visit.text("note", 500)
        by = visit.by(note[:200] or visit.tell("交班"))
        closed = await visit.office.leaving.do(
            CloseShift(lot_id=visit.here.lot_id, shift_id=shift_id, counted_fen=counted, note=note, by=by)
        )
    except LotError as error:
        return visit.again("money/shifts/shift_close.html", error, shift=found)
    visit.changed()
    differs = (closed.counted_fen or 0) - (closed.expected_fen or 0)
    said = visit.tell("已交班，现金相符。") if not differs else visit.tell("已交班，差额已记下。")
    return visit.go(visit.in_lot("shifts", shift_id), said)


async def _listed(visit: Visit) -> dict[str, Any]:
    after = BY_TIME.read(visit.asked.get("after", "")[:512])
    lot_id, name = visit.here.lot_id, visit.person.person.name

    def read(conn: sa.Connection) -> tuple[Shift | None, list[Shift]]:
        mine = ledger.open_shift_of(conn, lot_id, name)
        return mine, ledger_views.shifts(conn, lot_id, fields.PAGE + 1, after)

    mine, rows = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_TIME, lambda row: (row.opened_at, row.shift_id), "shifts")
    return {"mine": mine, "rows": rows, "more": more}


async def _report(visit: Visit, shift_id: str) -> tuple[Shift, ShiftSums]:
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[Shift, ShiftSums]:
        found = ledger.shift(conn, lot_id, shift_id) if "\x00" not in shift_id else None
        if found is None:
            raise UnknownOrder(f"there is no shift {shift_id}", "shift_id")
        return found, books.shift_sums(conn, found, visit.now)

    return await visit.office.database.read(read)


async def _own(visit: Visit, shift_id: str) -> Shift:
    """A shift that the person may close: their own, or another's with the right to take cash back."""
    found, _ = await _report(visit, shift_id)
    if not _is_own(visit, found):
        need(visit, Right.MONEY_REVERSE)
    return found


def _is_own(visit: Visit, shift: Shift) -> bool:
    return shift.person == visit.person.person.name


PAGES = (shifts, open_shift, shift, counting, close_shift)
