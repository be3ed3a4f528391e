"""The admin's interface against its own description: whatever fits it, or nearly, is answered and never a 500."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from hub.sides import LOT_ID, TOKEN, FakeLot, running_side, saying, serving_lot
from support.clock import ManualClock
from taigan.hub.rules import Rules

CHECKS = "not_a_server_error,ignored_auth"


@pytest.mark.timeout(300)
async def test_nothing_that_is_asked_of_the_admins_interface_is_a_500(tmp_path: Path) -> None:
    async with (
        serving_lot(FakeLot(answer=saying(1, car_number=""))) as lot,
        running_side(tmp_path, ManualClock(), lot.url, Rules(push_timeout=1)) as side,
    ):
        assert (await side.get("/admin/lots"))["items"][0]["lot_id"] == LOT_ID
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{side.url}/admin/schema/openapi.json"),
            *("-H", f"Authorization: Bearer {TOKEN}", "--checks", CHECKS, "--max-examples", "4", "--seed", "4"),
            *("--phases", "coverage,fuzzing", "--max-time", "6", "--request-timeout", "30"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-6000:]
