"""Tasks that nobody waits for any longer."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from taigan.running.tasks import looked_at


@pytest.mark.parametrize("ends", ["well", "with an error", "cancelled"])
async def test_whatever_becomes_of_a_task_that_nobody_waits_for_nothing_complains(ends: str) -> None:
    gc.collect()  # what other tests left
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        if ends == "cancelled":
            await asyncio.Event().wait()
        if ends == "with an error":
            raise RuntimeError(ends)

    task = asyncio.create_task(work())
    task.add_done_callback(looked_at)
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0)
    del task
    gc.collect()
    assert complaints == []
