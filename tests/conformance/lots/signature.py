"""Lots with one thing wrong about signatures and messages (1.2)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
from aiohttp import web

from conformance.lots.good import KEY, UNION, Data, GoodLot, Lane, No, Order


class ChecksNoSignature(GoodLot):
    reddens = ("1.2/02", "1.2/03", "1.2/04")

    def open(self, body: bytes) -> tuple[bytes, str, Any, Any]:
        data = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return bytes(data["data"]), "", None, None

    def verified(self, text: bytes, sign: str) -> bool:
        return True


class RefusesEverything(GoodLot):
    """One answer to all: it refuses what it has to, and everything else."""

    reddens = ("1.2/01", "5.7/01")

    async def answer(self, body: bytes, verb: str) -> tuple[int, bytes]:
        try:
            data = self.parse(self.open(body)[0])
        except (msgspec.DecodeError, ValueError, RecursionError):
            data = {}
        return 200, self.no("签名错误", car_number=data.get("car_number", ""), timetemp=self.now())


class TakesAMissingSignForRight(GoodLot):
    reddens = ("1.2/03",)

    def open(self, body: bytes) -> tuple[bytes, str, Any, Any]:
        data = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return bytes(data["data"]), json.loads(bytes(data.get("sign", b'""'))) or "", None, None

    def verified(self, text: bytes, sign: str) -> bool:
        return not sign or super().verified(text, sign)


class SignsWhatItSerialisesItself(GoodLot):
    """The most usual mistake of all: parsed, written again, signed."""

    reddens = ("1.2/06", "1.2/07", "1.2/08")

    def verified(self, text: bytes, sign: str) -> bool:
        again = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()
        return super().verified(again, sign)


class SignsSortedKeys(GoodLot):
    reddens = ("1.2/01", "1.2/05", "1.2/07", "1.2/09", "1.2/10", "1.2/11", "1.2/14", "1.2/16")

    def verified(self, text: bytes, sign: str) -> bool:
        again = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        return super().verified(again, sign)


class SignsGbk(GoodLot):
    reddens = ("1.2/05",)

    def verified(self, text: bytes, sign: str) -> bool:
        return super().verified(text.decode().encode("gbk", "replace"), sign)


class RoundsAmounts(GoodLot):
    reddens = ("1.2/08",)

    def yuan(self, amount: Any) -> str:
        return f"{round(float(amount))}"


class WantsTheUnionInside(GoodLot):
    reddens = ("1.2/09",)

    def parse(self, text: bytes) -> Data:
        data = super().parse(text)
        if "union_id" not in data:
            raise ValueError("union_id")
        return data


class WantsExactTypes(GoodLot):
    reddens = ("1.2/10",)

    def parse(self, text: bytes) -> Data:
        data = super().parse(text)
        if not isinstance(data.get("union_id", UNION), int):
            raise ValueError("union_id")
        return data


class RefusesUnknownFields(GoodLot):
    reddens = ("1.2/11",)

    def parse(self, text: bytes) -> Data:
        data = super().parse(text)
        if "kit_extra" in data:
            raise ValueError("kit_extra")
        return data


class WantsAServiceName(GoodLot):
    reddens = ("1.2/14",)

    async def answer(self, body: bytes, verb: str) -> tuple[int, bytes]:
        return await super().answer(body, "")


class FailsOnUnknownServices(GoodLot):
    reddens = ("1.2/15",)

    async def handle(self, verb: str, data: Data, text: bytes) -> tuple[int, bytes]:
        if verb != "nolicence_in_park" and verb not in self.handlers:
            raise web.HTTPInternalServerError
        return await super().handle(verb, data, text)

    async def serve(self, request: web.Request) -> web.Response:
        try:
            return self.respond(*await self.answer(await request.read(), request.match_info.get("verb", "")))
        except web.HTTPInternalServerError:
            return web.Response(status=500)


class FailsOnOddBytes(GoodLot):
    reddens = ("1.2/16", "1.2/22")

    def open(self, body: bytes) -> tuple[bytes, str, Any, Any]:
        try:
            return super().open(body)
        except Exception:
            raise web.HTTPInternalServerError from None

    async def serve(self, request: web.Request) -> web.Response:
        try:
            return self.respond(*await self.answer(await request.read(), ""))
        except web.HTTPInternalServerError:
            return web.Response(status=500)


class WrapsItsAnswers(GoodLot):
    reddens = ("1.2/17", "5.7/01", "5.7/04")

    def text(self, answer: Data) -> bytes:
        return json.dumps({"data": answer, "sign": "0" * 32}, ensure_ascii=False).encode()


class AnswersStatesAsText(GoodLot):
    reddens = ("1.2/17",)

    def text(self, answer: Data) -> bytes:
        return super().text(answer | {"state": str(answer["state"])})


class IsTooSlow(GoodLot):
    reddens = ("1.2/18", "1.2/19", "5.7/01")

    async def enter(self, data: Data) -> tuple[int, str]:
        await asyncio.sleep(2.2)
        return await super().enter(data)


class TakesOneAtATime(GoodLot):
    reddens = ("1.2/19",)

    def __init__(self) -> None:
        super().__init__()
        self.turn = asyncio.Lock()

    async def handle(self, verb: str, data: Data, text: bytes) -> tuple[int, bytes]:
        async with self.turn:
            await asyncio.sleep(0.06)
            return await super().handle(verb, data, text)


class TakesAnyLot(GoodLot):
    reddens = ("1.2/20",)

    async def answer(self, body: bytes, verb: str) -> tuple[int, bytes]:
        text, sign, _, _ = self.open(body)
        if not self.verified(text, sign):
            return 401, self.no("签名错误")
        data = json.loads(text)
        return await self.handle(str(data.get("service_name") or verb), data, text)


class UploadsTheOtherKey(GoodLot):
    """Of two `car_number`s it answers with one and uploads the other."""

    reddens = ("1.2/22",)

    def make_order(self, data: Data) -> Order:
        order = super().make_order(data)
        order.car = self.first_key
        return order

    async def handle(self, verb: str, data: Data, text: bytes) -> tuple[int, bytes]:
        pairs = json.loads(text, object_pairs_hook=list)
        self.first_key = next((str(value) for name, value in pairs if name == "car_number"), "")
        return await super().handle(verb, data, text)


class LeaksItsKey(GoodLot):
    reddens = ("X/04",)
    also = ("5.7/03",)

    def entry_lane(self, channel: str) -> Lane:
        if channel not in self.lanes:
            raise No(f"Traceback (most recent call last) key={KEY}")
        return super().entry_lane(channel)
