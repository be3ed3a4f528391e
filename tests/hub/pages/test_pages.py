"""The driver's pages, as a browser without scripts and one that listens see them."""

from __future__ import annotations

import asyncio
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import taigan.hub
from hub.browsing import Phone
from hub.sides import PHONE, FakeLot, Side, running_side, saying
from support.clock import ManualClock
from taigan.hub.drivers import scans


async def entered(side: Side, **query: str) -> tuple[Phone, str]:
    phone = Phone(side)
    return phone, await phone.press(await phone.arrive(await side.code(), **query))


async def test_the_page_names_lot_and_lane_and_one_thing_to_do(side: Side) -> None:
    page = await Phone(side).arrive(await side.code("A2"))
    assert "上地停车场" in page
    assert "<b>A2</b>" in page
    assert page.count("<button") == 1


async def test_success_refusal_waiting_and_no_answer_each_have_a_field_a_word_and_an_icon(
    side: Side, lot: FakeLot
) -> None:
    for state, field, word in ((1, "success", "入场成功"), (0, "refused", "未能入场"), (2, "waiting", "请稍候")):
        lot.answer = saying(state, "车位已满" if state == 0 else None)
        _, page = await entered(side)
        assert re.search(rf'class="field {field}">\s*<svg class="icon"[\s\S]*?<h1>{word}</h1>', page), page
    lot.answer = saying(7)
    _, page = await entered(side)
    assert re.search(r'class="field timeout">\s*<svg class="icon"[\s\S]*?<h1>没有收到结果</h1>', page)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("未检测到车辆，请驶入车道后再扫码", "请停到道闸前的感应区，再扫一次"),
        ("A1未检测到车辆，请扫描所在车道的二维码", "呼叫管理员"),
        ("车位紧张", "请联系车场管理员"),
    ],
)
async def test_a_refusal_says_what_to_do_next_and_offers_to_scan_again(
    side: Side, lot: FakeLot, text: str, advice: str
) -> None:
    lot.answer = saying(0, text)
    phone, page = await entered(side)
    for words in (text, advice, f"tel:{PHONE}", "再扫一次"):
        assert words in page
    side.clock.advance(11)
    await phone.press(await phone.reload())
    assert len(lot.pushes()) == 2


async def test_what_a_lot_says_is_text_and_never_markup(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(0, '<script>alert("x")</script>')
    _, page = await entered(side)
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


async def test_waiting_refreshes_by_itself_without_scripts_and_a_result_does_not(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    phone, page = await entered(side)
    refresh = '<noscript><meta http-equiv="refresh" content="2"></noscript>'
    assert refresh in page
    shown = (await side.get("/admin/pushes"))["items"][0]["scan_id"]
    await side.upload_entry((await side.shown(shown))["car_number"], "o1")
    assert refresh not in await phone.reload()


async def test_every_page_is_one_request_under_30_kb(side: Side, lot: FakeLot) -> None:
    stranger = Phone(side, agent="Firefox")
    pages = [(await stranger.get(f"/unionapi/nolienceinpark?code={await side.code()}"))[1]]
    phone = Phone(side)
    pages.append(await phone.arrive(await side.code()))
    for state in (0, 1, 2, 7):
        lot.answer = saying(state, "请" * 48)
        pages.append((await entered(side))[1])
    await side.upload("/unionapi/newpark/setUp", nolience_config={"is_verify": 1})
    pages.append((await entered(side))[1])
    for page in pages:
        assert len(page.encode()) < 30 * 1024
        assert not re.search(r'(?:src|<link[^>]*href)="(?!data:)', page)


async def test_the_pages_speak_chinese_by_default_english_by_the_browsers_language_and_by_a_link(side: Side) -> None:
    address = f"/unionapi/nolienceinpark?code={await side.code()}"
    for language, expected in (("", "zh-CN"), ("fr", "zh-CN"), ("en-GB,zh;q=0.8", "en"), ("zh-TW", "zh-CN")):
        phone = Phone(side, agent="Firefox", language=language)
        page = (await phone.get(address))[1]
        assert f'<html lang="{expected}">' in page, language
    phone = Phone(side, agent="Firefox")
    page = (await phone.get(address))[1]
    english = await phone.follow(page, "lang=en")
    assert "Please scan with WeChat or Alipay" in english
    assert '<html lang="en">' in (await phone.get(address))[1]


async def test_an_english_driver_reads_the_lots_known_texts_in_english(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(0, "车位已满")
    phone = Phone(side, language="en")
    page = await phone.press(await phone.arrive(await side.code()))
    assert "The car park is full" in page
    assert not re.search("[\u4e00-\u9fff]", re.sub(r"上地停车场|王师傅|中文", "", page)), page


async def test_a_scan_is_shown_to_its_own_driver_only(side: Side) -> None:
    phone, _ = await entered(side)
    scan = phone.at
    other = Phone(side)
    await other.arrive(await side.code())
    for path in ("", "/now", "/events"):
        assert (await other.get(scan + path))[0] == 404
        assert (await phone.get(scan + path))[0] == 200


async def test_the_result_comes_by_the_event_stream_and_ends_it(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    phone, page = await entered(side)
    address = re.findall(r'data-events="([^"]*)"', page)[0]
    cookies = {"Cookie": "; ".join(f"{name}={value}" for name, value in phone.cookies.items())}
    async with side.http.get(side.url + address, headers=cookies) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        scan_id = address.split("/")[2]
        await side.upload_entry((await side.shown(scan_id))["car_number"], "o1")
        pictures = [json.loads(line[6:]) async for line in stream.content if line.startswith(b"data: ")]
    assert [picture["listening"] for picture in pictures] == [False]
    assert "入场成功" in pictures[0]["html"]


async def test_a_stream_that_was_cut_goes_on_with_what_it_missed(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    phone, page = await entered(side)
    address = re.findall(r'data-events="([^"]*)"', page)[0]
    scan_id = address.split("/")[2]
    await side.upload_entry((await side.shown(scan_id))["car_number"], "o1")
    status, text = await phone.get(address)
    assert status == 200
    assert "入场成功" in text


async def test_polling_stands_behind_the_stream(side: Side, lot: FakeLot) -> None:
    lot.answer = saying(2, "请等待管理员放行")
    phone, page = await entered(side)
    address = re.findall(r'data-now="([^"]*)"', page)[0]
    now: dict[str, Any] = json.loads((await phone.get(address))[1])
    assert now["listening"]
    side.clock.advance(60)
    later = json.loads((await phone.get(address))[1])
    assert scans.ASK_ATTENDANT in later["html"]
    assert later["digest"] != now["digest"]


async def test_sms_check_asks_for_the_number_then_the_code_and_says_how_many_tries_are_left(
    tmp_path: Path, clock: ManualClock, lot: FakeLot
) -> None:
    async def answer_both(message: dict[str, str]) -> web.StreamResponse:
        if message["service_name"] == "verify_code":
            return web.json_response({"state": 1, "verify_code": "102993"})
        return await saying(1)(message)

    lot.answer = answer_both
    async with running_side(tmp_path, clock, lot.url, sms_check=True) as side:
        phone, page = await entered(side)
        assert "获取验证码" in page
        assert 'name="verify_code"' not in page
        page = await phone.press(page, mobile="12")
        assert scans.BAD_MOBILE in page
        page = await phone.press(page, mobile="18888888888")
        assert "还可以试 5 次" in page
        assert 'data-opens="60.0"' in page
        page = await phone.press(page, verify_code="000000")
        assert scans.CODE_WRONG in page
        assert "还可以试 4 次" in page
        page = await phone.press(page, verify_code="102993")
        assert "入场成功" in page


async def test_once_the_sms_code_is_right_the_phone_says_that_the_lot_is_being_asked(
    tmp_path: Path, clock: ManualClock, lot: FakeLot
) -> None:
    answering = asyncio.Event()

    async def answer_both(message: dict[str, str]) -> web.StreamResponse:
        if message["service_name"] == "verify_code":
            return web.json_response({"state": 1, "verify_code": "102993"})
        await answering.wait()
        return await saying(1)(message)

    lot.answer = answer_both
    async with running_side(tmp_path, clock, lot.url, sms_check=True) as side:
        phone, page = await entered(side)
        page = await phone.press(page, mobile="18888888888")
        action = html.unescape(re.findall(r'<form method="post" action="([^"]*)"', page)[-1])
        _, page = await phone.post(action, phone.fields(page) | {"verify_code": "102993"})
        answering.set()
        assert "<h1>正在请求入场</h1>" in page


async def test_one_browser_can_play_several_phones(side: Side, lot: FakeLot) -> None:
    browser = Phone(side)
    for phone in ("1", "2", "1"):
        await browser.press(await browser.arrive(await side.code(), phone=phone))
        side.clock.advance(11)
    licences = [message["car_number"] for message in lot.pushes()]
    assert licences[0] == licences[2] != licences[1]


@pytest.mark.parametrize(
    "address",
    [
        "/unionapi/nolienceinpark",
        "/unionapi/nolienceinpark?code=nope",
        "/unionapi/nolienceinpark?code=%00%ff&phone=%ff&lang=%ff",
        "/scans/nope",
        "/login/wechat",
        "/login/none?user=x",
        "/simulated/none",
        "/simulated/wechat?back=https://elsewhere.example/",
        "/simulated/wechat?back=//elsewhere.example/login/",
        "/nothing",
    ],
)
async def test_an_address_that_makes_no_sense_gets_a_page_that_says_so(quiet_side: Side, address: str) -> None:
    status, page = await Phone(quiet_side).get(address)
    assert 400 <= status < 500
    assert "<h1>" in page


async def test_a_login_that_another_page_started_is_refused(side: Side) -> None:
    phone = Phone(side)
    status, page = await phone.get(f"/login/wechat?user=somebody&code={await side.code()}&proof={'0' * 64}")
    assert (status, "登录没有完成" in page) == (403, True)
    assert "driver" not in phone.cookies


async def test_a_page_brings_everything_along_and_may_be_framed_by_us_only(side: Side) -> None:
    headers = {"User-Agent": "Firefox"}
    async with side.http.get(f"{side.url}/unionapi/nolienceinpark?code={await side.code()}", headers=headers) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy


def test_every_text_of_the_pages_is_in_the_english_catalogue() -> None:
    folder = Path(taigan.hub.__file__).parent
    methods = [("templates/**.html", "jinja2"), ("**.py", "python")]
    found = extract_from_dir(folder, methods, keywords={"_": None, "N_": None})
    wanted = {message for _, _, message, _, _ in found if isinstance(message, str)}
    with (folder / "locale/en/LC_MESSAGES/hub.po").open("rb") as file:
        catalogue = {message.id: message.string for message in read_po(file) if message.id}
    assert wanted - set(catalogue) == set()
    assert [text for text, english in catalogue.items() if not english] == []
    assert len(wanted) > 40
