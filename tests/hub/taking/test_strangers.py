"""What other people's clients send, as they send it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from hub.sides import KEY, LOT_ID, PARK_ID, UNION_ID, FakeLot, Side
from taigan.bolink import by_section, example_of, seal

ENTRY = "/unionapi/neworder/addorder"


def entry(order_id: str = "o1", **changed: Any) -> dict[str, Any]:
    data = {"union_id": int(UNION_ID), "park_id": PARK_ID, "order_id": order_id, "car_number": "京A12345"}
    return data | {"in_time": 1777881600, "empty_plot": 9} | changed


def text(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


async def newest(side: Side) -> dict[str, Any]:
    [item] = (await side.get("/admin/arrivals?limit=1"))["items"]
    return dict(item)


@pytest.mark.parametrize(
    "changed",
    [
        {"union_id": float(UNION_ID)},
        {"park_id": float(PARK_ID)},
        {"in_time": 1777881600.0},
        {"empty_plot": 9.0},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_whole_numbers_written_as_doubles_are_the_numbers_they_are(side: Side, changed: dict[str, Any]) -> None:
    _, said = await side.post(ENTRY, seal(text(entry(**changed)), KEY))
    assert said["state"] == 1
    assert "type" in {note["kind"] for note in (await newest(side))["notes"]}


async def test_javas_exponents_are_read_too(side: Side) -> None:
    sent = text(entry()).replace(b"1777881600", b"1.7778816E9").replace(UNION_ID.encode(), b"2.00002E5")
    assert (await side.post(ENTRY, seal(sent, KEY)))[1]["state"] == 1


async def test_a_byte_order_mark_is_passed_over_and_said(side: Side) -> None:
    _, said = await side.post(ENTRY, b"\xef\xbb\xbf" + seal(text(entry()), KEY))
    assert said["state"] == 1
    assert [note["en"] for note in (await newest(side))["notes"]] == ["begins with a byte order mark"]


async def test_a_packed_body_is_415_in_words(side: Side) -> None:
    packed = gzip.compress(seal(text(entry()), KEY))
    async with side.http.post(side.url + ENTRY, data=packed, headers={"Content-Encoding": "gzip"}) as response:
        said = await response.json()
    assert (response.status, said["state"]) == (415, 0)
    assert "gzip" in said["errmsg"]


def asked(section: str, **changed: Any) -> tuple[str, bytes]:
    """The documented example of the lot's own, its body and its path; a field given as None is left out."""
    interface = by_section(section)
    data = json.loads(interface.write(example_of(interface.request))) | {"park_id": PARK_ID} | changed
    if "union_id" in data:
        data["union_id"] = int(UNION_ID)
    sent = text({name: value for name, value in data.items() if value is not None})
    return interface.path, interface.body(sent, KEY, UNION_ID)


async def test_3_3_needs_no_notify_url_and_its_result_goes_to_the_vendor(side: Side, lot: FakeLot) -> None:
    path, body = asked("3.3", notify_url=None, attach={"order_id": "abc123"})
    _, said = await side.post(path, body)
    assert said["state"] == 1, said
    [note] = [note for note in (await newest(side))["notes"] if note["field"] == "notify_url"]
    assert note["kind"] == "missing"


async def test_3_2_answers_what_was_settled(side: Side) -> None:
    await side.post(ENTRY, seal(text(entry()), KEY))
    path, body = asked("3.2", order_id="o1", car_number="京A12345", pay_type="cash", total="3.00", auth_code=None)
    _, said = await side.post(path, body)
    assert (said["state"], said["order_id"], said["car_number"]) == (1, "o1", "京A12345")
    assert (said["total"], said["pay_type"]) == ("3.00", "cash")
    assert "trade_no" not in said


async def test_bolinkunified_is_taken_for_3_4(side: Side) -> None:
    _, body = asked("3.4", trade_no="2017092133651003", notify_url=None)
    status, said = await side.post("/unionapi/bolinkunified", body)
    assert (status, said["state"] in (1, 2)) == (200, True), said
    assert (await newest(side))["section"] == "3.4"


async def test_payorder_leads_to_the_lots_prepay_page(side: Side) -> None:
    await side.upload(by_section("2.3").path, type=1, create=1)

    async def led(data: bytes, union_id: str = UNION_ID) -> tuple[int, str]:
        query = {"union_id": union_id, "data": base64.b64encode(data).decode()}
        async with side.http.get(f"{side.url}/unionapi/payorder", params=query, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", "")

    status, where = await led(b'{"park_id":"%s"}' % PARK_ID.encode())
    assert (status, where.partition("?")[0]) == (303, "/unionapi/t")
    async with side.http.get(side.url + where) as page:
        assert page.status == 200
    for data, union_id in ((b'{"park_id":"9"}', UNION_ID), (b"[]", UNION_ID), (b"\xff", UNION_ID), (b"{}", "\ud7ff")):
        assert (await led(data, union_id))[0] == 404


def flat(data: dict[str, Any], joint: str = "key=") -> bytes:
    """A message in the scheme before this document's."""
    pairs = "&".join(f"{name}={data[name]}" for name in sorted(data) if data[name] != "")
    return text(data | {"sign": hashlib.md5(f"{pairs}{joint}{KEY}".encode()).hexdigest().upper()})


@pytest.mark.parametrize("joint", ["key=", "&key="])
async def test_the_predecessors_entry_is_taken_on_its_own_path(side: Side, joint: str) -> None:
    _, said = await side.post("/unionapi/order/addorder", flat(entry(remark=""), joint))
    assert said["state"] == 1, said
    [kept] = (await side.get(f"/admin/entries?lot_id={LOT_ID}"))["items"]
    assert (kept["order_id"], kept["signature"]) == ("o1", "sorted")
    assert (await newest(side))["notes"][0]["field"] == "path"


async def test_the_predecessors_scheme_counts_nowhere_else(side: Side) -> None:
    sent = flat(entry())
    assert (await side.post(ENTRY, sent))[0] == 400
    pairs = json.loads(sent)
    signature = pairs.pop("sign")
    wrapped = b'{"data":' + text(pairs) + b',"sign":"' + signature.encode() + b'"}'
    assert (await side.post(ENTRY, wrapped))[1]["state"] == 0
    assert (await side.post("/unionapi/order/addorder", seal(text(entry()), KEY)))[1]["state"] == 0
    assert (await side.get("/admin/entries"))["items"] == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"union_id":1}', b'{"sign":{}}', b"{" + b" " * 9000 + b"}"])
async def test_the_predecessors_path_refuses_what_is_none_of_it(side: Side, body: bytes) -> None:
    status, said = await side.post("/unionapi/order/addorder", body)
    assert (status, said["state"]) == (400, 0)


async def test_the_log_says_of_a_refusal_what_was_answered(side: Side) -> None:
    with capture_logs() as lines:
        await side.post(ENTRY, seal(text(entry()), "not the key"))
        await side.post("/unionapi/neworder/nosuch", b"{}")
    refused = [line["answer"] for line in lines if line["event"] == "refused"]
    assert refused == ["HTTP 200: 签名错误", "HTTP 404: no such address: /unionapi/neworder/nosuch"]
