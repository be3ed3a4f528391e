"""A client for the interfaces that a lot platform calls at BoLink.

It brings no network library: it is handed a `Transport`. `taigan.transport.AiohttpTransport` is one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from taigan.bolink import lots, trade
from taigan.bolink.catalogue import CATALOGUE
from taigan.bolink.errors import BadAnswer, TimedOut, Unreachable
from taigan.bolink.interface import AnyInterface, Direction, Interface, Wrapping

R = TypeVar("R")
A = TypeVar("A")

PAUSES = (0.5, 2.0)
"""Seconds before the second and the third attempt of what may be repeated."""


class Transport(Protocol):
    """How bytes get to the other side."""

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        """Posts a JSON body; the HTTP status and the body of the answer.

        Raises Unreachable when there is no way there or the connection broke, TimedOut after `timeout` seconds.
        """


class Addresses(msgspec.Struct, frozen=True):
    """Where BoLink is: its test side, its production side, or a stand-in at an address of its own."""

    name: str
    base: str = ""

    @classmethod
    def at(cls, base: str) -> Addresses:
        """A stand-in: `base` replaces scheme and host of every documented address, the path is kept."""
        return cls("custom", base.rstrip("/"))

    def url(self, interface: AnyInterface) -> str:
        """The address of an interface. Raises Unreachable when the document names none."""
        if self.base:
            return self.base + interface.path
        url = interface.url_test if self.name == "test" else interface.url_prod
        if url is None:
            raise Unreachable(f"{interface.section} {interface.title}: no {self.name} address is documented")
        return url


TEST = Addresses("test")
PRODUCTION = Addresses("production")


class Call(Generic[R, A]):
    """One interface of one client: call it with the request, get the answer."""

    def __init__(self, client: BolinkClient, interface: Interface[R, A]) -> None:
        self.interface = interface
        self._client = client
        self.__doc__ = f"{interface.section} {interface.title_zh}: {interface.title}. {interface.note}".strip()

    async def __call__(self, request: R, *, platform_name: str = "") -> A:
        """Sends the request. `platform_name` is the platform that chapter 8 reports to.

        Raises BadMessage when the request is not as documented, else Unreachable, TimedOut, BadAnswer or Refused.
        """
        return await self._client.call(self.interface, request, platform_name=platform_name)


class BolinkClient:
    """Calls BoLink for one vendor (union_id).

    `key` is the vendor's KEY, or a function that gives the one of the moment. `timeout` is in seconds. What the
    catalogue declares safe to repeat is sent up to three times when it could not be delivered or was not answered.
    """

    get_qr_code: Call[lots.GetQrCode, lots.QrCode]
    set_sms_check: Call[lots.SetSmsCheck, lots.SmsCheckSet]
    entry: Call[trade.Entry, trade.EntryTaken]
    exit: Call[trade.Exit, trade.ExitTaken]

    def __init__(
        self,
        union_id: int | str,
        key: Callable[[], str] | str,
        addresses: Addresses,
        transport: Transport,
        timeout: float = 5.0,
        *,
        pauses: tuple[float, ...] = PAUSES,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.union_id = union_id
        self.addresses = addresses
        self._key = key
        self._transport = transport
        self._timeout = timeout
        self._pauses = pauses
        self._sleep = sleep
        self._now = now
        for interface in CATALOGUE:
            if interface.direction is Direction.UPLINK and interface.method:
                setattr(self, interface.method, Call(self, interface))

    async def call(self, interface: Interface[R, A], request: R, *, platform_name: str = "") -> A:
        """Sends a request and reads its answer, repeating it where that is safe."""
        text = interface.write(request)
        for pause in self._pauses if interface.repeat.safe else ():
            try:
                return await self.send_text(interface, text, platform_name=platform_name)
            except (Unreachable, TimedOut, BadAnswer):
                await self._sleep(pause)
        return await self.send_text(interface, text, platform_name=platform_name)

    async def send_text(self, interface: Interface[R, A], text: bytes, *, platform_name: str = "") -> A:
        """Signs a `data` text that is already frozen, sends it once and reads the answer."""
        key = self._key if isinstance(self._key, str) else self._key()
        timestamp = int(self._now()) if interface.wrapping is Wrapping.PLATFORM else None
        body = interface.body(text, key, self.union_id, platform_name=platform_name, timestamp=timestamp)
        url = self.addresses.url(interface)
        status, raw = await self._transport.post(url, body, timeout=self._timeout)
        return interface.read_answer(raw, status)
