"""A PostgreSQL server of our own for the length of a test run."""

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

import asyncpg

INSTALL = "PostgreSQL is not here. Install it (apt-get install postgresql) or set TAIGAN_TEST_DATABASE_URL."


def binaries() -> Path:
    """The folder with initdb and postgres. Raises RuntimeError, with the line that installs them."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]), reverse=True
    )
    found = shutil.which("initdb")
    for initdb in [*versions, *([Path(found)] if found else [])]:
        return initdb.resolve().parent
    raise RuntimeError(INSTALL)


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server on a Unix socket; yields the URL of its first database. Fast, not durable: for tests only."""
    programs = binaries()
    folder = Path(tempfile.mkdtemp(prefix="taigan-pg-"))
    # PostgreSQL refuses to run as root.
    account: dict[str, object] = {}
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    try:
        initdb = ["initdb", "-D", folder / "data", "-U", "taigan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(
            [programs / initdb[0], *initdb[1:], "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **account,
        )
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=folder,
                **account,
            )
        try:
            _await_ready(programs, folder, server)
            yield f"postgresql://taigan@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await_ready(programs: Path, folder: Path, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        ready = subprocess.run(
            [programs / "pg_isready", "-h", folder, "-U", "taigan", "-t", "1"], stdout=subprocess.DEVNULL, check=False
        )
        if ready.returncode == 0:
            return
    raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")


async def create_database(url: str, name: str) -> str:
    """An empty database beside the one at `url`; its URL."""
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    finally:
        await conn.close()
    return with_database(url, name)


async def drop_database(url: str, name: str) -> None:
    """Drop it, whoever is connected."""
    conn = await asyncpg.connect(url)
    try:
        await conn.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await conn.close()


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    address, _, query = url.partition("?")
    base = address[: address.index("/", address.index("://") + 3)]
    return f"{base}/{name}" + (f"?{query}" if query else "")
