"""A `taigan hub` that runs elsewhere and takes the platform's uploads: seen through its admin's interface.

What the hub answers is its own affair, so a case that needs an upload refused, lost or held back is not verified.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar

import aiohttp
import msgspec

from taigan import bolink
from taigan.conformance.doors.seen import Upload, Uploads
from taigan.conformance.model import BadConfiguration, Exchange, HubUnreachable, NotVerified
from taigan.network.unreached import why_not_reached

T = TypeVar("T")
LOOK_EVERY = 0.25
"""Seconds from one look at what has arrived to the next."""
GIVEN_UP_AFTER = 30.0
"""Seconds without an answer of the hub after which a run ends."""
ANSWERS_WITHIN = 10.0
PAGE = 200


class _Lot(msgspec.Struct):
    lot_id: str


class _Lots(msgspec.Struct):
    items: list[_Lot]


class _Arrival(msgspec.Struct):
    """What is used of an arrival; a hub may tell more."""

    id: int
    time: datetime
    section: str
    body: str
    status: int
    answer: str
    accepted: bool
    fault: str


class _Arrivals(msgspec.Struct):
    items: list[_Arrival]
    next: str | None


class RunningHub(Uploads):
    """The arrivals of one lot at a hub, from now on."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        token: str,
        key: str,
        record: Callable[[Exchange], None],
        number: Callable[[], int],
    ) -> None:
        super().__init__(key, record, number)
        self._session = session
        self._token = token
        self._lot_id = ""
        self._last = 0
        self._ahead = timedelta(0)
        """How far its clock is before ours."""
        self._began = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def start(self, url: str, union_id: int, park_id: str, began: float) -> None:
        """Begin to look. Raises BadConfiguration, HubUnreachable."""
        self.url = url.rstrip("/")
        self._began = time.time() - (time.monotonic() - began)
        self._lot_id = f"{union_id}-{park_id}"
        lots = await self._get("/admin/lots", _Lots)
        if self._lot_id not in [lot.lot_id for lot in lots.items]:
            known = ", ".join(lot.lot_id for lot in lots.items) or "none"
            raise BadConfiguration(f"hub: {self.url} does not know the lot {self._lot_id}; it knows {known}")
        newest = await self._get(f"/admin/arrivals?lot_id={self._lot_id}&limit=1", _Arrivals)
        self._last = max((each.id for each in newest.items), default=0)
        self._looking = asyncio.create_task(self._look_on())

    async def stop(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await looking

    def trouble(self, section: str, driver: str, *kinds: str) -> None:
        if kinds:
            _not_here()

    def cut_off(self, *drivers: str) -> Callable[[], None]:
        _not_here()

    async def _look_on(self) -> None:
        answered = time.monotonic()
        while not self.failed:
            try:
                for arrival in await self._new():
                    self._arrived(self._seen(arrival))
                answered = time.monotonic()
            except HubUnreachable as error:
                if time.monotonic() - answered > GIVEN_UP_AFTER:
                    self.failed = str(error)
            except BadConfiguration as error:
                self.failed = str(error)
            await asyncio.sleep(LOOK_EVERY)

    async def _new(self) -> list[_Arrival]:
        """What has arrived since, oldest first."""
        found: list[_Arrival] = []
        cursor = ""
        while True:
            page = await self._get(f"/admin/arrivals?lot_id={self._lot_id}&limit={PAGE}&cursor={cursor}", _Arrivals)
            fresh = [each for each in page.items if each.id > self._last]
            found += fresh
            if page.next is None or len(fresh) < len(page.items):
                break
            cursor = page.next
        if found:
            self._last = found[0].id
        return found[::-1]

    def _seen(self, arrival: _Arrival) -> Upload:
        path = bolink.by_section(arrival.section).path if arrival.section else ""
        exchange = Exchange(
            number=self._number(),
            sent=False,
            at=(arrival.time - self._ahead).timestamp() - self._began,
            url=path,
            headers={},
            body=arrival.body.encode(),
            status=arrival.status,
            answer=arrival.answer.encode(),
        )
        upload = self._read(exchange, path)
        upload.taken, upload.trouble, upload.done = arrival.accepted, arrival.fault, True
        return upload

    async def _get(self, path: str, kind: type[T]) -> T:
        headers = {"Authorization": f"Bearer {self._token}"}
        within = aiohttp.ClientTimeout(ANSWERS_WITHIN)
        try:
            async with self._session.get(
                self.url + path, headers=headers, timeout=within, allow_redirects=False
            ) as answer:
                body = await answer.read()
                said = answer.headers
                status = answer.status
        except TimeoutError:
            raise HubUnreachable(f"hub: {self.url} does not answer within {ANSWERS_WITHIN:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise HubUnreachable(f"hub: {self.url} cannot be reached: {why_not_reached(error)[1]}") from None
        if status in (401, 403):
            raise BadConfiguration(f"hub_token: {self.url} does not take this token; it is the hub's admin_token")
        if status == 429:
            raise BadConfiguration(
                f"hub_token: {self.url} takes no token for {said.get('Retry-After', 'some')} s: too many were wrong"
            )
        if status >= 500:
            raise HubUnreachable(f"hub: {self.url} answers HTTP {status}")
        try:
            found = msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what = f"HTTP {status}" if status != 200 else str(error)
            raise BadConfiguration(
                f"hub: {self.url}{path.partition('?')[0]} does not answer as this version of taigan hub does ({what}): "
                "is it one, and as new as this kit?"
            ) from None
        self._set_clock(said)
        return found

    def _set_clock(self, headers: Any) -> None:
        with contextlib.suppress(KeyError, ValueError, TypeError):
            ahead = parsedate_to_datetime(headers["Date"]) - datetime.now().astimezone()
            # Date has whole seconds: clocks that are closer than that are the same.
            self._ahead = ahead if abs(ahead) > timedelta(seconds=2) else timedelta(0)


def _not_here() -> NoReturn:
    raise NotVerified(
        "要让某一条上报被拒绝、丢失或延迟：只有本工具自己当泊链（--hub-listen）时才行",
        "an upload has to be refused, lost or held back: only the kit's own hub can do that (--hub-listen)",
    )
