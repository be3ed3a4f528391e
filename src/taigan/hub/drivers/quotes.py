"""Quotes: what a driver at an exit's code, or at the lot's prepay code, is told that a stay costs.

Everything here happens inside one transaction. What each price was asked for is a row of its own, never used twice.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.bolink import BadMessage, Entry, fen, read
from taigan.bolink.fields import Message, Whole
from taigan.bolink.values import PayScene
from taigan.hub.book import records, registry
from taigan.hub.book.registry import Lot
from taigan.hub.book.tables import entries, exits, quotes, scans
from taigan.hub.book.tables import records as kept
from taigan.hub.book.trail import Kind, Trail
from taigan.hub.drivers import codes, drivers
from taigan.hub.drivers.drivers import Driver
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.identity import LICENCE_LENGTH, Identity
from taigan.hub.sending.pushes import Answer, Outcome
from taigan.languages import N_


class Shown(enum.StrEnum):
    """What the phone says to a driver who asked for a price."""

    ASKING = "asking"
    PRICE = "price"
    FREE = "free"  # nothing is due: there is nothing to pay
    REFUSED = "refused"
    TIMEOUT = "timeout"  # no usable answer
    PAID = "paid"
    PENDING = "pending"
    FAILED = "failed"


ASKING = N_("正在查询停车费，请稍候")
NOTHING_DUE = N_("无需缴费")
NOT_FOUND = N_("未查询到在场车辆，请核对车牌")
UNREACHABLE_INSIDE = N_("车场网络异常，请稍后重试。")  # problem/633854
UNREACHABLE_AT_EXIT = N_("查询失败，车场通信异常，请稍后重试或联系车场管理员。")  # problem/633854
NO_ANSWER = N_("查询失败，查询价格返回超时，请稍后重试。")  # problem/633854
BAD_ANSWER = N_("车场应答异常，请重新查询")
QUERY_FAILED = N_("查询失败")
NOT_UPLOADED = N_("订单未上报，暂不能缴费，请联系车场管理员")
NO_SUCH_LANE = N_("未匹配到此通道，请联系车场管理员")  # problem/633854
CODE_REPLACED = N_("二维码已失效，请扫描车道上的新二维码")
FREE_MINUTES = 10
"""What is shown when the lot does not say how long a driver who paid has to leave (5.1)."""
_LONGEST_TEXT = 200
_LONGEST_PLATE = 16

_QUOTE = sa.select(quotes).where(quotes.c.scan_id == sa.bindparam("scan_id"))


@dataclass(frozen=True, slots=True)
class Ask:
    """What a phone asks the price for. A lane is named by its `code`, or (scripts) by lot and channel_id.

    Inside the lot (the prepay code, or a lot without a channel_id) `car_number` says which car, `order_id` which stay.
    """

    identity: Identity
    code: str = ""
    lot_id: str = ""
    channel_id: str = ""
    car_number: str = ""
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """A price as it stands in the book. `told` is what the lot said besides; money is fen."""

    scan_id: str
    lot_id: str
    channel_id: str
    code: str
    scene: PayScene
    driver_id: int
    licence: str
    car_number: str
    order_id: str
    quote_no: str
    shown: Shown
    text: str
    state: int | None
    fen: int
    total: int
    told: Told
    trade_no: str | None
    created_at: datetime
    answered_at: datetime | None


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a price comes with. Minutes, fen, unix seconds."""

    minutes: int | None = None
    in_time: int | None = None
    reduced: int = 0
    reduced_minutes: int = 0
    free_minutes: int = FREE_MINUTES
    query_time: int | None = None


class Price(Message):
    """What has to be in an answer to 5.1 for a phone to show it; everything else is a help."""

    state: Whole
    errmsg: str | None = None
    price: str | None = None
    total: str | None = None
    duration: Whole | None = None
    derate_money: str | None = None
    derate_duration: Whole | None = None
    free_out_time: Whole | None = None
    query_time: Whole | None = None
    order_id: str | None = None
    query_order_no: str | None = None
    in_time: Whole | None = None
    car_number: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """A question that was taken. `ask`: the lot has to be asked; otherwise the phone shows why not."""

    quote: Quote
    ask: bool
    lot: Lot
    driver: Driver
    known_licence: bool


def begin(conn: sa.Connection, trail: Trail, ask: Ask, scan_id: str, quote_no: str) -> Begun:
    """Take a question. Raises `Unknown` for a code or lot that never was, `Unusable` for a code of another kind."""
    code, lot = _place(conn, ask)
    driver = drivers.meet(conn, trail, ask.identity)
    licence_known = _was_given_a_licence(conn, driver)
    car_number, order_id, scene = ask.car_number.strip().upper(), ask.order_id, PayScene.INSIDE
    if code.kind is codes.CodeKind.EXIT_PAY:
        scene, order_id, car_number = PayScene.AT_EXIT, "", ""
        own = _own_open_stay(conn, lot.lot_id, driver)
        if own is not None and not _paid_at_exit(conn, lot, own.order_id):
            scene, order_id, car_number = PayScene.NO_PLATE, own.order_id, own.car_number
    elif not order_id:
        found = open_stays(conn, lot.lot_id, car_number)
        order_id = found[0].order_id if len(found) == 1 else ""
    refused = ""
    if not code.good:
        refused = CODE_REPLACED
    elif not code.code:
        refused = NO_SUCH_LANE
    elif scene is PayScene.INSIDE and not 0 < len(car_number) <= _LONGEST_PLATE:
        refused = NOT_FOUND
    row = {
        "scan_id": scan_id,
        "lot_id": lot.lot_id,
        "channel_id": code.channel_id,
        "code": code.code,
        "scene": scene.value,
        "driver_id": driver.id,
        "licence": driver.licence,
        "car_number": car_number,
        "order_id": order_id,
        "quote_no": quote_no,
        "shown": (Shown.REFUSED if refused else Shown.ASKING).value,
        "text": refused or ASKING,
        "fen": 0,
        "total": 0,
        "told": b"{}",
        "created_at": trail.at,
    }
    conn.execute(quotes.insert(), row)
    quote = find(conn, scan_id)
    _step(trail, quote, Kind.SCANNED, ("phone", "hub"), car_number if scene is PayScene.INSIDE else "")
    if refused:
        _step(trail, quote, Kind.SHOWN, ("hub", "phone"), refused)
    return Begun(quote, not refused, lot, driver, licence_known)


def _place(conn: sa.Connection, ask: Ask) -> tuple[codes.Code, Lot]:
    if ask.code:
        code = codes.find_code(conn, ask.code)
        if code is None:
            raise Unknown("code", "code")
        if code.kind is codes.CodeKind.ENTRY:
            raise Unusable("this is a code for an entry", "code")
    else:
        kind = codes.CodeKind.EXIT_PAY if ask.channel_id else codes.CodeKind.PREPAY
        good = codes.good_code(conn, ask.lot_id, kind, ask.channel_id)
        code = codes.Code(good, ask.lot_id, kind, ask.channel_id, good=True)
    lot = registry.lot(conn, code.lot_id)
    if lot is None:
        raise Unknown("lot", "lot_id")
    return code, lot


@dataclass(frozen=True, slots=True)
class OpenStay:
    """A stay that BoLink holds as open."""

    order_id: str
    car_number: str
    at: datetime


def open_stays(conn: sa.Connection, lot_id: str, car_number: str) -> list[OpenStay]:
    """The open stays of a plate in a lot, newest first."""
    return _open(conn, lot_id, entries.c.car_number == car_number) if car_number else []


def own_stays(conn: sa.Connection, lot_id: str, driver: Driver) -> list[OpenStay]:
    """The open stays that a driver may pay without typing: by the licence, and what the driver asked for before."""
    asked = sa.select(quotes.c.order_id).where(
        quotes.c.lot_id == lot_id, quotes.c.driver_id == driver.id, quotes.c.state == 1, quotes.c.order_id != ""
    )
    own = sa.func.substr(entries.c.car_number, -LICENCE_LENGTH) == driver.licence
    return _open(conn, lot_id, own | entries.c.order_id.in_(asked))


def own_arrears(conn: sa.Connection, driver: Driver) -> list[records.Record]:
    """What a driver may pay that was left owing, at any lot: by the licence, and by plates asked for before."""
    c = kept.c
    asked = sa.select(quotes.c.car_number).where(
        quotes.c.driver_id == driver.id, quotes.c.state == 1, quotes.c.order_id != ""
    )
    own = sa.func.substr(c.car_number, -LICENCE_LENGTH) == driver.licence
    return records.select(
        conn, c.kind == records.Kind.ARREARS.value, c.state == "unpaid", own | c.car_number.in_(asked)
    )[-10:]


def arrears_of(conn: sa.Connection, lot_id: str, car_number: str) -> list[records.Record]:
    """What a plate left owing at one lot."""
    if not car_number:
        return []
    c = kept.c
    of_car = (c.lot_id == lot_id, c.car_number == car_number)
    return records.select(conn, c.kind == records.Kind.ARREARS.value, c.state == "unpaid", *of_car)[-10:]


def _open(conn: sa.Connection, lot_id: str, fits: sa.ColumnElement[bool]) -> list[OpenStay]:
    query = (
        sa.select(entries.c.order_id, entries.c.car_number, entries.c.at)
        .outerjoin(exits, (exits.c.lot_id == entries.c.lot_id) & (exits.c.order_id == entries.c.order_id))
        .where(entries.c.lot_id == lot_id, fits, exits.c.id.is_(None))
        .order_by(entries.c.id.desc())
        .limit(10)
    )
    return [OpenStay(*row) for row in conn.execute(query)]


def _own_open_stay(conn: sa.Connection, lot_id: str, driver: Driver) -> OpenStay | None:
    own = sa.func.substr(entries.c.car_number, -LICENCE_LENGTH) == driver.licence
    found = _open(conn, lot_id, own)
    return found[0] if found else None


def _was_given_a_licence(conn: sa.Connection, driver: Driver) -> bool:
    """Whether a lot ever heard this driver's licence: it goes along with 5.1 then."""
    query = sa.select(scans.c.seq).where(scans.c.driver_id == driver.id, scans.c.pushed_at.is_not(None)).limit(1)
    return conn.execute(query).first() is not None


def _paid_at_exit(conn: sa.Connection, lot: Lot, order_id: str) -> bool:
    paid = records.payments_of(conn, lot.lot_id, order_id)
    return any(one.state == "paid" and one.detail["purpose"] == "code" for one in paid)


def answered(conn: sa.Connection, trail: Trail, scan_id: str, answer: Answer) -> None:
    """5.1 was answered, or not: what the phone shows now."""
    quote = find(conn, scan_id)
    verdict = _verdict(conn, quote, answer)
    values: dict[str, Any] = verdict | {"answered_at": trail.at, "text": verdict["text"][:_LONGEST_TEXT]}
    conn.execute(sa.update(quotes).where(quotes.c.scan_id == scan_id).values(values))
    _step(trail, quote, Kind.SHOWN, ("hub", "phone"), values["text"])


def _verdict(conn: sa.Connection, quote: Quote, answer: Answer) -> dict[str, Any]:
    def failed(text: str) -> dict[str, Any]:
        return {"shown": Shown.TIMEOUT.value, "text": text, "state": None}

    if answer.outcome is Outcome.UNREACHABLE:
        return failed(UNREACHABLE_INSIDE if quote.scene is PayScene.INSIDE else UNREACHABLE_AT_EXIT)
    if answer.outcome is not Outcome.ANSWERED:
        return failed(NO_ANSWER)
    try:
        said = read(answer.body or b"", Price)
        if answer.status != 200 or said.state not in (0, 1):
            return failed(BAD_ANSWER)
        text = (said.errmsg or "").strip()
        if said.state == 0:
            return {"shown": Shown.REFUSED.value, "text": text or QUERY_FAILED, "state": 0}
        return _price(conn, quote, said, text)
    except BadMessage:
        return failed(BAD_ANSWER)


def _price(conn: sa.Connection, quote: Quote, said: Price, text: str) -> dict[str, Any]:
    order_id = (said.order_id or quote.order_id).strip()
    car_number = (said.car_number or "").strip()
    if not order_id or said.price is None or (said.query_order_no or quote.quote_no) != quote.quote_no:
        raise BadMessage("price", "is not the answer to this question")
    entered = conn.execute(
        sa.select(entries.c.car_number).where(entries.c.lot_id == quote.lot_id, entries.c.order_id == order_id)
    ).scalar()
    due = fen(said.price, "price")
    told = Told(
        minutes=said.duration,
        in_time=said.in_time,
        reduced=fen(said.derate_money, "derate_money") if said.derate_money else 0,
        reduced_minutes=said.derate_duration or 0,
        free_minutes=FREE_MINUTES if said.free_out_time is None else said.free_out_time,
        query_time=said.query_time,
    )
    values = {
        "state": 1,
        "order_id": order_id,
        "car_number": entered or car_number or quote.car_number,
        "fen": due,
        "total": fen(said.total, "total") if said.total else due,
        "told": msgspec.json.encode(told),
    }
    if due <= 0:
        return values | {"shown": Shown.FREE.value, "text": text or NOTHING_DUE}
    if entered is None and (said.in_time is None or not car_number):
        return values | {"shown": Shown.REFUSED.value, "text": NOT_UPLOADED}
    return values | {"shown": Shown.PRICE.value, "text": text}


def entered_at(uploaded: bytes) -> int | None:
    """The time of entry in a 3.1; nothing where there is none."""
    try:
        return read(uploaded, Entry).in_time
    except BadMessage:
        return None


def paid_by(conn: sa.Connection, trail: Trail, quote: Quote, trade_no: str) -> None:
    """Keep the payment that a driver made for a quote."""
    conn.execute(sa.update(quotes).where(quotes.c.scan_id == quote.scan_id).values(trade_no=trade_no))
    _step(trail, quote, Kind.PAID, ("phone", "hub"), trade_no)


def show_payment(trail: Trail, quote: Quote, text: str) -> None:
    """The phone's page changes by what became of the payment."""
    _step(trail, quote, Kind.SHOWN, ("hub", "phone"), text)


def behind(conn: sa.Connection, lot_id: str, order_id: str) -> str | None:
    """The newest question that was answered with this order."""
    query = (
        sa.select(quotes.c.scan_id)
        .where(quotes.c.lot_id == lot_id, quotes.c.order_id == order_id)
        .order_by(quotes.c.seq.desc())
        .limit(1)
    )
    return conn.execute(query).scalar() if order_id else None


def find(conn: sa.Connection, scan_id: str) -> Quote:
    """Raises `Unknown`."""
    row = conn.execute(_QUOTE, {"scan_id": scan_id}).mappings().first()
    if row is None:
        raise Unknown("scan", "scan_id")
    fields = {name: value for name, value in row.items() if name != "seq"}
    fields |= {"scene": PayScene(row["scene"]), "shown": Shown(row["shown"])}
    return Quote(**fields | {"told": msgspec.json.decode(row["told"], type=Told)})


def give_up_unanswered(conn: sa.Connection) -> None:
    """At start: a question whose answer this process can no longer hear is shown as unanswered."""
    asking = quotes.c.shown == Shown.ASKING.value
    conn.execute(sa.update(quotes).where(asking).values(shown=Shown.TIMEOUT.value, text=NO_ANSWER))


def _step(trail: Trail, quote: Quote, kind: Kind, way: tuple[str, str], text: str) -> None:
    trail.add(kind, way, text, lot_id=quote.lot_id, channel_id=quote.channel_id, scan_id=quote.scan_id)
