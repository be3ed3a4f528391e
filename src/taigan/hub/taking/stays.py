"""Stays as BoLink knows them: entries and exits (3.1, 3.2), past orders (4.1), what chapter 10 asks and corrects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from taigan.bolink import Entry, EntryTaken, Exit, fen, moment, read, seconds, yuan
from taigan.bolink.chapters.callbacks import AutoPayNotice
from taigan.bolink.chapters.reconciliation import Orders, PastOrder, QueryOrders
from taigan.bolink.chapters.reports import (
    CheckEntry,
    CheckResult,
    CorrectStay,
    Count,
    CountParked,
    EntryCheck,
    GetScreenText,
    ListParked,
    ListPasses,
    Parked,
    ParkedCount,
    ParkedStay,
    ParkedStays,
    Passes,
    ScreenText,
    StayCorrected,
)
from taigan.bolink.chapters.trade import UnpaidOrder
from taigan.bolink.values import CheckReason, CheckStatus, Correction, ListDetail, SharedParking
from taigan.hub.book import records, registry
from taigan.hub.book.records import Kind, Record
from taigan.hub.book.tables import entries, exits
from taigan.hub.book.tables import records as kept
from taigan.hub.book.trail import Trail
from taigan.hub.drivers import scans
from taigan.hub.taking import arrangements
from taigan.hub.taking.uploads import Rejected, Taken, Taker, Upload, page_of

TAKEN = "上传成功"
ALREADY_THERE = "订单已存在"
FOUND = "查询成功"
BEIJING = timezone(timedelta(hours=8))
_LONGEST_QUERY = timedelta(days=30)
_MOST_READ = 10_000


def take_entry(upload: Upload, message: Entry) -> Taken:
    """3.1: an entry, once per order. It settles the scan it came from; the answer names what the plate still owes."""
    in_time = moment(message.in_time, "in_time")
    new = _keep(upload, entries, message.order_id, message.car_number, message.in_channel_id or "", upload.text)
    if new:
        scans.settle(
            upload.conn,
            upload.trail,
            upload.rules,
            upload.lot.lot_id,
            (message.in_channel_id or "").strip(),
            message.car_number.strip(),
            message.order_id.strip(),
            in_time,
        )
        _tell_auto_pay(upload, message)
    text = TAKEN if new else ALREADY_THERE
    owed = [
        UnpaidOrder(
            park_name=arrears.detail["park_name"],
            union_id=int(arrears.union_id),
            order_id=arrears.order_id,
            in_park_pic=arrears.detail.get("in_park_pic"),
        )
        for arrears in unpaid(upload.conn, message.car_number.strip())
    ]
    return Taken(EntryTaken(order_id=message.order_id, state=1, errmsg=text, escape_order=owed or None), text)


def _tell_auto_pay(upload: Upload, message: Entry) -> None:
    """5.2 follows an entry, for plates that are known to pay by themselves."""
    if message.car_number.strip() not in arrangements.of_lot(upload.conn, upload.lot).auto_pay:
        return
    notice = AutoPayNotice(
        union_id=int(upload.union_id),
        order_id=message.order_id,
        car_number=message.car_number,
        is_union_user=1,
        park_id=upload.lot.park_id,
        rand=f"0.{upload.trade_no()}",
    )
    upload.outbox.push(upload.union_id, upload.lot_id, "5.2", notice, channel_id=(message.in_channel_id or "").strip())


def unpaid(conn: sa.Connection, car_number: str) -> list[Record]:
    """What a plate left without paying, at any lot."""
    c = kept.c
    return records.select(conn, c.car_number == car_number, c.kind == Kind.ARREARS.value, c.state == "unpaid")[:100]


def keep_exit(upload: Upload, order_id: str, car_number: str, channel_id: str, text: bytes) -> None:
    """A stay is over."""
    _keep(upload, exits, order_id, car_number, channel_id, text)


def _keep(upload: Upload, table: sa.Table, order_id: str, car_number: str, channel_id: str, text: bytes) -> bool:
    if not order_id.strip() or not car_number.strip():
        raise Rejected("order_id 和 car_number 不能为空")
    statement = insert(table).values(
        lot_id=upload.lot.lot_id,
        order_id=order_id.strip(),
        car_number=car_number.strip(),
        channel_id=channel_id.strip(),
        data=text,
        signature=upload.signature.value,
        at=upload.trail.at,
    )
    return upload.conn.execute(statement.on_conflict_do_nothing().returning(table.c.id)).first() is not None


def end_stay(conn: sa.Connection, trail: Trail, payment: Record) -> None:
    """The money for an exit has come after all: the exit that asked for it is settled."""
    statement = insert(exits).values(
        lot_id=payment.lot_id,
        order_id=payment.order_id,
        car_number=payment.car_number,
        channel_id=payment.detail.get("out_channel_id", ""),
        data=payment.data,
        signature="",
        at=trail.at,
    )
    conn.execute(statement.on_conflict_do_nothing())


_LEAVING = ("code", "etc")
"""Payments at an exit that no 3.2 asked for; the 3.2 may come after them, or never."""


@dataclass(frozen=True, slots=True)
class Stay:
    """A stay with its corrections. `fen` is all that was settled: what drivers paid, and what the 3.2 settled."""

    lot_id: str
    order_id: str
    car_number: str
    in_time: int | None
    out_time: int | None
    fen: int
    colour: int
    arrival: str


def query_orders(upload: Upload, message: QueryOrders) -> Taken:
    """4.1: past orders, newest first."""
    if not (message.park_id or message.order_id or message.car_number):
        raise Rejected("park_id、order_id、car_number 至少传一个")
    page, size = page_of(message.page, message.size)
    found = _past(upload, message)
    shown = found[(page - 1) * size : page * size]
    names = {lot.lot_id: lot.name for lot in registry.known_lots(upload.conn)}
    vendor = registry.vendor(upload.conn, upload.union_id)
    data = [
        PastOrder(
            car_number=stay.car_number,
            in_time=stay.in_time if stay.in_time is not None else stay.out_time or 0,
            out_time=stay.out_time or 0,
            money=yuan(stay.fen),
            union_name=vendor.name if vendor else "",
            park_name=names.get(stay.lot_id, ""),
            trade_no=_trade_no_of(upload.conn, stay),
        )
        for stay in shown
    ]
    return Taken(Orders(count=len(found), page=page, state=1, errmsg=FOUND, data=data), FOUND)


def _past(upload: Upload, message: QueryOrders) -> list[Stay]:
    now = upload.trail.at
    end = moment(message.end_time, "end_time") if message.end_time is not None else now
    begin = now.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    start = moment(message.start_time, "start_time") if message.start_time is not None else begin
    if end - start > _LONGEST_QUERY:
        start = end - _LONGEST_QUERY
    by_order = bool(message.order_id)
    found = []
    for lot_id, order_id in _left(upload, message):
        stay = stay_of(upload.conn, lot_id, order_id)
        if by_order or seconds(start) <= (stay.out_time or 0) <= seconds(end):
            found.append(stay)
    return found


def _left(upload: Upload, message: QueryOrders) -> list[tuple[str, str]]:
    """The orders whose cars left: by a 3.2, or paid at an exit without one yet. Newest first."""

    def asked(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        c = table.c
        query = sa.select(c.lot_id, c.order_id, sa.literal_column(f"{table.name}.at").label("at")).where(*conditions)
        if message.park_id:
            query = query.where(c.lot_id == upload.lot.lot_id)
        else:
            query = query.where(c.lot_id.startswith(f"{upload.union_id}-", autoescape=True))
        if message.order_id:
            query = query.where(c.order_id == message.order_id.strip())
        if message.car_number:
            query = query.where(c.car_number == message.car_number.strip())
        return query

    purpose = kept.c.detail["purpose"].as_string()
    paid = asked(kept, kept.c.kind == Kind.PAYMENTS.value, kept.c.state == "paid", purpose.in_(_LEAVING))
    both = sa.union_all(asked(exits), paid).subquery()
    newest = sa.select(both.c.lot_id, both.c.order_id).group_by(both.c.lot_id, both.c.order_id)
    newest = newest.order_by(sa.func.min(both.c.at).desc()).limit(_MOST_READ)
    return [(row.lot_id, row.order_id) for row in upload.conn.execute(newest)]


def _trade_no_of(conn: sa.Connection, stay: Stay) -> str | None:
    c = kept.c
    paid = records.select(
        conn, c.lot_id == stay.lot_id, c.order_id == stay.order_id, c.kind == Kind.PAYMENTS.value, c.state == "paid"
    )
    return paid[-1].number if paid else None


def stay_of(conn: sa.Connection, lot_id: str, order_id: str) -> Stay:
    """A stay from what was uploaded about it, and what was corrected since."""
    of_order = {"lot_id": lot_id, "order_id": order_id}
    entered = _row(conn, entries, of_order)
    left = _row(conn, exits, of_order)
    entry = read(entered.data, Entry) if entered is not None else None
    leave = read(left.data, Exit) if left is not None else None
    corrected = records.select(conn, kept.c.lot_id == lot_id, kept.c.order_id == order_id, kept.c.kind == "corrections")
    detail: dict[str, Any] = corrected[0].detail if corrected else {}
    in_times = [detail.get("in_time"), leave.in_time if leave else None, entry.in_time if entry else None]
    newest = left if left is not None else entered
    paid = [one for one in records.payments_of(conn, lot_id, order_id) if one.state == "paid"]
    at_exit = [seconds(one.changed_at) for one in paid if one.detail["purpose"] in _LEAVING]
    settled = sum(one.fen for one in paid if one.detail["purpose"] != "arrears")
    if leave is not None and not any(one.detail["purpose"] == "exit" for one in paid):
        settled += fen(leave.total)
    return Stay(
        lot_id=lot_id,
        order_id=order_id,
        car_number=newest.car_number if newest is not None else "",
        in_time=next((time for time in in_times if time is not None), None),
        out_time=detail.get("out_time", leave.out_time if leave else at_exit[-1] if at_exit else None),
        fen=detail.get("fen", settled),
        colour=detail.get("license_color", entry.license_color if entry else None) or 0,
        arrival=detail.get("park_business_type") or "11",
    )


def _row(conn: sa.Connection, table: sa.Table, of_order: dict[str, str]) -> Any:
    fits = (table.c.lot_id == of_order["lot_id"], table.c.order_id == of_order["order_id"])
    return conn.execute(sa.select(table.c.car_number, table.c.data).where(*fits)).first()


def parked(conn: sa.Connection, lot_id: str) -> list[Stay]:
    """The stays that BoLink holds as open, oldest first."""
    query = (
        sa.select(entries.c.order_id)
        .outerjoin(exits, (exits.c.lot_id == entries.c.lot_id) & (exits.c.order_id == entries.c.order_id))
        .where(entries.c.lot_id == lot_id, exits.c.id.is_(None))
        .order_by(entries.c.id)
        .limit(_MOST_READ)
    )
    return [stay_of(conn, lot_id, order_id) for order_id in conn.execute(query).scalars()]


def correct_stay(upload: Upload, message: CorrectStay) -> Taken:
    """10.1: the plate at any time, times and fee once the car has left."""
    order_id = message.order_id.strip()
    of_order = {"lot_id": upload.lot.lot_id, "order_id": order_id}
    left = records.has_left(upload.conn, upload.lot_id, order_id)
    if not left and _row(upload.conn, entries, of_order) is None:
        raise Rejected("订单不存在")
    if message.type not in tuple(Correction):
        raise Rejected("type 只能是1、2或3")
    detail: dict[str, Any] = {}
    if message.type in (Correction.TIME_AND_FEE, Correction.BOTH):
        if not left:
            raise Rejected("车辆离场后才能纠正时间和费用")
        for name in ("in_time", "out_time"):
            if (value := getattr(message, name)) is not None:
                moment(value, name)
                detail[name] = value
        if message.total is not None:
            detail["fen"] = fen(message.total, "total")
    if message.type in (Correction.PLATE, Correction.BOTH):
        if not message.car_number.strip():
            raise Rejected("car_number 不能为空")
        for table in (entries, exits):
            fits = (table.c.lot_id == upload.lot_id, table.c.order_id == order_id)
            upload.conn.execute(sa.update(table).where(*fits).values(car_number=message.car_number.strip()))
    for name in ("license_color", "park_business_type", "leave_business_type"):
        if (value := getattr(message, name)) is not None:
            detail[name] = value
    upload.put(Kind.CORRECTIONS, order_id, order_id=order_id, car_number=message.car_number.strip(), detail=detail)
    return Taken(StayCorrected(state=1, errmsg=TAKEN), TAKEN)


def count_parked(upload: Upload, message: CountParked) -> Taken:
    """10.2: how many cars BoLink holds as parked."""
    count = Count(parking_business_count=len(parked(upload.conn, upload.lot.lot_id)))
    return Taken(ParkedCount(state=1, errmsg=FOUND, data=count), FOUND)


def list_parked(upload: Upload, message: ListParked) -> Taken:
    """10.3: which cars BoLink holds as parked."""
    stays = parked(upload.conn, upload.lot.lot_id)
    if message.detail_type == ListDetail.DETAILS:
        found = ParkedStays(
            order_detail_list=[
                ParkedStay(
                    order_id=stay.order_id,
                    in_time=written(moment(stay.in_time or 0)),
                    car_number=stay.car_number,
                    license_color=str(stay.colour),
                    park_order_type=stay.arrival,
                )
                for stay in stays
            ]
        )
    else:
        found = ParkedStays(ext_order_id_list=[stay.order_id for stay in stays])
    return Taken(Parked(state=1, errmsg=FOUND, data=found), FOUND)


def written(at: datetime) -> str:
    """A moment as the document writes it, in Beijing's time."""
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def check_entry(upload: Upload, message: CheckEntry) -> Taken:
    """10.4: whether the city lets a vehicle in."""
    city, plate = arrangements.of_lot(upload.conn, upload.lot), message.car_number.strip()
    reason, text = CheckReason.NONE, ""
    if plate in city.blacklist:
        reason, text = CheckReason.BLACKLISTED, "黑名单车辆，禁止入场"
    elif city.members_only and plate not in city.members:
        reason, text = CheckReason.NOT_A_MEMBER, "非会员车辆，禁止入场"
    passed = reason is CheckReason.NONE
    result = CheckResult(
        status=(CheckStatus.PASSED if passed else CheckStatus.NOT_PASSED).value,
        reason=reason.value,
        reason_msg=text or None,
        share_status=(SharedParking.RESERVED if plate in city.reserved else SharedParking.NONE).value,
    )
    return Taken(EntryCheck(state=1, errmsg=FOUND, data=result), FOUND)


def get_screen_text(upload: Upload, message: GetScreenText) -> Taken:
    """10.5: what a lane's screen shows."""
    shown = arrangements.of_lot(upload.conn, upload.lot).screens.get(message.type or "1", "")
    return Taken(ScreenText(state=1, errmsg="成功", screen_str=shown), "成功")


_DIGITS = re.compile(r"[0-9]{1,9}")


def list_passes(upload: Upload, message: ListPasses) -> Taken:
    """10.6: the passes of one kind, a page at a time."""
    if not _DIGITS.fullmatch(message.page_num) or not _DIGITS.fullmatch(message.page_size):
        raise Rejected("分页参数错误")
    page, size = page_of(message.page_num, message.page_size, most=1000)
    found = arrangements.of_lot(upload.conn, upload.lot).passes.get(message.vip_type, [])
    shown = found[(page - 1) * size : page * size]
    answer = Passes(
        total_count=len(found), total_pages=-(-len(found) // size), page_num=page, records=shown, state=1, errmsg=FOUND
    )
    return Taken(answer, FOUND)


TAKERS: dict[str, Taker] = {
    "3.1": take_entry,
    "4.1": query_orders,
    "10.1": correct_stay,
    "10.2": count_parked,
    "10.3": list_parked,
    "10.4": check_entry,
    "10.5": get_screen_text,
    "10.6": list_passes,
}
