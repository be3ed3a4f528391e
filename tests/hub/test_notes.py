"""A verdict beside every message: why a signature is wrong, "accepted, but", and addresses that are none."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from hub.sides import KEY, LOT_ID, PARK_ID, UNION_ID, FakeLot, Side, running_side, saying
from support.clock import ManualClock
from taigan.bolink import seal, sign

ENTRY = "/unionapi/neworder/addorder"


def entry(**changed: Any) -> bytes:
    data = {"union_id": int(UNION_ID), "park_id": PARK_ID, "order_id": "o1", "car_number": "京A12345"}
    data |= {"in_time": 1777881600, "empty_plot": 9} | changed
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


async def newest(side: Side) -> dict[str, Any]:
    [item] = (await side.get("/admin/arrivals?limit=1"))["items"]
    return dict(await side.get(f"/admin/arrivals/{item['id']}"))


async def test_a_wrong_signature_is_explained_in_the_answer_the_api_and_the_log(side: Side) -> None:
    text = entry()
    ordered = json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"), sort_keys=True) + f"key={KEY}"
    wrong = hashlib.md5(ordered.encode()).hexdigest().upper()
    with capture_logs() as logs:
        status, said = await side.post(ENTRY, b'{"data":' + text + b',"sign":"' + wrong.encode() + b'"}')
    assert (status, said["state"]) == (200, 0)
    assert said["errmsg"].startswith("签名错误：签的是按键名排序后的 data")
    kept = await newest(side)
    assert [(note["kind"], note["field"]) for note in kept["notes"]] == [("signature", "sign")]
    assert "keys sorted" in kept["notes"][0]["en"]
    assert (kept["signed"]["sign"], kept["signed"]["received"]) == (sign(text, KEY), wrong)
    [line] = [one for one in logs if one["event"] == "upload refused"]
    assert "keys sorted" in line["but"]
    assert KEY not in repr(logs) + repr(said) + repr(kept)


async def test_a_wrong_signature_that_nothing_explains_asks_for_the_key_in_the_answer_the_api_and_the_log(
    side: Side,
) -> None:
    with capture_logs() as logs:
        _, said = await side.post(ENTRY, seal(entry(), "another key"))
    assert said["errmsg"].startswith("签名错误：不是常见的错误：多半是密钥不同")
    assert "taigan.toml" in said["errmsg"]
    [note] = (await newest(side))["notes"]
    assert (note["kind"], note["field"]) == ("signature", "sign")
    assert "the key is probably another one" in note["en"]
    [line] = [one for one in logs if one["event"] == "upload refused"]
    assert "the key is probably another one" in line["but"]


async def test_a_wrong_signature_at_an_old_address_names_the_old_scheme(side: Side) -> None:
    _, said = await side.post("/unionapi/order/addorder", entry()[:-1] + b',"sign":"' + b"0" * 32 + b'"}')
    assert said["errmsg"].startswith("签名错误：旧地址按旧协议验签")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:9/bolink", "connection refused: nothing listens on that port"),
        ("http://nobody.invalid/bolink", "there is no such host name (DNS)"),
        ("https://{lot}/bolink", "the TLS handshake failed: perhaps that port speaks http"),
    ],
)
async def test_a_message_that_does_not_reach_the_lot_says_why_in_the_log_and_the_api(
    tmp_path: Path, clock: ManualClock, lot: FakeLot, url: str, why: str
) -> None:
    async with running_side(tmp_path, clock, url.format(lot=urlsplit(lot.url).netloc)) as side:
        with capture_logs() as logs:
            result = await side.scan()
        assert (result["shown"], result["outcome"], result["notes"][0]["en"]) == ("timeout", "unreachable", why)
        assert (await side.shown(result["scan_id"]))["notes"] == result["notes"]
        [pushed] = (await side.get("/admin/pushes?limit=1"))["items"]
        assert [(note["kind"], note["field"], note["en"]) for note in pushed["notes"]] == [("unreached", "url", why)]
    [line] = [one for one in logs if one["event"] == "push not answered"]
    assert (line["log_level"], line["section"], line["but"]) == ("warning", "5.7", f"url: {why}")


async def test_a_scan_that_is_answered_carries_the_notes_on_the_answer(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(0, "")
    result = await side.scan()
    assert result["outcome"] == "answered"
    assert [note["field"] for note in result["notes"]] == [
        note["field"] for note in (await side.get("/admin/pushes?limit=1"))["items"][0]["notes"]
    ]

    async def broken(message: dict[str, Any]) -> web.Response:
        return web.json_response({"state": 1}, status=500)

    lot.answer = broken
    priced = await side.scan(channel_id="B1")
    assert priced["outcome"] == "answered"
    assert [note["en"] for note in priced["notes"]] == ["HTTP 500; every answer is 200"]


async def test_what_is_accepted_although_the_document_says_otherwise_has_its_notes(side: Side) -> None:
    with capture_logs() as logs:
        text = entry(park_id=int(PARK_ID), empty_plot=-1, licence_color=1, in_time=2051222400)
        _, said = await side.post(ENTRY, seal(text, KEY))
    assert said["state"] == 1
    kept = await newest(side)
    assert {(note["kind"], note["field"]) for note in kept["notes"]} == {
        ("type", "park_id"),
        ("value", "empty_plot"),
        ("unknown", "licence_color"),
        ("time", "in_time"),
    }
    assert all(note["zh"] and note["en"] for note in kept["notes"])
    [line] = [one for one in logs if one["event"] == "upload accepted"]
    assert "licence_color: is unknown; did you mean license_color?" in line["but"]


async def test_a_message_as_documented_has_none(side: Side) -> None:
    with capture_logs() as logs:
        await side.post(ENTRY, seal(entry(), KEY))
    assert (await newest(side))["notes"] == []
    assert ["but" in one for one in logs if one["event"] == "upload accepted"] == [False]


@pytest.mark.parametrize(
    ("path", "near"), [("/unionapi/neworder/addOrder", "/unionapi/neworder/addorder"), ("/unionapi/zzz", "")]
)
async def test_a_wrong_address_answers_json_naming_the_near_one_and_is_kept(side: Side, path: str, near: str) -> None:
    status, said = await side.post(path, seal(entry(), KEY))
    assert (status, said["state"]) == (404, 0)
    assert path in said["errmsg"]
    assert (near in said["errmsg"]) if near else ("是不是" not in said["errmsg"])
    kept = await newest(side)
    assert (kept["status"], kept["section"], kept["accepted"]) == (404, "", False)
    assert (kept["text"], kept["notes"][0]["field"]) == (f"404 {path}", "path")


async def test_what_a_lot_answers_is_judged_too(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(1, car_number="")
    with capture_logs() as logs:
        asked = {"lot_id": LOT_ID, "service_name": "query_price"}
        status, _ = await side.admin("POST", "/admin/pushes", json=asked)
        assert status == 200
    [pushed] = (await side.get("/admin/pushes?limit=1"))["items"]
    assert "price" in {note["field"] for note in pushed["notes"]}
    [line] = [one for one in logs if one["event"] == "push answered"]
    assert "price: is missing" in line["but"]
