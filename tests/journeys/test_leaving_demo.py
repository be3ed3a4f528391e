"""A car in, three hours later out: the demo's three processes, its clock, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp

from support.stacks.stack import Stack, eventually

PLATE = "京A66666"
NewStack = Callable[..., Stack]


LATER = 3 * 3600 + 60
"""Three hours and a minute: well past a border of the price."""


async def forward(stack: Stack, seconds: object) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(stack.ready["clock_url"], json={"forward": seconds}) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_car_gets_in_and_three_hours_later_out_for_what_it_owes(new_stack: NewStack) -> None:
    stack = new_stack()
    await stack.start()
    lot_id = stack.ready["lots"][0]["lot_id"]
    entry, exit_lane = stack.lane("A1"), stack.lane("B1")
    await entry.arrives(PLATE)
    await entry.shows(barrier="open")
    await entry.car("passes")
    await entry.shows(barrier="closed", car=None)
    before = (await forward(stack, 0))[1]
    status, after = await forward(stack, LATER)
    assert (status, after["ahead"] - before["ahead"]) == (200, LATER)
    await exit_lane.arrives(PLATE)

    async def is_asked() -> bool:
        departures = (await stack.lot.get(f"{stack.lot_path}/departures?open=true"))["items"]
        return [one["state"] for one in departures] == ["due"]

    assert await eventually(is_asked)
    price = await stack.hub.post("/admin/scans", lot_id=lot_id, channel_id="B1", driver="li")
    assert (price["shown"], price["price"], price["car_number"]) == ("price", "14.00", PLATE)
    assert (await exit_lane.state())["lifts"] == 0
    paid = await stack.hub.post(f"/admin/scans/{price['scan_id']}/pay")
    assert paid["shown"] == "paid"
    await exit_lane.shows(barrier="open")
    await exit_lane.car("passes")

    async def told() -> list[str]:
        exits = (await stack.hub.get(f"/admin/exits?lot_id={lot_id}"))["items"]
        return [one["order_id"] for one in exits]

    assert await eventually(told) == [price["order_id"]]
    assert (await exit_lane.state())["lifts"] == 1
    assert (await stack.lot.get(f"{stack.lot_path}/orders/{price['order_id']}"))["state"] == "out"
    for wrong in (-1, "soon", None, True, 1e12):
        status, said = await forward(stack, wrong)
        assert (status, said["error"]["field"]) == (400, "forward"), wrong
