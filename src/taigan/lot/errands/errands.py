"""Carries errands out: their row is committed before BoLink is asked, and what it says is committed after."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from zoneinfo import ZoneInfo

import structlog

from taigan.barriers.words import NotAPlate, plate_of
from taigan.bolink import BadMessage, BolinkClient, BolinkError, Refused, units
from taigan.bolink.chapters.lots import Merchant
from taigan.bolink.chapters.trade import EscapedOrder, QueryEscapes
from taigan.bolink.errors import BadAnswer
from taigan.clock import Clock
from taigan.lot import texts
from taigan.lot.entering.scan import Word
from taigan.lot.errands import invoices, lots, passes, paying, refunds
from taigan.lot.errands.city import said_in_time
from taigan.lot.errands.errand import Ended, Follow, Outcome, Overdue, Settle
from taigan.lot.errands.invoices import Buyer
from taigan.lot.errands.lots import Publication
from taigan.lot.errors import BadValue, BolinkSaysNo, Conflict, LotError, UnknownErrand, UnknownLot
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.room import Item, Room
from taigan.lot.people.by import By
from taigan.lot.policy import ArrearsAtEntry, RefundSurplus
from taigan.lot.writing.checkpoints import Checkpoint, Reach, pass_by
from taigan.storage.database import Database
from taigan.storage.due import errands as kept
from taigan.storage.errors import StorageError
from taigan.storage.locked import ledger
from taigan.storage.locked.passes import Term
from taigan.storage.rows import Errand, Lot
from taigan.storage.shown import views

log = structlog.get_logger("taigan.errands")
Call = Callable[[BolinkClient, Errand], Awaitable[Outcome]]
ANSWER_STORED_EVERY = 1.0


def nothing(room: Room, errand: Errand, before: str) -> None:
    """Nothing follows."""


FOLLOW: Mapping[str, Follow] = {"4.2": refunds.follow}
"""What follows from an errand's end, by section."""


class Errands:
    """One per process."""

    def __init__(
        self,
        database: Database,
        desk: LeavingDesk,
        client_of: Callable[[str], BolinkClient],
        clock: Clock,
        reach: Reach = pass_by,
    ) -> None:
        self._reach = reach
        self._database = database
        self._desk = desk
        self._client_of = client_of
        self._clock = clock
        self._under_way: set[asyncio.Task[Errand]] = set()
        if desk.policy.refund_surplus is RefundSurplus.AUTO:
            desk.gives_back = self

    async def send(self, begin: Item[Errand], call: Call) -> Errand:
        """Commit an errand and carry it out; one that waits for a second person is returned as it is.

        Whoever goes away meanwhile does not stop it. Raises StorageError, and the LotError of what cannot be begun.
        """
        errand = await self._desk.do(begin)
        return errand if errand.state != "asked" else await asyncio.shield(self._begun(errand, call))

    def _begun(self, errand: Errand, call: Call) -> asyncio.Task[Errand]:
        task = asyncio.create_task(self._carry_out(errand, call))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def ask_surplus(self, room: Room) -> list[Errand]:
        """Ask for what was paid too much, in the transaction in which that is seen; returns what is to be sent."""
        return refunds.ask_surplus(room)

    def send_later(self, errand: Errand) -> None:
        """Ask BoLink for a refund that is committed, without waiting for what becomes of it."""
        self._begun(errand, refunds.ask).add_done_callback(_log_failure)

    async def refund(
        self, lot_id: str, payment_id: str, fen: int, by: By, *, although_invoiced: bool = False
    ) -> Errand:
        """Ask for money to be given back, or for a second person to agree. Raises as `send`."""
        asked = refunds.AskRefund(
            lot_id=lot_id, payment_id=payment_id, fen=fen, by=by, although_invoiced=although_invoiced
        )
        return await self.send(asked, refunds.ask)

    async def approve(self, lot_id: str, errand_id: str, by: By) -> Errand:
        """A second person agrees to a refund. Raises as `send`."""
        return await self.send(refunds.Approve(lot_id=lot_id, errand_id=errand_id, by=by), refunds.ask)

    async def withdraw(self, lot_id: str, errand_id: str, by: By) -> Errand:
        """A refund that nobody agreed to is given up. Raises as `send`."""
        return await self._desk.do(refunds.Withdraw(lot_id=lot_id, errand_id=errand_id, by=by))

    async def publish(self, lot_id: str, given: Publication, by: By, *, confirmed: bool) -> Errand:
        """Submit the lot to BoLink, once (2.1). Raises as `send`."""
        lot = await self.lot(lot_id)
        asked = lots.AboutLot(lot_id=lot_id, section="2.1", what="publish lot", by=by, confirmed=confirmed, once=True)
        return await self.send(asked, lambda client, e: lots.publish(client, lot, given, lots.rand_of(e)))

    async def update_lot(
        self,
        lot_id: str,
        by: By,
        *,
        price_desc: str | None = None,
        phone: str | None = None,
        mobile: str | None = None,
    ) -> Errand:
        """Change what BoLink shows of the lot (2.2). Raises as `send`."""
        lot = await self.lot(lot_id)
        asked = lots.AboutLot(lot_id=lot_id, section="2.2", what="update lot", by=by)
        return await self.send(
            asked,
            lambda client, e: lots.update(
                client, lot, lots.rand_of(e), price_desc=price_desc, phone=phone, mobile=mobile
            ),
        )

    async def disable_lot(self, lot_id: str, by: By, *, confirmed: bool) -> Errand:
        """End the lot at BoLink (2.2). Raises as `send`."""
        lot = await self.lot(lot_id)
        asked = lots.AboutLot(lot_id=lot_id, section="2.2", what="disable lot", by=by, confirmed=confirmed)
        return await self.send(asked, lambda client, e: lots.update(client, lot, lots.rand_of(e), disable=True))

    async def tell_spaces(self, lot: Lot) -> None:
        """Tell BoLink the free spaces of now (2.2). Raises BolinkError, LotError."""
        rand = f"0.{self._clock.now():%Y%m%d%H%M%S%f}"
        await lots.update(self._client_of(lot.lot_id), lot, rand)

    async def onboard(self, lot_id: str, merchant: Merchant, by: By, *, confirmed: bool) -> Errand:
        """Submit the lot's merchant data, once (2.6). Raises as `send`."""
        lot = await self.lot(lot_id)
        asked = lots.AboutLot(
            lot_id=lot_id, section="2.6", what="submit merchant of", by=by, confirmed=confirmed, once=True
        )
        return await self.send(asked, lambda client, e: lots.onboard(client, lot, merchant))

    async def split(
        self, lot_id: str, account_no: str, account_name: str, percent: int, by: By, *, confirmed: bool
    ) -> Errand:
        """Ask for the contract by which somebody gets a share of the lot's money (3.5). Raises as `send`."""
        lot = await self.lot(lot_id)
        asked = lots.AboutLot(
            lot_id=lot_id,
            section="3.5",
            what=f"split {percent} % of",
            by=by,
            confirmed=confirmed,
            details={"percent": str(percent)},
        )
        return await self.send(asked, lambda client, e: lots.split(client, lot, account_no, account_name, percent))

    async def bind_split(self, lot_id: str, by: By) -> Errand:
        """Bind the receiver of the share, once its contract is signed (3.6). Raises as `send`."""
        lot = await self.lot(lot_id)
        asked = lots.AboutLot(lot_id=lot_id, section="3.6", what="bind split of", by=by)
        return await self.send(asked, lambda client, e: lots.bind(client, lot))

    async def onboarding_page(self, lot_id: str) -> str:
        """The address of the page where the merchant's data are typed (2.4). Raises UnknownLot, StorageError."""
        lot = await self.lot(lot_id)
        return self._client_of(lot_id).onboarding_page(lot.park_id)

    async def licence_page(self, lot_id: str, redirect_url: str) -> str:
        """The address that sends a driver's phone to `redirect_url` with the driver's number (7).

        Raises UnknownLot, StorageError.
        """
        await self.lot(lot_id)
        return self._client_of(lot_id).licence_page(redirect_url)

    async def invoice(self, lot_id: str, payment_id: str, buyer: Buyer, by: By) -> Errand:
        """Have an invoice made for a payment (6.2, 6.3). Raises as `send`."""
        asked = invoices.AskInvoice(lot_id=lot_id, payment_id=payment_id, by=by)
        return await self.send(asked, lambda client, e: invoices.issue(client, e, buyer))

    async def offer_invoice(self, lot_id: str, payment_id: str, by: By) -> Errand:
        """Let the driver have cash invoiced at BoLink (6.1). Raises as `send`."""
        asked = invoices.OfferInvoice(lot_id=lot_id, payment_id=payment_id, by=by)
        return await self.send(asked, invoices.offer)

    async def may_issue(self, lot_id: str) -> bool:
        """Whether invoices can be made for the lot (6.2). Raises UnknownLot, BolinkSaysNo, StorageError."""
        lot = await self.lot(lot_id)
        try:
            return await invoices.may_issue(self._client_of(lot_id), lot.park_id)
        except BolinkError as error:
            raise BolinkSaysNo(str(error)) from None

    async def refresh(self, lot_id: str, errand_id: str) -> Errand:
        """Ask BoLink where an errand stands that it works on (6.5).

        Raises UnknownErrand, Conflict, BolinkSaysNo, StorageError.
        """
        errand = await self._database.read(lambda conn: kept.errand(conn, lot_id, errand_id))
        if errand is None:
            raise UnknownErrand(f"lot {lot_id} has no errand {errand_id}", "errand_id")
        if errand.state not in ("running", "unclear") or errand.section != invoices.INVOICE:
            raise Conflict(f"{errand.section} is {errand.state}: there is nothing to ask")
        try:
            told = await invoices.stands(self._client_of(lot_id), errand)
        except BolinkError as error:
            raise BolinkSaysNo(str(error)) from None
        return await self._desk.do(invoices.InvoiceStands(lot_id=lot_id, errand_id=errand_id, told=told))

    async def look_at_invoices(self, lot: Lot) -> None:
        """Ask where the lot's invoices stand that are being made. Raises StorageError."""
        for errand in await self._database.read(lambda conn: kept.under_way(conn, lot.lot_id, invoices.INVOICE)):
            try:
                await self.refresh(lot.lot_id, errand.errand_id)
            except LotError as error:
                log.info("an invoice could not be asked about", lot=lot.lot_id, error=error.message)

    async def look_at_refunds(self, lot: Lot) -> None:
        """Tell a person of refunds that BoLink works on for too long. Raises StorageError."""
        now = self._clock.now()
        for errand in await self._database.read(lambda conn: kept.under_way(conn, lot.lot_id, refunds.SECTION)):
            if refunds.takes_long(errand, now):
                await self._desk.do(refunds.TakesLong(lot_id=lot.lot_id, errand_id=errand.errand_id))

    async def lot(self, lot_id: str) -> Lot:
        """Raises UnknownLot, StorageError."""
        lot = await self._database.read(lambda conn: views.lot(conn, lot_id))
        if lot is None:
            raise UnknownLot(f"there is no lot {lot_id}", "lot_id")
        return lot

    async def renew(self, lot_id: str, card_id: str, months: int, by: By) -> Errand:
        """Have a pass lengthened once its holder has paid; the address is in `detail` (3.3). Raises as `send`."""
        return await self.send(passes.AskRenewal(lot_id=lot_id, card_id=card_id, months=months, by=by), passes.renew)

    async def set_terms(self, lot_id: str, terms: list[tuple[int, int]], by: By) -> list[Term]:
        """For how long, and at what price, the lot sells passes. Raises as `send`."""
        return await self._desk.do(passes.SetTerms(lot_id=lot_id, terms=terms, by=by))

    async def fetch_passes(self, lot: Lot, by: By | None = None) -> tuple[int, int]:
        """Put all passes that BoLink has in place of those it told of before (10.6): how many, and how many more could
        not be used. Raises BolinkSaysNo, StorageError.
        """
        zone, now = ZoneInfo(lot.time_zone), self._clock.now()
        known = await self._database.read(lambda conn: passes.limits_known(conn, lot.lot_id))
        replaced, unusable = await passes.fetch(self._client_of(lot.lot_id), lot.lot_id, zone, now, known)
        replaced.by = by
        return await self._desk.do(replaced), unusable

    async def place_stay(self, lot_id: str, order_id: str, by: By) -> Errand:
        """Place what a stay comes to, to be paid at an address that is in `detail` (3.4). Raises as `send`."""
        return await self.send(paying.PlaceStay(lot_id=lot_id, order_id=order_id, by=by), paying.place_stay)

    async def place_arrears(self, lot_id: str, order_id: str, by: By) -> Errand:
        """The same of what is owed for a stay that has ended (3.9). Raises as `send`."""
        return await self.send(paying.PlaceArrears(lot_id=lot_id, order_id=order_id, by=by), paying.place_arrears)

    async def give_change(self, lot_id: str, payment_id: str, fen: int, by: By) -> Errand:
        """Give change for cash as a red packet (3.10). Raises as `send`."""
        asked = paying.PlaceChange(lot_id=lot_id, payment_id=payment_id, fen=fen, by=by)
        return await self.send(asked, paying.give_change)

    async def arrears(self, lot_id: str, plate: str) -> list[EscapedOrder]:
        """What a plate left owing, here and elsewhere, as BoLink has it (3.8).

        Raises UnknownLot, BadValue, BolinkSaysNo, StorageError.
        """
        lot = await self.lot(lot_id)
        try:
            number = plate_of(plate)
        except NotAPlate as error:
            raise BadValue(str(error), "plate") from None
        try:
            return await self._escapes(lot_id, lot.park_id, number)
        except BolinkError as error:
            raise BolinkSaysNo(str(error)) from None

    async def _escapes(self, lot_id: str, park_id: str, plate: str) -> list[EscapedOrder]:
        asked = QueryEscapes(park_id=park_id, car_number=plate, time_temp=str(units.seconds(self._clock.now())))
        return (await self._client_of(lot_id).query_escapes(asked)).escape_order or []

    async def check_arrears(self, lot_id: str, plate: str) -> Word:
        """Whether a plate that wants to come in owes this lot for an earlier stay that was reported (3.8), and what
        becomes of it. BoLink is asked of those only that owe something here. Never raises."""
        rule = self._desk.policy.arrears_at_entry
        if rule is ArrearsAtEntry.IGNORE:
            return Word()
        try:
            if not await self._database.read(lambda conn: ledger.owes(conn, lot_id, plate)):
                return Word()
            if word := await said_in_time(self._clock, self._reported(lot_id, plate)):
                refused = word.arrears and rule is ArrearsAtEntry.REFUSE
                return Word(texts.ARREARS_FIRST) if refused else word
            log.warning("BoLink did not say in time whether a plate left something unpaid", lot=lot_id)
        except (BolinkError, LotError, StorageError) as error:
            log.warning("BoLink could not be asked what a plate left unpaid", lot=lot_id, error=str(error))
        return Word()

    async def _reported(self, lot_id: str, plate: str) -> Word:
        union_id, _, park_id = lot_id.partition("-")
        owed = await self._escapes(lot_id, park_id, plate)
        return Word(arrears=sum((str(one.union_id), one.park_id) == (union_id, park_id) for one in owed))

    async def settle(self, lot_id: str, errand_id: str, state: str, by: By) -> Errand:
        """A person says what became of an errand. Raises as `send`."""
        errand = await self._database.read(lambda conn: kept.errand(conn, lot_id, errand_id))
        follow = FOLLOW.get(errand.section, nothing) if errand is not None else nothing
        return await self._desk.do(Settle(lot_id=lot_id, errand_id=errand_id, state=state, by=by, follow=follow))

    async def look(self) -> None:
        """End the waiting for answers that will not come any more. Raises StorageError."""
        now = self._clock.now()
        for errand in await self._database.read(lambda conn: kept.unanswered(conn, now)):
            follow = FOLLOW.get(errand.section, nothing)
            await self._desk.do(Overdue(lot_id=errand.lot_id, errand_id=errand.errand_id, follow=follow))

    async def stop(self) -> None:
        """Return when what is under way has ended, but wait for a few seconds only."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=3)

    async def drained(self) -> None:
        """Return when everything that is under way has ended."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _carry_out(self, errand: Errand, call: Call) -> Errand:
        self._reach(Checkpoint.ASKED)
        outcome = await self._outcome(errand, call)
        self._reach(Checkpoint.ANSWERED)
        log.info(
            "errand", lot=errand.lot_id, section=errand.section, errand=errand.errand_id, state=outcome.state,
            said=outcome.said,
        )  # fmt: skip
        ended = Ended(
            lot_id=errand.lot_id,
            errand_id=errand.errand_id,
            outcome=outcome,
            follow=FOLLOW.get(errand.section, nothing),
        )
        errand = await self._desk.do(ended)
        self._reach(Checkpoint.RECORDED)
        return errand

    async def _outcome(self, errand: Errand, call: Call) -> Outcome:
        try:
            return await call(self._client_of(errand.lot_id), errand)
        except Refused as error:
            return Outcome("failed", error.text)
        except BadMessage as error:
            return Outcome("failed", f"not sent: {error}")
        except LotError as error:
            return Outcome("failed", error.message)
        except (BadAnswer, BolinkError) as error:
            return Outcome("unclear", str(error))


def _log_failure(task: asyncio.Task[Errand]) -> None:
    """What nobody waits for: its row says that it was asked, and will be unclear."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("what became of an errand is not stored", error=str(error))
