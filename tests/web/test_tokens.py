"""Bearer tokens: who may use the API."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from taigan.rights import Role
from taigan.storage import tables as t
from taigan.web import tokens
from taigan.web.tokens import BadName
from web.house import LOT, TOKEN, House, client_of

HERE = f"/api/v1/lots/{LOT}"


async def test_a_token_opens_the_api_until_it_is_revoked(house: House) -> None:
    token = await tokens.create(house.database, "岗亭 1", house.clock, roles=[Role.MANAGER])
    async with client_of(house, token) as client:
        assert (await client.get(HERE)).status_code == 200
        assert await tokens.revoke(house.database, "岗亭 1")
        assert not await tokens.revoke(house.database, "岗亭 1")
        assert (await client.get(HERE)).status_code == 401


async def test_tokens_are_listed_by_name_and_only_their_digests_are_kept(house: House) -> None:
    token = await tokens.create(house.database, "a", house.clock)
    assert [named.name for named in await tokens.listed(house.database)] == ["a", "console"]
    kept = await house.database.read(lambda conn: conn.execute(sa.select(t.api_tokens)).all())
    assert len(kept) == 2
    assert token not in repr(kept)
    assert TOKEN not in repr(kept)


async def test_a_new_token_of_a_name_ends_the_earlier_one(house: House) -> None:
    first = await tokens.create(house.database, "a", house.clock)
    second = await tokens.create(house.database, "a", house.clock)
    assert first != second
    assert await tokens.bearer(house.database, first) is None
    found = await tokens.bearer(house.database, second)
    assert found is not None
    assert found.name == "a"


async def test_a_configured_token_that_is_known_keeps_its_age(house: House) -> None:
    before = await tokens.listed(house.database)
    house.clock.step(60)
    await tokens.put(house.database, "console", TOKEN, house.clock)
    assert await tokens.listed(house.database) == before


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\x00b", "\ud800"])
async def test_a_token_needs_a_name_that_can_be_read(small_house: House, name: str) -> None:
    with pytest.raises(BadName):
        await tokens.create(small_house.database, name, small_house.clock)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ÿ",
        "Bearer " + "x" * 100_000,
    ],
)
async def test_without_a_valid_token_it_is_401_whatever_is_asked(small_house: House, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    async with client_of(small_house, None) as client:
        for method, address in (
            ("GET", HERE),
            ("PUT", HERE),
            ("GET", "/api/v1/nothing"),
            ("PATCH", HERE),
            ("GET", "/api"),
        ):
            answer = await client.request(method, address, headers=headers, content=b"\xff")
            assert answer.status_code == 401, address
            assert answer.json()["error"]["code"] == "unauthorized"
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_the_word_bearer_may_be_written_in_any_case(small_house: House) -> None:
    async with client_of(small_house, None) as client:
        for word in ("bearer", "BEARER"):
            answer = await client.get(HERE, headers={"authorization": f"{word} {TOKEN}"})
            assert answer.status_code == 200


async def test_the_api_describes_itself_to_everyone(small_house: House) -> None:
    async with client_of(small_house, None) as client:
        answer = await client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    described = answer.json()
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert described["security"] == [{"token": []}]
