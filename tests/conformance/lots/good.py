"""A small lot platform that does everything right. The broken ones beside it differ from it in one thing each.

It is written as a stranger would: it knows the document and shares no code with taigan. What the street does, and what
cannot be seen from outside, comes through its hook.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

KEY = "a key of the good lot"
UNION, PARK = 200002, "21787"
JPEG = b"\xff\xd8\xff\xe0" + b"0" * 2000
LARGEST = 64 * 1024
PACE, WINDOW = 9, 1.3
"""So many uploads in so many seconds: fewer than may be, since the way there bunches them."""
AT_ONCE_WITHIN = 0.3
"""Seconds in which the second of two messages that are sent at once is there, however busy the machine is."""
MONEY_VERBS = {
    "prepay_order",
    "outpark",
    "refund",
    "monthcard_pay",
    "repair",
    "plat_unified_order",
    "plat_escape_order",
}
ORDER_ID = re.compile(r"[0-9A-Za-z_]{1,32}")

Data = dict[str, Any]


class No(Exception):
    """The answer is state 0 with this text."""


class Unsaved(Exception):
    """A message cannot be kept: 503."""


@dataclass
class Lane:
    entry: bool
    car: str = ""
    lifts: int = 0
    busy: bool = False
    online: bool = True
    slow: bool = False
    attendant: bool = False
    held: bool = False
    waiting: str = ""  # the order that waits for the attendant


@dataclass
class Order:
    order_id: str
    car: str
    lane: str
    in_at: int
    state: str = "waiting"
    auto_pay: int = 0
    reductions: dict[str, Decimal] = field(default_factory=dict)
    total: Decimal = Decimal("20.00")
    exit_lane: str = ""


@dataclass
class Booked:
    """A money message that was kept."""

    verb: str
    trade_no: str
    order_id: str
    amount: Decimal
    state: int


class Envelope(msgspec.Struct):
    data: msgspec.Raw
    sign: str
    union_id: Any = None
    service_name: Any = None


class GoodLot:
    def __init__(self, *, retry: float = 0.05, loop: bool = True) -> None:
        self.hub_url = ""
        self.retry = retry
        self.loop = loop
        self.lanes = {"A1": Lane(True), "A2": Lane(True), "B1": Lane(False), "B2": Lane(False)}
        self.orders: dict[str, Order] = {}
        self.booked: dict[tuple[str, str], Booked] = {}
        self.first_answers: dict[str, asyncio.Future[tuple[int, bytes]]] = {}
        self.owed: list[tuple[str, Order, Data]] = []
        self.sent_at: deque[float] = deque()
        self.lists: dict[tuple[str, str], Data] = {}
        self.passes: dict[str, Data] = {}
        self.invoices: dict[str, Data] = {}
        self.changes: dict[str, int] = {}
        self.rands: set[str] = set()
        self.commands: dict[str, Data] = {}
        self.codes: dict[str, tuple[str, int]] = {}
        self.sent_codes: dict[str, str] = {}
        self.quotes: dict[str, str] = {}
        self.spaces, self.free = 500, 300
        self.clock = 0
        self.numbers = 0
        self.couriers: dict[str, asyncio.Task[None]] = {}
        self.background: set[asyncio.Task[Any]] = set()
        self.events: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.handlers: dict[str, Callable[[Data], Any]] = {
            "query_price": self.price,
            "notice_car_owner": self.auto_pay,
            "prepay_order": self.prepaid,
            "get_inpark_image": self.picture,
            "outpark": self.charged,
            "refund": self.refunded,
            "monthcard_pay": self.renewed,
            "repair": self.recovered,
            "plat_unified_order": self.placed,
            "plat_escape_order": self.placed,
            "recharge": self.change,
            "verify_code": self.sms,
            "pay_notice": self.reduced,
            "operate_liftrod": self.command,
            "check_vip": self.check_pass,
            "space_notify": self.set_spaces,
            "special_plate": self.special,
            "car_info": self.pass_changed,
            "query_car_info": self.query,
            "invoice_notify": self.invoiced,
        }

    # The wire

    async def serve(self, request: web.Request) -> web.Response:
        try:
            body = await request.content.read(LARGEST + 1)
            while len(body) <= LARGEST and not request.content.at_eof():
                body += await request.content.read(LARGEST + 1)
            if len(body) > LARGEST:
                return self.respond(413, self.no("消息太大"))
            return self.respond(*await self.answer(body, request.match_info.get("verb", "")))
        except (No, web.HTTPException) as error:
            return self.respond(200, self.no(str(error)))

    def respond(self, status: int, body: bytes, kind: str = "application/json") -> web.Response:
        if body.startswith(b"\xff\xd8"):
            kind = "image/jpeg"
        return web.Response(status=status, body=body, content_type=kind)

    def no(self, text: str, **more: Any) -> bytes:
        return self.text({"state": 0, "errmsg": text[:48], **more})

    def text(self, answer: Data) -> bytes:
        return json.dumps(answer, ensure_ascii=False).encode()

    async def answer(self, body: bytes, verb: str) -> tuple[int, bytes]:
        try:
            text, sign, beside, named = self.open(body)
            data = self.parse(text)
        except (msgspec.DecodeError, msgspec.ValidationError, ValueError, RecursionError):
            return 400, self.no("消息读不懂")
        if not self.verified(text, sign):
            return 401, self.no("签名错误", car_number=str(data.get("car_number", "")))
        union = data.get("union_id", beside)
        if (union is not None and str(union).strip() != str(UNION)) or str(
            data.get("park_id", data.get("comid", ""))
        ) != PARK:
            return self.foreign(data)
        verb = str(data.get("service_name") or named or verb)
        try:
            return await self.handle(verb, data, text)
        except No as error:
            return 200, self.no(str(error), **self.echoed(verb, data))
        except Unsaved:
            return 503, b""
        except (KeyError, ValueError, TypeError, InvalidOperation, AttributeError) as error:
            if verb in MONEY_VERBS:
                return 503, b""
            return 400, self.no(f"字段不可用 {error}"[:48])

    def foreign(self, data: Data) -> tuple[int, bytes]:
        return 404, self.no("没有这个车场")

    def open(self, body: bytes) -> tuple[bytes, str, Any, Any]:
        envelope = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"), type=Envelope)
        text = bytes(envelope.data)
        if text.startswith(b'"'):
            text = msgspec.json.decode(text, type=str).encode()
        return text, envelope.sign, envelope.union_id, envelope.service_name

    def parse(self, text: bytes) -> Data:
        data = json.loads(text.decode("utf-8"), parse_float=Decimal)
        if not isinstance(data, dict):
            raise ValueError("no object")
        return data

    def digest(self, text: bytes) -> str:
        return hashlib.md5(text + f"key={KEY}".encode()).hexdigest().upper()

    def verified(self, text: bytes, sign: str) -> bool:
        return bool(sign) and sign.upper() == self.digest(text)

    def echoed(self, verb: str, data: Data) -> Data:
        if verb == "nolicence_in_park":
            return {"car_number": data.get("car_number", ""), "timetemp": self.now()}
        return {name: data[name] for name in ("trade_no", "order_id", "query_order_no", "liftrod_id") if name in data}

    async def handle(self, verb: str, data: Data, text: bytes) -> tuple[int, bytes]:
        if verb == "nolicence_in_park":
            return await self.once(text, lambda: self.entry(data))
        if verb not in self.handlers:
            return 200, self.no("不认识的消息")
        answer = self.handlers[verb](data)
        if isinstance(answer, Awaitable):
            answer = await answer
        if isinstance(answer, bytes):
            return (200, answer) if answer else (404, b"")
        return 200, self.text({"service_name": verb} | answer)

    async def once(self, text: bytes, work: Callable[[], Awaitable[tuple[int, bytes]]]) -> tuple[int, bytes]:
        digest = hashlib.sha256(text).hexdigest()
        if digest not in self.first_answers:
            self.first_answers[digest] = asyncio.get_running_loop().create_future()
            self.spawn(self.work(digest, work))
        return await asyncio.shield(self.first_answers[digest])

    async def work(self, digest: str, work: Callable[[], Awaitable[tuple[int, bytes]]]) -> None:
        self.first_answers[digest].set_result(await work())

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        return task

    def now(self) -> int:
        return int(time.time()) + self.clock

    # 5.7

    async def entry(self, data: Data) -> tuple[int, bytes]:
        try:
            state, said = await self.enter(data)
        except No as error:
            state, said = 0, str(error)
        return 200, self.text(self.entry_answer(data, state, said))

    def entry_answer(self, data: Data, state: int, said: str) -> Data:
        return {"state": state, "errmsg": said, "car_number": data["car_number"], "timetemp": self.now()}

    async def enter(self, data: Data) -> tuple[int, str]:
        driver, lane = str(data["car_number"]), self.entry_lane(str(data["channel_id"]))
        if self.is_listed(driver, "black"):
            raise No("禁止入场，请联系管理员")
        if self.free <= 0:
            raise No("车位已满")
        inside = self.open_order(driver)
        if inside is not None:
            return self.again(inside)
        self.look_at(lane)
        order = self.make_order(data)
        if lane.attendant:
            lane.waiting = order.order_id
            return 2, "请等待管理员放行"
        lane.busy = True
        if not await self.lift(lane):
            return self.not_lifted(order, lane)
        return self.let_in(order)

    def again(self, inside: Order) -> tuple[int, str]:
        return (1, "入场成功") if inside.state == "in" else (2, "请等待管理员放行")

    def entry_lane(self, channel: str) -> Lane:
        lane = self.lanes.get(channel)
        if lane is None:
            raise No("车道不存在，请联系管理员")
        if not lane.entry:
            raise No("此处为出口，请到入口扫码")
        return lane

    def look_at(self, lane: Lane) -> None:
        if self.loop and not lane.car:
            raise No("未检测到车辆，请驶入车道后再扫码")
        if self.loop and lane.busy:
            raise No("车道正在处理其他车辆，请稍候")

    def make_order(self, data: Data) -> Order:
        self.numbers += 1
        given = str(data.get("order_id") or "")
        usable = ORDER_ID.fullmatch(given) and given not in self.orders
        number = given if usable else f"good{time.time_ns()}_{self.numbers}"
        order = Order(number, str(data["car_number"]), str(data["channel_id"]), self.now())
        self.orders[number] = order
        return order

    def open_order(self, car: str) -> Order | None:
        return next(
            (each for each in self.orders.values() if each.car == car and each.state in ("waiting", "in")), None
        )

    async def lift(self, lane: Lane) -> bool:
        if not lane.online or lane.slow:
            return False
        lane.lifts += 1
        return True

    def not_lifted(self, order: Order, lane: Lane) -> tuple[int, str]:
        order.state, lane.busy = "void", False
        raise No("道闸故障，请联系管理员")

    def let_in(self, order: Order) -> tuple[int, str]:
        order.state = "in"
        self.free -= 1
        self.owe("addorder", order, self.entry_upload(order))
        return 1, "入场成功"

    def entry_upload(self, order: Order) -> Data:
        return {
            "car_number": order.car,
            "in_time": order.in_at,
            "order_id": order.order_id,
            "empty_plot": self.free,
            "park_id": PARK,
            "union_id": UNION,
            "car_cost_type": 4,
            "in_channel_id": order.lane,
        }

    # Uploads: one after the other for each order, each until it is taken

    def owe(self, path: str, order: Order, data: Data) -> None:
        self.owed.append((path, order, data))
        self.send_on(order)

    def send_on(self, order: Order) -> None:
        courier = self.couriers.get(order.order_id)
        if courier is None or courier.done():
            self.couriers[order.order_id] = self.spawn(self.deliver(order))

    async def deliver(self, order: Order) -> None:
        pause = self.retry
        while mine := [each for each in self.owed if each[1] is order]:
            path, _, data = mine[0]
            await self.at_pace()
            answer = await self.upload(path, data)
            if self.is_done(answer):
                self.owed.remove(mine[0])
                pause = self.retry
            else:
                await asyncio.sleep(pause)
                pause = min(2 * pause, 20 * self.retry)

    def is_done(self, answer: Data | None) -> bool:
        return answer is not None and (answer.get("state") == 1 or answer.get("errmsg") == "订单已存在")

    async def at_pace(self) -> None:
        while True:
            now = time.monotonic()
            while self.sent_at and self.sent_at[0] <= now - WINDOW:
                self.sent_at.popleft()
            if len(self.sent_at) < PACE:
                self.sent_at.append(now)
                return
            await asyncio.sleep(self.sent_at[0] + WINDOW - now)

    def sealed(self, data: Data) -> bytes:
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        return b'{"data":' + text + b',"sign":"' + self.digest(text).encode() + b'"}'

    async def upload(self, path: str, data: Data, within: float = 0.5) -> Data | None:
        """The hub's answer, None when it was none."""
        url = f"{self.hub_url}/unionapi/neworder/{path}"
        try:
            async with self.client.post(
                url, data=self.sealed(data), timeout=aiohttp.ClientTimeout(within), allow_redirects=False
            ) as answer:
                said = json.loads(await answer.text()) if answer.status == 200 else None
                return said if isinstance(said, dict) else None
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None

    # 5.1 to 5.6

    def find(self, data: Data) -> Order | None:
        order = self.orders.get(str(data.get("order_id") or ""))
        if order is None and not data.get("order_id"):
            order = self.open_order(str(data.get("car_number") or ""))
        return order

    def paid(self, order: Order) -> Decimal:
        sign = {"prepay_order": 1, "outpark": 1, "repair": 1, "refund": -1}
        rows = [each for each in self.booked.values() if each.order_id == order.order_id and each.state == 1]
        return sum((sign.get(each.verb, 0) * each.amount for each in rows), Decimal(0))

    def reduction(self, order: Order) -> Decimal:
        return min(order.total, sum(order.reductions.values(), Decimal(0)))

    def due(self, order: Order) -> Decimal:
        return max(Decimal(0), order.total - self.reduction(order) - self.paid(order))

    def asked_order(self, data: Data) -> Order:
        scene = int(data.get("pay_scene") or 0)
        if scene == 0:
            order = self.find(data)
            if order is None or order.state != "in" or order.car != data.get("car_number"):
                raise No("未查询到在场车辆，请核对车牌")
            return order
        lane = self.lanes.get(str(data.get("out_channel_id")))
        if lane is None or lane.entry:
            raise No("车道不存在，请联系管理员")
        if not lane.car:
            raise No("未检测到车辆，请驶入车道后再扫码")
        order = self.open_order(lane.car) or self.open_order(str(data.get("licence") or ""))
        if order is None:
            raise No("未查询到入场记录，请联系管理员")
        return order

    def price(self, data: Data) -> Data:
        order = self.asked_order(data)
        self.quotes[str(data["query_order_no"])] = order.order_id
        answer = {
            "state": 1,
            "errmsg": "",
            "price": self.yuan(self.due(order)),
            "total": self.yuan(order.total),
            "duration": max(0, self.now() - order.in_at) // 60,
            "derate_money": self.yuan(self.reduction(order)),
            "free_out_time": 15,
            "query_time": self.now(),
            "query_order_no": data["query_order_no"],
            "order_id": order.order_id,
            "park_id": PARK,
        }
        if any(each[0] == "addorder" and each[1] is order for each in self.owed):
            answer |= {"in_time": order.in_at, "car_number": order.car}
        return answer

    def yuan(self, amount: Decimal) -> str:
        return f"{amount:.2f}"

    def auto_pay(self, data: Data) -> Data:
        if data["rand"] in self.rands:
            raise No("rand重复")
        self.rands.add(data["rand"])
        order = self.orders.get(str(data["order_id"]))
        if order is not None and order.state == "in":
            order.auto_pay = int(data["is_union_user"])
        return {"state": 1, "errmsg": "修改成功"}

    def book(self, data: Data, amount: Any) -> bool:
        """Keep a money message; whether it is new. A state 1 is never undone."""
        verb, trade = str(data["service_name"]), str(data["trade_no"])
        state = int(data.get("state", 1))
        fresh = Booked(
            verb, trade, str(data.get("order_id") or ""), Decimal(str(amount)).quantize(Decimal("0.00001")), state
        )
        known = self.booked.get((verb, trade))
        if known is None or (known.state != 1 and state == 1):
            self.booked[verb, trade] = fresh
            return True
        return False

    def prepaid(self, data: Data) -> Data:
        self.book(data, data["prepay"])
        answer = {"state": 1, "park_id": PARK, "order_id": data["order_id"], "errmsg": "success"}
        return answer | {"prepay": self.yuan(Decimal(str(data["prepay"]))), "trade_no": data["trade_no"]}

    async def charged(self, data: Data) -> Data:
        new = self.book(data, data.get("total", 0))
        order = self.orders.get(str(data["order_id"]))
        if new and order is not None and int(data["state"]) == 1 and self.due(order) == 0:
            await self.release(order, "cash")
        return {"state": 1, "errmsg": "", "trade_no": data["trade_no"], "order_id": data["order_id"]}

    def refunded(self, data: Data) -> Data:
        order = self.orders.get(str(data["order_id"]))
        if ("refund", str(data["trade_no"])) not in self.booked and (
            order is not None and Decimal(str(data["refund_money"])) > self.paid(order)
        ):
            data = data | {"order_id": ""}  # kept for a person, not booked on the stay
        self.book(data, data["refund_money"])
        return {"state": 1, "errmsg": "", "trade_no": data["trade_no"]}

    def picture(self, data: Data) -> bytes:
        order = self.orders.get(str(data["orderid"]))
        return JPEG if order is not None and data.get("type") == "in" else b""

    # The exit

    def standing(self, order: Order) -> Lane | None:
        return next((lane for lane in self.lanes.values() if not lane.entry and lane.car == order.car), None)

    async def release(self, order: Order, pay_type: str, total: Decimal = Decimal(0)) -> None:
        lane = self.standing(order)
        if lane is None or order.state != "in":
            return
        if await self.lift(lane):
            self.close(order, pay_type, total)

    def close(self, order: Order, pay_type: str, total: Decimal) -> None:
        order.state = "out"
        self.free += 1
        self.owe("updateorder", order, self.exit_upload(order, pay_type, total))

    def exit_upload(self, order: Order, pay_type: str, total: Decimal) -> Data:
        return {
            "park_id": PARK,
            "union_id": UNION,
            "car_number": order.car,
            "in_time": order.in_at,
            "out_time": self.now(),
            "pay_type": pay_type,
            "empty_plot": self.free,
            "total": self.yuan(total),
            "order_id": order.order_id,
        }

    async def arrives_at_exit(self, lane: Lane, plate: str) -> None:
        lane.car = plate
        order = self.open_order(plate)
        if order is None:
            return
        if self.due(order) == 0:
            await self.release(order, "cash")
        elif order.auto_pay:
            await self.pull(order)

    async def pull(self, order: Order) -> None:
        """3.2 wallet: only its state 1 opens at once; after 2 the result comes by 5.5."""
        due = self.due(order)
        data = self.exit_upload(order, "wallet", due)
        await self.at_pace()
        while (answer := await self.upload("updateorder", data)) is None:
            await asyncio.sleep(self.retry)
            await self.at_pace()
        if answer.get("state") == 1:
            self.booked["outpark", f"pull{order.order_id}"] = Booked("outpark", "", order.order_id, due, 1)
            lane = self.standing(order)
            if lane is not None and await self.lift(lane):
                order.state = "out"

    # 5.8 to 5.14

    def renewed(self, data: Data) -> Data:
        known = self.passes.get(str(data.get("card_id") or data.get("car_number")))
        paid = int(data.get("state", 1)) == 1
        trade = str(data.get("trade_no") or data.get("out_trade_no") or json.dumps(data, default=str, sort_keys=True))
        if self.book(data | {"trade_no": trade, "state": int(paid)}, data["amount"]) and paid and known:
            self.lengthen(known, data)
        return {"state": 1, "errmsg": "", "trade_no": data.get("trade_no", "")}

    def lengthen(self, known: Data, data: Data) -> None:
        if data.get("end_time"):
            known["end_time"] = str(data["end_time"])
        known["renewals"] = known.get("renewals", 0) + 1

    def recovered(self, data: Data) -> Data:
        self.book(data, data["total"])
        return {"state": 1, "errmsg": "", "trade_no": data["trade_no"], "order_id": data["order_id"]}

    def placed(self, data: Data) -> Data:
        self.book(data, data["amount"])
        return {"state": 1, "trade_no": data["trade_no"]}

    def change(self, data: Data) -> Data:
        trade, state = str(data["trade_no"]), int(data["state"])
        self.changes[trade] = max(state, self.changes.get(trade, 0))
        return {"state": 1, "trade_no": trade, "errmsg": ""}

    def sms(self, data: Data) -> Data:
        mobile = str(data["mobile_number"])
        if not re.fullmatch(r"1\d{10}", mobile):
            raise No("手机号码不对")
        code, times = self.codes.get(mobile, (f"{len(self.codes) * 7919 % 100000:06d}", 0))
        if times >= 5:
            raise No("操作频繁，请稍后再试")
        self.codes[mobile] = (code, times + 1)
        self.sent_codes[mobile] = code
        return {"state": 1, "errmsg": "发送成功", "verify_code": code}

    def reduced(self, data: Data) -> Data:
        kind = int(data["type"])
        if kind not in (1, 2, 3):
            raise No("不认识的减免类型")
        order = self.open_order(str(data["car_number"]))
        number = str(data.get("start_charge_seq") or data.get("trade_no") or "")
        if order is not None and number:
            order.reductions.setdefault(number, Decimal(str(data.get("reduce_amount") or 0)))
        return {"state": 1, "errmsg": ""}

    # Chapter 11

    async def command(self, data: Data) -> Data:
        number, lane = str(data["liftrod_id"]), self.lanes.get(str(data["channel_id"]))
        answer = {
            "liftrod_id": number,
            "channel_id": data["channel_id"],
            "operate": data["operate"],
            "data_target": "cloud",
        }
        if lane is None:
            raise No("车道不存在")
        if number in self.commands:
            return self.commands[number]
        if int(data["operate"]) == 1:
            if lane.car:
                raise No("杆下有车，不能落杆")
            lane.held = False
        elif not await self.lift(lane):
            raise No("道闸不在线")
        else:
            lane.held = data.get("duration") == "perpetual"
        self.commands[number] = answer | {"state": 1, "errmsg": ""}
        return self.commands[number]

    def check_pass(self, data: Data) -> Data:
        if str(data["car_number"]) not in {str(each.get("car_number")) for each in self.passes.values()}:
            raise No("该车不能办理月卡")
        return {"state": 1, "errmsg": ""}

    def set_spaces(self, data: Data) -> Data:
        total, free = int(data["total_space"]), int(data["free_space"])
        if not 0 <= free <= total:
            raise No("空位不对")
        self.spaces, self.free = total, free
        return {"state": 1, "errmsg": ""}

    def is_listed(self, car: str, kind: str) -> bool:
        row = self.lists.get((car, kind))
        end = (row or {}).get("end_time")
        return row is not None and (not end or str(end) > time.strftime("%Y-%m-%d %H:%M:%S"))

    def special(self, data: Data) -> Data:
        name = (str(data["car_number"]), str(data["car_type"]))
        if data["type"] == "add":
            self.lists[name] = data
        else:
            self.lists.pop(name, None)
        return {"state": 1, "errmsg": ""}

    def pass_changed(self, data: Data) -> Data:
        card = str(data.get("card_id") or data["car_number"])
        if data["type"] == "add":
            self.passes[card] = dict(data)
        elif card not in self.passes:
            raise No("没有这张月卡")
        elif data["type"] == "delete":
            del self.passes[card]
        else:
            self.passes[card].update(data)
        return {"state": 1, "errmsg": ""}

    def query(self, data: Data) -> Data:
        car = str(data["car_number"])
        if str(data["type"]) == "0":
            row = next((each for each in self.passes.values() if str(each.get("car_number")) == car), None)
        else:
            kinds = [kind for kind in ("white", "black") if self.is_listed(car, kind)]
            row = self.lists[car, kinds[0]] if kinds else None
        if row is None:
            raise No("没有这辆车")
        shown = ("car_number", "car_type", "card_id", "user_name", "start_time", "end_time")
        return {"state": 1, "errmsg": "", "data": {name: row[name] for name in shown if name in row}}

    def invoiced(self, data: Data) -> Data:
        self.invoices.setdefault(str(data["payid"]), data)
        return {"state": "1", "errmsg": ""}

    # The hook

    async def hooked(self, request: web.Request) -> web.Response:
        asked = await request.json()
        act = getattr(self, f"hook_{asked['act']}", None)
        if act is None:
            return web.json_response({"ok": False})
        value = act(**asked["args"])
        return web.json_response({"ok": True, "value": await value if isinstance(value, Awaitable) else value})

    def hook_car_on_loop(self, lane: str, plate: str = "car") -> None:
        self.lanes[lane].car, self.lanes[lane].busy = plate, False

    def hook_car_gone(self, lane: str) -> None:
        self.lanes[lane].car, self.lanes[lane].busy = "", False

    def hook_lane_state(self, lane: str, state: str) -> None:
        self.lanes[lane].attendant = state == "attendant"

    def hook_lift_count(self, lane: str) -> int:
        return self.lanes[lane].lifts

    def hook_barrier_offline(self, lane: str) -> None:
        self.lanes[lane].online = False

    def hook_barrier_online(self, lane: str) -> None:
        self.lanes[lane].online, self.lanes[lane].slow = True, False

    def hook_barrier_slow(self, lane: str, seconds: float) -> None:
        self.lanes[lane].slow = True

    async def hook_release(self, lane: str, driver: str) -> None:
        order = self.orders[self.lanes[lane].waiting]
        if await self.lift(self.lanes[lane]):
            self.let_in(order)

    def hook_refuse(self, lane: str, driver: str) -> None:
        self.orders[self.lanes[lane].waiting].state = "void"

    async def hook_restart(self, hard: bool = False) -> None:
        for task in list(self.background):
            task.cancel()
        for order in self.orders.values():
            if order.state == "waiting":
                order.state = "void"
        for answer in self.first_answers.values():
            if not answer.done():
                answer.set_result((200, self.no("系统重启，请重新扫码")))
        for lane in self.lanes.values():
            lane.attendant = False
        self.couriers.clear()
        for _, order, _ in list(self.owed):
            self.send_on(order)

    def hook_clock(self, seconds: int) -> None:
        self.clock += seconds

    async def hook_exit_car(self, lane: str, plate: str) -> None:
        self.spawn(self.arrives_at_exit(self.lanes[lane], plate))
        await asyncio.sleep(0)

    def hook_sms_last(self, mobile: str) -> str:
        return self.sent_codes.get(mobile, "")

    def hook_money_found(self, trade_no: str) -> int:
        return sum(1 for each in self.booked.values() if each.trade_no == trade_no)

    def hook_order(self, order_id: str) -> Data:
        order = self.orders[order_id]
        return {"state": order.state, "paid": self.yuan(self.paid(order)), "due": self.yuan(self.due(order))}

    async def hook_leave(self, lane: str, plate: str) -> None:
        """The driver pays cash at the booth and leaves."""
        order = self.open_order(plate)
        if order is not None:
            due = self.due(order)
            self.booked["outpark", f"cash{order.order_id}"] = Booked("outpark", "", order.order_id, due, 1)
            await self.release(order, "cash", due)

    def hook_change_state(self, trade_no: str) -> int:
        return self.changes[trade_no]

    def hook_lane_held(self, lane: str) -> bool:
        return self.lanes[lane].held

    def hook_invoices(self, payid: str) -> int:
        return int(payid in self.invoices)

    def hook_close(self, order_id: str, car_number: str) -> None:
        order = self.orders.get(order_id)
        if order is not None:
            order.state = "out"

    # From start to end

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve on a free port; yields the address, with /bolink for messages and /hook for the hook."""
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/bolink", self.serve)
        app.router.add_post("/bolink/{verb}", self.serve)
        app.router.add_post("/hook", self.hooked)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        self.client = aiohttp.ClientSession()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            for task in list(self.background):
                task.cancel()
            await asyncio.gather(*self.background, return_exceptions=True)
            await self.client.close()
            await runner.cleanup()
