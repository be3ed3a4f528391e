"""What BoLink is asked to do, once: refunds and the rest, with what became of each."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter

from taigan.lot.errands.invoices import Buyer
from taigan.rights import Right
from taigan.storage.due import errands as kept
from taigan.web.api.common import ACTS, ASKS, BY_TIME, READS, Filter, Here, Id, Who, by_of
from taigan.web.shown import asked as shown
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page

State = Annotated[Literal["", shown.ErrandState], QueryParameter(name="state", description="Empty: all.")]


class Errands(Controller):
    """What BoLink is asked to do."""

    tags = ("errands",)
    path = "/lots/{lot_id:str}"

    @get("/errands", responses=READS, right=Right.MONEY_SEE)
    async def list_errands(
        self,
        office: Here,
        lot_id: Id,
        section: Filter = "",
        state_: State = "",
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Page[shown.ErrandView]:
        """All that was asked, newest first; of one section of the document, in one state."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: kept.listed(conn, lot_id, most, after, section=section, state=state_),
            lambda one: (one.at, one.errand_id),
            shown.shown_errand,
        )

    @post("/payments/{payment_id:str}/refund", status_code=200, responses=ACTS, right=Right.MONEY_REFUND)
    async def refund(
        self, office: Here, holder: Who, lot_id: Id, payment_id: Id, data: JSONBody[shown.NewRefund]
    ) -> shown.ErrandView:
        """Give money back to whoever paid it (4.2). Above `refund_alone_fen` it waits for a second person."""
        errand = await office.errands.refund(
            lot_id, payment_id, data.fen, by_of(holder, data), although_invoiced=data.although_invoiced
        )
        return shown.shown_errand(errand)

    @post("/errands/{errand_id:str}/approve", status_code=200, responses=ACTS, right=Right.MONEY_APPROVE)
    async def approve_errand(
        self, office: Here, holder: Who, lot_id: Id, errand_id: Id, data: JSONBody[r.Act]
    ) -> shown.ErrandView:
        """A second person agrees to a refund: BoLink is asked."""
        return shown.shown_errand(await office.errands.approve(lot_id, errand_id, by_of(holder, data)))

    @post(
        "/errands/{errand_id:str}/withdraw",
        status_code=200,
        responses=ACTS,
        right=(Right.MONEY_REFUND, Right.MONEY_APPROVE),
    )
    async def withdraw_errand(
        self, office: Here, holder: Who, lot_id: Id, errand_id: Id, data: JSONBody[r.Act]
    ) -> shown.ErrandView:
        """A refund that waits for a second person is given up."""
        return shown.shown_errand(await office.errands.withdraw(lot_id, errand_id, by_of(holder, data)))

    @post("/errands/{errand_id:str}/settle", status_code=200, responses=ACTS, right=Right.MONEY_APPROVE)
    async def settle_errand(
        self, office: Here, holder: Who, lot_id: Id, errand_id: Id, data: JSONBody[shown.Settled]
    ) -> shown.ErrandView:
        """A person has looked at BoLink what became of one that is unclear or running."""
        return shown.shown_errand(await office.errands.settle(lot_id, errand_id, data.state, by_of(holder, data)))

    @post("/errands/{errand_id:str}/refresh", status_code=200, responses=ASKS, right=Right.MONEY_SEE)
    async def refresh_errand(self, office: Here, lot_id: Id, errand_id: Id) -> shown.ErrandView:
        """Ask BoLink where one stands that it works on: an invoice (6.5)."""
        return shown.shown_errand(await office.errands.refresh(lot_id, errand_id))

    @post("/payments/{payment_id:str}/invoice", status_code=200, responses=ACTS, right=Right.MONEY_INVOICE)
    async def issue_invoice(
        self, office: Here, holder: Who, lot_id: Id, payment_id: Id, data: JSONBody[shown.NewInvoice]
    ) -> shown.ErrandView:
        """Have an invoice made for a payment, over what was paid less what was given back (6.2, 6.3)."""
        given = {name: getattr(data, name) for name in Buyer.__struct_fields__}
        errand = await office.errands.invoice(lot_id, payment_id, Buyer(**given), by_of(holder, data))
        return shown.shown_errand(errand)

    @post("/payments/{payment_id:str}/invoice_order", status_code=200, responses=ACTS, right=Right.MONEY_INVOICE)
    async def offer_invoice(
        self, office: Here, holder: Who, lot_id: Id, payment_id: Id, data: JSONBody[r.Act]
    ) -> shown.ErrandView:
        """Let the driver have a payment invoiced at BoLink that was not made there (6.1)."""
        return shown.shown_errand(await office.errands.offer_invoice(lot_id, payment_id, by_of(holder, data)))

    @get("/issuer", responses=ASKS, right=Right.MONEY_SEE)
    async def get_issuer(self, office: Here, lot_id: Id) -> shown.Issuer:
        """Whether invoices can be made for the lot at BoLink (6.2)."""
        return shown.Issuer(await office.errands.may_issue(lot_id))
