"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alarms",
        sa.Column("alarm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), server_default="", nullable=False),
        sa.Column("order_id", sa.Text(), server_default="", nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("alarm_id", name=op.f("pk_alarms")),
    )
    op.create_index(op.f("ix_alarms_lot_id"), "alarms", ["lot_id"], unique=False)
    op.create_index(
        "one_alarm_a_report",
        "alarms",
        ["event_id", "channel_id", "lot_id"],
        unique=True,
        sqlite_where=sa.text("event_id <> ''"),
        postgresql_where=sa.text("event_id <> ''"),
    )
    op.create_table(
        "api_tokens",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_api_tokens")),
    )
    op.create_table(
        "auto_pay",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("car_number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("supported", sa.Boolean(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "car_number", name=op.f("pk_auto_pay")),
    )
    op.create_table(
        "deliveries",
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), server_default="", nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.Column("lease_until", Moment(), nullable=True),
        sa.Column("done_at", Moment(), nullable=True),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_deliveries")),
    )
    op.create_index("deliveries_by_state", "deliveries", ["lot_id", "state", "delivery_id"], unique=False)
    op.create_index(
        "deliveries_due",
        "deliveries",
        ["lot_id", "next_at", "delivery_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'sending')"),
        postgresql_where=sa.text("state IN ('pending', 'sending')"),
    )
    op.create_index("deliveries_of_order", "deliveries", ["lot_id", "order_id"], unique=False)
    op.create_table(
        "drivers",
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("scans", sa.Integer(), nullable=False),
        sa.Column("last_scan_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("licence", "lot_id", name=op.f("pk_drivers")),
    )
    op.create_table(
        "inbox",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("key_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("digest", "lot_id", name=op.f("pk_inbox")),
    )
    op.create_table(
        "invoice_notices",
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("trade_no", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_invoice_notices")),
        sa.UniqueConstraint("lot_id", "payment_id", "number", name=op.f("uq_invoice_notices_lot_id_payment_id_number")),
    )
    op.create_table(
        "lifts",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("lift_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=True),
        sa.Column("command", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("intended_at", Moment(), nullable=False),
        sa.Column("deadline", Moment(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("outcome_at", Moment(), nullable=True),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "lift_id", name=op.f("pk_lifts")),
    )
    op.create_index("lifts_by_time", "lifts", ["lot_id", "intended_at"], unique=False)
    op.create_index("lifts_of_order", "lifts", ["lot_id", "order_id"], unique=False)
    op.create_index(
        "lifts_under_way",
        "lifts",
        ["deadline"],
        unique=False,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )
    op.create_table(
        "operator_acts",
        sa.Column("act_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("act_id", name=op.f("pk_operator_acts")),
    )
    op.create_index(op.f("ix_operator_acts_lot_id"), "operator_acts", ["lot_id"], unique=False)
    op.create_table(
        "order_events",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_order_events")),
    )
    op.create_index("order_events_of_order", "order_events", ["lot_id", "order_id"], unique=False)
    op.create_table(
        "people",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("union_id", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_people")),
        sa.UniqueConstraint("union_id", "who", name=op.f("uq_people_union_id_who")),
    )
    op.create_table(
        "pictures",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "order_id", "kind", name=op.f("pk_pictures")),
    )
    op.create_index(op.f("ix_pictures_at"), "pictures", ["at"], unique=False)
    op.create_table(
        "presences",
        sa.Column("presence_id", sa.Text(), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("arrived_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=True),
        sa.Column("left_at", Moment(), nullable=True),
        sa.Column("left_how", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("presence_id", "lot_id", name=op.f("pk_presences")),
    )
    op.create_index(
        "one_car_on_the_loop",
        "presences",
        ["lot_id", "channel_id"],
        unique=True,
        sqlite_where=sa.text("left_at IS NULL"),
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_index(
        "presences_that_ended",
        "presences",
        ["lot_id", "left_at", "presence_id"],
        unique=False,
        sqlite_where=sa.text("left_at IS NOT NULL"),
        postgresql_where=sa.text("left_at IS NOT NULL"),
    )
    op.create_table(
        "sms_codes",
        sa.Column("sms_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("sent_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("sms_id", name=op.f("pk_sms_codes")),
    )
    op.create_index("sms_codes_by_licence", "sms_codes", ["licence", "sent_at"], unique=False)
    op.create_index("sms_codes_by_mobile", "sms_codes", ["mobile", "sent_at"], unique=False)
    op.create_table(
        "space_changes",
        sa.Column("change_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("spaces_free", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("change_id", name=op.f("pk_space_changes")),
    )
    op.create_index(op.f("ix_space_changes_lot_id"), "space_changes", ["lot_id"], unique=False)
    op.create_table(
        "special_vehicles",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("car_number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("starts_at", Moment(), nullable=True),
        sa.Column("ends_at", Moment(), nullable=True),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "car_number", "kind", name=op.f("pk_special_vehicles")),
    )
    op.create_index("special_vehicles_by_number", "special_vehicles", ["car_number"], unique=False)
    op.create_table(
        "upload_pace",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("next_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", name=op.f("pk_upload_pace")),
    )
    op.create_index(op.f("ix_upload_pace_next_at"), "upload_pace", ["next_at"], unique=False)
    op.create_table(
        "vendors",
        sa.Column("union_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("union_id", name=op.f("pk_vendors")),
    )
    op.create_table(
        "lots",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("union_id", sa.Text(), nullable=False),
        sa.Column("park_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="Asia/Shanghai", nullable=False),
        sa.Column("contact", sa.Text(), server_default="", nullable=False),
        sa.Column("spaces", sa.Integer(), nullable=False),
        sa.Column("spaces_free", sa.Integer(), nullable=False),
        sa.Column("emergency", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("sms_check", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint("spaces_free >= 0", name="spaces_free_not_negative"),
        sa.ForeignKeyConstraint(["union_id"], ["vendors.union_id"], name=op.f("fk_lots_union_id")),
        sa.PrimaryKeyConstraint("lot_id", name=op.f("pk_lots")),
        sa.UniqueConstraint("union_id", "park_id", name=op.f("uq_lots_union_id_park_id")),
    )
    op.create_table(
        "vendor_keys",
        sa.Column("key_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("union_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("valid_from", Moment(), nullable=False),
        sa.Column("valid_until", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["union_id"], ["vendors.union_id"], name=op.f("fk_vendor_keys_union_id")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_vendor_keys")),
    )
    op.create_index(op.f("ix_vendor_keys_union_id"), "vendor_keys", ["union_id"], unique=False)
    op.create_table(
        "blocked",
        sa.Column("blocked_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.lot_id"], name=op.f("fk_blocked_lot_id")),
        sa.PrimaryKeyConstraint("blocked_id", name=op.f("pk_blocked")),
        sa.UniqueConstraint("lot_id", "kind", "value", name=op.f("uq_blocked_lot_id_kind_value")),
    )
    op.create_index("blocked_values", "blocked", ["value"], unique=False)
    op.create_table(
        "lanes",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), server_default="automatic", nullable=False),
        sa.Column("confirm", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("hours", sa.Text(), server_default="", nullable=False),
        sa.Column("detector", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("barrier", sa.JSON(), nullable=False),
        sa.Column("entry_url", sa.Text(), server_default="", nullable=False),
        sa.Column("loop_dead", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["lot_id"], ["lots.lot_id"], name=op.f("fk_lanes_lot_id")),
        sa.PrimaryKeyConstraint("lot_id", "channel_id", name=op.f("pk_lanes")),
    )
    op.create_table(
        "orders",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("waiting_for", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), server_default="", nullable=False),
        sa.Column("plate", sa.Text(), server_default="", nullable=False),
        sa.Column("pay_user_id", sa.Text(), server_default="", nullable=False),
        sa.Column("mobile", sa.Text(), server_default="", nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("presence_id", sa.Text(), nullable=True),
        sa.Column("told_state", sa.Integer(), nullable=True),
        sa.Column("told_text", sa.Text(), server_default="", nullable=False),
        sa.Column("requested_at", Moment(), nullable=False),
        sa.Column("in_at", Moment(), nullable=True),
        sa.Column("passed_at", Moment(), nullable=True),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("closed_why", sa.Text(), server_default="", nullable=False),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        sa.Column("review", sa.Text(), server_default="", nullable=False),
        sa.Column("alarmed", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["lot_id", "channel_id"], ["lanes.lot_id", "lanes.channel_id"], name=op.f("fk_orders_lot_id_channel_id")
        ),
        sa.PrimaryKeyConstraint("lot_id", "order_id", name=op.f("pk_orders")),
    )
    op.create_index(
        "one_live_order_a_licence",
        "orders",
        ["licence", "lot_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'in')"),
        postgresql_where=sa.text("state IN ('waiting', 'in')"),
    )
    op.create_index(
        "one_live_order_a_presence",
        "orders",
        ["presence_id", "channel_id", "lot_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'in')"),
        postgresql_where=sa.text("state IN ('waiting', 'in')"),
    )
    op.create_index("orders_by_licence", "orders", ["lot_id", "licence"], unique=False)
    op.create_index("orders_by_presence", "orders", ["lot_id", "presence_id"], unique=False)
    op.create_index("orders_by_time", "orders", ["lot_id", "requested_at", "order_id"], unique=False)
    op.create_index(
        "orders_not_passed",
        "orders",
        ["in_at"],
        unique=False,
        sqlite_where=sa.text("state = 'in' AND passed_at IS NULL"),
        postgresql_where=sa.text("state = 'in' AND passed_at IS NULL"),
    )
    op.create_index(
        "orders_waiting",
        "orders",
        ["requested_at"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
