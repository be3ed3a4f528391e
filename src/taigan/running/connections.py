"""What a connection may cost before we know who it is: the size of a head, the time for it, the time for a body.

uvicorn has no such limits with httptools. They hold on every port that `process.serve` opens, before any application.
"""

from __future__ import annotations

import asyncio
import resource
from asyncio.events import TimerHandle
from typing import Any

import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

log = structlog.get_logger("taigan.process")

HEAD_LIMIT = 32 * 1024
"""Bytes of a request's line and headers together."""
HEAD_WITHIN = 10.0
"""Seconds that a connection has for its first head, and from the first byte of each later one."""
PIECE_WITHIN = 10.0
"""Seconds within which each piece of a body comes."""
BODY_WITHIN = 65.0
"""Seconds that a whole body has; most doors give it fewer, and pictures over slow lines a minute."""
KEPT_BACK = 64
"""Descriptors that connections never take: the database, barriers and uploads need theirs."""
MOST = 100_000
"""Connections of one port, however many descriptors there are."""


class Places:
    """The connections of one port: how many and how slow they may be, and which of them have nothing under way."""

    def __init__(
        self,
        most: int,
        *,
        head_within: float = HEAD_WITHIN,
        piece_within: float = PIECE_WITHIN,
        body_within: float = BODY_WITHIN,
    ) -> None:
        self.most = most
        self.head_within = head_within
        self.piece_within = piece_within
        self.body_within = body_within
        self.taken: set[LimitedProtocol] = set()
        self.strange: dict[LimitedProtocol, None] = {}
        """Those that never sent a whole head, the oldest first."""
        self.idle: dict[LimitedProtocol, None] = {}
        """Those that wait for their next request."""

    def take(self, protocol: LimitedProtocol) -> bool:
        """Give a place to a new connection, that of one which says nothing if need be. Tells whether there was one."""
        if len(self.taken) >= self.most:
            goes = next(iter(self.strange), None) or next(iter(self.idle), None)
            if goes is None:
                return False
            log.warning("a silent connection makes room for a new one", connections=len(self.taken))
            goes.drop()
        self.taken.add(protocol)
        self.strange[protocol] = None
        return True

    def has_request(self, protocol: LimitedProtocol) -> None:
        self.strange.pop(protocol, None)
        self.idle.pop(protocol, None)

    def leave(self, protocol: LimitedProtocol) -> None:
        self.has_request(protocol)
        self.taken.discard(protocol)


def places_for(ports: int) -> int:
    """How many connections a port may hold, where the process opens so many ports: its share of the descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    except (OSError, ValueError):  # a sandbox may forbid it
        log.info("the limit of descriptors cannot be raised", limit=soft)
    return MOST if soft == resource.RLIM_INFINITY else max(8, min(MOST, (soft - KEPT_BACK) // ports))


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the limits of this module. The application sees nothing of what is refused here."""

    def __init__(self, *args: Any, places: Places, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = places
        self._in_head = True
        self._begun = False
        """Whether the first byte of the present head was seen."""
        self._ended = False
        """Whether a request ended in the chunk that is being read."""
        self._received = 0
        """Bytes that came since the last whole head and body."""
        self._head = 0
        """Bytes of the present head's line and headers."""
        self._deadline: TimerHandle | None = None
        self._body_ends = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if not self._places.take(self):
            transport.abort()
            return
        self._within(self._places.head_within)

    def connection_lost(self, exc: Exception | None) -> None:
        self._places.leave(self)
        self._at_leisure()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._ended = False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._in_head:  # of a message that is whole in one piece nothing is waited for
            self._within(min(self._places.piece_within, self._body_ends - self.loop.time()))
            return
        if not self._ended:
            self._received += len(data)
        if self._received > HEAD_LIMIT:
            self._refuse(431)
        elif self._deadline is None and (self._begun or not self._ended):
            self._within(self._places.head_within)

    def on_message_begin(self) -> None:
        self._head, self._begun = 0, True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._head += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value) + 4
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.transport.is_closing():
            return
        if self._head > HEAD_LIMIT:
            self._refuse(431)
            return
        self._in_head = self._begun = False
        self._places.has_request(self)
        self._body_ends = self.loop.time() + self._places.body_within
        self._at_leisure()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self.transport.is_closing():
            return
        self._in_head, self._ended, self._received = True, True, 0
        self._at_leisure()
        super().on_message_complete()
        if self.cycle.response_complete:  # the answer was there before the body: nothing else waits for the next one
            self._wait_for_next()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete and self._deadline is None:
            self._places.idle[self] = None

    def _wait_for_next(self) -> None:
        self._places.idle[self] = None
        if self.timeout_keep_alive_task is None:
            after = self.timeout_keep_alive
            self.timeout_keep_alive_task = self.loop.call_later(after, self.timeout_keep_alive_handler)

    def drop(self) -> None:
        """Make room for others."""
        self._places.leave(self)
        self.transport.abort()

    def _within(self, seconds: float) -> None:
        self._at_leisure()
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _at_leisure(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        begun = cycle is not None and cycle.response_started and not cycle.response_complete
        if begun or (self._in_head and not self._begun and self._received == 0):
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        log.info("a request was refused before it was whole", status=status, peer=self.client and self.client[0])
        self._at_leisure()
        body = b'{"error":{"code":"%s","message":"%s","field":null}}' % _SAID[status]
        lines = [STATUS_LINE[status], b"content-type: application/json\r\nconnection: close\r\n"]
        self.transport.write(b"".join([*lines, b"content-length: %d\r\n\r\n" % len(body), body]))
        self.transport.close()


_SAID = {
    408: (b"too_slow", b"the request did not come in time"),
    431: (b"too_large", b"the head has more than %d bytes" % HEAD_LIMIT),
}
