"""The console's pages, a file for each job."""

from __future__ import annotations

from taigan.web.console.pages import lanes, signing, stays

PAGES = (*signing.PAGES, *lanes.PAGES, *stays.PAGES)
"""Every handler."""
