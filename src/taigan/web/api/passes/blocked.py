"""Who is not let in."""

from __future__ import annotations

import sqlalchemy as sa
from litestar import Controller, delete, get, post
from litestar.params import JSONBody

from taigan.lot.errors import UnknownBlock
from taigan.rights import Right
from taigan.storage.shown import views
from taigan.web.api.common import ACTS, BY_ID, READS, Here, Id, Number, Who, by_of
from taigan.web.shown import resources as r
from taigan.web.shown.office import known_lot
from taigan.web.shown.paging import Cursor, Limit, Page


class BlockedDrivers(Controller):
    """Who is not let in."""

    tags = ("blocked",)
    path = "/lots/{lot_id:str}/blocked"

    @get("/", responses=READS, right=Right.BLOCKED_SEE)
    async def list_blocked(
        self, office: Here, lot_id: Id, limit: Limit = 100, cursor: Cursor = ""
    ) -> Page[r.BlockedView]:
        """Drivers that are not let in."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: views.blocked(conn, lot_id, most, after),
            lambda blocked: (blocked.blocked_id,),
            r.shown_block,
        )

    @post("/", responses=ACTS, right=Right.BLOCKED_SET)
    async def block_driver(self, office: Here, holder: Who, lot_id: Id, data: JSONBody[r.Block]) -> r.BlockedView:
        """Refuse a driver by licence, pay_user_id or mobile from now on. One that is blocked already stays as it is."""
        by = by_of(holder, data)
        blocked_id = await office.attendant.block(lot_id, data.kind, data.value, by)
        blocked = await office.database.read(lambda conn: views.block(conn, lot_id, blocked_id))
        if blocked is None:
            raise UnknownBlock("it was taken back meanwhile")
        return r.shown_block(blocked)

    @delete("/", responses=ACTS, right=Right.BLOCKED_SET)
    async def unblock_value(self, office: Here, holder: Who, lot_id: Id, data: JSONBody[r.Block]) -> None:
        """Let a driver in again, named by kind and value."""
        by = by_of(holder, data)
        value = data.value.strip()

        def transaction(conn: sa.Connection) -> views.Blocked | None:
            known_lot(conn, lot_id)
            return views.block_of(conn, lot_id, data.kind, value)

        blocked = await office.database.read(transaction)
        if blocked is None:
            raise UnknownBlock(f"this {data.kind} is not blocked", "value")
        await office.attendant.unblock(lot_id, blocked.blocked_id, by)

    @delete("/{blocked_id:int}", responses=ACTS, right=Right.BLOCKED_SET)
    async def unblock(
        self,
        office: Here,
        holder: Who,
        lot_id: Id,
        blocked_id: Number,
        data: JSONBody[r.Again | None] = None,
    ) -> None:
        """Let a driver in again, named by the block's id."""
        await office.attendant.unblock(lot_id, blocked_id, by_of(holder, data, "taken back"))
