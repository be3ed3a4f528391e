"""Signing in and out: who is let in, how guessing is slowed down, how long a session lasts, the second factor."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa

from taigan.lot.policy import Policy
from taigan.rights import Role
from taigan.storage import tables as t
from taigan.storage.setup import staff
from taigan.web.console.signing.accounts import AT_ONCE, Accounts, BadAccount, Refused, new_secret
from web.console.browser import PASSWORD, Browser, accounts_of, person, signed_in
from web.house import LOT, QUICK, House, Houses


async def signing(browser: Browser, login: str, password: str) -> tuple[int, str]:
    answer = await browser.send("/sign-in", "/sign-in", login=login, password=password)
    return answer.status, answer.text if answer.page is not None else answer.location


async def test_the_root_leads_to_the_sign_in_and_from_there_to_the_lot(small_house: House, stranger: Browser) -> None:
    await accounts_of(small_house).create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
    await accounts_of(small_house).give("wangfang", Role.COLLECTOR, [LOT], by="test")
    assert (await stranger.open("/")).location == "/sign-in"
    assert await signing(stranger, "wangfang", PASSWORD) == (303, "/")
    assert (await stranger.open("/")).location == f"/lots/{LOT}"
    assert "东门停车场" in (await stranger.see(f"/lots/{LOT}")).text


async def test_a_page_that_was_wanted_is_shown_after_the_sign_in_but_never_another_site(
    small_house: House, stranger: Browser
) -> None:
    await accounts_of(small_house).create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
    to = (await stranger.open(f"/lots/{LOT}/stays")).location
    answer = await stranger.send(to, "/sign-in", login="wangfang", password=PASSWORD)
    assert answer.location == f"/lots/{LOT}/stays"
    for evil in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        other = Browser(small_house)
        answer = await other.send("/sign-in", "/sign-in", login="wangfang", password=PASSWORD, next=evil)
        assert answer.location == "/"
        await other.close()


async def test_a_wrong_password_and_nobody_are_told_apart_by_nothing(houses: Houses) -> None:
    house = await houses()
    stranger = Browser(house)
    await accounts_of(house).create("wangfang", "王芳", PASSWORD, by="test")
    known = await signing(stranger, "wangfang", "not the password")
    nobody = await signing(stranger, "zhangsan", "not the password")
    assert known[0] == nobody[0] == 401
    assert known == nobody
    assert "账号或密码不对" in known[1]
    for _ in range(8):
        known, nobody = await signing(stranger, "wangfang", "no"), await signing(stranger, "zhangsan", "no")
    assert known == nobody
    assert known[0] == 429
    await stranger.close()


async def test_guessing_is_slowed_down_by_account_and_forgiven_after_the_wait(houses: Houses) -> None:
    house = await houses()
    stranger = Browser(house)
    await accounts_of(house).create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
    for _ in range(6):
        assert (await signing(stranger, "wangfang", "no"))[0] == 401
    assert (await signing(stranger, "wangfang", PASSWORD))[0] == 429
    house.clock.step(3)
    assert (await signing(stranger, "wangfang", PASSWORD))[0] == 303
    await stranger.close()


async def refusals(*tries: Awaitable[object]) -> tuple[int, int]:
    """How many of these were tried and found wrong, and how many were told to wait."""
    came = await asyncio.gather(*tries, return_exceptions=True)
    assert all(isinstance(one, Refused) for one in came), came
    waits = sum(bool(one.wait) for one in came if isinstance(one, Refused))
    return len(came) - waits, waits


async def test_guesses_that_come_all_at_once_are_no_more_than_those_that_come_one_by_one(small_house: House) -> None:
    accounts = accounts_of(small_house)
    await accounts.create("wangfang", "王芳", PASSWORD, by="test")
    tried, waited = await refusals(*(accounts.sign_in("wangfang", f"guess {n}", f"10.0.{n}.1") for n in range(60)))
    assert tried <= 6 + AT_ONCE
    assert waited >= 54 - AT_ONCE
    tried, _ = await refusals(*(accounts.sign_in(f"person{n}", "guess", "10.9.9.9") for n in range(80)))
    assert tried <= 31 + AT_ONCE


async def test_codes_and_passwords_of_who_is_signed_in_are_not_guessed_all_at_once_either(small_house: House) -> None:
    accounts = accounts_of(small_house)
    await accounts.create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
    secret = new_secret()
    await small_house.database.write(lambda conn: staff.change(conn, "wangfang", totp_secret=secret))
    token = await accounts.sign_in("wangfang", PASSWORD, "10.0.0.1")
    tried, waited = await refusals(*(accounts.confirm(token, f"{n:06}", f"10.0.{n}.1") for n in range(60)))
    assert (tried <= 6, waited >= 54) == (True, True)
    signed = await accounts.signed(token)
    assert signed is not None
    small_house.clock.step(1000)
    tried, waited = await refusals(*(accounts.change_password(signed, f"guess {n}", "x" * 12) for n in range(60)))
    assert tried <= 6 + AT_ONCE
    assert waited >= 54 - AT_ONCE


class Waiting:
    """Works passwords out when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def hash(self, password: str) -> str:
        return QUICK.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        right = QUICK.verify(hashed, password)
        self.asked.set()
        assert self.go_on.wait(60)
        return right


@pytest.mark.parametrize("what", ["reset", "disabled"])
async def test_who_signs_in_while_their_account_is_being_closed_is_not_let_in_by_what_was_right_before(
    house: House, what: str
) -> None:
    accounts = accounts_of(house)
    await accounts.create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
    hasher: Any = Waiting()
    slow = Accounts(house.database, house.clock, Policy(), hasher)
    signing_in = asyncio.create_task(slow.sign_in("wangfang", PASSWORD, "10.0.0.1"))
    assert await asyncio.to_thread(hasher.asked.wait, 60)
    if what == "reset":
        await accounts.reset("wangfang", "another good one", by="test")
    else:
        await accounts.disable("wangfang", True, by="test")
    hasher.go_on.set()
    with pytest.raises(Refused):
        await signing_in

    def sessions(conn: sa.Connection) -> list[Any]:
        return list(conn.execute(sa.select(t.staff_sessions.c.login)))

    assert await house.database.read(sessions) == []


async def test_a_password_that_is_being_changed_does_not_take_the_place_of_one_that_was_reset(
    small_house: House,
) -> None:
    accounts = accounts_of(small_house)
    await accounts.create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
    signed = await accounts.signed(await accounts.sign_in("wangfang", PASSWORD, "10.0.0.1"))
    assert signed is not None
    hasher: Any = Waiting()
    slow = Accounts(small_house.database, small_house.clock, Policy(), hasher)
    changing = asyncio.create_task(slow.change_password(signed, PASSWORD, "a thief's own one"))
    assert await asyncio.to_thread(hasher.asked.wait, 60)
    await accounts.reset("wangfang", "another good one", by="test")
    hasher.go_on.set()
    with pytest.raises(Refused):
        await changing
    assert await accounts.sign_in("wangfang", "another good one", "10.0.0.1")


async def test_one_address_that_tries_many_accounts_is_slowed_down(houses: Houses) -> None:
    house = await houses()
    browser = Browser(house)
    said = [(await signing(browser, f"person{n}", "no"))[0] for n in range(32)]
    assert said[:31] == [401] * 31
    assert said[31] == 429
    await browser.close()


async def test_a_session_ends_when_idle_and_at_last_however_busy(small_house: House, manager: Browser) -> None:
    policy = Policy()
    for _ in range(3):
        small_house.clock.step(policy.session_idle - 1)
        await manager.see("/account")
    small_house.clock.step(policy.session_idle + 120)
    assert (await manager.open("/account")).status == 303
    browser = await signed_in(small_house)
    for _ in range(int(policy.session_lasts // 3600)):
        assert (await browser.open("/account")).status == 200
        small_house.clock.step(3600)
    assert (await browser.open("/account")).status == 303
    await browser.close()


async def test_a_page_that_refreshes_itself_does_not_keep_a_session_alive(small_house: House, manager: Browser) -> None:
    step = Policy().session_idle / 2
    for _ in range(2):
        small_house.clock.step(step)
        assert (await manager.open(f"/lots/{LOT}/attention", part=True)).status == 200
    small_house.clock.step(120)
    assert (await manager.open(f"/lots/{LOT}/attention", part=True)).status == 401


async def test_the_database_holds_neither_a_password_nor_a_session_token(small_house: House, manager: Browser) -> None:
    token = manager.client.cookies["session"]

    def everything(conn: sa.Connection) -> str:
        return repr([row for table in (t.staff, t.staff_sessions) for row in conn.execute(sa.select(table))])

    kept = await small_house.database.read(everything)
    assert "$argon2id$" in kept
    assert PASSWORD not in kept
    assert token not in kept


async def test_the_cookie_is_for_this_host_alone_where_tls_is(small_house: House) -> None:
    await accounts_of(small_house).create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
    for https, name in ((True, "__Host-session"), (False, "session")):
        browser = Browser(small_house, https=https)
        answer = await browser.send("/sign-in", "/sign-in", login="wangfang", password=PASSWORD)
        cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{name}="))
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "path=/", "samesite=lax"} <= attributes
        assert ("secure" in attributes) is https
        assert not any(part.startswith("domain") for part in attributes)
        await browser.close()


async def test_signing_in_gives_a_new_token_and_signing_out_ends_it(small_house: House, stranger: Browser) -> None:
    await accounts_of(small_house).create("wangfang", "王芳", PASSWORD, by="test", must_change=False)
    await stranger.see("/sign-in")
    before = stranger.client.cookies["session"]
    await signing(stranger, "wangfang", PASSWORD)
    token = stranger.client.cookies["session"]
    assert token != before
    await stranger.post("/sign-out", token=await stranger.token())
    stranger.client.cookies.set("session", token)
    assert (await stranger.open("/account")).status == 303


async def test_who_is_disabled_is_out_at_once_and_not_let_in(small_house: House, manager: Browser) -> None:
    await accounts_of(small_house).disable("wangfang", True, by="test")
    assert (await manager.open("/account")).status == 303
    assert (await signing(manager, "wangfang", PASSWORD))[0] == 401
    await accounts_of(small_house).disable("wangfang", False, by="test")
    assert (await signing(manager, "wangfang", PASSWORD))[0] == 303


async def test_a_password_that_another_gave_is_changed_before_anything_else(
    small_house: House, stranger: Browser
) -> None:
    await accounts_of(small_house).create("wangfang", "王芳", PASSWORD, by="test")
    await accounts_of(small_house).give("wangfang", Role.OWNER, (), by="test")
    await signing(stranger, "wangfang", PASSWORD)
    assert (await stranger.open(f"/lots/{LOT}")).location == "/account"
    change = "/account/password"
    for typed, said in (
        ({"before": PASSWORD, "password": "short", "again": "short"}, "10 到 200"),
        ({"before": PASSWORD, "password": "wangfang-2025", "again": "wangfang-2025"}, "太容易猜到"),
        ({"before": PASSWORD, "password": PASSWORD, "again": PASSWORD}, "和现在的一样"),
        ({"before": PASSWORD, "password": "another good one", "again": "another"}, "不一样"),
        ({"before": "no", "password": "another good one", "again": "another good one"}, "现在的密码不对"),
    ):
        answer = await stranger.send("/account", change, **typed)
        assert answer.status == 422
        assert said in answer.text
        assert typed["password"] not in answer.raw
    good = {"before": PASSWORD, "password": "another good one", "again": "another good one"}
    assert "密码已改" in (await stranger.follow(await stranger.send("/account", change, **good))).text
    await stranger.see(f"/lots/{LOT}")


async def test_changing_the_password_signs_other_browsers_out(small_house: House, manager: Browser) -> None:
    other = await signed_in(small_house)
    typed = {"before": PASSWORD, "password": "another good one", "again": "another good one"}
    await manager.send("/account", "/account/password", **typed)
    assert (await other.open("/account")).status == 303
    await manager.see("/account")
    await other.close()


async def test_with_a_second_factor_the_password_alone_opens_nothing(small_house: House, manager: Browser) -> None:
    secret = (await manager.see("/account/second-factor")).page.form("/account/second-factor")["secret"]  # type: ignore[union-attr]
    totp = pyotp.TOTP(secret)

    def shown() -> str:
        return totp.at(small_house.clock.now())

    wrong = await manager.post("/account/second-factor", token=await manager.token(), secret=secret, code="000000")
    assert wrong.status == 422
    assert secret in wrong.raw
    done = await manager.post("/account/second-factor", token=await manager.token(), secret=secret, code=shown())
    assert done.location == "/account"
    small_house.clock.step(60)
    browser = await signed_in(small_house)
    assert (await browser.open(f"/lots/{LOT}")).location == "/sign-in/code"
    assert (await browser.open("/")).location == "/sign-in/code"
    assert (await browser.send("/sign-in/code", "/sign-in/code", code="000000")).status == 401
    code = shown()
    assert (await browser.send("/sign-in/code", "/sign-in/code", code=f"{code[:3]} {code[3:]}")).location == "/"
    await browser.see(f"/lots/{LOT}")
    again = await signed_in(small_house)
    assert (await again.send("/sign-in/code", "/sign-in/code", code=code)).status == 401, "a code works once"
    await browser.close()
    await again.close()
    other_secret = new_secret()
    code = pyotp.TOTP(other_secret).at(small_house.clock.now())
    typed = {"token": await manager.token(), "secret": other_secret, "code": code}
    for proof in ("", "not the password"):
        answer = await manager.post("/account/second-factor", proof=proof, **typed)
        assert (answer.status, "现在的密码不对" in answer.text) == (422, True), "another phone takes the password"
    found = await accounts_of(small_house).find("wangfang")
    assert found is not None
    assert found[0].totp_secret == secret
    assert (await manager.post("/account/second-factor", proof=PASSWORD, **typed)).location == "/account"


async def test_a_role_that_needs_a_second_factor_comes_no_further_without_one(houses: Houses) -> None:
    house = await houses(policy=Policy(second_factor=("finance",)))
    browser = await person(house, Role.FINANCE)
    assert (await browser.open(f"/lots/{LOT}")).location == "/account/second-factor"
    await browser.see("/account/second-factor")
    other = await person(house, Role.COLLECTOR, login="liqiang", name="李强")
    await other.see(f"/lots/{LOT}")
    await browser.close()
    await other.close()


async def test_what_cannot_be_an_account_is_refused(small_house: House) -> None:
    accounts = accounts_of(small_house)
    await accounts.create("wangfang", "王芳", PASSWORD, by="test")
    for login, name, password, field in (
        ("wangfang", "别人", PASSWORD, "login"),
        ("other", "王芳", PASSWORD, "name"),
        ("", "李强", PASSWORD, "login"),
        ("Li Qiang", "李强", PASSWORD, "login"),
        ("liqiang", "  ", PASSWORD, "name"),
        ("liqiang", "李" * 33, PASSWORD, "name"),
        ("liqiang", "李\n强", PASSWORD, "name"),
        ("liqiang", "李强", "aaaaaaaaaaaa", "password"),
        ("liqiang", "李强", "x" * 201, "password"),
    ):
        with pytest.raises(BadAccount) as refused:
            await accounts.create(login, name, password, by="test")
        assert refused.value.field == field


async def test_a_code_of_the_second_factor_works_once_even_for_two_at_a_time(house: House) -> None:
    accounts: Accounts = accounts_of(house)
    await accounts.create("wangfang", "王芳", PASSWORD, by="test")
    secret = new_secret()
    await house.database.write(lambda conn: staff.change(conn, "wangfang", totp_secret=secret))
    step = int(house.clock.now().timestamp()) // 30
    assert await house.database.write(lambda conn: staff.use_step(conn, "wangfang", step))
    assert not await house.database.write(lambda conn: staff.use_step(conn, "wangfang", step))
    assert not await house.database.write(lambda conn: staff.use_step(conn, "wangfang", step - 1))


async def test_the_account_stands_beside_the_menu_of_the_lot_that_was_looked_at_last(small_house: House) -> None:
    browser = await person(small_house, Role.MANAGER, lots=(LOT, "200002-8"))
    assert "空位" not in (await browser.see("/account")).text, "of two lots nobody knows which"
    await browser.see(f"/lots/{LOT}/stays")
    page = await browser.see("/account")
    assert page.page is not None
    assert f"/lots/{LOT}/stays" in page.page.links
    assert f'data-lot="/lots/{LOT}"' in page.raw
    local = small_house.clock.now() + timedelta(hours=8)
    assert f"{local:%Y-%m-%d %H:%M}" in page.text, "times are those of the lot's clock"
    await browser.close()
    other = await person(small_house, Role.MANAGER, login="lina", name="李娜")
    other.client.cookies.set("lot", "200002-8", domain="lot", path="/")
    text = (await other.see("/account")).text
    assert "空位 100 / 100" in text, "the only lot of theirs is theirs anyway"
    await other.close()
