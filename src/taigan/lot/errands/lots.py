"""The lot itself at BoLink: published and changed (2.1, 2.2), its merchant (2.4, 2.6), who gets a share (3.5, 3.6)."""

from __future__ import annotations

import msgspec

from taigan.bolink import BolinkClient
from taigan.bolink.chapters.lots import Merchant, OnboardLot, PublishLot, UpdateLot
from taigan.bolink.chapters.trade import BindSplitReceiver, GetSplitContract
from taigan.bolink.values import LotChange, OnboardingKind
from taigan.lot.errands.errand import LIVE, Outcome, begin
from taigan.lot.errors import Conflict
from taigan.lot.leaving.room import Room
from taigan.lot.people.by import By
from taigan.storage.due import errands
from taigan.storage.rows import Errand, Lot

FINAL = {
    "2.1": "a lot is submitted once: its number cannot be used for another one",
    "2.2": "a lot that is disabled takes no payment at BoLink any more, and cannot be enabled from here",
    "2.6": "merchant data are submitted once and cannot be changed afterwards",
    "3.5": "a contract that is signed binds the lot's money",
}
"""What cannot be undone, by section: said before it is done."""


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What BoLink shows of a lot (2.1). `city_id` is the code of the Ministry of Civil Affairs."""

    name: str
    address: str
    city_id: int
    phone: str
    lng: str
    lat: str
    price_desc: str
    mobile: str | None = None
    remark: str | None = None


class AboutLot(msgspec.Struct, kw_only=True):
    """BoLink is asked something about the lot. What cannot be undone must be `confirmed`; `once` is for ever."""

    lot_id: str
    section: str
    what: str
    by: By
    confirmed: bool = True
    once: bool = False
    details: dict[str, str] = {}

    def apply(self, room: Room) -> Errand:
        """Raises Conflict."""
        before = errands.about(room.conn, room.lot_id, self.section, room.lot_id)
        if self.once and any(one.state in LIVE or one.state == "done" for one in before):
            raise Conflict(f"that was asked before, and {FINAL[self.section]}")
        if not self.confirmed:
            raise Conflict(f"cannot be undone: {FINAL[self.section]}; say confirmed", "confirmed")
        return begin(
            room, self.section, room.lot_id, self.by, what=self.what, numbered=True, details=dict(self.details)
        )


def rand_of(errand: Errand) -> str:
    """A number that no request had before, as 2.1 and 2.2 want one."""
    return f"0.{errand.number}"


async def publish(client: BolinkClient, lot: Lot, given: Publication, rand: str) -> Outcome:
    """2.1. Raises BolinkError."""
    said = await client.publish_lot(
        PublishLot(
            park_id=lot.park_id,
            name=given.name,
            address=given.address,
            city_id=given.city_id,
            phone=given.phone,
            mobile=given.mobile,
            lng=given.lng,
            lat=given.lat,
            total_plot=lot.spaces,
            empty_plot=lot.spaces_free,
            price_desc=given.price_desc,
            remark=given.remark,
            rand=rand,
        )
    )
    return Outcome("done", said.errmsg, {"account": said.username})


async def update(
    client: BolinkClient,
    lot: Lot,
    rand: str,
    *,
    price_desc: str | None = None,
    phone: str | None = None,
    mobile: str | None = None,
    disable: bool = False,
) -> Outcome:
    """2.2: the free spaces of now, and what else is given; or the end of the lot at BoLink. Raises BolinkError."""
    said = await client.update_lot(
        UpdateLot(
            park_id=lot.park_id,
            type=LotChange.DISABLE if disable else LotChange.UPDATE,
            total_plot=lot.spaces,
            empty_plot=lot.spaces_free,
            price_desc=price_desc,
            phone=phone,
            mobile=mobile,
            rand=rand,
        )
    )
    return Outcome("done", said.errmsg)


async def onboard(client: BolinkClient, lot: Lot, merchant: Merchant) -> Outcome:
    """2.6. Raises BolinkError."""
    said = await client.onboard_lot(
        OnboardLot(park_id=lot.park_id, incom_type=OnboardingKind.AGENT, base_info=merchant)
    )
    return Outcome("done", said.errmsg or "")


async def split(client: BolinkClient, lot: Lot, account_no: str, account_name: str, percent: int) -> Outcome:
    """3.5: the address where the contract is signed. Raises BolinkError."""
    said = await client.get_split_contract(
        GetSplitContract(park_id=lot.park_id, account_no=account_no, account_name=account_name, percent=percent)
    )
    return Outcome("done", said.errmsg, {"contract_url": said.contract_url or ""})


async def bind(client: BolinkClient, lot: Lot) -> Outcome:
    """3.6: the receiver of the share, once the contract is signed. Raises BolinkError."""
    said = await client.bind_split_receiver(BindSplitReceiver(park_id=lot.park_id))
    return Outcome("done", said.errmsg)
