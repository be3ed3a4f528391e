"""A day of a lot as its own books have it, and what was found to differ from BoLink's."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.engines.statements import Insert, Update
from taigan.storage.locked.facts import columns, records
from taigan.storage.locked.ledger import NOT_HEARD_OF
from taigan.storage.rows import Difference, Payment, Reconciliation
from taigan.storage.shown.views import After
from taigan.storage.tables import among

_PAYMENT = columns(t.payments, Payment)
_lot: sa.BindParameter[str] = sa.bindparam("lot")
_BY_NUMBER = sa.select(*_PAYMENT).where(
    t.payments.c.lot_id == _lot,
    t.payments.c.giver == sa.literal_column("'bolink'"),
    among(t.payments.c.trade_no, "numbers"),
)
_OF_ORDERS = sa.select(*_PAYMENT).where(
    t.payments.c.lot_id == _lot,
    t.payments.c.state == sa.literal_column("'paid'"),
    among(t.payments.c.order_id, "orders"),
)
_KEEP = Insert(t.reconciliations, Reconciliation, replacing=list(Reconciliation.__struct_fields__[2:]))
_ADD = Insert(t.differences, Difference)
_END = Update[Difference](t.differences, "state", "actor", "reason", "ended_at", key=["lot_id", "difference_id"])


def payments_numbered(conn: sa.Connection, lot_id: str, trade_nos: Collection[str]) -> dict[str, Payment]:
    """The payments that BoLink told us of, by its number."""
    found = records(conn, _BY_NUMBER, Payment, lot=lot_id, numbers=sorted(trade_nos))
    return {payment.trade_no: payment for payment in found}


def paid_for(conn: sa.Connection, lot_id: str, order_ids: Collection[str]) -> dict[str, list[Payment]]:
    """What was paid for orders, in whatever way."""
    by_order: dict[str, list[Payment]] = {}
    for payment in records(conn, _OF_ORDERS, Payment, lot=lot_id, orders=sorted(order_ids)):
        by_order.setdefault(payment.order_id, []).append(payment)
    return by_order


def left_between(conn: sa.Connection, lot_id: str, begin: datetime, end: datetime) -> dict[str, datetime]:
    """The orders that were closed as left then and of which BoLink took the exit (3.2), with when."""
    c, d = t.orders.c, t.deliveries.c
    told = sa.exists().where(d.lot_id == c.lot_id, d.order_id == c.order_id, d.section == "3.2", d.state == "done")
    query = sa.select(c.order_id, c.closed_at).where(
        c.lot_id == lot_id, c.state == "out", c.closed_at >= begin, c.closed_at < end, told
    )
    return {row[0]: row[1] for row in conn.execute(query)}


def paid_by_bolink(conn: sa.Connection, lot_id: str, begin: datetime, end: datetime) -> tuple[int, int, int]:
    """What BoLink took for a lot between two moments: how many payments, their sum, and BoLink's fees, in fen."""
    c = t.payments.c
    query = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(c.fen), 0), sa.func.coalesce(sa.func.sum(c.fee_fen), 0)
    ).where(c.lot_id == lot_id, c.giver == "bolink", c.state == "paid", c.paid_at >= begin, c.paid_at < end)
    row = conn.execute(query).one()
    return int(row[0]), int(row[1]), int(row[2])


def through_errands(conn: sa.Connection, lot_id: str, begin: datetime, end: datetime) -> int:
    """What BoLink took for a lot's passes between two moments, less what it gave back to drivers and as change."""
    c = t.errands.c
    going = sa.and_(c.section.in_(("4.2", "3.10")), c.state.in_(("done", "running")))
    fen = sa.case((c.section.in_(("3.3", "11.2")), c.fen), else_=-c.fen)
    query = sa.select(sa.func.coalesce(sa.func.sum(fen), 0)).where(
        c.lot_id == lot_id,
        c.changed_at >= begin,
        c.changed_at < end,
        sa.or_(sa.and_(c.section.in_(("3.3", "11.2")), c.state == "done"), going),
    )
    return int(conn.execute(query).scalar_one())


def in_doubt(conn: sa.Connection, lot_id: str, since: datetime, until: datetime) -> dict[str, datetime]:
    """The orders with a pull that was paid in that time and has no number of BoLink's, or with a payment whose end
    nobody knows, each with the moment it began.

    One of which nothing was heard by the morning counts as well, since then: its end was supposed, not told.
    """
    p, a = t.payments.c, t.attempts.c
    failed: sa.ColumnElement[str] = sa.literal_column("'failed'")
    unheard: sa.ColumnElement[str] = sa.literal_column(f"'{NOT_HEARD_OF}'")
    numberless = sa.and_(p.giver == "us", p.state == "paid", p.attempt_no != "")
    asked: list[sa.Select[str, datetime]] = [
        sa.select(p.order_id, p.received_at).where(p.lot_id == lot_id, p.received_at.between(since, until), numberless),
        sa.select(p.order_id, p.received_at).where(
            p.lot_id == lot_id, p.received_at >= since, p.state == failed, p.note == unheard
        ),
        sa.select(p.order_id, p.received_at).where(p.lot_id == lot_id, p.state == sa.literal_column("'pending'")),
        sa.select(a.order_id, a.started_at).where(
            a.lot_id == lot_id,
            a.state.in_([sa.literal_column("'live'"), sa.literal_column("'unclear'")]),
            a.state == sa.literal_column("'unclear'"),
        ),
        sa.select(a.order_id, a.started_at).where(
            a.lot_id == lot_id, a.started_at >= since, a.state == failed, a.said == unheard
        ),
    ]
    found = awaited(conn, lot_id)
    for order_id, began in (row for query in asked for row in conn.execute(query)):
        if order_id:
            found[order_id] = min(began, found.get(order_id, began))
    return found


def awaited(conn: sa.Connection, lot_id: str) -> dict[str, datetime]:
    """The orders that ended while a payment was awaited and owe since, and when they did."""
    b = t.bills.c
    owes = b.charge_fen - b.reduced_fen - b.paid_fen + b.refunded_fen > sa.literal_column("0")
    of_lot = b.lot_id.concat("") == lot_id  # by any index that begins with it, SQLite would read all bills of the lot
    query = sa.select(b.order_id, b.closed_at).where(of_lot, owes, b.awaited)
    return {order_id: closed_at for order_id, closed_at in conn.execute(query) if closed_at is not None}


def open_orders(conn: sa.Connection, lot_id: str) -> set[str]:
    """The orders of cars that are inside, of which BoLink took the entry (3.1)."""
    c, d = t.orders.c, t.deliveries.c
    told = sa.exists().where(d.lot_id == c.lot_id, d.order_id == c.order_id, d.section == "3.1", d.state == "done")
    return {row[0] for row in conn.execute(sa.select(c.order_id).where(c.lot_id == lot_id, c.state == "in", told))}


def exits_of(conn: sa.Connection, lot_id: str, order_ids: Collection[str]) -> dict[str, tuple[str, str, str]]:
    """How orders stand: their state, that of their 3.2 (empty: none was written), why a person should look at them."""
    c, d = t.orders.c, t.deliveries.c
    query = (
        sa.select(c.order_id, c.state, d.state, c.review)
        .outerjoin(t.deliveries, sa.and_(d.lot_id == c.lot_id, d.order_id == c.order_id, d.section == "3.2"))
        .where(c.lot_id == lot_id, among(c.order_id, "orders"))
        .order_by(d.delivery_id)
    )
    rows = conn.execute(query, {"orders": sorted(order_ids)})
    return {row[0]: (row[1], row[2] or "", row[3]) for row in rows}


def keep(conn: sa.Connection, run: Reconciliation) -> None:
    """Keep a day's run, in place of the one before."""
    _KEEP(conn, [run])


def differences_of(conn: sa.Connection, lot_id: str, *, day: date | None = None) -> list[Difference]:
    """The differences of a lot; those of one day."""
    c = t.differences.c
    query = sa.select(*columns(t.differences, Difference)).where(c.lot_id == lot_id)
    query = query.where(c.day == day) if day is not None else query
    return [Difference(*row) for row in conn.execute(query)]


def known(conn: sa.Connection, lot_id: str, kind: str, number: str) -> Difference | None:
    """What was found of a number before."""
    c = t.differences.c
    query = sa.select(*columns(t.differences, Difference)).where(c.lot_id == lot_id, c.kind == kind, c.number == number)
    row = conn.execute(query).first()
    return Difference(*row) if row is not None else None


def difference(conn: sa.Connection, lot_id: str, difference_id: str) -> Difference | None:
    c = t.differences.c
    query = sa.select(*columns(t.differences, Difference)).where(c.lot_id == lot_id, c.difference_id == difference_id)
    row = conn.execute(query).first()
    return Difference(*row) if row is not None else None


def add_differences(conn: sa.Connection, found: Collection[Difference]) -> None:
    _ADD(conn, found)


def end_differences(conn: sa.Connection, ended: Collection[Difference]) -> None:
    """Write down that they are settled, or gone."""
    _END(conn, ended)


def listed(conn: sa.Connection, lot_id: str, limit: int, after: After, *, state: str = "") -> list[Difference]:
    """A lot's differences, newest first."""
    c = t.differences.c
    query = sa.select(*columns(t.differences, Difference)).where(c.lot_id == lot_id)
    query = query.where(c.state == state) if state else query
    if after:
        at, name = sa.bindparam("at", after[0], type_=c.found_at.type), str(after[1])
        query = query.where(sa.or_(c.found_at < at, sa.and_(c.found_at == at, c.difference_id < name)))
    query = query.order_by(c.found_at.desc(), c.difference_id.desc()).limit(limit)
    return [Difference(*row) for row in conn.execute(query)]


def runs(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[Reconciliation]:
    """A lot's days, newest first."""
    c = t.reconciliations.c
    query = sa.select(*columns(t.reconciliations, Reconciliation)).where(c.lot_id == lot_id)
    query = query.where(c.day < date.fromisoformat(str(after[0]))) if after else query
    return [Reconciliation(*row) for row in conn.execute(query.order_by(c.day.desc()).limit(limit))]
