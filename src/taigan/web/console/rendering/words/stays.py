"""A stay: its states, what happened to it, who did it, and what a person should look at."""

from __future__ import annotations

from taigan.languages import N_

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
    "at the exit": N_("到出口"),
    "reported": N_("已报欠费"),
    "reported as owing": N_("人工上报欠费"),
    "reduction ended": N_("减免已撤销"),
    "charging": N_("正在扣费"),
    "not charged": N_("没有扣成"),
    "awaited": N_("等付款消息"),
    "nobody decided": N_("没有人决定"),
    "refund wanted": N_("请求退款"),
    "refund asked": N_("已请泊链退款"),
    "refund running": N_("正在退款"),
    "refund unclear": N_("退款没有回答"),
    "refund done": N_("已退款"),
    "refund failed": N_("没有退成"),
    "refund withdrawn": N_("撤回退款"),
    "payment moved": N_("付款移到另一订单"),
    "pass limited": N_("月卡受限"),
    "arrears": N_("以前在本场没有付清，笔数"),
    "back so soon": N_("刚离场又来，没有免费时长"),
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
    "no order": N_("无订单"),
    "emergency": N_("紧急状态"),
    "late": N_("太晚"),
    "escape_after": N_("等得太久"),
    "matched at the exit": N_("在出口选单"),
    "backed out": N_("倒出去了"),
    "barrier fault": N_("道闸故障"),
    "superseded": N_("后来又入场"),
    "not released in time": N_("一直没有放行"),
    "its entry passage was never seen": N_("没有看见它驶入"),
    "the arm is down, the car on the loop": N_("杆落着，车压着地感"),
    "BoLink is not reached: let go, owed": N_("泊链不通，先放行、记欠费"),
}
"""Why or how a step of a stay came about, where it was no person who wrote it."""
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
