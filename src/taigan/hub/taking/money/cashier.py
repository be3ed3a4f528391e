"""The cashier: asks lots what a stay costs, and takes what drivers pay at exits and inside."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from decimal import Decimal

import sqlalchemy as sa

from taigan.bolink import BadMessage, by_section, read, yuan
from taigan.bolink.chapters.callbacks import PriceQuery
from taigan.bolink.chapters.commands import CheckPass, PassChecked
from taigan.bolink.values import PayScene
from taigan.hub.book import records
from taigan.hub.book.book import Book
from taigan.hub.book.records import Kind, Record
from taigan.hub.book.registry import Lot
from taigan.hub.book.trail import Trail
from taigan.hub.drivers import drivers, quotes
from taigan.hub.drivers.bill import Bill, bill, payment_for
from taigan.hub.drivers.drivers import Driver
from taigan.hub.drivers.quotes import Ask, Begun, Quote, Shown
from taigan.hub.errors import Unknown, Unusable
from taigan.hub.faults import Faults
from taigan.hub.identity import App
from taigan.hub.rules import Rules
from taigan.hub.sending import pushes
from taigan.hub.sending.postbox import Outbox, Postbox
from taigan.hub.sending.pushes import Delivery, Outcome, Push, Sender
from taigan.hub.taking.money import settlement
from taigan.hub.taking.uploads import money_goes

LARGEST = 100_000_000_00
"""No driver pays more fen than this."""


class Cashier:
    """Asks for a price, and takes a payment for it: one for each quote, unless it failed."""

    def __init__(
        self, book: Book, sender: Sender, postbox: Postbox, faults: Faults, rules: Rules, new_id: Callable[[], str]
    ) -> None:
        self._book = book
        self._sender = sender
        self._postbox = postbox
        self._faults = faults
        self._rules = rules
        self._new_id = new_id
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def ask(self, asked: Ask) -> str:
        """Take a question; its id. The lot is asked in the background. Raises `Unknown` or `Unusable`."""
        begun, push = await self._book.write(self._begin, asked, self._new_id())
        scan_id = begun.quote.scan_id
        if push is not None:
            task = asyncio.create_task(self._hear(scan_id, push))
            self._asking[scan_id] = task
            task.add_done_callback(lambda _: self._asking.pop(scan_id, None))
        return scan_id

    async def heard(self, scan_id: str) -> None:
        """Return once the lot has answered, or not in time."""
        task = self._asking.get(scan_id)
        if task is not None:
            await asyncio.shield(task)

    async def bill(self, scan_id: str) -> Bill:
        """What the phone shows now. Raises `Unknown`."""
        return await self._book.read(bill, self._rules, scan_id, self._book.clock.now())

    async def pay(self, scan_id: str, fen: int | None = None) -> Record:
        """Pay what was quoted, or so many fen. Raises `Unknown`, or `Unusable` where nothing is to be paid."""
        payment, outgoing = await self._book.write(self._pay, scan_id, fen)
        self._postbox.send_soon(outgoing)
        return payment

    async def invoice(self, scan_id: str) -> Record:
        """Have an invoice made for what was paid, once. Raises `Unknown`, or `Unusable` where nothing was paid."""
        payment, outgoing = await self._book.write(self._invoice, scan_id)
        self._postbox.send_soon(outgoing)
        return payment

    async def settle_arrears(self, driver: Driver, code: str) -> Record:
        """A payment of what a car left owing, to be made at the counter. Raises `Unknown`, `Unusable`."""
        return await self._book.write(self._settle_arrears, driver, code)

    async def buy_pass(self, driver: Driver, lot: Lot, car_number: str, fen: int) -> Record | str:
        """Ask the lot whether a plate may have a pass at that amount (11.2): a payment to be made at the counter, or
        why not, empty where the lot said nothing.
        """
        push = await self._book.write(self._check_pass, lot, car_number, fen)
        delivery = await self._sender.send(push)
        return await self._book.write(self._pass_checked, push, delivery, driver, lot, car_number, fen)

    async def close(self) -> None:
        """Stop asking. Questions whose answer was not heard are shown as unanswered at the next start."""
        for task in list(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    def _begin(self, conn: sa.Connection, trail: Trail, asked: Ask, scan_id: str) -> tuple[Begun, Push | None]:
        begun = quotes.begin(conn, trail, asked, scan_id, number_at(trail, self._new_id()))
        quote, lot = begun.quote, begun.lot
        if not begun.ask:
            return begun, None
        inside = quote.scene is PayScene.INSIDE
        query = PriceQuery(
            car_number=None if quote.scene is PayScene.AT_EXIT else quote.car_number,
            order_id=None if quote.scene is PayScene.AT_EXIT else quote.order_id,
            park_id=lot.park_id,
            pay_scene=quote.scene.value,
            out_channel_id=None if inside else quote.channel_id,
            query_order_no=quote.quote_no,
            licence=quote.licence if begun.known_licence else None,
            pay_user_id=begun.driver.pay_user_id,
        )
        push = pushes.prepare(conn, trail, lot, quote.channel_id, by_section("5.1"), query, scan_id=scan_id)
        return begun, push

    async def _hear(self, scan_id: str, push: Push) -> None:
        delivery = await self._sender.send(push)

        def work(conn: sa.Connection, trail: Trail) -> None:
            pushes.keep(conn, trail, push, delivery)
            quotes.answered(conn, trail, scan_id, delivery.answer)

        await self._book.write(work)

    def _pay(self, conn: sa.Connection, trail: Trail, scan_id: str, fen: int | None) -> tuple[Record, list[Push]]:
        quote = quotes.find(conn, scan_id)
        if quote.shown is not Shown.PRICE:
            raise Unusable("there is nothing to pay", "scan_id")
        before = payment_for(conn, quote)
        if before is not None and before.state != "failed":
            return before, []
        amount = quote.fen if fen is None else fen
        if not 0 < amount <= LARGEST:
            raise Unusable("must be more than 0", "amount")
        outbox = Outbox(conn, trail, self._rules, self._faults)
        payment = self._take(outbox, quote, amount)
        quotes.paid_by(conn, trail, quote, payment.number)
        settlement.tell(outbox, payment)
        quotes.show_payment(trail, quote, settlement.SAID[payment.state])
        return payment, outbox.pushes

    def _invoice(self, conn: sa.Connection, trail: Trail, scan_id: str) -> tuple[Record, list[Push]]:
        payment = payment_for(conn, quotes.find(conn, scan_id))
        if payment is None:
            raise Unusable("there is nothing to invoice", "scan_id")
        outbox = Outbox(conn, trail, self._rules, self._faults)
        return settlement.invoice(outbox, payment), outbox.pushes

    def _settle_arrears(self, conn: sa.Connection, trail: Trail, driver: Driver, code: str) -> Record:
        arrears = records.find_by_code(conn, code)
        if arrears is None or arrears.kind != Kind.ARREARS:
            raise Unknown("arrears", "code")
        if arrears.state != "unpaid":
            raise Unusable("it was paid", "code")
        for before in records.payments_of(conn, arrears.lot_id, arrears.order_id):
            if before.detail["purpose"] == "own_arrears" and before.state == "pending":
                return before
        return records.add(
            conn,
            trail,
            Kind.PAYMENTS,
            arrears.union_id,
            arrears.lot_id,
            number_at(trail, self._new_id()),
            self._new_id() + self._new_id(),
            state="pending",
            order_id=arrears.order_id,
            car_number=arrears.car_number,
            fen=arrears.fen,
            detail={"purpose": "own_arrears", "channel": 0 if driver.app is App.WECHAT else 1},
        )

    def _check_pass(self, conn: sa.Connection, trail: Trail, lot: Lot, car_number: str, amount: int) -> Push:
        asked = CheckPass(
            park_id=lot.park_id, union_id=int(lot.union_id), car_number=car_number, amount=Decimal(yuan(amount))
        )
        return pushes.prepare(conn, trail, lot, "", by_section("11.2"), asked)

    def _pass_checked(
        self,
        conn: sa.Connection,
        trail: Trail,
        push: Push,
        delivery: Delivery,
        driver: Driver,
        lot: Lot,
        car_number: str,
        amount: int,
    ) -> Record | str:
        pushes.keep(conn, trail, push, delivery)
        answer = delivery.answer
        if answer.outcome is not Outcome.ANSWERED or answer.status != 200:
            return ""
        try:
            said = read(answer.body or b"", PassChecked)
        except BadMessage:
            return ""
        if said.state != 1:
            return (said.errmsg or "").strip()[:100]
        return records.add(
            conn,
            trail,
            Kind.PAYMENTS,
            lot.union_id,
            lot.lot_id,
            number_at(trail, self._new_id()),
            self._new_id() + self._new_id(),
            state="pending",
            car_number=car_number,
            fen=amount,
            detail={"purpose": "bought_pass", "channel": 0 if driver.app is App.WECHAT else 1},
        )

    def _take(self, outbox: Outbox, quote: Quote, amount: int) -> Record:
        driver = drivers.find(outbox.conn, quote.driver_id)
        inside = quote.scene is PayScene.INSIDE
        section = "5.3" if inside else "5.5"
        names = (section, by_section(section).event)
        state = money_goes(self._faults, lot_id=quote.lot_id, channel_id=quote.channel_id, names=names)
        channel = 0 if driver.app is App.WECHAT else 1
        return records.add(
            outbox.conn,
            outbox.trail,
            Kind.PAYMENTS,
            quote.lot_id.partition("-")[0],
            quote.lot_id,
            number_at(outbox.trail, self._new_id()),
            self._new_id() + self._new_id(),
            state=state,
            order_id=quote.order_id,
            car_number=quote.car_number,
            fen=amount,
            detail={
                "purpose": "prepay" if inside else "code",
                "pay_type": "scancode",
                "quote_no": quote.quote_no,
                "query_time": quote.told.query_time,
                "scan_id": quote.scan_id,
                "out_channel_id": quote.channel_id,
                "channel": channel,
                "pay_user_id": driver.pay_user_id,
            },
        )


def number_at(trail: Trail, random: str) -> str:
    """A number of 24 digits that begins with the moment."""
    tail = int.from_bytes(hashlib.sha256(random.encode()).digest()) % 10**10
    return f"{trail.at:%Y%m%d%H%M%S}{tail:010d}"
