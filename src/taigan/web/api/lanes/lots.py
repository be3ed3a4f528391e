"""The parking lots, and what happens in them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from litestar import Controller, Response, get, put
from litestar.params import JSONBody
from litestar.response import Stream

from taigan.rights import Right
from taigan.storage.shown import views
from taigan.web import live, posters
from taigan.web.api.allowed import holder_again, need
from taigan.web.api.common import ACTS, BY_ID, BY_NAME, BY_TIME, READS, AnyRequest, Filter, Here, Id, Who, by_of, says
from taigan.web.api.lanes.signs import Drawing, SignSize, drawn
from taigan.web.errors import Refused, bad_value
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page


class Lots(Controller):
    """The parking lots."""

    tags = ("lots",)
    path = "/lots"

    @get("/", responses=READS, right=Right.LOT_SEE)
    async def list_lots(self, office: Here, holder: Who, limit: Limit = 100, cursor: Cursor = "") -> Page[r.LotView]:
        """The lots that the token may see, by lot_id."""
        only = holder.lots_with(Right.LOT_SEE)
        after = BY_NAME.read(cursor)
        rows = await office.database.read(lambda conn: views.lots(conn, limit + 1, after, only))
        return BY_NAME.page(rows, limit, lambda lot: (lot.lot_id,), r.shown_lot)

    @get("/{lot_id:str}", responses=READS, right=Right.LOT_SEE)
    async def get_lot(self, office: Here, lot_id: Id) -> r.LotView:
        """A lot with its free spaces."""
        return await office.lot(lot_id)

    @get("/{lot_id:str}/poster", responses={**READS, **says(409)}, media_type="image/svg+xml", right=Right.LOT_SEE)
    async def get_prepay_poster(
        self, office: Here, request: AnyRequest, lot_id: Id, format_: Drawing = "", size: SignSize = "a4"
    ) -> Response[bytes]:
        """The sign that hangs inside: the lot's code for paying before one drives to the exit."""
        lot = await office.lot(lot_id)
        if not lot.prepay_url:
            raise Refused(409, "no_code", "the lot has no code for paying inside: BoLink gave none yet")
        sign = posters.Sign(lot.prepay_url, lot.name or lot.park_id, "", lot.contact, posters.PREPAY)
        return await drawn(request, sign, lot_id, format_, size)

    @put("/{lot_id:str}", responses=ACTS, right=(Right.LOT_SPACES, Right.LOT_EMERGENCY, Right.LOT_SET))
    async def change_lot(self, office: Here, holder: Who, lot_id: Id, data: JSONBody[r.LotChange]) -> r.LotView:
        """Correct the free spaces, declare or end an emergency, or change its settings; one of these at a time."""
        by = by_of(holder, data)
        changed = r.changes(data)
        if not changed:
            raise bad_value("nothing to change is given")
        if len(changed) > 1 and ("spaces_free" in changed or "emergency" in changed):
            raise bad_value("spaces_free and emergency are changed by themselves")
        if "spaces_free" in changed:
            need(holder, Right.LOT_SPACES, lot_id)
            lot = await office.attendant.set_spaces(lot_id, changed["spaces_free"], by)
        elif "emergency" in changed:
            need(holder, Right.LOT_EMERGENCY, lot_id)
            lot = await office.attendant.set_emergency(lot_id, changed["emergency"], by)
        else:
            need(holder, Right.LOT_SET, lot_id)
            _check_time_zone(changed.get("time_zone"))
            lot = await office.attendant.set_lot(lot_id, changed, by)
        return r.shown_lot(lot)

    @get("/{lot_id:str}/lifts", responses=READS, right=Right.AUDIT_SEE)
    async def list_lifts(
        self, office: Here, lot_id: Id, channel_id: Filter = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.LiftView]:
        """Every command to a barrier, with and without an order."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.lifts(conn, lot_id, most, after, channel_id=channel_id),
            lambda lift: (lift.intended_at, lift.lift_id),
            r.shown_lift,
        )

    @get("/{lot_id:str}/passes", responses=READS, right=Right.STAY_SEE)
    async def list_passes(
        self, office: Here, lot_id: Id, channel_id: Filter = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.PassView]:
        """Cars that left a loop, with the order they had or none."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.passes(conn, lot_id, most, after, channel_id=channel_id),
            lambda car: (car.left_at, car.presence_id),
            r.shown_pass,
        )

    @get("/{lot_id:str}/space_changes", responses=READS, right=Right.AUDIT_SEE)
    async def list_space_changes(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.SpaceChangeView]:
        """Corrections of the free spaces, and passes without an order."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.space_changes(conn, lot_id, most, after),
            lambda change: (change.change_id,),
            r.shown_space_change,
        )

    @get("/{lot_id:str}/acts", responses=READS, right=Right.AUDIT_SEE)
    async def list_acts(self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = "") -> Page[r.ActView]:
        """What operators changed, and why."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.acts(conn, lot_id, most, after),
            lambda act: (act.act_id,),
            r.shown_act,
        )

    @get("/{lot_id:str}/events", responses=READS, media_type="text/event-stream", right=Right.LOT_SEE)
    async def stream_events(self, office: Here, request: AnyRequest, lot_id: Id) -> Stream:
        """What happens in the lot, as it happens: server-sent events, for as long as the token is one of ours."""
        await office.lot(lot_id)

        async def still() -> bool:
            holder = await holder_again(request)
            return holder is not None and holder.may(Right.LOT_SEE, lot_id)

        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return Stream(live.steps(office.events, lot_id, still), headers=headers, media_type="text/event-stream")


def _check_time_zone(name: str | None) -> None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (LookupError, ValueError, OSError):
            raise bad_value("is not a time zone, like Asia/Shanghai", "time_zone") from None
