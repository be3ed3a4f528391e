"""What the demo asks of its lot and its hub at the start: the codes of the lanes, and prices, where there are none."""

from __future__ import annotations

import asyncio
import urllib.parse
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from taigan.demo.errors import NotReady
from taigan.demo.folder import LANES, LOT_ID, Addresses, Codes, Keys

_LOT = urllib.parse.quote(LOT_ID, safe="")
_TIMEOUT = aiohttp.ClientTimeout(total=2)
PRICES: dict[str, Any] = {
    "rates": [{"free": 15, "period_caps": ["40"], "sections": [{"steps": [{"per": 30, "price": "2"}]}]}],
}
"""15 minutes free, then 2 yuan for each half hour begun, 40 yuan for 24 hours at most."""


async def codes_of_the_lanes(addresses: Addresses, keys: Keys) -> Codes:
    """Ask until hub and lanes answer, every lane of the lot has its barrier and every lane its code at the hub."""
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as client:
        while True:
            try:
                for channel_id, _, _ in LANES:
                    async with client.get(f"{addresses.lanes}/lots/{_LOT}/lanes/{channel_id}") as answer:
                        answer.raise_for_status()
                lanes = await _asked(client, f"{addresses.lot}/api/v1/lots/{_LOT}/lanes", keys.api_token)
                entries = {lane["channel_id"]: str(lane.get("entry_url") or "") for lane in lanes["items"]}
                [at_hub] = (await _asked(client, f"{addresses.hub}/admin/lots", keys.admin_token))["items"]
                exits = {lane["channel_id"]: str(lane["exit_url"]) for lane in at_hub["lanes"]}
                codes = Codes(
                    entries={channel_id: entries[channel_id] for channel_id, _, _ in LANES},
                    exits={channel_id: exits.get(channel_id, "") for channel_id, _, _ in LANES},
                    prepay=str(at_hub["prepay_url"]),
                )
                if all(codes.of(lane, direction).startswith(addresses.hub) for lane, direction, _ in LANES):
                    return codes
            except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
                pass
            await asyncio.sleep(0.1)


async def give_prices(addresses: Addresses, keys: Keys, now: float) -> None:
    """Put the demo's prices in force, from before its invented week on, if the lot has none yet."""
    url = f"{addresses.lot}/api/v1/lots/{_LOT}/price_lists"
    since = (datetime.fromtimestamp(now, UTC) - timedelta(days=9)).date().isoformat()
    told = {"price_list": PRICES | {"valid_from": since}, "operator": "taigan demo", "reason": "demo"}
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as client:
        try:
            if (await _asked(client, url, keys.api_token))["items"]:
                return
            async with client.post(url, json=told, headers=_bearer(keys.api_token)) as answer:
                if answer.status not in (200, 201):
                    raise NotReady(f"the lot does not take the demo's prices: {await answer.text()}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotReady(f"the lot does not take the demo's prices: {error}") from None


async def _asked(client: aiohttp.ClientSession, url: str, token: str) -> Any:
    async with client.get(url, headers=_bearer(token)) as answer:
        answer.raise_for_status()
        return await answer.json()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
