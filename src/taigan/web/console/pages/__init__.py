"""The console's pages, a file for each job."""

from __future__ import annotations

from taigan.web.console.pages import arms, lanes, signing, stays

PAGES = (*signing.PAGES, *lanes.PAGES, *arms.PAGES, *stays.PAGES)
"""Every handler."""
