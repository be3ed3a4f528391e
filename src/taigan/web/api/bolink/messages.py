"""What BoLink and a lot said to each other."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Controller, get
from litestar.params import QueryParameter

from taigan.rights import Right
from taigan.storage.shown import messages
from taigan.storage.shown.messages import Sought
from taigan.web.api.common import BY_ID, READS, Here, Id
from taigan.web.shown import resources as r
from taigan.web.shown.paging import Cursor, Limit, Page


class Messages(Controller):
    """What BoLink and a lot said to each other."""

    tags = ("messages",)
    path = "/lots/{lot_id:str}/messages"

    @get("/", responses=READS, right=Right.DELIVERY_SEE)
    async def list_messages(
        self,
        office: Here,
        lot_id: Id,
        about: Annotated[str, QueryParameter(max_length=64, description="An order_id or a plate, whole.")] = "",
        interface: Annotated[str, QueryParameter(max_length=64, description="A service_name, or a section.")] = "",
        way: Annotated[Literal["", r.WayOfMessage], QueryParameter(description="Empty: both.")] = "",
        outcome: Annotated[Literal["", r.MessageOutcome], QueryParameter(description="Empty: all.")] = "",
        limit: Limit = 100,
        cursor: Cursor = "",
    ) -> Page[r.MessageView]:
        """Messages of the last two weeks, newest first; keys, signatures and phone numbers hidden."""
        sought = Sought(about=about, interface=interface, way=way, outcome=outcome)
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: messages.said(conn, lot_id, most, after, sought),
            lambda one: (one.message_id,),
            r.shown_message,
        )
