"""What stays come to: bills, payments, strays, what is owed and what is too much, reductions, shifts."""

from __future__ import annotations

from litestar import Controller, delete, get, post
from litestar.params import JSONBody

from taigan.lot.errands.moving import Move
from taigan.lot.people import exit_acts as acts
from taigan.lot.people.shifts import CloseShift, OpenShift
from taigan.rights import Right
from taigan.storage.shown import ledger_views as views
from taigan.web.api.common import ACTS, BY_NAME, BY_TIME, READS, Here, Id, Who, by_of
from taigan.web.shown import ledger as shown
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page


class Money(Controller):
    """Money."""

    tags = ("money",)
    path = "/lots/{lot_id:str}"

    @get("/payments", responses=READS, right=Right.MONEY_SEE)
    async def list_payments(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[shown.PaymentView]:
        """All payments in whatever state, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.payments(conn, lot_id, most, after),
            lambda one: (one.received_at, one.payment_id),
            shown.shown_payment,
        )

    @get("/strays", responses=READS, right=Right.MONEY_SEE)
    async def list_strays(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[shown.PaymentView]:
        """Payments that belong to no order, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.payments(conn, lot_id, most, after, strays=True),
            lambda one: (one.received_at, one.payment_id),
            shown.shown_payment,
        )

    @get("/owed", responses=READS, right=Right.MONEY_SEE)
    async def list_owed(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[shown.OwedView]:
        """Stays that ended owing something."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_NAME,
            lambda conn, most, after: views.owed(conn, lot_id, most, after),
            lambda one: (one.order.order_id,),
            shown.shown_owed,
        )

    @get("/surplus", responses=READS, right=Right.MONEY_SEE)
    async def list_surplus(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[shown.OwedView]:
        """Stays for which more was paid than they cost."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_NAME,
            lambda conn, most, after: views.surplus(conn, lot_id, most, after),
            lambda one: (one.order.order_id,),
            shown.shown_owed,
        )

    @get("/review", responses=READS, right=Right.STAY_SEE)
    async def list_review(self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = "") -> Page[r.OrderView]:
        """Stays that a person should look at, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.review(conn, lot_id, most, after),
            lambda order: (order.requested_at, order.order_id),
            r.shown_order,
        )

    @get("/reductions", responses=READS, right=Right.MONEY_SEE)
    async def list_reductions(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[shown.ReductionView]:
        """What made stays cheaper, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.reductions(conn, lot_id, most, after),
            lambda one: (one.at, one.reduction_id),
            shown.shown_reduction,
        )

    @post("/reductions", responses=ACTS, right=Right.MONEY_REDUCE)
    async def add_reduction(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.NewReduction]
    ) -> shown.ReductionView:
        """Make a stay that goes on cheaper."""
        reduction = await office.leaving.do(
            acts.Reduce(
                lot_id=lot_id,
                order_id=data.order_id,
                by=by_of(holder, data),
                kind=data.kind,
                value=data.value,
                pictures=office.pictures(lot_id),
            )
        )
        return shown.shown_reduction(reduction)

    @delete("/reductions/{reduction_id:str}", status_code=200, responses=ACTS, right=Right.MONEY_REDUCE)
    async def end_reduction(
        self, office: Here, holder: Who, lot_id: Id, reduction_id: Id, data: JSONBody[r.Act]
    ) -> shown.ReductionView:
        """A reduction was a mistake: it counts no longer, its row stays."""
        by = by_of(holder, data)
        ended = acts.EndReduction(lot_id=lot_id, reduction_id=reduction_id, by=by, pictures=office.pictures(lot_id))
        return shown.shown_reduction(await office.leaving.do(ended))

    @post("/payments/{payment_id:str}/assign", status_code=200, responses=ACTS, right=Right.MONEY_ASSIGN)
    async def assign(
        self, office: Here, holder: Who, lot_id: Id, payment_id: Id, data: JSONBody[shown.Assigned]
    ) -> shown.PaymentView:
        """A stray belongs to this order. One that cannot be understood takes the amount that a person read in it."""
        by = by_of(holder, data)
        payment = await office.leaving.do(
            acts.Assign(
                lot_id=lot_id,
                payment_id=payment_id,
                order_id=data.order_id,
                by=by,
                fen=data.fen,
                pictures=office.pictures(lot_id),
            )
        )
        return shown.shown_payment(payment)

    @post("/payments/{payment_id:str}/move", status_code=200, responses=ACTS, right=Right.MONEY_MOVE)
    async def move(
        self, office: Here, holder: Who, lot_id: Id, payment_id: Id, data: JSONBody[shown.Moved]
    ) -> shown.PaymentView:
        """A payment was made for the wrong stay: it counts for this order instead. Not while the other order's car left
        on the strength of it, nor once part of it was given back or it was invoiced."""
        moved = Move(
            lot_id=lot_id,
            payment_id=payment_id,
            order_id=data.order_id,
            by=by_of(holder, data),
            pictures=office.pictures(lot_id),
        )
        return shown.shown_payment(await office.leaving.do(moved))

    @post("/payments/{payment_id:str}/reverse", status_code=200, responses=ACTS, right=Right.MONEY_REVERSE)
    async def reverse(
        self, office: Here, holder: Who, lot_id: Id, payment_id: Id, data: JSONBody[r.Act]
    ) -> shown.PaymentView:
        """Cash was booked by mistake."""
        reversed_ = acts.Reverse(lot_id=lot_id, payment_id=payment_id, by=by_of(holder, data))
        return shown.shown_payment(await office.leaving.do(reversed_))

    @get("/shifts", responses=READS, right=Right.MONEY_SEE)
    async def list_shifts(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[shown.ShiftView]:
        """Shifts, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.shifts(conn, lot_id, most, after),
            lambda one: (one.opened_at, one.shift_id),
            shown.shown_shift,
        )

    @post("/shifts", responses=ACTS, right=Right.SHIFT_RUN)
    async def open_shift(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.ShiftOpened]
    ) -> shown.ShiftView:
        """Begin a shift. One is open at a booth, and for a person, at a time."""
        opened = OpenShift(lot_id=lot_id, booth=data.booth, opening_fen=data.opening_fen, by=by_of(holder, data))
        return shown.shown_shift(await office.leaving.do(opened))

    @post("/shifts/{shift_id:str}/close", status_code=200, responses=ACTS, right=Right.SHIFT_RUN)
    async def close_shift(
        self, office: Here, holder: Who, lot_id: Id, shift_id: Id, data: JSONBody[shown.ShiftClosed]
    ) -> shown.ShiftView:
        """Hand over: the counted cash first; what was expected is told with the answer."""
        closed = CloseShift(
            lot_id=lot_id, shift_id=shift_id, counted_fen=data.counted_fen, note=data.note, by=by_of(holder, data)
        )
        return shown.shown_shift(await office.leaving.do(closed))
