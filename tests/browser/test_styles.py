"""No style depends on the language: what is true of a page's colours in one is true in the other."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

STYLES = ("web/console/static/console.css", "hub/templates/admin/bench.css", "hub/templates/driver.css")


@pytest.mark.parametrize("style", STYLES)
def test_a_page_has_the_same_colours_in_both_languages(style: str) -> None:
    text = Path(str(files("taigan"))).joinpath(style).read_text(encoding="utf-8")
    assert "color" in text
    assert "lang" not in text
