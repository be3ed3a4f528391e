"""A lot whose cars leave: three lines that say what a stay costs, and take the money."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from hub.sides import PARK_ID, FakeLot


@dataclass
class LeavingLot(FakeLot):
    """Answers 5.1 with `price` (what changes of it: `said`), and every payment message with `taken`."""

    price: str = "5.00"
    order_id: str = "o1"
    said: dict[str, Any] = field(default_factory=dict)
    taken: dict[str, Any] = field(default_factory=lambda: {"state": 1})

    def __post_init__(self) -> None:
        self.answer = self.serve

    async def serve(self, message: dict[str, Any]) -> web.StreamResponse:
        if message["service_name"] == "query_price":
            answer = {
                "state": 1,
                "price": self.price,
                "total": "8.00",
                "duration": 200,
                "derate_money": "3.00",
                "free_out_time": 15,
                "query_time": 1777881600,
                "query_order_no": message["query_order_no"],
                "order_id": self.order_id,
                "park_id": PARK_ID,
            }
            return web.json_response({k: v for k, v in (answer | self.said).items() if v is not None})
        return web.json_response({"park_id": PARK_ID} | self.taken)

    async def told(self, service_name: str, times: int = 1) -> list[dict[str, Any]]:
        """The messages of one kind, once so many have come."""
        while len(self.pushes(service_name)) < times:
            await self.something()
        return self.pushes(service_name)
