"""Several processes over one PostgreSQL: on ports of their own, and as workers on one port."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from crash.street import AS_TEST, BY, LANES, LOTS, SPACES, Round, Street
from support.clock import PATIENCE
from support.databases.postgres import NewDatabase, new_databases
from support.servers.ports import free_port
from support.stacks.stack import eventually

LOT = LOTS[0]
ALL_LANES = len(LOTS) * len(LANES)
PER_SECOND = 9
TRIES = 4
LET_IN = {1, 2}
"""What drivers are told who are let in: 2 when the machine stood still as their answer was due."""
CHANCE = random.Random(5)


@pytest.fixture(scope="module")
async def street(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    """Two lot platforms over one database, with one hub and one set of lanes."""
    async with new_databases(postgres_url) as new:
        started = Street(tmp_path_factory.mktemp("two"), await new(), lots=("lot", "lot2"))
        await started.start()
        yield started
        await started.stop()


async def one_a_lane(street: Street, each_lane: int, send: Callable[[Round], Awaitable[None]]) -> Round:
    """A car in every lane, and one of its drivers is let in; in one of a few waves, for a machine that stands still
    tells drivers to come again. The books are compared after the others.
    """
    for _ in range(TRIES):
        await street.cars("arrives")
        this = street.messages(each_lane)
        await send(this)
        if sum(state in LET_IN for state in this.told.values()) == ALL_LANES:
            return this
        await street.settle()
        await street.check(this)
    raise AssertionError(this.told)


async def lifts_of(street: Street, order_id: str) -> list[dict[str, Any]]:
    return [lift for lift in await street.items(f"/api/v1/lots/{LOT}/lifts") if lift["order_id"] == order_id]


async def test_the_same_message_at_both_at_once_is_one_order_one_lift_and_one_answer(street: Street) -> None:
    async def at_both(this: Round) -> None:
        sending = [street.tell(body, side) for body in this.bodies.values() for side in street.lots]
        answers = await asyncio.gather(*sending)
        for licence, first, second in zip(this.bodies, answers[::2], answers[1::2], strict=True):
            states = {json.loads(answer)["state"] for answer in (first, second)}
            assert first == second or 2 in states, (first, second)
            this.told[licence] = max(states)

    this = await one_a_lane(street, 1, at_both)

    async def all_are_in() -> bool:
        orders = [order for lot_id in LOTS for order in await street.items(f"/api/v1/lots/{lot_id}/orders", state="in")]
        return sorted(order["car_number"] for order in orders) == sorted(this.bodies)

    await eventually(all_are_in)
    await street.settle()
    await street.check(this)


async def test_two_phones_at_one_lane_at_two_processes_are_one_entry_and_the_spaces_are_right(street: Street) -> None:
    free: list[int] = []

    async def at_one_each(this: Round) -> None:
        free[:] = [int((await street.get(f"/api/v1/lots/{lot_id}"))["spaces_free"]) for lot_id in LOTS]
        sending = [street.tell(body, street.lots[i % 2]) for i, body in enumerate(this.bodies.values())]
        for licence, answer in zip(this.bodies, await asyncio.gather(*sending), strict=True):
            this.told[licence] = json.loads(answer)["state"]

    this = await one_a_lane(street, 2, at_one_each)
    now = [int((await street.get(f"/api/v1/lots/{lot_id}", "lot2"))["spaces_free"]) for lot_id in LOTS]
    assert now == [before - len(LANES) for before in free]
    await street.settle()
    await street.check(this)
    assert max(now) < SPACES


async def test_what_waits_at_one_process_is_released_at_the_other(street: Street) -> None:
    lane = f"/api/v1/lots/{LOT}/lanes/A1"
    assert await street.put(lane, "lot2", policy="attendant", **BY) == 200
    for _ in range(TRIES):
        await street.cars("arrives")
        licence, body = next(iter(street.messages(1).bodies.items()))
        if (state := json.loads(await street.tell(body, "lot"))["state"]) == 2:
            break
        await street.settle()
    assert state == 2
    assert await street.post(f"{lane}/release", "lot2", **BY) == 200
    (order,) = await street.items(f"/api/v1/lots/{LOT}/orders", car_number=licence)
    assert order["state"] == "in"
    assert len(await lifts_of(street, order["order_id"])) == 1
    assert await street.put(lane, "lot", policy="automatic", **BY) == 200
    await street.settle()


async def test_what_happens_at_one_process_is_seen_at_the_other_once(street: Street) -> None:
    seen: list[dict[str, Any]] = []

    async def watch() -> None:
        url = street.url("lot2", f"/api/v1/lots/{LOT}/events")
        async with aiohttp.ClientSession(headers=AS_TEST) as client, client.get(url) as stream:
            async for line in stream.content:
                if line.startswith(b"data: "):
                    seen.append(json.loads(line[6:]))

    watching = asyncio.create_task(watch())
    try:
        licences: list[str] = []

        async def is_told() -> bool:
            """The other process passes steps on as soon as it has heard that somebody listens."""
            await street.settle()
            await street.cars("arrives")
            this = street.messages(1)
            licences.append(next(iter(this.bodies)))
            await street.ask(this, chance=CHANCE, at=["lot"])
            return any(step["step"] == "entry" and step["car_number"] == licences[-1] for step in seen)

        await eventually(is_told)
        steps = [(step["step"], step.get("event_id") or step.get("car_number", "")) for step in seen]
        assert ("entry", licences[-1]) in steps
        assert any(step == "lift" for step, _ in steps)
        once = [step for step in steps if step[0] in ("lane", "entry")]
        assert len(once) == len(set(once)), "a step was told twice"
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    await street.settle()


async def test_a_lane_set_up_at_one_process_is_connected_at_the_other(street: Street) -> None:
    lane = f"/api/v1/lots/{LOT}/lanes/A2"
    before = await street.get(lane)
    nowhere = {"driver": "simulated", "url": f"http://127.0.0.1:{free_port()}"}
    assert await street.put(lane, "lot2", barrier=nowhere, **BY) == 200

    async def is_online() -> bool:
        return bool((await street.get(lane))["barrier"]["online"])

    async def is_offline() -> bool:
        return not await is_online()

    await eventually(is_offline)
    there = {"driver": "simulated", "url": street.url("lanes")}
    assert await street.put(lane, "lot2", barrier=there, **BY) == 200
    await eventually(is_online)
    assert before["barrier"]["online"]


async def test_a_process_killed_with_an_upload_under_way_loses_nothing_and_both_keep_one_pace(street: Street) -> None:
    await keep_paces(street)
    await street.faults({"kind": "hub_down", "times": None})
    told = street.messages(0)
    for _ in range(5):
        told.add(await one_a_lane(street, 1, lambda this: street.ask(this, chance=CHANCE, at=street.lots)))
        await street.cars("passes")
        await eventually(street.arms_down)
    await asyncio.gather(*(street.kill(name) for name in street.lots))
    await eventually(lambda: all_due(street))
    await street.faults()
    await street.start_part("lot2", TAIGAN_TEST_DIE_AT="uploaded:3")
    await street.start_lot()
    assert await street.died("lot2", PATIENCE), "it never sent anything"
    await street.start_lot(name="lot2")
    await street.settle()
    await street.check(told)
    for lot_id in LOTS:
        entries = await street.items("/admin/entries", lot_id=lot_id)
        assert {entry["car_number"] for entry in entries} >= {
            order["car_number"] for order in await street.items(f"/api/v1/lots/{lot_id}/orders", state="in")
        }
        times = await kept_paces(street, lot_id)
        assert len(times) > 20
        in_a_second = max(sum(0 <= (later - first).total_seconds() < 1 for later in times) for first in times)
        assert in_a_second <= PER_SECOND, "BoLink wants fewer than ten in a second"


async def keep_paces(street: Street) -> None:
    """From now on the database keeps when each upload was let go: a hub that stands still gets many at once."""
    conn = await asyncpg.connect(street.database_url)
    try:
        await conn.execute("""
            CREATE TABLE let_go (lot_id text, next_at timestamptz);
            CREATE FUNCTION keep_pace() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN INSERT INTO let_go VALUES (NEW.lot_id, NEW.next_at); RETURN NULL; END';
            CREATE TRIGGER keep_pace AFTER INSERT OR UPDATE ON upload_pace
                FOR EACH ROW EXECUTE FUNCTION keep_pace();
        """)
    finally:
        await conn.close()


async def kept_paces(street: Street, lot_id: str) -> list[datetime]:
    conn = await asyncpg.connect(street.database_url)
    try:
        rows = await conn.fetch("SELECT next_at FROM let_go WHERE lot_id = $1 ORDER BY next_at", lot_id)
        return [row["next_at"] for row in rows]
    finally:
        await conn.close()


async def all_due(street: Street) -> bool:
    """Whether every message owed to BoLink could be sent now."""
    conn = await asyncpg.connect(street.database_url)
    try:
        return not await conn.fetchval(
            "SELECT count(*) FROM deliveries WHERE state = 'pending' AND next_at > now() OR lease_until > now()"
        )
    finally:
        await conn.close()


async def test_workers_share_a_port_are_replaced_when_they_die_and_all_end_together(
    tmp_path: Path, new_postgres_database: NewDatabase
) -> None:
    street = Street(tmp_path / "workers", await new_postgres_database())
    watched = free_port()
    await street.start(options=["--workers", "2"], TAIGAN_LOT_METRICS_PORT=str(watched))
    try:
        before = children(street.pid("lot"))
        assert len(before) == 2
        await street.cars("arrives")
        this = street.messages(4)
        asking = asyncio.create_task(street.ask(this, chance=CHANCE))
        os.kill(min(before), signal.SIGKILL)
        await asking

        async def is_replaced() -> bool:
            now = children(street.pid("lot"))
            return len(now) == 2 and now != before

        await eventually(is_replaced, 120)
        await eventually(street.lot_is_up, 120)
        await street.ask_again(this, chance=CHANCE)
        await street.settle()
        await street.told_1_have_orders(this)
        await street.check(this)

        answered = 0
        async with aiohttp.ClientSession() as client:
            for port in (watched, watched + 1):

                async def says(port: int = port) -> str:
                    try:
                        async with client.get(f"http://127.0.0.1:{port}/metrics") as response:
                            return await response.text()
                    except aiohttp.ClientError:
                        return ""

                text = await eventually(says, 120)
                answered += sum(
                    float(line.split()[-1])
                    for line in text.splitlines()
                    if line.startswith("taigan_callbacks_total{") and "nolicence_in_park" in line
                )
        assert answered > 0

        last = children(street.pid("lot"))
        street.signal("lot", signal.SIGTERM)
        assert await street.ended("lot") == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in last)
    finally:
        await street.stop()


async def test_workers_end_when_their_parent_is_killed(tmp_path: Path, new_postgres_database: NewDatabase) -> None:
    street = Street(tmp_path / "workers", await new_postgres_database())
    await street.start(options=["--workers", "2"])
    try:
        workers = children(street.pid("lot"))
        street.signal("lot", signal.SIGKILL)
        await street.ended("lot")

        async def are_gone() -> bool:
            return not any(_runs(pid) for pid in workers)

        await eventually(are_gone)
    finally:
        await street.stop()


def children(pid: int) -> set[int]:
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
