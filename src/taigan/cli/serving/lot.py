"""`taigan lot`: the lot platform, in one process or several."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taigan.cli.running import (
    ClockFile,
    Config,
    Failure,
    Main,
    WithParent,
    for_tests,
    machine_clock,
    run_until_told,
    store_of,
)

if TYPE_CHECKING:
    from socket import socket

    from taigan.barriers.barrier import Photo
    from taigan.bolink import Addresses
    from taigan.clock import Clock
    from taigan.lot.gateways.gateway import SmsGateway
    from taigan.lot.setup import LotSetup, VendorSetup
    from taigan.network.transport import AiohttpTransport
    from taigan.settings.model import Settings
    from taigan.web.console.signing.accounts import Accounts
    from taigan.web.console.signing.elsewhere import Provider


FirstPerson = tuple[str, str, str]
"""A login, a name, and the password (as an option, its file): whom the demo lets into the console."""
NOBODY = ("", "", "")


def lot(
    config: Config = None,
    workers: Annotated[
        int, typer.Option(help="How many processes serve; more than one needs PostgreSQL.", min=1, max=64)
    ] = 1,
    stop_with_parent: WithParent = False,
    clock_file: ClockFile = None,
    invented_week: Annotated[bool, typer.Option("--invented-week", hidden=True)] = False,
    first_person: Annotated[FirstPerson, typer.Option("--first-person", hidden=True)] = NOBODY,
) -> None:
    """The lot platform: BoLink's callbacks, the API, the barriers."""

    login, name, password_file = first_person
    made = (login, name, Path(password_file).read_text(encoding="utf-8").strip()) if login else NOBODY

    def divide(settings: Settings) -> Main:
        shared, number = _share_port(settings, workers, stop_with_parent)
        return lambda settings, _: _lot(settings, True, shared, number)

    async def alone(settings: Settings, with_parent: bool) -> None:
        await _lot(settings, with_parent, invented_week=invented_week, first_person=made)

    run_until_told(alone, config, stop_with_parent, divide if workers > 1 else None)


async def _lot(
    settings: Settings,
    with_parent: bool,
    shared: socket | None = None,
    number: int = 0,
    *,
    invented_week: bool = False,
    first_person: FirstPerson = NOBODY,
) -> None:
    from random import SystemRandom

    from taigan.barriers.barrier import Barrier, Event, EventSink, LaneKey
    from taigan.barriers.drivers import Fleet, read_settings
    from taigan.barriers.secrets import FILE, DeviceSecrets
    from taigan.lot.ids import RandomIds
    from taigan.lot.people.alarms.hook import AlarmHook
    from taigan.lot.people.beginning.inventing import invent
    from taigan.lot.platform import Platform
    from taigan.lot.writing.checkpoints import DieAt, pass_by
    from taigan.network.transport import AiohttpTransport
    from taigan.running.process import listen, serve, stop_when_told
    from taigan.storage.database import open_database
    from taigan.storage.engines.exchange import exchange_over
    from taigan.storage.errors import InUse, NewerDatabase, StorageError
    from taigan.storage.rows import Lane
    from taigan.storage.setup import registry
    from taigan.web import app as web
    from taigan.web import tokens
    from taigan.web.console.signing.accounts import Accounts
    from taigan.web.doors.health import Health

    own = settings.lot
    clock, random = machine_clock(), SystemRandom()
    stop = stop_when_told(with_parent=with_parent)

    async def happened(event: Event) -> None:
        await platform.lanes.handle(event)

    def photographed(photo: Photo) -> None:
        platform.album.take(photo)

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
        gateway = gateway_of(settings, transport, clock)
        secrets = DeviceSecrets(settings.data / FILE)
        fleet = Fleet(
            happened, clock, random, secrets=secrets, open_to=frozenset(own.open_devices), photos=photographed
        )
        platform = Platform(
            database=database,
            barrier_of=barrier_of,
            transport=transport,
            addresses=addresses_of(settings),
            gateway=gateway,
            policy=own,
            clock=clock,
            ids=RandomIds(),
            random=random,
            reach=DieAt(died_at) if (died_at := for_tests("TAIGAN_TEST_DIE_AT")) else pass_by,
            exchange=exchange_over(settings.lot_database_url, clock),
            pictures=store_of(settings),
        )
        if own.alarm_url:
            hook = AlarmHook(own.alarm_url, transport, clock)
            platform.lanes.when_alarmed = hook.take
            opened.push_async_callback(hook.stop)
        accounts = Accounts(database, clock, own)
        app = web.build(
            database=database,
            callbacks=platform.callbacks,
            attendant=platform.attendant,
            plates=platform.plates,
            leaving=platform.leaving,
            errands=platform.errands,
            reconciling=platform.reconciling,
            city=platform.city,
            community=platform.community,
            lanes=platform.lanes,
            album=platform.album,
            events=platform.events,
            metrics=platform.metrics,
            clock=clock,
            accounts=accounts,
            provider=provider_of(settings, transport, clock),
            check_barrier=lambda barrier: read_settings(settings.barrier_of(barrier)),
            devices=fleet.door,
        )
        for name, token in own.api_tokens.items():
            await tokens.put(database, name, token, clock)
        opened.push_async_callback(fleet.stop)
        await fleet.start()
        opened.push_async_callback(platform.stop)
        await platform.start(*_setups(settings))
        if first_person != NOBODY:
            await _make(accounts, *first_person)
        if invented_week:
            for lot in await database.read(registry.lots):
                await invent(database, lot, clock.now())
        serving = [serve(app, listener, stop, end_streams=platform.events.stop, trusted_proxies=own.trusted_proxies)]
        if watched:
            serving.append(serve(Health(database, platform.metrics), watched, stop, end_streams=lambda: None))
        await asyncio.gather(*serving)


async def _make(accounts: Accounts, login: str, name: str, password: str) -> None:
    """Let somebody do everything in every lot, unless there is an account with that login."""
    from taigan.rights import Role

    if await accounts.find(login) is None:
        await accounts.create(login, name, password, by="taigan lot", must_change=False)
        await accounts.give(login, Role.OWNER, (), by="taigan lot")


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


def _share_port(settings: Settings, workers: int, with_parent: bool) -> tuple[socket, int]:
    """Return in each worker with the socket that all of them listen on, and the worker's number."""
    from taigan.barriers.drivers import ONE_PROCESS
    from taigan.running.process import become_worker, listen

    if settings.lot_database_url.startswith("sqlite"):
        raise Failure("--workers needs PostgreSQL (database_url): one process has the SQLite file to itself", 2)
    for lot in settings.lots:
        for lane in lot.lanes:
            if lane.barrier.get("driver") in ONE_PROCESS:
                driver, name = lane.barrier["driver"], f"{lot.lot_id}/{lane.channel_id}"
                raise Failure(f"--workers: the driver {driver} of lane {name} needs one process; put it at an edge", 2)
    listener = listen(settings.lot.host, settings.lot.port, "lot.port")
    return listener, become_worker(workers, with_parent=with_parent)


def gateway_of(settings: Settings, transport: AiohttpTransport, clock: Clock) -> SmsGateway:
    """Who carries codes to drivers' phones."""
    own = settings.lot
    signed = {
        "key_id": own.sms_key_id,
        "key_secret": own.sms_key_secret,
        "signature": own.sms_signature,
        "template": own.sms_template,
        "endpoint": own.sms_url.rstrip("/"),
    }
    match own.sms_provider:
        case "aliyun":
            from taigan.lot.gateways.aliyun import AliyunGateway

            return AliyunGateway(transport, clock, **signed)
        case "tencent":
            from taigan.lot.gateways.tencent import TencentGateway

            return TencentGateway(transport, clock, app_id=own.sms_app_id, sign_id=own.sms_sign_id, **signed)
        case "http":
            from taigan.lot.gateways.http import HttpGateway

            return HttpGateway(own.sms_url, transport)
        case "simulated":
            from taigan.lot.gateways.simulated import SimulatedGateway

            return SimulatedGateway(settings.data / "sms.jsonl", clock)
        case _:
            from taigan.lot.gateways.gateway import NoGateway

            return NoGateway()


def provider_of(settings: Settings, transport: AiohttpTransport, clock: Clock) -> Provider | None:
    """Where persons may sign in beside their password. Raises `Failure`."""
    own = settings.lot
    if not own.oidc_issuer:
        return None
    try:
        from taigan.web.console.signing.oidc_client import OidcClient
    except ImportError:
        raise Failure("lot.oidc_issuer: a provider needs an extra: pip install 'taigan[oidc]'", 2) from None
    return OidcClient(
        own.oidc_issuer,
        own.oidc_client_id,
        own.oidc_client_secret,
        own.console_url,
        transport,
        clock,
        name=own.oidc_name,
        claim=own.oidc_claim,
        ask_again=own.oidc_ask_again,
    )


def addresses_of(settings: Settings) -> Addresses:
    """Where BoLink is."""
    from taigan.bolink import PRODUCTION, TEST, Addresses

    return {"production": PRODUCTION, "test": TEST}.get(settings.lot.hub_url) or Addresses.at(settings.lot.hub_url)
