"""What a simulated lane's camera makes of a plate."""

from __future__ import annotations

import enum

CONFUSED = ("0ODQ", "1I", "2Z", "5S", "8B", "7T")
"""Characters that a camera takes for each other."""


class CameraMode(enum.StrEnum):
    """How the camera sees."""

    READS = "reads"
    MISREADS = "misreads"  # one character wrong
    LATE = "late"  # right, but only after a while
    BLIND = "blind"


def misread(plate: str) -> str:
    """The plate with one character taken for another: always the same one, and never the right one."""
    for place in range(len(plate) - 1, 0, -1):
        for alike in CONFUSED:
            if plate[place] in alike:
                wrong = alike[(alike.index(plate[place]) + 1) % len(alike)]
                return plate[:place] + wrong + plate[place + 1 :]
    last = plate[-1:]
    return plate[:-1] + ("8" if last != "8" else "3")
