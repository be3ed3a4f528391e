"""Judges taigan's own lot by the conformance kit, and puts the report and the badge into the documents."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from conformance.test_lots import KNOWN, LEFT_OUT  # noqa: E402
from support.stacks.own_lot import judged_own_lot  # noqa: E402
from taigan.conformance.report.files import write_report  # noqa: E402
from taigan.conformance.verdict.known import apply_known  # noqa: E402

REPORT = ROOT / "docs" / "own-lot"


async def main() -> None:
    REPORT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = await judged_own_lot(folder, dict.fromkeys(LEFT_OUT, "tried by tests of its own"))
        stale = apply_known(run.results, KNOWN, datetime.now(UTC).date())
        written = write_report(run, folder / "out", stale)
        for file in ("report.html", "badge.svg"):
            shutil.copyfile(folder / "out" / file, REPORT / file)
    sys.stdout.write(f"conformant: {written.summary.conformant} {written.summary.counts}\n")


asyncio.run(main())
