"""The lot platform is killed in the middle of entries, at every named point and at random; the books must agree.

`TAIGAN_TEST_KILL_ROUNDS` says how often for each way of dying; `make crash` sets it high.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from crash.street import Round, Street
from taigan.lot.checkpoints import Checkpoint

NewDatabase = Callable[[], Awaitable[str]]
ROUNDS = int(os.environ.get("TAIGAN_TEST_KILL_ROUNDS", "1"))
EACH_LANE = 4  # 25 lanes: 100 messages at once


@pytest.fixture
async def street(tmp_path: Path, new_database: NewDatabase) -> AsyncIterator[Street]:
    under_fire = Street(tmp_path / "street", await new_database())
    await under_fire.start()
    yield under_fire
    await under_fire.stop()


async def _aftermath(street: Street, this: Round) -> None:
    """The platform comes back; every message is sent again; the street empties; the books are compared."""
    await street.kill("lot")
    await street.start_lot()
    before = dict(this.told)
    await street.ask(this, chance=random.Random(0))
    for licence, state in before.items():
        assert this.told[licence] == state or state == 2, f"{licence} was told {state}, now {this.told[licence]}"
    await street.settle()
    await street.told_1_have_orders(this)
    await street.check(this)


async def test_killed_at_every_named_point_and_at_random_nothing_is_lost_and_nothing_rises_twice(
    street: Street, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(20170114)
    kills = hits = 0
    for _ in range(ROUNDS):
        for point in (*Checkpoint, None):
            await street.kill("lot")
            await street.start_lot(f"{point}:{chance.randint(1, 20)}" if point else "")
            await street.cars("arrives")
            this = street.messages(EACH_LANE)
            asking = asyncio.create_task(street.ask(this, chance=chance))
            if point is None:
                await street.died("lot", chance.uniform(0.01, 0.15))
                await street.kill("lot")
                await street.start_part("lot")
            else:
                assert await street.died("lot", 15), f"{point} was never reached"
            await asking
            kills += 1
            hits += this.in_flight > 0 or point is Checkpoint.UPLOADED
            street.counts[f"killed at {point or 'random'}"] += 1
            street.counts["messages in flight"] += this.in_flight
            street.counts["messages"] += len(this.bodies)
            await _aftermath(street, this)
    with capsys.disabled():
        print(f"\n{kills} kills, {hits} with entries in flight: {dict(street.counts)}")  # noqa: T201
    assert hits * 2 >= kills, "most kills hit nothing: the run proves nothing"


async def test_killed_with_the_command_sent_and_no_outcome_the_arm_never_rises_again_by_itself(street: Street) -> None:
    await street.modes("mute")
    await street.cars("arrives")
    this = street.messages(1)
    asking = asyncio.create_task(street.ask(this, chance=random.Random(1)))
    await street.arms_are_up()
    await street.kill("lot")
    await asking
    assert this.in_flight == len(this.bodies)
    await street.start_lot()
    await street.ask(this, chance=random.Random(2))
    assert set(this.told.values()) == {2}
    await street.settle()
    await street.check(this)
    assert street.counts["lifts with a row"] == len(this.bodies)
