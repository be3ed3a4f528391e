"""The documents as they are handed out: a folder, opened without a server and without a network."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from browser.looks import keep_picture
from support.stacks.stack import eventually

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    for config, place in (("mkdocs.yml", folder), ("mkdocs.en.yml", folder / "en")):
        command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-f", config, "--site-dir", str(place)]
        building = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said, _ = await building.communicate()
        assert building.returncode == 0, said.decode()
    return folder


async def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        sources = re.findall(r'(?:src|rel="stylesheet" href)="(https?://[^"]+)"', page.read_text(encoding="utf-8"))
        assert sources == [], page


@pytest.mark.parametrize(
    ("page", "asked", "found"),
    [
        ("index.html", "局域网", "演示页"),
        ("index.html", "滞留", "入场的每一种情形"),
        ("en/index.html", "tailgating", "For lot operators"),
    ],
)
async def test_it_is_searched_without_a_server(site: Path, browser: Browser, page: str, asked: str, found: str) -> None:
    opened = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    await opened.goto((site / page).as_uri())
    query = opened.locator("[data-md-component=search-query]")
    await query.click()

    await query.fill(asked)

    async def results() -> int:
        """The page looks when a key is let go, once it has read its index."""
        await query.press("End")
        return await opened.locator(".md-search-result__item").count()

    await eventually(results, 30)
    await expect(opened.locator(".md-search-result__list")).to_contain_text(found)
    await opened.close()


async def test_the_first_page_shows_its_pictures(site: Path, browser: Browser) -> None:
    for page in ("index.html", "en/index.html", "operators.html", "demo.html"):
        opened = await browser.new_page(viewport={"width": 1440, "height": 1000})
        await opened.goto((site / page).as_uri())
        widths = await opened.evaluate("[...document.querySelectorAll('article img')].map(it => it.naturalWidth)")
        assert widths
        assert all(width > 300 for width in widths)
        await keep_picture(opened, "documents", page.replace("/", "-").removesuffix(".html"))
        await opened.close()


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_every_link_of_the_readme_leads_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert len(links) > 10
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
