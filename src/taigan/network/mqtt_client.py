"""An MQTT client that notices each end of its connection at once, and outlives none of its sockets."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Any

import aiomqtt
from paho.mqtt import client as mqtt


class Client(aiomqtt.Client):
    """An MQTT client whose sockets are watched only while they are its own, and read to their end when they break.

    aiomqtt has the loop watch a socket's number a moment after it was asked to. By then the socket may be closed and
    its number another connection's, whose watch would be taken away: a cut that nobody notices, a command not sent.
    It reads one message whenever the loop calls; but uvloop calls a last time for a socket that broke, so that a
    message which arrived before the end would hide the end.
    """

    def _on_socket_open(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        def read() -> None:
            client.loop_read()
            while client.socket() is sock and (_is_held_back(sock) or _is_broken(sock)):
                client.loop_read()

        def watch() -> None:
            now = client.socket()
            if now is not None and now is sock:
                self._loop.add_reader(now.fileno(), self._ending(read))
                self._misc_task = self._loop.create_task(self._misc_loop())

        self._soon(watch)

    def _on_socket_register_write(self, client: mqtt.Client, userdata: Any, sock: Any) -> None:
        def watch() -> None:
            now = client.socket()
            if now is not None and now is sock:
                self._loop.add_writer(now.fileno(), self._ending(client.loop_write))

        self._soon(watch)

    def _ending(self, step: Callable[[], object]) -> Callable[[], None]:
        """A step of the connection, which ends with whatever the step raises."""

        def taken() -> None:
            try:
                step()
            except Exception as error:
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        return taken

    def _soon(self, watch: Callable[[], None]) -> None:
        """Have the loop begin to watch: now, or, as paho connects on a thread of its own, at the loop's next turn."""
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            self._ending(watch)()
        else:
            self._loop.call_soon_threadsafe(self._ending(watch))


def _is_held_back(sock: Any) -> bool:
    """Whether TLS has decrypted more than was read, of which the socket itself shows nothing."""
    return hasattr(sock, "pending") and sock.pending() > 0


def _is_broken(sock: Any) -> bool:
    poll = select.poll()
    poll.register(sock.fileno(), 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))
