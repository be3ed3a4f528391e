"""A device's line to its MQTT broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import urlsplit

import aiomqtt

from taigan.network.mqtt_client import Client
from taigan.running.tasks import end

RECONNECT_AFTER = 1.0


class MqttLine:
    """Subscribes, hands on what comes, sends what is said, and comes back when the broker does.

    `topics` are filters with their QoS. `take` gets a message's topic and payload. `stay_alive` runs as long as a
    connection does. `options` are aiomqtt's.
    """

    def __init__(
        self,
        broker: str,
        topics: Sequence[tuple[str, int]],
        take: Callable[[str, Any], None],
        stay_alive: Callable[[], Coroutine[Any, Any, None]],
        **options: Any,
    ) -> None:
        self._address = urlsplit(broker)
        self._topics = list(topics)
        self._take = take
        self._stay_alive = stay_alive
        self._options = options
        self._outgoing: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()

    def say(self, topic: str, message: dict[str, Any]) -> None:
        """Send a message, when the broker is there."""
        self._outgoing.put_nowait((topic, message))

    async def start(self) -> None:
        """Begin to connect."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Disconnect; what was not sent is kept."""
        task, self._task = self._task, None
        await end(task)

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(aiomqtt.MqttError, OSError):
                address = self._address
                async with Client(address.hostname or "", address.port or 1883, **self._options) as client:
                    await client.subscribe(self._topics)
                    self.connected.set()
                    others = [asyncio.create_task(self._send(client)), asyncio.create_task(self._stay_alive())]
                    try:
                        async for message in client.messages:
                            self._take(message.topic.value, message.payload)
                    finally:
                        self.connected.clear()
                        await end(*others)
            await asyncio.sleep(RECONNECT_AFTER)

    async def _send(self, client: aiomqtt.Client) -> None:
        with contextlib.suppress(aiomqtt.MqttError):  # the connection is gone, and `_run` sees it too
            while True:
                topic, message = await self._outgoing.get()
                await client.publish(topic, json.dumps(message))
