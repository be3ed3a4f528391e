"""A week of invented stays for a lot in which nothing happened yet, so that who tries it sees lists and reports full.

Each plate begins with 演, which no real one does; the same seed makes the same week.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from taigan.lot.people.by import By
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.kept import invented
from taigan.storage.kept.invented import PREFIX
from taigan.storage.locked import facts
from taigan.storage.rows import Act, Bill, Lane, Lift, Lot, Order, OrderEvent, Payment, Reduction
from taigan.storage.shown import views

DAYS = 7
COLLECTORS = ("演示收费员甲", "演示收费员乙")
_BY_HOUR = (1, 1, 1, 1, 1, 2, 5, 12, 16, 12, 9, 9, 11, 10, 9, 9, 9, 12, 14, 10, 7, 5, 3, 2)
_WAYS = (("scancode", 46), ("wallet", 24), ("prepay", 16), ("cash", 14))
_BY_HAND = ("设备没有识别车牌", "司机付不了款", "急救、消防、警车")
_HALF_HOUR_FEN, _MOST_FEN, _FREE = 200, 4_000, timedelta(minutes=15)


async def invent(database: Database, lot: Lot, now: datetime, seed: int = 7) -> bool:
    """Fill the week before today; tells whether it did: a lot in which anything happened is left as it is."""

    def transaction(conn: sa.Connection) -> bool:
        facts.lock(conn, [lot.lot_id])
        lanes = views.lanes(conn, lot.lot_id, 100, ())
        entries = [lane for lane in lanes if lane.direction == "entry"]
        exits = [lane for lane in lanes if lane.direction == "exit"]
        if not entries or not exits or not invented.is_empty(conn, lot.lot_id):
            return False
        _Week(lot, entries, exits, now, Random(seed)).write(conn)
        return True

    return await database.write(transaction)


async def clear(database: Database, lot: Lot, by: By, now: datetime) -> None:
    """Drop the invented week; what really happened stays."""

    def transaction(conn: sa.Connection) -> None:
        facts.lock(conn, [lot.lot_id])
        invented.clear(conn, lot.lot_id)
        changes = Changes()
        changes.acts.append(Act(lot.lot_id, now, by.operator, by.reason, "invented week cleared", by.via))
        changes.write(conn)

    await database.write(transaction)


class _Week:
    def __init__(self, lot: Lot, entries: Sequence[Lane], exits: Sequence[Lane], now: datetime, random: Random) -> None:
        self._lot, self._entries, self._exits, self._random = lot, entries, exits, random
        self._zone = ZoneInfo(lot.time_zone)
        self._today = now.astimezone(self._zone).date()
        self._utc = now.tzinfo
        self._changes = Changes()
        self._number = 0

    def write(self, conn: sa.Connection) -> None:
        for back in range(DAYS, 0, -1):
            day = self._today - timedelta(days=back)
            for _ in range(self._random.randint(90, 120) if day.weekday() < 5 else self._random.randint(120, 150)):
                self._stay(day)
        self._changes.write(conn)

    def _stay(self, day: date) -> None:
        random = self._random
        hour = random.choices(range(24), _BY_HOUR)[0]
        local = datetime.combine(day, time(hour, random.randrange(60), random.randrange(60)), self._zone)
        came = local.astimezone(self._utc)
        ends = datetime.combine(self._today, time(), self._zone).astimezone(self._utc)
        stayed = timedelta(
            minutes=min(1080, max(4, int(random.lognormvariate(4.5, 1.0)))), seconds=random.randrange(60)
        )
        left = min(came + stayed, ends - timedelta(seconds=1 + random.randrange(3000)))
        if left <= came:
            return
        self._number += 1
        order_id = f"{PREFIX}{self._number:04}"
        plate = "演" + random.choice("ABCDE") + "".join(random.choices("0123456789", k=5))
        entry, exit_ = random.choice(self._entries).channel_id, random.choice(self._exits).channel_id
        lot_id, changes = self._lot.lot_id, self._changes
        order = Order(
            lot_id, order_id, "plate", "out", "", plate, "", "", "", "", entry, None, None, "", came, came, came, left
        )
        order.closed_why = "passed"
        changes.new_order(order)
        changes.events.append(OrderEvent(lot_id, order_id, came, "in", "", "演示数据"))
        changes.events.append(OrderEvent(lot_id, order_id, left, "out", "", "演示数据"))
        self._lift(order_id, entry, came, "plate")
        self._leave(order, exit_, left)

    def _leave(self, order: Order, exit_: str, left: datetime) -> None:
        random, changes, lot_id = self._random, self._changes, order.lot_id
        fen = _fen(left - order.requested_at)
        bill = Bill(lot_id, order.order_id, charge_fen=fen, closed_at=left)
        luck = random.random()
        if not fen:
            self._lift(order.order_id, exit_, left, "released")
        elif luck < 0.03:
            who, why = random.choice(COLLECTORS), random.choice(_BY_HAND)
            bill.reduced_fen = bill.waived_fen = fen
            number = f"{PREFIX}R{self._number:04}"
            changes.reductions.append(
                Reduction(lot_id, number, "person", number, "waiver", fen, None, None, order.order_id, who, why, left)
            )
            self._lift(order.order_id, exit_, left, "manual", who, why)
        elif luck < 0.04:
            order.review = "left owing"
            self._lift(order.order_id, exit_, left, "manual", COLLECTORS[0], _BY_HAND[1])
        else:
            way = random.choices([name for name, _ in _WAYS], [weight for _, weight in _WAYS])[0]
            bill.paid_fen = fen
            number = f"{PREFIX}P{self._number:04}"
            giver = {"cash": "cash", "wallet": "us"}.get(way, "bolink")
            fee = 0 if way == "cash" else fen * 6 // 1000
            changes.new_payment(
                Payment(
                    lot_id,
                    number,
                    giver,
                    number,
                    order.order_id,
                    "",
                    "",
                    way,
                    "paid",
                    fen,
                    fee,
                    left,
                    left,
                    order.licence,
                )
            )
            changes.events.append(OrderEvent(lot_id, order.order_id, left, "paid", "", f"演示数据 {way}"))
            self._lift(order.order_id, exit_, left, "released")
        changes.bill(bill)

    def _lift(self, order_id: str, channel_id: str, at: datetime, cause: str, who: str = "", why: str = "") -> None:
        number = f"{PREFIX}L{len(self._changes.new_lifts):05}"
        lift = Lift(self._lot.lot_id, number, channel_id, order_id, "open", cause, who, why, at, at)
        lift.outcome, lift.outcome_at = "accepted", at
        self._changes.new_lifts.append(lift)


def _fen(stayed: timedelta) -> int:
    """What the demo's price list asks: up to 15 minutes nothing, else 2 yuan for each half hour, at most 40."""
    if stayed <= _FREE:
        return 0
    return min(_MOST_FEN, -(-stayed // timedelta(minutes=30)) * _HALF_HOUR_FEN)
