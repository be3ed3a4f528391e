"""What a token may, at every address, in its own lots and in others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from taigan.rights import Right, Role
from taigan.web import tokens
from taigan.web.api.allowed import rights_at
from taigan.web.api.framework import framework
from web.house import BY, LOT, House, client_of

OTHER = "200002-8"


def addresses() -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Every method and path of the API, with its handler. What lies outside /api is reached by nobody."""
    for route in framework().routes:
        assert isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS" and route.path.startswith("/api/"):
                yield method, route.path_format, handler


def filled(path: str, lot_id: str) -> str:
    given = {"lot_id": lot_id, "channel_id": "A1", "order_id": "none", "union_id": "200002", "kind": "in"}
    given |= {"payment_id": "none", "shift_id": "none", "card_id": "none", "errand_id": "none", "reduction_id": "none"}
    given |= {"difference_id": "none", "day": "2026-05-03", "equipment_code": "none", "passage_id": "none"}
    for name, value in given.items():
        path = path.replace("{" + name + "}", quote(value, safe=""))
    return re.sub(r"{\w+}", "1", path)


async def token_of(house: House, *rights: Right, lot: str | None = LOT, name: str = "camera-1") -> str:
    lots = [lot] if lot else []
    return await tokens.create(house.database, name, house.clock, rights=rights, lots=lots)


async def test_every_address_names_a_right() -> None:
    found = list(addresses())
    assert len(found) > 30
    for method, path, handler in found:
        assert "right" in handler.opt, f"{method} {path} names no right"
        assert all(isinstance(right, Right) for right in rights_at(handler)), f"{method} {path}"


def nothing() -> None:
    pass


def test_an_address_without_a_right_is_an_error_and_not_open() -> None:
    with pytest.raises(KeyError):
        rights_at(get("/forgotten", sync_to_thread=False)(nothing))


async def test_the_methods_of_an_address_are_told_to_whoever_has_a_token(small_house: House) -> None:
    async with client_of(small_house, await token_of(small_house, Right.PLATE_REPORT)) as client:
        answer = await client.options(f"/api/v1/lots/{LOT}")
    assert answer.status_code == 204
    assert "PUT" in answer.headers["allow"].split(", ")


@pytest.mark.parametrize("role", Role)
async def test_each_role_reaches_what_it_may_in_its_own_lots_and_nothing_in_others(
    small_house: House, role: Role
) -> None:
    token = await tokens.create(small_house.database, "a", small_house.clock, roles=[role], lots=[LOT])
    async with client_of(small_house, token) as client:
        for method, path, handler in addresses():
            may = any(right in role.rights for right in rights_at(handler))
            body = {} if method in ("GET", "DELETE") else {"json": {}}
            if not (may and path.endswith("/events")):  # that answer has no end
                answer = await client.request(method, filled(path, LOT), **body)
                assert (answer.status_code == 403) == (not may), (method, path, answer.text)
            if "{lot_id}" in path:
                for lot_id in (OTHER, "200002-nothing"):
                    answer = await client.request(method, filled(path, lot_id), **body)
                    assert answer.status_code == 404, (method, path)
                    said = f"there is no lot {lot_id}"
                    assert answer.json()["error"] == {"code": "unknown_lot", "message": said, "field": "lot_id"}


async def test_who_may_not_is_told_which_right_it_takes(small_house: House) -> None:
    token = await token_of(small_house, Right.PLATE_REPORT)
    async with client_of(small_house, token) as client:
        answer = await client.post(f"/api/v1/lots/{LOT}/lanes/A1/hold", json=BY)
    assert answer.status_code == 403
    said = "camera-1 may not do this: it takes lane:hold"
    assert answer.json()["error"] == {"code": "forbidden", "message": said, "field": None}
    assert small_house.barriers["A1"].commands == []


async def test_only_the_own_lots_are_listed(house: House) -> None:
    async def listed(*rights: Right, lot: str | None) -> list[str]:
        async with client_of(house, await token_of(house, *rights, lot=lot)) as client:
            return [lot["lot_id"] for lot in (await client.get("/api/v1/lots")).json()["items"]]

    assert await listed(Right.LOT_SEE, lot=LOT) == [LOT]
    assert await listed(Right.LOT_SEE, lot=OTHER) == [OTHER]
    assert await listed(Right.LOT_SEE, lot=None) == [LOT, OTHER]


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({"spaces_free": 3}, Right.LOT_SPACES),
        ({"emergency": True}, Right.LOT_EMERGENCY),
        ({"name": "南门"}, Right.LOT_SET),
    ],
)
async def test_what_is_changed_of_a_lot_decides_which_right_it_takes(
    small_house: House, change: dict[str, Any], right: Right
) -> None:
    for held in (Right.LOT_SPACES, Right.LOT_EMERGENCY, Right.LOT_SET):
        async with client_of(small_house, await token_of(small_house, held)) as client:
            answer = await client.put(f"/api/v1/lots/{LOT}", json=change | BY)
        assert answer.status_code == (200 if held is right else 403), held


@pytest.mark.parametrize(
    ("change", "rights"),
    [
        ({"open": False}, {Right.LANE_SET}),
        ({"barrier": {"driver": "simulated", "url": "http://127.0.0.1:9"}}, {Right.LANE_BARRIER}),
        (
            {"open": False, "barrier": {"driver": "simulated", "url": "http://127.0.0.1:9"}},
            {Right.LANE_SET, Right.LANE_BARRIER},
        ),
    ],
)
async def test_the_device_of_a_lane_takes_a_right_of_its_own(
    small_house: House, change: dict[str, Any], rights: set[Right]
) -> None:
    for held in ({Right.LANE_SET}, {Right.LANE_BARRIER}, {Right.LANE_SET, Right.LANE_BARRIER}):
        async with client_of(small_house, await token_of(small_house, *held)) as client:
            answer = await client.put(f"/api/v1/lots/{LOT}/lanes/A1", json=change | BY)
        assert answer.status_code == (200 if rights <= held else 403), held


async def test_opening_for_an_order_is_a_release_and_takes_that_right(small_house: House) -> None:
    async def tried(right: Right, **more: str) -> int:
        async with client_of(small_house, await token_of(small_house, right)) as client:
            return (await client.post(f"/api/v1/lots/{LOT}/lanes/A1/open", json=BY | more)).status_code

    assert await tried(Right.LANE_RELEASE) == 403
    assert await tried(Right.LANE_OPEN) == 200
    assert await tried(Right.LANE_OPEN, order_id="x") == 403
    assert await tried(Right.LANE_RELEASE, order_id="x") == 409  # nobody waits


async def test_the_key_serves_all_lots_of_a_vendor_and_takes_the_right_in_all_of_them(small_house: House) -> None:
    async def tried(union_id: str, *lots: str) -> int:
        token = await tokens.create(small_house.database, "a", small_house.clock, rights=[Right.KEY_SET], lots=lots)
        async with client_of(small_house, token) as client:
            body = {"key": "another-key-of-some-length", **BY}
            return (await client.put(f"/api/v1/vendors/{union_id}/key", json=body)).status_code

    assert await tried("200002", LOT) == 403
    assert small_house.keys_read == []
    assert await tried("999", LOT) == 404
    assert await tried("200002", LOT, OTHER) == 200
    assert await tried("200002") == 200
    assert await tried("999") == 404


async def test_the_token_stands_beside_the_operator_in_lifts_events_and_acts(house: House) -> None:
    await house.order("粤B12345", state="waiting", waiting_for="attendant", in_at=None)
    token = await tokens.create(house.database, "岗亭 1", house.clock, roles=[Role.MANAGER])
    async with client_of(house, token) as client:
        here = f"/api/v1/lots/{LOT}"
        released = (await client.post(f"{here}/lanes/A1/release", json=BY)).json()
        await client.put(here, json={"name": "南门", **BY})
        await client.put(here, json={"spaces_free": 3, **BY})
        await client.post(f"{here}/blocked", json={"kind": "licence", "value": "粤B00001", **BY})
        lifts, acts, changes, blocked = [
            (await client.get(f"{here}/{listed}")).json()["items"]
            for listed in ("lifts", "acts", "space_changes", "blocked")
        ]
    said = [(event["event"], event["actor"], event["via"]) for event in released["events"]]
    assert ("released", "王芳", "岗亭 1") in said
    assert ("in", "王芳", "岗亭 1") in said
    assert [(lift["actor"], lift["via"]) for lift in lifts] == [("王芳", "岗亭 1")]
    assert [(act["operator"], act["via"]) for act in acts] == [("王芳", "岗亭 1")] * 2  # the name, the free spaces
    assert [(change["actor"], change["via"]) for change in changes] == [("王芳", "岗亭 1")]
    assert [(block["operator"], block["via"]) for block in blocked] == [("王芳", "岗亭 1")]


async def test_a_token_for_a_lot_that_is_not_there_is_not_made(small_house: House) -> None:
    with pytest.raises(tokens.UnknownLots, match="200002-9"):
        await token_of(small_house, Right.LOT_SEE, lot="200002-9")
    assert [token.name for token in await tokens.listed(small_house.database)] == ["console"]


async def test_a_token_that_was_made_before_there_were_rights_may_do_everything(small_house: House) -> None:
    (kept,) = await tokens.listed(small_house.database)
    assert (kept.roles, kept.rights, kept.lots) == (None, None, None)
    assert tokens.grant_of(kept).rights == frozenset(Right)
    assert tokens.grant_of(kept).lots is None
