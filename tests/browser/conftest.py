"""BoLink's side for the pictures: one per test, with a lot that answers as told; the console: one per module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from browser.console import Console, furnished_console
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


@pytest.fixture(scope="module")
async def console(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Console]:
    async with furnished_console(tmp_path_factory.mktemp("console"), browser) as furnished:
        yield furnished
