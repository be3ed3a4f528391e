"""Who may do what: every right there is, in order, with its words; roles as sets of them; grants of them, by lot."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Self

import msgspec


class Right(StrEnum):
    """One thing that may be done, `thing:action`; `zh` and `en` say it to people. Pages list them in this order."""

    zh: str
    en: str

    def __new__(cls, value: str, zh: str, en: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh, member.en = zh, en
        return member

    LOT_SEE = "lot:see", "看车场、车道和现场动态", "see the lot, its lanes and what happens there"
    LOT_SPACES = "lot:spaces", "更正空车位", "correct the free spaces"
    LOT_EMERGENCY = "lot:emergency", "宣布或解除紧急状态", "declare and end an emergency"
    LOT_SET = "lot:set", "改车场的设置", "change the lot's settings"
    LOT_PUBLISH = "lot:publish", "在泊链发布车场、进件、分账", "publish the lot at BoLink, its merchant and its split"

    LANE_RELEASE = "lane:release", "放行或拒绝等候的车", "let a waiting car in, or refuse it"
    LANE_OPEN = "lane:open", "手动抬杆", "raise an arm by hand"
    LANE_HOLD = "lane:hold", "让杆保持抬起", "keep an arm up"
    LANE_CLOSE = "lane:close", "落杆", "lower an arm"
    LANE_SET = "lane:set", "改车道的设置", "change a lane's settings"
    LANE_BARRIER = "lane:barrier", "指定车道用哪台设备", "choose the device of a lane"
    DEVICE_SEE = "device:see", "看设备的状态", "see the devices and their state"
    DEVICE_SET = "device:set", "更换设备的密钥", "change the secrets of devices"

    PLATE_REPORT = "plate:report", "报告识别到的车牌", "report the plates that a camera read"
    PICTURE_SEE = "picture:see", "看出入场图片", "see pictures"
    PICTURE_PUT = "picture:put", "存出入场图片", "store pictures"

    STAY_SEE = "stay:see", "看停车记录", "see the stays"
    STAY_MATCH = "stay:match", "为出场的车选订单", "choose the order for a car that leaves"
    STAY_MATCH_FAR = "stay:match_far", "选车牌相差较大的订单", "choose an order whose plate is far from what was read"
    STAY_CORRECT = "stay:correct", "更正车牌或入场时间", "correct a plate or the time of entry"
    STAY_CORRECT_LATER = "stay:correct_later", "把入场时间改晚", "set the time of entry later"
    STAY_CLOSE = "stay:close", "手动结束停车", "end a stay by hand"
    STAY_EXTEND = "stay:extend", "延长缴费后的离场时间", "give those who paid more time to leave"
    STAY_IMPORT = "stay:import", "导入在场车辆", "import the cars that are inside"

    MONEY_SEE = "money:see", "看费用和收款", "see what is owed and paid"
    MONEY_SET = "money:set", "确定应收金额", "set an amount"
    MONEY_REDUCE = "money:reduce", "减免一部分", "reduce an amount"
    MONEY_WAIVE = "money:waive", "免收", "waive an amount"
    MONEY_ASSIGN = "money:assign", "把未认领的款项归到订单", "assign money that belongs to no stay"
    MONEY_MOVE = "money:move", "把款项移到另一订单", "move a payment to another stay"
    MONEY_RETURN = "money:return", "人工退还多收的款项", "give surplus back by hand"
    MONEY_REVERSE = "money:reverse", "冲销现金收款", "reverse a cash payment"
    MONEY_REFUND = "money:refund", "申请退款", "ask for a refund"
    MONEY_APPROVE = "money:approve", "批准退款", "approve a refund"
    MONEY_RECONCILE = "money:reconcile", "与泊链对账，处理差异", "hold a day against BoLink's books, settle differences"
    MONEY_INVOICE = "money:invoice", "开发票", "have invoices issued"
    MONEY_ESCAPE = "money:escape", "上报欠费", "report what is owed"
    SHIFT_RUN = "shift:run", "开班、收现金、交班", "run a shift, take cash, hand over"
    TARIFF_SEE = "tariff:see", "看收费标准", "see the price lists"
    TARIFF_SET = "tariff:set", "改收费标准", "change the price lists"

    PASS_SEE = "pass:see", "看月卡和名单", "see passes and lists"
    PASS_SET = "pass:set", "改月卡和名单", "change passes and lists"
    BLOCKED_SEE = "blocked:see", "看禁入名单", "see who is not let in"
    BLOCKED_SET = "blocked:set", "改禁入名单", "change who is not let in"

    ALARM_SEE = "alarm:see", "看报警", "see alarms"
    ALARM_TAKE = "alarm:take", "处理报警", "take, snooze and end alarms"
    DELIVERY_SEE = "delivery:see", "看上报记录", "see what is owed to BoLink"
    DELIVERY_REPLAY = "delivery:replay", "重新上报", "send it again"
    REPORT_SEE = "report:see", "看报表", "see reports"
    EXPORT_TAKE = "export:take", "导出", "take exports"
    AUDIT_SEE = "audit:see", "看抬杆和操作记录", "see every lift and act"

    RESIDENT_SEE = "resident:see", "看泊链下发的人员", "see the residents that BoLink sent"
    RESIDENT_SET = "resident:set", "设置小区、门禁设备并上报", "set up the community and its gates, and report them"
    PASSAGE_REPORT = "passage:report", "报告人员进出", "report that a person passed a gate"
    PRIVACY_SHOW = "privacy:show", "查看完整手机号和身份", "see phone numbers and identities unmasked"
    PRIVACY_EXPORT = "privacy:export", "导出某人的数据", "export what is kept of a person"
    PRIVACY_ERASE = "privacy:erase", "删除某人的数据", "erase what is kept of a person"

    STAFF_SEE = "staff:see", "看人员和权限", "see people and rights"
    STAFF_SET = "staff:set", "管理人员和权限", "manage people and rights"
    KEY_SET = "key:set", "更换泊链密钥", "change the key shared with BoLink"


ALL = frozenset(Right)
_SEEN = frozenset(right for right in Right if right.endswith(":see"))
_COLLECTS = frozenset(
    {
        *(Right.LOT_SEE, Right.LANE_RELEASE, Right.LANE_OPEN, Right.LANE_CLOSE, Right.PICTURE_SEE, Right.STAY_SEE),
        *(Right.STAY_MATCH, Right.MONEY_SEE, Right.MONEY_REDUCE, Right.SHIFT_RUN, Right.TARIFF_SEE, Right.PASS_SEE),
        *(Right.BLOCKED_SEE, Right.ALARM_SEE, Right.ALARM_TAKE),
    }
)
_LEADS = frozenset(
    {
        *(Right.LOT_SPACES, Right.LOT_EMERGENCY, Right.LANE_HOLD, Right.DEVICE_SEE, Right.STAY_MATCH_FAR),
        *(Right.STAY_CORRECT, Right.STAY_CLOSE, Right.STAY_EXTEND, Right.MONEY_SET, Right.MONEY_WAIVE),
        *(Right.MONEY_ASSIGN, Right.MONEY_REVERSE, Right.BLOCKED_SET, Right.REPORT_SEE, Right.AUDIT_SEE),
    }
)
_OF_PERSONS = frozenset({Right.STAFF_SEE, Right.RESIDENT_SEE})


class Role(StrEnum):
    """A set of rights that belong to one kind of work; `zh` and `en` are its names."""

    zh: str
    en: str
    rights: frozenset[Right]

    def __new__(cls, value: str, zh: str, en: str, rights: Iterable[Right]) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.zh, member.en, member.rights = zh, en, frozenset(rights)
        return member

    COLLECTOR = "collector", "收费员", "collector", _COLLECTS
    SHIFT_LEADER = "shift_leader", "值班长", "shift leader", _COLLECTS | _LEADS
    FINANCE = (
        "finance",
        "财务",
        "finance",
        {
            *(Right.LOT_SEE, Right.PICTURE_SEE, Right.STAY_SEE, Right.MONEY_SEE, Right.MONEY_ASSIGN, Right.MONEY_MOVE),
            *(Right.MONEY_RETURN, Right.MONEY_REVERSE, Right.MONEY_REFUND, Right.MONEY_ESCAPE, Right.TARIFF_SEE),
            *(Right.MONEY_RECONCILE, Right.MONEY_INVOICE),
            *(Right.PASS_SEE, Right.DELIVERY_SEE, Right.DELIVERY_REPLAY, Right.REPORT_SEE, Right.EXPORT_TAKE),
            Right.AUDIT_SEE,
        },
    )
    MAINTENANCE = (
        "maintenance",
        "维护",
        "maintenance",
        {
            *(Right.LOT_SEE, Right.LANE_OPEN, Right.LANE_HOLD, Right.LANE_CLOSE, Right.LANE_SET, Right.LANE_BARRIER),
            *(Right.DEVICE_SEE, Right.DEVICE_SET, Right.ALARM_SEE, Right.ALARM_TAKE, Right.DELIVERY_SEE),
        },
    )
    MANAGER = "manager", "车场管理员", "manager", ALL - {Right.KEY_SET, Right.LANE_BARRIER, Right.DEVICE_SET}
    GROUP = "group", "集团", "group", (_SEEN - _OF_PERSONS) | {Right.TARIFF_SET, Right.EXPORT_TAKE}
    AUDITOR = "auditor", "审计", "auditor", _SEEN | {Right.EXPORT_TAKE}
    CAMERA = "camera", "摄像机", "camera", {Right.PLATE_REPORT, Right.PICTURE_PUT}
    OWNER = "owner", "所有者", "owner", ALL


class Grant(msgspec.Struct, frozen=True):
    """Rights in some lots; `lots` None: in all of them, those to come included."""

    rights: frozenset[Right]
    lots: frozenset[str] | None = None


class Holder(msgspec.Struct, frozen=True):
    """Whoever speaks to us, by name, and what they may."""

    name: str
    grants: tuple[Grant, ...]

    def may(self, right: Right, lot_id: str) -> bool:
        """Whether they may do that in that lot."""
        return any(right in grant.rights and (grant.lots is None or lot_id in grant.lots) for grant in self.grants)

    def may_everywhere(self, right: Right) -> bool:
        """Whether they may do that in every lot."""
        return any(right in grant.rights and grant.lots is None for grant in self.grants)

    def may_somewhere(self, right: Right) -> bool:
        """Whether there is a lot at all where they may do that."""
        return any(right in grant.rights for grant in self.grants)

    def knows(self, lot_id: str) -> bool:
        """Whether the lot exists for them."""
        return any(grant.lots is None or lot_id in grant.lots for grant in self.grants)

    def lots_with(self, right: Right) -> frozenset[str] | None:
        """The lots where they may do that; None: all."""
        with_it = [grant.lots for grant in self.grants if right in grant.rights]
        return None if None in with_it else frozenset().union(*(lots for lots in with_it if lots is not None))


def rights_of(roles: Iterable[str], rights: Iterable[str]) -> frozenset[Right]:
    """The rights that roles and single rights come to. A name that is no more, or not yet, known gives none."""
    known_rights, known_roles = {right.value: right for right in Right}, {role.value: role for role in Role}
    named = frozenset(known_rights[name] for name in rights if name in known_rights)
    return named.union(*(known_roles[name].rights for name in roles if name in known_roles))
