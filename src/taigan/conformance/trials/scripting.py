"""How the steps of a case are kept under its id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from taigan.conformance.trials.trial import Trial

Script = Callable[[Trial], Awaitable[None]]


@dataclass(frozen=True)
class Scripted:
    """A case's steps, and when they may run."""

    script: Script
    alone: bool = False
    """Nothing else may run beside it: it stops the platform, or loads it."""
    slow: bool = False
    """It waits for long, so it begins first."""
    rests_on: str = ""
    """The section of which a right message has to be taken in the run: else the platform refuses everything, and that
    it refuses this too shows nothing. The case's own where none is named."""


class Scripts:
    """The scripts of one group."""

    def __init__(self) -> None:
        self.by_id: dict[str, Scripted] = {}

    def of(
        self, case_id: str, *, alone: bool = False, slow: bool = False, rests_on: str = ""
    ) -> Callable[[Script], Script]:
        """Marks the steps of a case."""

        def keep(script: Script) -> Script:
            self.by_id[case_id] = Scripted(script, alone, slow, rests_on or case_id.partition("/")[0])
            return script

        return keep
