"""What lots send: accepted, or rejected with a text; never a 500."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.sides import KEY, LOT_ID, PARK_ID, TOKEN, UNION_ID, FakeLot, Side, running_side
from support.clock import PATIENCE, ManualClock
from taigan.bolink import CATALOGUE, Addresses, BolinkClient, Direction, Entry, EntryTaken, GetQrCode, Refused, seal
from taigan.network.transport import AiohttpTransport
from taigan.strangers import ONE_MORE_AFTER

ENTRY = "/unionapi/neworder/addorder"
GOOD = {
    "car_number": "京ONLYOU",
    "in_time": 1484369702,
    "order_id": "109010",
    "empty_plot": 20,
    "park_id": PARK_ID,
    "union_id": int(UNION_ID),
}


def body(data: object, key: str = KEY) -> bytes:
    return seal(json.dumps(data, ensure_ascii=False).encode(), key)


async def test_our_own_client_is_understood(side: Side) -> None:
    async with AiohttpTransport() as transport:
        client = BolinkClient(int(UNION_ID), KEY, Addresses.at(side.url), transport, timeout=PATIENCE)
        taken = await client.entry(Entry(**GOOD))
        assert isinstance(taken, EntryTaken)
        code = await client.get_qr_code(GetQrCode(union_id=int(UNION_ID), park_id=PARK_ID, type=3, channel_id="A1"))
        assert code.code_url is not None
        assert code.code_url.startswith(side.url)
        with pytest.raises(Refused, match="车场不存在"):
            await client.entry(Entry(**GOOD | {"park_id": "none"}))


@pytest.mark.parametrize(
    ("sent", "status", "text"),
    [
        (b"", 400, "body"),
        (b"{", 400, "body"),
        (b"[1]", 400, "body"),
        (b"[" * 65536, 400, "body"),
        ('{"data":{"name":"停车场"}}'.encode("gbk"), 400, "body"),
        (b'{"data":{}}', 400, "sign"),
        (b'{"sign":"x"}', 400, "data"),
        (b'{"union_id":1,"sign":"x","data":{"union_id":2,"park_id":"1"}}', 400, "union_id"),
        (body(GOOD | {"union_id": 999}), 200, "union_id 不存在"),
        (body({"park_id": "1"}), 200, "union_id 缺失"),
        (body(GOOD, key="another"), 200, "签名错误"),
        (body(GOOD | {"park_id": "none"}), 200, "车场不存在"),
        (body({name: value for name, value in GOOD.items() if name != "car_number"}), 200, "car_number 缺失或错误"),
        (body(GOOD | {"in_time": "soon"}), 200, "in_time 缺失或错误"),
        (body(GOOD | {"in_time": 10**17}), 200, "in_time 缺失或错误"),
        (body(GOOD | {"in_time": 10**30}), 200, "in_time 缺失或错误"),
        (body(GOOD | {"car_number": "a\0b"}), 200, "car_number 缺失或错误"),
        (body(GOOD | {"order_id": " "}), 200, "order_id 和 car_number 不能为空"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_each_rejection_has_a_text(quiet_side: Side, sent: bytes, status: int, text: str) -> None:
    answered, answer = await quiet_side.post(ENTRY, sent)
    assert (answered, answer["state"]) == (status, 0)
    assert text in answer["errmsg"]
    assert (await quiet_side.get("/admin/entries"))["items"] == []


async def test_a_body_that_is_too_large_is_refused(quiet_side: Side) -> None:
    large = io.BytesIO(b" " * (1024 * 1024 + 1))
    async with quiet_side.http.post(quiet_side.url + ENTRY, data=large) as answer:
        assert (answer.status, (await answer.json())["state"]) == (413, 0)


async def test_other_methods_are_refused(quiet_side: Side) -> None:
    async with quiet_side.http.get(quiet_side.url + ENTRY) as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("asked", "text"),
    [({"type": 9}, "二维码类型错误"), ({"type": 3}, "channel_id"), ({"type": 3, "channel_id": "x" * 17}, "channel_id")],
)
async def test_a_code_that_cannot_be_has_a_text(quiet_side: Side, asked: dict[str, object], text: str) -> None:
    status, answer = await quiet_side.upload("/unionapi/getqrcodecloud", **asked)
    assert (status, answer["state"]) == (200, 0)
    assert text in answer["errmsg"]


async def test_every_uplink_of_the_catalogue_has_its_address(quiet_side: Side) -> None:
    for interface in CATALOGUE:
        if interface.direction is Direction.UPLINK and interface.path:
            quiet_side.clock.advance(ONE_MORE_AFTER)
            status, answer = await quiet_side.post(interface.path, b"nothing")
            assert (status, answer["state"]) == (400, 0), interface.section


async def test_whatever_is_sent_there_is_an_answer(side: Side) -> None:
    for sent in _anything():
        for path in (ENTRY, "/unionapi/newpark/setUp", "/unionapi/getqrcodecloud"):
            side.clock.advance(ONE_MORE_AFTER)
            status, answer = await side.post(path, sent)
            assert status in (200, 400, 413)
            assert answer["state"] in (0, 1)


def _anything() -> list[bytes]:
    """A few hundred bodies: noise, JSON of any shape, signed data of any shape."""
    json_like = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "type", "x"]), inner),
        max_leaves=8,
    )
    signed = st.fixed_dictionaries({}, optional={name: json_like for name in GOOD}).map(lambda data: body(GOOD | data))
    found: list[bytes] = []

    @settings(max_examples=40)
    @given(st.one_of(st.binary(max_size=64), json_like.map(lambda value: json.dumps(value).encode()), signed))
    def collect(sent: bytes) -> None:
        found.append(sent)

    collect()
    return found


async def test_a_changed_key_signs_at_once_and_the_old_one_is_accepted_for_a_day(
    side: Side, lot: FakeLot, clock: ManualClock
) -> None:
    status, _ = await side.admin("POST", f"/admin/vendors/{UNION_ID}/keys", json={"key": "the-new-key"})
    assert status == 204
    await side.scan()
    data = lot.bodies[0].partition(b'"data":')[2][:-1]
    assert lot.bodies[0] == seal(data, "the-new-key")
    for key in (KEY, "the-new-key"):
        assert (await side.post(ENTRY, body(GOOD | {"order_id": key}, key)))[1]["state"] == 1
    clock.advance(timedelta(days=1).total_seconds())
    assert (await side.post(ENTRY, body(GOOD | {"order_id": "late"}, KEY)))[1]["errmsg"].startswith(
        "签名错误：用的是另一把密钥"
    )


async def test_arrivals_are_kept_accepted_or_not(side: Side) -> None:
    await side.post(ENTRY, b"nothing")
    await side.post(ENTRY, body(GOOD, key="another"))
    await side.post(ENTRY, body(GOOD))
    arrivals = (await side.get("/admin/arrivals"))["items"]
    assert [arrival["accepted"] for arrival in arrivals] == [True, False, False]
    assert [arrival["signature"] for arrival in arrivals] == ["raw", "", ""]
    detail = await side.get(f"/admin/arrivals/{arrivals[0]['id']}")
    assert json.loads(detail["signed"]["text"]) == GOOD
    assert KEY not in json.dumps(detail)
    assert TOKEN not in json.dumps(detail)
    assert detail["lot_id"] == LOT_ID


async def test_pushes_go_to_one_address_per_event_where_the_vendor_wants_it(
    tmp_path: Path, clock: ManualClock, lot: FakeLot
) -> None:
    async with running_side(tmp_path, clock, lot.url, per_event=True) as side:
        await side.scan()
    assert lot.paths == ["/bolink/nolicence_in_park"]
