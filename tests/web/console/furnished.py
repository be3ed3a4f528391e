"""A lot as it is at ten in the morning: cars inside, at the entries and at the exits, money, alarms, a price list."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from taigan.barriers.barrier import Position
from taigan.devices.lanes.photos import photo_of
from taigan.lot.people.by import By
from taigan.lot.people.prices import Prices
from taigan.lot.tariff.reading import price_lists
from taigan.pictures.store import small
from taigan.storage import tables as t
from taigan.storage.changes import Changes
from taigan.storage.due import errands
from taigan.storage.kept import shots
from taigan.storage.kept.shots import Shot
from taigan.storage.locked import community, passes, vehicles
from taigan.storage.locked.community import AccessDevice, Community, Passage, Report
from taigan.storage.locked.passes import Term
from taigan.storage.locked.vehicles import InvoiceRecord, SpecialVehicle
from taigan.storage.rows import (
    Act,
    Alarm,
    Bill,
    Departure,
    Difference,
    Errand,
    Lift,
    Order,
    Pass,
    PassLimit,
    Payment,
    Reconciliation,
    Reduction,
    Shift,
)
from taigan.storage.shown import messages
from taigan.storage.shown.messages import Said
from taigan.storage.sums import reconciling
from web.house import LOT, House

PRICES: dict[str, Any] = {
    "valid_from": "2025-01-01",
    "rates": [{"free": 15, "period_caps": ["40"], "sections": [{"steps": [{"per": 30, "price": "2"}]}]}],
}
LONG_NAME = "上海浦东新区世纪大道国际金融中心地下停车场（东区）"


async def furnish(house: House) -> None:
    """Fill the first lot."""
    prices = Prices(house.database, house.clock)
    await prices.add_price_list(LOT, price_lists.from_data(PRICES), By("王芳", "2025 年的价"))
    for number in range(30):
        await house.order(f"粤B{10000 + 137 * number}", origin="plate", plate=f"粤B{10000 + 137 * number}")
    asked = house.clock.step(1)
    await house.order("无A8F3K2", state="waiting", waiting_for="attendant", in_at=None, channel_id="A1")
    await house.order("无C2M7Q1", state="waiting", waiting_for="barrier", in_at=None, channel_id="A2")
    owing = await house.order(
        "沪A·88888",
        order_id="owing",
        plate="沪A88888",
        in_at=asked - timedelta(hours=3, minutes=12),
        channel_id="A2",
    )
    left = await house.order(
        "京N6K1Z9",
        order_id="left",
        origin="plate",
        plate="京N6K1Z9",
        state="out",
        in_at=asked - timedelta(hours=5),
        closed_at=asked - timedelta(hours=1),
        closed_why="passed",
        review="left owing",
    )
    await house.car("car-b1", "B1")
    now = house.clock.step(20)
    departure = Departure(LOT, "car-b1", "B1", owing.order_id, "沪A88888", now)
    bill = Bill(LOT, left.order_id, charge_fen=1600, paid_fen=1200, closed_at=asked - timedelta(hours=1))
    paid = Payment(
        LOT, "P1", "bolink", "T20250601", left.order_id, "", "", "scancode", "paid", 1200, 7, now, now, "京N6K1Z9"
    )
    await house.keep(lambda changes: changes.new_departure(departure))
    await house.keep(lambda changes: changes.bill(bill))
    await house.keep(lambda changes: changes.new_payment(paid))
    for kind, text in (
        ("barrier_offline", "no answer for 30 s"),
        ("left_owing", "京N6K1Z9: left owing 400 fen"),
        ("tailgating", "跟车: a second car followed on one lift"),
    ):
        alarm = Alarm(LOT, "A1", "", house.clock.step(60), kind, text)
        await house.keep(lambda changes, alarm=alarm: changes.alarms.append(alarm))  # type: ignore[misc]
    at = house.clock.step(60)
    for lane in ("东门/一号 50%", "东门/一号 50%"):
        again = Alarm(LOT, lane, "", house.clock.step(60), "barrier_offline", "no answer for 30 s")
        await house.keep(lambda changes, alarm=again: changes.alarms.append(alarm))  # type: ignore[misc]
    for alarm in (
        Alarm(
            LOT,
            "A2",
            "",
            at,
            "loop_fault",
            "the loop is stuck or dead",
            "",
            "taken",
            "陈杰",
            "去看",
            "console:chenjie",
            at,
        ),
        Alarm(
            LOT,
            "B1",
            "",
            at,
            "barrier_warning",
            "fan",
            "",
            "snoozed",
            "陈杰",
            "等厂家",
            "",
            at,
            at + timedelta(hours=1),
        ),
        Alarm(LOT, "A1", "", at, "passed_without_order", "", "", "done", "王芳", "是保洁车", "", at),
        Alarm(LOT, "A2", "", at, "barrier_fault", "motor blocked", "", "ended", "", "", "", at),
    ):
        await house.keep(lambda changes, alarm=alarm: changes.alarms.append(alarm))  # type: ignore[misc]
    await _said(house)
    await _money(house)
    await _passes(house)
    await _asked(house)
    house.barriers["A2"].state.position = Position.RISING
    house.barriers["东门/一号 50%"].state.online = False


async def _said(house: House) -> None:
    """What the lot owes to BoLink and was refused, what both sides said, what persons did."""
    now = house.clock.now()
    refusal = '{"state":0,"errmsg":"订单号重复"}'
    for state, section, order_id in (("refused", "3.1", "order_0004"), ("pending", "3.1", "owing")):
        await house.write(
            t.deliveries.insert().values(
                **{"lot_id": LOT, "order_id": order_id, "section": section, "payload": "{}", "state": state},
                **{"attempts": 2, "created_at": now, "next_at": now, "answer": refusal if state == "refused" else ""},
            )
        )
    data = '{"data":{"park_id":"7","order_id":"left","car_number":"京N6K1Z9"},"sign":"••••"}'
    some = [
        Said(LOT, now, "in", "outpark", "left", "京N6K1Z9", "done", "raw", 12, data, '{"state":1}'),
        Said(LOT, now, "in", "prepay_order", "owing", "沪A88888", "refused", "签名只差 key=", 3, data, '{"state":0}'),
        Said(LOT, now, "out", "inpark", "order_0004", "粤B10411", "no", "", 180, data, refusal),
        Said(LOT, now, "out", "outpark", "left", "京N6K1Z9", "unreached", "timed out after 5 s", 5000, data, ""),
    ]
    await house.database.write(lambda conn: messages.add(conn, some))
    lift = Lift(LOT, "by-hand", "A1", None, "open", "manual", "陈杰", "设备没有识别车牌", now, now, "accepted", now)
    act = Act(LOT, now, "王芳", "车主来电", "plate corrected owing 沪A88888", "console:wangfang")
    await house.keep(lambda changes: changes.new_lifts.append(lift))
    await house.keep(lambda changes: changes.acts.append(act))


async def _money(house: House) -> None:
    """A shift that is handed over with a difference, one that goes on, and what was taken in both."""
    now = house.clock.now()
    morning = Shift(LOT, "S1", "李强", "东岗亭", now - timedelta(hours=6), 20_000, now - timedelta(hours=1))
    morning.counted_fen, morning.expected_fen, morning.note = 24_250, 24_500, "找零找错"
    going_on = Shift(LOT, "S2", "陈杰", "东岗亭", now - timedelta(hours=1), 24_250)
    for shift in (morning, going_on):
        await house.write(t.shifts.insert().values(msgspec.structs.asdict(shift)))
    for name, giver, way, order, fen, hours, shift_id, state in (
        ("C1", "cash", "cash", "order_0001", 4_500, 3, "S1", "paid"),
        ("C2", "cash", "cash", "order_0002", 1_000, 0, "S2", "paid"),
        ("C3", "cash", "cash", "order_0002", 1_000, 0, "S2", "reversed"),
        ("W1", "us", "wallet", "order_0003", 1_800, 2, "", "paid"),
        ("X1", "bolink", "prepay", "", 1_300, 1, "", "paid"),
    ):
        at = now - timedelta(hours=hours)
        paid = Payment(LOT, name, giver, f"N{name}", order, "", "", way, state, fen, 0, at, at, "粤B10137", shift_id)
        await house.keep(lambda changes, paid=paid: changes.new_payment(paid))  # type: ignore[misc]
    for order_id, fen in (("order_0001", 4_500), ("order_0002", 1_000), ("order_0003", 1_800)):
        counted = Bill(LOT, order_id, paid_fen=fen)
        await house.keep(lambda changes, counted=counted: changes.bill(counted))  # type: ignore[misc]
    waiver = Reduction(LOT, "R1", "person", "R1", "waiver", 400, None, None, "order_0003", "王芳", "老客户", now)
    await house.keep(lambda changes: changes.reductions.append(waiver))


async def _asked(house: House) -> None:
    """What BoLink was asked to do in every state it can be in, and two days held against its books."""
    now = house.clock.now()

    def errand(name: str, section: str, about: str, order: str, fen: int, state: str, **more: Any) -> Errand:
        given: dict[str, Any] = {"said": "", "approved_by": "", "details": {}, "actor": "李强", "number": ""} | more
        detail = msgspec.json.encode(given["details"]).decode()
        at = house.clock.step(-400)
        return Errand(
            *(LOT, name, section, given["number"], about, order, fen, state, given["said"], detail, given["actor"]),
            *("司机付了两次", "console:liqiang", given["approved_by"], at, None, at),
        )

    house.clock.step(4000)
    pay = {"payurl": "https://beta.bolink.club/unionapi/pay?trade_no=250601090000000000000001", "plate": "京N6K1Z9"}
    pdf = {"pdf_url": "https://upload.fapiaoer.cn/center/20250601/invoice_144032209110.pdf"}
    some = [
        errand("E1", "4.2", "P1", "left", 1200, "wanted"),
        errand("E2", "4.2", "X1", "", 1300, "unclear", approved_by="王芳", said="timed out after 10 s"),
        errand("E3", "4.2", "Q1", "order_0004", 800, "running", approved_by="王芳", said="退款中"),
        errand("E4", "4.2", "Q2", "order_0005", 600, "failed", said="余额不足"),
        errand("E5", "4.2", "Q3", "order_0006", 350, "done", said="退款成功"),
        errand("E6", "3.9", "left", "left", 400, "running", details=pay, number="250601090000000000000001"),
        errand("E7", "6.3", "C1", "order_0001", 4500, "done", said="SUCCESS", details=pdf, number="25060109"),
        errand("E8", "6.3", "C2", "order_0002", 1000, "running", said="开票中", number="25060110"),
        errand("E9", "6.1", "W1", "order_0003", 1800, "failed", said="订单不存在"),
    ]
    house.clock.moment = now
    day = (now - timedelta(days=1)).date()
    differences = [
        Difference(LOT, f"D{number}", day, kind, name, order, ours, theirs, state, now - timedelta(minutes=number))
        for number, (kind, name, order, ours, theirs, state) in enumerate(
            (
                ("payment_missing_here", "202505312200018830000021", "", None, 600, "open"),
                ("amount_differs", "T20250601", "left", 1200, 1600, "open"),
                ("withdrawal_differs", str(day), "", 12_400, 11_900, "open"),
                ("bill_unbalanced", "left", "left", 400, None, "open"),
                ("parked_there_only", "left", "left", None, None, "open"),
                ("exit_refused", "order_0004", "order_0004", None, None, "settled"),
            )
        )
    ]
    differences[-1].actor, differences[-1].reason, differences[-1].ended_at = "王芳", "改好再发了一次", now
    runs = [
        Reconciliation(LOT, day, now, now, "", 38, 41, 1, 31, 5),
        Reconciliation(LOT, day - timedelta(days=1), now, now, "王芳", 0, 40, 0, 0, 0, "4.1: timed out after 10 s"),
    ]

    def transaction(conn: sa.Connection) -> None:
        for one in some:
            errands.add(conn, one)
        reconciling.add_differences(conn, differences)
        for run in runs:
            reconciling.keep(conn, run)
        vehicles.keep_invoice(
            conn, InvoiceRecord(LOT, "88001", "T20250601", "1", "19273380", "144032209110", "2025-06-01 09:12:00", now)
        )

    await house.database.write(transaction)


async def _passes(house: House) -> None:
    """A pass that holds, one that has run out, a plate that is not let in and one that is free."""
    now = house.clock.now()
    for card_id, holder, plate, days in (("K0012", "陈先生", "粤B10137", 20), ("K0007", "周女士", "粤B10274", -5)):
        one = Pass(LOT, card_id, holder, now - timedelta(days=30), now + timedelta(days=days), "王芳", "办卡", now)
        await house.write(
            t.passes.insert().values(msgspec.structs.asdict(one)),
            t.pass_plates.insert().values(lot_id=LOT, card_id=card_id, plate=plate),
        )
    terms = [Term(LOT, 1, 30_000), Term(LOT, 12, 300_000)]
    await house.database.write(lambda conn: passes.put_terms(conn, LOT, terms))
    limits = [PassLimit(LOT, "area", "1", "地下", "A1"), PassLimit(LOT, "hours", "7", "夜间", "22:00-08:00")]
    await house.database.write(lambda conn: passes.put_limits(conn, LOT, limits))
    free = SpecialVehicle(LOT, "粤B10411", "white", None, None, "集团公务", now)
    blocked = {"lot_id": LOT, "kind": "licence", "value": "京A00001", "operator": "王芳", "reason": "闯杆"}
    await house.database.write(lambda conn: vehicles.keep_special_vehicle(conn, free))
    await house.write(t.blocked.insert().values(**blocked, at=now))


async def with_community(house: House) -> None:
    """The residential area around the lot: a device, a person, and who passed its gate."""
    now = house.clock.now()
    area = Community(LOT, 12, "东湖花园", "vendor-1", "湖边路1号", "", "", "王芳", "x", now)
    resident = {
        **{"projectId": 12, "userName": "周女士", "userType": "户主", "villageName": "东湖", "buildingName": "1栋"},
        **{"floorName": "8层", "houseNum": "801", "phoneNumber": "13812345678", "idCard": "430424199909196758"},
    }

    def write(conn: Any) -> None:
        community.keep(conn, area)
        community.keep_device(conn, AccessDevice(LOT, "F1", "东门人脸机", "东门", "", now))
        community.keep_report(conn, Report(LOT, "device", "F1", "refused", "设备编号重复", now))
        for number, state in enumerate(("done", "refused", "unclear")):
            said = "人员不存在" if state == "refused" else ""
            community.add_passage(
                conn, Passage(LOT, f"p{number}", "F1", now, "in", "face", "1", "周女士", "1", "98.5", state, said, now)
            )
        person_row = {"union_id": "200002", "who": "1", "person": msgspec.json.encode(resident).decode(), "at": now}
        conn.execute(t.people.insert().values(**person_row))

    await house.database.write(write)


async def fortnight(house: House) -> None:
    """Two weeks of cars that came and went, for reports: more at the weekend, most of them at noon."""
    now = house.clock.now()
    changes = Changes()
    for number in range(280):
        days, at_noon = number % 14, number % 9
        came = now - timedelta(days=days + 1, hours=at_noon - 4, minutes=number % 60)
        stayed = timedelta(minutes=20 + 37 * (number % 11) ** 2 // 4)
        plate, order_id = f"粤A{20000 + 71 * number}", f"past{number:04}"
        way, fen = ("scancode", "wallet", "cash", "prepay")[number % 4], 200 + 100 * (number % 13)
        left = came + stayed
        changes.new_order(
            msgspec.structs.replace(
                PAST, order_id=order_id, licence=plate, plate=plate, requested_at=came, in_at=came, closed_at=left
            )
        )
        changes.bill(Bill(LOT, order_id, charge_fen=fen, paid_fen=fen, closed_at=left))
        giver = "cash" if way == "cash" else "bolink"
        paid = Payment(
            LOT, f"Q{number}", giver, f"N{order_id}", order_id, "", "", way, "paid", fen, 0, left, left, plate
        )
        changes.new_payment(paid)
        if number % 23 == 0:
            who, about = ("王芳", "李强", "陈杰")[number % 3], order_id if number % 2 else None
            changes.new_lifts.append(Lift(LOT, f"M{number}", "B1", about, "open", "manual", who, "试", left, left))
    await house.database.write(changes.write)


PAST = Order(LOT, "", "plate", "out", "", "", "", "", "", "", "A1", None, None, "", datetime(2025, 5, 1, tzinfo=UTC))


async def rename(house: House, name: str) -> None:
    """Give the first lot another name."""
    await house.write(t.lots.update().where(t.lots.c.lot_id == LOT).values(name=name))


def tomorrow(house: House) -> date:
    return (house.clock.now() + timedelta(days=1)).date()


async def photograph(house: House) -> None:
    """Give the cars at the lanes, and some of those inside, their pictures."""
    for number, (channel_id, presence_id, plate, kind) in enumerate(
        (
            ("B1", "car-b1", "沪A88888", "out"),
            ("A2", "", "沪A88888", "in"),
            ("A1", "", "粤B10000", "in"),
            ("A1", "", "粤B10137", "in"),
        )
    ):
        place = f"2025-06-01/{number:032x}.jpg"
        made = Shot(LOT, f"S{number}", kind, "plate", house.clock.now(), "image/jpeg", place)
        made = msgspec.structs.replace(made, channel_id=channel_id, presence_id=presence_id, plate=plate)
        if not presence_id:
            orders = sa.select(t.orders.c.requested_at).where(t.orders.c.plate == plate)
            when = await house.database.read(lambda conn, orders=orders: conn.execute(orders).scalar())  # type: ignore[misc]
            made = msgspec.structs.replace(made, at=when or made.at)
        await house.album.store.put(place, photo_of(plate))
        await house.album.store.put(small(place), photo_of(plate))
        await house.database.write(lambda conn, made=made: shots.add(conn, made))  # type: ignore[misc]
