"""The orders of a lot."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, get, post, put
from litestar.params import JSONBody, QueryParameter

from taigan.rights import Right
from taigan.storage import views
from taigan.web import resources as r
from taigan.web.api.common import ACTS, BY_TIME, READS, Here, Id, Who, by_of
from taigan.web.paging import Cursor, Limit, Page


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
    async def get_order(self, office: Here, lot_id: Id, order_id: Id) -> r.OrderDetail:
        """An order with its events, lifts and deliveries."""
        return await office.order(lot_id, order_id)

    @post("/{order_id:str}/close", status_code=200, responses=ACTS, right=Right.STAY_CLOSE)
    async def close_order(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[r.Act]
    ) -> r.OrderView:
        """End a stay by hand: the order becomes `out`."""
        order = await office.attendant.close_order(lot_id, order_id, by_of(holder, data))
        return r.shown_order(order)

    @put("/{order_id:str}/licence", responses=ACTS, right=Right.STAY_CORRECT)
    async def change_licence(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[r.LicenceChange]
    ) -> r.OrderView:
        """Move an order to the licence it truly belongs to."""
        by = by_of(holder, data)
        return r.shown_order(await office.attendant.relicense(lot_id, order_id, data.car_number, by))
