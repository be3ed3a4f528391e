"""`/api/v1/lots/{lot_id}/blocked`."""

from __future__ import annotations

import httpx
import pytest

from web.house import BY, LOT

BLOCKED = f"/api/v1/lots/{LOT}/blocked"


async def test_a_driver_is_blocked_listed_and_let_in_again(api: httpx.AsyncClient) -> None:
    answer = await api.post(BLOCKED, json={"kind": "licence", "value": "ABC1234", **BY})
    assert answer.status_code == 201
    blocked = answer.json()
    assert (blocked["kind"], blocked["value"], blocked["operator"]) == ("licence", "ABC1234", "王芳")
    assert (await api.get(BLOCKED)).json() == {"items": [blocked], "next": None}
    assert (await api.request("DELETE", f"{BLOCKED}/{blocked['id']}", json=BY)).status_code == 204
    assert (await api.get(BLOCKED)).json()["items"] == []
    assert (await api.request("DELETE", f"{BLOCKED}/{blocked['id']}", json=BY)).json()["error"][
        "code"
    ] == "unknown_block"


async def test_a_driver_can_be_let_in_again_by_what_was_blocked_or_without_a_body(api: httpx.AsyncClient) -> None:
    block = {"kind": "mobile", "value": "13812345678", **BY}
    for _ in range(2):
        blocked = (await api.post(BLOCKED, json=block)).json()
        assert blocked["value"] == "138••••5678"
    assert len((await api.get(BLOCKED)).json()["items"]) == 1
    assert (await api.request("DELETE", BLOCKED, json=block)).status_code == 204
    assert (await api.request("DELETE", BLOCKED, json=block)).status_code == 404
    blocked = (await api.post(BLOCKED, json=block)).json()
    assert (await api.delete(f"{BLOCKED}/{blocked['id']}")).status_code == 204
    acts = (await api.get(f"/api/v1/lots/{LOT}/acts")).json()["items"]
    assert [act["operator"] for act in acts] == ["console", "王芳"]


async def test_the_list_of_the_blocked_is_paged(api: httpx.AsyncClient) -> None:
    for n in range(3):
        await api.post(BLOCKED, json={"kind": "licence", "value": f"CAR{n}", **BY})
    first = (await api.get(BLOCKED, params={"limit": 2})).json()
    rest = (await api.get(BLOCKED, params={"limit": 2, "cursor": first["next"]})).json()
    assert [blocked["value"] for blocked in first["items"] + rest["items"]] == ["CAR2", "CAR1", "CAR0"]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "colour"}, "kind"),
        ({"value": ""}, "value"),
        ({"value": " "}, "value"),
        ({"value": "x" * 101}, "value"),
        ({"value": "A\x00B"}, "value"),
        ({"reason": ""}, "reason"),
        ({"operator": None}, "operator"),
    ],
)
async def test_a_block_that_makes_no_sense_names_its_field(
    small_api: httpx.AsyncClient, wrong: dict[str, object], field: str
) -> None:
    answer = await small_api.post(BLOCKED, json={"kind": "licence", "value": "ABC1234", **BY, **wrong})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field
    assert (await small_api.get(BLOCKED)).json()["items"] == []
