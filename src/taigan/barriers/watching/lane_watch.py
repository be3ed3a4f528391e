"""Keeps one lane's picture: what its device said last, how it is, and the events that follow from it.

Every driver owns one `LaneWatch` per lane, tells it what the device said, and sends its commands through `carry_out`,
which is where a deadline, an outcome and the device's health are dealt with once for all of them.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import structlog

from taigan.barriers.barrier import (
    Event,
    EventKind,
    EventSink,
    LaneKey,
    LaneState,
    Outcome,
    Photo,
    PhotoSink,
    Position,
    Result,
    WatchedElsewhere,
    Why,
    unseen,
)
from taigan.barriers.watching.lane_signals import Happened, LaneSignals
from taigan.barriers.words import NotAPlate, clean, plate_of
from taigan.clock import Clock
from taigan.deadline import Deadline
from taigan.running.tasks import looked_at

DIGESTED = 65536
"""Bytes at the end of a picture that tell it from others."""
log = structlog.get_logger()


class NotSent(Exception):
    """The command surely never reached the device. The text says why."""


class NoAnswer(Exception):
    """The command may have reached the device, nothing usable came back. The text says why."""


class Attempt:
    """One try at a command: how long there is, and whether anything has left for the device yet."""

    def __init__(self, command_id: str, deadline: Deadline) -> None:
        self.command_id = command_id
        self.deadline = deadline
        self.sent = False
        self.cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class LaneWatch:
    """One lane's state, kept from what its device says.

    `silent_after`: seconds without a word after which the device counts as gone (0: it has no heartbeat).
    `device`: what the device is called in logs, with its serial number or address.
    """

    def __init__(
        self,
        lane: LaneKey,
        sink: EventSink,
        clock: Clock,
        *,
        device: str,
        signals: LaneSignals | None = None,
        silent_after: float = 0.0,
        photos: PhotoSink = unseen,
    ) -> None:
        self.lane = lane
        self.clock = clock
        self.device = device
        self.signals = signals or LaneSignals()
        self.state = LaneState()
        self.gone = False  # known not to be there: a command would only be lost
        self._sink = sink
        self._photos = photos
        self._silent_after = silent_after
        self._heard = clock.monotonic()
        self._waiting: deque[tuple[Event, asyncio.Future[bool]]] = deque()
        self.not_taken = 0  # events that the sink could not take
        self._delivery: asyncio.Task[None] | None = None
        self._last: asyncio.Future[bool] | None = None  # of the event told last
        self._over = False
        self._attempts: dict[str, Attempt] = {}
        self._loop_known = False  # whether a car is on the loop was said since the device was last away
        self._was_free = False  # the loop was said to be free since then
        self._lit_by = ""  # the message by which the car on it came
        self._lit_again = False  # the loop was said to be lit once more: perhaps by another car

    # What the device says. `mark` is the device's own name for a message (its id), so that all processes that hear it
    # make the same presence and event of it; without one the moment serves.

    def heard(self) -> None:
        """The device said something, whatever it was."""
        self.gone = False
        self._heard = self.clock.monotonic()
        self.state.last_heard = self.clock.now()
        if not self.state.online:
            self.state.online = True
            self.state.extra.pop("offline", None)
            log.info("barrier online", lane=str(self.lane), device=self.device)
            self._tell(EventKind.ONLINE, f"online {self.state.last_heard.isoformat()}")

    def expect(self) -> None:
        """The way to the device is open (again): it has its usual time to be heard."""
        self.gone = False
        self._heard = self.clock.monotonic()

    def lost(self, reason: str) -> None:
        """The device is gone, as far as anyone can tell."""
        self.gone = True
        self._loop_known = self._was_free = False
        self.signals.lost()
        self._refresh()
        self.state.extra["offline"] = clean(reason)
        if self.state.online:
            self.state.online = False
            log.warning("barrier offline", lane=str(self.lane), device=self.device, reason=reason)
            self._tell(EventKind.OFFLINE, f"offline {self.clock.now().isoformat()}", detail=reason)

    def missed(self, reason: str) -> None:
        """The device did not answer just now; the next command may find it back."""
        self.lost(reason)
        self.gone = False

    def presume(self) -> None:
        """The device says nothing by itself: it is taken to be there until it does not answer."""
        self.state.online = True

    def loop(self, on: bool, mark: str = "") -> None:
        """The loop before the arm is lit, or no longer."""
        self._loop_known = True
        self._was_free = self._was_free or not on
        before = self.signals.present
        self._lit_again = on and bool(before) and (self._lit_again or not mark or mark != self._lit_by)
        self._happened(self.signals.loop(on, self.clock.monotonic(), self._presence_id(mark)), mark)
        if self.signals.present != before:
            self._lit_by = mark

    def under(self, on: bool, mark: str = "") -> None:
        """The loop under the arm is lit, or no longer."""
        self._happened(self.signals.under(on, self.clock.monotonic(), self._presence_id(mark)), mark)

    def arm(self, position: Position, mark: str = "") -> None:
        """The arm's position, as the device reports it."""
        self._happened(self.signals.arm(position, self.clock.monotonic()), mark)

    def lifted(self, *, certain: bool = True) -> None:
        """The device took a command to raise the arm, or, not `certain`, may have."""
        self.signals.lifted(self.clock.monotonic(), certain=certain)

    def hold(self, held: bool) -> None:
        """The arm is kept up on purpose, or no longer."""
        self.signals.hold(held)
        self.state.held = held

    def fault(self, detail: str, mark: str = "") -> None:
        """The device reports a fault, or can no longer be used."""
        log.warning("barrier fault", lane=str(self.lane), device=self.device, fault=clean(detail))
        self._tell(EventKind.FAULT, mark or f"{self.clock.now().isoformat()} {detail}", detail=detail)

    def warn(self, text: str) -> None:
        """The device works, and a person should look at it."""
        log.warning("barrier warning", lane=str(self.lane), device=self.device, reason=clean(text))
        self._tell(EventKind.WARNING, f"{self.clock.now().isoformat()} {text}", detail=text)

    def not_understood(self, error: Exception) -> None:
        """The device sent something that makes no sense."""
        self.state.errors += 1
        log.warning("device not understood", lane=str(self.lane), device=self.device, reason=clean(str(error)))

    def plate(self, plate: str, mark: str) -> None:
        """The camera read a plate, in its own spelling; what says that there is none is no event."""
        try:
            spelled = plate_of(plate)
        except NotAPlate as error:
            self.not_understood(error)
            return
        if spelled:
            self._tell(EventKind.PLATE, mark, presence_id=self.signals.present, plate=spelled)

    def photo(self, data: bytes, why: Why, mark: str, plate: str = "") -> None:
        """The camera took a picture; `plate` is what it read there, in its own spelling."""
        try:
            spelled = plate_of(plate)
        except NotAPlate:
            spelled = ""
        end = hashlib.sha256(data[-DIGESTED:]).hexdigest()
        self._photos(
            Photo(
                self._name(mark, "photo", str(len(data)), end),
                self.lane,
                self.clock.now().astimezone(UTC),
                why,
                data,
                self.signals.present,
                spelled,
            )
        )

    def scanned(self, code: str, mark: str) -> None:
        """The scanner read a code."""
        self._tell(EventKind.SCANNED_CODE, mark, presence_id=self.signals.present, code=code)

    def tag(self, plate: str, antenna: str, mark: str) -> None:
        """An ETC antenna read a tag: the plate it is made out to, in the antenna's own spelling."""
        try:
            spelled = plate_of(plate)
        except NotAPlate as error:
            self.not_understood(error)
            return
        if spelled:
            self._tell(EventKind.READ_TAG, mark, presence_id=self.signals.present, plate=spelled, detail=antenna)

    def adopt(self, position: Position | None, presence_id: str, since: datetime | None) -> None:
        """Take over a picture that was made elsewhere."""
        self.signals.adopt(position, presence_id)
        self._refresh()
        self.state.since = since if presence_id else None

    def take_over(self, presence_id: str, since: datetime | None) -> None:
        """This process watches the lane from now on; that car is known to be on its loop, empty for none."""
        here = self.signals.present
        if presence_id and here and self._was_free and self._is_untold(here):
            return  # that car went and another came while nobody watched, whose arrival is about to be stored
        if presence_id and here:
            self.signals.rename(presence_id)
        elif presence_id and self._loop_known:  # it went while nobody watched
            self._tell(EventKind.BACKED_OUT, presence_id, presence_id=presence_id)
        elif presence_id:
            self.signals.adopt(self.signals.reported, presence_id)
        elif here:
            if self._lit_again and not self._is_untold(here):  # that car went, unheard, and another came
                self.signals.rename(here := self._presence_id(f"{here} again {self.clock.now().isoformat()}"))
            self._tell(EventKind.ARRIVED, here, presence_id=here)
        self._refresh()
        if presence_id and self.signals.present:
            self.state.since = since

    def relay(self, event: Event) -> Awaitable[bool]:
        """An event that was made elsewhere (in the lot, beside the device) and is passed on as it is. Tells, when it
        was handed over, whether it was taken."""
        return self._deliver(event)

    def tick(self) -> None:
        """Called about once a second: what time alone brings about."""
        at = self.clock.monotonic()
        self._happened(self.signals.tick(at), "")
        if self._silent_after and not self.gone and at - self._heard > self._silent_after:
            self.lost(f"not heard for {self._silent_after:.0f} s")

    async def delivered(self) -> None:
        """Return when the sink has taken, or refused, everything that was told so far; what is told later may wait for
        long: a lane whose device is not reached is watched by nobody."""
        if self._last is not None:
            await asyncio.shield(self._last)

    async def stop(self) -> None:
        """Hand over what is left and end."""
        while self._delivery is not None and not self._delivery.done():
            await asyncio.shield(self._delivery)
        self._over = True

    # Commands

    async def carry_out(
        self,
        command_id: str,
        deadline: datetime,
        send: Callable[[Attempt], Awaitable[Result]],
        *,
        lifts: bool = False,
    ) -> Result:
        """Send one command within its deadline and say how it ended; never raises, never repeats.

        `send` raises `NotSent` or `NoAnswer`, or marks the attempt as sent and runs into the deadline. `lifts`: the
        command raises the arm.
        """
        self.state.last_command = self.clock.now()
        self.state.commands += 1
        attempt = self._attempts[command_id] = Attempt(command_id, Deadline(deadline, self.clock))
        result = None
        try:
            result = await self._result(attempt, send)
        finally:  # who is not waited for any longer may have raised the arm all the same
            self._attempts.pop(command_id, None)
            if lifts and (result.outcome is not Outcome.REJECTED if result is not None else attempt.sent):
                self.lifted(certain=result is not None and result.outcome is Outcome.ACCEPTED)
        if result.outcome is not Outcome.ACCEPTED:
            self.state.errors += 1
            log.warning(
                "barrier command", lane=str(self.lane), device=self.device, lift_id=command_id,
                outcome=result.outcome.value, reason=result.reason,
            )  # fmt: skip
        return result

    def cancel(self, command_id: str) -> None:
        """Drop a command of which nothing has left for the device yet."""
        attempt = self._attempts.get(command_id)
        if attempt is not None and not attempt.sent and not attempt.cancelled.done():
            attempt.cancelled.set_result(None)

    async def _result(self, attempt: Attempt, send: Callable[[Attempt], Awaitable[Result]]) -> Result:
        left = attempt.deadline.left()
        if left <= 0:
            return Result(Outcome.REJECTED, "the command came after its deadline")
        if self.gone:
            return Result(Outcome.REJECTED, f"the device is offline: {self.state.extra.get('offline', '')}")
        sending = asyncio.ensure_future(send(attempt))
        try:
            await self.clock.wait((sending, attempt.cancelled), left)
            if attempt.cancelled.done() and attempt.sent and not sending.done():
                await self.clock.wait((sending,), attempt.deadline.left())
            if sending.done():
                return sending.result()
        except NotSent as error:
            return Result(Outcome.REJECTED, str(error))
        except NoAnswer as error:
            return Result(Outcome.UNCERTAIN, str(error))
        except TimeoutError:  # a time-out of the driver's own
            pass
        except Exception as error:  # a driver's mistake must not look like a closed barrier
            log.exception("barrier driver failed", lane=str(self.lane), device=self.device)
            return Result(Outcome.UNCERTAIN, f"the driver failed: {error}")
        finally:
            sending.add_done_callback(looked_at)
            sending.cancel()
        if attempt.sent:
            return Result(Outcome.UNCERTAIN, "the device did not answer by the deadline")
        if attempt.cancelled.done():
            return Result(Outcome.REJECTED, "the car it was for has gone: the command was dropped")
        return Result(Outcome.REJECTED, "the device could not be reached by the deadline")

    # Events

    def _is_untold(self, presence_id: str) -> bool:
        """Whether the arrival of that car still waits to be taken."""
        arrivals = (event for event, _ in self._waiting if event.kind is EventKind.ARRIVED)
        return any(event.presence_id == presence_id for event in arrivals)

    def _presence_id(self, mark: str) -> str:
        return self._name(mark or self.clock.now().isoformat(), "presence")

    def _name(self, *parts: str) -> str:
        return hashlib.sha256("\n".join((str(self.lane), *parts)).encode()).hexdigest()[:24]

    def _happened(self, happened: list[Happened], mark: str) -> None:
        self._refresh()
        for each in happened:
            name = each.presence_id or mark or self.clock.now().isoformat()
            if each.kind is EventKind.ARRIVED:
                self.state.since = self.clock.now()
            self._tell(each.kind, name, presence_id=each.presence_id, seen=each.seen)

    def _refresh(self) -> None:
        self.state.position = self.signals.position
        self.state.presence_id = self.signals.present
        if not self.state.presence_id:
            self.state.since = None

    def _tell(
        self,
        kind: EventKind,
        mark: str,
        *,
        presence_id: str = "",
        plate: str = "",
        detail: str = "",
        code: str = "",
        seen: bool = False,
    ) -> None:
        self._deliver(
            Event(
                event_id=self._name(mark, kind.value),
                lane=self.lane,
                kind=kind,
                at=self.clock.now().astimezone(UTC),
                presence_id=presence_id,
                plate=plate,
                detail=detail,
                code=code,
                seen=seen,
            )
        )

    def _deliver(self, event: Event) -> asyncio.Future[bool]:
        loop = asyncio.get_running_loop()
        taken: asyncio.Future[bool] = loop.create_future()
        if self._over:
            taken.set_result(False)
            return taken
        self._waiting.append((event, taken))
        self._last = taken
        if self._delivery is None or self._delivery.done():
            self._delivery = loop.create_task(self._hand_over())
        return taken

    async def _hand_over(self) -> None:
        while self._waiting:
            event, taken = self._waiting[0]
            try:
                await self._sink(event)
            except WatchedElsewhere:
                taken.set_result(False)
            except Exception as error:  # the sink's trouble must not keep back what follows
                self.not_taken += 1
                log.error("lane event not taken", lane=str(self.lane), kind=event.kind.value, error=str(error))
                taken.set_result(False)
            else:
                taken.set_result(True)
            self._waiting.popleft()
