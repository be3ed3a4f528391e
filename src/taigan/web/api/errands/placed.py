"""Passes that are sold, payments that are placed at BoLink, arrears, change."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post, put
from litestar.params import JSONBody, QueryParameter

from taigan.bolink import BadMessage, units
from taigan.lot.errors import BolinkSaysNo
from taigan.lot.people.passes import PutLimits
from taigan.rights import Right
from taigan.storage.locked import passes as kept
from taigan.web.api.common import ACTS, ASKS, COMMANDS, READS, Here, Id, Who, by_of
from taigan.web.shown import asked as shown
from taigan.web.shown import resources as r
from taigan.web.shown.office import known_lot

Plate = Annotated[str, QueryParameter(min_length=1, max_length=16, pattern=r.WORDS)]


class Placed(Controller):
    """Passes that are sold, payments that are placed."""

    tags = ("placed",)
    path = "/lots/{lot_id:str}"

    @get("/pass_terms", responses=READS, right=Right.PASS_SEE)
    async def list_pass_terms(self, office: Here, lot_id: Id) -> list[shown.TermView]:
        """For how long, and at what price, the lot sells passes."""
        await office.database.read(lambda conn: known_lot(conn, lot_id))
        terms = await office.database.read(lambda conn: kept.terms(conn, lot_id))
        return [shown.TermView(term.months, term.fen) for term in terms]

    @put("/pass_terms", responses=ACTS, right=Right.PASS_SET)
    async def put_pass_terms(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.TermsSold]
    ) -> list[shown.TermView]:
        """Sell these in place of all before; drivers may then buy and renew at BoLink (11.2, 5.8)."""
        given = [(term.months, term.fen) for term in data.terms]
        terms = await office.errands.set_terms(lot_id, given, by_of(holder, data))
        return [shown.TermView(term.months, term.fen) for term in terms]

    @get("/pass_limits", responses=READS, right=Right.PASS_SEE)
    async def list_pass_limits(self, office: Here, lot_id: Id) -> shown.LimitsView:
        """The areas and hours of the day that passes may be limited to."""
        await office.database.read(lambda conn: known_lot(conn, lot_id))
        return shown.shown_limits(await office.database.read(lambda conn: kept.limits(conn, lot_id)))

    @put("/pass_limits", responses=ACTS, right=Right.PASS_SET)
    async def put_pass_limits(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.LimitsPut]
    ) -> shown.LimitsView:
        """Have these areas and hours in place of all before; BoLink names them by their numbers (10.6, 11.5)."""
        limits = shown.limits_given(lot_id, data)
        put_ = PutLimits(lot_id=lot_id, limits=limits, by=by_of(holder, data))
        return shown.shown_limits(await office.leaving.do(put_))

    @post("/pass_cards/{card_id:str}/renewal", status_code=200, responses=ACTS, right=Right.PASS_SET)
    async def renew_pass_card(
        self, office: Here, holder: Who, lot_id: Id, card_id: Id, data: JSONBody[shown.Renewal]
    ) -> shown.ErrandView:
        """Have a pass lengthened once it is paid at the address in `detail` (3.3, 5.8)."""
        return shown.shown_errand(await office.errands.renew(lot_id, card_id, data.months, by_of(holder, data)))

    @post("/pass_cards_of_bolink", status_code=200, responses=COMMANDS, right=Right.PASS_SET)
    async def fetch_pass_cards(self, office: Here, holder: Who, lot_id: Id) -> shown.Fetched:
        """Put all passes that BoLink has in place of those it told of before (10.6)."""
        lot = await office.errands.lot(lot_id)
        by = by_of(holder, None, "passes fetched")
        return shown.Fetched(*await office.errands.fetch_passes(lot, by))

    @post("/orders/{order_id:str}/payment_order", status_code=200, responses=ACTS, right=Right.MONEY_SET)
    async def place_payment(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[r.Act]
    ) -> shown.ErrandView:
        """Place what a stay comes to now, to be paid at the address in `detail` (3.4, 5.10)."""
        return shown.shown_errand(await office.errands.place_stay(lot_id, order_id, by_of(holder, data)))

    @post("/orders/{order_id:str}/arrears_order", status_code=200, responses=ACTS, right=Right.MONEY_SET)
    async def place_arrears(
        self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[r.Act]
    ) -> shown.ErrandView:
        """Place what a stay left owing, to be paid at the address in `detail` (3.9, 5.11)."""
        return shown.shown_errand(await office.errands.place_arrears(lot_id, order_id, by_of(holder, data)))

    @post("/payments/{payment_id:str}/change", status_code=200, responses=ACTS, right=Right.SHIFT_RUN)
    async def give_change(
        self, office: Here, holder: Who, lot_id: Id, payment_id: Id, data: JSONBody[shown.ChangeGiven]
    ) -> shown.ErrandView:
        """Give change for cash as a red packet, taken at the address in `detail` (3.10, 5.12)."""
        errand = await office.errands.give_change(lot_id, payment_id, data.fen, by_of(holder, data))
        return shown.shown_errand(errand)

    @get("/arrears", responses=ASKS, right=Right.MONEY_SEE)
    async def list_arrears(self, office: Here, lot_id: Id, plate: Plate) -> shown.ArrearsList:
        """What a plate left owing, here and elsewhere, as BoLink has it (3.8)."""
        found, park_id = await office.errands.arrears(lot_id, plate), lot_id.partition("-")[2]
        try:
            items = [
                shown.ArrearsView(
                    one.order_id,
                    one.park_id,
                    one.park_name,
                    one.park_id == park_id,
                    units.fen(one.money, "money"),
                    units.moment(one.in_time, "in_time"),
                    units.moment(one.out_time, "out_time"),
                )
                for one in found
            ]
        except BadMessage as error:
            raise BolinkSaysNo(str(error)) from None
        return shown.ArrearsList(items)
