"""A lot platform of real parts on both engines, with barriers of paper, spoken to over its HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import sqlalchemy as sa
from argon2 import PasswordHasher

from support.databases.states import empty
from taigan.barriers.barrier import LaneKey, LaneState, Outcome, Position, Price, Result, Sight
from taigan.bolink import Addresses, BolinkClient, Unreachable
from taigan.clock import SystemClock
from taigan.deadline import Deadline
from taigan.lot.album import Album
from taigan.lot.community.desk import CommunityDesk
from taigan.lot.entering.desk import EntryDesk
from taigan.lot.errands.city import CityDesk
from taigan.lot.errands.errands import Errands
from taigan.lot.errands.reconciling import Reconciling
from taigan.lot.ids import RandomIds
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.unheard import Unheard
from taigan.lot.lifts import Lifts
from taigan.lot.messages.router import Answered
from taigan.lot.people.attendant import Attendant
from taigan.lot.plates import Plates
from taigan.lot.policy import Policy
from taigan.lot.signals.events import Events
from taigan.lot.signals.metrics import Metrics
from taigan.lot.uploads.courier import Courier
from taigan.lot.uploads.pulls import Pulls
from taigan.lot.writing.commits import Commits
from taigan.pictures.scaler import Scaler
from taigan.pictures.store import InMemory
from taigan.running.process import serve
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.rows import Lane, Lot, Order, Presence
from taigan.storage.setup import registry
from taigan.storage.setup.registry import Token
from taigan.web import tokens
from taigan.web.app import build
from taigan.web.asgi import App
from taigan.web.console.signing.accounts import Accounts

LOT = "200002-7"
TOKEN = "a token of sixteen or more characters"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Passwords are worked out as quickly as may be: how long that takes elsewhere is the library's matter."""
BY = {"operator": "王芳", "reason": "the driver called"}


class StandingClock(SystemClock):
    """Time moves when a test says so."""

    def __init__(self) -> None:
        self.moment = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def step(self, seconds: float) -> datetime:
        self.moment += timedelta(seconds=seconds)
        return self.moment


class PaperScreen:
    async def show(self, text: str) -> None:
        pass

    async def ask(self, price: Price) -> None:
        pass


class PaperBarrier:
    """Takes every command as `answers` says and remembers it."""

    def __init__(self) -> None:
        self.sight = Sight(acknowledges=True, position=True, detector=True)
        self.state = LaneState(online=True, position=Position.CLOSED)
        self.screen = PaperScreen()
        self.commands: list[str] = []
        self.answers = Result(Outcome.ACCEPTED)

    async def open(self, command_id: str, deadline: datetime) -> Result:
        self.commands.append("open")
        return self.answers

    async def hold(self, command_id: str, deadline: datetime) -> Result:
        self.commands.append("hold")
        return self.answers

    async def close(self, command_id: str, deadline: datetime) -> Result:
        self.commands.append("close")
        return self.answers

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass


class Listener:
    """Stands in for what answers BoLink: keeps what it was given and answers `ok`."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, str]] = []
        self.answered = Answered(200, b'{"state":1}', service_name="nolicence_in_park", state=1)
        self.fails = False

    def deadline(self) -> Deadline:
        return Deadline.within(4.0, SystemClock())

    async def answer(self, body: bytes, service_name: str = "", by: Deadline | None = None) -> Answered:
        self.heard.append((body, service_name))
        if self.fails:
            raise RuntimeError("broken")
        return self.answered


class PaperBolink:
    """Stands in for BoLink's side: answers by the end of the address; where it has no answer it is never reached."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        for end, answer in self.answers.items():
            if url.endswith(end):
                self.asked.append((end, json.loads(body)["data"]))
                return 200, json.dumps(answer).encode()
        raise Unreachable(f"{url}: nobody there")

    def client_of(self, lot_id: str) -> BolinkClient:
        return BolinkClient("200002", "a-key", Addresses.at("http://hub"), self, pauses=())


@dataclass
class House:
    """The parts, for tests that prepare or check what lies behind the HTTP."""

    database: Database
    clock: StandingClock
    events: Events
    metrics: Metrics
    callbacks: Listener
    leaving: LeavingDesk
    lanes: Lanes
    barriers: dict[str, PaperBarrier]
    app: App
    keys_read: list[datetime]
    bolink: PaperBolink
    album: Album
    requested: int = field(default=0)

    async def clear(self) -> None:
        """As good as new: building another one for each test takes longer than most tests."""

        def transaction(conn: sa.Connection) -> None:
            empty(conn)
            seed(conn)

        await self.database.write(transaction)
        self.clock.__init__()  # type: ignore[misc]
        self.callbacks.__init__()  # type: ignore[misc]
        self.bolink.__init__()  # type: ignore[misc]
        for barrier in self.barriers.values():
            barrier.__init__()  # type: ignore[misc]
        self.requested = 0
        self.keys_read.clear()

    async def write(self, *statements: sa.Executable) -> None:
        def transaction(conn: sa.Connection) -> None:
            for statement in statements:
                conn.execute(statement)

        await self.database.write(transaction)

    async def keep(self, change: Callable[[Changes], None]) -> None:
        def transaction(conn: sa.Connection) -> None:
            changes = Changes()
            change(changes)
            changes.write(conn)

        await self.database.write(transaction)

    async def order(self, licence: str, **given: Any) -> Order:
        """An order, each a second younger than the one before."""
        self.requested += 1
        at = self.clock.step(1)
        fields: dict[str, Any] = {
            "lot_id": LOT,
            "order_id": f"order_{self.requested:04d}",
            "origin": "scan",
            "state": "in",
            "waiting_for": "",
            "licence": licence,
            "mark": "",
            "plate": "",
            "pay_user_id": "oABCDEFGHIJKLMNOPQRSTUVWXYZ0",
            "mobile": "13812345678",
            "channel_id": "A1",
            "presence_id": None,
            "told_state": 1,
            "told_text": "入场成功",
            "requested_at": at,
            "in_at": at,
        }
        order = Order(**{**fields, **given})
        await self.keep(lambda changes: changes.new_order(order))
        return order

    async def car(self, presence_id: str, channel_id: str = "A1", lot_id: str = LOT) -> Presence:
        car = Presence(presence_id=presence_id, lot_id=lot_id, channel_id=channel_id, arrived_at=self.clock.step(1))
        await self.keep(lambda changes: changes.arrived.append(car))
        return car


def lane(channel_id: str, lot_id: str = LOT, **given: Any) -> Lane:
    fields: dict[str, Any] = {
        "lot_id": lot_id,
        "channel_id": channel_id,
        "direction": "entry",
        "policy": "automatic",
        "confirm": "accepted",
        "is_open": True,
        "hours": "",
        "detector": True,
        "barrier": {"driver": "simulated", "url": "http://127.0.0.1:1", "password": "not for the eye"},
        "entry_url": "",
        "loop_dead": False,
    }
    return Lane(**{**fields, **given})


def parking_lot(lot_id: str = LOT, spaces: int = 100) -> Lot:
    union_id, _, park_id = lot_id.partition("-")
    return Lot(lot_id, union_id, park_id, "东门停车场", "Asia/Shanghai", "0571-88888888", spaces, spaces, False, False)


CHANNELS = ("A1", "A2", "东门/一号 50%", "B1")


def seed(conn: sa.Connection) -> None:
    """Two lots of one vendor, lanes in the first, one token."""
    now = StandingClock().now()
    registry.add_vendor(conn, "200002", "测试厂商", "a-key", now)
    registry.add_lot(conn, parking_lot(), now)
    registry.add_lot(conn, parking_lot("200002-8"), now)
    for channel_id in CHANNELS:
        registry.add_lane(conn, lane(channel_id, direction="exit" if channel_id == "B1" else "entry"))
    registry.add_token(conn, Token("console", tokens.digest_of(TOKEN), now))


async def house_at(database: Database, **options: Any) -> House:
    """Put the parts together over an empty database."""
    await database.write(seed)
    clock, metrics, events, ids = options.pop("clock", None) or StandingClock(), Metrics(), Events(), RandomIds()
    policy: Policy = options.pop("policy", Policy())
    keys_read: list[datetime] = []
    lanes = Lanes(database, clock, metrics, events)
    barriers = {channel_id: PaperBarrier() for channel_id in CHANNELS}
    for channel_id, barrier in barriers.items():
        lanes.add(LaneKey(LOT, channel_id), barrier)
    commits = Commits(database, clock)
    bolink = PaperBolink()
    lifts = Lifts(commits, database, lanes, clock, metrics, events, alone=True)
    desk = EntryDesk(commits, lifts, database, lanes, policy, clock, ids, metrics, events)
    courier = Courier(database, bolink.client_of, commits.owed, lanes, policy, clock, Random(7), metrics, events)
    pulls = Pulls(database, bolink.client_of, courier, clock)
    leaving = LeavingDesk(database, lifts, lanes, policy, clock, ids, events, commits.owed, pulls)
    lanes.exits = leaving

    async def lane_changed(lane: Lane) -> None:
        pass

    async def keys_changed() -> None:
        keys_read.append(clock.now())

    attendant = Attendant(database, lanes, commits, lifts, policy, clock, ids, lane_changed, keys_changed)
    callbacks: Any = Listener()
    album = Album(database, InMemory(), Scaler(), lanes, events, metrics, clock)
    app = build(
        database=database,
        callbacks=callbacks,
        attendant=attendant,
        plates=Plates(database, desk, leaving, lanes, policy, clock),
        leaving=leaving,
        errands=Errands(database, leaving, bolink.client_of, clock),
        reconciling=Reconciling(database, Unheard(database, leaving, bolink.client_of, clock), bolink.client_of, clock),
        city=CityDesk(database, leaving, lanes, bolink.client_of, clock),
        community=CommunityDesk(database, leaving, bolink.client_of, clock),
        lanes=lanes,
        album=album,
        events=events,
        metrics=metrics,
        clock=clock,
        accounts=Accounts(database, clock, policy, QUICK),
        **{"sleep": at_once, **options},
    )
    return House(database, clock, events, metrics, callbacks, leaving, lanes, barriers, app, keys_read, bolink, album)


async def at_once(seconds: float) -> None:
    """What waits elsewhere does not wait here."""


Houses = Callable[..., Awaitable[House]]


def client_of(house: House, token: str | None = TOKEN) -> httpx.AsyncClient:
    """Speaks to the platform's application in this process."""
    app: Any = house.app
    headers = {"authorization": f"Bearer {token}"} if token is not None else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lot", headers=headers)


async def insert(house: House, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    """Put rows as they are."""
    await house.write(*(sa.insert(table).values(**row) for row in rows))


class Line:
    """A connection on which any bytes can be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int) -> AsyncIterator[Line]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def send(self, sent: bytes) -> bool:
        """Tells whether the other side still takes it."""
        try:
            self._writer.write(sent)
            await self._writer.drain()
        except OSError:
            return False
        return True

    async def line(self) -> bytes:
        return await self._reader.readline()

    async def answer(self) -> tuple[int, bytes]:
        """The status and the body of the next answer."""
        status = int((await self._reader.readline()).split()[1])
        length = 0
        while (header := await self._reader.readline()).strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return status, await self._reader.readexactly(length)


@asynccontextmanager
async def served(app: App, end_streams: Callable[[], None] = lambda: None) -> AsyncIterator[int]:
    """The application behind the real server; gives its port."""
    stop = asyncio.Event()
    # Named as TCP, or asyncio leaves Nagle's algorithm on and each answer waits 40 ms for the client's acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.setblocking(False)
    serving = asyncio.create_task(serve(app, listener, stop, end_streams=end_streams))
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        await serving
