"""What a driver reads on the phone: `errmsg`, at most 48 characters. The table in docs/entry.md lists when."""

from __future__ import annotations

ENTERED = "入场成功"
ENTERED_ARM_OPEN = "入场成功，请通行"
STALE = "请求已失效，请重新扫码"
TOO_OLD = "请求已失效"
CAME_AGAIN = "a message older than a day came again"
RAISING = "正在抬杆，请稍候"
ATTENDANT = "请等待管理员放行"
IN_LOT = "该车已在场"
IN_LOT_OTHER_DRIVER = "该车已在场，请联系管理员"
NO_CAR = "未检测到车辆，请驶入车道后再扫码"
OTHER_LANE = "{lane}未检测到车辆，请扫描所在车道的二维码"
WAITING_ELSEWHERE = "您已在{lane}车道扫码，请在该车道入场"
LANE_BUSY = "车道正在处理其他车辆，请稍候"
EMERGENCY = "车场紧急状态，请听从现场指挥"
FULL = "车位已满"
BLOCKED = "禁止入场，请联系管理员"
SEE_ATTENDANT = "请联系管理员"
PLATE_READ = "已识别车牌，请直接通行"
CHECK_PHONE = "请先验证手机号"
BARRIER_FAULT = "道闸故障，请联系管理员"
BACKED_OUT = "车辆已倒出，请重新扫码"
BUSY = "系统繁忙，请稍后再扫码"
REFUSED_BY_ATTENDANT = "管理员未放行，请联系管理员"

UNKNOWN_LANE = "车道不存在，请联系管理员"
EXIT_LANE = "此处为出口，请到入口扫码"
LANE_CLOSED = "车道已关闭，请走其他入口"
LANE_HOURS = "车道开放时间为{hours}"
BAD_SIGN = "签名错误"
UNKNOWN_LOT = "车场不存在"
CLOCK_SKEW = "请求时间偏差过大"
TOO_LARGE = "请求过大"
NOT_HANDLED = "暂不支持该业务"
UNKNOWN_SERVICE = "未知的service_name"

CODE_SENT = "发送成功"
CODE_TOO_OFTEN = "操作频繁，请稍后再试"
CODE_FAILED = "发送验证码失败"

SCREEN_WELCOME = "欢迎光临"
SCREEN_SCAN = "请扫码入场"

REVERSED = "车辆倒出未入场"


def fitted(text: str) -> str:
    """At most 48 characters, as BoLink allows for errmsg (sdk/510113)."""
    return text if len(text) <= 48 else text[:47] + "…"
