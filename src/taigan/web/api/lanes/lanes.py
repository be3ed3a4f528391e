"""The lanes of a lot, and what a person does at them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from litestar import Controller, Request, Response, get, post, put
from litestar.params import JSONBody

from taigan.barriers.barrier import LaneKey
from taigan.barriers.door import Door, Mailbox
from taigan.barriers.drivers import BadSettings
from taigan.barriers.secrets import SecretsUnusable
from taigan.lot.errors import Conflict
from taigan.rights import Right
from taigan.storage.rows import Lane
from taigan.storage.shown import views
from taigan.storage.shown.views import After
from taigan.web import posters
from taigan.web.api.allowed import need
from taigan.web.api.common import ACTS, BY_NAME, COMMANDS, READS, Here, Id, Who, by_of, says
from taigan.web.api.lanes.signs import Drawing, SignSize, drawn
from taigan.web.errors import Refused, bad_value
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page


class LotLanes(Controller):
    """The lanes of a lot."""

    tags = ("lanes",)
    path = "/lots/{lot_id:str}/lanes"

    @get("/", responses=READS, right=Right.LOT_SEE)
    async def list_lanes(self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = "") -> Page[r.LaneView]:
        """The lot's lanes, by channel_id."""

        def read(conn: sa.Connection, most: int, after: After) -> list[tuple[Lane, set[str]]]:
            lanes = views.lanes(conn, lot_id, most, after)
            occupied = views.occupied(conn, lot_id, [lane.channel_id for lane in lanes])
            return [(lane, occupied) for lane in lanes]

        def show(row: tuple[Lane, set[str]]) -> r.LaneView:
            return office.shown_lane(*row)

        return await office.page(lot_id, limit, cursor, BY_NAME, read, lambda row: (row[0].channel_id,), show)

    @get("/{channel_id:str}", responses=READS, right=Right.LOT_SEE)
    async def get_lane(self, office: Here, lot_id: Id, channel_id: Id) -> r.LaneView:
        """A lane with its barrier's present picture."""
        return await office.lane(lot_id, channel_id)

    @put("/{channel_id:str}", responses=ACTS, right=(Right.LANE_SET, Right.LANE_BARRIER))
    async def change_lane(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[r.LaneChange]
    ) -> r.LaneView:
        """Change a lane's settings."""
        changed = r.changes(data)
        if not changed:
            raise bad_value("nothing to change is given")
        if "barrier" in changed:
            need(holder, Right.LANE_BARRIER, lot_id)
        if changed.keys() != {"barrier"}:
            need(holder, Right.LANE_SET, lot_id)
        if "open" in changed:
            changed["is_open"] = changed.pop("open")
        try:
            if "barrier" in changed:
                office.check_barrier(changed["barrier"])
            await office.attendant.set_lane(lot_id, channel_id, changed, by_of(holder, data))
        except BadSettings as error:
            raise bad_value(str(error), "barrier") from None
        return await office.lane(lot_id, channel_id)

    @post("/{channel_id:str}/device", status_code=200, responses=ACTS, right=Right.DEVICE_SET)
    async def show_device(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[r.Act]
    ) -> r.DeviceAddress:
        """The address that the lane's device posts to, secret and all; that it was shown is kept among the acts. 409
        when it does not post to this platform, or the file of the secrets cannot be used."""
        door, mailbox = await office.device(lot_id, channel_id)
        address = _address(door, mailbox)
        act = f"lane {channel_id}: shown the address of {mailbox.name}"
        await office.attendant.note(lot_id, channel_id, by_of(holder, data), act)
        return address

    @post("/{channel_id:str}/device/renew", status_code=200, responses=ACTS, right=Right.DEVICE_SET)
    async def renew_device(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[r.Act]
    ) -> r.DeviceAddress:
        """Give the lane's device another secret, and show its new address: the one before is refused from now on. 409
        for one that signs, or whose secret stands in the lane's settings, or when the file of the secrets cannot be
        used."""
        door, mailbox = await office.device(lot_id, channel_id)
        if mailbox.signs or mailbox.secret:
            raise Conflict(f"the secret of {mailbox.name} stands in the settings of the lane: change it there")
        try:
            door.renew(mailbox)
        except SecretsUnusable as error:
            raise Conflict(str(error)) from None
        act = f"lane {channel_id}: another secret for {mailbox.name}"
        await office.attendant.note(lot_id, channel_id, by_of(holder, data), act)
        return _address(door, mailbox)

    @get("/{channel_id:str}/poster", responses={**READS, **says(409)}, media_type="image/svg+xml", right=Right.LOT_SEE)
    async def get_poster(
        self,
        office: Here,
        request: Request[Any, Any, Any],
        lot_id: Id,
        channel_id: Id,
        format_: Drawing = "",
        size: SignSize = "a4",
    ) -> Response[bytes]:
        """The lane's sign: its code, lot and lane, three steps in Chinese and English, whom to call."""
        lot, lane = await office.lot(lot_id), await office.lane(lot_id, channel_id)
        if not lane.entry_url:
            raise Refused(409, "no_code", f"lane {channel_id} has no code: BoLink gave none yet")
        words = posters.ENTRY if lane.direction == "entry" else posters.EXIT
        sign = posters.Sign(lane.entry_url, lot.name or lot.park_id, lane.channel_id, lot.contact, words)
        return await drawn(request, sign, f"{lot_id}-{channel_id}", format_, size)

    @post("/{channel_id:str}/release", status_code=200, responses=COMMANDS, right=Right.LANE_RELEASE)
    async def release(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[r.LaneAct]
    ) -> r.OrderDetail:
        """Let the waiting driver in: the arm rises. 409 when nobody waits."""
        by = by_of(holder, data)
        lift = await office.attendant.release(lot_id, channel_id, by, data.order_id)
        return await office.order(lot_id, lift.order_id or "")

    @post("/{channel_id:str}/refuse", status_code=200, responses=COMMANDS, right=Right.LANE_RELEASE)
    async def refuse(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[r.LaneAct]
    ) -> r.OrderDetail:
        """Send the waiting driver away: the order is void. 409 when nobody waits."""
        by = by_of(holder, data)
        order = await office.attendant.refuse(lot_id, channel_id, by, data.order_id)
        return await office.order(lot_id, order.order_id)

    @post("/{channel_id:str}/open", status_code=200, responses=COMMANDS, right=(Right.LANE_OPEN, Right.LANE_RELEASE))
    async def open_barrier(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[r.LaneAct]
    ) -> r.LiftView:
        """Raise the arm. With `order_id` it is a release of that order; in an exit lane, that of the car there: what it
        owes is `waived` or `owed` as `unpaid` says."""
        need(holder, Right.LANE_OPEN if data.order_id is None else Right.LANE_RELEASE, lot_id)
        by = by_of(holder, data)
        if data.order_id is None:
            return r.shown_lift(await office.open(lot_id, channel_id, by, data.unpaid or ""))
        lift = await office.attendant.release(lot_id, channel_id, by, data.order_id)
        order = await office.order(lot_id, data.order_id)
        return next(shown for shown in order.lifts if shown.lift_id == lift.lift_id)

    @post("/{channel_id:str}/hold", status_code=200, responses=COMMANDS, right=Right.LANE_HOLD)
    async def hold_barrier(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[r.Act]
    ) -> r.LiftView:
        """Raise the arm and keep it up until it is closed."""
        return r.shown_lift(await office.attendant.hold(lot_id, channel_id, by_of(holder, data)))

    @post("/{channel_id:str}/close", status_code=200, responses=COMMANDS, right=Right.LANE_CLOSE)
    async def close_barrier(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[r.Lowering]
    ) -> r.LiftView:
        """Lower the arm, and end a hold. 409 with a car on the loop: the arm comes down when it is gone."""
        by = by_of(holder, data)
        lift = await office.attendant.close(lot_id, channel_id, by, lane_is_clear=data.lane_is_clear)
        return r.shown_lift(lift)

    @post("/{channel_id:str}/plate", status_code=200, responses=ACTS, right=Right.PLATE_REPORT)
    async def read_plate(self, office: Here, lot_id: Id, channel_id: Id, data: JSONBody[r.PlateRead]) -> r.Told:
        """A camera read a plate: its car is let in by the rules of entry, or the plate joins the order of its scan."""
        await office.lane(lot_id, channel_id)
        said = await office.plates.posted(LaneKey(lot_id, channel_id), data.plate, data.presence_id or "")
        return r.Told(said.state, said.errmsg or "")


def _address(door: Door, mailbox: Mailbox) -> r.DeviceAddress:
    try:
        path = door.path(mailbox)
    except SecretsUnusable as error:
        raise Conflict(str(error)) from None
    return r.DeviceAddress(
        lot_id=mailbox.lane.lot_id,
        channel_id=mailbox.lane.channel_id,
        device=mailbox.name,
        path=path,
        signs=mailbox.signs,
        sender=mailbox.sender,
    )
