"""Lots with one thing wrong at the entry (5.7)."""

from __future__ import annotations

import asyncio
from typing import Any

from conformance.lots.good import AT_ONCE_WITHIN, Data, GoodLot, Lane, No, Order


class ForgetsThe31(GoodLot):
    reddens = ("5.7/01", "X/02")

    def let_in(self, order: Order) -> tuple[int, str]:
        order.state = "in"
        return 1, "入场成功"


class LiftsForAnEmptyLane(GoodLot):
    reddens = ("5.7/02", "5.7/08")

    def look_at(self, lane: Lane) -> None:
        pass


class TakesAnyLane(GoodLot):
    reddens = ("5.7/03",)

    def entry_lane(self, channel: str) -> Lane:
        return self.lanes.get(channel) or Lane(True, car="car")


class CutsThePlate(GoodLot):
    reddens = ("5.7/04",)

    def entry_answer(self, data: Data, state: int, said: str) -> Data:
        return super().entry_answer(data, state, said) | {"car_number": str(data["car_number"])[:6]}


class AnswersMilliseconds(GoodLot):
    reddens = ("5.7/04",)

    def entry_answer(self, data: Data, state: int, said: str) -> Data:
        return super().entry_answer(data, state, said) | {"timetemp": self.now() * 1000}


class RemembersNoMessage(GoodLot):
    """A second scan is a second stay; the lane's claim is its only guard."""

    reddens = ("5.7/05", "5.7/06", "5.7/12", "5.7/07")

    def open_order(self, car: str) -> Order | None:
        return None

    def look_at(self, lane: Lane) -> None:
        pass

    async def once(self, text: bytes, work: Any) -> tuple[int, bytes]:
        return await work()


class RemembersTooLate(GoodLot):
    """It remembers a message when it is done, so that two at once are two."""

    reddens = ("5.7/06",)

    def open_order(self, car: str) -> Order | None:
        return None

    def look_at(self, lane: Lane) -> None:
        pass

    async def once(self, text: bytes, work: Any) -> tuple[int, bytes]:
        known = self.first_answers.get(text.decode())
        if known is None:
            await asyncio.sleep(AT_ONCE_WITHIN)
            said = await work()
            known = asyncio.get_running_loop().create_future()
            known.set_result(said)
            self.first_answers[text.decode()] = known
        return await known


class TwoStaysForOneDriver(GoodLot):
    reddens = ("5.7/07",)

    def open_order(self, car: str) -> Order | None:
        return None


class TwoDriversForOneCar(GoodLot):
    reddens = ("5.7/08",)

    def look_at(self, lane: Lane) -> None:
        if not lane.car:
            raise No("未检测到车辆，请驶入车道后再扫码")


class GivesNoReason(GoodLot):
    reddens = ("5.7/09", "5.7/02", "5.7/03")

    def no(self, text: str, **more: Any) -> bytes:
        return super().no("", **more)

    def entry_answer(self, data: Data, state: int, said: str) -> Data:
        return super().entry_answer(data, state, "" if state == 0 else said)


class UploadsWhatWasRefused(GoodLot):
    reddens = ("5.7/10",)

    def hook_refuse(self, lane: str, driver: str) -> None:
        self.let_in(self.orders[self.lanes[lane].waiting])


class ForgetsWhatWasReleased(GoodLot):
    reddens = ("5.7/10",)

    async def hook_release(self, lane: str, driver: str) -> None:
        await self.lift(self.lanes[lane])


class TellsOneWithoutALift(GoodLot):
    reddens = ("5.7/11",)

    def not_lifted(self, order: Order, lane: Lane) -> tuple[int, str]:
        return self.let_in(order)


class UndoesWhenTheCallerLeaves(GoodLot):
    """The work belongs to the connection: cut, it ends between the lift and the order; the repeat is told 0."""

    reddens = ("5.7/12",)

    async def answer(self, body: bytes, verb: str) -> tuple[int, bytes]:
        said = await super().answer(body, verb)
        await asyncio.sleep(0.01)
        return said

    async def once(self, text: bytes, work: Any) -> tuple[int, bytes]:
        if text.decode() in self.changes:
            return 200, self.no("重复的请求")
        self.changes[text.decode()] = 1
        return await work()


class LiftsLate(GoodLot):
    """The command waits in the device: the arm rises after the driver was told 0."""

    reddens = ("5.7/13",)

    async def lift(self, lane: Lane) -> bool:
        if lane.slow:
            self.spawn(self.rise_later(lane))
            return False
        return await super().lift(lane)

    async def rise_later(self, lane: Lane) -> None:
        await asyncio.sleep(0.1)
        lane.lifts += 1


class KeepsNothingOverARestart(GoodLot):
    reddens = ("5.7/14", "3.1/10")

    async def deliver(self, order: Order) -> None:
        await asyncio.sleep(0.05)
        await super().deliver(order)

    async def hook_restart(self, hard: bool = False) -> None:
        await super().hook_restart(hard)
        self.owed.clear()


class IgnoresTheOrderGiven(GoodLot):
    reddens = ("5.7/15",)

    def make_order(self, data: Data) -> Order:
        return super().make_order({name: value for name, value in data.items() if name != "order_id"})


class AsksForNoMobile(GoodLot):
    """The SMS check is on, and it is not looked at."""

    reddens = ("5.7/17",)
    sms_check = True
