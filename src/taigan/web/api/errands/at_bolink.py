"""The lot as BoLink has it: published, its merchant, who gets a share of its money."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, get, post, put
from litestar.params import JSONBody, QueryParameter

from taigan.bolink.chapters.lots import Merchant
from taigan.lot.errands.lots import Publication
from taigan.rights import Right
from taigan.web.api.common import ACTS, READS, Here, Id, Who, by_of
from taigan.web.shown import asked as shown
from taigan.web.shown import resources as r

Redirect = Annotated[str, QueryParameter(max_length=500, pattern=r"^https?://[^\s\x00]+$")]


class AtBolink(Controller):
    """The lot as BoLink has it."""

    tags = ("at BoLink",)
    path = "/lots/{lot_id:str}"

    @post("/publication", status_code=200, responses=ACTS, right=Right.LOT_PUBLISH)
    async def publish_lot(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.Published]
    ) -> shown.ErrandView:
        """Submit the lot for BoLink's review, once (2.1)."""
        given = {name: getattr(data, name) for name in Publication.__struct_fields__}
        errand = await office.errands.publish(
            lot_id, Publication(**given), by_of(holder, data), confirmed=data.confirmed
        )
        return shown.shown_errand(errand)

    @post("/publication/update", status_code=200, responses=ACTS, right=Right.LOT_PUBLISH)
    async def update_publication(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.Updated]
    ) -> shown.ErrandView:
        """Change what BoLink shows of the lot: the spaces of now, and what is given (2.2)."""
        errand = await office.errands.update_lot(
            lot_id, by_of(holder, data), price_desc=data.price_desc, phone=data.phone, mobile=data.mobile
        )
        return shown.shown_errand(errand)

    @post("/publication/disable", status_code=200, responses=ACTS, right=Right.LOT_PUBLISH)
    async def disable_publication(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.Confirmed]
    ) -> shown.ErrandView:
        """End the lot at BoLink (2.2)."""
        errand = await office.errands.disable_lot(lot_id, by_of(holder, data), confirmed=data.confirmed)
        return shown.shown_errand(errand)

    @get("/onboarding_page", responses=READS, right=Right.LOT_PUBLISH)
    async def get_onboarding_page(self, office: Here, lot_id: Id) -> shown.Link:
        """The address of BoLink's page where the merchant's data are typed (2.4), signed with the present time."""
        return shown.Link(await office.errands.onboarding_page(lot_id))

    @get("/licence_page", responses=READS, right=Right.LOT_SEE)
    async def get_licence_page(self, office: Here, lot_id: Id, redirect_url: Redirect) -> shown.Link:
        """The address that sends a driver's phone to a page of your own, with the driver's number (7)."""
        return shown.Link(await office.errands.licence_page(lot_id, redirect_url))

    @post("/merchant", status_code=200, responses=ACTS, right=Right.LOT_PUBLISH)
    async def submit_merchant(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.MerchantData]
    ) -> shown.ErrandView:
        """Submit the lot's merchant data, once (2.6)."""
        given = {name: getattr(data, name) for name in Merchant.__struct_fields__}
        errand = await office.errands.onboard(lot_id, Merchant(**given), by_of(holder, data), confirmed=data.confirmed)
        return shown.shown_errand(errand)

    @post("/split", status_code=200, responses=ACTS, right=Right.LOT_PUBLISH)
    async def ask_for_split(
        self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.NewSplit]
    ) -> shown.ErrandView:
        """Ask for the contract by which somebody gets a share; its address is in `detail` (3.5)."""
        errand = await office.errands.split(
            lot_id,
            data.account_no,
            data.account_name,
            data.percent,
            by_of(holder, data),
            confirmed=data.confirmed,
        )
        return shown.shown_errand(errand)

    @post("/split/bind", status_code=200, responses=ACTS, right=Right.LOT_PUBLISH)
    async def bind_split(self, office: Here, holder: Who, lot_id: Id, data: JSONBody[r.Act]) -> shown.ErrandView:
        """Bind the receiver of the share once the contract is signed (3.6)."""
        return shown.shown_errand(await office.errands.bind_split(lot_id, by_of(holder, data)))

    @get("/city", responses=READS, right=Right.LOT_SEE)
    async def get_city(self, office: Here, lot_id: Id) -> shown.CityView:
        """What the lot does with its city's platform (chapter 10)."""
        await office.errands.lot(lot_id)
        return shown.shown_city(await office.city.get(lot_id))

    @put("/city", responses=ACTS, right=Right.LOT_SET)
    async def put_city(self, office: Here, holder: Who, lot_id: Id, data: JSONBody[shown.CitySet]) -> shown.CityView:
        """Say what the lot does with its city's platform."""
        given = await office.city.put(
            lot_id,
            by_of(holder, data),
            corrections=data.corrections,
            checks=data.checks,
            screens=data.screens,
        )
        return shown.shown_city(given)

    @post("/orders/{order_id:str}/city", status_code=204, responses=ACTS, right=Right.STAY_CORRECT)
    async def tell_city(self, office: Here, holder: Who, lot_id: Id, order_id: Id, data: JSONBody[r.Act]) -> None:
        """Have the city told how a stay is now (10.1)."""
        await office.city.tell(lot_id, order_id, by_of(holder, data))
