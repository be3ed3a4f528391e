"""An address of the operator's own that sends the message."""

from __future__ import annotations

from datetime import datetime

import msgspec

from taigan import bolink
from taigan.lot.gateways.gateway import Arrival, Poster, Receipt, Registration, SmsFailed


class HttpGateway:
    """Posts `{"mobile", "code", "lot"}`; any status below 300 means taken."""

    def __init__(self, url: str, poster: Poster, timeout: float = 3.0) -> None:
        self._url = url
        self._poster = poster
        self._timeout = timeout

    async def send(self, mobile: str, code: str, lot_name: str) -> str:
        body = msgspec.json.encode({"mobile": mobile, "code": code, "lot": lot_name})
        try:
            status, _ = await self._poster.post(self._url, body, timeout=self._timeout)
        except bolink.BolinkError as error:
            raise SmsFailed(str(error)) from error
        if status >= 300:
            raise SmsFailed(f"the gateway answered {status}")
        return ""

    async def receipt(self, mobile: str, number: str, sent_at: datetime) -> Receipt:
        return Receipt(Arrival.UNKNOWN)

    async def registration(self) -> Registration:
        return Registration(True, "the address signs for itself")
