"""A day held against what BoLink has of it: payments (4.1), withdrawals (4.4), cars that are parked (10.2, 10.3).

Before it, pulls without a number are given theirs (4.1 by order). Else nothing is changed but the rows that say what
differs; what to do is a person's to decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
import structlog

from taigan.bolink import BadMessage, BolinkClient, BolinkError, units
from taigan.bolink.chapters.reconciliation import PastOrder, QueryOrders, QueryWithdrawals, Withdrawal
from taigan.bolink.chapters.reports import CountParked, ListParked
from taigan.bolink.values import ListDetail, WithdrawalState
from taigan.clock import Clock
from taigan.lot.errors import Conflict, UnknownDifference, UnknownLot
from taigan.lot.leaving.unheard import Unheard
from taigan.lot.people.by import By
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.locked import facts
from taigan.storage.rows import Act, Alarm, Difference, Lot, Reconciliation
from taigan.storage.shown import views
from taigan.storage.sums import postings
from taigan.storage.sums import reconciling as kept

log = structlog.get_logger("taigan.reconciling")
PAGE = 100
"""Records on a page of 4.1 and 4.4, the most that BoLink gives."""
MOST_PAGES = 5000
PULLS_OF = timedelta(days=3)
"""So far back pulls without a number are looked for."""
EXIT_SPARE = timedelta(hours=1)
"""So long before and after a day orders are asked for: both clocks differ, and 3.2 may have come late."""


class Named(msgspec.Struct):
    """What BoLink says of a day."""

    orders: list[PastOrder] = []
    withdrawals: list[Withdrawal] = []
    parked: int | None = None
    parked_orders: list[str] | None = None
    said: list[str] = []


class Found(msgspec.Struct, frozen=True):
    """A difference that was found. `kind` says what it is; the documentation says what to do about each."""

    kind: str
    number: str
    order_id: str = ""
    ours_fen: int | None = None
    theirs_fen: int | None = None


KINDS = (
    *("payment_missing_here", "payment_missing_there", "amount_differs", "withdrawal_failed", "withdrawal_differs"),
    *("parked_there_only", "exit_refused", "parked_here_only"),
    *("bill_unbalanced", "bill_missing"),
)


class Reconciling:
    """One per process."""

    def __init__(
        self, database: Database, unheard: Unheard, client_of: Callable[[str], BolinkClient], clock: Clock
    ) -> None:
        self._database = database
        self._unheard = unheard
        self._client_of = client_of
        self._clock = clock

    async def reconcile(self, lot_id: str, day: date, by: By | None = None) -> Reconciliation:
        """Hold a day against BoLink's books; what differs is found again, is new, or is gone.

        What BoLink does not answer is left out and said. Raises UnknownLot, Conflict, StorageError.
        """
        lot = await self._lot(lot_id)
        began = self._clock.now()
        begin, end = span(lot, day)
        if begin >= began:
            raise Conflict(f"{day} has not begun at the lot", "day")
        until = min(end, began)
        in_doubt = await self._database.read(lambda conn: kept.in_doubt(conn, lot_id, until - PULLS_OF, until))
        await self._unheard.ask(lot, in_doubt)
        named = await self._ask(lot, day, min(end, began))
        run = Reconciliation(lot_id, day, began, actor=by.operator if by is not None else "")
        found, looked_at = await self._database.read(lambda conn: _compared(conn, lot, run, named))
        return await self._database.write(lambda conn: self._keep(conn, lot, run, found, looked_at, by))

    async def settle(self, lot_id: str, difference_id: str, by: By) -> Difference:
        """A person has dealt with a difference. Raises UnknownLot, UnknownDifference, Conflict, StorageError."""

        def transaction(conn: sa.Connection) -> Difference:
            facts.lock(conn, [lot_id])
            found = kept.difference(conn, lot_id, difference_id)
            if found is None:
                raise UnknownDifference(f"lot {lot_id} has no difference {difference_id}", "difference_id")
            if found.state != "open":
                raise Conflict(f"the difference is {found.state}")
            now = self._clock.now()
            found.state, found.actor, found.reason, found.ended_at = "settled", by.operator, by.reason, now
            kept.end_differences(conn, [found])
            changes = Changes()
            act = f"difference {found.kind} {found.number} settled"
            changes.acts.append(Act(lot_id, now, by.operator, by.reason, act, by.via))
            changes.write(conn)
            return found

        return await self._database.write(transaction)

    async def _lot(self, lot_id: str) -> Lot:
        lot = await self._database.read(lambda conn: views.lot(conn, lot_id))
        if lot is None:
            raise UnknownLot(f"there is no lot {lot_id}", "lot_id")
        return lot

    async def _ask(self, lot: Lot, day: date, end: datetime) -> Named:
        client, named = self._client_of(lot.lot_id), Named()
        asking: dict[str, Coroutine[Any, Any, None]] = {
            "4.1": self._orders(client, lot, day, end, named),
            "4.4": self._withdrawals(client, lot, day, named),
            "10.2": self._parked(client, lot, named),
        }
        for section, asked in asking.items():
            try:
                await asked
            except BolinkError as error:
                named.said.append(f"{section}: {error}")
        return named

    async def _orders(self, client: BolinkClient, lot: Lot, day: date, end: datetime, named: Named) -> None:
        begin, _ = span(lot, day)
        found: list[PastOrder] = []
        for page in range(1, MOST_PAGES + 1):
            answer = await client.query_orders(
                QueryOrders(
                    park_id=lot.park_id,
                    start_time=units.seconds(begin - EXIT_SPARE),
                    end_time=units.seconds(end + EXIT_SPARE),
                    page=page,
                    size=PAGE,
                )
            )
            found.extend(answer.data)
            if not answer.data or page * PAGE >= answer.count:
                break
        for one in found:  # what cannot be read is said before anything is compared
            units.fen(one.money, "money")
            units.moment(one.out_time, "out_time")
        named.orders = found

    async def _withdrawals(self, client: BolinkClient, lot: Lot, day: date, named: Named) -> None:
        found: list[Withdrawal] = []
        for page in range(1, MOST_PAGES + 1):
            answer = await client.query_withdrawals(
                QueryWithdrawals(
                    park_id=lot.park_id, start_time=day.isoformat(), end_time=day.isoformat(), page=page, size=PAGE
                )
            )
            found.extend(answer.data or [])
            if not answer.data or page * PAGE >= (answer.count or 0):
                break
        for one in found:
            units.fen(one.amount, "amount")
            units.fen(one.daily_amount, "daily_amount")
            _day_of(one)
        named.withdrawals = found

    async def _parked(self, client: BolinkClient, lot: Lot, named: Named) -> None:
        counted = await client.count_parked(CountParked(park_id=lot.park_id))
        ours = await self._database.read(lambda conn: kept.open_orders(conn, lot.lot_id))
        named.parked = counted.data.parking_business_count if counted.data is not None else 0
        if named.parked != len(ours):
            listed = await client.list_parked(ListParked(park_id=lot.park_id, detail_type=ListDetail.NUMBERS))
            named.parked_orders = (listed.data.ext_order_id_list if listed.data is not None else None) or []

    def _keep(
        self,
        conn: sa.Connection,
        lot: Lot,
        run: Reconciliation,
        found: list[Found],
        looked_at: set[str],
        by: By | None,
    ) -> Reconciliation:
        facts.lock(conn, [lot.lot_id])
        now = self._clock.now()
        new = self._write(conn, lot, run.day, found, looked_at, now)
        run.differences, run.ended_at = len(found), now
        kept.keep(conn, run)
        changes = Changes()
        if by is not None:
            act = f"reconciled {run.day}"
            changes.acts.append(Act(lot.lot_id, now, by.operator, by.reason, act, by.via))
        if new:
            text = f"{run.day}: {len(new)} new differences with BoLink's books, {len(found)} in all"
            changes.alarms.append(Alarm(lot.lot_id, "", "", now, "difference", text))
        changes.write(conn)
        log.info("reconciled", lot=lot.lot_id, day=str(run.day), differences=len(found), said=run.said)
        return run

    def _write(
        self, conn: sa.Connection, lot: Lot, day: date, found: list[Found], looked_at: set[str], now: datetime
    ) -> list[Difference]:
        """Keep what is new; what was open and is not found any more is gone."""
        before = {(one.kind, one.number): one for one in kept.differences_of(conn, lot.lot_id)}
        new = [
            Difference(
                lot_id=lot.lot_id,
                difference_id=_name(lot.lot_id, one),
                day=day,
                kind=one.kind,
                number=one.number,
                order_id=one.order_id,
                ours_fen=one.ours_fen,
                theirs_fen=one.theirs_fen,
                state="open",
                found_at=now,
            )
            for one in {(one.kind, one.number): one for one in found}.values()
            if (one.kind, one.number) not in before
        ]
        still = {(one.kind, one.number) for one in found}
        now_only = ("parked_there_only", "exit_refused", "parked_here_only")
        gone, back = [], []
        for key, one in before.items():
            if one.state == "open" and key not in still and one.kind in looked_at:
                if one.day == day or one.kind in now_only:
                    one.state, one.ended_at = "gone", now
                    gone.append(one)
            elif one.state == "gone" and key in still:
                one.state, one.ended_at = "open", None
                back.append(one)
        kept.add_differences(conn, new)
        kept.end_differences(conn, [*gone, *back])
        return new


def span(lot: Lot, day: date) -> tuple[datetime, datetime]:
    """A day of the lot's clock."""
    zone = ZoneInfo(lot.time_zone)
    begin = datetime.combine(day, time(), zone)
    return begin, datetime.combine(day + timedelta(days=1), time(), zone)


def _compared(conn: sa.Connection, lot: Lot, run: Reconciliation, named: Named) -> tuple[list[Found], set[str]]:
    """What differs, and the kinds of differences that were looked for. Nothing is locked: cars come and go."""
    run.orders, run.withdrawals, run.parked = len(named.orders), len(named.withdrawals), named.parked or 0
    run.said = "; ".join(named.said)[:1000]
    failed = {said.partition(":")[0] for said in named.said}
    found: list[Found] = []
    looked_at: set[str] = set()
    if "4.1" not in failed:
        found.extend(_payments(conn, lot, run, named))
        looked_at |= {"payment_missing_here", "payment_missing_there", "amount_differs"}
    if "4.4" not in failed:
        found.extend(_of_withdrawals(conn, lot, named))
        looked_at |= {"withdrawal_failed", "withdrawal_differs"}
    if "10.2" not in failed:
        found.extend(_of_parked(conn, lot, named))
        looked_at |= {"parked_there_only", "exit_refused", "parked_here_only"}
    found.extend(_of_own_books(conn, lot, run.day))
    return found, looked_at | {"bill_unbalanced", "bill_missing"}


def _payments(conn: sa.Connection, lot: Lot, run: Reconciliation, named: Named) -> list[Found]:
    begin, end = span(lot, run.day)
    told = {one.trade_no: one for one in named.orders if one.trade_no}
    ours = kept.payments_numbered(conn, lot.lot_id, told)
    of_day = kept.left_between(conn, lot.lot_id, begin, end)
    paid = kept.paid_for(conn, lot.lot_id, {*of_day, *(p.order_id for p in ours.values() if p.order_id)})
    run.payments = sum(len(payments) for payments in paid.values())
    found = []
    for number, one in told.items():
        theirs, payment = units.fen(one.money, "money"), ours.get(number)
        left = units.moment(one.out_time)
        if payment is None or payment.state != "paid":
            if begin <= left < end:
                found.append(Found("payment_missing_here", number, "", None, theirs))
            continue
        whole = sum(p.fen for p in paid.get(payment.order_id, [payment]))
        if theirs not in (payment.fen, whole) and begin <= left < end:
            found.append(Found("amount_differs", number, payment.order_id, payment.fen, theirs))
    for order_id in of_day:
        numbers = [p for p in paid.get(order_id, []) if p.giver == "bolink" and p.trade_no]
        if numbers and not any(p.trade_no in told for p in numbers):
            last = numbers[-1]
            found.append(Found("payment_missing_there", last.trade_no, order_id, last.fen, None))
    return found


def _of_own_books(conn: sa.Connection, lot: Lot, day: date) -> list[Found]:
    """Bills that closed on the day and do not agree with their rows; stays that left without one."""
    begin, end = span(lot, day)
    off = postings.unbalanced(conn, lot.lot_id, begin, end)
    found = [Found("bill_unbalanced", order_id, order_id, fen) for order_id, fen in sorted(off.items())]
    return found + [
        Found("bill_missing", order_id, order_id) for order_id in postings.without_bill(conn, lot.lot_id, begin, end)
    ]


def _of_withdrawals(conn: sa.Connection, lot: Lot, named: Named) -> list[Found]:
    """Withdrawals that failed, and days whose report (4.4) is not what came in through BoLink.

    That is payments and passes, less refunds and change; with its fees or without, of which the document says nothing.
    """
    found = [
        Found("withdrawal_failed", one.trade_no, "", None, units.fen(one.amount, "amount"))
        for one in named.withdrawals
        if one.state == WithdrawalState.FAILED
    ]
    days = {_day_of(one): units.fen(one.daily_amount, "daily_amount") for one in named.withdrawals}
    for report, theirs in days.items():
        begin, end = span(lot, report)
        _, paid, fees = kept.paid_by_bolink(conn, lot.lot_id, begin, end)
        taken = paid + kept.through_errands(conn, lot.lot_id, begin, end)
        if theirs not in (taken, taken - fees):
            found.append(Found("withdrawal_differs", report.isoformat(), "", taken - fees, theirs))
    return found


def _day_of(withdrawal: Withdrawal) -> date:
    """The day of the report that was withdrawn. Raises BadMessage."""
    try:
        return date.fromisoformat(withdrawal.daily_time[:10])
    except ValueError:
        raise BadMessage("daily_time", "is not a day") from None


def _of_parked(conn: sa.Connection, lot: Lot, named: Named) -> list[Found]:
    if named.parked_orders is None:
        return []
    ours, theirs = kept.open_orders(conn, lot.lot_id), set(named.parked_orders)
    found = [Found("parked_here_only", order_id, order_id) for order_id in ours - theirs]
    stand = kept.exits_of(conn, lot.lot_id, theirs - ours)
    for order_id in theirs - ours:
        state, exit_, review = stand.get(order_id, ("", "", ""))
        if exit_ in ("pending", "sending"):
            continue  # it is on its way
        if state == "out" and not exit_ and review:
            continue  # owed: BoLink is told once it is paid, waived or reported
        if exit_ == "refused":
            found.append(Found("exit_refused", order_id, order_id))
        elif state != "in":
            found.append(Found("parked_there_only", order_id, order_id if state else ""))
    return found


def _name(lot_id: str, found: Found) -> str:
    return "D" + hashlib.sha256(f"{lot_id}\0{found.kind}\0{found.number}".encode()).hexdigest()[:20].upper()
