"""`/api/v1/lots/{lot_id}/orders`."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from taigan.storage.rows import Delivery, Lift, OrderEvent
from web.house import BY, LOT, House

ORDERS = f"/api/v1/lots/{LOT}/orders"


async def listed(api: httpx.AsyncClient, **params: str) -> list[str]:
    answer = await api.get(ORDERS, params=params)
    assert answer.status_code == 200, answer.text
    return [order["order_id"] for order in answer.json()["items"]]


async def test_orders_come_newest_first(house: House, api: httpx.AsyncClient) -> None:
    made = [(await house.order(f"CAR000{n}")).order_id for n in range(3)]
    assert await listed(api) == made[::-1]


async def test_an_order_is_found_by_its_licence_as_received(house: House, api: httpx.AsyncClient) -> None:
    order = await house.order("ABC1234")
    await house.order("ABC1235")
    assert await listed(api, car_number="ABC1234") == [order.order_id]


@pytest.mark.parametrize("mark", ["无", "临", "无牌"])
async def test_an_order_is_found_by_its_licence_as_marked(house: House, api: httpx.AsyncClient, mark: str) -> None:
    order = await house.order("ABC123", mark=mark)
    await house.order("ABC123", mark="", state="void")
    assert await listed(api, car_number=f"{mark}ABC123") == [order.order_id]
    assert len(await listed(api, car_number="ABC123")) == 2


@pytest.mark.parametrize("asked", ["ABC123", "BC1234", "ABC12345", "abc1234", "无ABC1234", "%", "_BC1234", "'"])
async def test_a_licence_matches_whole_or_not_at_all(house: House, api: httpx.AsyncClient, asked: str) -> None:
    await house.order("ABC1234")
    assert await listed(api, car_number=asked) == []


async def test_orders_in_every_state_are_listed_unless_one_is_named(house: House, api: httpx.AsyncClient) -> None:
    states = ["waiting", "in", "void", "abandoned", "out"]
    made = {state: (await house.order(f"CAR-{state}", state=state)).order_id for state in states}
    assert set(await listed(api)) == set(made.values())
    assert set(await listed(api, state="", car_number="")) == set(made.values())
    for state in states:
        assert await listed(api, state=state) == [made[state]]
        assert await listed(api, state=state, car_number=f"CAR-{state}") == [made[state]]


async def test_a_state_that_does_not_exist_is_refused_by_name(small_api: httpx.AsyncClient) -> None:
    answer = await small_api.get(ORDERS, params={"state": "gone"})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "state"


async def test_pages_follow_one_another_without_gap_or_repeat_while_orders_come_in(
    house: House, api: httpx.AsyncClient
) -> None:
    made = [(await house.order(f"CAR{n:04}")).order_id for n in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        answer = (await api.get(ORDERS, params={"limit": 3, "cursor": cursor})).json()
        seen += [order["order_id"] for order in answer["items"]]
        if answer["next"] is None:
            break
        cursor = answer["next"]
        await house.order(f"NEW{len(seen):04}")
    assert seen == made[::-1]


async def test_orders_of_the_same_moment_are_paged_one_by_one(house: House, api: httpx.AsyncClient) -> None:
    at = house.clock.now()
    made = {(await house.order(f"CAR{n}", requested_at=at)).order_id for n in range(5)}
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = (await api.get(ORDERS, params={"limit": 1, "cursor": cursor, "state": "in"})).json()
        seen += [order["order_id"] for order in answer["items"]]
        cursor = answer["next"]
    assert len(seen) == 5
    assert set(seen) == made


async def test_an_order_shows_what_the_driver_was_told_and_nobodys_phone(house: House, api: httpx.AsyncClient) -> None:
    order = await house.order(
        "ABC1234", mark="无", plate="浙A12345", presence_id="car-1", review="look", superseded_by="order_9999"
    )
    shown = (await api.get(ORDERS)).json()["items"][0]
    assert shown == {
        "lot_id": LOT,
        "order_id": order.order_id,
        "state": "in",
        "waiting_for": "",
        "reserved": False,
        "arrears": 0,
        "origin": "scan",
        "car_number": "ABC1234",
        "mark": "无",
        "licence": "无ABC1234",
        "plate": "浙A12345",
        "channel_id": "A1",
        "presence_id": "car-1",
        "told": {"state": 1, "text": "入场成功"},
        "mobile": "138••••5678",
        "pay_user_id": "oAB••••XYZ0",
        "requested_at": "2025-06-01T08:00:01Z",
        "in_at": "2025-06-01T08:00:01Z",
        "passed_at": None,
        "closed_at": None,
        "closed_why": "",
        "superseded_by": "order_9999",
        "review": "look",
    }


async def test_a_mark_that_does_not_fit_is_left_out_of_the_licence(house: House, api: httpx.AsyncClient) -> None:
    await house.order("ABCD1234", mark="无")
    assert (await api.get(ORDERS)).json()["items"][0]["licence"] == "ABCD1234"


async def test_one_order_comes_with_its_events_lifts_and_deliveries(house: House, api: httpx.AsyncClient) -> None:
    order = await house.order("ABC1234")
    at = house.clock.now()
    deadline = at + timedelta(seconds=4)
    await house.keep(
        lambda changes: (
            changes.events.extend(
                OrderEvent(LOT, order.order_id, at, event, "王芳", "phone 13812345678") for event in ("waiting", "in")
            ),
            changes.new_lifts.append(
                Lift(LOT, "L1", "A1", order.order_id, "open", "scan", "", "", at, deadline, "accepted", at)
            ),
            changes.new_lifts.append(Lift(LOT, "L2", "A1", None, "open", "manual", "王芳", "why", at, deadline)),
            changes.deliveries.append(
                Delivery(LOT, order.order_id, "3.1", '{"car_number":"ABC1234"}', "pending", 0, at, at)
            ),
        )
    )
    answer = await api.get(f"{ORDERS}/{order.order_id}")
    assert answer.status_code == 200
    shown = answer.json()
    assert shown["order_id"] == order.order_id
    assert [event["event"] for event in shown["events"]] == ["waiting", "in"]
    assert shown["events"][0]["detail"] == "phone 138••••5678"
    assert [(lift["lift_id"], lift["outcome"]) for lift in shown["lifts"]] == [("L1", "accepted")]
    assert [(owed["section"], owed["state"]) for owed in shown["deliveries"]] == [("3.1", "pending")]


async def test_an_order_that_does_not_exist_is_404(house: House, api: httpx.AsyncClient) -> None:
    await house.order("ABC1234")
    for address, code in (
        (f"{ORDERS}/nope", "unknown_order"),
        ("/api/v1/lots/200002-8/orders/order_0001", "unknown_order"),
        ("/api/v1/lots/200002-9/orders/order_0001", "unknown_lot"),
        ("/api/v1/lots/200002-9/orders", "unknown_lot"),
    ):
        answer = await api.get(address)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == code


async def test_closing_an_order_by_hand_makes_it_out_and_gives_its_space_back(
    house: House, api: httpx.AsyncClient
) -> None:
    await api.put(f"/api/v1/lots/{LOT}", json={"spaces_free": 99, **BY})
    order = await house.order("ABC1234")
    answer = await api.post(f"{ORDERS}/{order.order_id}/close", json=BY)
    assert answer.status_code == 200
    assert answer.json()["state"] == "out"
    assert (await api.get(f"/api/v1/lots/{LOT}")).json()["spaces_free"] == 100
    events = (await api.get(f"{ORDERS}/{order.order_id}")).json()["events"]
    assert (events[-1]["event"], events[-1]["actor"], events[-1]["detail"]) == ("out", "王芳", "the driver called")


async def test_an_order_that_is_not_in_cannot_be_closed(house: House, api: httpx.AsyncClient) -> None:
    order = await house.order("ABC1234", state="void")
    answer = await api.post(f"{ORDERS}/{order.order_id}/close", json=BY)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"


async def test_an_order_can_be_moved_to_the_licence_it_belongs_to(house: House, api: httpx.AsyncClient) -> None:
    order = await house.order("ABC1234")
    await house.order("TAKEN01")
    address = f"{ORDERS}/{order.order_id}/licence"
    assert (await api.put(address, json={"car_number": "TAKEN01", **BY})).status_code == 409
    assert (await api.put(address, json={"car_number": "  ", **BY})).json()["error"]["field"] == "car_number"
    answer = await api.put(address, json={"car_number": "XYZ9876", **BY})
    assert answer.status_code == 200
    assert await listed(api, car_number="XYZ9876") == [order.order_id]
    assert await listed(api, car_number="ABC1234") == []
