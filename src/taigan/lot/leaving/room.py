"""What an item at the exit's desk works with, inside its transaction and with its lot locked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec
import sqlalchemy as sa

from taigan.barriers.barrier import LaneKey, LaneState, Position, Price
from taigan.lot.ids import Ids
from taigan.lot.policy import Policy
from taigan.lot.stays.account import Account, account_of
from taigan.lot.uploads.pulls import Pull
from taigan.storage.changes import Changes
from taigan.storage.locked import ledger
from taigan.storage.locked.sheet import Sheet
from taigan.storage.rows import Alarm, Departure, Errand, Lane, Lift, Lot, Order, Payment, Presence

R_co = TypeVar("R_co", covariant=True)


class Picture(msgspec.Struct, frozen=True):
    """What a lane's device reports at this moment."""

    online: bool = True
    position: Position | None = None
    held: bool = False

    @property
    def is_up(self) -> bool:
        """A pulse may lower it."""
        return self.held or self.position in (Position.OPEN, Position.RISING)

    @property
    def may_be_raised(self) -> bool:
        """Closed, or a device that never says."""
        return not self.held and self.position in (None, Position.CLOSED)


def picture_of(state: LaneState | None) -> Picture:
    """A lane's live picture; a lane without a device is not online."""
    return Picture(False) if state is None else Picture(state.online, state.position, state.held)


class After(msgspec.Struct):
    """What follows once the transaction holds."""

    lifts: list[Lift] = []
    screens: list[tuple[str, str, str | Price]] = []  # lot, lane, what it shows
    pulls: list[Pull] = []
    alarms: list[Alarm] = []
    steps: list[dict[str, object]] = []
    errands: list[Errand] = []  # what BoLink is asked by itself
    owed: bool = False


class Room:
    """One lot, locked, at one moment. What an item changes is written once it has been applied."""

    def __init__(
        self,
        sheet: Sheet,
        lot: Lot,
        now: datetime,
        policy: Policy,
        ids: Ids,
        at_hand: Callable[[LaneKey], bool],
        *,
        bolink_is_down: bool = False,
    ) -> None:
        self.sheet = sheet
        self.lot = lot
        self.now = now
        self.policy = policy
        self.ids = ids
        self.at_hand = at_hand
        """Whether this process has a lane's device."""
        self.bolink_is_down = bolink_is_down
        """Whether BoLink does not answer, as far as this process knows."""
        self.changes = Changes()
        self.after = After()
        self.surplus: list[tuple[Order, list[Payment]]] = []
        """Stays that have ended here, or were paid afterwards, and by which payments: some may be too much."""
        self._accounts: dict[str, Account] = {}
        self._departures: dict[str, Departure | None] = {}

    @property
    def lot_id(self) -> str:
        return self.lot.lot_id

    @property
    def conn(self) -> sa.Connection:
        """The connection itself, for what the sheet neither reads nor writes."""
        return self.sheet.conn

    @property
    def leave_within(self) -> timedelta:
        return timedelta(seconds=self.policy.leave_within)

    @property
    def quote_valid(self) -> timedelta:
        return timedelta(seconds=self.policy.quote_valid)

    def lane(self, channel_id: str) -> Lane | None:
        return self.sheet.lane(self.lot_id, channel_id)

    def car(self, channel_id: str) -> Presence | None:
        """The car on the lane's loop."""
        return self.sheet.car(self.lot_id, channel_id)

    def order(self, order_id: str) -> Order | None:
        """An order in whatever state; the one that is changed here, where it is."""
        if order_id in self._accounts:
            return self._accounts[order_id].order
        return self.sheet.order(self.lot_id, order_id)

    def account(self, order: Order) -> Account:
        """The order's money; the same object each time."""
        if order.order_id not in self._accounts:
            self._accounts[order.order_id] = account_of(self.sheet, self.lot, order, self.changes)
        return self._accounts[order.order_id]

    def departure_at(self, channel_id: str) -> Departure | None:
        """The open departure of a lane."""
        if channel_id not in self._departures:
            self._departures[channel_id] = self.sheet.departure_at(self.lot_id, channel_id)
        found = self._departures[channel_id]
        return found if found is not None and found.ended_at is None else None

    def departure_of(self, order_id: str) -> Departure | None:
        """The open departure that an order stands in."""
        for known in self._departures.values():
            if known is not None and known.ended_at is None and known.order_id == order_id:
                return known
        found = self.sheet.departure_of(self.lot_id, order_id)
        if found is None:
            return None
        if found.channel_id in self._departures:  # changed here: it is that order's no longer
            return None
        self._departures[found.channel_id] = found
        return found

    def lines_of(self, order: Order) -> int:
        """How many lines the order's history had when this began."""
        return self.sheet.read(ledger.lines_of, self.lot_id, order.order_id)

    def exit_was_told(self, order_id: str) -> bool:
        """Whether the order's exit (3.2) was ever written down for BoLink, or is here."""
        here = any((d.section, d.order_id) == ("3.2", order_id) for d in self.changes.deliveries)
        return here or self.sheet.exit_was_told(self.lot_id, order_id)

    def adopt(self, departure: Departure) -> None:
        """Go on with a departure that was found by its car."""
        self._departures[departure.channel_id] = departure

    def begin(self, departure: Departure) -> None:
        """A car is known to stand in an exit lane."""
        self._departures[departure.channel_id] = departure
        self.changes.new_departure(departure)

    def alarm(self, kind: str, text: str, channel_id: str = "", order_id: str = "") -> None:
        """A row a person should look at."""
        alarm = Alarm(self.lot_id, channel_id, order_id, self.now, kind, text)
        self.changes.alarms.append(alarm)
        self.after.alarms.append(alarm)

    def show(self, channel_id: str, text: str | Price) -> None:
        """Put a text, or what the driver is asked for, on the lane's screen once the transaction holds."""
        self.after.screens.append((self.lot_id, channel_id, text))

    def tell(self, step: str, **about: object) -> None:
        """A live step, for whoever listens."""
        self.after.steps.append({"step": step, "lot_id": self.lot_id, "at": self.now, **about})


class Item(Protocol[R_co]):
    """Something that happens at the desk: applied alone, inside a transaction that may hold others.

    Where it can `foresee` what it looks for (`ahead.Foreseen`), that is read together with what others look for.
    """

    @property
    def lot_id(self) -> str:
        """The lot it concerns."""

    def apply(self, room: Room) -> R_co:
        """Decide and note what it changes."""
