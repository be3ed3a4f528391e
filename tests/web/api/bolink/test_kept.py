"""What BoLink told, over the API: special vehicles, automatic payment, invoices, residents; and orders' pictures."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from taigan.storage.locked import vehicles
from web.house import LOT, House

AT = f"/api/v1/lots/{LOT}"
JPEG = b"\xff\xd8\xff\xe0 a car"
PNG = b"\x89PNG\r\n\x1a\n a car"


async def test_special_vehicles_are_listed_by_number_a_page_at_a_time(api: httpx.AsyncClient, house: House) -> None:
    now = house.clock.now()
    for number, kind in (("沪B1", "white"), ("京A1", "white"), ("京A1", "black")):
        vehicle = vehicles.SpecialVehicle(LOT, number, kind, None, now, "VIP", now)
        await house.database.write(lambda conn, kept=vehicle: vehicles.keep_special_vehicle(conn, kept))
    first = (await api.get(f"{AT}/special_vehicles", params={"limit": 2})).json()
    rest = (await api.get(f"{AT}/special_vehicles", params={"limit": 2, "cursor": first["next"]})).json()
    found = [(one["car_number"], one["kind"]) for one in first["items"] + rest["items"]]
    assert sorted(found) == sorted({("京A1", "black"), ("京A1", "white"), ("沪B1", "white")})
    assert rest["next"] is None
    one = (await api.get(f"{AT}/special_vehicles", params={"car_number": "沪B1"})).json()
    assert [(each["car_number"], each["remark"]) for each in one["items"]] == [("沪B1", "VIP")]


async def test_automatic_payment_is_told_by_plate(api: httpx.AsyncClient, house: House) -> None:
    for plate, supported in (("京A1", True), ("沪B1", False)):
        told = vehicles.AutoPay(LOT, plate, "o1", supported, house.clock.now())
        await house.database.write(lambda conn, kept=told: vehicles.keep_auto_pay(conn, kept))
    found = (await api.get(f"{AT}/auto_pay", params={"car_number": "京A1"})).json()["items"]
    assert [(one["car_number"], one["supported"]) for one in found] == [("京A1", True)]
    assert len((await api.get(f"{AT}/auto_pay")).json()["items"]) == 2


async def test_invoices_are_listed_newest_first(api: httpx.AsyncClient, house: House) -> None:
    for number in ("1", "2", "3"):
        record = vehicles.InvoiceRecord(LOT, f"p{number}", "t", "1", number, "", "2025-06-01", house.clock.now())
        await house.database.write(lambda conn, kept=record: vehicles.keep_invoice(conn, kept))
    first = (await api.get(f"{AT}/invoices", params={"limit": 2})).json()
    rest = (await api.get(f"{AT}/invoices", params={"limit": 2, "cursor": first["next"]})).json()
    assert [one["payment_id"] for one in first["items"] + rest["items"]] == ["p3", "p2", "p1"]


async def test_residents_are_shown_with_phone_and_identity_card_masked(api: httpx.AsyncClient, house: House) -> None:
    person = {"userName": "张三", "phoneNumber": "15674002333", "idCard": "430424199909196758"}
    kept = vehicles.Person("200002", "who", msgspec.json.encode(person).decode(), house.clock.now())
    others = vehicles.Person("200003", "who", "{}", house.clock.now())
    for told in (kept, others):
        await house.database.write(lambda conn, told=told: vehicles.keep_people(conn, [told]))
    [found] = (await api.get(f"{AT}/people")).json()["items"]
    assert found["person"]["userName"] == "张三"
    assert person["phoneNumber"] not in str(found)
    assert person["idCard"] not in str(found)


async def test_an_orders_picture_is_kept_given_back_and_replaced(api: httpx.AsyncClient, house: House) -> None:
    order = await house.order("EA47829")
    where = f"{AT}/orders/{order.order_id}/pictures/in"
    assert (await api.get(where)).status_code == 404
    for picture, kind in ((JPEG, "image/jpeg"), (PNG + bytes(1_000_000), "image/png")):
        assert (await api.put(where, content=picture)).status_code == 204
        answer = await api.get(where)
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, kind, picture)
    assert (await api.get(f"{AT}/orders/{order.order_id}/pictures/out")).status_code == 404


@pytest.mark.parametrize(
    ("kind", "picture", "status"),
    [("in", b"GIF89a", 400), ("in", b"", 400), ("side", JPEG, 400), ("in", JPEG + bytes(2 * 1024 * 1024), 413)],
    ids=["gif", "nothing", "side", "large"],
)
async def test_what_is_no_picture_is_refused(
    api: httpx.AsyncClient, house: House, kind: str, picture: bytes, status: int
) -> None:
    order = await house.order("EA47829")
    answer = await api.put(f"{AT}/orders/{order.order_id}/pictures/{kind}", content=picture)
    assert answer.status_code == status, answer.text


async def test_a_picture_of_no_order_is_404(api: httpx.AsyncClient) -> None:
    answer: Any = await api.put(f"{AT}/orders/none/pictures/in", content=JPEG)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_order")


@pytest.mark.parametrize("what", ["special_vehicles", "auto_pay", "invoices", "people"])
async def test_an_unknown_lot_is_404(api: httpx.AsyncClient, what: str) -> None:
    assert (await api.get(f"/api/v1/lots/200002-nowhere/{what}")).status_code == 404
