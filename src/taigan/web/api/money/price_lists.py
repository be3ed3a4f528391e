"""What stays cost: the lot's price lists, its days, and a price asked for."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import sqlalchemy as sa
from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter

from taigan.lot.tariff.errors import BadPriceList
from taigan.lot.tariff.reading import day_files, price_lists
from taigan.rights import Right
from taigan.storage.setup import price_lists as kept
from taigan.web.api.common import ACTS, BY_ID, READS, Here, Id, Who, by_of, says
from taigan.web.errors import Refused, bad_value
from taigan.web.shown import resources as r
from taigan.web.shown.office import known_lot
from taigan.web.shown.paging import Cursor, Limit, Page

AsTime = Annotated[
    str,
    QueryParameter(
        max_length=64,
        pattern=r.NO_NUL,
        description="ISO 8601; without an offset, as the lot's clock shows it. + is written %2B.",
    ),
]
Vehicle = Annotated[str, QueryParameter(max_length=32, pattern=r.NO_NUL, description="One of the price list's names.")]


class PriceLists(Controller):
    """What stays cost."""

    tags = ("prices",)
    path = "/lots/{lot_id:str}"

    @get("/price_lists", responses=READS, right=Right.TARIFF_SEE)
    async def list_price_lists(
        self, office: Here, lot_id: Id, limit: Limit = 20, cursor: Cursor = ""
    ) -> Page[r.PriceListView]:
        """All price lists, the newest first."""
        return await office.page(
            lot_id,
            limit,
            cursor,
            BY_ID,
            lambda conn, most, after: kept.listed(conn, lot_id, most, after),
            lambda row: (row.version,),
            r.shown_price_list,
        )

    @post("/price_lists", responses=ACTS, right=Right.TARIFF_SET)
    async def add_price_list(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[r.NewPriceList]
    ) -> r.PriceListView:
        """Add a price list. None is ever changed: it begins after all before it, and tomorrow at the earliest."""
        try:
            price_list = await asyncio.to_thread(price_lists.read, msgspec.json.encode(data.price_list))
        except BadPriceList as error:
            raise _refused(error, "price_list") from None
        return r.shown_price_list(await office.prices.add_price_list(lot_id, price_list, by_of(holder, data)))

    @get("/calendar_days", responses=READS, right=Right.TARIFF_SEE)
    async def list_calendar_days(self, office: Here, lot_id: Id) -> list[r.CalendarDayView]:
        """What the lot says of dates over the announced holidays, oldest first; of a date the newest counts."""

        def transaction(conn: sa.Connection) -> list[kept.CalendarDay]:
            known_lot(conn, lot_id)
            return kept.days(conn, lot_id)

        return [r.shown_calendar_day(day) for day in await office.database.read(transaction)]

    @post("/calendar_days", responses=ACTS, right=Right.TARIFF_SET)
    async def tell_calendar_days(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[r.NewCalendarDays]
    ) -> list[r.CalendarDayView]:
        """Say of dates that they are holidays, working days or ordinary, and of years that all is said."""
        try:
            days = day_files.read(msgspec.json.encode(data.days))
        except BadPriceList as error:
            raise _refused(error, "days") from None
        told = await office.prices.tell_days(lot_id, days, by_of(holder, data))
        return [r.shown_calendar_day(day) for day in told]

    @get("/price", responses=says(400, 401, 403, 404, 409, 503), right=Right.TARIFF_SEE)
    async def get_price(
        self, office: Here, lot_id: Id, entry: AsTime, exit: AsTime, vehicle: Vehicle = ""
    ) -> r.PriceView:
        """What a stay costs by the list that was in force when it began, slice by slice."""
        return r.shown_price(await office.prices.price(lot_id, entry, exit, vehicle))


def _refused(error: BadPriceList, within: str) -> Refused:
    """Every problem in one message, in both languages; the field is the first one's."""
    field = error.problems[0].field
    return bad_value(f"{error.zh}\n{error.en}", f"{within}.{field}" if field else within)
