"""What the simulated lanes remember, whoever is killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.stacks.simulated_lanes import LOT, PATIENCE, Platform, Script, running, settings
from taigan.devices.lanes.journal import Journal, JournalBusy, JournalDamaged, JournalFailed
from taigan.devices.lanes.lane import LaneRecord

LANES_PROCESS = """
import asyncio, sys
from pathlib import Path
from taigan.clock import SystemClock
from taigan.devices.lanes.lanes import LaneSettings, LanesSettings, serve

lanes = (LaneSettings("200002-7", "A1"), LaneSettings("200002-7", "A2"))
settings = LanesSettings(Path(sys.argv[1]), travel_time=float(sys.argv[2]), lanes=lanes)
asyncio.run(serve(settings, asyncio.Event(), clock=SystemClock(), ready=lambda url: print(url, flush=True)))
"""


class LanesProcess:
    """The lanes in a real process that can be killed."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self._process = process
        self.url = url

    async def kill(self) -> None:
        if self._process.returncode is None:
            os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()


@contextlib.asynccontextmanager
async def process(folder: Path, *, travel_time: float = 0.01) -> AsyncIterator[LanesProcess]:
    running_process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        LANES_PROCESS,
        str(folder / "lanes.journal"),
        str(travel_time),
        stdout=asyncio.subprocess.PIPE,
    )
    assert running_process.stdout
    url = await asyncio.wait_for(running_process.stdout.readline(), PATIENCE)
    lanes = LanesProcess(running_process, url.decode().strip())
    try:
        yield lanes
    finally:
        await lanes.kill()


def lifts_in(journal: Path, channel: str) -> list[str]:
    """The commands behind each lift of a lane, as a reader of the file counts them."""
    lines = [json.loads(line) for line in journal.read_bytes().splitlines()]
    return [line["command"] for line in lines if line["channel_id"] == channel and line.get("arm") == "rising"]


async def test_killed_lanes_come_back_with_lifts_cars_arm_and_mode(tmp_path: Path) -> None:
    async with process(tmp_path) as lanes, Script(lanes.url) as script, Platform(lanes.url) as platform:
        await platform.watch("A1")
        await platform.watch("A2")
        for lift in range(5):
            await script.put("A1", car="arrives")
            await platform.command(f"lift-{lift}")
            await platform.reply(f"lift-{lift}")
            await script.put("A1", car="passes")
        await script.put("A1", car="arrives")
        await script.put("A1", car="second_car")
        await platform.command("hold", "hold", "A2")
        await platform.until(lambda frame: frame.get("kind") == "up" and frame["channel_id"] == "A2")
        await script.put("A2", mode="locked")
        before = await platform.watch("A1")
        await lanes.kill()
    assert lifts_in(tmp_path / "lanes.journal", "A1") == [f"lift-{lift}" for lift in range(5)]
    async with process(tmp_path) as lanes, Script(lanes.url) as script, Platform(lanes.url) as platform:
        a1, a2 = await script.until("A1", barrier="closed"), await script.get("A2")
        assert (a1["lifts"], a1["car"], a1["queued"]) == (5, "loop", 1)
        assert (a2["lifts"], a2["barrier"], a2["mode"]) == (1, "open", "locked")
        after = await platform.watch("A1")
        assert (after["presence"], after["since"], after["ended"]) == (
            before["presence"],
            before["since"],
            before["ended"],
        )
        assert (await platform.watch("A2"))["held"]


async def test_lanes_killed_at_random_under_load_count_every_lift_that_was_told(tmp_path: Path) -> None:
    told = 0
    for run in range(3):
        async with process(tmp_path) as lanes, Platform(lanes.url) as platform:
            await platform.watch()
            for number in range(1000):
                await platform.command(f"{run}-{number}", "close" if number % 2 else "open")
            await platform.reply(f"{run}-{100 + 200 * run}")
            await lanes.kill()
            told += sum(frame.get("kind") == "rising" for frame in platform.frames)
    commands = lifts_in(tmp_path / "lanes.journal", "A1")
    assert len(commands) == len(set(commands)) >= told > 0
    async with running(settings(tmp_path)) as url, Script(url) as script:
        assert (await script.get())["lifts"] == len(commands)


async def test_an_arm_killed_in_mid_air_finishes_its_way(tmp_path: Path) -> None:
    async with process(tmp_path, travel_time=60.0) as lanes, Platform(lanes.url) as platform:
        await platform.watch()
        await platform.command("lift-1")
        await platform.event("rising")
        await lanes.kill()
    async with running(settings(tmp_path)) as url, Script(url) as script:
        assert (await script.until(barrier="open"))["lifts"] == 1


async def test_a_torn_last_line_is_forgotten(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as url, Script(url) as script:
        await script.put(car="arrives")
    journal = tmp_path / "lanes.journal"
    whole = journal.read_bytes()
    for torn in (b'{"at": 1.0, "lot_id": "2000', b"\0" * 100, b'{"at":1.0}\n', b"\xff\n"):
        journal.write_bytes(whole + torn)
        async with running(settings(tmp_path)) as url, Script(url) as script:
            assert (await script.get())["car"] == "loop"
        assert journal.read_bytes() == whole


async def test_a_damaged_line_in_the_middle_is_one_clear_error(tmp_path: Path) -> None:
    journal = tmp_path / "lanes.journal"
    journal.write_bytes(b'{"at": 1.0, "lot_id": "2000\n{"at": 1.0, "lot_id": "x", "channel_id": "A1"}\n')
    before = journal.read_bytes()
    with pytest.raises(JournalDamaged, match="line 1 cannot be read"):
        Journal(journal, LaneRecord)
    assert journal.read_bytes() == before


async def test_a_second_process_on_the_same_journal_is_one_clear_error(tmp_path: Path) -> None:
    async with process(tmp_path):
        with pytest.raises(JournalBusy, match="another process is using it"):
            Journal(tmp_path / "lanes.journal", LaneRecord)


async def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalFailed, match="cannot be opened"):
        Journal(tmp_path / "file" / "lanes.journal", LaneRecord)


@contextlib.contextmanager
def full_disk(journal: Path, left: int) -> Iterator[None]:
    """No file can grow beyond the journal's size and what is `left`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.stat().st_size + left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_refuses_the_change_and_leaves_the_journal_whole(tmp_path: Path) -> None:
    async with running(settings(tmp_path)) as url, Script(url) as script:
        for left in (0, 10):
            with full_disk(tmp_path / "lanes.journal", left):
                status, answer = await script.try_put(car="arrives")
            assert (status, answer["error"]["code"]) == (503, "service_unavailable")
            assert (await script.get())["car"] is None
        await script.put(car="arrives")
    async with running(settings(tmp_path)) as url, Script(url) as script:
        assert (await script.get())["car"] == "loop"


async def test_an_arm_that_cannot_be_written_down_stays_down(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running(settings(tmp_path)) as url, Script(url) as script, Platform(url) as platform:
        await platform.watch()
        with full_disk(tmp_path / "lanes.journal", 0):
            await platform.command("lift-1")
            await platform.reply("lift-1")
        assert (await script.get())["lifts"] == 0
    assert "does not move" in caplog.text


async def test_synced_waits_for_everything_appended_before(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "lanes.journal", LaneRecord)
    for number in range(100):
        journal.append(LaneRecord(float(number), LOT, "A1"))
        if number % 10 == 0:
            await asyncio.gather(journal.synced(), journal.synced())
    await journal.close()
    reopened = Journal(tmp_path / "lanes.journal", LaneRecord)
    assert [entry.at for entry in reopened.entries] == [float(number) for number in range(100)]
    await reopened.close()
