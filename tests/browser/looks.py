"""Looking at a page: pictures kept for people, and what a machine can see wrong with it."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import BrowserContext, Frame, Page

ARTEFACTS = Path(__file__).parents[2] / "artefacts"
"""Where the pictures are kept; not in the repository."""
KEEPS_PICTURES = "TAIGAN_TEST_PICTURES" in os.environ
"""Whether pictures are taken, as by `make pictures`: nine hundred of them cost a browser as much as all the rest."""

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")


async def keep_picture(page: Page, folder: str, name: str) -> None:
    """Keep the whole page as artefacts/<folder>/<name>.png, if somebody wants to look at it."""
    if not KEEPS_PICTURES:
        return
    path = ARTEFACTS / folder / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=path, full_page=True, animations="disabled")


async def bring_axe(context: BrowserContext) -> None:
    """Let every page of it bring axe-core along: the browser compiles it once, instead of once for each page."""
    await context.add_init_script(_AXE)


_ROWS_BEYOND = "tbody tr:nth-child(n + 7)"
"""Rows of long tables that are not looked at: they are written as those before them."""


async def barriers_found(page: Page | Frame, *, besides: str | None = None) -> list[str]:
    """What axe-core finds that keeps people out: rule, element, and why. What `besides` selects is left out."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_AXE)
    # What it fetches beforehand is for rules that ask for it: the styles, a sixth of a run, for none that is on.
    options = {"iframes": False, "resultTypes": ["violations"], "preload": {"assets": ["media"]}}
    looked_at = {"exclude": [[part] for part in (_ROWS_BEYOND, besides) if part]}
    result: dict[str, Any] = await page.evaluate("([at, how]) => axe.run(at, how)", [looked_at, options])
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in result["violations"]
        for node in rule["nodes"]
    ]


async def sticks_out(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return width


async def tables_cut(page: Page) -> list[str]:
    """Tables of which a part can be seen by moving them sideways alone; sums, which are read across, may."""
    found: list[str] = await page.evaluate(
        """() => [...document.querySelectorAll('.scroll:not(:has(.sums))')]
          .filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.ariaLabel)"""
    )
    return found


async def what_has_the_focus(page: Page) -> str:
    """`seen` where what has the focus can be seen and shows that it has it, `page` where the whole page has it; or what
    is wrong."""
    found: str = await page.evaluate(
        """() => {
          const one = document.activeElement;
          if (!one || one === document.body) return 'nothing has it';
          if (one.id === 'main') return 'page';
          const shown = one.id === 'open-menu' ? one.nextElementSibling : one;
          const box = shown.getBoundingClientRect(), style = getComputedStyle(shown);
          const name = one.outerHTML.slice(0, 120);
          if (box.width < 4 || box.height < 4) return `too small: ${name}`;
          if (box.bottom <= 0 || box.top >= innerHeight || box.right <= 0 || box.left >= innerWidth)
            return `out of sight: ${name}`;
          if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) return `without a ring: ${name}`;
          return 'seen';
        }"""
    )
    return found
