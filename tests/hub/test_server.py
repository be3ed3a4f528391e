"""Starting, ending, and starting again."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from hub.sides import KEY, TOKEN, UNION_ID, FakeLot, Side, running_side, saying
from support.clock import PATIENCE, ManualClock
from taigan.clock import SystemClock
from taigan.hub.errors import DatabaseInUse, DatabaseNewer, DatabaseUnusable
from taigan.hub.rules import Rules
from taigan.hub.server import serve
from taigan.running.process import listen


async def started(database: Path) -> None:
    with listen("127.0.0.1", 0, "hub.port") as listener:
        await serve(listener, asyncio.Event(), database=database, clock=SystemClock(), rules=Rules())


async def test_it_ends_with_open_event_streams(tmp_path: Path, clock: ManualClock, lot: FakeLot) -> None:
    async with running_side(tmp_path, clock, lot.url) as side:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with side.http.get(f"{side.url}/admin/events", headers=headers) as stream:
            assert stream.status == 200
            await stream.content.readline()
            side.stop.set()
            await asyncio.wait({side.running}, timeout=PATIENCE)
            assert side.running.done()


async def test_started_again_it_goes_on_where_it_was(tmp_path: Path, clock: ManualClock, lot: FakeLot) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    async with running_side(tmp_path, clock, lot.url) as side:
        code = await side.code()
        waiting = await side.scan()
        await side.upload_entry("EA47829", "o1")
    async with running_side(tmp_path, clock, lot.url) as side:
        assert await side.code() == code
        assert (await side.shown(waiting["scan_id"]))["shown"] == "waiting"
        assert (await side.upload_entry("EA47829", "o1"))[1]["errmsg"] == "订单已存在"
        await side.upload_entry(waiting["car_number"], "o2")
        assert (await side.shown(waiting["scan_id"]))["shown"] == "success"
        clock.advance(11)
        assert (await side.scan("li"))["car_number"] == waiting["car_number"]


async def test_a_scan_cut_off_by_the_end_is_shown_as_unanswered_and_its_3_1_still_counts(
    tmp_path: Path, clock: ManualClock, lot: FakeLot
) -> None:
    heard, released = asyncio.Event(), asyncio.Event()

    async def silent(message: dict[str, object]) -> object:
        heard.set()
        await released.wait()
        raise ConnectionResetError

    lot.answer = silent  # type: ignore[assignment]
    async with running_side(tmp_path, clock, lot.url) as side:
        scanning = asyncio.create_task(side.scan())
        await heard.wait()
        scan_id = (await side.get("/admin/pushes"))["items"][0]["scan_id"]
        side.stop.set()
        await side.running
        await asyncio.gather(scanning, return_exceptions=True)
    released.set()
    async with running_side(tmp_path, clock, lot.url) as side:
        shown = await side.shown(scan_id)
        assert shown["shown"] == "timeout"
        await side.upload_entry(shown["car_number"], "o1")
        assert (await side.shown(scan_id))["shown"] == "success"


async def test_another_key_in_the_settings_is_a_change_of_key(tmp_path: Path, clock: ManualClock, lot: FakeLot) -> None:
    async with running_side(tmp_path, clock, lot.url):
        pass
    async with running_side(tmp_path, clock, lot.url, key="the-new-key") as side:
        assert (await side.upload_entry("EA47829", "o1"))[1]["state"] == 1
        clock.advance(86400)
        assert (await side.upload_entry("EA47829", "o2"))[1]["errmsg"].startswith("签名错误")


async def test_a_second_process_on_the_same_file_gets_one_clear_sentence(
    tmp_path: Path, clock: ManualClock, side: Side
) -> None:
    await side.code()  # the first one is there, and not on its way
    with pytest.raises(DatabaseInUse, match="in use by another hub"):
        await started(tmp_path / "hub.sqlite3")


async def test_a_database_from_a_newer_version_is_refused(tmp_path: Path, clock: ManualClock, lot: FakeLot) -> None:
    async with running_side(tmp_path, clock, lot.url):
        pass
    with sqlite3.connect(tmp_path / "hub.sqlite3") as conn:
        conn.execute("UPDATE house SET version = 999")
    conn.close()
    with pytest.raises(DatabaseNewer, match="newer taigan"):
        await started(tmp_path / "hub.sqlite3")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite3").write_bytes(b"no database at all" * 1000)
    with pytest.raises(DatabaseUnusable, match="cannot be used"):
        await started(tmp_path / "hub.sqlite3")


async def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnusable, match="cannot be written"):
        await started(tmp_path / "file" / "hub.sqlite3")


async def test_keys_are_nowhere_but_in_their_table(tmp_path: Path, clock: ManualClock, lot: FakeLot) -> None:
    async with running_side(tmp_path, clock, lot.url) as side:
        await side.scan()
        await side.upload_entry("EA47829", "o1")
    with sqlite3.connect(tmp_path / "hub.sqlite3") as conn:
        text = "\n".join(line for line in conn.iterdump() if 'INTO "vendor_keys"' not in line)
    conn.close()
    assert KEY not in text
    assert UNION_ID in text
