"""People: an account with a role in the lot, what may be given and by whom, disabled and reset; every act with why."""

from __future__ import annotations

import re

from taigan.rights import Right, Role
from taigan.storage.shown import views
from web.console.browser import PASSWORD, Answer, Browser, accounts_of, person, role_without, signed_in
from web.house import LOT, House

PEOPLE = f"/lots/{LOT}/people"
OTHER = "200002-8"
NEW = {"login": "liqiang", "name": "李强", "role": "collector", "reason": "新来的"}


def password_of(answer: Answer) -> str:
    """The password that the page shows this once."""
    found = re.search(r"<code>([a-z0-9-]+)</code>", answer.raw)
    assert found is not None, answer.text
    return found[1]


async def acts(house: House, lot_id: str = "") -> list[tuple[str, str, str, str]]:
    found = await house.database.read(lambda conn: views.acts(conn, lot_id, 50, ()))
    return [(one.operator, one.act, one.reason, one.via) for one in found]


async def test_a_new_person_signs_in_with_the_password_shown_once_and_changes_it_first(
    small_house: House, manager: Browser
) -> None:
    made = await manager.send(PEOPLE, PEOPLE, **NEW)
    assert made.status == 200
    newcomer = Browser(small_house)
    entered = await newcomer.send("/sign-in", "/sign-in", login="liqiang", password=password_of(made))
    assert entered.status == 303
    assert (await newcomer.open(f"/lots/{LOT}")).location == "/account", "somebody else chose the password"
    await newcomer.close()
    page = await manager.see(PEOPLE)
    assert "李强" in page.text
    assert "还没换密码" in page.text
    assert password_of(made) not in page.raw
    assert ("王芳", "person liqiang (李强) created", "新来的", "console:wangfang") in await acts(small_house)
    assert ("王芳", f"person liqiang given collector in {LOT}", "新来的", "console:wangfang") in await acts(
        small_house, LOT
    )


async def test_what_cannot_be_an_account_is_said_at_its_field_and_stays(small_house: House, manager: Browser) -> None:
    for wrong, said in (
        ({"login": ""}, "账号是 2 到 32 个"),
        ({"login": "李强"}, "账号是 2 到 32 个"),
        ({"name": " "}, "姓名是 1 到 32 个字"),
        ({"role": "emperor"}, "请选一个角色"),
        ({"login": "wangfang"}, "这个账号已经有人用"),
        ({"name": "王芳"}, "这个姓名已经有人用"),
        ({"known": "1"}, "没有这个账号"),
        ({"login": "x" * 40}, "最多 32 个字"),
    ):
        answer = await manager.send(PEOPLE, PEOPLE, **{**NEW, **wrong})
        assert answer.status == 422, wrong
        assert said in answer.text, wrong
        assert "新来的" in answer.raw


async def test_nobody_gives_more_than_they_have(small_house: House, manager: Browser) -> None:
    page = (await manager.see(PEOPLE)).raw
    assert 'value="owner"' not in page
    assert 'value="camera"' not in page
    token = await manager.token()
    for role in ("owner", "maintenance"):
        assert (await manager.post(PEOPLE, token=token, **{**NEW, "role": role})).status == 403
    assert (await manager.post(PEOPLE, token=token, **{**NEW, "role": "camera"})).status == 422
    assert await accounts_of(small_house).find("liqiang") is None, "not even the account is made"


async def test_somebody_with_an_account_is_given_a_role_and_loses_it(small_house: House, manager: Browser) -> None:
    accounts = accounts_of(small_house)
    await accounts.create("chenjie", "陈杰", PASSWORD, by="test", must_change=False)
    assert (await manager.open(f"{PEOPLE}/chenjie")).status == 404, "no role here: none of their business"
    given = await manager.follow(await manager.send(PEOPLE, PEOPLE, **{**NEW, "login": "chenjie", "known": "1"}))
    assert "陈杰" in given.text
    more = await manager.send(f"{PEOPLE}/chenjie", f"{PEOPLE}/chenjie/give", role="finance", reason="也管账")
    assert "财务" in (await manager.follow(more)).text
    taken = await manager.send(f"{PEOPLE}/chenjie", f"{PEOPLE}/chenjie/take", role="collector", reason="不收费了")
    assert "角色已收回" in (await manager.follow(taken)).text
    found = await accounts.find("chenjie")
    assert found is not None
    assert [one.role for one in found[1]] == ["finance"]
    token = await manager.token()
    again = {"token": token, "role": "collector", "reason": "x"}
    assert (await manager.post(f"{PEOPLE}/chenjie/take", **again)).status == 409
    assert (await manager.post(f"{PEOPLE}/chenjie/give", token=token, role="collector", reason="")).status == 400


async def test_whoever_is_disabled_is_out_at_once_and_comes_back_when_enabled(
    small_house: House, manager: Browser
) -> None:
    other = await person(small_house, Role.COLLECTOR, login="liqiang", name="李强")
    path = f"{PEOPLE}/liqiang/disable"
    refused = await manager.send(f"{PEOPLE}/liqiang", path, reason="")
    assert "请写原因" in (await manager.follow(refused)).text
    done = await manager.follow(await manager.send(f"{PEOPLE}/liqiang", path, reason="离职"))
    assert "账号已停用" in done.text
    assert (await other.open(f"/lots/{LOT}")).location.startswith("/sign-in")
    await other.close()
    await manager.send(f"{PEOPLE}/liqiang", path, reason="又来了")
    back = await signed_in(small_house, "liqiang")
    await back.see(f"/lots/{LOT}")
    await back.close()
    assert ("王芳", "person liqiang disabled", "离职", "console:wangfang") in await acts(small_house)


async def test_a_reset_gives_another_password_and_ends_every_session(small_house: House, manager: Browser) -> None:
    other = await person(small_house, Role.COLLECTOR, login="liqiang", name="李强")
    shown = await manager.send(f"{PEOPLE}/liqiang", f"{PEOPLE}/liqiang/reset", reason="忘了密码")
    assert (await other.open(f"/lots/{LOT}")).location.startswith("/sign-in")
    wrong = await other.send("/sign-in", "/sign-in", login="liqiang", password=PASSWORD)
    assert wrong.status == 401
    right = await other.send("/sign-in", "/sign-in", login="liqiang", password=password_of(shown))
    assert right.status == 303
    await other.close()


async def test_who_has_more_or_works_elsewhere_too_is_neither_disabled_nor_reset(
    small_house: House, manager: Browser
) -> None:
    accounts = accounts_of(small_house)
    for login, name, role, lots in (("owner", "老板", Role.OWNER, []), ("both", "两边", Role.COLLECTOR, [LOT, OTHER])):
        await accounts.create(login, name, PASSWORD, by="test", must_change=False)
        await accounts.give(login, role, lots, by="test")
        page = (await manager.see(f"{PEOPLE}/{login}")).page
        assert page is not None
        assert not page.offers(f"{PEOPLE}/{login}/reset")
        for act in ("disable", "reset"):
            answer = await manager.post(f"{PEOPLE}/{login}/{act}", token=await manager.token(), reason="x")
            assert answer.status == 409, (login, act)
            assert "别的车场" in answer.text
    await signed_in(small_house, "owner")


async def test_nobody_does_it_to_themselves(small_house: House, manager: Browser) -> None:
    token = await manager.token()
    for act in ("disable", "reset", "take"):
        answer = await manager.post(f"{PEOPLE}/wangfang/{act}", token=token, reason="x", role="manager")
        assert answer.status == 409, act
    await manager.see(PEOPLE)


async def test_who_may_only_look_has_no_forms_and_who_may_not_sees_nothing(small_house: House) -> None:
    reader = await person(small_house, Role.AUDITOR, login="audit", name="审计员")
    page = (await reader.open(PEOPLE)).page
    if Right.STAFF_SEE in Role.AUDITOR.rights:
        assert page is not None
        assert not page.offers(PEOPLE)
    await reader.close()
    blind = await person(small_house, role_without(Right.STAFF_SEE), login="blind", name="看不见")
    assert (await blind.open(PEOPLE)).status == 403
    assert (await blind.open(f"{PEOPLE}/wangfang")).status == 403
    await blind.close()


async def test_people_of_another_lot_are_not_seen(small_house: House, manager: Browser) -> None:
    accounts = accounts_of(small_house)
    await accounts.create("faraway", "远方", PASSWORD, by="test", must_change=False)
    await accounts.give("faraway", Role.COLLECTOR, [OTHER], by="test")
    assert "远方" not in (await manager.see(PEOPLE)).text
    for path in ("", "/give", "/take", "/disable", "/reset"):
        url = f"{PEOPLE}/faraway{path}"
        answer = await (
            manager.post(url, token=await manager.token(), reason="x", role="collector") if path else manager.open(url)
        )
        assert answer.status == 404, path
