"""What a transaction knows: read once, in sets where it is known beforehand, and written in sets at its end.

Rules are applied one after the other, each to what those before it have led to. What one of them changes is not written
at once: what was read of it is forgotten, and whatever is read anew is read from rows in which everything before is
written. So each sees what it would see if all were written at once, and those that concern different cars share every
statement.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from copy import copy
from datetime import date
from typing import Any, Concatenate, ParamSpec, TypeVar

import msgspec
import sqlalchemy as sa

from taigan.storage.changes import Changes
from taigan.storage.locked import facts, ledger, passes
from taigan.storage.locked.kinds import Key, Kind
from taigan.storage.rows import (
    Attempt,
    Bill,
    Delivery,
    Departure,
    Lane,
    Lift,
    Message,
    MoneyNotice,
    Order,
    Pass,
    Payment,
    Presence,
    Quote,
    Reduction,
)

R = TypeVar("R", bound=msgspec.Struct)
T = TypeVar("T")
P = ParamSpec("P")

_KINDS_OF: dict[type[msgspec.Struct], tuple[tuple[Kind[Any], str], ...]] = {
    Lane: ((facts.LANES, "channel_id"),),
    Presence: ((facts.CARS, "channel_id"),),
    Order: ((facts.ORDERS, "order_id"), (ledger.INSIDE_BY_PLATE, "plate"), (ledger.INSIDE_BY_LICENCE, "licence")),
    Lift: ((facts.LIFTS_OF, "presence_id"),),
    Message: ((facts.MESSAGES, "digest"),),
    Delivery: ((ledger.DELIVERIES_OF, "order_id"),),
    Departure: (
        (ledger.DEPARTURES, "presence_id"),
        (ledger.DEPARTURES_AT, "channel_id"),
        (ledger.DEPARTURES_OF, "order_id"),
    ),
    Quote: ((ledger.QUOTES, "quote_no"), (ledger.QUOTES_OF, "order_id")),
    MoneyNotice: ((ledger.NOTICES, "digest"),),
    Payment: ((ledger.PAYMENTS_NUMBERED, "trade_no"), (ledger.PAYMENTS_OF, "order_id")),
    Bill: ((ledger.BILLS, "order_id"),),
    Reduction: ((ledger.REDUCTIONS_OF, "order_id"),),
    Attempt: ((ledger.LIVE_PULLS, "order_id"), (ledger.PULLS_OF, "order_id")),
}
"""Under what a record that changes may have been read."""
_NAMES: dict[type[msgspec.Struct], str] = {Order: "order_id", Departure: "presence_id", Payment: "payment_id"}
"""What names those records that may have been read under something else than they would be now."""


class Sheet:
    """One transaction's. The lots that it is about are locked."""

    def __init__(self, conn: sa.Connection) -> None:
        self._conn = conn
        self._known: dict[Kind[Any], dict[Key, tuple[Any, ...]]] = {}
        self._read_under: dict[tuple[type, str, str], set[tuple[Kind[Any], Key]]] = {}
        self._unwritten = Changes()

    @property
    def is_blank(self) -> bool:
        """Whether nothing is known yet, or any more."""
        return not self._known

    @property
    def conn(self) -> sa.Connection:
        """The connection, for what is not read or written by a sheet: all is written now, and read anew from now on."""
        self.write()
        self._known.clear()
        self._read_under.clear()
        return self._conn

    # Reading

    def read(self, reading: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a function that only reads finds now."""
        self.write()
        return reading(self._conn, *args, **kwargs)

    def find(self, kind: Kind[R], keys: Iterable[Key]) -> list[R]:
        """Records that are about to be looked for: those of all the keys, read by one statement where it takes one.

        They are for looking at only; who changes one gets it by a method of its own.
        """
        wanted = dict.fromkeys(keys)
        known = self._known.setdefault(kind, {})
        if missing := [key for key in wanted if key not in known]:
            self.write()
            found = kind.read(self._conn, missing)
            for key in missing:
                self._keep(kind, key, found.get(key, ()))
        return [record for key in wanted for record in known[key]]

    def know(self, kind: Kind[R], records: Collection[R], attribute: str) -> None:
        """Records that were found by something else: each is the only one of its key."""
        known = self._known.setdefault(kind, {})
        for record in records:
            key = (record.lot_id, getattr(record, attribute))  # type: ignore[attr-defined]
            if key not in known:
                self._keep(kind, key, (record,))

    def all(self, kind: Kind[R], lot_id: str, name: str | date) -> list[R]:
        """The records of one key, as they are by now: the caller's own."""
        return [copy(record) for record in self.find(kind, [(lot_id, name)])]

    def first(self, kind: Kind[R], lot_id: str, name: str | date) -> R | None:
        """The first of them."""
        return next(iter(self.all(kind, lot_id, name)), None)

    def _keep(self, kind: Kind[Any], key: Key, records: Iterable[Any]) -> None:
        kept = self._known[kind][key] = tuple(records)
        for record in kept:
            if named := _NAMES.get(type(record)):
                name = (type(record), record.lot_id, getattr(record, named))
                self._read_under.setdefault(name, set()).add((kind, key))

    # Writing

    def take(self, changes: Changes) -> None:
        """What has changed: written before anything else is read from rows, at the latest by `write`."""
        for record in changes.records():
            kinds = _KINDS_OF.get(type(record), ())
            for kind, attribute in kinds:
                self._forget(kind, (record.lot_id, getattr(record, attribute)))
            if named := _NAMES.get(type(record)):
                name = (type(record), record.lot_id, getattr(record, named))
                for kind, key in self._read_under.pop(name, ()):
                    self._forget(kind, key)
        self._unwritten.add(changes)

    def write(self) -> None:
        """Write what has changed and is not written yet."""
        changes, self._unwritten = self._unwritten, Changes()
        if not changes.are_none:
            changes.write(self._conn)

    def _forget(self, kind: Kind[Any], key: Key) -> None:
        if (known := self._known.get(kind)) is not None:
            known.pop(key, None)

    # What rules ask for

    def message(self, lot_id: str, digest: str) -> Message | None:
        """The very message, if it came before."""
        return self.first(facts.MESSAGES, lot_id, digest)

    def lane(self, lot_id: str, channel_id: str) -> Lane | None:
        return self.first(facts.LANES, lot_id, channel_id)

    def car(self, lot_id: str, channel_id: str) -> Presence | None:
        """The car on a lane's loop."""
        return self.first(facts.CARS, lot_id, channel_id)

    def order(self, lot_id: str, order_id: str) -> Order | None:
        """An order in whatever state."""
        return self.first(facts.ORDERS, lot_id, order_id) if order_id else None

    def lifts_of(self, lot_id: str, presence_id: str) -> list[Lift]:
        """The lifts for one car's stay in a lane, oldest first."""
        return self.all(facts.LIFTS_OF, lot_id, presence_id)

    def inside_by_plate(self, lot_id: str, plate: str) -> list[Order]:
        """The orders `in` whose plate, or licence, is exactly this, oldest first."""
        found = self.all(ledger.INSIDE_BY_PLATE, lot_id, plate)
        named = {order.order_id for order in found}
        licensed = self.all(ledger.INSIDE_BY_LICENCE, lot_id, plate)
        return sorted(
            [*found, *(order for order in licensed if order.order_id not in named)],
            key=lambda order: order.requested_at,
        )

    def departure_at(self, lot_id: str, channel_id: str) -> Departure | None:
        """The departure that is open in a lane."""
        return self.first(ledger.DEPARTURES_AT, lot_id, channel_id)

    def departure_of(self, lot_id: str, order_id: str) -> Departure | None:
        """The departure that an order stands in now."""
        return self.first(ledger.DEPARTURES_OF, lot_id, order_id)

    def departure(self, lot_id: str, presence_id: str) -> Departure | None:
        """The departure of a presence, open or ended."""
        return self.first(ledger.DEPARTURES, lot_id, presence_id)

    def bill(self, lot_id: str, order_id: str) -> Bill:
        """An order's bill; an empty one where nothing happened yet."""
        return self.first(ledger.BILLS, lot_id, order_id) or Bill(lot_id, order_id)

    def quote(self, lot_id: str, quote_no: str) -> Quote | None:
        return self.first(ledger.QUOTES, lot_id, quote_no)

    def quotes(self, lot_id: str, order_id: str) -> list[Quote]:
        """An order's newest hundred quotes, newest first."""
        return self.all(ledger.QUOTES_OF, lot_id, order_id)

    def notice(self, lot_id: str, digest: str) -> MoneyNotice | None:
        """The very message about money, if it came before."""
        return self.first(ledger.NOTICES, lot_id, digest)

    def payment_numbered(self, lot_id: str, giver: str, trade_no: str) -> Payment | None:
        """The payment of a number that BoLink gave, or that a text named which nobody could read."""
        found = self.all(ledger.PAYMENTS_NUMBERED, lot_id, trade_no)
        return next((payment for payment in found if payment.giver == giver), None)

    def payments(self, lot_id: str, order_id: str) -> list[Payment]:
        """An order's payments in whatever state, oldest first."""
        return self.all(ledger.PAYMENTS_OF, lot_id, order_id)

    def reductions(self, lot_id: str, order_id: str) -> list[Reduction]:
        """What makes an order cheaper, oldest first."""
        return self.all(ledger.REDUCTIONS_OF, lot_id, order_id)

    def live_pull(self, lot_id: str, order_id: str) -> Attempt | None:
        """The one pull of an order that is live or unclear."""
        return self.first(ledger.LIVE_PULLS, lot_id, order_id)

    def pulls(self, lot_id: str, order_id: str) -> list[Attempt]:
        """An order's newest pulls, newest first."""
        return self.all(ledger.PULLS_OF, lot_id, order_id)

    def passes_of(self, lot_id: str, plates: Iterable[str]) -> list[Pass]:
        """The passes on which one of the plates stands, ended ones too."""
        return [copy(one) for one in self.find(ledger.PASSES_OF, [(lot_id, plate) for plate in plates])]

    def pass_limits(self, lot_id: str) -> passes.LotsLimits:
        """What the lot has said of its passes; it may be nothing."""
        return self.all(passes.LIMITS, lot_id, passes.ANY)[0]

    def free_times(self, lot_id: str, plates: Iterable[str]) -> list[ledger.FreeTime]:
        """When one of the plates is on the free list (11.4 white)."""
        return self.find(ledger.FREE_TIMES, [(lot_id, plate) for plate in plates])

    def pays_by_itself(self, lot_id: str, plates: Iterable[str]) -> bool:
        """Whether BoLink said last of one of the plates that it pays by itself (5.2)."""
        return bool(self.find(ledger.PAY_BY_THEMSELVES, [(lot_id, plate) for plate in plates]))

    def entry_as_accepted(self, lot_id: str, order_id: str) -> str | None:
        """3.1's text as BoLink accepted it; None while it has not."""
        owed = self.find(ledger.DELIVERIES_OF, [(lot_id, order_id)])
        return next((one.payload for one in owed if (one.section, one.state) == ("3.1", "done")), None)

    def exit_was_told(self, lot_id: str, order_id: str) -> bool:
        """Whether a 3.2 was ever written for the order, in whatever state it is."""
        return any(one.section == "3.2" for one in self.find(ledger.DELIVERIES_OF, [(lot_id, order_id)]))
