"""Scans: what a driver at a lane's code is shown, and when the lot hears of it.

Everything here happens inside one transaction, so two phones, or two taps of one, are always one after the other.
"""

from __future__ import annotations

import enum
import hmac
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from taigan.hub.book import registry
from taigan.hub.book.database import insert_row
from taigan.hub.book.registry import Lot
from taigan.hub.book.tables import entries, exits, scans, sms_codes
from taigan.hub.book.trail import Kind, Trail
from taigan.hub.drivers import codes, drivers
from taigan.hub.drivers.drivers import Driver
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.identity import LICENCE_LENGTH, Identity
from taigan.hub.rules import Rules
from taigan.languages import N_


class Shown(enum.StrEnum):
    """What the phone says."""

    VERIFY = "verify"  # the phone number has to be proved first
    WAITING = "waiting"  # the lot is being asked (no state yet), or answered 2
    SUCCESS = "success"
    REFUSED = "refused"
    TIMEOUT = "timeout"  # no usable answer; an entry that is uploaded later makes it a success
    DUPLICATE = "duplicate"  # not sent on: the scan just before stands


ASKING = N_("正在请求入场，请稍候")
ENTERED = N_("入场成功")
NOT_ENTERED = N_("入场失败")
BEING_DEALT_WITH = N_("请等待车场处理")
ASK_ATTENDANT = N_("等待时间较长，管理员可以放行")
NO_ANSWER = N_("车场未及时应答，请重新扫码")
UNREACHABLE = N_("车场网络异常，请稍后重试。")  # problem/633854
BAD_ANSWER = N_("车场应答异常，请重新扫码")
NO_SUCH_LANE = N_("未匹配到此通道，请联系车场管理员")  # problem/633854
CODE_REPLACED = N_("二维码已失效，请扫描车道上的新二维码")
PROVE_MOBILE = N_("请输入手机号，获取短信验证码")
BAD_MOBILE = N_("手机号不正确")
CODE_ON_ITS_WAY = N_("验证码已发送")
CODE_WRONG = N_("验证码错误")
CODE_SPENT = N_("验证码已失效，请重新获取")
CODE_TOO_SOON = N_("获取验证码太频繁，请稍后再试")
CODE_NOT_SENT = N_("发送验证码失败")
LISTENED_LONG = N_("请重新扫码，或联系管理员")

_MOBILE = re.compile(r"\+?[0-9]{5,15}")
_LONGEST_TEXT = 200


_SCAN = sa.select(scans).where(scans.c.scan_id == sa.bindparam("scan_id"))
_JUST_BEFORE = (
    sa.select(scans)
    .where(
        scans.c.driver_id == sa.bindparam("driver_id"),
        scans.c.lot_id == sa.bindparam("lot_id"),
        scans.c.channel_id == sa.bindparam("channel_id"),
        scans.c.code == sa.bindparam("code"),
        scans.c.pushed_at > sa.bindparam("earliest"),
        scans.c.pushed_at <= sa.bindparam("now"),
    )
    .order_by(scans.c.seq.desc())
    .limit(1)
)
_JUST_ENTERED = (
    sa.select(entries.c.order_id)
    .outerjoin(exits, (exits.c.lot_id == entries.c.lot_id) & (exits.c.order_id == entries.c.order_id))
    .where(
        entries.c.lot_id == sa.bindparam("lot_id"),
        entries.c.at > sa.bindparam("earliest"),
        entries.c.at <= sa.bindparam("now"),
        (entries.c.channel_id == sa.bindparam("channel_id")) | (entries.c.channel_id == ""),
        sa.func.substr(entries.c.car_number, -LICENCE_LENGTH) == sa.bindparam("licence"),
        exits.c.id.is_(None),
    )
    .order_by(entries.c.id.desc())
    .limit(1)
)
_ANSWERED_BY_ENTRY = (
    sa.select(scans)
    .where(
        scans.c.lot_id == sa.bindparam("lot_id"),
        scans.c.licence == sa.bindparam("licence"),
        scans.c.pushed_at >= sa.bindparam("earliest"),
        scans.c.order_id.is_(None),
        scans.c.shown.in_((Shown.WAITING.value, Shown.TIMEOUT.value, Shown.SUCCESS.value)),
        (sa.bindparam("channel_id") == "") | (scans.c.channel_id == sa.bindparam("channel_id")),
    )
    .order_by(scans.c.seq)
)
_NEWEST_PUSHED = (
    sa.select(scans.c.scan_id)
    .where(scans.c.lot_id == sa.bindparam("lot_id"), scans.c.pushed_at.is_not(None))
    .order_by(scans.c.seq.desc())
    .limit(1)
)
_OF_ORDER = _NEWEST_PUSHED.where(scans.c.order_id == sa.bindparam("order_id"))
_OF_LICENCE = _NEWEST_PUSHED.where(scans.c.licence == sa.bindparam("licence"))


@dataclass(frozen=True, slots=True)
class Asked:
    """A scan as the phone sends it. The lane is named by its `code`, or (scripts) by lot and channel_id."""

    identity: Identity
    code: str = ""
    lot_id: str = ""
    channel_id: str = ""
    mobile: str = ""
    verify_code: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan as it stands in the book."""

    scan_id: str
    lot_id: str
    channel_id: str
    code: str
    driver_id: int
    licence: str
    mobile: str
    shown: Shown
    text: str
    state: int | None
    first_scan_id: str | None
    order_id: str | None
    created_at: datetime
    pushed_at: datetime | None
    answered_at: datetime | None
    settled_at: datetime | None


class Next(enum.Enum):
    """What has to be done for a scan once it is in the book."""

    NOTHING = enum.auto()
    PUSH = enum.auto()  # ask the lot (5.7)
    SEND_CODE = enum.auto()  # have the lot send an SMS code (5.13)


@dataclass(frozen=True, slots=True)
class Begun:
    """A scan that was taken, and what follows."""

    scan: Scan
    next: Next
    lot: Lot
    driver: Driver
    sms_id: int = 0


def begin(conn: sa.Connection, trail: Trail, rules: Rules, asked: Asked, scan_id: str) -> Begun:
    """Take a scan: decide whether it goes to the lot, stands as it is, or needs the phone number first.

    Raises `Unknown` for a code or lot that never was, `Unusable` for a code that is none for an entry.
    """
    code, lot = _lane(conn, asked)
    driver = drivers.meet(conn, trail, asked.identity)
    taking = _Taking(conn, trail, rules, lot, driver, code, scan_id)
    if not code.code:
        return taking.store(Shown.REFUSED, NO_SUCH_LANE)
    if not code.good:
        return taking.store(Shown.REFUSED, CODE_REPLACED)
    first = taking.just_before()
    if first is not None:
        return taking.store(Shown.DUPLICATE, "", first_scan_id=first.scan_id)
    order_id = taking.just_entered()
    if order_id is not None:
        return taking.store(Shown.SUCCESS, ENTERED, state=1, order_id=order_id, settled_at=trail.at)
    if lot.sms_check:
        return taking.verify(asked.mobile.strip(), asked.verify_code.strip())
    return taking.push("")


def _lane(conn: sa.Connection, asked: Asked) -> tuple[codes.Code, Lot]:
    if asked.code:
        code = codes.find_code(conn, asked.code)
        if code is None:
            raise Unknown("code", "code")
        if code.kind is not codes.CodeKind.ENTRY:
            raise Unusable("this is no code for an entry", "code")
    else:
        good = codes.good_code(conn, asked.lot_id, codes.CodeKind.ENTRY, asked.channel_id)
        code = codes.Code(good, asked.lot_id, codes.CodeKind.ENTRY, asked.channel_id, good=True)
    lot = registry.lot(conn, code.lot_id)
    if lot is None:
        raise Unknown("lot", "lot_id")
    return code, lot


@dataclass
class _Taking:
    """One scan being taken."""

    conn: sa.Connection
    trail: Trail
    rules: Rules
    lot: Lot
    driver: Driver
    code: codes.Code
    scan_id: str

    def just_before(self) -> Scan | None:
        """This driver's scan of this code that was sent on within `duplicate_within`."""
        found = {
            "driver_id": self.driver.id,
            "lot_id": self.lot.lot_id,
            "channel_id": self.code.channel_id,
            "code": self.code.code,
            "earliest": self.trail.at - timedelta(seconds=self.rules.duplicate_within),
            "now": self.trail.at,
        }
        row = self.conn.execute(_JUST_BEFORE, found).first()
        return None if row is None else _scan(row)

    def just_entered(self) -> str | None:
        """The order of this driver's entry by this lane that was uploaded within `entered_within`."""
        found = {
            "lot_id": self.lot.lot_id,
            "channel_id": self.code.channel_id,
            "licence": self.driver.licence,
            "earliest": self.trail.at - timedelta(seconds=self.rules.entered_within),
            "now": self.trail.at,
        }
        return self.conn.execute(_JUST_ENTERED, found).scalar()

    def push(self, mobile: str) -> Begun:
        return self.store(Shown.WAITING, ASKING, next=Next.PUSH, mobile=mobile, pushed_at=self.trail.at)

    def verify(self, mobile: str, typed: str) -> Begun:
        """The SMS way (2.5): first the number, then the code, then on to the lot."""
        last = self._last_code(mobile)
        if not mobile and typed and last is not None:
            mobile = last.mobile
        if not mobile:
            return self._ask(PROVE_MOBILE, "")
        if not _MOBILE.fullmatch(mobile):
            return self._ask(BAD_MOBILE, "")
        if not typed:
            return self._send_code(mobile, last)
        if last is None or not self._usable(last):
            return self._ask(CODE_SPENT, mobile)
        if not hmac.compare_digest(str(last.code).encode(), typed.encode()):
            self._change_code(last.id, tries=last.tries + 1)
            left = self.rules.code_tries - last.tries - 1
            return self._ask(CODE_WRONG if left else CODE_SPENT, mobile, wrong=True)
        self._change_code(last.id, used=True)
        return self.push(mobile)

    def _ask(self, text: str, mobile: str, *, wrong: bool = False) -> Begun:
        begun = self.store(Shown.VERIFY, text, mobile=mobile)
        if wrong:
            self.trail.add(
                Kind.CODE_WRONG,
                ("phone", "hub"),
                text,
                lot_id=self.lot.lot_id,
                channel_id=self.code.channel_id,
                scan_id=begun.scan.scan_id,
            )
        return begun

    def _send_code(self, mobile: str, last: sa.Row[Any] | None) -> Begun:
        if (
            last is not None
            and not last.used
            and last.asked_at > self.trail.at - timedelta(seconds=self.rules.code_interval)
        ):
            return self._ask(CODE_TOO_SOON, mobile)
        row = {
            "driver_id": self.driver.id,
            "lot_id": self.lot.lot_id,
            "mobile": mobile,
            "code": None,
            "asked_at": self.trail.at,
            "tries": 0,
            "used": False,
        }
        sms_id = insert_row(self.conn, sms_codes, row)
        return replace(self.store(Shown.VERIFY, CODE_ON_ITS_WAY, mobile=mobile), next=Next.SEND_CODE, sms_id=sms_id)

    def _last_code(self, mobile: str) -> sa.Row[Any] | None:
        query = sa.select(sms_codes).where(
            sms_codes.c.driver_id == self.driver.id, sms_codes.c.lot_id == self.lot.lot_id
        )
        if mobile:
            query = query.where(sms_codes.c.mobile == mobile)
        return self.conn.execute(query.order_by(sms_codes.c.id.desc()).limit(1)).first()

    def _usable(self, code: sa.Row[Any]) -> bool:
        return (
            code.code is not None
            and not code.used
            and code.tries < self.rules.code_tries
            and code.asked_at > self.trail.at - timedelta(seconds=self.rules.code_valid)
        )

    def _change_code(self, sms_id: int, **values: object) -> None:
        self.conn.execute(sa.update(sms_codes).where(sms_codes.c.id == sms_id).values(values))

    def store(self, shown: Shown, text: str, *, next: Next = Next.NOTHING, **values: Any) -> Begun:
        """Write the scan, or go on with the one whose phone number is being proved."""
        row = values | {
            "lot_id": self.lot.lot_id,
            "channel_id": self.code.channel_id,
            "code": self.code.code,
            "driver_id": self.driver.id,
            "licence": self.driver.licence,
            "mobile": values.get("mobile", ""),
            "shown": shown.value,
            "text": text,
            "state": values.get("state"),
        }
        open_scan = self._open_verification()
        if open_scan is not None and shown in (Shown.VERIFY, Shown.WAITING):
            scan_id = open_scan
            self.conn.execute(sa.update(scans).where(scans.c.scan_id == scan_id).values(row))
        else:
            scan_id = self.scan_id
            self.conn.execute(scans.insert(), row | {"scan_id": scan_id, "created_at": self.trail.at})
            self._tell(Kind.SCANNED, ("phone", "hub"), "", scan_id)
        if shown is Shown.DUPLICATE:
            self._tell(Kind.DUPLICATE, ("hub", "phone"), "", scan_id)
        elif next is Next.NOTHING:
            self._tell(Kind.SHOWN, ("hub", "phone"), text, scan_id)
        scan = find(self.conn, scan_id)
        return Begun(scan, next, self.lot, self.driver)

    def _tell(self, kind: Kind, way: tuple[str, str], text: str, scan_id: str) -> None:
        self.trail.add(kind, way, text, lot_id=self.lot.lot_id, channel_id=self.code.channel_id, scan_id=scan_id)

    def _open_verification(self) -> str | None:
        query = (
            sa.select(scans.c.scan_id)
            .where(
                scans.c.driver_id == self.driver.id,
                scans.c.lot_id == self.lot.lot_id,
                scans.c.channel_id == self.code.channel_id,
                scans.c.code == self.code.code,
                scans.c.shown == Shown.VERIFY.value,
                scans.c.created_at > self.trail.at - timedelta(seconds=self.rules.listen_for),
            )
            .order_by(scans.c.seq.desc())
            .limit(1)
        )
        return self.conn.execute(query).scalar()


def code_sent(conn: sa.Connection, trail: Trail, begun: Begun, code: str | None, text: str) -> None:
    """5.13 was answered: keep the code to compare with, or show why there is none."""
    if code is None:
        conn.execute(sa.delete(sms_codes).where(sms_codes.c.id == begun.sms_id))
    else:
        conn.execute(sa.update(sms_codes).where(sms_codes.c.id == begun.sms_id).values(code=code))
    scan = begun.scan
    conn.execute(
        sa.update(scans)
        .where(scans.c.scan_id == scan.scan_id, scans.c.shown == Shown.VERIFY.value)
        .values(text=text, state=1 if code is not None else 0)
    )
    kind = Kind.CODE_SENT if code is not None else Kind.CODE_REFUSED
    trail.add(kind, ("hub", "phone"), text, lot_id=scan.lot_id, channel_id=scan.channel_id, scan_id=scan.scan_id)


def answered(conn: sa.Connection, trail: Trail, scan_id: str, shown: Shown, text: str, state: int | None) -> None:
    """5.7 was answered, or not: what the phone shows now. An entry that was uploaded meanwhile stands."""
    scan = find(conn, scan_id)
    values: dict[str, Any] = {"answered_at": trail.at, "state": state}
    if scan.order_id is None:
        values |= {"shown": shown.value, "text": text[:_LONGEST_TEXT]}
        if shown in (Shown.SUCCESS, Shown.REFUSED):
            values["settled_at"] = trail.at
        _show(trail, scan, text)
    conn.execute(sa.update(scans).where(scans.c.scan_id == scan_id).values(values))


def settle(
    conn: sa.Connection,
    trail: Trail,
    rules: Rules,
    lot_id: str,
    channel_id: str,
    car_number: str,
    order_id: str,
    in_time: datetime,
) -> None:
    """A 3.1 arrived: the scans it answers become a success.

    It answers the scans of its lot and lane (of any lane, if it names none) whose licence equals, or ends, its
    car_number, made at most `listen_for` before the entry.
    """
    earliest = min(in_time, trail.at) - timedelta(seconds=rules.listen_for)
    found = {
        "lot_id": lot_id,
        "channel_id": channel_id,
        "licence": car_number[-LICENCE_LENGTH:],
        "earliest": earliest,
    }
    for row in conn.execute(_ANSWERED_BY_ENTRY, found).all():
        scan = _scan(row)
        values: dict[str, Any] = {"order_id": order_id}
        if scan.shown is not Shown.SUCCESS:
            values |= {"shown": Shown.SUCCESS.value, "text": ENTERED, "settled_at": trail.at}
            _show(trail, scan, ENTERED)
        conn.execute(sa.update(scans).where(scans.c.scan_id == scan.scan_id).values(values))


def behind(conn: sa.Connection, lot_id: str, order_id: str, car_number: str) -> str | None:
    """The scan that an upload about this order belongs to: the newest it settled, else the newest of its licence."""
    found: str | None = None
    if order_id:
        found = conn.execute(_OF_ORDER, {"lot_id": lot_id, "order_id": order_id}).scalar()
    if found is None:
        found = conn.execute(_OF_LICENCE, {"lot_id": lot_id, "licence": car_number[-LICENCE_LENGTH:]}).scalar()
    return found


def give_up_unanswered(conn: sa.Connection, trail: Trail) -> None:
    """At start: a scan whose answer this process can no longer hear is shown as unanswered."""
    asking = (scans.c.shown == Shown.WAITING.value) & scans.c.state.is_(None)
    conn.execute(sa.update(scans).where(asking).values(shown=Shown.TIMEOUT.value, text=NO_ANSWER))


@dataclass(frozen=True, slots=True)
class Sms:
    """How far the proof of a phone number is."""

    sent: bool
    """A code was sent that can be typed in."""
    resend_in: float
    """Seconds until another code is sent."""
    tries_left: int


def sms_of(conn: sa.Connection, rules: Rules, scan: Scan, now: datetime) -> Sms:
    """The proof of the phone number that this scan waits for."""
    query = (
        sa.select(sms_codes)
        .where(
            sms_codes.c.driver_id == scan.driver_id,
            sms_codes.c.lot_id == scan.lot_id,
            sms_codes.c.mobile == scan.mobile,
            sms_codes.c.used.is_(False),
        )
        .order_by(sms_codes.c.id.desc())
        .limit(1)
    )
    row = conn.execute(query).first()
    if row is None:
        return Sms(False, 0.0, rules.code_tries)
    age = (now - row.asked_at).total_seconds()
    tries_left = max(0, rules.code_tries - row.tries)
    sent = row.code is not None and tries_left > 0 and age < rules.code_valid
    return Sms(sent, max(0.0, rules.code_interval - age), tries_left)


def _show(trail: Trail, scan: Scan, text: str) -> None:
    trail.add(Kind.SHOWN, ("hub", "phone"), text, lot_id=scan.lot_id, channel_id=scan.channel_id, scan_id=scan.scan_id)


def find(conn: sa.Connection, scan_id: str) -> Scan:
    """The scan of this id. Raises `Unknown`."""
    row = conn.execute(_SCAN, {"scan_id": scan_id}).first()
    if row is None:
        raise Unknown("scan", "scan_id")
    return _scan(row)


def _scan(row: sa.Row[Any]) -> Scan:
    fields = {name: value for name, value in row._mapping.items() if name != "seq"}
    return Scan(**fields | {"shown": Shown(fields["shown"])})
