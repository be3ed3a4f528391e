"""`/healthz`, `/readyz`, `/metrics`: open to everyone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import sqlalchemy as sa

from taigan.web.doors.health import Health
from web.house import House, Houses, client_of


async def get(house: House, address: str, method: str = "GET") -> httpx.Response:
    async with client_of(house, None) as client:
        return await client.request(method, address)


async def test_the_process_says_that_it_is_there_and_ready(house: House) -> None:
    assert (await get(house, "/healthz")).json() == {"status": "ok"}
    answer = await get(house, "/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_it_is_alive_but_not_ready_when_the_database_is_gone(houses: Houses) -> None:
    house = await houses()
    await house.database.close()
    assert (await get(house, "/healthz")).status_code == 200
    answer = await get(house, "/readyz")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "the database does not answer"


async def test_it_stays_ready_when_a_newer_version_has_extended_the_tables(house: House) -> None:
    await house.write(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        assert (await get(house, "/readyz")).status_code == 200
    finally:
        await house.write(sa.text("UPDATE alembic_version SET version_num = '0001'"))


async def test_it_is_not_ready_when_the_tables_are_gone(house: House) -> None:
    await house.write(sa.text("DELETE FROM alembic_version"))
    try:
        answer = await get(house, "/readyz")
        assert (answer.status_code, answer.json()["reason"]) == (503, "the database holds no tables")
    finally:
        await house.write(sa.text("INSERT INTO alembic_version VALUES ('0001')"))


class HangingDatabase:
    async def read(self, transaction: Callable[..., Any]) -> Any:
        await asyncio.Event().wait()


async def test_a_database_that_hangs_is_not_waited_for(small_house: House) -> None:
    database: Any = HangingDatabase()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError

    await Health(database, small_house.metrics, answers_within=0.01)(
        {"type": "http", "method": "GET", "path": "/readyz"}, receive, send
    )
    assert sent[0]["status"] == 503
    assert b"did not answer within" in sent[1]["body"]


async def test_the_metrics_count_callbacks_by_service_name_and_state(small_house: House) -> None:
    small_house.metrics.callbacks.labels("nolicence_in_park", "1").inc()
    answer = await get(small_house, "/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'taigan_callbacks_total{service_name="nolicence_in_park",state="1"}' in answer.text


async def test_health_takes_get_and_head_at_its_own_addresses_only(small_house: House) -> None:
    for address in ("/healthz", "/readyz", "/metrics"):
        assert (await get(small_house, address, "HEAD")).status_code == 200
        refused = await get(small_house, address, "POST")
        assert refused.status_code == 405
        assert refused.headers["allow"] == "GET, HEAD"
        assert (await get(small_house, f"{address}/more")).status_code == 404


async def test_the_api_says_503_while_the_database_is_gone(houses: Houses) -> None:
    house = await houses()
    await house.database.close()
    async with client_of(house) as client:
        answer = await client.get("/api/v1/lots")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
