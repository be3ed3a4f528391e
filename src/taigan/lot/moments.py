"""When the lot platform uses each interface of the document, and where in its code: what `taigan interfaces` and the
pages of the documentation tell. A test holds every line against the code.
"""

from __future__ import annotations

import msgspec


class Moment(msgspec.Struct, frozen=True):
    """`where` is `module:name` below `taigan.lot` (what calls it, or what handles it); `zh` and `en` say when."""

    where: str
    zh: str
    en: str


MOMENTS: dict[str, Moment] = {
    "2.1": Moment("errands.lots:publish", "人要把车场发布到泊链时", "when a person publishes the lot"),
    "2.2": Moment(
        "errands.lots:update",
        "人更改或停用车场时，以及余位变了之后（spaces_every）",
        "when a person changes or disables the lot, and after its free spaces changed (spaces_every)",
    ),
    "2.3": Moment(
        "platform:Platform._fetch_code", "启动后为每条车道和每个车场取码", "after the start, for every lane and lot"
    ),
    "2.4": Moment(
        "errands.errands:Errands.onboarding_page",
        "人要进件页面时",
        "when a person wants the page for the merchant's data",
    ),
    "2.5": Moment(
        "stays.orders:owe_sms_check",
        "车场的短信验证开关改变时",
        "when a lot's check of phone numbers is turned on or off",
    ),
    "2.6": Moment("errands.lots:onboard", "人提交进件资料时", "when a person submits the merchant's data"),
    "3.1": Moment("stays.orders:enter", "车辆入场确定之后", "when an entry is certain"),
    "3.2": Moment("leaving.cars.gone:owe_exit", "车辆离场之后", "when a car has left"),
    "3.3": Moment("errands.passes:renew", "月卡要续费时", "when a pass is to be renewed"),
    "3.4": Moment("errands.paying:place_stay", "车场自己下停车费支付单时", "when the lot places a payment for a stay"),
    "3.5": Moment("errands.lots:split", "人要分账合同时", "when a person wants the contract of a split"),
    "3.6": Moment("errands.lots:bind", "分账合同签好之后", "once the contract of a split is signed"),
    "3.7": Moment(
        "uploads.pulls:Pull",
        "出口的 ETC 天线读到车的标签，而车有应缴时",
        "when an exit's ETC antenna reads the tag of a car that owes something",
    ),
    "3.8": Moment(
        "errands.errands:Errands._escapes",
        "人要看一个车牌的欠费时；账上有欠的车牌要入场时（arrears_at_entry）",
        "when a person wants to see what a plate left owing, or one comes in that owes something (arrears_at_entry)",
    ),
    "3.9": Moment("errands.paying:place_arrears", "欠费要补缴时", "when arrears are to be paid"),
    "3.10": Moment("errands.paying:give_change", "现金找零用红包时", "when change for cash is a red packet"),
    "3.11": Moment(
        "leaving.charging:owe_taken",
        "车辆离场之后，有特来电、奥特迅的充电减免时",
        "when a car has left that 特来电 or 奥特迅 made cheaper",
    ),
    "4.1": Moment(
        "errands.reconciling:Reconciling._orders",
        "每晚，或手动对账时",
        "every night, and when a person reconciles a day",
    ),
    "4.2": Moment(
        "errands.refunds:ask",
        "人申请（或批准）退款时，或离场后多收的自己申请时（refund_surplus）",
        "when a person asks for a refund, or approves it, or surplus asks for its own (refund_surplus)",
    ),
    "4.3": Moment(
        "uploads.questions:Questions._ask",
        "扣款或付款结果不明，而车还在等的时候",
        "while a payment is unclear and its car waits for it",
    ),
    "4.4": Moment(
        "errands.reconciling:Reconciling._withdrawals",
        "每晚，或手动对账时",
        "every night, and when a day is reconciled",
    ),
    "5.1": Moment("messages.money.prices:Prices", "司机查价时", "a driver asks the price"),
    "5.2": Moment(
        "messages.drivers.vehicles:Vehicles.notice_car_owner",
        "车牌的无感支付状态改变时",
        "a plate pays by itself, or no more",
    ),
    "5.3": Moment("messages.money.money:MoneyMessages.prepaid", "司机在场内缴了费", "a driver paid inside the lot"),
    "5.4": Moment(
        "messages.kept:Records.get_inpark_image", "泊链要看入场或出场图片", "BoLink wants an entry or exit picture"
    ),
    "5.5": Moment(
        "messages.money.money:MoneyMessages.charged", "出口的缴费有了结果", "a payment at the exit has its result"
    ),
    "5.6": Moment("messages.money.told:ToldMessages.refunded", "退款有了结果", "a refund has its result"),
    "5.7": Moment("messages.router:NoPlateEntries", "无牌车扫入口码", "a driver without a plate scans at an entry"),
    "5.8": Moment("messages.drivers.passes:PassMessages.paid", "月卡付了款", "a pass was paid"),
    "5.9": Moment("messages.money.told:ToldMessages.recovered", "欠费被追缴", "arrears were recovered without us"),
    "5.10": Moment(
        "messages.money.told:ToldMessages.stay_paid",
        "车场下的停车费支付单有了结果",
        "a payment for a stay that the lot placed has its result",
    ),
    "5.11": Moment(
        "messages.money.told:ToldMessages.arrears_paid",
        "车场下的补缴单有了结果",
        "arrears that the lot placed have their result",
    ),
    "5.12": Moment(
        "messages.money.told:ToldMessages.change_told", "红包找零有了结果", "change as a red packet has its result"
    ),
    "5.13": Moment(
        "messages.drivers.phone_checks:PhoneChecks",
        "无牌车司机要短信验证码",
        "a driver without a plate wants a code by SMS",
    ),
    "5.14": Moment(
        "messages.money.reductions:Reductions",
        "积分、酒店或充电站给车辆减免",
        "points, a hotel or a charging station make a stay cheaper",
    ),
    "6.1": Moment(
        "errands.invoices:offer", "现金要由车主在泊链开票时", "when a driver is to have cash invoiced at BoLink"
    ),
    "6.2": Moment("errands.invoices:may_issue", "每次开票之前", "before every invoice"),
    "6.3": Moment("errands.invoices:issue", "给一笔付款开票时", "when an invoice for a payment is wanted"),
    "6.4": Moment(
        "messages.money.invoices:InvoiceHints",
        "有人提示发票有变化：随后去问 6.5",
        "somebody hints that an invoice changed: 6.5 is asked soon",
    ),
    "6.5": Moment(
        "errands.invoices:stands",
        "每 invoices_every 秒，有提示时随即，或人要看时",
        "every invoices_every seconds, soon after a hint, or when a person wants to know",
    ),
    "7": Moment(
        "errands.errands:Errands.licence_page",
        "厂商自己的页面要司机的无牌车编号时",
        "where a page of the vendor's own needs a driver's number",
    ),
    "8.3": Moment(
        "community.desk:CommunityDesk.report",
        "人要上报小区时，先登录（自己的设计）",
        "when a person reports the community, first (own design)",
    ),
    "8.4": Moment(
        "community.desk:CommunityDesk.report",
        "人要上报小区时（自己的设计）",
        "when a person reports the community (own design)",
    ),
    "8.5": Moment(
        "community.desk:CommunityDesk.report",
        "上报小区时，逐台设备（自己的设计）",
        "with the community, for each device (own design)",
    ),
    "8.6": Moment(
        "community.desk:CommunityDesk.report",
        "上报小区时，逐个有照片的人（自己的设计）",
        "with the community, for each person with a photo (own design)",
    ),
    "8.7": Moment(
        "community.desk:CommunityDesk.look",
        "有人过了小区的门之后，每 10 秒",
        "after somebody passed a gate, every 10 s",
    ),
    "8.8": Moment(
        "community.desk:CommunityDesk.compare",
        "人要核对一天的人员进出时（自己的设计）",
        "when a person compares a day's passages (own design)",
    ),
    "8.9": Moment(
        "community.desk:CommunityDesk.report",
        "上报小区之前，看平台在不在其中（自己的设计）",
        "before the community is reported: whether there is such a platform (own design)",
    ),
    "9.1": Moment("messages.kept:Records.people_data", "泊链下发人员资料", "BoLink sends residents' data"),
    "10.1": Moment(
        "leaving.corrections:owe_correction",
        "人更正了车牌、手动结束了停车，或要求上报时（city.corrections）",
        "when a person corrected a plate, ended a stay, or wants it told (city.corrections)",
    ),
    "10.2": Moment(
        "errands.reconciling:Reconciling._parked", "每晚，或手动对账时", "every night, and when a day is reconciled"
    ),
    "10.3": Moment(
        "errands.reconciling:Reconciling._parked",
        "在场车数与泊链不同时",
        "when BoLink's count of parked cars is not ours",
    ),
    "10.4": Moment(
        "errands.city:CityDesk._ask",
        "有牌车入场前：让不让进，有没有预约共享车位（city.checks）",
        "before a plate is let in: whether it may be, and has a shared space reserved (city.checks)",
    ),
    "10.5": Moment(
        "errands.city:CityDesk.fetch",
        "每 screens_every 秒（city.screens）",
        "every screens_every seconds (city.screens)",
    ),
    "10.6": Moment(
        "errands.passes:fetch",
        "每 passes_every 秒，或人要取时",
        "every passes_every seconds, or when a person wants it",
    ),
    "11.1": Moment("messages.commands:RemoteCommands.operate_liftrod", "泊链要抬杆", "BoLink has an arm raised"),
    "11.2": Moment("messages.drivers.passes:PassMessages.check", "司机要办或续月卡", "a driver wants a pass"),
    "11.3": Moment("messages.commands:RemoteCommands.space_notify", "泊链改余位", "BoLink sets the free spaces"),
    "11.4": Moment(
        "messages.drivers.vehicles:Vehicles.special_plate",
        "泊链改白名单、黑名单",
        "BoLink changes the white or black list",
    ),
    "11.5": Moment(
        "messages.drivers.passes:PassMessages.change", "泊链新增、更改、删除月卡", "BoLink adds, changes or ends a pass"
    ),
    "11.6": Moment(
        "messages.drivers.vehicles:Vehicles.query_car_info", "泊链查月卡车、特殊车", "BoLink asks for a pass or a list"
    ),
    "11.7": Moment("messages.kept:Records.invoice_notify", "泊链开出了发票", "BoLink issued an invoice"),
}
"""By section. A section without a line has no place in the lot platform yet."""
