"""What a batch of items is about to look for, read in sets before the first of them is applied.

Nothing depends on it but the number of statements: what was not foreseen is read when it is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, runtime_checkable

import msgspec

from taigan.lot.stays.account import plates_of
from taigan.lot.stays.pricing import read_lists
from taigan.storage.locked import facts, ledger
from taigan.storage.locked import passes as kept
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Departure, Lot, Order, Quote

Keys = set[tuple[str, str]]
"""A lot each, and what is looked for in it."""


class Wanted(msgspec.Struct):
    """What items name: messages, numbers, lanes, cars, stays; and what kind of answer they need."""

    messages: Keys = msgspec.field(default_factory=set)  # digests, as those of notices
    notices: Keys = msgspec.field(default_factory=set)
    trade_nos: Keys = msgspec.field(default_factory=set)
    quotes: Keys = msgspec.field(default_factory=set)
    lanes: Keys = msgspec.field(default_factory=set)
    cars: Keys = msgspec.field(default_factory=set)
    orders: Keys = msgspec.field(default_factory=set)
    plates: Keys = msgspec.field(default_factory=set)  # or licences
    paid: Keys = msgspec.field(default_factory=set)  # orders of whose quotes one was paid
    pulls: bool = False  # something may be taken from a wallet


@runtime_checkable
class Foreseen(Protocol):
    """An item that can say beforehand what it looks for."""

    def foresee(self, wanted: Wanted) -> None:
        """Add it."""


def read_ahead(sheet: Sheet, lots: Mapping[str, Lot], items: Iterable[object]) -> None:
    """Read what the items are about to look for. One alone reads for itself."""
    foreseen = [item for item in items if isinstance(item, Foreseen)]
    if len(foreseen) > 1:
        wanted = Wanted()
        for item in foreseen:
            item.foresee(wanted)
        read(sheet, lots, wanted)


def read(sheet: Sheet, lots: Mapping[str, Lot], wanted: Wanted) -> None:
    """Read what is named, then what that leads to: orders, where their cars stand, and their money."""
    sheet.find(facts.MESSAGES, wanted.messages)
    sheet.find(ledger.NOTICES, wanted.notices)
    sheet.find(ledger.PAYMENTS_NUMBERED, wanted.trade_nos)
    sheet.find(ledger.QUOTES_OF, wanted.paid)
    quotes = sheet.find(ledger.QUOTES, wanted.quotes)
    departures = sheet.find(ledger.DEPARTURES_AT, wanted.lanes) + sheet.find(ledger.DEPARTURES, wanted.cars)
    inside: list[Order] = sheet.find(ledger.INSIDE_BY_PLATE, wanted.plates) + sheet.find(
        ledger.INSIDE_BY_LICENCE, wanted.plates
    )
    sheet.know(facts.ORDERS, inside, "order_id")
    named: list[Quote | Departure | Order] = [*quotes, *departures, *inside]
    stays = wanted.orders | {(one.lot_id, one.order_id) for one in named if one.order_id}
    orders = sheet.find(facts.ORDERS, stays)
    stays = {(order.lot_id, order.order_id) for order in orders}
    departures += sheet.find(ledger.DEPARTURES_OF, stays)
    lanes = wanted.lanes | {(one.lot_id, one.channel_id) for one in departures}
    sheet.find(facts.LANES, lanes)
    sheet.find(facts.CARS, lanes)
    sheet.find(facts.LIFTS_OF, map(_car, departures))
    sheet.find(ledger.BILLS, stays)
    sheet.find(ledger.PAYMENTS_OF, stays)
    sheet.find(ledger.REDUCTIONS_OF, stays)
    sheet.find(ledger.LIVE_PULLS, stays)
    sheet.find(ledger.DELIVERIES_OF, stays)
    plates = {(order.lot_id, plate) for order in orders for plate in plates_of(order)}
    passes = sheet.find(ledger.PASSES_OF, plates)
    sheet.find(kept.LIMITS, {(one.lot_id, kept.ANY) for one in passes})
    sheet.find(ledger.FREE_TIMES, plates)
    read_lists(sheet, lots, ((order.lot_id, order.in_at or order.requested_at) for order in orders))
    if wanted.pulls:
        names = {(order.lot_id, name) for order in orders for name in (order.plate, order.licence) if name}
        sheet.find(ledger.PAY_BY_THEMSELVES, names)
        sheet.find(ledger.PULLS_OF, stays)


def _car(departure: Departure) -> tuple[str, str]:
    return departure.lot_id, departure.presence_id
