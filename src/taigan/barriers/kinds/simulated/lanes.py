"""The driver for the simulated lanes: one websocket for all lanes of an address (the protocol is told in the lanes'
own documentation).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import aiohttp
import msgspec

from taigan.barriers.backoff import Backoff
from taigan.barriers.barrier import (
    Barrier,
    Event,
    EventKind,
    EventSink,
    LaneKey,
    LaneState,
    Outcome,
    Photo,
    PhotoSink,
    Position,
    Price,
    Result,
    Screen,
    Sight,
    Why,
    unseen,
)
from taigan.barriers.wires.photos import decoded
from taigan.barriers.wires.price import ToldPrice, in_words
from taigan.clock import Clock
from taigan.running.tasks import end, within

log = logging.getLogger(__name__)

CONNECT_WITHIN = 5.0
CLOSE_WITHIN = 0.5
HEARTBEAT = 10.0
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 5.0
FRAME_LIMIT = 16 * 1024 * 1024
WATCH_LANES = 200
REMEMBERED = 200

POSITIONS = {
    EventKind.RISING: Position.RISING,
    EventKind.UP: Position.OPEN,
    EventKind.FALLING: Position.FALLING,
    EventKind.DOWN: Position.CLOSED,
}
MOVED = {position: kind for kind, position in POSITIONS.items()}
ENDS = frozenset({EventKind.PASSED, EventKind.BACKED_OUT})

Seconds = Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]  # unix seconds up to the year 9999


class Snapshot(msgspec.Struct):
    """A lane as it stands when it is watched."""

    lot_id: str
    channel_id: str
    position: Position
    held: bool
    presence: str
    since: Seconds
    ended: list[tuple[str, EventKind, Seconds]]
    read: tuple[str, str, Seconds] | None = None
    lifts: int = 0
    power: bool = True


class Frame(msgspec.Struct):
    """Any frame from the lanes; which one it is shows in what is set."""

    snapshot: list[Snapshot] | None = None
    reply: str | None = None
    outcome: Outcome = Outcome.UNCERTAIN
    reason: str = ""
    event: str | None = None
    lot_id: str = ""
    channel_id: str = ""
    kind: EventKind | None = None
    presence: str = ""
    at: Seconds = 0.0
    held: bool = False
    detail: str = ""
    plate: str = ""
    code: str = ""
    picture: str = ""
    error: str | None = None


def moment(seconds: float) -> datetime:
    """Unix seconds as an aware moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


@dataclass(slots=True, eq=False)
class Command:
    """A command on its way. `sent` as soon as a byte of it may have left."""

    state: LaneState
    deadline: datetime
    outcome: asyncio.Future[Result]
    sent: bool = False

    def settle(self, result: Result) -> None:
        """Give the outcome, once."""
        if not self.outcome.done():
            self.outcome.set_result(result)

    def give_up(self, reason: str) -> None:
        """No reply will come."""
        self.settle(Result(Outcome.UNCERTAIN if self.sent else Outcome.REJECTED, reason))


class SimulatedScreen:
    """The screen beside a simulated lane."""

    def __init__(self, lanes: SimulatedLanes, key: LaneKey) -> None:
        self._lanes = lanes
        self._key = key

    async def show(self, text: str) -> None:
        """Show the text, if the lanes are there."""
        self._lanes.show(self._key, text)

    async def ask(self, price: Price) -> None:
        """Show the price and its code, if the lanes are there."""
        self._lanes.show(self._key, in_words(price), ToldPrice.of(price))


class SimulatedBarrier:
    """One simulated lane's barrier."""

    def __init__(self, lanes: SimulatedLanes, key: LaneKey, detector: bool, sink: EventSink) -> None:
        self.key = key
        self.detector = detector
        self._lanes = lanes
        self._sink = sink
        self._sight = Sight(acknowledges=True, position=True, detector=detector, tells_events=True)
        self._state = LaneState(position=Position.UNKNOWN)
        self._screen = SimulatedScreen(lanes, key)
        self._untold: deque[tuple[Event, bool]] = deque()
        self._wake = asyncio.Event()
        self._told: dict[str, None] = {}
        self._delivery: asyncio.Task[None] | None = None

    @property
    def sight(self) -> Sight:
        return self._sight

    @property
    def state(self) -> LaneState:
        return self._state

    @property
    def screen(self) -> Screen:
        return self._screen

    async def open(self, command_id: str, deadline: datetime) -> Result:
        return await self._command("open", command_id, deadline)

    async def hold(self, command_id: str, deadline: datetime) -> Result:
        return await self._command("hold", command_id, deadline)

    async def close(self, command_id: str, deadline: datetime) -> Result:
        return await self._command("close", command_id, deadline)

    async def cancel(self, command_id: str) -> None:
        self._lanes.cancel(command_id)

    def adopt(self, presence_id: str, since: datetime | None) -> None:
        """The lanes tell which cars there are, and which have gone."""

    async def start(self) -> None:
        if not self._delivery:
            self._delivery = asyncio.create_task(self._deliver(), name=f"events of {self.key}")
            self._lanes.watch(self)

    async def stop(self) -> None:
        if self._delivery:
            delivery, self._delivery = self._delivery, None
            await self._lanes.unwatch(self)
            await end(delivery)
            self._state.online = False

    # What the connection tells

    def connected(self, snapshot: Snapshot, now: datetime) -> None:
        """Take over the lane as it stands: tell what was missed, then that the lane is there."""
        state = self._state
        if not snapshot.power:
            self.disconnected(now)
            return
        state.online = True
        state.last_heard = now
        state.held = snapshot.held
        state.position = snapshot.position
        state.presence_id = snapshot.presence
        state.since = moment(snapshot.since) if snapshot.presence else None
        for presence_id, kind, at in snapshot.ended:
            self._tell(
                Event(
                    f"{presence_id}/{kind}", self.key, kind, moment(at), presence_id, seen=kind is EventKind.BACKED_OUT
                )
            )
        if snapshot.presence:
            arrived = f"{snapshot.presence}/{EventKind.ARRIVED}"
            since = moment(snapshot.since)
            self._tell(Event(arrived, self.key, EventKind.ARRIVED, since, snapshot.presence))
            if snapshot.read is not None:
                event_id, plate, at = snapshot.read
                self._tell(Event(event_id, self.key, EventKind.PLATE, moment(at), snapshot.presence, plate))
        if moved := MOVED.get(snapshot.position):
            self._tell(Event(f"{self.key}/{snapshot.lifts}/{moved}", self.key, moved, now))
        self._tell(Event(f"{self.key}/online/{now.isoformat()}", self.key, EventKind.ONLINE, now))

    def disconnected(self, now: datetime) -> None:
        """The connection is gone; the last picture stays."""
        if self._state.online:
            self._state.online = False
            self._tell(Event(f"{self.key}/offline/{now.isoformat()}", self.key, EventKind.OFFLINE, now))

    def happened(self, event: Event, *, held: bool, now: datetime) -> None:
        """Take in an event; the sink hears of it after those before."""
        kind = event.kind
        state = self._state
        state.last_heard = now
        if kind in POSITIONS:
            state.position = POSITIONS[kind]
            state.held = held
        elif kind is EventKind.ARRIVED:
            state.presence_id = event.presence_id
            state.since = event.at
        elif kind in ENDS and state.presence_id == event.presence_id:
            state.presence_id = ""
            state.since = None
        elif kind is EventKind.OFFLINE:
            state.online = False
            state.position = Position.UNKNOWN
        self._tell(event, acknowledge=True)

    # How it works

    async def _command(self, verb: str, command_id: str, deadline: datetime) -> Result:
        state = self._state
        state.commands += 1
        result = await self._lanes.command(self, verb, command_id, deadline)
        if result.outcome is not Outcome.ACCEPTED:
            state.errors += 1
        elif verb == "hold" and state.position in (Position.RISING, Position.OPEN):
            state.held = True
        return result

    def _tell(self, event: Event, *, acknowledge: bool = False) -> None:
        if event.event_id in self._told:
            if acknowledge and all(waiting.event_id != event.event_id for waiting, _ in self._untold):
                self._lanes.acknowledge(event)
            return
        self._told[event.event_id] = None
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        self._untold.append((event, acknowledge))
        self._wake.set()

    async def _deliver(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._untold:
                event, acknowledge = self._untold[0]
                try:
                    await self._sink(event)
                except Exception:
                    log.exception("lane %s: event %s was not taken", self.key, event.event_id)
                    self._told.pop(event.event_id, None)
                    acknowledge = False
                self._untold.popleft()
                if acknowledge:
                    self._lanes.acknowledge(event)


class SimulatedLanes:
    """The connection to one lanes process, shared by all its lanes."""

    def __init__(
        self,
        url: str,
        sink: EventSink,
        clock: Clock,
        *,
        token: str = "",
        chance: random.Random | None = None,
        photos: PhotoSink = unseen,
    ) -> None:
        """`url` is the lanes' address without trailing slash; `chance` spreads the reconnects of many processes."""
        self._url = f"{url}/control"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._sink = sink
        self._photos = photos
        self._clock = clock
        self._backoff = Backoff(chance or random.Random(), first=FIRST_PAUSE, most=LONGEST_PAUSE)
        self._lanes: dict[LaneKey, SimulatedBarrier] = {}
        self._watched: dict[LaneKey, SimulatedBarrier] = {}
        self._commands: dict[str, Command] = {}
        self._connection: asyncio.Task[None] | None = None
        self._linked = False
        self._unsent: list[tuple[str, Command | None]] = []
        self._wake = asyncio.Event()
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Frame)

    def lane(self, key: LaneKey, detector: bool) -> Barrier:
        """The barrier of a lane; the same one each time, unless its detector is another."""
        if key not in self._lanes or self._lanes[key].detector != detector:
            self._lanes[key] = SimulatedBarrier(self, key, detector, self._sink)
        return self._lanes[key]

    async def start(self) -> None:
        """Start every lane."""
        for lane in self._lanes.values():
            await lane.start()

    async def stop(self) -> None:
        """Stop every lane and disconnect. Idempotent."""
        for lane in self._lanes.values():
            await lane.stop()

    # What the lanes' barriers ask for

    def watch(self, barrier: SimulatedBarrier) -> None:
        """Hear of a lane from now on."""
        self._watched[barrier.key] = barrier
        if self._linked:
            self._ask_for([barrier])
        if not self._connection:
            self._connection = asyncio.create_task(self._stay_connected(), name=f"lanes at {self._url}")

    async def unwatch(self, barrier: SimulatedBarrier) -> None:
        """Hear no more of a lane; the last one closes the connection."""
        self._watched.pop(barrier.key, None)
        if not self._watched and self._connection:
            connection, self._connection = self._connection, None
            await end(connection)

    async def command(self, barrier: SimulatedBarrier, verb: str, command_id: str, deadline: datetime) -> Result:
        """Send a command and wait for its outcome, at most until its deadline."""
        now = self._clock.now()
        remaining = (deadline - now).total_seconds()
        if remaining <= 0:
            return Result(Outcome.REJECTED, "past its deadline")
        if not barrier.state.online:
            return Result(Outcome.REJECTED, "offline")
        if command_id in self._commands:
            return Result(Outcome.REJECTED, "already under way")
        barrier.state.last_command = now
        command = Command(barrier.state, deadline, asyncio.get_running_loop().create_future())
        self._commands[command_id] = command
        frame = {
            "id": command_id,
            "lot_id": barrier.key.lot_id,
            "channel_id": barrier.key.channel_id,
            "command": verb,
            "deadline": deadline.timestamp(),
        }
        self._send(frame, command)
        timer = asyncio.ensure_future(self._clock.sleep(remaining))
        timer.add_done_callback(lambda _: command.give_up("no reply before the deadline"))
        try:
            return await command.outcome
        finally:
            timer.cancel()
            del self._commands[command_id]

    def cancel(self, command_id: str) -> None:
        """Drop a command that has not been written yet."""
        command = self._commands.get(command_id)
        if command is not None and not command.sent:
            command.give_up("the car it was for has gone")

    def show(self, key: LaneKey, text: str, price: ToldPrice | None = None) -> None:
        """Put a text on a lane's screen, with the price that it tells, if the lanes are there."""
        frame: dict[str, Any] = {"lot_id": key.lot_id, "channel_id": key.channel_id, "screen": text}
        if price is not None:
            frame["price"] = price
        self._send(frame)

    def acknowledge(self, event: Event) -> None:
        """What the event changes is committed."""
        self._send({"ack": event.event_id})

    # The connection

    async def _stay_connected(self) -> None:
        async with aiohttp.ClientSession(headers=self._headers) as session:
            while True:
                try:
                    channel = await within(CONNECT_WITHIN, self._connect(session))
                except (aiohttp.ClientError, OSError) as error:
                    log.info("no connection to the lanes at %s: %s", self._url, error)
                else:
                    await self._talk(channel)
                await asyncio.sleep(self._backoff.wait())

    async def _connect(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        return await session.ws_connect(
            self._url,
            heartbeat=HEARTBEAT,
            max_msg_size=FRAME_LIMIT,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_WITHIN),
        )

    async def _talk(self, channel: aiohttp.ClientWebSocketResponse) -> None:
        self._linked = True
        self._ask_for(list(self._watched.values()))
        writer = asyncio.create_task(self._write(channel))
        try:
            async for message in channel:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self._take(message.data)
        finally:
            self._linked = False
            self._lose()
            await end(writer)
            await channel.close()

    async def _write(self, channel: aiohttp.ClientWebSocketResponse) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                frames, self._unsent = self._unsent, []
                for frame, command in frames:
                    if command:
                        if command.outcome.done():
                            continue
                        if channel.closed or self._clock.now() > command.deadline:
                            command.give_up("not sent in time")
                            continue
                        command.sent = True
                    await channel.send_str(frame)
        except ConnectionError as error:
            log.info("the lanes at %s cannot be written to: %s", self._url, error)
            await channel.close()

    def _lose(self) -> None:
        now = self._clock.now()
        self._unsent.clear()
        for command in self._commands.values():
            command.give_up("the connection was lost")
        for barrier in self._watched.values():
            barrier.disconnected(now)

    def _send(self, frame: dict[str, Any], command: Command | None = None) -> None:
        if self._linked:
            self._unsent.append((self._encoder.encode(frame).decode(), command))
            self._wake.set()
        elif command:
            command.give_up("offline")

    def _ask_for(self, barriers: list[SimulatedBarrier]) -> None:
        for start in range(0, len(barriers), WATCH_LANES):
            lanes = [
                {
                    "lot_id": barrier.key.lot_id,
                    "channel_id": barrier.key.channel_id,
                    "detector": barrier.detector,
                }
                for barrier in barriers[start : start + WATCH_LANES]
            ]
            self._send({"watch": lanes})

    def _take(self, text: str) -> None:
        try:
            frame = self._decoder.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            log.warning("the lanes at %s sent a frame that cannot be read: %s", self._url, error)
            return
        now = self._clock.now()
        if frame.reply is not None:
            if command := self._commands.get(frame.reply):
                command.state.last_heard = now
                command.settle(Result(frame.outcome, frame.reason))
        elif frame.event is not None and frame.kind is not None:
            key = LaneKey(frame.lot_id, frame.channel_id)
            event = Event(
                frame.event,
                key,
                frame.kind,
                moment(frame.at),
                frame.presence,
                frame.plate,
                frame.detail,
                frame.code,
                seen=frame.kind is EventKind.BACKED_OUT,  # these lanes see their cars
            )
            if (picture := decoded(frame.picture)) and key in self._watched:
                self._photos(Photo(event.event_id, key, now, Why.PLATE, picture, event.presence_id, event.plate))
            if barrier := self._watched.get(key):
                barrier.happened(event, held=frame.held, now=now)
            else:
                self.acknowledge(event)
        elif frame.snapshot is not None:
            self._backoff.reset()
            for snapshot in frame.snapshot:
                if barrier := self._watched.get(LaneKey(snapshot.lot_id, snapshot.channel_id)):
                    barrier.connected(snapshot, now)
        elif frame.error is not None:
            log.warning("the lanes at %s refused a frame: %s", self._url, frame.error)
