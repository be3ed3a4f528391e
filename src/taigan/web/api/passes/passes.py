"""Passes: who leaves without paying."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import JSONBody

from taigan.lot.people.passes import AddPass, EndPass
from taigan.rights import Right
from taigan.storage.shown import ledger_views as views
from taigan.web.api.common import ACTS, BY_NAME, READS, Here, Id, Who, by_of
from taigan.web.errors import bad_value
from taigan.web.shown import ledger as shown
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page


class Passes(Controller):
    """Passes."""

    tags = ("passes",)
    path = "/lots/{lot_id:str}/pass_cards"

    @get("/", responses=READS, right=Right.PASS_SEE)
    async def list_pass_cards(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[shown.PassView]:
        """The lot's passes, by card_id."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_NAME,
            lambda conn, most, after: views.passes(conn, lot_id, most, after),
            lambda found: (found[0].card_id,),
            shown.shown_pass,
        )

    @post("/", responses=ACTS, right=Right.PASS_SET)
    async def add_pass_card(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.NewPass]
    ) -> shown.PassView:
        """A pass for some plates, between two moments."""
        for field in ("starts_at", "ends_at"):
            if getattr(data, field).tzinfo is None:
                raise bad_value(f"{field} needs an offset from UTC", field)
        added = AddPass(
            lot_id=lot_id,
            card_id=data.card_id,
            holder=data.holder,
            plates=data.plates,
            starts_at=data.starts_at,
            ends_at=data.ends_at,
            spaces=data.spaces,
            areas=data.areas,
            hours=data.hours,
            days=" ".join(data.days),
            grace_days=data.grace_days,
            by=by_of(holder, data),
        )
        one = await office.leaving.do(added)
        return shown.shown_pass((one, sorted(data.plates)))

    @post("/{card_id:str}/end", status_code=200, responses=ACTS, right=Right.PASS_SET)
    async def end_pass_card(
        self, office: Here, holder: Who, lot_id: Id, card_id: Id, data: JSONBody[r.Act]
    ) -> shown.PassView:
        """The pass ends now."""
        one = await office.leaving.do(EndPass(lot_id=lot_id, card_id=card_id, by=by_of(holder, data)))
        return shown.shown_pass((one, []))
