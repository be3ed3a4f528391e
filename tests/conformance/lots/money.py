"""Lots with one thing wrong about prices and payments (5.1 to 5.6)."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from aiohttp import web

from conformance.lots.good import AT_ONCE_WITHIN, JPEG, Booked, Data, GoodLot, Lane, No, Order


class TellsAFloat(GoodLot):
    reddens = ("5.1/01", "5.1/09")

    def price(self, data: Data) -> Data:
        answer = super().price(data)
        return answer | {"price": float(answer["price"]) * 1.1 / 1.1 + 1e-9}


class TellsSeconds(GoodLot):
    reddens = ("5.1/01",)

    def price(self, data: Data) -> Data:
        return super().price(data) | {"duration": self.now()}


class EchoesNoQuery(GoodLot):
    reddens = ("5.1/02",)

    def price(self, data: Data) -> Data:
        return super().price(data) | {"query_order_no": ""}


class PricesAnEmptyExit(GoodLot):
    reddens = ("5.1/03",)

    def asked_order(self, data: Data) -> Order:
        lane = self.lanes.get(str(data.get("out_channel_id") or ""))
        if int(data["pay_scene"]) == 1 and lane is not None and not lane.car:
            return Order("none", "none", "A1", self.now())
        return super().asked_order(data)


class ForgetsLicences(GoodLot):
    reddens = ("5.1/04",)

    def asked_order(self, data: Data) -> Order:
        return super().asked_order({name: value for name, value in data.items() if name != "licence"})


class GoesByTheLicenceFirst(GoodLot):
    reddens = ("5.1/05",)

    def asked_order(self, data: Data) -> Order:
        return self.open_order(str(data.get("licence") or "")) or super().asked_order(data)


class TellsNoEntryTime(GoodLot):
    reddens = ("5.1/06",)

    def price(self, data: Data) -> Data:
        answer = super().price(data)
        return {name: value for name, value in answer.items() if name not in ("in_time", "car_number")}


class MakesAStayWhenAsked(GoodLot):
    reddens = ("5.1/07",)

    def price(self, data: Data) -> Data:
        order = self.asked_order(data)
        self.let_in(self.make_order({"car_number": order.car, "channel_id": order.lane}))
        return super().price(data)


class FallsWhenAsked(GoodLot):
    reddens = ("5.1/07",)

    def price(self, data: Data) -> Data:
        self.asked_order(data).total -= 1
        return super().price(data)


class ForgetsPrepayments(GoodLot):
    reddens = ("5.1/08", "5.1/09", "5.3/02", "5.3/04", "5.3/08", "3.2/03")

    def paid(self, order: Order) -> Decimal:
        return Decimal(0)


class RefusesAutoPay(GoodLot):
    reddens = ("5.2/01",)

    def auto_pay(self, data: Data) -> Data:
        if int(data["is_union_user"]) == 0:
            raise No("不支持")
        return super().auto_pay(data)


class FailsOnTheSameRand(GoodLot):
    reddens = ("5.2/02", "5.2/04")

    def auto_pay(self, data: Data) -> Data:
        if (
            data["rand"] in self.rands
            or data["order_id"] not in self.orders
            or self.orders[data["order_id"]].state == "out"
        ):
            raise web.HTTPInternalServerError
        return super().auto_pay(data)

    async def serve(self, request: web.Request) -> web.Response:
        try:
            return self.respond(*await self.answer(await request.read(), ""))
        except web.HTTPInternalServerError:
            return web.Response(status=500)


class KeepsTheFirstAutoPay(GoodLot):
    reddens = ("5.2/03",)

    def auto_pay(self, data: Data) -> Data:
        order = self.orders[str(data["order_id"])]
        order.auto_pay = order.auto_pay or int(data["is_union_user"])
        return {"state": 1, "errmsg": ""}


class EchoesAnotherOrder(GoodLot):
    reddens = ("5.3/01",)

    def prepaid(self, data: Data) -> Data:
        return super().prepaid(data) | {"order_id": "another", "prepay": "0"}


class CountsEachMessage(GoodLot):
    """No unique trade_no: the classic."""

    reddens = ("5.3/02", "5.3/03", "5.3/08", "5.5/04", "5.6/02", "5.9/02", "5.10/02", "5.11/01", "5.8/02")

    def book(self, data: Data, amount: Any) -> bool:
        self.numbers += 1
        trade = str(data["trade_no"])
        booked = Booked(str(data["service_name"]), trade, str(data.get("order_id") or ""), Decimal(str(amount)), 1)
        self.booked[trade, str(self.numbers)] = booked
        return True


class ReadsBeforeItWrites(GoodLot):
    """Two at once both find nothing."""

    reddens = ("5.3/03",)

    async def prepaid(self, data: Data) -> Data:  # type: ignore[override]
        trade = str(data["trade_no"])
        known = any(each.trade_no == trade for each in self.booked.values())
        await asyncio.sleep(AT_ONCE_WITHIN)
        if not known:
            self.numbers += 1
            amount = Decimal(str(data["prepay"]))
            self.booked[trade, str(self.numbers)] = Booked("prepay_order", trade, str(data["order_id"]), amount, 1)
        return {
            "state": 1,
            "errmsg": "",
            "prepay": self.yuan(Decimal(str(data["prepay"]))),
            "order_id": data["order_id"],
        }


class KeepsTheLastPayment(GoodLot):
    reddens = ("5.3/04", "5.3/06")

    def paid(self, order: Order) -> Decimal:
        rows = [each for each in self.booked.values() if each.order_id == order.order_id]
        return rows[-1].amount if rows else Decimal(0)


class RefusesMoneyItCannotPlace(GoodLot):
    """State 0 to a payment: BoLink takes it for done."""

    reddens = ("5.3/05", "5.3/07", "5.5/07", "5.9/02")

    def book(self, data: Data, amount: Any) -> bool:
        order = self.orders.get(str(data.get("order_id")))
        if data["service_name"] in ("prepay_order", "outpark", "repair") and (order is None or order.state != "in"):
            raise No("订单不存在")
        return super().book(data, amount)


class CutsTradeNumbers(GoodLot):
    reddens = ("5.3/06",)

    def book(self, data: Data, amount: Any) -> bool:
        return super().book(data | {"trade_no": str(data["trade_no"]).split(" ")[0][:10]}, amount)


class NeverOpensAfterPaying(GoodLot):
    reddens = ("5.5/01", "5.5/02", "5.5/04", "5.5/06", "5.5/08")

    async def release(self, order: Order, pay_type: str, total: Decimal = Decimal(0)) -> None:
        pass


class TakesAnyStateForPaid(GoodLot):
    reddens = ("5.5/02", "5.5/03", "5.6/04")

    async def handle(self, verb: str, data: Data, text: bytes) -> tuple[int, bytes]:
        if verb in ("outpark", "refund"):
            data = data | {"state": 1}
        return await super().handle(verb, data, text)


class UndoesPayments(GoodLot):
    reddens = ("5.5/05",)

    async def charged(self, data: Data) -> Data:
        self.booked.pop(("outpark", str(data["trade_no"])), None)
        return await super().charged(data)


class LiftsTheNamedLane(GoodLot):
    """Whoever stands there, or nobody."""

    reddens = ("5.5/06",)

    async def charged(self, data: Data) -> Data:
        self.book(data, data.get("total", 0))
        for name in ("B1", "B2"):
            await self.lift(self.lanes[name])
        return {"state": 1, "errmsg": "", "trade_no": data["trade_no"]}


class OpensForAnyAmount(GoodLot):
    reddens = ("5.5/08",)

    async def charged(self, data: Data) -> Data:
        answer = await super().charged(data)
        order = self.orders.get(str(data["order_id"]))
        if order is not None and int(data["state"]) == 1:
            await self.release(order, "cash")
        return answer


class WantsAFlatAttach(GoodLot):
    reddens = ("5.5/09",)

    async def charged(self, data: Data) -> Data:
        if any(not isinstance(value, str) for value in (data.get("attach") or {}).values()):
            raise No("attach不可用")
        return await super().charged(data)


class EchoesNoTrade(GoodLot):
    reddens = ("5.6/01", "5.9/01", "5.10/01", "5.11/01", "5.8/01")

    def text(self, answer: Data) -> bytes:
        return super().text({name: value for name, value in answer.items() if name != "trade_no"})


class BooksAnyRefund(GoodLot):
    reddens = ("5.6/03",)

    def refunded(self, data: Data) -> Data:
        self.book(data, data["refund_money"])
        return {"state": 1, "errmsg": "", "trade_no": data["trade_no"]}


class WantsArriveMoney(GoodLot):
    reddens = ("5.6/05",)

    def refunded(self, data: Data) -> Data:
        if "arrive_money" not in data:
            raise No("arrive_money缺失")
        return super().refunded(data)


class ShowsNoPicture(GoodLot):
    reddens = ("5.4/01",)

    def picture(self, data: Data) -> bytes:
        return b'{"url":"http://lot/a.jpg"}'


class AnswersJsonForAPicture(GoodLot):
    reddens = ("5.4/02",)

    def picture(self, data: Data) -> bytes:
        return super().picture(data) or self.no("没有图片")


class ShowsAnyLotsPictures(GoodLot):
    reddens = ("5.4/03",)

    def foreign(self, data: Data) -> tuple[int, bytes]:
        return 200, JPEG if "comid" in data else self.no("没有这个车场")


class OpensPaths(GoodLot):
    reddens = ("5.4/04",)

    def picture(self, data: Data) -> bytes:
        return b"root:x:0:0:root" if "passwd" in str(data["orderid"]) else super().picture(data)


class LiftsTheNeighbour(GoodLot):
    reddens = ("5.5/01",)

    async def release(self, order: Order, pay_type: str, total: Decimal = Decimal(0)) -> None:
        other: Lane = self.lanes["B2"]
        await self.lift(other)


# 3.2


class SignsTheExitWrongly(GoodLot):
    reddens = ("3.2/01",)

    def sealed(self, data: Data) -> bytes:
        body = super().sealed(data)
        return body if "pay_type" not in data else body[:-3] + b'0"}'


class LeavesBeforeItCame(GoodLot):
    reddens = ("3.2/01",)

    def exit_upload(self, order: Order, pay_type: str, total: Decimal) -> Data:
        return super().exit_upload(order, pay_type, total) | {"out_time": order.in_at - 60}


class SaysFree(GoodLot):
    reddens = ("3.2/02",)

    def exit_upload(self, order: Order, pay_type: str, total: Decimal) -> Data:
        return super().exit_upload(order, "free", total)


class TellsTheWholeCharge(GoodLot):
    reddens = ("3.2/03",)

    def exit_upload(self, order: Order, pay_type: str, total: Decimal) -> Data:
        return super().exit_upload(order, pay_type, order.total)


class OpensOnAPending(GoodLot):
    reddens = ("3.2/04", "3.2/05")

    async def pull(self, order: Order) -> None:
        due = self.due(order)
        await self.upload("updateorder", self.exit_upload(order, "wallet", due))
        lane = self.standing(order)
        if lane is not None:
            await self.lift(lane)


class ForgetsTheExit(GoodLot):
    reddens = ("3.2/06",)

    async def deliver(self, order: Order) -> None:
        for each in [each for each in self.owed if each[1] is order]:
            while not self.is_done(await self.upload(each[0], each[2])) and each[0] == "addorder":
                await asyncio.sleep(self.retry)
            self.owed.remove(each)


class SendsTheExitAtOnce(GoodLot):
    reddens = ("3.2/07",)

    def owe(self, path: str, order: Order, data: Data) -> None:
        twin = Order(order.order_id, order.car, order.lane, order.in_at)
        self.owed.append((path, twin, data))
        self.spawn(self.deliver(twin))
