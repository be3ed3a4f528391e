"""Chapter 11: commands and data from BoLink to the lot."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

from taigan.bolink import values
from taigan.bolink.describing.interface import FOLLOWS_SDK, AnyInterface, Completeness, Direction, Interface, Repeat
from taigan.bolink.fields import Message, Note, Whole, fixed, when
from taigan.bolink.wire.codec import read


class OperateBarrier(Message):
    """11.1 抬杆指令下发通知, request: raises or lowers a barrier from afar.

    Follows the sister document's page.
    """

    service_name: str = fixed("operate_liftrod")
    channel_name: Annotated[str | None, Note("lane name", "通道一", needed="when public cloud", max_length=24)] = None
    channel_id: Annotated[str | None, Note("lane number", "out001", needed="when public cloud", max_length=24)] = None
    operate: Annotated[
        Whole | None,
        Note("barrier command", values=(values.BarrierOperation,), needed="when public cloud", max_length=2),
    ] = None
    park_id: Annotated[str, Note("lot number", "test001", max_length=24)]
    liftrod_id: Annotated[
        str | None,
        Note(
            "number of this raise or lower operation, returned unchanged by the lot",
            "f05385f9a70e4621bd675fd5c030ce0b",
            needed="when public cloud",
            max_length=64,
        ),
    ] = None
    order_id: Annotated[
        str | None,
        Note(
            "the lot's unique order number of this stay, same as in the entry upload", "675fd5c030ce0b", max_length=128
        ),
    ] = None
    message_uuid: Annotated[str | None, Note("message identifier, a uuid", "使用uuid", max_length=24)] = None
    duration: Annotated[
        str | None, Note("how long it stays raised", "temporary", values=(values.RaisedFor,), max_length=24)
    ] = None
    device_no: Annotated[str | None, Note("unique number of the device", "12323", max_length=24)] = None


class BarrierOperated(Message):
    """11.1 抬杆指令下发通知, answer.

    Follows the sister document's page.
    """

    service_name: str = fixed("operate_liftrod")
    data_target: Annotated[str, Note("where the answer goes", "cloud", max_length=8)]
    state: Annotated[Whole, Note("result", values=(values.State,), max_length=2)]
    channel_id: Annotated[str | None, Note("lane number", "out001", needed="when public cloud", max_length=16)] = None
    operate: Annotated[
        Whole | None,
        Note("barrier command", values=(values.BarrierOperation,), needed="when public cloud", max_length=2),
    ] = None
    errmsg: Annotated[str | None, Note("message", needed=when("state", 0), max_length=48)] = None
    liftrod_id: Annotated[
        str | None,
        Note(
            "number of the operation",
            "f05385f9a70e4621bd675fd5c030ce0b",
            needed="when the command came from lane monitoring",
            max_length=64,
        ),
    ] = None


class CheckPass(Message):
    """11.2 车辆包月账单信息查询, request: asks whether a vehicle may have a pass, and makes the bill.

    Amounts are yuan; days are yyyy-MM-dd.
    """

    park_id: Annotated[str, Note("lot number", "21787")]
    union_id: Annotated[Whole, Note("vendor number", "200002")]
    service_name: str = fixed("check_vip")
    car_number: Annotated[str, Note("plate", "京A47829")]
    license_color: Annotated[
        Whole | None, Note("plate colour; blue is named as the default", "0", values=(values.PlateColour,))
    ] = None
    amount: Annotated[Decimal, Note("amount the user pays, yuan, two decimals", "0.01", unit="yuan")]
    start_time: Annotated[str | None, Note("first day of the pass", "YYYY-MM-DD", unit="yyyy-MM-dd")] = None
    end_time: Annotated[str | None, Note("last day of the pass", "YYYY-MM-DD", unit="yyyy-MM-dd")] = None


class PassChecked(Message):
    """11.2 车辆包月账单信息查询, answer."""

    service_name: str = fixed("check_vip")
    state: Annotated[Whole, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "发送成功", needed=when("state", 0))] = None


class SetFreeSpaces(Message):
    """11.3 修改道闸余位, request: sets the free spaces."""

    park_id: Annotated[str, Note("lot number", "21787")]
    union_id: Annotated[Whole, Note("vendor number", "200002")]
    service_name: str = fixed("space_notify")
    total_space: Annotated[Whole, Note("total spaces", "122")]
    free_space: Annotated[Whole, Note("free spaces", "22")]
    message_uuid: Annotated[str | None, Note("message identifier, a uuid", "使用uuid")] = None


class FreeSpacesSet(Message):
    """11.3 修改道闸余位, answer."""

    service_name: str = fixed("space_notify")
    state: Annotated[Whole, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "发送成功", needed=when("state", 0))] = None


class ChangeSpecialVehicle(Message):
    r"""11.4 新增\删除特殊车, request: puts a vehicle on the white or the black list, or takes it off.

    Times are yyyy-MM-dd HH:mm:ss.
    """

    park_id: Annotated[str, Note("lot number", "21787")]
    union_id: Annotated[Whole, Note("vendor number", "200002")]
    service_name: str = fixed("special_plate")
    type: Annotated[str, Note("operation", "add", values=(values.ListChange,))]
    car_number: Annotated[str, Note("plate", "京A47829")]
    message_uuid: Annotated[str | None, Note("message identifier, a uuid", "使用uuid")] = None
    car_type: Annotated[str, Note("kind of special vehicle", "white", values=(values.SpecialVehicle,))]
    start_time: Annotated[str | None, Note("start", "YYYY-MM-DD HH:mm:ss", unit="yyyy-MM-dd HH:mm:ss")] = None
    end_time: Annotated[str | None, Note("end", "YYYY-MM-DD HH:mm:ss", unit="yyyy-MM-dd HH:mm:ss")] = None
    remark: Annotated[str | None, Note("remark")] = None


class SpecialVehicleChanged(Message):
    r"""11.4 新增\删除特殊车, answer."""

    service_name: str = fixed("special_plate")
    state: Annotated[Whole, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "发送成功", needed=when("state", 0))] = None


class PassVehicle(Message):
    """11.5: one vehicle of an enterprise or owned-space pass."""

    plate_no: Annotated[str | None, Note("plate", "1")] = None
    plate_type: Annotated[str | None, Note("kind of plate", "1")] = None


class ChangePass(Message):
    r"""11.5 新增\删除\修改月卡车, request: adds, changes or deletes a pass.

    Times are yyyy-MM-dd HH:mm:ss.
    """

    park_id: Annotated[str, Note("lot number", "21787")]
    union_id: Annotated[Whole, Note("vendor number", "200002")]
    service_name: str = fixed("car_info")
    type: Annotated[str, Note("operation", "add", values=(values.PassChange,))]
    message_uuid: Annotated[str | None, Note("message identifier, a uuid", "使用uuid")] = None
    car_number: Annotated[str | None, Note("plate", "京A47829")] = None
    user_name: Annotated[str | None, Note("name of the holder", "张三")] = None
    tel: Annotated[str | None, Note("phone of the holder", "1532424234")] = None
    car_type: Annotated[str | None, Note("kind of pass", "1", values=(values.PassVehicleKind,))] = None
    card_id: Annotated[str | None, Note("card number", "15")] = None
    start_time: Annotated[str | None, Note("start", "YYYY-MM-DD HH:mm:ss", unit="yyyy-MM-dd HH:mm:ss")] = None
    end_time: Annotated[str | None, Note("end", "YYYY-MM-DD HH:mm:ss", unit="yyyy-MM-dd HH:mm:ss")] = None
    part_time: Annotated[
        str | None,
        Note("free period of the day", '["23:00","07:00"\\]', needed=when("car_type", "2"), json_text=list[str]),
    ] = None
    part_type: Annotated[str | None, Note("kind of plate", needed=when("car_type", "3"))] = None
    is_region: Annotated[str | None, Note("whether the pass is limited to a zone", "0", values=(values.Zoned,))] = None
    region_id: Annotated[str | None, Note("zone id", "1", needed=when("is_region", "1"))] = None
    is_dayparking: Annotated[
        str | None, Note("whether the pass is limited to times of day", "0", values=(values.DayParking,))
    ] = None
    rule_id_sub: Annotated[
        str | None, Note("the lower-level lot's rule id for time-of-day passes", "1", needed=when("is_dayparking", "1"))
    ] = None
    company_id: Annotated[str | None, Note("enterprise id", "1", needed=when("car_type", "4"))] = msgspec.field(
        default=None, name="comany_id"
    )
    company_name: Annotated[str | None, Note("enterprise name", "1", needed=when("car_type", "4"))] = msgspec.field(
        default=None, name="comany_name"
    )
    vip_count: Annotated[str | None, Note("number of spaces", "1", needed=when("car_type", "4", "5"))] = msgspec.field(
        default=None, name="vipCount"
    )
    vehicle_list: Annotated[
        str | None, Note("the vehicles", needed=when("car_type", "4", "5"), json_text=list[PassVehicle])
    ] = None

    def vehicles(self) -> list[PassVehicle]:
        """The vehicles in `vehicle_list`. Raises BadMessage when its text holds none."""
        return read((self.vehicle_list or "[]").encode(), list[PassVehicle])


class PassChanged(Message):
    r"""11.5 新增\删除\修改月卡车, answer."""

    service_name: str = fixed("car_info")
    state: Annotated[Whole, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "发送成功", needed=when("state", 0))] = None


class QueryVehicle(Message):
    """11.6 查询月卡车、特殊车, request: asks what the lot knows of one vehicle."""

    park_id: Annotated[str, Note("lot number", "21787")]
    union_id: Annotated[Whole, Note("vendor number", "200002")]
    service_name: str = fixed("query_car_info")
    message_uuid: Annotated[str | None, Note("message identifier, a uuid")] = None
    car_number: Annotated[str, Note("plate", "京A47829")]
    card_id: Annotated[str | None, Note("card number", "15")] = None
    type: Annotated[str, Note("what is asked for", "1", values=(values.VehicleQuery,))]


class VehicleRecord(Message):
    """11.6: what the lot knows; which fields it has depends on type."""

    car_number: Annotated[str, Note("plate", "京A47829")]
    user_name: Annotated[str | None, Note("name of the holder", "张三", variant="type=0")] = None
    tel: Annotated[str | None, Note("phone of the holder", "1532424234", variant="type=0")] = None
    car_type: Annotated[
        str | None,
        Note(
            "kind of pass",
            "1",
            values=(
                values.FoundPassKind,
                values.SpecialVehicle,
            ),
        ),
    ] = None
    card_id: Annotated[str | None, Note("card number", "15", variant="type=0")] = None
    start_time: Annotated[str | None, Note("start", "YYYY-MM-DD HH:mm:ss", unit="yyyy-MM-dd HH:mm:ss")] = None
    end_time: Annotated[str | None, Note("end", "YYYY-MM-DD HH:mm:ss", unit="yyyy-MM-dd HH:mm:ss")] = None
    update_time: Annotated[
        str | None, Note("last change", "YYYY-MM-DD HH:mm:ss", unit="yyyy-MM-dd HH:mm:ss", variant="type=0")
    ] = None
    describe: Annotated[str | None, Note("description", "无")] = None


class VehicleFound(Message):
    """11.6 查询月卡车、特殊车, answer."""

    service_name: str = fixed("query_car_info")
    state: Annotated[Whole, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "成功")] = None
    data: Annotated[VehicleRecord | None, Note("the vehicle", "{}")] = None


class InvoiceNotice(Message):
    """11.7 开票记录通知, request: a driver had an invoice issued at BoLink.

    Times are yyyy-MM-dd HH:mm:ss.
    """

    union_id: Annotated[Whole, Note("vendor number", "200116")]
    park_id: Annotated[str, Note("lot number", "td2001870976")]
    service_name: str = fixed("invoice_notify")
    payid: Annotated[str, Note("the platform's payment id, globally unique", "200102")]
    out_trade_no: Annotated[str, Note("the lot side's payment order number")]
    invoice_type: Annotated[str, Note("kind of invoice", values=(values.InvoiceKind,))]
    invoice_no: Annotated[
        str | None, Note("invoice number; several tear-off tickets are joined with a half-width comma")
    ] = None
    invoice_code: Annotated[
        str | None, Note("invoice code; several tear-off tickets are joined with a half-width comma")
    ] = None
    invoice_time: Annotated[str | None, Note("time of issue, yyyy-MM-dd HH:mm:ss", unit="yyyy-MM-dd HH:mm:ss")] = None


class InvoiceNoticeTaken(Message):
    """11.7 开票记录通知, answer."""

    service_name: str = fixed("invoice_notify")
    state: Annotated[str, Note("result", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message")] = None


INTERFACES: tuple[AnyInterface, ...] = (
    Interface(
        section="11.1",
        title="Barrier-raise command",
        title_zh="抬杆指令下发通知",
        direction=Direction.DOWNLINK,
        service_name="operate_liftrod",
        event="operate_liftrod",
        request=OperateBarrier,
        answer=BarrierOperated,
        repeat=Repeat(False, "a barrier is moved once per command"),
        completeness=Completeness.NOT_FOUND,
        note=FOLLOWS_SDK,
    ),
    Interface(
        section="11.2",
        title="Check a vehicle for a monthly pass and make the bill",
        title_zh="车辆包月账单信息查询",
        direction=Direction.DOWNLINK,
        service_name="check_vip",
        event="check_vip",
        request=CheckPass,
        answer=PassChecked,
        repeat=Repeat(False, "a repeat may make a second bill"),
    ),
    Interface(
        section="11.3",
        title="Set the number of free spaces",
        title_zh="修改道闸余位",
        direction=Direction.DOWNLINK,
        service_name="space_notify",
        event="space_notify",
        request=SetFreeSpaces,
        answer=FreeSpacesSet,
        repeat=Repeat(True, "sets a value; setting it twice changes nothing"),
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="11.4",
        title="Add or delete a special vehicle",
        title_zh="新增\\删除特殊车",
        direction=Direction.DOWNLINK,
        service_name="special_plate",
        event="special_plate",
        request=ChangeSpecialVehicle,
        answer=SpecialVehicleChanged,
        repeat=Repeat(True, "a plate is on a list or not; the same change twice changes nothing"),
    ),
    Interface(
        section="11.5",
        title="Add, delete or change a monthly-pass vehicle",
        title_zh="新增\\删除\\修改月卡车",
        direction=Direction.DOWNLINK,
        service_name="car_info",
        event="car_info",
        request=ChangePass,
        answer=PassChanged,
        repeat=Repeat(False, "adding the same pass again may make a second one"),
    ),
    Interface(
        section="11.6",
        title="Query a monthly-pass or special vehicle",
        title_zh="查询月卡车、特殊车",
        direction=Direction.DOWNLINK,
        service_name="query_car_info",
        event="query_car_info",
        request=QueryVehicle,
        answer=VehicleFound,
        repeat=Repeat(True, "only asks"),
    ),
    Interface(
        section="11.7",
        title="Invoice-issued notice",
        title_zh="开票记录通知",
        direction=Direction.DOWNLINK,
        service_name="invoice_notify",
        event="invoice_notify",
        request=InvoiceNotice,
        answer=InvoiceNoticeTaken,
        repeat=Repeat(True, "the page says that it is sent again until it is confirmed"),
        resent=True,
    ),
)
