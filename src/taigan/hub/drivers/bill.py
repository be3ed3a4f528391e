"""What a phone that asked for a price shows at this moment: the price, what became of the payment, the time left."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from taigan.bolink import BadMessage, moment
from taigan.bolink.values import PayScene
from taigan.hub.book import records, registry
from taigan.hub.book.records import Kind, Record
from taigan.hub.book.registry import Lot
from taigan.hub.book.tables import entries
from taigan.hub.drivers import drivers, quotes
from taigan.hub.drivers.quotes import Quote, Shown
from taigan.hub.identity import App
from taigan.hub.rules import Rules


@dataclass(frozen=True, slots=True)
class Bill:
    """One picture of the phone. Times are moments, money is fen."""

    quote: Quote
    lot: Lot
    shown: Shown
    app: App
    in_time: datetime | None
    asked_at: datetime
    payment: Record | None
    leave_by: datetime | None
    """Until when a driver who paid inside may leave."""
    stale: bool
    """The price was told too long ago to be paid: it has to be asked for anew."""
    listening: bool
    """What is shown may still change."""
    changes_in: float | None
    """Seconds until time changes the picture; `None` when only the lot or a person can."""
    owed: list[Record]
    """What the car at the exit left unpaid in this lot before; nothing is said of it inside, where anybody may ask."""

    @property
    def inside(self) -> bool:
        """Whether the car is inside the lot, not at an exit."""
        return self.quote.scene is PayScene.INSIDE

    @property
    def payable(self) -> bool:
        """Whether the driver can pay now."""
        return self.shown in (Shown.PRICE, Shown.FAILED) and not self.stale

    @property
    def invoice_no(self) -> str:
        """The invoice that the driver had made for what was paid."""
        return self.payment.detail.get("invoice_no", "") if self.payment is not None else ""

    @property
    def text(self) -> str:
        """What the lot or we say."""
        return self.quote.text

    @property
    def digest(self) -> str:
        """The same for two pictures that look the same but for their clocks."""
        owed = [one.code for one in self.owed]
        picture = (self.shown, self.quote.text, self.stale, self.listening, self.invoice_no, owed)
        return hashlib.sha256(repr(picture).encode()).hexdigest()[:12]


def bill(conn: sa.Connection, rules: Rules, scan_id: str, now: datetime) -> Bill:
    """The phone's picture of a question. Raises `Unknown`."""
    quote = quotes.find(conn, scan_id)
    lot = registry.lot(conn, quote.lot_id)
    assert lot is not None, "quotes refer to lots"
    payment = payment_for(conn, quote)
    shown = quote.shown if payment is None else Shown(payment.state)
    age = (now - (quote.answered_at or quote.created_at)).total_seconds()
    offered = shown in (Shown.PRICE, Shown.FAILED)
    leave_by = None
    if shown is Shown.PAID and payment is not None and quote.scene is PayScene.INSIDE:
        leave_by = payment.changed_at + timedelta(minutes=quote.told.free_minutes)
    stale = offered and age >= rules.price_shown
    return Bill(
        quote=quote,
        lot=lot,
        shown=shown,
        app=drivers.find(conn, quote.driver_id).app,
        in_time=_in_time(conn, quote),
        asked_at=quote.created_at,
        payment=payment,
        leave_by=leave_by,
        stale=stale,
        listening=shown in (Shown.ASKING, Shown.PENDING) or (offered and not stale),
        changes_in=max(0.0, rules.price_shown - age) if offered and not stale else None,
        owed=[] if quote.scene is PayScene.INSIDE else quotes.arrears_of(conn, quote.lot_id, quote.car_number),
    )


def payment_for(conn: sa.Connection, quote: Quote) -> Record | None:
    """The payment that the driver made for a quote, if there is one."""
    if quote.trade_no is None:
        return None
    return records.find(conn, Kind.PAYMENTS, quote.lot_id.partition("-")[0], quote.lot_id, quote.trade_no)


def _in_time(conn: sa.Connection, quote: Quote) -> datetime | None:
    """When the stay began: as the lot says, else as it was uploaded, else as long ago as the stay is told to last."""
    if quote.told.in_time is not None:
        return _moment(quote.told.in_time)
    told = sa.select(entries.c.data).where(entries.c.lot_id == quote.lot_id, entries.c.order_id == quote.order_id)
    uploaded = quotes.entered_at(conn.execute(told).scalar() or b"") if quote.order_id else None
    if uploaded is not None:
        return _moment(uploaded)
    if quote.told.minutes is None or quote.answered_at is None:
        return None
    return quote.answered_at - timedelta(minutes=quote.told.minutes)


def _moment(seconds: int) -> datetime | None:
    try:
        return moment(seconds)
    except BadMessage:
        return None
