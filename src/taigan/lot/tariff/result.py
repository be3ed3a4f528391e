"""A price with its reasons: what a driver, a cashier and a court are shown. Money in fen, moments in UTC."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

import msgspec


class Free(StrEnum):
    """What became of the free minutes."""

    NONE = "none"  # the rate has none, or they were used up before this stay
    WITHIN = "within"  # the stay is no longer than they are: it costs nothing
    EXCEEDED = "exceeded"  # the stay is longer and counts from the entry
    TAKEN_OFF = "taken_off"  # the stay is longer; they are not counted


class Charge(msgspec.Struct, frozen=True, gc=False):
    """Units of one step, by its place in the section. A price taken once is one unit."""

    step: int
    units: int
    fen: int


class Slice(msgspec.Struct, frozen=True, gc=False):
    """A stretch of the stay inside one section (by its place in the rate) and one period (by its number, from 0)."""

    section: int
    period: int
    start: datetime
    end: datetime
    covered: int  # seconds
    charges: tuple[Charge, ...]
    capped: bool  # the section's cap made it less
    fen: int

    @property
    def units(self) -> int:
        return sum(charge.units for charge in self.charges)


class PeriodSum(msgspec.Struct, frozen=True, gc=False):
    """What the slices of one period come to, and its cap."""

    start: datetime
    end: datetime  # or the exit
    sum: int
    cap: int | None
    fen: int


class Price(msgspec.Struct, frozen=True, gc=False):
    """`fen` is what the stay costs: the periods together, times `percent`, half up to the list's `round_to`."""

    fen: int
    slices: tuple[Slice, ...]
    periods: tuple[PeriodSum, ...]
    rate: int  # its place in the price list
    percent: int
    free: Free
    valid_from: date
