"""Chapter 6: electronic invoices."""

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
    Success,
    Wrapping,
)
from taigan.bolink.fields import CLIENTS_OWN, Message, Note, Whole, lacking, when


class AddInvoiceOrder(Message):
    """6.1 电子发票开票订单上传接口, request: uploads an order that was not paid through BoLink and may be invoiced
    there.

    Times are unix seconds; amounts are yuan.
    """

    park_id: Annotated[str, Note("lot number", "21888")]
    money: Annotated[Decimal, Note("total amount that may be invoiced, in yuan, two decimals", "5.00", unit="yuan")]
    order_id: Annotated[
        str,
        Note(
            "number of the entry order; at most 32 letters, digits and underscores",
            "20171204152324414_RLF373",
            max_length=32,
        ),
    ]
    plate_number: Annotated[str, Note("plate", "京A0000")]
    pay_time: Annotated[Whole, Note("payment time, unix timestamp in seconds", "1484369702", unit="unix seconds")]


class InvoiceOrderAdded(Message):
    """6.1 电子发票开票订单上传接口, answer."""

    state: Annotated[Whole, Note("result of the call", "1", values=(values.State,))]
    errmsg: Annotated[str | None, Note("message", "上传成功", needed=when("state", 0))] = None


class QueryIssuer(Message):
    """6.2 开票方信息查询接口, request: asks whether a vendor, a service provider or a lot can issue invoices."""

    type: Annotated[Whole, Note("kind of issuer", "2", values=(values.IssuerKind,))]
    union_id: Annotated[Whole, Note("vendor number", "200102", needed=True)] = CLIENTS_OWN
    server_id: Annotated[Whole | None, Note("service provider number", "800111", needed=when("type", 3))] = None
    park_id: Annotated[str | None, Note("lot number", "testMyPark", needed=when("type", 4))] = None


class IssuerDetails(Message):
    """6.2: what an issuer can do."""

    open_invoice: Annotated[Whole, Note("invoice switch", "1", values=(values.YesNo,))]
    start_time: Annotated[
        Whole, Note("start of validity, unix timestamp in seconds", "1569859200", unit="unix seconds")
    ]
    end_time: Annotated[Whole, Note("end of validity, unix timestamp in seconds", "1569859200", unit="unix seconds")]
    state: Annotated[Whole, Note("state", "1", values=(values.IssuerState,))]


class Issuer(Message):
    """6.2 开票方信息查询接口, answer."""

    code: Annotated[Whole, Note("result of the call", "200", values=(values.IssuerCode,))]
    message: Annotated[str | None, Note("message", "success")] = None
    data: Annotated[
        IssuerDetails | None, Note("object with the fields below; not empty when code is 200", needed=when("code", 200))
    ] = None


class IssueInvoice(Message):
    """6.3 开取发票接口, request: has an invoice issued; its state comes by 6.4.

    Amounts are yuan.
    """

    type: Annotated[Whole, Note("kind of issuer", "2", values=(values.IssuerKind,))]
    union_id: Annotated[Whole, Note("vendor number", "200102", needed=True)] = CLIENTS_OWN
    server_id: Annotated[Whole | None, Note("service provider number", "800111", needed=when("type", 3))] = None
    park_id: Annotated[str | None, Note("lot number", "testMyPark", needed=when("type", 4))] = None
    open_type: Annotated[
        Whole | None,
        Note("what is invoiced", "1", values=(values.InvoiceFor,), needed=lacking("tax_rate", "good_name", "tax_code")),
    ] = None
    tax_rate: Annotated[Decimal | None, Note("tax rate times 100", "8", needed=lacking("open_type"))] = None
    good_name: Annotated[str | None, Note("name of the goods or service", needed=lacking("open_type"))] = None
    tax_code: Annotated[str | None, Note("code of the tax item", needed=lacking("open_type"))] = None
    tax_model: Annotated[str | None, Note("model on the invoice; only for 高灯 (Gaodeng) invoices")] = None
    tax_unit: Annotated[str | None, Note("unit on the invoice; only for 高灯 (Gaodeng) invoices")] = None
    tax_total: Annotated[str | None, Note("quantity on the invoice; only for 高灯 (Gaodeng) invoices")] = None
    invoice_order_no: Annotated[str, Note("number of the invoice order, must not repeat", "123456")]
    money: Annotated[Decimal, Note("invoiced amount in yuan", "1.23", unit="yuan")]
    buyer_name: Annotated[str, Note("name of the buyer", "泊链软件")]
    buyer_no: Annotated[
        str | None,
        Note(
            "taxpayer number of the buyer", "165921619595PM", needed="when the buyer is a company (not sent otherwise)"
        ),
    ] = None
    buyer_address: Annotated[str | None, Note("address of the buyer", "硅谷亮城")] = None
    phone: Annotated[str | None, Note("mobile number of the buyer", "15933333333")] = None
    email: Annotated[str | None, Note("mail address of the buyer", "15933333333@163.com")] = None
    bank: Annotated[str | None, Note("bank of the buyer", "中国银行")] = None
    bank_num: Annotated[str | None, Note("bank account of the buyer", "29655952915615")] = None
    notify_url: Annotated[
        str | None,
        Note(
            "callback address; 6.4 sends the state of the invoice there",
            "https://beta.bolink.club/unionapi/WangLianPayNotify",
        ),
    ] = None


class InvoiceRequested(Message):
    """6.3 开取发票接口, answer.

    Unconfirmed: code, message.
    """

    code: Annotated[Whole | None, Note("result; 6.2 has 200, 6.5 has 0 for success", "200", confirmed=False)] = None
    message: Annotated[str | None, Note("message", confirmed=False)] = None


class InvoiceChanged(Message):
    """6.4 发票状态回调接口, request: the state of an invoice. Sent once, unsigned: 6.5 is the trustworthy source.

    Days are yyyy-MM-dd; times are yyyy-MM-dd HH:mm:ss.
    """

    notify_time: Annotated[
        str,
        Note("time of the notice, in the form 2017-09-09 10:20:12", "2017-09-09 10:20:12", unit="yyyy-MM-dd HH:mm:ss"),
    ]
    invoice_order_no: Annotated[str, Note("number of the invoice order, not repeatable", "112233")]
    message: Annotated[str, Note("description of the issuing", "业务参数校验错误 找不到对应的订单号165899774212")]
    open_invoice_time: Annotated[str, Note("time of issue", "2022-07-28", unit="yyyy-MM-dd")] = msgspec.field(
        name="open_invoiceTime"
    )
    pdf_url: Annotated[
        str | None,
        Note(
            "address of the PDF",
            "https://upload.fapiaoer.cn/center/prod_make/20220728/invoice_144032209110_19273380_4397866e5f356b088426d87820883bec.pdf",
        ),
    ] = None
    status: Annotated[str, Note("state of the invoice", "0", values=(values.InvoiceStatus,))]


class InvoiceChangeTaken(Message):
    """6.4 发票状态回调接口, answer.

    Unconfirmed: state, errmsg.
    """

    state: Annotated[
        Whole | None, Note("result; the page has no answer at all", values=(values.State,), confirmed=False)
    ] = None
    errmsg: Annotated[str | None, Note("text", confirmed=False)] = None


class QueryInvoice(Message):
    """6.5 查询开票状态接口, request: asks where an invoice stands."""

    invoice_order_no: Annotated[str, Note("number of the invoice order", "21781")]
    type: Annotated[Whole | None, Note("kind of issuer", "2", values=(values.IssuerKind,))] = None
    union_id: Annotated[Whole, Note("vendor number", "200102", needed=True)] = CLIENTS_OWN
    server_id: Annotated[Whole | None, Note("service provider number", "800111", needed=when("type", 3))] = None
    park_id: Annotated[str | None, Note("lot number", "testMyPark", needed=when("type", 4))] = None


class InvoiceDetails(Message):
    """6.5: one invoice."""

    invoice_order_no: Annotated[str | None, Note("number of the invoice order", "支付测试", needed=True)] = None
    message: Annotated[str, Note("description of the issuing", "业务参数校验错误 找不到对应的订单号165899774212")]
    pdf_url: Annotated[
        str | None,
        Note(
            "address of the PDF",
            "https://upload.fapiaoer.cn/center/prod_make/20220728/invoice_144032209110_19273380_4397866e5f356b088426d87820883bec.pdf",
            needed=True,
        ),
    ] = None
    status: Annotated[str, Note("state of the invoice", "0", values=(values.InvoiceStatus,))]


class Invoice(Message):
    """6.5 查询开票状态接口, answer."""

    code: Annotated[Whole, Note("result of the call", "1", values=(values.InvoiceCode,))]
    message: Annotated[str | None, Note("message", "success")] = None
    data: Annotated[InvoiceDetails, Note("object with the fields below")]


INTERFACES: tuple[AnyInterface, ...] = (
    Interface(
        section="6.1",
        title="Upload an order that may be invoiced",
        title_zh="电子发票开票订单上传接口",
        direction=Direction.UPLINK,
        request=AddInvoiceOrder,
        answer=InvoiceOrderAdded,
        hosts=UNION,
        path="/unionapi/addInvoiceOrder",
        wrapping=Wrapping.BESIDE,
        repeat=Repeat(False, "whether a second upload of an order is dropped is not documented"),
        method="add_invoice_order",
    ),
    Interface(
        section="6.2",
        title="Query whether an issuer can invoice",
        title_zh="开票方信息查询接口",
        direction=Direction.UPLINK,
        request=QueryIssuer,
        answer=Issuer,
        hosts=UNION,
        path="/unionapi/invoiceInfo",
        success=Success("code", (200,)),
        repeat=Repeat(True, "only asks"),
        method="query_issuer",
    ),
    Interface(
        section="6.3",
        title="Issue an invoice",
        title_zh="开取发票接口",
        direction=Direction.UPLINK,
        request=IssueInvoice,
        answer=InvoiceRequested,
        hosts=UNION,
        path="/unionapi/openInvoice",
        success=Success("code", (0, 200), seen=False),
        repeat=Repeat(False, "an invoice_order_no may not be used again"),
        method="issue_invoice",
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="6.4",
        title="Invoice state callback",
        title_zh="发票状态回调接口",
        direction=Direction.DOWNLINK,
        event="invoice_state",
        request=InvoiceChanged,
        answer=InvoiceChangeTaken,
        wrapping=Wrapping.FLAT,
        success=UNSEEN_STATE,
        repeat=Repeat(False, "the page says that it is sent once only"),
    ),
    Interface(
        section="6.5",
        title="Query the state of an invoice",
        title_zh="查询开票状态接口",
        direction=Direction.UPLINK,
        request=QueryInvoice,
        answer=Invoice,
        hosts=UNION,
        path="/unionapi/queryOpenInvoiceStatus",
        success=Success("code", (0,)),
        repeat=Repeat(True, "only asks"),
        method="query_invoice",
    ),
)
