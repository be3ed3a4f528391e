"""The demo's clock: one file that lot, hub and lanes all read, so that they are moved forward together."""

from __future__ import annotations

from pathlib import Path

from taigan.demo.folder import write_whole

FURTHEST = 366 * 86400.0


class DemoClock:
    """How many seconds the demo's time is ahead of the machine's. It stays so at the next start: nothing goes back."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            self.ahead = float(file.read_text(encoding="ascii"))
        except (OSError, ValueError):
            self.ahead = 0.0
            self._write()

    def forward(self, seconds: float) -> float:
        """Let so many seconds pass on all sides; how far ahead the time is now. Raises ValueError."""
        if not 0 <= seconds <= FURTHEST:
            raise ValueError(f"forward is a number of seconds from 0 to {FURTHEST:.0f}")
        self.ahead += seconds
        self._write()
        return self.ahead

    def _write(self) -> None:
        write_whole(self.file, f"{self.ahead:.3f}\n")
