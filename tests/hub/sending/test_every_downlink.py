"""Every downlink, from the hub over HTTP to the lot platform's callback: what is read there is what was sent."""

from __future__ import annotations

import html
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.browsing import Phone
from hub.sides import KEY, LOT_ID, PARK_ID, TOKEN, UNION_ID, FakeLot, Side, running_side, saying, serving_lot
from support.clock import PATIENCE, ManualClock
from support.databases.states import emptied
from support.messages import messages
from taigan.bolink import (
    CATALOGUE,
    AnyInterface,
    BadMessage,
    Direction,
    Signature,
    Wrapping,
    by_section,
    example_of,
    open_envelope,
    open_flat,
    verify,
)
from taigan.clock import SystemClock
from taigan.hub.admin.drafts import DOWNLINKS
from taigan.hub.rules import Rules
from taigan.lot.messages.keyring import Keyring
from taigan.lot.messages.router import Answered, Callback, Callbacks
from taigan.lot.policy import Policy
from taigan.lot.setup import LotSetup, VendorSetup, seed
from taigan.lot.signals.metrics import Metrics
from taigan.storage.database import Database, open_database

WAITS = Rules().resend_after


@dataclass
class OpenLot:
    """A lot platform's own callback, with handlers that only remember what they were given."""

    url: str = ""
    heard: dict[str, Any] = field(default_factory=dict)
    flat: list[bytes] = field(default_factory=list)

    def handler(self, interface: AnyInterface) -> Callable[[Callback], Awaitable[Answered]]:
        async def hear(callback: Callback) -> Answered:
            self.heard[interface.event] = interface.read_request(callback.text)
            return Answered(200, b'{"state":1}', service_name=interface.event, state=1)

        return hear


@pytest.fixture(scope="module")
async def open_lot(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpenLot]:
    lot, clock = OpenLot(), SystemClock()
    database: Database = await open_database(f"sqlite:///{tmp_path_factory.mktemp('lot') / 'lot.sqlite3'}")
    await emptied(database)
    setup = LotSetup(union_id=UNION_ID, park_id=PARK_ID)
    await database.write(lambda conn: seed(conn, [VendorSetup(union_id=UNION_ID, key=KEY)], [setup], clock.now()))
    keyring = Keyring(database, clock, 0)
    await keyring.refresh()
    handlers = {one.event: lot.handler(one) for one in DOWNLINKS if one.wrapping is not Wrapping.FLAT}
    callbacks = Callbacks(keyring, handlers, Policy(), clock, Metrics())

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        event = request.match_info.get("event", "")
        if event and by_section("6.4").event == event:
            lot.flat.append(body)
        answered = await callbacks.answer(body, event)
        return web.Response(status=answered.status, body=answered.body, content_type=answered.content_type)

    app = web.Application()
    app.router.add_post("/bolink", answer)
    app.router.add_post("/bolink/{event}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    lot.url = f"http://127.0.0.1:{runner.addresses[0][1]}/bolink"
    yield lot
    await runner.cleanup()
    await database.close()


@pytest.fixture(scope="module")
async def open_side(tmp_path_factory: pytest.TempPathFactory, open_lot: OpenLot) -> AsyncIterator[Side]:
    async with running_side(tmp_path_factory.mktemp("hub"), ManualClock(), open_lot.url) as side:
        yield side


async def push(side: Side, service_name: str, data: Any = None, **more: Any) -> Any:
    asked = {"lot_id": LOT_ID, "service_name": service_name} | ({} if data is None else {"data": data}) | more
    status, answer = await side.admin("POST", "/admin/pushes", json=asked)
    assert status == 200, answer
    return answer


@pytest.mark.parametrize("interface", DOWNLINKS, ids=lambda one: one.section)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.data())
async def test_what_the_lot_reads_is_what_was_sent_with_every_field_filled(
    open_side: Side, open_lot: OpenLot, interface: AnyInterface, drawn: st.DataObject
) -> None:
    try:
        message = json.loads(interface.write(drawn.draw(messages(interface.request))), parse_float=str)
    except BadMessage:
        return
    own = {"park_id": PARK_ID, "comid": PARK_ID, "union_id": int(UNION_ID)}
    for item in message if isinstance(message, list) else [message]:
        item |= {name: value for name, value in own.items() if name in item}
    sent = await push(open_side, interface.event, message)
    wanted = interface.read_request(json.dumps(message).encode())
    if interface.wrapping is Wrapping.FLAT:
        assert interface.read_request(open_lot.flat[-1]) == wanted
        return
    assert (sent["outcome"], sent["status"]) == ("answered", 200), sent
    assert open_lot.heard.pop(interface.event) == wanted


@pytest.mark.parametrize("interface", DOWNLINKS, ids=lambda one: one.section)
async def test_without_a_word_the_documented_example_goes_to_the_lot_with_its_own_numbers_and_time(
    open_side: Side, interface: AnyInterface
) -> None:
    sent = await push(open_side, interface.section)
    if interface.wrapping is Wrapping.FLAT:
        envelope = open_flat(sent["request"].encode())
    else:
        envelope = open_envelope(sent["request"].encode())
        assert verify(envelope.text, envelope.sign, KEY) is Signature.RAW
    data = json.loads(envelope.text)
    item = data[0] if isinstance(data, list) else data
    own = {"park_id": PARK_ID, "comid": PARK_ID, "union_id": int(UNION_ID)}
    assert {name: item[name] for name in own if name in item}.items() <= own.items()
    now = int(open_side.clock.now().timestamp())
    assert all(item[name] == now for name in ("timetemp", "pay_time", "refund_time") if name in item)
    assert set(item) == set(json.loads(interface.write(example_of(interface.request)).strip(b"[]")))


@pytest.mark.parametrize(
    ("asked", "status", "field"),
    [
        ({"service_name": "no_such_thing"}, 404, "service_name"),
        ({"service_name": "3.1"}, 404, "service_name"),
        ({"service_name": "addorder"}, 404, "service_name"),
        ({"service_name": "outpark", "lot_id": "200002-nowhere"}, 404, "lot_id"),
        ({"service_name": "outpark", "data": {"no_such_field": 1}}, 400, "data.no_such_field"),
        ({"service_name": "outpark", "data": {"total": "much"}}, 400, "data.total"),
        ({"service_name": "outpark", "data": {"trade_no": None}}, 400, "data.trade_no"),
        ({"service_name": "outpark", "data": [1]}, 400, "data"),
        ({"service_name": "outpark", "data": {"errmsg": "\x00"}}, 400, "data.errmsg"),
        ({"service_name": "people_data", "data": [{"userName": "张三"}]}, 400, "data.[0].projectId"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_a_message_that_cannot_be_sent_names_the_field(
    open_side: Side, asked: dict[str, Any], status: int, field: str
) -> None:
    answered, answer = await open_side.admin("POST", "/admin/pushes", json={"lot_id": LOT_ID} | asked)
    assert (answered, answer["error"]["field"]) == (status, field), answer


async def test_a_field_that_is_null_is_left_out(side: Side, lot: FakeLot) -> None:
    await push(side, "special_plate", {"remark": None, "start_time": None, "car_number": "沪B00001"})
    [message] = lot.pushes("special_plate")
    assert message["car_number"] == "沪B00001"
    assert {"remark", "start_time"} & set(message) == set()


async def test_5_4_brings_the_picture_byte_for_byte(side: Side, lot: FakeLot) -> None:
    picture = b"\xff\xd8\xff\xe0\x00\xff a car"

    async def show(_: dict[str, Any]) -> web.StreamResponse:
        return web.Response(body=picture, content_type="image/jpeg")

    lot.answer = show
    sent = await push(side, "get_inpark_image", {"orderid": "o1", "type": "in"})
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with side.http.get(f"{side.url}/admin/pushes/{sent['id']}/answer", headers=headers) as answer:
        assert (answer.headers["Content-Type"], await answer.read()) == ("image/jpeg", picture)


async def test_drafts_show_every_message_that_can_be_sent(quiet_side: Side) -> None:
    drafts = (await quiet_side.get(f"/admin/drafts?lot_id={LOT_ID}"))["items"]
    assert [draft["section"] for draft in drafts] == [
        one.section for one in CATALOGUE if one.direction is Direction.DOWNLINK
    ]
    assert all(draft["data"] for draft in drafts)


async def test_the_admins_page_sends_a_message_from_its_form(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(1, car_number="")
    admin = Phone(side)
    await admin.post("/admin/login", {"admin_token": TOKEN})
    _, page = await admin.get(f"/admin/bench/compose?lot_id={LOT_ID}&service_name=space_notify")
    assert "total_space" in page
    form = {"token": admin.fields(page)["token"], "lot_id": LOT_ID, "service_name": "space_notify"}
    status, page = await admin.post("/admin/pushes/form", form | {"data": '{"free_space": 7}'})
    assert status == 200
    assert "500 Internal Server Error" in page, "the answer stands where it was sent"
    assert [message["free_space"] for message in lot.pushes("space_notify")] == [7]
    for data in ("{", '{"free_space": "many"}', '{"no_such_field": 1}'):
        status, page = await admin.post("/admin/pushes/form", form | {"data": data})
        assert (status, "没有发出去" in page, data in html.unescape(page)) == (400, True, True)
    assert (await admin.post("/admin/pushes/form", {"data": "{}"}))[0] == 403


# Resending


def heard(lot: FakeLot) -> list[dict[str, Any]]:
    return lot.pushes("outpark")


async def owed(side: Side) -> Any:
    [item] = (await side.get("/admin/owed"))["items"]
    return item


async def attempted(side: Side, times: int) -> None:
    """Return when the lot has been tried that often and its answer is written down."""
    while True:
        items = (await side.get("/admin/pushes"))["items"]
        if len(items) >= times and all(item["outcome"] != "sent" for item in items):
            return


@pytest.fixture
def deaf_lot(lot: FakeLot) -> FakeLot:
    """Answers everything with HTTP 503: it could not keep it."""

    async def unavailable(message: dict[str, Any]) -> web.Response:
        return web.Response(status=503)

    lot.answer = unavailable
    return lot


async def test_a_payment_message_comes_again_after_each_wait_until_a_person_is_needed(
    side: Side, deaf_lot: FakeLot, clock: ManualClock
) -> None:
    assert WAITS == (10, 20, 30, 40, 50, 80, 120, 160, 200, 300)
    await push(side, "outpark", {"trade_no": "t1"})
    for number, wait in enumerate(WAITS):
        await attempted(side, number + 1)
        assert ((await owed(side))["attempts"], (await owed(side))["state"]) == (number + 1, "pending")
        await clock.waited_for(wait)
        clock.advance(wait)
    await attempted(side, 11)
    assert ((await owed(side))["attempts"], (await owed(side))["state"]) == (11, "needs_person")
    assert len(heard(deaf_lot)) == 11
    assert {message["trade_no"] for message in heard(deaf_lot)} == {"t1"}
    assert len(set(deaf_lot.bodies)) == 1
    clock.advance(100_000)
    await attempted(side, 11)
    assert len(heard(deaf_lot)) == 11


async def test_a_payment_message_that_was_taken_does_not_come_again(
    side: Side, deaf_lot: FakeLot, clock: ManualClock
) -> None:
    await push(side, "outpark")
    await clock.waited_for(10)
    deaf_lot.answer = saying(1, "成功", car_number="")
    clock.advance(10)
    await attempted(side, 2)
    assert ((await owed(side))["state"], (await owed(side))["next_at"]) == ("taken", None)
    clock.advance(100_000)
    await attempted(side, 2)
    assert len(heard(deaf_lot)) == 2


async def test_what_is_owed_goes_on_after_a_restart(tmp_path: Path, clock: ManualClock, deaf_lot: FakeLot) -> None:
    async with running_side(tmp_path, clock, deaf_lot.url) as before:
        await push(before, "outpark", {"trade_no": "t1"})
        await clock.waited_for(10)
    clock.advance(3600)
    async with running_side(tmp_path, clock, deaf_lot.url) as after:
        await attempted(after, 2)
        await clock.waited_for(20)
    assert [message["trade_no"] for message in heard(deaf_lot)] == ["t1", "t1"]


async def test_a_last_attempt_that_a_restart_cut_off_needs_a_person(
    tmp_path: Path, clock: ManualClock, deaf_lot: FakeLot
) -> None:
    async with running_side(tmp_path, clock, deaf_lot.url, Rules(resend_after=(), push_timeout=PATIENCE)) as before:
        await push(before, "outpark")
        assert (await owed(before))["state"] == "needs_person"


async def test_messages_that_are_no_payment_are_never_sent_again(
    side: Side, deaf_lot: FakeLot, clock: ManualClock
) -> None:
    for name in ("nolicence_in_park", "verify_code", "notice_car_owner", "operate_liftrod"):
        await push(side, name)
    assert (await side.get("/admin/owed"))["items"] == []
    clock.advance(100_000)
    await attempted(side, 4)
    assert len(deaf_lot.bodies) == 4


async def test_a_lot_that_is_not_reached_gets_its_payment_messages_later(tmp_path: Path, clock: ManualClock) -> None:
    async with serving_lot(FakeLot()) as lot:
        lot.answer = saying(1, car_number="")
        url = lot.url
        async with running_side(tmp_path, clock, "http://127.0.0.1:9/bolink") as side:
            sent = await push(side, "refund", {"trade_no": "t1"})
            assert sent["outcome"] == "unreachable"
        async with running_side(tmp_path, clock, url) as side:
            await clock.waited_for(10)
            clock.advance(10)
            await attempted(side, 2)
            assert (await owed(side))["state"] == "taken"
    assert [message["trade_no"] for message in lot.pushes("refund")] == ["t1"]


async def test_random_faults_strike_the_same_messages_with_the_same_seed(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(1, car_number="")
    runs = []
    for number in (7, 7, 8):
        fault = {"kind": "answer_lost", "times": None, "chance": 0.5}
        status, _ = await side.admin("PUT", "/admin/faults", json={"faults": [fault], "seed": number})
        assert status == 200
        runs.append([(await push(side, "space_notify"))["fault"] for _ in range(12)])
    assert runs[0] == runs[1] != runs[2]
    assert {"", "answer_lost"} == set(runs[0])
