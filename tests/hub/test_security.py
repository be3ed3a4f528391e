"""What strangers try at the hub's doors."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from aiohttp import web

from hub.browsing import Phone
from hub.sides import KEY, LOT_ID, PARK_ID, TOKEN, UNION_ID, FakeLot, Side, running_side, saying
from hub.vendor import client_at
from support.clock import PATIENCE, ManualClock
from taigan.bolink import seal
from taigan.bolink.chapters.invoices import IssueInvoice
from taigan.bolink.describing.catalogue import by_section
from taigan.bolink.errors import Unreachable
from taigan.bolink.wire.signing import sign_page
from taigan.hub.drivers.drivers import Purpose, proof, proves
from taigan.hub.rules import Rules
from taigan.hub.sending.addresses import PublicResolver
from taigan.network.transport import AiohttpTransport
from taigan.strangers import AT_ONCE, FIRST_WAIT

ALERT = "admin_token"


async def test_a_login_cookie_of_ones_own_choice_proves_nothing_about_a_lots_merchant_data(side: Side) -> None:
    thief = Phone(side, agent="Firefox")
    thief.cookies["login"] = f"onboarding {LOT_ID}"
    page = await thief.arrive(await side.code())
    proofs = re.findall(r"proof%3D([0-9a-f]{64})", page)
    assert proofs
    for given in proofs:
        for about in (f"lot_id={LOT_ID}&proof={given}", f"lot_id={LOT_ID}&until=99999999999&proof={given}"):
            status, _ = await thief.get(f"/web/parkingos/onboarding?{about}")
            assert status == 403
    assert thief.cookies["login"] != f"onboarding {LOT_ID}"


async def test_the_address_of_the_merchant_form_ends_with_the_vendors_own(side: Side, clock: ManualClock) -> None:
    timestamp = int(clock.now().timestamp() * 1000)
    async with client_at(side) as vendor:
        signed = urlsplit(vendor.client.onboarding_page(PARK_ID))
    asked = {name: values[0] for name, values in parse_qs(signed.query).items()}
    asked |= {"timestamp": str(timestamp), "sign": sign_page(timestamp, KEY)}
    phone = Phone(side)
    assert (await phone.get(f"{signed.path}?{urlencode(asked)}"))[0] == 200
    clock.advance(86401)
    assert (await phone.get(phone.at))[0] == 403


async def test_an_admins_session_ends_after_twelve_hours(side: Side, clock: ManualClock) -> None:
    admin = Phone(side)
    await admin.post("/admin/login", {ALERT: TOKEN})
    clock.advance(12 * 3600 - 1)
    assert "管理令牌" not in (await admin.get("/admin"))[1]
    clock.advance(1)
    assert "管理令牌" in (await admin.get("/admin"))[1]


@pytest.mark.parametrize("token", ["another-admin-token", ""])
async def test_an_admins_session_ends_with_the_token_that_opened_it(
    tmp_path: Path, clock: ManualClock, token: str
) -> None:
    async with running_side(tmp_path, clock, "http://127.0.0.1:9") as side:
        admin = Phone(side)
        await admin.post("/admin/login", {ALERT: TOKEN})
    async with running_side(tmp_path, clock, "http://127.0.0.1:9", admin_token=token) as side:
        again = Phone(side)
        again.cookies = admin.cookies
        assert "管理令牌" in (await again.get("/admin"))[1]


async def test_whoever_guesses_admin_tokens_waits_longer_after_each(side: Side, clock: ManualClock) -> None:
    async def guess(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        async with side.http.get(f"{side.url}/admin/lots", headers=headers) as answer:
            return answer.status

    assert [await guess(f"guess-{n}") for n in range(10)] == [401] * 10
    assert await guess("guess-10") == 429
    assert await guess(TOKEN) == 429, "no guess is looked at while the door is shut"
    admin = Phone(side)
    status, page = await admin.post("/admin/login", {ALERT: TOKEN})
    assert (status, "请稍后再试" in page) == (429, True)
    clock.advance(1)
    assert await guess("guess-11") == 401
    clock.advance(1)
    assert await guess("guess-12") == 429
    clock.advance(1)
    assert await guess(TOKEN) == 200


async def test_the_same_wrong_token_again_shuts_nobody_out(side: Side) -> None:
    for _ in range(30):
        status, _ = await side.admin("GET", "/admin/lots", headers={"Authorization": "Bearer yesterdays-token"})
        assert status == 401
    assert (await side.get("/admin/lots"))["items"]


@pytest.mark.parametrize(("public_url", "secure"), [("https://bolink.example", True), ("http://bolink.example", False)])
async def test_behind_https_the_admins_cookie_goes_by_https_only(
    tmp_path: Path, clock: ManualClock, public_url: str, secure: bool
) -> None:
    async with (
        running_side(tmp_path, clock, "http://127.0.0.1:9", public_url=public_url) as side,
        side.http.post(f"{side.url}/admin/login", data={ALERT: TOKEN}, allow_redirects=False) as answer,
    ):
        cookie = answer.cookies["admin"]
        assert (bool(cookie["secure"]), bool(cookie["httponly"]), cookie["samesite"]) == (secure, True, "strict")


async def test_behind_https_a_drivers_cookies_go_by_https_only(tmp_path: Path, clock: ManualClock) -> None:
    host = "https://bolink.example"
    async with running_side(tmp_path, clock, "http://127.0.0.1:9", public_url=host) as side:
        asked = f"/unionapi/nolienceinpark?code={await side.code()}&app=wechat&driver=zhang"
        kept: dict[str, Any] = {}
        for _ in range(3):
            sent = {"Cookie": "; ".join(f"{name}={cookie.value}" for name, cookie in kept.items())}
            async with side.http.get(side.url + asked, headers=sent, allow_redirects=False) as answer:
                kept |= answer.cookies
                asked = answer.headers["Location"].removeprefix(host)
        for name in ("login", "driver"):
            assert (kept[name]["secure"], kept[name]["httponly"]) == (True, True), name


def test_what_proves_one_thing_proves_no_other() -> None:
    proofs = {purpose: proof("secret", purpose, "about") for purpose in Purpose}
    for purpose in Purpose:
        proven = [made for made, given in proofs.items() if proves(given, "secret", purpose, "about")]
        assert proven == [purpose]


async def test_the_admins_session_opens_the_page_and_no_interface(side: Side) -> None:
    admin = Phone(side)
    await admin.post("/admin/login", {ALERT: TOKEN})
    assert (await admin.get("/admin/pushes"))[0] == 401
    assert (await admin.get("/admin/schema/openapi.json"))[0] == 401


async def test_the_admins_page_masks_people_and_shows_them_on_request_which_is_kept(
    tmp_path: Path, clock: ManualClock, lot: FakeLot
) -> None:
    async def code_or_yes(message: dict[str, object]) -> web.Response:
        return web.json_response({"state": 1, "errmsg": "ok", "verify_code": "102993", "car_number": ""})

    lot.answer = code_or_yes
    async with running_side(tmp_path, clock, lot.url, sms_check=True) as side:
        await side.scan("li", mobile="13812345678")
        sent = (await side.get("/admin/pushes"))["items"][0]
        openid = re.search(r'"pay_user_id":"([^"]+)"', sent["request"])
        assert openid is not None
        people = (openid[1], "13812345678", "102993")
        admin = Phone(side)
        await admin.post("/admin/login", {ALERT: TOKEN})
        _, page = await admin.get(f"/admin/bench/messages/pushes/{sent['id']}")
        assert [secret for secret in people if secret in page] == []
        assert "138••••5678" in page
        assert (await side.get("/admin/looks"))["items"] == []
        token = admin.fields(page)["token"]
        status, shown = await admin.post("/admin/looks/form", {"token": token, "of": "pushes", "id": str(sent["id"])})
        assert (status, [secret for secret in people if secret not in shown]) == (200, [])
        [look] = (await side.get("/admin/looks"))["items"]
        assert (look["of"], look["row_id"]) == ("pushes", sent["id"])
        for wrong in ({"of": "keys", "id": "1"}, {"of": "pushes", "id": "99"}, {"of": "pushes", "id": "x"}):
            assert (await admin.post("/admin/looks/form", {"token": token} | wrong))[0] == 400


async def test_the_list_of_what_is_kept_masks_people(side: Side) -> None:
    invoice = IssueInvoice(
        type=4,
        union_id=int(UNION_ID),
        park_id=PARK_ID,
        open_type=0,
        invoice_order_no="i1",
        money=Decimal("1.23"),
        buyer_name="泊链软件",
        phone="13812345678",
    )
    async with client_at(side) as vendor:
        await vendor.client.issue_invoice(invoice)
    [kept] = (await side.get("/admin/records/invoices"))["items"]
    assert "13812345678" in str(kept)
    admin = Phone(side)
    await admin.post("/admin/login", {ALERT: TOKEN})
    _, page = await admin.get("/admin/bench/records")
    assert ("138••••5678" in page, "13812345678" in page) == (True, False)


async def test_a_simulated_driver_may_have_any_name(side: Side) -> None:
    phone = Phone(side, agent="Firefox")
    page = await phone.arrive(await side.code(), app="wechat", driver="%E5%BC%A0%E4%B8%89")
    assert "确认入场" in page
    assert phone.cookies["simulated-wechat"] == "%E5%BC%A0%E4%B8%89"
    licence = re.search(r"<b>(\w{7})</b>", page)
    del phone.cookies["driver"]
    page = await phone.arrive(await side.code())
    page = await phone.follow(page, "/simulated/wechat")
    assert licence is not None
    assert licence[1] in page, "the same driver each time in the same browser"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2:9/x",
        "http://169.254.169.254/latest",
        "http://[::1]:9/x",
        "http://[::ffff:127.0.0.2]/x",
        "http://localhost:9/x",
        "http://10.1.2.3/x",
        "http://2130706434/x",
    ],
)
async def test_a_notify_url_leads_neither_into_the_hubs_own_network_nor_to_itself(
    side: Side, lot: FakeLot, url: str
) -> None:
    async with client_at(side) as vendor:
        await vendor.client.pay_parking(vendor.parking_payment("20170921336435142", notify_url=url))
        [payment] = await vendor.records("payments")
        await vendor.moves(payment, "paid")
        while (push := (await side.get("/admin/pushes"))["items"][0])["outcome"] == "sent":
            await side.get("/healthz")
        assert (push["url"], push["outcome"]) == (url, "forbidden")


async def test_a_name_that_leads_inside_after_it_was_looked_at_is_not_followed(lot: FakeLot) -> None:
    async with AiohttpTransport(resolver=PublicResolver()) as outwards:
        with pytest.raises(Unreachable, match="private network"):
            await outwards.post(lot.url.replace("127.0.0.1", "localhost"), b"{}", timeout=10)
    assert lot.heard == []


async def test_a_notify_url_may_lead_anywhere_where_the_settings_say_so(
    tmp_path: Path, clock: ManualClock, lot: FakeLot
) -> None:
    lot.answer = saying(1, car_number="")
    url = lot.url.replace("127.0.0.1", "localhost")
    async with (
        running_side(tmp_path, clock, lot.url, Rules(private_notify=True, push_timeout=PATIENCE)) as side,
        client_at(side) as vendor,
    ):
        await vendor.client.pay_parking(vendor.parking_payment("20170921336435142", notify_url=url))
        [payment] = await vendor.records("payments")
        await vendor.moves(payment, "paid")
        while not lot.heard:
            await lot.something()


async def test_a_drivers_number_goes_to_the_vendors_hosts_and_those_of_the_settings(
    tmp_path: Path, clock: ManualClock
) -> None:
    rules = Rules(redirect_hosts=("parking.example",), push_timeout=PATIENCE)
    async with running_side(tmp_path, clock, "http://vendor.example/bolink", rules) as side:
        for host, status in (("vendor.example", 307), ("PARKING.example", 307), ("evil.example", 400)):
            url = f"{side.url}/unionapi/getlicence?redirectUrl=http://{host}/back"
            headers = {"User-Agent": "MicroMessenger"}
            async with side.http.get(url, headers=headers, allow_redirects=False) as answer:
                assert answer.status in (status, 302 if status == 307 else status), host


Parse = Callable[[str], object]


@pytest.fixture
def parse() -> Parse:
    """Knows the syntax of 2017: less than ES2018, which iOS 12 reads. Loaded when it is needed: that takes its time."""
    from esprima import parseScript

    parsed: Parse = parseScript
    return parsed


SCRIPTS = sorted((Path(__file__).parents[2] / "src/taigan/hub/templates").glob("*.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_the_drivers_scripts_are_read_by_the_web_views_of_old_phones(script: Path, parse: Parse) -> None:
    parse(script.read_text())


@pytest.mark.parametrize("newer", ["a ||= 1", "a ?? b", "a?.b", "try {} catch {}"])
def test_what_old_web_views_do_not_read_is_found(newer: str, parse: Parse) -> None:
    with pytest.raises(Exception, match="Unexpected token"):
        parse(newer)


async def test_no_page_of_the_drivers_has_a_script_besides_those(side: Side, parse: Parse) -> None:
    phone = Phone(side)
    page = await phone.press(await phone.arrive(await side.code()))
    found = [script.strip() for script in re.findall(r"<script[^>]*>(.*?)</script>", page, re.S)]
    assert found == [path.read_text().strip() for path in SCRIPTS]
    for script in found:
        parse(script)


async def test_whoever_sends_the_hub_what_nobody_signed_waits_and_who_signs_does_not(
    side: Side, clock: ManualClock
) -> None:
    unsigned = seal(b'{"union_id":"200002","park_id":"21787"}', "not-the-key")
    entry, nowhere = by_section("3.1").path, "/unionapi/nowhere"
    strange = cycle([(entry, unsigned), (entry, b"no envelope"), (nowhere, b"{}")])

    async def posted() -> int:
        path, body = next(strange)
        async with side.http.post(side.url + path, data=body) as answer:
            return answer.status

    assert [await posted() for _ in range(AT_ONCE)] == [200, 400, 404] * 3 + [200]
    waiting = asyncio.create_task(posted())
    await clock.waited_for(FIRST_WAIT)
    async with client_at(side) as vendor:
        await vendor.enters("o1")
    assert not waiting.done()
    clock.advance(FIRST_WAIT)
    assert await waiting == 400
