"""A Mosquitto broker of our own for the length of a test run."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from support.clock import PATIENCE
from support.servers.ports import free_port
from support.servers.programs import program


class Broker:
    """A running broker on 127.0.0.1. `options` are further lines of its configuration."""

    def __init__(self, folder: Path, port: int, options: str = "") -> None:
        self.port = port
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it answers; also after `stop`, on the same port."""
        config = self._folder / "mosquitto.conf"
        # Without no-delay each small message waits for the peer's delayed acknowledgement: 50 ms instead of 2.
        config.write_text(
            f"listener {self.port} 127.0.0.1\nset_tcp_nodelay true\npersistence false\n"
            + (self._options or "allow_anonymous true\n")
        )
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program("mosquitto", "mosquitto"), "-c", config], stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
        raise RuntimeError(f"Mosquitto did not start: {(self._folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it; clients lose their connection."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None


@contextlib.contextmanager
def mosquitto_broker(options: str = "") -> Iterator[Broker]:
    """Run a broker on a free port. Without `options` it takes anonymous clients."""
    folder = Path(tempfile.mkdtemp(prefix="taigan-mqtt-"))
    folder.chmod(0o755)  # started by root, it gives up root and must still read its configuration
    broker = Broker(folder, free_port(), options)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()
        shutil.rmtree(folder, ignore_errors=True)
