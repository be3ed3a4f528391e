"""What a person does about a stay's money and end."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import JSONBody

from taigan.barriers.words import NotAPlate, plate_of
from taigan.lot.people import exit_acts as acts
from taigan.rights import Right
from taigan.storage.locked import ledger
from taigan.web.api.common import ACTS, READS, Here, Id, Who, by_of
from taigan.web.errors import bad_value
from taigan.web.shown import ledger as shown
from taigan.web.shown import resources as r


class Stays(Controller):
    """A stay's money and end."""

    tags = ("leaving",)
    path = "/lots/{lot_id:str}/orders/{order_id:str}"

    @get("/bill", responses=READS, right=Right.MONEY_SEE)
    async def get_bill(self, office: Here, lot_id: Id, order_id: Id) -> shown.BillView:
        """What the order comes to."""
        await office.order(lot_id, order_id)
        return shown.shown_bill(await office.database.read(lambda conn: ledger.bill(conn, lot_id, order_id)))

    @get("/payments", responses=READS, right=Right.MONEY_SEE)
    async def get_payments(self, office: Here, lot_id: Id, order_id: Id) -> list[shown.PaymentView]:
        """The order's payments, oldest first."""
        await office.order(lot_id, order_id)
        found = await office.database.read(lambda conn: ledger.payments(conn, lot_id, order_id))
        return [shown.shown_payment(payment) for payment in found]

    @post("/waive", status_code=200, responses=ACTS, right=Right.MONEY_WAIVE)
    async def waive(self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[r.Act]) -> shown.BillView:
        """Waive what is due, or still owed."""
        act = acts.Waive(lot_id=lot_id, order_id=order_id, by=by_of(holder, data), pictures=office.pictures(lot_id))
        return shown.shown_bill((await office.leaving.do(act)).bill)

    @post("/set_amount", status_code=200, responses=ACTS, right=Right.MONEY_SET)
    async def set_amount(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[shown.Amount]
    ) -> shown.BillView:
        """Set what the stay costs, or confirm what is worked out."""
        act = acts.SetAmount(
            lot_id=lot_id,
            order_id=order_id,
            by=by_of(holder, data),
            fen=data.fen,
            pictures=office.pictures(lot_id),
        )
        return shown.shown_bill((await office.leaving.do(act)).bill)

    @post("/correct", status_code=200, responses=ACTS, right=Right.STAY_CORRECT)
    async def correct(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[shown.Corrected]
    ) -> r.OrderView:
        """Correct the plate or the time of entry."""
        try:
            plate = plate_of(data.plate) if data.plate else ""
        except NotAPlate as error:
            raise bad_value(str(error), "plate") from None
        if not plate and data.in_at is None:
            raise bad_value("nothing to correct is given")
        if data.in_at is not None and data.in_at.tzinfo is None:
            raise bad_value("in_at needs an offset from UTC", "in_at")
        act = acts.Correct(
            lot_id=lot_id,
            order_id=order_id,
            by=by_of(holder, data),
            plate=plate,
            in_at=data.in_at,
            may_be_later=holder.may(Right.STAY_CORRECT_LATER, lot_id),
            pictures=office.pictures(lot_id),
        )
        return r.shown_order(await office.leaving.do(act))

    @post("/confirm", status_code=200, responses=ACTS, right=Right.STAY_CORRECT)
    async def confirm(self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[r.Act]) -> r.OrderView:
        """A person has looked at a stay that was marked for review."""
        act = acts.Confirm(lot_id=lot_id, order_id=order_id, by=by_of(holder, data))
        return r.shown_order(await office.leaving.do(act))

    @post("/extend", status_code=200, responses=ACTS, right=Right.STAY_EXTEND)
    async def extend(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[shown.Extended]
    ) -> shown.BillView:
        """Give a driver who paid more time to leave."""
        if data.leave_by.tzinfo is None:
            raise bad_value("leave_by needs an offset from UTC", "leave_by")
        act = acts.Extend(
            lot_id=lot_id,
            order_id=order_id,
            by=by_of(holder, data),
            leave_by=data.leave_by,
            pictures=office.pictures(lot_id),
        )
        return shown.shown_bill((await office.leaving.do(act)).bill)

    @post("/report", status_code=200, responses=ACTS, right=Right.MONEY_ESCAPE)
    async def report(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[r.Act]
    ) -> shown.BillView:
        """Report to BoLink what a stay left owing (3.2 escape). That cannot be taken back."""
        act = acts.Report(lot_id=lot_id, order_id=order_id, by=by_of(holder, data))
        return shown.shown_bill((await office.leaving.do(act)).bill)

    @post("/give_back", status_code=200, responses=ACTS, right=Right.MONEY_RETURN)
    async def give_back(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[shown.GivenBack]
    ) -> shown.BillView:
        """Surplus was given back by hand."""
        act = acts.GiveBack(lot_id=lot_id, order_id=order_id, by=by_of(holder, data), fen=data.fen)
        return shown.shown_bill((await office.leaving.do(act)).bill)
