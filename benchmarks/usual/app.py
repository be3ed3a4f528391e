"""The service, by the book: a route, a pydantic model, one session a request, two commits with the barrier between.

`DATABASE_URL` names the database, as SQLAlchemy spells it (`sqlite+aiosqlite:///…`, `postgresql+asyncpg://…`).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

from fastapi import Depends, FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks import scene
from benchmarks.usual import leaving
from benchmarks.usual.models import (
    Base,
    Blocked,
    Delivery,
    Driver,
    Lane,
    Lift,
    Lot,
    Message,
    Order,
    OrderEvent,
    Presence,
    PriceList,
    Vendor,
)
from benchmarks.usual.session import (
    ANSWER_WITHIN,
    Refused,
    engine,
    new_id,
    new_session,
    raise_barrier,
    reply,
    session_of_request,
)

SCAN_LIMIT = 5
REPEAT_WITHIN = timedelta(hours=24)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the tables and the lots. One worker does it, the others wait for it."""
    async with engine.begin() as conn:
        if engine.dialect.name == "postgresql":
            await conn.execute(text("SELECT pg_advisory_xact_lock(1)"))
        await conn.run_sync(Base.metadata.create_all)
        if (await conn.execute(select(Vendor.union_id))).first() is None:
            await conn.execute(insert(Vendor), {"union_id": scene.UNION_ID, "key": scene.KEY})
            await conn.execute(
                insert(Lot),
                [
                    {
                        "lot_id": scene.lot_id(park),
                        "union_id": scene.UNION_ID,
                        "park_id": park,
                        "spaces": scene.SPACES,
                        "spaces_free": scene.SPACES,
                    }
                    for park in scene.PARKS
                ],
            )
            await conn.execute(
                insert(Lane),
                [
                    {"lot_id": scene.lot_id(park), "channel_id": channel, "direction": direction}
                    for park in scene.PARKS
                    for direction, channels in (("entry", scene.CHANNELS), ("exit", scene.EXITS))
                    for channel in channels
                ],
            )
            await conn.execute(
                insert(PriceList),
                [
                    {"lot_id": scene.lot_id(park), "version": 1, "valid_from": date(2020, 1, 1), "per_hour_fen": 200}
                    for park in scene.PARKS
                ],
            )
    async with new_session() as session:
        app.state.keys = {vendor.union_id: vendor.key for vendor in await session.scalars(select(Vendor))}
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan, openapi_url=None)
app.include_router(leaving.street)


class NoPlateEntry(BaseModel):
    """5.7's `data`."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    union_id: str
    park_id: str
    channel_id: str = Field(max_length=64)
    car_number: str = Field(min_length=1, max_length=32)
    pay_user_id: str = Field("", max_length=128)
    mobile_number: str = Field("", max_length=32)
    timetemp: int


class Answer(BaseModel):
    state: int
    errmsg: str
    car_number: str
    timetemp: int

    @classmethod
    def now(cls, state: int, errmsg: str, car_number: str = "") -> Answer:
        return cls(state=state, errmsg=errmsg, car_number=car_number, timetemp=int(time.time()))


@app.post("/bolink")
async def bolink(request: Request, session: AsyncSession = Depends(session_of_request)) -> Response:  # noqa: B008
    """The signature, then what the message asks for."""
    body = await request.body()
    try:
        envelope = json.loads(body)
        signed = _raw_data(body)
        message = MESSAGES[envelope["data"]["service_name"]].model_validate(envelope["data"])
    except (ValueError, KeyError, ValidationError) as error:
        return reply(Answer.now(0, str(error)[:48]), 400)
    key = request.app.state.keys.get(message.union_id)
    if key is None:
        return reply(Answer.now(0, "车场不存在"), 404)
    if not hmac.compare_digest(_sign(signed, key).encode(), str(envelope.get("sign", "")).upper().encode()):
        return reply(Answer.now(0, "签名错误"), 401)
    digest = hashlib.sha256(f"{message.union_id}\0{message.park_id}\0".encode() + signed).hexdigest()
    now = datetime.now(UTC)
    lot = await session.scalar(
        select(Lot)
        .where(Lot.union_id == message.union_id, Lot.lot_id == f"{message.union_id}-{message.park_id}")
        .with_for_update()
    )
    if lot is None:
        return reply(Answer.now(0, "车场不存在"), 404)
    match message:
        case leaving.PriceQuery():
            return await leaving.price(session, lot, message, digest, now)
        case leaving.ChargeResult():
            return await leaving.charged(session, lot, message, signed.decode(), digest, now)
        case _:
            return await enter(session, lot, message, digest, now)


MESSAGES: dict[str, type[NoPlateEntry | leaving.PriceQuery | leaving.ChargeResult]] = {
    "nolicence_in_park": NoPlateEntry,
    "query_price": leaving.PriceQuery,
    "outpark": leaving.ChargeResult,
}


async def enter(session: AsyncSession, lot: Lot, entry: NoPlateEntry, digest: str, now: datetime) -> Response:
    """5.7: the rules, then two commits."""
    message = await session.get(Message, (digest, lot.lot_id))
    if message is not None:
        if message.answer is not None and now - message.received_at < REPEAT_WITHIN:
            return Response(message.answer, media_type="application/json")
        return reply(Answer.now(2, "正在抬杆，请稍候", entry.car_number))
    message = Message(digest=digest, lot_id=lot.lot_id, received_at=now)
    session.add(message)
    try:
        order, lift = await admit(session, lot, entry, message, now)
    except Refused as refused:
        answer = Answer.now(0, str(refused), entry.car_number).model_dump_json().encode()
        message.answer = answer
        await session.commit()
        return Response(answer, media_type="application/json")
    await session.commit()

    accepted = await raise_barrier(lift)

    now = datetime.now(UTC)
    lift.outcome, lift.outcome_at = "accepted" if accepted else "rejected", now
    if accepted:
        order.state, order.waiting_for, order.in_at = "in", "", now
        session.add(
            Delivery(
                lot_id=lot.lot_id,
                order_id=order.order_id,
                section="3.1",
                payload=_entry_payload(lot, order),
                created_at=now,
                next_at=now,
            )
        )
        answer_model = Answer.now(1, "入场成功", entry.car_number)
    else:
        order.state, order.waiting_for, order.closed_at, order.closed_why = "void", "", now, "barrier fault"
        await session.execute(update(Lot).where(Lot.lot_id == lot.lot_id).values(spaces_free=Lot.spaces_free + 1))
        answer_model = Answer.now(0, "道闸故障，请联系管理员", entry.car_number)
    session.add(OrderEvent(lot_id=lot.lot_id, order_id=order.order_id, at=now, event=order.state))
    order.told_state, order.told_text = answer_model.state, answer_model.errmsg
    message.answer = answer_model.model_dump_json().encode()
    await session.commit()
    return Response(message.answer, media_type="application/json")


async def admit(
    session: AsyncSession, lot: Lot, entry: NoPlateEntry, message: Message, now: datetime
) -> tuple[Order, Lift]:
    """The rules, in the order in which the platform checks them. Raises Refused."""
    lane = await session.get(Lane, (lot.lot_id, entry.channel_id))
    if lane is None:
        raise Refused("车道不存在，请联系管理员")
    if lane.direction != "entry":
        raise Refused("此处为出口，请到入口扫码")
    if not lane.is_open:
        raise Refused("车道已关闭，请走其他入口")
    if lot.emergency:
        raise Refused("车场紧急状态，请听从现场指挥")
    named = [value for value in (entry.car_number, entry.pay_user_id, entry.mobile_number) if value]
    if await session.scalar(
        select(Blocked.blocked_id).where(Blocked.value.in_(named), Blocked.lot_id == lot.lot_id).limit(1)
    ):
        raise Refused("禁止入场，请联系管理员")
    car = await session.scalar(
        select(Presence).where(
            Presence.lot_id == lot.lot_id, Presence.channel_id == lane.channel_id, Presence.left_at.is_(None)
        )
    )
    live = list(
        await session.scalars(
            select(Order).where(
                Order.lot_id == lot.lot_id,
                or_(Order.licence == entry.car_number, Order.presence_id == (car.presence_id if car else "")),
                Order.state.in_(("waiting", "in")),
            )
        )
    )
    own = next((order for order in live if order.licence == entry.car_number), None)
    if own is not None and own.passed_at is None:
        raise Refused("请等待管理员放行")
    driver = await session.get(Driver, (entry.car_number, lot.lot_id))
    if driver is None:
        driver = Driver(licence=entry.car_number, lot_id=lot.lot_id, scans=0, last_scan_at=now)
        session.add(driver)
    driver.scans, driver.last_scan_at = driver.scans + 1, now
    if driver.scans > SCAN_LIMIT:
        raise Refused("请联系管理员")
    if car is None:
        raise Refused("未检测到车辆，请驶入车道后再扫码")
    if any(order.presence_id == car.presence_id for order in live):
        raise Refused("车道正在处理其他车辆，请稍候")
    if lot.spaces_free < 1 and own is None:
        raise Refused("车位已满")

    order = Order(
        lot_id=lot.lot_id,
        order_id=new_id(now),
        licence=entry.car_number,
        pay_user_id=entry.pay_user_id,
        mobile=entry.mobile_number,
        channel_id=lane.channel_id,
        presence_id=car.presence_id,
        requested_at=now,
    )
    if own is not None:
        own.state, own.closed_at, own.closed_why, own.superseded_by = "abandoned", now, "superseded", order.order_id
        session.add(OrderEvent(lot_id=lot.lot_id, order_id=own.order_id, at=now, event="abandoned"))
        await session.flush()
        lot.spaces_free += 1
    lift = Lift(
        lot_id=lot.lot_id,
        lift_id="L" + new_id(now),
        channel_id=lane.channel_id,
        order_id=order.order_id,
        intended_at=now,
        deadline=now + ANSWER_WITHIN,
    )
    lot.spaces_free -= 1
    message.order_id = order.order_id
    session.add_all([order, lift, OrderEvent(lot_id=lot.lot_id, order_id=order.order_id, at=now, event="waiting")])
    return order, lift


@app.post("/devices/instant/street")
async def next_cars(session: AsyncSession = Depends(session_of_request)) -> dict[str, int]:  # noqa: B008
    """In every lane the car drives through and the next one arrives. Not part of what is measured."""
    now = datetime.now(UTC)
    gone = select(Presence.presence_id).where(Presence.left_at.is_(None))
    await session.execute(
        update(Order).where(Order.presence_id.in_(gone), Order.passed_at.is_(None)).values(passed_at=now),
        execution_options={"synchronize_session": False},
    )
    await session.execute(
        update(Presence).where(Presence.left_at.is_(None)).values(left_at=now, left_how="passed"),
        execution_options={"synchronize_session": False},
    )
    await session.execute(
        insert(Presence),
        [
            {
                "presence_id": f"car-{secrets.token_hex(8)}",
                "lot_id": scene.lot_id(park),
                "channel_id": channel,
                "arrived_at": now,
            }
            for park, channel in scene.LANES
        ],
    )
    await session.commit()
    return {"cars": len(scene.LANES)}


def _raw_data(body: bytes) -> bytes:
    """The bytes of `data` as they came: the signature covers them, not a re-serialisation."""
    decoded = body.decode()
    start = decoded.index('"data"') + len('"data"')
    start = decoded.index(":", start) + 1
    while decoded[start] in " \t\r\n":
        start += 1
    _, end = json.JSONDecoder().raw_decode(decoded, start)
    return decoded[start:end].encode()


def _sign(data: bytes, key: str) -> str:
    return hashlib.md5(data + b"key=" + key.encode(), usedforsecurity=False).hexdigest().upper()


def _entry_payload(lot: Lot, order: Order) -> str:
    assert order.in_at is not None
    return json.dumps(
        {
            "car_number": order.licence,
            "in_time": int(order.in_at.timestamp()),
            "order_id": order.order_id,
            "empty_plot": lot.spaces_free,
            "park_id": lot.park_id,
            "union_id": int(lot.union_id),
            "car_cost_type": 4,
            "in_channel_id": order.channel_id,
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )
