"""What BoLink tells the lot about vehicles, people and invoices, kept as it was told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from taigan.storage import tables as t
from taigan.storage.locked.facts import columns
from taigan.storage.tables import among

R = TypeVar("R", bound=msgspec.Struct)
After = tuple[datetime | str | int, ...]
"""The sort key of the last row seen; empty for the first page."""


class SpecialVehicle(msgspec.Struct, frozen=True):
    """A vehicle on the white or the black list of a lot (11.4)."""

    lot_id: str
    car_number: str
    kind: str
    starts_at: datetime | None
    ends_at: datetime | None
    remark: str
    at: datetime


class AutoPay(msgspec.Struct, frozen=True):
    """Whether a plate in the lot pays by itself (5.2), as last told."""

    lot_id: str
    car_number: str
    order_id: str
    supported: bool
    at: datetime


class InvoiceRecord(msgspec.Struct, frozen=True):
    """An invoice that was issued at BoLink (11.7)."""

    lot_id: str
    payment_id: str
    trade_no: str
    kind: str
    number: str
    code: str
    issued_at: str
    at: datetime


class Person(msgspec.Struct, frozen=True):
    """A resident for the gates of a community (9.1): the message's own JSON, newest for each person."""

    union_id: str
    who: str
    person: str
    at: datetime


class NumberedInvoice(InvoiceRecord, frozen=True):
    """An invoice with its row's number."""

    notice_id: int


class NumberedPerson(Person, frozen=True):
    """A resident with the row's number."""

    person_id: int


def keep_special_vehicle(conn: sa.Connection, vehicle: SpecialVehicle) -> None:
    """Put a vehicle on a list; one that is on it gets the new dates and remark."""
    _replace(conn, t.special_vehicles, [vehicle], ("lot_id", "car_number", "kind"))


def drop_special_vehicle(conn: sa.Connection, lot_id: str, car_number: str, kind: str) -> bool:
    """Take a vehicle off a list. Tells whether it was on it."""
    c = t.special_vehicles.c
    gone = sa.delete(t.special_vehicles).where(c.lot_id == lot_id, c.car_number == car_number, c.kind == kind)
    return conn.execute(gone).rowcount > 0


def special_vehicles(conn: sa.Connection, lot_id: str, car_number: str = "") -> list[SpecialVehicle]:
    """The lot's special vehicles, or those with one number."""
    c = t.special_vehicles.c
    query = sa.select(*(c[name] for name in SpecialVehicle.__struct_fields__)).where(c.lot_id == lot_id)
    if car_number:
        query = query.where(c.car_number == car_number)
    return [SpecialVehicle(*row) for row in conn.execute(query.order_by(c.car_number, c.kind))]


def list_special_vehicles(
    conn: sa.Connection, lot_id: str, limit: int, after: After, car_number: str = ""
) -> list[SpecialVehicle]:
    """The lot's special vehicles, by number and kind."""
    return _listed(
        conn,
        SpecialVehicle,
        t.special_vehicles,
        ("car_number", "kind"),
        limit,
        after,
        lot_id=lot_id,
        car_number=car_number,
    )


def keep_auto_pay(conn: sa.Connection, told: AutoPay) -> None:
    """Remember a plate's state over what was told before."""
    _replace(conn, t.auto_pay, [told], ("lot_id", "car_number"))


def list_auto_pay(conn: sa.Connection, lot_id: str, limit: int, after: After, car_number: str = "") -> list[AutoPay]:
    """What is known of the lot's plates, by plate."""
    return _listed(conn, AutoPay, t.auto_pay, ("car_number",), limit, after, lot_id=lot_id, car_number=car_number)


def keep_invoice(conn: sa.Connection, record: InvoiceRecord) -> None:
    """Keep an invoice's record; one that came before is kept once."""
    _replace(conn, t.invoice_notices, [record], ("lot_id", "payment_id", "number"))


def invoices_for(conn: sa.Connection, lot_id: str, trade_nos: Collection[str]) -> dict[str, InvoiceRecord]:
    """The invoices that were issued at BoLink for payments, by the number that BoLink or the lot gave each payment."""
    c = t.invoice_notices.c
    numbers = sorted(set(trade_nos) - {""})
    query = sa.select(*columns(t.invoice_notices, InvoiceRecord)).where(
        c.lot_id == lot_id, sa.or_(among(c.trade_no, "numbers"), among(c.payment_id, "numbers"))
    )
    found: dict[str, InvoiceRecord] = {}
    for row in conn.execute(query, {"numbers": numbers}):
        record = InvoiceRecord(*row)
        found |= {number: record for number in (record.trade_no, record.payment_id) if number in numbers}
    return found


def list_invoices(conn: sa.Connection, lot_id: str, limit: int, after: After) -> list[NumberedInvoice]:
    """The lot's invoices, newest first."""
    return _listed(conn, NumberedInvoice, t.invoice_notices, ("notice_id",), limit, after, newest=True, lot_id=lot_id)


def keep_people(conn: sa.Connection, people: Sequence[Person]) -> None:
    """Keep people's data over what was sent before of the same people."""
    _replace(conn, t.people, list({person.who: person for person in people}.values()), ("union_id", "who"))


def list_people(conn: sa.Connection, union_id: str, limit: int, after: After) -> list[NumberedPerson]:
    """The vendor's people, newest first."""
    return _listed(conn, NumberedPerson, t.people, ("person_id",), limit, after, newest=True, union_id=union_id)


def _listed(
    conn: sa.Connection,
    kind: type[R],
    table: sa.Table,
    key: tuple[str, ...],
    limit: int,
    after: After,
    *,
    newest: bool = False,
    **wanted: str,
) -> list[R]:
    query = sa.select(*(table.c[name] for name in kind.__struct_fields__))
    query = query.where(*(table.c[name] == value for name, value in wanted.items() if value))
    columns = [table.c[name] for name in key]
    if after:
        position, last = sa.tuple_(*columns), sa.tuple_(*after)
        query = query.where(position < last if newest else position > last)
    query = query.order_by(*(column.desc() if newest else column for column in columns)).limit(limit)
    return [kind(*row) for row in conn.execute(query)]


def _replace(conn: sa.Connection, table: sa.Table, rows: Sequence[msgspec.Struct], key: tuple[str, ...]) -> None:
    insert: Any = (sqlite if conn.dialect.name == "sqlite" else postgresql).insert(table)
    values = [msgspec.structs.asdict(row) for row in rows]
    if values:
        changed = {name: insert.excluded[name] for name in values[0] if name not in key}
        conn.execute(insert.on_conflict_do_update(index_elements=[table.c[name] for name in key], set_=changed), values)
