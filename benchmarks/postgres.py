"""A PostgreSQL server of our own, durable as it is shipped: `fsync` and `synchronous_commit` are on."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import leash

SETTINGS = {"max_connections": "100", "shared_buffers": "512MB", "max_wal_size": "4GB", "listen_addresses": ""}
"""Besides the defaults; no setting here makes a commit less durable."""


class Postgres:
    """A running server. `folder` holds its socket."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs

    def url(self, database: str) -> str:
        """The database's URL, as `database_url` takes it."""
        return f"postgresql://taigan@/{database}?host={self.folder}"

    def run(self, program: str, *arguments: object, **options: Any) -> str:
        """Run one of PostgreSQL's programs against the server; its output."""
        command = [self._programs / program, "-h", self.folder, "-U", "taigan", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr[-2000:]}")
        return done.stdout

    def sql(self, database: str, statements: str) -> str:
        """Run SQL; what it printed."""
        return self.run("psql", "-d", database, "-qAt", "-v", "ON_ERROR_STOP=1", "-c", statements)


@contextlib.contextmanager
def server() -> Iterator[Postgres]:
    """Start a server in a folder of its own, and remove both at the end."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[4]))
    named = shutil.which("initdb")
    programs = found[-1] if found else Path(named or "initdb").resolve().parent
    folder = Path(tempfile.mkdtemp(prefix="taigan-bench-pg-"))
    account: dict[str, Any] = {}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    try:
        initdb = [programs / "initdb", "-D", folder / "data", "-U", "taigan", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*initdb, "--locale=C.UTF-8"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **account)
        options = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
        options += ["-c", f"unix_socket_directories={folder}"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
                **account,
            )
        leash.hold(process.pid)
        try:
            ready = [programs / "pg_isready", "-h", folder, "-U", "taigan", "-t", "1", "-q"]
            while process.poll() is None and subprocess.run(ready, check=False).returncode:
                pass
            yield Postgres(folder, programs)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
