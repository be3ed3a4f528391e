"""The audit: everything that persons did, with who, why and through what."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from litestar import get

from taigan.lot.errors import BadValue
from taigan.rights import Right
from taigan.storage.rows import Lane
from taigan.storage.shown import audit, views
from taigan.storage.shown.audit import Deed, Wanted
from taigan.web.api.common import BY_TIME
from taigan.web.console import fields
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

MINUTE = timedelta(minutes=1)
"""A moment is asked for by its minute: that whole minute stands on top."""
MOST_LANES = 200


@get("/lots/{lot_id:str}/audit", right=Right.AUDIT_SEE)
async def audit_page(visit: Here) -> Answer:
    """What was done, newest first."""
    lot_id, rows = visit.here.lot_id, list[Deed]()
    lanes = await visit.office.database.read(lambda conn: _lanes(conn, lot_id))
    try:
        minute = fields.moment(visit, "at", needed=False)
        wanted = sought(visit)
        after = BY_TIME.read(visit.text("after", 512))
        rows = await visit.office.database.read(lambda conn: audit.deeds(conn, lot_id, fields.PAGE + 1, after, wanted))
    except BadValue as error:
        return visit.again("people/audit.html", error, rows=[], more="", kinds=audit.KINDS, lanes=lanes, minute=None)
    except Refused:
        return visit.go(visit.in_lot("audit"))
    rows, more = fields.further(visit, rows, BY_TIME, lambda row: (row.at, row.key), "audit")
    begins = minute if not visit.text("after", 512) else None
    return visit.page("people/audit.html", rows=rows, more=more, kinds=audit.KINDS, lanes=lanes, minute=begins)


def sought(visit: Visit) -> Wanted:
    """What the address asks for. Raises BadValue."""
    span = fields.span(visit)
    kind = visit.text("kind", 16)
    moment = fields.moment(visit, "at", needed=False)
    return Wanted(
        kind=kind if kind in audit.KINDS else "",
        actor=visit.text("who", 64),
        channel_id=visit.text("lane", 64),
        text=visit.text("q", 64),
        since=span.since,
        until=moment + MINUTE if moment is not None else span.until,
        everywhere=visit.person.holder.may_everywhere(Right.AUDIT_SEE),
    )


def _lanes(conn: sa.Connection, lot_id: str) -> list[Lane]:
    return views.lanes(conn, lot_id, MOST_LANES, ())


PAGES = (audit_page,)
