"""The tables, as ORM classes. Only what entry and exit touch; the columns and indexes are the platform's own."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

LIVE = text("state IN ('waiting', 'in')")
UNFINISHED = text("left_at IS NULL")
UNENDED = text("ended_at IS NULL")
OF_ORDER = text("ended_at IS NULL AND order_id <> ''")


class Moment(TypeDecorator[datetime]):
    """Aware UTC on both engines: SQLite forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map = {datetime: Moment, str: Text}  # noqa: RUF012 - SQLAlchemy's own way


Serial = BigInteger().with_variant(Integer, "sqlite")


class Vendor(Base):
    __tablename__ = "vendors"
    union_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]


class Lot(Base):
    __tablename__ = "lots"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    union_id: Mapped[str] = mapped_column(ForeignKey("vendors.union_id"))
    park_id: Mapped[str]
    spaces: Mapped[int]
    spaces_free: Mapped[int]
    emergency: Mapped[bool] = mapped_column(default=False)


class Lane(Base):
    __tablename__ = "lanes"
    lot_id: Mapped[str] = mapped_column(ForeignKey("lots.lot_id"), primary_key=True)
    channel_id: Mapped[str] = mapped_column(primary_key=True)
    direction: Mapped[str] = mapped_column(default="entry")
    policy: Mapped[str] = mapped_column(default="automatic")
    is_open: Mapped[bool] = mapped_column(default=True)


class Presence(Base):
    __tablename__ = "presences"
    presence_id: Mapped[str] = mapped_column(primary_key=True)
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    channel_id: Mapped[str]
    arrived_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    left_how: Mapped[str | None]
    __table_args__ = (
        Index(
            "one_car_on_the_loop",
            "lot_id",
            "channel_id",
            unique=True,
            sqlite_where=UNFINISHED,
            postgresql_where=UNFINISHED,
        ),
    )


class Order(Base):
    __tablename__ = "orders"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default="waiting")
    waiting_for: Mapped[str] = mapped_column(default="barrier")
    licence: Mapped[str]
    pay_user_id: Mapped[str] = mapped_column(default="")
    mobile: Mapped[str] = mapped_column(default="")
    channel_id: Mapped[str]
    presence_id: Mapped[str]
    told_state: Mapped[int | None]
    told_text: Mapped[str] = mapped_column(default="")
    requested_at: Mapped[datetime]
    in_at: Mapped[datetime | None]
    passed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_why: Mapped[str] = mapped_column(default="")
    superseded_by: Mapped[str | None]
    __table_args__ = (
        Index(
            "one_live_order_a_presence",
            "presence_id",
            "channel_id",
            "lot_id",
            unique=True,
            sqlite_where=LIVE,
            postgresql_where=LIVE,
        ),
        Index("one_live_order_a_licence", "licence", "lot_id", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
        Index("orders_by_time", "lot_id", "requested_at", "order_id"),
        Index("orders_by_licence", "lot_id", "licence"),
    )


class OrderEvent(Base):
    __tablename__ = "order_events"
    event_id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lot_id: Mapped[str]
    order_id: Mapped[str]
    at: Mapped[datetime]
    event: Mapped[str]
    detail: Mapped[str] = mapped_column(default="")
    __table_args__ = (Index("order_events_of_order", "lot_id", "order_id"),)


class Lift(Base):
    __tablename__ = "lifts"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    lift_id: Mapped[str] = mapped_column(primary_key=True)
    channel_id: Mapped[str]
    order_id: Mapped[str]
    cause: Mapped[str] = mapped_column(default="scan")
    intended_at: Mapped[datetime]
    deadline: Mapped[datetime]
    outcome: Mapped[str | None]
    outcome_at: Mapped[datetime | None]
    presence_id: Mapped[str | None]
    __table_args__ = (
        Index("lifts_of_order", "lot_id", "order_id"),
        Index("lifts_by_time", "lot_id", "intended_at"),
        Index("lifts_of_car", "lot_id", "presence_id"),
    )


class Message(Base):
    __tablename__ = "inbox"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    received_at: Mapped[datetime]
    order_id: Mapped[str | None]
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)


class Delivery(Base):
    __tablename__ = "deliveries"
    delivery_id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lot_id: Mapped[str]
    order_id: Mapped[str]
    section: Mapped[str]
    payload: Mapped[str]
    state: Mapped[str] = mapped_column(default="pending")
    created_at: Mapped[datetime]
    next_at: Mapped[datetime]
    __table_args__ = (
        Index("deliveries_of_order", "lot_id", "order_id"),
        Index("deliveries_by_state", "lot_id", "state", "delivery_id"),
    )


class Driver(Base):
    __tablename__ = "drivers"
    licence: Mapped[str] = mapped_column(primary_key=True)
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    scans: Mapped[int]
    last_scan_at: Mapped[datetime]


class Blocked(Base):
    __tablename__ = "blocked"
    blocked_id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lot_id: Mapped[str]
    value: Mapped[str] = mapped_column(index=True)


class Departure(Base):
    __tablename__ = "departures"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    presence_id: Mapped[str] = mapped_column(primary_key=True)
    channel_id: Mapped[str]
    order_id: Mapped[str] = mapped_column(default="")
    charge_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    released_by: Mapped[str] = mapped_column(default="")
    actor: Mapped[str] = mapped_column(default="")
    ended_at: Mapped[datetime | None]
    ended_how: Mapped[str] = mapped_column(default="")
    __table_args__ = (
        Index(
            "one_departure_an_order",
            "lot_id",
            "order_id",
            unique=True,
            sqlite_where=OF_ORDER,
            postgresql_where=OF_ORDER,
        ),
        Index("departures_open", "lot_id", "channel_id", sqlite_where=UNENDED, postgresql_where=UNENDED),
        Index("departures_of_order", "lot_id", "order_id"),
        Index("departures_by_time", "lot_id", "charge_at", "presence_id"),
    )


class Quote(Base):
    __tablename__ = "quotes"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    quote_no: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str]
    presence_id: Mapped[str]
    asked_at: Mapped[datetime]
    charge_at: Mapped[datetime]
    charge_fen: Mapped[int]
    credited_fen: Mapped[int] = mapped_column(default=0)
    due_fen: Mapped[int]
    price_list: Mapped[int]
    valid_until: Mapped[datetime]
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (Index("quotes_of_order", "lot_id", "order_id"),)


class MoneyNotice(Base):
    __tablename__ = "money_notices"
    notice_id: Mapped[int] = mapped_column(Serial, primary_key=True)
    lot_id: Mapped[str]
    section: Mapped[str]
    trade_no: Mapped[str]
    digest: Mapped[str]
    text: Mapped[str]
    received_at: Mapped[datetime]
    outcome: Mapped[str]
    payment_id: Mapped[str] = mapped_column(default="")
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    __table_args__ = (UniqueConstraint("lot_id", "digest"), Index("money_notices_by_trade_no", "lot_id", "trade_no"))


class Payment(Base):
    __tablename__ = "payments"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    payment_id: Mapped[str] = mapped_column(primary_key=True)
    giver: Mapped[str]
    trade_no: Mapped[str]
    order_id: Mapped[str] = mapped_column(default="")
    quote_no: Mapped[str] = mapped_column(default="")
    way: Mapped[str]
    state: Mapped[str]
    fen: Mapped[int]
    paid_at: Mapped[datetime]
    received_at: Mapped[datetime]
    __table_args__ = (
        Index("one_payment_a_number", "lot_id", "giver", "trade_no", unique=True),
        Index("payments_of_order", "lot_id", "order_id"),
        Index("payments_by_time", "lot_id", "received_at", "payment_id"),
    )


class Bill(Base):
    __tablename__ = "bills"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(primary_key=True)
    charge_fen: Mapped[int | None]
    reduced_fen: Mapped[int] = mapped_column(default=0)
    paid_fen: Mapped[int] = mapped_column(default=0)
    refunded_fen: Mapped[int] = mapped_column(default=0)
    leave_by: Mapped[datetime | None]
    price_list: Mapped[int | None]
    closed_at: Mapped[datetime | None]
    __table_args__ = (Index("bills_by_closing", "lot_id", "closed_at"),)


class Reduction(Base):
    __tablename__ = "reductions"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    reduction_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str]
    fen: Mapped[int]
    __table_args__ = (Index("reductions_of_order", "lot_id", "order_id"),)


class Attempt(Base):
    __tablename__ = "attempts"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    attempt_no: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str]
    state: Mapped[str]
    __table_args__ = (Index("attempts_of_order", "lot_id", "order_id"),)


class PassPlate(Base):
    __tablename__ = "pass_plates"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    plate: Mapped[str] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]


class PriceList(Base):
    __tablename__ = "price_lists"
    lot_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    valid_from: Mapped[date]
    per_hour_fen: Mapped[int]
