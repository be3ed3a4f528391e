"""Chapter 2's uplinks: lots as their vendors describe them, their codes, their merchants."""

from __future__ import annotations

import re

import sqlalchemy as sa

from taigan.bolink import GetQrCode, QrCode, SetSmsCheck, SmsCheckSet
from taigan.bolink.chapters.lots import LotOnboarded, LotPublished, LotUpdated, OnboardLot, PublishLot, UpdateLot
from taigan.bolink.values import LotChange
from taigan.hub.book import records, registry
from taigan.hub.book.records import Kind
from taigan.hub.book.tables import lots
from taigan.hub.drivers import codes
from taigan.hub.errors import Unusable
from taigan.hub.taking.uploads import Rejected, Taken, Taker, Upload

SUBMITTED, REVIEWED, DISABLED = "submitted", "reviewed", "disabled"
_PARK_ID = re.compile(r"[^\s\0]{1,24}")
_PHONE = re.compile(r"1\d{10}|\d{3,4}-\d{5,8}|[48]00\d{7}|\d{7,13}")
_SHOWN = ("phone", "mobile", "total_plot", "empty_plot", "price_desc")


def publish_lot(upload: Upload, message: PublishLot) -> Taken:
    """2.1: a lot, to be reviewed. One that the settings entered is known already and only gets its description."""
    if not _PARK_ID.fullmatch(message.park_id):
        raise Rejected("park_id 为1到24个字符")
    _check_phones(message.phone, message.mobile)
    lot_id = registry.lot_id_of(upload.union_id, message.park_id)
    detail = {"rand": _fresh_rand(upload, lot_id, message.rand)}
    detail |= {name: value for name in _SHOWN if (value := getattr(message, name)) is not None}
    detail |= {name: getattr(message, name) for name in ("name", "address", "city_id", "lng", "lat")}
    if records.find(upload.conn, Kind.LOTS, upload.union_id, lot_id, "") is not None:
        raise Rejected("车场已存在")
    state = REVIEWED
    if upload.of_lot is None:
        state = SUBMITTED
        row = {"union_id": upload.union_id, "park_id": message.park_id, "name": message.name, "contact": ""}
        upload.conn.execute(lots.insert(), row | {"lot_id": lot_id, "phone": message.phone, "sms_check": False})
    record = records.add(
        upload.conn,
        upload.trail,
        Kind.LOTS,
        upload.union_id,
        lot_id,
        "",
        upload.new_code() + upload.new_code(),
        state=state,
        data=upload.text,
        detail=detail,
    )
    text = "添加车场成功"
    answer = LotPublished(park_id=message.park_id, state=1, errmsg=text, username=1_000_000 + record.id)
    return Taken(answer, text)


def update_lot(upload: Upload, message: UpdateLot) -> Taken:
    """2.2: change what is shown of a reviewed lot, or disable it."""
    _check_phones(message.phone, message.mobile)
    detail = {"rand": _fresh_rand(upload, upload.lot.lot_id, message.rand)}
    known = upload.find(Kind.LOTS, "")
    if known is not None and known.state != REVIEWED:
        raise Rejected("车场未审核" if known.state == SUBMITTED else "车场已停用")
    if message.type not in tuple(LotChange):
        raise Rejected("type 只能是1或2")
    if message.type == LotChange.UPDATE:
        detail |= {name: value for name in _SHOWN if (value := getattr(message, name)) is not None}
        if message.phone:
            upload.conn.execute(sa.update(lots).where(lots.c.lot_id == upload.lot_id).values(phone=message.phone))
    upload.put(Kind.LOTS, "", state=DISABLED if message.type == LotChange.DISABLE else REVIEWED, detail=detail)
    return Taken(LotUpdated(park_id=message.park_id, state=1, errmsg="修改车场成功"), "修改车场成功")


def _fresh_rand(upload: Upload, lot_id: str, rand: str) -> str:
    if not 0 < len(rand) <= 32:
        raise Rejected("rand 为1到32个字符")
    known = records.find(upload.conn, Kind.LOTS, upload.union_id, lot_id, "")
    if known is not None and known.detail.get("rand") == rand:
        raise Rejected("非法请求，rand 与上次相同")
    return rand


def _check_phones(*phones: str | None) -> None:
    if any(phone and not _PHONE.fullmatch(phone) for phone in phones):
        raise Rejected("电话格式错误")


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
    url = codes.code_url(upload.public_url, kind, code)
    answer = QrCode(state=1, code_url=url, errmsg="getCodeUrl success", type=kind, channel_id=message.channel_id)
    return Taken(answer, answer.errmsg)


def set_sms_check(upload: Upload, message: SetSmsCheck) -> Taken:
    """2.5: whether drivers prove their phone before they enter."""
    if message.no_plate_settings.is_verify not in (0, 1):
        raise Rejected("is_verify 只能是0或1")
    registry.set_sms_check(upload.conn, upload.lot.lot_id, message.no_plate_settings.is_verify == 1)
    return Taken(SmsCheckSet(state=1, errmsg="设置成功"), "设置成功")


def onboard_lot(upload: Upload, message: OnboardLot) -> Taken:
    """2.6: a lot's merchant data, once; what was submitted cannot be changed."""
    if upload.find(Kind.MERCHANTS, "") is not None:
        raise Rejected("进件资料已提交，不能修改")
    merchant = message.base_info
    upload.add(Kind.MERCHANTS, "", state=SUBMITTED, detail={"merchant_name": merchant.merchant_name})
    return Taken(LotOnboarded(state=1, errmsg="提交成功"), "提交成功")


TAKERS: dict[str, Taker] = {
    "2.1": publish_lot,
    "2.2": update_lot,
    "2.3": get_code,
    "2.5": set_sms_check,
    "2.6": onboard_lot,
}
