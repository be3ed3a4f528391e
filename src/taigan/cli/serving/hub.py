"""`taigan hub`: BoLink's side, and `taigan hub push`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from taigan.cli.running import (
    ClockFile,
    Config,
    Failure,
    WithParent,
    fail,
    machine_clock,
    read_settings,
    run_until_told,
)

if TYPE_CHECKING:
    from taigan.settings.model import Settings


hub_commands = typer.Typer(invoke_without_command=True)


@hub_commands.callback()
def hub(
    context: typer.Context,
    config: Config = None,
    stop_with_parent: WithParent = False,
    clock_file: ClockFile = None,
) -> None:
    """BoLink's side for one's own machine: codes, drivers' pages, pushes, uploads, faults."""
    context.obj = config
    if context.invoked_subcommand is None:
        run_until_told(_hub, config, stop_with_parent)


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
    settings = read_settings(config or context.obj)
    data: dict[str, object] = {}
    for pair in changed or ():
        name, sign, value = pair.partition("=")
        if not sign or not name:
            fail(f"--set {pair}: it is FIELD=VALUE", 2)
        data[name] = _field_value(value)
    if not lot_id and not settings.lots:
        fail("name a lot: --lot UNION_ID-PARK_ID", 2)
    asked: dict[str, object] = {"lot_id": lot_id or settings.lots[0].lot_id, "service_name": service, "data": data}
    try:
        asyncio.run(_push(settings, asked))
    except Failure as failure:
        fail(str(failure), failure.exit_code)


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
    from taigan.running.process import listen, stop_when_told

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
            exits=tuple(lane.channel_id for lane in lot.lanes if lane.direction == "exit"),
        )
        for lot in settings.lots
    )
    try:
        with listen(own.host, own.port, "hub.port") as listener:
            await serve(
                listener,
                stop_when_told(with_parent=with_parent),
                database=settings.data / "hub.sqlite3",
                clock=machine_clock(),
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
