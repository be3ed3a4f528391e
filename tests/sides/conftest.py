"""The lot platform and BoLink's side, each behind its own socket, for every test anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.stacks.both_sides import Both, both_sides


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    async with both_sides(tmp_path) as both:
        yield both
