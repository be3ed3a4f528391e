"""One try at one case: who drives, what is sent, what was seen."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from taigan import bolink
from taigan.conformance.doors.hooks import NoHook
from taigan.conformance.doors.seen import Upload
from taigan.conformance.doors.target import Answer
from taigan.conformance.model import Case, Exchange, NotApplicable, NotVerified
from taigan.conformance.trials.judging import Judge
from taigan.conformance.trials.messages import Data, Messages
from taigan.conformance.trials.scene import Scene


@dataclass(frozen=True)
class Stay:
    """A stay that the kit began: a driver told 1, and the 3.1 that said so."""

    order_id: str
    car_number: str
    driver: str
    lane: str
    upload: Upload


class Trial(Judge):
    """What a case is handed."""

    def __init__(self, case: Case, scene: Scene) -> None:
        super().__init__(case, scene.hub, scene.plan.answer_within, scene.is_signature_refusal)
        self.scene = scene
        self.plan = scene.plan
        self.say = Messages(scene.plan)
        self.exchanges: list[int] = []

    # Names

    def driver(self) -> str:
        """A licence that nobody had before."""
        return self.scene.new_driver()

    def plate(self) -> str:
        """A plate of no real form that nobody had before."""
        return self.scene.new_driver()

    def number(self, digits: int = 20) -> str:
        """A transaction number that was never used."""
        return self.scene.new_number(digits)

    def mobile(self) -> str:
        """A phone number of eleven digits that begins as the plan says."""
        return f"{self.plan.mobile_prefix}{self.number(30)[-11:]}"[:11]

    @property
    def exit_lane(self) -> str:
        """An exit lane. Raises NotApplicable."""
        if not self.plan.exit_lanes:
            raise NotApplicable("没有出口车道", "there is no exit lane")
        return self.plan.exit_lanes[0]

    # Sending

    def written(self, section: str, data: Data | bytes, *, key: str = "") -> bytes:
        """The whole signed body of a message."""
        text = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        return bolink.by_section(section).body(text, key or self.scene.key, self.plan.union_id)

    async def send(self, section: str, data: Data, *, url: str = "", group: int = 0) -> Answer:
        """Send a message that is as documented, which is checked first, and keep what came back."""
        body = self.written(section, data)
        self.scene.check_own(self.case.case_id, section, body)
        return await self._post(body, section, url=url, group=group)

    async def send_raw(
        self, section: str, body: bytes, *, url: str = "", headers: dict[str, str] | None = None, group: int = 0
    ) -> Answer:
        """Send bytes that are wrong on purpose, or stretch what the document says."""
        return await self._post(body, section, url=url, headers=headers, twisted=True, group=group)

    async def send_twice(self, section: str, data: Data) -> tuple[Answer, Answer]:
        """The same bytes, at once."""
        body = self.written(section, data)
        self.scene.check_own(self.case.case_id, section, body)
        group = self.scene.new_group()
        first, second = await asyncio.gather(
            self._post(body, section, group=group), self._post(body, section, group=group)
        )
        return first, second

    async def hang_up(self, section: str, body: bytes, linger: float) -> None:
        """Send bytes and leave without the answer."""
        exchange = await self.scene.target.post_and_hang_up(
            body, url=self.scene.url_for(section), case_id=self.case.case_id, section=section, linger=linger
        )
        self.exchanges.append(exchange.number)

    async def _post(
        self,
        body: bytes,
        section: str,
        *,
        url: str = "",
        headers: dict[str, str] | None = None,
        twisted: bool = False,
        group: int = 0,
    ) -> Answer:
        about = {} if self.plan.plain else {"X-Taigan-Case": self.case.case_id}
        answer = await self.scene.target.post(
            body,
            url=url or self.scene.url_for(section),
            headers=about | (headers or {}),
            case_id=self.case.case_id,
            section=section,
            twisted=twisted,
            group=group,
        )
        self.exchanges.append(answer.exchange.number)
        self.scene.told(section, answer, twisted)
        return answer

    # The street

    async def hook(self, act: str, **args: Any) -> Any:
        """Have something done or looked up. Raises NotVerified when nobody can."""
        try:
            return await self.scene.hook(act, **args)
        except NoHook as error:
            raise NotVerified(f"需要钩子 {error}", f"needs the hook {error}") from None

    async def maybe(self, act: str, **args: Any) -> Any:
        """The same, with None where nobody can."""
        try:
            return await self.scene.hook(act, **args)
        except NoHook:
            return None

    @contextlib.asynccontextmanager
    async def at_entry(self, *, car: bool = True) -> AsyncIterator[str]:
        """An entry lane for oneself, a car on its loop; the car is gone afterwards."""
        async with self.scene.entry_lane() as lane:
            if car and self.plan.loop:
                await self.maybe("car_on_loop", lane=lane)
            try:
                yield lane
            finally:
                if car and self.plan.loop:
                    await self.maybe("car_gone", lane=lane)

    @contextlib.asynccontextmanager
    async def at_exit(self, car_number: str) -> AsyncIterator[str]:
        """An exit lane for oneself with that car in it. Raises NotVerified without a hook."""
        lane = self.exit_lane
        async with self.scene.exit_lane_lock:
            await self.hook("exit_car", lane=lane, plate=car_number)
            try:
                yield lane
            finally:
                await self.maybe("car_gone", lane=lane)

    async def scan(self, driver: str, lane: str, **changes: Any) -> Answer:
        """5.7, with a phone number that got its code where the lot checks phones."""
        if self.plan.sms_check and "mobile_number" not in changes:
            changes["mobile_number"] = self.mobile()
            await self.send("5.13", self.say.sms(driver, changes["mobile_number"]))
        return await self.send("5.7", self.say.entry(driver, lane, **changes))

    async def stay(self) -> Stay:
        """A driver inside, as BoLink knows it. Raises NotVerified when the platform lets nobody in."""
        if self.hub is None:
            raise NotVerified("需要看得到 3.1（--hub-listen）", "needs to see 3.1 (--hub-listen)")
        driver = self.driver()
        async with self.at_entry() as lane:
            answer = await self.scan(driver, lane)
        if answer.state != 1:
            raise NotVerified(
                f"需要一辆在场的车，但 5.7 答：{answer.shown}", f"needs a car inside, but 5.7 answered: {answer.shown}"
            )
        hub = self.hub
        found = await hub.until(lambda: [each for each in hub.of(driver) if each.taken], self.plan.upload_within)
        if not found:
            raise NotVerified("需要一辆在场的车，但没有 3.1", "needs a car inside, but no 3.1 came")
        self.scene.opened[found[0].order_id] = found[0].car_number
        return Stay(found[0].order_id, found[0].car_number, driver, lane, found[0])

    async def price(self, stay: Stay, **changes: Any) -> tuple[Answer, Decimal | None]:
        """5.1 for a stay, pay_scene 0; the answer and what is due."""
        about = {"car_number": stay.car_number, "order_id": stay.order_id} | changes
        answer = await self.send("5.1", self.say.price(self.number(), **about))
        due = (answer.data or {}).get("price")
        try:
            return answer, None if due is None or answer.state != 1 else Decimal(str(due))
        except ArithmeticError:
            return answer, None

    async def owing(self) -> tuple[Stay, Decimal]:
        """A stay that costs something, after time has passed if need be. Raises NotVerified when none does."""
        stay = await self.stay()
        answer, due = await self.price(stay)
        if due == 0:
            await self.maybe("clock", seconds=3 * 3600)
            answer, due = await self.price(stay)
        if due is None or due <= 0:
            raise NotVerified(
                f"需要一次要付钱的停车（钩子 clock，或没有免费时间的车场）；5.1 答：{answer.shown}",
                f"needs a stay that costs something (hook clock, or a lot without free minutes); 5.1: {answer.shown}",
            )
        return stay, due

    async def lifts(self, lane: str) -> int | None:
        """How often that lane's arm rose until now; None when nobody can count."""
        count = await self.maybe("lift_count", lane=lane)
        return None if count is None else int(count)

    async def lifted(self, lane: str, before: int | None, wanted: int, *, name: str = "lifts") -> bool:
        """The arm rose so often since `before`, after a moment in which it could rise once more."""
        expected = (f"{lane} 的杆抬 {wanted} 次", f"the arm of {lane} up {wanted} times")
        if before is None:
            self.check(name, None, expected, ("看不到杆（钩子 lift_count）", "no way to see the arm (hook lift_count)"))
            return False
        await asyncio.sleep(0.3 * self.plan.patience)
        now = await self.lifts(lane)
        count = None if now is None else now - before
        return self.check(name, None if count is None else count == wanted, expected, f"{count}")

    # The kit itself

    def see(self, exchange: Exchange) -> None:
        """Count an exchange as this case's."""
        self.exchanges.append(exchange.number)
