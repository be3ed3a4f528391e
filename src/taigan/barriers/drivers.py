"""All kinds of barriers by name. A new driver is its module, with a `Settings` struct and a `build`, and one line here.

A lane's `barrier` setting is a table with `driver` and the driver's own keys. The modules are loaded when a lane uses
them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from random import Random
from typing import Any, Protocol, cast

import msgspec

from taigan.barriers.barrier import Barrier, EventSink, LaneKey, PhotoSink, unseen
from taigan.barriers.door import Door
from taigan.barriers.secrets import DeviceSecrets
from taigan.barriers.site import Lane, Site
from taigan.clock import Clock, SystemClock

DRIVERS: Mapping[str, str] = {
    "simulated": "taigan.barriers.kinds.simulated.driver",
    "vzenith-mqtt": "taigan.barriers.kinds.vzenith.mqtt",
    "vzenith-http": "taigan.barriers.kinds.vzenith.http",
    "hikvision-isapi": "taigan.barriers.kinds.hikvision_isapi",
    "dahua-cgi": "taigan.barriers.kinds.dahua_cgi",
    "hx-http": "taigan.barriers.kinds.hx_http",
    "modbus-relay": "taigan.barriers.kinds.modbus_relay",
    "mqtt": "taigan.barriers.kinds.mqtt",
    "http": "taigan.barriers.kinds.http",
    "edge": "taigan.barriers.edge.lane",
    "instant": "taigan.barriers.kinds.instant",
}
"""Driver name and module."""

ONE_PROCESS = frozenset({"vzenith-http", "hx-http", "http", "modbus-relay"})
"""Devices that one process has to itself: what they post reaches only one, or two would press one button's off."""


class BadSettings(ValueError):
    """A lane's barrier is set up wrongly. The text is one sentence that names the key."""


class Driver(Protocol):
    """What a driver's module offers."""

    Settings: type[msgspec.Struct]

    def build(self, lane: Lane, settings: Any, site: Site) -> Barrier:
        """The lane's barrier. Does no I/O; `start` does."""


def driver_named(name: object) -> Driver:
    """The driver's module. Raises `BadSettings` for a name nobody knows."""
    if not isinstance(name, str) or name not in DRIVERS:
        raise BadSettings(f"`driver` is {name!r}; known drivers are {', '.join(DRIVERS)}")
    return cast(Driver, importlib.import_module(DRIVERS[name]))


def read_settings(barrier: Mapping[str, Any]) -> tuple[Driver, msgspec.Struct]:
    """The driver and its settings from a lane's `barrier` table. Raises `BadSettings`, naming the key."""
    if "driver" not in barrier:
        raise BadSettings(f"`driver` is missing; known drivers are {', '.join(DRIVERS)}")
    name = barrier["driver"]
    driver = driver_named(name)
    own = {key: value for key, value in barrier.items() if key != "driver"}
    try:
        return driver, msgspec.convert(own, driver.Settings)
    except msgspec.ValidationError as error:
        raise BadSettings(f"driver {name}: {_in_words(str(error), driver.Settings)}") from error


class Fleet:
    """The barriers of one process, and everything they share.

    Events go to `sink`, the cameras' pictures to `photos`. `barrier` holds a lane's settings as they stand in the
    config. `secrets` and `open_to` are the `Door`'s.
    """

    def __init__(
        self,
        sink: EventSink,
        clock: Clock | None = None,
        random: Random | None = None,
        *,
        secrets: DeviceSecrets | None = None,
        open_to: frozenset[str] = frozenset(),
        photos: PhotoSink = unseen,
    ) -> None:
        used = clock or SystemClock()
        self.door = Door(used, secrets, open_to)
        self.site = Site(sink, used, random or Random(), self.door, photos)
        self._barriers: dict[LaneKey, Barrier] = {}

    @property
    def barriers(self) -> Mapping[LaneKey, Barrier]:
        """Every lane's barrier."""
        return self._barriers

    def add(self, lane: LaneKey, barrier: Mapping[str, Any], *, detector: bool = True) -> Barrier:
        """Build a lane's barrier, in place of an earlier one, which is the caller's to stop.

        Raises `BadSettings` with the lane's name before the sentence; then everything is as it was.
        """
        before = self.site.picture(lane)
        try:
            driver, settings = read_settings(barrier)
            built = driver.build(Lane(lane, detector), settings, self.site)
        except ValueError as error:
            self.site.put_back(lane, before)
            raise BadSettings(f"barrier of lane {lane}: {error}") from error
        self._barriers[lane] = built
        return built

    async def remove(self, lane: LaneKey) -> None:
        """Stop a lane's barrier and forget it."""
        barrier = self._barriers.pop(lane, None)
        if barrier is not None:
            await barrier.stop()
        self.site.forget(lane)

    async def start(self) -> None:
        """Connect. Returns at once; devices that are not there are tried again. Lanes may be added later."""
        await self.site.start()
        for barrier in tuple(self._barriers.values()):
            await barrier.start()

    async def stop(self) -> None:
        """Disconnect from everything. Idempotent."""
        for barrier in tuple(self._barriers.values()):
            await barrier.stop()
        await self.site.stop()


_WORDS = (
    (re.compile(r"^Object missing required field `(?P<key>[^`]+)`"), "`{key}` is missing"),
    (re.compile(r"^Object contains unknown field `(?P<key>[^`]+)`"), "`{key}` is not a setting of it"),
)


def _in_words(error: str, settings: type[msgspec.Struct]) -> str:
    text, _, path = error.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    for pattern, words in _WORDS:
        found = pattern.match(text)
        if found:
            if key:
                return words.format(key=f"{key}.{found['key']}")
            known = ", ".join(field.encode_name for field in msgspec.structs.fields(settings))
            return f"{words.format(key=found['key'])}; its settings are {known}"
    text = text[:1].lower() + text[1:]
    return f"`{key}`: {text}" if key else text
