"""What BoLink keeps of a vendor or a lot besides its entries, exits and scans: one row each, of one kind, in one state.

Money is whole fen. `data` is the message as received, `detail` what BoLink adds to it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from taigan.hub.book.database import insert_row
from taigan.hub.book.tables import exits, records
from taigan.hub.book.trail import Trail
from taigan.hub.errors import Unknown


class Kind(enum.StrEnum):
    """What is kept."""

    LOTS = "lots"
    """2.1, 2.2: a lot as its vendor describes it."""
    MERCHANTS = "merchants"
    """2.4, 2.6: a lot's merchant data."""
    SPLITS = "splits"
    """3.5, 3.6: who receives a share of a lot's money."""
    PAYMENTS = "payments"
    """3.2, 3.3, 3.4, 3.7, 3.9: money a driver pays."""
    ARREARS = "arrears"
    """3.2 with `escape`: what a car left without paying."""
    CHANGE = "change"
    """3.10: red packets."""
    REDUCTIONS = "reductions"
    """3.11: what was taken off for charging."""
    REFUNDS = "refunds"
    """4.2: money given back."""
    WITHDRAWALS = "withdrawals"
    """4.4: money paid out to a lot."""
    INVOICE_ORDERS = "invoice_orders"
    """6.1: orders that may be invoiced."""
    INVOICES = "invoices"
    """6.3: invoices."""
    SESSIONS = "sessions"
    """8.3: who logged in at a platform."""
    COMMUNITIES = "communities"
    """8.4: residential areas."""
    DEVICES = "devices"
    """8.5: devices at gates."""
    FACES = "faces"
    """8.6: people's faces."""
    PASSAGES = "passages"
    """8.7: people going in and out."""
    CORRECTIONS = "corrections"
    """10.1: what was corrected about a stay."""
    ARRANGEMENTS = "arrangements"
    """10.4, 10.5, 10.6, 5.2: what the city, the operator and the drivers arranged with BoLink about a lot."""


KEPT = "kept"
"""The state of what has no states."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that is kept."""

    id: int
    kind: str
    union_id: str
    lot_id: str
    number: str
    code: str
    state: str
    order_id: str
    car_number: str
    fen: int
    data: bytes
    detail: dict[str, Any]
    at: datetime
    changed_at: datetime


def add(
    conn: sa.Connection,
    trail: Trail,
    kind: Kind,
    union_id: str,
    lot_id: str,
    number: str,
    code: str,
    *,
    state: str = KEPT,
    order_id: str = "",
    car_number: str = "",
    fen: int = 0,
    data: bytes = b"",
    detail: dict[str, Any] | None = None,
) -> Record:
    """Keep something new. Its number must not be taken: see `find`."""
    row: dict[str, Any] = {
        "kind": kind.value,
        "union_id": union_id,
        "lot_id": lot_id,
        "number": number,
        "code": code,
        "state": state,
        "order_id": order_id,
        "car_number": car_number,
        "fen": fen,
        "data": data,
        "detail": detail or {},
        "at": trail.at,
        "changed_at": trail.at,
    }
    return Record(**row | {"id": insert_row(conn, records, row)})


def change(conn: sa.Connection, trail: Trail, record: Record, **changed: Any) -> Record:
    """Change what is kept; what is changed of `detail` is put over what was there."""
    if "detail" in changed:
        changed["detail"] = record.detail | changed["detail"]
    changed["changed_at"] = trail.at
    conn.execute(sa.update(records).where(records.c.id == record.id).values(**changed))
    return find_by_id(conn, record.id)


def find(conn: sa.Connection, kind: Kind, union_id: str, lot_id: str, number: str) -> Record | None:
    """What is known by this number, if anything."""
    c = records.c
    found = select(conn, c.kind == kind.value, c.union_id == union_id, c.lot_id == lot_id, c.number == number)
    return found[0] if found else None


def find_by_id(conn: sa.Connection, record_id: int) -> Record:
    """Raises `Unknown`."""
    found = select(conn, records.c.id == record_id)
    if not found:
        raise Unknown("record", "id")
    return found[0]


def find_by_code(conn: sa.Connection, code: str) -> Record | None:
    """What a browser's address leads to."""
    found = select(conn, records.c.code == code)
    return found[0] if found else None


def select(conn: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Record]:
    """Everything that fits, oldest first."""
    query = sa.select(records).where(*conditions).order_by(records.c.id)
    return [Record(*row) for row in conn.execute(query)]


def payments_of(conn: sa.Connection, lot_id: str, order_id: str) -> list[Record]:
    """Every payment for an order, oldest first."""
    c = records.c
    return select(conn, c.lot_id == lot_id, c.order_id == order_id, c.kind == Kind.PAYMENTS.value)


_THROUGH_BOLINK = (
    (Kind.PAYMENTS, ("paid",), 1),
    (Kind.REFUNDS, ("done", "pending"), -1),
    (Kind.CHANGE, ("issued", "received"), -1),
)
"""What comes in for a lot and goes out to drivers, in which states it counts."""


def balance(conn: sa.Connection, lot_id: str) -> int:
    """The fen a lot has at BoLink: paid in, less what was given back, given as change, or is on its way out."""
    return _sum(conn, lot_id, (*_THROUGH_BOLINK, (Kind.WITHDRAWALS, ("applied", "done"), -1)))


def taken_between(conn: sa.Connection, lot_id: str, begin: datetime, end: datetime) -> int:
    """The fen that came in for a lot between two moments, less what was given back and given as change."""
    c = records.c
    return _sum(conn, lot_id, _THROUGH_BOLINK, c.changed_at >= begin, c.changed_at < end)


def _sum(
    conn: sa.Connection,
    lot_id: str,
    signs: tuple[tuple[Kind, tuple[str, ...], int], ...],
    *conditions: sa.ColumnElement[bool],
) -> int:
    total = 0
    for kind, states, sign in signs:
        query = sa.select(sa.func.coalesce(sa.func.sum(records.c.fen), 0)).where(
            records.c.lot_id == lot_id, records.c.kind == kind.value, records.c.state.in_(states), *conditions
        )
        total += sign * int(conn.execute(query).scalar_one())
    return total


def has_left(conn: sa.Connection, lot_id: str, order_id: str) -> bool:
    """Whether a stay is over: its exit is settled."""
    query = sa.select(exits.c.id).where(exits.c.lot_id == lot_id, exits.c.order_id == order_id)
    return conn.execute(query).first() is not None
