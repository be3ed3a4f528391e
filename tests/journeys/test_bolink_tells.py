"""Every message of the document from the hub to the real lot platform, and what the lot platform made of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from support.databases.postgres import NewDatabase
from support.stacks.stack import Stack
from taigan.bolink import CATALOGUE, AnyInterface, Direction
from taigan.lot.platform import HANDLERS, UNSIGNED

DOWNLINKS = [interface for interface in CATALOGUE if interface.direction is Direction.DOWNLINK]
AT_A_LANE = {"nolicence_in_park", "operate_liftrod"}
PLATE = "京J12345"


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory, stack_database: NewDatabase | None) -> AsyncIterator[Stack]:
    """One of our own: payment messages that are not taken come again and again."""
    started = Stack(tmp_path_factory.mktemp("stack"), new_database=stack_database)
    await started.start()
    yield started
    assert await started.stop() == 0


async def push(stack: Stack, service_name: str, **data: Any) -> dict[str, Any]:
    lots = (await stack.hub.get("/admin/lots"))["items"]
    sent = await stack.hub.post("/admin/pushes", lot_id=lots[0]["lot_id"], service_name=service_name, data=data)
    assert sent.status == 200, sent
    return sent


@pytest.mark.parametrize(
    "interface", [one for one in DOWNLINKS if one.event not in AT_A_LANE], ids=lambda one: one.section
)
async def test_the_lot_answers_every_message(stack: Stack, interface: AnyInterface) -> None:
    sent = await push(stack, interface.event)
    assert sent["outcome"] == "answered"
    if interface.event == "get_inpark_image":
        assert (sent["status"], sent["answer"]) == (404, "")
    else:
        assert interface.event in {**HANDLERS, **UNSIGNED}
        assert sent["status"] == 200, sent["answer"]
        assert json.loads(sent["answer"])["state"] in (0, 1, "1")


async def test_what_bolink_told_is_read_over_the_api(stack: Stack) -> None:
    lot_id = (await stack.hub.get("/admin/lots"))["items"][0]["lot_id"]
    at = f"/api/v1/lots/{lot_id}"
    await push(stack, "notice_car_owner", car_number=PLATE, is_union_user=1)
    [told] = (await stack.lot.get(f"{at}/auto_pay", car_number=PLATE))["items"]
    assert told["supported"] is True
    await push(stack, "special_plate", car_number=PLATE, car_type="white", type="add")
    [vehicle] = (await stack.lot.get(f"{at}/special_vehicles", car_number=PLATE))["items"]
    assert vehicle["kind"] == "white"
    found = json.loads((await push(stack, "query_car_info", car_number=PLATE, type="1"))["answer"])
    assert (found["state"], found["data"]["car_type"]) == (1, "white")
    await push(stack, "special_plate", car_number=PLATE, car_type="white", type="delete")
    assert (await stack.lot.get(f"{at}/special_vehicles", car_number=PLATE))["items"] == []
    await push(stack, "invoice_notify", payid="journey", invoice_no="1")
    assert "journey" in [one["payment_id"] for one in (await stack.lot.get(f"{at}/invoices"))["items"]]
    await push(stack, "people_data", userName="李四")
    assert "李四" in [one["person"]["userName"] for one in (await stack.lot.get(f"{at}/people"))["items"]]


async def test_the_free_spaces_are_what_bolink_says(stack: Stack) -> None:
    lot_id = (await stack.hub.get("/admin/lots"))["items"][0]["lot_id"]
    before = await stack.lot.get(f"/api/v1/lots/{lot_id}")
    for free in (before["spaces"] - 1, before["spaces_free"]):
        await push(stack, "space_notify", total_space=before["spaces"], free_space=free)
        assert (await stack.lot.get(f"/api/v1/lots/{lot_id}"))["spaces_free"] == free
