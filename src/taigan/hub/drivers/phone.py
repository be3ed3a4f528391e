"""What a phone shows at this moment: the scan as it stands, and what time alone has made of it."""

from __future__ import annotations

import gettext
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from taigan.hub.book import registry
from taigan.hub.book.registry import Lot
from taigan.hub.drivers import scans
from taigan.hub.drivers.scans import Scan, Shown, Sms
from taigan.hub.rules import Rules
from taigan.languages import N_

_ASK = N_("请联系车场管理员")
_ATTENDANT = "管理员"
_ADVICE = (
    ("所在车道的二维码", ""),
    ("未检测到车辆", N_("请停到道闸前的感应区，再扫一次")),
    ("正在处理其他车辆", N_("请等前车通过后再扫一次")),
    ("已识别车牌", N_("不用扫码，请直接驶入")),
    ("车位已满", N_("请等有车离开后再扫码，或前往其他车场")),
    ("二维码已失效", N_("请扫描车道上的新二维码")),
    ("道闸故障", N_("请留在车内，联系管理员抬杆")),
    ("系统繁忙", N_("请稍等片刻，再扫一次")),
    ("紧急状态", N_("请听从现场人员指挥")),
)
"""What to do next, by words in the lot's text; nothing where that says it all."""
_NOT_BY_SCANNING_AGAIN = ("所在车道的二维码", "二维码已失效", "已识别车牌", "其他入口", "入口扫码", "该车道入场")

LOT_TEXTS = (
    N_("请等待管理员放行"),
    N_("正在抬杆，请稍候"),
    N_("车位已满"),
    N_("未检测到车辆，请驶入车道后再扫码"),
    N_("车道正在处理其他车辆，请稍候"),
    N_("已识别车牌，请直接通行"),
    N_("该车已在场"),
    N_("该车已在场，请联系管理员"),
    N_("禁止入场，请联系管理员"),
    N_("道闸故障，请联系管理员"),
    N_("车场紧急状态，请听从现场指挥"),
    N_("系统繁忙，请稍后再扫码"),
    N_("请求已失效，请重新扫码"),
    N_("操作频繁，请稍后再试"),
    N_("请先验证手机号"),
    N_("车辆已倒出，请重新扫码"),
    N_("管理员未放行，请联系管理员"),
    N_("车道不存在，请联系管理员"),
    N_("此处为出口，请到入口扫码"),
    N_("车道已关闭，请走其他入口"),
    N_("无需缴费"),
    N_("无需缴费，请通行"),
    N_("您有欠费订单，可补缴"),
    N_("无需缴费，请通行，您有欠费订单，可补缴"),
    N_("预约车辆不支持预付"),
    N_("已缴费，请于{time}前离场"),
    N_("订单与车牌不符，请联系管理员"),
    N_("未查询到入场记录，请联系管理员"),
    N_("正在识别车辆，请稍后再扫"),
    N_("未识别到车牌，请联系管理员"),
    N_("请联系管理员"),
    N_("您的车辆在{lane}车道，请扫描该车道二维码"),
    N_("正在扣费，请稍候"),
    N_("停车时间异常，请联系管理员"),
    N_("该车已离场"),
    N_("该车有待缴费用，请联系管理员"),
    N_("未查询到在场车辆，请联系管理员"),
    N_("此处为入口，请到出口扫码"),
    N_("车场紧急状态，请直接离场"),
    N_("出口已关闭，请走其他出口"),
    N_("计费失败，请联系管理员"),
    N_("时间异常，请联系管理员"),
    N_("{lane}未检测到车辆，请扫描所在车道的二维码"),
    N_("您已在{lane}车道扫码，请在该车道入场"),
    N_("车道开放时间为{hours}"),
)
"""What lots are known to say, so that it can be read in other languages. Anything else is shown as it came."""
_PATTERNS = [
    (text, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(text)))) for text in LOT_TEXTS if "{" in text
]


def in_language(texts: gettext.NullTranslations, text: str) -> str:
    """What a lot or we say, in another language if it is known there."""
    for pattern, shape in _PATTERNS:
        if found := shape.fullmatch(text):
            return texts.gettext(pattern).format_map(found.groupdict())
    return texts.gettext(text)


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture of the phone. `standing` is what is really the case: a duplicate shows its first scan's."""

    scan: Scan
    lot: Lot
    shown: Shown
    standing: Shown
    text: str
    state: int | None
    waited: float
    """Seconds since the lot was asked."""
    asking: bool
    """The lot has not answered yet."""
    retry_in: float
    """Seconds until another scan is sent on; 0 when it is at once."""
    overdue: bool
    """State 2 for longer than `pending_timeout`: the attendant has to be asked."""
    listening: bool
    """What is shown may still change."""
    changes_in: float | None
    """Seconds until time changes the picture; `None` when only the lot can."""
    sms: Sms | None
    """How far the phone number is proved, while that is asked for."""

    @property
    def advice(self) -> str:
        """What a driver who was refused does next; empty where the lot's text says so itself."""
        otherwise = "" if "请" in self.text else _ASK
        return next((advice for words, advice in _ADVICE if words in self.text), otherwise)

    @property
    def asks(self) -> bool:
        """Whether the attendant has to be called: the page's first button then."""
        if self.standing is Shown.WAITING:
            return self.overdue and self.listening
        return _ATTENDANT in self.text + self.advice

    @property
    def again_first(self) -> bool:
        """Whether another scan of the same code is what helps; it can be tried in any case."""
        return not self.asks and not any(words in self.text for words in _NOT_BY_SCANNING_AGAIN)

    @property
    def mistaken(self) -> bool:
        """Whether the phone number or the code from the SMS was not taken."""
        return self.standing is Shown.VERIFY and self.text not in (scans.PROVE_MOBILE, scans.CODE_ON_ITS_WAY)

    @property
    def digest(self) -> str:
        """The same for two pictures that look the same but for their clocks."""
        picture = (self.shown, self.standing, self.text, self.asking, self.overdue, self.listening)
        return hashlib.sha256(repr(picture).encode()).hexdigest()[:12]


def screen(conn: sa.Connection, rules: Rules, scan_id: str, now: datetime) -> Screen:
    """The phone's picture of a scan. Raises `Unknown`."""
    scan = scans.find(conn, scan_id)
    first = scan if scan.first_scan_id is None else scans.find(conn, scan.first_scan_id)
    lot = registry.lot(conn, scan.lot_id)
    assert lot is not None, "scans refer to lots"
    sms = scans.sms_of(conn, rules, scan, now) if scan.shown is Shown.VERIFY else None
    return _picture(rules, scan, first, lot, sms, now)


def _picture(rules: Rules, scan: Scan, first: Scan, lot: Lot, sms: Sms | None, now: datetime) -> Screen:
    waited = 0.0 if first.pushed_at is None else max(0.0, (now - first.pushed_at).total_seconds())
    since_answer = 0.0 if first.answered_at is None else max(0.0, (now - first.answered_at).total_seconds())
    asking = first.shown is Shown.WAITING and first.state is None
    open_end = first.pushed_at is not None and first.shown in (Shown.WAITING, Shown.TIMEOUT)
    listening = open_end and waited < rules.listen_for
    pending = first.shown is Shown.WAITING and not asking
    overdue = pending and since_answer >= rules.pending_timeout
    retry_in = 0.0 if first.pushed_at is None else max(0.0, rules.duplicate_within - waited)

    text = first.text
    if overdue:
        text = scans.ASK_ATTENDANT if listening else scans.LISTENED_LONG

    changes = [rules.listen_for - waited] if listening else []
    if pending and not overdue:
        changes.append(rules.pending_timeout - since_answer)
    return Screen(
        scan=scan,
        lot=lot,
        shown=scan.shown,
        standing=first.shown,
        text=text,
        state=first.state,
        waited=waited,
        asking=asking,
        retry_in=retry_in,
        overdue=overdue,
        listening=listening,
        changes_in=max(0.0, min(changes)) if changes else None,
        sms=sms,
    )
