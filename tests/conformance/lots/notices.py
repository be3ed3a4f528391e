"""Lots with one thing wrong about what BoLink tells afterwards (5.8 to 5.14)."""

from __future__ import annotations

from aiohttp import web

from conformance.lots.good import Data, GoodLot


class RenewsNothing(GoodLot):
    reddens = ("5.8/01",)

    def lengthen(self, known: Data, data: Data) -> None:
        pass


class RenewsUnpaid(GoodLot):
    reddens = ("5.8/03",)

    def renewed(self, data: Data) -> Data:
        return super().renewed(data | {"state": 1})


class SwapsTheNumbers(GoodLot):
    reddens = ("5.8/04",)

    def renewed(self, data: Data) -> Data:
        self.book(data | {"trade_no": data.get("out_trade_no")}, data["amount"])
        return {"state": 1, "errmsg": "", "trade_no": data.get("trade_no")}


class DoesWhatIsUnsigned(GoodLot):
    reddens = ("5.12/01",)

    async def answer(self, body: bytes, verb: str) -> tuple[int, bytes]:
        if b'"sign"' not in body:
            return 200, self.text({"state": 1, "errmsg": ""})
        return await super().answer(body, verb)


class KeepsTheLastChange(GoodLot):
    reddens = ("5.12/02",)

    def change(self, data: Data) -> Data:
        self.changes[str(data["trade_no"])] = int(data["state"])
        return {"state": 1, "trade_no": data["trade_no"], "errmsg": ""}


class KnowsNoReductions(GoodLot):
    reddens = ("5.14/01", "5.14/03")

    def reduced(self, data: Data) -> Data:
        raise web.HTTPInternalServerError

    async def serve(self, request: web.Request) -> web.Response:
        try:
            return self.respond(*await self.answer(await request.read(), ""))
        except web.HTTPInternalServerError:
            return web.Response(status=500)


class ReducesEachTime(GoodLot):
    reddens = ("5.14/02",)

    def reduced(self, data: Data) -> Data:
        self.numbers += 1
        return super().reduced(data | {"start_charge_seq": str(self.numbers)})
