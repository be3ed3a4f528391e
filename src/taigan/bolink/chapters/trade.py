"""Chapter 3: stays, payments and what belongs to them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from taigan.bolink import values
from taigan.bolink.describing.interface import (
    CLOUD,
    STATE_OR_PENDING,
    UNION,
    UNSEEN_STATE_OR_PENDING,
    AnyInterface,
    Completeness,
    Direction,
    Interface,
    Repeat,
    Success,
    Wrapping,
)
from taigan.bolink.fields import CLIENTS_OWN, Message, Note, Whole, when


class Entry(Message):
    """3.1 提交停车进场纪录, request: tells BoLink that a car came in.

    Times are unix seconds.
    """

    car_number: Annotated[str, Note("plate", "京GH0093")]
    in_time: Annotated[Whole, Note("entry time", "1490875218", unit="unix seconds")]
    order_id: Annotated[str, Note("order record number, unique for one stay in the lot", "325101")]
    empty_plot: Annotated[Whole, Note("free spaces left", "20")]
    park_id: Annotated[str, Note("lot number (the vendor's own)", "1001")]
    union_id: Annotated[Whole, Note("vendor number", "1001", needed=True)] = CLIENTS_OWN
    remark: Annotated[str | None, Note("remark", "入场信息备注")] = None
    inpark_img: Annotated[str | None, Note("URL of the entry picture", "https://s.bolink.club/image/ab.png")] = None
    car_cost_type: Annotated[Whole | None, Note("vehicle category", "1", values=(values.CarCostType,))] = None
    license_color: Annotated[
        Whole | None,
        Note(
            "plate colour; when absent, WeChat 4.0 seamless payment takes it as blue", "0", values=(values.PlateColour,)
        ),
    ] = None
    uid: Annotated[str | None, Note("number of the toll collector at entry", "800191")] = None
    uname: Annotated[str | None, Note("name of the toll collector at entry", "小王")] = None
    in_channel_id: Annotated[str | None, Note("entry lane", "东门入口A1")] = None
    is_report: Annotated[
        Whole | None,
        Note(
            "whether the record is passed on to the Shanghai road-administration platform", "1", values=(values.YesNo,)
        ),
    ] = None


class UnpaidOrder(Message):
    """3.1: an order of this plate that was never paid; the end of its table was not seen."""

    park_name: Annotated[str, Note("lot name", "测试车场")] = msgspec.field(name="parkName")
    union_id: Annotated[Whole, Note("vendor number", "200145")] = msgspec.field(name="unionId")
    order_id: Annotated[str, Note("number of the escaped order", "244564527")] = msgspec.field(name="orderId")
    in_park_pic: Annotated[
        str | None, Note("entry picture", "https://s.bolink.club/unionapi/getcarinparkimgunionid=123&pa")
    ] = msgspec.field(default=None, name="inParkPic")


class EntryTaken(Message):
    """3.1 提交停车进场纪录, answer."""

    order_id: Annotated[str, Note("order number", "109010")]
    errmsg: Annotated[str | None, Note("message", "“上传成功”或“订单已存在”", needed="when it has a value")] = None
    state: Annotated[Whole, Note("status", values=(values.State,))]
    escape_order: Annotated[
        list[UnpaidOrder] | None,
        Note("list of unpaid (escaped) orders of this plate", "{“park_id”:”21787”,”parkName”:”0.01”…}"),
    ] = msgspec.field(default=None, name="escapeOrder")


class ExitRemark(Message):
    """3.2: what a lot may add."""

    is_prepay: Annotated[str | None, Note("whether it was prepaid", values=(values.Prepaid,))] = None
    pay_channel: Annotated[str | None, Note("payment channel", values=(values.PayCompany,))] = None


class Exit(Message):
    """3.2 提交停车出场记录, request: tells BoLink that a car leaves, and settles its stay.

    Durations are minutes; times are unix seconds; amounts are yuan. Unconfirmed: is_report.
    """

    park_id: Annotated[str, Note("lot number", "1001")]
    union_id: Annotated[Whole, Note("vendor number", "1001", needed=True)] = CLIENTS_OWN
    car_number: Annotated[str, Note("plate", "京GH0093")]
    in_time: Annotated[Whole | None, Note("entry time", "1490875218", unit="unix seconds")] = None
    out_time: Annotated[Whole, Note("exit time", "1490879218", unit="unix seconds")]
    pay_type: Annotated[
        str, Note("how the stay is settled", "cash,wallet,sweepcode,escape", values=(values.ExitPayment,))
    ]
    empty_plot: Annotated[Whole, Note("free spaces left", "20")]
    total: Annotated[str, Note("order amount right now, without what was prepaid or reduced", "0.01", unit="yuan")]
    order_id: Annotated[str, Note("order record number, the one sent at entry", "9009")]
    auth_code: Annotated[
        str | None,
        Note(
            "WeChat or Alipay payment code that was scanned", "微信或支付宝支付码", needed=when("pay_type", "sweepcode")
        ),
    ] = None
    remark: Annotated[
        ExitRemark | str | None, Note("remark the lot may add", '{"is_prepay":"0","pay_channel":"0"}')
    ] = None
    outpark_img: Annotated[str | None, Note("URL of the exit picture", "https://s.bolink.club/image/ab.png")] = None
    out_channel_id: Annotated[
        str | None,
        Note(
            "exit lane; when sent for a scanned-code or seamless exit, the payment result notification "
            "returns it unchanged",
            "A1",
        ),
    ] = None
    license_color: Annotated[
        Whole | None,
        Note(
            "plate colour; when absent, WeChat 4.0 seamless payment takes it as blue", "0", values=(values.PlateColour,)
        ),
    ] = None
    reduce_amount: Annotated[str | None, Note("amount reduced", "1", unit="yuan")] = None
    derate_duration: Annotated[Whole | None, Note("time reduced, minutes", "15", unit="minutes")] = None
    freereasons: Annotated[str | None, Note("reason the stay was free", "军警车免费")] = None
    work_station_uuid: Annotated[str | None, Note("unique id of the booth or workstation", "qwrrw23534")] = None
    out_uid: Annotated[str | None, Note("number of the toll collector at exit", "800191")] = None
    out_uname: Annotated[str | None, Note("name of the toll collector at exit", "小王")] = None
    is_report: Annotated[
        Whole | None,
        Note(
            "whether the record is passed on to the Shanghai road-administration platform; the row is "
            "cut off, 3.1 has the same",
            confirmed=False,
        ),
    ] = None


class ExitTaken(Message):
    """3.2 提交停车出场记录, answer. Amounts are yuan; times are unix seconds.

    Unconfirmed, all of it: the answer's table was not seen. What a public client quotes stands after errmsg.
    """

    state: Annotated[
        Whole | None,
        Note(
            "what became of the payment; the answer's table was not seen",
            values=(values.PaymentState,),
            confirmed=False,
        ),
    ] = None
    errmsg: Annotated[str | None, Note("message; the answer's table was not seen", confirmed=False)] = None
    order_id: Annotated[str | None, Note("order number, echoed", confirmed=False)] = None
    car_number: Annotated[str | None, Note("plate", "京GH0093", confirmed=False)] = None
    trade_no: Annotated[str | None, Note("transaction number", confirmed=False)] = None
    total: Annotated[str | None, Note("amount paid", "0.04", unit="yuan", confirmed=False)] = None
    pay_type: Annotated[str | None, Note("kind of payment", "wallet", confirmed=False)] = None
    pay_time: Annotated[Whole | None, Note("time of payment, unix", unit="unix seconds", confirmed=False)] = None
    pay_channel: Annotated[str | None, Note("payment channel", confirmed=False)] = None
    arrive_money: Annotated[str | None, Note("amount credited to the lot", unit="yuan", confirmed=False)] = None
    fee: Annotated[str | None, Note("handling fee", unit="yuan", confirmed=False)] = None
    account_type: Annotated[Whole | None, Note("direction of the posting", confirmed=False)] = None
    remark: Annotated[str | None, Note("remark", confirmed=False)] = None


class RenewPass(Message):
    """3.3 月卡续费, request: starts the payment for a monthly pass; the result comes by 5.8.

    Times are unix milliseconds; amounts are yuan.
    """

    park_id: Annotated[str, Note("lot number", "21787")]
    amount: Annotated[str, Note("amount in yuan, two decimals", "0.01", unit="yuan")]
    card_id: Annotated[
        str | None, Note("monthly card number: letters, digits and underscore", "A1_2C1528943355", max_length=32)
    ] = None
    trade_no: Annotated[str, Note("trade number; seen only in a logged real answer", "201712125566359777")]
    notify_url: Annotated[
        str | None,
        Note(
            "address that receives the asynchronous payment result by POST; starts with http or https "
            "and carries no query parameters",
            "http://beta.bolink.club/unionapi/monthpaynotify",
            needed=True,
        ),
    ] = None
    back_url: Annotated[
        str | None,
        Note(
            "where the user returns after paying; empty means BoLink's own page",
            "https://beta.bolink.club/unionapi/paysuccess?trace_no=201712125566359777",
        ),
    ] = None
    cancel_url: Annotated[
        str | None,
        Note(
            "where the user returns when payment fails; empty means BoLink's own page",
            "https://beta.bolink.club/unionapi/paysfail?trade_no=201712125566359777",
        ),
    ] = None
    car_number: Annotated[str | None, Note("plate", "苏HHH000")] = None
    attach: Annotated[dict[str, Any] | None, Note("extra data, returned in the callback", "{“order_id”:”abc123”}")] = (
        None
    )
    pay_channel: Annotated[
        str | None, Note("payment channel; WeChat when absent", "weixin", values=(values.RenewalChannel,))
    ] = None
    time_temp: Annotated[
        str,
        Note(
            "timestamp; must change with every call so that the signature differs", "1533035031600", unit="milliseconds"
        ),
    ]
    server_id: Annotated[
        Whole | None,
        Note(
            "BoLink's number of the party that receives the split; not sent when the lot has no LeShua split",
            needed="when is_separate_accounts is 1 (the row is cut off in the middle of that name)",
        ),
    ] = None


class PassRenewal(Message):
    """3.3 月卡续费, answer.

    Unconfirmed: state, payurl, trade_no, errmsg.
    """

    state: Annotated[
        Whole | None, Note("result; the answer's table was not seen", values=(values.State,), confirmed=False)
    ] = None
    payurl: Annotated[str | None, Note("payment address to go to, or to make a QR code of", confirmed=False)] = None
    trade_no: Annotated[
        str | None, Note("trade number; seen only in a logged real answer", "201712125566359777", confirmed=False)
    ] = None
    errmsg: Annotated[str | None, Note("message; not seen", confirmed=False)] = None


class PayParking(Message):
    """3.4 临停缴费, request: starts the payment for a stay; the result comes by 5.10.

    Times are unix milliseconds; times are unix seconds; amounts are yuan. Unconfirmed: notify_url.
    """

    title: Annotated[str, Note("title, up to 20 Chinese characters or 40 Latin ones", "支付停车费")]
    park_id: Annotated[str, Note("lot number at BoLink", "21888")]
    amount: Annotated[str, Note("amount in yuan, two decimals", "0.01", unit="yuan")]
    order_id: Annotated[
        str, Note("entry order number: letters, digits and underscore", "20171204152324414-RLF373", max_length=32)
    ]
    car_number: Annotated[str, Note("plate", "京A12355")]
    in_time: Annotated[Whole, Note("entry time, unix seconds", "1571904740", unit="unix seconds")]
    trade_no: Annotated[
        str, Note("trade number: digits only, 16 to 32 long, never under 16, never reused", "20170921336435142")
    ]
    channel: Annotated[
        str | None, Note("payment kind", "weixin", values=(values.PayChannelName,), needed=when("pay_type", 0))
    ] = None
    pay_type: Annotated[Whole, Note("payment type, default 0", "0", values=(values.PayWay,))]
    auth_code: Annotated[
        str | None, Note("WeChat or Alipay payment code that was scanned", "35454732324235", needed=when("pay_type", 2))
    ] = None
    time_temp: Annotated[str, Note("unix timestamp, milliseconds", "1484369702556", unit="milliseconds")]
    description: Annotated[
        str | None,
        Note(
            "the caller's own data, returned unchanged in the payment callback",
            "orderid=10&time=20170923141950",
            max_length=32,
        ),
    ] = None
    callback_url: Annotated[
        str | None,
        Note("page to go to after payment succeeded", "http://beta.bolink.club/unionapi/paysuccess?money=0.01"),
    ] = None
    server_id: Annotated[
        Whole | None,
        Note(
            "BoLink service-provider number of the party that receives the split; do not send it when "
            "the lot has no LeShua split",
            "800251",
            needed=when("is_separate_accounts", 1),
        ),
    ] = None
    split_amount: Annotated[
        str | None,
        Note(
            "amount split off, yuan, two decimals; do not send it when the lot has no LeShua split",
            "0.01",
            unit="yuan",
            needed=when("is_separate_accounts", 1),
        ),
    ] = None
    is_separate_accounts: Annotated[
        Whole | None,
        Note(
            "whether the order is split; do not send it when the lot has no LeShua split", "0", values=(values.YesNo,)
        ),
    ] = None
    notify_url: Annotated[
        str | None,
        Note(
            "address that receives the asynchronous payment result by POST; starts with http or https "
            "and carries no query parameters",
            confirmed=False,
        ),
    ] = None


class ParkingPayment(Message):
    """3.4 临停缴费, answer.

    Unconfirmed: payurl, state, errmsg.
    """

    payurl: Annotated[str | None, Note("payment address; the answer's table was not seen", confirmed=False)] = None
    state: Annotated[
        Whole | None, Note("result; not seen, 3.3 has it", values=(values.PaymentState,), confirmed=False)
    ] = None
    errmsg: Annotated[str | None, Note("message; not seen", confirmed=False)] = None


class GetSplitContract(Message):
    """3.5 获取乐刷分账签约地址接口, request: asks for the contract by which a party receives a share of a lot's
    money.

    Percent is a whole number.
    """

    park_id: Annotated[str, Note("number of the lot whose money is split; not to be repeated", "2021031888")]
    account_no: Annotated[str, Note("LeShua merchant number of the party that receives the split", "123213")]
    account_name: Annotated[str, Note("merchant name of the party that receives the split", "测试商户")]
    percent: Annotated[
        Whole,
        Note(
            "highest split share in percent, a whole number from 1 to 30; 10 means 10%",
            "例如: 10%,传10",
            unit="percent",
            also=("percen",),
        ),
    ]


class SplitContract(Message):
    """3.5 获取乐刷分账签约地址接口, answer."""

    state: Annotated[Whole, Note("result", "1", values=(values.State,))]
    errmsg: Annotated[str, Note("message")]
    contract_url: Annotated[
        str | None,
        Note("address of the electronic contract to open and sign", "https://open.w", needed=when("state", 1)),
    ] = None


class BindSplitReceiver(Message):
    """3.6 接收分账方绑定接口, request: binds the receiver of the share after the contract of 3.5 is signed."""

    park_id: Annotated[str, Note("number of the lot whose money is split; not to be repeated", "2021031888")]


class SplitReceiverBound(Message):
    """3.6 接收分账方绑定接口, answer."""

    state: Annotated[Whole, Note("result", "1", values=(values.State,))]
    errmsg: Annotated[str, Note("message", "成功")]


class PayByEtc(Message):
    """3.7 ETC支付接口, request: charges a stay to the vehicle's ETC unit.

    Durations are minutes; times are unix seconds; amounts are yuan.
    """

    park_id: Annotated[str, Note("lot number", "1001")]
    car_number: Annotated[str, Note("plate", "京GH0093")]
    in_time: Annotated[Whole, Note("entry time", "1490875218", unit="unix seconds")]
    out_time: Annotated[Whole, Note("exit time", "1490879218", unit="unix seconds")]
    pay_type: Annotated[str, Note("ETC kind", "my", values=(values.EtcKind,))]
    empty_plot: Annotated[Whole | None, Note("free spaces left", "20", needed=when("pay_type", "my"))] = None
    total_original: Annotated[
        str | None, Note("order amount before discount, yuan", "0.01", unit="yuan", needed=when("pay_type", "my"))
    ] = None
    total: Annotated[str, Note("amount actually paid after discount, yuan", "0.02", unit="yuan")]
    order_id: Annotated[str, Note("order record number, the one sent at entry", "9009")]
    out_channel_id: Annotated[str, Note("exit lane", "A1")]
    inpark_img: Annotated[
        str | None,
        Note("URL of the entry picture", "https://s.bolink.club/image/ab.png", needed=when("pay_type", "my")),
    ] = None
    outpark_img: Annotated[
        str | None, Note("URL of the exit picture", "https://s.bolink.club/image/ab.png", needed=when("pay_type", "my"))
    ] = None
    in_channel_id: Annotated[str, Note("entry lane", "入口1")]
    parking_time: Annotated[str, Note("length of stay, minutes", "600", unit="minutes")]
    lane_no: Annotated[
        str,
        Note(
            "ETC lane code, bound one to one with the antenna; for pay_type jyyh, the number of the 金溢 cloud box",
            "000123",
        ),
    ]
    license_color: Annotated[
        Whole | None,
        Note(
            "plate colour, numbered differently by pay_type; blue when absent",
            "0",
            values=(
                values.AntPlateColour,
                values.ChangjiePlateColour,
            ),
        ),
    ] = None


class EtcPayment(Message):
    """3.7 ETC支付接口, answer.

    Unconfirmed: state, errmsg.
    """

    state: Annotated[
        Whole | None,
        Note(
            "result; whether the charge is answered at once was not seen",
            values=(values.PaymentState,),
            confirmed=False,
        ),
    ] = None
    errmsg: Annotated[str | None, Note("message", confirmed=False)] = None


class QueryEscapes(Message):
    """3.8 逃单查询, request: asks for the unpaid orders of a plate.

    Times are unix seconds.
    """

    park_id: Annotated[str, Note("lot number", "21888")]
    car_number: Annotated[str, Note("plate", "京A12355")]
    time_temp: Annotated[str, Note("unix timestamp, seconds", "1490875218", unit="unix seconds")]


class EscapedOrder(Message):
    """3.8: one unpaid order."""

    park_name: Annotated[str, Note("lot name", "测试车场")] = msgspec.field(name="parkName")
    union_id: Annotated[Whole, Note("vendor number (the example spells it unionId)", "200145", also=("unionId",))]
    order_id: Annotated[str, Note("number of the escaped order", "244564527")] = msgspec.field(name="orderId")
    in_park_pic: Annotated[
        str | None,
        Note(
            "entry picture", "https://s.bolink.club/unionapi/getcarinparkimg?unionid=123&parkid=123&orderid=123&type=0"
        ),
    ] = msgspec.field(default=None, name="inParkPic")
    out_park_pic: Annotated[
        str | None,
        Note(
            "exit picture", "https://s.bolink.club/unionapi/getcarinparkimg?unionid=123&parkid=123&orderid=123&type=0"
        ),
    ] = msgspec.field(default=None, name="outParkPic")
    park_id: Annotated[str, Note("lot number", "123")] = msgspec.field(name="parkId")
    car_number: Annotated[str, Note("plate", "贵A88888")] = msgspec.field(name="carNumber")
    in_time: Annotated[Whole, Note("entry time", "1490875218", unit="unix seconds")] = msgspec.field(name="inTime")
    out_time: Annotated[Whole, Note("time of the escape", "1490875218", unit="unix seconds")] = msgspec.field(
        name="outTime"
    )
    money: Annotated[str, Note("amount escaped, yuan", "0.01", unit="yuan")]
    duration: Annotated[str, Note("length of stay in words", "1天2小时5分钟")]


class Escapes(Message):
    """3.8 逃单查询, answer."""

    state: Annotated[Whole, Note("status", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "查询成功")] = None
    escape_order: Annotated[
        list[EscapedOrder] | None, Note("list of escaped orders", '[{"carNumber":"贵A88888","duration":...}]')
    ] = msgspec.field(default=None, name="escapeOrder")


class PayEscape(Message):
    """3.9 逃单补缴, request: starts the payment of an unpaid order; the result comes by 5.11.

    Times are unix seconds.
    """

    title: Annotated[str, Note("title", "逃单补缴")]
    park_id: Annotated[str, Note("lot number", "21888")]
    order_id: Annotated[str, Note("number of the escaped order", "20171204152324414-RLF373")]
    car_number: Annotated[str, Note("plate", "京A12355")]
    trade_no: Annotated[str, Note("trade number", "20170921336435100")]
    channel: Annotated[
        str | None, Note("payment kind", "weixin", values=(values.PayChannelName,), needed=when("pay_type", 0))
    ] = None
    pay_type: Annotated[Whole, Note("payment way", "0", values=(values.PayWay,))]
    auth_code: Annotated[
        str | None, Note("payment code that was scanned", "35454732324235", needed=when("pay_type", 2))
    ] = None
    time_temp: Annotated[str, Note("unix timestamp, seconds", "1490875218", unit="unix seconds")]
    description: Annotated[
        str | None,
        Note(
            "the caller's own data for the order; returned empty when sent empty or not at all",
            "orderid=10&time=20170923141950",
            max_length=32,
        ),
    ] = None
    notify_url: Annotated[
        str | None,
        Note(
            "address that receives the asynchronous payment result by POST; starts with http or https "
            "and carries no query parameters",
            "http://106.75.7.55:8080/test_bolink/callparkapi/apppayorder",
        ),
    ] = None


class EscapePayment(Message):
    """3.9 逃单补缴, answer.

    Unconfirmed: errmsg, payurl.
    """

    state: Annotated[Whole, Note("result", "1", values=(values.PaymentState,))]
    errmsg: Annotated[str | None, Note("message; the rest of the answer's table was not seen", confirmed=False)] = None
    payurl: Annotated[str | None, Note("payment address; not seen here, 3.3 and 3.4 have it", confirmed=False)] = None


class GiveChange(Message):
    """3.10 红包找零接口, request: pays change out as a WeChat red packet; what becomes of it comes by 5.12.

    Times are unix seconds; amounts are yuan.
    """

    union_id: Annotated[Whole, Note("vendor number", "200145", needed=True)] = CLIENTS_OWN
    park_id: Annotated[str, Note("the vendor's lot number; not to be repeated", "21888")]
    amount: Annotated[
        str, Note("red packet amount in yuan, two decimals; at least 1 and below 100", "1.01", unit="yuan")
    ]
    trade_no: Annotated[
        str,
        Note("trade number: letters and digits, 16 to 28 characters, never reused", "20210408912321123", max_length=28),
    ]
    order_id: Annotated[str | None, Note("parking order number", "In1231231312")] = None
    car_number: Annotated[str | None, Note("plate", "京A12355")] = None
    timestamp: Annotated[Whole, Note("timestamp, seconds", "1490875218", unit="unix seconds", also=("timestemp",))]
    notify_url: Annotated[
        str | None,
        Note(
            "address that receives the asynchronous payment result by POST; starts with http or https "
            "and carries no query parameters",
            "http://106.75.7.55:8080/test_bolink/callparkapi/apppayorder",
        ),
    ] = None


class RedPacketLink(Message):
    """3.10: where the driver takes the money."""

    url: Annotated[
        str | None,
        Note(
            "red packet link",
            "https://beta.bolink.club/unionapi/takeRedPacketNew?v=DFF08694DDF897918ACB1DF32D2AA28E6BBAB545562073E5D6FA2591DBA8EF7AE183809481860C0AB3B2818ED11034889DD0CDCA1A37185E5D13DB2B650C1A49",
        ),
    ] = None


class RedPacket(Message):
    """3.10 红包找零接口, answer."""

    state: Annotated[Whole, Note("result", "1", values=(values.State,))]
    errmsg: Annotated[str, Note("message", "Success")]
    data: Annotated[RedPacketLink | None, Note("returned data", "{ }", needed=when("state", 1))] = None


class ChargingReduction(Message):
    """3.11 充电减免结果上传, request: reports what was really taken off for a charging order when its car left.

    Times are unix seconds; amounts are yuan.
    """

    union_id: Annotated[Whole, Note("vendor platform account number", "联盟编号,如:109010", needed=True)] = CLIENTS_OWN
    park_id: Annotated[str, Note("lot number", "100000222")]
    platform_id: Annotated[Whole, Note("charging platform", "1", values=(values.ReducingPlatform,))]
    car_number: Annotated[str, Note("plate", "京A0000")]
    start_charge_seq: Annotated[str, Note("charging order number", "202008170000011120")]
    calculation_method: Annotated[Whole, Note("how the parking fee is reduced", "1", values=(values.ReductionMethod,))]
    duration: Annotated[
        Decimal | None, Note("parking time actually taken off", "50", needed=when("calculation_method", 1))
    ] = None
    reduce_amount: Annotated[
        str | None, Note("parking amount actually taken off", "1.25", unit="yuan", needed=when("calculation_method", 2))
    ] = None
    out_time: Annotated[Whole, Note("exit time, unix seconds", "1562318113", unit="unix seconds")]


class ChargingReductionTaken(Message):
    """3.11 充电减免结果上传, answer."""

    state: Annotated[Whole, Note("result", "1", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", needed=when("state", 0))] = None


INTERFACES: tuple[AnyInterface, ...] = (
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
        completeness=Completeness.PARTIAL,
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
        repeat=Repeat(True, "the page says that the same exit may be submitted repeatedly until it is settled"),
        method="exit",
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="3.3",
        title="Monthly card renewal payment",
        title_zh="月卡续费",
        direction=Direction.UPLINK,
        request=RenewPass,
        answer=PassRenewal,
        hosts=UNION,
        path="/unionapi/paymonthcard",
        wrapping=Wrapping.BESIDE,
        repeat=Repeat(False, "a trade_no may never be used again"),
        method="renew_pass",
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="3.4",
        title="Temporary parking payment",
        title_zh="临停缴费",
        direction=Direction.UPLINK,
        request=PayParking,
        answer=ParkingPayment,
        hosts=UNION,
        path="/unionapi/bolinkparkpay",
        wrapping=Wrapping.BESIDE,
        success=UNSEEN_STATE_OR_PENDING,
        repeat=Repeat(False, "a trade_no may never be used again"),
        method="pay_parking",
        completeness=Completeness.PARTIAL,
        sorted_pairs=True,
    ),
    Interface(
        section="3.5",
        title="Get the LeShua split-contract signing address",
        title_zh="获取乐刷分账签约地址接口",
        direction=Direction.UPLINK,
        request=GetSplitContract,
        answer=SplitContract,
        hosts=UNION,
        path="/unionapi/lsaccountsplit",
        wrapping=Wrapping.BESIDE,
        repeat=Repeat(False, "whether a second call makes a second contract is not documented"),
        method="get_split_contract",
    ),
    Interface(
        section="3.6",
        title="Bind the split receiver",
        title_zh="接收分账方绑定接口",
        direction=Direction.UPLINK,
        request=BindSplitReceiver,
        answer=SplitReceiverBound,
        hosts=UNION,
        path="/unionapi/lsbind",
        wrapping=Wrapping.BESIDE,
        repeat=Repeat(True, "BoLink looks whether the receiver is bound already, says the page"),
        method="bind_split_receiver",
    ),
    Interface(
        section="3.7",
        title="ETC payment",
        title_zh="ETC支付接口",
        direction=Direction.UPLINK,
        request=PayByEtc,
        answer=EtcPayment,
        hosts=UNION,
        path="/unionapi/etcPayApi",
        wrapping=Wrapping.BESIDE,
        success=UNSEEN_STATE_OR_PENDING,
        repeat=Repeat(False, "takes money, and no number guards against taking it twice"),
        method="pay_by_etc",
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="3.8",
        title="Query escaped (unpaid) orders",
        title_zh="逃单查询",
        direction=Direction.UPLINK,
        request=QueryEscapes,
        answer=Escapes,
        hosts=UNION,
        path="/unionapi/neworder/queryescape",
        wrapping=Wrapping.BESIDE,
        repeat=Repeat(True, "only asks"),
        method="query_escapes",
    ),
    Interface(
        section="3.9",
        title="Pay an escaped order afterwards",
        title_zh="逃单补缴",
        direction=Direction.UPLINK,
        request=PayEscape,
        answer=EscapePayment,
        hosts=UNION,
        path="/unionapi/bolinkescapePay",
        wrapping=Wrapping.BESIDE,
        success=STATE_OR_PENDING,
        repeat=Repeat(False, "no rule says that a trade_no is taken once"),
        method="pay_escape",
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="3.10",
        title="Give change as a WeChat red packet",
        title_zh="红包找零接口",
        direction=Direction.UPLINK,
        request=GiveChange,
        answer=RedPacket,
        hosts=UNION,
        path="/unionapi/getWxRedPacketUrlNew",
        repeat=Repeat(False, "pays money out, and a trade_no may never be used again"),
        method="give_change",
    ),
    Interface(
        section="3.11",
        title="Upload the actual charging-based reduction",
        title_zh="充电减免结果上传",
        direction=Direction.UPLINK,
        request=ChargingReduction,
        answer=ChargingReductionTaken,
        hosts=CLOUD,
        path="/zld/openservice/uploaddurationinfo",
        repeat=Repeat(False, "whether a charging order's second report is dropped is not documented"),
        method="upload_charging_reduction",
    ),
)
