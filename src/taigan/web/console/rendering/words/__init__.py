"""What the platform's own words are called on the pages: states, steps, alarms, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[..., str]
"""What says a text in the language of the page, with its values."""
