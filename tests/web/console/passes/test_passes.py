"""Passes and lists: what happens to a plate now and why, and what people change about it."""

from __future__ import annotations

from taigan.rights import Right, Role
from taigan.storage.locked import vehicles
from taigan.storage.locked.vehicles import SpecialVehicle
from web.console.browser import Browser, person, role_without
from web.console.furnished import furnish
from web.house import LOT, House

PASSES = f"/lots/{LOT}/passes"
LISTS = f"/lots/{LOT}/lists"
PASS = {"card_id": "K1", "plates": "粤B12345，粤B67890", "holder": "陈先生", "from": "2025-06-01", "to": "2025-06-30"}


async def test_a_plate_with_a_pass_pays_nothing_until_the_pass_is_ended(small_house: House, manager: Browser) -> None:
    done = await manager.follow(await manager.send(PASSES, PASSES, **PASS, reason="办卡"))
    assert "月卡 K1 已加上" in done.text
    text = (await manager.see(f"{PASSES}?plate=粤b12345")).text
    assert "可以进" in text
    assert "不收费 月卡 K1，到 2025-07-01 00:00:00" in text, "the last day is whole, on the lot's clock"
    end = f"{PASSES}/K1/end"
    assert "请写原因" in (await manager.follow(await manager.send(PASSES, end, reason=""))).text
    assert "已停用" in (await manager.follow(await manager.send(PASSES, end, reason="退卡"))).text
    assert "不收费" not in (await manager.see(f"{PASSES}?plate=粤B12345")).text
    assert (await manager.post(end, token=await manager.token(), reason="退卡")).status == 409


async def test_a_plate_without_a_pass_pays_by_the_price_list_and_what_it_owes_stands_there(
    small_house: House, manager: Browser
) -> None:
    assert "没有收费标准" in (await manager.see(f"{PASSES}?plate=沪A88888")).text
    await furnish(small_house)
    text = (await manager.see(f"{PASSES}?plate=沪A88888")).text
    assert "按收费标准第 1 版" in text
    assert "应付 14.00 元" in text


async def test_a_plate_that_is_not_let_in_says_by_whom_and_why(small_house: House, manager: Browser) -> None:
    refused = await manager.send(LISTS, LISTS, plate="粤B12345", reason="")
    assert refused.status == 422
    assert "请写原因" in refused.text
    await manager.send(LISTS, LISTS, plate="粤b12345", reason="闯杆")
    assert "不放入 王芳：闯杆" in (await manager.see(f"{PASSES}?plate=粤B12345")).text
    page = (await manager.see(LISTS)).page
    assert page is not None
    end = next(form["action"] for form in page.forms if form["action"].endswith("/end"))
    assert "已从禁入名单取下" in (await manager.follow(await manager.send(LISTS, end, reason="说清了"))).text
    assert "可以进" in (await manager.see(f"{PASSES}?plate=粤B12345")).text


async def test_vehicles_that_bolink_listed_are_free_or_refused(small_house: House, manager: Browser) -> None:
    now = small_house.clock.now()
    for plate, kind in (("粤B11111", "white"), ("粤B22222", "black")):
        one = SpecialVehicle(LOT, plate, kind, None, None, "集团公文", now)
        await small_house.database.write(lambda conn, one=one: vehicles.keep_special_vehicle(conn, one))
    assert "在免费名单上" in (await manager.see(f"{PASSES}?plate=粤B11111")).text
    assert "在泊链的黑名单上" in (await manager.see(f"{PASSES}?plate=粤B22222")).text
    assert "集团公文" in (await manager.see(LISTS)).text


async def test_phone_numbers_on_the_list_are_masked(small_house: House, manager: Browser) -> None:
    token = {"authorization": "Bearer a token of sixteen or more characters"}
    body = {"kind": "mobile", "value": "13812345678", "operator": "王芳", "reason": "骚扰"}
    await manager.client.post(f"/api/v1/lots/{LOT}/blocked/", json=body, headers=token)
    raw = (await manager.see(LISTS)).raw
    assert "138****78" in raw
    assert "13812345678" not in raw


async def test_what_cannot_be_a_pass_is_said_and_what_was_typed_stays(small_house: House, manager: Browser) -> None:
    for wrong in ({"plates": ""}, {"card_id": " "}, {"from": "x"}, {"from": "2025-07-01"}):
        answer = await manager.send(PASSES, PASSES, **{**PASS, **wrong}, reason="办卡")
        assert answer.status == 422, wrong
        assert "陈先生" in answer.raw
    await manager.send(PASSES, PASSES, **PASS, reason="办卡")
    assert (await manager.send(PASSES, PASSES, **PASS, reason="办卡")).status == 422, "the number is taken"
    assert (await manager.open(f"{PASSES}?plate={'B' * 99}")).status == 422
    assert (await manager.open(f"{PASSES}?after=x")).location == PASSES
    assert (await manager.open(f"{LISTS}?after=x")).location == LISTS
    assert (await manager.post(f"{LISTS}/{10**30}/end", token=await manager.token(), reason="x")).status == 404


async def test_who_may_only_see_is_offered_no_form(small_house: House) -> None:
    browser = await person(small_house, Role.COLLECTOR)
    page = (await browser.see(PASSES)).page
    assert page is not None
    assert [form["action"] for form in page.forms if form["method"] == "post"] == ["/sign-out"]
    assert (await browser.post(PASSES, token=await browser.token(), **PASS, reason="x")).status == 403
    await browser.close()
    lesser = await person(small_house, role_without(Right.PASS_SEE), login="weixiu", name="维修")
    assert (await lesser.open(PASSES)).status == 403
    await lesser.close()
