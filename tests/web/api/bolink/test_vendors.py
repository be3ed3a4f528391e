"""`/api/v1/vendors/{union_id}/key`: the key that BoLink gave, changed while the platform runs."""

from __future__ import annotations

from datetime import datetime, timedelta

import httpx
import pytest
import sqlalchemy as sa

from taigan.lot.policy import Policy
from taigan.storage import tables as t
from taigan.storage.kept.retention import SWEEPS
from taigan.storage.setup import registry
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


async def test_with_an_overlap_of_0_every_earlier_key_ends_at_once(house: House, api: httpx.AsyncClient) -> None:
    await api.put(KEY, json={"key": "a second key", **BY})
    now = house.clock.step(60)
    answer = await api.put(KEY, json={"key": NEW, "overlap": 0, **BY})
    assert answer.json()["previous_until"] is None
    known = await house.database.read(registry.vendor_keys)
    usual = timedelta(seconds=Policy().key_overlap)
    assert [(key.key, key.accepted(now, usual)) for key in known] == [
        (NEW, True),
        ("a second key", False),
        ("a-key", False),
    ]


async def test_an_overlap_of_0_counts_for_the_key_in_use_too(house: House, api: httpx.AsyncClient) -> None:
    assert (await api.put(KEY, json={"key": NEW, **BY})).json()["previous_until"] is not None
    assert (await api.put(KEY, json={"key": NEW, "overlap": 0, **BY})).json()["previous_until"] is None
    acts = (await api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"]
    assert [act["act"] for act in acts] == ["earlier keys of the vendor end in 0 s", "another key for the vendor"]


async def test_an_overlap_shortens_the_time_of_earlier_keys_and_never_makes_it_longer(
    house: House, api: httpx.AsyncClient
) -> None:
    now = house.clock.now()

    async def until(overlap: float) -> str:
        said = await api.put(KEY, json={"key": NEW, "overlap": overlap, **BY})
        ends: str = said.json()["previous_until"]
        return ends

    soon = (now + timedelta(seconds=60)).isoformat().replace("+00:00", "Z")
    assert await until(60) == soon
    assert await until(600) == soon


async def test_a_key_that_is_accepted_no_more_does_not_come_back(house: House, api: httpx.AsyncClient) -> None:
    await api.put(KEY, json={"key": NEW, "overlap": 0, **BY})
    answer = await api.put(KEY, json={"key": "a-key", **BY})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "key")
    assert (await keys(house))[0] == (NEW, True)


async def test_messages_of_a_key_that_came_back_in_time_are_remembered(house: House, api: httpx.AsyncClient) -> None:
    first = (await house.database.read(registry.vendor_keys))[0]
    row = {"digest": "d", "lot_id": LOT, "received_at": house.clock.now(), "key_id": first.key_id}
    await house.write(sa.insert(t.inbox).values(**row))
    sweep = next(sweep for sweep in SWEEPS if sweep.setting == "key_overlap")

    async def forgotten(before: datetime) -> int:
        drop = sa.select(sa.func.count()).select_from(t.inbox).where(*sweep.old)
        return await house.database.read(lambda conn: int(conn.execute(drop, {"before": before}).scalar_one()))

    await api.put(KEY, json={"key": NEW, **BY})
    await api.put(KEY, json={"key": "a-key", **BY})
    assert await forgotten(house.clock.step(10 * Policy().key_overlap)) == 0
    await api.put(KEY, json={"key": "a third key", **BY})
    assert await forgotten(house.clock.step(10 * Policy().key_overlap)) == 1
