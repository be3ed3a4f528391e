"""A street from a seed: a lot with its lanes, and any number of processes that serve it.

What is real: the platform with its rules, the drivers' own reading of loops and arms, SQLite. What is played: cars,
drivers, arms, wires that lose, delay and double what they carry, clocks that are wrong or stop, processes that die.
Everything runs in one event loop, whose turns are played to their end after each step, and transactions run inside it:
one seed is one story.

The street knows what truly happened, so that it can tell whether a driver was wronged.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog
from structlog import make_filtering_bound_logger

from simulation.database import Kept, StreetDatabase
from simulation.leaving import Broken, Leaving, Quote
from support.clock import ManualClock
from support.logs import logs_as_before
from support.lot.exchange import Post
from support.lot.parking import BY, KEY, VENDOR, CountedIds, Gateway, kept_as
from support.stacks.bolink_side import BolinkSide
from taigan import bolink
from taigan.barriers.barrier import EventSink, LaneKey, Outcome, Position, Result, Sight
from taigan.barriers.site import Lane as SiteLane
from taigan.barriers.site import Site
from taigan.barriers.watching.lane_signals import LaneSignals
from taigan.barriers.watching.lane_watch import Attempt, NoAnswer
from taigan.barriers.watching.watched_barrier import WatchedBarrier
from taigan.lot.errors import LotError
from taigan.lot.lanes.watchers import EVERY, LASTS
from taigan.lot.platform import Platform
from taigan.lot.policy import Policy
from taigan.lot.setup import LaneSetup, LotSetup
from taigan.storage import tables as t
from taigan.storage.errors import StorageError, Unavailable
from taigan.storage.rows import Lane

T = TypeVar("T")
LOT = "200002-7"
BUSY = "系统繁忙，请稍后再扫码"
ANSWER_WITHIN = 4.1


class InLoop:
    """A process's way to the database: transactions run at once, inside the event loop. It may be away, or hang."""

    dialect = "sqlite"

    def __init__(self, rows: StreetDatabase) -> None:
        self._rows = rows
        self.away = False
        self.dead = False
        self.late: asyncio.Event | None = None  # what is committed is heard of when it is set
        self.dies_after: int | None = None  # transactions until the process dies, its last one committed

    async def write(self, transaction: Callable[[sa.Connection], T]) -> T:
        await asyncio.sleep(0)
        await self._is_there()
        if self.away:
            raise Unavailable("the database is away")
        with self._rows.transaction() as conn:
            result = transaction(conn)
        if self.dies_after is not None:
            self.dies_after -= 1
            self.dead = self.dead or self.dies_after <= 0
        await self._is_there()
        if self.late is not None:
            await self.late.wait()
        return result

    read = write

    async def _is_there(self) -> None:
        if self.dead:
            await asyncio.Event().wait()  # this process does nothing any more

    async def close(self) -> None:
        """It is the street's."""


class OwnClock(ManualClock):
    """One process's clock: wrong by some time, and standing still while the process is stopped."""

    def __init__(self, off: float) -> None:
        super().__init__()
        self._wall += timedelta(seconds=off)
        self.owed = 0.0
        self.stopped = False

    def passes(self, seconds: float) -> None:
        """Time passes, for this process now or when it goes on."""
        self.owed += seconds
        if not self.stopped:
            owed, self.owed = self.owed, 0.0
            self.advance(owed)


class _OfLeases:
    """The time of leases: the database's, which all processes share, with a process's own waiting."""

    def __init__(self, own: OwnClock, shared: ManualClock) -> None:
        self.now, self.monotonic = shared.now, own.monotonic


@dataclass
class Car:
    """A car and its driver."""

    licence: str  # what its driver's phone is known by, or what stands on its plate
    has_plate: bool = False
    passed: bool = False
    backed_out: bool = False
    told: list[int] = field(default_factory=list)
    unseen: bool = False  # a process missed all that the loop under the arm said of it: nobody can know better
    at_exit: bool = False
    left: bool = False
    let_out: bool = False  # an arm was raised while it stood there
    heard_leaving: set[str] = field(default_factory=set)  # the processes that heard it drive out
    quote: Quote | None = None  # the price that its driver's phone shows
    priced_as: str = ""  # the order whose price it was told at the exit


@dataclass
class TrueLane:
    """A lane as it is."""

    key: LaneKey
    reports_arm: bool
    two_loops: bool
    acknowledges: bool
    direction: str = "entry"
    detector: bool = True
    mode: str = "ok"
    car: Car | None = None
    up: bool = False
    messages: int = 0


class Driver(WatchedBarrier):
    """One process's driver of a lane: what it hears is the street's to say."""

    def __init__(self, process: Process, lane: TrueLane, site: Site) -> None:
        signals = LaneSignals(two_loops=lane.two_loops)
        watch = site.watch(SiteLane(lane.key), "a device", signals=signals)
        super().__init__(watch, Sight(lane.acknowledges, lane.reports_arm, True))
        self.process = process
        self.lane = lane

    async def raise_arm(self, attempt: Attempt) -> Result:
        attempt.sent = True
        return await self.process.street.raised(self, attempt.command_id)

    async def hold_arm(self, attempt: Attempt) -> Result:
        return await self.raise_arm(attempt)

    async def start(self) -> None:
        self.watch.heard()


class Process:
    """One process that serves the lot."""

    def __init__(self, street: Street, name: str) -> None:
        self.street = street
        self.name = name
        self.alive = True
        self.clock = OwnClock(street.chance.choice((0.0, 0.0, 0.5, -2.0, 3600.0, -28800.0)))
        self.database = InLoop(street.rows)
        self.drivers: dict[LaneKey, Driver] = {}
        self.unheard: list[Callable[[], None]] = []  # while it is stopped
        self.site = Site(self._sink, self.clock, Random(1))
        self.platform = Platform(
            database=self.database,
            barrier_of=self._build,
            transport=street.hub,
            addresses=bolink.Addresses.at("http://hub"),
            gateway=Gateway(),
            policy=Policy(),
            clock=self.clock,
            ids=CountedIds(name),
            random=Random(7),
            exchange=street.post.exchange(),
        )

        self.platform.lanes.watchers._clock = _OfLeases(self.clock, street.hub._clock)

    async def _sink(self, event: Any) -> None:
        if not self.alive:
            await asyncio.Event().wait()
        await self.platform.lanes.handle(event)

    def _build(self, lane: Lane, sink: EventSink) -> Driver:
        key = LaneKey(lane.lot_id, lane.channel_id)
        self.drivers[key] = Driver(self, self.street.lanes[key], self.site)
        return self.drivers[key]

    async def begin(self) -> None:
        """Connect, and begin to hear the others."""
        neighbours = self.platform._neighbours
        assert neighbours is not None
        self.street.post.listen(neighbours._exchange, lambda word: neighbours.hear(word) if self.alive else None)
        await self.platform.connect([VENDOR], [self.street.lot])

    def hears(self, what: Callable[[], None]) -> None:
        """A signal comes here, or will be heard when the process goes on."""
        if self.clock.stopped:
            self.unheard.append(what)
        elif self.alive:
            what()

    async def look(self) -> None:
        """What the process does by itself about once a second."""
        platform = self.platform
        for look in (platform.lanes.watchers.look, platform.watch.look, platform.hours.look):
            try:
                await look()
            except StorageError:
                continue
        self.site.tick()


class Street:
    """The world of one seed."""

    def __init__(self, seed: int, rows: StreetDatabase, *, quiet_wires: bool = False) -> None:
        self.seed = seed
        self.chance = Random(seed)
        self.rows = rows
        self.post = Post()
        self.hub = BolinkSide(ManualClock(), [KEY])
        self.story: list[str] = []
        self.counts: Counter[str] = Counter()
        chance = self.chance
        self.loses = 0.0 if quiet_wires else chance.choice((0.0, 0.0, 0.05, 0.2))
        self.doubles = chance.choice((0.0, 0.1))
        names = [f"A{number}" for number in range(1, chance.choice((2, 2, 3)))] + ["B1", "B2"][
            : chance.choice((1, 1, 2))
        ]
        self.lanes = {
            LaneKey(LOT, name): TrueLane(
                LaneKey(LOT, name),
                reports_arm=chance.random() < 0.5,
                two_loops=chance.random() < 0.4,
                acknowledges=chance.random() < 0.8,
                direction="entry" if name.startswith("A") else "exit",
            )
            for name in names
        }
        self.lot = LotSetup(
            union_id="200002",
            park_id="7",
            name="",
            spaces=chance.choice((1, 3, 50)),
            lanes=[
                LaneSetup(
                    channel_id=key.channel_id,
                    direction=lane.direction,
                    policy=chance.choice(("automatic", "automatic", "automatic", "attendant")),
                    confirm=chance.choice(
                        ["passage"] + ["accepted"] * 2 * lane.acknowledges + ["position"] * lane.reports_arm
                    ),
                )
                for key, lane in self.lanes.items()
            ],
        )
        self.leaving = Leaving(self)
        self.processes: list[Process] = []
        self.cars: dict[str, Car] = {}
        self.sent: list[tuple[Process, float, bytes, asyncio.Task[Any]]] = []
        self.asked: dict[str, Car] = {}  # by digest: whose scan it was, with its own car on that lane
        self.bodies: list[bytes] = []
        self.heard: dict[str, int] = {}  # by digest: the first answer
        self.undecided: set[str] = set()  # told 0 since nothing could be decided: what comes again is decided anew
        self.again: set[str] = set()  # those of them that did come again
        self.commands: Counter[str] = Counter()
        self.names = 0
        self.wrong: Broken | None = None
        self.doing: set[asyncio.Task[Any]] = set()

    # Running

    async def run(self, steps: int) -> None:
        """Play the story. Raises `Broken` with what led to it."""
        with logs_as_before():
            structlog.configure([self._complains], make_filtering_bound_logger(logging.ERROR))
            try:
                for _ in range(self.chance.choice((1, 1, 2, 3))):
                    await self.starts()
                self.leaving.priced()
                for _ in range(steps):
                    await self.step()
                    self.check()
                await self.calms_down()
                self.check(over=True)
            except Broken as broken:
                told = "\n".join(self.story[-60:])
                raise Broken(f"seed {self.seed}: {broken}\n{told}") from None
            finally:
                await self.ends()

    async def starts(self) -> None:
        self.names += 1
        process = Process(self, f"p{self.names}")
        self.processes.append(process)
        self.say(f"{process.name} starts, its clock off by {(process.clock.now() - ManualClock().now())}")
        starting = self.later(process.begin())
        await self.settle()
        if starting.done():
            starting.result()
        self.later(process.look())
        await self.settle()

    def later(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        self.doing.add(task)
        task.add_done_callback(self._is_done)
        return task

    def _is_done(self, task: asyncio.Task[Any]) -> None:
        self.doing.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, StorageError):
            self.wrong = self.wrong or Broken(f"{type(error).__name__}: {error}")

    def _complains(self, logger: Any, method: str, event: Any) -> Any:
        """What the platform logs as an error of its own must not happen on any street."""
        if event.get("exc_info"):
            error = sys.exc_info()[1]
            self.wrong = self.wrong or Broken(f"{event['event']}: {type(error).__name__}: {error}")
        raise structlog.DropEvent

    async def settle(self) -> None:
        """Let every turn of the loop run that can run without time."""
        loop: Any = asyncio.get_running_loop()
        for _ in range(5000):
            await asyncio.sleep(0)
            if not loop._ready:
                return
        raise Broken("the processes never come to rest")

    async def ends(self) -> None:
        for process in self.processes:
            process.alive, process.database.dead = False, True
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def say(self, what: str) -> None:
        self.story.append(what)

    # What can happen

    async def step(self) -> None:
        chance = self.chance
        key = chance.choice(list(self.lanes))
        lane = self.lanes[key]
        acts: list[tuple[int, Callable[[], Any]]] = [(9, self.time), (2, self.stray_scan), (1, self.trouble)]
        acts += self.leaving.acts_elsewhere()
        if lane.direction == "exit":
            acts += self.leaving.acts(lane)
        elif lane.car is None:
            acts.append((30, lambda: self.arrives(lane)))
        else:
            acts += [(20, lambda: self.scans(lane)), (3, lambda: self.backs_out(lane))]
            if lane.up:
                acts.append((14, lambda: self.passes(lane)))
        if lane.up:
            acts.append((3, lambda: self.arm(lane, False)))
        acts += [(2, lambda: self.mode(lane)), (2, self.uploads)]
        if lane.direction == "entry":
            acts.append((2, lambda: self.by_hand(lane)))
        await chance.choices([act for _, act in acts], [weight for weight, _ in acts])[0]()
        await self.settle()
        self.gather_answers()

    async def time(self) -> None:
        seconds = self.chance.choice((0.05, 0.3, 0.3, 1.0, 1.0, 3.0, 3.75, 3.75, 10.0, 40.0, 200.0))
        self.say(f"{seconds:g} s pass")
        await self.passes_time(seconds)

    async def passes_time(self, seconds: float) -> None:
        while seconds > 0:
            piece = min(seconds, 2.0 if seconds <= 12 else 10.0 if seconds <= 60 else 50.0)
            seconds -= piece
            self.hub._clock.advance(piece)
            for process in self.living():
                process.clock.passes(piece)
            await self.settle()
            for process in self.living():
                if not process.clock.stopped:
                    self.later(process.look())
            await self.settle()
            self.gather_answers()

    def living(self) -> list[Process]:
        for process in self.processes:
            if process.database.dead and process.alive:
                self.dies(process)
        return [process for process in self.processes if process.alive]

    def serving(self) -> list[Process]:
        return [process for process in self.living() if not process.clock.stopped]

    async def arrives(self, lane: TrueLane) -> None:
        has_plate = self.chance.random() < 0.3
        number = len(self.cars)
        car = Car(f"京A{number:05d}" if has_plate else f"CAR{number:04d}", has_plate)
        self.cars[car.licence] = lane.car = car
        self.say(f"{car.licence} arrives at {lane.key.channel_id}")
        self.signal(lane, lambda driver, mark: driver.watch.loop(True, mark))
        if has_plate:
            await self.settle()
            self.signal(lane, lambda driver, mark: driver.watch.plate(car.licence, mark))

    async def backs_out(self, lane: TrueLane) -> None:
        assert lane.car is not None
        car, lane.car = lane.car, None
        car.at_exit, car.backed_out = False, car.backed_out or lane.direction == "entry"
        self.say(f"{car.licence} backs out of {lane.key.channel_id}")
        if lane.two_loops and lane.up and self.chance.random() < 0.5:
            self.signal(lane, lambda driver, mark: driver.watch.under(True, mark))
            self.signal(lane, lambda driver, mark: driver.watch.under(False, mark))
        self.signal(lane, lambda driver, mark: driver.watch.loop(False, mark))
        await self.settle()
        await self.passes_time(6.0 if lane.two_loops else 0.0)

    async def passes(self, lane: TrueLane) -> None:
        assert lane.car is not None
        car, lane.car = lane.car, None
        if lane.direction == "exit":
            car.at_exit, car.left, car.heard_leaving = False, True, {process.name for process in self.living()}
        car.passed = True
        self.say(f"{car.licence} drives through {lane.key.channel_id}")
        missed: set[str] = set()
        if lane.two_loops:
            missed = self.signal(lane, lambda driver, mark: driver.watch.under(True, mark))
        off = self.signal(lane, lambda driver, mark: driver.watch.loop(False, mark))
        if lane.two_loops:
            await self.settle()
            under_off = self.signal(lane, lambda driver, mark: driver.watch.under(False, mark))
            missed &= under_off
            off |= under_off
        if lane.direction == "exit":
            missed |= off  # a loop stays lit for whoever missed it, as if the car stood there still
        car.unseen = car.unseen or bool(missed) or not self.living()
        await self.settle()
        if self.chance.random() < 0.8:
            await self.arm(lane, False)

    async def arm(self, lane: TrueLane, up: bool) -> None:
        if lane.up == up:
            return
        lane.up = up
        self.say(f"the arm of {lane.key.channel_id} is {'up' if up else 'down'}")
        if lane.reports_arm:
            position = Position.OPEN if up else Position.CLOSED
            self.signal(lane, lambda driver, mark: driver.watch.arm(position, mark))

    def signal(self, lane: TrueLane, tell: Callable[[Driver, str], None]) -> set[str]:
        """A message of the lane's device goes to every process; wires may lose it, or say it twice. Who missed it."""
        missed = set()
        lane.messages += 1
        mark = f"m{lane.messages}"
        for process in self.living():
            driver = process.drivers.get(lane.key)
            if driver is None:
                continue
            if self.chance.random() < self.loses:
                self.say(f"    {process.name} misses it")
                self.counts["lost"] += 1
                missed.add(process.name)
                continue
            for _ in range(2 if self.chance.random() < self.doubles else 1):
                process.hears(lambda driver=driver: tell(driver, mark))  # type: ignore[misc]
        return missed

    async def raised(self, driver: Driver, command_id: str) -> Result:
        """A command to raise the arm comes out of a process. What is wrong with it is told at the next check: the
        platform would take it for a fault of the driver."""
        try:
            self.lawful(driver, command_id)
        except Broken as broken:
            self.wrong = self.wrong or broken
        return await self.moves(driver)

    def lawful(self, driver: Driver, command_id: str) -> None:
        """What must hold of a command that comes out of a process. Raises `Broken`."""
        lane = driver.lane
        if not driver.process.alive:
            return
        self.say(f"{driver.process.name} commands {lane.key.channel_id}: {command_id} ({lane.mode})")
        self.commands[command_id] += 1
        self.counts["commands"] += 1
        if self.commands[command_id] > 1:
            raise Broken(f"the lift {command_id} was commanded twice")
        with self.rows.transaction() as conn:
            lift = conn.execute(sa.select(t.lifts).where(t.lifts.c.lift_id == command_id)).one_or_none()
            order = (
                lift is not None
                and conn.execute(sa.select(t.orders.c.state).where(t.orders.c.order_id == lift.order_id)).scalar()
            )
        if lift is None or (lift.order_id is not None and not order) or (lift.order_id is None and not lift.reason):
            raise Broken(f"the arm rises for {command_id} without a committed order or person")
        if lane.direction == "exit":
            with self.rows.transaction() as conn:
                self.leaving.lawful(conn, lift)
        if order == "void":
            raise Broken(f"the arm rises for {command_id}, whose order is void")

    async def moves(self, driver: Driver) -> Result:
        """The arm and the device do what their mode says."""
        lane = driver.lane
        if not driver.process.alive:
            await asyncio.Event().wait()
        mode = lane.mode
        if mode == "fault":
            return Result(Outcome.REJECTED, "blocked")
        if mode == "silent":
            await asyncio.Event().wait()
        if lane.car is not None and lane.direction == "exit":
            lane.car.let_out = True
        await self.arm(lane, True)
        if mode == "mute":
            await asyncio.Event().wait()
        if mode == "cut":
            raise NoAnswer("the line was cut")
        if not lane.acknowledges:
            return Result(Outcome.UNCERTAIN, "it never says")
        return Result(Outcome.ACCEPTED)

    async def mode(self, lane: TrueLane) -> None:
        lane.mode = self.chance.choice(("ok", "ok", "ok", "fault", "silent", "mute", "cut"))
        self.say(f"the device of {lane.key.channel_id} is {lane.mode}")

    async def scans(self, lane: TrueLane) -> None:
        assert lane.car is not None
        serving = self.serving()
        if not serving:
            return
        again = [body for body in self.bodies if lane.car.licence.encode() in body]
        if again and self.chance.random() < 0.3:
            body = self.chance.choice(again)
            self.say(f"the scan of {lane.car.licence} is repeated")
        else:
            body = self.message(lane.car.licence, lane.key.channel_id)
            self.say(f"{lane.car.licence} scans at {lane.key.channel_id}")
            self.asked[kept_as(bolink.seal(body, KEY))] = lane.car
        self.asks(self.chance.choice(serving), body)
        if self.chance.random() < 0.1:
            self.asks(self.chance.choice(serving), body)

    async def stray_scan(self) -> None:
        """Somebody scans from afar, or a second phone at a lane that is taken."""
        if serving := self.serving():
            key = self.chance.choice(list(self.lanes))
            self.say(f"a stranger scans the code of {key.channel_id}")
            self.names += 1
            self.asks(self.chance.choice(serving), self.message(f"FAR{self.names:04d}", key.channel_id))

    def message(self, licence: str, channel_id: str) -> bytes:
        self.names += 1
        now = (self.serving() or self.living())[0].clock.now()
        data = {
            "car_number": licence,
            "service_name": "nolicence_in_park",
            "park_id": "7",
            "union_id": 200002,
            "timetemp": int(now.timestamp()),
            "channel_id": channel_id,
            "number": self.names,
        }
        self.bodies.append(json.dumps(data).encode())
        return self.bodies[-1]

    def asks(self, process: Process, body: bytes) -> None:
        if (digest := kept_as(bolink.seal(body, KEY))) in self.undecided:
            self.again.add(digest)
        self.counts["scans"] += 1
        answering = self.later(process.platform.callbacks.answer(bolink.seal(body, KEY)))
        self.sent.append((process, process.clock.monotonic(), body, answering))

    def gather_answers(self) -> None:
        """Hear what was answered; nobody may wait for longer than is promised."""
        self.leaving.hears()
        waiting = []
        for process, since, body, answering in self.sent:
            if answering.done():
                if not process.alive and answering.cancelled():
                    continue
                said = json.loads(answering.result().body)
                state = int(said["state"])
                licence = json.loads(body)["car_number"]
                self.say(f"    {licence} is told {state} {said['errmsg']}")
                self.counts[f"told {state}"] += 1
                digest = kept_as(bolink.seal(body, KEY))
                if digest not in self.heard or digest in self.undecided:
                    self.heard[digest] = state
                    (self.undecided.add if said["errmsg"] == BUSY else self.undecided.discard)(digest)
                if car := self.cars.get(licence):
                    car.told.append(state)
            elif process.alive:
                if process.clock.monotonic() - since > ANSWER_WITHIN and not process.clock.stopped:
                    raise Broken(f"no answer after {process.clock.monotonic() - since:g} s")
                waiting.append((process, since, body, answering))
        self.sent = waiting

    async def by_hand(self, lane: TrueLane) -> None:
        if not (serving := self.serving()):
            return
        attendant = self.chance.choice(serving).platform.attendant
        what = self.chance.choice(("release", "release", "refuse", "open"))
        self.say(f"the attendant: {what} at {lane.key.channel_id}")

        async def act() -> None:
            try:
                await getattr(attendant, what)(LOT, lane.key.channel_id, BY)
            except (LotError, StorageError) as error:
                self.say(f"    {type(error).__name__}")

        self.later(act())

    async def uploads(self) -> None:
        self.hub.reachable = self.chance.random() < 0.8
        self.hub.loses_answers = self.chance.random() < 0.2
        if serving := self.serving():
            courier = self.chance.choice(serving).platform.courier
            self.later(courier.look())

    async def trouble(self) -> None:
        """Something goes wrong at one process."""
        process = self.chance.choice(self.living() or self.processes)
        if not process.alive:
            await self.starts()
            return
        what = self.chance.choice(("dies", "dies soon", "stops", "set back", "away", "late", "another"))
        self.say(f"{process.name}: {what}")
        self.counts[what] += 1
        if what == "dies":
            self.dies(process)
            await self.starts()
        elif what == "dies soon":
            process.database.dies_after = self.chance.randint(1, 4)
        elif what == "stops":
            process.clock.stopped = True
            await self.passes_time(self.chance.choice((0.5, 2.0, 4.0, 8.0)))
            self.goes_on(process)
        elif what == "set back":
            process.clock.set_back(self.chance.choice((2.0, 3600.0)))
        elif what == "another" and len(self.living()) < 4:
            await self.starts()
        elif what == "away":
            process.database.away = True
            await self.passes_time(self.chance.choice((0.3, 3.0, 6.0)))
            process.database.away = False
        elif what == "late":
            process.database.late = gate = asyncio.Event()
            await self.passes_time(self.chance.choice((0.3, 3.0, 6.0)))
            process.database.late = None
            gate.set()

    def goes_on(self, process: Process) -> None:
        process.clock.stopped = False
        process.clock.passes(0.0)
        for what in process.unheard:
            what()
        process.unheard.clear()

    def dies(self, process: Process) -> None:
        """It does nothing any more. Its leases run out by the street's own clocks."""
        process.alive, process.database.dead = False, True
        self.say(f"{process.name} is dead")
        for car in self.cars.values():
            if car.left and process.name in car.heard_leaving:
                car.heard_leaving.discard(process.name)
                car.unseen = car.unseen or not car.heard_leaving

    async def calms_down(self) -> None:
        """Everything is well again, and time passes until nothing is owed."""
        self.say("everything is well again")
        for process in self.living():
            self.goes_on(process)
            process.database.away, process.database.dies_after = False, None
        if not self.living():
            await self.starts()
        self.hub.reachable, self.hub.loses_answers = True, False
        await self.passes_time(LASTS + 3)
        await self.leaving.all_leave()
        while any(not trade.heard for trade in self.leaving.trades.values()):
            await self.leaving.tells()
            await self.passes_time(1)
        await self.passes_time(240)
        courier = self.living()[0].platform.courier
        for _ in range(400):
            self.later(courier.look())
            await self.settle()
            if not self.owes():
                break
            for process in self.living():
                process.clock.passes(1.0 if self.chance.random() < 0.9 else 60.0)
            await self.settle()
        await self.passes_time(2 * EVERY)

    def owes(self) -> bool:
        """Whether anything is still owed to BoLink."""
        return any(delivery.state in ("pending", "sending") for delivery in self.rows.kept().owed)

    # What must hold

    def check(self, *, over: bool = False) -> None:
        """Hold the invariants against the rows, and against what truly happened."""
        if self.wrong is not None:
            raise self.wrong
        self._check_watchers(over=over)
        kept = self.rows.kept()
        orders, inbox, lot, owed = kept.orders, kept.inbox, kept.lot, kept.owed
        self.leaving.check(kept, over=over)
        if not 0 <= lot.spaces_free <= lot.spaces:
            raise Broken(f"{lot.spaces_free} of {lot.spaces} spaces are free")
        entered = Counter(delivery.order_id for delivery in owed if delivery.section == "3.1")
        for order in orders.values():
            if entered[order.order_id] != (order.in_at is not None):
                raise Broken(f"{entered[order.order_id]} entries are owed to BoLink for {order.order_id}")
        for digest, state in self.heard.items():
            message = inbox.get(digest)
            order = orders.get(message.order_id or "") if message is not None else None
            car = self.asked.get(digest)
            if state == 1 and car is not None:
                if order is None:
                    raise Broken(f"{car.licence} was told 1 and has no order")
                if order.state == "void" and not car.backed_out and not car.unseen:
                    raise Broken(f"{car.licence} was told 1, did not back out, and its order is void")
            first = order is not None and message.received_at <= order.requested_at
            anew = digest in self.undecided & self.again
            if state == 0 and first and not anew and order.state != "void":
                raise Broken(f"{order.licence} was told 0 and its order is {order.state}")
        rose = Counter(lift.order_id for lift in kept.lifts if lift.cause == "scan")
        if any(times > 1 for times in rose.values()):
            raise Broken(f"two lifts for one scan: {rose}")
        if over:
            self._check_end(kept)

    def _check_watchers(self, *, over: bool) -> None:
        """No two processes make events of one device's signals; in the end somebody does."""
        for key in self.lanes:
            watching = [process.name for process in self.serving() if process.platform.lanes.watchers.holds(key)]
            if len(watching) > 1 or (over and not watching):
                raise Broken(f"{key.channel_id} is watched by {watching}")

    def _check_end(self, kept: Kept) -> None:
        """In the end everything is settled, and BoLink knows of everybody who was told 1 and drove in."""
        orders, owed = kept.orders, kept.owed
        stand = [lane.key.channel_id for lane in self.lanes.values() if lane.car is not None]
        if sorted(kept.standing) != sorted(stand):
            raise Broken(f"cars stand at {stand} and are known at {kept.standing}")
        if self.sent:
            raise Broken("somebody never got an answer")
        for delivery in owed:
            if delivery.state not in ("done", "cancelled"):
                raise Broken(f"a {delivery.section} of {delivery.order_id} is {delivery.state} in the end")
        uploaded = {upload.order_id for upload in self.hub.of("3.1")}
        for digest, state in self.heard.items():
            car = self.asked.get(digest)
            if state == 1 and car is not None and car.passed and not car.unseen:
                mine = [order for order in orders.values() if order.licence == car.licence and order.state != "void"]
                if not mine or not uploaded & {order.order_id for order in mine}:
                    raise Broken(f"{car.licence} was told 1 and drove in, and BoLink does not know")
        for order in orders.values():
            if order.state == "waiting" and order.waiting_for == "barrier":
                raise Broken(f"{order.order_id} still waits for its barrier")
            car = self.cars.get(order.licence)
            if car is not None and car.passed and order.state == "void":
                self.counts["drove in unbooked"] += 1
