"""What the workbench shows: messages of both directions with a verdict each, phones, and faults in words."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.bolink import BadMessage, by_section, by_service, read
from taigan.bolink.fields import Message, Whole
from taigan.hub.admin import lists
from taigan.hub.book.tables import arrivals, pushes, quotes, scans
from taigan.hub.faults import FaultKind
from taigan.hub.remarks import Note
from taigan.hub.sending.pushes import Outcome
from taigan.languages import N_
from taigan.running.logs import without_people

SHOWN = 60
"""Rows on a page."""
_LOOKED_AT = 600
"""So many of each direction are judged for one page."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Verdict(enum.StrEnum):
    """What is to be thought of a message, the best first."""

    FINE = "fine"
    BUT = "but"
    NO = "no"
    SILENT = "silent"


OUTCOMES = {
    Outcome.SENT: N_("还没有应答"),
    Outcome.TIMED_OUT: N_("没有按时应答"),
    Outcome.UNREACHABLE: N_("连不上车场，或者断了线"),
    Outcome.CUT: N_("应答被故障扔掉了"),
    Outcome.FORBIDDEN: N_("没有发：地址既不是公网的，也不是厂商自己的"),
}
"""How a message to a lot ended that was not answered, for people."""

FAULTS = {
    FaultKind.ANSWER_LOST: N_("车场把事办了，应答却丢了"),
    FaultKind.ANSWER_LATE: N_("车场的应答来得太晚"),
    FaultKind.SENT_TWICE: N_("同一条消息同时发两遍"),
    FaultKind.PUSH_LOST: N_("发给车场的消息在路上丢了"),
    FaultKind.PUSH_LATE: N_("发给车场的消息晚十秒才到"),
    FaultKind.UPLOAD_REFUSED: N_("拒收车场的上传（state 0）"),
    FaultKind.UPLOAD_500: N_("车场上传时，泊链出错（HTTP 500）"),
    FaultKind.UPLOAD_ANSWER_LOST: N_("收下了上传，应答到一半断线"),
    FaultKind.HUB_DOWN: N_("泊链收不到上传（HTTP 503）"),
    FaultKind.PAYMENT_PENDING: N_("付款悬着，结果以后再来"),
    FaultKind.PAYMENT_FAILED: N_("付款失败"),
    FaultKind.PAYMENT_FAILED_AFTER: N_("说付了，一秒后又说同一笔失败"),
    FaultKind.PAYMENT_FAILED_BEFORE: N_("先说失败，一秒后又说付了"),
    FaultKind.PAYMENT_OTHER_AMOUNT: N_("付款的金额对不上"),
    FaultKind.PAYMENT_NO_TOTAL: N_("付款消息里没有金额"),
    FaultKind.PAYMENT_UNKNOWN_ORDER: N_("付款的订单谁也不认识"),
    FaultKind.PAYMENT_UNREADABLE: N_("付款消息签名对，字段看不懂"),
    FaultKind.PAYMENT_CLOCK_OFF: N_("付款消息的时间差十分钟"),
    FaultKind.CHARGE_LATE: N_("出场扣款成功，应答却晚了"),
    FaultKind.CHARGE_SLOW: N_("出场扣款先说处理中，半分钟后才成"),
    FaultKind.CHARGE_TOLD_TOO: N_("出场扣款答了成功，又用 5.5 再说一遍"),
}
"""What each fault does, in words."""

FAULT_ROOMS = {
    N_("发给车场的消息"): (
        FaultKind.ANSWER_LOST,
        FaultKind.ANSWER_LATE,
        FaultKind.SENT_TWICE,
        FaultKind.PUSH_LOST,
        FaultKind.PUSH_LATE,
    ),
    N_("车场的上传"): (
        FaultKind.UPLOAD_REFUSED,
        FaultKind.UPLOAD_500,
        FaultKind.UPLOAD_ANSWER_LOST,
        FaultKind.HUB_DOWN,
    ),
    N_("钱"): tuple(kind for kind in FaultKind if kind.value.startswith(("payment", "charge"))),
}
"""The faults by what they strike."""

SCREENS = {
    "verify": N_("要验证手机号"),
    "waiting": N_("等待中"),
    "success": N_("可以进"),
    "refused": N_("被拒绝"),
    "timeout": N_("没有等到应答"),
    "duplicate": N_("重复扫码，没有再发"),
    "asking": N_("正在询价"),
    "price": N_("看到了价格"),
    "free": N_("不用付"),
    "paid": N_("付了"),
    "pending": N_("付款悬着"),
    "failed": N_("付款失败"),
}
"""What a phone shows, in words."""
_GOOD, _BAD = {"success", "price", "free", "paid"}, {"refused", "timeout", "failed"}


@dataclass(frozen=True, slots=True)
class Row:
    """One message. `of` and `id` name it; `words` say how it ended, `notes` what the document says otherwise."""

    of: str
    id: int
    at: datetime
    section: str
    title: tuple[str, str]
    lot_id: str
    about: str
    verdict: Verdict
    words: str
    notes: list[Note]
    ms: int | None = None
    said: str = ""
    """The words of the answer, which are Chinese, where `words` are English."""

    @property
    def inward(self) -> bool:
        """Whether a lot sent it."""
        return self.of == "arrivals"


@dataclass(frozen=True, slots=True)
class Messages:
    """A page of messages, newest first. `older` is what the next page begins before, in microseconds."""

    rows: list[Row]
    older: int | None


@dataclass(frozen=True, slots=True)
class Screen:
    """What a driver's phone showed last."""

    at: datetime
    lot_id: str
    channel_id: str
    licence: str
    shown: str
    text: str

    @property
    def verdict(self) -> Verdict:
        """Its colour."""
        return Verdict.FINE if self.shown in _GOOD else Verdict.NO if self.shown in _BAD else Verdict.SILENT


class _Said(Message):
    state: Whole | None = None
    errmsg: str | None = None


def messages(conn: sa.Connection, lot_id: str, verdict: str, way: str, before: int | None) -> Messages:
    """Messages of both directions, newest first. Each filter may be empty; `way` is `in` or `out`."""
    found: list[Row] = []
    for table, at, judge, named in (
        (arrivals, arrivals.c.at, _arrival, "in"),
        (pushes, pushes.c.sent_at, _push, "out"),
    ):
        if way not in ("", named):
            continue
        query = sa.select(table).order_by(table.c.id.desc()).limit(_LOOKED_AT if verdict else SHOWN + 1)
        if lot_id:
            query = query.where(table.c.lot_id == lot_id)
        if before is not None:
            query = query.where(at < _EPOCH + timedelta(microseconds=before))
        found += [judge(dict(row)) for row in conn.execute(query).mappings()]
    found.sort(key=lambda row: (row.at, row.of, row.id), reverse=True)
    rows = [row for row in found if verdict in ("", row.verdict.value)]
    older = (rows[SHOWN - 1].at - _EPOCH) // timedelta(microseconds=1) if len(rows) > SHOWN else None
    return Messages(rows[:SHOWN], older)


def phones(conn: sa.Connection, lot_id: str) -> list[Screen]:
    """What drivers' phones showed lately, newest first."""
    found: list[Screen] = []
    for table in (scans, quotes):
        query = sa.select(table).order_by(table.c.seq.desc()).limit(SHOWN)
        if lot_id:
            query = query.where(table.c.lot_id == lot_id)
        found += [
            Screen(row.created_at, row.lot_id, row.channel_id, row.licence, row.shown, row.text)
            for row in conn.execute(query)
        ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:SHOWN]


def shown_message(conn: sa.Connection, of: str, number: int) -> tuple[Row, dict[str, Any]]:
    """One message with its bytes, people masked, and its signature worked out. Raises `Unknown`."""
    detail = lists.push_detail(conn, number) if of == "pushes" else lists.arrival_detail(conn, number)
    values = msgspec.structs.asdict(detail)
    table, judge = (pushes, _push) if of == "pushes" else (arrivals, _arrival)
    row = conn.execute(sa.select(table).where(table.c.id == number)).mappings().one()
    sent, answer = values["request" if of == "pushes" else "body"], values["answer"] or ""
    signed = values["signed"]
    told = {
        "sent": without_people(sent),
        "answer": without_people(answer),
        "signed_text": without_people(signed.text) if signed else "",
    }
    masked = told["sent"] != sent or told["answer"] != answer
    return judge(dict(row)), values | told | {"masked": masked}


def _arrival(row: dict[str, Any]) -> Row:
    notes = [Note(**note) for note in row["notes"]]
    verdict = Verdict.NO if not row["accepted"] else Verdict.BUT if notes else Verdict.FINE
    section = row["section"]
    words = without_people(row["text"]) or f"HTTP {row['status']}"
    title = _title(section)
    said = "" if row["accepted"] or not section or not words.isascii() else _said(row["answer"])[1]
    return Row(
        "arrivals",
        row["id"],
        row["at"],
        section,
        title,
        row["lot_id"],
        row["order_id"],
        verdict,
        words,
        notes,
        said=without_people(said),
    )


def _push(row: dict[str, Any]) -> Row:
    notes = [Note(**note) for note in row["notes"]]
    interface = by_service(row["service_name"])
    outcome = Outcome(row["outcome"])
    ms = None
    if row["answered_at"] is not None:
        ms = (row["answered_at"] - row["sent_at"]) // timedelta(milliseconds=1)
    if outcome is not Outcome.ANSWERED:
        verdict, words = Verdict.SILENT if outcome is Outcome.SENT else Verdict.NO, OUTCOMES[outcome]
    else:
        state, said = _said(row["answer"] or b"")
        refused = state == 0 or row["status"] != 200
        verdict = Verdict.NO if refused else Verdict.BUT if notes else Verdict.FINE
        words = " · ".join(filter(None, (f"HTTP {row['status']}" if row["status"] != 200 else "", state_words(state))))
        words = f"{words} {without_people(said)}".strip() or f"HTTP {row['status']}"
    return Row(
        "pushes",
        row["id"],
        row["sent_at"],
        interface.section if interface else "",
        (interface.title_zh, interface.title) if interface else (row["service_name"], row["service_name"]),
        row["lot_id"],
        row["channel_id"],
        verdict,
        words,
        notes,
        ms,
    )


def state_words(state: int | None) -> str:
    """A lot's verdict as it stands on the wire."""
    return "" if state is None else f"state {state}"


def _said(answer: bytes) -> tuple[int | None, str]:
    try:
        said = read(answer, _Said)
    except BadMessage:
        return None, ""
    return said.state, (said.errmsg or "").strip()


def _title(section: str) -> tuple[str, str]:
    if section == "":
        return N_("不存在的地址"), N_("不存在的地址")
    try:
        interface = by_section(section)
    except KeyError:
        return section, section
    return interface.title_zh, interface.title
