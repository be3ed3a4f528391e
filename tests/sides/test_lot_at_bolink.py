"""The lot as BoLink has it, over HTTP: what cannot be undone is said before, and done once."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from hub.sides import KEY, PARK_ID
from support.stacks.both_sides import BY, Both
from taigan.bolink.wire.signing import sign_page

PUBLICATION = {
    "name": "上地停车场",
    "address": "北京上地三街9号",
    "city_id": 110000,
    "phone": "13900944433",
    "lng": "116.307689",
    "lat": "40.037256",
    "price_desc": "2元每小时",
}
MERCHANT = {
    "merchant_type": 1,
    "merchant_shortname": "上地停车场",
    "merchant_name": "个体户王",
    "license_address": "硅谷亮城2号楼",
    "regprov_id": 110000,
    "regcity_id": 110100,
    "regarea_id": 110101,
}
SPLIT = {"account_no": "6222000000000000", "account_name": "王芳", "percent": 10}


async def states(both: Both, section: str) -> list[str]:
    return [one["state"] for one in await both.items("/errands", section=section)]


async def test_what_cannot_be_undone_is_said_and_nothing_is_sent_until_it_is_confirmed(both: Both) -> None:
    for path, body, section in (
        ("/publication", PUBLICATION, "2.1"),
        ("/publication/disable", {}, "2.2"),
        ("/merchant", MERCHANT, "2.6"),
        ("/split", SPLIT, "3.5"),
    ):
        status, said = await both.lot("POST", path, **BY, **body)
        assert (status, said["error"]["field"]) == (409, "confirmed"), path
        assert said["error"]["message"].startswith("cannot be undone: ")
        assert (await both.arrivals(section), await states(both, section)) == ([], [])


async def test_a_lot_is_published_once_and_one_that_bolink_refuses_may_be_tried_again(both: Both) -> None:
    await both.hub.faults({"kind": "upload_refused", "service_name": "2.1", "text": "系统维护"})
    refused = await both.act("/publication", **PUBLICATION, confirmed=True)
    assert (refused["state"], refused["said"]) == ("failed", "系统维护")
    done = await both.act("/publication", **PUBLICATION, confirmed=True)
    assert (done["state"], done["detail"]["account"] > 0) == ("done", True)
    status, _ = await both.lot("POST", "/publication", **BY, **PUBLICATION, confirmed=True)
    assert (status, len(await both.arrivals("2.1"))) == (409, 2)
    disabled = await both.act("/publication/disable", confirmed=True)
    assert (disabled["state"], [one["state"] for one in await both.records("lots")]) == ("done", ["disabled"])


async def test_a_lot_is_changed_and_its_free_spaces_are_those_of_now(both: Both) -> None:
    await both.enters()
    changed = await both.act("/publication/update", price_desc="3元每小时")
    assert changed["state"] == "done", changed
    [arrival] = await both.arrivals("2.2")
    detail = await both.hub.get(f"/admin/arrivals/{arrival['id']}")
    assert ('"empty_plot":49' in detail["signed"]["text"], '"price_desc":"3元每小时"' in detail["signed"]["text"]) == (
        True,
        True,
    )


async def test_n4_merchant_data_are_submitted_once(both: Both) -> None:
    done = await both.act("/merchant", **MERCHANT, confirmed=True)
    assert done["state"] == "done", done
    status, _ = await both.lot("POST", "/merchant", **BY, **MERCHANT, confirmed=True)
    assert (status, len(await both.arrivals("2.6"))) == (409, 1)


async def test_n5_a_share_is_agreed_by_a_contract_and_then_bound(both: Both) -> None:
    early = await both.act("/split/bind")
    assert (early["state"], early["said"]) == ("failed", "分账合同未签署")
    asked = await both.act("/split", **SPLIT, confirmed=True)
    assert asked["state"] == "done"
    assert asked["detail"]["contract_url"].startswith("http")
    assert "6222" not in str(asked)
    [record] = await both.records("splits")
    await both.moves(record, "signed")
    assert (await both.act("/split/bind"))["state"] == "done"


async def test_the_merchants_page_is_signed_and_a_drivers_number_leads_back_to_a_page_of_ours(both: Both) -> None:
    status, said = await both.lot("GET", "/onboarding_page")
    query: dict[str, Any] = {name: values[0] for name, values in parse_qs(urlsplit(said["url"]).query).items()}
    assert (status, query["park_id"], query["sign"]) == (200, PARK_ID, sign_page(int(query["timestamp"]), KEY))
    async with both.hub.http.get(said["url"]) as page:
        assert page.status == 200
    status, said = await both.lot("GET", "/licence_page", redirect_url="https://example.com/lot")
    assert (status, "getlicence" in said["url"], "example.com" in said["url"]) == (200, True, True)
    status, said = await both.lot("GET", "/licence_page", redirect_url="javascript:alert(1)")
    assert (status, said["error"]["field"]) == (400, "redirect_url")
