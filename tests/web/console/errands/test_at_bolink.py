"""The lot as BoLink has it: what cannot be undone is said before it is done, and done once."""

from __future__ import annotations

import pytest

from taigan.lot.errands.lots import FINAL
from taigan.rights import Role
from taigan.web.console.pages.errands.at_bolink import DEEDS
from web.console.browser import Browser, person
from web.house import LOT, House

PAGE = f"/lots/{LOT}/at-bolink"
PUBLISHED = {
    **{"name": "上地停车场", "address": "上地三街9号", "city_id": "110000", "phone": "13900944433", "reason": "开业"},
    **{"lng": "116.307689", "lat": "40.037256", "price_desc": "2元每小时", "confirmed": "1"},
}
MERCHANT = {
    **{"merchant_type": "3", "merchant_shortname": "上地停车场", "merchant_name": "上地停车管理有限公司"},
    **{"license": "91110108", "license_address": "上地三街9号", "license_start": "20220101", "confirmed": "1"},
    **{"license_pic": "https://files.example/1.png", "regprov_id": "110000", "regcity_id": "110100"},
    **{"regarea_id": "110108", "reason": "开业"},
}


def test_what_cannot_be_undone_says_so_here_as_the_acts_do() -> None:
    assert {deed.section for deed in DEEDS if deed.final} == set(FINAL)


async def test_a_lot_is_published_once_and_only_by_who_knows_that_it_cannot_be_undone(
    small_house: House, manager: Browser
) -> None:
    small_house.bolink.answers["addpark"] = {"state": 1, "errmsg": "成功", "park_id": "7", "username": 1000001}
    form = f"{PAGE}/publish"
    assert "只能发布一次" in (await manager.see(form)).text
    unsure = await manager.send(form, form, **{**PUBLISHED, "confirmed": "0"})
    assert (unsure.status, "请先勾选" in unsure.text) == (422, True)
    assert small_house.bolink.asked == []
    done = await manager.follow(await manager.send(form, form, **PUBLISHED))
    assert "泊链已办好" in done.text
    [(_, sent)] = small_house.bolink.asked
    assert (sent["name"], sent["city_id"], sent["total_plot"]) == ("上地停车场", 110000, 100)
    assert "已经提交过" in (await manager.see(form)).text
    again = await manager.post(form, token=await manager.token(), **PUBLISHED)
    assert (again.status, "已经提交过" in again.text) == (422, True)
    text = (await manager.see(PAGE)).text
    assert "已提交" in text
    assert "在泊链发布车场 泊链已办好 王芳 开业" in text
    assert "在泊链发布车场" in (await manager.see(f"/lots/{LOT}/audit")).text


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *(("name", ""), ("address", "x" * 101), ("city_id", "beijing"), ("phone", "打给我"), ("lng", "116.3.0")),
        *(("lat", ""), ("price_desc", "\x01"), ("mobile", "x"), ("reason", "")),
    ],
)
async def test_a_field_that_cannot_be_is_named_and_nothing_is_asked(
    small_house: House, manager: Browser, name: str, wrong: str
) -> None:
    form = f"{PAGE}/publish"
    answer = await manager.send(form, form, **{**PUBLISHED, name: wrong})
    assert answer.status == 422
    assert f'id="wrong-{name}"' in answer.raw
    assert "上地三街9号" in answer.raw or name == "address", "what was typed stays"
    assert small_house.bolink.asked == []


async def test_only_what_is_filled_in_changes(small_house: House, manager: Browser) -> None:
    small_house.bolink.answers["updatepark"] = {"state": 1, "errmsg": "成功"}
    form = f"{PAGE}/update"
    await manager.follow(await manager.send(form, form, price_desc="3元每小时", phone="", reason="涨价"))
    [(_, sent)] = small_house.bolink.asked
    assert (sent["price_desc"], "phone" in sent, sent["empty_plot"]) == ("3元每小时", False, 100)


async def test_a_merchant_with_a_licence_needs_what_stands_on_it(small_house: House, manager: Browser) -> None:
    small_house.bolink.answers["lsregister"] = {"state": 1, "errmsg": "成功"}
    form = f"{PAGE}/merchant"
    for name in ("license", "license_start", "license_pic"):
        answer = await manager.send(form, form, **{**MERCHANT, name: ""})
        assert (answer.status, f'id="wrong-{name}"' in answer.raw) == (422, True), name
    done = await manager.follow(await manager.send(form, form, **MERCHANT))
    assert "泊链已办好" in done.text
    [(_, sent)] = small_house.bolink.asked
    assert sent["base_info"]["license_type"] == 2, "a licence without an end holds for long"


async def test_a_contract_of_a_split_is_signed_at_bolinks_address_and_then_bound(
    small_house: House, manager: Browser
) -> None:
    bolink = small_house.bolink
    bolink.answers["lsaccountsplit"] = {"state": 1, "errmsg": "成功", "contract_url": "https://sign.example/1"}
    bolink.answers["lsbind"] = {"state": 1, "errmsg": "成功"}
    form = f"{PAGE}/split"
    typed = {"account_no": "801", "account_name": "物业", "percent": "31", "reason": "合作", "confirmed": "1"}
    assert (await manager.send(form, form, **typed)).status == 422
    done = await manager.follow(await manager.send(form, form, **{**typed, "percent": "30"}))
    assert "https://sign.example/1" in done.page.links  # type: ignore[union-attr]
    bind = f"{PAGE}/bind"
    assert "泊链已办好" in (await manager.follow(await manager.send(bind, bind, reason="签好了"))).text


async def test_what_the_city_is_told_is_set_with_a_reason(small_house: House, manager: Browser) -> None:
    city = f"/lots/{LOT}/city"
    assert "请写原因" in (await manager.follow(await manager.send(PAGE, city, checks="1", reason=""))).text
    done = await manager.follow(await manager.send(PAGE, city, checks="1", reason="城管要求"))
    assert "已保存" in done.text
    assert done.page.form(city).get("checks") == "1"  # type: ignore[union-attr]
    assert done.page.form(city).get("screens") is None  # type: ignore[union-attr]


async def test_who_may_not_publish_sees_none_of_it(small_house: House) -> None:
    browser = await person(small_house, Role.SHIFT_LEADER)
    assert (await browser.open(PAGE)).status == 403
    assert (await browser.open(f"{PAGE}/publish")).status == 403
    await browser.close()


async def test_what_there_is_not_is_not_there(small_house: House, manager: Browser) -> None:
    assert (await manager.open(f"{PAGE}/nothing")).status == 404
    assert (await manager.post(f"{PAGE}/nothing", token=await manager.token())).status == 404
