"""`taigan barrier`: barriers, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taigan.cli.running import Config, Failure, run_until_told

if TYPE_CHECKING:
    from taigan.settings.model import Settings


barrier_commands = typer.Typer(no_args_is_help=True, help="Barriers, one at a time.")


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

    run_until_told(run, config, False)


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
