"""Lots with entries and exits under fire: cars come in, pay in whatever way with whatever goes wrong, and leave.

Three books are kept by three processes: BoLink's of what drivers paid, the lot's, and the lanes' journal of what the
arms did. What the drivers know is told to nobody: it is held against the books at the end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp

from crash.street import AS_TEST, UNION_ID, Street
from support.stacks.stack import eventually

BY = {"operator": "booth", "reason": "the driver called"}
HOURLY = {
    "valid_from": "2020-01-01",
    "rates": [{"free": 15, "period_caps": ["40"], "sections": [{"steps": [{"per": 30, "price": "2"}]}]}],
}
PATIENCE = 120.0
"""Seconds that a driver waits for anything before the test gives up."""
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "answer_lost", "chance": 0.04},
    {"kind": "sent_twice", "chance": 0.04},
    {"kind": "push_lost", "chance": 0.04},
    {"kind": "push_late", "chance": 0.04, "seconds": 2},
    {"kind": "upload_500", "chance": 0.03},
    {"kind": "upload_answer_lost", "chance": 0.04},
    {"kind": "payment_pending", "chance": 0.03},
    {"kind": "payment_failed", "chance": 0.04},
    {"kind": "payment_failed_after", "chance": 0.03},
    {"kind": "payment_failed_before", "chance": 0.03},
    {"kind": "payment_no_total", "chance": 0.02},
    {"kind": "payment_unknown_order", "chance": 0.02},
    {"kind": "payment_unreadable", "chance": 0.02},
    {"kind": "payment_clock_off", "chance": 0.02},
    {"kind": "charge_late", "chance": 0.05, "seconds": 3},
    {"kind": "charge_slow", "chance": 0.03, "seconds": 5},
    {"kind": "charge_told_too", "chance": 0.1},
)
"""What goes wrong at BoLink's side, each for that part of the messages that it fits."""
ASKING = ("pass", "pass at hours", "renewed", "refunded", "arrears")
"""With passes, and with what BoLink is asked once the car is gone; the first cars of a ledger leave so."""
WAYS = (
    *("inside", "inside twice", "at exit", "two phones", "cash", "cash and phone", "wallet", "scanner", "less"),
    *("more", "inside and wallet", "reduced", "waived", "owed", "forced"),
    *ASKING,
)
MONTH = 30_000
"""What a month of a pass costs, in fen."""
PASS_ENDS = "2027-05-15T00:00:00+08:00"


@dataclass
class Stay:
    """A car's stay, as its driver knows it."""

    lot_id: str
    plate: str
    way: str
    order_id: str = ""
    cash: list[int] = field(default_factory=list)  # fen that the booth said it took
    cash_in_doubt: int = 0  # times that the booth's answer was lost
    raised_by_hand: int = 0


class PayingStreet(Street):
    """`taigan hub`, `taigan lanes` and `taigan lot`, with two entries and three exits a lot."""

    lot_ids = tuple(f"{UNION_ID}-{number}" for number in range(11, 16))
    channels: Mapping[str, str] = {"A1": "entry", "A2": "entry", "B1": "exit", "B2": "exit", "B3": "exit"}
    hub_rules = "resend_after = [0.5, 1, 1, 2, 2, 3, 3, 5, 5, 5]"

    @property
    def rules(self) -> str:  # type: ignore[override]
        """BoLink tells of what was placed, and of renewals, where it is told to; surplus asks for its own refund."""
        return f'refund_surplus = "auto"\nnotify_url = "{self.url("lot", "/bolink")}"'

    def __init__(self, folder: Path, database_url: str, chance: Random) -> None:
        self.clock_file = folder / "clock"
        super().__init__(folder, database_url, {"TAIGAN_TEST_CLOCK_FILE": str(self.clock_file)})
        self.chance = chance
        self.ahead = 0.0
        self.stays: list[Stay] = []
        self.lanes: dict[tuple[str, str], dict[str, Any]] = {}
        self._seen = asyncio.Condition()
        self._watching: asyncio.Task[None] | None = None
        self._free: dict[tuple[str, str], asyncio.Queue[str]] = {}
        self._comes_back = asyncio.Event()
        self._comes_back.set()

    async def open(self) -> None:
        """Start everything: prices in force, a shift at each booth, every lane watched."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clock_file.write_text("0")
        await self.start()
        self._watching = asyncio.create_task(self._watch())
        for lot_id in self.lot_ids:
            for direction in ("entry", "exit"):
                free: asyncio.Queue[str] = asyncio.Queue()
                for channel_id, leads in self.channels.items():
                    if leads == direction:
                        free.put_nowait(channel_id)
                self._free[lot_id, direction] = free
            path = f"/api/v1/lots/{lot_id}"
            assert await self.post(f"{path}/price_lists", price_list=HOURLY, **BY) == 201
            assert await self.put(f"{path}/pass_terms", terms=[{"months": 1, "fen": MONTH}], **BY) == 200
            assert await self.post(f"{path}/shifts", booth="east", **BY | {"operator": f"booth {lot_id}"}) == 201

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
        await self.stop()

    async def forward(self, seconds: float) -> None:
        """All clocks go forward together."""
        self.ahead += seconds
        beside = self.clock_file.with_suffix(".new")
        beside.write_text(str(self.ahead))
        beside.rename(self.clock_file)

    # What happens to the processes

    async def dies(self, part: str, die_at: str = "") -> None:
        """SIGKILL, and a new start."""
        self._comes_back.clear()
        await self.kill(part)
        if part in self.lots:
            await self.start_lot(die_at)
        else:
            await self.start_part(part)
            await eventually(lambda: self._answers(part), 60)
            await eventually(self.lot_is_up, 60)
        self._comes_back.set()
        self.counts[f"{part} killed"] += 1

    async def is_armed(self, point: str, times: int) -> None:
        """The lot platform starts anew, to die when it comes to this point so often; not before all is uploaded."""
        await eventually(self._nothing_is_owed, PATIENCE)
        await self.dies("lot", f"{point}:{times}")

    async def dies_at(self, point: str, within: float) -> bool:
        """The lot platform, started so, dies when it comes to this point, and starts anew. False: it never did."""
        died = await self.died("lot", within)
        if died:
            await self.dies("lot")
            self.counts[f"killed at {point}"] += 1
        return died

    async def _answers(self, part: str) -> bool:
        with suppress(aiohttp.ClientError, OSError):
            await self.get("/healthz", side=part)
            return True
        return False

    # What drivers and persons do

    async def said(self, method: str, path: str, side: str = "", **body: Any) -> tuple[int, Any]:
        """Status and body of an answer; 0 where there is none."""
        assert self._client is not None
        sent = {"json": body} if method != "GET" else {"params": body}
        try:
            async with self._client.request(method, self.url(side, path), headers=AS_TEST, **sent) as answer:
                text = await answer.read()
                return answer.status, json.loads(text) if text else None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            await self._comes_back.wait()
            await asyncio.sleep(0.05)
            return 0, None

    @property
    def patience(self) -> float:
        """Seconds until the books of so many stays must have come to what is waited for."""
        return PATIENCE + len(self.stays) / 10

    async def surely(self, method: str, path: str, side: str = "", **body: Any) -> Any:
        """The answer, asked for until there is one; the books of ten thousand stays take their time."""
        async with asyncio.timeout(self.patience):
            while True:
                status, said = await self.said(method, path, side, **body)
                if status in (200, 201):
                    return said
                assert status in (0, 409, 503), f"{path}: {status} {said}"
                await asyncio.sleep(0.1)

    async def at_lane(self, lot_id: str, channel_id: str, **wishes: Any) -> int:
        """Something happens at a lane; the status, 409 where it cannot."""
        status, _ = await self.said("PUT", f"/lots/{lot_id}/lanes/{channel_id}", "lanes", **wishes)
        return status

    async def arm_rises(self, lot_id: str, channel_id: str, within: float) -> bool:
        def up() -> bool:
            return self.lanes[lot_id, channel_id]["barrier"] == "open"

        with suppress(TimeoutError):
            async with asyncio.timeout(within), self._seen:
                await self._seen.wait_for(up)
        return up()

    async def enters(self, stay: Stay) -> None:
        """The car drives in, in whatever number of tries."""
        if stay.way in ("pass", "pass at hours", "renewed"):
            await self._has_a_pass(stay)
        free = self._free[stay.lot_id, "entry"]
        channel_id = await free.get()
        async with asyncio.timeout(PATIENCE):
            while True:
                await self._comes_back.wait()
                await self.at_lane(stay.lot_id, channel_id, car="arrives", plate=stay.plate)
                if await self.arm_rises(stay.lot_id, channel_id, 10):
                    break
                await self.at_lane(stay.lot_id, channel_id, car="backs_out")
                await self._is_empty(stay.lot_id, channel_id)
            await self._drives_on(stay.lot_id, channel_id)
            free.put_nowait(channel_id)
            while True:
                query = {"car_number": stay.plate, "state": "in"}
                found = (await self.surely("GET", f"/api/v1/lots/{stay.lot_id}/orders", **query))["items"]
                if found:
                    (order,) = found
                    stay.order_id = order["order_id"]
                    return
                await asyncio.sleep(0.1)

    async def _has_a_pass(self, stay: Stay) -> None:
        """A pass for the car alone, under its plate."""
        card = {"card_id": stay.plate, "plates": [stay.plate], "starts_at": "2020-01-01T00:00:00+08:00"}
        hours = "08:00-20:00" if stay.way == "pass at hours" else ""
        async with asyncio.timeout(PATIENCE):
            while True:
                path = f"/api/v1/lots/{stay.lot_id}/pass_cards"
                status, said = await self.said("POST", path, **card, ends_at=PASS_ENDS, hours=hours, **BY)
                if status in (201, 409):  # 409: the answer to the first time was lost
                    return
                assert status in (0, 503), f"{status} {said}"

    async def _drives_on(self, lot_id: str, channel_id: str) -> None:
        """The arm is up: the car passes, and the lane is free when the arm is down."""
        async with asyncio.timeout(PATIENCE):
            while await self.at_lane(lot_id, channel_id, car="passes") != 200:
                if self.lanes[lot_id, channel_id]["car"] is None:
                    break
                await self.arm_rises(lot_id, channel_id, 2)
            await self._is_empty(lot_id, channel_id)

    async def _is_empty(self, lot_id: str, channel_id: str) -> None:
        """The lane has no car, and its arm is down."""
        while not await self._is_quiet(lot_id, channel_id, 3):
            if self.lanes[lot_id, channel_id]["car"] is None:  # it was raised once more, for nobody
                await self.said("POST", f"/api/v1/lots/{lot_id}/lanes/{channel_id}/close", **BY)

    async def _is_quiet(self, lot_id: str, channel_id: str, within: float) -> bool:
        def quiet() -> bool:
            lane = self.lanes[lot_id, channel_id]
            return lane["car"] is None and lane["barrier"] == "closed"

        with suppress(TimeoutError):
            async with asyncio.timeout(within), self._seen:
                await self._seen.wait_for(quiet)
        return quiet()

    async def leaves(self, stay: Stay) -> None:
        """The driver pays in the way of the stay, drives to an exit, does there what remains, and leaves."""
        if stay.way.startswith("inside"):
            for _ in range(2 if stay.way == "inside twice" else 1):
                await self._pays(stay, "")
        if stay.way == "reduced":
            given = {"order_id": stay.order_id, "kind": "minutes", "value": self.chance.choice([10, 60, 600])}
            await self.said("POST", f"/api/v1/lots/{stay.lot_id}/reductions", **given, **BY)
        free = self._free[stay.lot_id, "exit"]
        channel_id = await free.get()
        async with asyncio.timeout(2 * PATIENCE):
            await self._comes_back.wait()
            await self.at_lane(stay.lot_id, channel_id, car="arrives", plate=stay.plate)
            if not await self.arm_rises(stay.lot_id, channel_id, 0.6):
                await self._at_exit(stay, channel_id)
            for again in range(1, 100):
                if await self.arm_rises(stay.lot_id, channel_id, 2):
                    break
                if again % 3 == 0:  # what the camera read was lost: it reads anew
                    await self.at_lane(stay.lot_id, channel_id, car="backs_out")
                    await self._comes_back.wait()
                    await self.at_lane(stay.lot_id, channel_id, car="arrives", plate=stay.plate)
                elif again < 3:
                    await self._pays(stay, channel_id)
                else:
                    await self._is_let_go(stay, channel_id, self.chance.choice(["waived", "owed"]))
            await self._drives_on(stay.lot_id, channel_id)
            free.put_nowait(channel_id)
        await self._afterwards(stay)

    async def _afterwards(self, stay: Stay) -> None:
        """What is asked of BoLink once the car is gone; whether it was heard of or not, it is not asked again."""
        path = f"/api/v1/lots/{stay.lot_id}"
        match stay.way:
            case "refunded":
                paid = await self.surely("GET", f"{path}/orders/{stay.order_id}/payments")
                for one in paid:
                    if one["giver"] == "bolink" and one["state"] == "paid":
                        fen = self.chance.randint(1, one["fen"])
                        asked = f"{path}/payments/{one['payment_id']}/refund"
                        status, _ = await self.said("POST", asked, fen=fen, **BY)
                        self.counts[f"refund: {status}"] += 1
            case "arrears":
                status, _ = await self.said("POST", f"{path}/orders/{stay.order_id}/arrears_order", **BY)
                self.counts[f"arrears: {status}"] += 1
            case "renewed":
                status, _ = await self.said("POST", f"{path}/pass_cards/{stay.plate}/renewal", months=1, **BY)
                self.counts[f"renewal: {status}"] += 1

    async def _at_exit(self, stay: Stay, channel_id: str) -> None:
        match stay.way:
            case "at exit" | "inside" | "inside twice" | "reduced" | "refunded":
                await self._pays(stay, channel_id)
            case "pass" | "pass at hours" | "renewed":
                await self._pays(stay, channel_id)
            case "two phones":
                await asyncio.gather(self._pays(stay, channel_id), self._pays(stay, channel_id))
            case "cash":
                await self._cash(stay, channel_id)
            case "cash and phone":
                await asyncio.gather(self._cash(stay, channel_id), self._pays(stay, channel_id))
            case "wallet" | "inside and wallet":
                await self.arm_rises(stay.lot_id, channel_id, 4)
            case "scanner":
                code = f"13{self.chance.randrange(10**16):016d}"
                await self.at_lane(stay.lot_id, channel_id, scanner=code)
                await self.arm_rises(stay.lot_id, channel_id, 4)
            case "less":
                await self._pays(stay, channel_id, of=-100)
                await self._pays(stay, channel_id)
            case "more":
                await self._pays(stay, channel_id, of=self.chance.randint(1, 999))
            case "waived" | "owed" | "arrears":
                await self._is_let_go(stay, channel_id, "waived" if stay.way == "waived" else "owed")
            case "forced":
                await self.at_lane(stay.lot_id, channel_id, handset=True)

    async def _pays(self, stay: Stay, channel_id: str, *, of: int = 0) -> None:
        """A driver asks for the price, at a lane's code or inside, and pays it, `of` fen more."""
        asked: dict[str, Any] = {"lot_id": stay.lot_id, "driver": f"d{self.chance.randrange(10**9)}"}
        if channel_id:
            status, price = await self.said("POST", "/admin/scans", "hub", **asked, channel_id=channel_id)
        else:
            status, price = await self.said("POST", "/admin/prepays", "hub", **asked, car_number=stay.plate)
        if status != 200 or price["shown"] != "price":
            return
        fen = round(float(price["price"]) * 100) + of
        body = {"amount": f"{fen / 100:.2f}"} if of and fen > 0 else {}
        for _ in range(5):
            status, paid = await self.said("POST", f"/admin/scans/{price['scan_id']}/pay", "hub", **body)
            if status:
                self.counts[f"phone: {paid['shown'] if status == 200 else status}"] += 1
                return

    async def _cash(self, stay: Stay, channel_id: str) -> None:
        """The booth takes what it sees to be due."""
        path = f"/api/v1/lots/{stay.lot_id}"
        status, order = await self.said("GET", f"{path}/orders/{stay.order_id}")
        if status != 200 or not order["bill"]["due_fen"]:
            return
        due = order["bill"]["due_fen"]
        by = BY | {"operator": f"booth {stay.lot_id}"}
        given = {"order_id": stay.order_id, "due_fen": due, "received_fen": due + 300, **by}
        status, taken = await self.said("POST", f"{path}/lanes/{channel_id}/cash", **given)
        if status == 200:
            assert taken["change_fen"] == 300
            stay.cash.append(taken["payment"]["fen"])
        elif status == 0:
            stay.cash_in_doubt += 1
        self.counts[f"cash: {status}"] += 1

    async def _is_let_go(self, stay: Stay, channel_id: str, unpaid: str) -> None:
        path = f"/api/v1/lots/{stay.lot_id}/lanes/{channel_id}/open"
        status, _ = await self.said("POST", path, unpaid=unpaid, **BY)
        stay.raised_by_hand += 1
        self.counts[f"let go: {status}"] += 1

    async def wallets(self, plates: dict[str, list[str]]) -> None:
        """These plates of each lot pay by themselves."""
        for lot_id, named in plates.items():
            await self.surely("PUT", f"/admin/lots/{lot_id}/arrangements", "hub", auto_pay=named)

    # The end

    async def settles(self) -> None:
        """Whatever is under way comes to its end: what BoLink owes the lot, and the lot BoLink."""
        await self.surely("PUT", "/admin/faults", "hub", faults=[])
        for lot_id in self.lot_ids:
            for payment in await self.items("/admin/payments", lot_id=lot_id):
                if payment["state"] == "pending":
                    body = {"state": self.chance.choice(["paid", "failed"])}
                    await self.said("POST", f"/admin/records/{payment['id']}/state", "hub", **body)
        for refund in await self.items("/admin/records/refunds"):
            if refund["state"] == "pending":
                body = {"state": self.chance.choice(["done", "failed"])}
                await self.said("POST", f"/admin/records/{refund['id']}/state", "hub", **body)
        await eventually(self._all_is_told, self.patience)
        await eventually(self._nothing_is_owed, self.patience)
        await self._assign_strays()
        await self._close_what_nobody_saw()
        for lot_id in self.lot_ids:
            here = (datetime.now(UTC) + timedelta(seconds=self.ahead)).astimezone(ZoneInfo("Asia/Shanghai"))
            asked = {"day": here.date().isoformat(), **BY}
            await self.surely("POST", f"/api/v1/lots/{lot_id}/reconciliations", **asked)
        await eventually(self._nothing_is_owed, self.patience)
        await self.forward(timedelta(days=1).total_seconds())  # a charge that nobody heard of has failed by the morning
        await self._nothing_is_awaited()
        await eventually(self._no_errand_is_asked, self.patience)
        await self._settle_what_nobody_knows()
        await eventually(self._nothing_is_owed, self.patience)

    async def _no_errand_is_asked(self) -> bool:
        for lot_id in self.lot_ids:
            if await self.items(f"/api/v1/lots/{lot_id}/errands", state="asked"):
                return False
        return True

    async def _settle_what_nobody_knows(self) -> None:
        """A person looks at BoLink's own pages for what became of errands whose answer was lost."""
        refunds = {one["detail"]["trade_no"]: one["state"] for one in await self.items("/admin/records/refunds")}
        for lot_id in self.lot_ids:
            path = f"/api/v1/lots/{lot_id}/errands"
            for errand in await self.items(path, state="unclear"):
                done = errand["section"] == "4.2" and refunds.get(errand["detail"]["trade_no"]) == "done"
                state = "done" if done else "failed"
                await self.surely("POST", f"{path}/{errand['errand_id']}/settle", state=state, **BY)
                self.counts[f"{errand['section']} settled by hand: {state}"] += 1

    async def _nothing_is_awaited(self) -> None:
        async def ends(stay: Stay) -> None:
            path = f"/api/v1/lots/{stay.lot_id}/orders/{stay.order_id}"

            async def look() -> bool:
                return not (await self.get(f"{path}/bill"))["awaited"]

            try:
                await eventually(look, self.patience)
            except AssertionError:
                raise AssertionError(f"a payment is still awaited: {stay}, {await self.get(path)}") from None

        for start in range(0, len(self.stays), 20):
            await asyncio.gather(*(ends(stay) for stay in self.stays[start : start + 20]))

    async def _assign_strays(self) -> None:
        """A person looks at BoLink's page for what a payment is whose message cannot be understood, or names an order
        that nobody knows."""
        for lot_id in self.lot_ids:
            theirs = {one["trade_no"]: one for one in await self.items("/admin/payments", lot_id=lot_id)}
            for stray in await self.items(f"/api/v1/lots/{lot_id}/strays"):
                paid = theirs.get(stray["trade_no"])
                if paid and paid["state"] == "paid" and paid["purpose"] != "pass":
                    path = f"/api/v1/lots/{lot_id}/payments/{stray['payment_id']}/assign"
                    status, _ = await self.said("POST", path, order_id=paid["order_id"], fen=paid["fen"], **BY)
                    self.counts[f"{stray['state']}, assigned: {status}"] += 1

    async def _close_what_nobody_saw(self) -> None:
        """A car that drove out under an open arm while the lot platform was down left as one of which nobody knows the
        order. There is a row of each, by which a person finds the stay that goes on."""
        for lot_id in self.lot_ids:
            path = f"/api/v1/lots/{lot_id}"
            rows = [row for row in await self.items(f"{path}/space_changes") if row["cause"] == "pass"]
            left = await self.items(f"{path}/orders", state="in")
            assert len(left) <= len(rows), f"{lot_id}: {left} drove out, and only {len(rows)} rows tell of such cars"
            for order in left:
                await self.surely("POST", f"{path}/orders/{order['order_id']}/close", how="owed", **BY)
                self.counts["unseen, closed by hand"] += 1

    async def _all_is_told(self) -> bool:
        told = True
        for owed in await self.items("/admin/owed"):
            if owed["state"] == "needs_person":
                await self.said("POST", f"/admin/owed/{owed['id']}/send", "hub")
            told = told and owed["state"] == "taken"
        return told

    async def _watch(self) -> None:
        """Follow what all lanes do."""
        assert self._client is not None
        while True:
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                endless = aiohttp.ClientTimeout(total=None)
                async with self._client.get(self.url("lanes", "/events"), timeout=endless) as stream:
                    async for line in stream.content:
                        if line.startswith(b"data: "):
                            lane = json.loads(line[6:])
                            async with self._seen:
                                self.lanes[lane["lot_id"], lane["channel_id"]] = lane
                                self._seen.notify_all()
            await asyncio.sleep(0.1)


async def in_turn(work: list[Callable[[], Awaitable[None]]], at_once: int) -> None:
    """Do all of it, so many at once."""
    free = asyncio.Semaphore(at_once)

    async def one(of: Callable[[], Awaitable[None]]) -> None:
        async with free:
            await of()

    await asyncio.gather(*(one(of) for of in work))
