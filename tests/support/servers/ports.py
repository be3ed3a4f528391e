"""Ports nobody listens on."""

from __future__ import annotations

import itertools
import os
import socket

FIRST, LAST = 10_000, 32_000
"""Below the ports that Linux gives to outgoing connections: one of those could take a port before its server does."""

_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_EACH = (LAST - FIRST) // _WORKERS
_next = itertools.count(os.getpid() * 97)


def free_port() -> int:
    """A port on 127.0.0.1 that is free now and was not named before, here or by another worker of the run."""
    while True:
        port = FIRST + _WORKER * _EACH + next(_next) % _EACH
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
