"""Days held against BoLink's books, and what differed."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter

from taigan.rights import Right
from taigan.storage.sums import reconciling as kept
from taigan.web.api.common import ACTS, BY_NAME, BY_TIME, READS, Here, Id, Who, by_of
from taigan.web.errors import bad_value
from taigan.web.shown import asked as shown
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page

DifferenceState = Annotated[
    Literal["", "open", "settled", "gone"], QueryParameter(name="state", description="Empty: all.")
]


class Reconciliations(Controller):
    """Days held against BoLink's books."""

    tags = ("reconciling",)
    path = "/lots/{lot_id:str}"

    @get("/reconciliations", responses=READS, right=Right.MONEY_SEE)
    async def list_reconciliations(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[shown.ReconciliationView]:
        """The days, newest first."""
        try:
            return await office.page(
                lot_id,
                limit,
                cursor,
                BY_NAME,
                lambda conn, most, after: kept.runs(conn, lot_id, most, after),
                lambda run: (run.day.isoformat(),),
                shown.shown_run,
            )
        except ValueError:
            raise bad_value("is not a cursor of this list", "cursor") from None

    @post("/reconciliations", responses=ACTS, right=Right.MONEY_RECONCILE)
    async def reconcile(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.Day]
    ) -> shown.ReconciliationView:
        """Hold a day against BoLink's books now. What differs is found in `differences`."""
        return shown.shown_run(await office.reconciling.reconcile(lot_id, data.day, by_of(holder, data)))

    @get("/differences", responses=READS, right=Right.MONEY_SEE)
    async def list_differences(
        self, office: Here, lot_id: Id, state_: DifferenceState = "", limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[shown.DifferenceView]:
        """What differed, newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_TIME,
            lambda conn, most, after: kept.listed(conn, lot_id, most, after, state=state_),
            lambda one: (one.found_at, one.difference_id),
            shown.shown_difference,
        )

    @post("/differences/{difference_id:str}/settle", status_code=200, responses=ACTS, right=Right.MONEY_RECONCILE)
    async def settle_difference(
        self, office: Here, holder: Who, lot_id: Id, difference_id: Id, data: JSONBody[r.Act]
    ) -> shown.DifferenceView:
        """A person has dealt with it, and says how."""
        return shown.shown_difference(await office.reconciling.settle(lot_id, difference_id, by_of(holder, data)))
