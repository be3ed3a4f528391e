"""Alarms posted to an address of the operator's own: a chat robot, a pager, a control room.

Best effort: the alarm's row is the truth (`GET /api/v1/lots/{lot_id}/alarms`). What the address does not take is posted
again a few times; while it is away the newest are kept.
"""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec
import structlog

from taigan import bolink
from taigan.clock import Clock
from taigan.storage.rows import Alarm

log = structlog.get_logger("taigan.alarms")

KEPT = 500
TRIES = 4
FIRST_PAUSE = 1.0
POST_WITHIN = 5.0


class AlarmHook:
    """Posts `{"lot_id", "channel_id", "order_id", "at", "kind", "text", "state"}` for each alarm, oldest first.

    `state` is `open`; once more with `ended` when the cause is gone by itself, and with `open` when one comes back
    that was put off.
    """

    def __init__(self, url: str, transport: bolink.Transport, clock: Clock) -> None:
        self._url = url
        self._transport = transport
        self._clock = clock
        self._waiting: deque[Alarm] = deque(maxlen=KEPT)
        self._posting: asyncio.Task[None] | None = None

    def take(self, alarm: Alarm) -> None:
        """Post an alarm soon."""
        self._waiting.append(alarm)
        if self._posting is None or self._posting.done():
            self._posting = asyncio.create_task(self._post_all())

    async def stop(self) -> None:
        """Give up what is not posted yet."""
        if self._posting is not None:
            self._posting.cancel()
            await asyncio.gather(self._posting, return_exceptions=True)

    async def _post_all(self) -> None:
        while self._waiting:
            alarm = self._waiting.popleft()
            body = msgspec.json.encode(
                {
                    "lot_id": alarm.lot_id,
                    "channel_id": alarm.channel_id,
                    "order_id": alarm.order_id,
                    "at": alarm.at,
                    "kind": alarm.kind,
                    "text": alarm.text,
                    "state": alarm.state,
                }
            )
            if not await self._post(body):
                log.error("alarm not posted", kind=alarm.kind, lot=alarm.lot_id, lane=alarm.channel_id)

    async def _post(self, body: bytes) -> bool:
        pause = FIRST_PAUSE
        for attempt in range(TRIES):
            if attempt:
                await self._clock.sleep(pause)
                pause *= 2
            try:
                status, _ = await self._transport.post(self._url, body, timeout=POST_WITHIN)
            except bolink.BolinkError as error:
                log.warning("alarm address not reached", error=str(error))
                continue
            if status < 300:
                return True
            log.warning("alarm address refuses", status=status)
        return False
