"""Signing in by a provider in a real browser: another site, real cookies, and the policy of the pages in force."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect

from browser.looks import barriers_found, keep_picture, sticks_out
from support.clock import PATIENCE
from support.servers.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from taigan.network.transport import AiohttpTransport
from taigan.rights import Role
from taigan.storage.database import open_database
from taigan.web.console.signing.oidc_client import OidcClient
from web.console.browser import PASSWORD, accounts_of
from web.house import LOT, StandingClock, house_at, served

LOOKS = ((1366, "light"), (390, "dark"), (390, "light"))


@dataclass
class Sites:
    """A console on 127.0.0.1 and a provider on localhost: two sites, as browsers have it."""

    console: str
    browser: Browser


@pytest.fixture(scope="module")
async def sites(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> AsyncIterator[Sites]:
    clock = StandingClock()
    provider = OidcProvider(clock)
    database = await open_database(f"sqlite:///{tmp_path_factory.mktemp('sign-in') / 'lot.sqlite3'}")
    async with AiohttpTransport() as transport, served(provider) as far:
        provider.issuer = f"http://localhost:{far}"
        ours = OidcClient(provider.issuer, CLIENT_ID, CLIENT_SECRET, "http://lot", transport, clock, name="集团账号")
        house = await house_at(database, clock=clock, provider=ours)
        accounts = accounts_of(house)
        await accounts.create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
        await accounts.give("wangfang", Role.MANAGER, [LOT], by="test")
        async with served(house.app, house.events.stop) as near:
            ours.console_url = f"http://127.0.0.1:{near}"
            provider.client.redirect_uri = f"{ours.console_url}/sign-in/oidc/back"
            yield Sites(ours.console_url, browser)
    await database.close()


async def consent(page: Page, subject: str) -> None:
    """What a person does at the provider."""
    await page.wait_for_url("http://localhost:*/authorize?*")
    await page.locator("[name=subject]").fill(subject)
    await page.locator("button").click()


async def test_a_person_links_their_account_signs_out_and_in_by_it_and_no_policy_stands_in_the_way(
    sites: Sites,
) -> None:
    context = await sites.browser.new_context(base_url=sites.console, locale="zh-CN")
    context.set_default_timeout(PATIENCE * 1000)
    page = await context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    await page.goto("/sign-in")
    await page.locator("[name=login]").fill("wangfang")
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("form[action='/sign-in'] button").click()
    await page.goto("/account")
    await keep_picture(page, "sign-in", "account")
    await page.locator("[name=proof]").fill(PASSWORD)
    await page.locator("form[action='/account/link'] button").click()
    await consent(page, "zhang")
    await expect(page.locator(".said")).to_contain_text("以后可以用“集团账号”登录了")
    assert page.url == f"{sites.console}/account"
    await page.locator("form[action='/sign-out'] button").click()
    await page.locator("a", has_text="用“集团账号”登录").click()
    await consent(page, "zhang")
    await page.wait_for_url(f"**/lots/{LOT}")
    cookies = {cookie["name"]: cookie for cookie in await context.cookies()}
    assert "oidc" not in cookies, "the way is forgotten at its end"
    assert (cookies["session"]["httpOnly"], cookies["session"]["sameSite"]) == (True, "Lax")
    assert [text for text in said if "localhost" not in text] == []
    await context.close()


async def test_the_sign_in_looks_whole_with_a_provider_and_says_why_somebody_is_not_let_in(sites: Sites) -> None:
    for (width, scheme), language in itertools.product(LOOKS, ("zh-CN", "en")):
        context = await sites.browser.new_context(
            base_url=sites.console,
            viewport={"width": width, "height": 844},
            color_scheme=scheme,  # type: ignore[arg-type]
            locale=language,
            bypass_csp=True,
        )
        context.set_default_timeout(PATIENCE * 1000)
        page = await context.new_page()
        await page.goto("/sign-in")
        await page.locator("a[href*='/sign-in/oidc']").click()
        await consent(page, "nobody-here")
        await expect(page.locator(".said")).to_contain_text("nobody-here")
        assert page.url == f"{sites.console}/sign-in"
        await keep_picture(page, "sign-in", f"{width}-{scheme}-{language}")
        assert await sticks_out(page) == 0
        assert await barriers_found(page) == []
        await context.close()
