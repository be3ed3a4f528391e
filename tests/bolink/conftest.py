"""The document's examples, byte for byte."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of the documented examples."""
    return Path(__file__).parent / "fixtures"
