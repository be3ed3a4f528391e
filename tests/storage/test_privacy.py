"""What is kept of one person: all of it is handed out, all of it is erased, and the books stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from storage.test_retention import lot, row
from taigan.storage import tables as t
from taigan.storage.database import Database
from taigan.storage.kept import privacy
from taigan.storage.kept.privacy import By, StillNeeded
from taigan.storage.tables import metadata

__all__ = ["lot"]
NOW = datetime(2026, 5, 4, 4, 0, tzinfo=UTC)
PLATE, PHONE, IDENTITY = "粤B12345", "13800001234", "openid-of-hers"
PERSONAL = {
    "licence",
    "plate",
    "likeness",
    "mobile",
    "pay_user_id",
    "car_number",
    "picture",
    "person",
    "who",
    "holder",
    "user_code",
    "plates",
}
OTHER = {"licence": "粤B99999", "plate": "", "mobile": "13900000000", "pay_user_id": "another", "likeness": ""}
HERS = {"licence": PLATE, "plate": PLATE, "mobile": PHONE, "pay_user_id": IDENTITY, "likeness": "x"}


def rows_of_both() -> list[tuple[sa.Table, list[dict[str, Any]]]]:
    """What the tables hold of her (order O1), and of somebody else (order O2)."""

    def both(table: sa.Table, hers: dict[str, Any], others: dict[str, Any]) -> tuple[sa.Table, list[dict[str, Any]]]:
        at = {"lot_id": "1-7"} if "lot_id" in table.columns else {}
        of = [{"order_id": order} if "order_id" in table.columns else {} for order in ("O1", "O2")]
        return table, [row(table, 1, NOW, **at, **of[0], **hers), row(table, 2, NOW, **at, **of[1], **others)]

    return [
        both(t.orders, HERS, OTHER),
        both(t.sms_codes, {"licence": PLATE, "mobile": PHONE}, {"licence": "粤B99999", "mobile": "13900000000"}),
        both(t.drivers, {"licence": PLATE}, {}),
        both(t.special_vehicles, {"car_number": PLATE}, {}),
        both(t.auto_pay, {"car_number": PLATE}, {}),
        both(t.passes, {"card_id": "c1", "holder": "王芳"}, {"card_id": "c2", "holder": "李雷"}),
        both(t.pass_plates, {"card_id": "c1", "plate": PLATE}, {"card_id": "c2"}),
        both(t.blocked, {"kind": "licence", "value": PLATE}, {"kind": "licence"}),
        both(t.people, {"person": f'{{"phone": "{PHONE}"}}'}, {"person": "{}"}),
        both(t.passages, {"user_code": "1", "name": "王芳"}, {"user_code": "2"}),
        both(t.message_log, {"sent": f'{{"car_number": "{PLATE}", "mobile": "{PHONE}"}}'}, {"plate": "粤B99999"}),
        both(t.departures, {"plate": PLATE}, {}),
        both(t.payments, {"plate": PLATE, "payment_id": "p1", "fen": 500}, {"payment_id": "p2"}),
        (t.payments, [row(t.payments, 3, NOW, lot_id="1-7", order_id="", plate=PLATE, payment_id="stray")]),
        both(t.money_notices, {"payment_id": "p1", "text": f'{{"car_number": "{PLATE}"}}'}, {"payment_id": "p2"}),
        both(t.deliveries, {"payload": f'{{"car_number": "{PLATE}"}}'}, {}),
        both(t.quotes, {"answer": PLATE.encode()}, {}),
        both(t.inbox, {"answer": PLATE.encode()}, {}),
        (t.inbox, [row(t.inbox, 3, NOW, lot_id="1-7", order_id=None, answer=f'{{"car_number":"{PLATE}"}}'.encode())]),
        (t.quotes, [row(t.quotes, 3, NOW, lot_id="1-7", order_id="", answer=f'{{"who":"{IDENTITY}"}}'.encode())]),
        both(t.errands, {"about": f'{{"car_number": "{PLATE}", "mobile": "{PHONE}"}}'}, {}),
        both(t.alarms, {"note": f"call {PHONE}", "alarm_id": -2}, {"alarm_id": -1}),
        both(t.shots, {"plate": PLATE, "place": "2026-05-04/" + "a" * 32 + ".jpg"}, {"plate": "粤B99999", "place": ""}),
        both(
            t.plate_stretches,
            {"plates": f"\n{PLATE}\n粤B99999\n", "ends_at": NOW + timedelta(hours=1)},
            {"begins_at": NOW + timedelta(hours=1), "plates": "\n粤B00007\n"},
        ),
        both(t.order_events, {"detail": f"粤B00000 -> {PLATE}"}, {}),
        both(t.operator_acts, {"act": f"changed the licence to {PLATE}", "act_id": -2}, {"act_id": -1}),
    ]


@pytest.fixture
async def kept(lot: Database) -> Database:
    def fill(conn: sa.Connection) -> None:
        for table, rows in rows_of_both():
            conn.execute(sa.insert(table), rows)

    await lot.write(fill)
    return lot


async def all_of(database: Database) -> dict[str, list[dict[str, Any]]]:
    def read(conn: sa.Connection) -> dict[str, list[dict[str, Any]]]:
        return {
            name: [dict(found) for found in conn.execute(sa.select(table).order_by(*table.primary_key)).mappings()]
            for name, table in metadata.tables.items()
        }

    return await database.read(read)


async def erase(database: Database, by: By, value: str) -> privacy.Erased:
    return await database.write(lambda conn: privacy.erase(conn, by, value, "王芳", "she asked", NOW))


def test_every_column_that_may_name_a_person_is_known_here() -> None:
    """A new table with such a column must be added to `privacy`, and to the rows of this test."""
    tables = {table.name for table in metadata.tables.values() if PERSONAL & set(table.columns.keys())}
    tables.remove("shifts")  # the person there is the lot's own
    assert tables <= {table.name for table, _ in rows_of_both()}


async def test_everything_of_a_plate_is_handed_out_and_nothing_of_others(kept: Database) -> None:
    found = await kept.read(lambda conn: privacy.export(conn, By.PLATE, PLATE))
    assert {
        "orders",
        "sms_codes",
        "drivers",
        "auto_pay",
        "deliveries",
        "payments",
        "shots",
        "inbox",
        "message_log",
        "operator_acts",
        "errands",
    } <= set(found)
    assert [one["order_id"] for one in found["inbox"]] == ["O1", None]
    assert [one["holder"] for one in found["passes"]] == ["王芳"]
    assert [one["payment_id"] for one in found["payments"]] == ["p1", "stray"]
    assert all(one.get("order_id", "O1") in ("O1", "", None) for rows in found.values() for one in rows)
    await kept.write(lambda conn: privacy.record_export(conn, By.PLATE, PLATE, "王芳", "she asked", NOW))
    assert (await all_of(kept))["operator_acts"][-1]["act"] == "handed out the personal data of one plate"


async def test_after_a_plate_is_erased_no_table_holds_it_and_the_money_and_the_others_are_as_they_were(
    kept: Database,
) -> None:
    before = await all_of(kept)
    erased = await erase(kept, By.PLATE, PLATE)
    assert erased.rows["orders"] == 1
    after = await all_of(kept)
    assert PLATE not in str(after)
    assert PLATE.encode() not in b"".join(row["answer"] for row in after["inbox"] + after["quotes"])
    assert IDENTITY not in str(after["orders"])
    assert [(p["payment_id"], p["fen"]) for p in after["payments"]] == [
        ("p1", 500),
        ("p2", 0),
        ("stray", 0),
    ]
    for name, rows in before.items():
        for one in rows:
            if one.get("order_id") == "O2":
                assert one in after[name], name
    assert await kept.read(lambda conn: privacy.export(conn, By.PLATE, PLATE)) == {}
    act = after["operator_acts"][-1]
    assert (act["operator"], act["reason"], act["lot_id"]) == ("王芳", "she asked", "1-7")


@pytest.mark.parametrize(("by", "value"), [(By.PHONE, PHONE), (By.IDENTITY, IDENTITY)])
async def test_a_phone_or_an_identity_is_erased_with_the_stays_it_leads_to(kept: Database, by: By, value: str) -> None:
    await erase(kept, by, value)
    after = await all_of(kept)
    assert value not in str(after)
    assert value.encode() not in b"".join(row["answer"] for row in after["inbox"] + after["quotes"])
    assert [order["licence"] for order in after["orders"]] == ["", "粤B99999"]
    if by is By.PHONE:
        assert [person["person"] for person in after["people"]] == ["{}"]
        assert [passage["user_code"] for passage in after["passages"]] == ["2"]


async def test_a_car_that_is_inside_and_an_upload_that_is_owed_are_waited_for(kept: Database) -> None:
    await kept.write(lambda conn: conn.execute(sa.update(t.deliveries).values(state="pending")))
    with pytest.raises(StillNeeded, match="owed"):
        await erase(kept, By.PLATE, PLATE)
    await kept.write(lambda conn: conn.execute(sa.update(t.orders).values(state="in")))
    with pytest.raises(StillNeeded, match="inside"):
        await erase(kept, By.PLATE, PLATE)
    assert PLATE in str(await all_of(kept))


async def test_somebody_who_was_never_here_is_nobody(kept: Database) -> None:
    assert (await erase(kept, By.PLATE, "京A00000")).rows == {}


async def test_pictures_of_the_car_itself_go_too_and_their_places_are_known_before(kept: Database) -> None:
    """A picture of her car at the entry names no order: it is hers by the car that stood there."""
    nameless = {"lot_id": "1-7", "order_id": "", "plate": ""}
    rows = [
        row(t.shots, 3, NOW, **nameless, presence_id="presence_id1", place="2026-05-04/b"),
        row(t.shots, 4, NOW, **nameless, presence_id="presence_id2", place="2026-05-04/c"),
    ]
    await kept.write(lambda conn: conn.execute(sa.insert(t.shots), rows))
    places = await kept.read(lambda conn: privacy.pictures(conn, By.PHONE, PHONE, to_erase=True))
    assert sorted(places) == ["2026-05-04/" + "a" * 32 + ".jpg", "2026-05-04/b"]
    await erase(kept, By.PHONE, PHONE)
    left = await all_of(kept)
    assert sorted(shot["place"] for shot in left["shots"]) == ["", "2026-05-04/c"]


async def test_no_picture_is_dropped_while_the_car_is_inside(kept: Database) -> None:
    await kept.write(lambda conn: conn.execute(sa.update(t.orders).values(state="in")))
    with pytest.raises(StillNeeded):
        await kept.read(lambda conn: privacy.pictures(conn, By.PLATE, PLATE, to_erase=True))
