"""Lots without a public address at BoLink's side: they log in, fetch, and upload what they answer."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub.sides import KEY, LOT_ID, PARK_ID, UNION_ID, FakeLot, Side, running_side
from support.clock import PATIENCE, ManualClock
from taigan.bolink import open_envelope, verify
from taigan.bolink.wire import polling

UPLOAD, DOWNLOAD = polling.UPLOAD_PATH, polling.DOWNLOAD_PATH


class Client:
    """A lot's program as public clients are written: one poll after the other, uploads between."""

    def __init__(self, side: Side, local_id: str = "aaa001_channels_A1_A2") -> None:
        self.side = side
        self.local_id = local_id
        self.token = ""

    async def upload(self, service_name: str, key: str = KEY, **data: Any) -> dict[str, Any]:
        text = json.dumps(data, ensure_ascii=False).encode()
        status, said = await self.side.post(UPLOAD, polling.upload_body(service_name, text, key, self.token))
        assert status == 200
        return dict(said)

    async def log_in(self, **changed: Any) -> dict[str, Any]:
        data = {"union_id": UNION_ID, "park_id": PARK_ID, "local_id": self.local_id} | changed
        said = await self.upload("login", **data)
        self.token = said.get("token", "")
        return said

    async def poll(self) -> dict[str, Any]:
        status, said = await self.side.post(DOWNLOAD, json.dumps({"token": self.token}).encode())
        assert status == 200
        return dict(said)

    async def answers(self, message: dict[str, Any], **said: Any) -> dict[str, Any]:
        return await self.upload(message["service_name"], data_target="bolink", **said)


@pytest.fixture
async def client(side: Side) -> Client:
    client = Client(side)
    assert (await client.log_in())["state"] == 1
    return client


@asynccontextmanager
async def pushing(side: Side, service_name: str, **asked: Any) -> AsyncIterator[asyncio.Task[Any]]:
    body = {"lot_id": LOT_ID, "service_name": service_name, **asked}
    task = asyncio.create_task(side.admin("POST", "/admin/pushes", json=body))
    try:
        yield task
    finally:
        task.cancel()


async def test_a_login_is_answered_with_a_token_that_no_page_shows(side: Side) -> None:
    client = Client(side)
    said = await client.log_in()
    assert (said["state"], said["service_name"], len(said["token"])) == (1, "login", 32)
    await client.upload("nosuch")
    seen = await side.get("/admin/arrivals")
    assert [one["section"] for one in seen["items"]] == ["nosuch", "login"]
    assert client.token not in json.dumps(seen)


@pytest.mark.parametrize(
    ("changed", "key", "text"),
    [
        ({}, "another-key", "签名错误"),
        ({"union_id": "7"}, KEY, "union_id 不存在"),
        ({"park_id": "7"}, KEY, "车场不存在"),
        ({"park_id": None}, KEY, "union_id、park_id 或 local_id 缺失或错误"),
    ],
)
async def test_a_login_that_is_refused_says_why(side: Side, changed: dict[str, Any], key: str, text: str) -> None:
    data = {"union_id": UNION_ID, "park_id": PARK_ID, "local_id": "a"} | changed
    said = await Client(side).upload("login", key, **data)
    assert (said["state"], said["errmsg"], "token" in said) == (0, text, False)


async def test_a_scan_is_fetched_answered_and_shown(side: Side, client: Client, lot: FakeLot) -> None:
    scanning = asyncio.create_task(side.scan())
    message = await client.poll()
    assert message["service_name"] == "nolicence_in_park"
    envelope = open_envelope(json.dumps(message, ensure_ascii=False).encode())
    assert verify(envelope.text, message["sign"], KEY)
    driver = message["data"]["car_number"]
    assert (await client.answers(message, state=1, errmsg="请进", car_number=driver, timetemp=1777881600))["state"] == 1
    scan = await scanning
    assert (scan["shown"], scan["text"]) == ("success", "请进")
    assert lot.heard == []
    [push] = (await side.get("/admin/pushes"))["items"]
    assert (push["url"], push["outcome"], push["notes"]) == (DOWNLOAD, "answered", [])
    assert json.loads(push["answer"]) == {"state": 1, "errmsg": "请进", "car_number": driver, "timetemp": 1777881600}


async def test_a_poll_is_held_for_30_seconds_and_then_told_that_there_is_nothing(
    side: Side, clock: ManualClock, client: Client
) -> None:
    polling_now = asyncio.create_task(client.poll())
    await clock.waited_for(30)
    clock.advance(30)
    said = await polling_now
    assert said == {"state": 1, "errmsg": "暂无下行消息"}


async def test_a_second_poll_ends_the_first(side: Side, clock: ManualClock, client: Client) -> None:
    first = asyncio.create_task(client.poll())
    await clock.waited_for(30)
    second = asyncio.create_task(client.poll())
    assert "service_name" not in await first
    async with pushing(side, "5.1") as pushed:
        message = await second
        await client.answers(message, state=0, errmsg="no", query_order_no=message["data"]["query_order_no"])
        assert (await pushed)[1]["outcome"] == "answered"


async def test_messages_for_a_lane_go_to_the_connection_that_names_it(side: Side) -> None:
    east, west = Client(side, "east_channels_A1"), Client(side, "west_channels_A2")
    await east.log_in()
    await west.log_in()
    polls = {asyncio.create_task(one.poll()): one for one in (east, west)}
    async with pushing(side, "5.7", data={"channel_id": "A2"}):
        done, waiting = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
        [fetched] = done
        assert polls[fetched] is west
        assert fetched.result()["data"]["channel_id"] == "A2"
        for task in waiting:
            task.cancel()


async def test_a_lane_that_no_connection_names_and_a_lot_that_is_gone_are_not_reached(
    side: Side, clock: ManualClock
) -> None:
    client = Client(side, "west_channels_A2")
    await client.log_in()
    assert (await side.scan(channel_id="A1"))["text"] == "车场网络异常，请稍后重试。"
    clock.advance(60)
    assert (await side.scan(channel_id="A2"))["text"] == "车场网络异常，请稍后重试。"
    pushes = (await side.get("/admin/pushes"))["items"]
    assert [push["outcome"] for push in pushes] == ["unreachable", "unreachable"]


async def test_an_order_goes_up_by_the_line_without_the_ids_that_the_token_stands_for(
    side: Side, client: Client
) -> None:
    entry = {"order_id": "o1", "car_number": "京A12345", "in_time": 1777881600, "empty_plot": 9, "park_id": PARK_ID}
    said = await client.upload("inpark", **entry)
    assert (said["state"], said["order_id"]) == (1, "o1")
    [kept] = (await side.get("/admin/entries"))["items"]
    assert (kept["order_id"], kept["data"]["union_id"], kept["signature"]) == ("o1", int(UNION_ID), "raw")
    assert (await client.upload("inpark", **entry))["errmsg"] == "订单已存在"
    left = {"order_id": "o1", "car_number": "京A12345", "out_time": 1777885200, "pay_type": "cash", "total": "5.00"}
    assert (await client.upload("outpark", **left, empty_plot=10))["state"] == 1
    arrivals = (await side.get("/admin/arrivals"))["items"]
    assert [one["section"] for one in arrivals] == ["3.2", "3.1", "3.1", "login"]
    assert client.token not in json.dumps(arrivals)


async def test_a_wrong_signature_of_an_order_is_explained(side: Side, client: Client) -> None:
    text = b'{"order_id": "o1", "car_number": "A", "in_time": 1, "empty_plot": 9}'
    body = {
        "service_name": "inpark",
        "token": client.token,
        "sign": hashlib.md5(text + b"&key=" + KEY.encode()).hexdigest().upper(),
    }
    _, said = await side.post(UPLOAD, json.dumps(body)[:-1].encode() + b',"data":' + text + b"}")
    assert said["errmsg"].startswith("签名错误：")


async def test_a_token_that_is_not_known_is_told_so_after_a_second(side: Side, clock: ManualClock) -> None:
    client = Client(side)
    client.token = "0" * 32
    for asking in (client.poll(), client.upload("inpark", order_id="o1")):
        task = asyncio.create_task(asking)
        await clock.waited_for(1)
        clock.advance(1)
        said = await task
        assert (said["state"], said["errmsg"]) == (0, "token失效，请重新登录")


async def test_whoever_logs_in_again_gets_what_waited(side: Side, clock: ManualClock, client: Client) -> None:
    async with pushing(side, "outpark", data={"out_channel_id": "A1"}) as pushed:
        await clock.waited_for(PATIENCE)
        again = Client(side, client.local_id)
        await again.log_in()
        message = await again.poll()
        assert message["service_name"] == "outpark"
        await again.answers(message, state=1, trade_no=message["data"]["trade_no"], errmsg="")
        assert (await pushed)[1]["outcome"] == "answered"


async def test_answers_find_their_messages_by_their_numbers(side: Side, client: Client) -> None:
    async with (
        pushing(side, "outpark", data={"trade_no": "T1", "out_channel_id": "A1"}) as one,
        pushing(side, "outpark", data={"trade_no": "T2", "out_channel_id": "A1"}) as two,
    ):
        messages = {message["data"]["trade_no"]: message for message in (await client.poll(), await client.poll())}
        await client.answers(messages["T2"], state=1, trade_no="T2", errmsg="two")
        await client.answers(messages["T1"], state=1, trade_no="T1", errmsg="one")
        answers = [json.loads((await task)[1]["answer"])["errmsg"] for task in (one, two)]
    assert answers == ["one", "two"]


async def test_an_answer_that_nobody_waits_for_is_taken_and_said_to_be_late(
    side: Side, clock: ManualClock, client: Client
) -> None:
    async with pushing(side, "5.1") as pushed:
        message = await client.poll()
        await clock.waited_for(PATIENCE)
        clock.advance(PATIENCE)
        assert (await pushed)[1]["outcome"] == "timed_out"
    said = await client.answers(message, state=1, query_order_no=message["data"]["query_order_no"])
    assert (said["state"], said["errmsg"]) == (1, "没有等待这个应答的消息（超时或已应答）")


async def test_an_answer_with_a_wrong_signature_is_not_taken(side: Side, client: Client) -> None:
    async with pushing(side, "5.1") as pushed:
        message = await client.poll()
        said = await client.upload("query_price", "another-key", state=1, data_target="bolink")
        assert (said["state"], said["errmsg"]) == (0, "签名错误")
        await client.answers(message, state=0, errmsg="no", query_order_no=message["data"]["query_order_no"])
        assert json.loads((await pushed)[1]["answer"])["state"] == 0


async def test_a_payment_that_was_not_answered_comes_again(side: Side, clock: ManualClock, client: Client) -> None:
    async with pushing(side, "outpark", data={"trade_no": "T1", "out_channel_id": "A1"}) as pushed:
        first = await client.poll()
        await clock.waited_for(PATIENCE)
        clock.advance(PATIENCE)
        await pushed
    again: dict[str, Any] = {}
    while "data" not in again:  # what is due is looked for before, while or after somebody polls
        polling_now = asyncio.create_task(client.poll())
        while not polling_now.done():
            await side.get("/admin/owed")
            clock.advance(1)
        again = await polling_now
    assert (again["data"], again["sign"]) == (first["data"], first["sign"])
    await client.answers(again, state=1, trade_no="T1", errmsg="")
    [owed] = (await side.get("/admin/owed"))["items"]
    async with asyncio.timeout(PATIENCE):
        while owed["state"] != "taken":
            [owed] = (await side.get("/admin/owed"))["items"]
    assert owed["attempts"] >= 2


@pytest.mark.parametrize("path", [UPLOAD, DOWNLOAD])
@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"token":1}', b'{"service_name":"x","data":7}', b"[" * 9999])
async def test_what_is_no_message_is_refused_in_the_form_of_an_answer(quiet_side: Side, path: str, body: bytes) -> None:
    status, said = await quiet_side.post(path, body)
    assert (status, said["state"]) == (400, 0)


async def test_only_post_is_taken_and_nothing_packed(quiet_side: Side) -> None:
    async with quiet_side.http.get(quiet_side.url + UPLOAD) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    status, said = await quiet_side.post(UPLOAD, b"{}", **{"Content-Encoding": "gzip"})
    assert (status, said["state"]) == (415, 0)


async def test_a_lot_ends_with_a_poll_open(tmp_path: Path, clock: ManualClock, lot: FakeLot) -> None:
    async with running_side(tmp_path, clock, lot.url) as side:
        client = Client(side)
        await client.log_in()
        polling_now = asyncio.create_task(client.poll())
        await clock.waited_for(30)
        side.stop.set()
        assert "service_name" not in await polling_now
