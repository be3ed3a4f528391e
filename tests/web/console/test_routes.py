"""Every page of the console: what right it takes, how one comes to it, and who reaches it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from taigan.rights import Right, Role
from taigan.web.console.allowed import Who, rights_at
from taigan.web.console.door import FIRST_PARTS
from taigan.web.console.framework import framework
from taigan.web.console.rendering import menu
from web.console.browser import Browser, accounts_of, person, signed_in
from web.house import LOT, House

OTHER = "200002-8"
STREAM = "/lots/{lot_id}/live"
VALUES = {
    "{channel_id}": "A1",
    "{order_id}": "order_0001",
    "{login}": "wangfang",
    "{table}": "payments",
    "{what}": "publish",
    "{card_id}": "K1",
}
"""What stands in the addresses; what is not named here is 1."""


def handlers() -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in framework().routes:
        assert isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                yield method, route.path_format, handler


HANDLERS = sorted(handlers(), key=lambda one: (one[1], one[0]))


def filled(path: str, lot_id: str = LOT) -> str:
    path = path.replace("{lot_id}", quote(lot_id, safe=""))
    for name, value in VALUES.items():
        path = path.replace(name, quote(value, safe=""))
    while "{" in path:
        path = path[: path.index("{")] + "1" + path[path.index("}") + 1 :]
    return path


@pytest.mark.parametrize(("method", "path", "handler"), HANDLERS, ids=lambda value: str(value)[:60])
def test_every_address_names_a_right_or_who_may_come(method: str, path: str, handler: HTTPRouteHandler) -> None:
    named = rights_at(handler)
    assert isinstance(named, Who) or all(isinstance(right, Right) for right in named)
    if "{lot_id}" in path:
        assert not isinstance(named, Who), "what belongs to a lot takes a right there"
    assert path.strip("/").partition("/")[0] in FIRST_PARTS


def test_an_address_without_a_right_is_an_error_and_not_open() -> None:
    def forgotten() -> None:
        pass

    with pytest.raises(KeyError):
        rights_at(get("/forgotten", sync_to_thread=False)(forgotten))


def test_every_page_is_in_the_menu_or_is_an_exception() -> None:
    pages = {path for method, path, _ in HANDLERS if method == "GET"}
    in_menu = {f"/lots/{{lot_id}}/{entry.path}".rstrip("/") for group in menu.LOT for entry in group}
    in_menu |= {f"/{entry.path}" for entry in menu.ALL}
    assert in_menu <= pages
    assert not in_menu & menu.EXCEPTIONS
    assert pages - in_menu == menu.EXCEPTIONS


def test_the_menu_asks_for_the_right_that_its_page_takes() -> None:
    taken = {path: rights_at(handler) for method, path, handler in HANDLERS if method == "GET"}
    for entry in (entry for group in menu.LOT for entry in group):
        assert entry.right in taken[f"/lots/{{lot_id}}/{entry.path}".rstrip("/")], entry


async def test_who_is_not_signed_in_reaches_the_sign_in_and_nothing_else(small_house: House, stranger: Browser) -> None:
    await stranger.see("/sign-in")
    token = (await stranger.see("/sign-in")).page.form("/sign-in")["token"]  # type: ignore[union-attr]
    for method, path, handler in HANDLERS:
        if rights_at(handler) is Who.ANYBODY:
            continue
        if method == "GET":
            answer = await stranger.open(filled(path))
        else:
            answer = await stranger.post(filled(path), token=token)
        assert answer.status == 303, (method, path)
        assert answer.location.startswith("/sign-in"), (method, path)
        part = await stranger.open(filled(path), part=True)
        assert part.status in (401, 405), path


@pytest.mark.parametrize("role", Role)
async def test_each_role_reaches_what_it_may_in_its_own_lot(small_house: House, role: Role) -> None:
    await small_house.order("粤B12345")
    browser = await person(small_house, role)
    token = await browser.token()
    for method, path, needed in of_a_lot():
        may = any(right in role.rights for right in needed)
        if path == STREAM and may:  # that answer has no end
            continue
        here = await browser.open(filled(path)) if method == "GET" else await browser.post(filled(path), token=token)
        assert (here.status == 403) == (not may), (method, path, here.status)
        assert here.status < 500 or here.status == 502, (method, path)
    await browser.close()


@pytest.mark.parametrize("lot_id", [OTHER, "200002-nothing"])
async def test_who_may_do_everything_in_one_lot_reaches_nothing_in_another(small_house: House, lot_id: str) -> None:
    browser = await person(small_house, *Role)
    token = await browser.token()
    for method, path, _ in of_a_lot():
        there = filled(path, lot_id)
        answer = await browser.open(there) if method == "GET" else await browser.post(there, token=token)
        assert answer.status == 404, (method, path)
        assert lot_id not in answer.text
    await browser.close()


def of_a_lot() -> Iterator[tuple[str, str, Sequence[Right]]]:
    """Method, address and rights of what belongs to a lot."""
    for method, path, handler in HANDLERS:
        needed = rights_at(handler)
        if "{lot_id}" in path and not isinstance(needed, Who):
            yield method, path, needed


async def test_a_form_without_its_token_does_nothing(small_house: House, manager: Browser) -> None:
    for method, path, _ in HANDLERS:
        if method == "POST":
            for given in ({}, {"token": ""}, {"token": "wangfang.0000"}, {"token": "wangfang." + "0" * 64}):
                assert (await manager.post(filled(path), **given)).status == 403, (path, given)
    assert small_house.barriers["A1"].commands == []


async def test_a_form_of_another_browser_of_the_same_person_is_not_taken(small_house: House, manager: Browser) -> None:
    other = await signed_in(small_house)
    answer = await manager.post(filled("/lots/{lot_id}/lanes/{channel_id}/close"), token=await other.token())
    assert answer.status == 403
    await other.close()


async def test_a_tab_from_before_another_person_signed_in_is_refused_with_the_reason(
    small_house: House, manager: Browser
) -> None:
    stale = await manager.token()
    await accounts_of(small_house).create("liqiang", "李强", "correct horse battery", by="test", must_change=False)
    await accounts_of(small_house).give("liqiang", Role.MANAGER, [LOT], by="test")
    await manager.post("/sign-out", token=stale)
    await manager.send("/sign-in", "/sign-in", login="liqiang", password="correct horse battery")
    answer = await manager.post(filled("/lots/{lot_id}/lanes/{channel_id}/close"), token=stale)
    assert answer.status == 403
    assert "wangfang" in answer.text
    assert small_house.barriers["A1"].commands == []


async def test_a_wrong_method_is_said_on_a_page(small_house: House, manager: Browser) -> None:
    methods: dict[str, set[str]] = {}
    for method, path, _ in HANDLERS:
        methods.setdefault(path, set()).add(method)
    token = await manager.token()
    for path, known in methods.items():
        if "POST" not in known:
            assert (await manager.post(filled(path), token=token)).status == 405, path
        if "GET" not in known:
            assert (await manager.open(filled(path))).status == 405, path


async def test_every_page_that_a_role_may_open_is_whole_in_both_languages(small_house: House) -> None:
    await small_house.order("粤B12345")
    for language in ("zh-CN", "en"):
        browser = await person(
            small_house, Role.OWNER, login=f"owner-{language.lower()}", name=f"所有者{language}", language=language
        )
        for method, path, _ in HANDLERS:
            if method == "GET" and path != STREAM:
                answer = await browser.open(filled(path))
                assert answer.status in (200, 303, 404), (path, answer.status)
        await browser.close()


async def test_links_of_pages_lead_somewhere(small_house: House) -> None:
    await small_house.order("粤B12345")
    browser = await person(small_house, Role.OWNER)
    seen, ahead = set(), ["/"]
    while ahead:
        path = ahead.pop().partition("#")[0]
        if path in seen or not path.startswith("/") or path.startswith("/?") or path.endswith("/live"):
            continue
        seen.add(path)
        answer = await browser.open(path)
        assert answer.status in (200, 303), path
        if answer.status == 303:
            ahead.append(answer.location)
        elif answer.page is not None:
            ahead += [url for url in (*answer.page.links, *answer.page.sources) if url]
    assert f"/lots/{LOT}/stays" in seen
    await browser.close()
