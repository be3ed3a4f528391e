"""The simulated lanes: a process of its own, with a control channel for lot platforms and REST for scripts and pages.

Control is one websocket, `GET /control`, of JSON text frames. A lot platform sends

    {"watch": [{"lot_id", "channel_id", "detector"}]}              registers lanes, is answered with snapshots
    {"id", "lot_id", "channel_id", "command", "deadline"}          open, hold or close; void after deadline
    {"lot_id", "channel_id", "screen", "price"}                    with a price, its `code` is drawn
    {"ack"}                                                        this event is dealt with

and receives

    {"snapshot": [{"lot_id", "channel_id", "position", "held", "lifts", "presence", "since", "read", "ended",
                   "power"}]}                                      again when the lane's power is back
    {"reply", "outcome", "reason"}
    {"event", "lot_id", "channel_id", "kind", "presence", "at", "held", "detail", "plate", "code", "picture"}
    {"error"}                                                      a frame that could not be used

Times are unix seconds. `read` is what the camera read of the car on the loop, as [event, plate, at], or null; `ended`
lists the last stays as [presence, kind, at]. An event has the same name each time it is told: `presence/kind` for cars,
`lot_id/channel_id/lifts/kind` for the arm. Frames of one lane keep their order, and nothing is told before the journal
has it on the disk.

REST: `GET /lanes`, `GET /events`, `GET|PUT /lots/{lot_id}/lanes/{channel_id}`, `GET …/events` (server-sent events),
`GET /healthz`. A PUT returns when every watcher of the lane has acknowledged what it caused. It takes any of

    {"power": "cut" | "back"}                  without it the arm springs up, the loop forgets its car, nothing is told
    {"camera": "reads" | "misreads" | "late" | "blind"}            looks again at the car that stands there
    {"mode": "ok" | "fault" | "silent" | "late" | "mute" | "locked"}
    {"car": "arrives" | "passes" | "leaves" | "backs_out" | "second_car", "plate": "京A12345"}
    {"scanner": "134567890123456789"}
    {"tag": "京A12345"}                         the lane's ETC antenna reads a tag that is made out to this plate
    {"handset": true}                                              the arm rises without a command

in this order. `plate` is what is on a car that comes; the camera reads nothing where it is empty or left out.
"""

from __future__ import annotations

import asyncio
import base64
import enum
import hmac
import logging
import secrets
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from aiohttp import WSMsgType, web

from taigan.clock import Clock
from taigan.devices import DeviceError
from taigan.devices.lanes.camera import CameraMode
from taigan.devices.lanes.journal import Journal, JournalFailed
from taigan.devices.lanes.lane import CarAction, DoesNotFit, Happening, Kind, Lane, LaneRecord, Mode, Reply, Verb
from taigan.devices.lanes.photos import photo_of
from taigan.network.patience import SILENT_FOR, body_within
from taigan.running.tasks import end

log = logging.getLogger(__name__)

BODY_LIMIT = 64 * 1024
FRAME_LIMIT = 16 * 1024 * 1024
SNAPSHOT_LANES = 100
UNSENT_LIMIT = 50_000
STREAM_KEPT = 200
PING_EVERY = 15.0
SHUTDOWN_WITHIN = 0.25
NAME_LENGTH = 200
PLATE_LENGTH = 16
CODE_LENGTH = 128

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PortUnavailable(DeviceError):
    """The address cannot be listened on."""


@dataclass(frozen=True, slots=True)
class LaneSettings:
    """A lane that is there from the start."""

    lot_id: str
    channel_id: str
    detector: bool = True


@dataclass(frozen=True, slots=True)
class LanesSettings:
    """What the lanes process is built from. Times in seconds."""

    journal: Path
    host: str = "127.0.0.1"
    port: int = 0
    travel_time: float = 0.6
    late_by: float = 6.0
    acknowledged_within: float = 3.0  # a PUT waits no longer for those who watch the lane
    lanes: tuple[LaneSettings, ...] = ()
    token: str = ""  # when set, everything but /healthz asks for it


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH)]


class Watched(msgspec.Struct):
    """A lane that a lot platform wants to hear of."""

    lot_id: Name
    channel_id: Name
    detector: bool = True


class Price(msgspec.Struct):
    """The price on a screen: of it, the screen draws the code; the rest stands in its text."""

    code: str = ""


class Frame(msgspec.Struct):
    """Any frame from a lot platform; which one it is shows in what is set."""

    watch: list[Watched] | None = None
    id: str = ""
    lot_id: str = ""
    channel_id: str = ""
    command: Verb | None = None
    deadline: float = 0.0
    screen: str | None = None
    price: Price | None = None
    ack: str | None = None


class Unacknowledged:
    """An event that some watchers have been told of and have not dealt with yet."""

    __slots__ = ("done", "lane", "watchers")

    def __init__(self, lane: Lane, watchers: set[Watcher], done: asyncio.Future[None]) -> None:
        self.lane = lane
        self.watchers = watchers
        self.done = done


class Watcher:
    """One lot platform's control channel. What it is told waits here until the journal is on the disk."""

    def __init__(self, channel: web.WebSocketResponse, journal: Journal[LaneRecord]) -> None:
        self.lanes: set[Lane] = set()
        self.unacknowledged: set[str] = set()
        self._channel = channel
        self._journal = journal
        self._unsent: list[str] = []
        self._wake = asyncio.Event()
        self._cut_off: asyncio.Task[None] | None = None

    def tell(self, frame: str) -> None:
        """Send a frame after those told before."""
        if self._cut_off:
            return
        self._unsent.append(frame)
        self._wake.set()
        if len(self._unsent) + len(self.unacknowledged) > UNSENT_LIMIT:
            log.warning("a watcher is too far behind and is cut off")
            self._cut_off = asyncio.create_task(self.close())

    async def send(self) -> None:
        """Send what is told, until the channel ends."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                frames, self._unsent = self._unsent, []
                await self._journal.synced()
                for frame in frames:
                    await self._channel.send_str(frame)
        except (ConnectionError, JournalFailed) as error:
            log.warning("a control channel ends: %s", error)
            await self.close()

    async def close(self) -> None:
        """Say goodbye."""
        await self._channel.close(code=1001)


class Stream:
    """A page that draws lanes: the latest states, oldest dropped when the page cannot follow."""

    def __init__(self) -> None:
        self._states: deque[str] = deque(maxlen=STREAM_KEPT)
        self._wake = asyncio.Event()
        self._ended = False

    def put(self, state: str) -> None:
        """Show this state next."""
        self._states.append(state)
        self._wake.set()

    def end(self) -> None:
        """Let the page go."""
        self._ended = True
        self._wake.set()

    async def run(self, response: web.StreamResponse) -> None:
        """Send states as they come, and a comment when there are none for long."""
        while not self._ended:
            try:
                async with asyncio.timeout(PING_EVERY):
                    await self._wake.wait()
            except TimeoutError:
                await response.write(b": still here\n\n")
            self._wake.clear()
            while self._states:
                await response.write(f"data: {self._states.popleft()}\n\n".encode())


class Power(enum.StrEnum):
    """What can happen to a lane's power."""

    CUT = "cut"
    BACK = "back"


class BadInput(DeviceError):
    """A request that cannot be used. `field` names what is wrong in it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


class LanesApp:
    """All lanes of the process, and the doors to them."""

    def __init__(
        self,
        journal: Journal[LaneRecord],
        settings: LanesSettings,
        *,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._watchers: dict[Lane, set[Watcher]] = {}
        self._channels: set[Watcher] = set()
        self._streams: dict[Stream, Lane | None] = {}
        self._unacknowledged: dict[str, Unacknowledged] = {}
        self._decoder = msgspec.json.Decoder(Frame)
        self._encoder = msgspec.json.Encoder()
        for record in journal.entries:
            self._lane(record.lot_id, record.channel_id).replay(record)
        journal.entries.clear()
        for lane in settings.lanes:
            self._lane(lane.lot_id, lane.channel_id).see_cars(lane.detector)

    def build(self) -> web.Application:
        """The web application; its lanes move from its start to its clean-up."""
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._guard, body_within()])
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/control", self._control, allow_head=False)
        app.router.add_get("/lanes", self._list)
        app.router.add_get("/events", self._all_events, allow_head=False)
        app.router.add_get("/lots/{lot_id}/lanes/{channel_id}", self._show)
        app.router.add_put("/lots/{lot_id}/lanes/{channel_id}", self._change)
        app.router.add_get("/lots/{lot_id}/lanes/{channel_id}/events", self._events, allow_head=False)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._say_goodbye)
        app.on_cleanup.append(self._stop)
        return app

    # What a lane tells (LaneWatch)

    def record(self, record: LaneRecord) -> None:
        """Write a line into the journal."""
        self._journal.append(record)

    def happened(self, lane: Lane, happening: Happening) -> None:
        """Tell every watcher of the lane."""
        watchers = self._watchers[lane]
        if not watchers:
            return
        photo = photo_of(happening.plate) if happening.kind is Kind.PLATE else b""
        frame = self._text(
            {
                "event": happening.event_id,
                "lot_id": lane.lot_id,
                "channel_id": lane.channel_id,
                "kind": happening.kind,
                "presence": happening.presence_id,
                "at": happening.at,
                "held": lane.held,
                "detail": happening.detail,
                "plate": happening.plate,
                "code": happening.code,
                "picture": base64.b64encode(photo).decode(),
            }
        )
        done = asyncio.get_running_loop().create_future()
        self._unacknowledged[happening.event_id] = Unacknowledged(lane, set(watchers), done)
        for watcher in watchers:
            watcher.unacknowledged.add(happening.event_id)
            watcher.tell(frame)

    def powered(self, lane: Lane) -> None:
        """Tell every watcher of the lane how it stands."""
        for watcher in self._watchers[lane]:
            watcher.tell(self._text({"snapshot": [self._snapshot(lane)]}))

    def changed(self, lane: Lane) -> None:
        """Show every page that draws the lane."""
        if self._streams:
            state = self._text(self._drawn(lane))
            for stream, wanted in self._streams.items():
                if wanted is None or wanted is lane:
                    stream.put(state)

    # Control

    async def _control(self, request: web.Request) -> web.StreamResponse:
        if "Origin" in request.headers:
            raise web.HTTPForbidden(text="the control channel is for lot platforms, not for pages")
        channel = web.WebSocketResponse(
            heartbeat=PING_EVERY, max_msg_size=FRAME_LIMIT, compress=False, timeout=SHUTDOWN_WITHIN
        )
        if not channel.can_prepare(request).ok:
            raise web.HTTPUpgradeRequired(text="the control channel is a websocket", headers={"Upgrade": "websocket"})
        await channel.prepare(request)
        watcher = Watcher(channel, self._journal)
        self._channels.add(watcher)
        sender = asyncio.create_task(watcher.send())
        try:
            async for message in channel:
                if message.type is WSMsgType.TEXT:
                    self._take(watcher, message.data)
                else:
                    self._tell_error(watcher, "frames are JSON text")
        finally:
            self._leave(watcher)
            await end(sender)
        return channel

    def _take(self, watcher: Watcher, text: str) -> None:
        try:
            frame = self._decoder.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            self._tell_error(watcher, str(error))
            return
        if frame.ack is not None:
            self._acknowledge(watcher, frame.ack)
        elif frame.command is not None:
            self._command(watcher, frame, frame.command)
        elif frame.screen is not None:
            if lane := self._lanes.get((frame.lot_id, frame.channel_id)):
                lane.show(frame.screen, frame.price.code if frame.price else "")
        elif frame.watch is not None:
            self._watch(watcher, frame.watch)
        else:
            self._tell_error(watcher, "the frame says nothing")

    def _command(self, watcher: Watcher, frame: Frame, verb: Verb) -> None:
        def reply(answer: Reply) -> None:
            outcome = "accepted" if answer.accepted else "rejected"
            watcher.tell(self._text({"reply": frame.id, "outcome": outcome, "reason": answer.reason}))

        lane = self._lanes.get((frame.lot_id, frame.channel_id))
        if lane:
            lane.command(frame.id, verb, frame.deadline, reply)
        else:
            reply(Reply(False, "unknown lane"))

    def _watch(self, watcher: Watcher, wanted: list[Watched]) -> None:
        lanes = []
        try:
            for line in wanted:
                lane = self._lane(line.lot_id, line.channel_id)
                lane.see_cars(line.detector)
                lanes.append(lane)
        except JournalFailed as error:
            self._tell_error(watcher, str(error))
            return
        for lane in lanes:
            watcher.lanes.add(lane)
            self._watchers[lane].add(watcher)
        for start in range(0, len(lanes), SNAPSHOT_LANES):
            chunk = [self._snapshot(lane) for lane in lanes[start : start + SNAPSHOT_LANES]]
            watcher.tell(self._text({"snapshot": chunk}))

    def _snapshot(self, lane: Lane) -> dict[str, Any]:
        seen = lane.seen
        reading = lane.reading if seen else None
        return {
            "lot_id": lane.lot_id,
            "channel_id": lane.channel_id,
            "position": lane.position,
            "held": lane.held,
            "lifts": lane.lifts,
            "presence": seen.presence_id if seen else "",
            "since": seen.since if seen else 0.0,
            "read": (reading.event_id, reading.plate, reading.at) if reading else None,
            "ended": [(stay.presence_id, stay.kind, stay.at) for stay in lane.ended] if lane.detector else [],
            "power": lane.power,
        }

    def _tell_error(self, watcher: Watcher, reason: str) -> None:
        watcher.tell(self._text({"error": reason}))

    def _acknowledge(self, watcher: Watcher, event_id: str) -> None:
        if event_id in watcher.unacknowledged:
            watcher.unacknowledged.remove(event_id)
            event = self._unacknowledged[event_id]
            event.watchers.discard(watcher)
            if not event.watchers:
                del self._unacknowledged[event_id]
                event.done.set_result(None)

    def _leave(self, watcher: Watcher) -> None:
        self._channels.discard(watcher)
        for lane in watcher.lanes:
            self._watchers[lane].discard(watcher)
        for event_id in tuple(watcher.unacknowledged):
            self._acknowledge(watcher, event_id)

    # REST

    async def _healthz(self, request: web.Request) -> web.Response:
        return self._json({"status": "ok", "lanes": len(self._lanes)})

    async def _list(self, request: web.Request) -> web.Response:
        return self._json({"items": [self._drawn(lane) for lane in self._lanes.values()]})

    async def _show(self, request: web.Request) -> web.Response:
        return self._json(self._state(self._named(request)))

    async def _change(self, request: web.Request) -> web.Response:
        lane = self._named(request)
        for grant in self._wishes(lane, await request.read()):
            await grant()
            await self._all_told(lane)
        return self._json(self._state(lane))

    async def _all_told(self, lane: Lane) -> None:
        await self._journal.synced()
        untold = [event.done for event in self._unacknowledged.values() if event.lane is lane]
        if untold:
            await asyncio.wait(untold, timeout=self._settings.acknowledged_within)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        lane = self._named(request)
        return await self._stream(request, lane, [lane])

    async def _all_events(self, request: web.Request) -> web.StreamResponse:
        return await self._stream(request, None, self._lanes.values())

    async def _stream(self, request: web.Request, wanted: Lane | None, lanes: Iterable[Lane]) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        stream = Stream()
        for lane in lanes:
            stream.put(self._text(self._drawn(lane)))
        self._streams[stream] = wanted
        try:
            await stream.run(response)
        except ConnectionError:
            pass
        finally:
            del self._streams[stream]
        return response

    def _named(self, request: web.Request) -> Lane:
        lot_id, channel_id = request.match_info["lot_id"], request.match_info["channel_id"]
        lane = self._lanes.get((lot_id, channel_id))
        if not lane:
            raise web.HTTPNotFound(text=f"no lane {channel_id} in lot {lot_id}")
        return lane

    @staticmethod
    def _wishes(lane: Lane, body: bytes) -> list[Callable[[], Awaitable[None]]]:
        """What a script asks of a lane, in the order in which it is done. Raises `BadInput`."""
        try:
            wishes = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BadInput("body", f"the body is not JSON: {error}") from error
        if not isinstance(wishes, dict) or not wishes:
            raise BadInput(
                "body", "the body is an object with power, camera, mode, car, scanner, tag, handset or several"
            )
        for name in wishes.keys() - WISHES:
            raise BadInput(name, f"{name} cannot be set")
        plate = text(wishes.get("plate", ""), "plate", PLATE_LENGTH, empty=True)
        granted: list[Callable[[], Awaitable[None]]] = []
        if "power" in wishes:
            granted.append(partial(lane.set_power, choice(Power, "power", wishes["power"]) is Power.BACK))
        if "camera" in wishes:
            granted.append(partial(lane.set_camera, choice(CameraMode, "camera", wishes["camera"])))
        if "mode" in wishes:
            granted.append(partial(lane.set_mode, choice(Mode, "mode", wishes["mode"])))
        if "car" in wishes:
            action = choice(CarAction, "car", wishes["car"])
            if "plate" in wishes and action not in COMES:
                raise BadInput("plate", "only a car that comes brings a plate")
            granted.append(partial(lane.act, action, plate))
        elif "plate" in wishes:
            raise BadInput("plate", "a plate comes with a car")
        if "scanner" in wishes:
            granted.append(partial(lane.scan, text(wishes["scanner"], "scanner", CODE_LENGTH)))
        if "tag" in wishes:
            granted.append(partial(lane.read_tag, text(wishes["tag"], "tag", PLATE_LENGTH)))
        if "handset" in wishes:
            if wishes["handset"] is not True:
                raise BadInput("handset", "handset is true, once for each press")
            granted.append(lane.press_handset)
        return granted

    def _state(self, lane: Lane) -> dict[str, Any]:
        return {
            "lifts": lane.lifts,
            "barrier": lane.arm,
            "car": lane.car,
            "plate": lane.plate,
            "read": lane.read,
            "screen": lane.screen,
            "code": lane.code,
            "mode": lane.mode,
            "camera": lane.camera,
            "power": Power.BACK if lane.power else Power.CUT,
        }

    def _drawn(self, lane: Lane) -> dict[str, Any]:
        return {
            "lot_id": lane.lot_id,
            "channel_id": lane.channel_id,
            **self._state(lane),
            "held": lane.held,
            "queued": len(lane.queue),
        }

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Keep pages of other origins out, ask for the token, and say what is wrong as JSON."""
        try:
            if "Origin" in request.headers:
                raise web.HTTPForbidden(text="a page in a browser may not move the cars: this is for programs")
            if not self._may_enter(request):
                raise web.HTTPUnauthorized(text="the token is missing or wrong")
            return await handler(request)
        except web.HTTPException as error:
            return self._error(error.status, error.text or error.reason, "", error.headers)
        except BadInput as error:
            return self._error(HTTPStatus.BAD_REQUEST, str(error), error.field)
        except DoesNotFit as error:
            return self._error(HTTPStatus.CONFLICT, str(error), error.field)
        except JournalFailed as error:
            return self._error(HTTPStatus.SERVICE_UNAVAILABLE, str(error), "")

    def _may_enter(self, request: web.Request) -> bool:
        token = self._settings.token
        if not token or request.path == "/healthz":
            return True
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.query.get("token", "")
        return hmac.compare_digest(shown.encode(errors="replace"), token.encode())

    def _error(self, status: int, message: str, field: str, headers: Mapping[str, str] | None = None) -> web.Response:
        response = self._json({"error": {"code": HTTPStatus(status).name.lower(), "message": message, "field": field}})
        response.set_status(status)
        if headers and "Allow" in headers:
            response.headers["Allow"] = headers["Allow"]
        return response

    def _json(self, content: object) -> web.Response:
        return web.Response(
            body=self._encoder.encode(content),
            content_type="application/json",
            headers={"Cache-Control": "no-store"},
        )

    def _text(self, content: object) -> str:
        return self._encoder.encode(content).decode()

    # From start to end

    def _lane(self, lot_id: str, channel_id: str) -> Lane:
        lane = self._lanes.get((lot_id, channel_id))
        if not lane:
            lane = Lane(
                lot_id,
                channel_id,
                watch=self,
                clock=self._clock,
                new_id=self._new_id,
                travel_time=self._settings.travel_time,
                late_by=self._settings.late_by,
            )
            self._lanes[lot_id, channel_id] = lane
            self._watchers[lane] = set()
        return lane

    async def _start(self, app: web.Application) -> None:
        for lane in self._lanes.values():
            lane.resume()

    async def _say_goodbye(self, app: web.Application) -> None:
        for stream in self._streams:
            stream.end()
        await asyncio.gather(*(watcher.close() for watcher in self._channels))

    async def _stop(self, app: web.Application) -> None:
        for lane in self._lanes.values():
            lane.stop()
        await self._journal.close()


WISHES = frozenset({"power", "camera", "mode", "car", "plate", "scanner", "tag", "handset"})
COMES = (CarAction.ARRIVES, CarAction.SECOND_CAR)

Choice = TypeVar("Choice", bound=enum.StrEnum)


def choice(choices: type[Choice], field: str, value: object) -> Choice:
    """The one of `choices` that `value` names. Raises `BadInput`."""
    if isinstance(value, str) and value in tuple(choices):
        return choices(value)
    raise BadInput(field, f"{field} is one of {', '.join(choices)}")


def text(value: object, field: str, longest: int, *, empty: bool = False) -> str:
    """The printable text that `value` is. Raises `BadInput`."""
    if isinstance(value, str) and len(value) <= longest and (value or empty) and (value.isprintable() or not value):
        return value
    raise BadInput(field, f"{field} is a printable text of at most {longest} characters")


def presence_id() -> str:
    """A name for a car's stay that was never given before."""
    return secrets.token_hex(8)


async def serve(
    settings: LanesSettings,
    stop: asyncio.Event,
    *,
    clock: Clock,
    new_id: Callable[[], str] = presence_id,
    listener: socket.socket | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Run the lanes until `stop` is set; then end within a second, whoever is still connected.

    Listens on `listener` if one is given, else on the settings' host and port (0: any free one). `ready` is called with
    the address, without trailing slash, as soon as it answers. `new_id` names the cars' stays: it never gives the same
    twice, in this run or another. Raises `PortUnavailable` and the `JournalError`s.
    """
    journal = Journal(settings.journal, LaneRecord)
    lanes = LanesApp(journal, settings, clock=clock, new_id=new_id)
    runner = web.AppRunner(
        lanes.build(), access_log=None, shutdown_timeout=SHUTDOWN_WITHIN, keepalive_timeout=SILENT_FOR
    )
    await runner.setup()
    try:
        site = (
            web.SockSite(runner, listener)
            if listener
            else web.TCPSite(runner, settings.host, settings.port, reuse_address=True)
        )
        try:
            await site.start()
        except OSError as error:
            raise PortUnavailable(f"{settings.host}:{settings.port} cannot be listened on: {error.strerror}") from error
        host, port = runner.addresses[0][:2]
        log.info("%d lanes at %s:%d", len(settings.lanes), host, port)
        if ready:
            ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
        await stop.wait()
    finally:
        await runner.cleanup()
