"""The command line, and the only place where objects are built and wired.

Exit codes: 0 ended when told to; 1 something unexpected; 2 wrong configuration or command line; 3 a place that cannot
be written or a database that cannot be reached; 4 a port that is taken; 5 another process serves from the same files;
6 a database from a newer version.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

if TYPE_CHECKING:
    from socket import socket

    from taigan.barriers.drivers import Fleet
    from taigan.barriers.edge.agent import EdgeSettings
    from taigan.bolink import Addresses
    from taigan.clock import Clock
    from taigan.doctor import Installation
    from taigan.lot.setup import LotSetup, VendorSetup
    from taigan.settings import Settings
    from taigan.storage.database import Database
    from taigan.web.asgi import Scope
    from taigan.web.devices import DeviceHandler

app = typer.Typer(
    name="taigan",
    help="抬杆 taigan: a parking-lot platform that speaks BoLink (泊链), and a BoLink to test it against.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Config = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="TAIGAN_CONFIG", help="The settings; by default taigan.toml here.", show_default=False
    ),
]
WithParent = Annotated[bool, typer.Option("--stop-with-parent", hidden=True)]


STARTED_AFTER = 5.0
"""Seconds after which a process has what it needs in memory."""


class Failure(Exception):
    """Why a command ends: one sentence, and the exit code."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="Where everything listens; 0.0.0.0 for phones in the same network.")] = (
        "127.0.0.1"
    ),
    lot_port: Annotated[int, typer.Option(help="The lot platform's port; 0: any free one.", min=0, max=65535)] = 8801,
    hub_port: Annotated[int, typer.Option(help="The hub's port; 0: any free one.", min=0, max=65535)] = 8802,
    lanes_port: Annotated[int, typer.Option(help="The lanes' port; 0: any free one.", min=0, max=65535)] = 8803,
    demo_port: Annotated[
        int | None,
        typer.Option(help="The page's port; by default 8800, or any if that is taken.", min=0, max=65535),
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="What is kept, and gone on with at the next start.")] = Path("data"),
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    barrier: Annotated[
        str,
        typer.Option(
            envvar="DEMO_BARRIER",
            help="What stands at the lanes: simulated, or an emulated device such as vzenith-mqtt.",
        ),
    ] = "simulated",
    ready_file: Annotated[
        Path | None, typer.Option(help="Write all addresses, tokens and keys here as JSON once everything answers.")
    ] = None,
) -> None:
    """BoLink's side, a lot platform and simulated lanes on this machine, with a page to try them."""
    from taigan.demo.errors import DemoError
    from taigan.demo.supervisor import Choices, Demo

    choices = Choices(
        host=host,
        lot_port=lot_port,
        hub_port=hub_port,
        lanes_port=lanes_port,
        demo_port=demo_port,
        data_dir=data_dir,
        ready_file=ready_file,
        open_browser=browser,
        barrier=barrier,
    )
    command = [sys.executable, "-m", "taigan"]

    async def run() -> None:
        await Demo(choices, command, os.environ, lambda line: print(line, flush=True)).run()  # noqa: T201

    os.umask(0o077)
    try:
        asyncio.run(run())
    except DemoError as error:
        _fail(str(error), error.exit_code)


@app.command()
def lot(
    config: Config = None,
    workers: Annotated[
        int, typer.Option(help="How many processes serve; more than one needs PostgreSQL.", min=1, max=64)
    ] = 1,
    stop_with_parent: WithParent = False,
) -> None:
    """The lot platform: BoLink's callbacks, the API, the barriers."""
    _run(_lot, config, stop_with_parent, workers)


async def _lot(settings: Settings, with_parent: bool, shared: socket | None = None, number: int = 0) -> None:
    from random import SystemRandom

    from taigan.barriers.barrier import Barrier, Event, EventSink, LaneKey
    from taigan.barriers.drivers import BadSettings, Fleet, read_settings
    from taigan.lot.checkpoints import DieAt, pass_by
    from taigan.lot.ids import RandomIds
    from taigan.lot.messages.phone_checks import HttpGateway, SimulatedGateway, SmsGateway
    from taigan.lot.people.alarm_hook import AlarmHook
    from taigan.lot.platform import Platform
    from taigan.process import listen, serve, stop_when_told
    from taigan.storage.database import open_database
    from taigan.storage.errors import InUse, NewerDatabase, StorageError
    from taigan.storage.exchange import exchange_over
    from taigan.storage.rows import Lane
    from taigan.transport import AiohttpTransport
    from taigan.web import app as web
    from taigan.web import tokens
    from taigan.web.health import Health

    own = settings.lot
    clock, random = _clock(), SystemRandom()
    stop = stop_when_told(with_parent=with_parent)

    async def happened(event: Event) -> None:
        await platform.lanes.handle(event)

    def barrier_of(lane: Lane, sink: EventSink) -> Barrier:
        key = LaneKey(lane.lot_id, lane.channel_id)
        return fleet.add(key, settings.barrier_of(lane.barrier), detector=lane.detector)

    async with AsyncExitStack() as opened:
        listener = opened.enter_context(shared or listen(own.host, own.port, "lot.port"))
        watched = own.metrics_port and opened.enter_context(
            listen(own.host, own.metrics_port + number, "lot.metrics_port")
        )
        try:
            database = await open_database(settings.lot_database_url)
        except InUse as error:
            raise Failure(str(error), 5) from None
        except NewerDatabase as error:
            raise Failure(str(error), 6) from None
        except StorageError as error:
            raise Failure(str(error), 3) from None
        opened.push_async_callback(database.close)
        transport = await opened.enter_async_context(AiohttpTransport())
        gateway: SmsGateway = SimulatedGateway(settings.data / "sms.jsonl", clock)
        if own.sms_url:
            gateway = HttpGateway(own.sms_url, transport)
        fleet = Fleet(happened, clock, random)
        platform = Platform(
            database=database,
            barrier_of=barrier_of,
            transport=transport,
            addresses=_addresses(settings),
            gateway=gateway,
            policy=own,
            clock=clock,
            ids=RandomIds(),
            random=random,
            reach=DieAt(os.environ["TAIGAN_TEST_DIE_AT"]) if "TAIGAN_TEST_DIE_AT" in os.environ else pass_by,
            exchange=exchange_over(settings.lot_database_url, clock),
        )
        if own.alarm_url:
            hook = AlarmHook(own.alarm_url, transport, clock)
            platform.lanes.when_alarmed = hook.take
            opened.push_async_callback(hook.stop)
        app = web.build(
            database=database,
            callbacks=platform.callbacks,
            attendant=platform.attendant,
            plates=platform.plates,
            lanes=platform.lanes,
            events=platform.events,
            metrics=platform.metrics,
            clock=clock,
            check_barrier=lambda barrier: read_settings(settings.barrier_of(barrier)),
            devices=_posts_to(fleet),
        )
        for name, token in own.api_tokens.items():
            await tokens.put(database, name, token, clock)
        opened.push_async_callback(fleet.stop)
        await fleet.start()
        opened.push_async_callback(platform.stop)
        try:
            await platform.start(*_setups(settings))
        except BadSettings as error:
            raise Failure(str(error), 2) from None
        serving = [serve(app, listener, stop, end_streams=platform.events.stop)]
        if watched:
            serving.append(serve(Health(database, platform.metrics), watched, stop, end_streams=lambda: None))
        await asyncio.gather(*serving)


def _addresses(settings: Settings) -> Addresses:
    """Where BoLink is."""
    from taigan.bolink import PRODUCTION, TEST, Addresses

    return {"production": PRODUCTION, "test": TEST}.get(settings.lot.hub_url) or Addresses.at(settings.lot.hub_url)


def _setups(settings: Settings) -> tuple[list[VendorSetup], list[LotSetup]]:
    """What the configuration brings into the lot platform's database."""
    from taigan.lot.setup import LaneSetup, LotSetup, VendorSetup

    vendors = [
        VendorSetup(union_id=str(vendor.union_id), key=vendor.key, name=vendor.name) for vendor in settings.vendors
    ]
    lots = [
        LotSetup(
            union_id=str(lot.union_id),
            park_id=str(lot.park_id),
            name=lot.name,
            spaces=lot.spaces,
            time_zone=lot.time_zone,
            contact=" ".join(filter(None, (lot.contact, lot.phone))),
            sms_check=lot.sms_check,
            lanes=[
                LaneSetup(
                    channel_id=lane.channel_id,
                    direction=lane.direction,
                    policy=lane.policy,
                    confirm=lane.confirm,
                    detector=lane.detector,
                    hours=lane.hours,
                    barrier=lane.barrier,
                )
                for lane in lot.lanes
            ],
        )
        for lot in settings.lots
    ]
    return vendors, lots


def _posts_to(fleet: Fleet) -> DeviceHandler:
    """Hands what a device posted to its driver."""
    from taigan.barriers.site import Post
    from taigan.web.forms import form_of

    async def handle(driver: str, serial: str, scope: Scope, body: bytes) -> tuple[int, str, bytes] | None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        answer = await fleet.handle(driver, serial, Post(body, headers, form_of(headers.get("content-type", ""), body)))
        return None if answer is None else (answer.status, answer.content_type, answer.body)

    return handle


hub_commands = typer.Typer(invoke_without_command=True)
app.add_typer(hub_commands, name="hub")


@hub_commands.callback()
def hub(context: typer.Context, config: Config = None, stop_with_parent: WithParent = False) -> None:
    """BoLink's side for one's own machine: codes, drivers' pages, pushes, uploads, faults."""
    context.obj = config
    if context.invoked_subcommand is None:
        _run(_hub, config, stop_with_parent)


@hub_commands.command("push")
def push(
    context: typer.Context,
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its service_name or section: outpark, 5.5.")],
    changed: Annotated[
        list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field; FIELD= leaves it out.")
    ] = None,
    lot_id: Annotated[str, typer.Option("--lot", help="UNION_ID-PARK_ID; by default the first lot.")] = "",
    config: Config = None,
) -> None:
    """Let a running hub send a message to a lot: the documented example with some fields changed."""
    settings = _settings(config or context.obj)
    data: dict[str, object] = {}
    for pair in changed or ():
        name, sign, value = pair.partition("=")
        if not sign or not name:
            _fail(f"--set {pair}: it is FIELD=VALUE", 2)
        data[name] = _field_value(value)
    if not lot_id and not settings.lots:
        _fail("name a lot: --lot UNION_ID-PARK_ID", 2)
    asked: dict[str, object] = {"lot_id": lot_id or settings.lots[0].lot_id, "service_name": service, "data": data}
    try:
        asyncio.run(_push(settings, asked))
    except Failure as failure:
        _fail(str(failure), failure.exit_code)


def _field_value(text: str) -> object:
    """A value as it stands; an object or a list where it is one, nothing where it is empty."""
    import json

    if text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text or None


async def _push(settings: Settings, asked: dict[str, object]) -> None:
    import aiohttp

    headers = {"Authorization": f"Bearer {settings.hub.admin_token}"}
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(90)) as session,
            session.post(f"{settings.hub_url}/admin/pushes", json=asked) as answer,
        ):
            sent = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Failure(f"the hub at {settings.hub_url} does not answer ({error})", 1) from None
    if answer.status != 200:
        wrong = sent["error"]
        raise Failure(f"{wrong.get('field') or asked['service_name']}: {wrong['message']}", 2)
    typer.echo(f"> {sent['url']}\n{sent['request']}")
    typer.echo(f"< {sent['outcome']} {sent['status'] or ''}\n{sent['answer'] or ''}".rstrip())
    if sent["outcome"] != "answered" or sent["status"] != 200:
        raise Failure("the lot did not take the message", 1)


async def _hub(settings: Settings, with_parent: bool) -> None:
    from taigan.hub.book.registry import LotSeed, VendorSeed
    from taigan.hub.errors import DatabaseError, DatabaseInUse, DatabaseNewer, Unusable
    from taigan.hub.server import serve
    from taigan.process import listen, stop_when_told

    own = settings.hub
    vendors = tuple(
        VendorSeed(
            union_id=str(vendor.union_id),
            key=vendor.key,
            name=vendor.name,
            callback_url=settings.callback_url(vendor),
            per_event=vendor.per_event,
        )
        for vendor in settings.vendors
    )
    lots = tuple(
        LotSeed(
            union_id=str(lot.union_id),
            park_id=str(lot.park_id),
            name=lot.name,
            contact=lot.contact,
            phone=lot.phone,
            sms_check=lot.sms_check,
            lanes=tuple(lane.channel_id for lane in lot.lanes if lane.direction == "entry"),
        )
        for lot in settings.lots
    )
    try:
        with listen(own.host, own.port, "hub.port") as listener:
            await serve(
                listener,
                stop_when_told(with_parent=with_parent),
                database=settings.data / "hub.sqlite3",
                clock=_clock(),
                rules=own,
                public_url=settings.hub_url,
                admin_token=own.admin_token,
                vendors=vendors,
                lots=lots,
                frame_ancestors=own.frame_ancestors,
            )
    except DatabaseInUse as error:
        raise Failure(str(error), 5) from None
    except DatabaseNewer as error:
        raise Failure(str(error), 6) from None
    except DatabaseError as error:
        raise Failure(str(error), 3) from None
    except Unusable as error:
        raise Failure(f"{error.field}: {error}", 2) from None


@app.command()
def lanes(config: Config = None, stop_with_parent: WithParent = False) -> None:
    """The simulated lanes: cars, loops, arms and screens, with an HTTP interface for scripts."""
    _run(_lanes, config, stop_with_parent)


async def _lanes(settings: Settings, with_parent: bool) -> None:
    from taigan.devices.journal import JournalBusy, JournalError
    from taigan.devices.lanes import LaneSettings, LanesSettings, serve
    from taigan.process import listen, stop_when_told

    known = tuple(
        LaneSettings(lot.lot_id, lane.channel_id, lane.detector)
        for lot in settings.lots
        for lane in lot.lanes
        if lane.barrier.get("driver") == "simulated"
    )
    own = settings.lanes
    built = LanesSettings(
        journal=settings.data / "lanes.jsonl", travel_time=own.travel_time, late_by=own.late_by, lanes=known
    )
    stop = stop_when_told(with_parent=with_parent)
    with listen(own.host, own.port, "lanes.port") as listener:
        try:
            await serve(built, stop, clock=_clock(), listener=listener)
        except JournalBusy as error:
            raise Failure(str(error), 5) from None
        except JournalError as error:
            raise Failure(str(error), 3) from None


@app.command()
def devices(
    config: Config = None,
    edge: Annotated[
        list[Path] | None, typer.Option(help="An edge's settings, to stand in for the devices beside it.")
    ] = None,
    heartbeat: Annotated[
        float | None, typer.Option(help="Seconds between heartbeats, instead of each device's own.", min=0.01)
    ] = None,
    stop_with_parent: WithParent = False,
) -> None:
    """Emulated cameras, gates and relay boards for the lanes of the configuration, in place of `taigan lanes`."""

    async def run(settings: Settings, with_parent: bool) -> None:
        await _devices(settings, with_parent, edge or [], heartbeat)

    _run(run, config, stop_with_parent)


async def _devices(settings: Settings, with_parent: bool, edges: list[Path], heartbeat: float | None) -> None:
    from taigan.devices.journal import JournalBusy, JournalError
    from taigan.devices.lanes import LaneSettings, LanesSettings, PortUnavailable
    from taigan.devices.workbench import DeviceLane, UnknownDevice, WorkbenchSettings, serve
    from taigan.process import listen, stop_when_told

    lanes = [(lot.lot_id, lane) for lot in settings.lots for lane in lot.lanes]
    simulated = [(lot_id, lane) for lot_id, lane in lanes if lane.barrier.get("driver") == "simulated"]
    emulated = [
        DeviceLane(lot_id, lane.channel_id, lane.barrier)
        for lot_id, lane in lanes
        if lane.barrier.get("driver") not in ("simulated", "edge")
    ]
    for file in edges:
        beside = _edge_settings(file)
        emulated += [DeviceLane(beside.lot_id, lane.channel_id, lane.barrier) for lane in beside.lanes]
    own = settings.lanes
    built = WorkbenchSettings(
        lanes=LanesSettings(
            journal=settings.data / "lanes.jsonl",
            travel_time=own.travel_time,
            late_by=own.late_by,
            lanes=tuple(LaneSettings(lot_id, lane.channel_id, lane.detector) for lot_id, lane in simulated),
        ),
        devices=tuple(emulated),
        platform_url=settings.lot_url,
        heartbeat=heartbeat,
    )
    stop = stop_when_told(with_parent=with_parent)
    with listen(own.host, own.port, "lanes.port") as listener:
        try:
            await serve(built, stop, clock=_clock(), listener=listener)
        except UnknownDevice as error:
            raise Failure(str(error), 2) from None
        except PortUnavailable as error:
            raise Failure(str(error), 4) from None
        except JournalBusy as error:
            raise Failure(str(error), 5) from None
        except JournalError as error:
            raise Failure(str(error), 3) from None


@app.command()
def edge(
    config: Annotated[Path, typer.Option("--config", envvar="TAIGAN_EDGE_CONFIG", help="The edge's settings.")] = Path(
        "edge.toml"
    ),
    stop_with_parent: WithParent = False,
) -> None:
    """Beside the devices in a lot: holds their drivers and speaks to a platform elsewhere through an MQTT broker."""
    import uvloop

    sys.modules.setdefault("rich", cast(ModuleType, None))
    from taigan import logs
    from taigan.process import PortTaken

    os.umask(0o077)
    settings = _edge_settings(config)
    logs.set_up(json=not sys.stderr.isatty(), level="info", secrets=[settings.platform.password])
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_edge(settings, stop_with_parent))
    except Failure as failure:
        _fail(str(failure), failure.exit_code)
    except PortTaken as error:
        _fail(str(error), 4)


async def _edge(settings: EdgeSettings, with_parent: bool) -> None:
    from taigan.barriers.drivers import BadSettings
    from taigan.barriers.edge.agent import EdgeAgent
    from taigan.barriers.edge.outbox import Outbox, OutboxUnusable
    from taigan.process import listen, serve, stop_when_told
    from taigan.web.devices import Devices

    stop = stop_when_told(with_parent=with_parent)
    try:
        outbox = Outbox(settings.outbox)
        agent = EdgeAgent(settings, outbox)
    except (BadSettings, OutboxUnusable) as error:
        raise Failure(str(error), 2) from None
    await agent.start()
    try:
        if settings.devices_port:
            with listen(settings.devices_host, settings.devices_port, "devices_port") as listener:
                door = Devices(_posts_to(agent.fleet), body_timeout=10.0)
                await serve(door, listener, stop, end_streams=lambda: None)
        else:
            await stop.wait()
    finally:
        await agent.stop()
        outbox.close()


def _edge_settings(file: Path) -> EdgeSettings:
    import tomllib

    from msgspec.structs import replace

    from taigan.barriers.drivers import BadSettings
    from taigan.barriers.edge.agent import read_edge_settings

    try:
        settings = read_edge_settings(tomllib.loads(file.read_text("utf-8")))
        return replace(settings, data_dir=str(file.parent / settings.data_dir))
    except OSError as error:
        _fail(f"{file} cannot be read: {error.strerror}", 2)
    except (BadSettings, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        _fail(f"{file}: {error}", 2)


barrier_commands = typer.Typer(no_args_is_help=True, help="Barriers, one at a time.")
app.add_typer(barrier_commands, name="barrier")


@barrier_commands.command("test")
def try_barrier(
    lane: Annotated[str, typer.Argument(metavar="LANE", help="LOT_ID/CHANNEL_ID, or CHANNEL_ID where there is one.")],
    config: Config = None,
    direct: Annotated[
        bool, typer.Option(help="Connect to the device from here, past the platform: for a lot that is not running.")
    ] = False,
) -> None:
    """Raise a lane's arm on purpose, and tell what happens. Through the running platform, unless --direct."""

    async def run(settings: Settings, with_parent: bool) -> None:
        lot_id, channel_id, barrier = _lane_named(settings, lane)
        if direct:
            await _test_directly(lot_id, channel_id, settings.barrier_of(barrier))
        else:
            await _test_through_platform(settings, lot_id, channel_id)

    _run(run, config, False)


def _lane_named(settings: Settings, name: str) -> tuple[str, str, dict[str, Any]]:
    lot_id, _, channel_id = name.rpartition("/")
    found = [
        (lot.lot_id, each.channel_id, each.barrier)
        for lot in settings.lots
        for each in lot.lanes
        if each.channel_id == channel_id and lot_id in ("", lot.lot_id)
    ]
    if len(found) == 1:
        return found[0]
    lanes = ", ".join(f"{lot.lot_id}/{each.channel_id}" for lot in settings.lots for each in lot.lanes)
    raise Failure(f"{'no' if not found else 'more than one'} lane is called {name}; there are {lanes or 'none'}", 2)


async def _test_directly(lot_id: str, channel_id: str, barrier: dict[str, Any]) -> None:
    import secrets

    from taigan.barriers.barrier import LaneKey
    from taigan.barriers.drivers import BadSettings
    from taigan.barriers.trial import try_out
    from taigan.clock import SystemClock

    try:
        lane = LaneKey(lot_id, channel_id)
        accepted = await try_out(lane, barrier, SystemClock(), typer.echo, command_id=f"test-{secrets.token_hex(8)}")
    except BadSettings as error:
        raise Failure(str(error), 2) from None
    if not accepted:
        raise Failure("the device did not say that it took the command", 1)


async def _test_through_platform(settings: Settings, lot_id: str, channel_id: str) -> None:
    import getpass
    import json
    from urllib.parse import quote

    import aiohttp

    token = next(iter(settings.lot.api_tokens.values()), None)
    if token is None:
        raise Failure("lot.api_tokens has no token to speak to the platform with", 2)
    headers = {"Authorization": f"Bearer {token}"}
    lane = f"{settings.lot_url}/api/v1/lots/{quote(lot_id, safe='')}/lanes/{quote(channel_id, safe='')}"
    asked = {"operator": getpass.getuser(), "reason": "taigan barrier test"}
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(60)) as session:
            async with session.post(f"{lane}/open", json=asked) as answer:
                opened = await answer.json()
                taken = answer.status < 300
            typer.echo(json.dumps(opened, ensure_ascii=False, indent=2))
            async with session.get(lane) as answer:
                typer.echo(json.dumps((await answer.json()).get("barrier"), ensure_ascii=False, indent=2))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Failure(
            f"the platform at {settings.lot_url} does not answer ({error}); --direct goes past it", 1
        ) from None
    if not taken:
        raise Failure("the barrier did not take the command", 1)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.", show_default=True)] = Path("taigan.toml"),
) -> None:
    """Write a configuration with every setting explained, ready to run on this machine."""
    import secrets

    from taigan.starting_config import starting_config

    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(starting_config(lambda: secrets.token_hex(16)))
    except FileExistsError:
        _fail(f"{file} is there already; name another file or move it away", 2)
    except OSError as error:
        _fail(f"{file} cannot be written: {error.strerror}", 3)
    typer.echo(f"{file} is written. Start with it: taigan lot --config {file}")


@app.command()
def doctor(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
) -> None:
    """Look at a running installation, and say what is well and what to do. Exit code 1 when something is not well."""
    import msgspec

    from taigan.clock import SystemClock
    from taigan.doctor import examine

    findings = asyncio.run(examine(_installation(_settings(config)), SystemClock()))
    well = all(finding.state != "wrong" for finding in findings)
    if as_json:
        typer.echo(msgspec.json.encode({"well": well, "findings": findings}))
    else:
        for finding in findings:
            typer.echo(finding.in_words())
    raise typer.Exit(0 if well else 1)


def _installation(settings: Settings) -> Installation:
    from taigan.bolink import by_section
    from taigan.doctor import Account, Installation

    entry = by_section("3.1")
    return Installation(
        data=settings.data,
        database_url=settings.lot_database_url,
        platform_url=settings.lot_url,
        token=next(iter(settings.lot.api_tokens.values()), ""),
        bolink_url=_addresses(settings).url(entry),
        queue_alarm_after=settings.lot.queue_alarm_after,
        accounts=[
            Account(union_id=str(vendor.union_id), key=vendor.key, callback_url=settings.callback_url(vendor))
            for vendor in settings.vendors
        ],
    )


@app.command()
def interfaces(
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a JSON array.")] = False,
) -> None:
    """Every interface of BoLink's document: how much of it is known, who handles it here, what calls it."""
    import msgspec

    from taigan.interfaces import rows, table

    typer.echo(msgspec.json.encode(rows()).decode() if as_json else "\n".join(table()))


token_commands = typer.Typer(no_args_is_help=True, help="Tokens of the API: who may use it.")
app.add_typer(token_commands, name="token")
TokenName = Annotated[str, typer.Argument(metavar="NAME", help="Who uses it: console, camera-1, …")]


@token_commands.command("create")
def create_token(name: TokenName, config: Config = None) -> None:
    """Make a token and print it: the only time it is seen. One of that name stops being accepted."""
    from taigan.clock import SystemClock
    from taigan.web import tokens

    async def create(database: Database) -> None:
        try:
            typer.echo(await tokens.create(database, name, SystemClock()))
        except tokens.BadName as error:
            raise Failure(str(error), 2) from None

    _with_database(create, config)


@token_commands.command("list")
def list_tokens(config: Config = None) -> None:
    """The names of all tokens, with the moment they were made. The tokens themselves are kept nowhere."""
    from taigan.web import tokens

    async def show(database: Database) -> None:
        for token in await tokens.listed(database):
            typer.echo(f"{token.created_at:%Y-%m-%d %H:%M:%S}Z  {token.name}")

    _with_database(show, config)


@token_commands.command("revoke")
def revoke_token(name: TokenName, config: Config = None) -> None:
    """End a token: it is refused from now on."""
    from taigan.web import tokens

    async def revoke(database: Database) -> None:
        if not await tokens.revoke(database, name):
            raise Failure(f"there is no token called {name}", 1)

    _with_database(revoke, config)
    if name in _settings(config).lot.api_tokens:
        typer.echo(f"{name} stands in lot.api_tokens too: take it out, or the next start brings it back", err=True)


def _with_database(work: Callable[[Database], Awaitable[None]], config: Path | None) -> None:
    """Do something in the lot platform's database, beside its processes where the engine allows that."""
    from taigan.storage.database import open_database
    from taigan.storage.errors import InUse, NewerDatabase, StorageError

    settings = _settings(config)

    async def run() -> None:
        database = await open_database(settings.lot_database_url)
        try:
            await work(database)
        finally:
            await database.close()

    os.umask(0o077)
    try:
        _make_folder(settings.data)
        asyncio.run(run())
    except Failure as failure:
        _fail(str(failure), failure.exit_code)
    except InUse:
        _fail("taigan lot has the SQLite file to itself: stop it meanwhile, or change lot.api_tokens and restart it", 5)
    except NewerDatabase as error:
        _fail(str(error), 6)
    except StorageError as error:
        _fail(str(error), 3)


def _run(
    main: Callable[[Settings, bool], Awaitable[None]], config: Path | None, with_parent: bool, workers: int = 1
) -> None:
    """Read the settings, set up the logs, and run `main` until it ends. Only the lot platform has several workers."""
    import uvloop

    # structlog loads rich if it can, for tracebacks in colour: a quarter of a second that no server should wait for.
    sys.modules.setdefault("rich", cast(ModuleType, None))
    from taigan import logs
    from taigan.process import PortTaken

    os.umask(0o077)
    settings = _settings(config)
    as_json = settings.logs.format == "json" or (settings.logs.format == "auto" and not sys.stderr.isatty())
    logs.set_up(json=as_json, level=settings.logs.level, secrets=settings.secrets)

    async def run() -> None:
        # What is built while starting stays: looking through it for garbage costs a seventh of the start.
        asyncio.get_running_loop().call_later(STARTED_AFTER, _collect_garbage_from_now_on)
        await main(settings, with_parent)

    gc.disable()
    try:
        _make_folder(settings.data)
        if workers > 1:
            shared, number = _share_port(settings, workers, with_parent)
            main, with_parent = partial(_lot, shared=shared, number=number), True
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run())
    except Failure as failure:
        _fail(str(failure), failure.exit_code)
    except PortTaken as error:
        _fail(str(error), 4)


def _share_port(settings: Settings, workers: int, with_parent: bool) -> tuple[socket, int]:
    """Return in each worker with the socket that all of them listen on, and the worker's number."""
    from taigan.barriers.drivers import ONE_PROCESS
    from taigan.process import become_worker, listen

    if settings.lot_database_url.startswith("sqlite"):
        raise Failure("--workers needs PostgreSQL (database_url): one process has the SQLite file to itself", 2)
    for lot in settings.lots:
        for lane in lot.lanes:
            if lane.barrier.get("driver") in ONE_PROCESS:
                driver, name = lane.barrier["driver"], f"{lot.lot_id}/{lane.channel_id}"
                raise Failure(f"--workers: the driver {driver} of lane {name} needs one process; put it at an edge", 2)
    listener = listen(settings.lot.host, settings.lot.port, "lot.port")
    return listener, become_worker(workers, with_parent=with_parent)


def _clock() -> Clock:
    """The machine's clock. Crash tests set it back for one process: the file named holds the seconds to add."""
    from taigan.clock import SteppedClock, SystemClock

    stepped = os.environ.get("TAIGAN_TEST_CLOCK_FILE")
    return SteppedClock(Path(stepped)) if stepped else SystemClock()


def _collect_garbage_from_now_on() -> None:
    gc.freeze()
    gc.enable()


def _settings(config: Path | None) -> Settings:
    from taigan.settings import WrongSettings, load

    if config is None and Path("taigan.toml").exists():
        config = Path("taigan.toml")
    try:
        return load(config, os.environ)
    except WrongSettings as error:
        _fail(str(error), 2)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(f"data_dir {folder} cannot be written: {error.strerror}", 3) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(f"data_dir {folder} cannot be written", 3)


def _fail(text: str, exit_code: int) -> NoReturn:
    typer.echo(f"taigan: {text}", err=True)
    raise typer.Exit(exit_code)


def main() -> None:
    """The command `taigan`."""
    app()
