"""The ports of one demo, chosen before any of its parts runs."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from random import Random

from taigan.demo.errors import PortTaken

ANY = range(10_000, 32_000)
"""Where a port is looked for if any will do: below those that systems give to outgoing connections, one of which could
take it before its part listens."""
TRIES = 1_000


class Ports:
    """Finds free ports. Each is held until the end of the `with` block, so that none is found twice."""

    def __init__(self, chance: Random | None = None) -> None:
        self._chance = chance or Random()
        self._held = ExitStack()
        self._found: set[int] = set()

    def __enter__(self) -> Ports:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def find(self, host: str, wanted: int, name: str) -> int:
        """The wanted port of the part of this name, or any for 0. Raises `PortTaken`, which names the option."""
        if not wanted:
            return self._any(host, name)
        if wanted in self._found:
            raise PortTaken(f"two parts cannot share port {wanted}; choose another with --{name}-port")
        if reason := self._hold(host, wanted, again=True):
            raise PortTaken(
                f"port {wanted} on {host}, the {name}'s, cannot be used ({reason}); choose another with --{name}-port"
            )
        return wanted

    def _any(self, host: str, name: str) -> int:
        reason = ""
        for port in self._chance.choices(ANY, k=TRIES):
            if port not in self._found and not (reason := self._hold(host, port, again=False)):
                return port
        raise PortTaken(f"no port on {host} can be used for the {name} ({reason})")

    def _hold(self, host: str, port: int, *, again: bool) -> str:
        """Bind it, one that was in use a moment ago only `again`; why it cannot be, or empty."""
        probe = self._held.enter_context(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET))
        if again:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
        self._found.add(port)
        return ""
