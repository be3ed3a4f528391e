"""One pass changed and renewed, prices of passes, and lists of passes read from a file before anything is stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from taigan.lot.people.passes import Limits
from taigan.lot.policy import Policy
from taigan.rights import Right, Role
from taigan.storage.locked import passes as kept
from taigan.storage.rows import Pass, PassLimit
from taigan.storage.shown import ledger_views
from taigan.web.console.door import BODY_LIMIT, UPLOAD_LIMIT
from taigan.web.console.sheets import pass_sheets
from taigan.web.console.sheets.pass_sheets import Sheet
from web.console.browser import Answer, Browser, person, role_without
from web.house import LOT, House, Houses, client_of

PASSES, PRICES, IMPORT, LIMITED = (
    f"/lots/{LOT}/{path}" for path in ("passes", "pass-prices", "pass-import", "pass-limits")
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
HEAD = "卡号,车牌,持卡人,从,到\r\n"
GOOD = HEAD + "K1,粤B12345 粤b67890,陈先生,2025-06-01,2025-06-30\r\nK2,沪A88888,,2025/6/1,2025/12/31 12:00\r\n"


def say(text: str, **values: object) -> str:
    return text % values if values else text


def read(text: str | bytes) -> Sheet:
    return pass_sheets.read(text.encode() if isinstance(text, str) else text, SHANGHAI, say)


def slips(text: str | bytes) -> list[tuple[int, str]]:
    return [(slip.line, slip.column) for slip in read(text).slips]


async def upload(browser: Browser, data: bytes) -> Answer:
    fields = {"token": await browser.token()}
    return Answer(await browser.client.post(IMPORT, data=fields, files={"file": ("cards.csv", data, "text/csv")}))


async def keep(browser: Browser, shown: Answer, **typed: str) -> Answer:
    """Send the form that stands below the preview, as a browser does."""
    assert shown.page is not None
    fields = {name: (None, value) for name, value in (shown.page.form(IMPORT) | typed).items()}
    return Answer(await browser.client.post(IMPORT, files=fields))


async def cards(house: House) -> dict[str, tuple[Pass, list[str]]]:
    found = await house.database.read(lambda conn: ledger_views.passes(conn, LOT, 100, ()))
    return {one.card_id: (one, plates) for one, plates in found}


async def add(house: House, card_id: str, *plates: str, **given: object) -> None:
    now = house.clock.now()
    one = Pass(LOT, card_id, "周女士", now - timedelta(days=9), now + timedelta(days=9), "王芳", "办卡", now)
    for name, value in given.items():
        setattr(one, name, value)
    await house.database.write(lambda conn: kept.keep(conn, [one], {card_id: list(plates)}))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("between", [",", "\t", ";"])
def test_a_list_is_read_as_spreadsheets_write_it(encoding: str, between: str) -> None:
    sheet = read(GOOD.replace(",", between).encode(encoding))
    assert sheet.slips == []
    first, second = sheet.passes
    assert (first.card_id, first.plates, first.holder) == ("K1", ("粤B12345", "粤B67890"), "陈先生")
    assert (first.starts_at, first.ends_at) == (
        datetime(2025, 6, 1, tzinfo=SHANGHAI),
        datetime(2025, 7, 1, tzinfo=SHANGHAI),
    ), "the last day is whole"
    assert second.ends_at == datetime(2025, 12, 31, 12, tzinfo=SHANGHAI)


def test_what_a_preview_carries_to_the_act_reads_as_the_same_passes() -> None:
    sheet = read(GOOD)
    assert read(pass_sheets.written(sheet.passes)).passes == sheet.passes


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (",粤B12345,,2025-06-01,2025-06-30", "卡号"),
        ("K" * 65 + ",粤B12345,,2025-06-01,2025-06-30", "卡号"),
        ("K2,,,2025-06-01,2025-06-30", "车牌"),
        ("K2,粤B12345 粤B(1),,2025-06-01,2025-06-30", "车牌"),
        (f"K2,{' '.join(f'粤B{n:05}' for n in range(51))},,2025-06-01,2025-06-30", "车牌"),
        (f"K2,粤B12345,{'陈' * 101},2025-06-01,2025-06-30", "持卡人"),
        ("K2,粤B12345,,yesterday,2025-06-30", "从"),
        ("K2,粤B12345,,2025-06-01,2025-13-01", "到"),
        ("K2,粤B12345,,2025-06-01,0001-01-01", "到"),
        ("K2,粤B12345,,2025-06-30,2025-06-01", "到"),
        ("K1,粤B12345,,2025-06-01,2025-06-30", "卡号"),
        ("K2", "车牌"),
    ],
)
def test_each_slip_names_its_line_and_its_column(line: str, column: str) -> None:
    found = slips(f'{HEAD}K1,粤B11111,"两行\n名字",2025-06-01,2025-06-30\n\n{line}\n')
    assert (5, column) in found
    assert {place for place, _ in found} == {5}


def test_a_file_that_is_no_list_of_passes_says_so() -> None:
    for data in (b"\xff\xff\x00\x81", b"PK\x03\x04\x80\x80\x80", b"", "车牌,从,到\n".encode(), b"\x00" * 100):
        assert slips(data)[0][0] == 1, data
    assert "卡号" in read("车牌,从,到\n").slips[0].text


def test_many_slips_are_counted_and_too_many_passes_refused() -> None:
    sheet = read(HEAD + "?,?,?,?,?\n" * 100)
    assert (len(sheet.slips), len(sheet.slips) + sheet.more > 250) == (pass_sheets.MOST_SLIPS, True)
    rows = "".join(f"K{n},粤B12345,,2025-06-01,2025-06-30\n" for n in range(pass_sheets.MOST_ROWS + 1))
    assert slips(HEAD + rows) == [(pass_sheets.MOST_ROWS + 2, "")]


async def test_what_a_list_changes_is_shown_and_stored_only_then(small_house: House, manager: Browser) -> None:
    await add(small_house, "K1", "粤B12345")
    shown = await upload(manager, GOOD.encode("gb18030"))
    assert "新 1 张" in shown.text
    assert "改 1 张" in shown.text
    assert "周女士" in shown.text, "what it was before stands beside it"
    assert set(await cards(small_house)) == {"K1"}, "nothing is stored yet"
    asked = await keep(manager, shown, reason="")
    assert (asked.status, "请写原因" in asked.text) == (422, True)
    done = await manager.follow(await keep(manager, asked, reason="物业来的名单"))
    assert "新 1 张，改 1 张，没有变化 0 张" in done.text
    stored = await cards(small_house)
    assert stored["K1"][1] == ["粤B12345", "粤B67890"]
    assert (stored["K1"][0].holder, stored["K1"][0].actor) == ("陈先生", "王芳")
    assert stored["K2"][0].ends_at == datetime(2025, 12, 31, 12, tzinfo=SHANGHAI)
    assert "导入月卡：新 1 张，改 1 张" in (await manager.see(f"/lots/{LOT}/audit")).text
    assert "没有什么要改的" in (await upload(manager, GOOD.encode())).text


async def test_slips_are_listed_and_nothing_can_be_stored(small_house: House, manager: Browser) -> None:
    shown = await upload(manager, (HEAD + "K1,粤B12345,,2025-06-01,soon\n").encode())
    assert "2 到 日期要写成 2026-01-31" in shown.text
    assert 'value="keep"' not in shown.raw
    token = await manager.token()
    for act in ({"act": "keep", "list": HEAD + "K1,?,,x,y\n"}, {"act": "keep", "list": ""}, {}):
        assert (await manager.post(IMPORT, token=token, reason="x", **act)).status in (200, 422)
    assert await cards(small_house) == {}


async def test_what_the_console_exports_comes_back_unchanged(small_house: House, manager: Browser) -> None:
    await add(small_house, "=1+1", "粤B11111")
    await add(small_house, "10086", "粤B22222", "粤B33333")
    await add(small_house, "K3", "粤B44444", ended_at=small_house.clock.now())
    await add(small_house, "bolink-9", "粤B55555")
    exported = await manager.client.get(f"/lots/{LOT}/export/passes?form=csv")
    shown = await upload(manager, exported.content)
    assert "没有变化 2 张" in shown.text
    assert "已停用的 1 张不导" in shown.text
    assert "泊链告知的 1 张不导" in shown.text


async def test_a_form_with_a_file_takes_its_token_and_has_an_end(small_house: House, manager: Browser) -> None:
    files = {"file": ("a.csv", GOOD.encode(), "text/csv")}
    assert (await manager.client.post(IMPORT, files=files)).status_code == 403
    large = {"file": ("a.csv", b"x" * (UPLOAD_LIMIT + 1), "text/csv")}
    assert (await manager.client.post(IMPORT, files=large)).status_code == 413
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert (await manager.client.post(IMPORT, content=b"not a form", headers=headers)).status_code in (403, 413)
    elsewhere = await manager.client.post(PASSES, data={"token": await manager.token()}, files=files)
    assert elsewhere.status_code == 400, "no other form carries files"


async def test_a_pass_is_changed_with_its_plates_and_what_was_wrong_is_said(
    small_house: House, manager: Browser
) -> None:
    await add(small_house, "K1", "粤B12345")
    page = f"{PASSES}/K1"
    form = {"plates": "粤B12345 粤B67890", "holder": "陈先生", "from": "2025-06-01", "to": "2025-06-30"}
    for wrong in ({"plates": ""}, {"plates": "粤B(1)"}, {"to": "x"}, {"to": "2025-05-01"}, {"reason": ""}):
        answer = await manager.send(page, page, **{**form, "reason": "换车", **wrong})
        assert answer.status == 422, wrong
    done = await manager.follow(await manager.send(page, page, **form, reason="换车"))
    assert "粤B67890" in done.text
    assert (await cards(small_house))["K1"][1] == ["粤B12345", "粤B67890"]
    assert "改月卡 K1：粤B12345, 粤B67890" in (await manager.see(f"/lots/{LOT}/audit")).text
    assert (await manager.open(f"{PASSES}/nothing")).status == 404
    assert (await manager.open(f"{PASSES}/%00")).status == 404


async def test_a_pass_of_bolink_is_changed_there(small_house: House, manager: Browser) -> None:
    await add(small_house, "bolink-7", "粤B12345")
    page = f"{PASSES}/bolink-7"
    assert "要在泊链改" in (await manager.see(page)).text
    form = {"plates": "粤B1234", "holder": "", "from": "2025-06-01", "to": "2025-06-30", "reason": "x"}
    assert (await manager.post(page, token=await manager.token(), **form)).status == 422


async def test_passes_are_found_by_card_plate_holder_and_when_they_are_over(
    small_house: House, manager: Browser
) -> None:
    now = small_house.clock.now()
    await add(small_house, "K1", "粤B12345", ends_at=now + timedelta(days=300))
    await add(small_house, "K2", "粤B67890", holder="陈先生")
    await add(small_house, "K3", "粤B99999", ends_at=now - timedelta(days=1))
    for query, found in (
        ("q=b123", {"K1"}),
        ("q=K2", {"K2"}),
        ("q=陈先", {"K2"}),
        ("q=%25", set()),
        ("state=valid", {"K1", "K2"}),
        ("state=soon", {"K2"}),
        ("state=over", {"K3"}),
        ("state=x", {"K1", "K2", "K3"}),
    ):
        page = (await manager.see(f"{PASSES}?{query}")).page
        assert page is not None
        links = {link.rpartition("/")[2] for link in page.links if link.startswith(f"{PASSES}/K")}
        assert links == found, query
    assert (await manager.open(f"{PASSES}?q={'x' * 99}")).status == 422


async def test_prices_are_set_and_a_renewal_has_a_code_to_pay(houses: Houses) -> None:
    house = await houses(policy=Policy(notify_url="https://lot.example/callback"))
    manager = await person(house, Role.MANAGER)
    await add(house, "K1", "粤B12345")
    card = f"{PASSES}/K1"
    assert "还没有价目" in (await manager.see(card)).text
    for wrong, field in (({"months-0": "0"}, "months-0"), ({"fen-0": "x"}, "fen-0"), ({"fen-0": "0"}, "fen-0")):
        typed = {"months-0": "1", "fen-0": "300", "reason": "开卖", **wrong}
        answer = await manager.send(PRICES, PRICES, **typed)
        assert (answer.status, f'id="wrong-{field}"' in answer.raw) == (422, True), wrong
    twice = {"months-0": "1", "fen-0": "300", "months-1": "1", "fen-1": "200", "reason": "开卖"}
    assert "写了两次" in (await manager.send(PRICES, PRICES, **twice)).text
    done = await manager.follow(await manager.send(PRICES, PRICES, **{"months-0": "1", "fen-0": "300"}, reason="开卖"))
    assert "价目已保存" in done.text
    house.bolink.answers["paymonthcard"] = {"state": 1, "payurl": "https://pay.example/9", "errmsg": "成功"}
    renew = f"{card}/renew"
    assert (await manager.send(card, renew, months="7", reason="x")).status == 422
    asked = await manager.follow(await manager.send(card, renew, months="1", reason="来电"))
    assert "https://pay.example/9" in asked.raw
    assert 'class="qr"' in asked.raw
    assert "1 个月 300.00 泊链在办" in (await manager.see(card)).text
    await manager.close()


async def test_passes_are_fetched_from_bolink(small_house: House, manager: Browser) -> None:
    fetch = f"{PRICES}/fetch"
    assert "泊链没有回答" in (await manager.follow(await manager.send(PRICES, fetch))).text
    one = {"vip_id": "5", "plate_no": "粤B12345", "vip_start_date_str": "2025-06-01", "vip_end_date_str": "2025-06-30"}
    answer = {"state": 1, "data": {"records": [one, {"vip_id": "6"}], "total": 2, "pages": 1, "total_pages": 1}}
    small_house.bolink.answers["uploadData"] = answer
    done = await manager.follow(await manager.send(PRICES, fetch))
    assert "月卡" in done.text


async def test_who_may_only_see_is_offered_nothing(small_house: House) -> None:
    await add(small_house, "K1", "粤B12345")
    browser = await person(small_house, Role.COLLECTOR)
    for path in (f"{PASSES}/K1", PRICES):
        page = (await browser.see(path)).page
        assert page is not None
        assert [form["action"] for form in page.forms if form["method"] == "post"] == ["/sign-out"], path
    assert (await browser.open(IMPORT)).status == 403
    await browser.close()
    lesser = await person(small_house, role_without(Right.PASS_SEE), login="weixiu", name="维修")
    assert (await lesser.open(f"{PASSES}/K1")).status == 403
    await lesser.close()


@pytest.mark.parametrize("cookie", ["", "session=none", "__Host-session=none"])
async def test_of_nobody_who_is_signed_in_no_file_is_read(houses: Houses, cookie: str) -> None:
    async with client_of(await houses(), None) as http:
        sent = {"file": ("cards.csv", b"x" * BODY_LIMIT, "text/csv")}
        answer = await http.post(IMPORT, files=sent, headers={"Cookie": cookie})
    assert answer.status_code == 413


LIMITS_HEAD = "卡号,车牌,持卡人,从,到,车位数,区域,时段\r\n"


def test_a_list_says_what_passes_are_limited_to_and_a_preview_carries_it_on() -> None:
    text = (
        LIMITS_HEAD
        + "K1,粤B12345 粤B67890,,2025-06-01,2025-06-30,1,2 1,22:00-8:00\r\nK2,粤B1,,2025-06-01,2025-06-30,,,\r\n"
    )
    sheet = pass_sheets.read(text.encode(), SHANGHAI, say, ("1", "2"))
    assert (sheet.slips, sheet.unread) == ([], [])
    assert [one.limits for one in sheet.passes] == [Limits(1, ("1", "2"), "22:00-08:00"), Limits()]
    assert sheet.passes[0].told == ("spaces", "areas", "hours"), "of what has no column nothing is said"
    carried = pass_sheets.written(sheet.passes).encode()
    assert pass_sheets.read(carried, SHANGHAI, say, ("1", "2")).passes == sheet.passes
    assert read(GOOD).passes[0].limits is None, "a list without these columns says nothing of limits"


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("-1,,", "车位数"),
        ("1001,,", "车位数"),
        ("two,,", "车位数"),
        (",9,", "区域"),
        (",,night", "时段"),
        (",,8:00-8:00", "时段"),
    ],
)
def test_a_limit_that_cannot_be_is_a_slip_at_its_column(cells: str, column: str) -> None:
    text = f"{LIMITS_HEAD}K1,粤B12345,,2025-06-01,2025-06-30,{cells}\n"
    found = pass_sheets.read(text.encode(), SHANGHAI, say, ("1",))
    assert [(slip.line, slip.column) for slip in found.slips] == [(2, column)]


def test_a_list_says_on_which_days_passes_hold_and_for_how_long_after_their_end() -> None:
    head = "卡号,车牌,从,到,星期,宽限天数\r\n"
    sheet = read(head + "K1,粤B12345,2025-06-01,2025-06-30,周一至周五,7\r\nK2,粤B1,2025-06-01,2025-06-30,,\r\n")
    assert (sheet.slips, sheet.unread) == ([], [])
    assert [one.limits for one in sheet.passes] == [Limits(days="mon tue wed thu fri", grace_days=7), Limits()]
    assert read(pass_sheets.written(sheet.passes)).passes == sheet.passes
    for cells, column in (("someday,", "星期"), (",32", "宽限天数"), (",-1", "宽限天数")):
        assert slips(f"{head}K1,粤B12345,2025-06-01,2025-06-30,{cells}\n") == [(2, column)], cells


async def test_days_and_grace_are_set_shown_and_carried_to_a_list_and_back(
    small_house: House, manager: Browser
) -> None:
    typed = {"hours-number-0": "7", "hours-days-0": "工作日", "grace_days": "3", "reason": "宽限"}
    for wrong in ({"grace_days": "32"}, {"hours-days-0": "someday"}):
        answer = await manager.send(LIMITED, LIMITED, **{**typed, **wrong})
        assert (answer.status, f'id="wrong-{next(iter(wrong))}"' in answer.raw) == (422, True), wrong
    await manager.follow(await manager.send(LIMITED, LIMITED, **typed))
    limits = await small_house.database.read(lambda conn: kept.limits(conn, LOT))
    assert [(one.kind, one.number, one.body) for one in limits] == [("grace", "", "3"), ("hours", "7", "workday")]
    assert "改月卡的区域和时段：7 工作日, 3 天宽限" in (await manager.see(f"/lots/{LOT}/audit")).text
    card = {"card_id": "K9", "plates": "粤B12345", "from": "2025-06-01", "to": "2025-06-30", "reason": "办卡"}
    for wrong in ({"days": "someday"}, {"grace_days": "x"}):
        answer = await manager.send(PASSES, PASSES, **card, **wrong)
        assert (answer.status, f'id="wrong-{next(iter(wrong))}"' in answer.raw) == (422, True), wrong
    answer = await manager.send(PASSES, PASSES, **card, days="周一至周三", grace_days="9")
    assert "只限 周一 周二 周三 到期后宽限 9 天" in (await manager.follow(answer)).text
    one = (await cards(small_house))["K9"][0]
    assert (one.days, one.grace_days) == ("mon tue wed", 9)
    page = f"{PASSES}/K9"
    await manager.follow(await manager.send(page, page, reason="看一眼"))
    one = (await cards(small_house))["K9"][0]
    assert (one.days, one.grace_days) == ("mon tue wed", 9), "the form gives what it was given"
    exported = await manager.client.get(f"/lots/{LOT}/export/passes?form=csv")
    assert "没有变化 1 张" in (await upload(manager, exported.content)).text


async def test_a_pass_in_its_days_of_grace_is_found_and_called_so(small_house: House, manager: Browser) -> None:
    await small_house.database.write(lambda conn: kept.put_limits(conn, LOT, [PassLimit(LOT, "grace", "", "", "7")]))
    now = small_house.clock.now()
    await add(small_house, "K1", "粤B11111", ends_at=now - timedelta(days=6))
    await add(small_house, "K2", "粤B22222", ends_at=now - timedelta(days=8))
    await add(small_house, "K3", "粤B33333", ends_at=now - timedelta(days=6), grace_days=5)
    await add(small_house, "K4", "粤B44444", ends_at=now - timedelta(days=8), grace_days=9)
    await add(small_house, "K5", "粤B55555", ends_at=now - timedelta(days=1), ended_at=now)
    page = (await manager.see(f"{PASSES}?state=grace")).page
    assert page is not None
    assert {link.rpartition("/")[2] for link in page.links if link.startswith(f"{PASSES}/K")} == {"K1", "K4"}
    listed = (await manager.see(PASSES)).text
    assert listed.count("宽限到") == 2
    assert "宽限中 宽限到" in (await manager.see(f"{PASSES}/K1")).text
    assert "宽限中" not in (await manager.see(f"{PASSES}/K3")).text
    found = (await manager.see(f"{PASSES}?plate=粤B11111")).text
    assert "不收费 月卡 K1，到" in found
    assert "宽限到" in found
    assert "不收费" not in (await manager.see(f"{PASSES}?plate=粤B33333")).text


async def test_areas_and_hours_are_set_and_a_pass_is_limited_to_them(small_house: House, manager: Browser) -> None:
    typed = {"area-number-0": "1", "area-name-0": "地下", "area-lanes-0": "A1", "hours-number-0": "7"}
    typed |= {"hours-hours-0": "22:00-8:00", "reason": "夜间卡"}
    assert "区域和时段已保存" in (await manager.follow(await manager.send(LIMITED, LIMITED, **typed))).text
    limits = await small_house.database.read(lambda conn: kept.limits(conn, LOT))
    assert [(one.kind, one.number, one.name, one.body) for one in limits] == [
        ("area", "1", "地下", "A1"),
        ("hours", "7", "", "22:00-08:00"),
    ]
    assert "改月卡的区域和时段：1 A1, 7 22:00-08:00" in (await manager.see(f"/lots/{LOT}/audit")).text
    card = {"card_id": "K9", "plates": "粤B12345 粤B67890", "from": "2025-06-01", "to": "2025-06-30", "reason": "办卡"}
    for wrong in ({"spaces": "many"}, {"areas": "9"}, {"hours": "night"}):
        answer = await manager.send(PASSES, PASSES, **card, **wrong)
        assert (answer.status, f'id="wrong-{next(iter(wrong))}"' in answer.raw) == (422, True), wrong
    answer = await manager.send(PASSES, PASSES, **card, spaces="1", areas="1", hours="22:00-08:00")
    assert "共用 1 个车位 只限区域 1 只限 22:00-08:00" in (await manager.follow(answer)).text
    one = (await cards(small_house))["K9"][0]
    assert (one.spaces, one.areas, one.hours) == (1, "1", "22:00-08:00")
    page = f"{PASSES}/K9"
    assert "共用 1 个车位" in (await manager.see(page)).text
    await manager.follow(await manager.send(page, page, spaces="", areas="", hours="", reason="放开"))
    one = (await cards(small_house))["K9"][0]
    assert (one.spaces, one.areas, one.hours) == (0, "", "")


async def test_a_wrong_area_or_hours_is_told_at_its_field(small_house: House, manager: Browser) -> None:
    for typed, field in (
        ({"area-lanes-0": "A1"}, "area-number-0"),
        ({"area-number-0": "1"}, "area-lanes-0"),
        ({"hours-number-0": "7", "hours-hours-0": "night"}, "hours-hours-0"),
        ({"hours-number-0": "7"}, "hours-hours-0"),
        ({"reason": ""}, "reason"),
    ):
        answer = await manager.send(LIMITED, LIMITED, **{"reason": "夜间卡", **typed})
        assert (answer.status, f'id="wrong-{field}"' in answer.raw) == (422, True), typed
    nowhere = {"area-number-0": "1", "area-lanes-0": "Z9", "reason": "x"}
    assert "没有车道 Z9。" in (await manager.send(LIMITED, LIMITED, **nowhere)).text
    assert await small_house.database.read(lambda conn: kept.limits(conn, LOT)) == []
    await manager.follow(await manager.send(LIMITED, LIMITED, **{**nowhere, "area-lanes-0": "A1"}))
    await add(small_house, "K1", "粤B12345", areas="1")
    emptied = await manager.send(LIMITED, LIMITED, **{"area-number-0": "", "area-lanes-0": "", "reason": "x"})
    assert "月卡 K1 还限着" in emptied.text
    browser = await person(small_house, Role.COLLECTOR, login="zhaolei", name="赵磊")
    page = (await browser.see(LIMITED)).page
    assert page is not None
    assert "A1" in page.text
    assert [form["action"] for form in page.forms if form["method"] == "post"] == ["/sign-out"]
    await browser.close()


async def test_more_areas_than_the_form_has_at_first_are_kept_when_it_is_sent(
    small_house: House, manager: Browser
) -> None:
    many = [PassLimit(LOT, "hours", str(number), "", f"{number:02d}:00-22:00") for number in range(8)]
    await small_house.database.write(lambda conn: kept.put_limits(conn, LOT, many))
    await manager.follow(
        await manager.send(LIMITED, LIMITED, **{"hours-number-8": "9", "hours-hours-8": "1:00-2:00"}, reason="x")
    )
    limits = await small_house.database.read(lambda conn: kept.limits(conn, LOT))
    assert [one.number for one in limits] == [*"01234567", "9"]
