"""What a test found out beside passing: counts, for whoever reads the run."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]

TOLD = "told"
"""The name of the property that keeps it in a test's report."""
