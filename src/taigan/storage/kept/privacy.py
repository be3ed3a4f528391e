"""What is kept of one person, found by plate, phone number or identity: to hand it out, and to erase it.

Stays and money remain as the lot's own books; what tells whose they were goes.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.changes import Changes
from taigan.storage.rows import Act
from taigan.storage.sums import stretches
from taigan.storage.tables import paired

GONE = "***"
"""What stands in a text where the plate, number or identity stood."""


class By(enum.StrEnum):
    """What a person is found by."""

    PLATE = "plate"
    PHONE = "phone"
    IDENTITY = "identity"


class StillNeeded(Exception):
    """It cannot be erased yet; the text says what it is needed for."""


class Erased(msgspec.Struct, frozen=True):
    """How many rows of each table were dropped or emptied."""

    rows: Mapping[str, int]


_DIRECT: Mapping[By, Sequence[sa.Column[Any]]] = {
    By.PLATE: (
        t.sms_codes.c.licence,
        t.drivers.c.licence,
        t.special_vehicles.c.car_number,
        t.auto_pay.c.car_number,
        t.pass_plates.c.plate,
        t.shots.c.plate,
    ),
    By.PHONE: (t.sms_codes.c.mobile,),
    By.IDENTITY: (),
}
"""Columns that hold it; the row goes with it."""
_OF_ORDERS: Mapping[By, Sequence[sa.Column[Any]]] = {
    By.PLATE: (t.orders.c.licence, t.orders.c.plate),
    By.PHONE: (t.orders.c.mobile,),
    By.IDENTITY: (t.orders.c.pay_user_id,),
}
_KIND_OF_BLOCK = {By.PLATE: "licence", By.PHONE: "mobile", By.IDENTITY: "pay_user_id"}
_EMPTIED: Mapping[sa.Table, Mapping[str, object]] = {
    t.orders: {"licence": "", "plate": "", "likeness": "", "mobile": "", "pay_user_id": ""},
    t.departures: {"plate": ""},
    t.payments: {"plate": ""},
    t.deliveries: {"payload": "{}"},
    t.quotes: {"answer": b""},
    t.inbox: {"answer": b""},
}
"""What is emptied in the rows of the person's orders, which stay."""
_SHOWN = (t.order_events, t.lifts, t.bills, t.reductions, t.attempts, t.alarms)
"""Rows of the person's orders that tell of a stay and not of a person."""
_WITH_PLATE = (t.departures, t.payments)
"""Rows that stay without the plate, whether or not they are of a known stay."""
_TEXTS = (
    t.order_events.c.detail,
    t.alarms.c.text,
    t.operator_acts.c.act,
    t.operator_acts.c.reason,
    t.orders.c.told_text,
    t.lifts.c.reason,
    t.deliveries.c.answer,
    t.money_notices.c.text,
    t.payments.c.note,
    t.reductions.c.reason,
    t.departures.c.reason,
    t.attempts.c.said,
    t.saved_views.c.asked,
    t.errands.c.about,
    t.errands.c.said,
    t.errands.c.detail,
    t.errands.c.reason,
    t.alarms.c.note,
    t.space_changes.c.reason,
    t.blocked.c.reason,
    t.special_vehicles.c.remark,
    t.passes.c.reason,
    t.community_reports.c.said,
    t.passages.c.said,
    t.reconciliations.c.said,
    t.differences.c.reason,
)
"""Texts about anything, in which it is written over."""
_ANSWERS = (t.inbox.c.answer, t.quotes.c.answer, t.money_notices.c.answer)
"""What BoLink was answered. That of a refused scan, or of a price that was never owed, belongs to no order."""
_LIVE = ("waiting", "in")


def export(conn: sa.Connection, by: By, value: str) -> dict[str, list[dict[str, Any]]]:
    """Every row that is kept of the person, by table."""
    orders = _orders(conn, by, value)
    found: dict[str, list[dict[str, Any]]] = {}
    for table, where in _rows(conn, by, value, orders).items():
        if rows := [dict(row) for row in conn.execute(sa.select(table).where(sa.or_(*where))).mappings()]:
            found[table.name] = rows
    return found


def pictures(conn: sa.Connection, by: By, value: str, *, to_erase: bool = False) -> list[str]:
    """Where the pictures of the person lie in the store. `to_erase`: they go before their rows. Raises StillNeeded."""
    orders = _orders(conn, by, value)
    if to_erase:
        _refuse_if_needed(conn, orders)
    where = _rows(conn, by, value, orders).get(t.shots, [])
    if not where:
        return []
    return list(conn.execute(sa.select(t.shots.c.place).where(sa.or_(*where), t.shots.c.place != "")).scalars())


def erase(conn: sa.Connection, by: By, value: str, operator: str, reason: str, now: datetime) -> Erased:
    """Erase what tells who it was, and record that it was done, without saying of whom.

    Raises StillNeeded while a car is inside, or an upload about it is owed.
    """
    orders = _orders(conn, by, value)
    _refuse_if_needed(conn, orders)
    rows: dict[str, int] = {}
    names = {value} if by is By.PLATE else set()
    if orders:
        named = sa.select(t.orders.c.licence, t.orders.c.plate).where(_of(orders)(t.orders))
        names |= {name for row in conn.execute(named) for name in row}

    def run(table: sa.Table, statement: Any) -> None:
        if count := conn.execute(statement).rowcount:
            rows[table.name] = rows.get(table.name, 0) + count

    if by is By.PLATE:
        run(t.passes, sa.update(t.passes).where(_passes(value)).values(holder=""))
    for column in _DIRECT[by]:
        run(column.table, sa.delete(column.table).where(column == value))
    run(t.blocked, sa.delete(t.blocked).where(_blocked(by, value)))
    if by is By.PHONE:
        run(t.passages, sa.delete(t.passages).where(_passages(value)))  # while it is known whose they are
        run(t.people, sa.delete(t.people).where(_person(value)))
    run(t.message_log, sa.delete(t.message_log).where(_messages(value, orders)))
    if by is By.PLATE:
        for table in _WITH_PLATE:
            run(table, sa.update(table).where(table.c.plate == value).values(plate=""))
    if orders:
        of_these = _of(orders)
        run(t.money_notices, _notices(orders))
        for table, emptied in _EMPTIED.items():
            run(table, sa.update(table).where(of_these(table)).values(**emptied))
        run(t.shots, sa.delete(t.shots).where(_shots(orders)))
    if made_anew := stretches.rewrite(conn, names):
        rows[t.plate_stretches.name] = made_anew
    for column in _TEXTS:
        holds = column.contains(value, autoescape=True)
        run(column.table, sa.update(column.table).where(holds).values({column: sa.func.replace(column, value, GONE)}))
    for column in _ANSWERS:
        run(column.table, sa.update(column.table).where(_in_bytes(conn, column, value)).values({column: b""}))
    _record(conn, orders, operator, reason, now, f"erased the personal data of one {by}: {sum(rows.values())} rows")
    return Erased(rows)


def record_export(conn: sa.Connection, by: By, value: str, operator: str, reason: str, now: datetime) -> None:
    """Record that a person's data were handed out."""
    _record(conn, _orders(conn, by, value), operator, reason, now, f"handed out the personal data of one {by}")


def _record(
    conn: sa.Connection, orders: Sequence[tuple[str, str]], operator: str, reason: str, now: datetime, act: str
) -> None:
    changes = Changes()
    for lot_id in sorted({lot_id for lot_id, _ in orders}) or [""]:
        changes.acts.append(Act(lot_id, now, operator, reason, act))
    changes.write(conn)


def _orders(conn: sa.Connection, by: By, value: str) -> list[tuple[str, str]]:
    where = sa.or_(*(column == value for column in _OF_ORDERS[by]))
    return [(row[0], row[1]) for row in conn.execute(sa.select(t.orders.c.lot_id, t.orders.c.order_id).where(where))]


def _refuse_if_needed(conn: sa.Connection, orders: Sequence[tuple[str, str]]) -> None:
    if not orders:
        return
    of_these = _of(orders)
    live = sa.select(sa.func.count()).where(of_these(t.orders), t.orders.c.state.in_(_LIVE))
    if conn.execute(live).scalar():
        raise StillNeeded("a car is inside or at the entry: erase again when it has left")
    owed = sa.select(sa.func.count()).where(of_these(t.deliveries), t.deliveries.c.state.in_(("pending", "sending")))
    if conn.execute(owed).scalar():
        raise StillNeeded("an upload about a stay is owed to BoLink: erase again when it is done")


def _rows(
    conn: sa.Connection, by: By, value: str, orders: Sequence[tuple[str, str]]
) -> dict[sa.Table, list[sa.ColumnElement[bool]]]:
    """The conditions, of which any one makes a table's row the person's."""
    found: defaultdict[sa.Table, list[sa.ColumnElement[bool]]] = defaultdict(list)
    for column in _DIRECT[by]:
        found[column.table].append(column == value)
    found[t.blocked].append(_blocked(by, value))
    if by is By.PLATE:
        found[t.passes].append(_passes(value))
        for table in _WITH_PLATE:
            found[table].append(table.c.plate == value)
    if by is By.PHONE:
        found[t.people].append(_person(value))
        found[t.passages].append(_passages(value))
    found[t.message_log].append(_messages(value, orders))
    for column in _TEXTS:
        found[column.table].append(column.contains(value, autoescape=True))
    for column in _ANSWERS:
        found[column.table].append(_in_bytes(conn, column, value))
    if orders:
        of_these = _of(orders)
        for table in (*_EMPTIED, *_SHOWN):
            found[table].append(of_these(table))
        found[t.shots].append(_shots(orders))
    return found


def _in_bytes(conn: sa.Connection, column: sa.Column[Any], value: str) -> sa.ColumnElement[bool]:
    written = sa.func.hex(column) if conn.dialect.name == "sqlite" else sa.func.upper(sa.func.encode(column, "hex"))
    return written.contains(value.encode().hex().upper())


def _blocked(by: By, value: str) -> sa.ColumnElement[bool]:
    return sa.and_(t.blocked.c.kind == _KIND_OF_BLOCK[by], t.blocked.c.value == value)


def _passes(plate: str) -> sa.ColumnElement[bool]:
    """The passes of this plate, while it is known which they are."""
    c = t.pass_plates.c
    return sa.exists().where(c.lot_id == t.passes.c.lot_id, c.card_id == t.passes.c.card_id, c.plate == plate)


def _person(phone: str) -> sa.ColumnElement[bool]:
    return t.people.c.person.contains(phone, autoescape=True)


def _passages(phone: str) -> sa.ColumnElement[bool]:
    """Where the person of this phone passed a community's gates."""
    theirs = sa.select(sa.cast(t.people.c.person_id, sa.Text)).where(_person(phone))
    return t.passages.c.user_code.in_(theirs)


def _messages(value: str, orders: Sequence[tuple[str, str]]) -> sa.ColumnElement[bool]:
    """What both sides said of the person or of the person's stays."""
    c = t.message_log.c
    named = sa.or_(c.plate == value, *(text.contains(value, autoescape=True) for text in (c.sent, c.answer, c.note)))
    return sa.or_(named, _of(orders)(t.message_log)) if orders else named


def _notices(orders: Sequence[tuple[str, str]]) -> sa.Update:
    """What BoLink said of the orders' payments, emptied: it names the car."""
    paid = sa.exists().where(
        t.payments.c.lot_id == t.money_notices.c.lot_id,
        t.payments.c.payment_id == t.money_notices.c.payment_id,
        _of(orders)(t.payments),
    )
    return sa.update(t.money_notices).where(paid).values(text="")


def _shots(orders: Sequence[tuple[str, str]]) -> sa.ColumnElement[bool]:
    """The pictures of the orders, and of their cars at the entry and at the exit."""
    of_these, c = _of(orders), t.shots.c
    seen = [
        sa.exists().where(
            of_these(table), table.c.lot_id == c.lot_id, table.c.presence_id == c.presence_id, c.presence_id != ""
        )
        for table in (t.orders, t.departures)
    ]
    return sa.or_(of_these(t.shots), *seen)


def _of(orders: Sequence[tuple[str, str]]) -> Any:
    """The condition that a table's row belongs to one of the orders."""

    def condition(table: sa.Table) -> sa.ColumnElement[bool]:
        among = paired(table.c.lot_id, table.c.order_id, "orders")
        among.values = sa.bindparam(None, list(orders), type_=among.values.type)
        return among

    return condition
