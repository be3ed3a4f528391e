"""Chapter 10: stays and passes as the city knows them. One address, told apart by service_name."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from taigan.bolink import values
from taigan.bolink.describing.interface import (
    UNION,
    UNSEEN_STATE,
    AnyInterface,
    Completeness,
    Direction,
    Interface,
    Repeat,
)
from taigan.bolink.fields import CLIENTS_OWN, Message, Note, Whole, fixed, when


class CorrectStay(Message):
    """10.1 停车场停车业务纠正, request: has the plate, the times or the fee of a stay corrected.

    Times are unix seconds; amounts are yuan.
    """

    union_id: Annotated[Whole, Note("vendor number", "200002", needed=True)] = CLIENTS_OWN
    park_id: Annotated[str, Note("lot number", "20003")]
    service_name: str = fixed("correct_business")
    car_number: Annotated[str, Note("plate", "京HP00G6")]
    order_id: Annotated[str, Note("the lot's unique order number of this stay, same as in the entry upload", "10000")]
    type: Annotated[str, Note("what is corrected", "1", values=(values.Correction,))]
    license_color: Annotated[
        Whole | None, Note("plate colour; blue is named as the default", "0", values=(values.PlateColour,))
    ] = None
    in_time: Annotated[Whole | None, Note("entry time", "1490875218", unit="unix seconds")] = None
    out_time: Annotated[Whole | None, Note("exit time", "1490879218", unit="unix seconds")] = None
    park_business_type: Annotated[str | None, Note("kind of arrival", "1", values=(values.Arrival,))] = None
    leave_business_type: Annotated[str | None, Note("kind of departure", "1", values=(values.Departure,))] = None
    total: Annotated[Decimal | None, Note("total fee due, in yuan", "1.01", unit="yuan")] = None


class StayCorrected(Message):
    """10.1 停车场停车业务纠正, answer."""

    state: Annotated[Whole, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "“上传成功”或“订单已存在”", needed="when it has a value")] = None


class CountParked(Message):
    """10.2 在停业务总数查询, request: asks how many cars BoLink holds as parked."""

    union_id: Annotated[Whole, Note("vendor number", "200002", needed=True)] = CLIENTS_OWN
    park_id: Annotated[str, Note("lot number", "20003")]
    service_name: str = fixed("parking_business_count")


class Count(Message):
    """10.2: how many."""

    parking_business_count: Annotated[Whole, Note("number of stays of this lot still open on the platform", "18")]


class ParkedCount(Message):
    """10.2 在停业务总数查询, answer."""

    state: Annotated[Whole, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "“上传成功”或“订单已存在”", needed="when it has a value")] = None
    data: Annotated[Count | None, Note("result object", "{}")] = None


class ListParked(Message):
    """10.3 在停业务详情查询, request: asks which cars BoLink holds as parked."""

    union_id: Annotated[Whole, Note("vendor number", "200002", needed=True)] = CLIENTS_OWN
    park_id: Annotated[str, Note("lot number", "20003")]
    service_name: str = fixed("parking_business_list")
    detail_type: Annotated[str | None, Note("how much to return; 1 when absent", "1", values=(values.ListDetail,))] = (
        None
    )


class ParkedStay(Message):
    """10.3: one stay."""

    order_id: Annotated[str, Note("order number", "16546")]
    in_time: Annotated[str, Note("entry time, yyyy-MM-dd HH:mm:ss", "2022-11-11 11:11:11", unit="yyyy-MM-dd HH:mm:ss")]
    car_number: Annotated[str, Note("plate", "京A12345")]
    license_color: Annotated[str, Note("plate colour; blue is named as the default", "1", values=(values.PlateColour,))]
    park_order_type: Annotated[str, Note("kind of arrival", "1", values=(values.StayKind,))]


class ParkedStays(Message):
    """10.3: the stays, as numbers or with details."""

    ext_order_id_list: Annotated[list[str] | None, Note("list of order numbers", "16546", variant="detail_type=1")] = (
        None
    )
    order_detail_list: Annotated[list[ParkedStay] | None, Note("list of stays", variant="detail_type=2")] = None


class Parked(Message):
    """10.3 在停业务详情查询, answer."""

    state: Annotated[Whole, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "“上传成功”或“订单已存在”", needed="when it has a value")] = None
    data: Annotated[ParkedStays | None, Note("the stays", "{}")] = None


class CheckEntry(Message):
    """10.4 市级车入场判定, request: asks whether the city lets a vehicle in."""

    union_id: Annotated[Whole, Note("vendor number", "200002", needed=True)] = CLIENTS_OWN
    park_id: Annotated[str, Note("lot number", "20003")]
    service_name: str = fixed("park_check")
    car_number: Annotated[str, Note("plate", "京HP00G6")]
    license_color: Annotated[
        Whole | None, Note("plate colour; blue is named as the default", "0", values=(values.PlateColour,))
    ] = None


class CheckResult(Message):
    """10.4: what the city says."""

    status: Annotated[str | None, Note("outcome of the entry check", "1", values=(values.CheckStatus,))] = None
    reason: Annotated[str | None, Note("why it was not passed; 0 when admitted", "0", values=(values.CheckReason,))] = (
        None
    )
    reason_msg: Annotated[
        str | None,
        Note("text of the reason, fit for showing at the entrance", "不可以过", needed=when("reason", "1", "2", "99")),
    ] = None
    share_status: Annotated[str | None, Note("shared-space reservation", "0", values=(values.SharedParking,))] = None


class EntryCheck(Message):
    """10.4 市级车入场判定, answer."""

    state: Annotated[Whole, Note("result of the call", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "“上传成功”或“订单已存在”", needed="when it has a value")] = None
    data: Annotated[CheckResult | None, Note("result object", "{}", needed=when("state", 1))] = None


class GetScreenText(Message):
    """10.5 获取车道屏幕文字, request: asks what a lane's screen shows."""

    union_id: Annotated[Whole, Note("vendor number", "200002", needed=True)] = CLIENTS_OWN
    park_id: Annotated[str, Note("lot number", "20003")]
    service_name: str = fixed("get_screen_str")
    device_no: Annotated[str | None, Note("unique number of the device", "2313")] = None
    message_uuid: Annotated[str | None, Note("message identifier, a uuid", "使用uuid")] = None
    order_id: Annotated[
        str | None, Note("the lot's unique order number of this stay, same as in the entry upload", "10000")
    ] = None
    type: Annotated[str | None, Note("moment", "1", values=(values.ScreenMoment,))] = None


class ScreenText(Message):
    """10.5 获取车道屏幕文字, answer."""

    state: Annotated[Whole, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "成功", needed=when("state", 0))] = None
    screen_str: Annotated[str, Note("text to show", "一路顺风")]


class ListPasses(Message):
    """10.6 获取包月车信息(全量更新), request: fetches all passes, a page at a time."""

    union_id: Annotated[Whole, Note("vendor number", "200002", needed=True)] = CLIENTS_OWN
    park_id: Annotated[str, Note("lot number", "20003")]
    service_name: str = fixed("get_vip_vehicle_list")
    vip_type: Annotated[str, Note("kind of pass", "京HP00G6", values=(values.PassKind,))]
    page_num: Annotated[str, Note("page asked for, counted from 1", "20")] = msgspec.field(name="pageNum")
    page_size: Annotated[str, Note("records per page", "1")] = msgspec.field(name="pageSize")


class Pass(Message):
    """10.6: one pass; which fields it has depends on vip_type."""

    vip_id: Annotated[Whole, Note("primary key of the pass")] = msgspec.field(name="vipId")
    plate_no: Annotated[str | None, Note("plate", variant="vip_type=1")] = msgspec.field(default=None, name="plateNo")
    plate_type: Annotated[str | None, Note("kind of plate", variant="vip_type=1")] = msgspec.field(
        default=None, name="plateType"
    )
    vip_start_date_str: Annotated[
        str | None, Note("first day, YYYY-MM-DD", unit="yyyy-MM-dd", variant="vip_type=1")
    ] = msgspec.field(default=None, name="vipStartDateStr")
    vip_end_date_str: Annotated[str | None, Note("last day, YYYY-MM-DD", unit="yyyy-MM-dd", variant="vip_type=1")] = (
        msgspec.field(default=None, name="vipEndDateStr")
    )
    park_id: Annotated[str, Note("lot id")] = msgspec.field(name="parkpotId")
    is_region: Annotated[
        str | None, Note("whether the pass is limited to a zone", values=(values.Zoned,), variant="vip_type=1")
    ] = msgspec.field(default=None, name="isRegion")
    region_id: Annotated[
        str | None,
        Note(
            "zone id, the third-party zone id set on the platform", needed=when("isRegion", "1"), variant="vip_type=1"
        ),
    ] = msgspec.field(default=None, name="regionId")
    is_dayparking: Annotated[
        str | None,
        Note("whether the pass is limited to times of day", values=(values.DayParking,), variant="vip_type=1"),
    ] = msgspec.field(default=None, name="isDayparking")
    rule_id_sub: Annotated[
        str | None,
        Note(
            "the lower-level lot's rule id for time-of-day passes",
            needed=when("isDayparking", "1"),
            variant="vip_type=1",
        ),
    ] = msgspec.field(default=None, name="ruleIdSub")
    company_id: Annotated[str | None, Note("enterprise id", variant="vip_type=2")] = msgspec.field(
        default=None, name="comanyId"
    )
    company_name: Annotated[str | None, Note("enterprise name", variant="vip_type=2")] = msgspec.field(
        default=None, name="comanyName"
    )


class Passes(Message):
    """10.6 获取包月车信息(全量更新), answer.

    Unconfirmed: state, errmsg.
    """

    total_count: Annotated[Whole, Note("number of records")] = msgspec.field(name="totalCount")
    total_pages: Annotated[Whole, Note("number of pages")] = msgspec.field(name="totalPages")
    page_num: Annotated[Whole, Note("page this list belongs to")] = msgspec.field(name="pageNum")
    records: Annotated[list[Pass], Note("the passes")] = msgspec.field(name="list")
    state: Annotated[
        Whole | None, Note("0 when the list cannot be given; not documented", values=(values.State,), confirmed=False)
    ] = None
    errmsg: Annotated[str | None, Note("message; not documented", confirmed=False)] = None


INTERFACES: tuple[AnyInterface, ...] = (
    Interface(
        section="10.1",
        title="Correct a parking record",
        title_zh="停车场停车业务纠正",
        direction=Direction.UPLINK,
        service_name="correct_business",
        request=CorrectStay,
        answer=StayCorrected,
        hosts=UNION,
        path="/unionapi/neworder/uploadData",
        repeat=Repeat(True, "order_id names the stay; the same correction twice changes nothing"),
        method="correct_stay",
    ),
    Interface(
        section="10.2",
        title="Count of parked vehicles known to the platform",
        title_zh="在停业务总数查询",
        direction=Direction.UPLINK,
        service_name="parking_business_count",
        request=CountParked,
        answer=ParkedCount,
        hosts=UNION,
        path="/unionapi/neworder/uploadData",
        repeat=Repeat(True, "only asks"),
        method="count_parked",
    ),
    Interface(
        section="10.3",
        title="List of parked vehicles known to the platform",
        title_zh="在停业务详情查询",
        direction=Direction.UPLINK,
        service_name="parking_business_list",
        request=ListParked,
        answer=Parked,
        hosts=UNION,
        path="/unionapi/neworder/uploadData",
        repeat=Repeat(True, "only asks"),
        method="list_parked",
    ),
    Interface(
        section="10.4",
        title="City-level entry check for a vehicle",
        title_zh="市级车入场判定",
        direction=Direction.UPLINK,
        service_name="park_check",
        request=CheckEntry,
        answer=EntryCheck,
        hosts=UNION,
        path="/unionapi/neworder/uploadData",
        repeat=Repeat(True, "only asks"),
        method="check_entry",
    ),
    Interface(
        section="10.5",
        title="Get the text for a lane screen",
        title_zh="获取车道屏幕文字",
        direction=Direction.UPLINK,
        service_name="get_screen_str",
        request=GetScreenText,
        answer=ScreenText,
        hosts=UNION,
        path="/unionapi/neworder/uploadData",
        repeat=Repeat(True, "only asks"),
        method="get_screen_text",
    ),
    Interface(
        section="10.6",
        title="Fetch all monthly-pass vehicles (full refresh)",
        title_zh="获取包月车信息(全量更新)",
        direction=Direction.UPLINK,
        service_name="get_vip_vehicle_list",
        request=ListPasses,
        answer=Passes,
        hosts=UNION,
        path="/unionapi/neworder/uploadData",
        success=UNSEEN_STATE,
        repeat=Repeat(True, "only asks"),
        method="list_passes",
        completeness=Completeness.PARTIAL,
    ),
)
