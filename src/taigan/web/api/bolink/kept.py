"""What BoLink told of vehicles, people and invoices, and the pictures."""

from __future__ import annotations

from litestar import Controller, Response, get, put

from taigan.barriers.words import spelling
from taigan.lot.errors import UnknownOrder
from taigan.rights import Right
from taigan.storage.locked import vehicles
from taigan.web.api.common import (
    ACTS,
    BY_ID,
    BY_NAME,
    BY_NUMBER,
    READS,
    AnyRequest,
    Filter,
    Here,
    Id,
)
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page


class Kept(Controller):
    """What BoLink told of vehicles, people and invoices."""

    tags = ("kept",)
    path = "/lots/{lot_id:str}"

    @get("/special_vehicles", responses=READS, right=Right.PASS_SEE)
    async def list_special_vehicles(
        self, office: Here, lot_id: Id, car_number: Filter = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.SpecialVehicleView]:
        """The white and the black list (11.4), by number."""
        number = spelling(car_number)
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_NUMBER,
            lambda conn, most, after: vehicles.list_special_vehicles(conn, lot_id, most, after, number),
            lambda vehicle: (vehicle.car_number, vehicle.kind),
            r.shown_special_vehicle,
        )

    @get("/auto_pay", responses=READS, right=Right.PASS_SEE)
    async def list_auto_pay(
        self, office: Here, lot_id: Id, car_number: Filter = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.AutoPayView]:
        """Which plates pay by themselves (5.2), by plate."""
        number = spelling(car_number)
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_NAME,
            lambda conn, most, after: vehicles.list_auto_pay(conn, lot_id, most, after, number),
            lambda told: (told.car_number,),
            r.shown_auto_pay,
        )

    @get("/invoices", responses=READS, right=Right.MONEY_SEE)
    async def list_invoices(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.InvoiceView]:
        """Invoices that were issued at BoLink (11.7), newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: vehicles.list_invoices(conn, lot_id, most, after),
            lambda invoice: (invoice.notice_id,),
            r.shown_invoice,
        )

    @get("/people", responses=READS, right=Right.RESIDENT_SEE)
    async def list_people(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.PersonView]:
        """The residents that BoLink sent to the lot's vendor (9.1), newest first."""
        union_id = (await office.lot(lot_id)).union_id
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: vehicles.list_people(conn, union_id, most, after),
            lambda resident: (resident.person_id,),
            r.shown_person,
        )

    @get(
        "/orders/{order_id:str}/pictures/{kind:str}", responses=READS, media_type="image/jpeg", right=Right.PICTURE_SEE
    )
    async def get_picture(self, office: Here, lot_id: Id, order_id: Id, kind: Id) -> Response[bytes]:
        """An order's entry (`in`) or exit (`out`) picture, as BoLink gets it by 5.4."""

        await office.lot(lot_id)
        found = await office.album.of_order(lot_id, order_id, kind)
        if found is None:
            raise UnknownOrder(f"order {order_id} has no such picture", "order_id")
        headers = {"x-content-type-options": "nosniff"}
        return Response(found[1], media_type=found[0], headers=headers)

    @put("/orders/{order_id:str}/pictures/{kind:str}", status_code=204, responses=ACTS, right=Right.PICTURE_PUT)
    async def put_picture(self, office: Here, request: AnyRequest, lot_id: Id, order_id: Id, kind: Id) -> None:
        """Keep an order's picture: the body is a JPEG or PNG of at most 2 MiB. A later one takes its place."""
        await office.records.keep_picture(lot_id, order_id, kind, await request.body())
