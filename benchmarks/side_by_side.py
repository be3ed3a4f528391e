"""What those benchmarks share that let several contestants take turns in one run."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.postgres import Postgres, server

RESULTS = Path(__file__).parent / "results"
SQL = Path(__file__).parent / "sql"
CONNECTIONS = 64
CLIENTS = 32


class Stage(NamedTuple):
    """What a run has at hand: a folder for what it starts, a PostgreSQL of its own, and who watches."""

    folder: Path
    postgres: Postgres
    progress: Progress


@contextlib.contextmanager
def stage(console: Console) -> Iterator[Stage]:
    """A run's stage. Of a run that fails the logs are kept."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # whoever was started is ended
    folder = Path(tempfile.mkdtemp(prefix="taigan-bench-"))
    columns = (TextColumn("{task.description:40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with server() as postgres, Progress(*columns, console=console) as progress:
            yield Stage(folder, postgres, progress)
    except BaseException:
        for log in folder.glob("*.log"):
            shutil.copy(log, Path(tempfile.gettempdir()) / f"bench-{log.name}")
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pgbench(postgres: Postgres, script: Path, seconds: int) -> float:
    """How often a second pgbench's clients carry out a script, in the database of its name."""
    run = ["-n", "-M", "prepared", "-c", CLIENTS, "-j", 2, "-T", seconds, "-f", script, "pgbench"]
    found = re.search(r"tps = ([\d.]+)", postgres.run("pgbench", *run))
    assert found is not None
    return float(found[1])


def spread(laps: Sequence[float]) -> dict[str, Any]:
    """Median, least and most of the laps, and the laps."""
    return {
        "median": statistics.median(laps),
        "least": min(laps),
        "most": max(laps),
        "laps": [round(lap, 1) for lap in laps],
    }


def verdict(met: bool) -> str:
    """In a table."""
    return "met" if met else "missed"


def where() -> dict[str, Any]:
    """On what machine, when, and how busy it is at this moment."""
    return {
        "machine": f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}",
        "at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load_average": os.getloadavg()[0],
    }


def told(place: dict[str, Any]) -> str:
    """`where`, in words."""
    return f"{place['machine']}, {place['at']}, load average at the start {place['load_average']:.1f}."
