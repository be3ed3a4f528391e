"""A furnished lot behind a real server, and a real browser in front of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, StorageState

from taigan.rights import Role
from taigan.storage.database import open_database
from web.console.browser import PASSWORD, accounts_of
from web.console.furnished import fortnight, furnish, photograph, with_community
from web.house import LOT, House, house_at, served

HERE = f"/lots/{LOT}"


@dataclass
class Console:
    """A furnished lot behind a real server."""

    house: House
    url: str
    browser: Browser
    _signed_in: StorageState | None = field(default=None, init=False)

    async def open(self, **options: object) -> BrowserContext:
        """A browser of its own in which 王芳 is signed in: she signs in once, all of them have the same cookie."""
        if self._signed_in is None:
            context = await self.browser.new_context(base_url=self.url)
            page = await context.new_page()
            await page.goto("/sign-in")
            await page.locator("[name=login]").fill("wangfang")
            await page.locator("[name=password]").fill(PASSWORD)
            await page.locator("form[action='/sign-in'] button").click()
            await page.wait_for_url(lambda url: "sign-in" not in url)
            self._signed_in = await context.storage_state()
            await context.close()
        return await self.browser.new_context(
            base_url=self.url,
            storage_state=self._signed_in,
            **options,  # type: ignore[arg-type]
        )


@contextlib.asynccontextmanager
async def furnished_console(folder: Path, browser: Browser) -> AsyncIterator[Console]:
    """Whom it knows: 王芳, who owns it, and 李强, who collects and has to change his password."""
    database = await open_database(f"sqlite:///{folder / 'lot.sqlite3'}")
    house = await house_at(database)
    await furnish(house)
    await fortnight(house)
    await photograph(house)
    await with_community(house)
    accounts = accounts_of(house)
    await accounts.create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
    await accounts.give("wangfang", Role.OWNER, (), by="test")
    await accounts.create("liqiang", "李强", PASSWORD, by="王芳")
    await accounts.give("liqiang", Role.COLLECTOR, [LOT], by="王芳")
    async with served(house.app, house.events.stop) as port:
        yield Console(house, f"http://127.0.0.1:{port}", browser)
    await database.close()
