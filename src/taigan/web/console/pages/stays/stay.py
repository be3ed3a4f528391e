"""One stay: everything that happened to it, and what a person does about it. Each act is a page that shows what it will
change, asks for the reason, and does nothing where something happened to the stay meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from taigan.barriers.words import NotAPlate, plate_of
from taigan.languages import N_
from taigan.lot.errors import BadValue, Conflict, LotError, UnknownOrder
from taigan.lot.leaving.room import Item
from taigan.lot.people import exit_acts as acts
from taigan.lot.people.looking.board import due
from taigan.rights import Right
from taigan.storage.kept import shots
from taigan.storage.kept.shots import Shot
from taigan.storage.locked import facts, ledger
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Order, Reduction
from taigan.web.console import fields
from taigan.web.console.pages.stays.stays import Money, money_at
from taigan.web.console.rendering.words.tables import word
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.shown.resources import OrderDetail

MINUTE = "%Y-%m-%dT%H:%M"
_SEEN = re.compile(r"[0-9]{1,7}")
SOON = (10, 20, 30, 60)
"""So many minutes more are offered to those who paid and have not left."""


class Stay(msgspec.Struct):
    """The stay that is acted on: what happened to it, and its money for those who may see it."""

    order: OrderDetail
    money: Money | None


class StayAct(msgspec.Struct, frozen=True):
    """Something done about a stay. `path`: its page below the stay; `offered`: whether there is anything to do;
    `read`: the act that the form asks for (raises BadValue); `fields`: where sentences stand."""

    path: str
    right: Right
    title: str
    done: str
    offered: Callable[[Stay], bool]
    read: Callable[[Visit, dict[str, Any]], Item[object]]
    fields: tuple[str, ...] = ()
    strong: bool = False  # cannot be taken back


class Effect(msgspec.Struct):
    """What a correction changes: the plate (empty: not), the time of entry (None: not), what is due before and after
    (None where that cannot be worked out), and the order of another car inside with that plate."""

    plate: str
    in_at: datetime | None
    due_before: int | None
    due_after: int | None
    other: str

    @property
    def sure(self) -> str:
        """What somebody has seen the effect of; anything else typed is shown first."""
        return f"{self.plate} {self.in_at}"


@get("/lots/{lot_id:str}/stays/{order_id:str}", right=Right.STAY_SEE)
async def stay(visit: Here, order_id: FromPath[str]) -> Answer:
    """One stay."""
    found = await _stay(visit, order_id)
    offered = [act for act in ACTS if visit.may(act.right) and act.offered(found)]
    before = _before(visit, found)
    lot_id, pictures = visit.here.lot_id, list[Shot]()
    if visit.may(Right.PICTURE_SEE):
        pictures = await visit.office.database.read(lambda conn: shots.of_order(conn, lot_id, order_id))
    return visit.page(
        "stays/stay.html", order=found.order, money=found.money, offered=offered, before=before, pictures=pictures
    )


def _correct(visit: Visit, given: dict[str, Any]) -> Item[object]:
    return acts.Correct(**given, may_be_later=visit.may(Right.STAY_CORRECT_LATER))


def _amount(visit: Visit, given: dict[str, Any]) -> Item[object]:
    return acts.SetAmount(**given, fen=fields.money(visit, "fen"))


def _reduce(visit: Visit, given: dict[str, Any]) -> Item[object]:
    kind = visit.text("kind", 16)
    if kind == "fen":
        return acts.Reduce(**given, kind=kind, value=fields.money(visit, "value"))
    text = visit.text("value", 6, needed=visit.tell("请填减多少。"))
    if not text.isdecimal():
        raise BadValue(visit.tell("要写成整数。"), "value")
    return acts.Reduce(**given, kind=kind, value=int(text))


def _extend(visit: Visit, given: dict[str, Any]) -> Item[object]:
    typed = fields.moment(visit, "leave_by", needed=False)
    minutes = visit.text("minutes", 3)
    if typed is None and minutes not in map(str, SOON):
        raise BadValue(visit.tell("请选几分钟，或填时间。"), "leave_by")
    return acts.Extend(**given, leave_by=typed or visit.now + timedelta(minutes=int(minutes)))


def _close(visit: Visit, given: dict[str, Any]) -> Item[object]:
    return acts.Close(**given, how=visit.text("how", 8, needed=visit.tell("请选怎么结账。")))


def _give_back(visit: Visit, given: dict[str, Any]) -> Item[object]:
    return acts.GiveBack(**given, fen=fields.money(visit, "fen"))


def _goes_on(stay: Stay) -> bool:
    return stay.order.state == "in"


def _is_due(stay: Stay) -> bool:
    if stay.money is None:
        return stay.order.state in ("in", "out")
    return bool(stay.money.due_fen) and stay.order.state in ("in", "out")


def _is_owed(stay: Stay) -> bool:
    return stay.order.state == "out" and (stay.money is None or stay.money.bill.balance_fen > 0)


ACTS: tuple[StayAct, ...] = (
    StayAct(
        "correct",
        Right.STAY_CORRECT,
        N_("更正车牌或入场时间"),
        N_("已更正。"),
        _goes_on,
        _correct,
        ("plate", "in_at"),
    ),
    StayAct(
        "reviewed",
        Right.STAY_CORRECT,
        N_("标为已复核"),
        N_("已标为复核过。"),
        lambda stay: bool(stay.order.review),
        lambda visit, given: acts.Confirm(**given),
    ),
    StayAct(
        "close",
        Right.STAY_CLOSE,
        N_("结束停车"),
        N_("这次停车已结束。"),
        _goes_on,
        _close,
        ("how",),
        strong=True,
    ),
    StayAct(
        "extend",
        Right.STAY_EXTEND,
        N_("多给离场时间"),
        N_("离场时间已延长。"),
        lambda stay: _goes_on(stay) and (stay.money is None or stay.money.bill.leave_by is not None),
        _extend,
        ("leave_by",),
    ),
    StayAct("amount", Right.MONEY_SET, N_("定下金额"), N_("金额已定。"), _goes_on, _amount, ("fen",)),
    StayAct("reduce", Right.MONEY_REDUCE, N_("减免一部分"), N_("已减免。"), _goes_on, _reduce, ("kind", "value")),
    StayAct(
        "waive",
        Right.MONEY_WAIVE,
        N_("全部免收"),
        N_("已免收。"),
        _is_due,
        lambda visit, given: acts.Waive(**given),
    ),
    StayAct(
        "give-back",
        Right.MONEY_RETURN,
        N_("退还多收的钱"),
        N_("已记下退还。"),
        lambda stay: stay.money is not None and stay.money.bill.balance_fen < 0,
        _give_back,
        ("fen",),
    ),
    StayAct(
        "escape",
        Right.MONEY_ESCAPE,
        N_("上报欠费"),
        N_("已上报泊链。"),
        _is_owed,
        lambda visit, given: acts.Report(**given),
        strong=True,
    ),
)
"""In the order in which the page of a stay offers them."""


def _pages(act: StayAct) -> tuple[HTTPRouteHandler, HTTPRouteHandler]:
    """The page of an act, and what its form does."""
    path = f"/lots/{{lot_id:str}}/stays/{{order_id:str}}/{act.path}"

    @get(path, right=act.right)
    async def shown(visit: Here, order_id: FromPath[str]) -> Answer:
        stay = await _stay(visit, order_id)
        if not act.offered(stay):
            state = word("order_state", stay.order.state, visit.tell)
            said = visit.tell(
                "这次停车%(state)s，现在没有什么可做的：%(act)s。", state=state, act=visit.tell(act.title)
            )
            return visit.go(visit.in_lot("stays", order_id), said, "bad")
        return await _page(visit, act, stay)

    @post(path, right=act.right)
    async def done(visit: Here, order_id: FromPath[str]) -> Answer:
        return await _do(visit, act, order_id)

    return shown, done


async def _do(visit: Visit, act: StayAct, order_id: str) -> Answer:
    lot_id, seen = visit.here.lot_id, visit.form.get("seen", "")
    given: dict[str, Any] = {"lot_id": lot_id, "order_id": order_id, "pictures": visit.office.pictures(lot_id)}
    given["seen"] = int(seen) if _SEEN.fullmatch(seen) else -1
    effect: Effect | None = None
    try:
        if act.path == "correct":
            effect = await _effect(visit, order_id)
            given |= {"plate": effect.plate, "in_at": effect.in_at}
            if effect.sure != visit.text("sure", 200):
                return await _page(visit, act, await _stay(visit, order_id), effect=effect)
        given["by"] = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        await visit.office.leaving.do(act.read(visit, given))
    except UnknownOrder:
        raise
    except LotError as error:
        return await _page(visit, act, await _stay(visit, order_id), error, effect)
    visit.changed(order_id=order_id)
    return visit.go(visit.in_lot("stays", order_id), visit.tell(act.done))


async def _page(
    visit: Visit, act: StayAct, stay: Stay, error: LotError | None = None, effect: Effect | None = None
) -> Answer:
    status = HTTPStatus.OK
    seen = visit.form.get("seen", "")
    news = stay.order.events[int(seen) :] if error is not None and _SEEN.fullmatch(seen) else []
    if error is not None:
        status = HTTPStatus.CONFLICT if isinstance(error, Conflict) else HTTPStatus.UNPROCESSABLE_ENTITY
        field = error.field if error.field in (*act.fields, "reason") else ""
        visit.wrong[field] = visit.rendering.error(error, visit)
    values: dict[str, Any] = {"news": news, "soon": SOON, "effect": effect}
    if act.path == "correct":
        values |= {"plate": _plate(stay.order), "in_at": f"{_in_at(visit, stay.order):{MINUTE}}"}
    return visit.page(f"stays/acts/{act.path}.html", status=status, act=act, stay=stay, **values)


async def _stay(visit: Visit, order_id: str) -> Stay:
    order = await visit.office.order(visit.here.lot_id, order_id)
    return Stay(order, await money_at(visit, order_id) if visit.may(Right.MONEY_SEE) else None)


def _plate(order: Order | OrderDetail) -> str:
    """The plate as far as it is known: one without plate has a number of its own."""
    return order.plate or (order.licence if order.origin == "plate" else "")


def _in_at(visit: Visit, order: Order | OrderDetail) -> datetime:
    """When the stay began, on the lot's clock."""
    return (order.in_at or order.requested_at).astimezone(visit.zone)


def _corrected(visit: Visit, order: Order) -> tuple[str, datetime | None]:
    """The plate and the time of entry that were typed, as far as they are others. Raises BadValue."""
    text = visit.text("plate", 16)
    try:
        plate = plate_of(text) if text else ""
    except NotAPlate:
        raise BadValue(visit.tell("这不像车牌。"), "plate") from None
    in_at = fields.moment(visit, "in_at", needed=False)
    if in_at is not None and in_at > visit.now:
        raise BadValue(visit.tell("入场时间晚于现在。"), "in_at")
    if in_at is not None and f"{in_at.astimezone(visit.zone):{MINUTE}}" == f"{_in_at(visit, order):{MINUTE}}":
        in_at = None
    if plate == _plate(order):
        plate = ""
    if not plate and in_at is None:
        raise BadValue(visit.tell("车牌和入场时间都没有改。"), "plate")
    return plate, in_at


async def _effect(visit: Visit, order_id: str) -> Effect:
    lot = visit.here

    def read(conn: sa.Connection) -> Effect:
        order = _order(conn, lot.lot_id, order_id)
        plate, in_at = _corrected(visit, order)
        departure = ledger.departure_of(conn, lot.lot_id, order_id)
        at = departure.charge_at if departure is not None else visit.now
        changed = msgspec.structs.replace(order, plate=plate or order.plate, in_at=in_at or order.in_at)
        if plate and order.origin == "plate":
            changed.licence = plate
        inside = Sheet(conn).inside_by_plate(lot.lot_id, plate) if plate else []
        others = [other.order_id for other in inside if other.order_id != order_id]
        before, _ = due(conn, lot, order, at)
        after, _ = due(conn, lot, changed, max(at, in_at or at))
        return Effect(plate, in_at, before, after, others[0] if others else "")

    return await visit.office.database.read(read)


def _before(visit: Visit, stay: Stay) -> dict[int, str]:
    """Where each correction in the history of a stay that goes on is taken back: by correcting it again."""
    if stay.order.state != "in" or not visit.may(Right.STAY_CORRECT):
        return {}
    found = {}
    for number, event in enumerate(stay.order.events):
        was = event.detail.partition(" -> ")[0]
        if event.event == "plate corrected" and was != _plate(stay.order):
            found[number] = visit.in_lot("stays", stay.order.order_id, "correct", plate=was)
        elif event.event == "entry time corrected":
            local = datetime.fromisoformat(was).astimezone(visit.zone)
            found[number] = visit.in_lot("stays", stay.order.order_id, "correct", in_at=f"{local:{MINUTE}}")
    return found


def _order(conn: sa.Connection, lot_id: str, order_id: str) -> Order:
    order = facts.orders(conn, [(lot_id, order_id)]).get((lot_id, order_id))
    if order is None:
        raise UnknownOrder(f"lot {lot_id} has no order {order_id}", "order_id")
    return order


@get("/lots/{lot_id:str}/stays/{order_id:str}/reductions/{reduction_id:str}", right=Right.MONEY_REDUCE)
async def reduction(visit: Here, order_id: FromPath[str], reduction_id: FromPath[str]) -> Answer:
    """Something that made a stay cheaper, to be taken back."""
    return await _reduction_page(visit, order_id, reduction_id)


@post("/lots/{lot_id:str}/stays/{order_id:str}/reductions/{reduction_id:str}", right=Right.MONEY_REDUCE)
async def end_reduction(visit: Here, order_id: FromPath[str], reduction_id: FromPath[str]) -> Answer:
    """It was a mistake."""
    lot_id = visit.here.lot_id
    await _reduction(visit, order_id, reduction_id)
    try:
        by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
        pictures = visit.office.pictures(lot_id)
        act = acts.EndReduction(lot_id=lot_id, reduction_id=reduction_id, by=by, pictures=pictures)
        await visit.office.leaving.do(act)
    except LotError as error:
        return await _reduction_page(visit, order_id, reduction_id, error)
    visit.changed(order_id=order_id)
    return visit.go(visit.in_lot("stays", order_id), visit.tell("减免已撤销。"))


async def _reduction_page(visit: Visit, order_id: str, reduction_id: str, error: LotError | None = None) -> Answer:
    found = await _reduction(visit, order_id, reduction_id)
    stay = await _stay(visit, order_id)
    if error is not None:
        visit.wrong["reason" if error.field == "reason" else ""] = visit.rendering.error(error, visit)
    status = HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY
    return visit.page("stays/reduction.html", status=status, stay=stay, reduction=found)


async def _reduction(visit: Visit, order_id: str, reduction_id: str) -> Reduction:
    lot_id = visit.here.lot_id
    found = None
    if "\x00" not in reduction_id:
        found = await visit.office.database.read(lambda conn: ledger.reduction_named(conn, lot_id, reduction_id))
    if found is None or found.order_id != order_id:
        raise UnknownOrder(f"lot {lot_id} has no reduction {reduction_id}", "reduction_id")
    return found


PAGES = (stay, *(page for act in ACTS for page in _pages(act)), reduction, end_reduction)
