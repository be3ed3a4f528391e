"""`/api/v1/lots/{lot_id}/deliveries`."""

from __future__ import annotations

import httpx
import sqlalchemy as sa

from taigan.storage import tables as t
from taigan.storage.rows import Delivery
from web.house import BY, LOT, House

DELIVERIES = f"/api/v1/lots/{LOT}/deliveries"


async def owed(house: House, *states: str) -> None:
    at = house.clock.now()
    for n, state in enumerate(states):
        payload = f'{{"car_number":"CAR{n}","mobile":"13812345678"}}'
        delivery = Delivery(LOT, f"order_{n}", "3.1", payload, state, 0, at, at)
        await house.keep(lambda changes, delivery=delivery: changes.deliveries.append(delivery))


async def test_deliveries_are_listed_newest_first_and_by_state(house: House, api: httpx.AsyncClient) -> None:
    states = ["pending", "sending", "done", "refused", "cancelled"]
    await owed(house, *states)
    everything = (await api.get(DELIVERIES)).json()["items"]
    assert [delivery["state"] for delivery in everything] == states[::-1]
    for state in states:
        items = (await api.get(DELIVERIES, params={"state": state})).json()["items"]
        assert [delivery["state"] for delivery in items] == [state]
    first = (await api.get(DELIVERIES, params={"limit": 4})).json()
    rest = (await api.get(DELIVERIES, params={"limit": 4, "cursor": first["next"]})).json()
    assert first["items"] + rest["items"] == everything
    assert (await api.get(f"{DELIVERIES}/{everything[0]['id']}")).json() == everything[0]


async def test_a_delivery_shows_what_is_sent_and_hides_whose_phone_it_is(house: House, api: httpx.AsyncClient) -> None:
    await owed(house, "pending")
    shown = (await api.get(DELIVERIES)).json()["items"][0]
    assert shown["payload"] == '{"car_number":"CAR0","mobile":"138••••5678"}'
    assert (shown["section"], shown["order_id"], shown["attempts"], shown["done_at"]) == ("3.1", "order_0", 0, None)


async def test_a_refused_delivery_is_sent_again_on_demand(house: House, api: httpx.AsyncClient) -> None:
    await owed(house, "refused")
    number = (await api.get(DELIVERIES)).json()["items"][0]["id"]
    answer = await api.post(f"{DELIVERIES}/{number}/retry", json=BY)
    assert answer.status_code == 200
    assert answer.json()["state"] == "pending"
    acts = (await api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"]
    assert [act["operator"] for act in acts] == ["王芳"]


async def test_everything_that_was_refused_is_sent_again_at_once(house: House, api: httpx.AsyncClient) -> None:
    await owed(house, "refused", "refused", "done")
    answer = await api.post(f"{DELIVERIES}/retry", json=BY)
    assert (answer.status_code, answer.json()) == (200, {"sent": 2})
    states = [delivery["state"] for delivery in (await api.get(DELIVERIES)).json()["items"]]
    assert sorted(states) == ["done", "pending", "pending"]
    acts = (await api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"]
    assert [act["act"] for act in acts] == ["2 deliveries sent again"]
    assert (await api.post(f"{DELIVERIES}/retry")).json() == {"sent": 0}


async def test_without_a_body_it_is_the_tokens_name_that_sent_it_again(house: House, api: httpx.AsyncClient) -> None:
    await owed(house, "pending")
    number = (await api.get(DELIVERIES)).json()["items"][0]["id"]
    assert (await api.post(f"{DELIVERIES}/{number}/retry")).status_code == 200
    assert (await api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"][0]["operator"] == "console"


async def test_a_delivery_that_is_done_is_not_sent_again(house: House, api: httpx.AsyncClient) -> None:
    await owed(house, "done")
    number = (await api.get(DELIVERIES)).json()["items"][0]["id"]
    answer = await api.post(f"{DELIVERIES}/{number}/retry", json=BY)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "conflict"


async def test_a_delivery_of_another_lot_or_of_nobody_is_404(house: House, api: httpx.AsyncClient) -> None:
    await owed(house, "pending")
    number = await house.database.read(lambda conn: conn.execute(sa.select(t.deliveries.c.delivery_id)).scalar_one())
    for lot_id, name in (
        ("200002-8", number),
        (LOT, number + 1),
        (LOT, 2**63 - 1),
        (LOT, 2**63),
        (LOT, -1),
        (LOT, "x"),
    ):
        for method, tail in (("GET", ""), ("POST", "/retry")):
            answer = await api.request(method, f"/api/v1/lots/{lot_id}/deliveries/{name}{tail}")
            assert answer.status_code in (400, 404), (lot_id, name)
