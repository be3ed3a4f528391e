"""What persons did, and through what, and what the steps of a stay say beside their names, as sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo

from taigan.bolink import units
from taigan.languages import N_
from taigan.web.console.rendering.words import Tell
from taigan.web.console.rendering.words.alarms import alarmed
from taigan.web.console.rendering.words.passes import times
from taigan.web.console.rendering.words.stays import EVENT, REVIEW
from taigan.web.console.rendering.words.tables import word

_ACTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"alarm \d+ (?P<alarm>\w+) ?(?P<a>.*) taken", N_("接手报警：%(alarm)s %(a)s")),
        (r"alarm \d+ (?P<alarm>\w+) ?(?P<a>.*) snoozed", N_("报警稍后：%(alarm)s %(a)s")),
        (r"alarm \d+ (?P<alarm>\w+) ?(?P<a>.*) done", N_("报警完成：%(alarm)s %(a)s")),
        (r"alarm \d+ (?P<alarm>\w+) ?(?P<a>.*) put back", N_("报警放回：%(alarm)s %(a)s")),
        (r"person (?P<a>\S+) \((?P<b>.+)\) created", N_("建立账号 %(a)s（%(b)s）")),
        (r"person (?P<a>\S+) given (?P<role>\w+) in all", N_("给 %(a)s 角色“%(role)s”，全部车场")),
        (r"person (?P<a>\S+) given (?P<role>\w+) in .+", N_("给 %(a)s 角色“%(role)s”")),
        (r"person (?P<a>\S+) no longer (?P<role>\w+) in all", N_("收回 %(a)s 的角色“%(role)s”，全部车场")),
        (r"person (?P<a>\S+) no longer (?P<role>\w+) in .+", N_("收回 %(a)s 的角色“%(role)s”")),
        (r"person (?P<a>\S+) disabled", N_("停用账号 %(a)s")),
        (r"person (?P<a>\S+) enabled", N_("启用账号 %(a)s")),
        (r"person (?P<a>\S+) reset", N_("重设 %(a)s 的密码和验证码")),
        (r"person (?P<a>\S+) linked to account (?P<b>.+) at (?P<c>\S+)", N_("把 %(a)s 连到账号 %(b)s（%(c)s）")),
        (r"person (?P<a>\S+) unlinked", N_("取消 %(a)s 连着的账号")),
        (
            r"person (?P<a>\S+) signed in from (?P<b>\S+) by account (?P<c>.+) at (?P<d>\S+)",
            N_("登录，从 %(b)s，账号 %(c)s（%(d)s）"),
        ),
        (r"person (?P<a>\S+) signed in from (?P<b>.*)", N_("登录，从 %(b)s")),
        (r"person (?P<a>\S+) signed out", N_("退出")),
        (
            r"person (?P<a>\S+) was not let in from (?P<b>\S+) by account (?P<c>.+) at (?P<d>\S+)",
            N_("登录没有成功，从 %(b)s，账号 %(c)s（%(d)s）"),
        ),
        (r"person (?P<a>\S+) was not let in from (?P<b>.*)", N_("登录没有成功，从 %(b)s")),
        (r"person (?P<a>\S+) changed the password", N_("改自己的密码")),
        (r"person (?P<a>\S+) set up the second factor", N_("绑定手机验证码")),
        (r"matched (?P<a>\S+) in lane (?P<b>.+)", N_("人工选单：%(b)s 车道，订单 %(a)s")),
        (r"cash (?P<a>[\d.]+) for (?P<b>\S+) in lane (?P<c>.+)", N_("收现金 %(a)s 元：%(c)s 车道，订单 %(b)s")),
        (r"refused (?P<a>\S+) in lane (?P<b>.+)", N_("不予放行：%(b)s 车道，订单 %(a)s")),
        (r"let go unpaid (?P<a>\S+) in lane (?P<b>.+): waived", N_("免收放行：%(b)s 车道，订单 %(a)s")),
        (r"let go unpaid (?P<a>\S+) in lane (?P<b>.+): owed", N_("记欠放行：%(b)s 车道，订单 %(a)s")),
        (
            r"payment (?P<a>\S+) of (?P<b>\S+) moved from (?P<c>\S+) to (?P<d>\S+)",
            N_("款项 %(a)s（%(b)s 元）从订单 %(c)s 移到 %(d)s"),
        ),
        (r"payment (?P<a>\S+) assigned to (?P<b>\S+)", N_("款项 %(a)s 归到订单 %(b)s")),
        (r"pass (?P<a>\S+) for (?P<b>.+)", N_("月卡 %(a)s：%(b)s")),
        (r"pass (?P<a>\S+) changed: (?P<b>.+)", N_("改月卡 %(a)s：%(b)s")),
        (r"passes put: (?P<a>\d+) new, (?P<b>\d+) changed", N_("导入月卡：新 %(a)s 张，改 %(b)s 张")),
        (r"passes fetched from BoLink: (?P<a>\d+)", N_("从泊链取月卡 %(a)s 张")),
        (r"pass (?P<a>\S+) ended", N_("停用月卡 %(a)s")),
        (r"price list (?P<a>\d+) from (?P<b>.+)", N_("收费标准第 %(a)s 版，从 %(b)s 起")),
        (r"unblocked (?P<a>.+)", N_("移出禁入名单：%(a)s")),
        (r"emergency on", N_("宣布了紧急状态")),
        (r"emergency off", N_("解除了紧急状态")),
        (r"lane (?P<a>\S+): (?P<b>.+)", N_("改车道 %(a)s：%(b)s")),
        (r"set (?P<a>.+)", N_("改车场设置：%(a)s")),
        (r"delivery (?P<a>\d+) sent again", N_("重送上报 %(a)s")),
        (r"(?P<a>\d+) cars inside imported", N_("导入在场车辆 %(a)s 辆")),
        (r"export of (?P<table>\S+) as (?P<b>\w+) ?(?P<filters>.*)", N_("导出“%(table)s”（%(b)s）%(filters)s")),
        (r"shift (?P<a>\S+) opened at (?P<b>.+) with (?P<c>[\d.]+)", N_("开班：%(b)s，点得 %(c)s 元")),
        (
            r"shift (?P<a>\S+) closed at (?P<b>.+): (?P<c>[\d.]+) counted, (?P<d>[-\d.]+) expected",
            N_("交班：%(b)s，点得 %(c)s 元，应有 %(d)s 元"),
        ),
        (r"free spaces (?P<a>\d+) -> (?P<b>\d+)", N_("更正空位：%(a)s → %(b)s")),
        (r"reconciled (?P<a>.+)", N_("对账 %(a)s")),
        (r"difference (?P<a>.+) settled", N_("对账差异已处理：%(a)s")),
        (r"refund of (?P<a>[\d.]+) by BoLink (?P<b>\S+)", N_("泊链退款 %(a)s 元，款项 %(b)s")),
        (r"refund of (?P<a>[\d.]+) (?P<b>\S+)", N_("申请退款 %(a)s 元，款项 %(b)s")),
        (r"change of (?P<a>[\d.]+) for (?P<b>\S+)", N_("红包找零 %(a)s 元，款项 %(b)s")),
        (r"payment for (?P<a>\S+)", N_("为订单 %(a)s 下单收费")),
        (r"arrears of (?P<a>\S+)", N_("为订单 %(a)s 下单补缴")),
        (r"invoice for (?P<a>\S+)", N_("开发票，款项 %(a)s")),
        (r"to be invoiced: (?P<a>\S+)", N_("让司机在泊链开票，款项 %(a)s")),
        (r"renewal by (?P<a>\d+) months of (?P<b>\S+)", N_("月卡 %(b)s 续 %(a)s 个月，等付款")),
        (r"paid by a third party: (?P<a>\S+)", N_("泊链上买了月卡 %(a)s")),
        (r"areas and hours of passes: (?P<times>.+)", N_("改月卡的区域和时段：%(times)s")),
        (r"terms of passes: (?P<a>.+)", N_("改月卡价目：%(a)s")),
        (r"errand (?P<a>\S+) (?P<b>\S+) done", N_("记下结果：%(b)s（%(a)s）办好了")),
        (r"errand (?P<a>\S+) (?P<b>\S+) failed", N_("记下结果：%(b)s（%(a)s）没有办成")),
        (r"publish lot (?P<a>\S+)", N_("在泊链发布车场")),
        (r"update lot (?P<a>\S+)", N_("更新泊链上的车场")),
        (r"disable lot (?P<a>\S+)", N_("在泊链停用车场")),
        (r"submit merchant of (?P<a>\S+)", N_("提交商户资料")),
        (r"split (?P<a>\d+) % of (?P<b>\S+)", N_("申请分账合同，%(a)s%%")),
        (r"city: .*", N_("改城市平台的设置")),
        (r"city told of (?P<a>\S+)", N_("把停车 %(a)s 告诉城市")),
        (r"community (?P<a>\d+) (?P<b>.+), reported to (?P<c>.+)", N_("设小区 %(a)s %(b)s，报到 %(c)s")),
        (r"community (?P<a>\d+) reported", N_("上报小区 %(a)s")),
        (r"passage (?P<a>\S+) reported again", N_("再报一次进出 %(a)s")),
        (r"access device (?P<a>\S+) removed", N_("移除门禁设备 %(a)s")),
        (r"access device (?P<a>\S+) (?P<b>.+)", N_("门禁设备 %(a)s：%(b)s")),
        (r"bind split of (?P<a>\S+)", N_("绑定分账方")),
        (r"refund (?P<a>\S+) approved", N_("同意退款 %(a)s")),
        (r"refund (?P<a>\S+) withdrawn", N_("撤回退款 %(a)s")),
    )
)


def act(text: str, tell: Tell, role: Tell, zone: tzinfo) -> str:
    """An act as a sentence, its moments on the lot's clock; one that no pattern knows stands as it was written."""
    for pattern, said in _ACTS:
        if found := pattern.fullmatch(text):
            given = {name: value or "" for name, value in found.groupdict().items()}
            given["alarm"] = word("alarm", given.get("alarm"), tell)
            given["role"] = role(given.get("role", ""))
            given["times"] = times(given.get("times", ""), tell)
            given["table"] = exported(given.get("table", ""), tell)
            given["filters"] = filtered(given.get("filters", ""), tell)
            return (tell(said) % given).strip()
    event = next((name for name in sorted(EVENT, key=len, reverse=True) if text.startswith(f"{name} ")), None)
    if event is None:
        return local_times(text, zone)
    order_id, _, rest = text[len(event) + 1 :].partition(" ")
    return f"{tell(EVENT[event])} {order_id} {detail(event, rest, tell, zone)}".strip()


_DETAILS: Mapping[str, tuple[re.Pattern[str], str, str]] = {
    event: (re.compile(rf"(?P<word>{pattern})(?P<between>[: ]+)?(?P<rest>.*)", re.DOTALL), table, said)
    for event, pattern, table, said in (
        ("paid", r"\w+", "way", ""),
        ("charging", r"\w+", "way", ""),
        ("not charged", r"\w+", "way", ""),
        ("awaited", r"BoLink says paid by \w+", "way", N_("泊链说已付：%(word)s")),
        ("reduced", r"\w+", "reduction", ""),
        ("reduction ended", r"\w+", "reduction", ""),
        ("let go unpaid", r"waived|owed", "unpaid", ""),
        ("reviewed", "|".join(map(re.escape, REVIEW)), "review", ""),
    )
}
"""Of steps whose detail begins with a word of the platform: which table has it."""
_RAISED = re.compile(r"raised by (?P<who>.+?): (?P<why>.*)", re.DOTALL)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def detail(event: str, text: str, tell: Tell, zone: tzinfo) -> str:
    """What a step of a stay says beside its name; what a person wrote stands as it was written."""
    if event in ("pass limited", "pass overdue"):
        return alarmed(text, tell)
    known = word("detail", text, tell)
    if known != text:
        return known
    if found := _RAISED.fullmatch(text):
        return tell(N_("%(who)s 手动抬杆：%(why)s")) % {
            "who": found["who"],
            "why": detail("", found["why"], tell, zone),
        }
    text = local_times(text, zone)
    pattern, table, said = _DETAILS.get(event, (None, "", ""))
    found = pattern.fullmatch(text) if pattern is not None else None
    if found is None:
        return text
    first, rest = word(table, found["word"].rpartition(" ")[2] if said else found["word"], tell), found["rest"]
    if event.startswith("reduc"):  # fen are shown as yuan
        rest = (
            re.sub(r"^\d+", lambda fen: units.yuan(int(fen[0])), rest) if found["word"] in ("fen", "waiver") else rest
        )
    return f"{tell(said) % {'word': first} if said else first} {rest}".strip()


def local_times(text: str, zone: tzinfo) -> str:
    """A text whose moments stand on the lot's clock, and whose changes have an arrow."""

    def local(found: re.Match[str]) -> str:
        return f"{datetime.fromisoformat(found[0]).astimezone(zone):%Y-%m-%d %H:%M:%S}"

    return _MOMENT.sub(local, text).replace(" -> ", " → ")


def exported(table: str, tell: Tell) -> str:
    """What a list or report that was taken away is called."""
    return word("export", table, tell)


def filtered(text: str, tell: Tell) -> str:
    """With which filters a list was taken away: `from=2026-01-31 state=out`."""
    said = []
    for name, value in re.findall(r"(\w+)=(.*?)(?= \w+=|$)", text):
        of = _VALUES.get(name, ())
        known = next((found for table in of if (found := word(table, value, tell)) != value), value)
        if value:
            said.append(f"{word('filter', name, tell)} {known}")
    return " · ".join(said)


_VALUES: Mapping[str, tuple[str, ...]] = {
    "state": ("any", "order_state", "payment_state", "errand_state", "difference_state", "pass_state"),
    "kind": ("deed", "reduction"),
    "way": ("way",),
    "what": ("bill",),
}
"""What the values of a filter are called: the first table that knows one."""


def via(text: str, tell: Tell) -> str:
    """Through what something was done: the console and the account, a provider and the account, or a token."""
    kind, _, login = text.partition(":")
    if kind == "console" and login:
        return tell(N_("值班台 %(login)s")) % {"login": login}
    if kind == "oidc" and login:
        return tell(N_("统一登录 %(login)s")) % {"login": login}
    return tell(N_("接口 %(token)s")) % {"token": text} if text else "–"
