"""docs/ says the same in both languages: NAME.md is Chinese, NAME.en.md beside it English."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
CHINESE = sorted(page for page in DOCS.rglob("*.md") if not page.name.endswith(".en.md"))


def shape(page: Path) -> dict[str, Any]:
    """What a translation leaves as it is."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(.*)\n(?:.*\n)*?```$", text, re.MULTILINE)
    prose = re.sub(r"^```(?:.*\n)*?```$", "", text, flags=re.MULTILINE)
    return {
        "headings": re.findall(r"^(#+) ", prose, re.MULTILINE),
        "blocks of code": blocks,
        "rows of tables": len(re.findall(r"^\|", prose, re.MULTILINE)),
        "items of lists": len(re.findall(r"^(?:- |\d\. )", prose, re.MULTILINE)),
        "links": sorted(re.findall(r"\]\(([^)]+)\)", prose)),
    }


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_has_the_same_shape_in_english(page: Path) -> None:
    english = page.with_name(page.name.removesuffix(".md") + ".en.md")
    assert english.exists(), "the page is in Chinese only"
    assert shape(english) == shape(page)


def test_there_is_no_page_in_english_only() -> None:
    for page in DOCS.rglob("*.en.md"):
        assert page.with_name(page.name.removesuffix(".en.md") + ".md") in CHINESE
