"""The lot platform as a whole: its parts built from what they are handed, started and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any

import sqlalchemy as sa
import structlog

from taigan import bolink
from taigan.barriers.barrier import Barrier, EventSink, LaneKey
from taigan.bolink import Addresses, BadAnswer, BolinkClient, BolinkError, Refused, Transport
from taigan.bolink.values import CodeKind
from taigan.clock import Clock, set_within
from taigan.lot.album import Album
from taigan.lot.community.desk import CommunityDesk
from taigan.lot.entering.desk import EntryDesk
from taigan.lot.errands.city import CityDesk
from taigan.lot.errands.errands import Errands
from taigan.lot.errands.reconciling import Reconciling
from taigan.lot.errors import LotError, UnknownLot
from taigan.lot.gateways.gateway import NoGateway, SmsGateway
from taigan.lot.ids import Ids
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.lanes.neighbours import Exchange, Neighbours
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.hours import Hours
from taigan.lot.leaving.paying.strangers import Strangers
from taigan.lot.leaving.unheard import Unheard
from taigan.lot.lifts import Lifts
from taigan.lot.messages.commands import RemoteCommands
from taigan.lot.messages.drivers.passes import PassMessages
from taigan.lot.messages.drivers.phone_checks import PhoneChecks
from taigan.lot.messages.drivers.vehicles import Vehicles
from taigan.lot.messages.inbox import Inbox
from taigan.lot.messages.kept import Records
from taigan.lot.messages.keyring import Keyring
from taigan.lot.messages.log import MessageLog
from taigan.lot.messages.money.invoices import InvoiceHints
from taigan.lot.messages.money.money import MoneyMessages
from taigan.lot.messages.money.prices import Prices
from taigan.lot.messages.money.reductions import Reductions
from taigan.lot.messages.money.told import ToldMessages
from taigan.lot.messages.router import Callbacks, Handler, NoPlateEntries, Unsigned
from taigan.lot.people.attendant import Attendant
from taigan.lot.plates import Plates
from taigan.lot.policy import Connection, Policy
from taigan.lot.rounds.rounds import Rounds
from taigan.lot.rounds.tidying import Tidying
from taigan.lot.rounds.watch import Watch
from taigan.lot.setup import LotSetup, VendorSetup, overridden, seed, settle_confirm
from taigan.lot.signals.events import Events
from taigan.lot.signals.metrics import Metrics
from taigan.lot.uploads.courier import Courier
from taigan.lot.uploads.line import Line, PolledClient
from taigan.lot.uploads.lines import Lines
from taigan.lot.uploads.pulls import ANSWER_WITHIN, Pulls
from taigan.lot.uploads.questions import Questions
from taigan.lot.writing.checkpoints import Reach, pass_by
from taigan.lot.writing.commits import Commits
from taigan.pictures.scaler import Scaler
from taigan.pictures.store import InMemory, Store
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.rows import Alarm, Lane, Lot
from taigan.storage.setup import registry

log = structlog.get_logger("taigan.platform")
LOOK_AT_LANES_EVERY = 30.0
"""Seconds after which lanes set up at another process are found here at the latest."""

BarrierFactory = Callable[[Lane, EventSink], Barrier]
"""Builds a lane's driver from its settings; the lane's events go to the sink."""


class Platform:
    """Everything that serves the lots of one database in one process."""

    def __init__(
        self,
        *,
        database: Database,
        barrier_of: BarrierFactory,
        transport: Transport,
        addresses: Addresses,
        gateway: SmsGateway,
        policy: Policy,
        clock: Clock,
        ids: Ids,
        random: Random,
        reach: Reach = pass_by,
        exchange: Exchange | None = None,
        pictures: Store | None = None,
    ) -> None:
        self.database = database
        self.policy = policy
        self.clock = clock
        self.metrics = Metrics()
        self.events = Events()
        self.keyring = Keyring(database, clock, policy.key_overlap)
        process = "" if exchange is None else ids.process()
        self.message_log = MessageLog(database, clock, lambda: list(self.keyring.every().values()))
        self.lanes = Lanes(database, clock, self.metrics, self.events, process)
        self.commits = Commits(database, clock)
        self.lifts = Lifts(
            self.commits,
            database,
            self.lanes,
            clock,
            self.metrics,
            self.events,
            reach,
            alone=exchange is None,
        )
        self.desk = EntryDesk(
            self.commits, self.lifts, database, self.lanes, policy, clock, ids, self.metrics, self.events, reach
        )
        self.attendant = Attendant(
            database,
            self.lanes,
            self.commits,
            self.lifts,
            policy,
            clock,
            ids,
            self._lane_changed,
            self.keyring.refresh,
            try_lane=self._try_lane,
            sends_codes=not isinstance(gateway, NoGateway),
        )
        self.courier = Courier(
            database,
            self._carrier_of,
            self.commits.owed,
            self.lanes,
            policy,
            clock,
            random,
            self.metrics,
            self.events,
            reach,
        )
        self.pulls = Pulls(database, self._slow_carrier_of, self.courier, clock, reach)
        self.leaving = LeavingDesk(
            database, self.lifts, self.lanes, policy, clock, ids, self.events, self.commits.owed, self.pulls, reach
        )
        self.questions = Questions(database, self.client_of, clock, self.leaving.told, policy.uploads_per_second)
        self.unheard = Unheard(database, self.leaving, self.client_of, clock)
        self.hours = Hours(database, self.leaving, self.pulls, policy, clock)
        self.lanes.exits = self.leaving
        self.plates = Plates(database, self.desk, self.leaving, self.lanes, policy, clock)
        self.errands = Errands(database, self.leaving, self.client_of, clock, reach)
        self.reconciling = Reconciling(database, self.unheard, self.client_of, clock)
        self.city = CityDesk(database, self.leaving, self.lanes, self.client_of, clock)
        self.plates.check_city = self.city.check
        self.plates.check_arrears = self.errands.check_arrears
        self.community = CommunityDesk(database, self.leaving, self.client_of, clock)
        self.rounds = Rounds(database, self.errands, self.reconciling, self.city, self.community, policy, clock)
        self.album = Album(database, pictures or InMemory(), Scaler(), self.lanes, self.events, self.metrics, clock)
        self.tidying = Tidying(database, policy, clock, self.album.store)
        self.watch = Watch(database, self.lanes, self.lifts, policy, clock, self.metrics)
        self.no_plate_entries = NoPlateEntries(self.desk, self.lanes, policy, clock, self.metrics)
        self.phone_checks = PhoneChecks(database, gateway, policy, clock, ids, self.lanes.alarm)
        self.prices = Prices(self.leaving, Strangers(clock))
        self.money = MoneyMessages(self.leaving)
        self.invoice_hints = InvoiceHints(database)
        self.told = ToldMessages(self.leaving, self.money)
        self.passes = PassMessages(self.leaving, self.money, database)
        self.vehicles = Vehicles(database, clock, self.passes.find)
        self.reductions = Reductions(self.leaving)
        self.remote = RemoteCommands(self.attendant, self.leaving)
        self.records = Records(database, clock, self.album)
        self.inbox = Inbox(database, policy, clock)
        self.callbacks = Callbacks(
            self.keyring,
            {service_name: of(self) for service_name, of in HANDLERS.items()},
            policy,
            clock,
            self.metrics,
            {event: of(self) for event, of in UNSIGNED.items()},
            self.message_log.note,
        )
        self._barrier_of = barrier_of
        self._transport = self.message_log.over(transport)
        self._addresses = addresses
        self._random = random
        self._clients: dict[tuple[str, float], BolinkClient] = {}
        self._lines = Lines(database, clock, self._new_line) if policy.connection is Connection.POLL else None
        self._barriers: dict[LaneKey, Barrier] = {}
        self._connected: dict[LaneKey, Lane] = {}
        self._look_at_lanes = asyncio.Event()
        self._neighbours = None
        if exchange is not None:
            self._neighbours = Neighbours(
                exchange, self.events, clock, self._look_at_lanes.set, self.lifts.intended.set, self.lanes.hear
            )
            self.lanes.when_stored = self._neighbours.say_what_was_stored
            self.lifts.when_intended = self._neighbours.say_that_a_lift_is_intended
        self._running: list[asyncio.Task[None]] = []

    async def start(self, vendors: Sequence[VendorSetup] = (), lots: Sequence[LotSetup] = ()) -> None:
        """Connect, then begin to deliver, to watch over time and to fetch the lanes' codes. Raises as `connect`."""
        await self.connect(vendors, lots)
        self._run(self.courier.run())
        self._run(self.watch.run())
        self._run(self.hours.run())
        self._run(self.questions.run())
        self._run(self.unheard.run())
        self._run(self.tidying.run())
        self._run(self.message_log.run())
        self._run(self.album.run())
        self._run(self.rounds.run())
        self._run(self.phone_checks.look_at_registration())
        if self._lines is not None:
            self._run(self._lines.run())
        self._run(self._keep_codes())
        self._run(self._keep_lanes())
        if self._neighbours is not None:
            self._run(self._neighbours.run())
            self._run(self.lifts.run())
            self._run(self.lanes.watchers.run())

    async def connect(self, vendors: Sequence[VendorSetup] = (), lots: Sequence[LotSetup] = ()) -> None:
        """Bring in the configuration and connect the lanes: drivers are answered from here on.

        A lane whose barrier settings cannot be used is closed, with an alarm; the others go on. Raises StorageError.
        """
        await self.database.write(lambda conn: seed(conn, vendors, lots, self.clock.now()))
        for each in await self.database.read(lambda conn: overridden(conn, lots)):
            log.warning(
                "a setting of the configuration does not count: it was changed here since",
                about=each.about,
                setting=each.setting,
                in_the_file=each.in_the_file,
                here=each.here,
            )
        await self.keyring.refresh()
        await self._connect(await self.database.read(registry.lanes))

    async def stop(self) -> None:
        """End everything in the order in which it can end."""
        self.events.stop()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self.message_log.write()
        await self.phone_checks.stop()
        with suppress(StorageError):
            await self.lanes.watchers.release()
        self.lanes.stop()
        await self.desk.stop()
        await self.leaving.stop()
        await self.errands.stop()
        for barrier in self._barriers.values():
            await barrier.stop()
        await self.lanes.settled()
        await self.album.stop()

    def client_of(self, lot_id: str) -> BolinkClient:
        """The client that signs for the lot's vendor. Raises UnknownLot."""
        return self._client(lot_id, self.policy.upload_timeout)

    def _client(self, lot_id: str, timeout: float) -> BolinkClient:
        union_id = lot_id.partition("-")[0]
        key = (union_id, timeout)
        if key not in self._clients:
            self.keyring.current(union_id)
            self._clients[key] = BolinkClient(
                union_id,
                lambda: self.keyring.current(union_id),
                self._addresses,
                self._transport,
                timeout,
                now=lambda: self.clock.now().timestamp(),
            )
        return self._clients[key]

    def _carrier_of(self, lot_id: str) -> BolinkClient | PolledClient:
        """What carries a lot's uploads to BoLink. Raises UnknownLot."""
        return self._carrier(lot_id, self.client_of(lot_id))

    def _slow_carrier_of(self, lot_id: str) -> BolinkClient | PolledClient:
        """One that waits for as long as a payment takes. Raises UnknownLot."""
        return self._carrier(lot_id, self._client(lot_id, ANSWER_WITHIN))

    def _carrier(self, lot_id: str, client: BolinkClient) -> BolinkClient | PolledClient:
        return client if self._lines is None else PolledClient(client, self._lines.of(lot_id))

    def _new_line(self, lot_id: str, channels: list[str]) -> Line:
        """A line to BoLink that answers as this platform answers callbacks. Raises UnknownLot."""
        union_id = lot_id.partition("-")[0]
        self.keyring.current(union_id)

        async def answer(body: bytes, service_name: str) -> tuple[int, bytes]:
            answered = await self.callbacks.answer(body, service_name)
            return answered.status, answered.body

        return Line(
            lot_id,
            channels,
            lambda: self.keyring.current(union_id),
            self._addresses,
            self._transport,
            answer,
            self.clock,
            self._random,
            name=f"taigan{self._random.getrandbits(32):08x}",
            timeout=self.policy.upload_timeout,
        )

    async def _connect(self, lanes: Sequence[Lane]) -> None:
        barriers: list[tuple[Lane, Barrier]] = []
        for lane in lanes:
            try:
                barriers.append((lane, self._barrier_of(lane, self.lanes.handle)))
            except ValueError as error:
                await self._close_lane(lane, str(error))
        unsettled = {
            (lane.lot_id, lane.channel_id): "accepted" if barrier.sight.acknowledges else "passage"
            for lane, barrier in barriers
            if not lane.confirm
        }
        if unsettled:
            await self.database.write(lambda conn: settle_confirm(conn, unsettled))
        await self._take_up(barriers)

    async def _close_lane(self, lane: Lane, reason: str) -> None:
        """A lane without a barrier takes no command; its neighbours must not suffer for it."""
        key = LaneKey(lane.lot_id, lane.channel_id)
        self._connected[key] = lane
        if before := self._barriers.pop(key, None):
            self.lanes.remove(key)
            await before.stop()
        alarm = Alarm(lane.lot_id, lane.channel_id, "", self.clock.now(), "barrier_settings", reason)

        def transaction(conn: sa.Connection) -> None:
            changes = Changes()
            changes.alarms.append(alarm)
            changes.write(conn)

        await self.database.write(transaction)
        self.lanes.alarm(alarm)

    async def _take_up(self, barriers: Sequence[tuple[Lane, Barrier]]) -> None:
        """Use these barriers from now on, in place of the lanes' earlier ones."""
        keys = [LaneKey(lane.lot_id, lane.channel_id) for lane, _ in barriers]
        for key, (lane, barrier) in zip(keys, barriers, strict=True):
            if before := self._barriers.pop(key, None):
                await before.stop()
            self._barriers[key] = barrier
            self._connected[key] = lane
            self.lanes.add(key, barrier)
        await self.lanes.go_on(keys)
        for _, barrier in barriers:
            await barrier.start()

    async def _try_lane(self, lane: Lane) -> None:
        """Give a lane the barrier of these settings, before they are stored. Raises ValueError: it keeps its own."""
        await self._take_up([(lane, self._barrier_of(lane, self.lanes.handle))])

    async def _lane_changed(self, lane: Lane) -> None:
        self._connected[LaneKey(lane.lot_id, lane.channel_id)] = lane
        if self._neighbours is not None:
            self._neighbours.say_that_lanes_changed()

    async def _keep_lanes(self) -> None:
        """Connect the lanes that another process set up, or gave another barrier."""
        while True:
            await set_within(self.clock, self._look_at_lanes, LOOK_AT_LANES_EVERY)
            self._look_at_lanes.clear()
            try:
                for lane in await self.database.read(registry.lanes):
                    known = self._connected.get(LaneKey(lane.lot_id, lane.channel_id))
                    if known is None or (lane.barrier, lane.detector) != (known.barrier, known.detector):
                        await self._connect([lane])
            except (StorageError, LotError) as error:
                log.error("the lanes cannot be looked at", error=str(error))
            except Exception:
                log.exception("a lane that another process set up cannot be connected")

    async def _keep_codes(self) -> None:
        """Ask BoLink for the code of every lane, and each lot's code for paying inside (2.3): once in each run, since
        it may have changed, and of what has none until it has one."""
        asked: set[LaneKey] = set()
        pause = 0.2
        while True:
            try:
                all_there = await self._fetch_codes(asked)
            except (BolinkError, StorageError) as error:
                log.info("the lanes' codes could not be fetched yet", error=str(error))
                all_there = False
            await self.clock.sleep(30 if all_there else pause)
            pause = 0.2 if all_there else min(60.0, pause * 2)

    async def _fetch_codes(self, asked: set[LaneKey]) -> bool:
        """Ask for every code that is missing or was not asked for yet. Tells whether all are there now."""
        lots = {lot.lot_id: lot for lot in await self.database.read(registry.lots)}
        wanted: list[tuple[LaneKey, Lot, CodeKind, str]] = [
            (LaneKey(lot.lot_id, ""), lot, CodeKind.PREPAY, lot.prepay_url) for lot in lots.values()
        ]
        for lane in await self.database.read(registry.lanes):
            kind = CodeKind.NO_PLATE_ENTRY if lane.direction == "entry" else CodeKind.EXIT_PAYMENT
            wanted.append((LaneKey(lane.lot_id, lane.channel_id), lots[lane.lot_id], kind, lane.entry_url))
        refused = False
        for key, lot, kind, known in wanted:
            if known and key in asked:
                continue
            try:
                await self._fetch_code(lot, kind, key.channel_id)
                asked.add(key)
            except (Refused, BadAnswer, LotError) as error:
                refused = True
                log.info("a code could not be fetched yet", lane=str(key), error=str(error))
        return not refused

    async def _fetch_code(self, lot: Lot, kind: CodeKind, channel_id: str) -> None:
        request = bolink.GetQrCode(
            union_id=int(lot.union_id), park_id=lot.park_id, type=kind, channel_id=channel_id or None
        )
        code = await self.client_of(lot.lot_id).get_qr_code(request)
        if not code.code_url:
            raise UnknownLot(f"BoLink gave no code for {channel_id or lot.lot_id}")
        url = code.code_url

        def keep(conn: sa.Connection) -> None:
            if channel_id:
                registry.update_lane(conn, lot.lot_id, channel_id, {"entry_url": url})
            else:
                registry.update_lot(conn, lot.lot_id, {"prepay_url": url})

        await self.database.write(keep)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        self._running.append(asyncio.create_task(work))


HANDLERS: Mapping[str, Callable[[Platform], Handler]] = {
    "nolicence_in_park": lambda platform: platform.no_plate_entries,
    "query_price": lambda platform: platform.prices,
    "prepay_order": lambda platform: platform.money.prepaid,
    "outpark": lambda platform: platform.money.charged,
    "pay_notice": lambda platform: platform.reductions,
    "refund": lambda platform: platform.told.refunded,
    "monthcard_pay": lambda platform: platform.passes.paid,
    "repair": lambda platform: platform.told.recovered,
    "plat_unified_order": lambda platform: platform.told.stay_paid,
    "plat_escape_order": lambda platform: platform.told.arrears_paid,
    "recharge": lambda platform: platform.told.change_told,
    "verify_code": lambda platform: platform.phone_checks,
    "notice_car_owner": lambda platform: platform.inbox.once(platform.vehicles.notice_car_owner),
    "check_vip": lambda platform: platform.passes.check,
    "special_plate": lambda platform: platform.inbox.once(platform.vehicles.special_plate),
    "car_info": lambda platform: platform.inbox.once(platform.passes.change),
    "query_car_info": lambda platform: platform.vehicles.query_car_info,
    "operate_liftrod": lambda platform: platform.inbox.once(platform.remote.operate_liftrod),
    "space_notify": lambda platform: platform.inbox.once(platform.remote.space_notify),
    "get_inpark_image": lambda platform: platform.records.get_inpark_image,
    "people_data": lambda platform: platform.records.people_data,
    "invoice_notify": lambda platform: platform.inbox.once(platform.records.invoice_notify),
}
"""What answers each message of BoLink, by service_name. The document's others are answered as not handled.

`once`: a message that changes something is acted on once. 9.1 is not among them: it has neither time nor number, and
the same person's data may rightly come again after others; nor is 5.13, whose driver may ask for another code."""

UNSIGNED: Mapping[str, Callable[[Platform], Unsigned]] = {"invoice_state": lambda platform: platform.invoice_hints}
"""What answers messages that bear no signature, by the end of their address."""
