"""The free spaces: corrected after a count, never over a number that nobody saw; emergencies."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from taigan.rights import Right, Role
from taigan.storage import tables as t
from taigan.web.console.live import keys_of
from web.console.browser import Browser, person, role_without
from web.house import LOT, House

SPACES = f"/lots/{LOT}/spaces"
EMERGENCY = f"/lots/{LOT}/emergency"


async def lot(house: House) -> sa.Row[tuple[object, ...]]:
    return await house.database.read(lambda conn: conn.execute(sa.select(t.lots).where(t.lots.c.lot_id == LOT)).one())


async def test_the_number_in_the_menu_leads_to_where_it_is_corrected(small_house: House, manager: Browser) -> None:
    page = (await manager.see(f"/lots/{LOT}")).page
    assert page is not None
    assert SPACES in page.links
    done = await manager.follow(await manager.send(SPACES, SPACES, free="42", reason="数过了"))
    assert "空位已更正" in done.text
    assert "现在 42 个空位，共 100 个" in done.text
    assert "42 人工更正 王芳 数过了" in done.text
    assert (await lot(small_house)).spaces_free == 42


async def test_the_number_beside_the_menu_is_fetched_again_when_cars_come_and_go(
    small_house: House, manager: Browser
) -> None:
    part = f"{SPACES}/free"
    assert f'<live-part src="{part}" key="spaces">' in (await manager.see(f"/lots/{LOT}/stays")).raw
    await small_house.write(t.lots.update().where(t.lots.c.lot_id == LOT).values(spaces_free=97))
    assert "空位 97 / 100" in (await manager.open(part, part=True)).text
    for step in ({"step": "left"}, {"step": "entry"}, {"step": "act"}, {"step": "lane", "kind": "passed"}):
        assert "spaces" in keys_of(step), step
    assert "spaces" not in keys_of({"step": "lane", "kind": "rising"}), "an arm that moves takes no space"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"free": "101", "reason": "数过了"}, "空车位从 0 到 100"),
        ({"free": "-1", "reason": "数过了"}, "要写成整数"),
        ({"free": "٤٢", "reason": "数过了"}, "要写成整数"),
        ({"free": "", "reason": "数过了"}, "请填空车位"),
        ({"free": "42", "reason": ""}, "请写原因"),
    ],
)
async def test_what_cannot_be_is_said_and_stays_typed(
    small_house: House, manager: Browser, typed: dict[str, str], said: str
) -> None:
    answer = await manager.send(SPACES, SPACES, **typed)
    assert answer.status == 422
    assert said in answer.text
    assert answer.page is not None
    assert {name: answer.page.form(SPACES)[name] for name in typed} == typed
    assert (await lot(small_house)).spaces_free == 100


async def test_a_number_that_changed_meanwhile_is_shown_first(small_house: House, manager: Browser) -> None:
    page = (await manager.see(SPACES)).page
    assert page is not None
    await small_house.write(t.lots.update().where(t.lots.c.lot_id == LOT).values(spaces_free=97))
    answer = await manager.post(SPACES, **{**page.form(SPACES), "free": "42", "reason": "数过了"})
    assert answer.status == 422
    assert "空位从 100 变成了 97" in answer.text
    assert answer.page is not None
    await manager.follow(await manager.post(SPACES, **answer.page.form(SPACES)))
    assert (await lot(small_house)).spaces_free == 42


async def test_an_emergency_is_declared_and_ended(small_house: House, manager: Browser) -> None:
    assert (await manager.send(SPACES, EMERGENCY)).status == 422, "a reason is needed"
    done = await manager.follow(await manager.send(SPACES, EMERGENCY, why="地下冒烟"))
    assert "已进入紧急状态" in done.text
    assert (await lot(small_house)).emergency
    await manager.follow(await manager.send(SPACES, EMERGENCY, why="没事了"))
    assert not (await lot(small_house)).emergency


async def test_who_may_not_change_it_sees_the_number_and_nothing_more(small_house: House) -> None:
    browser = await person(small_house, role_without(Right.LOT_SPACES))
    page = await browser.see(SPACES)
    assert page.page is not None
    assert not page.page.offers(SPACES)
    assert "现在 100 个空位" in page.text
    token = await browser.token()
    assert (await browser.post(SPACES, token=token, free="1", reason="x")).status == 403
    assert (await browser.post(EMERGENCY, token=token, on="1", why="x")).status == 403
    await browser.close()


async def test_a_place_in_the_list_that_never_was_leads_to_its_beginning(small_house: House) -> None:
    browser = await person(small_house, Role.OWNER)
    assert (await browser.open(f"{SPACES}?after=nonsense")).location == SPACES
    await browser.close()
