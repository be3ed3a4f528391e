"""`/api/v1/lots` and what hangs directly below a lot."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from taigan.storage.rows import Act, Alarm, Lift, SpaceChange
from web.house import BY, LOT, House

HERE = f"/api/v1/lots/{LOT}"


async def test_all_lots_are_listed(api: httpx.AsyncClient) -> None:
    answer = (await api.get("/api/v1/lots")).json()
    assert [lot["lot_id"] for lot in answer["items"]] == [LOT, "200002-8"]
    assert answer["next"] is None
    first = (await api.get("/api/v1/lots", params={"limit": 1})).json()
    second = (await api.get("/api/v1/lots", params={"limit": 1, "cursor": first["next"]})).json()
    assert [lot["lot_id"] for lot in first["items"] + second["items"]] == [LOT, "200002-8"]


async def test_a_lot_shows_its_spaces(api: httpx.AsyncClient) -> None:
    assert (await api.get(HERE)).json() == {
        "lot_id": LOT,
        "union_id": "200002",
        "park_id": "7",
        "name": "东门停车场",
        "time_zone": "Asia/Shanghai",
        "contact": "0571-88888888",
        "spaces": 100,
        "spaces_free": 100,
        "emergency": False,
        "sms_check": False,
        "prepay_url": "",
    }


async def test_an_operator_corrects_the_free_spaces_and_it_is_a_row(api: httpx.AsyncClient) -> None:
    answer = await api.put(HERE, json={"spaces_free": 42, **BY})
    assert answer.status_code == 200
    assert answer.json()["spaces_free"] == 42
    assert (await api.get(HERE)).json()["spaces_free"] == 42
    change = (await api.get(f"{HERE}/space_changes")).json()["items"][0]
    assert (change["spaces_free"], change["cause"], change["actor"], change["reason"]) == (
        42,
        "correction",
        "王芳",
        "the driver called",
    )


async def test_free_spaces_stay_between_none_and_all(small_api: httpx.AsyncClient) -> None:
    for wrong in (-1, 101, 10_000_001, 10**30, 1.5, "7", None, True):
        answer = await small_api.put(HERE, json={"spaces_free": wrong, **BY})
        assert answer.status_code == 400, wrong
        assert answer.json()["error"]["field"] == "spaces_free"


async def test_an_emergency_begins_and_ends_and_who_did_it_is_kept(api: httpx.AsyncClient) -> None:
    for on in (True, False):
        answer = await api.put(HERE, json={"emergency": on, **BY})
        assert answer.status_code == 200
        assert answer.json()["emergency"] is on
    acts = (await api.get(f"{HERE}/acts")).json()["items"]
    assert [(act["operator"], act["act"]) for act in acts] == [("王芳", "emergency off"), ("王芳", "emergency on")]


async def test_a_lots_settings_can_be_changed(api: httpx.AsyncClient) -> None:
    changed = {"name": "西门", "spaces": 200, "time_zone": "Asia/Urumqi", "contact": "1", "sms_check": True}
    answer = await api.put(HERE, json={**changed, **BY})
    assert answer.status_code == 200
    shown = (await api.get(HERE)).json()
    assert {name: shown[name] for name in changed} == changed


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "/etc/passwd", "\x00", "", "Asia"])
async def test_a_time_zone_must_exist(small_api: httpx.AsyncClient, zone: str) -> None:
    answer = await small_api.put(HERE, json={"time_zone": zone, **BY})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "time_zone"


async def test_nothing_to_change_or_two_kinds_of_change_at_once_is_refused(small_api: httpx.AsyncClient) -> None:
    assert (await small_api.put(HERE, json=BY)).status_code == 400
    assert (await small_api.put(HERE, json={"spaces_free": 1, "emergency": True, **BY})).status_code == 400
    assert (await small_api.put(HERE, json={"spaces_free": 1, "name": "x", **BY})).status_code == 400
    assert (await small_api.get(HERE)).json()["spaces_free"] == 100


async def test_lifts_are_listed_with_and_without_an_order_and_by_lane(house: House, api: httpx.AsyncClient) -> None:
    at = house.clock.now()
    for n, channel_id in enumerate(("A1", "A2", "A1")):
        lift = Lift(
            LOT,
            f"L{n}",
            channel_id,
            "order" if n else None,
            "open",
            "scan",
            "",
            "",
            at + timedelta(seconds=n),
            at + timedelta(seconds=n + 4),
        )
        await house.keep(lambda changes, lift=lift: changes.new_lifts.append(lift))
    assert [lift["lift_id"] for lift in (await api.get(f"{HERE}/lifts")).json()["items"]] == ["L2", "L1", "L0"]
    of_lane = (await api.get(f"{HERE}/lifts", params={"channel_id": "A1", "limit": 1})).json()
    assert [lift["lift_id"] for lift in of_lane["items"]] == ["L2"]
    rest = await api.get(f"{HERE}/lifts", params={"channel_id": "A1", "cursor": of_lane["next"]})
    assert [(lift["lift_id"], lift["order_id"]) for lift in rest.json()["items"]] == [("L0", None)]


async def test_passes_show_the_order_a_car_had_or_none(house: House, api: httpx.AsyncClient) -> None:
    with_order, voided, without = [await house.car(f"car-{n}", ("A1", "A2", "东门/一号 50%")[n]) for n in range(3)]
    still_there = await house.car("car-3", "B1")
    first_try = await house.order("ABC1234", presence_id=with_order.presence_id, state="void")
    order = await house.order("ABC1234", presence_id=with_order.presence_id)
    void = await house.order("DEF1234", presence_id=voided.presence_id, state="void")
    for car, how in ((with_order, "passed"), (voided, "backed_out"), (without, "second_car")):
        car.left_at, car.left_how = house.clock.step(1), how
        await house.keep(lambda changes, car=car: changes.leave(car))
    passes = (await api.get(f"{HERE}/passes")).json()["items"]
    assert [(car["presence_id"], car["how"], car["order_id"], car["order_state"]) for car in passes] == [
        ("car-2", "second_car", None, None),
        ("car-1", "backed_out", void.order_id, "void"),
        ("car-0", "passed", order.order_id, "in"),
    ]
    assert still_there.presence_id not in [car["presence_id"] for car in passes]
    assert first_try.order_id not in [car["order_id"] for car in passes]
    page = (await api.get(f"{HERE}/passes", params={"limit": 1, "channel_id": "A1"})).json()
    assert [car["presence_id"] for car in page["items"]] == ["car-0"]
    assert page["next"] is None


async def test_alarms_space_changes_and_acts_are_paged_newest_first(house: House, api: httpx.AsyncClient) -> None:
    at = house.clock.now()
    for n in range(3):
        await house.keep(
            lambda changes, n=n: (
                changes.alarms.append(Alarm(LOT, "A1", "", at, "loop_stuck", f"alarm {n}")),
                changes.space_changes.append(SpaceChange(LOT, at, n, "pass", "A1", "跟车")),
                changes.acts.append(Act(LOT, at, "王芳", "because", f"act {n}")),
            )
        )
    for address, field, newest in (
        ("alarms", "text", "alarm 2"),
        ("space_changes", "spaces_free", 2),
        ("acts", "act", "act 2"),
    ):
        first = (await api.get(f"{HERE}/{address}", params={"limit": 2})).json()
        rest = (await api.get(f"{HERE}/{address}", params={"limit": 2, "cursor": first["next"]})).json()
        items = first["items"] + rest["items"]
        assert len(items) == 3
        assert items[0][field] == newest
        assert [item["id"] for item in items] == sorted((item["id"] for item in items), reverse=True)
        assert rest["next"] is None
        assert (await api.get(f"/api/v1/lots/200002-8/{address}")).json() == {"items": [], "next": None}


async def test_every_list_of_an_unknown_lot_is_404(small_api: httpx.AsyncClient) -> None:
    for what in (
        "orders",
        "lanes",
        "deliveries",
        "blocked",
        "lifts",
        "alarms",
        "passes",
        "space_changes",
        "acts",
        "events",
    ):
        answer = await small_api.get(f"/api/v1/lots/200002-9/{what}")
        assert answer.status_code == 404, what
        assert answer.json()["error"] == {
            "code": "unknown_lot",
            "message": "there is no lot 200002-9",
            "field": "lot_id",
        }
