"""Chapter 2: lots, their codes and settings."""

from __future__ import annotations

import hmac
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
    Wrapping,
)
from taigan.bolink.fields import CLIENTS_OWN, Message, Note, Whole, unless, when
from taigan.bolink.wire.signing import sign_page


class PublishLot(Message):
    """2.1 发布停车场信息, request: submits a lot for BoLink's review."""

    park_id: Annotated[str, Note("lot number on the vendor platform, must not repeat", "1001")]
    name: Annotated[str, Note("lot name", "北京上地三街9号院停车场")]
    address: Annotated[str, Note("address", "北京上地三街9号")]
    city_id: Annotated[
        Whole,
        Note(
            "city code, from the Ministry of Civil Affairs list "
            "http://www.mca.gov.cn/article/sj/xzqh/2018/201804-12/20180708230813.html",
            "110000",
        ),
    ]
    phone: Annotated[
        str,
        Note(
            "contact phone: a mobile number, or a landline (area code followed by '-', or a number "
            "beginning 400 or 800)",
            "13900944433 or 010-22345625",
        ),
    ]
    mobile: Annotated[str | None, Note("security mobile number; when not passed, phone is taken", "13900944432")] = None
    lng: Annotated[str, Note("longitude, 6 decimals kept", "123.8744332")]
    lat: Annotated[str, Note("latitude, 6 decimals kept", "40.883323")]
    total_plot: Annotated[Whole, Note("total spaces", "120")]
    empty_plot: Annotated[Whole, Note("free spaces", "83")]
    server_id: Annotated[Whole | None, Note("identity id of the service provider", "8001")] = None
    union_id: Annotated[Whole, Note("alliance identity id", "2011", needed=True)] = CLIENTS_OWN
    price_desc: Annotated[str, Note("price description", "2元每小时")]
    remark: Annotated[str | None, Note("remark", "简要说明")] = None
    rand: Annotated[
        str,
        Note(
            "random integer or decimal, must not repeat the previous request's, else the request is illegal",
            "0.99993232345436",
            max_length=32,
        ),
    ]
    docking_type: Annotated[Whole | None, Note("how the lot is docked", "0", values=(values.Docking,))] = None


class LotPublished(Message):
    """2.1 发布停车场信息, answer."""

    park_id: Annotated[str, Note("lot number", "1001")]
    state: Annotated[Whole, Note("submission state", values=(values.State,))]
    errmsg: Annotated[str, Note("message", "添加车场成功")]
    username: Annotated[Whole, Note("login account of the lot", "1000000")]


class UpdateLot(Message):
    """2.2 更新停车场信息, request: changes what BoLink shows of a reviewed lot, or disables it."""

    park_id: Annotated[str, Note("lot number of the alliance member; the lot must have been uploaded before", "1001")]
    type: Annotated[Whole, Note("operation", values=(values.LotChange,))]
    union_id: Annotated[Whole, Note("alliance member id", needed=True)] = CLIENTS_OWN
    total_plot: Annotated[Whole | None, Note("total spaces", "120", needed=True)] = None
    empty_plot: Annotated[Whole | None, Note("free spaces", "83", needed=when("type", 1))] = None
    price_desc: Annotated[str | None, Note("price description, takes effect when type=1", "2元每小时")] = None
    rand: Annotated[
        str,
        Note(
            "random integer or decimal, must not repeat the previous request's, else the request is illegal",
            "0.99993232345436",
            max_length=32,
        ),
    ]
    phone: Annotated[
        str | None,
        Note(
            "contact phone: a mobile number, or a landline (area code followed by '-', or a number "
            "beginning 400 or 800)",
            "13900944433 or 010-22345625",
        ),
    ] = None
    mobile: Annotated[str | None, Note("security mobile number: a mobile or a landline number", "13900944432")] = None


class LotUpdated(Message):
    """2.2 更新停车场信息, answer."""

    park_id: Annotated[str, Note("lot number", "1001")]
    state: Annotated[Whole, Note("submission state", values=(values.State,))]
    errmsg: Annotated[str, Note("message", "修改车场成功")]


class GetQrCode(Message):
    """2.3 二维码获取, request: asks for the address that a printed QR code holds; opaque."""

    union_id: Annotated[Whole, Note("alliance identity id", "200002", needed=True)] = CLIENTS_OWN
    park_id: Annotated[str, Note("lot number on the vendor platform, must not repeat", "21787")]
    type: Annotated[Whole, Note("kind of code", "2", values=(values.CodeKind,))]
    channel_id: Annotated[str | None, Note("channel number", "通道一", needed=when("type", 2, 3))] = None
    change: Annotated[Whole | None, Note("replace the code", "1", values=(values.YesNo,))] = None
    create: Annotated[
        Whole | None,
        Note(
            "make a new one; comes before change: with create=0 the value of change has no effect",
            "1",
            values=(values.YesNo,),
        ),
    ] = None
    message_uuid: Annotated[str | None, Note("message id, use a uuid")] = None
    data_target: Annotated[
        str | None, Note("where the data goes: bolink when absent; three for a third-party platform", "three")
    ] = None
    device_no: Annotated[str | None, Note("unique device number", "12323")] = None


class QrCode(Message):
    """2.3 二维码获取, answer."""

    state: Annotated[Whole, Note("state", values=(values.State,))]
    code_url: Annotated[
        str | None,
        Note("address to draw as the QR code", "https://beta.bolink.club/unionapi/t?p=1218", needed=when("state", 1)),
    ] = None
    errmsg: Annotated[str, Note("text of the result", "getCodeUrl success")]
    type: Annotated[Whole, Note("kind of code", "2", values=(values.CodeKind,))]
    channel_id: Annotated[str | None, Note("channel number", "通道一")] = None


class OnboardingPage(Message):
    """2.4 车场进件页面接口, request: the page where a lot's merchant data are entered.

    Times are unix milliseconds.
    """

    park_id: Annotated[str, Note("lot number", "Park2020010921")]
    union_id: Annotated[str, Note("vendor number", "200279")]
    timestamp: Annotated[Whole, Note("current time of the request, milliseconds", "1584072630326", unit="milliseconds")]
    is_private_cloud: Annotated[Whole, Note("private cloud, always 1", "1", values=(values.PrivateCloud,))]
    sign: Annotated[
        str,
        Note(
            "upper-case MD5 of the vendor KEY followed by timestamp", "0F1A106C865E84863EC862DD93FE1156", max_length=32
        ),
    ]

    def signed_by(self, key: str) -> bool:
        """Was the address made by whoever holds this KEY? Its signature covers nothing but the time."""
        return hmac.compare_digest(
            sign_page(self.timestamp, key).encode(), self.sign.upper().encode("utf-8", "replace")
        )


class NoPlateSettings(Message):
    """2.5: settings of no-plate entry."""

    is_verify: Annotated[Whole, Note("check a code sent to the phone", "0", values=(values.YesNo,))]


class SetSmsCheck(Message):
    """2.5 无牌车入场设置短信验证接口, request: demands a code sent by SMS before a car without a plate may come in."""

    union_id: Annotated[Whole, Note("vendor account on the interconnection platform", "200118", needed=True)] = (
        CLIENTS_OWN
    )
    park_id: Annotated[str, Note("lot number", "1001")]
    no_plate_settings: Annotated[NoPlateSettings, Note("no-plate entry settings", "{}")] = msgspec.field(
        name="nolience_config"
    )


class SmsCheckSet(Message):
    """2.5 无牌车入场设置短信验证接口, answer."""

    state: Annotated[Whole, Note("state", values=(values.State,))]
    errmsg: Annotated[str | None, Note("text of the result", "设置成功", needed=when("state", 0))] = None


class Merchant(Message):
    """2.6: the merchant of a lot."""

    merchant_type: Annotated[
        Whole,
        Note(
            "kind of merchant: without a licence choose 1, with one choose 2 or 3 as the licence says",
            "1",
            values=(values.MerchantType,),
        ),
    ]
    merchant_shortname: Annotated[str, Note("short name, in the form xxx停车场 (length is advice)", max_length=16)]
    merchant_name: Annotated[
        str,
        Note(
            "full name as on the licence; 个体户XXX or 商户_XXX for those without one (length is advice)", max_length=40
        ),
    ]
    license: Annotated[str | None, Note("licence registration number", "123456", needed=unless("merchant_type", 1))] = (
        None
    )
    license_address: Annotated[
        str, Note("registered address on the licence; a micro merchant gives the company address", "硅谷亮城2号楼")
    ]
    license_start: Annotated[
        str | None, Note("licence valid from, yyyyMMdd", "20220101", needed=unless("merchant_type", 1))
    ] = None
    license_end: Annotated[
        str | None,
        Note(
            "licence valid to, yyyyMMdd; one of license_end and license_type must be there",
            "20220102",
            needed="when merchant_type is not 1 and license_type is absent",
        ),
    ] = None
    license_type: Annotated[
        Whole | None,
        Note(
            "end of the licence's validity as a kind; one of license_end and license_type must be there",
            "1",
            values=(values.LicenceValidity,),
            needed="when merchant_type is not 1 and license_end is absent",
        ),
    ] = None
    license_pic: Annotated[
        str | None, Note("licence picture, as a link", "https://image/...", needed=unless("merchant_type", 1))
    ] = None
    regprov_id: Annotated[Whole, Note("province of the registered address, code", "110000")]
    regcity_id: Annotated[Whole, Note("city of the registered address, code", "110100")]
    regarea_id: Annotated[Whole, Note("district of the registered address, code", "110101")]


class OnboardLot(Message):
    """2.6 车场接口进件, request: submits a lot's merchant data without the page of 2.4."""

    park_id: Annotated[str, Note("lot number", "123456")]
    incom_type: Annotated[Whole, Note("kind of onboarding", "2", values=(values.OnboardingKind,))]
    base_info: Annotated[Merchant, Note("data of the merchant")]


class LotOnboarded(Message):
    """2.6 车场接口进件, answer.

    Unconfirmed: state, errmsg.
    """

    state: Annotated[Whole | None, Note("result", values=(values.State,), confirmed=False)] = None
    errmsg: Annotated[str | None, Note("message", confirmed=False)] = None


INTERFACES: tuple[AnyInterface, ...] = (
    Interface(
        section="2.1",
        title="Publish a parking lot",
        title_zh="发布停车场信息",
        direction=Direction.UPLINK,
        request=PublishLot,
        answer=LotPublished,
        hosts=UNION,
        path="/unionapi/newpark/addpark",
        repeat=Repeat(False, "whether a second submission of a park_id is refused or taken is not documented"),
        method="publish_lot",
        completeness=Completeness.PARTIAL,
    ),
    Interface(
        section="2.2",
        title="Update a parking lot",
        title_zh="更新停车场信息",
        direction=Direction.UPLINK,
        request=UpdateLot,
        answer=LotUpdated,
        hosts=UNION,
        path="/unionapi/newpark/updatepark",
        repeat=Repeat(False, "rand must differ from the last request's, so the same text again counts as illegal"),
        method="update_lot",
    ),
    Interface(
        section="2.3",
        title="Get a QR code address",
        title_zh="二维码获取",
        direction=Direction.UPLINK,
        request=GetQrCode,
        answer=QrCode,
        hosts=UNION,
        path="/unionapi/getqrcodecloud",
        repeat=Repeat(False, "with create or change a repeat makes yet another code, and the first one stops working"),
        method="get_qr_code",
    ),
    Interface(
        section="2.4",
        title="Merchant onboarding page of a lot (browser jump)",
        title_zh="车场进件页面接口",
        direction=Direction.PAGE,
        request=OnboardingPage,
        hosts=UNION,
        path="/web/parkingos/gettoken",
        wrapping=Wrapping.QUERY,
        repeat=Repeat(True, "a page that is opened again"),
        method="onboarding_page",
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
    Interface(
        section="2.6",
        title="Merchant onboarding of a lot by interface",
        title_zh="车场接口进件",
        direction=Direction.UPLINK,
        request=OnboardLot,
        answer=LotOnboarded,
        hosts=UNION,
        path="/unionapi/newpark/lsregister",
        wrapping=Wrapping.BESIDE,
        success=UNSEEN_STATE,
        repeat=Repeat(False, "submitted data cannot be changed, and what a second submission does is not documented"),
        method="onboard_lot",
        completeness=Completeness.PARTIAL,
    ),
)
