"""Named points on the way of an entry, a payment and an exit, at which crash tests end the process without warning.

What must hold when the process dies at any of them stands in docs/entry.md and docs/leaving.md; tests/crash proves it.
"""

from __future__ import annotations

import enum
import os
import signal
from collections.abc import Callable


class Checkpoint(enum.StrEnum):
    """Between two things that cannot happen at once."""

    ADMITTED = "admitted"  # commit 1 is done, no command has left
    OUTCOME = "outcome"  # the barrier answered, commit 2 has not begun
    SETTLED = "settled"  # commit 2 is done, nobody was answered
    UPLOADED = "uploaded"  # BoLink took an upload, its row does not know
    DECIDED = "decided"  # an exit's price, payment or release is committed, nobody was answered, no command has left
    CHARGING = "charging"  # a pull is a row, BoLink was not called
    CHARGED = "charged"  # BoLink answered a pull, its row does not know
    ASKED = "asked"  # a refund, renewal or other errand is a row, BoLink was not called
    ANSWERED = "answered"  # BoLink answered an errand, its row does not know
    RECORDED = "recorded"  # what BoLink said of an errand is in its row, nobody was told


Reach = Callable[[Checkpoint], None]


def pass_by(point: Checkpoint) -> None:
    """What happens at a checkpoint outside crash tests: nothing."""


class DieAt:
    """Ends the process by SIGKILL when a checkpoint is reached for the n-th time: `settled:3`."""

    def __init__(self, where: str) -> None:
        """Raises ValueError for anything that is not `checkpoint` or `checkpoint:n`."""
        name, _, times = where.partition(":")
        self._point = Checkpoint(name)
        self._left = int(times or 1)

    def __call__(self, point: Checkpoint) -> None:
        if point is self._point:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
