"""What the API and the pages show and act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from taigan.barriers.barrier import LaneKey
from taigan.barriers.door import Door, Mailbox
from taigan.lot.album import Album
from taigan.lot.community.desk import CommunityDesk
from taigan.lot.errands.city import CityDesk
from taigan.lot.errands.errands import Errands
from taigan.lot.errands.reconciling import Reconciling
from taigan.lot.errors import Conflict, UnknownDelivery, UnknownLane, UnknownLot, UnknownOrder
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.room import Picture
from taigan.lot.messages.kept import Records
from taigan.lot.people.alarms.alarms import AlarmDesk
from taigan.lot.people.attendant import Attendant, By, unless_refused
from taigan.lot.people.exit_acts import LetGo
from taigan.lot.people.looking.board import money_of
from taigan.lot.people.prices import Prices
from taigan.lot.plates import Plates
from taigan.lot.signals.events import Events
from taigan.storage.database import Database
from taigan.storage.locked import facts, ledger
from taigan.storage.rows import Lane, Lift, Lot
from taigan.storage.setup import registry
from taigan.storage.shown import views
from taigan.storage.shown.views import After
from taigan.web.shown import ledger as shown
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Page, Position

R = TypeVar("R")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Office:
    """What the API shows and acts on."""

    database: Database
    attendant: Attendant
    lanes: Lanes
    events: Events
    records: Records
    album: Album
    plates: Plates
    prices: Prices
    leaving: LeavingDesk
    alarms: AlarmDesk
    errands: Errands
    reconciling: Reconciling
    city: CityDesk
    community: CommunityDesk
    check_barrier: Callable[[Mapping[str, Any]], object]
    devices: Door | None = None

    def pictures(self, lot_id: str) -> dict[str, Picture]:
        """What the devices of a lot's lanes report now, by channel_id."""
        return self.leaving.pictures(lot_id)

    async def open(self, lot_id: str, channel_id: str, by: By, unpaid: str) -> Lift:
        """Raise a lane's arm by hand: for the car at an exit, or for nobody.

        Raises UnknownLot, UnknownLane, BadValue, Conflict, BarrierFault.
        """
        picture = self.leaving.picture(LaneKey(lot_id, channel_id))
        let_go = LetGo(lot_id=lot_id, channel_id=channel_id, by=by, picture=picture, unpaid=unpaid)
        lift, departure = await self.leaving.do_and_raise(let_go)
        if departure is None:
            return await self.attendant.open(lot_id, channel_id, by)
        if lift is None:
            raise Conflict("the arm is up already: the car may go")
        return unless_refused(lift)

    async def lot(self, lot_id: str) -> r.LotView:
        """Raises UnknownLot."""
        lot = await self.database.read(lambda conn: known_lot(conn, lot_id))
        return r.shown_lot(lot)

    async def lots_of(self, union_id: str) -> list[str]:
        """The ids of a vendor's lots."""
        every = await self.database.read(registry.lots)
        return [lot.lot_id for lot in every if lot.union_id == union_id]

    async def lane(self, lot_id: str, channel_id: str) -> r.LaneView:
        """Raises UnknownLot, UnknownLane."""

        def transaction(conn: sa.Connection) -> tuple[Lane, set[str]]:
            known_lot(conn, lot_id)
            lane = views.lane(conn, lot_id, channel_id)
            if lane is None:
                raise UnknownLane(f"lot {lot_id} has no lane {channel_id}", "channel_id")
            return lane, views.occupied(conn, lot_id, [channel_id])

        lane, occupied = await self.database.read(transaction)
        return self.shown_lane(lane, occupied)

    def shown_lane(self, lane: Lane, occupied: set[str]) -> r.LaneView:
        state = self.lanes.state(LaneKey(lane.lot_id, lane.channel_id))
        return r.shown_lane(lane, state, lane.channel_id in occupied)

    async def device(self, lot_id: str, channel_id: str) -> tuple[Door, Mailbox]:
        """The door and the mailbox of a lane's device. Raises UnknownLot, UnknownLane, Conflict: it does not post."""
        await self.lane(lot_id, channel_id)
        mailbox = self.devices.of_lane(LaneKey(lot_id, channel_id)) if self.devices is not None else None
        if self.devices is None or mailbox is None:
            raise Conflict(f"the device of lane {channel_id} does not post to this platform: it needs no address")
        return self.devices, mailbox

    async def order(self, lot_id: str, order_id: str) -> r.OrderDetail:
        """Raises UnknownLot, UnknownOrder."""

        def transaction(conn: sa.Connection) -> views.OrderHistory:
            known_lot(conn, lot_id)
            history = views.order(conn, lot_id, order_id)
            if history is None:
                raise UnknownOrder(f"lot {lot_id} has no order {order_id}", "order_id")
            return history

        return r.shown_history(await self.database.read(transaction))

    async def money_of(self, lot_id: str, order_id: str) -> tuple[shown.OrderBill, list[shown.PaymentView]]:
        """What an order comes to, as it is now. Raises UnknownLot, UnknownOrder."""
        now = self.leaving.now()

        def transaction(conn: sa.Connection) -> tuple[shown.OrderBill, list[shown.PaymentView]]:
            lot = known_lot(conn, lot_id)
            order = facts.orders(conn, [(lot_id, order_id)]).get((lot_id, order_id))
            if order is None:
                raise UnknownOrder(f"lot {lot_id} has no order {order_id}", "order_id")
            account = money_of(conn, lot, order)
            departure = ledger.last_departure_of(conn, lot_id, order_id)
            here = departure is not None and (departure.ended_at is None or order.state == "out")
            at = departure.charge_at if departure is not None and here else order.closed_at or now
            return shown.shown_account(account, at), [shown.shown_payment(one) for one in account.payments]

        return await self.database.read(transaction)

    async def delivery(self, lot_id: str, delivery_id: int) -> r.DeliveryView:
        """Raises UnknownLot, UnknownDelivery."""

        def transaction(conn: sa.Connection) -> views.OwedDelivery:
            known_lot(conn, lot_id)
            delivery = views.delivery(conn, lot_id, delivery_id)
            if delivery is None:
                raise UnknownDelivery(f"lot {lot_id} has no delivery {delivery_id}", "delivery_id")
            return delivery

        return r.shown_delivery(await self.database.read(transaction))

    async def page(
        self,
        lot_id: str,
        limit: int,
        cursor: str,
        position: Position,
        read: Callable[[sa.Connection, int, After], list[R]],
        key: Callable[[R], After],
        show: Callable[[R], V],
    ) -> Page[V]:
        """A page of something of a lot. Raises UnknownLot, `Refused` for a wrong cursor."""
        after = position.read(cursor)

        def transaction(conn: sa.Connection) -> list[R]:
            known_lot(conn, lot_id)
            return read(conn, limit + 1, after)

        return position.page(await self.database.read(transaction), limit, key, show)


def known_lot(conn: sa.Connection, lot_id: str) -> Lot:
    lot = views.lot(conn, lot_id)
    if lot is None:
        raise UnknownLot(f"there is no lot {lot_id}", "lot_id")
    return lot
