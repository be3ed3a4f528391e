"""Alarms: their kinds, what to do about them, and what they say."""

from __future__ import annotations

import re

from taigan.languages import N_
from taigan.web.console.rendering.words import Tell
from taigan.web.console.rendering.words.passes import times

ALARM = {
    "barrier_fault": N_("道闸故障"),
    "barrier_offline": N_("道闸连不上"),
    "not_confirmed": N_("杆不知抬没抬"),
    "loop_fault": N_("地感故障"),
    "stayed": N_("杆下滞留"),
    "tailgating": N_("跟车"),
    "passed_without_order": N_("无订单通过"),
    "no_entry": N_("没有入场记录"),
    "not_priced": N_("算不出费用"),
    "stay_unusual": N_("停得太久或费用太高"),
    "time_unusual": N_("入场时间不对"),
    "other_car": N_("扫码的和车道里的不是同一辆"),
    "attendant_wanted": N_("已缴费，等人抬杆"),
    "left_owing": N_("欠费离场"),
    "pull_unclear": N_("扣费没有结果"),
    "pull_unknown": N_("不是本场发起的扣款"),
    "payment_not_heard_of": N_("付款一直没有结果"),
    "exit_unanswered": N_("出口的车没人处理"),
    "exit_offline": N_("泊链不通，出口有车"),
    "paid_after_report": N_("上报逃单之后又付了款"),
    "stray": N_("收到的钱找不到订单"),
    "money_conflict": N_("同一笔钱说法不一"),
    "money_unreadable": N_("看不懂的付款消息"),
    "errand_unclear": N_("请泊链办的事没有回答"),
    "refund_failed": N_("多收的没有退成"),
    "refund_slow": N_("退款一天还没有结果"),
    "difference": N_("对账有差异"),
    "change_failed": N_("找零没有送到"),
    "amount_unclear": N_("付款没有总额"),
    "cash_reversed": N_("现金冲销"),
    "wrong_way": N_("逆行入场"),
    "barrier_settings": N_("道闸设置不能用"),
    "barrier_warning": N_("设备提醒"),
    "scanned_again": N_("已入场又扫码"),
    "other_driver": N_("场内车牌换了司机"),
    "scan_limit": N_("同一司机扫码太多次"),
    "sms_limit": N_("短信验证码发太多"),
    "stale_message": N_("旧消息又来了"),
    "upload_refused": N_("泊链拒绝了上报"),
    "queue_age": N_("上报积压"),
    "etc_antenna": N_("ETC 天线报得不对"),
    "payment_awaited": N_("付了款，消息没有到"),
    "not_settled": N_("有一件事收不了尾"),
    "pass_full": N_("月卡车位占满"),
    "stays_stale": N_("有车停得太久"),
    "plate_asked": N_("许多人查同一个车牌"),
}
ALARM_DO = {
    "barrier_fault": N_("人工放车，再看设备。"),
    "barrier_offline": N_("看电源、网线；那里的司机会被拒绝，先人工放车。"),
    "not_confirmed": N_("去看一眼，再放行或不放行。"),
    "loop_fault": N_("修好之前，这条车道人工放行。"),
    "stayed": N_("去看一眼；车下绝不会落杆。"),
    "tailgating": N_("看图查是谁，空位已经算上。"),
    "passed_without_order": N_("看图查是谁，空位已经算上。"),
    "no_entry": N_("看图选订单，或手动抬杆。"),
    "not_priced": N_("补上收费标准；这辆车由人定金额。"),
    "stay_unusual": N_("看图，确认、更正或免收。"),
    "time_unusual": N_("更正入场时间，并看这台机器的时钟。"),
    "other_car": N_("看车，再选订单。"),
    "attendant_wanted": N_("在车道上放行。"),
    "left_owing": N_("追缴、免收，或留在待查。"),
    "pull_unclear": N_("不用管：钱到了会自己入账。"),
    "pull_unknown": N_("对账；钱已入账。"),
    "payment_not_heard_of": N_("对账；后来收到仍算数。"),
    "exit_unanswered": N_("看图，选订单、收现金或抬杆。"),
    "exit_offline": N_("收现金，或人工放行。"),
    "paid_after_report": N_("与泊链核对。"),
    "stray": N_("把款项归到订单，或查是谁付的。"),
    "money_conflict": N_("对账；先到的算数。"),
    "money_unreadable": N_("看原文，找泊链。"),
    "errand_unclear": N_("在泊链后台查看，再写下结果。"),
    "refund_failed": N_("再申请一次，或人工退还。"),
    "refund_slow": N_("在泊链后台查看，再写下结果。"),
    "difference": N_("看对账差异，每条写着怎么办。"),
    "change_failed": N_("改给现金。"),
    "amount_unclear": N_("对账。"),
    "cash_reversed": N_("值班长看一眼。"),
    "wrong_way": N_("看图查是谁，空位已经算上。"),
    "barrier_settings": N_("改好设置；只关了这条车道。"),
    "barrier_warning": N_("看文字，照着做。"),
    "scanned_again": N_("看杆是不是落着，再放行。"),
    "other_driver": N_("看录像。"),
    "scan_limit": N_("可能有人在传码的照片。"),
    "sms_limit": N_("可能有人在刷短信；不是就把上限调高。"),
    "stale_message": N_("泊链重发，或有人重放：看日志。"),
    "upload_refused": N_("看泊链怎么说，改好再送。"),
    "queue_age": N_("看网络和泊链。"),
    "etc_antenna": N_("设好天线；这辆车扫码付。"),
    "payment_awaited": N_("手动对那一天的账，款号和金额就有了。"),
    "not_settled": N_("看日志里的原因，手动结束那张订单。"),
    "pass_full": N_("司机问起，告诉他这次按临时车收费；半小时内有同卡的车离开，就改为免费。"),
    "stays_stale": N_("在停车记录里选“停得太久”，逐个看图：已经走了的手动结束。"),
    "plate_asked": N_("问问车主；要保密的车牌写进 hidden_plates。"),
}
ALARM_STATE = {
    "open": N_("待处理"),
    "taken": N_("处理中"),
    "snoozed": N_("稍后"),
    "done": N_("已完成"),
    "ended": N_("自己恢复"),
}
_ALARMED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"the barrier reports a fault", N_("道闸报了故障")),
        (r"the barrier is not reached", N_("连不上道闸")),
        (r"no answer for (?P<a>\d+) s", N_("%(a)s 秒没有回答")),
        (r"(?P<a>.+): no entry found; like it: (?P<b>.+)", N_("%(a)s 没有入场记录，像的有：%(b)s")),
        (r"(?P<a>.+): no entry found", N_("%(a)s 没有入场记录")),
        (r"(?P<a>.+): waits at the exit, and nobody came", N_("%(a)s 在出口等着，没有人来")),
        (r"the barrier did not confirm and the car still stands there", N_("道闸没有确认，车还停在那里")),
        (r"滞留: .+", N_("车停着没有驶过")),
        (r"(?P<a>.+): a person looks at the stay", N_("%(a)s 请人看一眼这次停车")),
        (r"(?P<a>.+): the entry is later than now", N_("%(a)s 的入场时间晚于现在")),
        (r"(跟车|无订单通过|无订单驶出|逆行入场): .+", ""),
        (
            r"((?P<c>\S+): )?pass (?P<a>\S+): its (?P<b>\d+) spaces are taken by (?P<d>.+)",
            N_("月卡 %(a)s 的 %(b)s 个车位已被 %(d)s 占满，按临时车收费"),
        ),
        (r"pass (?P<a>\S+) is for areas (?P<b>.+) only", N_("月卡 %(a)s 只限区域 %(b)s，按临时车收费")),
        (r"pass (?P<a>\S+) is for (?P<times>.+) only", N_("月卡 %(a)s 只限 %(times)s，其余时间收费")),
        (
            r"pass (?P<a>\S+) was over at (?P<b>.+), and holds until (?P<d>.+)",
            N_("月卡 %(a)s 于 %(b)s 到期，宽限到 %(d)s"),
        ),
        (r"the loop is stuck or dead", N_("地感一直亮着，或坏了")),
        (r"a car passed whose loop never lit", N_("有车通过，地感却没有亮")),
        (r"(?P<a>.+): left owing \d+ fen", N_("%(a)s 没付清就走了")),
        (
            r"(?P<a>[\d.]+) yuan too much were paid, and BoLink did not give them back: (?P<b>.+)",
            N_("多收 %(a)s 元，泊链没有退：%(b)s"),
        ),
        (
            r"(?P<a>[\d.]+) yuan too much were paid, and BoLink did not give them back",
            N_("多收 %(a)s 元，泊链没有退"),
        ),
        (
            r"(?P<a>[\d.]+) yuan: BoLink has worked on the refund for more than a day",
            N_("%(a)s 元的退款，泊链办了一天多"),
        ),
        (r"(?P<a>[\d.]+) yuan by (?P<b>.+)", N_("%(a)s 元，%(b)s")),
    )
)


def alarmed(text: str, tell: Tell) -> str:
    """What an alarm says beside its kind, as a sentence; one that no pattern knows stands as it was written."""
    for pattern, said in _ALARMED:
        if found := pattern.fullmatch(text):
            given = found.groupdict()
            given["times"] = times(given.get("times") or "", tell)
            return tell(said) % given if said else ""
    return text
