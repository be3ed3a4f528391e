"""A lot that nothing can reach: entry, payment and exit over the connections that it opens itself, real processes."""

from __future__ import annotations

import json
from collections.abc import Callable

from support.stacks.stack import Stack, eventually

NewStack = Callable[..., Stack]


async def test_a_driver_enters_and_pays_at_a_lot_without_a_public_address(new_stack: NewStack) -> None:
    stack = new_stack({"TAIGAN_LOT_CONNECTION": "poll"})
    await stack.start()
    await eventually(lambda: _logged_in(stack))
    lane = stack.lane("A1")
    await lane.car("arrives")
    scan = await stack.scan("A1", "driver-1")
    assert (scan["shown"], scan["text"]) == ("success", "入场成功"), stack.logs()
    await eventually(lambda: _entered(stack, str(scan["car_number"])))
    [order] = await stack.orders(car_number=scan["car_number"])
    paid = {"order_id": order["order_id"], "prepay": 5, "trade_no": "T1"}
    pushed = await stack.hub.post("/admin/pushes", lot_id=stack.lot_id, service_name="prepay_order", data=paid)
    assert (pushed["url"], pushed["outcome"]) == ("/bpd/download.do", "answered")
    assert json.loads(pushed["answer"])["state"] == 1
    sections = [one["section"] for one in (await stack.hub.get("/admin/arrivals"))["items"]]
    assert {"login", "3.1", "2.3"} <= set(sections)
    assert {one["url"] for one in (await stack.hub.get("/admin/pushes"))["items"]} == {"/bpd/download.do"}


async def _logged_in(stack: Stack) -> bool:
    arrivals = (await stack.hub.get("/admin/arrivals", limit=1000))["items"]
    return any(one["section"] == "login" and one["accepted"] for one in arrivals)


async def _entered(stack: Stack, car_number: str) -> bool:
    return any(entry["car_number"] == car_number for entry in await stack.entries())
