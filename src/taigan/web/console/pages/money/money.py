"""Money: what was due, received by way, reduced, waived, owed and too much; every number leads to its rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, cast

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.params import FromPath

from taigan.lot.errands.moving import Move
from taigan.lot.errors import BadValue
from taigan.lot.people import exit_acts
from taigan.rights import Right
from taigan.storage.rows import Payment, Reduction, Shift
from taigan.storage.shown.ledger_views import Owed
from taigan.storage.sums import books
from taigan.storage.sums.books import Amount, BillsSought, BillSums, By, PaymentsSought, Span, Standing, What
from taigan.web.api.common import BY_NAME, BY_TIME
from taigan.web.console import fields
from taigan.web.console.pages.people.views import views_of
from taigan.web.console.rendering.words.money import PAYMENT_STATE, REDUCTION, WAY
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

BYS: tuple[By, ...] = ("day", "shift", "person")
WHATS: tuple[What, ...] = ("charge", "reduced", "waived", "paid", "refunded", "owed", "surplus")
LONGEST = 92


class Line(msgspec.Struct):
    """A day, a shift or a person: what was taken by each way. `filters` lead to the rows."""

    name: str
    filters: dict[str, str]
    ways: dict[str, Amount]

    @property
    def total(self) -> Amount:
        return summed(self.ways.values())


class Sums(msgspec.Struct):
    """What the page shows of some days."""

    bills: BillSums
    lines: list[Line]
    waived: list[tuple[str, Amount]]
    strays: Amount
    reversed: Amount
    standing: Standing


@get("/lots/{lot_id:str}/money", right=Right.MONEY_SEE)
async def money(visit: Here) -> Answer:
    """The sums of some days; of today at first."""
    by = cast(By, visit.text("by", 16)) if visit.asked.get("by") in BYS else "day"
    saved = await views_of(visit, "money")
    try:
        days = fields.days(visit, most=LONGEST)
    except BadValue as error:
        return visit.again("money/money.html", error, by=by, sums=None, bys=BYS, saved=saved)
    lot_id, each = visit.here.lot_id, days.each(visit)
    dates = {"from": days.first.isoformat(), "to": days.last.isoformat()}

    def read(conn: sa.Connection) -> Sums:
        paid = PaymentsSought(days.span)
        return Sums(
            books.bills_sum(conn, lot_id, BillsSought(days.span)),
            _by_day(conn, lot_id, each) if by == "day" else _by_key(conn, visit, days.span, by, dates),
            books.waived(conn, lot_id, days.span),
            books.payments_sum(conn, lot_id, msgspec.structs.replace(paid, strays=True)),
            books.payments_sum(conn, lot_id, msgspec.structs.replace(paid, state="reversed")),
            books.standing(conn, lot_id),
        )

    sums = await visit.office.database.read(read)
    there = {way for line in sums.lines for way in line.ways}
    ways = [way for way in WAY if way in there] + sorted(there - set(WAY))
    totals = {way: summed(line.ways[way] for line in sums.lines if way in line.ways) for way in ways}
    shown: dict[str, Any] = {"sums": sums, "ways": ways, "totals": totals, "dates": dates, "days": days}
    return visit.page("money/money.html", by=by, bys=BYS, saved=saved, **shown)


@get("/lots/{lot_id:str}/money/payments", right=Right.MONEY_SEE)
async def payments(visit: Here) -> Answer:
    """Payments, the newest first, and what they come to."""
    rows: list[Payment] = []
    options: dict[str, Any] = {"ways": WAY, "states": PAYMENT_STATE, "saved": await views_of(visit, "payments")}
    try:
        sought = payments_sought(visit)
        after = BY_TIME.read(visit.text("after", 512))
    except BadValue as error:
        return visit.again("money/payments.html", error, rows=[], total=None, more="", shifts={}, **options)
    except Refused:
        return visit.go(visit.in_lot("money", "payments"))
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[list[Payment], Amount, dict[str, Shift]]:
        found = books.payments(conn, lot_id, fields.PAGE + 1, after, sought)
        named = books.shifts_named(conn, lot_id, sorted({row.shift_id for row in found if row.shift_id}))
        return found, books.payments_sum(conn, lot_id, sought), named

    rows, total, shifts = await visit.office.database.read(read)
    rows, more = fields.further(
        visit, rows, BY_TIME, lambda row: (row.received_at, row.payment_id), "money", "payments"
    )
    return visit.page("money/payments.html", rows=rows, total=total, more=more, shifts=shifts, **options)


@get("/lots/{lot_id:str}/money/bills", right=Right.MONEY_SEE)
async def bills(visit: Here) -> Answer:
    """Bills of stays that ended, the newest first, and what they come to."""
    rows: list[Owed] = []
    saved = await views_of(visit, "bills")
    try:
        sought = bills_sought(visit)
        after = BY_NAME.read(visit.text("after", 512))
    except BadValue as error:
        return visit.again("money/bills.html", error, rows=[], sums=None, more="", whats=WHATS, saved=saved)
    except Refused:
        return visit.go(visit.in_lot("money", "bills"))
    lot_id = visit.here.lot_id

    def read(conn: sa.Connection) -> tuple[list[Owed], BillSums]:
        return books.bills(conn, lot_id, fields.PAGE + 1, after, sought), books.bills_sum(conn, lot_id, sought)

    rows, sums = await visit.office.database.read(read)
    rows, more = fields.further(visit, rows, BY_NAME, lambda row: (row.order.order_id,), "money", "bills")
    return visit.page("money/bills.html", rows=rows, sums=sums, more=more, whats=WHATS, saved=saved)


@get("/lots/{lot_id:str}/money/reductions", right=Right.MONEY_SEE)
async def reductions(visit: Here) -> Answer:
    """What made stays cheaper, the newest first."""
    rows: list[Reduction] = []
    try:
        days = fields.days(visit)
        who, kind = visit.text("person", 200), visit.text("kind", 16)
        after = BY_TIME.read(visit.text("after", 512))
    except BadValue as error:
        return visit.again("money/reductions.html", error, rows=[], more="", kinds=REDUCTION, days=None)
    except Refused:
        return visit.go(visit.in_lot("money", "reductions"))
    lot_id = visit.here.lot_id
    rows = await visit.office.database.read(
        lambda conn: books.reductions(conn, lot_id, fields.PAGE + 1, after, days.span, who, kind)
    )
    rows, more = fields.further(visit, rows, BY_TIME, lambda row: (row.at, row.reduction_id), "money", "reductions")
    return visit.page("money/reductions.html", rows=rows, more=more, kinds=REDUCTION, days=days)


@post("/lots/{lot_id:str}/money/payments/{payment_id:str}/assign", right=Right.MONEY_ASSIGN)
async def assign(visit: Here, payment_id: FromPath[str]) -> Answer:
    """A stray belongs to a stay."""
    lot_id = visit.here.lot_id
    order_id = visit.text("order_id", 48, needed=visit.tell("请填订单号。"))
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    fen = fields.money(visit, "paid") if visit.text("paid", 12) else None
    pictures = visit.office.pictures(lot_id)
    await visit.office.leaving.do(
        exit_acts.Assign(lot_id=lot_id, payment_id=payment_id, order_id=order_id, by=by, fen=fen, pictures=pictures)
    )
    visit.changed(order_id=order_id)
    return visit.go(visit.back(visit.in_lot("money")), visit.tell("已归到这张订单。"))


@post("/lots/{lot_id:str}/money/payments/{payment_id:str}/move", right=Right.MONEY_MOVE)
async def move(visit: Here, payment_id: FromPath[str]) -> Answer:
    """A payment was made for the wrong stay."""
    lot_id = visit.here.lot_id
    order_id = visit.text("order_id", 48, needed=visit.tell("请填订单号。"))
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    pictures = visit.office.pictures(lot_id)
    act = Move(lot_id=lot_id, payment_id=payment_id, order_id=order_id, by=by, pictures=pictures)
    await visit.office.leaving.do(act)
    visit.changed(order_id=order_id)
    return visit.go(visit.back(visit.in_lot("money")), visit.tell("已移到这张订单。"))


@post("/lots/{lot_id:str}/money/payments/{payment_id:str}/reverse", right=Right.MONEY_REVERSE)
async def reverse(visit: Here, payment_id: FromPath[str]) -> Answer:
    """Cash was booked by mistake."""
    by = visit.by(visit.text("reason", 200, needed=visit.tell("请写原因。")))
    act = exit_acts.Reverse(lot_id=visit.here.lot_id, payment_id=payment_id, by=by)
    found = await visit.office.leaving.do(act)
    visit.changed(order_id=found.order_id)
    return visit.go(visit.back(visit.in_lot("money")), visit.tell("已冲销。"))


def payments_sought(visit: Visit) -> PaymentsSought:
    """The payments that the address asks for. Raises BadValue."""
    return PaymentsSought(
        fields.span(visit),
        visit.text("way", 16),
        visit.text("state", 16),
        visit.text("shift", 64),
        visit.text("person", 200),
        visit.text("strays", 1) == "1",
    )


def bills_sought(visit: Visit) -> BillsSought:
    """The bills that the address asks for. Raises BadValue."""
    what = visit.text("what", 16)
    return BillsSought(fields.span(visit), what if what in WHATS else "")


def summed(amounts: Iterable[Amount]) -> Amount:
    """Amounts together."""
    every = list(amounts)
    return Amount(sum(one.count for one in every), sum(one.fen for one in every))


def _by_day(conn: sa.Connection, lot_id: str, each: list[tuple[date, Span]]) -> list[Line]:
    lines = []
    for day, span in reversed(each):
        ways = {one.way: Amount(one.count, one.fen) for one in books.taken(conn, lot_id, span, "day")}
        lines.append(Line(str(day), {"from": str(day), "to": str(day)}, ways))
    return lines


def _by_key(conn: sa.Connection, visit: Visit, span: Span, by: By, dates: dict[str, str]) -> list[Line]:
    lot_id = visit.here.lot_id
    lines: dict[str, Line] = {}
    found = books.taken(conn, lot_id, span, by)
    shifts = books.shifts_named(conn, lot_id, sorted({one.key for one in found})) if by == "shift" else {}
    for one in found:
        if one.key not in lines:
            name = one.key
            if one.key in shifts:
                shift = shifts[one.key]
                name = f"{shift.person} {shift.booth} {shift.opened_at.astimezone(visit.zone):%m-%d %H:%M}"
            only: dict[str, str] = {by: one.key} if one.key else {"shift": books.NO_SHIFT}
            lines[one.key] = Line(name, {**dates, **only}, {})
        lines[one.key].ways[one.way] = Amount(one.count, one.fen)
    return sorted(lines.values(), key=lambda line: (not line.name, line.name))


PAGES = (money, payments, bills, reductions, assign, move, reverse)
