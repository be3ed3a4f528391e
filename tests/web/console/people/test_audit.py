"""The audit: acts, arms and sign-ins in one list, found by lane, person, moment and words, and taken away as a file."""

from __future__ import annotations

from datetime import timedelta

from taigan.rights import Right, Role
from taigan.storage.rows import Act, Lift
from web.console.browser import PASSWORD, Browser, accounts_of, person, role_without
from web.house import BY, LOT, House, client_of

AUDIT = f"/lots/{LOT}/audit"
OTHER = "200002-8"


async def lifted(
    house: House, lane: str = "A1", actor: str = "王芳", reason: str = "设备没有识别车牌", **given: str
) -> None:
    at = house.clock.step(60)
    lift = Lift(
        LOT,
        f"L{at:%H%M%S}",
        lane,
        None,
        "open",
        "manual",
        actor,
        reason,
        at,
        at,
        "accepted",
        at,
        via="console:wangfang",
    )
    for name, value in given.items():
        setattr(lift, name, value)
    await house.keep(lambda changes: changes.new_lifts.append(lift))


async def acted(house: House, act: str, lot_id: str = LOT, who: str = "王芳", reason: str = "车主来电") -> None:
    one = Act(lot_id, house.clock.step(1), who, reason, act, "console:wangfang")
    await house.keep(lambda changes: changes.acts.append(one))


async def test_who_lifted_a1_at_three_past_ten_is_two_clicks_away(small_house: House, manager: Browser) -> None:
    small_house.clock.moment += timedelta(hours=2) - timedelta(minutes=57)
    await lifted(small_house, actor="陈杰")
    await lifted(small_house, "A2", actor="李强")
    lanes = (await manager.see(f"/lots/{LOT}")).page
    assert lanes is not None
    link = next(url for url in lanes.links if "/audit?" in url and "lane=A1" in url)
    text = (await manager.see(link)).text
    assert "陈杰" in text
    assert "李强" not in text
    assert "A1 抬杆 手动 设备没有识别车牌 值班台 wangfang" in text


async def test_what_was_done_at_the_lane_over_either_way_stands_with_who_why_and_through_what(
    small_house: House, manager: Browser
) -> None:
    waiting = await small_house.order("无A8F3K2", state="waiting", waiting_for="attendant", in_at=None, channel_id="A1")
    await manager.send(f"/lots/{LOT}/lanes/A1/open", f"/lots/{LOT}/lanes/A1/open", why="内部车辆")
    await manager.send(f"/lots/{LOT}", f"/lots/{LOT}/lanes/A1/refuse", order_id=waiting.order_id)
    async with client_of(small_house) as client:
        await client.post(f"/api/v1/lots/{LOT}/lanes/A2/open", json=BY)
    text = (await manager.see(AUDIT)).text
    assert "A1 抬杆 手动 内部车辆 值班台 wangfang" in text
    assert f"不予放行：A1 车道，订单 {waiting.order_id}" in text
    assert "the driver called 接口" in text
    assert "登录，从" in text


async def test_it_is_found_by_kind_person_words_and_moment(small_house: House, manager: Browser) -> None:
    await lifted(small_house, actor="陈杰", reason="急救")
    early = small_house.clock.now()
    await acted(small_house, "set {'spaces': 50}", who="李强", reason="划线")
    small_house.clock.step(3600)
    await acted(small_house, "unblocked mobile 3", reason="100%_对")

    async def seen(query: str) -> str:
        return (await manager.see(f"{AUDIT}?{query}")).raw.partition("<tbody>")[2].partition("</tbody>")[0]

    assert "急救" in await seen("kind=lifts")
    assert "划线" not in await seen("kind=lifts")
    assert "划线" in await seen("kind=acts")
    assert "登录" in await seen("kind=accounts")
    assert "划线" not in await seen("kind=accounts")
    assert "划线" in await seen("who=李强")
    assert "急救" not in await seen("who=李强")
    assert "急救" in await seen("q=急救")
    assert "100%_对" in await seen("q=%25_")
    assert "急救" not in await seen("q=%25_"), "a percent sign is one"
    local = early + timedelta(hours=8)
    assert "急救" in await seen(f"at={local:%Y-%m-%dT%H:%M}")
    assert "移出禁入名单" not in await seen(f"at={local:%Y-%m-%dT%H:%M}")


async def test_shifts_and_corrected_spaces_stand_there_too(small_house: House, manager: Browser) -> None:
    here = f"/lots/{LOT}"
    await manager.send(f"{here}/spaces", f"{here}/spaces", free="42", reason="数过了")
    shift = (await manager.send(f"{here}/shifts", f"{here}/shifts", booth="东岗亭", opening="200")).location
    await manager.send(f"{shift}/close", f"{shift}/close", counted="210", note="多了十块")
    text = (await manager.see(f"{AUDIT}?kind=acts")).text
    assert "更正空位：100 → 42 数过了 值班台 wangfang" in text
    assert "开班：东岗亭，点得 200.00 元" in text
    assert "交班：东岗亭，点得 210.00 元，应有 200.00 元 多了十块" in text


async def test_what_was_taken_away_is_told_in_words(small_house: House, manager: Browser) -> None:
    await acted(small_house, "export of stays as csv q= state=all from=2026-01-31 lane=A1")
    await acted(small_house, "plate corrected O1 粤B1 -> 粤B2")
    await acted(small_house, "entry time corrected O1 2025-06-01T01:00:00+00:00 -> 2025-06-01T02:30:00+00:00")
    text = (await manager.see(f"{AUDIT}?kind=acts")).text
    assert "导出“停车记录”（csv）状态 全部 · 从 2026-01-31 · 车道 A1" in text
    assert "更正车牌 O1 粤B1 → 粤B2" in text
    assert "更正入场时间 O1 2025-06-01 09:00:00 → 2025-06-01 10:30:00" in text
    file = await manager.client.get(f"/lots/{LOT}/export/audit?form=csv&kind=acts")
    assert "更正车牌 O1 粤B1 → 粤B2" in file.content.decode("utf-8-sig")


async def test_the_minute_that_is_asked_for_stands_on_top_and_is_marked(small_house: House, manager: Browser) -> None:
    start = small_house.clock.now().replace(second=0, microsecond=0)
    for seconds, reason in ((-30, "前一分钟"), (3, "这时抬的"), (63, "后一分钟")):
        small_house.clock.moment = start + timedelta(seconds=seconds - 60)  # `lifted` steps a minute
        await lifted(small_house, reason=reason)
    minute = f"{start + timedelta(hours=8):%Y-%m-%dT%H:%M}"
    page = await manager.see(f"{AUDIT}?kind=lifts&lane=A1&at={minute}")
    assert "后一分钟" not in page.text
    assert page.text.index("这时抬的") < page.text.index("前一分钟")
    assert page.raw.count('class="of-it"') == 1
    assert page.page is not None
    assert f"{AUDIT}?lane=A1&at={minute.replace(':', '%3A')}" in page.page.links, "each filter can be taken off"
    later = f"{start + timedelta(hours=8, minutes=9):%Y-%m-%dT%H:%M}"
    assert "这一分钟没有记录" in (await manager.see(f"{AUDIT}?at={later}&kind=lifts")).text


async def test_pages_follow_one_another_without_a_gap(small_house: House, manager: Browser) -> None:
    at = small_house.clock.now()
    for number in range(120):  # many at one moment
        one = Act(LOT, at, "王芳", f"第{number:03}次", "set {'name': 'x'}", "")
        await small_house.keep(lambda changes, one=one: changes.acts.append(one))  # type: ignore[misc]
    seen: list[str] = []
    path = f"{AUDIT}?kind=acts"
    while path:
        answer = await manager.see(path)
        assert answer.page is not None
        seen += [text for text in answer.page.texts if text.startswith("第")]
        path = next((url for url in answer.page.links if url.startswith(AUDIT) and "after=" in url), "")
    assert len(seen) == len(set(seen)) == 120


async def test_what_concerns_no_lot_is_seen_by_who_audits_all_or_works_with_whoever_did_it(small_house: House) -> None:
    accounts = accounts_of(small_house)
    for login, name, lots in (("near", "近的", [LOT]), ("far", "远的", [OTHER])):
        await accounts.create(login, name, PASSWORD, by="test", must_change=False)
        await accounts.give(login, Role.COLLECTOR, lots, by="test")
        await accounts.sign_in(login, PASSWORD, "10.0.0.9")
    here = await person(small_house, Role.MANAGER)
    text = (await here.see(f"{AUDIT}?kind=accounts")).text
    assert "近的 登录，从 10.0.0.9" in text
    assert "远的" not in text
    await here.close()
    everywhere = await person(small_house, Role.AUDITOR, lots=(), login="auditor", name="审计员")
    text = (await everywhere.see(f"{AUDIT}?kind=accounts")).text
    assert "远的 登录，从 10.0.0.9" in text
    await everywhere.close()


async def test_who_was_not_let_in_stands_there_and_nothing_of_what_they_typed(
    small_house: House, manager: Browser, stranger: Browser
) -> None:
    await stranger.send("/sign-in", "/sign-in", login="wangfang", password="not the one")
    await stranger.send("/sign-in", "/sign-in", login="<b>x</b>", password="hunter2")
    page = await manager.see(f"{AUDIT}?kind=accounts")
    assert "王芳 登录没有成功" in page.text
    for typed in ("not the one", "hunter2", "&lt;b&gt;"):
        assert typed not in page.raw


async def test_what_was_done_elsewhere_is_not_seen(small_house: House, manager: Browser) -> None:
    await acted(small_house, "set {'spaces': 1}", OTHER, "别处的人")
    assert "别处的人" not in (await manager.see(AUDIT)).text


async def test_the_list_can_be_taken_away_with_its_filter(small_house: House, manager: Browser) -> None:
    await lifted(small_house, actor="陈杰", reason="=1+1")
    await acted(small_house, "set {'spaces': 50}", reason="划线")
    answer = await manager.client.get(f"/lots/{LOT}/export/audit?form=csv&kind=lifts")
    text = answer.content.decode("utf-8-sig")
    assert "陈杰" in text
    assert "划线" not in text
    assert '"=1+1"' not in text, "no cell that a spreadsheet would run"


async def test_wrong_questions_are_answered_by_a_sentence(small_house: House, manager: Browser) -> None:
    wrong = await manager.open(f"{AUDIT}?at=yesterday")
    assert wrong.status == 422
    assert "时间要写成" in wrong.text
    assert (await manager.open(f"{AUDIT}?who={'x' * 99}")).status == 422
    assert (await manager.open(f"{AUDIT}?after=x")).location == AUDIT
    assert (await manager.see(f"{AUDIT}?kind=nothing")).status == 200
    assert "没有这样的记录" in (await manager.see(f"{AUDIT}?who=没有的人")).text
    blind = await person(small_house, role_without(Right.AUDIT_SEE), login="blind", name="看不见")
    assert (await blind.open(AUDIT)).status == 403
    assert "谁抬过杆" not in (await blind.see(f"/lots/{LOT}")).text
    await blind.close()
