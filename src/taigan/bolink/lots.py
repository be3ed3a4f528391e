"""Chapter 2: lots, their codes and settings."""

from __future__ import annotations

from typing import Annotated

from taigan.bolink.fields import Message, Note, Whole, when
from taigan.bolink.interface import UNION, Direction, Interface, Repeat


class GetQrCode(Message):
    """2.3 二维码获取 (request)."""

    union_id: Whole
    park_id: str
    type: Whole
    channel_id: Annotated[str | None, Note("channel number", "通道一", needed=when("type", 2, 3))] = None
    change: Whole | None = None
    create: Whole | None = None
    message_uuid: str | None = None
    data_target: str | None = None
    device_no: str | None = None


class QrCode(Message):
    """2.3 二维码获取 (answer)."""

    state: Whole
    code_url: Annotated[str | None, Note("address", needed=when("state", 1))] = None
    errmsg: str
    type: Whole
    channel_id: str | None = None


class NoPlateSettings(Message):
    """2.5: no-plate entry settings."""

    is_verify: Whole


class SetSmsCheck(Message, rename={"no_plate_settings": "nolience_config"}):
    """2.5 无牌车入场设置短信验证接口 (request)."""

    union_id: Whole
    park_id: str
    no_plate_settings: NoPlateSettings


class SmsCheckSet(Message):
    """2.5 无牌车入场设置短信验证接口 (answer)."""

    state: Whole
    errmsg: str | None = None


INTERFACES = (
    Interface(
        section="2.3",
        title="Get a QR code address",
        title_zh="二维码获取",
        direction=Direction.UPLINK,
        request=GetQrCode,
        answer=QrCode,
        hosts=UNION,
        path="/unionapi/getqrcodecloud",
        repeat=Repeat(False, "with create or change a repeat makes yet another code and the first one stops working"),
        method="get_qr_code",
    ),
    Interface(
        section="2.5",
        title="Turn SMS check for no-plate entry on or off",
        title_zh="无牌车入场设置短信验证接口",
        direction=Direction.UPLINK,
        request=SetSmsCheck,
        answer=SmsCheckSet,
        hosts=UNION,
        path="/unionapi/newpark/setUp",
        repeat=Repeat(True, "sets a value; setting it twice changes nothing"),
        method="set_sms_check",
    ),
)
