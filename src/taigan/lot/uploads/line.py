"""A lot's line to BoLink where nothing can reach the lot: log in, fetch messages, upload what is answered.

What goes over the wire is `taigan.bolink.wire.polling`.
Nothing depends on a line that holds: what could not be uploaded stays owed, an answer is uploaded until it was taken or
nobody waits for it any more, and BoLink sends a payment again that was not answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog

from taigan import bolink
from taigan.bolink import Addresses, BadMessage, BolinkClient, Refused, TimedOut, Transport, Unreachable
from taigan.bolink.describing.interface import Interface
from taigan.bolink.wire import polling
from taigan.bolink.wire.polling import Handed, LoginData, Said
from taigan.clock import Clock
from taigan.lot.errors import LotError

log = structlog.get_logger("taigan.line")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds between two tries to log in or to fetch, while BoLink is not reached: doubled each time."""
SPARE = 10.0
"""Seconds that a poll is waited for beyond the time that BoLink holds it."""
ANSWER_FOR = 10.0
"""Seconds during which an answer is tried to be uploaded; then nobody waits for it any more."""
NO_PICTURES = "轮询方式下不能查图片"
AT_ONCE = 64
"""So many messages are answered at the same time; the next is fetched when one is done."""
POLLED = {"3.1": "inpark", "3.2": "outpark"}
"""What goes up by the line, by section, and what it is called there."""

Answer = Callable[[bytes, str], Awaitable[tuple[int, bytes]]]
"""How the body of a callback of this name is answered: HTTP status and body."""


class TokenOver(Unreachable):
    """BoLink does not know the token any more; the line logs in again."""


class Line:
    """The line of one lot. `name` tells this process's connection from others; `key` gives the key of the moment."""

    def __init__(
        self,
        lot_id: str,
        channels: list[str],
        key: Callable[[], str],
        addresses: Addresses,
        transport: Transport,
        answer: Answer,
        clock: Clock,
        random: Random,
        *,
        name: str,
        timeout: float,
    ) -> None:
        self.lot_id = lot_id
        self.channels = channels
        self._key = key
        self._upload_url = addresses.polling(polling.UPLOAD_PATH)
        self._download_url = addresses.polling(polling.DOWNLOAD_PATH)
        self._transport = transport
        self._answer = answer
        self._clock = clock
        self._random = random
        self._name = name
        self._timeout = timeout
        self._token = ""
        self._answering: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Fetch and answer until cancelled."""
        pause = FIRST_PAUSE
        silent = False
        try:
            while True:
                try:
                    if not self._token:
                        await self._log_in()
                        log.info("logged in at BoLink", lot=self.lot_id, lanes=self.channels)
                    await self._fetch()
                    pause, silent = FIRST_PAUSE, False
                    continue
                except TokenOver:
                    self._token = ""
                    log.info("the token is over; logging in again", lot=self.lot_id)
                except (bolink.BolinkError, LotError) as error:
                    if not silent:
                        log.warning("the line to BoLink is down", lot=self.lot_id, error=str(error))
                    silent = True
                except Exception:
                    log.exception("the line to BoLink failed", lot=self.lot_id)
                await self._clock.sleep(pause * self._random.uniform(1.0, 1.2))
                pause = min(LONGEST_PAUSE, pause * 2)
        finally:
            for task in list(self._answering):
                task.cancel()
            await asyncio.gather(*self._answering, return_exceptions=True)

    async def upload(self, service_name: str, text: bytes) -> tuple[int, bytes]:
        """Upload a `data` text with the line's token. Raises Unreachable, TimedOut; TokenOver is an Unreachable."""
        if not self._token:
            raise Unreachable(f"{self._upload_url}: not logged in")
        token = self._token
        body = polling.upload_body(service_name, text, self._key(), token)
        status, raw = await self._transport.post(self._upload_url, body, timeout=self._timeout)
        if _is_over(raw):
            if self._token == token:
                self._token = ""
            raise TokenOver(f"{self._upload_url}: {_errmsg(raw)}")
        return status, raw

    async def _log_in(self) -> None:
        union_id, _, park_id = self.lot_id.partition("-")
        data = LoginData(union_id=int(union_id), park_id=park_id, local_id=polling.local_id(self._name, self.channels))
        body = polling.upload_body(polling.LOGIN, msgspec.json.encode(data), self._key())
        status, raw = await self._transport.post(self._upload_url, body, timeout=self._timeout)
        try:
            said = msgspec.json.decode(raw, type=Said)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise bolink.BadAnswer("no answer to a login", raw, status) from None
        if said.state != 1 or not said.token:
            raise Refused(said.errmsg or "login refused", said.state, raw)
        self._token = said.token

    async def _fetch(self) -> None:
        """One poll. Raises Unreachable, TimedOut, BadAnswer."""
        body = msgspec.json.encode({"token": self._token})
        status, raw = await self._transport.post(self._download_url, body, timeout=polling.HELD + SPARE)
        try:
            handed = polling.take(raw)
        except BadMessage as error:
            raise bolink.BadAnswer(str(error), raw, status) from None
        if handed is None:
            if _is_refusal(raw):
                raise TokenOver(f"{self._download_url}: {_errmsg(raw)}")
            if status >= 500 and status != 500:  # BoLink answers 500 where it has no message
                raise bolink.BadAnswer("no answer to a poll", raw, status)
            return
        task = asyncio.create_task(self._take(handed))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        if len(self._answering) >= AT_ONCE:
            await asyncio.wait(self._answering, return_when=asyncio.FIRST_COMPLETED)

    async def _take(self, handed: Handed) -> None:
        """Answer one message as if it had been called back with, and upload the answer."""
        try:
            status, said = await self._answer(self._signed(handed), handed.service_name)
        except Unsigned as error:
            log.warning("security: a message came unsigned over http", lot=self.lot_id, service_name=str(error))
            return
        if status >= 500 or not said:
            return  # not kept: BoLink has to send it again
        try:
            text = polling.answer_text(said, handed)
        except BadMessage:  # a picture (5.4): the pages don't say how one goes up
            text = polling.answer_text(msgspec.json.encode(Said(state=0, errmsg=NO_PICTURES)), handed)
        until, pause = self._clock.monotonic() + ANSWER_FOR, FIRST_PAUSE
        while True:
            try:
                await self.upload(handed.service_name, text)
                return
            except (Unreachable, TimedOut) as error:
                if self._clock.monotonic() + pause >= until:
                    log.warning("an answer could not be uploaded", lot=self.lot_id, error=str(error))
                    return
                await self._clock.sleep(pause)
                pause *= 2

    def _signed(self, handed: Handed) -> bytes:
        """The message as a callback's body.

        The pages don't say that what is fetched is signed. What comes unsigned over a connection of our own that TLS
        protects is BoLink's word all the same; over plain http it is nobody's.
        """
        if handed.sign:
            return msgspec.json.encode({"sign": handed.sign, "data": msgspec.Raw(handed.text)})
        if urlsplit(self._download_url).scheme != "https":
            raise Unsigned(handed.service_name)
        union_id = self.lot_id.partition("-")[0]
        return bolink.seal(handed.text, self._key(), beside=union_id)


class Unsigned(Exception):
    """A message without a signature over a connection that anybody can speak into."""


class PolledClient:
    """A lot's client whose orders go up by its line; the rest goes to BoLink's usual addresses."""

    def __init__(self, client: BolinkClient, line: Line | None) -> None:
        self._client = client
        self._line = line

    async def send_text(self, interface: Interface[Any, Any], text: bytes) -> Any:
        """As the client's; 3.1 and 3.2 are uploads of the line."""
        if interface.section not in POLLED:
            return await self._client.send_text(interface, text)
        if self._line is None:
            raise Unreachable("the lot has no line to BoLink yet")
        status, raw = await self._line.upload(POLLED[interface.section], text)
        return interface.read_answer(raw, status)


def _said(raw: bytes) -> Said | None:
    try:
        return msgspec.json.decode(raw, type=Said)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _is_refusal(raw: bytes) -> bool:
    said = _said(raw)
    return said is not None and said.state == 0


def _is_over(raw: bytes) -> bool:
    """Whether an upload was refused for its token. The pages name no return code: our reading is the word."""
    said = _said(raw)
    return said is not None and said.state == 0 and "token" in said.errmsg.lower()


def _errmsg(raw: bytes) -> str:
    said = _said(raw)
    return said.errmsg if said is not None else ""
