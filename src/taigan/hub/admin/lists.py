"""What BoLink's side has seen, for the admin: lists newest first, a page at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from taigan.bolink import BadMessage, SignedText, open_envelope, sign
from taigan.hub.book import registry
from taigan.hub.book.records import Kind
from taigan.hub.book.tables import arrivals, entries, exits, looks, pushes, records, steps
from taigan.hub.drivers import codes
from taigan.hub.drivers.codes import CodeKind
from taigan.hub.errors import Unknown
from taigan.hub.remarks import Note

T = TypeVar("T")

HIDDEN_KEY = "key=••••"


class Listed(msgspec.Struct, Generic[T]):
    """A page of a list; `next` is the cursor of the following one."""

    items: list[T]
    next: str | None


class UploadItem(msgspec.Struct, kw_only=True):
    """An order's 3.1 or 3.2. `data` is the message as received, `received` how often it came."""

    id: int
    lot_id: str
    order_id: str
    car_number: str
    channel_id: str
    at: datetime
    received: int
    signature: str
    data: Any


class PushItem(msgspec.Struct, kw_only=True):
    """A message to a lot. `request` and `answer` are both bodies as text; bytes that are none are U+FFFD.

    `owed_id`: the payment message that this was one attempt at.
    """

    id: int
    lot_id: str
    channel_id: str
    scan_id: str | None
    service_name: str
    url: str
    request: str
    time: datetime
    status: int | None
    answer: str | None
    answered_at: datetime | None
    outcome: str
    fault: str
    owed_id: int | None
    notes: list[Note]
    """What the document says otherwise of the answer."""


class ArrivalItem(msgspec.Struct, kw_only=True):
    """Something that came to an uplink address."""

    id: int
    time: datetime
    section: str
    lot_id: str
    order_id: str
    body: str
    signature: str
    status: int
    answer: str
    accepted: bool
    text: str
    fault: str
    notes: list[Note]
    """Why its signature is wrong, or "accepted, but": what the document says otherwise."""


class LaneItem(msgspec.Struct):
    """A lane, its entry code and its exit code; empty without one."""

    channel_id: str
    code: str
    entry_url: str
    exit_code: str
    exit_url: str


class LotItem(msgspec.Struct, kw_only=True):
    """A lot as BoLink knows it."""

    lot_id: str
    union_id: str
    park_id: str
    name: str
    contact: str
    phone: str
    sms_check: bool
    vendor: str
    callback_url: str
    prepay_code: str
    prepay_url: str
    lanes: list[LaneItem]


class LookItem(msgspec.Struct, kw_only=True):
    """Something that was shown unmasked at the admin's page. `session` tells one login from another."""

    id: int
    at: datetime
    session: str
    of: str
    row_id: int


class PaymentItem(msgspec.Struct, kw_only=True):
    """Money of a driver: `prepay` (5.3), `code` (5.5), `exit` (a 3.2), `etc`, `parking`, `pass`, `arrears` (5.11),
    `own_arrears` (5.9) or `bought_pass` (5.8)."""

    id: int
    lot_id: str
    trade_no: str
    purpose: str
    state: str
    order_id: str
    car_number: str
    fen: int
    pay_type: str
    channel_id: str
    quote_no: str
    scan_id: str
    at: datetime
    changed_at: datetime


class Signed(msgspec.Struct, kw_only=True):
    """A signature worked out: MD5 over `text` + key, in upper-case hex, is `sign`. The key itself is never shown.

    `received` is what came with the message; where the two differ it was wrong, or covers `compact_text`.
    """

    text: str
    compact_text: str
    key: str
    sign: str
    received: str


class PushDetail(PushItem, kw_only=True):
    """A message to a lot with its signature."""

    signed: Signed | None


class ArrivalDetail(ArrivalItem, kw_only=True):
    """An arrival with its signature."""

    signed: Signed | None


def entries_of(conn: sa.Connection, lot_id: str, before: int | None, limit: int) -> Listed[UploadItem]:
    """The entries (3.1) that BoLink accepted."""
    return _uploads(conn, entries, "3.1", lot_id, before, limit)


def exits_of(conn: sa.Connection, lot_id: str, before: int | None, limit: int) -> Listed[UploadItem]:
    """The exits (3.2) that BoLink accepted."""
    return _uploads(conn, exits, "3.2", lot_id, before, limit)


def _uploads(
    conn: sa.Connection, table: sa.Table, section: str, lot_id: str, before: int | None, limit: int
) -> Listed[UploadItem]:
    received = (
        sa.select(sa.func.count())
        .where(
            arrivals.c.lot_id == table.c.lot_id,
            arrivals.c.order_id == table.c.order_id,
            arrivals.c.section == section,
            arrivals.c.signature != "",
        )
        .scalar_subquery()
    )
    rows, following = page(conn, sa.select(table, received.label("received")), table, lot_id, before, limit)
    return Listed([UploadItem(**row | {"data": msgspec.Raw(row["data"])}) for row in rows], following)


def pushes_of(conn: sa.Connection, lot_id: str, before: int | None, limit: int) -> Listed[PushItem]:
    """The messages sent to lots."""
    rows, following = page(conn, sa.select(pushes), pushes, lot_id, before, limit)
    return Listed([PushItem(**_push(row)) for row in rows], following)


def asked_for(conn: sa.Connection, scan_id: str) -> tuple[str, list[Note]]:
    """How the last message about a scan went, and the notes on its answer; empty when the lot was not asked."""
    newest = sa.select(steps.c.push_id).where(steps.c.scan_id == scan_id, steps.c.push_id.is_not(None))
    push_id = conn.execute(newest.order_by(steps.c.id.desc()).limit(1)).scalar()
    row = conn.execute(sa.select(pushes.c.outcome, pushes.c.notes).where(pushes.c.id == push_id)).first()
    return (row.outcome, [Note(**note) for note in row.notes]) if row is not None else ("", [])


def arrivals_of(conn: sa.Connection, lot_id: str, before: int | None, limit: int) -> Listed[ArrivalItem]:
    """Everything that came to the uplink addresses."""
    rows, following = page(conn, sa.select(arrivals), arrivals, lot_id, before, limit)
    return Listed([ArrivalItem(**_arrival(row)) for row in rows], following)


def push_detail(conn: sa.Connection, push_id: int) -> PushDetail:
    """One push, its signature worked out. Raises `Unknown`."""
    row = conn.execute(sa.select(pushes).where(pushes.c.id == push_id)).mappings().first()
    if row is None:
        raise Unknown("push", "id")
    return PushDetail(**_push(dict(row)), signed=_signed(conn, row["request"], row["sent_at"], row["lot_id"]))


def arrival_detail(conn: sa.Connection, arrival_id: int) -> ArrivalDetail:
    """One arrival, its signature worked out. Raises `Unknown`."""
    row = conn.execute(sa.select(arrivals).where(arrivals.c.id == arrival_id)).mappings().first()
    if row is None:
        raise Unknown("arrival", "id")
    return ArrivalDetail(**_arrival(dict(row)), signed=_signed(conn, row["body"], row["at"], row["lot_id"]))


def payments_of(conn: sa.Connection, lot_id: str, before: int | None, limit: int) -> Listed[PaymentItem]:
    """The payments, newest first."""
    query = sa.select(records).where(records.c.kind == Kind.PAYMENTS.value)
    rows, following = page(conn, query, records, lot_id, before, limit)
    items = [
        PaymentItem(
            id=row["id"],
            lot_id=row["lot_id"],
            trade_no=row["number"],
            purpose=row["detail"]["purpose"],
            state=row["state"],
            order_id=row["order_id"],
            car_number=row["car_number"],
            fen=row["fen"],
            pay_type=row["detail"].get("pay_type") or "",
            channel_id=row["detail"].get("out_channel_id") or "",
            quote_no=row["detail"].get("quote_no") or "",
            scan_id=row["detail"].get("scan_id") or "",
            at=row["at"],
            changed_at=row["changed_at"],
        )
        for row in rows
    ]
    return Listed(items, following)


def looks_of(conn: sa.Connection, before: int | None, limit: int) -> Listed[LookItem]:
    """What was shown unmasked at the admin's page."""
    rows, following = page(conn, sa.select(looks), looks, "", before, limit)
    return Listed([LookItem(**row | {"session": row["session"][:8]}) for row in rows], following)


def lots_known(conn: sa.Connection, public_url: str) -> Listed[LotItem]:
    """Every lot, with the entry codes of its lanes."""
    items = []
    for lot in registry.known_lots(conn):
        vendor = registry.vendor(conn, lot.union_id)
        assert vendor is not None, "lots refer to vendors"
        prepay = codes.good_code(conn, lot.lot_id, CodeKind.PREPAY, "")
        items.append(
            LotItem(
                lot_id=lot.lot_id,
                union_id=lot.union_id,
                park_id=lot.park_id,
                name=lot.name,
                contact=lot.contact,
                phone=lot.phone,
                sms_check=lot.sms_check,
                vendor=vendor.name,
                callback_url=vendor.callback_url,
                prepay_code=prepay,
                prepay_url=codes.code_url(public_url, CodeKind.PREPAY, prepay) if prepay else "",
                lanes=_lanes(conn, lot.lot_id, public_url),
            )
        )
    return Listed(items, None)


def _lanes(conn: sa.Connection, lot_id: str, public_url: str) -> list[LaneItem]:
    into, out = (codes.lane_codes(conn, lot_id, kind) for kind in (CodeKind.ENTRY, CodeKind.EXIT_PAY))
    return [
        LaneItem(
            channel_id,
            code,
            codes.code_url(public_url, CodeKind.ENTRY, code) if code else "",
            out[channel_id],
            codes.code_url(public_url, CodeKind.EXIT_PAY, out[channel_id]) if out[channel_id] else "",
        )
        for channel_id, code in into.items()
    ]


def page(
    conn: sa.Connection,
    query: sa.Select[Any],
    table: sa.Table,
    lot_id: str,
    before: int | None,
    limit: int,
) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of a page, newest first, and the cursor of the following one."""
    if lot_id:
        query = query.where(table.c.lot_id == lot_id)
    if before is not None:
        query = query.where(table.c.id < before)
    rows = [dict(row) for row in conn.execute(query.order_by(table.c.id.desc()).limit(limit + 1)).mappings()]
    return rows[:limit], str(rows[limit - 1]["id"]) if len(rows) > limit else None


def _push(row: dict[str, Any]) -> dict[str, Any]:
    answer = row["answer"]
    texts = {"request": _text(row["request"]), "answer": None if answer is None else _text(answer)}
    notes = [Note(**note) for note in row["notes"]]
    kept = {name: value for name, value in row.items() if name != "sent_at"}
    return kept | texts | {"time": row["sent_at"], "notes": notes}


def _arrival(row: dict[str, Any]) -> dict[str, Any]:
    texts = {"body": _text(row["body"]), "answer": _text(row["answer"]), "time": row["at"]}
    notes = [Note(**note) for note in row["notes"]]
    return {name: value for name, value in row.items() if name != "at"} | texts | {"notes": notes}


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _signed(conn: sa.Connection, body: bytes, at: datetime, lot_id: str) -> Signed | None:
    """The right signature with the key of that time: the vendor's whom the message names, else the lot's.

    None where there is no key, or nothing to sign.
    """
    try:
        envelope = open_envelope(body)
    except BadMessage:
        return None
    keys = registry.keys(conn, envelope.union_id or lot_id.partition("-")[0], at)
    given = SignedText(envelope.text)
    key = next((key for key in keys if given.verify(envelope.sign, key)), keys[0] if keys else None)
    if key is None:
        return None
    return Signed(
        text=_text(envelope.text),
        compact_text=_text(given.compact),
        key=HIDDEN_KEY,
        sign=sign(envelope.text, key),
        received=envelope.sign,
    )
