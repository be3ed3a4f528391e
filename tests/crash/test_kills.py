"""The lot platform is killed in the middle of entries, at every named point and at random; the books must agree.

`TAIGAN_TEST_KILL_ROUNDS` says how often for each way of dying on each engine; `make crash` sets it high. Without it
each way of dying is tried once, on one engine or the other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from crash.street import Round, Street
from support.clock import PATIENCE
from support.databases.postgres import new_databases
from support.telling import Tell
from taigan.lot.writing.checkpoints import Checkpoint

log = logging.getLogger(__name__)
ROUNDS = int(os.environ.get("TAIGAN_TEST_KILL_ROUNDS", "0"))
OF_AN_ENTRY = (Checkpoint.ADMITTED, Checkpoint.OUTCOME, Checkpoint.SETTLED, Checkpoint.UPLOADED)
ONCE = {
    "sqlite": [Checkpoint.ADMITTED, Checkpoint.SETTLED],
    "postgresql": [Checkpoint.OUTCOME, Checkpoint.UPLOADED, None],
}
"""The ways of dying in the short run; None is at random."""
EACH_LANE = 4 if ROUNDS else 2  # 25 lanes: 100 messages at once, or 50

pytestmark = pytest.mark.timeout(300 + 600 * ROUNDS)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def street(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Street]:
    folder = tmp_path_factory.mktemp("street")
    async with AsyncExitStack() as opened:
        url = f"sqlite:///{folder / 'lot.sqlite3'}"
        if request.param == "postgresql":
            new = await opened.enter_async_context(new_databases(request.getfixturevalue("postgres_url")))
            url = await new()
        under_fire = Street(folder, url)
        await under_fire.start()
        yield under_fire
        await under_fire.stop()


async def _aftermath(street: Street, this: Round) -> None:
    """The platform comes back; every message is sent again; the street empties; the books are compared."""
    await street.kill("lot")
    await street.start_lot()
    await street.ask_again(this, chance=random.Random(0))
    await street.settle()
    await street.told_1_have_orders(this)
    await street.check(this)


async def test_killed_at_every_named_point_and_at_random_nothing_is_lost_and_nothing_rises_twice(
    street: Street, tell: Tell
) -> None:
    chance = random.Random(20170114)
    kills = hits = 0
    engine = street.database_url.partition(":")[0]
    rounds = [[*OF_AN_ENTRY, None]] * ROUNDS or [ONCE[engine]]
    for number, ways in enumerate(rounds, 1):
        log.info(
            "%s: round %d of %d; %d kills so far, %d with entries in flight", engine, number, len(rounds), kills, hits
        )
        for point in ways:
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
                assert await street.died("lot", PATIENCE), f"{point} was never reached"
            await asking
            kills += 1
            hits += this.in_flight > 0 or point is Checkpoint.UPLOADED
            street.counts[f"killed at {point or 'random'}"] += 1
            street.counts["messages in flight"] += this.in_flight
            street.counts["messages"] += len(this.bodies)
            await _aftermath(street, this)
    tell(f"{kills} kills, {hits} with entries in flight: {street.taken_counts()}")
    assert hits * 2 >= kills, "most kills hit nothing: the run proves nothing"


async def test_killed_with_the_command_sent_and_no_outcome_the_arm_never_rises_again_by_itself(street: Street) -> None:
    await street.check(Round())
    lifts_before = street.counts["lifts with a row"]
    await street.modes("mute")
    await street.cars("arrives")
    this = street.messages(1)
    asking = asyncio.create_task(street.ask(this, chance=random.Random(1)))
    await street.arms_are_up()
    await street.kill("lot")
    await asking
    assert this.in_flight, "all were answered before: the run proves nothing"
    assert set(this.told.values()) <= {2}
    await street.start_lot()
    await street.ask(this, chance=random.Random(2))
    assert set(this.told.values()) == {2}
    await street.settle()
    await street.check(this)
    assert street.counts["lifts with a row"] - lifts_before == len(this.bodies)
    await street.modes("ok")
