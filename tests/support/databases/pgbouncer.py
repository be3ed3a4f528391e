"""PgBouncer in front of a PostgreSQL of the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from support.clock import PATIENCE
from support.servers.ports import free_port

INSTALL = "PgBouncer is not here. Install it (apt-get install pgbouncer)."


@contextlib.contextmanager
def pgbouncer(folder: Path, url: str, *, pool_mode: str) -> Iterator[str]:
    """The address of a PgBouncer, as it comes but for `pool_mode`, before the database at `url`."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise RuntimeError(INSTALL)
    parsed = sa.make_url(url)
    port = free_port()
    account: dict[str, Any] = {}
    if os.getuid() == 0:  # it refuses to run as root
        user = pwd.getpwnam("postgres")
        account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        for above in (folder, *folder.parents):
            if above.stat().st_uid == 0 and above != Path("/"):
                above.chmod(above.stat().st_mode | 0o011)
    ini = folder / f"pgbouncer-{pool_mode}.ini"
    ini.write_text(
        f"[databases]\nlot = host={parsed.query['host']} dbname={parsed.database} user={parsed.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\nunix_socket_dir =\n"
        f"pool_mode = {pool_mode}\n"
    )
    ini.chmod(0o644)
    log = folder / f"pgbouncer-{pool_mode}.log"
    with log.open("wb") as into:
        running = subprocess.Popen([program, ini], stdout=into, stderr=into, **account)
    try:
        began = time.monotonic()
        while b"process up" not in log.read_bytes():
            if running.poll() is not None or time.monotonic() - began > PATIENCE:
                raise RuntimeError(f"PgBouncer did not start: {log.read_text()}")
            time.sleep(0.02)
        yield f"postgresql://{parsed.username}@127.0.0.1:{port}/lot"
    finally:
        running.terminate()
        running.wait(PATIENCE)
