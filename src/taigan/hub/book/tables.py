"""The hub's own tables. Moments are microseconds since 1970 in UTC, so that they sort and compare as numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

VERSION = 5
"""Raised with every change of the tables; a database of a higher one is refused."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC datetime."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


ADDED: dict[int, tuple[tuple[str, str], ...]] = {
    2: (("pushes", "owed_id INTEGER"),),
    3: (("sessions", "opened_by TEXT NOT NULL DEFAULT ''"),),
    4: (("arrivals", "notes JSON NOT NULL DEFAULT '[]'"), ("pushes", "notes JSON NOT NULL DEFAULT '[]'")),
    5: (("owed_pushes", "scan_id TEXT"),),
}
"""The columns that each version added to tables that were there; tables that are new come whole."""

metadata = sa.MetaData()

# One row: the tables' version and the secret that form tokens are made with.
house = sa.Table(
    "house",
    metadata,
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
)

vendors = sa.Table(
    "vendors",
    metadata,
    sa.Column("union_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("callback_url", sa.Text, nullable=False),
    sa.Column("per_event", sa.Boolean, nullable=False),  # one address per event: callback_url/service_name
)

vendor_keys = sa.Table(
    "vendor_keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("union_id", sa.Text, sa.ForeignKey("vendors.union_id"), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("valid_from", Moment, nullable=False),
    sa.Column("valid_until", Moment),  # null: the current key
    sa.UniqueConstraint("union_id", "key"),
)

lots = sa.Table(
    "lots",
    metadata,
    sa.Column("lot_id", sa.Text, primary_key=True),  # {union_id}-{park_id}
    sa.Column("union_id", sa.Text, sa.ForeignKey("vendors.union_id"), nullable=False),
    sa.Column("park_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("contact", sa.Text, nullable=False),  # the attendant's name
    sa.Column("phone", sa.Text, nullable=False),  # the attendant's phone
    sa.Column("sms_check", sa.Boolean, nullable=False),  # 2.5
)

lanes = sa.Table(
    "lanes",
    metadata,
    sa.Column("lot_id", sa.Text, sa.ForeignKey("lots.lot_id"), primary_key=True),
    sa.Column("channel_id", sa.Text, primary_key=True),
)

codes = sa.Table(
    "codes",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("lot_id", sa.Text, sa.ForeignKey("lots.lot_id"), nullable=False),
    sa.Column("kind", sa.Integer, nullable=False),  # 2.3: 1 prepay, 2 exit pay, 3 no-plate entry
    sa.Column("channel_id", sa.Text, nullable=False),  # empty for a prepay code of the whole lot
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("retired_at", Moment),
    sa.Index(
        "one_code_per_lane", "lot_id", "kind", "channel_id", unique=True, sqlite_where=sa.text("retired_at IS NULL")
    ),
)

# Rows are never deleted, so the unique licence is never given to another driver.
drivers = sa.Table(
    "drivers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("app", sa.Text, nullable=False),
    sa.Column("pay_user_id", sa.Text, nullable=False),  # WeChat's openid, Alipay's buyer id
    sa.Column("licence", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("app", "pay_user_id"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),  # of the cookie's value
    sa.Column("driver_id", sa.Integer, sa.ForeignKey("drivers.id")),  # null: the admin's page
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),  # the admin's page: the digest of the admin token of then
)

# What somebody at the admin's page saw unmasked.
looks = sa.Table(
    "looks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("session", sa.Text, nullable=False),  # its digest
    sa.Column("of", sa.Text, nullable=False),  # pushes, arrivals, records
    sa.Column("row_id", sa.Integer, nullable=False),
)

scans = sa.Table(
    "scans",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("scan_id", sa.Text, nullable=False, unique=True),
    sa.Column("lot_id", sa.Text, sa.ForeignKey("lots.lot_id"), nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("driver_id", sa.Integer, sa.ForeignKey("drivers.id"), nullable=False),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("mobile", sa.Text, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),  # scans.Shown
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("state", sa.Integer),  # the lot's 0, 1 or 2
    sa.Column("first_scan_id", sa.Text),  # the scan that this one repeats
    sa.Column("order_id", sa.Text),  # the entry that settled it
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("pushed_at", Moment),  # sent on to the lot
    sa.Column("answered_at", Moment),
    sa.Column("settled_at", Moment),
    sa.Index("scans_of_driver", "driver_id", "lot_id", "channel_id", "seq"),
    sa.Index("scans_of_licence", "lot_id", "licence", "seq"),
    sa.Index("scans_of_order", "lot_id", "order_id", "seq"),
)

# What drivers at exits and inside lots were told that a stay costs (5.1), and how they paid it.
quotes = sa.Table(
    "quotes",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("scan_id", sa.Text, nullable=False, unique=True),
    sa.Column("lot_id", sa.Text, sa.ForeignKey("lots.lot_id"), nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),  # empty: inside the lot
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("scene", sa.Integer, nullable=False),  # 5.1 pay_scene
    sa.Column("driver_id", sa.Integer, sa.ForeignKey("drivers.id"), nullable=False),
    sa.Column("licence", sa.Text, nullable=False),
    sa.Column("car_number", sa.Text, nullable=False),  # as asked, then as answered
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("quote_no", sa.Text, nullable=False, unique=True),  # query_order_no
    sa.Column("shown", sa.Text, nullable=False),  # quotes.Shown
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("state", sa.Integer),  # the lot's 0 or 1
    sa.Column("fen", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("told", sa.LargeBinary, nullable=False),  # quotes.Told
    sa.Column("trade_no", sa.Text),  # the payment for it
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("answered_at", Moment),
    sa.Index("quotes_of_order", "lot_id", "order_id", "seq"),
    sa.Index("quotes_of_driver", "driver_id", "lot_id"),
)

sms_codes = sa.Table(
    "sms_codes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("driver_id", sa.Integer, sa.ForeignKey("drivers.id"), nullable=False),
    sa.Column("lot_id", sa.Text, sa.ForeignKey("lots.lot_id"), nullable=False),
    sa.Column("mobile", sa.Text, nullable=False),
    sa.Column("code", sa.Text),  # null while the lot is asked, and when it gave none
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("used", sa.Boolean, nullable=False),
    sa.Index("sms_codes_of_driver", "driver_id", "lot_id", "id"),
)

pushes = sa.Table(
    "pushes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("scan_id", sa.Text),
    sa.Column("service_name", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("sent_at", Moment, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("answer", sa.LargeBinary),
    sa.Column("answered_at", Moment),
    sa.Column("outcome", sa.Text, nullable=False),  # pushes.Outcome, "sent" until it is known
    sa.Column("fault", sa.Text, nullable=False),
    sa.Column("owed_id", sa.Integer),  # the payment message that this was one attempt at
    sa.Column("notes", sa.JSON, nullable=False, server_default="[]"),  # remarks.Note on the answer
    sa.Index("pushes_of_lot", "lot_id", "id"),
)

# Payment messages, which are sent until the lot has taken them.
owed_pushes = sa.Table(
    "owed_pushes",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("union_id", sa.Text, sa.ForeignKey("vendors.union_id"), nullable=False),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("section", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("scan_id", sa.Text),  # the question that the driver paid
    sa.Column("text", sa.LargeBinary, nullable=False),  # `data`, frozen; each attempt is signed with the current key
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # postbox.Owed
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("next_at", Moment),  # null: no further attempt
    sa.Index("owed_pushes_due", "next_at", sqlite_where=sa.text("next_at IS NOT NULL")),
)

# Everything that ever came to an uplink address, readable or not.
arrivals = sa.Table(
    "arrivals",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("section", sa.Text, nullable=False),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),  # raw, compact, or empty when it did not verify
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.Column("accepted", sa.Boolean, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("fault", sa.Text, nullable=False),
    sa.Column("notes", sa.JSON, nullable=False, server_default="[]"),  # remarks.Note
    sa.Index("arrivals_of_order", "lot_id", "order_id"),
)


def _uploads(name: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("lot_id", sa.Text, sa.ForeignKey("lots.lot_id"), nullable=False),
        sa.Column("order_id", sa.Text, nullable=False),
        sa.Column("car_number", sa.Text, nullable=False),
        sa.Column("channel_id", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),  # as received
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.UniqueConstraint("lot_id", "order_id"),
        sa.Index(f"{name}_recent", "lot_id", "at"),
    )


entries = _uploads("entries")  # 3.1
exits = _uploads("exits")  # 3.2, once it is settled

# Whatever else BoLink keeps of a vendor or a lot, by kind: payments, refunds, invoices, passes, residents, ...
records = sa.Table(
    "records",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),  # records.Kind
    sa.Column("union_id", sa.Text, sa.ForeignKey("vendors.union_id"), nullable=False),
    sa.Column("lot_id", sa.Text, nullable=False),  # empty: the vendor's as a whole
    sa.Column("number", sa.Text, nullable=False),  # what it is known by within its kind: an order_id, a trade_no, ...
    sa.Column("code", sa.Text, nullable=False, unique=True),  # its address for a browser
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("order_id", sa.Text, nullable=False),
    sa.Column("car_number", sa.Text, nullable=False),
    sa.Column("fen", sa.BigInteger, nullable=False),  # the money it is about
    sa.Column("data", sa.LargeBinary, nullable=False),  # the message as received
    sa.Column("detail", sa.JSON, nullable=False),  # what BoLink adds
    sa.Column("at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("kind", "union_id", "lot_id", "number"),
    sa.Index("records_of_lot", "lot_id", "kind", "id"),
    sa.Index("records_of_order", "lot_id", "order_id"),
    sa.Index("records_of_car", "car_number", "kind"),
)

# What becomes of records by itself.
settling = sa.Table(
    "settling",
    metadata,
    sa.Column("record_id", sa.Integer, sa.ForeignKey("records.id"), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False, index=True),
)

# What happened, in order: the trail of a scan, told to whoever watches.
steps = sa.Table(
    "steps",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("scan_id", sa.Text),
    sa.Column("lot_id", sa.Text, nullable=False),
    sa.Column("channel_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # trail.Kind
    sa.Column("speaker", sa.Text, nullable=False),  # phone, hub, lot
    sa.Column("listener", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("push_id", sa.Integer),
    sa.Column("arrival_id", sa.Integer),
    sa.Index("steps_of_scan", "scan_id", "id"),
)
