"""The codes sent to drivers' phones."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.tables import Moment

_c = t.sms_codes


class Code(msgspec.Struct, frozen=True):
    """A code for one driver's phone."""

    sms_id: int
    lot_id: str
    licence: str
    mobile: str
    code: str
    sent_at: datetime


_COLUMNS = [_c.c[name] for name in Code.__struct_fields__]
_BETWEEN = (
    sa.select(*_COLUMNS)
    .where(
        sa.or_(_c.c.mobile == sa.bindparam("phone"), _c.c.licence == sa.bindparam("driver")),
        _c.c.sent_at > sa.bindparam("after", type_=Moment()),
        _c.c.sent_at <= sa.bindparam("until", type_=Moment()),
    )
    .order_by(_c.c.sent_at.desc())
)


def between(conn: sa.Connection, licence: str, mobile: str, after: datetime, until: datetime) -> list[Code]:
    """Codes sent to that phone or that driver in that time, newest first."""
    asked = {"phone": mobile, "driver": licence, "after": after, "until": until}
    return [Code(*row) for row in conn.execute(_BETWEEN, asked)]


def add(conn: sa.Connection, lot_id: str, licence: str, mobile: str, code: str, now: datetime) -> Code:
    """Note a code that is about to be sent."""
    row = {"lot_id": lot_id, "licence": licence, "mobile": mobile, "code": code, "sent_at": now}
    return Code(*conn.execute(sa.insert(_c).returning(*_COLUMNS), row).one())


def alone(conn: sa.Connection, licence: str, mobile: str) -> None:
    """Let no other transaction send to this phone or this driver until this one ends."""
    if conn.dialect.name == "postgresql":
        for who in sorted({licence, mobile}):
            conn.execute(sa.text("SELECT pg_advisory_xact_lock(7416004, hashtext(:who))"), {"who": who})


def sent_in(conn: sa.Connection, lot_id: str, after: datetime, until: datetime) -> int:
    """How many codes a lot sent in that time."""
    asked = (_c.c.lot_id == lot_id, _c.c.sent_at > after, _c.c.sent_at <= until)
    return int(conn.execute(sa.select(sa.func.count()).where(*asked)).scalar_one())


def forget(conn: sa.Connection, sms_id: int) -> None:
    """Take back a code whose message was not sent."""
    conn.execute(sa.delete(_c).where(_c.c.sms_id == sms_id))
