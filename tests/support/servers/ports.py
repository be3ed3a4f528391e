"""Ports nobody listens on."""

from __future__ import annotations

import itertools
import os
import socket

FIRST, LAST = 10_000, 32_000
"""Below the ports that Linux gives to outgoing connections: one of those could take a port before its server does."""

_next = itertools.count(os.getpid() * 97)


def free_port() -> int:
    """A port on 127.0.0.1 that is free now and was not named before."""
    while True:
        port = FIRST + next(_next) % (LAST - FIRST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
