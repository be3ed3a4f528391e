"""Payments that nobody heard of: BoLink's books (4.1) are asked by order, and what they do not have has failed.

A platform that was down does not make a payment fail, nor does a BoLink that does not answer, or says that it is paid
(4.3): until its books can be read and have it, it is awaited.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
import structlog

from taigan.bolink import BadAnswer, BolinkClient, BolinkError, TimedOut, Unreachable, units
from taigan.bolink.chapters.reconciliation import QueryOrders
from taigan.clock import Clock
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import AWAITED, LONG_AWAITED, awaits_no_more
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.pulling.ended import PaymentNamed
from taigan.lot.leaving.room import Room
from taigan.storage.database import Database
from taigan.storage.due import rounds
from taigan.storage.errors import StorageError
from taigan.storage.locked import ledger
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Attempt, Lot, Payment
from taigan.storage.setup import registry
from taigan.storage.sums import reconciling as kept

log = structlog.get_logger("taigan.leaving")
EVERY = 60.0
"""Seconds between two looks."""
MOST = 20
"""Orders of a lot that are asked for in one look, at most; the others come first in the next."""
MORNING = 6
"""The hour of the lot's clock from which BoLink's books are asked for what began before it."""
SILENT_FOR = timedelta(hours=1)
"""So long nobody must have heard of it; a payment of a moment ago is under way, whatever the hour."""
AWAITED_FOR = timedelta(days=1)
"""So long after its car has gone what was paid for a stay may be unknown before a person is told."""
WRONG_CLOCK = timedelta(days=1)
"""What began so far ahead was written by a clock that has been set back since."""
SPARE = timedelta(hours=1)
"""So long before the entry an order is asked for: clocks differ, and 4.1 does not say which of its times counts."""
MONTHS = 3
"""Months of a stay that are asked for, at most: the last ones."""
LONGEST = 64
"""Characters of a number that is kept."""


class Answers(msgspec.Struct):
    """What BoLink's books said."""

    of: set[str] = msgspec.field(default_factory=set)  # the orders of which they could be read
    unbooked: set[str] = msgspec.field(default_factory=set)  # of which they have a payment that fits none here
    last: str = ""  # the order that was asked for last


class Unheard:
    """One per process."""

    def __init__(
        self, database: Database, desk: LeavingDesk, client_of: Callable[[str], BolinkClient], clock: Clock
    ) -> None:
        self._database = database
        self._desk = desk
        self._client_of = client_of
        self._clock = clock
        self._last: dict[str, str] = {}
        """The order of each lot that was asked for last."""

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await self.look()
            except StorageError as error:
                log.error("payments that nobody heard of cannot be looked at", error=str(error))
            except Exception:
                log.exception("a look at payments that nobody heard of failed")
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Have what nobody heard of since before the last morning of its lot's clock paid, failed, or awaited on.

        Raises `StorageError`.
        """
        for lot in await self._database.read(registry.lots):
            try:
                await self._look_at(lot)
            except StorageError:
                raise
            except Exception:
                log.exception("a lot's payments that nobody heard of cannot be looked at", lot=lot.lot_id)

    async def _look_at(self, lot: Lot) -> None:
        now = self._clock.now()
        since = await self._database.read(lambda conn: _unheard(conn, lot, now))
        if since and await self._is_ours(lot, now):
            asked = self._next(lot, since)
            answers = await self.ask(lot, {order_id: since[order_id] for order_id in asked})
            self._last[lot.lot_id] = answers.last
            await self._desk.do(NotHeardOf(lot.lot_id, answers.of, answers.unbooked, set(asked)))

    async def ask(self, lot: Lot, since: Mapping[str, datetime]) -> Answers:
        """Book what BoLink's books (4.1) name of these orders, of which something began at that moment.

        A payment whose order nobody knows (order_id "") cannot be asked for. Raises `StorageError`.
        """
        answers = Answers()
        for order_id, began in since.items():
            answers.last = order_id
            try:
                if order_id and not await self._ask(lot, order_id, began):
                    answers.unbooked.add(order_id)
            except BolinkError as error:
                log.info("BoLink's books do not say what became of a payment", order=order_id, error=str(error))
                if isinstance(error, Unreachable | TimedOut) or (isinstance(error, BadAnswer) and error.status >= 500):
                    break
                continue
            answers.of.add(order_id)
        return answers

    async def _ask(self, lot: Lot, order_id: str, began: datetime) -> bool:
        """Tells whether all that the books name is booked. What is known here by its number goes first: what is left
        of the books' amounts fits fewer of the others."""

        def entered(conn: sa.Connection) -> datetime:
            order = Sheet(conn).order(lot.lot_id, order_id)
            return began if order is None else min(began, order.in_at or order.requested_at)

        found: dict[str, int] = {}
        start = await self._database.read(entered)
        for begin, end in _spans(start - SPARE, self._clock.now(), ZoneInfo(lot.time_zone)):
            span = units.seconds(begin), units.seconds(end)
            asked = QueryOrders(park_id=lot.park_id, order_id=order_id, start_time=span[0], end_time=span[1])
            for one in (await self._client_of(lot.lot_id).query_orders(asked)).data:
                if one.trade_no and (number := one.trade_no.strip()[:LONGEST]):
                    found[number] = units.fen(one.money, "money")

        def unknown(conn: sa.Connection) -> set[str]:
            sheet = Sheet(conn)
            return {number for number in found if sheet.payment_numbered(lot.lot_id, "bolink", number) is None}

        new = await self._database.read(unknown) if len(found) > 1 else set()
        booked = True
        for number in sorted(found, key=new.__contains__):
            pictures = self._desk.pictures(lot.lot_id)
            named = PaymentNamed(lot.lot_id, order_id, number, found[number], pictures)
            booked = await self._desk.do(named) and booked
        return booked

    def _next(self, lot: Lot, order_ids: Iterable[str]) -> list[str]:
        """Those whose turn it is: they go round, so that none that is never answered holds up the others."""
        found, last = sorted(order_ids), self._last.get(lot.lot_id, "")
        return ([one for one in found if one > last] + [one for one in found if one <= last])[:MOST]

    async def _is_ours(self, lot: Lot, now: datetime) -> bool:
        """One process looks at a lot at a time, or a little more where BoLink is slow: what it names is booked once."""
        until = now + timedelta(seconds=EVERY)

        def take(conn: sa.Connection) -> bool:
            return rounds.take(conn, lot.lot_id, "payments unheard of", now, until, now, ahead=until)

        return await self._database.write(take)


class NotHeardOf(msgspec.Struct):
    """BoLink's books could be read of these orders: what they do not name since before the last morning has failed."""

    lot_id: str
    order_ids: Set[str]
    unbooked: Set[str]
    asked: Set[str] = frozenset()  # all that were asked for, answered or not

    def apply(self, room: Room) -> None:
        """What has failed is told a person, and what is awaited on, once."""
        failed: dict[str, list[str]] = defaultdict(list)
        silent: list[Attempt | Payment] = [
            *silent_pulls(room.sheet.read(ledger.pulls_open, room.lot_id), room.lot, room.now),
            *silent_payments(room.sheet.read(ledger.payments_pending, room.lot_id), room.lot, room.now),
        ]
        for one in silent:
            if one.order_id in self.order_ids and self._has_failed(room, one):
                failed[one.order_id].append(_number(one))
        for order_id, numbers in failed.items():
            if (order := room.order(order_id)) is not None:
                awaits_no_more(room, order, *numbers)
        told = {one.order_id for one in silent if _said(one) in (ledger.UNNAMED, ledger.DOES_NOT_FIT)}
        for order_id in self.asked - told:
            self._tell(room, order_id)

    def _tell(self, room: Room, order_id: str) -> None:
        """A stay that is awaited for a day after its car has gone is for a person."""
        order = room.order(order_id)
        if order is None or order.review != AWAITED or not room.account(order).bill.awaited:
            return
        closed_at = room.account(order).bill.closed_at
        if closed_at is not None and room.now - closed_at >= AWAITED_FOR:
            order.review = LONG_AWAITED
            room.changes.order(order)
            text = f"{cars.named(order)}: BoLink's books do not say for a day what became of its payment"
            room.alarm("payment_awaited", text, "", order.order_id)

    def _has_failed(self, room: Room, one: Attempt | Payment) -> bool:
        said, number = _said(one), _number(one)
        order = room.order(one.order_id)
        order_id, about = ("", number) if order is None else (order.order_id, f"{cars.named(order)}: {number}")
        if said in (ledger.SAID_PAID, ledger.UNNAMED):
            says = ledger.UNNAMED
            if says != said:
                room.alarm("payment_awaited", f"{about} is paid, BoLink says; its books do not name it", "", order_id)
        elif one.order_id in self.unbooked:
            says = ledger.DOES_NOT_FIT
            if says != said:
                room.alarm("amount_unclear", f"{about} is not what BoLink's books name for the stay", "", order_id)
        else:
            says, one.state = ledger.NOT_HEARD_OF, "failed"
            room.alarm("payment_not_heard_of", f"{about} is neither paid nor refused", "", order_id)
        if isinstance(one, Attempt):
            one.said = says
            room.changes.attempt(one)
        else:
            one.note = says
            room.changes.payment(one)
        return one.state == "failed"


def silent_pulls(pulls: Iterable[Attempt], lot: Lot, now: datetime) -> list[Attempt]:
    """Those that are unclear since before the morning."""
    return [pull for pull in pulls if pull.state == "unclear" and _is_silent(pull.started_at, lot, now)]


def silent_payments(payments: Iterable[Payment], lot: Lot, now: datetime) -> list[Payment]:
    """Those that are under way since before the morning."""
    return [payment for payment in payments if _is_silent(payment.received_at, lot, now)]


def _is_silent(began: datetime, lot: Lot, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(lot.time_zone))
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    morning = morning if morning <= local else morning - timedelta(days=1)
    return (began < morning and now - began >= SILENT_FOR) or began - now > WRONG_CLOCK


def _unheard(conn: sa.Connection, lot: Lot, now: datetime) -> dict[str, datetime]:
    """The lot's orders of whose payments nobody heard, and since when."""
    since = kept.awaited(conn, lot.lot_id)
    for pull in silent_pulls(ledger.pulls_open(conn, lot.lot_id), lot, now):
        since[pull.order_id] = min(pull.started_at, since.get(pull.order_id, now))
    for payment in silent_payments(ledger.payments_pending(conn, lot.lot_id), lot, now):
        since[payment.order_id] = min(payment.received_at, since.get(payment.order_id, now))
    return since


def _number(one: Attempt | Payment) -> str:
    return one.attempt_no if isinstance(one, Attempt) else one.trade_no


def _said(one: Attempt | Payment) -> str:
    return one.said if isinstance(one, Attempt) else one.note


def _spans(start: datetime, now: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """From then to now, for 4.1, of the last months: a span that crosses months covers the last of them alone."""
    spans: list[tuple[datetime, datetime]] = []
    end, start = now.astimezone(zone), min(start, now - SPARE)
    while len(spans) < MONTHS:
        month = end.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        spans.insert(0, (max(start, month), end))
        if start >= month:
            break
        end = month - timedelta(seconds=1)
    return spans
