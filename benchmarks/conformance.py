"""How long the conformance kit takes for everything, and whether its results flap: full runs in a row, good lot.

    .venv/bin/python -m benchmarks.conformance [--runs 20] [--out benchmarks/results/conformance.json]

Each run is `taigan conformance run` as a person starts it, with its usual patience, all profiles and `--strict`,
against a new good lot of `tests/conformance` in a process beside it. Aim: under three minutes, and the same results
each time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from conformance.lots.good import KEY, PARK, UNION, GoodLot  # noqa: E402
from support.servers.ports import free_port  # noqa: E402
from taigan.conformance.catalogue import PROFILES  # noqa: E402

AIM = 180.0
WHERE = {"entry-lane": ("A1", "A2"), "exit-lane": ("B1", "B2"), "profile": PROFILES}


async def one_run(folder: Path) -> dict[str, Any]:
    """The kit against a new good lot; how long it took and what came out."""
    (folder / "key").write_text(KEY)
    lot, port = GoodLot(), free_port()
    async with lot.running() as url:
        lot.hub_url = f"http://127.0.0.1:{port}"
        per_event = f"{url}/bolink/{{service_name}}"
        (folder / "features.toml").write_text(f'loop = true\nevent_callback = "{per_event}"\n')
        options = {
            "config": (str(folder / "features.toml"),),
            "callback": (f"{url}/bolink",),
            "union": (str(UNION),),
            "lot": (PARK,),
            "key": (f"file:{folder / 'key'}",),
            "hub-listen": (f"127.0.0.1:{port}",),
            "hook": (f"{url}/hook",),
            "report": (str(folder / "out"),),
            **WHERE,
        }
        given = [part for name, values in options.items() for value in values for part in (f"--{name}", value)]
        began = time.monotonic()
        command = [sys.executable, "-m", "taigan", "conformance", "run", "--test-lot", "--strict", "--ci", *given]
        kit = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        said, _ = await kit.communicate()
        seconds = time.monotonic() - began
    cases = json.loads((folder / "out" / "report.json").read_text())["cases"]
    odd = {case["id"]: case["status"] for case in cases if case["status"] != "passed"}
    if kit.returncode:
        print(said.decode())
    return {
        "seconds": round(seconds, 1),
        "exit_code": kit.returncode,
        "passed": len(cases) - len(odd),
        "otherwise": odd,
        "load": round(os.getloadavg()[0], 1),
    }


def main(runs: int, out: Path | None) -> int:
    rows: list[dict[str, Any]] = []
    for number in range(1, runs + 1):
        with tempfile.TemporaryDirectory() as name:
            rows.append(asyncio.run(one_run(Path(name))))
        print(number, json.dumps(rows[-1]), flush=True)
    longest = max(row["seconds"] for row in rows)
    same = len({json.dumps(row["otherwise"], sort_keys=True) for row in rows}) == 1
    print(
        f"{runs} runs: {min(row['seconds'] for row in rows)} to {longest} s, {'the same' if same else 'NOT the same'}"
    )
    if out is not None:
        out.write_text(json.dumps({"aim": AIM, "longest": longest, "same": same, "runs": rows}, indent=2) + "\n")
    return 0 if same and longest < AIM and not any(row["exit_code"] for row in rows) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main(asked.runs, asked.out))
