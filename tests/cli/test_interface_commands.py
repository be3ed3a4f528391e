"""`taigan interfaces` and `taigan hub push`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from hub.sides import KEY, PARK_ID, TOKEN, UNION_ID, FakeLot, running_side, saying, serving_lot
from support.clock import ManualClock
from support.spec import sections
from taigan.bolink import Direction, by_service
from taigan.lot.platform import HANDLERS, UNSIGNED

COLUMNS = {"section", "title", "title_zh", "service_name", "direction", "path", "completeness", "lot", "hub", "method"}


async def taigan(*arguments: str, cwd: Path) -> tuple[int, str]:
    """Run a command to its end; its exit code and all it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "taigan", *arguments),
        cwd=cwd,
        env=dict(os.environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode()


async def test_interfaces_shows_every_section_and_none_absent_at_the_hub(tmp_path: Path) -> None:
    code, said = await taigan("interfaces", "--json", cwd=tmp_path)
    rows: list[dict[str, Any]] = json.loads(said)
    assert code == 0
    rules = {"8.1", "8.2"}  # how chapter 8 is wrapped and signed
    documented = {section for section, row in sections().items() if row["direction"] in tuple(Direction)} - rules
    assert {row["section"] for row in rows} == documented
    assert all(set(row) >= COLUMNS for row in rows)
    assert {row["hub"] for row in rows} == {"yes"}
    handled = {row["section"] for row in rows if row["lot"] == "handled"}
    assert handled == {
        interface.section for interface in map(by_service, (*HANDLERS, *UNSIGNED)) if interface is not None
    }
    assert all((row["lot"] == "–") is (row["direction"] != "downlink") for row in rows)


async def test_interfaces_says_what_is_our_own_design(tmp_path: Path) -> None:
    code, said = await taigan("interfaces", cwd=tmp_path)
    lines = said.splitlines()
    assert code == 0
    assert lines[0].split()[:3] == ["section", "direction", "service_name"]
    assert "* 8.3, 8.4, 8.5, 8.6, 8.8, 8.9: own design: the document's page is not public" in lines


def configuration(folder: Path, hub: str) -> None:
    address = urlsplit(hub)
    (folder / "taigan.toml").write_text(
        f'[hub]\nhost = "{address.hostname}"\nport = {address.port}\nadmin_token = "{TOKEN}"\n'
        f'[[vendors]]\nunion_id = {UNION_ID}\nkey = "{KEY}"\n'
        f'[[lots]]\nunion_id = {UNION_ID}\npark_id = "{PARK_ID}"\nspaces = 10\n'
    )


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def test_push_sends_the_documented_example_with_what_was_set(tmp_path: Path, clock: ManualClock) -> None:
    async with serving_lot(FakeLot(answer=saying(1, car_number=""))) as lot:
        async with running_side(tmp_path, clock, lot.url) as side:
            configuration(tmp_path, side.url)
            code, said = await taigan(
                *("hub", "push", "special_plate", "--set", "car_number=沪B00001", "--set", "remark="), cwd=tmp_path
            )
            assert (code, "< answered 200" in said) == (0, True), said
            for arguments, words in (
                (("no_such_thing",), "service_name"),
                (("5.5", "--set", "total=much"), "data.total"),
                (("5.5", "--set", "total"), "FIELD=VALUE"),
                (("5.5", "--lot", "200002-nowhere"), "lot_id"),
            ):
                code, said = await taigan("hub", "push", *arguments, cwd=tmp_path)
                assert (code, words in said) == (2, True), said
        code, said = await taigan("hub", "push", "special_plate", cwd=tmp_path)
        assert (code, "does not answer" in said) == (1, True), said
    [message] = lot.pushes("special_plate")
    assert (message["car_number"], "remark" in message, message["park_id"]) == ("沪B00001", False, PARK_ID)
