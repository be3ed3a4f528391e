"""Somebody's browser at the platform of the HTTP tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from taigan.rights import Role
from web.console.browser import Browser, person
from web.house import House


@pytest.fixture
async def stranger(small_house: House) -> AsyncIterator[Browser]:
    """Nobody in particular."""
    browser = Browser(small_house)
    yield browser
    await browser.close()


@pytest.fixture
async def manager(small_house: House) -> AsyncIterator[Browser]:
    """王芳, who manages the first lot."""
    browser = await person(small_house, Role.MANAGER)
    yield browser
    await browser.close()
