"""One order's money: its bill, quotes, payments and reductions, changed together with the lot locked.

For every closed order, in fen: charge = reduced + paid - refunded + balance. A balance above 0 is
owed, below 0 surplus.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from taigan.lot.errors import CannotPrice
from taigan.lot.stays.charge import Ask, Interval, Priced, priced
from taigan.lot.stays.covers import Cover, covers, overdue_told
from taigan.lot.stays.pricing import price
from taigan.storage.changes import Changes
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Bill, Lot, Order, Payment, Quote, Reduction

PASS = "月卡"
FREE_LIST = "免费车"


class Account:
    """The money of one order, as it is now."""

    def __init__(
        self,
        order: Order,
        bill: Bill,
        payments: list[Payment],
        reductions: list[Reduction],
        covers: list[Cover],
        free: list[Interval],
        ask: Ask,
        changes: Changes,
    ) -> None:
        self.order = order
        self.bill = bill
        self.payments = payments
        self.reductions = reductions
        self.covers = covers
        """What passes cover of the stay."""
        self._free = free
        self._ask = ask
        self._changes = changes

    @property
    def entry(self) -> datetime:
        """When the stay began: when the order became `in`."""
        return self.order.in_at or self.order.requested_at

    def priced(self, at: datetime) -> Priced:
        """The stay up to then. Raises CannotPrice."""
        by_pass = [time for one in self.covers for time in one.times(self.entry, at)]
        return priced(
            self.entry,
            at,
            self.order.vehicle,
            self._ask,
            [*by_pass, *self._free],
            self.reductions,
            self.payments,
            set_fen=self.bill.set_fen,
            covered_by=PASS if by_pass else FREE_LIST,
        )

    def limited_by(self, at: datetime) -> Cover | None:
        """The pass that would cover all of the stay up to then but for what it is limited to; None: there is none."""
        if any(one.times(self.entry, at) == [(self.entry, at)] for one in self.covers):
            return None
        held = [one for one in self.covers if one.card.starts_at <= at and self.entry < one.ends_at]
        return next((one for one in held if one.lacks or one.card.days or one.card.hours or one.has_run_out(at)), None)

    def reminder(self, at: datetime) -> str:
        """What the driver of a car is told whose pass holds by its days of grace only; empty: nothing."""
        held = [one for one in self.covers if not one.lacks and one.is_valid(at)]
        if not held or any(not one.is_overdue(at) for one in held):
            return ""
        return overdue_told(max(held, key=lambda one: one.ends_at))

    def is_settled(self, at: datetime) -> bool:
        """Whether it was paid and the time to leave has not run out."""
        return self.bill.leave_by is not None and at <= self.bill.leave_by

    def due(self, at: datetime) -> int:
        """What is still to be paid for the stay up to then. Raises CannotPrice."""
        return 0 if self.is_settled(at) else max(0, self.priced(at).owed_fen - self.bill.credited_fen)

    def quote(self, number: str, now: datetime, charge_at: datetime, presence_id: str, valid: timedelta) -> Quote:
        """A price as of `charge_at`; until `leave_by` that of the payment that settled it. Raises CannotPrice."""
        bill = self.bill
        if bill.charge_fen is not None and (bill.closed_at is not None or self.is_settled(charge_at)):
            owed = max(0, bill.balance_fen) if bill.closed_at is not None else 0
            charge, reduced, due, version = bill.charge_fen, bill.reduced_fen, owed, bill.price_list
        else:
            found = self.priced(charge_at)
            charge, reduced, version = found.charge_fen, found.reduced_fen, found.version
            due = max(0, charge - reduced - bill.credited_fen)
        return Quote(
            lot_id=self.order.lot_id,
            quote_no=number,
            order_id=self.order.order_id,
            presence_id=presence_id,
            asked_at=now,
            charge_at=charge_at,
            charge_fen=charge,
            reduced_fen=reduced,
            credited_fen=bill.credited_fen,
            due_fen=due,
            price_list=version,
            valid_until=now + valid,
        )

    def pay(self, payment: Payment, quote: Quote | None, leave_within: timedelta) -> bool:
        """Count a payment. Tells whether it brought what is due to 0.

        With a quote its price holds, whatever the stay costs by now; without one the price of when it was paid.
        """
        self.payments.append(payment)
        self.bill.paid_fen += payment.fen
        self._changes.bill(self.bill)
        if self.is_settled(payment.paid_at):
            return False
        if quote is not None:
            return self._pay_quote(payment, quote, leave_within)
        try:
            found = self.priced(payment.paid_at)
        except CannotPrice:
            return False
        if self.bill.credited_fen < found.owed_fen:
            return False
        self._agree(found.charge_fen, found.reduced_fen, found.waived_fen, found.version)
        self.bill.leave_by = payment.paid_at + leave_within
        return True

    def _pay_quote(self, payment: Payment, quote: Quote, leave_within: timedelta) -> bool:
        reduced, waived = quote.reduced_fen, self.bill.waived_fen
        try:
            found = self.priced(quote.charge_at)
            reduced, waived = max(reduced, min(found.reduced_fen, quote.charge_fen)), found.waived_fen
        except CannotPrice:  # the price list can no longer be evaluated; what was told stands
            pass
        if self.bill.credited_fen < quote.charge_fen - quote.reduced_fen:
            return False
        self._agree(quote.charge_fen, reduced, waived, quote.price_list)
        self.bill.leave_by = min(payment.paid_at, quote.valid_until) + leave_within
        return True

    def unpay(self, payment: Payment) -> None:
        """Take a payment back that was booked by mistake: what it settled is due again."""
        self.bill.paid_fen -= payment.fen
        self.bill.leave_by = None
        if self.bill.closed_at is None:
            self.bill.charge_fen, self.bill.reduced_fen, self.bill.waived_fen = None, 0, 0
        self._changes.bill(self.bill)

    def reduce(self, reduction: Reduction) -> None:
        """Add a reduction. A closed order's bill takes waivers only."""
        self._changes.reductions.append(reduction)
        self.reductions.append(reduction)
        if self.bill.closed_at is not None and reduction.kind == "waiver":
            self.bill.reduced_fen += reduction.value
            self.bill.waived_fen += reduction.value
            self._changes.bill(self.bill)

    def unreduce(self, reduction: Reduction, at: datetime) -> None:
        """A reduction counts no longer; what was paid while it did stays paid."""
        reduction.ended_at = at
        self._changes.reductions_ended.append(reduction)
        self.reductions = [one for one in self.reductions if one.reduction_id != reduction.reduction_id]

    def set_charge(self, fen: int | None) -> None:
        """A person sets what the stay costs, in place of the price list; None: no longer."""
        self.bill.set_fen = fen
        self._changes.bill(self.bill)

    def extend(self, leave_by: datetime) -> None:
        """Move the moment by which the car must have left; never earlier."""
        self.bill.leave_by = max(leave_by, self.bill.leave_by or leave_by)
        self._changes.bill(self.bill)

    def close(self, at: datetime, charge_at: datetime) -> str:
        """The stay has ended: its charge is final. Returns why a person should look at it, or nothing."""
        review = ""
        if not (self.is_settled(charge_at) and self.bill.charge_fen is not None):
            try:
                found = self.priced(charge_at)
                self._agree(found.charge_fen, found.reduced_fen, found.waived_fen, found.version)
            except CannotPrice as error:
                self._agree(self.bill.credited_fen, 0, 0, None)
                review = f"无法计费: {error}"
        self.bill.closed_at = at
        self._changes.bill(self.bill)
        return review

    def _agree(self, charge: int, reduced: int, waived: int, version: int | None) -> None:
        bill = self.bill
        bill.charge_fen, bill.reduced_fen, bill.waived_fen, bill.price_list = charge, reduced, waived, version


def account_of(sheet: Sheet, lot: Lot, order: Order, changes: Changes) -> Account:
    """An order's money as the database has it. The lot is locked, or what is worked out is written nowhere."""
    lot_id, order_id = order.lot_id, order.order_id
    plates = plates_of(order)
    passes = sheet.passes_of(lot_id, plates)
    entry = order.in_at or order.requested_at
    free = [
        (one.starts_at or entry, one.ends_at or datetime.max.replace(tzinfo=entry.tzinfo))
        for one in sheet.free_times(lot_id, plates)
    ]
    return Account(
        order,
        sheet.bill(lot_id, order_id),
        sheet.payments(lot_id, order_id),
        sheet.reductions(lot_id, order_id),
        covers(sheet, lot, passes, order_id, order.plate or order.licence, order.channel_id, entry),
        free,
        partial(price, sheet, lot, free_used=order.free_used),
        changes,
    )


def plates_of(order: Order) -> list[str]:
    """The plates under which a pass or the free list may cover the stay."""
    return sorted({order.plate, order.licence if order.origin == "plate" else ""} - {""})
