"""What the platform's own words are called on the pages: states, steps, alarms, and what went wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from taigan.languages import N_
from taigan.lot.errors import LotError

Tell = Callable[..., str]

ORDER_STATE = {
    "waiting": N_("等候"),
    "in": N_("在场"),
    "void": N_("作废"),
    "abandoned": N_("未见离场"),
    "out": N_("已离场"),
    "stale": N_("停得太久"),  # no state: inside for longer than `stale_after`
}
WAITING_FOR = {
    "barrier": N_("正在抬杆"),
    "attendant": N_("等管理员放行"),
    "arm": N_("等杆落下"),
    "confirmation": N_("等车通过"),
}
POSITION = {
    "closed": N_("杆落着"),
    "rising": N_("正在抬起"),
    "open": N_("杆抬着"),
    "falling": N_("正在落下"),
    "unknown": N_("位置不明"),
}
DIRECTION = {"entry": N_("入口"), "exit": N_("出口")}
SHOT = {"plate": N_("识别时"), "lift": N_("抬杆时"), "passage": N_("通行时"), "given": N_("随订单存的")}
"""When a picture was taken."""
SHOT_KIND = {"in": N_("入场"), "out": N_("离场")}
ORIGIN = {"scan": N_("扫码"), "plate": N_("识别车牌"), "manual": N_("人工")}
EVENT = {
    "waiting": N_("请求入场"),
    "in": N_("入场"),
    "void": N_("作废"),
    "abandoned": N_("未见离场，另有新单"),
    "out": N_("离场"),
    "passed": N_("驶过道闸"),
    "released": N_("放行"),
    "plate read": N_("识别到车牌"),
    "scanned again": N_("再次扫码"),
    "not confirmed": N_("抬杆未确认"),
    "licence changed": N_("改车牌"),
    "plate corrected": N_("更正车牌"),
    "entry time corrected": N_("更正入场时间"),
    "exit plate read": N_("出口识别到车牌"),
    "matched": N_("人工选单"),
    "amount set": N_("定金额"),
    "amount confirmed": N_("确认金额"),
    "waived": N_("免收"),
    "reduced": N_("减免"),
    "paid": N_("付款"),
    "cash reversed": N_("冲销现金"),
    "given back": N_("退还多收"),
    "let go unpaid": N_("未付放行"),
    "time to leave extended": N_("延长离场时间"),
    "closed by hand": N_("人工结束"),
    "reviewed": N_("已复核"),
    "pass limited": N_("月卡受限"),
    "pass overdue": N_("月卡已到期，宽限中"),
}
ACTOR = {
    "camera": N_("摄像机"),
    "platform": N_("系统"),
    "driver": N_("司机"),
    "bolink": N_("泊链"),
    "emergency": N_("紧急状态"),
}
"""Who acts without being a person."""
DETAIL = {
    "barrier": N_("等杆抬起"),
    "attendant": N_("等管理员放行"),
    "arm": N_("等杆落下"),
    "confirmation": N_("等车通过"),
    "confirmed": N_("道闸已确认"),
    "accepted": N_("设备已接收"),
    "uncertain": N_("结果不明"),
    "rejected": N_("设备拒绝"),
    "seen": N_("看见车驶过"),
    "passed": N_("看见车驶过"),
    "free": N_("免费"),
    "paid": N_("已付"),
    "person": N_("人工"),
    "rule": N_("按规则"),
    "unpaid": N_("未付"),
    "late": N_("太晚"),
    "backed out": N_("倒出去了"),
    "barrier fault": N_("道闸故障"),
    "superseded": N_("后来又入场"),
    "not released in time": N_("一直没有放行"),
    "its entry passage was never seen": N_("没有看见它驶入"),
    "the arm is down, the car on the loop": N_("杆落着，车压着地感"),
    "BoLink is not reached: let go, owed": N_("泊链不通，先放行、记欠费"),
}
"""Why or how a step of a stay came about, where it was no person who wrote it."""
COMMAND = {"open": N_("抬杆"), "hold": N_("保持抬起"), "close": N_("落杆")}
CAUSE = {
    "scan": N_("扫码入场"),
    "again": N_("再次扫码"),
    "release": N_("人工放行"),
    "released": N_("离场放行"),
    "plate": N_("识别车牌入场"),
    "manual": N_("手动"),
    "seen": N_("看过杆下没有车"),
    "remote": N_("泊链指令"),
    "arm": N_("杆落下后放行"),
}
OUTCOME = {"accepted": N_("设备已接收"), "rejected": N_("设备拒绝"), "uncertain": N_("结果不明"), "": N_("进行中")}
WAY = {
    "prepay": N_("场内预付"),
    "kiosk": N_("自助缴费机"),
    "scancode": N_("扫码付"),
    "wallet": N_("无感支付"),
    "sweepcode": N_("付款码"),
    "etc": "ETC",
    "cash": N_("现金"),
}
PAYMENT_STATE = {
    "pending": N_("处理中"),
    "failed": N_("失败"),
    "paid": N_("已付"),
    "reversed": N_("已冲销"),
    "unreadable": N_("看不懂"),
}
DELIVERY_STATE = {
    "pending": N_("待上报"),
    "sending": N_("上报中"),
    "done": N_("已上报"),
    "refused": N_("被拒绝"),
    "cancelled": N_("已取消"),
}
RELEASED_BY = {
    "free": N_("免费"),
    "paid": N_("已付"),
    "person": N_("人工"),
    "rule": N_("按规则"),
    "unpaid": N_("未付"),
}
REVIEW = {
    "left owing": N_("欠费离场"),
    "nobody saw the car leave": N_("没有看见车离场"),
    "nobody saw the car pass": N_("没有看见车通过"),
    "two open orders of one plate": N_("同一车牌有两张在场订单"),
    "paid after it was given up": N_("作废之后又付了款"),
    "scanned for the car in front": N_("替前车扫了码"),
    "the barrier never confirmed": N_("道闸一直没有确认"),
    "superseded: the exit was never seen": N_("没有看见离场，又有新的入场"),
    "cash reversed": N_("现金已冲销"),
}
REDUCTION = {
    "minutes": N_("减时"),
    "percent": N_("折扣"),
    "fen": N_("减额"),
    "whole": N_("全免"),
    "window": N_("时段免费"),
    "waiver": N_("免收"),
}
SPACE_CAUSE = {"correction": N_("人工更正"), "pass": N_("没有订单的车经过")}
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
DEED = {"lifts": N_("抬杆和落杆"), "acts": N_("更改"), "accounts": N_("账号和登录")}
ERRAND = {
    "2.1": N_("在泊链发布车场"),
    "2.2": N_("更新泊链上的车场"),
    "2.6": N_("提交商户资料"),
    "3.3": N_("月卡续费"),
    "3.4": N_("下单收停车费"),
    "3.5": N_("分账合同"),
    "3.6": N_("绑定分账方"),
    "3.9": N_("补缴欠费"),
    "3.10": N_("红包找零"),
    "4.2": N_("退款"),
    "6.1": N_("让司机在泊链开票"),
    "6.3": N_("开发票"),
    "11.2": N_("泊链上买月卡"),
}
ERRAND_STATE = {
    "wanted": N_("等第二个人批准"),
    "asked": N_("正在发给泊链"),
    "running": N_("泊链在办"),
    "unclear": N_("结果不明"),
    "done": N_("泊链已办好"),
    "failed": N_("没有办成"),
    "withdrawn": N_("已撤回"),
}
ERRAND_DO = {
    "wanted": N_("请另一个有权限的人打开这一笔，批准或撤回。"),
    "asked": N_("几秒内就有结果。"),
    "running": N_("泊链办完会来消息；司机没付的，等他付。"),
    "unclear": N_("不会自己再发。请在泊链后台看过，再记下结果。"),
}
ERRAND_LOOK = {"wanted": "care", "asked": "waiting", "running": "waiting", "unclear": "stop", "done": "in"} | {
    "failed": "stop",
    "withdrawn": "quiet",
}
ERRAND_LINK = {
    "payurl": N_("付款地址"),
    "url": N_("领红包的地址"),
    "contract_url": N_("签合同的地址"),
    "pdf_url": N_("发票"),
}
DIFFERENCE = {
    "payment_missing_here": N_("泊链有付款，这里没有"),
    "payment_missing_there": N_("这里有付款，泊链没有"),
    "amount_differs": N_("两边金额不同"),
    "withdrawal_failed": N_("提现失败"),
    "withdrawal_differs": N_("日报金额和收款不符"),
    "parked_there_only": N_("泊链以为车还在场"),
    "exit_refused": N_("泊链拒绝了离场"),
    "parked_here_only": N_("泊链以为车已经走了"),
    "bill_unbalanced": N_("账单和明细不符"),
    "bill_missing": N_("车走了，没有账单"),
}
DIFFERENCE_MEANS = {
    "payment_missing_here": N_("司机在泊链付了钱，付款消息没有到这里。"),
    "payment_missing_there": N_("这里记了一笔泊链的付款，泊链那天的账里没有它。"),
    "amount_differs": N_("同一个交易号，泊链的金额和这里的不一样。"),
    "withdrawal_failed": N_("泊链往您的账户打款没有成功。"),
    "withdrawal_differs": N_("泊链那天日报的金额，不等于这里那天经泊链收到的（收款加月卡，减退款，扣或不扣手续费）。"),
    "parked_there_only": N_("这里已经离场或作废，泊链还当它在场。"),
    "exit_refused": N_("离场报给泊链，被拒绝了。"),
    "parked_here_only": N_("泊链当它已经离场，这里还在场。"),
    "bill_unbalanced": N_("应收、减免、已付、已退加起来，不等于这张账单的结余。"),
    "bill_missing": N_("这次停车已经离场，却没有结账。"),
}
DIFFERENCE_DO = {
    "payment_missing_here": N_("请泊链重发付款消息；来了会自己入账，这一项随之消失。发不了，就按交易号查是谁付的。"),
    "payment_missing_there": N_("把交易号给泊链查；确认没有收到的，当天的钱以泊链为准，记下原因。"),
    "amount_differs": N_("把交易号给泊链查，以泊链实收为准；差额在那次停车里补收或退还。"),
    "withdrawal_failed": N_("在泊链后台看失败原因，改好收款账户再提。"),
    "withdrawal_differs": N_("先看同一天有没有别的差异；没有，就把这一天的“收款明细”导出，和泊链日报逐笔对。"),
    "parked_there_only": N_("在“泊链”里找到那次离场，再发一次。"),
    "exit_refused": N_("在“泊链”里看拒绝的原因，改好再发一次。"),
    "parked_here_only": N_("看一眼车还在不在；不在，就结束这次停车；在，离场时会再报。"),
    "bill_unbalanced": N_("点开这次停车，核对付款和减免；弄不清的，把订单号交给维护。"),
    "bill_missing": N_("点开这次停车看经过；把订单号交给维护。"),
}
DIFFERENCE_STATE = {"open": N_("待处理"), "settled": N_("已了结"), "gone": N_("自己对上了")}
INVOICE_KIND = {"1": N_("电子"), "2": N_("纸质")}
PASS_STATE = {"valid": N_("有效"), "soon": N_("30 天内到期"), "grace": N_("宽限中"), "over": N_("已到期或停用")}
PASS_DAY = {
    "mon": N_("周一"),
    "tue": N_("周二"),
    "wed": N_("周三"),
    "thu": N_("周四"),
    "fri": N_("周五"),
    "sat": N_("周六"),
    "sun": N_("周日"),
    "workday": N_("工作日"),
    "weekend": N_("周末"),
    "holiday": N_("节假日"),
}
REPORT_STATE = {
    "pending": N_("待上报"),
    "sending": N_("上报中"),
    "done": N_("已上报"),
    "refused": N_("被拒绝"),
    "unclear": N_("结果不明"),
}
REPORT_LOOK = {"pending": "pending", "sending": "pending", "done": "done", "refused": "stop", "unclear": "care"}
PASSAGE_DIRECTION = {"in": N_("进"), "out": N_("出")}
PASSAGE_WAY = {"face": N_("人脸"), "card": N_("刷卡")}
WAY_OF_MESSAGE = {"in": N_("泊链来的"), "out": N_("发给泊链")}
SAID = {"done": N_("已办"), "no": N_("答不行"), "refused": N_("没有收下"), "unreached": N_("没有送到")}
SIGNATURE = {"raw": N_("和原文相符"), "compact": N_("和去掉空格的文字相符"), "sorted": N_("和排序后的字段相符")}
BILL = {
    "charge": N_("应收"),
    "reduced": N_("减免"),
    "waived": N_("其中免收"),
    "paid": N_("已付"),
    "refunded": N_("已退"),
    "owed": N_("欠"),
    "surplus": N_("多收"),
}

TABLES: Mapping[str, Mapping[str, str]] = {
    "order_state": ORDER_STATE,
    "waiting_for": WAITING_FOR,
    "position": POSITION,
    "direction": DIRECTION,
    "origin": ORIGIN,
    "shot": SHOT,
    "shot_kind": SHOT_KIND,
    "event": EVENT,
    "command": COMMAND,
    "cause": CAUSE,
    "outcome": OUTCOME,
    "way": WAY,
    "payment_state": PAYMENT_STATE,
    "delivery_state": DELIVERY_STATE,
    "released_by": RELEASED_BY,
    "review": REVIEW,
    "reduction": REDUCTION,
    "bill": BILL,
    "space_cause": SPACE_CAUSE,
    "alarm": ALARM,
    "deed": DEED,
    "way_of_message": WAY_OF_MESSAGE,
    "said": SAID,
    "signature": SIGNATURE,
    "errand": ERRAND,
    "errand_state": ERRAND_STATE,
    "errand_do": ERRAND_DO,
    "errand_look": ERRAND_LOOK,
    "errand_link": ERRAND_LINK,
    "difference": DIFFERENCE,
    "difference_means": DIFFERENCE_MEANS,
    "difference_do": DIFFERENCE_DO,
    "difference_state": DIFFERENCE_STATE,
    "invoice_kind": INVOICE_KIND,
    "pass_state": PASS_STATE,
    "pass_day": PASS_DAY,
    "report_state": REPORT_STATE,
    "report_look": REPORT_LOOK,
    "passage_direction": PASSAGE_DIRECTION,
    "passage_way": PASSAGE_WAY,
    "alarm_do": ALARM_DO,
    "actor": ACTOR,
    "detail": DETAIL,
    "alarm_state": ALARM_STATE,
}


def word(of: str, name: str | None, tell: Tell) -> str:
    """What a word of the platform is called on a page; one that the table does not have stands as it is."""
    found = TABLES[of].get(name or "")
    return tell(found) if found else name or ""


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
        (r"export of (?P<a>\S+) as (?P<b>\w+) ?(?P<c>.*)", N_("导出 %(a)s（%(b)s） %(c)s")),
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


_DAY = re.compile(rf"\b({'|'.join(PASS_DAY)})\b")


def _times(text: str, tell: Tell) -> str:
    """Days and hours of passes, with the days as a page calls them."""
    text = text.replace("days of grace", tell(N_("天宽限")))
    return _DAY.sub(lambda found: word("pass_day", found[0], tell), text)


def act(text: str, tell: Tell, role: Tell) -> str:
    """An act as a sentence; one that no pattern knows stands as it was written."""
    for pattern, said in _ACTS:
        if found := pattern.fullmatch(text):
            given = {name: value or "" for name, value in found.groupdict().items()}
            given["alarm"] = word("alarm", given.get("alarm"), tell)
            given["role"] = role(given.get("role", ""))
            given["times"] = _times(given.get("times", ""), tell)
            return tell(said) % given
    event = next((name for name in sorted(EVENT, key=len, reverse=True) if text.startswith(f"{name} ")), None)
    return f"{tell(EVENT[event])} {text[len(event) + 1 :]}" if event is not None else text


def via(text: str, tell: Tell) -> str:
    """Through what something was done: the console and the account, a provider and the account, or a token."""
    kind, _, login = text.partition(":")
    if kind == "console" and login:
        return tell(N_("值班台 %(login)s")) % {"login": login}
    if kind == "oidc" and login:
        return tell(N_("统一登录 %(login)s")) % {"login": login}
    return tell(N_("接口 %(token)s")) % {"token": text} if text else "–"


_ALARMED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"the barrier reports a fault", N_("道闸报了故障")),
        (r"the barrier is not reached", N_("连不上道闸")),
        (r"no answer for (?P<a>\d+) s", N_("%(a)s 秒没有回答")),
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
        (r"(?P<a>[\d.]+) yuan by (?P<b>.+)", N_("%(a)s 元，%(b)s")),
    )
)


def alarmed(text: str, tell: Tell) -> str:
    """What an alarm says beside its kind, as a sentence; one that no pattern knows stands as it was written."""
    for pattern, said in _ALARMED:
        if found := pattern.fullmatch(text):
            given = found.groupdict()
            given["times"] = _times(given.get("times") or "", tell)
            return tell(said) % given if said else ""
    return text


_SAID: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"nobody waits in lane (?P<a>.+)", N_("%(a)s 车道没有等候的车。可能已有人处理。")),
        (r"order .+ does not wait in lane (?P<a>.+)", N_("这辆车已经不在 %(a)s 车道等候。可能已有人处理。")),
        (r"no car stands in lane (?P<a>.+)", N_("%(a)s 车道没有车。")),
        (r"the arm is being raised.*", N_("正在抬杆，请稍候。")),
        (r"the arm is up already.*", N_("杆已经抬着，车可以走。")),
        (r"the arm is still being raised", N_("杆还在抬起，还没有结果。")),
        (r"the car is let go already", N_("车已经放行。")),
        (r"the order is no longer in", N_("这辆车已经不在场。")),
        (r"the order is (?P<a>\w+).*", N_("订单已经是“%(order_state)s”，不能这样做。")),
        (r"(?P<a>\S+) has another order in this lot", N_("%(a)s 在本场还有一张订单。")),
        (r"a payment for the car is under way", N_("这辆车正在付款，请等结果。")),
        (
            r"the plates differ by more than one character.*",
            N_("车牌相差不止一个字：您没有选它的权限。"),
        ),
        (r"another car stands in the lane by now", N_("车道里已经是另一辆车。")),
        (r"(?P<a>[\d.]+) yuan are due by now", N_("现在应付 %(a)s 元，请重新确认。")),
        (r"(?P<a>[\d.]+) yuan are due: say.*", N_("还应付 %(a)s 元：请选免收，还是记欠费。")),
        (r"the stay cannot be priced: say.*", N_("这次停车算不出费用：请选免收，还是记欠费。")),
        (r"nothing is due.*", N_("没有应付的金额。")),
        (r"(?P<a>.+) has no open shift.*", N_("%(a)s 没有开班：现金要在班次里收。")),
        (r"(?P<a>.+) has an open shift at (?P<b>.+)", N_("%(a)s 正在 %(b)s 当班。")),
        (r"(?P<a>.+) has an open shift", N_("%(a)s 已经开班。")),
        (r"the shift is closed already", N_("班次已经交了。")),
        (r"the cash differs from what is expected.*", N_("现金和应有数不符：请写明原因。")),
        (r"in_at is later than now", N_("入场时间晚于现在。")),
        (r"in_at is later than it was.*", N_("把入场时间改晚需要另外的权限。")),
        (r"leave_by must be later than it is", N_("要比现在的离场时限晚。")),
        (r"leave_by is more than two days away", N_("离场时限不能超过两天。")),
        (r"only a stay that goes on and was paid.*", N_("只有已付款、还在场的车有离场时限。")),
        (r"the order is not marked for review", N_("这张订单没有待查。")),
        (r"spaces_free must be from 0 to (?P<a>\d+)", N_("空车位从 0 到 %(a)s。")),
        (r"something happened to the order meanwhile", N_("打开本页以后又有变化，所以没有执行。请看一眼，再提交。")),
        (r"kind must be minutes, percent or fen", N_("请选怎么减。")),
        (r"how must be free, paid or owed", N_("请选怎么结账。")),
        (r"value must be from 1 to (?P<a>\d+)", N_("从 1 到 %(a)s。")),
        (r"fen must be from 1 to the surplus of (?P<a>\d+)", N_("不能超过多收的金额。")),
        (r"fen must be from 0 to (?P<a>\d+)", N_("金额太大。")),
        (r"only a stay that has ended and is owed.*", N_("只有已离场还欠费的才能上报。")),
        (r"nobody knows yet whether it was paid", N_("还不知道司机付了没有，请等结果。")),
        (r"BoLink was told of this exit already", N_("这次离场已经报给泊链，不能再上报欠费。")),
        (r"the reduction has ended already", N_("这项减免已经撤销了。")),
        (r"lot .+ has no reduction .+", N_("没有这项减免。")),
        (r"reason must not be empty", N_("请写原因。")),
        (r"there is no shift .*", N_("没有这个班次。")),
        (r"there is no payment .*", N_("没有这笔款项。")),
        (r"lot .+ has no lane (?P<a>.+)", N_("没有车道 %(a)s。")),
        (r"lot .+ has no order .+", N_("没有这张订单。")),
        (r"the alarm was taken by (?P<a>.+) already", N_("%(a)s 已经在处理这条报警。")),
        (r"the alarm is (done|ended) already", N_("这条报警已经结束。")),
        (r"the alarm is open already", N_("这条报警已经在待处理里。")),
        (r"lot .+ has no alarm .+", N_("没有这条报警。")),
        (r"lot .+ has no errand .+", N_("没有这件事。")),
        (r"lot .+ has no difference .+", N_("没有这项差异。")),
        (r"who asked for a refund cannot approve it.*", N_("申请退款的人不能自己批准：要另一个人。")),
        (r"the payment no longer counts", N_("这笔款项已经不算数。")),
        (r"BoLink cannot give this payment back.*", N_("泊链退不了这笔款：请人工退还。")),
        (r"a refund of this payment is under way", N_("这笔款正在退，请等结果。")),
        (r"part of this payment was given back before.*", N_("这笔款退过一部分：再退请人工退还。")),
        (r"there is an invoice for this payment: have it voided.*", N_("这笔款开过发票：先作废发票，或勾选照样退。")),
        (r"fen must be from 1 to (?P<a>\d+)", N_("金额超过了能退的。")),
        (r"the payment is reversed", N_("这笔款项已经冲销。")),
        (r"the payment is (?P<a>\w+)", N_("这笔款项还没有付成。")),
        (r"the errand is (?P<a>\w+); only.*", N_("这件事已经有了结果，不能再这样做。请刷新看一眼。")),
        (r"state must be done or failed", N_("请选结果。")),
        (r"\S+ is \w+: there is nothing to ask", N_("已经有结果，不用再问。")),
        (r"nothing is owed for this order", N_("这张订单不欠费。")),
        (r"the driver had it invoiced at BoLink already: (?P<a>.*)", N_("司机已在泊链开过发票：%(a)s")),
        (r"there is an invoice for this payment, or.*", N_("这笔款开过发票，或正在开。")),
        (r"all of the payment was given back", N_("这笔款已经全部退回，不能开票。")),
        (r"BoLink invoices what was paid there.*", N_("在泊链付的款，司机自己就能在泊链开票。")),
        (r"the payment belongs to no order", N_("这笔款还没有归到订单。")),
        (r"BoLink was told of this payment", N_("已经报给泊链了。")),
        (r"the difference is \w+", N_("这项差异已经处理过了。")),
        (r"(?P<a>[\d-]+) has not begun at the lot", N_("%(a)s 还没有到。")),
        (r"change is for cash that counts", N_("红包只找算数的现金，一笔一次。")),
        (r"change was given for this payment.*", N_("这笔现金已经找过，或正在找。")),
        (r"BoLink does not know the stay: .*", N_("泊链还没有收下这次入场，没有什么可更正。")),
        (r"nothing is due", N_("现在不用付钱。")),
        (r"a payment for the car is under way", N_("这辆车有一笔付款还在路上。")),
        (r"there is no lane (?P<a>.+)", N_("没有车道 %(a)s。")),
        (r"the lot has no area (?P<a>.+)", N_("没有区域 %(a)s：在“区域和时段”里设。")),
        (r"pass (?P<a>.+) is for an area that would be gone", N_("月卡 %(a)s 还限着一个会没有的区域。")),
        (r"two of the same number", N_("同样的编号写了两次。")),
        (r"a number has 1 to 32 characters.*", N_("编号 1 到 32 个字，不带空格。")),
        (r"there is no pass .*", N_("没有这张月卡。")),
        (r"there is a pass (?P<a>.+) already", N_("已经有月卡 %(a)s。")),
        (r"the pass was ended; sell a new one", N_("这张月卡已停用，请另办一张。")),
        (r"the pass has ended already", N_("这张月卡已经停用。")),
        (r"passes that BoLink told of are changed at BoLink", N_("泊链告知的月卡要在泊链改。")),
        (r"the lot sells no pass of \d+ months", N_("没有这样的价目。")),
        (r"set notify_url first.*", N_("还不能续费：请维护先填 notify_url，泊链才知道把结果发到哪里。")),
        (r"two terms of the same length", N_("同样的月数写了两次。")),
        (r"that was asked before, and .*", N_("已经提交过，不能再交。")),
        (r"the lot has no community yet.*", N_("先设小区。")),
        (r"there is no access device .*", N_("没有这台门禁设备。")),
        (r"there is no lot .*", N_("没有这个车场，或它不归您管。")),
        (r"the barrier refused the command", N_("道闸拒绝了命令。")),
        (
            r".+\nprice list (?P<a>\d+) begins on (?P<b>[\d-]+);.*",
            N_("启用日期（valid_from）须晚于第 %(a)s 版的 %(b)s。"),
        ),
        (r".+\na new price list begins tomorrow.*", N_("启用日期（valid_from）最早是明天。")),
        (r"the lot has no price list for an entry on (?P<a>.+)", N_("%(a)s 入场没有收费标准。")),
    )
)
_KINDS = {
    "nobody_waits": N_("车道里没有等候的车。"),
    "being_raised": N_("正在抬杆，请稍候。"),
    "conflict": N_("现在不能这样做：%(said)s"),
    "bad_value": N_("不能用：%(said)s"),
    "cannot_price": N_("算不出费用：%(said)s"),
    "barrier_fault": N_("道闸没有执行：%(said)s"),
    "bolink": N_("泊链没有回答，或不同意：%(said)s"),
}


def error(error: LotError, tell: Tell) -> str:
    """What went wrong, as a sentence. One of our own pages is in the visitor's language already."""
    for pattern, text in _SAID:
        if found := pattern.fullmatch(error.message):
            values = found.groupdict() | {"order_state": word("order_state", found.groupdict().get("a", ""), tell)}
            return tell(text) % values
    if any("一" <= sign <= "鿿" for sign in error.message) or error.code not in _KINDS:
        return error.message
    return tell(_KINDS[error.code]) % {"said": error.message}
