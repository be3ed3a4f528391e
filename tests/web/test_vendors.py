"""`/api/v1/vendors/{union_id}/key`: the key that BoLink gave, changed while the platform runs."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from taigan.lot.policy import Policy
from taigan.storage import registry
from taigan.storage import tables as t
from web.house import BY, LOT, House

KEY = "/api/v1/vendors/200002/key"
NEW = "a new key of the vendor's"


async def keys(house: House) -> list[tuple[str, bool]]:
    known = await house.database.read(registry.vendor_keys)
    return [(key.key, key.valid_until is None) for key in known]


async def test_another_key_is_in_use_at_once_and_the_one_before_for_the_overlap(
    house: House, api: httpx.AsyncClient
) -> None:
    now = house.clock.step(60)
    read_before = len(house.keys_read)
    answer = await api.put(KEY, json={"key": f" {NEW}\n", **BY})
    assert answer.status_code == 200, answer.text
    until = now + timedelta(seconds=Policy().key_overlap)
    assert answer.json() == {
        "union_id": "200002",
        "valid_from": now.isoformat().replace("+00:00", "Z"),
        "previous_until": until.isoformat().replace("+00:00", "Z"),
    }
    assert await keys(house) == [(NEW, True), ("a-key", False)]
    assert len(house.keys_read) == read_before + 1


async def test_the_key_in_use_given_again_changes_nothing(house: House, api: httpx.AsyncClient) -> None:
    first = await api.put(KEY, json={"key": NEW, **BY})
    house.clock.step(5)
    assert (await api.put(KEY, json={"key": NEW, **BY})).json() == first.json()
    assert len(await keys(house)) == 2
    house.clock.step(Policy().key_overlap)
    assert (await api.put(KEY, json={"key": NEW, **BY})).json()["previous_until"] is None


async def test_going_back_to_an_earlier_key_is_a_change_too(house: House, api: httpx.AsyncClient) -> None:
    await api.put(KEY, json={"key": NEW, **BY})
    await api.put(KEY, json={"key": "a-key", **BY})
    assert await keys(house) == [("a-key", True), (NEW, False), ("a-key", False)]


async def test_a_change_of_key_is_an_act_in_each_of_the_vendors_lots_and_shows_no_key(
    house: House, api: httpx.AsyncClient
) -> None:
    said = await api.put(KEY, json={"key": NEW, **BY})
    assert NEW not in said.text
    for lot_id in (LOT, "200002-8"):
        acts = (await api.get(f"/api/v1/lots/{lot_id}/acts")).json()["items"]
        assert [(act["operator"], act["act"]) for act in acts] == [("王芳", "another key for the vendor")]
    kept = await house.database.read(lambda conn: conn.execute(sa.select(t.operator_acts)).all())
    assert NEW not in repr(kept)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"key": ""}, "key"), ({"key": " "}, "key"), ({"key": "x" * 201}, "key"), ({"key": 1}, "key"), ({}, "key")],
)
async def test_a_key_that_cannot_be_one_is_refused_by_name(
    small_api: httpx.AsyncClient, given: dict[str, object], field: str
) -> None:
    answer = await small_api.put(KEY, json={**given, **BY})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


async def test_a_vendor_that_is_not_ours_is_404(small_api: httpx.AsyncClient) -> None:
    answer = await small_api.put("/api/v1/vendors/9/key", json={"key": NEW, **BY})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_vendor")
