"""The ports of one demo, chosen before any of its parts runs."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from taigan.demo.errors import PortTaken


class Ports:
    """Finds free ports. Each is held until the end of the `with` block, so that none is found twice."""

    def __init__(self) -> None:
        self._held = ExitStack()
        self._found: set[int] = set()

    def __enter__(self) -> Ports:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def find(self, host: str, wanted: int, name: str) -> int:
        """The wanted port of the part of this name, or any for 0. Raises `PortTaken`, which names the option."""
        if wanted in self._found:
            raise PortTaken(f"two parts cannot share port {wanted}; choose another with --{name}-port")
        probe = self._held.enter_context(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET))
        if wanted:  # one that was in use a moment ago is free; among any, the kernel could then give one twice
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise PortTaken(
                f"port {wanted} on {host}, the {name}'s, cannot be used ({error.strerror}); "
                f"choose another with --{name}-port"
            ) from None
        port = int(probe.getsockname()[1])
        self._found.add(port)
        return port
