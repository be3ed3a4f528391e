"""One simulated lane: a loop before the arm, the arm with a loop under it, a camera, a scanner, a screen, and cars.

The lane obeys physics and its modes, and knows nothing of who watches it. What it does goes into the journal before
anybody is told.
"""

from __future__ import annotations

import asyncio
import enum
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import msgspec

from taigan.clock import Clock
from taigan.devices import DeviceError
from taigan.devices.lanes.camera import CameraMode, misread
from taigan.devices.lanes.journal import JournalFailed

log = logging.getLogger(__name__)

ENDED_KEPT = 50
SCREEN_LENGTH = 200


class Arm(enum.StrEnum):
    """Where the arm is."""

    CLOSED = "closed"
    RISING = "rising"
    OPEN = "open"
    FALLING = "falling"


class Mode(enum.StrEnum):
    """How the barrier behaves."""

    OK = "ok"
    FAULT = "fault"  # rejects
    SILENT = "silent"  # takes the command, neither moves nor reports
    LATE = "late"  # moves and reports after `late_by`
    MUTE = "mute"  # moves, never reports its position nor answers; the loops still report
    LOCKED = "locked"  # accepts, stays down


class Verb(enum.StrEnum):
    """What a barrier can be told."""

    OPEN = "open"
    HOLD = "hold"
    CLOSE = "close"


class CarAction(enum.StrEnum):
    """What a car can do."""

    ARRIVES = "arrives"
    PASSES = "passes"
    LEAVES = "leaves"
    BACKS_OUT = "backs_out"
    SECOND_CAR = "second_car"


class Kind(enum.StrEnum):
    """What a lane reports."""

    ARRIVED = "arrived"
    PASSED = "passed"
    BACKED_OUT = "backed_out"
    SECOND_CAR = "second_car"
    RISING = "rising"
    UP = "up"
    FALLING = "falling"
    DOWN = "down"
    FAULT = "fault"
    PLATE = "plate"
    SCANNED_CODE = "scanned_code"
    READ_TAG = "read_tag"
    OFFLINE = "offline"


ANTENNA = "jyyh 000123"
"""The antenna of a simulated lane: its kind, as BoLink names them, and its number."""
MOVED = {Arm.CLOSED: Kind.DOWN, Arm.RISING: Kind.RISING, Arm.OPEN: Kind.UP, Arm.FALLING: Kind.FALLING}
ENDS = (Kind.PASSED, Kind.BACKED_OUT, Kind.SECOND_CAR)


class DoesNotFit(DeviceError):
    """This cannot be done here and now."""

    field = "car"


class NoPower(DoesNotFit):
    """The lane's power is cut."""

    field = "power"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the lane reports. The same thing always has the same `event_id`. `at` is in unix seconds."""

    event_id: str
    kind: Kind
    at: float
    presence_id: str = ""
    detail: str = ""
    plate: str = ""
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the barrier answers to a command."""

    accepted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Car:
    """A car and when it came, in unix seconds. `plate`: what is on it; not `seen`: the loop does not know of it."""

    presence_id: str
    since: float
    plate: str = ""
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """A stay that is over."""

    presence_id: str
    kind: Kind
    at: float


class LaneRecord(msgspec.Struct, omit_defaults=True, frozen=True):
    """A line of the journal. Each line with `arm` = `rising` is one lift, `command` the command that caused it."""

    at: float
    lot_id: str
    channel_id: str
    arm: Arm | None = None
    command: str = ""
    held: bool | None = None
    car: Kind | None = None
    queued: bool = False
    presence: str = ""
    mode: Mode | None = None
    detector: bool | None = None
    plate: str = ""
    camera: CameraMode | None = None
    power: bool | None = None


class LaneWatch(Protocol):
    """Who hears of a lane, and where it writes down what it does."""

    def record(self, record: LaneRecord) -> None:
        """Write a line into the journal. Raises `JournalFailed`."""

    def happened(self, lane: Lane, happening: Happening) -> None:
        """The lane reports something."""

    def powered(self, lane: Lane) -> None:
        """The lane has power again, and knows only what it sees now."""

    def changed(self, lane: Lane) -> None:
        """Something a person could see is different."""


class Lane:
    """A lane with its barrier, as a thing: commands and cars go in, happenings come out."""

    def __init__(
        self,
        lot_id: str,
        channel_id: str,
        *,
        watch: LaneWatch,
        clock: Clock,
        new_id: Callable[[], str],
        travel_time: float,
        late_by: float,
    ) -> None:
        """`travel_time` is what the arm takes each way, `late_by` what an arm or a camera that is late waits, both in
        seconds."""
        self.lot_id = lot_id
        self.channel_id = channel_id
        self.detector = False
        self.mode = Mode.OK
        self.arm = Arm.CLOSED
        self.held = False
        self.lifts = 0
        self.screen = ""
        self.code = ""  # what the QR code on the screen says
        self.camera = CameraMode.READS
        self.reading: Happening | None = None  # what the camera read last of the car on the loop
        self.power = True
        self.loop: Car | None = None
        self.queue: deque[Car] = deque()
        self.ended: deque[Ended] = deque(maxlen=ENDED_KEPT)
        self._crossing: tuple[Car, ...] = ()
        self._reported = Arm.CLOSED
        self._lowering = False
        self._watch = watch
        self._clock = clock
        self._new_id = new_id
        self._travel_time = travel_time
        self._late_by = late_by
        self._motion: asyncio.TimerHandle | None = None
        self._delayed: set[asyncio.TimerHandle] = set()
        self._turn = asyncio.Lock()
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def car(self) -> str | None:
        """Where the foremost car is: `loop`, `under` or nowhere."""
        if self._crossing:
            return "under"
        return "loop" if self.loop else None

    @property
    def read(self) -> str:
        """The plate that the camera read last of the car on the loop."""
        return self.reading.plate if self.reading else ""

    @property
    def plate(self) -> str:
        """What is on the foremost car."""
        cars = (*self._crossing, self.loop)
        return cars[0].plate if cars[0] else ""

    @property
    def seen(self) -> Car | None:
        """The car on the loop, as far as the loop knows of it."""
        return self.loop if self.detector and self.loop and self.loop.seen else None

    @property
    def position(self) -> str:
        """Where the arm is, as far as it reports that."""
        return "unknown" if self.mode is Mode.MUTE or not self.power else self.arm

    # What the journal remembers

    def replay(self, record: LaneRecord) -> None:
        """Take in one line of the journal, before `resume`."""
        if record.detector is not None:
            self.detector = record.detector
        if record.mode is not None:
            self.mode = record.mode
        if record.held is not None:
            self.held = record.held
        if record.arm is not None:
            self.arm = record.arm
            self.lifts += record.arm is Arm.RISING
        if record.camera is not None:
            self.camera = record.camera
        if record.power is not None:
            self.power = record.power
            self._forget_loop()
        if record.queued:
            self.queue.append(Car(record.presence, record.at, record.plate))
        elif record.car is Kind.ARRIVED:
            self.loop = Car(record.presence, record.at, record.plate, self.power)
            self._unqueue(record.presence)
        elif record.car is not None:
            self._unqueue(record.presence)
            seen = self.power
            if self.loop and self.loop.presence_id == record.presence:
                seen = self.loop.seen and self.power
                self.loop = None
            if seen:
                self.ended.append(Ended(record.presence, record.car, record.at))

    def resume(self) -> None:
        """Finish the movement and the queue that the last run was killed in; the camera looks at who is there."""
        if self.arm in (Arm.RISING, Arm.FALLING):
            self._motion = asyncio.get_running_loop().call_later(self._travel_time, self._arrive)
        self._reported = self.arm
        self._look()
        self._move_up()

    def stop(self) -> None:
        """End every timer."""
        for timer in (self._motion, *self._delayed):
            if timer:
                timer.cancel()

    # What the barrier is told

    def command(self, command_id: str, verb: Verb, deadline: float, reply: Callable[[Reply], None]) -> None:
        """Take a command that is void after `deadline` (unix seconds). `reply` is called at most once."""
        if not self.power:
            return
        if self._clock.now().timestamp() > deadline:
            reply(Reply(False, "the command came after its deadline"))
            return
        match self.mode:
            case Mode.OK:
                reply(Reply(True))
                self._obey(command_id, verb)
            case Mode.MUTE:
                self._obey(command_id, verb)
            case Mode.FAULT:
                reply(Reply(False, "barrier fault"))
            case Mode.LOCKED:
                reply(Reply(True))
            case Mode.LATE:
                self._later(command_id, verb, reply)
            case Mode.SILENT:
                pass

    def show(self, text: str, code: str = "") -> None:
        """Put a text on the screen, and a QR code that says `code`, or none."""
        self.screen = text[:SCREEN_LENGTH]
        self.code = code[:SCREEN_LENGTH]
        self._changed()

    def see_cars(self, detector: bool) -> None:
        """Give the lane a detector, or take it away."""
        if detector != self.detector:
            self._record(detector=detector)
            self.detector = detector

    def _obey(self, command_id: str, verb: Verb) -> None:
        try:
            if verb is Verb.CLOSE:
                self._let_go()
                self._lowering = True
                self._lower()
                return
            self._lowering = False
            if self.arm in (Arm.CLOSED, Arm.FALLING):
                self._move(Arm.RISING, command_id, held=verb is Verb.HOLD)
            elif verb is Verb.HOLD and not self.held:
                self._record(held=True)
                self.held = True
                self._changed()
        except JournalFailed:
            log.exception("lane %s/%s does not move", self.lot_id, self.channel_id)

    def _later(self, command_id: str, verb: Verb, reply: Callable[[Reply], None]) -> None:
        def due() -> None:
            self._delayed.discard(timer)
            reply(Reply(True))
            self._obey(command_id, verb)

        timer = asyncio.get_running_loop().call_later(self._late_by, due)
        self._delayed.add(timer)

    # What a person sets

    async def set_mode(self, mode: Mode) -> None:
        """Change how the barrier behaves. `Mode.OK` also brings the arm down, and returns when it is.

        Raises `JournalFailed`.
        """
        async with self._turn:
            self._record(mode=mode)
            self.mode = mode
            if mode is Mode.FAULT:
                self._report(Kind.FAULT, f"fault/{self._new_id()}", detail="the barrier reports a fault")
            if mode is Mode.OK:
                for timer in self._delayed:
                    timer.cancel()
                self._delayed.clear()
                self._let_go()
                self._lowering = True
                self._lower()
            if self._reported is not self.arm:
                self._report_position()
            self._changed()
            if mode is Mode.OK:
                await self._until(lambda: self.arm is not Arm.FALLING)

    async def set_camera(self, mode: CameraMode) -> None:
        """Change how the camera sees. It looks again at the car that stands there. Raises `JournalFailed`."""
        async with self._turn:
            self._record(camera=mode)
            self.camera = mode
            self._look()
            self._changed()

    async def set_power(self, on: bool) -> None:
        """Cut the power, or give it back. Raises `JournalFailed`.

        Without it the arm's spring raises it, nothing is told or heard, and the loop forgets its car: with the power
        back it takes the car that stands there for a part of the road.
        """
        async with self._turn:
            if on is self.power:
                return
            self._record(power=on)
            if not on:
                self._report(Kind.OFFLINE, f"offline/{self._new_id()}", detail="the power is cut")
            self.power = on
            self._forget_loop()
            if on:
                self._reported = self.arm
                self._watch.powered(self)
                self._look()
            else:
                for timer in self._delayed:
                    timer.cancel()
                self._delayed.clear()
                self._lowering = False
                self.show("")
                if self.arm in (Arm.CLOSED, Arm.FALLING):
                    self._move(Arm.RISING)
            self._changed()

    async def press_handset(self) -> None:
        """Raise the arm by hand, without any command. Raises `NoPower`, `JournalFailed`."""
        async with self._turn:
            if not self.power:
                raise NoPower("the power is cut")
            if self.mode is not Mode.LOCKED and self.arm in (Arm.CLOSED, Arm.FALLING):
                self._lowering = False
                self._move(Arm.RISING)

    async def scan(self, code: str) -> None:
        """Hold a code before the scanner. Raises `NoPower`."""
        if not self.power:
            raise NoPower("the power is cut")
        event_id = f"{self.lot_id}/{self.channel_id}/scanner/{self._new_id()}"
        presence_id = self.seen.presence_id if self.seen else ""
        now = self._clock.now().timestamp()
        self._watch.happened(self, Happening(event_id, Kind.SCANNED_CODE, now, presence_id, code=code))

    async def read_tag(self, plate: str, antenna: str = ANTENNA) -> None:
        """The lane's ETC antenna reads a tag that is made out to a plate. Raises `NoPower`."""
        if not self.power:
            raise NoPower("the power is cut")
        event_id = f"{self.lot_id}/{self.channel_id}/antenna/{self._new_id()}"
        presence_id = self.seen.presence_id if self.seen else ""
        now = self._clock.now().timestamp()
        self._watch.happened(self, Happening(event_id, Kind.READ_TAG, now, presence_id, antenna, plate))

    # What cars do

    async def act(self, action: CarAction, plate: str = "") -> None:
        """Let a car do something; returns when it is done. `plate`: what is on a car that comes.

        Raises `DoesNotFit`, `JournalFailed`.
        """
        async with self._turn:
            match action:
                case CarAction.ARRIVES:
                    self._arrives(plate)
                case CarAction.PASSES:
                    await self._passes()
                case CarAction.BACKS_OUT:
                    self._backs_out()
                case CarAction.LEAVES if self.arm in (Arm.OPEN, Arm.RISING):
                    await self._passes()
                case CarAction.LEAVES:
                    self._backs_out()
                case CarAction.SECOND_CAR:
                    await self._second_car(plate)

    def _arrives(self, plate: str) -> None:
        if self.loop:
            raise DoesNotFit("a car is on the loop already")
        self._drive_onto_loop(self._new_car(plate))

    async def _passes(self) -> None:
        car = self._car_on_loop()
        await self._arm_up()
        await self._drive_through(car)

    def _backs_out(self) -> None:
        car = self._car_on_loop()
        self._end(car, Kind.BACKED_OUT)
        self._lower_behind()

    async def _second_car(self, plate: str) -> None:
        second = self._new_car(plate)
        if self.arm in (Arm.OPEN, Arm.RISING):
            await self._arm_up()
            if self.queue:
                self._queue_up(second)
                second = self.queue[0]
            await self._drive_through(*([self.loop] if self.loop else []), second)
        elif self.loop:
            self._queue_up(second)
        else:
            self._drive_onto_loop(second)

    def _new_car(self, plate: str) -> Car:
        return Car(self._new_id(), self._clock.now().timestamp(), plate, self.power)

    def _car_on_loop(self) -> Car:
        if not self.loop:
            raise DoesNotFit("no car is on the loop")
        return self.loop

    def _queue_up(self, car: Car) -> None:
        self._record(queued=True, presence=car.presence_id, plate=car.plate)
        self.queue.append(car)
        self._changed()

    def _unqueue(self, presence_id: str) -> None:
        if self.queue and self.queue[0].presence_id == presence_id:
            self.queue.popleft()

    def _drive_onto_loop(self, car: Car) -> None:
        now = self._record(car=Kind.ARRIVED, presence=car.presence_id, plate=car.plate)
        self._unqueue(car.presence_id)
        self.loop = Car(car.presence_id, now, car.plate, self.power)
        self.reading = None
        self._report_car(Kind.ARRIVED, self.loop, now)
        self._look()
        self._changed()

    def _forget_loop(self) -> None:
        if self.loop:
            self.loop = replace(self.loop, seen=False)

    def _look(self) -> None:
        """Have the camera look at the car on the loop."""
        car = self.loop
        if car is None or not car.plate or not self.power or self.camera is CameraMode.BLIND:
            return
        if self.camera is not CameraMode.LATE:
            self._report_plate(car, misread(car.plate) if self.camera is CameraMode.MISREADS else car.plate)
            return

        def due() -> None:
            self._delayed.discard(timer)
            if self.loop and self.loop.presence_id == car.presence_id and self.camera is CameraMode.LATE:
                self._report_plate(self.loop, car.plate)
                self._changed()

        timer = asyncio.get_running_loop().call_later(self._late_by, due)
        self._delayed.add(timer)

    async def _arm_up(self) -> None:
        await self._until(lambda: self.arm is not Arm.RISING)
        if self.arm is not Arm.OPEN:
            raise DoesNotFit("the arm is not up")

    async def _drive_through(self, *cars: Car) -> None:
        self._crossing = cars
        self._changed()
        try:
            await asyncio.sleep(self._travel_time / 2)
            for car in cars:
                self._end(car, Kind.PASSED if car is self.loop else Kind.SECOND_CAR)
        finally:
            self._crossing = ()
            self._changed()
        self._lower_behind()

    def _end(self, car: Car, kind: Kind) -> None:
        now = self._record(car=kind, presence=car.presence_id)
        self._unqueue(car.presence_id)
        if self.loop is car:
            self.loop = None
            self.reading = None
        if car.seen and self.power:
            self.ended.append(Ended(car.presence_id, kind, now))
        self._report_car(kind, car, now)
        self._changed()

    def _lower_behind(self) -> None:
        """The barrier's own loop has become free: the arm comes down, and the next car drives up."""
        self._lowering = not self.held
        self._move_up()
        self._lower()

    def _move_up(self) -> None:
        if self.queue and not self.loop:
            self._drive_onto_loop(self.queue[0])

    # How the arm moves

    def _let_go(self) -> None:
        if self.held:
            self._record(held=False)
            self.held = False

    def _lower(self) -> None:
        """Bring the arm down if it should come down and nothing is below it."""
        if self._lowering and self.power and not self._crossing and self.arm in (Arm.RISING, Arm.OPEN):
            self._move(Arm.FALLING)

    def _move(self, arm: Arm, command_id: str = "", *, held: bool = False) -> None:
        self._record(arm=arm, command=command_id, held=held)
        if self._motion:
            self._motion.cancel()
        self.arm = arm
        self.held = held
        self.lifts += arm is Arm.RISING
        self._motion = asyncio.get_running_loop().call_later(self._travel_time, self._arrive)
        self._report_position()
        self._changed()

    def _arrive(self) -> None:
        self._motion = None
        self.arm = Arm.OPEN if self.arm is Arm.RISING else Arm.CLOSED
        if self.arm is Arm.CLOSED:
            self._lowering = False
        self._report_position()
        self._changed()

    # Who hears of it

    def _record(
        self,
        *,
        arm: Arm | None = None,
        command: str = "",
        held: bool | None = None,
        car: Kind | None = None,
        queued: bool = False,
        presence: str = "",
        mode: Mode | None = None,
        detector: bool | None = None,
        plate: str = "",
        camera: CameraMode | None = None,
        power: bool | None = None,
    ) -> float:
        """Write down what happens now; when that is, in unix seconds."""
        now = self._clock.now().timestamp()
        self._watch.record(
            LaneRecord(
                at=now,
                lot_id=self.lot_id,
                channel_id=self.channel_id,
                arm=arm,
                command=command,
                held=held,
                car=car,
                queued=queued,
                presence=presence,
                mode=mode,
                detector=detector,
                plate=plate,
                camera=camera,
                power=power,
            )
        )
        return now

    def _report_position(self) -> None:
        if self.mode is not Mode.MUTE and self.power:
            self._reported = self.arm
            self._report(MOVED[self.arm], f"{self.lifts}/{MOVED[self.arm]}")

    def _report_car(self, kind: Kind, car: Car, at: float) -> None:
        if self.detector and car.seen and self.power:
            self._watch.happened(self, Happening(f"{car.presence_id}/{kind}", kind, at, car.presence_id))

    def _report_plate(self, car: Car, plate: str) -> None:
        event_id = f"{car.presence_id}/plate/{self._new_id()}"
        presence_id = car.presence_id if self.detector and car.seen else ""
        now = self._clock.now().timestamp()
        self.reading = Happening(event_id, Kind.PLATE, now, presence_id, plate=plate)
        self._watch.happened(self, self.reading)

    def _report(self, kind: Kind, name: str, detail: str = "") -> None:
        if not self.power:
            return
        event_id = f"{self.lot_id}/{self.channel_id}/{name}"
        self._watch.happened(self, Happening(event_id, kind, self._clock.now().timestamp(), detail=detail))

    def _changed(self) -> None:
        self._watch.changed(self)
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
