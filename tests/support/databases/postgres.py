"""A PostgreSQL server of our own for the length of a test run."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg

from support.clock import PATIENCE

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


class PostgresServer:
    """A server on a Unix socket. It survives its own death, but no power cut: for tests only."""

    def __init__(self, folder: Path) -> None:
        self._programs = binaries()
        self._folder = folder
        self._server: subprocess.Popen[bytes] | None = None
        # PostgreSQL refuses to run as root.
        self._account: dict[str, Any] = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            self._account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        initdb = ["initdb", "-D", folder / "data", "-U", "taigan", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run(
            [self._programs / initdb[0], *initdb[1:], "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            **self._account,
        )

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"postgresql://taigan@/postgres?host={self._folder}"

    def start(self) -> None:
        """Return when it answers."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder),
            "fsync": "off",
            "full_page_writes": "off",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_connections": "200",
            "shared_buffers": "64MB",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "data", *options],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                **self._account,
            )
        _await_ready(self._programs, self._folder, self._server)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: by SIGINT in order, by SIGQUIT as if it had crashed. Returns when it is gone."""
        if self._server is not None:
            self._server.send_signal(how)
            self._server.wait(PATIENCE)
            self._server = None


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server of our own."""
    folder = Path(tempfile.mkdtemp(prefix="taigan-pg-"))
    try:
        server = PostgresServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
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


NewDatabase = Callable[[], Awaitable[str]]


@contextlib.asynccontextmanager
async def new_databases(url: str) -> AsyncIterator[NewDatabase]:
    """Makes empty databases beside the one at `url`, by URL, dropped at the end."""
    made: list[str] = []

    async def create() -> str:
        made.append(f"taigan_{uuid.uuid4().hex[:12]}")
        return await create_database(url, made[-1])

    try:
        yield create
    finally:
        for name in made:
            await drop_database(url, name)


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
