"""Cars at the exits: who stands there, and what a person does for them."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter

from taigan.barriers.barrier import LaneKey
from taigan.lot.people.exit_acts import Cash, Match
from taigan.rights import Right
from taigan.storage.shown import ledger_views as views
from taigan.web.api.common import ACTS, BY_TIME, READS, Here, Id, Who, by_of
from taigan.web.shown import ledger as shown
from taigan.web.shown.paging import Cursor, Limit, Page


class Exits(Controller):
    """Cars at the exits."""

    tags = ("leaving",)
    path = "/lots/{lot_id:str}"

    @get("/departures", responses=READS, right=Right.STAY_SEE)
    async def list_departures(
        self,
        office: Here,
        lot_id: Id,
        open_: Annotated[bool, QueryParameter(name="open", description="Only cars that stand there now.")] = False,
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Page[shown.DepartureView]:
        """Cars that stood in an exit lane, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: views.departures(conn, lot_id, most, after, open_only=open_),
            lambda one: (one.charge_at, one.presence_id),
            shown.shown_departure,
        )

    @post("/lanes/{channel_id:str}/cash", status_code=200, responses=ACTS, right=Right.SHIFT_RUN)
    async def take_cash(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[shown.CashGiven]
    ) -> shown.CashTaken:
        """Cash for the car in the lane: refused when another order or another due is there by now."""
        payment, change = await office.leaving.do(
            Cash(
                lot_id=lot_id,
                channel_id=channel_id,
                by=by_of(holder, data),
                picture=office.leaving.picture(LaneKey(lot_id, channel_id)),
                order_id=data.order_id,
                due_fen=data.due_fen,
                received_fen=data.received_fen,
            )
        )
        return shown.CashTaken(shown.shown_payment(payment), change)

    @post("/lanes/{channel_id:str}/match", status_code=200, responses=ACTS, right=Right.STAY_MATCH)
    async def match(
        self, office: Here, holder: Who, lot_id: Id, channel_id: Id, data: JSONBody[shown.Chosen]
    ) -> shown.DepartureView:
        """Choose the order of the car in the lane. A plate far from what was read takes `stay:match_far`."""
        departure = await office.leaving.do(
            Match(
                lot_id=lot_id,
                channel_id=channel_id,
                by=by_of(holder, data),
                picture=office.leaving.picture(LaneKey(lot_id, channel_id)),
                order_id=data.order_id,
                may_be_far=holder.may(Right.STAY_MATCH_FAR, lot_id),
            )
        )
        return shown.shown_departure(departure)
