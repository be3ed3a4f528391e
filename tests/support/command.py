"""Commands that do one thing and end, without a process for each: the start takes longer than most of what they do."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from typer.testing import CliRunner

from taigan.cli import app


def taigan(*words: object, said: str = "") -> tuple[int, list[str]]:
    """Run a command to its end, given `said` on standard input. Its exit code, and its lines on both outputs."""

    def run() -> tuple[int, list[str]]:
        done = CliRunner().invoke(app, [*map(str, words)], input=said, catch_exceptions=False)
        return done.exit_code, done.output.splitlines()

    umask = os.umask(0o022)
    os.umask(umask)
    try:
        with ThreadPoolExecutor(1) as apart:  # a command has an event loop of its own
            return apart.submit(run).result()
    finally:
        os.umask(umask)
