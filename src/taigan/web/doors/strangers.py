"""Doors whose refusals wait for whoever is refused again and again."""

from __future__ import annotations

from collections.abc import Collection

from taigan.strangers import Strangers
from taigan.web.asgi import App, Message, Receive, Scope, Send


class Wary:
    """A door whose refusals, answers of these statuses, wait for `Strangers`."""

    def __init__(self, door: App, name: str, strangers: Strangers, statuses: Collection[int]) -> None:
        self._door = door
        self._name = name
        self._strangers = strangers
        self._statuses = statuses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def slowly(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in self._statuses:
                address = scope["client"][0] if scope.get("client") else ""
                if not await self._strangers.refused(address, self._name, f"HTTP {message['status']}"):
                    message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        await self._door(scope, receive, slowly)
