"""The way to BoLink with the standard library alone, for whoever uses this package by itself.

The one module here that touches the network; no other imports it. Each message has a connection of its own, in a
thread: right for a lot that sends now and then. The lot platform, which sends many, has a faster one.
"""

from __future__ import annotations

import asyncio
import http.client
import socket
import time
import urllib.error
import urllib.request

from taigan.bolink.errors import TimedOut, Unreachable

_LARGEST_ANSWER = 4 * 1024 * 1024
_PIECE = 64 * 1024


class StandardTransport:
    """Posts JSON bodies; the proxies of the environment (`https_proxy` …) are used. Needs no closing."""

    def __init__(self) -> None:
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(),
        ):  # none that follows redirects or makes an error of a status
            self._opener.add_handler(handler)

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        """Posts a JSON body; the HTTP status and the body of the answer. Redirects are not followed.

        Raises Unreachable when there is no way there or the connection broke, TimedOut after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.to_thread(self._post, url, body, timeout)
        except TimeoutError as error:
            raise TimedOut(f"{url}: no answer within {timeout:g} s") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if isinstance(getattr(error, "reason", None), TimeoutError | socket.timeout):
                raise TimedOut(f"{url}: no answer within {timeout:g} s") from error
            raise Unreachable(f"{url}: {error}") from error

    def _post(self, url: str, body: bytes, timeout: float) -> tuple[int, bytes]:
        until = time.monotonic() + timeout
        request = urllib.request.Request(url, body, {"Content-Type": "application/json;charset=utf-8"}, method="POST")
        with self._opener.open(request, timeout=timeout) as answer:
            raw = bytearray()
            while piece := answer.read1(_PIECE):
                raw += piece
                if len(raw) > _LARGEST_ANSWER:
                    raise Unreachable(f"{url}: the answer is larger than {_LARGEST_ANSWER} bytes")
                if time.monotonic() > until:
                    raise TimeoutError
            if answer.length:
                raise Unreachable(f"{url}: the answer ended before its end")
            return answer.status, bytes(raw)
