"""`taigan doctor`: a look at a running installation."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taigan.cli.running import Config, Failure, fail, read_settings, store_of
from taigan.cli.serving.lot import addresses_of, gateway_of

if TYPE_CHECKING:
    from taigan.doctor.findings import Finding
    from taigan.doctor.installation import Installation
    from taigan.network.transport import AiohttpTransport
    from taigan.settings.model import Settings


def doctor(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
) -> None:
    """Look at a running installation, and say what is well and what to do. Exit code 1 when something is not well."""
    import msgspec

    from taigan.clock import SystemClock
    from taigan.doctor.examination import examine
    from taigan.network.transport import AiohttpTransport

    settings = read_settings(config)

    async def look() -> list[Finding]:
        async with AiohttpTransport() as transport:
            return await examine(_installation(settings, config, transport), SystemClock())

    try:
        findings = asyncio.run(look())
    except Failure as failure:
        fail(str(failure), failure.exit_code)
    well = all(finding.state != "wrong" for finding in findings)
    if as_json:
        typer.echo(msgspec.json.encode({"well": well, "findings": findings}))
    else:
        for finding in findings:
            typer.echo(finding.in_words())
    raise typer.Exit(0 if well else 1)


def _installation(settings: Settings, config: Path | None, transport: AiohttpTransport) -> Installation:
    from taigan.bolink import PRODUCTION, TEST, by_section
    from taigan.clock import SystemClock
    from taigan.doctor.installation import Account, Installation, Peers, Sms
    from taigan.lot.policy import Connection

    entry, own = by_section("3.1"), addresses_of(settings)
    sides = (TEST, PRODUCTION)
    return Installation(
        data=settings.data,
        database_url=settings.lot_database_url,
        platform_url=settings.lot_url,
        token=next(iter(settings.lot.api_tokens.values()), ""),
        bolink_url=own.url(entry),
        queue_alarm_after=settings.lot.queue_alarm_after,
        files=_secret_files(config or Path("taigan.toml")),
        secrets=[*settings.lot.api_tokens.values(), settings.hub.admin_token],
        open_devices=settings.lot.open_devices,
        brokers=[
            (f"{lot.lot_id}/{lane.channel_id}", str(lane.barrier["broker"]), bool(lane.barrier.get("username")))
            for lot in settings.lots
            for lane in lot.lanes
            if "broker" in lane.barrier
        ],
        sms=Sms(
            provider=settings.lot.sms_provider,
            gateway=gateway_of(settings, transport, SystemClock()),
            per_lot=settings.lot.sms_per_lot_hour,
            per_phone=settings.lot.sms_per_hour,
        )
        if settings.lot.sms_provider
        else None,
        pictures=(settings.lot.pictures_in or str(settings.data / "pictures"), store_of(settings)),
        peers=Peers(transport=transport, own=own, others=[side for side in sides if own in sides and side != own]),
        polls=settings.lot.connection is Connection.POLL,
        accounts=[
            Account(union_id=str(vendor.union_id), key=vendor.key, callback_url=settings.callback_url(vendor))
            for vendor in settings.vendors
        ],
    )


def _secret_files(config: Path) -> list[Path]:
    """The configuration and the files that it reads keys and tokens from."""
    try:
        text = config.read_text(encoding="utf-8")
    except OSError:
        return []
    named = re.findall(r"""["']file:([^"']+)["']""", text)
    return [config, *(config.parent / name for name in named)]
