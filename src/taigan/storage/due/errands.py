"""What BoLink is asked to do once: read and written with the lot locked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert, Update
from taigan.storage.locked.facts import columns, records
from taigan.storage.rows import Errand
from taigan.storage.shown.views import After
from taigan.storage.tables import among

_COLUMNS = columns(t.errands, Errand)
_LIVE = "section = '4.2' AND state IN ('wanted', 'asked', 'running', 'unclear')"  # as the index has it
_WANTED = sa.select(sa.func.count()).where(
    t.errands.c.lot_id == sa.bindparam("lot"), sa.text(_LIVE), t.errands.c.state == sa.literal_column("'wanted'")
)
_lot: sa.BindParameter[str] = sa.bindparam("lot")
_section: sa.BindParameter[str] = sa.bindparam("of_section")
_ONE = sa.select(*_COLUMNS).where(t.errands.c.lot_id == _lot, t.errands.c.errand_id == sa.bindparam("errand"))
_NUMBERED = sa.select(*_COLUMNS).where(
    t.errands.c.lot_id == _lot, t.errands.c.section == _section, t.errands.c.number == sa.bindparam("of_number")
)
_ABOUT = (
    sa.select(*_COLUMNS)
    .where(t.errands.c.lot_id == _lot, t.errands.c.section == _section, t.errands.c.about == sa.bindparam("of_what"))
    .order_by(t.errands.c.at.desc(), t.errands.c.errand_id.desc())
)
_UNANSWERED = (
    sa.select(*_COLUMNS)
    .where(t.errands.c.state == sa.literal_column("'asked'"), t.errands.c.deadline < sa.bindparam("before"))
    .limit(100)
)
_NO_END_KNOWN = t.errands.c.state.in_([sa.literal_column("'running'"), sa.literal_column("'unclear'")])
_UNDER_WAY = (
    sa.select(*_COLUMNS)
    .where(t.errands.c.section == _section, t.errands.c.lot_id == _lot, _NO_END_KNOWN)
    .order_by(t.errands.c.at)
    .limit(500)
)
_LOTS_WITH = sa.select(t.errands.c.lot_id).where(t.errands.c.section == _section, _NO_END_KNOWN).distinct()
_ADD = Insert(t.errands, Errand)
_CHANGE = Update[Errand](
    t.errands,
    *("state", "said", "detail", "approved_by", "order_id", "deadline", "changed_at"),
    key=["lot_id", "errand_id"],
)


def add(conn: sa.Connection, errand: Errand) -> None:
    """Write a new one down."""
    _ADD(conn, [errand])


def change(conn: sa.Connection, errand: Errand) -> None:
    """Write down how it stands."""
    _CHANGE(conn, [errand])


def errand(conn: sa.Connection, lot_id: str, errand_id: str) -> Errand | None:
    return next(iter(records(conn, _ONE, Errand, lot=lot_id, errand=errand_id)), None)


def numbered(conn: sa.Connection, lot_id: str, section: str, number: str) -> Errand | None:
    """The one with a number of ours."""
    if not number:
        return None
    return next(iter(records(conn, _NUMBERED, Errand, lot=lot_id, of_section=section, of_number=number)), None)


def about(conn: sa.Connection, lot_id: str, section: str, what: str) -> list[Errand]:
    """Those for one thing, newest first."""
    return records(conn, _ABOUT, Errand, lot=lot_id, of_section=section, of_what=what)


def unanswered(conn: sa.Connection, now: datetime) -> list[Errand]:
    """Those that were asked and should have been answered by now, of whichever lot."""
    return records(conn, _UNANSWERED, Errand, before=now)


def under_way(conn: sa.Connection, lot_id: str, section: str) -> list[Errand]:
    """Those whose end is not known yet, oldest first."""
    return records(conn, _UNDER_WAY, Errand, lot=lot_id, of_section=section)


def lots_with(conn: sa.Connection, section: str) -> set[str]:
    """The lots that have such errands."""
    return {row[0] for row in conn.execute(_LOTS_WITH, {"of_section": section})}


def listed(
    conn: sa.Connection, lot_id: str, limit: int, after: After, *, section: str | tuple[str, ...] = "", state: str = ""
) -> list[Errand]:
    """A lot's, newest first; of one section or several."""
    c = t.errands.c
    query = sa.select(*_COLUMNS).where(c.lot_id == lot_id)
    query = query.where(c.state == state) if state else query
    if section:
        query = query.where(c.section.in_([section] if isinstance(section, str) else section))
    if after:
        query = query.where(
            sa.tuple_(c.at, c.errand_id)
            < sa.tuple_(*(sa.bindparam(None, v, type_=k.type) for v, k in zip(after, (c.at, c.errand_id), strict=True)))
        )
    query = query.order_by(c.at.desc(), c.errand_id.desc()).limit(limit)
    return [Errand(*row) for row in conn.execute(query)]


def counts(conn: sa.Connection, lot_id: str, section: str) -> dict[str, tuple[int, int]]:
    """How many of a section there are in each state that has not ended, and what they come to in fen."""
    c = t.errands.c
    query = (
        sa.select(c.state, sa.func.count(), sa.func.coalesce(sa.func.sum(c.fen), 0))
        .where(c.lot_id == lot_id, c.section == section, c.state.not_in(("done", "failed", "withdrawn")))
        .group_by(c.state)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in conn.execute(query)}


def count_wanted(conn: sa.Connection, lot_id: str) -> int:
    """How many refunds of a lot wait for a second person."""
    return int(conn.execute(_WANTED, {"lot": lot_id}).scalar_one())


def latest(conn: sa.Connection, lot_id: str, section: str, whats: Collection[str]) -> dict[str, Errand]:
    """The newest for each of some things."""
    c = t.errands.c
    query = (
        sa.select(*_COLUMNS)
        .where(c.lot_id == lot_id, c.section == section, among(c.about, "whats"))
        .order_by(c.at, c.errand_id)
    )
    return {row.about: Errand(*row) for row in conn.execute(query, {"whats": sorted(whats)})}


def lot_under_way(conn: sa.Connection, section: str, number: str) -> str:
    """The lot of the one with this number whose end is not known yet; empty when there is none."""
    c = t.errands.c
    query = sa.select(c.lot_id).where(c.section == section, _NO_END_KNOWN)
    return str(conn.execute(query.where(c.number == number)).scalar() or "")
