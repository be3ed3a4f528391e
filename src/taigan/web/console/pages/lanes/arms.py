"""What a person does for the car in a lane beyond one press: open by hand, choose its order, take its cash."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.barriers.barrier import LaneKey
from taigan.barriers.words import NotAPlate, plate_of
from taigan.languages import N_
from taigan.lot.errors import BadValue, LotError
from taigan.lot.people.exit_acts import OWED, WAIVED, Cash, Match
from taigan.lot.people.looking.board import Candidate, candidates
from taigan.rights import Right
from taigan.storage.kept import shots
from taigan.storage.kept.shots import Shot
from taigan.storage.locked import ledger
from taigan.storage.rows import Shift
from taigan.storage.shown import searches
from taigan.web.console.allowed import NotAllowed
from taigan.web.console.pages.lanes.lanes import Card, card_of
from taigan.web.console.visit import Answer, Here, Visit

REASONS = (
    N_("设备没有识别车牌"),
    N_("没有找到入场记录"),
    N_("司机付不了款"),
    N_("道闸故障"),
    N_("内部车辆"),
    N_("急救、消防、警车"),
    N_("让车倒出"),
)
"""Why arms are raised by hand, mostly."""
REASONS_TO_HOLD = (
    N_("车太多，先放行"),
    N_("道闸故障"),
    N_("急救、消防、警车"),
    N_("施工或搬运"),
)
"""Why arms are kept up, mostly."""
MOST_YUAN = Decimal(100_000)
LARGEST_NOTE_FEN = 100_00
"""Who gives one note never gets so much back: more was typed than was given, as where 10 became 106."""


@get("/lots/{lot_id:str}/lanes/{channel_id:str}/open", right=Right.LANE_OPEN)
async def open_page(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Who stands there, what it costs to let the car go, and why."""
    return await _open_page(visit, await card_of(visit, channel_id))


@post("/lots/{lot_id:str}/lanes/{channel_id:str}/open", right=Right.LANE_OPEN)
async def open_by_hand(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Raise the arm."""
    card = await card_of(visit, channel_id)
    try:
        reason = _reason(visit)
        unpaid = visit.text("unpaid", 10)
        if unpaid not in ("", WAIVED, OWED):
            raise BadValue(visit.tell("请选免收，还是记欠费。"), "unpaid")
        if unpaid == WAIVED and not visit.may(Right.MONEY_WAIVE):
            raise NotAllowed(Right.MONEY_WAIVE)
        await visit.office.open(visit.here.lot_id, channel_id, visit.by(reason), unpaid)
    except LotError as error:
        return await _open_page(visit, card, error)
    visit.changed(channel_id)
    return visit.go(visit.in_lot(), visit.tell("%(lane)s 已抬杆。", lane=channel_id))


@get("/lots/{lot_id:str}/lanes/{channel_id:str}/hold", right=Right.LANE_HOLD)
async def hold_page(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Who stands there, and why the arm is to stay up."""
    return _hold_page(visit, await card_of(visit, channel_id))


@post("/lots/{lot_id:str}/lanes/{channel_id:str}/hold", right=Right.LANE_HOLD)
async def hold(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Raise the arm and keep it up."""
    try:
        await visit.office.attendant.hold(visit.here.lot_id, channel_id, visit.by(_reason(visit)))
    except LotError as error:
        return _hold_page(visit, await card_of(visit, channel_id), error)
    visit.changed(channel_id)
    return visit.go(visit.in_lot(), visit.tell("%(lane)s 保持抬起，直到落杆。", lane=channel_id))


@get("/lots/{lot_id:str}/lanes/{channel_id:str}/match", right=Right.STAY_MATCH)
async def match_page(visit: Here, channel_id: FromPath[str]) -> Answer:
    """The stays that may be that of the car at the exit, the likeliest first, and why."""
    return await _match_page(visit, await card_of(visit, channel_id))


@post("/lots/{lot_id:str}/lanes/{channel_id:str}/match", right=Right.STAY_MATCH)
async def match(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Choose one of them."""
    lot_id = visit.here.lot_id
    try:
        chosen = Match(
            lot_id=lot_id,
            channel_id=channel_id,
            by=visit.by(visit.tell(N_("人工选单"))),
            picture=visit.office.leaving.picture(LaneKey(lot_id, channel_id)),
            order_id=visit.text("order_id", 48, needed=visit.tell("请选一张订单。")),
            may_be_far=visit.may(Right.STAY_MATCH_FAR),
        )
        await visit.office.leaving.do(chosen)
    except LotError as error:
        return await _match_page(visit, await card_of(visit, channel_id), error)
    visit.changed(channel_id, chosen.order_id)
    return visit.go(visit.in_lot(), visit.tell("%(lane)s 已选订单。", lane=channel_id))


@get("/lots/{lot_id:str}/lanes/{channel_id:str}/cash", right=Right.SHIFT_RUN)
async def cash_page(visit: Here, channel_id: FromPath[str]) -> Answer:
    """What is due, and how much cash is given."""
    return await _cash_page(visit, await card_of(visit, channel_id))


@post("/lots/{lot_id:str}/lanes/{channel_id:str}/cash", right=Right.SHIFT_RUN)
async def take_cash(visit: Here, channel_id: FromPath[str]) -> Answer:
    """Take it: refused when another car or another due is there by now."""
    lot_id = visit.here.lot_id
    try:
        taken = Cash(
            lot_id=lot_id,
            channel_id=channel_id,
            by=visit.by(visit.tell(N_("收现金"))),
            picture=visit.office.leaving.picture(LaneKey(lot_id, channel_id)),
            order_id=visit.text("order_id", 48),
            due_fen=int(due) if (due := visit.text("due_fen", 12)).isdecimal() else 0,
            received_fen=fen_of(visit, "received"),
        )
        if _is_much(taken) and visit.text("sure", 12) != str(taken.received_fen):
            card = await card_of(visit, channel_id)
            if card.now.due_fen == taken.due_fen:  # else it is refused below
                return await _cash_page(visit, card, asked_about=taken)
        _, change = await visit.office.leaving.do(taken)
    except LotError as error:
        if error.field == "received_fen":
            error = BadValue(visit.tell("收到的钱不能少于应付。"), "received")
        return await _cash_page(visit, await card_of(visit, channel_id), error)
    visit.changed(channel_id, taken.order_id)
    said = visit.tell("已收现金，找零 %(yuan)s 元。", yuan=f"{change // 100}.{change % 100:02d}")
    return visit.go(visit.in_lot(), said)


def fen_of(visit: Visit, name: str) -> int:
    """An amount in yuan that was typed, in fen. Raises BadValue."""
    text = visit.text(name, 12, needed=visit.tell("请填金额。")).lstrip("¥￥")
    try:
        yuan = Decimal(text)
    except InvalidOperation:
        yuan = Decimal("NaN")
    if not yuan.is_finite() or not 0 <= yuan <= MOST_YUAN or yuan * 100 != int(yuan * 100):
        raise BadValue(visit.tell("金额要写成 12.50 这样，最多两位小数。"), name)
    return int(yuan * 100)


def _reason(visit: Visit) -> str:
    """Why it is done, chosen or written. Raises BadValue."""
    reason = visit.text("other", 200) or visit.text("why", 200)
    if not reason:
        raise BadValue(visit.tell("请选一个原因，或写下来。"), "other")
    return reason


def _hold_page(visit: Visit, card: Card, error: LotError | None = None) -> Answer:
    return _page(visit, "lanes/arms/hold.html", error, card=card, reasons=REASONS_TO_HOLD)


async def _open_page(visit: Visit, card: Card, error: LotError | None = None) -> Answer:
    today = datetime.combine(visit.now.astimezone(visit.zone).date(), time(), visit.zone).astimezone(visit.now.tzinfo)
    name, lot_id = visit.person.person.name, visit.here.lot_id
    times = await visit.office.database.read(lambda conn: searches.lifts_by_hand(conn, lot_id, name, today))
    return _page(visit, "lanes/arms/open.html", error, card=card, times=times, reasons=REASONS)


async def _match_page(visit: Visit, card: Card, error: LotError | None = None) -> Answer:
    typed, found = "", list[Candidate]()
    departure, lot = card.now.departure, visit.here
    try:
        typed = plate_of(visit.text("q", 16))
    except NotAPlate:
        error = BadValue(visit.tell("这不像车牌。"), "q")
    except BadValue as wrong:
        error = wrong
    entries: dict[str, Shot] = {}
    if departure is not None and (error is None or error.field != "q"):
        found = await visit.office.database.read(lambda conn: candidates(conn, lot, departure, typed))
    if card.shot is not None and found:
        ids = [one.order.order_id for one in found]
        entries = await visit.office.database.read(lambda conn: shots.first_of_orders(conn, lot.lot_id, ids, "in"))
    return _page(visit, "lanes/arms/match.html", error, card=card, found=found, typed=typed, entries=entries)


def _is_much(cash: Cash) -> bool:
    """Whether so much change would be given that somebody may have typed something else than they wanted."""
    return cash.received_fen - cash.due_fen >= LARGEST_NOTE_FEN


async def _cash_page(
    visit: Visit, card: Card, error: LotError | None = None, asked_about: Cash | None = None
) -> Answer:
    name, lot_id = visit.person.person.name, visit.here.lot_id

    def read(conn: sa.Connection) -> Shift | None:
        return ledger.open_shift_of(conn, lot_id, name)

    shift = await visit.office.database.read(read)
    if asked_about is None:
        return _page(visit, "lanes/arms/cash.html", error, card=card, shift=shift, asked_about=None)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return visit.page("lanes/arms/cash.html", status=status, card=card, shift=shift, asked_about=asked_about)


def _page(visit: Visit, template: str, error: LotError | None, **values: Any) -> Answer:
    if error is None:
        return visit.page(template, **values)
    if error.field not in ("other", "unpaid", "q", "received"):
        visit.wrong[""] = visit.rendering.error(error, visit)
        return visit.page(template, status=HTTPStatus.UNPROCESSABLE_ENTITY, **values)
    return visit.again(template, error, **values)


PAGES = (open_page, open_by_hand, hold_page, hold, match_page, match, cash_page, take_cash)
