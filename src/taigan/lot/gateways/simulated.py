"""A file instead of a phone, where a person can read the code; for trying out and for tests."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from taigan.clock import Clock
from taigan.lot.gateways.gateway import Arrival, Receipt, Registration, SmsFailed


class SimulatedGateway:
    """Writes each message into a file, one JSON object a line."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    async def send(self, mobile: str, code: str, lot_name: str) -> str:
        line = {"at": self._clock.now().isoformat(), "mobile": mobile, "code": code, "lot": lot_name}
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise SmsFailed(str(error)) from error
        return ""

    async def receipt(self, mobile: str, number: str, sent_at: datetime) -> Receipt:
        return Receipt(Arrival.UNKNOWN)

    async def registration(self) -> Registration:
        return Registration(True, "simulated")
