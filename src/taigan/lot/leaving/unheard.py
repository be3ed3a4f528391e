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

from taigan.bolink import BolinkClient, BolinkError, TimedOut, Unreachable, units
from taigan.bolink.chapters.reconciliation import QueryOrders
from taigan.clock import Clock
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import awaits_no_more
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.pulling.ended import PaymentNamed
from taigan.lot.leaving.room import Room
from taigan.storage.database import Database
from taigan.storage.due import rounds
from taigan.storage.errors import StorageError
from taigan.storage.locked import ledger
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
WRONG_CLOCK = timedelta(days=1)
"""What began so far ahead was written by a clock that has been set back since."""
SPARE = timedelta(hours=1)
"""So long before a payment began its order is asked for: both clocks differ."""


class Answers(msgspec.Struct):
    """What BoLink's books said."""

    of: set[str] = msgspec.field(default_factory=set)  # the orders of which they could be read
    unbooked: set[str] = msgspec.field(default_factory=set)  # of which they have a payment that fits none here
    reached: bool = True  # whether BoLink was


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
            now = self._clock.now()
            since = await self._database.read(lambda conn, lot=lot, now=now: _unheard(conn, lot, now))  # type: ignore[misc]
            if not since or not await self._is_ours(lot, now):
                continue
            asked = self._next(lot, since)
            answers = await self.ask(lot, {order_id: since[order_id] for order_id in asked})
            await self._desk.do(NotHeardOf(lot.lot_id, answers.of, answers.unbooked))
            if not answers.reached:
                return

    async def ask(self, lot: Lot, since: Mapping[str, datetime]) -> Answers:
        """Book what BoLink's books (4.1) name of these orders, of which something began at that moment.

        A payment whose order nobody knows (order_id "") cannot be asked for. Raises `StorageError`.
        """
        answers = Answers()
        for order_id, began in since.items():
            try:
                if order_id and not await self._ask(lot, order_id, began):
                    answers.unbooked.add(order_id)
            except (Unreachable, TimedOut) as error:
                log.info("BoLink does not say what became of payments", lot=lot.lot_id, error=str(error))
                answers.reached = False
                break
            except BolinkError as error:
                log.info("BoLink's books do not say what became of a payment", order=order_id, error=str(error))
                continue
            answers.of.add(order_id)
        return answers

    async def _ask(self, lot: Lot, order_id: str, began: datetime) -> bool:
        """Tells whether all that the books name is booked."""
        booked = True
        for start, end in _spans(began - SPARE, self._clock.now(), ZoneInfo(lot.time_zone)):
            begin, until = units.seconds(start), units.seconds(end)
            asked = QueryOrders(park_id=lot.park_id, order_id=order_id, start_time=begin, end_time=until)
            for one in (await self._client_of(lot.lot_id).query_orders(asked)).data:
                if one.trade_no:
                    fen, pictures = units.fen(one.money, "money"), self._desk.pictures(lot.lot_id)
                    named = PaymentNamed(lot.lot_id, order_id, one.trade_no, fen, pictures)
                    booked = await self._desk.do(named) and booked
        return booked

    def _next(self, lot: Lot, order_ids: Iterable[str]) -> list[str]:
        """Those whose turn it is: they go round, so that none that is never answered holds up the others."""
        found, last = sorted(order_ids), self._last.get(lot.lot_id, "")
        turn = [one for one in found if one > last] + [one for one in found if one <= last]
        self._last[lot.lot_id] = turn[:MOST][-1]
        return turn[:MOST]

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

    def _has_failed(self, room: Room, one: Attempt | Payment) -> bool:
        said, number = one.said if isinstance(one, Attempt) else one.note, _number(one)
        if said in (ledger.SAID_PAID, ledger.UNNAMED):
            kind, says = "payment_awaited", ledger.UNNAMED
            text = f"BoLink says that {number} is paid, and its books do not have it"
        elif one.order_id in self.unbooked:
            kind, says = "amount_unclear", ledger.DOES_NOT_FIT
            text = f"BoLink's books have a payment that does not fit {number}"
        else:
            kind, says = "payment_not_heard_of", ledger.NOT_HEARD_OF
            text = f"{number} is neither paid nor refused"
        if says == said:
            return False
        order = room.order(one.order_id)
        about = number if order is None else cars.named(order)
        room.alarm(kind, f"{about}: {text}", "", "" if order is None else order.order_id)
        has_failed = says == ledger.NOT_HEARD_OF
        one.state = "failed" if has_failed else one.state
        if isinstance(one, Attempt):
            one.said = says
            room.changes.attempt(one)
        else:
            one.note = says
            room.changes.payment(one)
        return has_failed


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


def _spans(start: datetime, now: datetime, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """From then to now, for 4.1: a span that crosses months covers the last of them alone."""
    month = _first_of_month(now.astimezone(zone))
    if start >= month:
        return [(start, now)]
    next_month = _first_of_month(_first_of_month(start.astimezone(zone)) + timedelta(days=32))
    return [(start, next_month - timedelta(seconds=1)), (month, now)]


def _first_of_month(local: datetime) -> datetime:
    return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
