"""The exit, by the book: the price (5.1), the payment (5.5), and the cars that drive through."""

from __future__ import annotations

import asyncio
import json
import math
import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks import scene
from benchmarks.usual.models import (
    Attempt,
    Bill,
    Delivery,
    Departure,
    Driver,
    Lane,
    Lift,
    Lot,
    Message,
    MoneyNotice,
    Order,
    OrderEvent,
    PassPlate,
    Payment,
    Presence,
    PriceList,
    Quote,
    Reduction,
)
from benchmarks.usual.session import ANSWER_WITHIN, Refused, new_id, new_session, raise_barrier, reply

LEAVE_WITHIN = timedelta(minutes=15)
QUOTE_VALID = timedelta(minutes=5)
ASK_AFTER = timedelta(days=30)

street = APIRouter()
_under_way: set[asyncio.Task[None]] = set()


class PriceQuery(BaseModel):
    """5.1's `data`, asked at an exit."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    union_id: str
    park_id: str
    pay_scene: int
    out_channel_id: str = Field(max_length=64)
    licence: str = Field("", max_length=32)
    order_id: str = Field("", max_length=64)
    query_order_no: str = Field(max_length=64)


class ChargeResult(BaseModel):
    """5.5's `data`."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    union_id: str
    park_id: str
    state: int
    order_id: str
    trade_no: str
    pay_type: str
    out_channel_id: str = ""
    total: Decimal
    pay_time: int


class Price(BaseModel):
    """5.1's answer."""

    state: int
    errmsg: str | None = None
    park_id: str
    query_order_no: str
    query_time: int
    duration: int = 0
    free_out_time: int | None = None
    order_id: str | None = None
    price: str | None = None
    total: str | None = None
    in_time: int | None = None
    car_number: str | None = None


class Taken(BaseModel):
    """5.5's answer."""

    state: int = 1
    errmsg: str = "已收到"
    trade_no: str
    order_id: str


async def price(session: AsyncSession, lot: Lot, asked: PriceQuery, digest: str, now: datetime) -> Response:
    """5.1, in one commit."""
    if (before := await session.get(Message, (digest, lot.lot_id))) is not None and before.answer is not None:
        return Response(before.answer, media_type="application/json")
    if (quoted := await session.get(Quote, (lot.lot_id, asked.query_order_no))) is not None:
        return Response(quoted.answer, media_type="application/json")
    try:
        answer, quote = await _quoted(session, lot, asked, now)
    except Refused as refused:
        answer, quote = _price(asked, now, state=0, errmsg=str(refused)), None
    body = answer.model_dump_json(exclude_none=True).encode()
    if quote is not None:
        quote.answer = body
        session.add(quote)
    session.add(Message(digest=digest, lot_id=lot.lot_id, received_at=now, answer=body))
    await session.commit()
    return Response(body, media_type="application/json")


async def _quoted(session: AsyncSession, lot: Lot, asked: PriceQuery, now: datetime) -> tuple[Price, Quote]:
    """The rules, in the order in which the platform checks them. Raises Refused."""
    lane = await session.get(Lane, (lot.lot_id, asked.out_channel_id))
    if lane is None:
        raise Refused("车道不存在，请联系管理员")
    if lane.direction != "exit":
        raise Refused("此处为入口，请到出口扫码")
    if lot.emergency:
        raise Refused("车场紧急状态，请直接离场")
    if not lane.is_open:
        raise Refused("出口已关闭，请走其他出口")
    own = await session.scalar(
        select(Order).where(Order.lot_id == lot.lot_id, Order.licence == asked.licence, Order.state == "in")
    )
    if own is not None:
        elsewhere = await session.scalar(_open_departures(lot).where(Departure.order_id == own.order_id))
        if elsewhere is not None and elsewhere.channel_id != lane.channel_id:
            raise Refused(f"您的车辆在{elsewhere.channel_id}车道，请扫描该车道二维码")
    car = await _car(session, lot, lane.channel_id)
    departure = await session.scalar(_open_departures(lot).where(Departure.channel_id == lane.channel_id))
    if car is None or departure is None:
        raise Refused("未检测到车辆，请驶入车道后再扫码")
    if not departure.order_id and own is not None:
        departure.order_id = own.order_id
    order = await session.get(Order, (lot.lot_id, departure.order_id)) if departure.order_id else None
    if order is None or order.state != "in":
        raise Refused("未查询到入场记录，请联系管理员")
    assert order.in_at is not None
    if await session.scalar(
        select(Attempt).where(
            Attempt.lot_id == lot.lot_id, Attempt.order_id == order.order_id, Attempt.state.in_(("live", "unclear"))
        )
    ):
        raise Refused("正在扣费，请稍候")
    if order.in_at > departure.charge_at:
        raise Refused("时间异常，请联系管理员")
    bill, charge, version = await _charge(session, lot, order, departure.charge_at)
    credited = bill.paid_fen - bill.refunded_fen if bill is not None else 0
    due = max(0, charge - credited)
    if departure.charge_at - order.in_at > ASK_AFTER:
        raise Refused("停车时间异常，请联系管理员")
    accepted = await session.scalar(
        select(Delivery.delivery_id).where(
            Delivery.lot_id == lot.lot_id,
            Delivery.order_id == order.order_id,
            Delivery.section == "3.1",
            Delivery.state == "done",
        )
    )
    quote = Quote(
        lot_id=lot.lot_id,
        quote_no=asked.query_order_no,
        order_id=order.order_id,
        presence_id=departure.presence_id,
        asked_at=now,
        charge_at=departure.charge_at,
        charge_fen=charge,
        credited_fen=credited,
        due_fen=due,
        price_list=version,
        valid_until=now + QUOTE_VALID,
    )
    answer = _price(
        asked,
        now,
        duration=int((departure.charge_at - order.in_at).total_seconds() // 60),
        free_out_time=15,
        order_id=order.order_id,
        price=_yuan(due),
        total=_yuan(charge),
        in_time=None if accepted else int(order.in_at.timestamp()),
        car_number=None if accepted else order.licence,
    )
    return answer, quote


async def charged(
    session: AsyncSession, lot: Lot, told: ChargeResult, text: str, digest: str, now: datetime
) -> Response:
    """5.5 for a code that was paid: kept, booked and released in one commit; the arm, and the second, afterwards."""
    known = await session.scalar(
        select(MoneyNotice).where(MoneyNotice.lot_id == lot.lot_id, MoneyNotice.digest == digest)
    )
    if known is not None:
        return Response(known.answer, media_type="application/json")
    taken = Taken(trade_no=told.trade_no, order_id=told.order_id)
    notice = MoneyNotice(
        lot_id=lot.lot_id,
        section="5.5",
        trade_no=told.trade_no,
        digest=digest,
        text=text,
        received_at=now,
        outcome="known",
        answer=taken.model_dump_json().encode(),
    )
    session.add(notice)
    before = await session.scalar(
        select(Payment).where(
            Payment.lot_id == lot.lot_id, Payment.giver == "bolink", Payment.trade_no == told.trade_no
        )
    )
    lift = None
    if before is None:
        lift = await _book(session, lot, told, notice, now)
    await session.commit()
    if lift is not None:
        task = asyncio.create_task(_raise(lift))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)
    return reply(taken)


async def _book(session: AsyncSession, lot: Lot, told: ChargeResult, notice: MoneyNotice, now: datetime) -> Lift | None:
    fen = int(told.total * 100)
    payment = Payment(
        lot_id=lot.lot_id,
        payment_id="P" + new_id(now),
        giver="bolink",
        trade_no=told.trade_no,
        way=told.pay_type,
        state={0: "failed", 1: "paid", 2: "pending"}[told.state],
        fen=fen,
        paid_at=datetime.fromtimestamp(told.pay_time, UTC),
        received_at=now,
    )
    session.add(payment)
    notice.outcome, notice.payment_id = "booked", payment.payment_id
    order = await session.get(Order, (lot.lot_id, told.order_id))
    if order is None or told.state != 1:
        return None
    payment.order_id = order.order_id
    quotes = await session.scalars(
        select(Quote)
        .where(Quote.lot_id == lot.lot_id, Quote.order_id == order.order_id)
        .order_by(Quote.asked_at.desc())
    )
    quote = max((q for q in quotes if 0 < q.due_fen <= fen), key=lambda q: q.due_fen, default=None)
    bill, charge, version = await _charge(session, lot, order, quote.charge_at if quote else now)
    if bill is None:
        bill = Bill(lot_id=lot.lot_id, order_id=order.order_id, reduced_fen=0, paid_fen=0, refunded_fen=0)
        session.add(bill)
    bill.paid_fen += fen
    session.add(OrderEvent(lot_id=lot.lot_id, order_id=order.order_id, at=now, event="paid", detail=_yuan(fen)))
    if quote is not None:
        payment.quote_no, charge, version = quote.quote_no, quote.charge_fen, quote.price_list
    if bill.paid_fen < charge:
        return None
    bill.charge_fen, bill.price_list, bill.leave_by = charge, version, payment.paid_at + LEAVE_WITHIN
    departure = await session.scalar(_open_departures(lot).where(Departure.order_id == order.order_id))
    if departure is None or departure.released_at is not None:
        return None
    lane = await session.get(Lane, (lot.lot_id, departure.channel_id))
    commanded = await session.scalar(
        select(Lift.lift_id).where(Lift.lot_id == lot.lot_id, Lift.presence_id == departure.presence_id)
    )
    if lane is None or lane.policy != "automatic" or commanded is not None:
        return None
    departure.released_at, departure.released_by, departure.actor = now, "paid", "driver"
    lift = Lift(
        lot_id=lot.lot_id,
        lift_id="L" + new_id(now),
        channel_id=departure.channel_id,
        order_id=order.order_id,
        cause="released",
        intended_at=now,
        deadline=now + ANSWER_WITHIN,
        presence_id=departure.presence_id,
    )
    session.add_all([lift, OrderEvent(lot_id=lot.lot_id, order_id=order.order_id, at=now, event="released")])
    return lift


async def _raise(lift: Lift) -> None:
    accepted = await raise_barrier(lift)
    async with new_session() as session:
        await _lock(session, lift.lot_id)
        row = await session.get(Lift, (lift.lot_id, lift.lift_id))
        assert row is not None
        row.outcome, row.outcome_at = "accepted" if accepted else "rejected", datetime.now(UTC)
        await session.commit()


async def _charge(session: AsyncSession, lot: Lot, order: Order, at: datetime) -> tuple[Bill | None, int, int]:
    """The bill so far, what the stay costs until then less its reductions, and by which price list."""
    assert order.in_at is not None
    bill = await session.get(Bill, (lot.lot_id, order.order_id))
    await session.scalars(select(Payment).where(Payment.lot_id == lot.lot_id, Payment.order_id == order.order_id))
    reductions = await session.scalars(
        select(Reduction).where(Reduction.lot_id == lot.lot_id, Reduction.order_id == order.order_id)
    )
    held = await session.scalar(
        select(PassPlate).where(PassPlate.lot_id == lot.lot_id, PassPlate.plate == order.licence)
    )
    listed = await session.scalar(
        select(PriceList)
        .where(PriceList.lot_id == lot.lot_id, PriceList.valid_from <= order.in_at.date())
        .order_by(PriceList.valid_from.desc())
        .limit(1)
    )
    if listed is None:
        raise Refused("计费失败，请联系管理员")
    hours = math.ceil((at - order.in_at) / timedelta(hours=1))
    charge = 0 if held is not None and held.ends_at > at else hours * listed.per_hour_fen
    return bill, max(0, charge - sum(one.fen for one in reductions)), listed.version


def _open_departures(lot: Lot) -> Select[Departure]:
    return select(Departure).where(Departure.lot_id == lot.lot_id, Departure.ended_at.is_(None))


async def _car(session: AsyncSession, lot: Lot, channel_id: str) -> Presence | None:
    car: Presence | None = await session.scalar(
        select(Presence).where(
            Presence.lot_id == lot.lot_id, Presence.channel_id == channel_id, Presence.left_at.is_(None)
        )
    )
    return car


async def _lock(session: AsyncSession, lot_id: str) -> Lot:
    lot = await session.scalar(select(Lot).where(Lot.lot_id == lot_id).with_for_update())
    assert lot is not None
    return lot


def _price(asked: PriceQuery, now: datetime, state: int = 1, **fields: object) -> Price:
    about = {"park_id": asked.park_id, "query_order_no": asked.query_order_no, "query_time": int(now.timestamp())}
    return Price.model_validate({"state": state, **about, **fields})


def _yuan(fen: int) -> str:
    return f"{Decimal(fen) / 100:.2f}"


@street.post("/devices/instant/street/{lanes}")
async def move_on(lanes: int) -> dict[str, int]:
    """In the first entries and their exits the cars drive through and the next ones come, each in two commits."""
    used = scene.LANES[:lanes]
    moving = [_through_entry(park, channel) for park, channel in used]
    moving += [_through_exit(park, scene.EXITS[scene.CHANNELS.index(channel)]) for park, channel in used]
    await asyncio.gather(*moving)
    return {"cars": len(moving)}


async def _through_entry(park_id: str, channel_id: str) -> None:
    async with new_session() as session:
        now = datetime.now(UTC)
        lot = await _lock(session, scene.lot_id(park_id))
        await session.get(Lane, (lot.lot_id, channel_id))
        if (car := await _car(session, lot, channel_id)) is not None:
            car.left_at, car.left_how = now, "passed"
            order = await session.scalar(
                select(Order).where(Order.lot_id == lot.lot_id, Order.presence_id == car.presence_id)
            )
            if order is not None:
                order.passed_at = now
                session.add(OrderEvent(lot_id=lot.lot_id, order_id=order.order_id, at=now, event="passed"))
                driver = await session.get(Driver, (order.licence, lot.lot_id))
                if driver is not None:
                    driver.scans = 0
        await session.commit()
    async with new_session() as session:
        await _lock(session, lot.lot_id)
        session.add(_arriving(lot.lot_id, channel_id))
        await session.commit()


async def _through_exit(park_id: str, channel_id: str) -> None:
    async with new_session() as session:
        lot = await _lock(session, scene.lot_id(park_id))
        await session.get(Lane, (lot.lot_id, channel_id))
        if (car := await _car(session, lot, channel_id)) is not None:
            await _leave(session, lot, car, datetime.now(UTC))
        await session.commit()
    async with new_session() as session:
        await _lock(session, lot.lot_id)
        car = _arriving(lot.lot_id, channel_id)
        departure = Departure(
            lot_id=lot.lot_id, presence_id=car.presence_id, channel_id=channel_id, charge_at=car.arrived_at
        )
        session.add_all([car, departure])
        await session.commit()


async def _leave(session: AsyncSession, lot: Lot, car: Presence, now: datetime) -> None:
    car.left_at, car.left_how = now, "passed"
    departure = await session.get(Departure, (lot.lot_id, car.presence_id))
    if departure is None:
        return
    departure.ended_at, departure.ended_how = now, "passed"
    order = await session.get(Order, (lot.lot_id, departure.order_id)) if departure.order_id else None
    if order is None or order.state != "in":
        return
    order.state, order.closed_at, order.closed_why = "out", now, "seen"
    lot.spaces_free += 1
    bill, charge, _ = await _charge(session, lot, order, departure.charge_at)
    if bill is None:
        bill = Bill(lot_id=lot.lot_id, order_id=order.order_id, reduced_fen=0, paid_fen=0, refunded_fen=0)
        session.add(bill)
    bill.closed_at = now
    if bill.charge_fen is None:
        bill.charge_fen = charge
    session.add(OrderEvent(lot_id=lot.lot_id, order_id=order.order_id, at=now, event="out", detail="seen"))
    if bill.charge_fen <= bill.paid_fen:
        payload = _exit_payload(lot, order, departure)
        session.add(
            Delivery(
                lot_id=lot.lot_id,
                order_id=order.order_id,
                section="3.2",
                payload=payload,
                created_at=now,
                next_at=now,
            )
        )


def _arriving(lot_id: str, channel_id: str) -> Presence:
    return Presence(
        presence_id=f"car-{secrets.token_hex(8)}", lot_id=lot_id, channel_id=channel_id, arrived_at=datetime.now(UTC)
    )


def _exit_payload(lot: Lot, order: Order, departure: Departure) -> str:
    assert order.in_at is not None
    return json.dumps(
        {
            "park_id": lot.park_id,
            "union_id": int(lot.union_id),
            "car_number": order.licence,
            "in_time": int(order.in_at.timestamp()),
            "out_time": int(departure.charge_at.timestamp()),
            "pay_type": "cash",
            "empty_plot": lot.spaces_free,
            "total": "0.00",
            "order_id": order.order_id,
            "remark": {"is_prepay": "1"},
            "out_channel_id": departure.channel_id,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
