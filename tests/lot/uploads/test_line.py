"""A lot that nothing can reach: its line to BoLink's side over a real socket, and through a line that is cut."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from hub.sides import KEY, LOT_ID, Side, running_side
from support.clock import PATIENCE, ManualClock
from support.servers.cutting import Cut, Relay, relay_to
from taigan.bolink import Addresses, Unreachable, open_envelope, seal, verify
from taigan.bolink.wire import polling
from taigan.hub.rules import Rules
from taigan.lot.uploads.line import Line
from taigan.network.transport import AiohttpTransport


class Lot:
    """Answers as a lot does that drops doubles; `heard` counts each payment, `taken` what it acted on."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self.taken: list[str] = []
        self.status = 200
        self.bodies: list[bytes] = []

    async def answer(self, body: bytes, service_name: str) -> tuple[int, bytes]:
        envelope = open_envelope(body, service_name)
        assert verify(envelope.text, envelope.sign, KEY)
        self.bodies.append(body)
        data = json.loads(envelope.text)
        number = data.get("trade_no") or data.get("car_number") or ""
        self.heard[number] += 1
        if number not in self.taken:
            self.taken.append(number)
        said = {"state": 1, "errmsg": "", "trade_no": number} if "trade_no" in data else {"state": 1, "errmsg": "请进"}
        if service_name == "nolicence_in_park":
            said |= {"car_number": number, "timetemp": data["timetemp"]}
        return self.status, json.dumps(said).encode()


def line_to(url: str, lot: Lot, clock: ManualClock, transport: Any) -> Line:
    return Line(
        LOT_ID,
        ["A1", "A2", "B1"],
        lambda: KEY,
        Addresses.at(url),
        transport,
        lot.answer,
        clock,
        Random(7),
        name="taigan1",
        timeout=5.0,
    )


@asynccontextmanager
async def running(line: Line) -> AsyncIterator[Line]:
    task = asyncio.create_task(line.run())
    try:
        yield line
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(clock: ManualClock, holds: Callable[[], Any], step: float = 0.5) -> None:
    """Let time pass until something holds."""
    never = asyncio.Event()
    async with asyncio.timeout(PATIENCE):
        while not (await result if asyncio.iscoroutine(result := holds()) else result):
            clock.advance(step)
            try:
                await asyncio.wait_for(never.wait(), 0.01)
            except TimeoutError:
                continue


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def side(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Side]:
    rules = Rules(
        resend_after=(10.0,) * 10_000, push_timeout=PATIENCE
    )  # the clock of these tests runs faster than the machine
    async with running_side(tmp_path, clock, "http://127.0.0.1:9/nobody", rules) as running:
        yield running


@pytest.fixture
async def relay(side: Side) -> AsyncIterator[Relay]:
    port = urlsplit(side.url).port
    assert port is not None
    async with relay_to(port) as between:
        yield between


async def logged_in(side: Side, times: int = 1) -> bool:
    seen = (await side.get("/admin/arrivals"))["items"]
    return sum(one["section"] == "login" and one["accepted"] for one in seen) >= times


async def test_a_scan_reaches_a_lot_without_an_address_and_its_answer_the_phone(side: Side, clock: ManualClock) -> None:
    lot = Lot()
    async with AiohttpTransport() as transport, running(line_to(side.url, lot, clock, transport)):
        await until(clock, lambda: logged_in(side))
        scan = await side.scan()
        assert (scan["shown"], scan["text"]) == ("success", "请进")
        assert lot.taken == [scan["car_number"]]


async def test_payments_come_through_wherever_a_message_is_cut(side: Side, relay: Relay, clock: ManualClock) -> None:
    """In the answer to a poll, in which a message comes; the lot acts on each payment once."""
    lot = Lot()
    async with AiohttpTransport() as transport, running(line_to(relay.url, lot, clock, transport)):
        await until(clock, lambda: logged_in(side))
        length = await _pay(side, relay, lot, clock, "whole", None)
        for at in range(0, length, 60):
            await _pay(side, relay, lot, clock, f"d{at}", Cut(b"download.do", answer=at))
        await _all_taken(side, clock, len(range(0, length, 60)) + 1)
    assert lot.taken == ["whole", *(f"d{at}" for at in range(0, length, 60))]


async def test_half_a_message_is_none_whatever_byte_it_ends_at(
    clock: ManualClock,
) -> None:
    """As a proxy in between may give it: without its length, so that only the text shows that it is not whole."""
    sealed = seal(b'{"service_name":"outpark","trade_no":"T1","out_channel_id":"B1"}', KEY)
    message = polling.hand(sealed, "outpark", "u1")
    lot, transport = Lot(), Wire()
    transport.say({"state": 1, "token": "a" * 32}, *(message[:at] for at in range(len(message))), message)
    async with running(line_to("http://hub", lot, clock, transport)):
        await until(clock, lambda: lot.heard["T1"], step=30)
    assert lot.heard == {"T1": 1}
    assert len(transport.sent) > len(message)


@pytest.mark.parametrize("marker", [b"upload.do", b"download.do"])
async def test_payments_come_through_wherever_a_request_or_the_answer_to_an_upload_is_cut(
    side: Side, relay: Relay, clock: ManualClock, marker: bytes
) -> None:
    lot = Lot()
    points = range(0, 400, 60)
    async with AiohttpTransport() as transport, running(line_to(relay.url, lot, clock, transport)):
        await until(clock, lambda: logged_in(side))
        for at in points:
            await _pay(side, relay, lot, clock, f"r{at}", Cut(marker, request=at))
            if marker == b"upload.do":
                await _pay(side, relay, lot, clock, f"a{at}", Cut(marker, answer=at))
        await _all_taken(side, clock, len(points) * (2 if marker == b"upload.do" else 1))
    assert len(lot.taken) == len(set(lot.taken)) == len(points) * (2 if marker == b"upload.do" else 1)


async def _pay(side: Side, relay: Relay, lot: Lot, clock: ManualClock, trade_no: str, cut: Cut | None) -> int:
    """Pay once, with the line cut; returns when the lot has the payment. The size of the answer it comes in."""
    relay.cut = cut
    body = {"lot_id": LOT_ID, "service_name": "outpark", "data": {"trade_no": trade_no, "out_channel_id": "B1"}}
    pushing = asyncio.create_task(side.admin("POST", "/admin/pushes", json=body))
    if cut is not None:
        await until(clock, cut.done.is_set, step=5)
        polls = relay.polls
        await until(clock, lambda: relay.polls > polls or lot.heard[trade_no], step=5)
    await until(clock, lambda: lot.heard[trade_no] and pushing.done(), step=5)
    status, pushed = pushing.result()
    assert status == 200
    relay.cut = None
    head = 140  # what stands before the message in the answer, a little more than it is
    return head + len(polling.hand(pushed["request"].encode(), "outpark", "x" * 16))


async def _all_taken(side: Side, clock: ManualClock, count: int) -> None:
    """Whatever was lost on the way, BoLink's side knows in the end that the lot has every payment."""

    async def taken() -> bool:
        owed = (await side.get("/admin/owed?limit=1000"))["items"]
        return len(owed) == count and all(one["state"] == "taken" for one in owed)

    await until(clock, taken, step=5)


@pytest.mark.parametrize("point", [("request", 40), ("request", 260), ("answer", 0), ("answer", 90), ("answer", 150)])
async def test_an_upload_whose_line_is_cut_says_so_and_can_be_sent_again(
    side: Side, relay: Relay, clock: ManualClock, point: tuple[str, int]
) -> None:
    text = b'{"order_id":"o1","car_number":"A","in_time":1777881600,"empty_plot":9}'
    lot = Lot()
    async with AiohttpTransport() as transport, running(line_to(relay.url, lot, clock, transport)) as line:
        await until(clock, lambda: relay.polls > 0)
        relay.cut = Cut(b"inpark", **{point[0]: point[1]})
        with pytest.raises(Unreachable):
            await line.upload("inpark", text)
        assert json.loads((await line.upload("inpark", text))[1])["state"] in (0, 1)
    [entry] = (await side.get("/admin/entries"))["items"]
    assert entry["order_id"] == "o1"


async def test_a_line_whose_token_is_over_logs_in_again_and_goes_on(tmp_path: Path, clock: ManualClock) -> None:
    lot, transport = Lot(), Wire()
    transport.say({"state": 1, "token": "a" * 32}, {"state": 0, "errmsg": "token失效，请重新登录"})
    transport.say({"state": 1, "token": "b" * 32})
    async with running(line_to("http://hub", lot, clock, transport)) as line:
        await until(clock, lambda: len(transport.sent) >= 4)
        assert [url.rpartition("/")[2] for url, _ in transport.sent[:4]] == [
            *("upload.do", "download.do", "upload.do", "download.do")
        ]
        assert json.loads(transport.sent[3][1])["token"] == "b" * 32
        transport.refuses = {"state": 0, "errmsg": "token失效，请重新登录"}
        with pytest.raises(Unreachable, match="token"):
            await line.upload("inpark", b"{}")


async def test_a_login_that_is_refused_is_tried_again_with_a_growing_pause(clock: ManualClock) -> None:
    transport = Wire()
    transport.say(*[{"state": 0, "errmsg": "签名错误"}] * 3)
    async with running(line_to("http://hub", Lot(), clock, transport)):
        await until(clock, lambda: len(transport.sent) >= 1, step=0)
        for pause in (0.5, 1.0, 2.0):
            sent = len(transport.sent)
            clock.advance(pause * 0.99)
            await asyncio.sleep(0)
            assert len(transport.sent) == sent
            clock.advance(pause * 0.3)
            await until(clock, lambda sent=sent: len(transport.sent) > sent, step=0)


@pytest.mark.parametrize(("base", "answered"), [("https://hub", True), ("http://hub", False)])
async def test_an_unsigned_message_is_taken_over_tls_alone(clock: ManualClock, base: str, answered: bool) -> None:
    lot, transport = Lot(), Wire()
    message = {"service_name": "outpark", "trade_no": "T1", "state": 1, "park_id": "21787"}
    transport.say({"state": 1, "token": "a" * 32}, message, {"state": 1})
    async with running(line_to(base, lot, clock, transport)):
        await until(clock, lambda: len(transport.sent) >= 3)
        if answered:
            await until(clock, lambda: lot.taken)
    assert lot.taken == (["T1"] if answered else [])


async def test_a_wrongly_signed_message_reaches_the_lot_as_it_came_so_that_it_is_refused(clock: ManualClock) -> None:
    transport = Wire()
    seen: list[bytes] = []

    async def answer(body: bytes, service_name: str) -> tuple[int, bytes]:
        seen.append(body)
        return 401, b'{"state":0,"errmsg":"no"}'

    lot = Lot()
    lot.answer = answer  # type: ignore[method-assign]
    body = json.loads(polling.hand(seal(b'{"service_name":"outpark","trade_no":"T1"}', "another-key"), "outpark", "u"))
    transport.say({"state": 1, "token": "a" * 32}, body)
    async with running(line_to("https://hub", lot, clock, transport)):
        await until(clock, lambda: any(b"data_target" in sent for _, sent in transport.sent))
    envelope = open_envelope(seen[0])
    assert verify(envelope.text, envelope.sign, KEY) is None
    [answer_up] = [json.loads(sent) for _, sent in transport.sent if b"data_target" in sent]
    assert (answer_up["data"]["state"], answer_up["data"]["message_uuid"]) == (0, "u")


async def test_what_the_lot_could_not_keep_is_not_answered(clock: ManualClock) -> None:
    lot, transport = Lot(), Wire()
    lot.status = 503
    body = json.loads(polling.hand(seal(b'{"service_name":"outpark","trade_no":"T1"}', KEY), "outpark", "u"))
    transport.say({"state": 1, "token": "a" * 32}, body, {"state": 1})
    async with running(line_to("http://hub", lot, clock, transport)):
        await until(clock, lambda: lot.heard["T1"])
        await until(clock, lambda: len(transport.sent) >= 4)
    assert not any(b"data_target" in sent for _, sent in transport.sent)


class Wire:
    """A transport that answers in turn, then that there is no message, after a moment."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.refuses: dict[str, Any] | None = None
        self._answers: list[dict[str, Any] | bytes] = []

    def say(self, *answers: dict[str, Any] | bytes) -> None:
        self._answers.extend(answers)

    async def post(self, url: str, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        self.sent.append((url, body))
        await asyncio.sleep(0)
        if b"inpark" in body and self.refuses is not None:
            return 200, json.dumps(self.refuses).encode()
        if self._answers:
            answer = self._answers.pop(0)
            return 200, answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        await asyncio.Event().wait() if url.endswith("download.do") and len(self.sent) > 9 else None
        return 200, b'{"state":1}'
