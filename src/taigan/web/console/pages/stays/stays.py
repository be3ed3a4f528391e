"""Stays: found by a part of a plate; and what one of them comes to."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta

import msgspec
import sqlalchemy as sa
from litestar import get

from taigan.lot.errors import BadValue, CannotPrice, UnknownOrder
from taigan.lot.people.looking.board import money_of
from taigan.lot.stays.charge import Priced
from taigan.lot.stays.covers import Cover
from taigan.rights import Right
from taigan.storage.locked import facts, ledger
from taigan.storage.rows import Bill, Departure, Payment, Reduction
from taigan.storage.shown import searches
from taigan.storage.shown.searches import Sought, StayRow
from taigan.web.api.common import BY_TIME
from taigan.web.console import fields
from taigan.web.console.pages.people.views import views_of
from taigan.web.console.visit import Answer, Here, Visit
from taigan.web.errors import Refused

_SEPARATORS = re.compile(r"[\s·•・]+")
"""What people write between the signs of a plate, and plates do not have."""
STATES = ("in", "waiting", "out", "abandoned", "void")
STALE = "stale"
"""Not a state: inside for longer than `stale_after`."""


class Money(msgspec.Struct):
    """What a stay comes to: worked out for now or its departure while it goes on, else as it was agreed."""

    bill: Bill
    payments: list[Payment]
    reductions: list[Reduction]
    departure: Departure | None
    priced: Priced | None
    due_fen: int | None
    why_not: str
    covers: list[Cover] = []


@get("/lots/{lot_id:str}/stays", right=Right.STAY_SEE)
async def stays(visit: Here) -> Answer:
    """The lot's stays, newest first; those inside at first."""
    rows: list[StayRow] = []
    saved = await views_of(visit, "stays")
    try:
        sought = sought_by(visit)
        after = BY_TIME.read(visit.text("after", 512))
        lot_id = visit.here.lot_id
        rows = await visit.office.database.read(
            lambda conn: searches.stays(conn, lot_id, fields.PAGE + 1, after, sought)
        )
    except BadValue as error:
        return visit.again("stays/stays.html", error, rows=[], more="", states=(*STATES, STALE), saved=saved)
    except Refused:
        return visit.go(visit.in_lot("stays"))
    rows, more = fields.further(visit, rows, BY_TIME, lambda row: (row.order.requested_at, row.order.order_id), "stays")
    return visit.page("stays/stays.html", rows=rows, more=more, states=(*STATES, STALE), saved=saved)


async def money_at(visit: Visit, order_id: str) -> Money:
    """What a stay comes to. Raises UnknownOrder."""
    lot = visit.here

    def read(conn: sa.Connection) -> Money:
        key = (lot.lot_id, order_id)
        order = facts.orders(conn, [key]).get(key)
        if order is None:
            raise UnknownOrder(f"lot {lot.lot_id} has no order {order_id}", "order_id")
        account = money_of(conn, lot, order)
        departure = ledger.last_departure_of(conn, lot.lot_id, order_id)
        standing = departure is not None and departure.ended_at is None
        money = Money(account.bill, account.payments, account.reductions, departure, None, None, "", account.covers)
        at = (order.closed_at if order.state == "out" else None) or visit.now
        if departure is not None and (standing or order.state == "out"):
            at = departure.charge_at
        if order.state in ("void", "abandoned", "waiting"):
            return money
        try:
            money.priced = account.priced(max(at, account.entry))
            money.due_fen = account.due(at) if order.state == "in" else max(0, account.bill.balance_fen)
        except CannotPrice as error:
            money.why_not = error.message
        return money

    return await visit.office.database.read(read)


def sought_by(visit: Visit) -> Sought:
    """What the address asks for. Raises BadValue for what cannot be looked for."""
    part = _SEPARATORS.sub("", unicodedata.normalize("NFKC", visit.text("q", 16)).upper())
    state = visit.text("state", 16) if "state" in visit.asked else "in"
    until = day_begins(visit, "to", end=True)
    if state == STALE:
        before = visit.now - timedelta(seconds=visit.office.leaving.policy.stale_after)
        state, until = "in", min(until or before, before)
    elif state not in ("", *STATES):
        state = ""
    return Sought(
        part=part,
        state=state,
        channel_id=visit.text("lane", 64),
        review=visit.text("review", 1) == "1",
        since=day_begins(visit, "from"),
        until=until,
    )


def day_begins(visit: Visit, name: str, *, end: bool = False) -> datetime | None:
    """The beginning, or the end, of the day in a field, on the lot's clock. Raises BadValue for no date."""
    text = visit.text(name, 10)
    if not text:
        return None
    try:
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return datetime.combine(day, time(), visit.zone).astimezone(visit.now.tzinfo)
    except (ValueError, OverflowError):
        raise BadValue(visit.tell("日期要写成 2026-01-31。"), name) from None


PAGES = (stays,)
