"""`POST …/lanes/{channel_id}/plate`: plates that a program read."""

from __future__ import annotations

import httpx
import pytest

from web.house import LOT, House

LANE = f"/api/v1/lots/{LOT}/lanes/A1"
PLATE = "浙A12345"


async def test_a_plate_lets_its_car_in_and_the_same_again_moves_nothing(house: House, api: httpx.AsyncClient) -> None:
    await house.car("car-1")
    for _ in range(2):
        answer = await api.post(f"{LANE}/plate", json={"plate": f" {PLATE} ", "presence_id": "car-1"})
        assert (answer.status_code, answer.json()) == (200, {"state": 1, "text": "入场成功"})
    assert house.barriers["A1"].commands == ["open"]
    orders = (await api.get(f"/api/v1/lots/{LOT}/orders")).json()["items"]
    assert [(order["origin"], order["plate"], order["state"]) for order in orders] == [("plate", PLATE, "in")]


async def test_a_plate_for_the_car_of_a_scan_joins_its_order(house: House, api: httpx.AsyncClient) -> None:
    await house.car("car-1")
    await house.order("ABC1234", presence_id="car-1")
    answer = await api.post(f"{LANE}/plate", json={"plate": PLATE})
    assert answer.status_code == 200
    assert house.barriers["A1"].commands == []
    orders = (await api.get(f"/api/v1/lots/{LOT}/orders")).json()["items"]
    assert [(order["licence"], order["plate"]) for order in orders] == [("ABC1234", PLATE)]


async def test_a_plate_at_an_exit_is_taken_and_makes_no_order(house: House, api: httpx.AsyncClient) -> None:
    await house.car("car-out", "B1")
    answer = await api.post(f"/api/v1/lots/{LOT}/lanes/B1/plate", json={"plate": PLATE})
    assert (answer.status_code, answer.json()["state"]) == (200, 1)
    assert (await api.get(f"/api/v1/lots/{LOT}/orders")).json()["items"] == []
    (departure,) = (await api.get(f"/api/v1/lots/{LOT}/departures")).json()["items"]
    assert (departure["plate"], departure["state"]) == (PLATE, "asking")


@pytest.mark.parametrize("plate", ["无牌车", "", "  ", "x" * 17, "a\x00b", None])
async def test_what_is_no_plate_is_refused(small_api: httpx.AsyncClient, plate: str | None) -> None:
    answer = await small_api.post(f"{LANE}/plate", json={"plate": plate})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "plate"


@pytest.mark.parametrize(("path", "code"), [("200002-9/lanes/A1", "unknown_lot"), (f"{LOT}/lanes/A9", "unknown_lane")])
async def test_a_lane_that_is_not_there_is_404(small_api: httpx.AsyncClient, path: str, code: str) -> None:
    answer = await small_api.post(f"/api/v1/lots/{path}/plate", json={"plate": PLATE})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)
