"""How a process of ours ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

STOPS = """
import asyncio, time
from taigan.process import stop_when_told

async def main():
    stop = stop_when_told(with_parent=False)
    print("ready", flush=True)
    await stop.wait()
    HANGS

asyncio.run(main())
"""


@pytest.mark.parametrize("hangs", ["await asyncio.Event().wait()", "time.sleep(60)"])
def test_a_process_that_hangs_in_its_stopping_ends_within_five_seconds_and_says_where_it_hung(hangs: str) -> None:
    program = STOPS.replace("HANGS", hangs)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        told = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(30) == 1
        finally:
            process.kill()
        assert time.monotonic() - told < 5
        assert "in main" in process.stderr.read()
