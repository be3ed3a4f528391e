"""BoLink as the lot platform's client meets it: keeps what it is sent, and answers as a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from support.clock import PATIENCE, ManualClock
from taigan import bolink
from taigan.bolink import TimedOut, Unreachable

_MET = ("2.3", "2.5", "3.1", "3.2", "3.7", "3.8", "3.11", "4.1", "4.3", "10.1")
SECTIONS = {bolink.by_section(section).path: section for section in _MET}


@dataclass(frozen=True)
class Upload:
    """One request as it came."""

    section: str
    at: datetime
    data: Mapping[str, Any]
    key: str  # the key that its signature was made with, empty if none of the known ones
    body: bytes

    @property
    def order_id(self) -> str:
        return str(self.data.get("order_id", ""))


class BolinkSide:
    """A transport that ends here."""

    def __init__(self, clock: ManualClock, keys: list[str]) -> None:
        self._clock = clock
        self.keys = keys
        self.uploads: list[Upload] = []
        self.reachable = True
        self.loses_answers = False
        self.refuses: dict[str, str] = {}  # by section: the text that it is refused with
        self.refuses_codes_of: set[str] = set()  # by park_id
        self.answers: dict[str, tuple[int, bytes]] = {}  # by section: the very answer
        self.charges: list[dict[str, Any]] = []  # what the next pulls (3.2 wallet, sweepcode; 3.7) are answered
        self.paid: dict[str, list[dict[str, Any]]] = {}  # what 4.3 knows of an order's payments
        self.books: dict[str, list[dict[str, Any]]] = {}  # what 4.1 has of an order
        self.holds = False  # whether it lets requests wait until `go_on`
        self._go_on = asyncio.Event()
        self._news = asyncio.Event()

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        if not self.reachable:
            raise Unreachable(f"{url}: nobody there")
        section = SECTIONS[url.removeprefix("http://hub")]
        envelope = bolink.open_envelope(body)
        key = next((key for key in self.keys if bolink.verify(envelope.text, envelope.sign, key)), "")
        upload = Upload(section, self._clock.now(), json.loads(envelope.text), key, body)
        self.uploads.append(upload)
        self._news.set()
        if self.holds:
            await self._go_on.wait()
        if self.loses_answers:
            raise TimedOut(f"{url}: no answer")
        takes_money = section == "3.7" or (section == "3.2" and upload.data["pay_type"] in ("wallet", "sweepcode"))
        if takes_money and self.charges:
            return 200, json.dumps(self.charges.pop(0)).encode()
        if section == "4.3":
            return 200, json.dumps({"state": 1, "errmsg": "ok", "data": self.paid.get(upload.order_id, [])}).encode()
        if section in self.answers:
            return self.answers[section]
        if section in self.refuses:
            return 200, json.dumps({"state": 0, "order_id": upload.order_id, "errmsg": self.refuses[section]}).encode()
        if section == "4.1" and section not in self.refuses:
            found = self.books.get(upload.order_id, [])
            answer = {"state": 1, "errmsg": "ok", "page": 1, "count": len(found), "data": found}
            return 200, json.dumps(answer).encode()
        if section == "2.3":
            url = f"http://code/{upload.data.get('channel_id', '')}"
            code = {"state": 1, "type": upload.data["type"], "errmsg": "ok", "code_url": url}
            if upload.data["park_id"] in self.refuses_codes_of:
                code = {"state": 0, "type": upload.data["type"], "errmsg": "unknown lot"}
            return 200, json.dumps(code).encode()
        return 200, json.dumps({"state": 1, "order_id": upload.order_id, "errmsg": "ok"}).encode()

    def go_on(self) -> None:
        """Answer the requests that were let wait."""
        self.holds = False
        self._go_on.set()

    def of(self, section: str) -> list[Upload]:
        """The requests of one interface so far."""
        return [upload for upload in self.uploads if upload.section == section]

    async def received(self, section: str, times: int = 1) -> Upload:
        """The last request of an interface, once so many have come."""
        async with asyncio.timeout(PATIENCE):
            while len(self.of(section)) < times:
                self._news.clear()
                await self._news.wait()
        return self.of(section)[times - 1]
