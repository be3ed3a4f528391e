"""What work costs, on a machine that does other things as well."""

from __future__ import annotations

import time
from collections.abc import Callable

TRIES = 20


def costs_less_than(seconds: float, work: Callable[[], object]) -> bool:
    """Whether one of some tries takes less CPU time: others may be slowed down by whoever shares core and cache."""
    for _ in range(TRIES):
        began = time.process_time()
        work()
        if time.process_time() - began < seconds:
            return True
    return False
