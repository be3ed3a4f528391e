"""What no other test here asks of both sides: with these, every uplink goes from the lot to BoLink over sockets."""

from __future__ import annotations

from hub.sides import LOT_ID
from support.stacks.both_sides import PLATE, Both

ASKED = frozenset({"2.5", "3.1", "3.2", "3.6", "3.8", "3.11", "4.1", "4.4", "6.2", "8.8", "10.2", "10.3", "10.5"})
WECHAT = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0.47"}
PAGES = {"2.4": "/onboarding_page", "7": "/licence_page"}


async def test_one_day_at_the_lot_asks_bolink_for_all_of_these(both: Both) -> None:
    answer = await both.http.put(f"/api/v1/lots/{LOT_ID}", json={"sms_check": True, "operator": "王芳", "reason": "x"})
    assert answer.status_code == 200, answer.text
    order = await both.enters()
    charging = {"car_number": PLATE, "type": 3, "plat_form_id": 4, "start_charge_seq": "C1", "duration": 600}
    assert (await both.push("pay_notice", **charging))["state"] == 1
    both.clock.advance(2 * 3600)
    await both.leaves()
    await both.delivered()
    assert (await both.bill(order))["balance_fen"] == 0
    [taken] = await both.records("reductions")
    assert (taken["number"], taken["fen"]) == ("C1", 600)
    assert (await both.hub.upload_entry("京C00001", "not-ours"))[0] == 200
    await both.act("/reconciliations", day="2026-05-04")
    await both.act("/split/bind")
    await both.lot("GET", "/arrears", plate=PLATE)
    await both.lot("GET", "/issuer")
    await both.act("/community", method="PUT", project_code=62, name="陈前小区", platform="shanghai")
    await both.lot("GET", "/passages/compared", day="2026-05-04")
    for day in ("0001-01-01", "9999-12-31"):
        status, said = await both.lot("GET", "/passages/compared", day=day)
        assert (status, said["error"]["field"]) == (400, "day")
    await both.act("/city", method="PUT", corrections=False, checks=False, screens=True)
    await both.street.platform.rounds.look()
    came = {one["section"] for one in (await both.hub.get("/admin/arrivals?limit=100"))["items"]}
    assert came.issuperset(ASKED), ASKED - came


async def test_the_pages_that_the_lot_leads_to_are_there(both: Both) -> None:
    given = {"7": {"redirect_url": f"{both.callback_url}/done"}}  # a page of the vendor's own
    for section, path in PAGES.items():
        status, said = await both.lot("GET", path, **given.get(section, {}))
        assert status == 200
        async with both.hub.http.get(said["url"], headers=WECHAT, allow_redirects=False) as page:
            assert page.status < 400, path
