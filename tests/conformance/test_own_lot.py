"""taigan's own lot, as real processes, is judged by the kit: what it claims it does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.own_lot import KEY, PARK, UNION, OwnLot
from support.ports import free_port
from taigan.conformance.known import apply_known
from taigan.conformance.model import Status
from taigan.conformance.plan import Plan
from taigan.conformance.run import Run
from taigan.conformance.summary import summary_of

KNOWN = {
    "5.7/07": "an entry without an exit is left to a person's review; BoLink is told nothing of it",
}
LEFT_OUT = ("5.7/14", "3.1/05", "3.1/06")
"""Kills and long outages: tests/crash does these, many times over."""


@pytest.mark.timeout(300)
async def test_the_own_lot_does_what_it_claims(tmp_path: Path) -> None:
    lot, port = OwnLot(tmp_path), free_port()
    lot.hub_url = f"http://127.0.0.1:{port}"
    (tmp_path / "bolink.key").write_text(KEY)
    async with lot.running() as url:
        run = Run(
            Plan(
                callback=f"{url}/bolink",
                event_callback=f"{url}/bolink/{{service_name}}",
                union_id=UNION,
                park_id=PARK,
                key=f"file:{tmp_path / 'bolink.key'}",
                entry_lanes=("A1", "A2"),
                profiles=("signature", "entry"),
                not_handled=dict.fromkeys(LEFT_OUT, "tried by tests of its own"),
                mobile_prefix="199",
                loop=True,
                hub_listen=f"127.0.0.1:{port}",
                hook=lot.hook_url,
                test_lot=True,
                patience=0.1,
                repeats=0,
            )
        )
        await run.execute()
    stale = apply_known(run.results, KNOWN, datetime.now(UTC).date())
    wrong = {
        result.case.case_id: [(check.name, check.got.en) for check in result.failures]
        for result in run.results
        if result.status in (Status.FAILED, Status.WARNING, Status.ENGINE_ERROR) and not result.known
    }
    assert wrong == {}
    assert stale == []
    assert summary_of(run.results).exit_code == 0
