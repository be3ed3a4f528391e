"""The exits of a street: cars that leave, phones that ask and pay, and BoLink that tells of money until it is heard.

What truly happened is known here: who stands at an exit, what was paid for which stay, and who drove out.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from simulation.database import Kept
from support.lot.parking import BY, KEY
from taigan import bolink
from taigan.barriers.barrier import Position
from taigan.bolink.units import fen, yuan
from taigan.lot.errors import LotError
from taigan.lot.people.exit_acts import LetGo
from taigan.storage import tables as t
from taigan.storage.errors import StorageError
from taigan.storage.setup import price_lists
from taigan.storage.setup.price_lists import PriceListRow

if TYPE_CHECKING:
    from simulation.street import Car, Process, Street, TrueLane

HALF_A_YUAN_A_MINUTE = """
{"valid_from": "2020-01-01", "rates": [{"sections": [{"steps": [{"per": 1, "price": "0.50"}]}]}]}
"""
"""For each minute begun: stays of minutes cost something."""
NOT_SEEN = "未检测到车辆"
PATIENT = 4.1
"""Seconds within which whoever asks for a price is answered."""


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass
class Quote:
    """A price that a phone was told."""

    order_id: str
    due: int
    number: str
    scene: int


@dataclass
class Trade:
    """Money that a driver paid at BoLink."""

    number: str
    order_id: str
    paid: int
    text: bytes
    heard: bool = False


@dataclass
class Leaving:
    """What goes on at the exits of one street."""

    street: Street
    trades: dict[str, Trade] = field(default_factory=dict)
    asked: list[tuple[Process, float, Car, int, bool, asyncio.Task[Any]]] = field(default_factory=list)
    sent: list[tuple[Trade, asyncio.Task[Any]]] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)  # by licence: the last answer to who asked for the price
    names: int = 0

    def priced(self) -> None:
        """Put the price list in force."""
        now = self.street.hub._clock.now()
        row = PriceListRow(self.street.lot.lot_id, 1, date(2020, 1, 1), HALF_A_YUAN_A_MINUTE, now, "test", "test")
        with self.street.rows.transaction() as conn:
            price_lists.add(conn, row)

    # What can happen

    def acts(self, lane: TrueLane) -> list[tuple[int, Callable[[], Any]]]:
        """What may happen at an exit lane, with its weight."""
        acts: list[tuple[int, Callable[[], Any]]] = [(4, lambda: self.lets_go(lane))]
        if lane.car is None:
            acts.append((40 * bool(self.inside()), lambda: self.comes(lane)))
            return acts
        car = lane.car
        acts += [(40, lambda: self.asks(car, lane)), (2, lambda: self.street.backs_out(lane))]
        if car.quote is not None and car.quote.due > 0:
            acts.append((60, lambda: self.pays(car, lane)))
        if lane.up:
            acts.append((60, lambda: self.street.passes(lane)))
        return acts

    def acts_elsewhere(self) -> list[tuple[int, Callable[[], Any]]]:
        """What phones inside the lot and BoLink's postbox may do."""
        acts: list[tuple[int, Callable[[], Any]]] = []
        if inside := self.inside():
            car = self.street.chance.choice(inside)
            acts.append((4, lambda: self.asks(car)))
            if car.quote is not None and car.quote.due > 0 and car.quote.scene == 0:
                acts.append((6, lambda: self.pays(car)))
        if any(not trade.heard for trade in self.trades.values()):
            acts.append((8, self.tells))
        return acts

    def inside(self) -> list[Car]:
        return [car for car in self.street.cars.values() if car.passed and not car.left and not car.at_exit]

    async def comes(self, lane: TrueLane) -> None:
        """A car that is inside drives to the exit; the camera reads its plate, if it has one and if it can."""
        await self.street.passes_time(self.street.chance.choice((0.0, 70.0, 70.0)))
        if lane.car is not None or not (inside := self.inside()):
            return
        car = self.street.chance.choice(inside)
        lane.car, car.at_exit, car.quote, car.priced_as, car.let_out = car, True, None, "", False
        self.street.say(f"{car.licence} comes to {lane.key.channel_id}")
        self.street.counts["came to the exit"] += 1
        self.street.signal(lane, lambda driver, mark: driver.watch.loop(True, mark))
        if car.has_plate and self.street.chance.random() < 0.9:
            await self.street.settle()
            self.street.signal(lane, lambda driver, mark: driver.watch.plate(car.licence, mark))

    async def asks(self, car: Car, lane: TrueLane | None = None) -> None:
        """The driver scans the exit's code, or asks from inside the lot (5.1)."""
        if not (serving := self.street.serving()):
            return
        self.names += 1
        scene = 0 if lane is None else 1 if car.has_plate else 2
        asked = {
            "service_name": "query_price",
            "park_id": "7",
            "union_id": 200002,
            "pay_scene": scene,
            "query_order_no": f"Q{self.names}",
        }
        if lane is not None:
            asked["out_channel_id"] = lane.key.channel_id
        if scene != 1:
            asked["car_number"] = car.licence
        if scene == 2:
            uploaded = [said for said in self.street.hub.of("3.1") if said.data["car_number"] == car.licence]
            asked |= {"licence": car.licence, "order_id": uploaded[-1].order_id if uploaded else ""}
        self.street.say(f"{car.licence} asks for the price ({scene})")
        process = self.street.chance.choice(serving)
        answering = self.street.later(process.platform.callbacks.answer(_sealed(asked)))
        watched = lane is None or any(one.platform.lanes.watchers.holds(lane.key) for one in serving)
        self.asked.append((process, process.clock.monotonic(), car, scene, watched, answering))

    async def pays(self, car: Car, lane: TrueLane | None = None) -> None:
        """The driver pays the price that the phone shows, now and then twice; BoLink will tell the lot."""
        assert car.quote is not None
        for _ in range(2 if self.street.chance.random() < 0.1 else 1):
            self._pays(car.quote, lane)
        car.quote = None
        await self.tells()

    def _pays(self, quote: Quote, lane: TrueLane | None) -> None:
        self.names += 1
        number = f"T{self.names:020d}"
        money = yuan(quote.due)
        said: dict[str, Any] = {"order_id": quote.order_id, "trade_no": number, "park_id": "7", "union_id": 200002}
        said |= {"pay_time": int(self.street.hub._clock.now().timestamp()), "arrive_money": money, "fee": "0"}
        said |= {"account_type": 1, "remark": "停车费"}
        if lane is None:
            said |= {"service_name": "prepay_order", "prepay": money, "query_order_no": quote.number, "car_number": ""}
        else:
            said |= {"service_name": "outpark", "state": 1, "pay_type": "scancode", "total": money, "errmsg": ""}
            said["out_channel_id"] = lane.key.channel_id
        self.street.say(f"{money} is paid for {quote.order_id}: {number}")
        self.street.counts["payments"] += 1
        self.trades[number] = Trade(number, quote.order_id, quote.due, _sealed(said))

    async def tells(self) -> None:
        """BoLink tells of money that it has no answer about; what is told may be lost, or told twice."""
        if not (serving := self.street.serving()):
            return
        chance = self.street.chance
        for trade in self.trades.values():
            if trade.heard or chance.random() < 0.2:
                continue
            for _ in range(2 if chance.random() < 0.15 else 1):
                answering = self.street.later(chance.choice(serving).platform.callbacks.answer(trade.text))
                if chance.random() < 0.85:
                    self.sent.append((trade, answering))

    async def lets_go(self, lane: TrueLane) -> None:
        """A person raises the arm for whoever stands there, waived or owing."""
        if serving := self.street.serving():
            unpaid = self.street.chance.choice(("waived", "owed"))
            self.street.say(f"a person lets go at {lane.key.channel_id}, {unpaid}")
            act = LetGo(lot_id=lane.key.lot_id, channel_id=lane.key.channel_id, by=BY, unpaid=unpaid)
            self.street.later(self._lets_go(self.street.chance.choice(serving), act))

    async def _lets_go(self, process: Process, act: LetGo) -> None:
        try:
            await process.platform.leaving.do(act)
        except (LotError, StorageError) as error:
            self.street.say(f"    {type(error).__name__}: {error}")

    def hears(self) -> None:
        """Take the answers that have come."""
        waiting = []
        for process, since, car, scene, watched, answering in self.asked:
            if answering.done():
                if not answering.cancelled():
                    self._is_told(car, scene, watched, json.loads(answering.result().body))
            elif process.alive:
                if process.clock.monotonic() - since > PATIENT and not process.clock.stopped:
                    raise Broken(f"{car.licence} asked for the price and was not answered")
                waiting.append((process, since, car, scene, watched, answering))
        self.asked = waiting
        under_way = []
        for trade, answering in self.sent:
            if not answering.done():
                under_way.append((trade, answering))
            elif not answering.cancelled():
                self._is_heard(trade, answering.result())
        self.sent = under_way

    def _is_told(self, car: Car, scene: int, watched: bool, said: dict[str, Any]) -> None:
        """`watched`: some process knew who stood in the lane when the price was asked for."""
        self.told[car.licence] = said.get("errmsg", "")
        self.street.say(f"    {car.licence} is told {said['state']} {said.get('price', '')} {said.get('errmsg', '')}")
        if said["state"] == 1 and car.at_exit == (scene != 0):
            car.quote = Quote(said["order_id"], fen(said["price"]), said.get("query_order_no", ""), scene)
            if car.at_exit and watched:
                car.priced_as = said["order_id"]
            self.street.counts["prices"] += 1

    def _is_heard(self, trade: Trade, answered: Any) -> None:
        if answered.status == 503:
            return
        said = json.loads(answered.body)
        if (answered.status, said["state"]) != (200, 1):
            raise Broken(f"{trade.number} was told and answered {answered.status} {said}")
        trade.heard = True

    # What must hold

    def lawful(self, conn: sa.Connection, lift: Any) -> None:
        """An arm of an exit is about to rise: for a released car, that owes nothing unless a person let it go."""
        of_car = (t.departures.c.lot_id == lift.lot_id, t.departures.c.presence_id == (lift.presence_id or ""))
        departure = conn.execute(sa.select(t.departures).where(*of_car)).one_or_none()
        if departure is None and lift.actor == BY.operator:
            return
        if departure is None or departure.released_at is None:
            raise Broken(f"the arm rises for {lift.lift_id}, whose car was not released")
        if departure.released_by not in ("free", "paid") or not departure.order_id:
            return
        of_order = (t.orders.c.lot_id == lift.lot_id, t.orders.c.order_id == departure.order_id)
        order = conn.execute(sa.select(t.orders).where(*of_order)).one()
        bill = conn.execute(
            sa.select(t.bills).where(t.bills.c.lot_id == lift.lot_id, t.bills.c.order_id == order.order_id)
        ).one_or_none()
        waived = conn.execute(
            sa.select(sa.func.coalesce(sa.func.sum(t.reductions.c.value), 0)).where(
                t.reductions.c.lot_id == lift.lot_id, t.reductions.c.order_id == order.order_id
            )
        ).scalar_one()
        given = waived + (bill.paid_fen - bill.refunded_fen if bill is not None else 0)
        in_time = bill is not None and bill.leave_by is not None and departure.charge_at <= bill.leave_by
        began, until = (moment.replace(microsecond=0) for moment in (order.in_at, departure.charge_at))
        costs = 50 * math.ceil(max(0.0, (until - began).total_seconds()) / 60)  # a price knows whole seconds
        if costs > given and not in_time:
            raise Broken(f"{order.order_id} leaves for {costs} fen and gave {given}")

    def check(self, rows: Kept, *, over: bool = False) -> None:
        """Hold what is said of money and exits against the rows, and against what truly happened."""
        orders, bills = rows.orders, rows.bills
        kept = {row.trade_no: row for row in rows.payments}
        if len(kept) != len(rows.payments):
            raise Broken("a payment is counted twice")
        for number, row in kept.items():
            trade = self.trades[number]
            if (row.fen, row.order_id, row.state) != (trade.paid, trade.order_id, "paid"):
                raise Broken(f"{number} of {trade.paid} fen for {trade.order_id} is kept as {row}")
        for trade in self.trades.values():
            if trade.heard and trade.number not in kept:
                raise Broken(f"{trade.number} was answered 1 and is not kept")
        paid = Counter[str]()
        for row in rows.payments:
            paid[row.order_id] += row.fen
        for order_id, bill in bills.items():
            if bill.paid_fen != paid[order_id]:
                raise Broken(f"{order_id} was paid {paid[order_id]} fen and its bill says {bill.paid_fen}")
        told = Counter(delivery.order_id for delivery in rows.owed if delivery.section == "3.2")
        entered = {owed.order_id for owed in rows.owed if (owed.section, owed.state) == ("3.1", "cancelled")}
        entered = {owed.order_id for owed in rows.owed if owed.section == "3.1"} - entered
        for order in orders.values():
            times = told[order.order_id]
            may_be = order.state in ("out", "abandoned") or (order.state == "void" and order.order_id in entered)
            if times > 1 or (times and not may_be) or (order.state == "void" and times != may_be):
                raise Broken(f"{times} exits are owed to BoLink for {order.order_id}, which is {order.state}")
        released = Counter(lift.presence_id for lift in rows.lifts if lift.cause == "released")
        if any(times > 1 for times in released.values()):
            raise Broken(f"two commands by themselves for one release: {released}")
        if over:
            self._check_end(orders, bills, told)

    def _check_end(self, orders: dict[str, Any], bills: dict[str, Any], told: Counter[str]) -> None:
        if unheard := [trade.number for trade in self.trades.values() if not trade.heard]:
            raise Broken(f"money that the lot never heard of: {unheard}")
        sections = [(upload.section, upload.order_id) for upload in self.street.hub.uploads]
        for order in orders.values():
            if order.state != "out":
                continue
            bill = bills[order.order_id]
            balance = (bill.charge_fen or 0) - bill.reduced_fen - bill.paid_fen + bill.refunded_fen
            if told[order.order_id] != (balance <= 0):
                raise Broken(f"{order.order_id} left owing {balance} fen; {told[order.order_id]} exits are told")
            if balance <= 0:
                if ("3.2", order.order_id) not in sections:
                    raise Broken(f"{order.order_id} left, owing nothing, and BoLink never heard of it")
                left = sections.index(("3.2", order.order_id))
                if ("3.1", order.order_id) not in sections[:left]:
                    raise Broken(f"BoLink heard of the exit of {order.order_id} before it heard of its entry")
        for car in self.street.cars.values():
            order = orders.get(car.priced_as)
            if (
                order is None
                or not car.left
                or not car.let_out
                or car.unseen
                or car.licence not in (order.licence, order.plate)
            ):
                continue
            if order.state != "out":
                raise Broken(f"{car.licence} was told its price, drove out, and {order.order_id} is {order.state}")

    # In the end

    async def all_leave(self) -> None:
        """Everything is well, and whoever stands at an exit gets out: by itself, by paying, or by a person."""
        self.street.loses = 0.0
        for lane in self.street.lanes.values():
            self._says_all(lane)
            await self.street.settle()
            if lane.direction == "exit":
                lane.mode = "ok"
                await self._gets_out(lane)

    def _says_all(self, lane: TrueLane) -> None:
        """The device tells again how everything is, as devices do now and then."""
        if lane.reports_arm:
            position = Position.OPEN if lane.up else Position.CLOSED
            self.street.signal(lane, lambda driver, mark: driver.watch.arm(position, mark))
        if lane.two_loops:
            self.street.signal(lane, lambda driver, mark: driver.watch.under(False, mark))
        on_loop = lane.car is not None
        self.street.signal(lane, lambda driver, mark: driver.watch.loop(on_loop, mark))

    async def _gets_out(self, lane: TrueLane) -> None:
        for turn in range(6):
            car = lane.car
            if car is None:
                return
            if lane.up:
                await self.street.passes(lane)
                await self.street.settle()
                return
            if NOT_SEEN in self.told.get(car.licence, ""):
                await self._drives_up_again(lane, car)
            await (self.asks(car, lane) if turn < 4 else self.lets_go(lane))
            await self.street.passes_time(5)
            if car.quote is not None and car.quote.due > 0 and turn < 4:
                await self.pays(car, lane)
                await self.street.passes_time(5)
        if lane.car is not None and not lane.up:
            raise Broken(f"{lane.car.licence} cannot leave: {self.told.get(lane.car.licence)}")

    async def _drives_up_again(self, lane: TrueLane, car: Car) -> None:
        for on in (False, True):
            self.street.signal(lane, lambda driver, mark, on=on: driver.watch.loop(on, mark))  # type: ignore[misc]
            await self.street.passes_time(7)


def _sealed(data: dict[str, Any]) -> bytes:
    return bolink.seal(json.dumps({name: value for name, value in data.items() if value != ""}).encode(), KEY)
