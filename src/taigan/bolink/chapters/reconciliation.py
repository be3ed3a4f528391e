"""Chapter 4: what was paid, given back and withdrawn."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from taigan.bolink import values
from taigan.bolink.describing.interface import (
    STATE_OR_PENDING,
    UNION,
    AnyInterface,
    Completeness,
    Direction,
    Interface,
    Repeat,
)
from taigan.bolink.fields import CLIENTS_OWN, Message, Note, Whole, lacking, unless, when


class QueryOrders(Message):
    """4.1 查询历史订单, request: asks for past orders of at most one month.

    Times are unix seconds.
    """

    union_id: Annotated[Whole, Note("account number of the vendor platform (union number)", "109010", needed=True)] = (
        CLIENTS_OWN
    )
    park_id: Annotated[
        str | None,
        Note(
            "lot number; together with order_id it selects the one matching order",
            "1001",
            needed=lacking("order_id", "car_number"),
        ),
    ] = None
    order_id: Annotated[
        str | None,
        Note(
            "order number; together with park_id it selects the one matching order",
            "109010",
            needed=lacking("park_id", "car_number"),
        ),
    ] = None
    car_number: Annotated[
        str | None, Note("plate; selects every order of that plate", needed=lacking("park_id", "order_id"))
    ] = None
    start_time: Annotated[
        Whole | None, Note("start of the queried span; default is the start of the current day", unit="unix seconds")
    ] = None
    end_time: Annotated[
        Whole | None, Note("end of the queried span; default is the current time", unit="unix seconds")
    ] = None
    page: Annotated[Whole | None, Note("page number; default page 1")] = None
    size: Annotated[Whole | None, Note("records per page; default 20, at most 100")] = None


class PastOrder(Message):
    """4.1: one past order."""

    car_number: Annotated[str, Note("plate", "苏K88909")]
    in_time: Annotated[Whole, Note("entry time", "1484369702", unit="unix seconds")]
    out_time: Annotated[Whole, Note("exit time", "1484369702", unit="unix seconds")]
    money: Annotated[str, Note("amount in yuan", "1.50", unit="yuan")]
    union_name: Annotated[str, Note("name of the vendor platform that paid", "停车宝")]
    park_name: Annotated[str, Note("lot name", "海淀区上地三街停车场")]
    trade_no: Annotated[
        str | None,
        Note(
            "number of the electronic transaction",
            "201703221642522000021002200001",
            needed="when the order was paid electronically",
        ),
    ] = None


class Orders(Message):
    """4.1 查询历史订单, answer."""

    count: Annotated[
        Whole, Note("total number of records; normally one, more when orders left the lot without being settled", "1")
    ]
    page: Annotated[Whole, Note("page number", "1")]
    state: Annotated[Whole, Note("result of the call", "1", values=(values.State,))]
    errmsg: Annotated[
        str | None, Note("message, given when the query goes wrong", "签名错误", needed=when("state", 0))
    ] = None
    data: Annotated[list[PastOrder], Note("returned records", "[{},{}...]")]


class Refund(Message):
    """4.2 订单退款, request: gives money back to a driver; with state 2 the result comes by 5.6.

    Amounts are yuan.
    """

    union_id: Annotated[Whole, Note("account number of the vendor platform (union number)", "109010", needed=True)] = (
        CLIENTS_OWN
    )
    park_id: Annotated[str, Note("lot number", "1001")]
    trade_no: Annotated[str, Note("number of the electronic transaction to refund", "109010")]
    refund_money: Annotated[Decimal, Note("amount to give back to the driver, two decimals", "0.01", unit="yuan")]
    refund_reason: Annotated[str | None, Note("reason of the refund", "重复扣费")] = None
    notify_url: Annotated[
        str | None,
        Note(
            "address of the asynchronous result callback; begins with http or https, is called by POST, "
            "must carry no parameters",
            "http://106.75.7.55:8080/test_bolink/callparkapi/apppayorder",
        ),
    ] = None


class RefundState(Message):
    """4.2 订单退款, answer."""

    state: Annotated[Whole, Note("refund state", "2", values=(values.PaymentState,))]
    trade_no: Annotated[str, Note("number of the electronic transaction", "109010")]
    errmsg: Annotated[str | None, Note("description of the result", "退款中", needed=when("state", 0))] = None


class QueryPayment(Message):
    """4.3 车场订单电子支付状态查询接口, request: asks whether an order, a renewal or a payment was paid."""

    union_id: Annotated[Whole, Note("account number of the vendor platform (union number)", "109010", needed=True)] = (
        CLIENTS_OWN
    )
    park_id: Annotated[str, Note("lot number", "1001")]
    order_id: Annotated[str | None, Note("order number", "109010", needed=unless("query_type", 1, 2))] = None
    car_number: Annotated[str | None, Note("plate", "苏BH0355", needed=unless("query_type", 1, 2))] = None
    query_type: Annotated[
        Whole | None,
        Note(
            "kind of query",
            "1",
            values=(values.PaymentQuery,),
            needed="when a monthly-card renewal or a temporary-parking payment is queried",
        ),
    ] = None
    trade_no: Annotated[
        str | None,
        Note(
            "number the lot sent with its order: 16 to 32 digits, never repeated",
            "20170921336435142",
            needed="when a monthly-card renewal or a temporary-parking payment is queried",
            max_length=32,
        ),
    ] = None


class PaymentRecord(Message):
    """4.3: one payment."""

    pay_state: Annotated[Whole, Note("payment result of the order", "1", also=("state",))]
    car_number: Annotated[str, Note("plate", "苏BH0355")]
    order_id: Annotated[str, Note("order number", "A1_2C1516935325")]
    pay_type: Annotated[str | None, Note("payment kind", "sweepcode,wallet,scancode", values=(values.PayType,))] = None
    pay_scene: Annotated[str | None, Note("payment scene", "prepay,outpay", values=(values.PaymentPlace,))] = None
    pay_channel: Annotated[Whole, Note("payment channel", "0", values=(values.PayChannel,))]
    in_time: Annotated[Whole, Note("entry time (unix timestamp)", "1520041152", unit="unix seconds")]
    out_time: Annotated[Whole | None, Note("exit time", "1520041152", unit="unix seconds")] = None


class Payments(Message):
    """4.3 车场订单电子支付状态查询接口, answer."""

    state: Annotated[Whole, Note("result of the call", "1", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "查询成功")] = None
    data: Annotated[
        list[PaymentRecord],
        Note(
            "matching records",
            '[{"state":1,"car_number":"苏BH0355","order_id":"A1_2C1516955555"...},{"state":1,"car_number":"苏BH0355","order_id":"A1_2C1516988"..}]',
        ),
    ]


class QueryWithdrawals(Message):
    """4.4 提现查询接口, request: asks for withdrawals of at most one month.

    Days are yyyy-MM-dd.
    """

    union_id: Annotated[Whole, Note("account number of the vendor platform (union number)", "109010", needed=True)] = (
        CLIENTS_OWN
    )
    park_id: Annotated[str, Note("lot number", "1000232")]
    start_time: Annotated[str, Note("first day of the query, yyyy-MM-dd", "2021-06-10", unit="yyyy-MM-dd")]
    end_time: Annotated[str, Note("last day of the query, yyyy-MM-dd", "2021-06-20", unit="yyyy-MM-dd")]
    page: Annotated[Whole | None, Note("page number; default page 1", "1")] = None
    size: Annotated[Whole | None, Note("records per page; default 20, at most 100", "20")] = None


class Withdrawal(Message):
    """4.4: one withdrawal."""

    withdraw_time: Annotated[
        str, Note("time of the withdrawal, yyyy-MM-dd HH:mm:ss", "2021-06-02 10:11:12", unit="yyyy-MM-dd HH:mm:ss")
    ]
    amount: Annotated[Decimal, Note("withdrawn amount in yuan", "2.01", unit="yuan")]
    auto_type: Annotated[Whole, Note("kind of withdrawal", "1", values=(values.WithdrawalKind,))]
    daily_time: Annotated[str, Note("day of the daily report, yyyy-MM-dd", "2021-06-02", unit="yyyy-MM-dd")]
    daily_amount: Annotated[Decimal, Note("amount of the daily report in yuan", "2.12", unit="yuan")]
    state: Annotated[Whole, Note("state of the withdrawal", "1", values=(values.WithdrawalState,))]
    pay_channel: Annotated[Whole, Note("payment company", "2", values=(values.PaymentProvider,))]
    card_number: Annotated[str, Note("receiving account", "21002030120301203")]
    trade_no: Annotated[str, Note("serial number", "2193123213123213")]
    remark: Annotated[str, Note("note", "提现成功")]


class Withdrawals(Message):
    """4.4 提现查询接口, answer."""

    state: Annotated[Whole, Note("state of the request", "1", values=(values.State,))]
    errmsg: Annotated[str | None, Note("description of the result", "请求成功")] = None
    count: Annotated[Whole | None, Note("total number of withdrawal details", "1")] = None
    data: Annotated[list[Withdrawal] | None, Note("withdrawal details", "[{},{}...]")] = None


INTERFACES: tuple[AnyInterface, ...] = (
    Interface(
        section="4.1",
        title="Query past orders",
        title_zh="查询历史订单",
        direction=Direction.UPLINK,
        request=QueryOrders,
        answer=Orders,
        hosts=UNION,
        path="/unionapi/neworder/queryorders",
        repeat=Repeat(True, "only asks"),
        method="query_orders",
    ),
    Interface(
        section="4.2",
        title="Order refund",
        title_zh="订单退款",
        direction=Direction.UPLINK,
        request=Refund,
        answer=RefundState,
        hosts=UNION,
        path="/unionapi/neworder/refund",
        success=STATE_OR_PENDING,
        repeat=Repeat(False, "gives money back, and no refund number guards against doing it twice"),
        method="refund",
    ),
    Interface(
        section="4.3",
        title="Query the electronic payment state of an order",
        title_zh="车场订单电子支付状态查询接口",
        direction=Direction.UPLINK,
        request=QueryPayment,
        answer=Payments,
        hosts=UNION,
        path="/unionapi/neworder/queryOrderState",
        repeat=Repeat(True, "only asks"),
        method="query_payment",
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="4.4",
        title="Query withdrawals",
        title_zh="提现查询接口",
        direction=Direction.UPLINK,
        request=QueryWithdrawals,
        answer=Withdrawals,
        hosts=UNION,
        path="/unionapi/neworder/querywithDrawList",
        repeat=Repeat(True, "only asks"),
        method="query_withdrawals",
    ),
)
