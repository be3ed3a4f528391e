"""Payments that nobody heard of: BoLink's books (4.1) are asked by order, and what they do not have has failed.

A platform that was down, or BoLink, does not make a payment fail: while the books cannot be read, it is awaited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
import structlog

from taigan.bolink import BadMessage, BolinkClient, BolinkError, Refused, units
from taigan.bolink.chapters.reconciliation import QueryOrders
from taigan.clock import Clock
from taigan.lot.leaving.cars import car as cars
from taigan.lot.leaving.cars.gone import awaits_no_more
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.pulling.ended import PaymentNamed
from taigan.lot.leaving.room import Room
from taigan.storage.database import Database
from taigan.storage.locked import ledger
from taigan.storage.rows import Attempt, Lot, Order, Payment

log = structlog.get_logger("taigan.leaving")
MORNING = 6
"""The hour of the lot's clock from which BoLink's books are asked for what began before it."""


class Unheard:
    """One per process."""

    def __init__(
        self, database: Database, desk: LeavingDesk, client_of: Callable[[str], BolinkClient], clock: Clock
    ) -> None:
        self._database = database
        self._desk = desk
        self._client_of = client_of
        self._clock = clock

    async def look(self, lot: Lot) -> None:
        """Have what nobody heard of since before the lot's last morning paid or failed. Raises `StorageError`."""
        morning = _morning(lot, self._clock.now())

        def orders(conn: sa.Connection) -> set[str]:
            pulls = _silent_pulls(ledger.pulls_open(conn, lot.lot_id), morning)
            payments = _silent_payments(ledger.payments_pending(conn, lot.lot_id), morning)
            return {pull.order_id for pull in pulls} | {payment.order_id for payment in payments}

        if found := await self._database.read(orders):
            await self._desk.do(NotHeardOf(lot.lot_id, await self.ask(lot, sorted(found))))

    async def ask(self, lot: Lot, order_ids: Iterable[str]) -> set[str]:
        """Book what BoLink's books (4.1) name of these orders; returns those of which it answered.

        A payment whose order nobody knows (order_id "") cannot be asked for. Raises `StorageError`.
        """
        answered = set()
        for order_id in order_ids:
            try:
                if order_id:
                    await self._ask(lot, order_id)
            except (Refused, BadMessage) as error:
                log.info("BoLink's books do not say what became of a payment", order=order_id, error=str(error))
            except BolinkError as error:
                log.info("BoLink does not say what became of payments", lot=lot.lot_id, error=str(error))
                break
            answered.add(order_id)
        return answered

    async def _ask(self, lot: Lot, order_id: str) -> None:
        asked = QueryOrders(park_id=lot.park_id, order_id=order_id)
        for one in (await self._client_of(lot.lot_id).query_orders(asked)).data:
            if one.trade_no:
                fen = units.fen(one.money, "money")
                pictures = self._desk.pictures(lot.lot_id)
                await self._desk.do(PaymentNamed(lot.lot_id, order_id, one.trade_no, fen, pictures))


class NotHeardOf(msgspec.Struct):
    """What BoLink's books did not name of these orders since before the last morning has failed, and is told."""

    lot_id: str
    order_ids: Set[str]

    def apply(self, room: Room) -> None:
        morning = _morning(room.lot, room.now)
        for pull in _silent_pulls(room.sheet.read(ledger.pulls_open, room.lot_id), morning):
            if pull.order_id in self.order_ids:
                pull.state, pull.said = "failed", ledger.NOT_HEARD_OF
                room.changes.attempt(pull)
                self._told(room, room.order(pull.order_id), pull.attempt_no)
        for payment in _silent_payments(room.sheet.read(ledger.payments_pending, room.lot_id), morning):
            if payment.order_id in self.order_ids:
                payment.state, payment.note = "failed", ledger.NOT_HEARD_OF
                room.changes.payment(payment)
                self._told(room, room.order(payment.order_id), payment.trade_no)

    def _told(self, room: Room, order: Order | None, number: str) -> None:
        order_id, about = ("", number) if order is None else (order.order_id, cars.named(order))
        room.alarm("payment_not_heard_of", f"{about}: {number} is neither paid nor refused", "", order_id)
        if order is not None:
            awaits_no_more(room, order, number)


def _silent_pulls(pulls: Iterable[Attempt], morning: datetime) -> list[Attempt]:
    return [pull for pull in pulls if pull.state == "unclear" and pull.started_at < morning]


def _silent_payments(payments: Iterable[Payment], morning: datetime) -> list[Payment]:
    return [payment for payment in payments if payment.received_at < morning]


def _morning(lot: Lot, now: datetime) -> datetime:
    """The last morning of the lot's clock."""
    local = now.astimezone(ZoneInfo(lot.time_zone))
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return morning if morning <= local else morning - timedelta(days=1)
