"""The lanes of a lot: what stands in each, what needs a person, and the acts of two keys."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath
from litestar.response import Stream

from taigan.barriers.barrier import LaneKey, LaneState, Position
from taigan.languages import N_
from taigan.lot.errors import UnknownLane
from taigan.lot.people.looking.board import LaneNow, board, busy_lanes, lane_now
from taigan.rights import Right
from taigan.storage.kept import shots
from taigan.storage.kept.shots import Shot
from taigan.storage.rows import Lane
from taigan.storage.shown import alarms
from taigan.web.console import live
from taigan.web.console.allowed import Who
from taigan.web.console.pages.lanes.alarms import MOST, Heap, heaped
from taigan.web.console.visit import Answer, Here, Visit

AT_A_TIME = 100
"""So many cards stand on a page; nobody looks at more."""
DRAWN_AT_ONCE = 20
"""So many cards take some 20 ms to draw; more are drawn beside the event loop, which answers drivers meanwhile."""
PATIENCE = timedelta(seconds=8)
"""So long an arm may take to rise for a car that is let go before a person is told."""
SHOWN_FOR = timedelta(minutes=15)
"""So long the newest picture of a lane is shown, if its car is still there."""
PAYING = timedelta(minutes=2)
"""So long a driver may take to pay before a person is told."""


class Card(msgspec.Struct):
    """A lane as it is shown: in words, since when, and what is done there with one press."""

    now: LaneNow
    device: LaneState
    car: str
    said: str
    tone: str  # calm, busy, wait, care, stop
    since: datetime | None = None
    main: str = ""  # release, match, cash, again, close; empty: open by hand
    needs: str = ""  # why a person is needed, in words; empty: nobody
    shot: Shot | None = None  # the picture of the car that stands there

    @property
    def channel_id(self) -> str:
        return self.now.lane.channel_id


class Attention(msgspec.Struct):
    """What needs a person. `cards`: lanes, the one that waits longest first; `alarms`: what nobody has taken and no
    card says already; `queue_since`: since when BoLink is not reached with what is owed to it."""

    cards: list[Card]
    alarms: list[Heap]
    queue_since: datetime | None

    @property
    def count(self) -> int:
        return len(self.cards) + len(self.alarms) + (self.queue_since is not None)


@get("/", right=Who.PERSON)
async def home(visit: Here) -> Answer:
    """To the lot, or the choice of one."""
    lots = [lot for lot in visit.lots if visit.may(Right.LOT_SEE, lot.lot_id)]
    if len(lots) == 1:
        return visit.go(visit.url("lots", lots[0].lot_id))
    return visit.page("lanes/lots.html", lots=lots)


@get("/lots/{lot_id:str}", right=Right.LOT_SEE)
async def lanes(visit: Here) -> Answer:
    """Every lane of the lot, of many some at a time; what needs a person is told of all."""
    every = await _cards(visit)
    return await _drawn(visit, "lanes/lanes.html", every, needed=await _needed(visit, every))


@get("/lots/{lot_id:str}/cards", right=Right.LOT_SEE)
async def cards(visit: Here) -> Answer:
    """The cards of a page again, all at once."""
    return await _drawn(visit, "lanes/parts/cards.html", await _cards(visit))


@get("/lots/{lot_id:str}/attention", right=Right.LOT_SEE)
async def attention(visit: Here) -> Answer:
    """What needs a person."""
    lot = visit.here
    found = await visit.office.database.read(
        lambda conn: busy_lanes(conn, lot, lambda lane: not _device(visit, lane).online)
    )
    return visit.page("lanes/parts/attention.html", needed=await _needed(visit, [_card(visit, now) for now in found]))


@get("/lots/{lot_id:str}/lanes/{channel_id:str}/card", right=Right.LOT_SEE)
async def card(visit: Here, channel_id: FromPath[str]) -> Answer:
    """One lane's card."""
    return visit.page("lanes/parts/card.html", card=await card_of(visit, channel_id))


@get("/lots/{lot_id:str}/live", right=Right.LOT_SEE)
async def stream(visit: Here) -> Stream:
    """The names of what changes in the lot, for as long as the person is signed in and may see it."""
    lot_id = visit.here.lot_id

    async def still() -> bool:
        signed = await visit.accounts.signed(visit.token)
        return signed is not None and signed.holder.may(Right.LOT_SEE, lot_id)

    headers = {"x-accel-buffering": "no"}
    return Stream(live.changes(visit.office.events, lot_id, still), headers=headers, media_type="text/event-stream")


@post("/lots/{lot_id:str}/lanes/{channel_id:str}/release", right=Right.LANE_RELEASE)
async def release(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Let the waiting driver in."""
    order_id = visit.text("order_id", 48)
    by = visit.by(visit.text("reason") or visit.tell(N_("在车道上放行")))
    await visit.office.attendant.release(visit.here.lot_id, channel_id, by, order_id or None)
    return visit.go(visit.back(visit.in_lot()), visit.tell("%(lane)s 已放行。", lane=channel_id))


@post("/lots/{lot_id:str}/lanes/{channel_id:str}/refuse", right=Right.LANE_RELEASE)
async def refuse(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Send the waiting driver away."""
    order_id = visit.text("order_id", 48)
    by = visit.by(visit.text("reason") or visit.tell(N_("不予放行")))
    await visit.office.attendant.refuse(visit.here.lot_id, channel_id, by, order_id or None)
    visit.changed(channel_id, order_id)
    return visit.go(visit.back(visit.in_lot()), visit.tell("%(lane)s 已拒绝。", lane=channel_id))


@post("/lots/{lot_id:str}/lanes/{channel_id:str}/close", right=Right.LANE_CLOSE)
async def close(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Lower the arm."""
    by = visit.by(visit.text("reason") or visit.tell(N_("落杆")))
    clear = visit.text("lane_is_clear") == "yes"
    await visit.office.attendant.close(visit.here.lot_id, channel_id, by, lane_is_clear=clear)
    visit.changed(channel_id)
    return visit.go(visit.back(visit.in_lot()), visit.tell("%(lane)s 正在落杆。", lane=channel_id))


async def card_of(visit: Visit, channel_id: str) -> Card:
    """One lane's card. Raises UnknownLane."""
    found = await _cards(visit, channel_id)
    if not found:
        raise UnknownLane(f"lot {visit.here.lot_id} has no lane {channel_id}", "channel_id")
    return found[0]


async def _cards(visit: Visit, *only: str) -> list[Card]:
    lot, since = visit.here, visit.now - SHOWN_FOR
    sees = visit.may(Right.PICTURE_SEE) and visit.may(Right.STAY_SEE)

    def read(conn: sa.Connection) -> tuple[list[LaneNow], dict[str, Shot]]:
        found = [one for name in only if (one := lane_now(conn, lot, name))] if only else board(conn, lot)
        return found, shots.newest_of_lanes(conn, lot.lot_id, since, only) if sees else {}

    found, pictures = await visit.office.database.read(read)
    return [_with_picture(_card(visit, now), pictures.get(now.lane.channel_id)) for now in found]


async def _drawn(visit: Visit, template: str, every: list[Card], **values: Any) -> Answer:
    """Those of the cards that the address asks for: lanes with a part of a name, a page of them."""
    part, first = visit.text("q", 64).upper(), visit.text("from", 64)
    found = [card for card in every if part in card.channel_id.upper()]
    groups = [found[at : at + AT_A_TIME] for at in range(0, len(found), AT_A_TIME)] or [[]]
    shown = next((group for group in reversed(groups) if group and group[0].channel_id <= first), groups[0])
    many = len(every) > AT_A_TIME
    draw = partial(visit.page, template, cards=shown, groups=groups, many=many, **values)
    return await asyncio.to_thread(draw) if len(shown) > DRAWN_AT_ONCE else draw()


def _with_picture(card: Card, shot: Shot | None) -> Card:
    """The card with the picture, if it is of the car that stands there; without a loop nobody knows, the newest is."""
    now = card.now
    cars = {car.presence_id for car in (now.car, now.departure) if car is not None}
    if shot is not None and (shot.presence_id in cars or (not now.lane.detector and bool(cars or now.waiting))):
        card.shot = shot
    return card


async def _needed(visit: Visit, cards: list[Card]) -> Attention:
    waiting = sorted(
        (card for card in cards if card.needs),
        key=lambda card: (card.since.timestamp() if card.since else 0.0, card.channel_id),
    )
    if not visit.may(Right.ALARM_SEE):
        return Attention(waiting, [], None)
    lot_id, said = visit.here.lot_id, {card.channel_id for card in waiting}

    def read(conn: sa.Connection) -> Attention:
        table = heaped(alarms.unfinished(conn, lot_id, MOST + 1))
        more = [heap for heap in table.open if heap.alarm.channel_id not in said]
        return Attention(waiting, more, alarms.queue_waits_since(conn))

    return await visit.office.database.read(read)


def _card(visit: Visit, now: LaneNow) -> Card:
    device = _device(visit, now.lane)
    made = _of_car(visit, now, device)
    if not device.online:
        if not made.needs:
            made = Card(now, device, made.car, visit.tell("设备连不上"), "stop", device.last_heard)
        made.needs = made.needs or visit.tell("设备连不上")
    return made


def _device(visit: Visit, lane: Lane) -> LaneState:
    return visit.office.lanes.state(LaneKey(lane.lot_id, lane.channel_id)) or LaneState()


def _of_car(visit: Visit, now: LaneNow, device: LaneState) -> Card:
    tell = visit.tell
    if now.waiting:
        return _waiting(visit, now, device)
    if now.departure is not None:
        return _leaving(visit, now, device)
    if not now.lane.is_open:
        return Card(now, device, "", tell("车道已关闭"), "calm")
    if device.held or now.lane.held:
        return Card(now, device, "", tell("杆保持抬起"), "busy", main="close")
    if now.car is not None:
        said = tell("有车，还没扫码") if now.lane.direction == "entry" else tell("有车，还没认出")
        return Card(now, device, "", said, "busy", now.car.arrived_at)
    return Card(now, device, "", tell("空闲"), "calm")


def _waiting(visit: Visit, now: LaneNow, device: LaneState) -> Card:
    order = now.waiting[0]
    name = order.plate or order.mark + order.licence
    if order.waiting_for == "attendant":
        said = visit.tell("等管理员放行")
        return Card(now, device, name, said, "wait", order.requested_at, "release", said)
    if order.waiting_for == "confirmation":
        said = visit.tell("杆不知抬没抬，请看一眼")
        return Card(now, device, name, said, "care", order.requested_at, "release", said)
    said = visit.tell("等前车过去、杆落下") if order.waiting_for == "arm" else visit.tell("正在抬杆")
    return Card(now, device, name, said, "busy", order.requested_at)


def _leaving(visit: Visit, now: LaneNow, device: LaneState) -> Card:
    departure = now.departure
    assert departure is not None
    tell, since = visit.tell, departure.charge_at
    if departure.released_at is not None:
        name = departure.plate or (now.order.plate or now.order.licence if now.order else "")
        if device.position is Position.CLOSED and visit.now - departure.released_at > PATIENCE:
            said = tell("已放行，杆没抬起")
            return Card(now, device, name, said, "stop", departure.released_at, "again", said)
        return Card(now, device, name, tell("已放行，请通行"), "busy", departure.released_at)
    if now.order is None:
        sought = departure.plate or departure.alarmed
        said = tell("没有找到入场记录") if sought else tell("没有识别到车牌")
        return Card(now, device, departure.plate, said, "care", since, "match", said)
    name = departure.plate or now.order.plate or now.order.mark + now.order.licence
    if now.due_fen is None:
        said = tell("算不出费用")
        return Card(now, device, name, said, "care", since, "", said)
    needs = tell("等付款很久了") if visit.now - since > PAYING else ""
    owing = tell("等待付款，以前有 %(count)d 笔没付", count=now.order.arrears) if now.order.arrears else ""
    return Card(now, device, name, owing or tell("等待付款"), "wait", since, "cash", needs)


PAGES = (home, lanes, cards, attention, card, stream, release, refuse, close)
