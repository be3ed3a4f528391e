"""What a stay costs at a moment, and how much of it reductions take off. Pure: records in, whole fen out.

The charge is what the price list asks with passes and the free list taken out. What coupons, charging and persons take
off is in the charge and counts as reduced; it never exceeds the charge, nor makes more of a payment than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from taigan.lot.stays.pricing import Priced as Asked
from taigan.lot.tariff.result import Price
from taigan.storage.rows import Payment, Reduction

Interval = tuple[datetime, datetime]


Ask = Callable[[datetime, datetime, str, Sequence[Interval]], Asked]
"""The price of a stay from and to a moment, for a kind of vehicle, with covered time. Raises CannotPrice."""


class Priced(msgspec.Struct, frozen=True):
    """A stay up to `at`: its charge, what reductions take off, and why it is free where it is."""

    at: datetime
    charge_fen: int
    reduced_fen: int
    reduced_seconds: int  # of the stay, by minutes and windows
    waived_fen: int
    version: int | None  # none: no price list was asked, everything is covered
    price: Price | None
    covered: tuple[Interval, ...]
    covered_by: str = ""  # why all of it is covered
    taken_fen: dict[str, int] = {}  # what each reduction takes off, by its id

    @property
    def owed_fen(self) -> int:
        """What is to be paid for it in all."""
        return self.charge_fen - self.reduced_fen


def priced(
    entry: datetime,
    at: datetime,
    vehicle: str,
    ask: Ask,
    covered: Sequence[Interval],
    reductions: Sequence[Reduction],
    payments: Sequence[Payment],
    *,
    set_fen: int | None = None,
    covered_by: str = "",
) -> Priced:
    """The stay from `entry` to `at`. `set_fen`: the charge that a person set in place of the price list's.

    Raises CannotPrice when no price list can be evaluated and the stay is not covered as a whole.
    """
    if set_fen is None and _covers(covered, entry, at):
        return Priced(at, 0, 0, 0, 0, None, None, tuple(covered), covered_by)
    version, worked_out, charge = None, None, set_fen
    if charge is None:
        asked = ask(entry, at, vehicle, covered)
        version, worked_out = asked.version, asked.price
        charge = worked_out.fen
    taken, seconds, waived = _reduced(entry, at, vehicle, ask, covered, reductions, payments, charge, set_fen)
    reduced = sum(taken.values())
    return Priced(at, charge, reduced, seconds, waived, version, worked_out, tuple(covered), taken_fen=taken)


def _reduced(
    entry: datetime,
    at: datetime,
    vehicle: str,
    ask: Ask,
    covered: Sequence[Interval],
    reductions: Sequence[Reduction],
    payments: Sequence[Payment],
    charge: int,
    set_fen: int | None,
) -> tuple[dict[str, int], int, int]:
    """What each reduction takes off, oldest first, at most what was unpaid when it came; seconds; what is waived."""
    taken = waived = 0
    each: dict[str, int] = {}
    saved: list[Interval] = []
    minutes = 0
    for one in reductions:
        before = taken
        match one.kind:
            case "minutes" | "whole" | "window" if set_fen is None:
                minutes += one.value if one.kind == "minutes" else 0
                if one.kind == "whole":
                    saved.append((entry, at))
                elif one.kind == "window" and one.starts_at is not None and one.ends_at is not None:
                    saved.append((one.starts_at, one.ends_at))
                tail = [(at - timedelta(minutes=minutes), at)] if minutes else []
                cheaper = ask(entry, at, vehicle, [*covered, *saved, *tail]).price
                taken = max(taken, charge - cheaper.fen)
            case "whole":
                taken = charge
            case "percent":
                rest = charge - taken
                taken += (rest * one.value + 50) // 100
            case "fen" | "waiver":
                taken += one.value
        credited = sum(p.fen for p in payments if p.state == "paid" and p.received_at <= one.at)
        taken = max(before, min(taken, charge, max(before, charge - credited)))
        each[one.reduction_id] = taken - before
        waived += (taken - before) if one.kind == "waiver" else 0
    tail = [(at - timedelta(minutes=minutes), at)] if minutes else []
    return each, _together([*saved, *tail], entry, at) // timedelta(seconds=1), waived


def _covers(covered: Sequence[Interval], entry: datetime, at: datetime) -> bool:
    return at > entry and _together(covered, entry, at) == at - entry


def _together(intervals: Iterable[Interval], entry: datetime, at: datetime) -> timedelta:
    """How much of the stay the intervals cover."""
    total, until = timedelta(), entry
    for begin, end in sorted(intervals):
        begin, end = max(begin, until), min(end, at)
        if end > begin:
            total, until = total + (end - begin), end
    return total
