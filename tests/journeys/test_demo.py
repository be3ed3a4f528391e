"""`taigan demo`, as a script and as a person meets it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from support.servers.ports import free_port
from support.stacks.stack import Stack, eventually, on_the_file

NewStack = Callable[..., Stack]


async def run_taigan(*arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Run the command line to its end; its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "taigan", *arguments],
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode().splitlines()


async def test_the_ready_file_names_everything_a_script_needs(stack: Stack) -> None:
    ready_file = stack.folder / "ready.json"
    assert ready_file.stat().st_mode & 0o777 == 0o600
    ready = json.loads(ready_file.read_text())
    assert set(ready) == {"lot", "console", "hub", "lanes", "demo_url", "clock_url", "lots"}
    assert set(ready["console"]) == {"url", "login", "password"}
    assert set(ready["lot"]) == {"url", "callback_url", "api_token"}
    assert set(ready["hub"]) == {"url", "admin_token"}
    assert set(ready["lanes"]) == {"url"}
    (lot,) = ready["lots"]
    assert set(lot) == {"union_id", "park_id", "lot_id", "key", "prepay_url", "lanes"}
    assert lot["lot_id"] == f"{lot['union_id']}-{lot['park_id']}"
    lanes = {lane["channel_id"]: lane for lane in lot["lanes"]}
    assert {name: (lane["direction"], lane["policy"]) for name, lane in lanes.items()} == {
        "A1": ("entry", "automatic"),
        "A2": ("entry", "attendant"),
        "B1": ("exit", "automatic"),
    }
    assert lanes["A1"]["entry_url"].startswith(ready["hub"]["url"])
    assert lanes["B1"]["exit_url"].startswith(ready["hub"]["url"])
    assert lot["prepay_url"].startswith(ready["hub"]["url"])
    assert ready["clock_url"] == f"{ready['demo_url']}/clock"
    assert lanes["A2"]["entry_url"] not in ("", lanes["A1"]["entry_url"])
    for url in (ready["lot"]["url"], ready["lot"]["callback_url"], ready["hub"]["url"], ready["demo_url"]):
        assert not url.endswith("/")
    lot_now = await stack.lot.get(stack.lot_path)
    assert (lot_now["spaces"], lot_now.status) == (10_000, 200)


async def test_what_the_demo_says_names_the_page_and_what_to_do_in_both_languages(stack: Stack) -> None:
    said = "\n".join(stack.said)
    assert stack.ready["demo_url"] in said
    assert "扫码" in said
    assert "scan" in said


async def test_it_stops_in_time_goes_on_where_it_was_on_other_ports_and_leaves_nothing_behind(
    new_stack: NewStack,
) -> None:
    stack: Stack = new_stack()
    await stack.start()
    (stack.data / "notes.txt").write_text("somebody else's file")
    lane = stack.lane("A1")
    await lane.car("arrives")
    shown = await stack.scan("A1", "driver-1")
    assert shown["shown"] == "success", stack.logs()
    await eventually(stack.entries)
    await lane.car("passes")
    before = stack.ready, await stack.orders(), await stack.spaces_free(), await stack.lane("A1").lifts()

    # SIGTERM: it ends by itself, whoever listens.
    children = [stack.pid(part) for part in ("lot", "hub", "lanes")]
    url = f"{stack.ready['demo_url']}/lanes/lots/{stack.lot_id}/lanes/A1/events"
    async with aiohttp.ClientSession() as client, client.get(url) as stream:
        assert stream.status == 200
        assert await stack.stop() == 0
    assert not any(map(runs, children))

    # The same folder, other ports.
    await stack.start()
    assert stack.ready["lots"][0]["key"] == before[0]["lots"][0]["key"]
    assert stack.ready["lot"]["api_token"] == before[0]["lot"]["api_token"]
    assert stack.ready["hub"]["admin_token"] == before[0]["hub"]["admin_token"]
    assert stack.ready["lot"]["url"] != before[0]["lot"]["url"]
    assert stack.lane("A1").entry_url.split("?")[1] == before[0]["lots"][0]["lanes"][0]["entry_url"].split("?")[1]
    assert stack.lane("A1").entry_url.startswith(stack.ready["hub"]["url"])
    assert (await stack.orders(), await stack.spaces_free(), await stack.lane("A1").lifts()) == before[1:]
    assert len(await stack.entries()) == 1
    await stack.lane("A1").car("arrives")
    assert (await stack.scan("A1", "driver-2"))["shown"] == "success", stack.logs()
    assert (stack.data / "notes.txt").read_text() == "somebody else's file"

    # SIGKILL of the demo alone: its children go with it, so that their ports and files are free.
    children = [stack.pid(part) for part in ("lot", "hub", "lanes")]
    os.kill(stack.demo_pid, signal.SIGKILL)
    await eventually(lambda: none_runs(children))


def runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def none_runs(pids: list[int]) -> bool:
    return not any(map(runs, pids))


async def test_a_part_that_dies_is_named_and_the_rest_goes_on(stack: Stack) -> None:
    await stack.kill_lot()
    (sentence,) = [line for line in stack.said if line.startswith("taigan lot ended")]
    assert "SIGKILL" in sentence
    assert "taigan lot --config" in sentence
    assert (await stack.lane("A1").state()).status == 200
    await stack.start_lot()
    assert (await stack.lot.get(stack.lot_path)).status == 200


async def test_the_vendors_key_is_in_the_key_stores_and_nowhere_else(stack: Stack) -> None:
    key = stack.ready["lots"][0]["key"].encode()
    await stack.callback(stack.message("A1", "EA47829"))
    stores = {
        "lot.sqlite3",
        "lot.sqlite3-wal",
        "hub.sqlite3",
        "hub.sqlite3-wal",
        str(stack.ready["lots"][0]["union_id"]),
    }
    for path in stack.data.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o077 == 0, f"others may read {path}"
            assert path.name in stores or key not in path.read_bytes(), path


async def test_the_page_reaches_all_three_without_holding_a_token(stack: Stack) -> None:
    tokens = (stack.ready["lot"]["api_token"], stack.ready["hub"]["admin_token"], stack.ready["lots"][0]["key"])
    async with aiohttp.ClientSession(stack.ready["demo_url"]) as page:
        for path in (
            "/",
            "/addresses.json",
            f"/lot/api/v1/lots/{stack.lot_id}",
            f"/hub/admin/entries?lot_id={stack.lot_id}",
            f"/lanes/lots/{stack.lot_id}/lanes/A1",
        ):
            async with page.get(path) as answer:
                text = await answer.text()
                assert answer.status == 200, (path, text)
                assert not any(token in text for token in tokens)
        async with page.get("/lot/api/v1/lots/nowhere") as answer:
            assert answer.status == 404


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example:8800"}])
async def test_the_page_lends_its_tokens_to_no_other_page(stack: Stack, headers: dict[str, str]) -> None:
    url = f"{stack.ready['demo_url']}/lot/api/v1/lots/{stack.lot_id}"
    async with aiohttp.ClientSession() as page, page.get(url, headers=headers) as answer:
        assert answer.status == 403


async def test_a_second_demo_on_the_same_folder_is_turned_away(stack: Stack) -> None:
    code, said = await run_taigan("demo", "--no-browser", "--data-dir", str(stack.data))
    assert (code, len(said)) == (5, 1)
    assert "another demo runs" in said[0]


@pytest.mark.parametrize("part", [pytest.param("lot", marks=on_the_file), "hub", "lanes"])
async def test_a_second_process_on_the_same_file_is_turned_away(stack: Stack, part: str) -> None:
    port = {f"TAIGAN_{part.upper()}_PORT": str(free_port())}
    code, said = await run_taigan(part, "--config", str(stack.data / "taigan.toml"), **port)
    assert (code, len(said)) == (5, 1), said
    assert str(stack.data) in said[0]


@pytest.mark.parametrize("part", ["lot", "hub", "lanes", "demo"])
async def test_a_port_in_use_is_named_with_the_option_that_changes_it(tmp_path: Path, part: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = {"lot": 0, "hub": 0, "lanes": 0, "demo": 0, part: taken.getsockname()[1]}
        options = [option for name, port in ports.items() for option in (f"--{name}-port", str(port))]
        code, said = await run_taigan("demo", "--no-browser", "--data-dir", str(tmp_path), *options)
    assert (code, len(said)) == (4, 1), said
    assert str(ports[part]) in said[0]


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, said = await run_taigan("demo", "--no-browser", "--data-dir", str(tmp_path / "file" / "data"))
    assert (code, len(said)) == (3, 1)
    assert str(tmp_path / "file" / "data") in said[0]
