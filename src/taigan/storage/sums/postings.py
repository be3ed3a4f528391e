"""What closed stays come to, account by account: the rows that a bill's sums must agree with.

For every closed order its postings come to 0: the charge, less what was reduced and paid, more what was given back,
less the balance. What was paid is read from the payments, the rest from the bill, so that a bill whose sum is not that
of its payments shows.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from taigan.storage import tables as t

_b, _p, _o = t.bills.c, t.payments.c, t.orders.c
_balance = _b.charge_fen - _b.reduced_fen - _b.paid_fen + _b.refunded_fen


def _of_bill(account: str, fen: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(
        _b.lot_id, _b.order_id, sa.literal_column(f"'{account}'").label("account"), fen.label("fen"), _b.closed_at
    ).where(_b.closed_at.is_not(None))


POSTINGS = sa.union_all(
    _of_bill("charge", _b.charge_fen),
    _of_bill("reduced", -_b.reduced_fen),
    _of_bill("refunded", _b.refunded_fen),
    _of_bill("balance", -_balance),
    sa.select(_p.lot_id, _p.order_id, sa.literal_column("'paid'"), -_p.fen, _b.closed_at)
    .join(t.bills, sa.and_(_b.lot_id == _p.lot_id, _b.order_id == _p.order_id))
    .where(_p.state == "paid", _b.closed_at.is_not(None)),
).subquery("postings")
"""Account, fen with its sign, order."""


def unbalanced(conn: sa.Connection, lot_id: str, begin: datetime, end: datetime) -> dict[str, int]:
    """The orders closed between two moments whose postings do not come to 0, and to what they come."""
    c = POSTINGS.c
    total = sa.func.sum(c.fen)
    query = (
        sa.select(c.order_id, total)
        .where(c.lot_id == lot_id, c.closed_at >= begin, c.closed_at < end)
        .group_by(c.order_id)
        .having(total != 0)
    )
    return {row[0]: int(row[1]) for row in conn.execute(query)}


def without_bill(conn: sa.Connection, lot_id: str, begin: datetime, end: datetime) -> list[str]:
    """The orders that left between two moments and have no closed bill."""
    closed = sa.exists().where(_b.lot_id == _o.lot_id, _b.order_id == _o.order_id, _b.closed_at.is_not(None))
    query = sa.select(_o.order_id).where(
        _o.lot_id == lot_id, _o.state == "out", _o.closed_at >= begin, _o.closed_at < end, ~closed
    )
    return list(conn.scalars(query))
