"""A code to pay a stay by, change as a red packet, the city's correction: each says what it does before it is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from taigan.lot.people.by import By
from taigan.lot.people.prices import Prices
from taigan.lot.tariff.reading import price_lists
from taigan.rights import Right, Role
from taigan.storage import tables as t
from taigan.storage.rows import Bill, Payment
from web.console.browser import Browser, person, role_without
from web.console.furnished import PRICES
from web.house import LOT, House

STAYS, PAYMENTS = f"/lots/{LOT}/stays", f"/lots/{LOT}/money/payments"
PLACED = {"state": 1, "payurl": "https://pay.example/9", "errmsg": "成功"}
PACKET = {"state": 1, "errmsg": "成功", "data": {"url": "https://packet.example/7"}}


async def inside(house: House, *, order_id: str = "O1", hours: float = 2.9) -> str:
    """A car that is inside and owes something; the address of its stay."""
    prices = Prices(house.database, house.clock)
    await prices.add_price_list(LOT, price_lists.from_data(PRICES), By("王芳", "价"))
    began = house.clock.now() - timedelta(hours=hours)
    await house.order("粤B12345", order_id=order_id, origin="plate", plate="粤B12345", in_at=began)
    return f"{STAYS}/{order_id}"


async def cash(house: House, *, giver: str = "cash", state: str = "paid") -> str:
    at = datetime(2025, 6, 1, 7, tzinfo=UTC)
    await house.order("粤B12345", order_id="O1", origin="plate", plate="粤B12345", state="out", closed_at=at)
    payment = Payment(LOT, "P1", giver, "", "O1", "", "", "cash", state, 2000, 0, at, at, "粤B12345")
    await house.keep(lambda changes: changes.bill(Bill(LOT, "O1", charge_fen=2000, paid_fen=2000, closed_at=at)))
    await house.keep(lambda changes: changes.new_payment(payment))
    return f"{PAYMENTS}/P1/change"


async def test_what_a_stay_comes_to_is_placed_once_it_is_said_and_the_code_is_shown(
    small_house: House, manager: Browser
) -> None:
    stay = await inside(small_house)
    place = f"{stay}/place"
    small_house.bolink.answers["bolinkparkpay"] = PLACED
    assert place in (await manager.see(stay)).raw
    shown = await manager.see(place)
    assert "现在应付 12.00" in shown.text
    assert small_house.bolink.asked == []
    missing = await manager.send(place, place, reason=" ")
    assert (missing.status, 'id="wrong-reason"' in missing.raw) == (422, True)
    done = await manager.follow(await manager.send(place, place, reason="司机来电"))
    assert "https://pay.example/9" in done.raw
    assert 'class="qr"' in done.raw
    [(_, asked)] = small_house.bolink.asked
    assert (asked["amount"], asked["order_id"]) == ("12.00", "O1")
    assert "出过 12.00 泊链在办" in (await manager.see(place)).text
    assert "为订单 O1 下单收费" in (await manager.see(f"/lots/{LOT}/audit")).text


async def test_nothing_is_placed_for_a_stay_that_owes_nothing_or_is_over(small_house: House, manager: Browser) -> None:
    stay = await inside(small_house, hours=0.1)
    page = await manager.see(f"{stay}/place")
    assert "现在不用付钱" in page.text
    assert page.page is not None
    assert not page.page.offers(f"{stay}/place")
    again = await manager.post(f"{stay}/place", token=await manager.token(), reason="x")
    assert (again.status, "现在不用付钱" in again.text) == (422, True)
    assert (await manager.open(f"{STAYS}/none/place")).status == 404
    assert small_house.bolink.asked == []


async def test_change_is_given_once_and_says_before_that_it_cannot_be_taken_back(
    small_house: House, manager: Browser
) -> None:
    form = await cash(small_house)
    small_house.bolink.answers["getWxRedPacketUrlNew"] = PACKET
    assert form in (await manager.see(PAYMENTS + "?from=2025-06-01")).raw
    assert "发出去就收不回来" in (await manager.see(form)).text
    for wrong in ({"fen": "0.99"}, {"fen": "100"}, {"fen": "x"}, {"fen": "5", "reason": ""}):
        answer = await manager.send(form, form, **{"reason": "没有零钱", **wrong})
        field = "reason" if "reason" in wrong else "fen"
        assert (answer.status, f'id="wrong-{field}"' in answer.raw) == (422, True), wrong
    assert small_house.bolink.asked == []
    done = await manager.follow(await manager.send(form, form, fen="5", reason="没有零钱"))
    assert "https://packet.example/7" in done.raw
    [(_, asked)] = small_house.bolink.asked
    assert asked["amount"] == "5.00"
    page = await manager.see(form)
    assert page.page is not None
    assert not page.page.offers(form), "once"
    again = await manager.post(form, token=await manager.token(), fen="5", reason="再来")
    assert (again.status, "已经找过" in again.text, len(small_house.bolink.asked)) == (422, True, 1)


async def test_change_is_for_cash_that_counts(small_house: House, manager: Browser) -> None:
    form = await cash(small_house, giver="bolink")
    page = await manager.see(form)
    assert page.page is not None
    assert not page.page.offers(form)
    assert (await manager.post(form, token=await manager.token(), fen="5", reason="x")).status == 422
    assert (await manager.open(f"{PAYMENTS}/%00/change")).status == 404


async def test_the_city_is_told_by_hand_what_bolink_has_and_not_what_it_has_not(
    small_house: House, manager: Browser
) -> None:
    at = datetime(2025, 6, 1, 7, tzinfo=UTC)
    await small_house.order("粤B12345", order_id="O1", origin="plate", plate="粤B12345", state="out", closed_at=at)
    tell = f"{STAYS}/O1/city"
    assert tell in (await manager.see(f"{STAYS}/O1")).raw
    page = await manager.see(tell)
    assert "泊链还没有收下这次入场" in page.text
    assert page.page is not None
    assert not page.page.offers(tell)
    assert (await manager.post(tell, token=await manager.token(), reason="x")).status == 422
    row = {"lot_id": LOT, "order_id": "O1", "section": "3.1", "payload": "{}", "state": "done"}
    row |= {"created_at": at, "next_at": at, "answer": "{}"}
    await small_house.database.write(lambda conn: conn.execute(t.deliveries.insert().values(**row)))
    assert "报了收不回来" in (await manager.see(tell)).text
    missing = await manager.send(tell, tell, reason="")
    assert (missing.status, 'id="wrong-reason"' in missing.raw) == (422, True)
    done = await manager.follow(await manager.send(tell, tell, reason="改了车牌"))
    assert "正在报给城市平台" in done.text
    assert "10.1" in done.text
    assert "把停车 O1 告诉城市" in (await manager.see(f"/lots/{LOT}/audit")).text


async def test_lesser_rights_are_offered_none_of_it(small_house: House) -> None:
    stay, form = await inside(small_house, order_id="O2"), await cash(small_house)
    for right, path in (
        (Right.MONEY_SET, f"{stay}/place"),
        (Right.STAY_CORRECT, f"{stay}/city"),
        (Right.SHIFT_RUN, form),
    ):
        browser = await person(small_house, role_without(right), login=f"x{right.name.lower()[:8]}", name=right.name)
        assert (await browser.open(path)).status == 403, path
        assert path not in (await browser.open(stay)).raw
        await browser.close()
    assert Role.COLLECTOR
