"""The lot platform's HTTP, put together: one door for each first part of a path."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from taigan.barriers.door import Door
from taigan.barriers.drivers import read_settings
from taigan.clock import Clock
from taigan.lot.album import Album
from taigan.lot.community.desk import CommunityDesk
from taigan.lot.errands.city import CityDesk
from taigan.lot.errands.errands import Errands
from taigan.lot.errands.reconciling import Reconciling
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.messages.kept import Records
from taigan.lot.messages.router import Callbacks
from taigan.lot.people.alarms.alarms import AlarmDesk
from taigan.lot.people.attendant import Attendant
from taigan.lot.people.prices import Prices
from taigan.lot.plates import Plates
from taigan.lot.signals.events import Events
from taigan.lot.signals.metrics import Metrics
from taigan.pictures.scaler import Scaler
from taigan.pictures.store import InMemory
from taigan.storage.database import Database
from taigan.strangers import Strangers
from taigan.web.api.door import Api
from taigan.web.asgi import App, Receive, Scope, Send
from taigan.web.console.door import FIRST_PARTS, Console
from taigan.web.console.signing.accounts import Accounts
from taigan.web.console.signing.elsewhere import Provider
from taigan.web.doors.callback import Callback
from taigan.web.doors.devices import Devices
from taigan.web.doors.health import Health
from taigan.web.doors.strangers import Wary
from taigan.web.errors import not_found, send_refusal
from taigan.web.shown.office import Office


class Doors:
    """Sends each request to the application named by the first part of its path."""

    def __init__(self, doors: Mapping[str, App]) -> None:
        self._doors = doors
        self.names = frozenset(doors)
        """The first parts of paths that lead somewhere."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = scope["path"].lstrip("/").partition("/")[0]
        door = self._doors.get(first)
        if door is None:
            await send_refusal(send, not_found())
            return
        await door(scope, receive, send)


def build(
    *,
    database: Database,
    callbacks: Callbacks,
    attendant: Attendant,
    plates: Plates,
    leaving: LeavingDesk,
    errands: Errands,
    reconciling: Reconciling,
    city: CityDesk,
    community: CommunityDesk,
    lanes: Lanes,
    events: Events,
    metrics: Metrics,
    clock: Clock,
    accounts: Accounts,
    provider: Provider | None = None,
    check_barrier: Callable[[Mapping[str, Any]], object] = read_settings,
    devices: Door | None = None,
    album: Album | None = None,
    extra: Mapping[str, App] | None = None,
    body_timeout: float = 3.0,
    ready_within: float = 2.0,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> App:
    """The ASGI application of the lot platform.

    `provider` is where persons may sign in instead of by password. `check_barrier` raises BadSettings for a barrier's
    settings that cannot be used. `devices` knows those that post; without an `album` pictures live as long as the
    process; `extra` adds applications by the first part of their paths ("" is the root). A body that takes longer than
    `body_timeout` seconds is given up; a database that takes longer than `ready_within` is not ready. Who is refused
    again and again waits (`sleep`) for each refusal. Event streams end with `events.stop()`, which must be called
    before the server waits for its requests to end.
    """
    health = Health(database, metrics, answers_within=ready_within)
    strangers = Strangers(clock, sleep)
    album = album or Album(database, InMemory(), Scaler(), lanes, events, metrics, clock)
    office = Office(
        database=database,
        attendant=attendant,
        lanes=lanes,
        events=events,
        records=Records(database, clock, album),
        album=album,
        plates=plates,
        prices=Prices(database, clock),
        leaving=leaving,
        alarms=AlarmDesk(database, lanes, clock),
        errands=errands,
        reconciling=reconciling,
        city=city,
        community=community,
        check_barrier=check_barrier,
        devices=devices,
    )
    console = Console(office, accounts, clock, body_timeout=body_timeout, provider=provider)
    doors: dict[str, App] = {
        **dict.fromkeys(FIRST_PARTS, console),
        "bolink": Wary(
            Callback(callbacks, metrics, clock, body_timeout=body_timeout), "bolink", strangers, (401, 403, 404)
        ),
        "api": Wary(Api(office, body_timeout=body_timeout), "api", strangers, (401,)),
        "healthz": health,
        "readyz": health,
        "metrics": health,
        **(extra or {}),
    }
    if devices is not None:
        doors["devices"] = Wary(Devices(devices), "devices", strangers, (401, 403, 404))
    return Doors(doors)
