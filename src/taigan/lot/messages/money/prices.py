"""5.1: BoLink asks what a stay costs."""

from __future__ import annotations

import re

import msgspec

from taigan import bolink
from taigan.barriers.barrier import LaneKey
from taigan.bolink import BadMessage
from taigan.bolink.chapters.callbacks import Price, PriceQuery
from taigan.bolink.values import PayScene
from taigan.lot.leaving.desk import LeavingDesk
from taigan.lot.leaving.paying.prices import Query
from taigan.lot.leaving.paying.strangers import Asking, Strangers
from taigan.lot.messages.router import Answered, Callback

LONGEST_PAYER = 128
_NUMBER = re.compile(r"[\x21-\x7e]{1,64}")


class Prices:
    """Handles `query_price`."""

    def __init__(self, desk: LeavingDesk, strangers: Strangers) -> None:
        self._desk = desk
        self._strangers = strangers

    async def __call__(self, callback: Callback) -> Answered:
        """Answer a price query. Raises BadMessage, StorageError."""
        body = await self._desk.ask(self.query(callback))
        return Answered(200, body, service_name="query_price", state=msgspec.json.decode(body, type=Price).state)

    def query(self, callback: Callback) -> Query:
        """The message as a query, with what its lane's device reports now. Raises BadMessage."""
        asked = bolink.read(callback.message, PriceQuery)
        if asked.pay_scene not in tuple(PayScene):
            raise BadMessage("pay_scene", "is neither 0, 1 nor 2")
        if asked.query_order_no and not _NUMBER.fullmatch(asked.query_order_no):
            raise BadMessage("query_order_no", "is not a number of at most 64 characters")
        for field, longest in (("car_number", 32), ("order_id", 64), ("out_channel_id", 64), ("licence", 32)):
            if len(getattr(asked, field) or "") > longest:
                raise BadMessage(field, f"has more than {longest} characters")
        lane = LaneKey(callback.lot.lot_id, asked.out_channel_id or "")
        return Query(
            lot_id=lane.lot_id,
            inside=asked.pay_scene == PayScene.INSIDE,
            order_id=asked.order_id or "",
            plate=asked.car_number or "",
            channel_id=lane.channel_id,
            query_no=asked.query_order_no or "",
            licence=asked.licence or "",
            digest=callback.digest_under(asked.query_order_no or ""),
            key_id=callback.key_id,
            received_at=callback.received_at,
            picture=self._desk.picture(lane),
            asking=self._asking(asked, lane.lot_id),
        )

    def _asking(self, asked: PriceQuery, lot_id: str) -> Asking:
        """What is to be thought of whoever types a plate; one who names an order was given its number."""
        if asked.pay_scene != PayScene.INSIDE or asked.order_id or not (asked.pay_user_id and asked.car_number):
            return Asking.USUAL
        return self._strangers.asks(lot_id, asked.pay_user_id[:LONGEST_PAYER], asked.car_number)
