"""The residential area: set up, its devices, its people, who passed its gates, and what became of the reports."""

from __future__ import annotations

from taigan.rights import Role
from web.console.browser import Browser, person
from web.console.furnished import with_community
from web.house import LOT, House

PAGE = f"/lots/{LOT}/community"
PASSAGES = f"{PAGE}/passages"
AREA = {"project_code": "12", "name": "东湖花园", "platform": "vendor-1", "reason": "新小区"}
DEVICE = {"equipment_code": "F1", "device_name": "东门人脸机", "gate_name": "东门", "device_reason": "装好了"}


async def test_an_area_is_set_up_field_by_field(small_house: House, manager: Browser) -> None:
    assert "还没有设小区" in (await manager.see(PAGE)).text
    for name, wrong in (
        *(("project_code", "12a"), ("project_code", ""), ("name", ""), ("platform", "泊链"), ("longitude", "east")),
        ("reason", ""),
    ):
        answer = await manager.send(PAGE, PAGE, **{**AREA, name: wrong})
        assert (answer.status, f'id="wrong-{name}"' in answer.raw) == (422, True), name
    done = await manager.follow(await manager.send(PAGE, PAGE, **AREA))
    assert "东湖花园" in done.text
    assert "报到 vendor-1" in done.text
    assert "设小区 12 东湖花园，报到 vendor-1" in (await manager.see(f"/lots/{LOT}/audit")).text


async def test_a_device_is_added_changed_and_removed(small_house: House, manager: Browser) -> None:
    early = await manager.post(f"{PAGE}/devices", token=await manager.token(), **DEVICE)
    assert (early.status, "先设小区" in early.text) == (422, True)
    await manager.send(PAGE, PAGE, **AREA)
    for name, wrong in (("equipment_code", "东门"), ("device_name", ""), ("device_reason", "")):
        answer = await manager.send(PAGE, f"{PAGE}/devices", **{**DEVICE, name: wrong})
        assert (answer.status, f'id="wrong-{name}"' in answer.raw) == (422, True), name
    done = await manager.follow(await manager.send(PAGE, f"{PAGE}/devices", **DEVICE))
    assert "F1 东门人脸机 东门" in done.text
    remove = f"{PAGE}/devices/F1/remove"
    assert "请写原因" in (await manager.follow(await manager.send(PAGE, remove, reason=""))).text
    gone = await manager.follow(await manager.send(PAGE, remove, reason="拆了"))
    assert "还没有门禁设备" in gone.text
    token = await manager.token()
    assert (await manager.post(remove, token=token, reason="x")).status == 404
    assert (await manager.post(f"{PAGE}/devices/%00/remove", token=token, reason="x")).status == 404


async def test_people_and_what_became_of_reports_stand_there_without_phone_numbers(
    small_house: House, manager: Browser
) -> None:
    await with_community(small_house)
    page = await manager.see(PAGE)
    assert "周女士 户主 东湖 1栋 801" in page.text
    assert "被拒绝 设备编号重复" in page.text
    assert "13812345678" not in page.raw
    assert "430424199909196758" not in page.raw


async def test_who_passed_is_listed_and_what_was_refused_is_reported_again(
    small_house: House, manager: Browser
) -> None:
    assert "还没有人进出过" in (await manager.see(PASSAGES)).text
    await with_community(small_house)
    text = (await manager.see(PASSAGES)).text
    assert "周女士 进 人脸 东门人脸机 98.5" in text
    assert "被拒绝 人员不存在" in text
    again = f"{PASSAGES}/p1/again"
    assert "已重新排队" in (await manager.follow(await manager.send(PASSAGES, again))).text
    assert "待上报" in (await manager.see(PASSAGES)).text
    token = await manager.token()
    assert (await manager.post(f"{PASSAGES}/p0/again", token=token)).status == 409
    assert (await manager.post(f"{PASSAGES}/nothing/again", token=token)).status == 404
    assert (await manager.open(f"{PASSAGES}?after=x")).location == PASSAGES


async def test_a_day_that_is_none_and_a_platform_that_does_not_answer_are_said(
    small_house: House, manager: Browser
) -> None:
    await with_community(small_house)
    for day, said in (("", "请选日期"), ("x", "日期要写成"), ("2025-05-31", "泊链没有回答")):
        answer = await manager.send(PASSAGES, PASSAGES, day=day)
        assert (answer.status, said in answer.text) == (422, True), day
    report = f"{PAGE}/report"
    assert (await manager.send(PAGE, report)).status == 303


async def test_who_may_only_see_is_offered_nothing(small_house: House) -> None:
    await with_community(small_house)
    auditor = await person(small_house, Role.AUDITOR)
    page = (await auditor.see(PAGE)).page
    assert page is not None
    assert [form["action"] for form in page.forms if form["method"] == "post"] == ["/sign-out"]
    assert (await auditor.post(PAGE, token=await auditor.token(), **AREA)).status == 403
    await auditor.close()
    collector = await person(small_house, Role.COLLECTOR, login="chenjie", name="陈杰")
    assert (await collector.open(PAGE)).status == 403
    await collector.close()
