"""The orders of a lot."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Controller, get, post, put
from litestar.params import JSONBody, QueryParameter

from taigan.lot.people.beginning.importing import ImportInside, Inside
from taigan.lot.people.exit_acts import Close
from taigan.rights import Right
from taigan.storage.shown import views
from taigan.web.api.common import ACTS, BY_TIME, READS, Here, Id, Who, by_of
from taigan.web.errors import bad_value
from taigan.web.shown import ledger as shown
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page


class Orders(Controller):
    """The orders of a lot."""

    tags = ("orders",)
    path = "/lots/{lot_id:str}/orders"

    @get("/", responses=READS, right=Right.STAY_SEE)
    async def list_orders(
        self,
        office: Here,
        lot_id: Id,
        car_number: Annotated[
            str,
            QueryParameter(max_length=64, pattern=r.NO_NUL, description="The whole licence, as received or as marked."),
        ] = "",
        state_: Annotated[Literal["", r.OrderState], QueryParameter(name="state", description="Empty: all.")] = "",
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Page[r.OrderView]:
        """Orders in all states, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.orders(conn, lot_id, most, after, car_number=car_number, state=state_),
            lambda order: (order.requested_at, order.order_id),
            r.shown_order,
        )

    @get("/{order_id:str}", responses=READS, right=Right.STAY_SEE)
    async def get_order(self, office: Here, holder: Who, lot_id: Id, order_id: Id) -> shown.OrderMoney:
        """An order with its events, lifts and deliveries; its bill and payments for those who may see money."""
        found = await office.order(lot_id, order_id)
        bill, payments = None, None
        if holder.may(Right.MONEY_SEE, lot_id):
            bill, payments = await office.money_of(lot_id, order_id)
        return shown.OrderMoney(**msgspec.structs.asdict(found), bill=bill, payments=payments)

    @post("/{order_id:str}/close", status_code=200, responses=ACTS, right=Right.STAY_CLOSE)
    async def close_order(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[shown.Closed]
    ) -> r.OrderView:
        """End a stay that nobody saw leave: free, as paid, or owing what is due; the order becomes `out`."""
        act = Close(lot_id=lot_id, order_id=order_id, by=by_of(holder, data), how=data.how)
        return r.shown_order(await office.leaving.do(act))

    @post("/import", status_code=200, responses=ACTS, right=Right.STAY_IMPORT)
    async def import_orders(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.CarsInside]
    ) -> shown.TakenOver:
        """Take over the cars that stand inside when the lot goes live; each takes a space. Again, nothing changes."""
        for number, car in enumerate(data.cars):
            if car.in_at.tzinfo is None:
                raise bad_value(f"car {number}: in_at needs an offset from UTC", "in_at")
        cars = [Inside(car.plate, car.in_at, car.order_id) for car in data.cars]
        taken = await office.leaving.do(ImportInside(lot_id=lot_id, cars=cars, by=by_of(holder, data)))
        return shown.TakenOver(taken)

    @put("/{order_id:str}/licence", responses=ACTS, right=Right.STAY_CORRECT)
    async def change_licence(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[r.LicenceChange]
    ) -> r.OrderView:
        """Move an order to the licence it truly belongs to."""
        by = by_of(holder, data)
        return r.shown_order(await office.attendant.relicense(lot_id, order_id, data.car_number, by))
