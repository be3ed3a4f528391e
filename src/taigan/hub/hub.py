"""The hub put together: everything its addresses need, in one object."""

from __future__ import annotations

import asyncio
import secrets
import string
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
from litestar.di import NamedDependency

from taigan.bolink import Transport
from taigan.clock import Clock
from taigan.hub.book import registry
from taigan.hub.book.book import Book
from taigan.hub.book.database import Database
from taigan.hub.book.live import Live
from taigan.hub.book.registry import LotSeed, VendorSeed
from taigan.hub.book.trail import Trail
from taigan.hub.drivers import codes, quotes, scans
from taigan.hub.drivers.codes import CodeKind
from taigan.hub.drivers.desk import Desk
from taigan.hub.faults import Faults
from taigan.hub.identity import Login, SimulatedLogin
from taigan.hub.rules import Rules
from taigan.hub.sending import postbox
from taigan.hub.sending.lines import Lines
from taigan.hub.sending.postbox import Postbox
from taigan.hub.sending.pushes import Sender
from taigan.hub.taking.money.cashier import Cashier
from taigan.hub.taking.money.later import Later
from taigan.hub.taking.polls import Polls
from taigan.hub.taking.uplinks import Uplinks
from taigan.strangers import Strangers

SIMULATED_PATH = "/simulated"
"""Where the simulated WeChat and Alipay live."""

_LETTERS = string.ascii_letters + string.digits
_CODE_LENGTH = 16


def _random_code() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE_LENGTH))


class Hub:
    """BoLink's side. `admin_token` empty: the admin's addresses are closed. `new_code` makes codes, ids and tokens.

    `to_strangers` carries what goes to addresses that messages brought along. `public_url` goes into the codes,
    without slash at its end; it may be set until the first code is asked for.
    """

    def __init__(
        self,
        database: Database,
        transport: Transport,
        clock: Clock,
        *,
        to_strangers: Transport | None = None,
        rules: Rules = Rules(),  # noqa: B008 - frozen
        public_url: str = "",
        admin_token: str = "",
        login: Login | None = None,
        new_code: Callable[[], str] = _random_code,
    ) -> None:
        self.rules = rules
        self.public_url = public_url.rstrip("/")
        self.admin_token = admin_token
        self.login: Login = login or SimulatedLogin(SIMULATED_PATH)
        self.new_code = new_code
        self.faults = Faults()
        self.book = Book(database, Live(), clock)
        self.lines = Lines(clock, new_code)
        sender = Sender(transport, to_strangers or transport, self.faults, rules, clock, self.lines)
        self.desk = Desk(self.book, sender, rules, new_code)
        self.postbox = Postbox(self.book, sender, rules)
        self.cashier = Cashier(self.book, sender, self.postbox, self.faults, rules, new_code)
        self._later = Later(self.book, self.postbox, self.faults, rules, lambda: self.public_url)
        self.uplinks = Uplinks(
            self.book,
            self.postbox,
            self._later,
            self.faults,
            rules,
            lambda: self.public_url,
            new_code,
            Strangers(clock, clock.sleep),
        )
        self.polls = Polls(self.book, self.lines, self.uplinks)
        self._running: list[asyncio.Task[None]] = []

    async def open(self, vendors: tuple[VendorSeed, ...] = (), lots: tuple[LotSeed, ...] = ()) -> None:
        """Enter vendors, lots and lanes from the settings, and settle what the last run left open.

        Again with the same settings changes nothing. Raises `Unusable` for settings that make no sense.
        """
        await self.book.write(self._open, vendors, lots)
        self._running = [asyncio.create_task(self.postbox.run()), asyncio.create_task(self._later.run())]

    def _open(
        self, conn: sa.Connection, trail: Trail, vendors: tuple[VendorSeed, ...], lots: tuple[LotSeed, ...]
    ) -> None:
        registry.plant(conn, trail, vendors, lots, self.key_overlap)
        for lot in lots:
            lot_id = registry.lot_id_of(lot.union_id, lot.park_id)
            wanted = [(CodeKind.PREPAY, ""), *((CodeKind.ENTRY, lane) for lane in lot.lanes)]
            for kind, channel_id in (*wanted, *((CodeKind.EXIT_PAY, lane) for lane in lot.exits)):
                new_code = self.new_code()
                codes.get_code(conn, trail, lot_id, kind, channel_id, create=True, change=False, new_code=new_code)
        scans.give_up_unanswered(conn, trail)
        quotes.give_up_unanswered(conn)
        postbox.give_up_unheard(conn)

    @property
    def key_overlap(self) -> timedelta:
        return timedelta(seconds=self.rules.key_overlap)

    def end_streams(self) -> None:
        """Send home whoever waits: open pages and polls would hold up the end."""
        self.book.live.end()
        self.lines.end()

    async def close(self) -> None:
        """End the open pages and let the database go. The transport is the caller's."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.postbox.close()
        await self.desk.close()
        await self.cashier.close()
        await self.book.close()


FromHub = NamedDependency[Hub]
"""How a handler asks for the hub."""
