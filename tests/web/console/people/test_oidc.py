"""Signing in by a provider of OpenID Connect: who is let in, each way to cheat, and what becomes of the password."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pyotp
import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey, RSAKey

from support.servers.oidc_provider import CLIENT_ID, CLIENT_SECRET, Claims, OidcProvider
from support.servers.ports import free_port
from taigan.network.transport import AiohttpTransport
from taigan.rights import Role
from taigan.storage import tables as t
from taigan.storage.database import open_database
from taigan.storage.setup import staff
from taigan.web.console.signing.accounts import BadAccount, new_secret
from taigan.web.console.signing.elsewhere import Identity, new_flow
from taigan.web.console.signing.oidc_client import OidcClient
from taigan.web.console.visit import seal
from web.console.browser import PASSWORD, Answer, Browser, accounts_of, person, signed_in
from web.house import LOT, House, StandingClock, house_at, served


@dataclass
class Place:
    """A console and the provider that its persons may sign in by."""

    house: House
    provider: OidcProvider
    ours: OidcClient
    transport: AiohttpTransport
    far: httpx.AsyncClient
    tests: int = 0

    def again(self, issuer: str = "", **options: Any) -> None:
        """Our side as new."""
        self.provider.client.method = options.pop("method", "client_secret_basic")
        self.ours.__init__(  # type: ignore[misc]
            issuer or self.provider.issuer,
            CLIENT_ID,
            CLIENT_SECRET,
            "http://lot",
            self.transport,
            self.house.clock,
            **options,
        )

    async def consent(self, address: str, subject: str = "zhang") -> str:
        """Somebody signs in at the provider; where it sends their browser back to."""
        answer = await self.far.post(address, data={"subject": subject} if subject else {})
        assert answer.status_code == 302, answer.text
        back = urlsplit(answer.headers["location"])
        assert f"{back.scheme}://{back.netloc}" == "http://lot"
        return f"{back.path}?{back.query}"

    async def linked(self, login: str = "wangfang", subject: str = "zhang", name: str = "王芳") -> None:
        """A manager who is let in by that account."""
        accounts = accounts_of(self.house)
        await accounts.create(login, name, PASSWORD, by="test", must_change=False)
        await accounts.give(login, Role.MANAGER, [LOT], by="test")
        await accounts.link(login, Identity(self.ours.issuer, subject, ""), by="test")

    async def audit(self) -> list[tuple[str, str, str]]:
        """Who did what through what, about accounts."""

        def read(conn: sa.Connection) -> list[tuple[str, str, str]]:
            act = t.operator_acts.c
            found = conn.execute(sa.select(act.operator, act.act, act.via).order_by(act.act_id))
            return [(who, what, via) for who, what, via in found]

        return await self.house.database.read(read)


@pytest.fixture(scope="module")
async def built_place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    clock = StandingClock()
    provider = OidcProvider(clock)
    database = await open_database(f"sqlite:///{tmp_path_factory.mktemp('oidc') / 'lot.sqlite3'}")
    async with served(provider) as port, AiohttpTransport() as transport, httpx.AsyncClient() as far:
        provider.issuer = f"http://127.0.0.1:{port}"
        ours = OidcClient(provider.issuer, CLIENT_ID, CLIENT_SECRET, "http://lot", transport, clock)
        house = await house_at(database, clock=clock, provider=ours)
        yield Place(house, provider, ours, transport, far)
    await database.close()


@pytest.fixture
async def place(built_place: Place) -> Place:
    await built_place.house.clear()
    issuer = built_place.provider.issuer
    built_place.provider.__init__(built_place.house.clock)  # type: ignore[misc]
    built_place.provider.issuer = issuer
    built_place.tests += 1
    built_place.house.clock.step(built_place.tests * 1000)  # who had to wait in another test does not in this one
    built_place.again()
    return built_place


@pytest.fixture
async def browser(place: Place) -> AsyncIterator[Browser]:
    browser = Browser(place.house)
    yield browser
    await browser.close()


async def left(browser: Browser, path: str = "/sign-in/oidc") -> str:
    """Where the provider is, for a browser that goes there."""
    answer = await browser.open(path)
    assert answer.status == 303
    return answer.location


async def came(place: Place, browser: Browser, subject: str = "zhang", path: str = "/sign-in/oidc") -> Answer:
    """To the provider and back."""
    return await browser.open(await place.consent(await left(browser, path), subject))


async def refused(browser: Browser, answer: Answer, said: str) -> None:
    """Nobody was let in, and the sign-in page says why."""
    assert answer.status == 303
    assert urlsplit(answer.location).path == "/sign-in"
    assert said in (await browser.see(answer.location)).text
    assert (await browser.open("/account")).location.startswith("/sign-in")


async def test_who_is_linked_is_let_in_without_a_password_and_the_audit_says_how(
    place: Place, browser: Browser
) -> None:
    await place.linked()
    assert (await browser.see("/sign-in")).page.links.count("http://lot/sign-in/oidc") == 1  # type: ignore[union-attr]
    assert (await came(place, browser)).location == "/"
    assert "王芳" in (await browser.see(f"/lots/{LOT}")).text
    who, what, via = (await place.audit())[-1]
    assert (who, via) == ("王芳", "oidc:wangfang")
    assert what.endswith(f"by account zhang at {place.provider.issuer}")
    page = (await browser.see(f"/lots/{LOT}/audit?kind=accounts")).text
    assert "统一登录 wangfang" in page
    assert f"账号 zhang（{place.provider.issuer}）" in page


async def test_the_page_that_was_wanted_is_shown_at_the_end_but_never_another_site(
    place: Place, browser: Browser
) -> None:
    await place.linked()
    asked = (await browser.open(f"/lots/{LOT}/stays")).location
    link = next(one for one in (await browser.see(asked)).page.links if "/sign-in/oidc" in one)  # type: ignore[union-attr]
    assert (await came(place, browser, path=link.removeprefix("http://lot"))).location == f"/lots/{LOT}/stays"
    for evil in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/%0d%0aset-cookie:x",
        "/x" * 600,
        "/东" * 300,
    ):
        other = Browser(place.house)
        answer = await came(place, other, path=f"/sign-in/oidc?next={evil}")
        assert answer.location == "/", evil
        await other.close()


async def test_what_goes_to_the_provider_is_new_each_time_and_held_by_a_cookie_that_scripts_do_not_see(
    place: Place, browser: Browser
) -> None:
    seen: list[dict[str, str]] = []
    for _ in range(2):
        answer = await browser.open("/sign-in/oidc")
        seen.append(dict(parse_qsl(urlsplit(answer.location).query)))
        assert seen[-1]["redirect_uri"] == "http://lot/sign-in/oidc/back"
        assert (seen[-1]["response_type"], seen[-1]["code_challenge_method"]) == ("code", "S256")
        cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("oidc="))
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "path=/", "samesite=lax", "max-age=600"} <= attributes
    for name in ("state", "nonce", "code_challenge"):
        assert seen[0][name] != seen[1][name]
        assert len(seen[0][name]) >= 43
    secure = Browser(place.house, https=True)
    cookies = (await secure.open("/sign-in/oidc")).headers.get_list("set-cookie")
    assert any(one.startswith("__Host-oidc=") and "secure" in one.lower() for one in cookies)
    await secure.close()


async def test_an_account_that_is_linked_to_nobody_is_not_let_in_and_makes_no_person(
    place: Place, browser: Browser
) -> None:
    await place.linked(subject="somebody-else")
    await refused(browser, await came(place, browser), "账号 张三 还没有连到值班台的任何人")
    said = f"was not let in from 127.0.0.1 by account zhang at {place.ours.issuer}"
    assert (await place.audit())[-1][1].endswith(said)
    assert [one.login for one, _ in await accounts_of(place.house).listed()] == ["wangfang"]


async def test_neither_a_name_nor_an_address_that_fits_lets_anybody_in(place: Place, browser: Browser) -> None:
    await place.linked(subject="somebody-else")
    place.provider.change = lambda claims: claims.update(
        preferred_username="wangfang", email="wangfang@example.com", email_verified=True, name="王芳"
    )
    await refused(browser, await came(place, browser, "mallory"), "还没有连到")


async def test_who_is_disabled_stays_out(place: Place, browser: Browser) -> None:
    await place.linked()
    assert (await came(place, browser)).location == "/"
    await accounts_of(place.house).disable("wangfang", True, by="test")
    assert (await browser.open("/account")).location.startswith("/sign-in")
    await refused(browser, await came(place, browser), "这个人的账号已停用")


async def test_a_way_back_that_did_not_begin_here_lets_nobody_in(place: Place, browser: Browser) -> None:
    await place.linked()
    attacker = Browser(place.house)
    theirs = await place.consent(await left(attacker))
    fresh = await browser.open(theirs)  # a victim is sent to the attacker's end of the way, who never began one
    await refused(browser, fresh, "不是从这个浏览器开始的")
    await left(browser)
    await refused(browser, await browser.open(theirs), "不是从这个浏览器开始的")
    mine = await place.consent(await left(browser))
    for bent in (mine.replace("state=", "state=x"), mine.partition("&state")[0], "/sign-in/oidc/back"):
        await refused(browser, await browser.open(bent), "不是从这个浏览器开始的")
    assert "/token" not in place.provider.asked, "nothing of that was asked of the provider"
    await attacker.close()


async def test_the_cookie_of_one_browser_is_worth_nothing_in_another(place: Place, browser: Browser) -> None:
    await place.linked()
    attacker = Browser(place.house)
    theirs = await place.consent(await left(attacker))
    await browser.see("/sign-in")
    browser.client.cookies.set("oidc", attacker.client.cookies["oidc"])
    await refused(browser, await browser.open(theirs), "不是从这个浏览器开始的")
    await attacker.close()


async def test_a_person_may_not_take_longer_than_ten_minutes(place: Place, browser: Browser) -> None:
    await place.linked()
    back = await place.consent(await left(browser))
    place.house.clock.step(600)
    await refused(browser, await browser.open(back), "过了太久")


async def test_a_code_works_once(place: Place, browser: Browser) -> None:
    await place.linked()
    back = await place.consent(await left(browser))
    kept = {name: browser.client.cookies[name] for name in ("oidc", "session")}
    assert (await browser.open(back)).location == "/"
    thief = Browser(place.house)
    for name, value in kept.items():
        thief.client.cookies.set(name, value)
    await refused(thief, await thief.open(back), "没有证明您是谁")
    await thief.close()


async def test_a_code_that_another_browser_earned_is_not_taken(place: Place, browser: Browser) -> None:
    """Even where the state is the victim's: the verifier is not the one that the code was given for."""
    await place.linked()
    attacker = Browser(place.house)
    stolen = dict(parse_qsl(urlsplit(await place.consent(await left(attacker))).query))["code"]
    state = dict(parse_qsl(urlsplit(await left(browser)).query))["state"]
    await refused(browser, await browser.open(f"/sign-in/oidc/back?code={stolen}&state={state}"), "没有证明您是谁")
    await attacker.close()


def changed(**claims: Any) -> Callable[[Claims], None]:
    return lambda made: made.update(claims)


def without(name: str) -> Callable[[Claims], Any]:
    return lambda made: made.pop(name)


def later(name: str, seconds: float) -> Callable[[Claims], None]:
    return lambda made: made.update({name: made[name] + seconds})


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(changed(nonce="of another sign-in"), id="nonce of another sign-in"),
        pytest.param(without("nonce"), id="no nonce"),
        pytest.param(changed(iss="https://other.example"), id="another issuer"),
        pytest.param(lambda made: made.update(iss=made["iss"] + "/"), id="nearly the issuer"),
        pytest.param(without("iss"), id="no issuer"),
        pytest.param(changed(aud="another application"), id="for another application"),
        pytest.param(changed(aud=[]), id="for nobody"),
        pytest.param(changed(aud=[CLIENT_ID, "another"]), id="for two, made for nobody knows whom"),
        pytest.param(changed(aud=[CLIENT_ID, "another"], azp="another"), id="for two, made for the other"),
        pytest.param(changed(azp="another"), id="made for another"),
        pytest.param(later("exp", -361), id="expired"),
        pytest.param(without("exp"), id="never expires"),
        pytest.param(changed(exp="9999999999"), id="an end that is no number"),
        pytest.param(changed(exp=float("nan")), id="an end that is never"),
        pytest.param(later("iat", 61), id="from the future"),
        pytest.param(changed(nbf=4102444800), id="not yet"),
        pytest.param(without("sub"), id="nobody"),
        pytest.param(changed(sub=""), id="an empty name"),
        pytest.param(changed(sub=7), id="a number"),
        pytest.param(changed(sub=["zhang"]), id="several"),
        pytest.param(changed(sub="zhang\x00"), id="a NUL"),
        pytest.param(changed(sub="z" * 256), id="far too long"),
    ],
)
async def test_a_token_that_is_not_for_this_sign_in_lets_nobody_in(
    place: Place, browser: Browser, spoil: Callable[[Claims], Any]
) -> None:
    await place.linked()
    place.provider.change = spoil
    await refused(browser, await came(place, browser), "没有证明您是谁")


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(later("exp", -359), id="expired within the skew"),
        pytest.param(later("iat", 59), id="made by a clock that is ahead"),
        pytest.param(changed(aud=[CLIENT_ID]), id="a list of one"),
        pytest.param(changed(aud=[CLIENT_ID, "another"], azp=CLIENT_ID), id="for two, made for us"),
    ],
)
async def test_a_token_that_is_unusual_and_right_lets_its_person_in(
    place: Place, browser: Browser, spoil: Callable[[Claims], Any]
) -> None:
    await place.linked()
    place.provider.change = spoil
    assert (await came(place, browser)).location == "/"


def unsigned(header: dict[str, Any], claims: Claims, key: RSAKey) -> str:
    pieces = ({**header, "alg": "none"}, claims)
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in pieces), ""])


def by_public_key(header: dict[str, Any], claims: Claims, key: RSAKey) -> str:
    """HS256 with what everybody can read as the secret."""
    secret = OctKey.import_key({"kty": "oct", "k": key.as_dict(private=False)["n"]})
    return jwt.encode({**header, "alg": "HS256"}, claims, secret, algorithms=["HS256"])


def by_client_secret(header: dict[str, Any], claims: Claims, key: RSAKey) -> str:
    secret = OctKey.import_key(CLIENT_SECRET)
    return jwt.encode({**header, "alg": "HS256"}, claims, secret, algorithms=["HS256"])


def by_another_key(header: dict[str, Any], claims: Claims, key: RSAKey) -> str:
    return jwt.encode(header, claims, RSAKey.generate_key(2048), algorithms=["RS256"])


def by_its_own_key(header: dict[str, Any], claims: Claims, key: RSAKey) -> str:
    """The token brings the key that it is to be checked with."""
    own = RSAKey.generate_key(2048)
    return jwt.encode({**header, "jwk": own.as_dict(private=False)}, claims, own, algorithms=["RS256"])


def of_an_unknown_key(header: dict[str, Any], claims: Claims, key: RSAKey) -> str:
    return jwt.encode({**header, "kid": "never seen"}, claims, key, algorithms=["RS256"])


def always(text: str, *_: Any) -> str:
    return text


def bent(header: dict[str, Any], claims: Claims, key: RSAKey) -> str:
    head, _, mark = jwt.encode(header, claims, key, algorithms=["RS256"]).split(".")
    body = base64.urlsafe_b64encode(json.dumps({**claims, "sub": "zhang"}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{mark}"


@pytest.mark.parametrize(
    "sign",
    [unsigned, by_public_key, by_client_secret, by_another_key, by_its_own_key, of_an_unknown_key, bent]
    + [partial(always, text) for text in ("", "no token", "a.b.c", "[" * 5000, "e30.e30.e30")],
    ids=lambda value: getattr(value, "__name__", "")[:40],
)
async def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(
    place: Place, browser: Browser, sign: Callable[..., str]
) -> None:
    await place.linked()
    place.provider.sign = sign
    await refused(browser, await came(place, browser, "mallory" if sign is bent else "zhang"), "没有证明您是谁")


async def test_a_key_that_is_short_or_shared_is_no_key(place: Place, browser: Browser) -> None:
    await place.linked()
    secret = OctKey.import_key("a secret that the provider lists", {"kid": "shared"})
    place.provider.beside = [secret.as_dict(private=True), {"kty": "RSA"}, {"kty": "new"}, 7, {"use": "enc"}]
    place.provider.sign = lambda header, claims, key: jwt.encode(
        {"alg": "HS256", "kid": "shared"}, claims, secret, algorithms=["HS256"]
    )
    await refused(browser, await came(place, browser), "没有证明您是谁")
    place.provider.__init__(place.house.clock)  # type: ignore[misc]
    place.provider.issuer = place.ours.issuer
    with pytest.warns(SecurityWarning, match="2048"):
        place.provider.key = RSAKey.generate_key(1024, {"kid": "short"})
    place.again()
    with pytest.warns(SecurityWarning, match="2048"):
        answer = await came(place, browser)
    await refused(browser, answer, "没有证明您是谁")


async def test_a_new_key_of_the_provider_is_fetched_when_it_first_signs(place: Place, browser: Browser) -> None:
    await place.linked()
    assert (await came(place, browser)).location == "/"
    place.provider.rotate("second")
    other = Browser(place.house)
    assert (await came(place, other)).location == "/"
    assert place.provider.asked.count("/keys") == 2
    await other.close()


async def test_its_addresses_and_keys_are_asked_for_once_an_hour(place: Place, browser: Browser) -> None:
    await place.linked()
    for _ in range(3):
        await came(place, browser)
        await browser.post("/sign-out", token=await browser.token())
    assert place.provider.asked.count("/keys") == 1
    place.house.clock.step(3601)
    await left(browser)
    assert place.provider.asked.count("/keys") == 2


async def test_the_provider_says_no_in_the_language_of_the_page(place: Place) -> None:
    english = Browser(place.house, language="en")
    back = await place.consent(await left(english), subject="")
    assert "error=access_denied" in back
    await refused(english, await english.open(back), "company account")
    await english.close()


async def test_an_answer_that_names_another_provider_is_refused_before_its_code_is_used(
    place: Place, browser: Browser
) -> None:
    await place.linked()
    back = await place.consent(await left(browser))
    await refused(browser, await browser.open(f"{back}&iss=https://other.example"), "没有证明您是谁")
    place.provider.about = {"authorization_response_iss_parameter_supported": True}
    place.again()
    back = await place.consent(await left(browser))
    await refused(browser, await browser.open(back), "没有证明您是谁")
    assert "/token" not in place.provider.asked
    back = await place.consent(await left(browser))
    assert (await browser.open(f"{back}&iss={place.provider.issuer}")).location == "/"


async def test_a_provider_that_wants_the_secret_in_the_form_gets_it_there(place: Place, browser: Browser) -> None:
    await place.linked()
    place.again(method="client_secret_post")
    assert (await came(place, browser)).location == "/"


async def test_while_the_provider_is_away_the_password_works_and_it_is_left_alone(
    place: Place, browser: Browser
) -> None:
    await place.linked()
    place.provider.broken = (500, b"")
    for _ in range(5):
        await refused(browser, await browser.open("/sign-in/oidc"), "没有应答，请稍后再试，或用密码登录")
    assert len(place.provider.asked) == 1
    answer = await browser.send("/sign-in", "/sign-in", login="wangfang", password=PASSWORD)
    assert answer.location == "/"
    place.provider.broken = None
    place.house.clock.step(11)
    other = Browser(place.house)
    assert (await came(place, other)).location == "/"
    await other.close()


async def test_a_provider_that_nobody_reaches_is_a_sentence(place: Place, browser: Browser) -> None:
    place.again(issuer=f"http://127.0.0.1:{free_port()}")
    await refused(browser, await browser.open("/sign-in/oidc"), "没有应答")


@pytest.mark.parametrize(
    "answer",
    [(200, b"{}"), (200, b"<html>"), (200, b"[" * 100_000), (200, b'{"a":"' + b"x" * 300_000 + b'"}'), (302, b"")],
    ids=["empty", "a page", "deep", "large", "a redirect"],
)
async def test_what_is_no_answer_of_a_provider_is_a_sentence_at_each_step(
    place: Place, browser: Browser, answer: tuple[int, bytes]
) -> None:
    place.provider.broken = answer
    await refused(browser, await browser.open("/sign-in/oidc"), "没有应答")
    place.provider.broken = None
    place.again()
    back = await place.consent(await left(browser))
    place.provider.broken = answer
    await refused(browser, await browser.open(back), "没有应答")


@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://other.example"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": "ftp://127.0.0.1/"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://a.example/\r\nset-cookie: x"},
        {"authorization_endpoint": "https://登录.example/"},
    ],
    ids=str,
)
async def test_a_provider_that_names_what_cannot_be_is_not_used(
    place: Place, browser: Browser, about: dict[str, str]
) -> None:
    place.provider.about = about
    await refused(browser, await browser.open("/sign-in/oidc"), "没有应答")


async def test_a_slow_provider_keeps_nobody_else_waiting(place: Place, browser: Browser) -> None:
    await place.linked()
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        asked.set()
        await go_on.wait()

    back = await place.consent(await left(browser))
    place.provider.hold = hold
    waiting = asyncio.create_task(browser.open(back))
    await asked.wait()
    others = [await signed_in(place.house) for _ in range(3)]
    for other in others:
        await other.see(f"/lots/{LOT}")
        await other.close()
    assert not waiting.done()
    place.provider.hold = None
    go_on.set()
    assert (await waiting).location == "/"


async def test_who_comes_back_with_nothing_again_and_again_waits(place: Place, browser: Browser) -> None:
    await place.linked()
    place.provider.sign = unsigned
    for _ in range(31):
        await refused(browser, await came(place, browser), "没有证明您是谁")
    await refused(browser, await browser.open("/sign-in/oidc"), "试得太多了")


async def test_the_second_factor_is_asked_for_all_the_same(place: Place, browser: Browser) -> None:
    await place.linked()
    secret = new_secret()
    await place.house.database.write(lambda conn: staff.change(conn, "wangfang", totp_secret=secret))
    assert (await came(place, browser)).location == "/"
    assert (await browser.open(f"/lots/{LOT}")).location == "/sign-in/code"
    code = pyotp.TOTP(secret).at(place.house.clock.now())
    assert (await browser.send("/sign-in/code", "/sign-in/code", code=code)).location == "/"
    assert (await place.audit())[-1][2] == "oidc:wangfang"
    await browser.see(f"/lots/{LOT}")


async def test_who_never_had_a_password_of_their_own_is_not_asked_to_change_it(place: Place, browser: Browser) -> None:
    await place.linked()
    await place.house.database.write(lambda conn: staff.change(conn, "wangfang", must_change=True))
    assert (await came(place, browser)).location == "/"
    await browser.see(f"/lots/{LOT}")
    other = await signed_in(place.house)
    assert (await other.open(f"/lots/{LOT}")).location == "/account"
    await other.close()


async def test_signing_out_ends_our_session_and_says_that_the_other_may_last(place: Place, browser: Browser) -> None:
    await place.linked()
    await came(place, browser)
    token = browser.client.cookies["session"]
    answer = await browser.post("/sign-out", token=await browser.token())
    assert "可能还登录着" in (await browser.see(answer.location)).text
    browser.client.cookies.set("session", token)
    assert (await browser.open("/account")).status == 303


async def test_who_is_signed_in_is_not_made_another_person_by_a_link_from_elsewhere(
    place: Place, browser: Browser
) -> None:
    await place.linked()
    other = await person(place.house, Role.COLLECTOR, login="liqiang", name="李强")
    assert (await other.open("/sign-in/oidc")).location == "/"
    assert "liqiang" in (await other.see("/account")).text
    await other.close()


async def test_a_provider_can_be_made_to_ask_again(place: Place, browser: Browser) -> None:
    await place.linked()
    place.again(ask_again=True)
    asked = dict(parse_qsl(urlsplit(await left(browser)).query))
    assert (asked["prompt"], asked["max_age"]) == ("login", "0")
    for spoil in (without("auth_time"), later("auth_time", -61), changed(auth_time="now"), changed(auth_time=True)):
        place.provider.change = spoil
        await refused(browser, await came(place, browser), "没有证明您是谁")
    place.provider.change = lambda claims: None
    assert (await came(place, browser)).location == "/"


# Linking


async def linking(place: Place, browser: Browser, subject: str = "zhang", password: str = PASSWORD) -> Answer:
    answer = await browser.send("/account", "/account/link", proof=password)
    assert answer.status == 200, answer.text
    address = answer.headers["refresh"].removeprefix("0; url=")
    assert address in answer.page.links  # type: ignore[union-attr]
    return await browser.follow(await browser.open(await place.consent(address, subject)))


async def test_a_person_links_their_own_account_and_is_let_in_by_it(place: Place, browser: Browser) -> None:
    own = await person(place.house, Role.MANAGER)
    assert "以后可以用“公司账号”登录了" in (await linking(place, own)).text
    assert (await place.audit())[-1][1] == f"person wangfang linked to account zhang at {place.ours.issuer}"
    assert "连着账号 张三" in (await own.see("/account")).text
    assert (await came(place, browser)).location == "/"
    assert "王芳" in (await browser.see("/account")).text
    await own.close()


async def test_linking_takes_the_password_once_more(place: Place, browser: Browser) -> None:
    own = await person(place.house, Role.MANAGER)
    answer = await own.send("/account", "/account/link", proof="not the password")
    assert (answer.status, "密码不对" in answer.text) == (422, True)
    for _ in range(6):
        answer = await own.send("/account", "/account/link", proof="no")
    assert "试得太多了" in answer.text
    assert place.provider.asked == []
    await own.close()


async def test_a_way_that_did_not_begin_on_the_persons_own_page_links_nothing(place: Place, browser: Browser) -> None:
    """Somebody at an unlocked screen can read its cookies, and still has no password."""
    own = await person(place.house, Role.MANAGER)
    other = await person(place.house, Role.MANAGER, login="liqiang", name="李强")
    answer = await other.send("/account", "/account/link", proof=PASSWORD)
    back = await place.consent(answer.headers["refresh"].removeprefix("0; url="), "mallory")
    own.client.cookies.set("oidc", other.client.cookies["oidc"])
    assert (await own.open(back)).location.startswith("/sign-in")
    forged = new_flow(place.house.clock.now(), linking="wangfang")
    own.client.cookies.set("oidc", seal(forged, own.client.cookies["session"]))
    back = await place.consent(await place.ours.address(forged), "mallory")
    assert (await own.follow(await own.open(back))).text.count("不是从这个浏览器开始的") == 1
    assert await accounts_of(place.house).links() == []
    await own.close()
    await other.close()


async def test_a_way_to_link_is_used_up_and_gone_with_its_session(place: Place, browser: Browser) -> None:
    own = await person(place.house, Role.MANAGER)
    answer = await own.send("/account", "/account/link", proof=PASSWORD)
    address = answer.headers["refresh"].removeprefix("0; url=")
    back = await place.consent(address)
    await own.post("/sign-out", token=await own.token())
    assert (await own.open(back)).location.startswith("/sign-in")
    assert await accounts_of(place.house).links() == []
    await own.close()


async def test_an_account_belongs_to_one_person_and_a_person_has_one_there(place: Place, browser: Browser) -> None:
    await place.linked()
    other = await person(place.house, Role.MANAGER, login="liqiang", name="李强")
    assert "那个账号已经连着另一个人" in (await linking(place, other)).text
    assert (await came(place, browser)).location == "/"
    assert "wangfang" in (await browser.see("/account")).text
    accounts = accounts_of(place.house)
    for login, subject, field in (
        ("liqiang", "zhang", "subject"),
        ("wangfang", "another", "login"),
        ("nobody", "another", "login"),
    ):
        with pytest.raises(BadAccount) as error:
            await accounts.link(login, Identity(place.ours.issuer, subject, ""), by="test")
        assert error.value.field == field
    await accounts.link("liqiang", Identity("https://another.example", "zhang", ""), by="test")
    await other.close()


async def test_who_manages_people_sees_which_account_somebody_is_linked_to(place: Place, browser: Browser) -> None:
    await place.linked()
    await came(place, browser)
    other = await person(place.house, Role.COLLECTOR, login="liqiang", name="李强")
    page = f"/lots/{LOT}/people/liqiang"
    assert "公司账号 没有连" in (await browser.see(page)).text
    await linking(place, other, "li")
    assert "公司账号 连着账号 li" in (await browser.see(page)).text
    await other.close()


async def test_unlinking_signs_other_browsers_out_that_came_that_way(place: Place, browser: Browser) -> None:
    await place.linked()
    await came(place, browser)
    other, by_password = Browser(place.house), await signed_in(place.house)
    await came(place, other)
    answer = await browser.send("/account", "/account/unlink")
    assert "以后用密码登录" in (await browser.follow(answer)).text
    assert (await other.open("/account")).status == 303
    await by_password.see("/account")
    await refused(other, await came(place, other), "还没有连到")
    await other.close()
    await by_password.close()


async def test_an_account_that_is_reset_is_no_longer_linked(place: Place, browser: Browser) -> None:
    await place.linked()
    await accounts_of(place.house).reset("wangfang", "another good one", by="test")
    await refused(browser, await came(place, browser), "还没有连到")


async def test_without_a_provider_there_is_neither_a_button_nor_a_page(small_house: House, stranger: Browser) -> None:
    assert not any("oidc" in link for link in (await stranger.see("/sign-in")).page.links)  # type: ignore[union-attr]
    for path in ("/sign-in/oidc", "/sign-in/oidc/back?code=a&state=b"):
        assert (await stranger.open(path)).status == 404
    own = await person(small_house, Role.MANAGER)
    assert not (await own.see("/account")).page.offers("/account/link")  # type: ignore[union-attr]
    for path in ("/account/link", "/account/unlink"):
        assert (await own.post(path, token=await own.token())).status == 404
    await own.close()
