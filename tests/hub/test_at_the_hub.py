"""Every row of the table "At the hub", in its words."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest
from aiohttp import web

from hub.browsing import Phone
from hub.sides import KEY, LOT_ID, PHONE, FakeLot, Side, running_side, saying, serving_lot
from support.clock import PATIENCE, ManualClock
from taigan.bolink import sign
from taigan.hub.drivers import scans
from taigan.hub.identity import App, licence_of, simulated_identity
from taigan.hub.rules import Rules

CODE_PATH = "/unionapi/getqrcodecloud"
SMS_PATH = "/unionapi/newpark/setUp"


async def get_code(side: Side, channel_id: str = "A1", **asked: object) -> str:
    status, answer = await side.upload(CODE_PATH, type=3, channel_id=channel_id, **asked)
    assert (status, answer["state"], answer["type"], answer["channel_id"]) == (200, 1, 3, channel_id)
    return str(answer["code_url"]).rpartition("code=")[2]


# An entry code belongs to one lane (2.3, type 3). It changes only by 2.3 with change 1; create 0 switches change off.
# The old code then stops working.


async def test_an_entry_code_belongs_to_one_lane(side: Side, lot: FakeLot) -> None:
    code = await get_code(side, "A2")
    await side.scan(code=code)
    assert [message["channel_id"] for message in lot.pushes()] == ["A2"]
    assert await get_code(side, "A1") != code


async def test_an_entry_code_changes_only_by_2_3_with_change_1(side: Side) -> None:
    first = await get_code(side)
    assert await get_code(side) == first
    assert await get_code(side, create=1, change=0) == first
    assert await get_code(side, create=1, change=1) != first


async def test_create_0_switches_change_off(side: Side) -> None:
    first = await get_code(side)
    assert await get_code(side, create=0, change=1) == first
    status, answer = await side.upload(CODE_PATH, type=3, channel_id="A9", create=0, change=1)
    assert (status, answer["state"], answer["errmsg"]) == (200, 0, "二维码不存在")


async def test_the_old_code_then_stops_working(side: Side, lot: FakeLot) -> None:
    old = await get_code(side)
    await get_code(side, change=1)
    result = await side.scan(code=old)
    assert (result["shown"], result["text"]) == ("refused", scans.CODE_REPLACED)
    assert lot.pushes() == []
    status, page = await Phone(side).get(f"/unionapi/nolienceinpark?code={old}")
    assert status == 410
    assert "二维码已失效" in page


# A driver keeps one licence: 7 characters of digits and capitals, made from the WeChat or Alipay identity; never given
# to another.


async def test_a_driver_keeps_one_licence_of_7_digits_and_capitals(side: Side) -> None:
    first = await side.scan("li", app="alipay")
    side.clock.advance(3600)
    again = await side.scan("li", app="alipay", lot_id=LOT_ID, channel_id="A2")
    assert first["car_number"] == again["car_number"]
    assert re.fullmatch("[0-9A-Z]{7}", first["car_number"])


async def test_a_licence_is_made_from_the_wechat_or_alipay_identity(side: Side) -> None:
    result = await side.scan("li", app="wechat")
    assert result["car_number"] == licence_of(simulated_identity(App.WECHAT, "li"))
    assert (await side.scan("li", app="alipay"))["car_number"] != result["car_number"]


# The address fetched by a preview, a crawler, HEAD or the back button shows the page only; a push needs a POST with
# identity and form token.


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_address_fetched_shows_the_page_only(side: Side, lot: FakeLot, method: str) -> None:
    phone = Phone(side)
    await phone.arrive(await side.code())
    for agent in ("WeChatShareExtensionExt", "Baiduspider/2.0", Phone.WECHAT):
        phone.agent = agent
        status, _ = await phone.fetch(method, f"/unionapi/nolienceinpark?code={await side.code()}")
        assert status == 200
    assert lot.heard == []


async def test_the_back_button_shows_the_page_only(side: Side, lot: FakeLot) -> None:
    phone = Phone(side)
    page = await phone.arrive(await side.code())
    await phone.press(page)
    assert len(lot.heard) == 1
    await phone.arrive(await side.code())
    assert len(lot.heard) == 1


async def test_a_push_needs_a_post_with_identity_and_form_token(side: Side, lot: FakeLot) -> None:
    phone, stranger = Phone(side), Phone(side)
    code = await side.code()
    await phone.arrive(code)
    status, page = await phone.post("/unionapi/nolienceinpark", {"code": code, "token": "0" * 64})
    assert (status, "页面已过期" in page) == (403, True)
    token = phone.fields(await phone.arrive(code))["token"]
    status, _ = await stranger.post("/unionapi/nolienceinpark", {"code": code, "token": token})
    assert status == 200
    assert lot.heard == []


# Neither WeChat nor Alipay: 请用微信或支付宝扫码, with the lane and the attendant's phone (the simulated login offers
# both).


async def test_neither_wechat_nor_alipay_is_told_to_use_them_with_the_lane_and_the_attendants_phone(side: Side) -> None:
    phone = Phone(side, agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    status, page = await phone.get(f"/unionapi/nolienceinpark?code={await side.code()}")
    assert status == 200
    for words in ("请用微信或支付宝扫码", "A1", "上地停车场", f"tel:{PHONE}", "王师傅"):
        assert words in page


@pytest.mark.parametrize("app", ["wechat", "alipay"])
async def test_the_simulated_login_offers_both(side: Side, lot: FakeLot, app: str) -> None:
    phone = Phone(side, agent="Firefox")
    _, page = await phone.get(f"/unionapi/nolienceinpark?code={await side.code()}")
    await phone.press(await phone.follow(page, f"/simulated/{app}"))
    [message] = lot.pushes()
    assert message["pay_user_id"].startswith("o" if app == "wechat" else "2088")


@pytest.mark.parametrize(("agent", "start"), [("MicroMessenger/8.0.49", "o"), ("AlipayClient/10.5", "2088")])
async def test_wechat_and_alipay_are_known_by_their_user_agent(
    side: Side, lot: FakeLot, agent: str, start: str
) -> None:
    phone = Phone(side, agent=f"Mozilla/5.0 (Linux; Android 14) {agent}")
    await phone.press(await phone.arrive(await side.code()))
    assert lot.pushes()[0]["pay_user_id"].startswith(start)


# Same driver, same code within 10 s: a duplicate, not sent on; it shows the first scan's result as it stands and counts
# down to the next try.


async def test_same_driver_same_code_within_10_s_is_a_duplicate_and_not_sent_on(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(0, "车位已满")
    first = await side.scan()
    side.clock.advance(9.9)
    again = await side.scan()
    assert (again["shown"], again["first_scan_id"]) == ("duplicate", first["scan_id"])
    assert len(lot.pushes()) == 1
    side.clock.advance(0.1)
    assert (await side.scan())["shown"] == "refused"
    assert len(lot.pushes()) == 2


async def test_duplicates_do_not_put_off_the_next_try(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(0, "车位已满")
    await side.scan()
    side.clock.advance(6)
    assert (await side.scan())["shown"] == "duplicate"
    side.clock.advance(6)
    assert (await side.scan())["shown"] == "refused"


async def test_a_duplicate_shows_the_first_scans_result_as_it_stands(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    await side.scan()
    again = await side.scan()
    assert (again["shown"], again["text"], again["state"]) == ("duplicate", "请等待管理员放行", 2)
    await side.upload_entry(again["car_number"], "o1")
    assert (await side.shown(again["scan_id"]))["text"] == "入场成功"


async def test_a_duplicate_counts_down_to_the_next_try(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(0, "车位已满")
    phone = Phone(side)
    await phone.press(await phone.arrive(await side.code()))
    side.clock.advance(3)
    page = await phone.press(await phone.arrive(await side.code()))
    assert "您刚刚已经扫过" in page
    assert 'data-opens="7.0"' in page
    assert len(lot.pushes()) == 1


async def test_another_driver_or_another_lane_is_no_duplicate(side: Side, lot: FakeLot) -> None:
    await side.scan("li")
    await side.scan("wang")
    await side.scan("li", lot_id=LOT_ID, channel_id="A2")
    assert len(lot.pushes()) == 3


async def test_two_taps_at_once_are_sent_on_once(side: Side, lot: FakeLot) -> None:
    results = await asyncio.gather(*(side.scan() for _ in range(8)))
    assert len(lot.pushes()) == 1
    assert sorted(result["shown"] for result in results) == ["duplicate"] * 7 + ["success"]


# Within 30 s of an entry: shown as success at once, if the entry was uploaded.


async def test_within_30_s_of_an_entry_success_is_shown_at_once_if_the_entry_was_uploaded(
    side: Side, lot: FakeLot
) -> None:
    first = await side.scan()
    side.clock.advance(5)
    await side.upload_entry(first["car_number"], "o1")
    side.clock.advance(29)
    again = await side.scan()
    assert (again["shown"], again["order_id"], len(lot.pushes())) == ("success", "o1", 1)
    side.clock.advance(1)
    await side.scan()
    assert len(lot.pushes()) == 2


async def test_within_30_s_of_an_entry_that_was_not_uploaded_the_lot_is_asked(side: Side, lot: FakeLot) -> None:
    await side.scan()
    side.clock.advance(11)
    await side.scan()
    assert len(lot.pushes()) == 2


async def test_an_entry_that_was_taken_back_is_no_entry(side: Side, lot: FakeLot) -> None:
    first = await side.scan()
    await side.upload_entry(first["car_number"], "o1")
    await side.upload_exit(first["car_number"], "o1", freereasons="车辆倒出未入场")
    side.clock.advance(11)
    await side.scan()
    assert len(lot.pushes()) == 2


# No answer in 5 s, not 200, not JSON, no usable state, another car_number: the phone says so and offers to scan again;
# the raw answer is kept; it becomes success when its 3.1 arrives.


async def test_no_answer_in_time_is_said_and_becomes_success_when_its_3_1_arrives(
    hasty_side: Side, lot: FakeLot
) -> None:
    released = asyncio.Event()

    async def silent(message: dict[str, object]) -> web.Response:
        await released.wait()
        return web.Response()

    lot.answer = silent
    result = await hasty_side.scan()
    released.set()
    assert (result["shown"], result["text"], result["listening"]) == ("timeout", scans.NO_ANSWER, True)
    await hasty_side.upload_entry(result["car_number"], "o1")
    assert (await hasty_side.shown(result["scan_id"]))["shown"] == "success"


def test_no_answer_counts_after_5_s() -> None:
    assert Rules().push_timeout == 5.0


ANSWERS = {
    "not 200": web.Response(status=401, body=b'{"state":0,"errmsg":"x","car_number":"%s"}'),
    "a server error that says 1": web.Response(status=500, body=b'{"state":1,"car_number":"%s"}'),
    "not JSON": web.Response(body=b"<html>bad gateway</html>"),
    "not an object": web.Response(body=b"[1]"),
    "nothing": web.Response(body=b""),
    "bytes that are no text": web.Response(body=b'{"state":1,"errmsg":"\xff"}'),
    "64 KiB of [": web.Response(body=b"[" * 65536),
    "no state": web.Response(body=b'{"errmsg":"x","car_number":"%s"}'),
    "no usable state": web.Response(body=b'{"state":3,"car_number":"%s"}'),
    "a state in words": web.Response(body=b'{"state":"ok","car_number":"%s"}'),
    "another car_number": web.Response(body=b'{"state":1,"car_number":"AAAAAAA"}'),
    "a cut car_number": web.Response(body=b'{"state":1,"car_number":"A"}'),
}


@pytest.mark.parametrize("kind", ANSWERS)
async def test_an_answer_that_is_none_is_said_and_kept_and_becomes_success_when_its_3_1_arrives(
    side: Side, lot: FakeLot, kind: str
) -> None:
    prepared = ANSWERS[kind]

    async def odd(message: dict[str, object]) -> web.Response:
        assert isinstance(prepared.body, bytes)
        body = prepared.body.replace(b"%s", str(message["car_number"]).encode())
        return web.Response(status=prepared.status, body=body)

    lot.answer = odd
    phone = Phone(side)
    page = await phone.press(await phone.arrive(await side.code()))
    [push] = (await side.get("/admin/pushes"))["items"]
    page = await phone.reload()
    assert scans.BAD_ANSWER in page
    assert "再扫一次" in page
    assert push["answer"] is not None
    assert push["status"] == prepared.status
    shown = await side.shown(push["scan_id"])
    assert (shown["shown"], shown["state"]) == ("timeout", None)
    await side.upload_entry(shown["car_number"], "o1")
    assert "入场成功" in await phone.reload()


@pytest.mark.parametrize("mark", ["无", "临"])
async def test_an_answer_with_the_lots_mark_is_a_good_one(side: Side, lot: FakeLot, mark: str) -> None:
    async def marked(message: dict[str, str]) -> web.Response:
        return web.json_response({"state": "1", "errmsg": "入场成功", "car_number": mark + message["car_number"]})

    lot.answer = marked
    assert (await side.scan())["shown"] == "success"


# State 1 success; 0 errmsg; 2 waiting, becomes success when 3.1 arrives; after pending_timeout (60 s) it says to ask
# the attendant and keeps listening for 10 minutes.


async def test_state_1_is_success(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(1, None)
    assert (await side.scan())["text"] == "入场成功"


async def test_state_0_is_errmsg(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(0, "车位已满")
    result = await side.scan()
    assert (result["shown"], result["text"], result["state"]) == ("refused", "车位已满", 0)


async def test_state_2_is_waiting_and_becomes_success_when_3_1_arrives(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    result = await side.scan()
    assert (result["shown"], result["text"], result["listening"]) == ("waiting", "请等待管理员放行", True)
    await side.upload_entry(result["car_number"], "o1")
    shown = await side.shown(result["scan_id"])
    assert (shown["shown"], shown["text"], shown["listening"]) == ("success", "入场成功", False)


async def test_after_60_s_it_says_to_ask_the_attendant_and_keeps_listening_for_10_minutes(
    side: Side, lot: FakeLot
) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    result = await side.scan()
    side.clock.advance(59)
    assert (await side.shown(result["scan_id"]))["text"] == "请等待管理员放行"
    side.clock.advance(1)
    shown = await side.shown(result["scan_id"])
    assert (shown["shown"], shown["text"], shown["listening"]) == ("waiting", scans.ASK_ATTENDANT, True)
    side.clock.advance(539)
    assert (await side.shown(result["scan_id"]))["listening"]
    side.clock.advance(1)
    assert not (await side.shown(result["scan_id"]))["listening"]


# A 3.1 settles the scan with the same lot and lane whose licence equals, or ends, its car_number.


@pytest.mark.parametrize("mark", ["", "无", "临"])
async def test_a_3_1_settles_the_scan_whose_licence_equals_or_ends_its_car_number(
    side: Side, lot: FakeLot, mark: str
) -> None:
    lot.answer = saying(2)
    result = await side.scan()
    await side.upload_entry(mark + result["car_number"], "o1")
    assert (await side.shown(result["scan_id"]))["shown"] == "success"


@pytest.mark.parametrize(
    "other", [{"in_channel_id": "A2"}, {"car_number": "ABCDEFG"}, {"in_time": 1900000000 + 10**8}], ids=str
)
async def test_a_3_1_of_another_lane_or_licence_settles_nothing(
    side: Side, lot: FakeLot, other: dict[str, object]
) -> None:
    lot.answer = saying(2)
    result = await side.scan()
    await side.upload_entry(**{"car_number": result["car_number"], "order_id": "o1"} | other)
    expected = "success" if "in_time" in other else "waiting"
    assert (await side.shown(result["scan_id"]))["shown"] == expected


async def test_a_3_1_without_a_lane_settles_the_licences_scan_in_the_lot(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(2)
    result = await side.scan()
    await side.upload_entry(result["car_number"], "o1", in_channel_id=None)
    assert (await side.shown(result["scan_id"]))["shown"] == "success"


async def test_a_3_1_leaves_a_scan_that_was_refused(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(0, "车道正在处理其他车辆，请稍候")
    result = await side.scan()
    await side.upload_entry(result["car_number"], "o1")
    assert (await side.shown(result["scan_id"]))["shown"] == "refused"


async def test_a_3_1_that_overtakes_the_answer_stands(side: Side, lot: FakeLot) -> None:
    async def upload_first(message: dict[str, str]) -> web.Response:
        await side.upload_entry(message["car_number"], "o1")
        return web.Response(status=500)

    lot.answer = upload_first
    assert (await side.scan())["shown"] == "success"


# SMS check (2.5): fetch the code from the lot (5.13), compare what was typed, then send 5.7 with mobile_number.
# 5 minutes, 5 tries, 60 s between codes.

MOBILE = "18888888888"


async def check_by_sms(side: Side, lot: FakeLot) -> None:
    status, answer = await side.upload(SMS_PATH, nolience_config={"is_verify": 1})
    assert (status, answer) == (200, {"state": 1, "errmsg": "设置成功"})

    async def answer_both(message: dict[str, str]) -> web.StreamResponse:
        if message["service_name"] == "verify_code":
            return web.json_response({"state": 1, "errmsg": "发送成功", "verify_code": lot.code})
        return await saying(1, "入场成功")(message)

    lot.answer = answer_both


async def test_sms_check_fetches_the_code_compares_what_was_typed_then_sends_5_7_with_mobile_number(
    side: Side, lot: FakeLot
) -> None:
    await check_by_sms(side, lot)
    result = await side.scan()
    assert (result["shown"], result["text"]) == ("verify", scans.PROVE_MOBILE)
    sent = await side.scan(mobile=MOBILE)
    assert (sent["shown"], sent["text"], sent["scan_id"]) == ("verify", scans.CODE_ON_ITS_WAY, result["scan_id"])
    [asked] = lot.pushes("verify_code")
    assert (asked["mobile_number"], asked["car_number"]) == (MOBILE, result["car_number"])
    assert (await side.scan(mobile=MOBILE, verify_code="000000"))["text"] == scans.CODE_WRONG
    assert lot.pushes() == []
    entered = await side.scan(mobile=MOBILE, verify_code=lot.code)
    assert (entered["shown"], entered["scan_id"]) == ("success", result["scan_id"])
    assert lot.pushes()[0]["mobile_number"] == MOBILE


async def test_sms_check_off_needs_no_number(side: Side, lot: FakeLot) -> None:
    await check_by_sms(side, lot)
    await side.upload(SMS_PATH, nolience_config={"is_verify": 0})
    assert (await side.scan())["shown"] == "success"


async def test_an_sms_code_is_good_for_5_minutes(side: Side, lot: FakeLot) -> None:
    await check_by_sms(side, lot)
    await side.scan(mobile=MOBILE)
    side.clock.advance(300)
    assert (await side.scan(mobile=MOBILE, verify_code=lot.code))["text"] == scans.CODE_SPENT
    assert lot.pushes() == []


async def test_an_sms_code_is_good_for_5_tries(side: Side, lot: FakeLot) -> None:
    await check_by_sms(side, lot)
    await side.scan(mobile=MOBILE)
    texts = [(await side.scan(mobile=MOBILE, verify_code="0"))["text"] for _ in range(5)]
    assert texts == [scans.CODE_WRONG] * 4 + [scans.CODE_SPENT]
    assert (await side.scan(mobile=MOBILE, verify_code=lot.code))["text"] == scans.CODE_SPENT
    assert lot.pushes() == []


async def test_60_s_lie_between_two_sms_codes(side: Side, lot: FakeLot) -> None:
    await check_by_sms(side, lot)
    await side.scan(mobile=MOBILE)
    side.clock.advance(59)
    assert (await side.scan(mobile=MOBILE))["text"] == scans.CODE_TOO_SOON
    side.clock.advance(1)
    assert (await side.scan(mobile=MOBILE))["text"] == scans.CODE_ON_ITS_WAY
    assert len(lot.pushes("verify_code")) == 2


async def test_an_sms_code_is_used_once(side: Side, lot: FakeLot) -> None:
    await check_by_sms(side, lot)
    await side.scan(mobile=MOBILE)
    await side.scan(mobile=MOBILE, verify_code=lot.code)
    side.clock.advance(11)
    assert (await side.scan(mobile=MOBILE, verify_code=lot.code))["text"] == scans.CODE_SPENT


@pytest.mark.parametrize("text", ["操作频繁，请稍后再试", "发送验证码失败"])
async def test_a_lot_that_sends_no_code_is_quoted_and_may_be_asked_again(side: Side, lot: FakeLot, text: str) -> None:
    await check_by_sms(side, lot)
    lot.answer = lambda message: _no_code(text)
    result = await side.scan(mobile=MOBILE)
    assert (result["shown"], result["text"], result["state"]) == ("verify", text, 0)
    await side.scan(mobile=MOBILE)
    assert len(lot.pushes("verify_code")) == 2


async def _no_code(text: str) -> web.StreamResponse:
    return web.json_response({"state": 0, "errmsg": text})


# 3.1 and 3.2 are accepted once per lot and order_id; again: state 1 订单已存在; every arrival is counted.


async def test_3_1_is_accepted_once_per_lot_and_order_id_and_every_arrival_is_counted(side: Side) -> None:
    await side.upload_entry("EA47829", "o1", remark="the first")
    status, answer = await side.upload_entry("EA47829", "o1", remark="the second")
    assert (status, answer["state"], answer["errmsg"]) == (200, 1, "订单已存在")
    [entry] = (await side.get(f"/admin/entries?lot_id={LOT_ID}"))["items"]
    assert (entry["received"], entry["data"]["remark"]) == (2, "the first")


async def test_3_2_is_accepted_once_per_lot_and_order_id_and_every_arrival_is_counted(side: Side) -> None:
    await side.upload_exit("EA47829", "o1")
    status, answer = await side.upload_exit("EA47829", "o1")
    assert (status, answer) == (200, {"state": 1, "errmsg": "订单已存在"})
    [leave] = (await side.get(f"/admin/exits?lot_id={LOT_ID}"))["items"]
    assert leave["received"] == 2


async def test_which_text_a_signature_covers_is_kept(side: Side) -> None:
    text = '{"car_number":"京A12345","in_time":1777881600,"order_id":"%s","empty_plot":1,"union_id":200002,'
    text += '"park_id":"21787"}'
    for order, spaced in (("raw", text), ("compact", text.replace(",", " , "))):
        signed = (text % order).encode()
        body = b'{"data":' + (spaced % order).encode() + b',"sign":"' + sign(signed, KEY).encode() + b'"}'
        status, answer = await side.post("/unionapi/neworder/addorder", body)
        assert (status, answer["state"]) == (200, 1)
    items = (await side.get("/admin/entries"))["items"]
    assert {entry["order_id"]: entry["signature"] for entry in items} == {"raw": "raw", "compact": "compact"}


# Lot unreachable, lane nobody manages: the texts of problem/633854.


async def test_lot_unreachable_has_its_text(tmp_path: Path, clock: ManualClock) -> None:
    async with serving_lot(FakeLot()) as gone:
        url = gone.url
    async with running_side(tmp_path, clock, url) as side:
        result = await side.scan()
        assert (result["shown"], result["text"]) == ("timeout", "车场网络异常，请稍后重试。")


async def test_a_lane_nobody_manages_has_its_text(side: Side, lot: FakeLot) -> None:
    result = await side.scan(lot_id=LOT_ID, channel_id="Z9")
    assert (result["shown"], result["text"]) == ("refused", "未匹配到此通道，请联系车场管理员")
    assert lot.heard == []


# Faults, scripted (the next n pushes, this lane, this service), changeable while it runs.


async def test_fault_answer_lost_the_lot_did_its_work_and_the_phone_hears_nothing(side: Side, lot: FakeLot) -> None:
    await side.faults({"kind": "answer_lost"})
    result = await side.scan()
    assert (result["shown"], len(lot.pushes())) == ("timeout", 1)
    [push] = (await side.get("/admin/pushes"))["items"]
    assert (push["fault"], push["outcome"], json.loads(push["answer"])["state"]) == ("answer_lost", "cut", 1)
    await side.upload_entry(result["car_number"], "o1")
    assert (await side.shown(result["scan_id"]))["shown"] == "success"
    assert await side.get("/admin/faults") == {"faults": []}


async def test_fault_answer_late_comes_when_nobody_waits_any_more(side: Side, lot: FakeLot) -> None:
    await side.faults({"kind": "answer_late"})
    scanning = asyncio.create_task(side.scan())
    await side.clock.waited_for(PATIENCE)
    side.clock.advance(PATIENCE)
    assert (await scanning)["shown"] == "timeout"
    [push] = (await side.get("/admin/pushes"))["items"]
    assert (push["fault"], push["outcome"], json.loads(push["answer"])["state"]) == ("answer_late", "timed_out", 1)


async def test_fault_answer_late_but_in_time_is_an_answer(side: Side) -> None:
    await side.faults({"kind": "answer_late", "seconds": 3})
    scanning = asyncio.create_task(side.scan())
    await side.clock.waited_for(3)
    side.clock.advance(3)
    assert (await scanning)["shown"] == "success"


async def test_fault_push_sent_twice_sends_the_same_bytes_twice(side: Side, lot: FakeLot) -> None:
    await side.faults({"kind": "sent_twice"})
    assert (await side.scan())["shown"] == "success"
    assert len(lot.bodies) == 2
    assert lot.bodies[0] == lot.bodies[1]
    assert len((await side.get("/admin/pushes"))["items"]) == 2


async def test_fault_upload_refused_keeps_nothing(side: Side) -> None:
    await side.faults({"kind": "upload_refused", "text": "车场已停用"})
    assert await side.upload_entry("EA47829", "o1") == (200, {"errmsg": "车场已停用", "state": 0})
    assert (await side.get("/admin/entries"))["items"] == []
    assert (await side.upload_entry("EA47829", "o1"))[1]["state"] == 1


async def test_fault_upload_answered_500_keeps_nothing_but_counts(side: Side) -> None:
    await side.faults({"kind": "upload_500", "service_name": "3.1"})
    body = side.signed_entry("EA47829", "o1")
    async with side.http.post(side.url + "/unionapi/neworder/addorder", data=body) as answer:
        assert answer.status == 500
    assert (await side.get("/admin/entries"))["items"] == []
    await side.post("/unionapi/neworder/addorder", body)
    [entry] = (await side.get("/admin/entries"))["items"]
    assert entry["received"] == 2


async def test_fault_upload_accepted_but_its_answer_lost(side: Side) -> None:
    await side.faults({"kind": "upload_answer_lost"})
    with pytest.raises(Exception, match="payload"):
        await side.upload_entry("EA47829", "o1")
    assert len((await side.get("/admin/entries"))["items"]) == 1
    assert (await side.upload_entry("EA47829", "o1"))[1]["errmsg"] == "订单已存在"


async def test_fault_hub_down_takes_no_upload_and_goes_on_pushing(side: Side) -> None:
    await side.faults({"kind": "hub_down", "times": None})
    async with side.http.post(side.url + "/unionapi/neworder/addorder", data=b"{}") as answer:
        assert answer.status == 503
    assert (await side.scan())["shown"] == "success"
    await side.faults()
    assert (await side.upload_entry("EA47829", "o1"))[1]["state"] == 1


async def test_faults_strike_the_next_n_of_this_lane_and_this_service(side: Side, lot: FakeLot) -> None:
    await side.faults(
        {"kind": "answer_lost", "times": 2, "channel_id": "A2", "service_name": "nolicence_in_park", "lot_id": LOT_ID}
    )
    shown = []
    for driver in range(3):
        shown.append((await side.scan(f"d{driver}", lot_id=LOT_ID, channel_id="A1"))["shown"])
        shown.append((await side.scan(f"d{driver}", lot_id=LOT_ID, channel_id="A2"))["shown"])
    assert shown == ["success", "timeout", "success", "timeout", "success", "success"]
