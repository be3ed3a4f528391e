"""The conformance kit against a lot in the same process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.servers.ports import free_port
from taigan.conformance.catalogue import PROFILES
from taigan.conformance.plan import Plan
from taigan.conformance.run import Run

TRIES = 3
"""Runs until one meets no stall of the machine, which makes any lot late; what is wrong in a lot is wrong in each."""
QUICK: dict[str, Any] = {"patience": 0.05, "answer_within": 2.0, "repeats": 0, "strict": True, "at_once": 12}


async def judged(lot: Any, folder: Path, *only: str, kit_key: str = "", **changed: Any) -> Run:
    """A run, done, of those cases (all when none are named) against a lot that is started for it.

    `kit_key` is the key that the kit has, where that is not the lot's.
    """
    key = folder / "key"
    key.write_text(kit_key or getattr(type(lot), "key", "a key of the good lot"))
    port = free_port()
    async with lot.running() as url:
        lot.hub_url = changed.get("hub") or f"http://127.0.0.1:{port}"
        plan = Plan(
            **{
                "callback": f"{url}/bolink",
                "event_callback": f"{url}/bolink/{{service_name}}",
                "union_id": 200002,
                "park_id": "21787",
                "key": f"file:{key}",
                "entry_lanes": ("A1", "A2"),
                "exit_lanes": ("B1", "B2"),
                "profiles": PROFILES,
                "loop": True,
                "hub_listen": f"127.0.0.1:{port}",
                "hook": f"{url}/hook",
                "test_lot": True,
                "seed": 7,
                "only": only,
                **QUICK,
                **changed,
            }
        )
        run = Run(plan)
        await run.execute()
        return run
