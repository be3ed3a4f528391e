"""What a lot owes to BoLink."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter

from taigan.rights import Right
from taigan.storage.shown import views
from taigan.web.api.common import ACTS, BY_ID, READS, Here, Id, Number, Who, by_of
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page


class Deliveries(Controller):
    """What a lot owes to BoLink."""

    tags = ("deliveries",)
    path = "/lots/{lot_id:str}/deliveries"

    @get("/", responses=READS, right=Right.DELIVERY_SEE)
    async def list_deliveries(
        self,
        office: Here,
        lot_id: Id,
        state_: Annotated[Literal["", r.DeliveryState], QueryParameter(name="state", description="Empty: all.")] = "",
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Page[r.DeliveryView]:
        """Uploads, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.deliveries(conn, lot_id, most, after, state=state_),
            lambda delivery: (delivery.delivery_id,),
            r.shown_delivery,
        )

    @get("/{delivery_id:int}", responses=READS, right=Right.DELIVERY_SEE)
    async def get_delivery(self, office: Here, lot_id: Id, delivery_id: Number) -> r.DeliveryView:
        """An upload, with what BoLink said to it."""
        return await office.delivery(lot_id, delivery_id)

    @post("/{delivery_id:int}/retry", status_code=200, responses=ACTS, right=Right.DELIVERY_REPLAY)
    async def retry_delivery(
        self,
        office: Here,
        holder: Who,
        lot_id: Id,
        delivery_id: Number,
        data: JSONBody[r.Again | None] = None,
    ) -> r.DeliveryView:
        """Send a refused upload again, or a waiting one now."""
        await office.attendant.retry_delivery(lot_id, delivery_id, by_of(holder, data, "sent again"))
        return await office.delivery(lot_id, delivery_id)

    @post("/retry", status_code=200, responses=ACTS, right=Right.DELIVERY_REPLAY)
    async def retry_refused(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[r.Again | None] = None
    ) -> r.SentAgain:
        """Send again every upload that BoLink refused, but for those that a later one has overtaken."""
        return r.SentAgain(await office.attendant.retry_refused(lot_id, by_of(holder, data, "sent again")))
