"""Arrears: who left owing, what BoLink has of a plate, and the code by which it is paid."""

from __future__ import annotations

from datetime import UTC, datetime

from taigan.rights import Role
from taigan.storage.rows import Bill
from web.console.browser import Browser, person
from web.house import LOT, House

ARREARS = f"/lots/{LOT}/arrears"
LEFT = datetime(2025, 6, 1, 7, tzinfo=UTC)


async def owing(house: House, plate: str, order_id: str, fen: int) -> None:
    await house.order(plate, order_id=order_id, origin="plate", plate=plate, state="out", closed_at=LEFT)
    bill = Bill(LOT, order_id, charge_fen=fen + 200, paid_fen=200, closed_at=LEFT)
    await house.keep(lambda changes: changes.bill(bill))


def escaped(money: str, park_id: str, park_name: str) -> dict[str, object]:
    return {
        **{"parkName": park_name, "union_id": 200002, "orderId": "o", "parkId": park_id, "carNumber": "粤B12345"},
        **{"inTime": 1748743200, "outTime": 1748746800, "money": money, "duration": "1小时"},
    }


async def test_who_left_owing_is_listed_with_the_sum_and_found_by_a_part_of_the_plate(
    small_house: House, manager: Browser
) -> None:
    assert "没有人欠费" in (await manager.see(ARREARS)).text
    await owing(small_house, "粤B12345", "O1", 600)
    await owing(small_house, "沪A88888", "O2", 1550)
    await small_house.keep(lambda changes: changes.bill(Bill(LOT, "O3", charge_fen=500, paid_fen=500, closed_at=LEFT)))
    text = (await manager.see(ARREARS)).text
    assert "2 笔，21.50 元" in text
    assert "沪A88888 15:00:00 17.50 2.00 15.50" in text
    found = (await manager.see(f"{ARREARS}?q=b123")).text
    assert "1 笔，6.00 元" in found
    assert "沪A88888" not in found
    assert "没有这样的欠费" in (await manager.see(f"{ARREARS}?q=%25")).text
    assert (await manager.open(f"{ARREARS}?q={'x' * 99}")).status == 422
    assert (await manager.open(f"{ARREARS}?after=%00%00")).location == ARREARS


async def test_a_code_is_made_for_what_is_owed_and_the_driver_scans_it(small_house: House, manager: Browser) -> None:
    await owing(small_house, "粤B12345", "O1", 600)
    small_house.bolink.answers["bolinkescapePay"] = {"state": 2, "errmsg": "请扫码", "payurl": "https://pay.example/1"}
    page = (await manager.see(ARREARS)).page
    assert page is not None
    place = f"{ARREARS}/O1/place"
    assert "请写原因" in (await manager.follow(await manager.send(ARREARS, place, reason=""))).text
    asked = await manager.send(ARREARS, place, reason="司机来电")
    code = await manager.follow(asked)
    assert "https://pay.example/1" in code.raw
    assert "<svg" in code.raw.split('class="qr"')[1][:200]
    assert "6.00" in code.text
    assert "泊链在办" in (await manager.see(ARREARS)).text
    assert "为订单 O1 下单补缴" in (await manager.see(f"/lots/{LOT}/audit")).text
    missing = await manager.post(f"{ARREARS}/nothing/place", token=await manager.token(), reason="x")
    assert missing.status == 404


async def test_an_address_that_is_no_address_of_the_web_becomes_neither_link_nor_code(
    small_house: House, manager: Browser
) -> None:
    await owing(small_house, "粤B12345", "O1", 600)
    small_house.bolink.answers["bolinkescapePay"] = {"state": 2, "errmsg": "", "payurl": "javascript:alert(1)"}
    code = await manager.follow(await manager.send(ARREARS, f"{ARREARS}/O1/place", reason="司机来电"))
    assert "javascript" not in code.raw
    assert 'class="qr"' not in code.raw


async def test_bolink_says_what_a_plate_owes_here_and_elsewhere(small_house: House, manager: Browser) -> None:
    bolink = small_house.bolink
    bolink.answers["queryescape"] = {
        "state": 1,
        "escapeOrder": [escaped("12.0", "7", "东门停车场"), escaped("0.50", "9", "西门")],
    }
    text = (await manager.send(ARREARS, ARREARS, plate="粤b12345")).text
    assert "共欠 2 笔，12.50 元" in text
    assert "东门停车场 本场" in text
    bolink.answers["queryescape"] = {"state": 1, "escapeOrder": []}
    assert "没有欠费" in (await manager.send(ARREARS, ARREARS, plate="粤B12345")).text


async def test_a_plate_that_is_none_and_a_bolink_that_does_not_answer_are_said_at_the_field(
    small_house: House, manager: Browser
) -> None:
    for plate in ("", "?", "x" * 17):
        assert (await manager.send(ARREARS, ARREARS, plate=plate)).status == 422, plate
    answer = await manager.send(ARREARS, ARREARS, plate="粤B12345")
    assert (answer.status, "泊链没有回答" in answer.text) == (422, True)
    small_house.bolink.answers["queryescape"] = {"state": 1, "escapeOrder": [escaped("a lot", "7", "东门")]}
    assert (await manager.send(ARREARS, ARREARS, plate="粤B12345")).status == 422


async def test_who_may_only_see_is_offered_no_code(small_house: House) -> None:
    await owing(small_house, "粤B12345", "O1", 600)
    browser = await person(small_house, Role.COLLECTOR)
    page = (await browser.see(ARREARS)).page
    assert page is not None
    assert not page.offers(f"{ARREARS}/O1/place")
    assert (await browser.post(f"{ARREARS}/O1/place", token=await browser.token(), reason="x")).status == 403
    await browser.close()
