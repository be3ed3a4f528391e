"""The tables, as ORM classes. Only what the entry path touches; the columns and indexes are the platform's own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

LIVE = text("state IN ('waiting', 'in')")
UNFINISHED = text("left_at IS NULL")


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
    __table_args__ = (Index("lifts_of_order", "lot_id", "order_id"), Index("lifts_by_time", "lot_id", "intended_at"))


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
