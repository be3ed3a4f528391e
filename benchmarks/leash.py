"""Ends what a benchmark started when the benchmark itself has ended, however it ended.

A process of its own: it is told the process groups, one a line, and waits until its standard input closes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

_held: list[subprocess.Popen[str]] = []


def hold(group: int) -> None:
    """Have a process group killed, stopped or not, once this process is gone."""
    if not _held:
        command = [sys.executable, "-I", __file__]
        _held.append(subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True))
    leash = _held[0].stdin
    assert leash is not None
    leash.write(f"{group}\n")
    leash.flush()


if __name__ == "__main__":
    for group in [int(line) for line in sys.stdin]:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
