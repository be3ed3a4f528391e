"""The REST API, `/api/v1`: the lots, their lanes and orders, and what a person does to them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from litestar import Controller, Litestar, Request, Response, Router, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.params import JSONBody, PathParameter, QueryParameter
from litestar.response import Stream

from taigan.barriers.barrier import LaneKey
from taigan.barriers.drivers import BadSettings
from taigan.lot.errors import UnknownBlock, UnknownDelivery, UnknownLane, UnknownLot, UnknownOrder
from taigan.lot.events import Events
from taigan.lot.lanes.lanes import Lanes
from taigan.lot.messages.kept import LARGEST_PICTURE, Records
from taigan.lot.people.attendant import Attendant, By
from taigan.lot.plates import Plates
from taigan.storage import vehicles, views
from taigan.storage.database import Database
from taigan.storage.errors import StorageError
from taigan.storage.rows import Lane, Lot
from taigan.storage.views import After
from taigan.web import live, posters, tokens
from taigan.web import resources as r
from taigan.web.asgi import ClientGone, Message, Receive, Scope, Send, TooLarge, TooSlow, path_parts, read_body, respond
from taigan.web.errors import HANDLERS, ErrorBody, Refused, bad_value, not_found, of_body, of_storage, send_refusal
from taigan.web.paging import Cursor, Limit, Page, Position

BODY_LIMIT = 64 * 1024
_PICTURES = ("image/jpeg", "image/png")
LARGEST_ID = 2**63 - 1

R = TypeVar("R")
V = TypeVar("V")

Id = Annotated[str, PathParameter(max_length=128, pattern=r.NO_NUL)]
Number = Annotated[int, PathParameter(ge=0, le=LARGEST_ID)]
Filter = Annotated[str, QueryParameter(max_length=128, pattern=r.NO_NUL, description="Only these; empty: all.")]


@dataclass(frozen=True, slots=True)
class Platform:
    """What the API shows and acts on."""

    database: Database
    attendant: Attendant
    lanes: Lanes
    events: Events
    records: Records
    plates: Plates
    check_barrier: Callable[[Mapping[str, Any]], object]

    async def lot(self, lot_id: str) -> r.LotView:
        """Raises UnknownLot."""
        lot = await self.database.read(lambda conn: _known_lot(conn, lot_id))
        return r.shown_lot(lot)

    async def lane(self, lot_id: str, channel_id: str) -> r.LaneView:
        """Raises UnknownLot, UnknownLane."""

        def transaction(conn: sa.Connection) -> tuple[Lane, set[str]]:
            _known_lot(conn, lot_id)
            lane = views.lane(conn, lot_id, channel_id)
            if lane is None:
                raise UnknownLane(f"lot {lot_id} has no lane {channel_id}", "channel_id")
            return lane, views.occupied(conn, lot_id, [channel_id])

        lane, occupied = await self.database.read(transaction)
        return self.shown_lane(lane, occupied)

    def shown_lane(self, lane: Lane, occupied: set[str]) -> r.LaneView:
        state = self.lanes.state(LaneKey(lane.lot_id, lane.channel_id))
        return r.shown_lane(lane, state, lane.channel_id in occupied)

    async def order(self, lot_id: str, order_id: str) -> r.OrderDetail:
        """Raises UnknownLot, UnknownOrder."""

        def transaction(conn: sa.Connection) -> views.OrderHistory:
            _known_lot(conn, lot_id)
            history = views.order(conn, lot_id, order_id)
            if history is None:
                raise UnknownOrder(f"lot {lot_id} has no order {order_id}", "order_id")
            return history

        return r.shown_history(await self.database.read(transaction))

    async def delivery(self, lot_id: str, delivery_id: int) -> r.DeliveryView:
        """Raises UnknownLot, UnknownDelivery."""

        def transaction(conn: sa.Connection) -> views.OwedDelivery:
            _known_lot(conn, lot_id)
            delivery = views.delivery(conn, lot_id, delivery_id)
            if delivery is None:
                raise UnknownDelivery(f"lot {lot_id} has no delivery {delivery_id}", "delivery_id")
            return delivery

        return r.shown_delivery(await self.database.read(transaction))

    async def page(
        self,
        lot_id: str,
        limit: int,
        cursor: str,
        position: Position,
        read: Callable[[sa.Connection, int, After], list[R]],
        key: Callable[[R], After],
        show: Callable[[R], V],
    ) -> Page[V]:
        """A page of something of a lot. Raises UnknownLot, `Refused` for a wrong cursor."""
        after = position.read(cursor)

        def transaction(conn: sa.Connection) -> list[R]:
            _known_lot(conn, lot_id)
            return read(conn, limit + 1, after)

        return position.page(await self.database.read(transaction), limit, key, show)


def _known_lot(conn: sa.Connection, lot_id: str) -> Lot:
    lot = views.lot(conn, lot_id)
    if lot is None:
        raise UnknownLot(f"there is no lot {lot_id}", "lot_id")
    return lot


P = NamedDependency[Platform]
AnyRequest = Request[Any, Any, Any]
BY_ID = Position(int)
BY_NAME = Position(str)
BY_NUMBER = Position(str, str)
BY_TIME = Position(datetime, str)


def _says(*statuses: int) -> dict[int, ResponseSpec]:
    words = {
        400: "A value cannot be used; `field` names it.",
        401: "The token is missing or not one of ours.",
        404: "There is no such thing.",
        409: "The thing is not in a state that allows it.",
        413: "The body is too large.",
        502: "The barrier did not take the command.",
        503: "The database does not answer.",
    }
    return {status: ResponseSpec(ErrorBody, generate_examples=False, description=words[status]) for status in statuses}


READS = _says(400, 401, 404, 503)
ACTS = _says(400, 401, 404, 409, 413, 503)
COMMANDS = _says(400, 401, 404, 409, 413, 502, 503)


class Lots(Controller):
    """The parking lots."""

    tags = ("lots",)
    path = "/lots"

    @get("/", responses=READS)
    async def list_lots(self, platform: P, limit: Limit = 100, cursor: Cursor = "") -> Page[r.LotView]:
        """All lots, by lot_id."""
        after = BY_NAME.read(cursor)
        rows = await platform.database.read(lambda conn: views.lots(conn, limit + 1, after))
        return BY_NAME.page(rows, limit, lambda lot: (lot.lot_id,), r.shown_lot)

    @get("/{lot_id:str}", responses=READS)
    async def get_lot(self, platform: P, lot_id: Id) -> r.LotView:
        """A lot with its free spaces."""
        return await platform.lot(lot_id)

    @put("/{lot_id:str}", responses=ACTS)
    async def change_lot(self, platform: P, lot_id: Id, data: JSONBody[r.LotChange]) -> r.LotView:
        """Correct the free spaces, declare or end an emergency, or change its settings; one of these at a time."""
        by = By(data.operator, data.reason)
        changed = r.changes(data)
        if not changed:
            raise bad_value("nothing to change is given")
        if len(changed) > 1 and ("spaces_free" in changed or "emergency" in changed):
            raise bad_value("spaces_free and emergency are changed by themselves")
        if "spaces_free" in changed:
            lot = await platform.attendant.set_spaces(lot_id, changed["spaces_free"], by)
        elif "emergency" in changed:
            lot = await platform.attendant.set_emergency(lot_id, changed["emergency"], by)
        else:
            _check_time_zone(changed.get("time_zone"))
            lot = await platform.attendant.set_lot(lot_id, changed, by)
        return r.shown_lot(lot)

    @get("/{lot_id:str}/lifts", responses=READS)
    async def list_lifts(
        self, platform: P, lot_id: Id, channel_id: Filter = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.LiftView]:
        """Every command to a barrier, with and without an order."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.lifts(conn, lot_id, most, after, channel_id=channel_id),
            lambda lift: (lift.intended_at, lift.lift_id),
            r.shown_lift,
        )

    @get("/{lot_id:str}/passes", responses=READS)
    async def list_passes(
        self, platform: P, lot_id: Id, channel_id: Filter = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.PassView]:
        """Cars that left a loop, with the order they had or none."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.passes(conn, lot_id, most, after, channel_id=channel_id),
            lambda car: (car.left_at, car.presence_id),
            r.shown_pass,
        )

    @get("/{lot_id:str}/alarms", responses=READS)
    async def list_alarms(self, platform: P, lot_id: Id, limit: Limit = 100, cursor: Cursor = "") -> Page[r.AlarmView]:
        """What a person should look at."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.alarms(conn, lot_id, most, after),
            lambda alarm: (alarm.alarm_id,),
            r.shown_alarm,
        )

    @get("/{lot_id:str}/space_changes", responses=READS)
    async def list_space_changes(
        self, platform: P, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.SpaceChangeView]:
        """Corrections of the free spaces, and passes without an order."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.space_changes(conn, lot_id, most, after),
            lambda change: (change.change_id,),
            r.shown_space_change,
        )

    @get("/{lot_id:str}/acts", responses=READS)
    async def list_acts(self, platform: P, lot_id: Id, limit: Limit = 100, cursor: Cursor = "") -> Page[r.ActView]:
        """What operators changed, and why."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.acts(conn, lot_id, most, after),
            lambda act: (act.act_id,),
            r.shown_act,
        )

    @get("/{lot_id:str}/events", responses=READS, media_type="text/event-stream")
    async def stream_events(self, platform: P, lot_id: Id) -> Stream:
        """What happens in the lot, as it happens: server-sent events."""
        await platform.lot(lot_id)
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Stream(live.steps(platform.events, lot_id), headers=headers, media_type="text/event-stream")


class Orders(Controller):
    """The orders of a lot."""

    tags = ("orders",)
    path = "/lots/{lot_id:str}/orders"

    @get("/", responses=READS)
    async def list_orders(
        self,
        platform: P,
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
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.orders(conn, lot_id, most, after, car_number=car_number, state=state_),
            lambda order: (order.requested_at, order.order_id),
            r.shown_order,
        )

    @get("/{order_id:str}", responses=READS)
    async def get_order(self, platform: P, lot_id: Id, order_id: Id) -> r.OrderDetail:
        """An order with its events, lifts and deliveries."""
        return await platform.order(lot_id, order_id)

    @post("/{order_id:str}/close", status_code=200, responses=ACTS)
    async def close_order(self, platform: P, lot_id: Id, order_id: Id, data: JSONBody[r.Act]) -> r.OrderView:
        """End a stay by hand: the order becomes `out`."""
        order = await platform.attendant.close_order(lot_id, order_id, By(data.operator, data.reason))
        return r.shown_order(order)

    @put("/{order_id:str}/licence", responses=ACTS)
    async def change_licence(
        self, platform: P, lot_id: Id, order_id: Id, data: JSONBody[r.LicenceChange]
    ) -> r.OrderView:
        """Move an order to the licence it truly belongs to."""
        by = By(data.operator, data.reason)
        return r.shown_order(await platform.attendant.relicense(lot_id, order_id, data.car_number, by))


class LotLanes(Controller):
    """The lanes of a lot."""

    tags = ("lanes",)
    path = "/lots/{lot_id:str}/lanes"

    @get("/", responses=READS)
    async def list_lanes(self, platform: P, lot_id: Id, limit: Limit = 100, cursor: Cursor = "") -> Page[r.LaneView]:
        """The lot's lanes, by channel_id."""

        def read(conn: sa.Connection, most: int, after: After) -> list[tuple[Lane, set[str]]]:
            lanes = views.lanes(conn, lot_id, most, after)
            occupied = views.occupied(conn, lot_id, [lane.channel_id for lane in lanes])
            return [(lane, occupied) for lane in lanes]

        def show(row: tuple[Lane, set[str]]) -> r.LaneView:
            return platform.shown_lane(*row)

        return await platform.page(lot_id, limit, cursor, BY_NAME, read, lambda row: (row[0].channel_id,), show)

    @get("/{channel_id:str}", responses=READS)
    async def get_lane(self, platform: P, lot_id: Id, channel_id: Id) -> r.LaneView:
        """A lane with its barrier's present picture."""
        return await platform.lane(lot_id, channel_id)

    @put("/{channel_id:str}", responses=ACTS)
    async def change_lane(self, platform: P, lot_id: Id, channel_id: Id, data: JSONBody[r.LaneChange]) -> r.LaneView:
        """Change a lane's settings."""
        changed = r.changes(data)
        if not changed:
            raise bad_value("nothing to change is given")
        if "open" in changed:
            changed["is_open"] = changed.pop("open")
        try:
            if "barrier" in changed:
                platform.check_barrier(changed["barrier"])
            await platform.attendant.set_lane(lot_id, channel_id, changed, By(data.operator, data.reason))
        except BadSettings as error:
            raise bad_value(str(error), "barrier") from None
        return await platform.lane(lot_id, channel_id)

    @get("/{channel_id:str}/poster", responses={**READS, **_says(409)}, media_type="image/svg+xml")
    async def get_poster(
        self,
        platform: P,
        request: Request[Any, Any, Any],
        lot_id: Id,
        channel_id: Id,
        format_: Annotated[
            Literal["", "svg", "png", "pdf"],
            QueryParameter(name="format", description="Empty: as the Accept header asks, else SVG."),
        ] = "",
        size: Annotated[Literal["a4", "screen"], QueryParameter(description="For paper or the lane's screen.")] = "a4",
    ) -> Response[bytes]:
        """The lane's sign: its code, lot and lane, three steps in Chinese and English, whom to call."""
        lot, lane = await platform.lot(lot_id), await platform.lane(lot_id, channel_id)
        if not lane.entry_url:
            raise Refused(409, "no_code", f"lane {channel_id} has no code: BoLink gave none yet, or it is no entry")
        sign = posters.Sign(lane.entry_url, lot.name or lot.park_id, lane.channel_id, lot.contact)
        kind = posters.Format(format_) if format_ else posters.accepted(request.headers.get("accept", ""))
        drawn = await asyncio.to_thread(posters.poster, sign, posters.Size(size), kind)
        name = quote(f"{lot_id}-{channel_id}.{kind}", safe="")
        headers = {"content-disposition": f"inline; filename*=UTF-8''{name}", "vary": "accept"}
        return Response(drawn, media_type=posters.MEDIA_TYPES[kind], headers=headers)

    @post("/{channel_id:str}/release", status_code=200, responses=COMMANDS)
    async def release(self, platform: P, lot_id: Id, channel_id: Id, data: JSONBody[r.LaneAct]) -> r.OrderDetail:
        """Let the waiting driver in: the arm rises. 409 when nobody waits."""
        by = By(data.operator, data.reason)
        lift = await platform.attendant.release(lot_id, channel_id, by, data.order_id)
        return await platform.order(lot_id, lift.order_id or "")

    @post("/{channel_id:str}/refuse", status_code=200, responses=COMMANDS)
    async def refuse(self, platform: P, lot_id: Id, channel_id: Id, data: JSONBody[r.LaneAct]) -> r.OrderDetail:
        """Send the waiting driver away: the order is void. 409 when nobody waits."""
        by = By(data.operator, data.reason)
        order = await platform.attendant.refuse(lot_id, channel_id, by, data.order_id)
        return await platform.order(lot_id, order.order_id)

    @post("/{channel_id:str}/open", status_code=200, responses=COMMANDS)
    async def open_barrier(self, platform: P, lot_id: Id, channel_id: Id, data: JSONBody[r.LaneAct]) -> r.LiftView:
        """Raise the arm for no order; with `order_id` it is a release of that order."""
        by = By(data.operator, data.reason)
        if data.order_id is None:
            return r.shown_lift(await platform.attendant.open(lot_id, channel_id, by))
        lift = await platform.attendant.release(lot_id, channel_id, by, data.order_id)
        order = await platform.order(lot_id, data.order_id)
        return next(shown for shown in order.lifts if shown.lift_id == lift.lift_id)

    @post("/{channel_id:str}/hold", status_code=200, responses=COMMANDS)
    async def hold_barrier(self, platform: P, lot_id: Id, channel_id: Id, data: JSONBody[r.Act]) -> r.LiftView:
        """Raise the arm and keep it up until it is closed."""
        return r.shown_lift(await platform.attendant.hold(lot_id, channel_id, By(data.operator, data.reason)))

    @post("/{channel_id:str}/close", status_code=200, responses=COMMANDS)
    async def close_barrier(self, platform: P, lot_id: Id, channel_id: Id, data: JSONBody[r.Act]) -> r.LiftView:
        """Lower the arm, and end a hold."""
        return r.shown_lift(await platform.attendant.close(lot_id, channel_id, By(data.operator, data.reason)))

    @post("/{channel_id:str}/plate", status_code=200, responses=ACTS)
    async def read_plate(self, platform: P, lot_id: Id, channel_id: Id, data: JSONBody[r.PlateRead]) -> r.Told:
        """A camera read a plate: its car is let in by the rules of entry, or the plate joins the order of its scan."""
        await platform.lane(lot_id, channel_id)
        said = await platform.plates.posted(LaneKey(lot_id, channel_id), data.plate, data.presence_id or "")
        return r.Told(said.state, said.errmsg or "")


class Deliveries(Controller):
    """What a lot owes to BoLink."""

    tags = ("deliveries",)
    path = "/lots/{lot_id:str}/deliveries"

    @get("/", responses=READS)
    async def list_deliveries(
        self,
        platform: P,
        lot_id: Id,
        state_: Annotated[Literal["", r.DeliveryState], QueryParameter(name="state", description="Empty: all.")] = "",
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Page[r.DeliveryView]:
        """Uploads, newest first."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.deliveries(conn, lot_id, most, after, state=state_),
            lambda delivery: (delivery.delivery_id,),
            r.shown_delivery,
        )

    @get("/{delivery_id:int}", responses=READS)
    async def get_delivery(self, platform: P, lot_id: Id, delivery_id: Number) -> r.DeliveryView:
        """An upload, with what BoLink said to it."""
        return await platform.delivery(lot_id, delivery_id)

    @post("/{delivery_id:int}/retry", status_code=200, responses=ACTS)
    async def retry_delivery(
        self,
        platform: P,
        request: AnyRequest,
        lot_id: Id,
        delivery_id: Number,
        data: JSONBody[r.Again | None] = None,
    ) -> r.DeliveryView:
        """Send a refused upload again, or a waiting one now."""
        await platform.attendant.retry_delivery(lot_id, delivery_id, _by(request, data, "sent again"))
        return await platform.delivery(lot_id, delivery_id)


class BlockedDrivers(Controller):
    """Who is not let in."""

    tags = ("blocked",)
    path = "/lots/{lot_id:str}/blocked"

    @get("/", responses=READS)
    async def list_blocked(
        self, platform: P, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.BlockedView]:
        """Drivers that are not let in."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.blocked(conn, lot_id, most, after),
            lambda blocked: (blocked.blocked_id,),
            r.shown_block,
        )

    @post("/", responses=ACTS)
    async def block_driver(self, platform: P, lot_id: Id, data: JSONBody[r.Block]) -> r.BlockedView:
        """Refuse a driver by licence, pay_user_id or mobile from now on. One that is blocked already stays as it is."""
        by = By(data.operator, data.reason)
        blocked_id = await platform.attendant.block(lot_id, data.kind, data.value, by)
        blocked = await platform.database.read(lambda conn: views.block(conn, lot_id, blocked_id))
        if blocked is None:
            raise UnknownBlock("it was taken back meanwhile")
        return r.shown_block(blocked)

    @delete("/", responses=ACTS)
    async def unblock_value(self, platform: P, lot_id: Id, data: JSONBody[r.Block]) -> None:
        """Let a driver in again, named by kind and value."""
        by = By(data.operator, data.reason)
        value = data.value.strip()

        def transaction(conn: sa.Connection) -> views.Blocked | None:
            _known_lot(conn, lot_id)
            return views.block_of(conn, lot_id, data.kind, value)

        blocked = await platform.database.read(transaction)
        if blocked is None:
            raise UnknownBlock(f"this {data.kind} is not blocked", "value")
        await platform.attendant.unblock(lot_id, blocked.blocked_id, by)

    @delete("/{blocked_id:int}", responses=ACTS)
    async def unblock(
        self,
        platform: P,
        request: AnyRequest,
        lot_id: Id,
        blocked_id: Number,
        data: JSONBody[r.Again | None] = None,
    ) -> None:
        """Let a driver in again, named by the block's id."""
        await platform.attendant.unblock(lot_id, blocked_id, _by(request, data, "taken back"))


class Kept(Controller):
    """What BoLink told of vehicles, people and invoices."""

    tags = ("kept",)
    path = "/lots/{lot_id:str}"

    @get("/special_vehicles", responses=READS)
    async def list_special_vehicles(
        self, platform: P, lot_id: Id, car_number: Filter = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.SpecialVehicleView]:
        """The white and the black list (11.4), by number."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_NUMBER,
            lambda conn, most, after: vehicles.list_special_vehicles(conn, lot_id, most, after, car_number),
            lambda vehicle: (vehicle.car_number, vehicle.kind),
            r.shown_special_vehicle,
        )

    @get("/auto_pay", responses=READS)
    async def list_auto_pay(
        self, platform: P, lot_id: Id, car_number: Filter = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.AutoPayView]:
        """Which plates pay by themselves (5.2), by plate."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_NAME,
            lambda conn, most, after: vehicles.list_auto_pay(conn, lot_id, most, after, car_number),
            lambda told: (told.car_number,),
            r.shown_auto_pay,
        )

    @get("/invoices", responses=READS)
    async def list_invoices(
        self, platform: P, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.InvoiceView]:
        """Invoices that were issued at BoLink (11.7), newest first."""
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: vehicles.list_invoices(conn, lot_id, most, after),
            lambda invoice: (invoice.notice_id,),
            r.shown_invoice,
        )

    @get("/people", responses=READS)
    async def list_people(self, platform: P, lot_id: Id, limit: Limit = 100, cursor: Cursor = "") -> Page[r.PersonView]:
        """The residents that BoLink sent to the lot's vendor (9.1), newest first."""
        union_id = (await platform.lot(lot_id)).union_id
        return await platform.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: vehicles.list_people(conn, union_id, most, after),
            lambda resident: (resident.person_id,),
            r.shown_person,
        )

    @get("/orders/{order_id:str}/pictures/{kind:str}", responses=READS, media_type="image/jpeg")
    async def get_picture(self, platform: P, lot_id: Id, order_id: Id, kind: Id) -> Response[bytes]:
        """An order's entry (`in`) or exit (`out`) picture, as BoLink gets it by 5.4."""

        def transaction(conn: sa.Connection) -> tuple[str, bytes] | None:
            _known_lot(conn, lot_id)
            return vehicles.picture(conn, lot_id, order_id, kind)

        found = await platform.database.read(transaction)
        if found is None:
            raise UnknownOrder(f"order {order_id} has no such picture", "order_id")
        headers = {"x-content-type-options": "nosniff"}
        return Response(found[1], media_type=found[0], headers=headers)

    @put("/orders/{order_id:str}/pictures/{kind:str}", status_code=204, responses=ACTS)
    async def put_picture(self, platform: P, request: AnyRequest, lot_id: Id, order_id: Id, kind: Id) -> None:
        """Keep an order's picture: the body is a JPEG or PNG of at most 2 MiB. A later one takes its place."""
        await platform.records.keep_picture(lot_id, order_id, kind, await request.body())


class Vendors(Controller):
    """The accounts at BoLink."""

    tags = ("vendors",)
    path = "/vendors"

    @put("/{union_id:str}/key", responses=ACTS)
    async def change_key(self, platform: P, union_id: Id, data: JSONBody[r.KeyChange]) -> r.KeyView:
        """Sign with another key from now on. The one before is accepted for `key_overlap` longer."""
        in_use = await platform.attendant.rotate_key(union_id, data.key, By(data.operator, data.reason))
        return r.KeyView(in_use.union_id, in_use.valid_from, in_use.previous_until)


def _by(request: AnyRequest, given: r.Again | None, act: str) -> By:
    """Who does it: as the body says, else the one whose token it is."""
    operator = (given.operator if given else None) or request.scope["state"]["token_name"]
    return By(operator, (given.reason if given else None) or f"{act} over the API")


def _check_time_zone(name: str | None) -> None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (LookupError, ValueError, OSError):
            raise bad_value("is not a time zone, like Asia/Shanghai", "time_zone") from None


class StrictRequest(AnyRequest):
    """Decodes JSON bodies straight into the handler's type; the framework would take "true" for true."""

    async def json(self) -> Any:
        field = self.route_handler.parsed_data_field
        assert field is not None
        try:
            return msgspec.json.decode(await self.body(), type=field.annotation)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise of_body(error) from None


class _DecodedPath:
    """Gives handlers the path's parts as they were before `Api` encoded them again."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        found = scope["path_params"]
        if any(isinstance(value, int) and value > LARGEST_ID for value in found.values()):
            raise NotFoundException
        scope["path_params"] = {k: unquote(v) if isinstance(v, str) else v for k, v in found.items()}
        await self._app(scope, receive, send)


def _operation_id(handler: HTTPRouteHandler, method: Any, path: Any) -> str:
    return re.sub("_(.)", lambda found: found[1].upper(), handler.handler_name)


def framework(platform: Platform) -> Litestar:
    """The API as a Litestar application; it trusts `Api` in front of it to have checked token, path and size."""
    router = Router(
        "/api/v1",
        route_handlers=[Lots, Orders, LotLanes, Deliveries, BlockedDrivers, Kept, Vendors],
        dependencies={"platform": Provide(lambda: platform, sync_to_thread=False)},
        middleware=[_DecodedPath],
    )
    return Litestar(
        [router],
        request_class=StrictRequest,
        exception_handlers=HANDLERS,
        logging_config=None,
        debug=False,
        openapi_config=OpenAPIConfig(
            title="taigan",
            use_handler_docstrings=True,
            version="1",
            description="A parking-lot platform that speaks BoLink (泊链). Times are ISO 8601 in UTC.",
            components=Components(security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}),
            security=[{"token": []}],
            operation_id_creator=_operation_id,
            path="/schema",  # not reachable: `Api` serves it
            render_plugins=[JsonRenderPlugin()],
        ),
    )


class Api:
    """Everything under `/api`: no path, no body and no method is looked at before the token."""

    def __init__(self, platform: Platform, *, body_timeout: float) -> None:
        self._database = platform.database
        self._framework = framework(platform)
        self._body_timeout = body_timeout
        self._openapi: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] == "/api/v1/openapi.json" and scope["method"] == "GET":
                await respond(send, 200, self.openapi(), "application/json")
                return
            name = await self._token_name(scope)
            parts = path_parts(scope)
            is_picture = scope["method"] == "PUT" and parts[-2:-1] == ["pictures"]
            body = await self._body(receive, LARGEST_PICTURE if is_picture else BODY_LIMIT)
        except ClientGone:
            return
        except UnicodeDecodeError:
            await send_refusal(send, bad_value("the address is not UTF-8"))
            return
        except Refused as refused:
            await send_refusal(send, refused)
            return
        except StorageError as error:
            await send_refusal(send, of_storage(error, "/api"))
            return
        if "" in parts:
            await send_refusal(send, not_found())
            return
        inner = dict(scope)
        inner["path"] = "/" + "/".join(quote(part, safe="") for part in parts)
        inner["state"] = {**scope.get("state", {}), "token_name": name}
        framework: Any = self._framework
        await framework(inner, _again(body, receive), send)

    def openapi(self) -> bytes:
        """The description of the API, OpenAPI 3.1 in JSON."""
        if self._openapi is None:
            described: Any = self._framework.openapi_schema.to_schema()
            for kind in r.STRICT:
                described["components"]["schemas"][kind.__name__]["additionalProperties"] = False
            for operation in (operation for path in described["paths"].values() for operation in path.values()):
                if operation["operationId"] in ("retryDelivery", "unblock"):
                    operation["requestBody"]["required"] = False
                elif operation["operationId"] == "putPicture":
                    operation["requestBody"] = {"required": True, "content": {kind: {} for kind in _PICTURES}}
                elif operation["operationId"] == "getPicture":
                    operation["responses"]["200"]["content"] = {kind: {} for kind in _PICTURES}
            self._openapi = msgspec.json.encode(described)
        return self._openapi

    async def _token_name(self, scope: Scope) -> str:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        kind, _, token = given.decode("latin-1").partition(" ")
        name = await tokens.bearer(self._database, token.strip()) if kind.lower() == "bearer" and token else None
        if name is None:
            wanted = "the header Authorization: Bearer TOKEN is needed"
            raise Refused(401, "unauthorized", wanted, headers={"www-authenticate": "Bearer"})
        return name

    async def _body(self, receive: Receive, limit: int) -> bytes:
        close = {"connection": "close"}
        try:
            return await read_body(receive, limit=limit, timeout=self._body_timeout)
        except TooLarge:
            raise Refused(413, "too_large", f"the body has more than {limit} bytes", headers=close) from None
        except TooSlow:
            raise Refused(408, "too_slow", "the body did not come in time", headers=close) from None


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, then what comes after it."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
