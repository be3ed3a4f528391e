"""The console's pages, a file for each job."""

from __future__ import annotations

from taigan.web.console.pages import (
    alarms,
    arms,
    audit,
    bolink,
    booth,
    community,
    devices,
    exports,
    lanes,
    money,
    pass_cards,
    passes,
    people,
    pictures,
    reports,
    shifts,
    signing,
    spaces,
    stay,
    stays,
    tariffs,
)
from taigan.web.console.pages.errands import arrears, at_bolink, errand, invoices, reconciling, refunds

PAGES = (
    *signing.PAGES,
    *lanes.PAGES,
    *arms.PAGES,
    *alarms.PAGES,
    *stays.PAGES,
    *stay.PAGES,
    *pictures.PAGES,
    *spaces.PAGES,
    *booth.PAGES,
    *money.PAGES,
    *refunds.PAGES,
    *arrears.PAGES,
    *reconciling.PAGES,
    *invoices.PAGES,
    *errand.PAGES,
    *at_bolink.PAGES,
    *shifts.PAGES,
    *passes.PAGES,
    *pass_cards.PAGES,
    *tariffs.PAGES,
    *devices.PAGES,
    *community.PAGES,
    *bolink.PAGES,
    *people.PAGES,
    *audit.PAGES,
    *exports.PAGES,
    *reports.PAGES,
)
"""Every handler."""
