"""The edge: runs in the lot beside the devices, holds their drivers, and speaks to the platform through a broker.

It decides nothing. Commands come with a deadline on its own clock and are void after it; events are kept, also over a
restart, and said again until the platform has acknowledged them.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated, Any

import aiomqtt
import msgspec
import structlog

from taigan.barriers.barrier import Barrier, Event, EventKind, LaneKey, Outcome, Result
from taigan.barriers.drivers import BadSettings, Fleet
from taigan.barriers.edge.cars import Cars
from taigan.barriers.edge.outbox import Outbox, Owed
from taigan.barriers.edge.wire import (
    BEAT_EVERY,
    Ack,
    Beat,
    Cancel,
    Command,
    CommandOutcome,
    LaneEvent,
    LanePicture,
    Text,
    prefix,
)
from taigan.barriers.secrets import DeviceSecrets
from taigan.barriers.watching.lane_watch import NoAnswer, NotSent
from taigan.barriers.wires.broker import Broker, BrokerSettings
from taigan.clock import Clock, SystemClock
from taigan.running.tasks import end, within

log = structlog.get_logger()

GOODBYE_WITHIN = 1.0
COMMANDS_REMEMBERED = 2_000
PICTURES_EVERY = 6
"""Beats between two pictures of every lane."""


class EdgeLane(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A lane beside the edge, with its `barrier` as on a platform without an edge."""

    channel_id: Annotated[str, msgspec.Meta(min_length=1, max_length=16, pattern=r"^[^/+#\s]+$")]
    detector: bool = True
    barrier: dict[str, Any]


class EdgeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An edge. `platform`: the broker between it and the platform, with the edge's own credentials.

    `devices_host` and `devices_port`: where devices that post to us find it; port 0 for none. `open_devices`:
    those ("driver/serial") that may still post without the secret in their address. `data_dir`: what the
    platform has not acknowledged is kept there. `beat_every` is in seconds.
    """

    lot_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^[^/+#\s]+$")]
    platform: BrokerSettings
    lanes: Annotated[tuple[EdgeLane, ...], msgspec.Meta(min_length=1)]
    devices_host: str = "127.0.0.1"
    devices_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    open_devices: tuple[str, ...] = ()
    data_dir: str = "data"
    beat_every: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = BEAT_EVERY

    @property
    def outbox(self) -> Path:
        """The file of the events that are owed to the platform."""
        return Path(self.data_dir) / "edge.jsonl"

    @property
    def cars(self) -> Path:
        """The file of the cars that stand in the lanes."""
        return Path(self.data_dir) / "edge-cars.json"


def read_edge_settings(content: Mapping[str, Any]) -> EdgeSettings:
    """The edge's settings from its config file. Raises `BadSettings` with one sentence."""
    try:
        return msgspec.convert(content, EdgeSettings)
    except msgspec.ValidationError as error:
        raise BadSettings(f"edge: {error}") from error


class EdgeAgent:
    """The edge's logic. `fleet` holds the drivers; what devices post goes through `fleet.door`.

    `outbox` holds what is owed to the platform; it stays its owner's to close. `cars` are those that stood in the lanes
    when the last run ended.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        outbox: Outbox,
        cars: Cars,
        clock: Clock | None = None,
        random: Random | None = None,
        boot: str = "",
        *,
        device_secrets: DeviceSecrets | None = None,
    ) -> None:
        """Build every lane's driver. Raises `BadSettings`. `boot` names this run, by chance unless given."""
        self._settings = settings
        self._outbox = outbox
        self._cars = cars
        self._clock = clock or SystemClock()
        self._boot = boot or secrets.token_hex(8)
        self._topic = prefix(settings.lot_id)
        self.fleet = Fleet(
            self._keep,
            self._clock,
            random or Random(),
            secrets=device_secrets,
            open_to=frozenset(settings.open_devices),
        )
        self._broker = Broker(
            settings.platform,
            self.fleet.site,
            will=aiomqtt.Will(f"{self._topic}/gone", self._boot.encode(), qos=1),
        )
        self._results: OrderedDict[str, Result | None] = OrderedDict()
        self._doing: set[asyncio.Task[None]] = set()
        self._beating: asyncio.Task[None] | None = None
        topics: dict[str, Callable[[bytes], None]] = {
            f"{self._topic}/ask": lambda _: self._do(self._tell_everything()),
            f"{self._topic}/ack": self._acknowledged,
        }
        for lane in settings.lanes:
            key = LaneKey(settings.lot_id, lane.channel_id)
            barrier = self.fleet.add(key, lane.barrier, detector=lane.detector)
            if car := cars.there(lane.channel_id):
                barrier.adopt(car.presence_id, car.since)
            topic = f"{self._topic}/{lane.channel_id}"
            topics[f"{topic}/command"] = partial(self._command, topic, barrier)
            topics[f"{topic}/cancel"] = partial(self._cancel, barrier)
            topics[f"{topic}/screen"] = partial(self._show, barrier)
        self._broker.listen(topics, self._link)

    async def start(self) -> None:
        """Connect to the devices and to the platform. Returns at once."""
        await self.fleet.start()
        await self._broker.start()
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """Disconnect from the devices, say goodbye and disconnect."""
        beating, self._beating = self._beating, None
        await end(beating)
        await self.fleet.stop()
        await end(*self._doing)
        with contextlib.suppress(NotSent, NoAnswer, TimeoutError):
            await within(GOODBYE_WITHIN, self._broker.publish(f"{self._topic}/gone", self._boot.encode()))
        await self._broker.stop()

    # From the platform

    def _command(self, topic: str, barrier: Barrier, payload: bytes) -> None:
        command = msgspec.json.decode(payload, type=Command)
        if command.id in self._results:
            self._do(self._repeat(topic, command.id))
            return
        self._remember(command.id, None)
        self._do(self._obey(topic, barrier, command))

    def _cancel(self, barrier: Barrier, payload: bytes) -> None:
        cancel = msgspec.json.decode(payload, type=Cancel)
        if cancel.id in self._results:
            self._do(barrier.cancel(cancel.id))
        else:  # it overtook its command
            self._remember(cancel.id, Result(Outcome.REJECTED, "the car it was for has gone"))

    def _remember(self, command_id: str, result: Result | None) -> None:
        self._results[command_id] = result
        if len(self._results) > COMMANDS_REMEMBERED:
            self._results.popitem(last=False)

    async def _obey(self, topic: str, barrier: Barrier, command: Command) -> None:
        left = command.until - self._clock.monotonic()
        if command.boot != self._boot:
            result = Result(Outcome.REJECTED, "the command was meant for an earlier run of the edge")
        elif left <= 0:
            result = Result(Outcome.REJECTED, "the command reached the edge after its deadline")
        else:
            do = {"open": barrier.open, "hold": barrier.hold, "close": barrier.close}[command.command]
            result = await do(command.id, self._clock.now() + timedelta(seconds=left))
        if command.id in self._results:
            self._results[command.id] = result
        log.info("edge command", command=command.command, lift_id=command.id, outcome=result.outcome.value)
        await self._publish(f"{topic}/outcome", CommandOutcome(command.id, result.outcome, result.reason))
        await self._tell_pictures()

    async def _repeat(self, topic: str, command_id: str) -> None:
        """The broker delivered a command twice: the first one's outcome, once it is known, answers both."""
        result = self._results.get(command_id)
        if result is not None:
            await self._publish(f"{topic}/outcome", CommandOutcome(command_id, result.outcome, result.reason))

    def _show(self, barrier: Barrier, payload: bytes) -> None:
        shown = msgspec.json.decode(payload, type=Text)
        screen = barrier.screen
        self._do(screen.ask(shown.price.price()) if shown.price is not None else screen.show(shown.text))

    def _acknowledged(self, payload: bytes) -> None:
        self._outbox.dealt_with(msgspec.json.decode(payload, type=Ack).events)

    def _link(self, there: bool, reason: str) -> None:
        if there:
            self._do(self._tell_everything())

    # To the platform

    async def _keep(self, event: Event) -> None:
        """The drivers' sink: owe the event until it is acknowledged, and say it."""
        owed = Owed(event.lane.channel_id, LaneEvent.of(event, self._boot, self._clock.monotonic()))
        if event.kind in (EventKind.SCANNED_CODE, EventKind.READ_TAG):  # of this moment, and no file's business
            self._do(self._tell(event.lane, owed))
            return
        self._cars.heard(event)
        self._outbox.keep(owed)
        self._do(self._tell(event.lane, owed))
        await self._outbox.synced()

    async def _tell(self, lane: LaneKey, owed: Owed) -> None:
        # the picture first: whoever hears of the event may look at the lane at once
        await self._tell_pictures(lane)
        await self._say(owed)

    async def _say(self, owed: Owed) -> None:
        await self._publish(f"{self._topic}/{owed.channel_id}/event", owed.event)

    async def _tell_everything(self) -> None:
        await self._say_beat()
        await self._tell_pictures()
        for owed in self._outbox.owed:
            await self._say(owed)

    async def _tell_pictures(self, only: LaneKey | None = None) -> None:
        for lane, barrier in self.fleet.barriers.items():
            if only is None or lane == only:
                await self._publish(f"{self._topic}/{lane.channel_id}/state", _picture(barrier))

    async def _say_beat(self) -> None:
        await self._publish(f"{self._topic}/beat", Beat(self._boot, self._clock.monotonic(), self._clock.now()))

    async def _beat(self) -> None:
        count = 0
        while True:
            await self._say_beat()
            count += 1
            if count % PICTURES_EVERY == 0:
                await self._tell_everything()
            await self._clock.sleep(self._settings.beat_every)

    async def _publish(self, topic: str, content: object) -> None:
        with contextlib.suppress(NotSent, NoAnswer):
            await self._broker.publish(topic, msgspec.json.encode(content))

    def _do(self, what: Any) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)


def _picture(barrier: Barrier) -> LanePicture:
    sight, state = barrier.sight, barrier.state
    return LanePicture(
        acknowledges=sight.acknowledges,
        position_seen=sight.position,
        detector=sight.detector,
        slowest_command=sight.slowest_command,
        online=state.online,
        position=state.position,
        held=state.held,
        presence_id=state.presence_id,
        since=state.since,
        last_heard=state.last_heard,
        commands=state.commands,
        errors=state.errors,
        extra=state.extra,
    )
