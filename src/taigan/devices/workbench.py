"""Lanes with electronics: the simulated lanes, each with the emulated device that its `barrier` setting names.

Scripts and pages drive cars as they do with the simulated lanes; the platform speaks to the devices. Beside that,
`GET|PUT /lots/{lot_id}/lanes/{channel_id}/device` shows the device, with the `faults` it can have, and breaks it:
`{"fault": "unplugged"}`, `{"fault": ""}`, `{"plate": "粤B12345"}`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from aiohttp import web

from taigan.clock import Clock
from taigan.devices import DeviceError
from taigan.devices.electronics.device import Device, Fault
from taigan.devices.electronics.gate import GateSettings
from taigan.devices.electronics.led import LedServer
from taigan.devices.lanes.journal import Journal
from taigan.devices.lanes.lane import Happening, Kind, Lane, LaneRecord
from taigan.devices.lanes.lanes import (
    SHUTDOWN_WITHIN,
    BadInput,
    LanesApp,
    LanesSettings,
    PortUnavailable,
    choice,
    presence_id,
)
from taigan.devices.makes.controller import (
    HttpController,
    HttpControllerSettings,
    MqttController,
    MqttControllerSettings,
)
from taigan.devices.makes.dahua import DahuaGate
from taigan.devices.makes.hikvision import HikvisionGate
from taigan.devices.makes.hx import HxCamera, HxSettings
from taigan.devices.makes.relay import RelayBoard, RelaySettings, RelayWire
from taigan.devices.makes.vzenith import HttpCamera, HttpCameraSettings, MqttCamera, MqttCameraSettings
from taigan.network.patience import SILENT_FOR
from taigan.running.tasks import end

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"

Settings = TypeVar("Settings", bound=msgspec.Struct)


class UnknownDevice(DeviceError):
    """There is no emulator for this driver, or its settings do not fit one."""


@dataclass(frozen=True, slots=True)
class DeviceLane:
    """A lane and its `barrier` setting, as the platform has it."""

    lot_id: str
    channel_id: str
    barrier: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkbenchSettings:
    """What the workbench is built from. `platform_url`: where devices that post find the platform.

    `heartbeat`: seconds between heartbeats of every device, instead of each device's own 5, 10 or 30.
    """

    lanes: LanesSettings
    devices: tuple[DeviceLane, ...]
    platform_url: str = ""
    heartbeat: float | None = None


def emulate(lane: DeviceLane, platform_url: str, heartbeat: float | None = None) -> Device:
    """The device that the lane's barrier setting asks for. Raises `UnknownDevice`."""
    barrier = dict(lane.barrier)
    driver = barrier.get("driver", "")
    post = f"{platform_url}/devices/{driver}/{quote(str(barrier.get('serial', '')), safe='')}"
    if driver != "http" and barrier.get("secret"):
        post += f"/{barrier['secret']}"
    wired = {**barrier, **barrier.get("wiring", {})}
    every = heartbeat or barrier.get("heartbeat_every")
    try:
        match driver:
            case "vzenith-mqtt":
                return MqttCamera(_chosen(MqttCameraSettings, wired, keep_alive=heartbeat))
            case "vzenith-http":
                return HttpCamera(_chosen(HttpCameraSettings, wired, url=post, heartbeat=every))
            case "hx-http":
                return HxCamera(_chosen(HxSettings, barrier, url=post, heartbeat=every))
            case "hikvision-isapi":
                return HikvisionGate(_chosen(GateSettings, {**barrier, **_listening(barrier)}))
            case "dahua-cgi":
                return DahuaGate(_chosen(GateSettings, {**barrier, **_listening(barrier)}))
            case "modbus-relay":
                return RelayBoard(_chosen(RelaySettings, barrier))
            case "mqtt":
                prefix = str(barrier.get("prefix", "taigan/{lot_id}/{channel_id}"))
                prefix = prefix.replace("{lot_id}", lane.lot_id).replace("{channel_id}", lane.channel_id)
                return MqttController(_chosen(MqttControllerSettings, barrier, prefix=prefix, alive=heartbeat))
            case "http":
                wanted = {**barrier, **_listening(barrier)}
                return HttpController(_chosen(HttpControllerSettings, wanted, url=post))
    except (KeyError, ValueError) as error:
        raise UnknownDevice(f"lane {lane.lot_id}/{lane.channel_id}: no {driver} can be built: {error}") from error
    raise UnknownDevice(f"lane {lane.lot_id}/{lane.channel_id}: there is no emulator for the driver {driver!r}")


def _chosen(kind: type[Settings], values: Mapping[str, Any], **own: Any) -> Settings:
    """The device's settings out of the platform's, and our own where they are set."""
    names = {field.name for field in msgspec.structs.fields(kind)}
    fitting = {name: value for name, value in values.items() if name in names}
    return msgspec.convert({**fitting, **{name: value for name, value in own.items() if value is not None}}, kind)


def _listening(barrier: Mapping[str, Any]) -> dict[str, Any]:
    """Where a device listens that the platform finds at `url`."""
    address = urlsplit(str(barrier["url"]))
    return {"host": address.hostname or LOOPBACK, "port": address.port or 80}


class Workbench(LanesApp):
    """The lanes and their devices. `devices` is by lot and channel."""

    def __init__(
        self,
        journal: Journal[LaneRecord],
        settings: WorkbenchSettings,
        *,
        clock: Clock,
        new_id: Callable[[], str] = presence_id,
    ) -> None:
        """Raises `UnknownDevice`."""
        self.devices: dict[tuple[str, str], Device] = {}
        self.screens: list[LedServer] = []
        self._working: set[asyncio.Task[None]] = set()
        self._wires: dict[tuple[str, int], RelayWire] = {}
        super().__init__(journal, settings.lanes, clock=clock, new_id=new_id)
        for wanted in settings.devices:
            device = self._behind_its_gateway(emulate(wanted, settings.platform_url, settings.heartbeat))
            lane = self._lane(wanted.lot_id, wanted.channel_id)
            lane.see_cars(True)
            device.fit(lane)
            self.devices[wanted.lot_id, wanted.channel_id] = device
            address = (wanted.barrier.get("screen") or {}).get("address", "")
            if address:
                host, _, port = address.removeprefix("tcp://").rpartition(":")
                self.screens.append(LedServer(host, int(port), lane.show))

    def _behind_its_gateway(self, device: Device) -> Device:
        """Boards of several lanes at one address are units of one gateway."""
        if isinstance(device, RelayBoard) and device.port:
            device.wire = self._wires.setdefault((device.settings.host, device.port), device.wire)
        return device

    def build(self) -> web.Application:
        """The web application; devices are switched on with it."""
        app = super().build()
        path = "/lots/{lot_id}/lanes/{channel_id}/device"
        app.router.add_get(path, self._show_device)
        app.router.add_put(path, self._change_device)
        app.on_startup.append(self._switch_on)
        app.on_shutdown.append(self._switch_off)
        return app

    def happened(self, lane: Lane, happening: Happening) -> None:
        """Tell the lane's device, and whoever watches the lane directly."""
        super().happened(lane, happening)
        device = self.devices.get((lane.lot_id, lane.channel_id))
        if device is None or device.fault is Fault.UNPLUGGED:
            return
        if happening.kind is Kind.OFFLINE:
            self._later(device.set_fault(Fault.UNPLUGGED))
        elif happening.kind is Kind.PLATE and (read_plate := getattr(device, "read_plate", None)):
            self._later(read_plate(happening.plate))
        else:
            device.happened(happening)

    def powered(self, lane: Lane) -> None:
        """Switch the lane's device on again."""
        super().powered(lane)
        device = self.devices.get((lane.lot_id, lane.channel_id))
        if device is not None:
            self._later(device.set_fault(Fault.NONE))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _switch_on(self, app: web.Application) -> None:
        for each in self._switchable():
            try:
                await each.start()
            except OSError as error:
                raise PortUnavailable(f"a device cannot be listened on: {error}") from error

    async def _switch_off(self, app: web.Application) -> None:
        await end(*self._working)
        await asyncio.gather(*(each.stop() for each in self._switchable()))

    def _switchable(self) -> list[Device | LedServer]:
        return [*self.devices.values(), *self.screens]

    async def _show_device(self, request: web.Request) -> web.Response:
        return self._json(self._described(request))

    async def _change_device(self, request: web.Request) -> web.Response:
        device = self._device(request)
        try:
            wishes = msgspec.json.decode(await request.read())
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BadInput("body", f"the body is not JSON: {error}") from error
        if not isinstance(wishes, dict) or not wishes or wishes.keys() - {"fault", "plate"}:
            raise BadInput("body", "the body is an object with fault, plate or both")
        if "fault" in wishes:
            fault = choice(Fault, "fault", wishes["fault"])
            if fault not in device.faults:
                raise BadInput("fault", f"this device has {', '.join(sorted(device.faults - {Fault.NONE}))}")
            await device.set_fault(fault)
        read_plate = getattr(device, "read_plate", None)
        if "plate" in wishes:
            if read_plate is None:
                raise BadInput("plate", "this device reads no plates")
            await read_plate(str(wishes["plate"]))
        return self._json(self._described(request))

    def _device(self, request: web.Request) -> Device:
        lane = self._named(request)
        device = self.devices.get((lane.lot_id, lane.channel_id))
        if device is None:
            raise web.HTTPNotFound(text="the lane has no device")
        return device

    def _described(self, request: web.Request) -> dict[str, Any]:
        device = self._device(request)
        screen = getattr(device, "screen", None)
        return {
            "device": type(device).__name__,
            "fault": device.fault,
            "faults": sorted(device.faults - {Fault.NONE}),
            "screen": screen.text if screen else "",
            "spoken": screen.spoken if screen else [],
        }


async def serve(
    settings: WorkbenchSettings,
    stop: asyncio.Event,
    *,
    clock: Clock,
    listener: socket.socket | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Run the lanes and their devices until `stop` is set.

    Listens on `listener` if one is given, else on the lanes' host and port. `ready` is called with the address, without
    trailing slash. Raises `UnknownDevice`, `PortUnavailable` and the `JournalError`s.
    """
    journal = Journal(settings.lanes.journal, LaneRecord)
    runner = web.AppRunner(
        Workbench(journal, settings, clock=clock).build(),
        access_log=None,
        shutdown_timeout=SHUTDOWN_WITHIN,
        keepalive_timeout=SILENT_FOR,
    )
    try:
        await runner.setup()
        own = settings.lanes
        site = (
            web.SockSite(runner, listener) if listener else web.TCPSite(runner, own.host, own.port, reuse_address=True)
        )
        try:
            await site.start()
        except OSError as error:
            raise PortUnavailable(f"{own.host}:{own.port} cannot be listened on: {error.strerror}") from error
        host, port = runner.addresses[0][:2]
        log.info("%d devices at %s:%d", len(settings.devices), host, port)
        if ready:
            ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
        await stop.wait()
    finally:
        await runner.cleanup()
