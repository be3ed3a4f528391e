"""A vendor whose client speaks to BoLink's side, and the admin who sees what comes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from hub.sides import KEY, LOT_ID, PARK_ID, UNION_ID, Side
from support.clock import PATIENCE
from taigan.bolink import Addresses, BolinkClient, Entry, Exit
from taigan.bolink.chapters.trade import PayParking
from taigan.network.transport import AiohttpTransport

PLATE = "京A12345"


@dataclass
class Vendor:
    """A lot's client, and BoLink's side that it talks to."""

    client: BolinkClient
    side: Side

    async def records(self, kind: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.side.get(f"/admin/records/{kind}"))["items"]
        return items

    async def enters(self, order_id: str, car_number: str = PLATE) -> None:
        now = int(self.side.clock.now().timestamp())
        await self.client.entry(
            Entry(
                car_number=car_number,
                in_time=now - 3600,
                order_id=order_id,
                empty_plot=5,
                park_id=PARK_ID,
                union_id=int(UNION_ID),
            )
        )

    async def leaves(self, order_id: str, pay_type: str = "cash", total: str = "5.00", **more: Any) -> Any:
        now = int(self.side.clock.now().timestamp())
        leave: dict[str, Any] = {
            "park_id": PARK_ID,
            "union_id": int(UNION_ID),
            "car_number": PLATE,
            "out_time": now,
            "pay_type": pay_type,
            "empty_plot": 6,
            "total": total,
            "order_id": order_id,
        }
        return await self.client.exit(Exit(**leave | more))

    def parking_payment(self, trade_no: str, **more: Any) -> PayParking:
        asked: dict[str, Any] = {
            "title": "支付停车费",
            "park_id": PARK_ID,
            "amount": "12.00",
            "order_id": "o1",
            "car_number": PLATE,
            "in_time": 1571904740,
            "trade_no": trade_no,
            "channel": "weixin",
            "pay_type": 0,
            "time_temp": "1484369702556",
        }
        return PayParking(**asked | more)

    async def moves(self, record: dict[str, Any], state: str) -> dict[str, Any]:
        status, moved = await self.side.admin("POST", f"/admin/records/{record['id']}/state", json={"state": state})
        assert status == 200, moved
        settled: dict[str, Any] = moved
        return settled

    async def arranges(self, **arranged: Any) -> None:
        status, answer = await self.side.admin("PUT", f"/admin/lots/{LOT_ID}/arrangements", json=arranged)
        assert status == 200, answer


@asynccontextmanager
async def client_at(side: Side) -> AsyncIterator[Vendor]:
    async with AiohttpTransport() as transport:
        yield Vendor(
            BolinkClient(int(UNION_ID), KEY, Addresses.at(side.url), transport, timeout=PATIENCE, pauses=()), side
        )
