"""A residential area around a lot: its devices at the gates, its people, who passed, and what was reported of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert, Update
from taigan.storage.locked.facts import columns, records
from taigan.storage.locked.vehicles import NumberedPerson
from taigan.storage.shown.views import After
from taigan.storage.tables import Moment


class Community(msgspec.Struct):
    """The area, and the platform that it is reported to."""

    lot_id: str
    project_code: int
    name: str
    platform: str
    address: str
    longitude: str
    latitude: str
    actor: str
    reason: str
    at: datetime


class AccessDevice(msgspec.Struct):
    """What stands at a gate and recognises people."""

    lot_id: str
    equipment_code: str
    name: str
    gate_name: str
    aisle_name: str
    at: datetime


class Report(msgspec.Struct):
    """What became of a report: `kind` is community, device or face, `code` which one."""

    lot_id: str
    kind: str
    code: str
    state: str
    said: str
    at: datetime


class Passage(msgspec.Struct):
    """A person who passed a gate. `passage_id` is the device's own name of it."""

    lot_id: str
    passage_id: str
    equipment_code: str
    at: datetime
    direction: str
    way: str
    user_code: str
    name: str
    user_type: str
    score: str
    state: str
    said: str
    changed_at: datetime


_lot: sa.BindParameter[str] = sa.bindparam("lot")
_COMMUNITY = sa.select(*columns(t.communities, Community)).where(t.communities.c.lot_id == _lot)
_KEEP = Insert(t.communities, Community, replacing=list(Community.__struct_fields__[1:]))
_DEVICES = (
    sa.select(*columns(t.access_devices, AccessDevice))
    .where(t.access_devices.c.lot_id == _lot)
    .order_by(t.access_devices.c.equipment_code)
    .limit(1000)
)
_KEEP_DEVICE = Insert(t.access_devices, AccessDevice, replacing=["name", "gate_name", "aisle_name", "at"])
_REPORTS = sa.select(*columns(t.community_reports, Report)).where(t.community_reports.c.lot_id == _lot)
_KEEP_REPORT = Insert(t.community_reports, Report, replacing=["state", "said", "at"])
_p = t.passages.c
_PASSAGE = sa.select(*columns(t.passages, Passage)).where(_p.lot_id == _lot, _p.passage_id == sa.bindparam("number"))
_OPEN_STATE = _p.state.in_([sa.literal_column("'pending'"), sa.literal_column("'sending'")])
_OPEN = (
    sa.select(*columns(t.passages, Passage))
    .where(_p.lot_id == _lot, _OPEN_STATE)
    .order_by(_p.at, _p.passage_id)
    .limit(sa.bindparam("most"))
)
_WITH_OPEN = sa.select(_p.lot_id).where(_OPEN_STATE).distinct()
_ADD_PASSAGE = Insert(t.passages, Passage)
_CHANGE_PASSAGE = Update[Passage](t.passages, "state", "said", "changed_at", key=["lot_id", "passage_id"])
_PERSON = sa.select(*columns(t.people, NumberedPerson)).where(
    t.people.c.union_id == sa.bindparam("union"), t.people.c.person_id == sa.bindparam("number")
)
_PEOPLE = (
    sa.select(*columns(t.people, NumberedPerson))
    .where(t.people.c.union_id == sa.bindparam("union"))
    .order_by(t.people.c.person_id)
)


def community(conn: sa.Connection, lot_id: str) -> Community | None:
    return next(iter(records(conn, _COMMUNITY, Community, lot=lot_id)), None)


def with_community(conn: sa.Connection) -> list[Community]:
    """Those of all lots."""
    return [Community(*row) for row in conn.execute(sa.select(*columns(t.communities, Community)))]


def keep(conn: sa.Connection, given: Community) -> None:
    _KEEP(conn, [given])


def devices(conn: sa.Connection, lot_id: str) -> list[AccessDevice]:
    return records(conn, _DEVICES, AccessDevice, lot=lot_id)


def keep_device(conn: sa.Connection, device: AccessDevice) -> None:
    _KEEP_DEVICE(conn, [device])


def drop_device(conn: sa.Connection, lot_id: str, equipment_code: str) -> bool:
    """Whether there was one."""
    c = t.access_devices.c
    gone = sa.delete(t.access_devices).where(c.lot_id == lot_id, c.equipment_code == equipment_code)
    return conn.execute(gone).rowcount > 0


def reports(conn: sa.Connection, lot_id: str) -> dict[tuple[str, str], Report]:
    """By kind and code."""
    return {(one.kind, one.code): one for one in records(conn, _REPORTS, Report, lot=lot_id)}


def keep_report(conn: sa.Connection, report: Report) -> None:
    _KEEP_REPORT(conn, [report])


def person(conn: sa.Connection, union_id: str, user_code: str) -> NumberedPerson | None:
    """The person of a code; None for a code that is nobody's."""
    if not (user_code.isascii() and user_code.isdigit() and len(user_code) <= 15):
        return None
    return next(iter(records(conn, _PERSON, NumberedPerson, union=union_id, number=int(user_code))), None)


def people(conn: sa.Connection, union_id: str) -> list[NumberedPerson]:
    """All people that BoLink sent to a vendor (9.1)."""
    return records(conn, _PEOPLE, NumberedPerson, union=union_id)


def passage(conn: sa.Connection, lot_id: str, passage_id: str) -> Passage | None:
    return next(iter(records(conn, _PASSAGE, Passage, lot=lot_id, number=passage_id)), None)


def add_passage(conn: sa.Connection, one: Passage) -> None:
    _ADD_PASSAGE(conn, [one])


def change_passages(conn: sa.Connection, changed: Sequence[Passage]) -> None:
    _CHANGE_PASSAGE(conn, list(changed))


def open_passages(conn: sa.Connection, lot_id: str, most: int) -> list[Passage]:
    """Those that are still to be reported, or on their way, oldest first."""
    return records(conn, _OPEN, Passage, lot=lot_id, most=most)


def lots_with_open(conn: sa.Connection) -> set[str]:
    """The lots with such passages."""
    return {row[0] for row in conn.execute(_WITH_OPEN)}


def list_passages(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[Passage]:
    """The lot's, newest first."""
    query = sa.select(*columns(t.passages, Passage)).where(_p.lot_id == lot_id)
    if after:
        query = query.where(
            sa.tuple_(_p.at, _p.passage_id) < sa.tuple_(sa.literal(after[0], Moment()), sa.literal(after[1]))
        )
    query = query.order_by(_p.at.desc(), _p.passage_id.desc()).limit(limit)
    return [Passage(*row) for row in conn.execute(query)]


def counted(conn: sa.Connection, lot_id: str, begin: datetime, end: datetime) -> dict[str, int]:
    """The passages between two moments of their report, by state."""
    query = (
        sa.select(_p.state, sa.func.count())
        .where(_p.lot_id == lot_id, _p.changed_at >= begin, _p.changed_at < end)
        .group_by(_p.state)
    )
    return {row[0]: row[1] for row in conn.execute(query)}
