"""Lots with one thing wrong about commands and data (chapter 11)."""

from __future__ import annotations

from conformance.lots.good import Data, GoodLot, No


class EchoesNoCommand(GoodLot):
    reddens = ("11.1/01",)

    async def command(self, data: Data) -> Data:
        await super().command(data)
        return {"state": 1, "errmsg": ""}


class LiftsForEachCommand(GoodLot):
    reddens = ("11.1/02",)

    async def command(self, data: Data) -> Data:
        self.commands.clear()
        return await super().command(data)


class ObeysForAnyLane(GoodLot):
    reddens = ("11.1/03",)

    async def command(self, data: Data) -> Data:
        try:
            return await super().command(data)
        except No:
            return {"state": 1, "errmsg": "", "liftrod_id": data["liftrod_id"]}


class LowersOnACar(GoodLot):
    reddens = ("11.1/04",)

    async def command(self, data: Data) -> Data:
        if int(data["operate"]) == 1:
            return {"state": 1, "errmsg": "", "liftrod_id": data["liftrod_id"]}
        return await super().command(data)


class HoldsNothing(GoodLot):
    reddens = ("11.1/05",)

    def hook_car_gone(self, lane: str) -> None:
        super().hook_car_gone(lane)
        self.lanes[lane].held = False


class SellsToNobodyWithoutAWord(GoodLot):
    reddens = ("11.2/01",)

    def check_pass(self, data: Data) -> Data:
        return {"state": 0, "errmsg": ""}


class IgnoresSpaces(GoodLot):
    reddens = ("11.3/01", "11.3/02")

    def set_spaces(self, data: Data) -> Data:
        return {"state": 1, "errmsg": ""}


class TakesAnySpaces(GoodLot):
    reddens = ("11.3/02",)

    def set_spaces(self, data: Data) -> Data:
        self.free = int(data["free_space"])
        return {"state": 1, "errmsg": ""}


class ForgetsTheLists(GoodLot):
    reddens = ("11.4/01", "11.4/02")

    def is_listed(self, car: str, kind: str) -> bool:
        return False


class ListsForEver(GoodLot):
    reddens = ("11.4/03",)

    def is_listed(self, car: str, kind: str) -> bool:
        return (car, kind) in self.lists


class ChangesNoPass(GoodLot):
    reddens = ("11.5/01",)

    def pass_changed(self, data: Data) -> Data:
        return super().pass_changed(data) if data["type"] in ("add", "delete") else {"state": 1, "errmsg": ""}


class DoublesPasses(GoodLot):
    reddens = ("11.5/02",)

    def pass_changed(self, data: Data) -> Data:
        if data["type"] == "add" and str(data["card_id"]) in self.passes:
            self.passes[f"{data['card_id']}-2"] = dict(data)
            return {"state": 1, "errmsg": ""}
        return super().pass_changed(data)


class ShowsSomebodyElse(GoodLot):
    reddens = ("11.6/01",)

    def query(self, data: Data) -> Data:
        try:
            return super().query(data)
        except No:
            rows = list(self.passes.values())
            return {"state": 1, "errmsg": "", "data": rows[-1] if rows else {}}


class StoresInvoicesTwice(GoodLot):
    reddens = ("11.7/01",)

    def hook_invoices(self, payid: str) -> int:
        return 2
