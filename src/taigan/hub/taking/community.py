"""Chapter 8's uplinks: residential areas, their devices, faces, passages. 8.3-8.6, 8.8, 8.9 are our own design."""

from __future__ import annotations

from datetime import datetime

from taigan.bolink import BadMessage, write
from taigan.bolink.chapters.community import (
    Community,
    CommunityReported,
    Device,
    DeviceReported,
    Face,
    FaceReported,
    LoggedIn,
    Login,
    LoginVerdict,
    PersonRecord,
    PersonReported,
    Platforms,
    PlatformsVerdict,
    QueryPlatforms,
    QueryReports,
    Reported,
    Reports,
    ReportsVerdict,
    Verdict,
)
from taigan.bolink.fields import Message
from taigan.hub.book import records
from taigan.hub.book.records import Kind
from taigan.hub.book.tables import arrivals
from taigan.hub.book.tables import records as kept
from taigan.hub.taking.stays import BEIJING
from taigan.hub.taking.uploads import Rejected, Taken, Taker, Upload

PLATFORMS = ("shanghai", "jiangsu", "taigan")
"""What can be reported to."""
SESSION_LASTS = 7200
_KINDS = {
    "community": (Kind.COMMUNITIES, "8.4"),
    "device": (Kind.DEVICES, "8.5"),
    "face": (Kind.FACES, "8.6"),
    "person": (Kind.PASSAGES, "8.7"),
}
_LONGEST = 128


def log_in(upload: Upload, message: Login) -> Taken:
    """8.3: a session, in place of the account's last one."""
    _moment(message.time, "time")
    token = upload.new_code()
    upload.put(Kind.SESSIONS, _number(upload, message.user_name), state="open", detail={"token": token})
    verdict = LoginVerdict(state=1, message="登录成功", token=token, expires_in=SESSION_LASTS)
    return _taken(LoggedIn, verdict, "登录成功")


def report_community(upload: Upload, message: Community) -> Taken:
    """8.4: a residential area, in place of what was reported of it."""
    upload.put(Kind.COMMUNITIES, _number(upload, str(message.project_code)))
    return _reported(CommunityReported)


def report_device(upload: Upload, message: Device) -> Taken:
    """8.5: a device, in place of what was reported of it."""
    upload.put(Kind.DEVICES, _number(upload, message.equipment_code))
    return _reported(DeviceReported)


def report_face(upload: Upload, message: Face) -> Taken:
    """8.6: a person's face, in place of what was reported of it."""
    upload.put(Kind.FACES, _number(upload, message.user_code))
    return _reported(FaceReported)


def report_person(upload: Upload, message: PersonRecord) -> Taken:
    """8.7: a person who went in or out; each report is one."""
    if not (message.community_name or "").strip():
        raise Rejected("community_name 缺失")
    if message.time:
        _moment(message.time, "time")
    upload.add(Kind.PASSAGES, _number(upload, upload.new_code()))
    return _reported(PersonReported)


def query_reports(upload: Upload, message: QueryReports) -> Taken:
    """8.8: how many reports of a kind were taken and refused within a time."""
    if message.kind not in _KINDS:
        raise Rejected("kind 错误")
    kind, section = _KINDS[message.kind]
    start = _moment(message.start_time, "start_time") if message.start_time else None
    end = _moment(message.end_time, "end_time") if message.end_time else None
    c = kept.c
    own = records.select(upload.conn, c.kind == kind.value, c.union_id == upload.union_id)
    taken = sum(_between(one.changed_at, start, end) for one in own)
    turned_away = arrivals.select().where(
        arrivals.c.section == section, arrivals.c.lot_id == f"{upload.union_id}-", arrivals.c.accepted.is_(False)
    )
    refused = sum(_between(row.at, start, end) for row in upload.conn.execute(turned_away))
    verdict = ReportsVerdict(state=1, message="查询成功", taken=taken, refused=refused)
    return _taken(Reports, verdict, "查询成功")


def query_platforms(upload: Upload, message: QueryPlatforms) -> Taken:
    """8.9: the platforms that can be reported to."""
    names = [name for name in PLATFORMS if message.name in (None, "", name)]
    return _taken(Platforms, PlatformsVerdict(state=1, message="查询成功", platforms=names), "查询成功")


def _reported(answer: type[Reported]) -> Taken:
    return _taken(answer, Verdict(state=1, message="上报成功"), "上报成功")


def _taken(answer: type[Reported], verdict: Message, text: str) -> Taken:
    return Taken(answer(code=1, data=write(verdict).decode(), message="成功"), text)


def _number(upload: Upload, name: str) -> str:
    """What a report is known by at its platform."""
    if not name.strip() or len(name) > _LONGEST:
        raise Rejected(f"编号为1到{_LONGEST}个字符")
    return f"{upload.platform_name} {name.strip()}"


def _between(at: datetime, start: datetime | None, end: datetime | None) -> bool:
    return (start is None or start <= at) and (end is None or at <= end)


def _moment(text: str, field: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        raise BadMessage(field, "is not yyyy-MM-dd HH:mm:ss") from None


TAKERS: dict[str, Taker] = {
    "8.3": log_in,
    "8.4": report_community,
    "8.5": report_device,
    "8.6": report_face,
    "8.7": report_person,
    "8.8": query_reports,
    "8.9": query_platforms,
}
