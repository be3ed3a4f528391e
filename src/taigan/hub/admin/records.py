"""The admin's interface to what BoLink keeps: records of every kind, parked cars, arrangements, withdrawals."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa
from litestar import get, post, put
from litestar.params import FromPath, JSONBody

from taigan.hub.admin.api import Cursor, Limit, LotId, Short, before, row_id
from taigan.hub.admin.lists import Listed, page
from taigan.hub.book import records, registry
from taigan.hub.book.records import Kind, Record
from taigan.hub.book.registry import Lot
from taigan.hub.book.tables import records as kept
from taigan.hub.book.trail import Trail
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.hub import FromHub
from taigan.hub.taking import arrangements, stays
from taigan.hub.taking.arrangements import Arrangements
from taigan.hub.taking.money import settlement
from taigan.hub.taking.uploads import counter_url


class RecordItem(msgspec.Struct, kw_only=True):
    """One thing that is kept. `next` are the states that may follow, `data` is the message that began it."""

    id: int
    kind: str
    union_id: str
    lot_id: str
    number: str
    state: str
    next: tuple[str, ...]
    order_id: str
    car_number: str
    fen: int
    data: Any
    detail: dict[str, Any]
    url: str
    at: datetime
    changed_at: datetime


class ParkedItem(msgspec.Struct, kw_only=True):
    """A car that BoLink holds as parked."""

    lot_id: str
    order_id: str
    car_number: str
    in_time: int | None


class StateChange(msgspec.Struct, forbid_unknown_fields=True):
    """The state to move a record to: one of its `next`."""

    state: Short


class WithdrawalRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The lot whose money is to be paid out: `fen` of it, all by default. `daily_fen`: what the day's report says, else
    what came in that day less what went out."""

    lot_id: Short
    fen: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
    daily_fen: Annotated[int, msgspec.Meta(ge=0, le=2**53)] | None = None


def shown(record: Record, public_url: str) -> RecordItem:
    """A record for people."""
    return RecordItem(
        id=record.id,
        kind=record.kind,
        union_id=record.union_id,
        lot_id=record.lot_id,
        number=record.number,
        state=record.state,
        next=settlement.NEXT.get(record.kind, {}).get(record.state, ()),
        order_id=record.order_id,
        car_number=record.car_number,
        fen=record.fen,
        data=msgspec.Raw(record.data or b"null"),
        detail=record.detail,
        url=counter_url(public_url, record.code),
        at=record.at,
        changed_at=record.changed_at,
    )


def records_of(
    conn: sa.Connection, kind: str, lot_id: str, before: int | None, limit: int, public_url: str
) -> Listed[RecordItem]:
    """What is kept of one kind, or of all, newest first."""
    query = sa.select(kept)
    if kind:
        query = query.where(kept.c.kind == kind)
    rows, following = page(conn, query, kept, lot_id, before, limit)
    return Listed([shown(Record(**row), public_url) for row in rows], following)


@get("/records")
async def all_records(hub: FromHub, lot_id: LotId = "", limit: Limit = 100, cursor: Cursor = "") -> Listed[RecordItem]:
    """Everything that is kept besides entries, exits and scans."""
    return await hub.book.read(records_of, "", lot_id, before(cursor), limit, hub.public_url)


@get("/records/{kind:str}")
async def records_of_kind(
    hub: FromHub, kind: FromPath[str], lot_id: LotId = "", limit: Limit = 100, cursor: Cursor = ""
) -> Listed[RecordItem]:
    """What is kept of one kind: `payments`, `refunds`, `invoices`, ..."""
    if kind not in tuple(Kind):
        raise Unknown("kind", "kind")
    return await hub.book.read(records_of, kind, lot_id, before(cursor), limit, hub.public_url)


@post("/records/{record_id:int}/state", status_code=HTTPStatus.OK)
async def change_state(hub: FromHub, record_id: FromPath[int], data: JSONBody[StateChange]) -> RecordItem:
    """Say what became of a payment, a refund, an invoice, ...; the lot is told where the document says so."""
    record, outgoing = await hub.book.write(
        settlement.move, hub.rules, hub.faults, row_id(record_id), data.state, hub.public_url
    )
    hub.postbox.send_soon(outgoing)
    return shown(record, hub.public_url)


@post("/withdrawals", status_code=HTTPStatus.OK)
async def withdraw(hub: FromHub, data: JSONBody[WithdrawalRequest]) -> RecordItem:
    """Pay a lot's money out (4.4)."""
    record = await hub.book.write(_withdraw, data, hub.new_code() + hub.new_code())
    return shown(record, hub.public_url)


def _withdraw(conn: sa.Connection, trail: Trail, data: WithdrawalRequest, code: str) -> Record:
    lot = known_lot(conn, data.lot_id)
    balance = records.balance(conn, data.lot_id)
    amount = balance if data.fen is None else data.fen
    if amount <= 0 or amount > balance:
        raise Unusable(f"the lot has {balance} fen", "fen")
    number = f"{trail.at:%Y%m%d%H%M%S%f}"
    detail = {} if data.daily_fen is None else {"daily_fen": data.daily_fen}
    return records.add(
        conn,
        trail,
        Kind.WITHDRAWALS,
        lot.union_id,
        data.lot_id,
        number,
        code,
        state="applied",
        fen=amount,
        detail=detail,
    )


@get("/parked")
async def parked(hub: FromHub, lot_id: LotId) -> Listed[ParkedItem]:
    """The cars that BoLink holds as parked in a lot, oldest first, as 10.2 and 10.3 answer."""
    return await hub.book.read(_parked, lot_id)


def _parked(conn: sa.Connection, lot_id: str) -> Listed[ParkedItem]:
    known_lot(conn, lot_id)
    items = [
        ParkedItem(lot_id=stay.lot_id, order_id=stay.order_id, car_number=stay.car_number, in_time=stay.in_time)
        for stay in stays.parked(conn, lot_id)
    ]
    return Listed(items, None)


@get("/lots/{lot_id:str}/arrangements")
async def arranged(hub: FromHub, lot_id: FromPath[str]) -> Arrangements:
    """What is arranged about a lot."""
    return await hub.book.read(lambda conn: arrangements.of_lot(conn, known_lot(conn, lot_id)))


@put("/lots/{lot_id:str}/arrangements")
async def arrange(hub: FromHub, lot_id: FromPath[str], data: JSONBody[Arrangements]) -> Arrangements:
    """Arrange something else, in place of all before."""

    def work(conn: sa.Connection, trail: Trail) -> Arrangements:
        return arrangements.arrange(conn, trail, known_lot(conn, lot_id), data, hub.new_code() + hub.new_code())

    return await hub.book.write(work)


def known_lot(conn: sa.Connection, lot_id: str) -> Lot:
    """Raises `Unknown`."""
    lot = registry.lot(conn, lot_id)
    if lot is None:
        raise Unknown("lot", "lot_id")
    return lot


HANDLERS = (all_records, records_of_kind, change_state, withdraw, parked, arranged, arrange)
