"""Uplinks: what BoLink does with each message a lot sends. One function per interface, one line each in `TAKERS`.

A taker runs inside the transaction that also keeps the arrival. It returns the answer; `Rejected` says no with a text.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from taigan.bolink import (
    Entry,
    EntryTaken,
    Exit,
    ExitTaken,
    GetQrCode,
    QrCode,
    SetSmsCheck,
    Signature,
    SmsCheckSet,
    moment,
)
from taigan.bolink.fields import Message
from taigan.hub import codes, registry, scans
from taigan.hub.errors import Unusable
from taigan.hub.registry import Lot
from taigan.hub.rules import Rules
from taigan.hub.tables import entries, exits
from taigan.hub.trail import Trail

TAKEN = "上传成功"
ALREADY_THERE = "订单已存在"


class Rejected(Exception):
    """The message is not accepted; the text says why."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A message whose signature holds, and where it stands."""

    conn: sa.Connection
    trail: Trail
    rules: Rules
    lot: Lot
    text: bytes
    signature: Signature
    public_url: str
    new_code: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Taken:
    """The answer to an upload, and its text."""

    answer: Message
    text: str


def get_code(upload: Upload, message: GetQrCode) -> Taken:
    """2.3: the address of a lane's code."""
    try:
        kind = codes.CodeKind(message.type)
    except ValueError:
        raise Rejected("二维码类型错误") from None
    create = message.create != 0
    channel_id = (message.channel_id or "").strip()
    try:
        code = codes.get_code(
            upload.conn,
            upload.trail,
            upload.lot.lot_id,
            kind,
            channel_id,
            create=create,
            change=message.change == 1,
            new_code=upload.new_code(),
        )
    except Unusable:
        raise Rejected("channel_id 缺失或过长") from None
    if code is None:
        raise Rejected("二维码不存在")
    url = codes.code_url(upload.public_url, code)
    answer = QrCode(state=1, code_url=url, errmsg="getCodeUrl success", type=kind, channel_id=message.channel_id)
    return Taken(answer, answer.errmsg)


def set_sms_check(upload: Upload, message: SetSmsCheck) -> Taken:
    """2.5: whether drivers prove their phone before they enter."""
    if message.no_plate_settings.is_verify not in (0, 1):
        raise Rejected("is_verify 只能是0或1")
    registry.set_sms_check(upload.conn, upload.lot.lot_id, message.no_plate_settings.is_verify == 1)
    return Taken(SmsCheckSet(state=1, errmsg="设置成功"), "设置成功")


def take_entry(upload: Upload, message: Entry) -> Taken:
    """3.1: an entry, once per order. It settles the scan it came from."""
    in_time = moment(message.in_time, "in_time")
    new = _keep(upload, entries, message.order_id, message.car_number, message.in_channel_id or "")
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
    text = TAKEN if new else ALREADY_THERE
    return Taken(EntryTaken(order_id=message.order_id, state=1, errmsg=text), text)


def take_exit(upload: Upload, message: Exit) -> Taken:
    """3.2: an exit, once per order."""
    new = _keep(upload, exits, message.order_id, message.car_number, message.out_channel_id or "")
    text = TAKEN if new else ALREADY_THERE
    return Taken(ExitTaken(state=1, errmsg=text), text)


def _keep(upload: Upload, table: sa.Table, order_id: str, car_number: str, channel_id: str) -> bool:
    if not order_id.strip() or not car_number.strip():
        raise Rejected("order_id 和 car_number 不能为空")
    statement = insert(table).values(
        lot_id=upload.lot.lot_id,
        order_id=order_id.strip(),
        car_number=car_number.strip(),
        channel_id=channel_id.strip(),
        data=upload.text,
        signature=upload.signature.value,
        at=upload.trail.at,
    )
    return upload.conn.execute(statement.on_conflict_do_nothing().returning(table.c.id)).first() is not None


TAKERS: dict[str, Callable[[Upload, Any], Taken]] = {
    "2.3": get_code,
    "2.5": set_sms_check,
    "3.1": take_entry,
    "3.2": take_exit,
}
"""What the hub does with each uplink, by section. A catalogue line without one is answered 接口暂未开通."""
