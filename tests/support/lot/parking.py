"""A lot platform of real parts on a real database, with scripted barriers, a manual clock and BoLink played by a test.

`Parking` also keeps account of what drivers were told and which arms rose, and `check` holds the five invariants of the
entry against the rows.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from support.clock import PATIENCE, ManualClock
from support.databases.troubled import TroubledDatabase
from support.lot.barrier import ScriptedBarrier
from support.stacks.bolink_side import BolinkSide
from taigan import bolink
from taigan.barriers.barrier import Event, EventKind, EventSink, LaneKey, Sight
from taigan.lot.gateways.gateway import Arrival, Receipt, Registration, SmsFailed, SmsGateway
from taigan.lot.lanes.neighbours import Exchange
from taigan.lot.messages.router import Answered
from taigan.lot.people.by import By
from taigan.lot.people.exit_acts import Close
from taigan.lot.platform import Platform
from taigan.lot.policy import Policy
from taigan.lot.rounds.tidying import Tidying
from taigan.lot.setup import LaneSetup, LotSetup, VendorSetup
from taigan.storage import tables as t
from taigan.storage.database import Database
from taigan.storage.kept.retention import SWEEPS
from taigan.storage.locked import facts
from taigan.storage.rows import Alarm, Lane, Lift, Lot, Order
from taigan.storage.shown import views
from taigan.storage.shown.views import OrderHistory, OwedDelivery

T = TypeVar("T")
KEY = "NQ0eSXs720170114"
VENDOR = VendorSetup(union_id="200002", key=KEY)
BY = By("王芳", "the driver called")
SEES_ALL = {"sight": "ack position detector"}

LANES = (
    LaneSetup(channel_id="A1", barrier=SEES_ALL),
    LaneSetup(channel_id="A2", barrier=SEES_ALL),
    LaneSetup(channel_id="A3", policy="attendant", barrier=SEES_ALL),
    LaneSetup(channel_id="A4", detector=False, barrier={"sight": "ack"}),
    LaneSetup(channel_id="B1", direction="exit", barrier=SEES_ALL),
)
LOT = LotSetup(union_id="200002", park_id="7", name="东门停车场", spaces=50, lanes=LANES)
LOT_ID = LOT.lot_id


def lot_with(**changed: Any) -> LotSetup:
    """The usual lot, in part different."""
    return msgspec.structs.replace(LOT, **changed)


class _Breathless:
    """The time of a clock, and no waiting."""

    def __init__(self, clock: Any) -> None:
        self.now, self.monotonic = clock.now, clock.monotonic

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Told:
    """An answer of 5.7."""

    status: int
    state: int
    text: str
    car_number: str
    timetemp: int
    body: bytes

    @property
    def said(self) -> tuple[int, str]:
        return self.state, self.text


def told(answered: Answered) -> Told:
    said = json.loads(answered.body)
    return Told(
        answered.status, said["state"], said["errmsg"], said["car_number"], said["timetemp"], bytes(answered.body)
    )


def kept_as(sealed: bytes) -> str:
    """What names a 5.7 in the inbox."""
    envelope = bolink.open_envelope(sealed)
    at = json.loads(envelope.text).get("timetemp")
    return f"{at} {bolink.SignedText(envelope.text).digest(envelope.union_id, str(envelope.park_id))}"


class CountedIds:
    """Names in the order in which they were given."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._count = itertools.count(1)

    def order_id(self, now: datetime) -> str:
        return f"{now:%H%M%S}_{self._process}{next(self._count):05d}"

    def lift_id(self, now: datetime) -> str:
        return f"L{now:%H%M%S}_{self._process}{next(self._count):05d}"

    def payment_id(self, now: datetime) -> str:
        return f"P{now:%H%M%S}_{self._process}{next(self._count):05d}"

    def process(self) -> str:
        return self._process

    def presence_id(self) -> str:
        return f"scan-{self._process}{next(self._count):05d}"

    def sms_code(self) -> str:
        return f"{next(self._count):06d}"


class Gateway:
    """Keeps the codes it is given."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.down = False
        self.hangs = False
        self.arrival = Arrival.ARRIVED
        self.asked = asyncio.Event()

    async def send(self, mobile: str, code: str, lot_name: str) -> str:
        self.asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.down:
            raise SmsFailed("the gateway is down")
        self.sent.append((mobile, code))
        return f"message-{len(self.sent)}"

    async def receipt(self, mobile: str, number: str, sent_at: datetime) -> Receipt:
        return Receipt(self.arrival)

    async def registration(self) -> Registration:
        return Registration(True)


class Parking:
    """One process's platform with the street in front of it."""

    def __init__(
        self,
        database: Database,
        *,
        clock: ManualClock | None = None,
        policy: Policy | None = None,
        keys: Sequence[str] = (KEY,),
        process: str = "p",
        bolink_side: BolinkSide | None = None,
        exchange: Exchange | None = None,
        transport: bolink.Transport | None = None,
        hub_url: str = "http://hub",
        gateway: SmsGateway | None = None,
    ) -> None:
        self.database = database
        self._rows = database.beneath if isinstance(database, TroubledDatabase) else database
        self.clock = clock or ManualClock()
        self.bolink = bolink_side or BolinkSide(self.clock, list(keys))
        self.gateway = Gateway()
        self.barriers: dict[LaneKey, ScriptedBarrier] = {}
        self.unlawful_lifts: list[str] = []
        self.platform = Platform(
            database=database,
            barrier_of=self._barrier_of,
            transport=transport or self.bolink,
            addresses=bolink.Addresses.at(hub_url),
            gateway=gateway or self.gateway,
            policy=policy or Policy(),
            clock=self.clock,
            ids=CountedIds(process),
            random=Random(7),
            exchange=exchange,
        )
        self.attendant = self.platform.attendant
        self._process = process
        self._cars = itertools.count(1)
        self._messages = itertools.count(1)
        self.answers: list[tuple[str, Told]] = []  # by digest of the message

    async def open(self, lots: Sequence[LotSetup] = (LOT,), vendors: Sequence[VendorSetup] = (VENDOR,)) -> Parking:
        """Connect, without anything that runs by itself: `watch` and `deliver` let it."""
        await self.platform.connect(vendors, lots)
        return self

    def _barrier_of(self, lane: Lane, sink: EventSink) -> ScriptedBarrier:
        key = LaneKey(lane.lot_id, lane.channel_id)
        sees = lane.barrier.get("sight", "")
        sight = Sight("ack" in sees, "position" in sees, "detector" in sees)
        self.barriers[key] = ScriptedBarrier(key, sink, self.clock, sight, self._witness)
        return self.barriers[key]

    async def _witness(self, lane: LaneKey, command_id: str) -> None:
        """An arm is about to rise: is there a committed lift, and its order, or a person and a reason?"""

        def lawful(conn: sa.Connection) -> bool:
            lift = conn.execute(
                sa.select(t.lifts).where(t.lifts.c.lot_id == lane.lot_id, t.lifts.c.lift_id == command_id)
            ).one_or_none()
            if lift is None:
                return False
            if lift.order_id is None:
                return bool(lift.actor and lift.reason)
            return (lane.lot_id, lift.order_id) in facts.orders(conn, [(lane.lot_id, lift.order_id)])

        if not await self._rows.read(lawful):
            self.unlawful_lifts.append(command_id)

    # The street

    def barrier(self, channel_id: str = "A1", lot_id: str = LOT_ID) -> ScriptedBarrier:
        return self.barriers[LaneKey(lot_id, channel_id)]

    async def arrives(self, channel_id: str = "A1", lot_id: str = LOT_ID, presence_id: str = "") -> str:
        """A car drives onto the lane's loop; its presence_id."""
        presence_id = presence_id or f"car-{self._process}{next(self._cars):04d}"
        await self.barrier(channel_id, lot_id).report(EventKind.ARRIVED, presence_id)
        return presence_id

    async def passes(self, presence_id: str, channel_id: str = "A1", lot_id: str = LOT_ID) -> Event:
        """The car drives through, and the arm comes down behind it."""
        barrier = self.barrier(channel_id, lot_id)
        event = await barrier.report(EventKind.PASSED, presence_id)
        if not barrier.state.held:
            await barrier.report(EventKind.DOWN)
        return event

    async def backs_out(self, presence_id: str, channel_id: str = "A1", lot_id: str = LOT_ID) -> Event:
        barrier = self.barrier(channel_id, lot_id)
        event = await barrier.report(EventKind.BACKED_OUT, presence_id)
        if not barrier.state.held:
            await barrier.report(EventKind.DOWN)
        return event

    # BoLink's messages

    def message(self, licence: str = "EA47829", channel_id: str = "A1", **fields: Any) -> bytes:
        """A `data` text unlike every other one; a field given as None is left out."""
        data = {
            "car_number": licence,
            "service_name": "nolicence_in_park",
            "park_id": "7",
            "union_id": 200002,
            "timetemp": int(self.clock.now().timestamp()),
            "channel_id": channel_id,
            "number": f"{self._process}{next(self._messages)}",
        }
        data |= fields
        return json.dumps({name: value for name, value in data.items() if value is not None}).encode()

    async def send(self, text: bytes, key: str = KEY, service_name: str = "") -> Told:
        """Let BoLink send a message, signed with the key."""
        sealed = bolink.seal(text, key)
        said = told(await self.platform.callbacks.answer(sealed, service_name))
        if said.status == 200:
            self.answers.append((kept_as(sealed), said))
        return said

    async def scan(self, licence: str = "EA47829", channel_id: str = "A1", **fields: Any) -> Told:
        """A driver scans the lane's code."""
        return await self.send(self.message(licence, channel_id, **fields))

    async def enters(self, licence: str = "EA47829", channel_id: str = "A1") -> str:
        """A car comes, its driver scans and is let in; the car's presence_id. It has not driven through yet."""
        car = await self.arrives(channel_id)
        said = await self.scan(licence, channel_id)
        assert said.state == 1, said
        return car

    async def verify_phone(self, licence: str, mobile: str, **fields: Any) -> dict[str, Any]:
        """BoLink asks for a code (5.13); the answer."""
        asked = {"service_name": "verify_code", "mobile_number": mobile, "pay_user_id": "openid", "channel_id": None}
        text = self.message(licence, **asked | fields)
        answered = await self.platform.callbacks.answer(bolink.seal(text, KEY))
        return dict(json.loads(answered.body))

    async def closes(self, order_id: str, how: str = "free") -> Order:
        """A person ends a stay that nobody saw leave."""
        return await self.platform.leaving.do(Close(lot_id=LOT_ID, order_id=order_id, by=BY, how=how))

    # Time and what runs by itself

    async def watch(self, after: float = 0.0) -> None:
        """Let time pass and whatever watches over it look."""
        self.clock.advance(after)
        await self.platform.watch.look()
        await self.platform.hours.look()
        await self.platform.unheard.look()

    async def tidy(self) -> None:
        """Drop what is older than it is kept, from every table, without a pause."""
        tidying = Tidying(self._rows, self.platform.policy, _Breathless(self.clock), self.platform.album.store)
        for sweep in SWEEPS:
            await tidying.sweep(sweep)

    async def deliver(self, rounds: int = 40) -> None:
        """Let the courier send whatever is due by now or falls due within `rounds` eighths of a second."""
        for _ in range(rounds):
            await self.platform.courier.look()
            await self.platform.courier.sent()
            if not await self.deliveries("pending", due=True):
                return
            self.clock.advance(0.125)

    async def settled(self) -> None:
        """Return when what goes on in the background has come to an end."""
        await self.platform.lanes.settled()
        await self.platform.desk.drained()
        await self.platform.leaving.drained()
        await self.platform.pulls.drained()
        await self.platform.leaving.drained()
        await self.platform.errands.drained()
        await self.platform.leaving.drained()
        await self.platform.lanes.settled()

    # The rows

    async def read(self, transaction: Callable[[sa.Connection], T]) -> T:
        return await self._rows.read(transaction)

    async def lot(self, lot_id: str = LOT_ID) -> Lot:
        lot = await self.read(lambda conn: views.lot(conn, lot_id))
        assert lot is not None
        return lot

    async def free(self, lot_id: str = LOT_ID) -> int:
        return (await self.lot(lot_id)).spaces_free

    async def orders(self, lot_id: str = LOT_ID) -> list[Order]:
        """The lot's orders, oldest first."""
        return (await self.read(lambda conn: views.orders(conn, lot_id, 1000, ())))[::-1]

    async def order(self, licence: str = "EA47829", lot_id: str = LOT_ID) -> Order:
        """The driver's newest order."""
        return next(order for order in reversed(await self.orders(lot_id)) if order.licence == licence)

    async def history(self, order: Order) -> OrderHistory:
        found = await self.read(lambda conn: views.order(conn, order.lot_id, order.order_id))
        assert found is not None
        return found

    async def lifts(self, lot_id: str = LOT_ID) -> list[Lift]:
        return (await self.read(lambda conn: views.lifts(conn, lot_id, 1000, ())))[::-1]

    async def alarms(self, lot_id: str = LOT_ID) -> list[Alarm]:
        return [*(await self.read(lambda conn: views.alarms(conn, lot_id, 1000, ())))[::-1]]

    async def alarm_kinds(self, lot_id: str = LOT_ID) -> list[str]:
        return [alarm.kind for alarm in await self.alarms(lot_id)]

    async def deliveries(self, state: str = "", *, due: bool = False, lot_id: str = LOT_ID) -> list[OwedDelivery]:
        found = (await self.read(lambda conn: views.deliveries(conn, lot_id, 1000, (), state=state)))[::-1]
        return [x for x in found if not due or x.next_at <= self.clock.now()]

    async def row(self, statement: sa.Select[Any]) -> Sequence[Any]:
        return await self.read(lambda conn: conn.execute(statement).all())

    def metric(self, name: str, **labels: str) -> float:
        return self.platform.metrics.registry.get_sample_value(name, labels) or 0.0

    async def update(self, table: sa.Table, **changed: Any) -> None:
        """Set columns of every row."""
        await self.database.write(lambda conn: conn.execute(sa.update(table).values(**changed)))

    # The invariants

    async def check(self) -> None:
        """Hold the invariants of the entry against the rows."""
        assert not self.unlawful_lifts, f"arms rose without a committed order or person: {self.unlawful_lifts}"
        for held in await self.read(lambda conn: [_held(conn, lot) for lot in views.lots(conn, 100, ())]):
            self._check_lot(held)

    def _check_lot(self, held: Held) -> None:
        lot, orders = held.lot, {order.order_id: order for order in held.orders}
        entered = Counter(delivery.order_id for delivery in held.deliveries if delivery.section == "3.1")
        how_it_left = held.how_cars_left
        assert 0 <= lot.spaces_free <= lot.spaces
        for order in orders.values():
            uploads = entered[order.order_id]
            assert uploads == (order.in_at is not None), f"{uploads} uploads of 3.1 for {order}"
            if order.state == "in":
                assert order.in_at is not None
            if order.told_state == 1 and order.state == "void":
                assert how_it_left.get(order.presence_id or "") == "backed_out", f"told 1, not seen to go: {order}"
        said: dict[str, Told] = {}  # what drivers heard first; what the row says by now may be another answer
        for digest, answer in self.answers:
            said.setdefault(digest, answer)
        for digest, reply, order_id, received_at in held.answers:
            order = orders[order_id]
            states = {json.loads(reply)["state"]} if reply is not None else set()
            if digest in said:
                states.add(said[digest].state)
            if 0 in states and received_at <= order.requested_at:  # later ones ask about an order that is there
                assert order.state == "void", f"told 0 and not void: {order}"
            if 1 in states and order.state == "void":
                assert how_it_left.get(order.presence_id or "") == "backed_out", f"told 1, not seen to go: {order}"
        rose = Counter(lift.order_id for lift in held.lifts if lift.cause == "scan")
        assert all(times == 1 for times in rose.values()), rose


class Held(msgspec.Struct):
    """The rows of a lot by which its invariants are judged."""

    lot: Lot
    orders: Sequence[Order]
    deliveries: Sequence[OwedDelivery]
    how_cars_left: dict[str, str]  # by presence_id
    answers: Sequence[Any]  # digest, answer, order_id, received_at
    lifts: Sequence[Lift]


def _held(conn: sa.Connection, lot: Lot) -> Held:
    p, i = t.presences.c, t.inbox.c
    left = conn.execute(sa.select(p.presence_id, p.left_how).where(p.lot_id == lot.lot_id))
    answers = sa.select(i.digest, i.answer, i.order_id, i.received_at)
    return Held(
        lot,
        views.orders(conn, lot.lot_id, 1000, ()),
        views.deliveries(conn, lot.lot_id, 1000, (), state=""),
        {row[0]: row[1] for row in left},
        conn.execute(answers.where(i.lot_id == lot.lot_id, i.order_id.is_not(None))).all(),
        views.lifts(conn, lot.lot_id, 1000, ()),
    )


@asynccontextmanager
async def parking(
    database: Database,
    lots: Sequence[LotSetup] = (LOT,),
    vendors: Sequence[VendorSetup] = (VENDOR,),
    **options: Any,
) -> AsyncIterator[Parking]:
    """A platform for the length of a test; the invariants hold at its end."""
    street = await Parking(database, **options).open(lots, vendors)
    try:
        yield street
        await street.settled()
        await street.check()
    finally:
        await street.platform.stop()


async def in_time(*work: Any) -> list[Any]:
    """Gather, and give up when it takes far too long."""
    async with asyncio.timeout(PATIENCE):
        return list(await asyncio.gather(*work))
