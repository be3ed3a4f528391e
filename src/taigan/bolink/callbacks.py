"""Chapter 5: what BoLink calls at the lot platform."""

from __future__ import annotations

import enum
from typing import Annotated

import msgspec

from taigan.bolink.fields import Message, Note, Whole, fixed, when
from taigan.bolink.interface import Direction, Interface, Repeat


class NoPlateState(enum.IntEnum):
    """What became of a no-plate entry."""

    FAILED = 0
    SUCCEEDED = 1
    WAITING = 2


class NoPlateEntry(Message):
    """5.7 无牌车入场请求 (request)."""

    car_number: str
    park_id: str
    union_id: Whole
    service_name: str = fixed("nolicence_in_park")
    timestamp: Whole = msgspec.field(name="timetemp")
    channel_id: str
    pay_user_id: str | None = None
    mobile_number: str | None = None
    order_id: str | None = None


class NoPlateEntryAnswer(Message):
    """5.7 无牌车入场请求 (answer)."""

    state: Annotated[Whole, Note("result", values=(NoPlateState,))]
    errmsg: Annotated[str | None, Note("text", needed=when("state", 0))] = None
    car_number: str
    timestamp: Whole = msgspec.field(name="timetemp")


class VerifyCode(Message):
    """5.13 无牌车入场获取短信验证码接口 (request)."""

    service_name: str = fixed("verify_code")
    union_id: Whole
    park_id: str
    car_number: str
    mobile_number: str
    pay_user_id: str


class VerifyCodeAnswer(Message):
    """5.13 无牌车入场获取短信验证码接口 (answer)."""

    state: Whole
    errmsg: Annotated[str | None, Note("text", needed=when("state", 0))] = None
    verify_code: Annotated[str | None, Note("the code that was sent", needed=when("state", 1))] = None


INTERFACES = (
    Interface(
        section="5.7",
        title="No-plate entry request",
        title_zh="无牌车入场请求",
        direction=Direction.DOWNLINK,
        service_name="nolicence_in_park",
        event="nolicence_in_park",
        request=NoPlateEntry,
        answer=NoPlateEntryAnswer,
        repeat=Repeat(False, "the document resends payment messages only"),
    ),
    Interface(
        section="5.13",
        title="Get an SMS code for no-plate entry",
        title_zh="无牌车入场获取短信验证码接口",
        direction=Direction.DOWNLINK,
        service_name="verify_code",
        event="verify_code",
        request=VerifyCode,
        answer=VerifyCodeAnswer,
        repeat=Repeat(False, "a repeat may cost a second SMS"),
    ),
)
