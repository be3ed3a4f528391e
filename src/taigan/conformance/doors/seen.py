"""What the platform uploads, as BoLink's side sees it: the kit's own hub, or one that runs elsewhere."""

from __future__ import annotations

import asyncio
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from taigan import bolink
from taigan.bolink import BadMessage
from taigan.bolink.advice import wrong_signatures
from taigan.bolink.advice.remarks import Remark, on_request
from taigan.conformance.model import Exchange

BUSY = 30.0
"""Seconds that one upload may take longer because others are on their way."""
_BY_PATH = {
    interface.path: interface
    for interface in bolink.CATALOGUE
    if interface.direction is bolink.Direction.UPLINK and interface.path
}


@dataclass
class Upload:
    """One message that the platform sent to BoLink."""

    exchange: Exchange
    section: str
    signed: bool
    data: dict[str, Any]
    problem: str = ""
    """Why the catalogue cannot read it; empty when it can."""
    remarks: Sequence[Remark] = ()
    """What is wrong with it although it can be read."""
    taken: bool = False
    trouble: str = ""
    done: bool = False
    why_wrong: tuple[str, str] = ("", "")
    """Where the signature is wrong: the mistake that gives it, and the right one worked out, the key hidden."""

    @property
    def at(self) -> float:
        return self.exchange.at

    @property
    def order_id(self) -> str:
        return str(self.data.get("order_id", ""))

    @property
    def car_number(self) -> str:
        return str(self.data.get("car_number", ""))

    def of(self, driver: str) -> bool:
        """Is it about that driver or plate? A lot may put its mark before a licence."""
        return bool(driver) and self.car_number.endswith(driver)


class Uploads(ABC):
    """Everything that the platform uploads in a run, and what may be done to it on its way."""

    def __init__(self, key: str, record: Callable[[Exchange], None], number: Callable[[], int]) -> None:
        self.uploads: list[Upload] = []
        self.url = ""
        self.failed = ""
        """Why nothing is seen any more; empty while all is well."""
        self._key = key
        self._record = record
        self._number = number
        self._orders: set[str] = set()
        self._waiting: set[asyncio.Event] = set()

    @abstractmethod
    async def stop(self) -> None:
        """Look no more. Idempotent."""

    @abstractmethod
    def trouble(self, section: str, driver: str, *kinds: str) -> None:
        """What the next uploads of that section and driver meet, one after the other.

        One of: `500`, `lost` (taken, the connection closed without an answer), `down` (closed, not taken), `late`,
        `half`, `html`, `redirect`, `refuse:TEXT`, `exists`, `escape` (taken, with an escapeOrder), `state:N`.

        Raises NotVerified where uploads cannot be troubled.
        """

    @abstractmethod
    def cut_off(self, *drivers: str) -> Callable[[], None]:
        """No upload about these gets through until the function that is returned is called. Raises NotVerified."""

    def of(self, driver: str, section: str = "3.1") -> list[Upload]:
        """What came about a driver."""
        return [upload for upload in self.uploads if upload.section == section and upload.of(driver)]

    async def until(self, wanted: Callable[[], Any], within: float) -> Any:
        """The first true result of `wanted`, looked at again whenever something arrives; None in time.

        The time begins anew with each upload of another order, up to `BUSY` seconds in all: a platform that keeps
        BoLink's pace may have others to send first.
        """
        news = asyncio.Event()
        self._waiting.add(news)
        began, seen = time.monotonic(), len(self._orders)
        deadline = began + within
        try:
            while not (found := wanted()):
                if len(self._orders) > seen:
                    seen = len(self._orders)
                    deadline = min(time.monotonic() + within, began + within + BUSY)
                news.clear()
                try:
                    async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                        await news.wait()
                except TimeoutError:
                    return wanted() or None
            return found
        finally:
            self._waiting.discard(news)

    def _tell(self) -> None:
        for news in self._waiting:
            news.set()

    def _arrived(self, upload: Upload) -> None:
        self.uploads.append(upload)
        self._orders.add(upload.order_id)
        self._record(upload.exchange)
        self._tell()

    def _read(self, exchange: Exchange, path: str) -> Upload:
        interface = _BY_PATH.get(path)
        section = interface.section if interface else ""
        exchange.section = section
        if interface is None:
            return Upload(exchange, "", False, {}, f"no such address: {path}")
        try:
            envelope = bolink.open_envelope(exchange.body)
            data = json.loads(envelope.text)
        except (BadMessage, ValueError, RecursionError) as error:
            return Upload(exchange, section, False, {}, str(error))
        signed = bolink.sign(envelope.text, self._key) == envelope.sign
        if not signed and interface.sorted_pairs:
            signed = interface.verify(envelope.text, envelope.sign, self._key) is not None
        upload = Upload(exchange, section, signed, data if isinstance(data, dict) else {})
        if not signed:
            upload.why_wrong = why_wrong(envelope, exchange.body, self._key)
        upload.remarks = on_request(interface, envelope.text, datetime.now(UTC))
        try:
            interface.read_request(envelope.text)
        except BadMessage as error:
            upload.problem = str(error)
        return upload


def why_wrong(envelope: bolink.Envelope, body: bytes, key: str) -> tuple[str, str]:
    """Which usual mistake gives the signature that came, and the right one worked out, the key hidden."""
    steps = wrong_signatures.worked_out(envelope.text, key)
    zh, en = wrong_signatures.why_wrong(envelope.text, envelope.sign, key, body=body)
    right = f"MD5({steps.text}) = {steps.sign}"
    return f"{zh}。收到 {envelope.sign}；应为 {right}", f"{en}. Given {envelope.sign}; right is {right}"
