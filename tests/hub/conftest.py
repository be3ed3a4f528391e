"""A hub and a fake lot for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.sides import FakeLot, Side, running_side, serving_lot
from support.clock import ManualClock
from taigan.hub.rules import Rules
from taigan.strangers import AT_ONCE, ONE_MORE_AFTER


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def lot() -> AsyncIterator[FakeLot]:
    async with serving_lot(FakeLot()) as serving:
        yield serving


@pytest.fixture
async def side(tmp_path: Path, clock: ManualClock, lot: FakeLot) -> AsyncIterator[Side]:
    async with running_side(tmp_path, clock, lot.url) as running:
        yield running


@pytest.fixture
async def hasty_side(tmp_path: Path, clock: ManualClock, lot: FakeLot) -> AsyncIterator[Side]:
    """A side that gives up on a push after a fifth of a second."""
    async with running_side(tmp_path, clock, lot.url, Rules(push_timeout=0.2)) as running:
        yield running


@pytest.fixture
async def quiet_side(shared_side: Side) -> Side:
    """One side for all tests that leave nothing behind. What earlier ones were refused is forgotten."""
    shared_side.clock.advance(AT_ONCE * ONE_MORE_AFTER)
    return shared_side


@pytest.fixture(scope="session")
async def shared_side(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Side]:
    async with (
        serving_lot(FakeLot()) as serving,
        running_side(tmp_path_factory.mktemp("quiet"), ManualClock(), serving.url) as running,
    ):
        yield running
