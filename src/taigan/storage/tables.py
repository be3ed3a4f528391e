"""Every table of the lot platform, once. Moments are aware UTC, money is integer fen."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime: `timestamptz` on PostgreSQL, microseconds since 1970 on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect.type_descriptor(sa.BigInteger() if dialect.name == "sqlite" else sa.DateTime(timezone=True))

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        if dialect.name != "sqlite":
            return None
        return lambda value: None if value is None else (value - _EPOCH) // _MICROSECOND

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        if dialect.name != "sqlite":
            return None
        return lambda value: None if value is None else _EPOCH + timedelta(microseconds=value)


def _json_list(values: Collection[object]) -> str:
    return msgspec.json.encode(list(values)).decode()


class Texts(sa.types.TypeDecorator[list[str]]):
    """A list of texts as one parameter: an array on PostgreSQL, JSON on SQLite."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else ARRAY(sa.Text()))

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        if dialect.name != "sqlite":
            return list
        return _json_list


class Numbers(sa.types.TypeDecorator[list[int]]):
    """A list of whole numbers as one parameter."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else ARRAY(sa.BigInteger()))

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        return list if dialect.name != "sqlite" else _json_list


class _Condition(ColumnElement[bool]):
    """A condition that stands in SQL as it is. SQLAlchemy would write `... = 1` for SQLite, which no index serves."""

    inherit_cache = True
    type = sa.Boolean()

    def self_group(self, against: Any = None) -> Any:
        return self


class among(_Condition):
    """`column` is one of the values bound to `name`, however many: one statement for every length of list."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012 - SQLAlchemy's own way to name what makes up a clause
        ("column", sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ("values", sa.sql.visitors.InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], name: str, kind: Texts | Numbers | None = None) -> None:
        self.column = column
        self.values = sa.bindparam(name, type_=kind or Texts())


@compiles(among, "sqlite")
def _among_sqlite(element: among, compiler: Any, **kw: Any) -> str:
    return (
        f"{compiler.process(element.column, **kw)} IN (SELECT value FROM json_each({compiler.process(element.values)}))"
    )


@compiles(among, "postgresql")
def _among_postgresql(element: among, compiler: Any, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY ({compiler.process(element.values)})"


class Pairs(sa.types.TypeDecorator[list[tuple[str, str]]]):
    """A list of pairs of texts as one parameter, as JSON."""

    impl = sa.Text
    cache_ok = True

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        return _json_list


class paired(_Condition):
    """The two columns together are one of the pairs bound to `name`: one look into their index for each pair."""

    inherit_cache = True
    _traverse_internals = [  # noqa: RUF012
        ("first", sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ("second", sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ("values", sa.sql.visitors.InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, first: ColumnElement[Any], second: ColumnElement[Any], name: str) -> None:
        self.first = first
        self.second = second
        self.values = sa.bindparam(name, type_=Pairs())


@compiles(paired, "sqlite")
def _paired_sqlite(element: paired, compiler: Any, **kw: Any) -> str:
    columns = f"({compiler.process(element.first, **kw)}, {compiler.process(element.second, **kw)})"
    values = compiler.process(element.values)
    return f"{columns} IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each({values}))"


@compiles(paired, "postgresql")
def _paired_postgresql(element: paired, compiler: Any, **kw: Any) -> str:
    columns = f"({compiler.process(element.first, **kw)}, {compiler.process(element.second, **kw)})"
    values = f"CAST({compiler.process(element.values)} AS json)"
    return f"{columns} IN (SELECT pair->>0, pair->>1 FROM json_array_elements({values}) AS pair)"


class ByIndexFromHere(_Condition):
    """True; on PostgreSQL the rest of the transaction is planned by indexes wherever there is one."""

    inherit_cache = True
    _traverse_internals = []  # noqa: RUF012


def by_index(conn: sa.Connection) -> None:
    """Let the rest of the transaction be planned by indexes wherever there is one."""
    if conn.dialect.name == "postgresql":
        conn.execute(_BY_INDEX)


@compiles(ByIndexFromHere, "sqlite")
def _by_index_sqlite(element: ByIndexFromHere, compiler: Any, **kw: Any) -> str:
    return "TRUE"


@compiles(ByIndexFromHere, "postgresql")
def _by_index_postgresql(element: ByIndexFromHere, compiler: Any, **kw: Any) -> str:
    return "set_config('enable_seqscan', 'off', true) = 'off'"


_BY_INDEX = sa.select(ByIndexFromHere())


class seconds_between(ColumnElement[int]):
    """The whole seconds from one moment to a later one."""

    inherit_cache = True
    type = sa.BigInteger()
    _traverse_internals = [  # noqa: RUF012
        ("first", sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ("last", sa.sql.visitors.InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, first: ColumnElement[Any], last: ColumnElement[Any]) -> None:
        self.first = first
        self.last = last


@compiles(seconds_between, "sqlite")
def _seconds_sqlite(element: seconds_between, compiler: Any, **kw: Any) -> str:
    first, last = compiler.process(element.first, **kw), compiler.process(element.last, **kw)
    return f"(({last} - {first}) / 1000000)"


@compiles(seconds_between, "postgresql")
def _seconds_postgresql(element: seconds_between, compiler: Any, **kw: Any) -> str:
    first, last = compiler.process(element.first, **kw), compiler.process(element.last, **kw)
    return f"CAST(floor(extract(epoch FROM {last} - {first})) AS bigint)"


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LIVE = sa.text("state IN ('waiting', 'in')")

vendors = sa.Table(
    "vendors",
    metadata,
    sa.Column("union_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
)

vendor_keys = sa.Table(
    "vendor_keys",
    metadata,
    sa.Column("key_id", Serial, primary_key=True),
    sa.Column("union_id", sa.Text, sa.ForeignKey("vendors.union_id"), nullable=False, index=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("valid_from", Moment, nullable=False),
    sa.Column("valid_until", Moment),  # none: the current key
    sa.Column("ends_at", Moment),  # accepted no longer than until then, whatever `key_overlap` says
)

lots = sa.Table(
    "lots",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),  # union_id-park_id
    sa.Column("union_id", sa.Text, sa.ForeignKey("vendors.union_id"), nullable=False),
    sa.Column("park_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("time_zone", sa.Text, nullable=False, server_default="Asia/Shanghai"),
    sa.Column("contact", sa.Text, nullable=False, server_default=""),  # the attendant's phone, for drivers
    sa.Column("spaces", sa.Integer, nullable=False),
    sa.Column("spaces_free", sa.Integer, nullable=False),
    sa.Column("emergency", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("sms_check", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("prepay_url", sa.Text, nullable=False, server_default=""),  # what the code for paying inside holds (2.3)
    sa.CheckConstraint("spaces_free >= 0", name="spaces_free_not_negative"),
    sa.UniqueConstraint("union_id", "park_id"),
)

lanes = sa.Table(
    "lanes",
    metadata,
    sa.Column("lot_id", sa.Text, sa.ForeignKey("lots.lot_id"), primary_key=True),
    sa.Column("channel_id", sa.Text, primary_key=True),
    sa.Column("direction", sa.Text, nullable=False),  # entry, exit
    sa.Column("policy", sa.Text, nullable=False, server_default="automatic"),  # automatic, attendant
    sa.Column("confirm", sa.Text, nullable=False),  # accepted, position, passage
    sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("hours", sa.Text, nullable=False, server_default=""),  # 07:00-22:00 in the lot's time zone; empty: always
    sa.Column("detector", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("barrier", sa.JSON, nullable=False),  # the driver and its settings
    sa.Column("entry_url", sa.Text, nullable=False, server_default=""),  # what the lane's code holds (2.3)
    sa.Column("loop_dead", sa.Boolean, nullable=False, server_default=sa.false()),  # a car passed, its loop never lit
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),  # the arm is kept up on purpose
)

presences = sa.Table(
    "presences",
    metadata,
    sa.Column("presence_id", sa.Text, primary_key=True),
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("arrived_at", Moment, nullable=False),
    sa.Column("ends_at", Moment),  # lanes without a detector: when the claim ends by itself
    sa.Column("left_at", Moment),
    sa.Column("left_how", sa.Text),  # passed, backed_out, second_car, assumed
    sa.Index(
        "one_car_on_the_loop",
        "lot_id",
        "channel_id",
        unique=True,
        sqlite_where=sa.text("left_at IS NULL"),
        postgresql_where=sa.text("left_at IS NULL"),
    ),
    sa.Index(
        "presences_that_ended",
        "lot_id",
        "left_at",
        "presence_id",
        sqlite_where=sa.text("left_at IS NOT NULL"),
        postgresql_where=sa.text("left_at IS NOT NULL"),
    ),
)

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),  # scan, plate, manual
    sa.Column("state", sa.Text, nullable=False),  # waiting, in, void, abandoned, out
    sa.Column("waiting_for", sa.Text, nullable=False),  # barrier, attendant, arm, confirmation; empty when settled
    sa.Column("licence", sa.Text, nullable=False),  # bare, as received
    sa.Column("mark", sa.Text, nullable=False, server_default=""),
    sa.Column("plate", sa.Text, nullable=False, server_default=""),  # read by a camera after the scan
    sa.Column("pay_user_id", sa.Text, nullable=False, server_default=""),
    sa.Column("mobile", sa.Text, nullable=False, server_default=""),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("presence_id", sa.Text),
    sa.Column("told_state", sa.Integer),  # what the driver was answered
    sa.Column("told_text", sa.Text, nullable=False, server_default=""),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("in_at", Moment),
    sa.Column("passed_at", Moment),
    sa.Column("closed_at", Moment),
    sa.Column("closed_why", sa.Text, nullable=False, server_default=""),
    sa.Column("superseded_by", sa.Text),
    sa.Column("review", sa.Text, nullable=False, server_default=""),  # why a person should look at it
    sa.Column("alarmed", sa.Text, nullable=False, server_default=""),  # the last alarm raised for it by time
    sa.Column("vehicle", sa.Text, nullable=False, server_default=""),  # a kind the price list names; empty: any other
    sa.Column("likeness", sa.Text, nullable=False, server_default=""),  # its plate with what cameras confuse folded
    sa.Column("lift_id", sa.Text),  # its present lift: no other one's outcome settles it
    sa.Column("reserved", sa.Boolean, nullable=False, server_default=sa.false()),  # a shared space of the city's
    sa.Column("arrears", sa.Integer, nullable=False, server_default="0"),  # unpaid stays of its plate, as BoLink says
    sa.Column("free_used", sa.Boolean, nullable=False, server_default=sa.false()),  # it had left a moment before
    sa.ForeignKeyConstraint(["lot_id", "channel_id"], ["lanes.lot_id", "lanes.channel_id"]),
    sa.Index(
        "one_live_order_a_presence",
        "presence_id",
        "channel_id",
        "lot_id",
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    ),
    sa.Index("one_live_order_a_licence", "licence", "lot_id", unique=True, sqlite_where=LIVE, postgresql_where=LIVE),
    sa.Index(
        "orders_waiting",
        "requested_at",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index(
        "orders_waiting_in_lane",
        "lot_id",
        "channel_id",
        "requested_at",
        "order_id",
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    ),
    sa.Index(
        "orders_not_passed",
        "in_at",
        sqlite_where=sa.text("state = 'in' AND passed_at IS NULL"),
        postgresql_where=sa.text("state = 'in' AND passed_at IS NULL"),
    ),
    # SQLite looks in it for parts of plates; PostgreSQL would have to read the row all the same.
    sa.Index("orders_by_time_with_plate", "lot_id", "requested_at", "order_id", "plate", "licence").ddl_if(
        dialect="sqlite"
    ),
    sa.Index("orders_by_time", "lot_id", "requested_at", "order_id").ddl_if(dialect="postgresql"),
    sa.Index(
        "orders_by_end",
        "lot_id",
        "closed_at",
        sqlite_where=sa.text("closed_at IS NOT NULL"),
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    ),
    sa.Index("orders_by_licence", "lot_id", "licence"),
    sa.Index("orders_by_presence", "lot_id", "presence_id"),
    sa.Index(
        "orders_inside_by_likeness",
        "lot_id",
        "likeness",
        sqlite_where=sa.text("state = 'in' AND likeness <> ''"),
        postgresql_where=sa.text("state = 'in' AND likeness <> ''"),
    ),
    sa.Index(
        "orders_inside_by_plate",
        "lot_id",
        "plate",
        sqlite_where=sa.text("state = 'in' AND plate <> ''"),
        postgresql_where=sa.text("state = 'in' AND plate <> ''"),
    ),
)

order_events = sa.Table(
    "order_events",
    metadata,
    sa.Column("event_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.Index("order_events_of_order", "lot_id", "order_id"),
)

lifts = sa.Table(
    "lifts",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("lift_id", sa.Text, primary_key=True),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text),
    sa.Column("command", sa.Text, nullable=False),  # open, hold, close
    sa.Column("cause", sa.Text, nullable=False),  # scan, again, release, plate, manual, remote
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("intended_at", Moment, nullable=False),
    sa.Column("deadline", Moment, nullable=False),
    sa.Column("outcome", sa.Text),  # accepted, rejected, uncertain; none: under way
    sa.Column("outcome_at", Moment),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("purpose", sa.Text, nullable=False, server_default=""),  # enter, release, manual; empty: of version 0.1
    sa.Column("presence_id", sa.Text),  # the car that it is for
    sa.Column("taken_at", Moment),  # when the process that commands took it; none: surely not sent
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.Index("lifts_of_order", "lot_id", "order_id"),
    sa.Index("lifts_by_time", "lot_id", "intended_at"),
    sa.Index(
        "lifts_by_persons",
        "lot_id",
        "intended_at",
        "lift_id",
        sqlite_where=sa.text("actor <> ''"),
        postgresql_where=sa.text("actor <> ''"),
    ),
    sa.Index(
        "lifts_of_car",
        "lot_id",
        "presence_id",
        sqlite_where=sa.text("presence_id IS NOT NULL"),
        postgresql_where=sa.text("presence_id IS NOT NULL"),
    ),
    sa.Index(
        "one_command_a_release",
        "lot_id",
        "presence_id",
        unique=True,
        sqlite_where=sa.text("cause = 'released'"),
        postgresql_where=sa.text("cause = 'released'"),
    ),
    sa.Index(
        "lifts_under_way",
        "deadline",
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    ),
)

lane_watchers = sa.Table(
    "lane_watchers",  # which process makes events of what a lane's device says, and until when it is believed to live
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("channel_id", sa.Text, primary_key=True),
    sa.Column("process", sa.Text, nullable=False),
    sa.Column("until", Moment, nullable=False),
)

inbox = sa.Table(
    "inbox",
    metadata,
    # The time or number that the message bears, if any, and SHA-256, hex, over union_id, park_id and the signed text.
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("key_id", sa.BigInteger, nullable=False),
    sa.Column("order_id", sa.Text),
    sa.Column("answer", sa.LargeBinary),  # none: being worked on
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("delivery_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False, server_default=""),
    sa.Column("section", sa.Text, nullable=False),  # 3.1, 3.2, 2.5
    sa.Column("payload", sa.Text, nullable=False),  # the text of `data`; signed when sent
    sa.Column("state", sa.Text, nullable=False),  # pending, sending, done, refused, cancelled
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("next_at", Moment, nullable=False),
    sa.Column("lease_until", Moment),
    sa.Column("done_at", Moment),
    sa.Column("answer", sa.Text, nullable=False, server_default=""),  # what BoLink said, or why it could not be reached
    sa.Index(
        "deliveries_due",
        "lot_id",
        "next_at",
        "delivery_id",
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    ),
    sa.Index("deliveries_of_order", "lot_id", "order_id"),
    sa.Index("deliveries_by_state", "lot_id", "state", "delivery_id"),
)

upload_pace = sa.Table(
    "upload_pace",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    # The lot's next upload may start then, whichever process sends it.
    sa.Column("next_at", Moment, nullable=False, index=True),
)

drivers = sa.Table(
    "drivers",
    metadata,
    sa.Column("licence", sa.Text, primary_key=True),
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("scans", sa.Integer, nullable=False),  # since the last pass
    sa.Column("last_scan_at", Moment, nullable=False),
)

blocked = sa.Table(
    "blocked",
    metadata,
    sa.Column("blocked_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, sa.ForeignKey("lots.lot_id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # licence, pay_user_id, mobile
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("operator", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.UniqueConstraint("lot_id", "kind", "value"),
    sa.Index("blocked_values", "value"),
)

sms_codes = sa.Table(
    "sms_codes",
    metadata,
    sa.Column("sms_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("mobile", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("sent_at", Moment, nullable=False),
    sa.Index("sms_codes_by_mobile", "mobile", "sent_at"),
    sa.Index("sms_codes_by_licence", "licence", "sent_at"),
)

space_changes = sa.Table(
    "space_changes",
    metadata,
    sa.Column("change_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("spaces_free", sa.Integer, nullable=False),  # after the change
    sa.Column("cause", sa.Text, nullable=False),  # correction, pass
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
)

alarms = sa.Table(
    "alarms",
    metadata,
    sa.Column("alarm_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False, index=True),
    sa.Column("channel_id", sa.Text, nullable=False, server_default=""),
    sa.Column("order_id", sa.Text, nullable=False, server_default=""),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False, server_default=""),  # the device's report that raised it
    sa.Column("state", sa.Text, nullable=False, server_default="open"),  # open, taken, snoozed, done, ended
    sa.Column("actor", sa.Text, nullable=False, server_default=""),  # who brought it into that state, and why
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("via", sa.Text, nullable=False, server_default=""),
    sa.Column("changed_at", Moment),
    sa.Column("until", Moment),  # snoozed: it comes back then
    sa.Index(
        "alarms_unfinished",
        "lot_id",
        "alarm_id",
        sqlite_where=sa.text("state IN ('open', 'taken', 'snoozed')"),
        postgresql_where=sa.text("state IN ('open', 'taken', 'snoozed')"),
    ),
    sa.Index(
        "one_alarm_a_report",
        "event_id",
        "channel_id",
        "lot_id",
        unique=True,
        sqlite_where=sa.text("event_id <> ''"),
        postgresql_where=sa.text("event_id <> ''"),
    ),
)

operator_acts = sa.Table(
    "operator_acts",
    metadata,
    sa.Column("act_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("operator", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),  # what was done, in words
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.Index("acts_by_time", "lot_id", "at", "act_id"),
)

message_log = sa.Table(
    "message_log",  # what BoLink and the lots said to each other, for persons who look for a mistake; best effort
    metadata,
    sa.Column("message_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("way", sa.Text, nullable=False),  # in: BoLink asked; out: the lot did
    sa.Column("interface", sa.Text, nullable=False),  # its service_name, or the end of its address
    sa.Column("order_id", sa.Text, nullable=False, server_default=""),
    sa.Column("plate", sa.Text, nullable=False, server_default=""),
    sa.Column("outcome", sa.Text, nullable=False),  # done, no, refused, unreached
    sa.Column("note", sa.Text, nullable=False, server_default=""),  # which signature fits, or why none does
    sa.Column("took_ms", sa.Integer, nullable=False),
    sa.Column("sent", sa.Text, nullable=False),  # secrets are hidden before it is written
    sa.Column("answer", sa.Text, nullable=False, server_default=""),
    sa.Index("message_log_by_lot", "lot_id", "message_id"),
    sa.Index("message_log_of_order", "lot_id", "order_id", "message_id"),
    sa.Index("message_log_of_plate", "lot_id", "plate", "message_id"),
)

auto_pay = sa.Table(
    "auto_pay",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("car_number", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("supported", sa.Boolean, nullable=False),  # the plate pays by itself (5.2)
    sa.Column("at", Moment, nullable=False),
)

special_vehicles = sa.Table(
    "special_vehicles",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("car_number", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),  # white, black, or a word BoLink adds later
    sa.Column("starts_at", Moment),  # none: since ever
    sa.Column("ends_at", Moment),  # none: for ever
    sa.Column("remark", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Index("special_vehicles_by_number", "car_number"),
)

shots = sa.Table(
    "shots",  # pictures of cars; the store has them
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("shot_id", sa.Text, primary_key=True),
    sa.Column("channel_id", sa.Text, nullable=False, server_default=""),
    sa.Column("presence_id", sa.Text, nullable=False, server_default=""),  # the car on the loop
    sa.Column("order_id", sa.Text, nullable=False, server_default=""),  # of one that was given with its order
    sa.Column("kind", sa.Text, nullable=False),  # in, out
    sa.Column("why", sa.Text, nullable=False),  # plate, lift, passage, given
    sa.Column("plate", sa.Text, nullable=False, server_default=""),  # as the camera read it
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False, server_default=""),  # in the store
    sa.Column("picture", sa.LargeBinary),  # of one that was kept before there was a store
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Index("shots_of_order", "lot_id", "order_id", "at"),
    sa.Index("shots_of_car", "lot_id", "presence_id", "at"),
    sa.Index("shots_of_lane", "lot_id", "channel_id", "at"),
)

people = sa.Table(
    "people",
    metadata,
    sa.Column("person_id", Serial, primary_key=True),
    sa.Column("union_id", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),  # what tells one person from another, within the vendor
    sa.Column("person", sa.Text, nullable=False),  # the message's own JSON
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("union_id", "who"),
)

invoice_notices = sa.Table(
    "invoice_notices",
    metadata,
    sa.Column("notice_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("payment_id", sa.Text, nullable=False),
    sa.Column("trade_no", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("issued_at", sa.Text, nullable=False),  # as BoLink writes it, in its own time zone
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("lot_id", "payment_id", "number"),
)

api_tokens = sa.Table(
    "api_tokens",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),  # SHA-256 of the token
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("roles", sa.JSON(none_as_null=True)),  # names; where there are neither roles nor rights: every right
    sa.Column("rights", sa.JSON(none_as_null=True)),
    sa.Column("lots", sa.JSON(none_as_null=True)),  # lot_ids; none: all
)

departures = sa.Table(
    "departures",  # one car's stay in one exit lane
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("presence_id", sa.Text, primary_key=True),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False, server_default=""),  # empty: nobody knows yet whose it is
    sa.Column("plate", sa.Text, nullable=False, server_default=""),  # as the camera read it here
    sa.Column("charge_at", Moment, nullable=False),  # the stay is priced to this moment
    sa.Column("charge_fen", sa.BigInteger),  # this and the next two: never written, the bill tells them; they go next
    sa.Column("reduced_fen", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("price_list", sa.Integer),
    sa.Column("released_at", Moment),
    sa.Column("released_by", sa.Text, nullable=False, server_default=""),  # free, paid, person, rule, unpaid
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.Column("alarmed", sa.Text, nullable=False, server_default=""),
    sa.Column("ended_at", Moment),
    sa.Column("ended_how", sa.Text, nullable=False, server_default=""),  # passed, backed_out, taken_over, assumed
    sa.Index(
        "one_departure_an_order",
        "lot_id",
        "order_id",
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL AND order_id <> ''"),
        postgresql_where=sa.text("ended_at IS NULL AND order_id <> ''"),
    ),
    sa.Index(
        "departures_open",
        "lot_id",
        "channel_id",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    sa.Index("departures_of_order", "lot_id", "order_id"),
    sa.Index("departures_by_time", "lot_id", "charge_at", "presence_id"),
)

quotes = sa.Table(
    "quotes",  # one for each price that was told or taken; never updated
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("quote_no", sa.Text, primary_key=True),  # query_order_no, or ours
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("presence_id", sa.Text, nullable=False, server_default=""),
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("charge_at", Moment, nullable=False),
    sa.Column("charge_fen", sa.BigInteger, nullable=False),
    sa.Column("reduced_fen", sa.BigInteger, nullable=False),
    sa.Column("credited_fen", sa.BigInteger, nullable=False),  # paid less refunded, until then
    sa.Column("due_fen", sa.BigInteger, nullable=False),
    sa.Column("price_list", sa.Integer),
    sa.Column("valid_until", Moment, nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),  # what BoLink was answered; empty: nobody asked by message
    sa.Index("quotes_of_order", "lot_id", "order_id"),
)

money_notices = sa.Table(
    "money_notices",  # what BoLink said of money, its text before it is understood; append-only
    metadata,
    sa.Column("notice_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("section", sa.Text, nullable=False),
    sa.Column("trade_no", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),  # booked, known, conflict, stray, unreadable, kept
    sa.Column("payment_id", sa.Text, nullable=False, server_default=""),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("lot_id", "digest"),
    sa.Index("money_notices_by_trade_no", "lot_id", "trade_no"),
)

payments = sa.Table(
    "payments",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("payment_id", sa.Text, primary_key=True),
    sa.Column("giver", sa.Text, nullable=False),  # who gave the number: bolink, us, cash, unread
    sa.Column("trade_no", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False, server_default=""),  # empty: a stray
    sa.Column("quote_no", sa.Text, nullable=False, server_default=""),
    sa.Column("attempt_no", sa.Text, nullable=False, server_default=""),
    sa.Column("way", sa.Text, nullable=False),  # prepay, kiosk, scancode, wallet, sweepcode, etc, cash
    sa.Column("state", sa.Text, nullable=False),  # pending, failed, paid, reversed, unreadable
    sa.Column("fen", sa.BigInteger, nullable=False),
    sa.Column("fee_fen", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("paid_at", Moment, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("plate", sa.Text, nullable=False, server_default=""),
    sa.Column("shift_id", sa.Text, nullable=False, server_default=""),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("fen >= 0", name="payment_not_negative"),
    sa.Index(
        "one_payment_a_number",
        "lot_id",
        "giver",
        "trade_no",
        unique=True,
        sqlite_where=sa.text("trade_no <> ''"),
        postgresql_where=sa.text("trade_no <> ''"),
    ),
    sa.Index(
        "one_payment_an_attempt",
        "lot_id",
        "attempt_no",
        unique=True,
        sqlite_where=sa.text("attempt_no <> ''"),
        postgresql_where=sa.text("attempt_no <> ''"),
    ),
    sa.Index("payments_of_order", "lot_id", "order_id"),
    sa.Index(
        "payments_pending",
        "lot_id",
        "received_at",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    ),
    sa.Index("payments_by_time", "lot_id", "received_at", "payment_id"),
    sa.Index(
        "payments_silent",
        "lot_id",
        "received_at",
        sqlite_where=sa.text("state = 'failed' AND note = 'nothing was heard of it by the morning'"),
        postgresql_where=sa.text("state = 'failed' AND note = 'nothing was heard of it by the morning'"),
    ),
    sa.Index("payments_of_shift", "lot_id", "shift_id"),
)

bills = sa.Table(
    "bills",  # what an order comes to; the sums of its payments and reductions
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, primary_key=True),
    sa.Column("charge_fen", sa.BigInteger),  # none: the stay goes on and nothing is agreed
    sa.Column("reduced_fen", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("paid_fen", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("refunded_fen", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("set_fen", sa.BigInteger),  # the charge a person set for this departure
    sa.Column("waived_fen", sa.BigInteger, nullable=False, server_default="0"),  # of what is reduced: by persons
    sa.Column("leave_by", Moment),
    sa.Column("price_list", sa.Integer),
    sa.Column("awaited", sa.Boolean, nullable=False, server_default=sa.false()),  # BoLink says paid, without number
    sa.Column("closed_at", Moment),
    sa.CheckConstraint("charge_fen IS NULL OR reduced_fen <= charge_fen", name="reduced_within_charge"),
    sa.Index(
        "bills_by_end",
        "lot_id",
        "closed_at",
        sqlite_where=sa.text("closed_at IS NOT NULL"),
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    ),
    sa.CheckConstraint("refunded_fen <= paid_fen", name="refunded_within_paid"),
    sa.Index(
        "bills_owed",
        "lot_id",
        "order_id",
        sqlite_where=sa.text("closed_at IS NOT NULL AND charge_fen - reduced_fen - paid_fen + refunded_fen > 0"),
        postgresql_where=sa.text("closed_at IS NOT NULL AND charge_fen - reduced_fen - paid_fen + refunded_fen > 0"),
    ),
    sa.Index(
        "bills_surplus",
        "lot_id",
        "order_id",
        sqlite_where=sa.text("charge_fen - reduced_fen - paid_fen + refunded_fen < 0"),
        postgresql_where=sa.text("charge_fen - reduced_fen - paid_fen + refunded_fen < 0"),
    ),
    sa.Index("bills_by_closing", "lot_id", "closed_at"),
    sa.Index(
        "bills_awaited",
        "lot_id",
        "closed_at",
        sqlite_where=sa.text("awaited = 1"),
        postgresql_where=sa.text("awaited"),
    ),
)

reductions = sa.Table(
    "reductions",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("reduction_id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),  # charging, coupon, person, emergency
    sa.Column("number", sa.Text, nullable=False),  # the giver's own number
    sa.Column("kind", sa.Text, nullable=False),  # minutes, percent, fen, whole, window, waiver
    sa.Column("value", sa.BigInteger, nullable=False),  # minutes, percent off, fen; 0 for whole and window
    sa.Column("starts_at", Moment),  # a window's
    sa.Column("ends_at", Moment),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.Column("at", Moment, nullable=False),
    sa.Column("ended_at", Moment),  # taken back by a person
    sa.UniqueConstraint("lot_id", "source", "number"),
    sa.Index("reductions_of_order", "lot_id", "order_id"),
    sa.Index("reductions_by_time", "lot_id", "at", "reduction_id"),
)

attempts = sa.Table(
    "attempts",  # payments that the lot starts; a row before the call
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("attempt_no", sa.Text, primary_key=True),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("presence_id", sa.Text, nullable=False),
    sa.Column("quote_no", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False),  # wallet, sweepcode
    sa.Column("fen", sa.BigInteger, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("deadline", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # live, unclear, paid, failed
    sa.Column("said", sa.Text, nullable=False, server_default=""),
    sa.Index(
        "one_pull_an_order",
        "lot_id",
        "order_id",
        unique=True,
        sqlite_where=sa.text("state IN ('live', 'unclear')"),
        postgresql_where=sa.text("state IN ('live', 'unclear')"),
    ),
    sa.Index("attempts_of_order", "lot_id", "order_id"),
    sa.Index(
        "attempts_silent",
        "lot_id",
        "started_at",
        sqlite_where=sa.text("state = 'failed' AND said = 'nothing was heard of it by the morning'"),
        postgresql_where=sa.text("state = 'failed' AND said = 'nothing was heard of it by the morning'"),
    ),
)

shifts = sa.Table(
    "shifts",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("shift_id", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("booth", sa.Text, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("opening_fen", sa.BigInteger, nullable=False),  # cash counted when it began
    sa.Column("closed_at", Moment),
    sa.Column("counted_fen", sa.BigInteger),
    sa.Column("expected_fen", sa.BigInteger),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.Column("closed_via", sa.Text, nullable=False, server_default=""),
    sa.Index(
        "one_open_shift_a_person",
        "lot_id",
        "person",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
    sa.Index(
        "one_open_shift_a_booth",
        "lot_id",
        "booth",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
    sa.Index("shifts_by_time", "lot_id", "opened_at", "shift_id"),
)

passes = sa.Table(
    "passes",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("card_id", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False, server_default=""),
    sa.Column("starts_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.Column("at", Moment, nullable=False),
    sa.Column("ended_at", Moment),  # ended by a person; nothing is deleted
    sa.Column("spaces", sa.Integer, nullable=False, server_default="0"),  # its plates share; 0: one each
    sa.Column("areas", sa.Text, nullable=False, server_default=""),  # numbers of areas, blanks between; empty: all
    sa.Column("hours", sa.Text, nullable=False, server_default=""),  # 22:00-08:00, blanks between; empty: always
    sa.Column("days", sa.Text, nullable=False, server_default=""),  # mon … sun, kinds of day; empty: each
    sa.Column("grace_days", sa.Integer),  # so long after its end it still holds; none: as the lot says
)

pass_limits = sa.Table(
    "pass_limits",  # areas and times that passes may be limited to, by BoLink's numbers; the lot's days of grace
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),  # area, hours, grace
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # lanes into the area; days and hours: blanks between; days of grace
)

pass_plates = sa.Table(
    "pass_plates",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("card_id", sa.Text, primary_key=True),
    sa.Column("plate", sa.Text, primary_key=True),
    sa.Index("pass_plates_by_plate", "plate", "lot_id"),
)

price_lists = sa.Table(
    "price_lists",  # what stays cost that enter on or after a date; never updated
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("valid_from", sa.Date, nullable=False),  # of the lot's clock
    sa.Column("body", sa.Text, nullable=False),  # JSON, as the tariff's own reading takes it
    sa.Column("at", Moment, nullable=False),
    sa.Column("operator", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.UniqueConstraint("lot_id", "valid_from"),
)

calendar_days = sa.Table(
    "calendar_days",  # what a lot says of dates over what is announced; never updated, the newest row of a date counts
    metadata,
    sa.Column("calendar_id", Serial, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False, index=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # holiday, workday, ordinary; year: all of its year is known
    sa.Column("at", Moment, nullable=False),
    sa.Column("operator", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
)

errands = sa.Table(
    "errands",  # what BoLink is asked to do, once: a row before the call, its outcome after it
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("errand_id", sa.Text, primary_key=True),
    sa.Column("section", sa.Text, nullable=False),  # 4.2 a refund, 6.3 an invoice, 3.3 a renewal ...
    sa.Column("number", sa.Text, nullable=False),  # ours, never given twice; empty where the interface has none
    sa.Column("about", sa.Text, nullable=False),  # what it is for: a payment, an order, a pass, the lot
    sa.Column("order_id", sa.Text, nullable=False, server_default=""),
    sa.Column("fen", sa.BigInteger),
    sa.Column("state", sa.Text, nullable=False),  # wanted, asked, running, unclear, done, failed, withdrawn
    sa.Column("said", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False),  # JSON; never what names a person
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("via", sa.Text, nullable=False, server_default=""),  # the token it came by
    sa.Column("approved_by", sa.Text, nullable=False, server_default=""),
    sa.Column("at", Moment, nullable=False),
    sa.Column("deadline", Moment),  # asked and not answered by then: nobody knows what became of it
    sa.Column("changed_at", Moment, nullable=False),
    sa.Index(
        "one_errand_a_number",
        "lot_id",
        "section",
        "number",
        unique=True,
        sqlite_where=sa.text("number <> ''"),
        postgresql_where=sa.text("number <> ''"),
    ),
    sa.Index(
        "one_refund_under_way",
        "lot_id",
        "about",
        unique=True,
        sqlite_where=sa.text("section = '4.2' AND state IN ('wanted', 'asked', 'running', 'unclear')"),
        postgresql_where=sa.text("section = '4.2' AND state IN ('wanted', 'asked', 'running', 'unclear')"),
    ),
    sa.Index("errands_about", "lot_id", "section", "about"),
    sa.Index("errands_by_time", "lot_id", "at", "errand_id"),
    sa.Index(
        "errands_unanswered",
        "deadline",
        sqlite_where=sa.text("state = 'asked'"),
        postgresql_where=sa.text("state = 'asked'"),
    ),
    sa.Index(
        "errands_running",
        "section",
        "lot_id",
        sqlite_where=sa.text("state IN ('running', 'unclear')"),
        postgresql_where=sa.text("state IN ('running', 'unclear')"),
    ),
)

day_sums = sa.Table(
    "day_sums",  # what a day that is over came to; gone when something in it changes, and summed up again
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("begins_at", Moment, primary_key=True),  # a day of the lot's clock
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("sums", sa.Text, nullable=False),  # JSON
)

plate_stretches = sa.Table(
    "plate_stretches",  # what stays that followed one another are called, in a text in which parts are looked for
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("begins_at", Moment, primary_key=True),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("plates", sa.Text, nullable=False),  # each between two line ends, in capitals
)

rounds = sa.Table(
    "rounds",  # what time brings a lot to do: whichever process takes a round does it alone
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("task", sa.Text, primary_key=True),
    sa.Column("due_at", Moment, nullable=False),  # the next one
)

reconciliations = sa.Table(
    "reconciliations",  # a day of a lot held against what BoLink has of it; again, in place of the one before
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),  # of the lot's clock
    sa.Column("began_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),  # empty: the night
    sa.Column("orders", sa.Integer, nullable=False, server_default="0"),  # that BoLink named (4.1)
    sa.Column("payments", sa.Integer, nullable=False, server_default="0"),  # of ours that were looked at
    sa.Column("withdrawals", sa.Integer, nullable=False, server_default="0"),  # that BoLink named (4.4)
    sa.Column("parked", sa.Integer, nullable=False, server_default="0"),  # that BoLink counts as parked (10.2)
    sa.Column("differences", sa.Integer, nullable=False, server_default="0"),
    sa.Column("said", sa.Text, nullable=False, server_default=""),  # what could not be asked, and why
)

differences = sa.Table(
    "differences",  # where the lot's books and BoLink's are not the same
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("difference_id", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),  # the trade_no, the order or the day that it is about
    sa.Column("order_id", sa.Text, nullable=False, server_default=""),
    sa.Column("ours_fen", sa.BigInteger),
    sa.Column("theirs_fen", sa.BigInteger),
    sa.Column("state", sa.Text, nullable=False),  # open, settled, gone
    sa.Column("found_at", Moment, nullable=False),
    sa.Column("actor", sa.Text, nullable=False, server_default=""),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("ended_at", Moment),
    sa.UniqueConstraint("lot_id", "kind", "number"),
    sa.Index("differences_by_time", "lot_id", "found_at", "difference_id"),
)

staff = sa.Table(
    "staff",  # the persons who work at the lots; what they did stays under their names
    metadata,
    sa.Column("login", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),  # what stands beside their acts
    sa.Column("password", sa.Text, nullable=False),  # argon2id, with its salt and parameters
    sa.Column("must_change", sa.Boolean, nullable=False),  # somebody else chose the password
    sa.Column("totp_secret", sa.Text, nullable=False, server_default=""),  # base32; empty: no second factor
    sa.Column("totp_step", sa.BigInteger, nullable=False, server_default="0"),  # the last step that was used
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("disabled_at", Moment),
)

staff_grants = sa.Table(
    "staff_grants",
    metadata,
    sa.Column("login", sa.Text, sa.ForeignKey("staff.login"), primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("lot_id", sa.Text, primary_key=True),  # empty: every lot, those to come included
    sa.Column("given_by", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

staff_sessions = sa.Table(
    "staff_sessions",
    metadata,
    sa.Column("digest", sa.LargeBinary(32), primary_key=True),  # SHA-256 of what the cookie holds
    sa.Column("login", sa.Text, sa.ForeignKey("staff.login"), nullable=False, index=True),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False),  # false: the second factor is still to come
    sa.Column("issuer", sa.Text, nullable=False, server_default=""),  # who vouched for the person; empty: the password
    sa.Column("linking", sa.LargeBinary(32)),  # SHA-256 of the state that an account elsewhere is being linked under
)

staff_links = sa.Table(
    "staff_links",  # accounts at providers of OpenID Connect whose owners are let in without a password
    metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("login", sa.Text, sa.ForeignKey("staff.login"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),  # what people know the account by
    sa.Column("linked_by", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("login", "issuer"),
)

saved_views = sa.Table(
    "saved_views",  # lists as persons like to look at them
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("login", sa.Text, sa.ForeignKey("staff.login"), primary_key=True),
    sa.Column("page", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("asked", sa.Text, nullable=False),  # the filters, as they stand in the address
    sa.Column("at", Moment, nullable=False),
)

pass_terms = sa.Table(
    "pass_terms",  # for how long a lot sells passes, and at what price
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("months", sa.Integer, primary_key=True),
    sa.Column("fen", sa.BigInteger, nullable=False),
)

communities = sa.Table(
    "communities",  # the residential area around a lot, whose gates people pass (chapter 8)
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("project_code", sa.BigInteger, nullable=False),  # the area's number at BoLink; 9.1 names it
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("platform", sa.Text, nullable=False),  # what is reported to, by its platform_name
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    sa.Column("longitude", sa.Text, nullable=False, server_default=""),
    sa.Column("latitude", sa.Text, nullable=False, server_default=""),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

access_devices = sa.Table(
    "access_devices",  # what stands at a community's gates and recognises people
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("equipment_code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("gate_name", sa.Text, nullable=False),
    sa.Column("aisle_name", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

community_reports = sa.Table(
    "community_reports",  # what became of each report about an area, its devices and people
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),  # community, device, face
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),  # done, refused, unclear
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

passages = sa.Table(
    "passages",  # people who passed a community's gates, and whether that was reported (8.7)
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("passage_id", sa.Text, primary_key=True),  # the device's own name of it
    sa.Column("equipment_code", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("direction", sa.Text, nullable=False),  # in, out
    sa.Column("way", sa.Text, nullable=False),  # face, card
    sa.Column("user_code", sa.Text, nullable=False, server_default=""),
    sa.Column("name", sa.Text, nullable=False, server_default=""),
    sa.Column("user_type", sa.Text, nullable=False, server_default=""),
    sa.Column("score", sa.Text, nullable=False, server_default=""),  # 0.00 to 100.00
    sa.Column("state", sa.Text, nullable=False),  # pending, sending, done, refused, unclear
    sa.Column("said", sa.Text, nullable=False, server_default=""),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Index("passages_by_time", "lot_id", "at", "passage_id"),
    sa.Index(
        "passages_open",
        "lot_id",
        "at",
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    ),
)

city_lots = sa.Table(
    "city_lots",  # what a lot does with its city's platform (chapter 10)
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),
    sa.Column("corrections", sa.Boolean, nullable=False),  # tells it what a person corrected (10.1)
    sa.Column("checks", sa.Boolean, nullable=False),  # asks it before a plate is let in (10.4)
    sa.Column("screens", sa.Boolean, nullable=False),  # fetches what the screens show (10.5)
    sa.Column("texts", sa.Text, nullable=False, server_default="{}"),  # JSON: what they show, by moment
    sa.Column("fetched_at", Moment),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
)
