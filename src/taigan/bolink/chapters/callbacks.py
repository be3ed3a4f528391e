"""Chapter 5: what BoLink calls at the lot platform."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from taigan.bolink import values
from taigan.bolink.describing.interface import (
    STATE_OR_PENDING,
    UNSEEN_STATE,
    AnyInterface,
    Completeness,
    Direction,
    Interface,
    Repeat,
    Wrapping,
)
from taigan.bolink.fields import Message, Note, Whole, fixed, when


class PriceQuery(Message):
    """5.1 查询实时订单金额, request: a driver asks what a stay costs."""

    car_number: Annotated[str | None, Note("plate", "京HP00G6", needed=when("pay_scene", 0, 2))] = None
    service_name: str = fixed("query_price")
    order_id: Annotated[
        str | None,
        Note(
            "lot order number, the one of the entry; empty when BoLink has no order (pay_scene 0)",
            "10000",
            needed=when("pay_scene", 0, 2),
        ),
    ] = None
    park_id: Annotated[str, Note("lot number", "20003")]
    pay_scene: Annotated[Whole, Note("payment scene, default 0", "0", values=(values.PayScene,))]
    out_channel_id: Annotated[
        str | None, Note("exit channel: letters, digits, underscore", "A1", needed=when("pay_scene", 1, 2))
    ] = None
    query_order_no: Annotated[
        str, Note("number of this price query; echoed in the answer and given back in the prepay notice", "300022")
    ]
    licence: Annotated[
        str | None,
        Note(
            "no-plate number of the scanning driver",
            "AD42F3B",
            needed="when the scanning driver has ever been given a no-plate number",
        ),
    ] = None
    pay_user_id: Annotated[
        str | None,
        Note(
            "WeChat openID or Alipay BuyerID of the payer",
            "ouc2o01Annba-HFNNfij-3xBXHrEEWEW",
            needed="when the driver pays by scanning with WeChat/Alipay and the pay channel is WeChat direct, "
            "Alipay direct, Leshua (乐刷) or Huifu (汇付)",
        ),
    ] = None


class Price(Message):
    """5.1 查询实时订单金额, answer.

    Durations are minutes; times are unix seconds; amounts are yuan. Unconfirmed: order_id, query_order_no, errmsg,
    price, total, position, in_time, car_number, hide_time_info, notify_url.
    """

    state: Annotated[Whole, Note("result", "0失败1成功", values=(values.State,))]
    free_out_time: Annotated[
        Whole | None, Note("minutes to leave free of charge; 10 is shown by default", "10", unit="minutes")
    ] = None
    query_time: Annotated[
        Whole | None, Note("time of the price query, unix seconds", "1490875218", unit="unix seconds")
    ] = None
    duration: Annotated[Whole, Note("minutes parked", "50", unit="minutes")]
    derate_money: Annotated[Decimal | None, Note("reduction in yuan", "5", unit="yuan")] = None
    derate_duration: Annotated[Whole | None, Note("reduction in minutes", "5", unit="minutes")] = None
    park_id: Annotated[str, Note("lot number", "20003")]
    order_id: Annotated[
        str | None,
        Note(
            "lot order number, the one of the entry; empty when BoLink has no order (pay_scene 0)",
            "10000",
            needed=True,
            confirmed=False,
        ),
    ] = None
    query_order_no: Annotated[
        str | None, Note("the request value, echoed", "300022", needed="when pay_scene was 1 or 2", confirmed=False)
    ] = None
    errmsg: Annotated[str | None, Note("message", needed=when("state", 0), confirmed=False)] = None
    price: Annotated[str | None, Note("amount due in yuan", "6.0", unit="yuan", needed=True, confirmed=False)] = None
    total: Annotated[str | None, Note("order amount in yuan", "6.0", unit="yuan", confirmed=False)] = None
    position: Annotated[str | None, Note("parking space", confirmed=False)] = None
    in_time: Annotated[
        Whole | None,
        Note(
            "entry time",
            needed="when the order was never uploaded to BoLink; together with car_number",
            confirmed=False,
        ),
    ] = None
    car_number: Annotated[
        str | None,
        Note("plate", needed="when the order was never uploaded to BoLink; together with in_time", confirmed=False),
    ] = None
    hide_time_info: Annotated[str | None, Note("named only, no description seen", confirmed=False)] = None
    notify_url: Annotated[
        str | None,
        Note(
            "address for the asynchronous payment result; the record does not say whether in request or answer",
            confirmed=False,
        ),
    ] = None


class AutoPayNotice(Message):
    """5.2 车牌无感状态及变更通知, request: tells whether a plate pays automatically (无感), at entry and when it
    changes.
    """

    union_id: Annotated[Whole, Note("vendor account the lot belongs to", "109010")]
    order_id: Annotated[str, Note("order number, unique", "1089922")]
    service_name: str = fixed("notice_car_owner")
    car_number: Annotated[str, Note("plate", "苏K55098")]
    is_union_user: Annotated[Whole, Note("whether the plate supports auto-pay (无感)", "1", values=(values.YesNo,))]
    park_id: Annotated[str, Note("lot number", "1001")]
    rand: Annotated[
        str,
        Note(
            "random integer or decimal, must differ from the previous request or the request is illegal",
            "0.99993232345436",
            max_length=32,
        ),
    ]


class AutoPayNoted(Message):
    """5.2 车牌无感状态及变更通知, answer."""

    state: Annotated[Whole, Note("result", "0失败1成功", values=(values.State,))]
    errmsg: Annotated[str | None, Note("text")] = None


class Prepayment(Message):
    """5.3 预付订单通知, request: a driver paid inside the lot.

    Times are unix seconds; amounts are yuan.
    """

    car_number: Annotated[str, Note("plate", "京GH0093")]
    service_name: str = fixed("prepay_order")
    prepay: Annotated[Decimal, Note("amount", "6.5", unit="yuan")]
    order_id: Annotated[str, Note("lot order number, unique in the lot, the one of the entry order", "9009")]
    query_order_no: Annotated[str | None, Note("number of the price query the lot answered", "300022")] = None
    park_id: Annotated[str, Note("lot number", "20003")]
    trade_no: Annotated[str, Note("transaction number", "201704012000 121122232")]
    query_time: Annotated[
        Whole | None,
        Note(
            "time of the price query, unix",
            "1490875218",
            unit="unix seconds",
            needed="when the price answer carried it (echoed)",
        ),
    ] = None
    prepay_type: Annotated[
        Whole | None, Note("kind of prepayment, default 1", "1电子,2中央缴费机现金", values=(values.PrepaymentKind,))
    ] = None
    pay_channel: Annotated[
        Whole | None, Note("pay channel", "0微信 1支付宝 2余额 3银联", values=(values.PayChannel,))
    ] = None
    pay_time: Annotated[Whole, Note("time of payment, unix", "1490876000", unit="unix seconds")]
    arrive_money: Annotated[Decimal, Note("amount credited to the lot", "1.25", unit="yuan")]
    fee: Annotated[Decimal, Note("handling fee", "1.25", unit="yuan")]
    account_type: Annotated[Whole, Note("direction of the posting", "1", values=(values.Posting,))]
    remark: Annotated[
        str, Note("note; the title given when the order was placed comes back here", "收到停车费-京G00000")
    ]
    pay_company: Annotated[Whole | None, Note("paying company", "0", values=(values.PayCompany,))] = None
    pay_account: Annotated[Whole | None, Note("whether clearing is supported", "0", values=(values.YesNo,))] = None
    attach: Annotated[dict[str, Any] | None, Note("extra data, returned unchanged", '{"should_pay":"0.08"}')] = None
    pay_user_id: Annotated[
        str | None,
        Note(
            "WeChat openID or Alipay BuyerID of the payer",
            "ouc2o01Annba-HFNNfij-3xBXHrEEWEW",
            needed="when the driver pays by scanning with WeChat/Alipay and the pay channel is WeChat direct, "
            "Alipay direct, Leshua (乐刷) or Huifu (汇付)",
        ),
    ] = None


class PrepaymentTaken(Message):
    """5.3 预付订单通知, answer.

    Amounts are yuan. Unconfirmed: state, park_id, order_id, prepay, errmsg.
    """

    state: Annotated[
        Whole | None, Note("result", "0失败 1成功", values=(values.State,), needed=True, confirmed=False)
    ] = None
    park_id: Annotated[str | None, Note("lot number", "20003", needed=True, confirmed=False)] = None
    order_id: Annotated[
        str | None,
        Note("lot order number, unique in the lot, the one of the entry order", "9009", needed=True, confirmed=False),
    ] = None
    prepay: Annotated[str | None, Note("amount", "6.5", unit="yuan", needed=True, confirmed=False)] = None
    errmsg: Annotated[str | None, Note("text", "success", needed=when("state", 0), confirmed=False)] = None


class GetPicture(Message):
    """5.4 获取车辆进场图片, request: asks for the picture of an order; answered with the picture's bytes, or 404 and
    nothing.
    """

    park_id: Annotated[str, Note("lot number", "3251")] = msgspec.field(name="comid")
    order_id: Annotated[str, Note("order number", "AC_1345454")] = msgspec.field(name="orderid")
    service_name: str = fixed("get_inpark_image")
    type: Annotated[str, Note("kind of picture", "in或out", values=(values.PictureKind,))]


class ChargeResult(Message):
    """5.5 电子收费异步返回结果, request: what became of an electronic charge at the exit. Only state 1 means paid.

    Times are unix seconds; amounts are yuan.
    """

    service_name: str = fixed("outpark")
    state: Annotated[Whole, Note("payment state", "0失败1成功2支付中", values=(values.PaymentState,))]
    park_id: Annotated[str, Note("lot number", "1001")]
    order_id: Annotated[str, Note("lot order number, unique in the lot, the one of the entry order", "325101")]
    trade_no: Annotated[str, Note("transaction number", "201704012000121122232")]
    pay_type: Annotated[str, Note("kind of payment", "wallet,sweepcode,scancode,etc", values=(values.ChargeKind,))]
    out_channel_id: Annotated[str | None, Note("exit channel", "A1", needed=when("pay_type", "scancode"))] = None
    total: Annotated[Decimal | None, Note("amount paid", "0.04", unit="yuan")] = None
    errmsg: Annotated[
        str, Note("text; the reason when state is 0", "当state为0时:errmsg:“支付失败,请求超时或其他(...)”")
    ]
    pay_channel: Annotated[
        Whole | None, Note("pay channel", "0微信 1支付宝 2余额 3银联", values=(values.PayChannel,))
    ] = None
    pay_time: Annotated[Whole, Note("time of payment, unix", "1490876000", unit="unix seconds")]
    car_number: Annotated[str | None, Note("plate", "京GH0093", needed=True)] = None
    arrive_money: Annotated[Decimal, Note("amount credited to the lot", "1.25", unit="yuan")]
    fee: Annotated[Decimal, Note("handling fee", "1.25", unit="yuan")]
    account_type: Annotated[Whole, Note("direction of the posting", "1", values=(values.Posting,))]
    remark: Annotated[
        str, Note("note; the title given when the order was placed comes back here", "收到停车费-京G00000")
    ]
    pay_company: Annotated[Whole | None, Note("paying company", "0", values=(values.PayCompany,))] = None
    pay_account: Annotated[Whole | None, Note("whether clearing is supported", "0", values=(values.YesNo,))] = None
    attach: Annotated[dict[str, Any] | None, Note("extra data, returned unchanged", '{"should_pay":"0.08"}')] = None
    pay_user_id: Annotated[
        str | None,
        Note(
            "WeChat openID or Alipay BuyerID of the payer",
            "ouc2o01Annba-HFNNfij-3xBXHrEEWEW",
            needed="when the driver pays by scanning with WeChat/Alipay and the pay channel is WeChat direct, "
            "Alipay direct, Leshua (乐刷) or Huifu (汇付)",
        ),
    ] = None


class ChargeResultTaken(Message):
    """5.5 电子收费异步返回结果, answer.

    Unconfirmed: state, errmsg, trade_no, order_id.
    """

    service_name: str = fixed("outpark")
    state: Annotated[Whole | None, Note("result", confirmed=False)] = None
    errmsg: Annotated[str | None, Note("text", confirmed=False)] = None
    trade_no: Annotated[str | None, Note("transaction number, echoed", confirmed=False)] = None
    order_id: Annotated[str | None, Note("order number, echoed", confirmed=False)] = None


class RefundResult(Message):
    """5.6 电子订单退款异步返回结果, request: what became of a refund.

    Times are unix seconds; amounts are yuan.
    """

    service_name: str = fixed("refund")
    state: Annotated[Whole, Note("refund result", "0失败1成功", values=(values.State,))]
    park_id: Annotated[str, Note("lot number", "1001")]
    trade_no: Annotated[str, Note("transaction number", "201704012000121122232")]
    refund_money: Annotated[Decimal, Note("amount refunded, two decimals", "0.01", unit="yuan")]
    errmsg: Annotated[
        str | None, Note("text; the reason when state is 0", "当state为0时:errmsg:“支付失败,请求超时或其他(...)”")
    ] = None
    union_id: Annotated[Whole, Note("vendor number", "100000")]
    refund_channel: Annotated[Whole, Note("refund channel", "0", values=(values.RefundChannel,))]
    refund_time: Annotated[Whole, Note("time of refund, unix", "1490875218", unit="unix seconds")]
    car_number: Annotated[str, Note("plate", "京GH0000")]
    arrive_money: Annotated[Decimal, Note("amount credited, 0 here", "0", unit="yuan", also=("arrive_moeny",))]
    fee: Annotated[Decimal, Note("handling fee", "1.25", unit="yuan")]
    account_type: Annotated[Whole, Note("direction of the posting", "1", values=(values.Posting,))]
    order_id: Annotated[str, Note("order number of the transaction", "A11110000")]
    remark: Annotated[
        str, Note("note; the title given when the order was placed comes back here", "收到停车费-京G00000")
    ]


class RefundResultTaken(Message):
    """5.6 电子订单退款异步返回结果, answer."""

    service_name: str = fixed("refund")
    state: Annotated[Whole, Note("result", "0失败1成功", values=(values.State,))]
    errmsg: Annotated[str | None, Note("text", needed=when("state", 0))] = None
    trade_no: Annotated[str, Note("transaction number", "201704012000121122232")]


class NoPlateEntry(Message):
    """5.7 无牌车入场请求, request: a driver without a plate scanned the code of an entry lane.

    Times are unix seconds.
    """

    car_number: Annotated[str, Note("plate: the identity BoLink made for the driver", "EA47829")]
    park_id: Annotated[str, Note("lot number", "21787")]
    union_id: Annotated[Whole, Note("vendor number", "200002")]
    service_name: str = fixed("nolicence_in_park")
    timestamp: Annotated[Whole, Note("unix time in seconds", "1579000520", unit="unix seconds")] = msgspec.field(
        name="timetemp"
    )
    channel_id: Annotated[str, Note("channel number", "A1")]
    pay_user_id: Annotated[
        str | None,
        Note(
            "WeChat openID or Alipay BuyerID",
            "ouc2o01Annba-HFNNfij-3xBXHrEEWEW",
            needed="when the driver scans the entry code with WeChat/Alipay and the pay channel is WeChat "
            "direct, Alipay direct, Leshua (乐刷) or Huifu (汇付)",
        ),
    ] = None
    mobile_number: Annotated[
        str | None, Note("mobile number", "18888888888", needed="when entry of no-plate cars needs SMS verification")
    ] = None
    order_id: Annotated[
        str | None, Note("lot order number, unique in the lot, the one of the entry order", "10000")
    ] = None


class NoPlateEntryAnswer(Message):
    """5.7 无牌车入场请求, answer.

    Times are unix seconds.
    """

    errmsg: Annotated[str | None, Note("text", "“入场失败 ”", needed=when("state", 0))] = None
    state: Annotated[Whole, Note("result", "0失败,1成功,2等待处理中", values=(values.NoPlateState,))]
    car_number: Annotated[str, Note("plate (user identity)", "EA47829")]
    timestamp: Annotated[Whole, Note("unix time", "1679000520", unit="unix seconds")] = msgspec.field(name="timetemp")


class PassPayment(Message):
    """5.8 月卡续费回调, request: a monthly pass was paid.

    Times are unix seconds; amounts are yuan. Unconfirmed: end_time.
    """

    type: Annotated[Whole | None, Note("who took the payment", "1", values=(values.RenewalParty,))] = None
    state: Annotated[
        Whole | None,
        Note(
            "payment result",
            "0支付失败,1支付成功",
            values=(values.State,),
            needed="when it is a BoLink monthly renewal (otherwise optional)",
        ),
    ] = None
    amount: Annotated[Decimal, Note("amount paid, yuan, two decimals", "0.01", unit="yuan")]
    park_id: Annotated[str, Note("lot number", "21787")]
    service_name: str = fixed("monthcard_pay")
    car_number: Annotated[str | None, Note("plate", "京A47829")] = None
    license_color: Annotated[Whole | None, Note("plate colour, default blue", "0", values=(values.PlateColour,))] = None
    attach: Annotated[str | None, Note("extra data, returned unchanged", '{"order_id":"abc123"}')] = None
    trade_no: Annotated[
        str | None,
        Note(
            "transaction number of the third party",
            "201712125566359777",
            needed="when it is a BoLink monthly renewal (otherwise optional)",
        ),
    ] = None
    card_id: Annotated[str | None, Note("monthly-card number given when the order was placed", "A1_2C1528943355")] = (
        None
    )
    out_trade_no: Annotated[
        str | None,
        Note(
            "transaction number the lot passed when it placed the order",
            "2017051814232332510923A",
            needed="when it is a BoLink monthly renewal (otherwise optional)",
        ),
    ] = None
    pay_time: Annotated[
        Whole | None,
        Note(
            "time of payment, unix",
            "1490875218",
            unit="unix seconds",
            needed="when it is a BoLink monthly renewal (otherwise optional)",
        ),
    ] = None
    arrive_money: Annotated[
        Decimal | None,
        Note("amount credited", "1.25", unit="yuan", needed="when it is a BoLink monthly renewal (otherwise optional)"),
    ] = None
    fee: Annotated[
        Decimal | None,
        Note("handling fee", "1.25", unit="yuan", needed="when it is a BoLink monthly renewal (otherwise optional)"),
    ] = None
    account_type: Annotated[
        Whole | None,
        Note(
            "direction of the posting",
            "1",
            values=(values.Posting,),
            needed="when it is a BoLink monthly renewal (otherwise optional)",
        ),
    ] = None
    remark: Annotated[
        str | None,
        Note(
            "note; the title given when the order was placed",
            "收到停车费-京G00000",
            needed="when it is a BoLink monthly renewal (otherwise optional)",
        ),
    ] = None
    pay_company: Annotated[Whole | None, Note("paying company", "0", values=(values.PayCompany,))] = None
    pay_account: Annotated[Whole | None, Note("whether clearing is supported", "0", values=(values.YesNo,))] = None
    start_time: Annotated[str | None, Note("start of the period")] = None
    end_time: Annotated[str | None, Note("end of the period; named in the revision record only", confirmed=False)] = (
        None
    )


class PassPaymentTaken(Message):
    """5.8 月卡续费回调, answer.

    Unconfirmed: state, errmsg, trade_no.
    """

    state: Annotated[Whole | None, Note("result", values=(values.State,), confirmed=False)] = None
    errmsg: Annotated[str | None, Note("text", confirmed=False)] = None
    trade_no: Annotated[str | None, Note("transaction number, echoed", confirmed=False)] = None


class RecoveredOrder(Message):
    """5.9 追缴订单异步返回结果, request: a driver paid an old order in Alipay's mini program.

    Times are unix seconds; amounts are yuan.
    """

    state: Annotated[Whole, Note("result", "0失败1成功", values=(values.State,))]
    park_id: Annotated[str, Note("lot number", "1001")]
    order_id: Annotated[str, Note("lot order number, unique in the lot, the one of the entry order", "325101")]
    service_name: str = fixed("repair")
    trade_no: Annotated[str, Note("transaction number", "201704012000121122232")]
    pay_type: Annotated[str, Note("kind of payment", "repair", values=(values.RecoveryKind,))]
    pay_channel: Annotated[Whole | None, Note("pay channel", "1支付宝", values=(values.RecoveryChannel,))] = None
    out_channel_id: Annotated[str | None, Note("exit channel", "A1")] = None
    total: Annotated[Decimal, Note("amount paid", "0.04", unit="yuan")]
    errmsg: Annotated[str, Note("text", "当state为0时:errmsg:“支付失败”")]
    pay_time: Annotated[Whole, Note("time of payment, unix", "1490875218", unit="unix seconds")]
    car_number: Annotated[str, Note("plate", "京GH0093")]
    arrive_money: Annotated[Decimal, Note("amount credited to the lot", "1.25", unit="yuan")]
    fee: Annotated[Decimal, Note("handling fee", "1.25", unit="yuan")]
    account_type: Annotated[Whole, Note("direction of the posting", "1", values=(values.Posting,))]
    remark: Annotated[
        str, Note("note; the title given when the order was placed comes back here", "收到停车费-京G00000")
    ]


class RecoveredOrderTaken(Message):
    """5.9 追缴订单异步返回结果, answer."""

    service_name: str = fixed("repair")
    state: Annotated[Whole, Note("result", "0失败1成功", values=(values.State,))]
    errmsg: Annotated[str | None, Note("text", needed=when("state", 0))] = None
    trade_no: Annotated[str, Note("transaction number", "201704012000121122232")]
    order_id: Annotated[str, Note("order number", "328101")]


class ParkingPaymentResult(Message):
    """5.10 临停缴费回调, request: what became of a payment started by 3.4.

    Times are unix seconds; amounts are yuan.
    """

    park_id: Annotated[str, Note("lot number", "21888")]
    service_name: str = fixed("plat_unified_order")
    state: Annotated[Whole, Note("payment result", "0支付失败,1支付成功", values=(values.State,))]
    amount: Annotated[str, Note("amount paid, yuan, two decimals", "0.01", unit="yuan")]
    receipt_amount: Annotated[str, Note("amount credited, 5 decimals", "0.00994", unit="yuan")]
    pay_platform_fee: Annotated[str, Note("fee of the pay platform, 5 decimals", "0.00006", unit="yuan")]
    trade_no: Annotated[str, Note("transaction number given when the order was placed", "20170921336510038")]
    pay_channel: Annotated[Whole | None, Note("pay channel", "0微信 1支付宝", values=(values.PayCompany,))] = None
    pay_time: Annotated[Whole, Note("time of payment, unix", "1490876000", unit="unix seconds")]
    openid: Annotated[str | None, Note("openid of the user", "ouc2o0zprlFsy5pKdqxSYwqzos5Y")] = None
    description: Annotated[
        str | None,
        Note(
            "extra data of the order, returned unchanged; empty if none was given",
            "orderid=10&time=20170923141950",
            max_length=32,
        ),
    ] = None
    out_trade_no: Annotated[str, Note("transaction number of the third party", "M617FBS0NRTBZLPGHUC")]
    pay_company: Annotated[Whole | None, Note("paying company", "0", values=(values.PayCompany,))] = None
    pay_account: Annotated[Whole | None, Note("whether clearing is supported (0 no, 1 yes), optional")] = None


class ParkingPaymentTaken(Message):
    """5.10 临停缴费回调, answer.

    Unconfirmed: state, trade_no.
    """

    state: Annotated[
        Whole | None, Note("result", "0处理失败,1处理成功", values=(values.State,), needed=True, confirmed=False)
    ] = None
    trade_no: Annotated[
        str | None,
        Note("transaction number given when the order was placed", "20170921336435142", needed=True, confirmed=False),
    ] = None


class EscapePaymentResult(Message):
    """5.11 逃单补缴回调, request: what became of a payment started by 3.9.

    Times are unix seconds; amounts are yuan.
    """

    park_id: Annotated[str, Note("lot number", "21888")]
    service_name: str = fixed("plat_escape_order")
    state: Annotated[Whole, Note("payment result", "0支付失败,1支付成功", values=(values.State,))]
    amount: Annotated[str, Note("amount paid, yuan, two decimals", "0.01", unit="yuan")]
    receipt_amount: Annotated[str, Note("amount credited, 5 decimals", "0.00994", unit="yuan")]
    pay_platform_fee: Annotated[str, Note("fee of the pay platform, 5 decimals", "0.00006", unit="yuan")]
    trade_no: Annotated[str, Note("transaction number given when the order was placed", "20170921336510038")]
    openid: Annotated[str | None, Note("openid of the user", "ouc2o0zprlFsy5pKdqxSYwqzos5Y")] = None
    description: Annotated[
        str | None,
        Note(
            "extra data of the order, returned unchanged; empty if none was given",
            "orderid=10&time=20170923141950",
            max_length=32,
        ),
    ] = None
    out_trade_no: Annotated[str, Note("transaction number of the third party", "M617FBS0NRTBZLPGHUC")]
    pay_time: Annotated[Whole | None, Note("time of payment, unix", "1490876000", unit="unix seconds", needed=True)] = (
        None
    )


class EscapePaymentTaken(Message):
    """5.11 逃单补缴回调, answer."""

    state: Annotated[Whole, Note("result", "0处理失败,1处理成功", values=(values.State,))]
    trade_no: Annotated[str, Note("transaction number given when the order was placed", "20170921336435142")]


class ChangeNotice(Message):
    """5.12 找零支出下发通知, request: what became of a red packet asked for by 3.10.

    Times are unix seconds; amounts are yuan.
    """

    service_name: str = fixed("recharge")
    union_id: Annotated[Whole, Note("vendor number", "100000", max_length=24)]
    park_id: Annotated[str, Note("lot number", "12345", max_length=24)]
    trade_no: Annotated[str, Note("transaction number", "ABC1234567", max_length=32)]
    recharge_money: Annotated[Decimal, Note("amount of change", "1.58", unit="yuan", max_length=15)]
    state: Annotated[Whole, Note("state of the change", "1", values=(values.ChangeState,), max_length=1)]
    errmsg: Annotated[str, Note("text", "找零成功", max_length=48)]
    recharge_channel: Annotated[Whole, Note("channel", "0", values=(values.ChangeChannel,), max_length=1)]
    recharge_time: Annotated[Whole, Note("time of the change, unix", "1490875218", unit="unix seconds", max_length=15)]
    car_number: Annotated[str, Note("plate", "京GH0000", max_length=24)]
    order_id: Annotated[str, Note("order number of the transaction", "A11110000", max_length=64)]
    remark: Annotated[str, Note("note, fixed value 现金找零", "现金找零", max_length=128)]


class ChangeNoticeTaken(Message):
    """5.12 找零支出下发通知, answer."""

    service_name: str = fixed("recharge")
    state: Annotated[Whole, Note("result", "0失败1成功", values=(values.State,), max_length=2)]
    trade_no: Annotated[str, Note("transaction number", "ABC1234567", max_length=32)]
    errmsg: Annotated[str | None, Note("text", needed=when("state", 0), max_length=48)] = None


class VerifyCode(Message):
    """5.13 无牌车入场获取短信验证码接口, request: has the vendor send an SMS and asks for the code in it."""

    service_name: str = fixed("verify_code")
    union_id: Annotated[Whole, Note("vendor account", "200188")]
    park_id: Annotated[str, Note("lot number", "1001")]
    car_number: Annotated[str, Note("plate", "EA47829")]
    mobile_number: Annotated[str, Note("mobile number", "18888888888")]
    pay_user_id: Annotated[str, Note("WeChat openID or Alipay BuyerID of the driver", "12931232131")]


class VerifyCodeAnswer(Message):
    """5.13 无牌车入场获取短信验证码接口, answer."""

    state: Annotated[Whole, Note("result", "0失败,1成功", values=(values.State,))]
    errmsg: Annotated[str | None, Note("text", "发送验证码失败", needed=when("state", 0))] = None
    verify_code: Annotated[str | None, Note("the code that was sent", "102993", needed=when("state", 1))] = None


class ReductionNotice(Message):
    """5.14 缴费减免通知, request: a third party reduces a fee: points, a hotel, a charging station.

    Durations are minutes; amounts are yuan; times are yyyy-MM-dd HH:mm:ss. Unconfirmed: station_name, connector_id,
    connector_name, park_no, power, elec_money, service_money, total_money, calculation_method.
    """

    service_name: str = fixed("pay_notice")
    park_id: Annotated[str, Note("lot number", "20170511810")]
    car_number: Annotated[str, Note("plate", "京A12345")]
    type: Annotated[Whole, Note("kind of data", "2", values=(values.ReductionKind,))]
    order_id: Annotated[str | None, Note("order number", "ssss", needed=when("type", 1))] = None
    trade_no: Annotated[str | None, Note("transaction number (type 1)", "ddddd")] = None
    pay_time: Annotated[Whole | None, Note("time of payment (type 1)", "1500000000", unit="unix seconds")] = None
    pay_type: Annotated[
        Whole | None, Note("kind of payment (type 1; listed twice)", "1", values=(values.NoticePayType,))
    ] = None
    payable: Annotated[str | None, Note("amount due (type 1)", "50", unit="yuan")] = None
    act_total: Annotated[str | None, Note("amount received (type 1)", "40", unit="yuan")] = None
    deduction_count: Annotated[str | None, Note("points deducted (type 1)", "10")] = None
    deduction_time: Annotated[
        str | None,
        Note("minutes deducted (type 1; listed twice, as points deduction and as reduction)", "10", unit="minutes"),
    ] = None
    deduction_money: Annotated[str | None, Note("yuan deducted by points (type 1)", "10", unit="yuan")] = None
    reduce_amount: Annotated[str | None, Note("reduction in yuan (type 1 and type 3)", "10", unit="yuan")] = None
    remark: Annotated[str | None, Note("note (type 1; listed twice)", "第一条数")] = None
    arrival_time: Annotated[
        str | None, Note("arrival at the hotel (type 2)", "2019-12-26 20:51:46", unit="yyyy-MM-dd HH:mm:ss")
    ] = None
    check_out_time: Annotated[
        str | None, Note("departure from the hotel (type 2)", "2019-12-28 21:51:46", unit="yyyy-MM-dd HH:mm:ss")
    ] = None
    car_number_type: Annotated[str | None, Note("kind of plate (type 2)", "1", values=(values.HotelPlate,))] = None
    plat_form_id: Annotated[
        Whole | None,
        Note(
            "charging platform",
            "1 小桔、2 星星、3 小伟、4 特来电、5 万充、6 驿充电、8 中电联、9 云快充、10 智充、11 "
            "永联、12 奥特迅、13 达克云、14 其他、16济南国家电网 、20特斯拉",
            values=(values.ChargingPlatform,),
            needed=when("type", 3),
        ),
    ] = None
    duration: Annotated[Whole | None, Note("reduction in minutes (type 3)", "10", unit="minutes")] = None
    start_charging_time: Annotated[
        str | None, Note("start of charging (type 3)", "2019-12-26 20:51:46", unit="yyyy-MM-dd HH:mm:ss")
    ] = None
    stop_charging_time: Annotated[
        str | None, Note("end of charging (type 3)", "2019-12-26 21:51:46", unit="yyyy-MM-dd HH:mm:ss")
    ] = None
    start_charge_seq: Annotated[str | None, Note("charging order number (type 3)", "202008170000011121")] = None
    station_id: Annotated[str | None, Note("station number (type 3)", "1101020200A")] = None
    station_name: Annotated[str | None, Note("station name (type 3)", confirmed=False)] = None
    connector_id: Annotated[str | None, Note("connector code", "1101020190A301", confirmed=False)] = None
    connector_name: Annotated[str | None, Note("connector name", "301号交流", confirmed=False)] = None
    park_no: Annotated[str | None, Note("parking-space number", "abc-1", confirmed=False)] = None
    power: Annotated[str | None, Note("energy charged", "12", confirmed=False)] = None
    elec_money: Annotated[str | None, Note("cost of energy", "5", unit="yuan", confirmed=False)] = None
    service_money: Annotated[str | None, Note("service fee (spelled so)", "1.25", unit="yuan", confirmed=False)] = (
        msgspec.field(default=None, name="sevice_money")
    )
    total_money: Annotated[str | None, Note("total", "10", unit="yuan", confirmed=False)] = None
    calculation_method: Annotated[
        Whole | None, Note("how the parking fee is reduced", "1", values=(values.FeeReduction,), confirmed=False)
    ] = None


class ReductionNoticeTaken(Message):
    """5.14 缴费减免通知, answer.

    Unconfirmed: state, errmsg.
    """

    state: Annotated[Whole | None, Note("result", values=(values.State,), confirmed=False)] = None
    errmsg: Annotated[str | None, Note("text", confirmed=False)] = None


INTERFACES: tuple[AnyInterface, ...] = (
    Interface(
        section="5.1",
        title="Query the current price of an order",
        title_zh="查询实时订单金额",
        direction=Direction.DOWNLINK,
        service_name="query_price",
        event="query_price",
        request=PriceQuery,
        answer=Price,
        repeat=Repeat(True, "only asks"),
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="5.2",
        title="Notice of a plate's auto-pay status and of its change",
        title_zh="车牌无感状态及变更通知",
        direction=Direction.DOWNLINK,
        service_name="notice_car_owner",
        event="notice_car_owner",
        request=AutoPayNotice,
        answer=AutoPayNoted,
        repeat=Repeat(True, "sets a value; setting it twice changes nothing"),
    ),
    Interface(
        section="5.3",
        title="Prepaid-order notice",
        title_zh="预付订单通知",
        direction=Direction.DOWNLINK,
        service_name="prepay_order",
        event="prepay_order",
        request=Prepayment,
        answer=PrepaymentTaken,
        repeat=Repeat(True, "a payment message; the lot drops doubles by trade_no"),
        completeness=Completeness.PARTIAL,
        resent=True,
    ),
    Interface(
        section="5.4",
        title="Fetch the entry picture of a car",
        title_zh="获取车辆进场图片",
        direction=Direction.DOWNLINK,
        service_name="get_inpark_image",
        event="get_inpark_image",
        request=GetPicture,
        success=None,
        repeat=Repeat(True, "only asks"),
    ),
    Interface(
        section="5.5",
        title="Asynchronous result of an electronic charge",
        title_zh="电子收费异步返回结果",
        direction=Direction.DOWNLINK,
        service_name="outpark",
        event="outpark",
        request=ChargeResult,
        answer=ChargeResultTaken,
        repeat=Repeat(True, "a payment message; the lot drops doubles by trade_no"),
        completeness=Completeness.PARTIAL,
        resent=True,
    ),
    Interface(
        section="5.6",
        title="Asynchronous result of a refund",
        title_zh="电子订单退款异步返回结果",
        direction=Direction.DOWNLINK,
        service_name="refund",
        event="refund",
        request=RefundResult,
        answer=RefundResultTaken,
        repeat=Repeat(True, "a payment message; the lot drops doubles by trade_no"),
        resent=True,
    ),
    Interface(
        section="5.7",
        title="No-plate entry request",
        title_zh="无牌车入场请求",
        direction=Direction.DOWNLINK,
        service_name="nolicence_in_park",
        event="nolicence_in_park",
        request=NoPlateEntry,
        answer=NoPlateEntryAnswer,
        success=STATE_OR_PENDING,
        repeat=Repeat(False, "the document resends payment messages only; the driver scans again"),
    ),
    Interface(
        section="5.8",
        title="Monthly-card renewal callback",
        title_zh="月卡续费回调",
        direction=Direction.DOWNLINK,
        service_name="monthcard_pay",
        event="monthcard_pay",
        request=PassPayment,
        answer=PassPaymentTaken,
        wrapping=Wrapping.BESIDE,
        success=UNSEEN_STATE,
        repeat=Repeat(True, "a payment message; the lot drops doubles by trade_no"),
        completeness=Completeness.PARTIAL,
        resent=True,
    ),
    Interface(
        section="5.9",
        title="Asynchronous result of a recovered (back-paid) order",
        title_zh="追缴订单异步返回结果",
        direction=Direction.DOWNLINK,
        service_name="repair",
        event="repair",
        request=RecoveredOrder,
        answer=RecoveredOrderTaken,
        repeat=Repeat(True, "a payment message; the lot drops doubles by trade_no"),
        resent=True,
    ),
    Interface(
        section="5.10",
        title="Temporary-parking payment callback",
        title_zh="临停缴费回调",
        direction=Direction.DOWNLINK,
        service_name="plat_unified_order",
        event="plat_unified_order",
        request=ParkingPaymentResult,
        answer=ParkingPaymentTaken,
        repeat=Repeat(True, "a payment message; the lot drops doubles by trade_no"),
        completeness=Completeness.PARTIAL,
        resent=True,
    ),
    Interface(
        section="5.11",
        title="Escaped-order back-payment callback",
        title_zh="逃单补缴回调",
        direction=Direction.DOWNLINK,
        service_name="plat_escape_order",
        event="plat_escape_order",
        request=EscapePaymentResult,
        answer=EscapePaymentTaken,
        repeat=Repeat(True, "a payment message; the lot drops doubles by trade_no"),
        resent=True,
    ),
    Interface(
        section="5.12",
        title="Notice of change paid out (red packet)",
        title_zh="找零支出下发通知",
        direction=Direction.DOWNLINK,
        service_name="recharge",
        event="recharge",
        request=ChangeNotice,
        answer=ChangeNoticeTaken,
        repeat=Repeat(True, "a payment message; the lot drops doubles by trade_no"),
        resent=True,
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
    Interface(
        section="5.14",
        title="Fee-reduction notice",
        title_zh="缴费减免通知",
        direction=Direction.DOWNLINK,
        service_name="pay_notice",
        event="pay_notice",
        request=ReductionNotice,
        answer=ReductionNoticeTaken,
        success=UNSEEN_STATE,
        repeat=Repeat(False, "the document resends payment messages only"),
        completeness=Completeness.PARTIAL,
    ),
)
