"""The console's pages, a file for each job."""

from __future__ import annotations

from taigan.web.console.pages import bolink, community
from taigan.web.console.pages.errands import arrears, at_bolink, errand, invoices, placed, reconciling, refunds
from taigan.web.console.pages.lanes import alarms, arms, booth, devices, lanes, spaces
from taigan.web.console.pages.money import money, shifts, tariffs
from taigan.web.console.pages.passes import pass_cards, passes
from taigan.web.console.pages.people import audit, oidc, people, signing, views
from taigan.web.console.pages.reports import exports, reports
from taigan.web.console.pages.stays import pictures, stay, stays

PAGES = (
    *signing.PAGES,
    *oidc.PAGES,
    *lanes.PAGES,
    *arms.PAGES,
    *alarms.PAGES,
    *stays.PAGES,
    *stay.PAGES,
    *pictures.PAGES,
    *views.PAGES,
    *spaces.PAGES,
    *booth.PAGES,
    *money.PAGES,
    *refunds.PAGES,
    *arrears.PAGES,
    *reconciling.PAGES,
    *invoices.PAGES,
    *placed.PAGES,
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
