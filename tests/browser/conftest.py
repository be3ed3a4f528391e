"""BoLink's side for the pictures: one per test, with a lot that answers as told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.sides import FakeLot, Side, running_side, serving_lot
from support.clock import ManualClock


@pytest.fixture
async def lot() -> AsyncIterator[FakeLot]:
    async with serving_lot(FakeLot()) as serving:
        yield serving


@pytest.fixture
async def side(tmp_path: Path, lot: FakeLot) -> AsyncIterator[Side]:
    async with running_side(tmp_path, ManualClock(), lot.url) as running:
        yield running
