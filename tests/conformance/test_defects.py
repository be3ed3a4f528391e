"""Each case is red against a lot that is broken in just that, and green against the good one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from conformance.defects import defects
from conformance.lots.good import GoodLot
from support.stacks.judged import TRIES, judged
from taigan.conformance.catalogue import cases
from taigan.conformance.model import Level, Status

DEFECTS = defects()
AT_ONCE = 8
"""So many are judged beside each other: most of the time each waits for what must not come."""

Outcome = dict[str, Status]


async def outcome(broken: type[GoodLot], folder: Path) -> Outcome:
    """How the cases came out that have to be red. `also` are cases that give the recording something to look at."""
    chosen = {*broken.reddens, *getattr(broken, "also", ())}
    run = await judged(broken(), folder, *chosen, sms_check=getattr(broken, "sms_check", False))
    return {each.case.case_id: each.status for each in run.results if each.case.case_id in broken.reddens}


@pytest.fixture(scope="module")
async def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mapping[type[GoodLot], asyncio.Task[Outcome]]]:
    """How each broken lot comes out whose test is run."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def in_turn(broken: type[GoodLot]) -> Outcome:
        folder = tmp_path_factory.mktemp(broken.__name__)
        async with turn:
            for _ in range(TRIES):
                came_out = await outcome(broken, folder)
                if came_out == red(broken):
                    break
            return came_out

    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    judging = {item.callspec.params["broken"]: None for item in here}
    tasks = {broken: asyncio.create_task(in_turn(broken)) for broken in judging}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


def red(broken: type[GoodLot]) -> Outcome:
    return dict.fromkeys(broken.reddens, Status.FAILED)


@pytest.mark.parametrize("broken", DEFECTS, ids=lambda each: each.__name__)
async def test_a_broken_lot_is_red_where_it_is_broken(
    broken: type[GoodLot], outcomes: Mapping[type[GoodLot], asyncio.Task[Outcome]]
) -> None:
    assert await outcomes[broken] == red(broken)


def test_every_case_that_can_be_red_has_been_seen_red() -> None:
    seen = {case_id for broken in DEFECTS for case_id in broken.reddens}
    can = {case.case_id for case in cases() if case.level is not Level.INFO}
    assert can - seen == set()
