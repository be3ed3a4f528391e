"""An emulated face terminal: stands at a gate of a residential area, and reports who passed until it is taken.

It speaks to the lot platform's REST API as any terminal would, with a token that may do nothing else.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from taigan.clock import Clock
from taigan.devices import DeviceError

KEPT = 10_000
"""So many passages wait for the platform; the oldest go first when there are more."""
REMEMBERED = 50
"""So many passages are remembered with what became of them."""
WITHIN = 5.0


class NotTaken(DeviceError):
    """The platform refused a passage; the text is what it said."""

    field = "passage"


@dataclass(slots=True)
class Passage:
    """Somebody passed. `state`: `waits`, `taken`, or `refused` with what the platform `said`."""

    body: dict[str, Any]
    state: str = "waits"
    said: str = ""


class FaceTerminal:
    """`url` is the lot's address in the API, up to its id; `new_id` gives names that were never given before."""

    def __init__(
        self,
        url: str,
        token: str,
        equipment_code: str,
        *,
        http: aiohttp.ClientSession,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self.equipment_code = equipment_code
        self.passed: deque[Passage] = deque(maxlen=REMEMBERED)
        self.address = f"{url}/passages"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http = http
        self._clock = clock
        self._new_id = new_id
        self._waiting: deque[Passage] = deque(maxlen=KEPT)
        self._sending = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """How many passages were not taken yet."""
        return len(self._waiting)

    async def passes(
        self, user_code: str, direction: str = "in", *, way: str = "face", score: str = "99.00"
    ) -> Passage:
        """Somebody passes (nobody known: empty). Kept while the platform is not there. Raises `NotTaken`."""
        passage = Passage(
            {
                "passage_id": f"{self.equipment_code}-{self._new_id()}",
                "equipment_code": self.equipment_code,
                "direction": direction,
                "way": way,
                "user_code": user_code,
                "score": score if way == "face" else "",
                "at": int(self._clock.now().timestamp()),
            }
        )
        self._waiting.append(passage)
        self.passed.append(passage)
        await self.send()
        if passage.state == "refused":
            raise NotTaken(passage.said)
        return passage

    async def send(self) -> None:
        """Report what waits, oldest first, until one is not answered; one that is refused is given up."""
        async with self._sending:
            while self._waiting and await self._answered(self._waiting[0]):
                pass

    async def _answered(self, passage: Passage) -> bool:
        try:
            async with self._http.post(
                self.address, json=passage.body, headers=self._headers, timeout=aiohttp.ClientTimeout(total=WITHIN)
            ) as answer:
                body = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return False
        if answer.status >= 500:
            return False
        passage.state = "taken" if answer.status == 200 else "refused"
        passage.said = "" if answer.status == 200 else _said(body)
        if self._waiting and self._waiting[0] is passage:  # it was not dropped meanwhile for want of room
            self._waiting.popleft()
        return True


def _said(body: str) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200]
