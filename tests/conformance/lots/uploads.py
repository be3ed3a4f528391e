"""Lots with one thing wrong about the upload of the entry (3.1) and SMS codes (5.13)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from conformance.lots.good import Data, GoodLot, Order


class SignsBeforeItSerialisesAgain(GoodLot):
    reddens = ("3.1/01", "X/01")
    also = ("5.7/01",)

    def sealed(self, data: Data) -> bytes:
        text = json.dumps(data, separators=(",", ":")).encode()
        spaced = json.dumps(data).encode()
        return b'{"data":' + spaced + b',"sign":"' + self.digest(text).encode() + b'"}'


class SendsMillisecondsAndTextNumbers(GoodLot):
    reddens = ("3.1/02",)

    def entry_upload(self, order: Order) -> Data:
        return super().entry_upload(order) | {"in_time": order.in_at * 1000, "empty_plot": str(self.free)}


class CountsBelowZero(GoodLot):
    reddens = ("3.1/02",)

    def entry_upload(self, order: Order) -> Data:
        return super().entry_upload(order) | {"empty_plot": -1}


class TriesOnce(GoodLot):
    reddens = ("3.1/03", "3.1/04", "3.1/05", "3.1/08")

    async def deliver(self, order: Order) -> None:
        for path, mine, data in [each for each in self.owed if each[1] is order]:
            await self.upload(path, data)
            self.owed.remove((path, mine, data))


class ChangesWhatItSendsAgain(GoodLot):
    reddens = ("3.1/03",)

    async def upload(self, path: str, data: Data, within: float = 0.5) -> Data | None:
        data["in_time"] = data["in_time"] + 1
        return await super().upload(path, data, within)


class NewOrderForEachTry(GoodLot):
    reddens = ("3.1/05",)

    async def upload(self, path: str, data: Data, within: float = 0.5) -> Data | None:
        self.numbers += 1
        return await super().upload(path, data | {"order_id": f"try{self.numbers}"}, within)


class NeverBelievesThatItExists(GoodLot):
    reddens = ("3.1/04",)

    def is_done(self, answer: Data | None) -> bool:
        return answer is not None and answer.get("errmsg") == "上传成功"


class KeepsNoPace(GoodLot):
    reddens = ("3.1/06", "X/06")

    async def at_pace(self) -> None:
        pass


class HammersWhatIsRefused(GoodLot):
    reddens = ("3.1/07",)

    async def deliver(self, order: Order) -> None:
        while mine := [each for each in self.owed if each[1] is order]:
            answer = await self.upload(mine[0][0], mine[0][2])
            if self.is_done(answer):
                self.owed.remove(mine[0])
            await asyncio.sleep(0.01)


class OneRefusalBlocksAll(GoodLot):
    reddens = ("3.1/07",)

    def send_on(self, order: Order) -> None:
        if not self.couriers or all(task.done() for task in self.couriers.values()):
            self.couriers["all"] = self.spawn(self.deliver_all())

    async def deliver_all(self) -> None:
        while self.owed:
            path, order, data = self.owed[0]
            if self.is_done(await self.upload(path, data)):
                self.owed.remove((path, order, data))
            else:
                await asyncio.sleep(0.2)


class TakesAnyAnswerForDone(GoodLot):
    reddens = ("3.1/08",)

    async def upload(self, path: str, data: Data, within: float = 0.5) -> Data | None:
        try:
            async with self.client.post(f"{self.hub_url}/unionapi/neworder/{path}", data=self.sealed(data)) as answer:
                return {"state": 1} if answer.status < 400 else None
        except Exception:
            return None


class ChokesOnEscapeOrders(GoodLot):
    reddens = ("3.1/09",)

    async def upload(self, path: str, data: Data, within: float = 0.5) -> Data | None:
        answer = await super().upload(path, data, within)
        return None if answer and "escapeOrder" in answer else answer


class NamesOrdersByTheSecond(GoodLot):
    """Two cars in one second share a number."""

    reddens = ("X/03",)
    also = ("5.7/15", "3.1/03", "5.7/01", "5.7/04", "3.1/05")

    def make_order(self, data: Data) -> Order:
        order = super().make_order(data)
        order.order_id = "20261128_A"
        return order

    def send_on(self, order: Order) -> None:
        self.spawn(self.deliver(order))


class LosesTheLeadingZero(GoodLot):
    reddens = ("5.13/01",)

    def sms(self, data: Data) -> Data:
        answer = super().sms(data)
        return answer | {"verify_code": str(int(answer["verify_code"]))}


class SendsToAnyNumber(GoodLot):
    reddens = ("5.13/02",)

    def sms(self, data: Data) -> Data:
        if len(str(data["mobile_number"])) == 11:
            return super().sms(data)
        self.sent_codes[str(data["mobile_number"])] = "123456"
        return {"state": 1, "errmsg": "", "verify_code": "123456"}


class SendsWithoutLimit(GoodLot):
    reddens = ("5.13/03",)

    def sms(self, data: Data) -> Data:
        self.numbers += 1
        self.sent_codes[str(data["mobile_number"])] = f"{self.numbers:06d}"
        return {"state": 1, "errmsg": "", "verify_code": f"{self.numbers:06d}"}


class SendsAnotherCode(GoodLot):
    reddens = ("5.13/04",)

    def hook_sms_last(self, mobile: str) -> str:
        return "999999"


class WritesFloats(GoodLot):
    """0.1 + 0.2 on the wire."""

    reddens = ("X/05",)
    also = ("5.7/04",)

    def entry_answer(self, data: Data, state: int, said: str) -> Data:
        return super().entry_answer(data, state, said) | {"price": 0.1 + 0.2}


class SaysNothingAtAll(GoodLot):
    """It answers 200 and nothing, and does the work."""

    reddens = ("1.2/17", "5.7/01")

    def text(self, answer: Any) -> bytes:
        return b""
