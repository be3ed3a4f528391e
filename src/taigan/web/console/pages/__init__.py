"""The console's pages, a file for each job."""

from __future__ import annotations

from taigan.web.console.pages import (
    alarms,
    arms,
    exports,
    lanes,
    money,
    passes,
    reports,
    shifts,
    signing,
    spaces,
    stay,
    stays,
    tariffs,
)

PAGES = (
    *signing.PAGES,
    *lanes.PAGES,
    *arms.PAGES,
    *alarms.PAGES,
    *stays.PAGES,
    *stay.PAGES,
    *spaces.PAGES,
    *money.PAGES,
    *shifts.PAGES,
    *passes.PAGES,
    *tariffs.PAGES,
    *exports.PAGES,
    *reports.PAGES,
)
"""Every handler."""
