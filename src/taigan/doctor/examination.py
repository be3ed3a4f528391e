"""Looks at everything, in the order in which a person would."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import aiohttp

from taigan.clock import Clock
from taigan.doctor import access, bolink, machine, platform, sms
from taigan.doctor.asking import Asking
from taigan.doctor.findings import Finding, skipped
from taigan.doctor.installation import Installation


async def examine(
    at: Installation, clock: Clock, free_space: Callable[[Path], int] = machine.bytes_free
) -> list[Finding]:
    """Look at everything. Never raises for what is wrong with the installation."""
    timeout = aiohttp.ClientTimeout(total=at.answers_within)
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        return await _all(at, clock, Asking(at, clock, session), free_space)


async def _all(at: Installation, clock: Clock, asking: Asking, free_space: Callable[[Path], int]) -> list[Finding]:
    ahead: machine.Ahead = {}
    (inspection, database), ready, reached, callbacks = await asyncio.gather(
        machine.database(at, clock, ahead),
        platform.ready(at, asking),
        bolink.reached(at, asking, ahead),
        platform.callbacks(at, asking),
    )
    signatures = await bolink.signatures(at, inspection)
    no_platform = skipped("barrier", "平台没有应答", "no platform")
    return [
        database,
        machine.disk(at, free_space),
        *([await machine.pictures(at, *at.pictures)] if at.pictures else []),
        ready,
        reached,
        machine.its_clock(ahead),
        *bolink.keys(at, inspection),
        *signatures,
        *callbacks,
        *([f async for f in platform.barriers(at, asking)] if ready.state == "well" else [no_platform]),
        bolink.queue(at, clock, inspection),
        *bolink.codes(inspection),
        access.tokens(inspection),
        *access.secrets(at),
        *access.open_devices(at),
        *access.brokers(at),
        await sms.gateway(at, inspection),
    ]
