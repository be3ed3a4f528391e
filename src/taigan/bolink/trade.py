"""Chapter 3: stays, payments and settlement."""

from __future__ import annotations

from taigan.bolink.fields import Message, Whole
from taigan.bolink.interface import STATE_OR_PENDING, UNION, Direction, Interface, Repeat, Success


class UnpaidOrder(Message):
    """3.1: an order of this plate that was never paid."""

    parkName: str
    unionId: Whole
    orderId: str
    inParkPic: str | None = None


class Entry(Message):
    """3.1 提交停车进场纪录 (request)."""

    car_number: str
    in_time: Whole
    order_id: str
    empty_plot: Whole
    park_id: str
    union_id: Whole
    remark: str | None = None
    inpark_img: str | None = None
    car_cost_type: Whole | None = None
    license_color: Whole | None = None
    uid: str | None = None
    uname: str | None = None
    in_channel_id: str | None = None
    is_report: Whole | None = None


class EntryTaken(Message):
    """3.1 提交停车进场纪录 (answer)."""

    order_id: str
    errmsg: str | None = None
    state: Whole
    escapeOrder: list[UnpaidOrder] | None = None


class ExitRemark(Message):
    """3.2: what a lot may add."""

    is_prepay: str | None = None
    pay_channel: str | None = None


class Exit(Message):
    """3.2 提交停车出场记录 (request)."""

    park_id: str
    union_id: Whole
    car_number: str
    in_time: Whole | None = None
    out_time: Whole
    pay_type: str
    empty_plot: Whole
    total: str
    order_id: str
    auth_code: str | None = None
    remark: ExitRemark | str | None = None
    outpark_img: str | None = None
    out_channel_id: str | None = None
    license_color: Whole | None = None
    reduce_amount: str | None = None
    derate_duration: Whole | None = None
    freereasons: str | None = None
    work_station_uuid: str | None = None
    out_uid: str | None = None
    out_uname: str | None = None
    is_report: Whole | None = None


class ExitTaken(Message):
    """3.2 提交停车出场记录 (answer)."""

    state: Whole | None = None
    errmsg: str | None = None


INTERFACES = (
    Interface(
        section="3.1",
        title="Submit a parking entry record",
        title_zh="提交停车进场纪录",
        direction=Direction.UPLINK,
        request=Entry,
        answer=EntryTaken,
        hosts=UNION,
        path="/unionapi/neworder/addorder",
        success=Success("state", (1,), taken_texts=("订单已存在",), may_lack=("order_id",)),
        repeat=Repeat(True, "an order_id is taken once; again it is answered 订单已存在, which counts as accepted"),
        method="entry",
    ),
    Interface(
        section="3.2",
        title="Submit a parking exit record and settle",
        title_zh="提交停车出场记录",
        direction=Direction.UPLINK,
        request=Exit,
        answer=ExitTaken,
        hosts=UNION,
        path="/unionapi/neworder/updateorder",
        success=STATE_OR_PENDING,
        repeat=Repeat(True, "the same exit may be submitted repeatedly until it is settled, says the page"),
        method="exit",
    ),
)
