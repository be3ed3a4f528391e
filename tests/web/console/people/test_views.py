"""Saved views: a person keeps the filters of a list under a name, in one lot, and nobody else sees them."""

from __future__ import annotations

import pytest

from taigan.rights import Right, Role
from taigan.storage.setup.saved_views import MOST
from web.console.browser import Browser, person, role_without
from web.house import LOT, House

HERE = f"/lots/{LOT}"
SAVE, DROP = f"{HERE}/views/save", f"{HERE}/views/drop"


def links(browser: Browser) -> list[str]:
    assert browser.last is not None
    assert browser.last.page is not None
    return browser.last.page.links


async def test_the_filters_that_are_looked_at_are_kept_under_a_name_and_lead_back(manager: Browser) -> None:
    answer = await manager.send(f"{HERE}/stays?state=out&q=b1&lang=zh-CN", SAVE, name="昨天离场")
    assert answer.status == 303
    assert answer.location == f"{HERE}/stays?q=b1&state=out"
    page = await manager.follow(answer)
    assert "已存为“昨天离场”。" in page.text
    assert f'href="{HERE}/stays?q=b1&amp;state=out" aria-current="page">昨天离场</a>' in page.raw
    await manager.see(f"{HERE}/stays")
    assert f"{HERE}/stays?q=b1&state=out" in links(manager)


@pytest.mark.parametrize("path", ["money", "money/payments", "money/bills"])
async def test_the_lists_of_money_have_views_of_their_own(manager: Browser, path: str) -> None:
    await manager.send(f"{HERE}/{path}?from=2025-06-01&to=2025-06-02&what=owed", SAVE, name="这两天")
    await manager.see(f"{HERE}/{path}")
    kept = [link for link in links(manager) if link.startswith(f"{HERE}/{path}?from=2025-06-01&to=2025-06-02")]
    assert kept
    assert "这两天" not in (await manager.see(f"{HERE}/stays")).text


async def test_the_same_name_replaces_and_a_press_deletes(manager: Browser) -> None:
    await manager.send(f"{HERE}/stays?q=1", SAVE, name="常看")
    await manager.send(f"{HERE}/stays?q=2", SAVE, name="常看")
    await manager.see(f"{HERE}/stays")
    assert [link for link in links(manager) if "?q=" in link] == [f"{HERE}/stays?q=2"]
    answer = await manager.send(f"{HERE}/stays", DROP, name="常看")
    assert "已删除“常看”。" in (await manager.follow(answer)).text
    await manager.see(f"{HERE}/stays")
    assert not [link for link in links(manager) if "?q=" in link]


async def test_another_person_and_another_lot_have_their_own(small_house: House, manager: Browser) -> None:
    await manager.send(f"{HERE}/stays?q=1", SAVE, name="王芳的")
    other = await person(small_house, Role.COLLECTOR, login="liqiang", name="李强")
    assert "王芳的" not in (await other.see(f"{HERE}/stays")).text
    await other.close()


@pytest.mark.parametrize(
    ("name", "said"),
    [("", "请给它起个名字。"), ("长" * 31, "最多 30 个字"), ("a\x07b", "请给它起个名字。")],
    ids=["none", "long", "bell"],
)
async def test_a_name_that_is_none_is_said_on_the_list(manager: Browser, name: str, said: str) -> None:
    answer = await manager.send(f"{HERE}/stays?q=1", SAVE, name=name)
    assert answer.location == f"{HERE}/stays?q=1", "what was looked for is still there"
    assert said in (await manager.follow(answer)).text


async def test_so_many_and_no_more(manager: Browser) -> None:
    for number in range(MOST):
        await manager.send(f"{HERE}/stays?q={number}", SAVE, name=f"v{number}")
    answer = await manager.send(f"{HERE}/stays?q=x", SAVE, name="one more")
    assert f"最多存 {MOST} 个" in (await manager.follow(answer)).text


async def test_a_list_that_is_none_is_refused(manager: Browser) -> None:
    token = await manager.token()
    assert (await manager.post(SAVE, token=token, page="nothing", name="x")).status == 400


async def test_a_list_that_may_not_be_seen_has_no_views(small_house: House) -> None:
    browser = await person(small_house, role_without(Right.MONEY_SEE))
    token = await browser.token()
    assert (await browser.post(SAVE, token=token, page="money", name="x")).status == 403
    await browser.close()
