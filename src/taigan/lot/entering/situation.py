"""What a batch of scans needs to know, and how each decision changes it for those that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from taigan.barriers.words import spelling
from taigan.lot.entering.scan import Scan
from taigan.lot.policy import Policy
from taigan.lot.writing.commits import Transaction
from taigan.storage.locked import facts
from taigan.storage.rows import Driver, Lane, Message, Order, Presence


class Situation:
    """The lots of a batch as they are now, locked until the commit.

    Orders that the same transaction has changed already stand for what is read of them here.
    """

    def __init__(self, tx: Transaction, scans: Sequence[Scan], policy: Policy) -> None:
        self._conn = conn = tx.conn
        self._settled = tx.orders
        self.lots = tx.lots
        self.messages = tx.messages
        self.changes = tx.changes
        self.policy = policy
        self.now = now = tx.now

        lanes = {(scan.lot_id, scan.channel_id) for scan in scans}
        licences = {scan.licence for scan in scans}
        mobiles = {scan.mobile for scan in scans if scan.mobile}
        self.lanes: Mapping[tuple[str, str], Lane] = facts.lanes(conn, lanes)
        self.cars: dict[tuple[str, str], Presence] = facts.cars(conn, lanes)
        self.by_licence = self._as_settled(facts.live_orders_of(conn, licences))
        at_loop = {car.presence_id for car in self.cars.values()}
        self.by_presence = self._as_settled(facts.live_orders_at(conn, at_loop) if at_loop else {})
        self.drivers: dict[tuple[str, str], Driver] = facts.drivers(conn, licences)
        spelled = {spelling(licence) for licence in licences}
        users = {scan.pay_user_id for scan in scans if scan.pay_user_id}
        self.blocked = facts.blocked(conn, licences | spelled | mobiles | users, now)
        checks_phones = mobiles and any(lot.sms_check for lot in self.lots.values())
        since = now - timedelta(seconds=policy.sms_valid)
        self.checked_phones = facts.checked_phones(conn, mobiles, since) if checks_phones else set()
        back_since = now - timedelta(seconds=policy.rejoin_within)
        self._left = facts.left_since(conn, {*self.lots}, licences, back_since) if policy.rejoin_within else set()
        asked = {(scan.lot_id, scan.order_id) for scan in scans if scan.order_id}
        self._taken = set(facts.orders(conn, asked)) if asked else set()

    def lane(self, scan: Scan) -> Lane | None:
        return self.lanes.get((scan.lot_id, scan.channel_id))

    def car(self, scan: Scan) -> Presence | None:
        """The car on the scanned lane's loop."""
        return self.cars.get((scan.lot_id, scan.channel_id))

    def order_of_driver(self, scan: Scan) -> Order | None:
        """The driver's own live order in this lot."""
        order = self.by_licence.get((scan.lot_id, scan.licence))
        return order if order is not None and order.live else None

    def order_of_car(self, car: Presence) -> Order | None:
        """The live order of the car on the loop."""
        order = self.by_presence.get((car.lot_id, car.presence_id))
        return order if order is not None and order.live else None

    def order_of_message(self, message: Message) -> Order | None:
        """The order a message made, in whatever state it is by now."""
        if message.order_id is None:
            return None
        key = (message.lot_id, message.order_id)
        return self._settled.get(key) or facts.orders(self._conn, [key]).get(key)

    def is_blocked(self, scan: Scan) -> bool:
        if not self.blocked:
            return False
        known_by = {
            ("licence", scan.licence),
            ("licence", spelling(scan.licence)),
            ("pay_user_id", scan.pay_user_id),
            ("mobile", scan.mobile),
        }
        return any((scan.lot_id, kind, value) in self.blocked for kind, value in known_by)

    def phone_is_checked(self, scan: Scan) -> bool:
        return (scan.lot_id, scan.licence, scan.mobile) in self.checked_phones

    def is_back_so_soon(self, scan: Scan) -> bool:
        """Whether its car left this lot so short a time ago that it gets no free minutes again."""
        return (scan.lot_id, scan.licence) in self._left

    def lanes_with_unserved_car(self, scan: Scan) -> list[str]:
        """Other entry lanes of the lot where a car waits for its scan."""
        return [lane for lane in facts.unserved_lanes(self._conn, scan.lot_id) if lane != scan.channel_id]

    def scans_without_pass(self, scan: Scan) -> int:
        """Count this scan of the driver and tell how many there were since the last pass."""
        known = self.drivers.get((scan.lot_id, scan.licence))
        fresh = known is not None and known.last_scan_at > self.now - timedelta(seconds=self.policy.scan_window)
        driver = Driver(scan.licence, scan.lot_id, known.scans + 1 if known and fresh else 1, self.now)
        self.drivers[(scan.lot_id, scan.licence)] = driver
        self.changes.driver(driver)
        return driver.scans

    def free_order_id(self, scan: Scan) -> str:
        """The request's order_id, if it is not taken; empty otherwise."""
        key = (scan.lot_id, scan.order_id)
        if not scan.order_id or key in self._taken:
            return ""
        self._taken.add(key)
        return scan.order_id

    def put_on_loop(self, car: Presence) -> None:
        """A car is known to be there only from its scan: lanes without a detector."""
        self.cars[(car.lot_id, car.channel_id)] = car
        self.changes.arrived.append(car)

    def add_order(self, order: Order) -> None:
        self._settled[(order.lot_id, order.order_id)] = order
        self.by_licence[(order.lot_id, order.licence)] = order
        if order.presence_id is not None:
            self.by_presence[(order.lot_id, order.presence_id)] = order

    def remember(self, message: Message) -> None:
        self.messages[message.digest] = message
        self.changes.messages.append(message)

    def _as_settled(self, found: dict[tuple[str, str], Order]) -> dict[tuple[str, str], Order]:
        return {key: self._settled.setdefault((order.lot_id, order.order_id), order) for key, order in found.items()}
