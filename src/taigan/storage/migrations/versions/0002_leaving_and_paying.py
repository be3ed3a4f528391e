"""What leaving and paying keeps: departures, quotes, payments, bills, reductions, shifts, passes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("attempt_no", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("presence_id", sa.Text(), nullable=False),
        sa.Column("quote_no", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("deadline", Moment(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "attempt_no", name=op.f("pk_attempts")),
    )
    op.create_index("attempts_of_order", "attempts", ["lot_id", "order_id"], unique=False)
    op.create_index(
        "one_pull_an_order",
        "attempts",
        ["lot_id", "order_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('live', 'unclear')"),
        postgresql_where=sa.text("state IN ('live', 'unclear')"),
    )
    op.create_table(
        "bills",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("charge_fen", sa.BigInteger(), nullable=True),
        sa.Column("reduced_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("set_fen", sa.BigInteger(), nullable=True),
        sa.Column("waived_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("leave_by", Moment(), nullable=True),
        sa.Column("price_list", sa.Integer(), nullable=True),
        sa.Column("awaited", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.CheckConstraint("charge_fen IS NULL OR reduced_fen <= charge_fen", name="reduced_within_charge"),
        sa.CheckConstraint("refunded_fen <= paid_fen", name="refunded_within_paid"),
        sa.PrimaryKeyConstraint("lot_id", "order_id", name=op.f("pk_bills")),
    )
    op.create_index(
        "bills_owed",
        "bills",
        ["lot_id", "order_id"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NOT NULL AND charge_fen - reduced_fen - paid_fen + refunded_fen > 0"),
        postgresql_where=sa.text("closed_at IS NOT NULL AND charge_fen - reduced_fen - paid_fen + refunded_fen > 0"),
    )
    op.create_index(
        "bills_surplus",
        "bills",
        ["lot_id", "order_id"],
        unique=False,
        sqlite_where=sa.text("charge_fen - reduced_fen - paid_fen + refunded_fen < 0"),
        postgresql_where=sa.text("charge_fen - reduced_fen - paid_fen + refunded_fen < 0"),
    )
    op.create_table(
        "departures",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("presence_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), server_default="", nullable=False),
        sa.Column("plate", sa.Text(), server_default="", nullable=False),
        sa.Column("charge_at", Moment(), nullable=False),
        sa.Column("charge_fen", sa.BigInteger(), nullable=True),
        sa.Column("reduced_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("price_list", sa.Integer(), nullable=True),
        sa.Column("released_at", Moment(), nullable=True),
        sa.Column("released_by", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("alarmed", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("ended_how", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "presence_id", name=op.f("pk_departures")),
    )
    op.create_index("departures_by_time", "departures", ["lot_id", "charge_at", "presence_id"], unique=False)
    op.create_index("departures_of_order", "departures", ["lot_id", "order_id"], unique=False)
    op.create_index(
        "departures_open",
        "departures",
        ["lot_id", "channel_id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "one_departure_an_order",
        "departures",
        ["lot_id", "order_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL AND order_id <> ''"),
        postgresql_where=sa.text("ended_at IS NULL AND order_id <> ''"),
    )
    op.create_table(
        "money_notices",
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("trade_no", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), server_default="", nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_money_notices")),
        sa.UniqueConstraint("lot_id", "digest", name=op.f("uq_money_notices_lot_id_digest")),
    )
    op.create_index("money_notices_by_trade_no", "money_notices", ["lot_id", "trade_no"], unique=False)
    op.create_table(
        "pass_plates",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("plate", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "card_id", "plate", name=op.f("pk_pass_plates")),
    )
    op.create_index("pass_plates_by_plate", "pass_plates", ["plate", "lot_id"], unique=False)
    op.create_table(
        "passes",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("card_id", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), server_default="", nullable=False),
        sa.Column("starts_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("lot_id", "card_id", name=op.f("pk_passes")),
    )
    op.create_table(
        "payments",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Text(), nullable=False),
        sa.Column("giver", sa.Text(), nullable=False),
        sa.Column("trade_no", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), server_default="", nullable=False),
        sa.Column("quote_no", sa.Text(), server_default="", nullable=False),
        sa.Column("attempt_no", sa.Text(), server_default="", nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_at", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("plate", sa.Text(), server_default="", nullable=False),
        sa.Column("shift_id", sa.Text(), server_default="", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("fen >= 0", name="payment_not_negative"),
        sa.PrimaryKeyConstraint("lot_id", "payment_id", name=op.f("pk_payments")),
    )
    op.create_index(
        "one_payment_a_number",
        "payments",
        ["lot_id", "giver", "trade_no"],
        unique=True,
        sqlite_where=sa.text("trade_no <> ''"),
        postgresql_where=sa.text("trade_no <> ''"),
    )
    op.create_index(
        "one_payment_an_attempt",
        "payments",
        ["lot_id", "attempt_no"],
        unique=True,
        sqlite_where=sa.text("attempt_no <> ''"),
        postgresql_where=sa.text("attempt_no <> ''"),
    )
    op.create_index("payments_by_time", "payments", ["lot_id", "received_at", "payment_id"], unique=False)
    op.create_index("payments_of_order", "payments", ["lot_id", "order_id"], unique=False)
    op.create_index("payments_of_shift", "payments", ["lot_id", "shift_id"], unique=False)
    op.create_table(
        "quotes",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("quote_no", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("presence_id", sa.Text(), server_default="", nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("charge_at", Moment(), nullable=False),
        sa.Column("charge_fen", sa.BigInteger(), nullable=False),
        sa.Column("reduced_fen", sa.BigInteger(), nullable=False),
        sa.Column("credited_fen", sa.BigInteger(), nullable=False),
        sa.Column("due_fen", sa.BigInteger(), nullable=False),
        sa.Column("price_list", sa.Integer(), nullable=True),
        sa.Column("valid_until", Moment(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "quote_no", name=op.f("pk_quotes")),
    )
    op.create_index("quotes_of_order", "quotes", ["lot_id", "order_id"], unique=False)
    op.create_table(
        "reductions",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("reduction_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("starts_at", Moment(), nullable=True),
        sa.Column("ends_at", Moment(), nullable=True),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("lot_id", "reduction_id", name=op.f("pk_reductions")),
        sa.UniqueConstraint("lot_id", "source", "number", name=op.f("uq_reductions_lot_id_source_number")),
    )
    op.create_index("reductions_by_time", "reductions", ["lot_id", "at", "reduction_id"], unique=False)
    op.create_index("reductions_of_order", "reductions", ["lot_id", "order_id"], unique=False)
    op.create_table(
        "shifts",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("shift_id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("booth", sa.Text(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("opening_fen", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", Moment(), nullable=True),
        sa.Column("counted_fen", sa.BigInteger(), nullable=True),
        sa.Column("expected_fen", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "shift_id", name=op.f("pk_shifts")),
    )
    op.create_index(
        "one_open_shift_a_booth",
        "shifts",
        ["lot_id", "booth"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "one_open_shift_a_person",
        "shifts",
        ["lot_id", "person"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("shifts_by_time", "shifts", ["lot_id", "opened_at", "shift_id"], unique=False)
    op.add_column("orders", sa.Column("vehicle", sa.Text(), server_default="", nullable=False))
    op.add_column("orders", sa.Column("likeness", sa.Text(), server_default="", nullable=False))
    op.create_index(
        "orders_inside_by_likeness",
        "orders",
        ["lot_id", "likeness"],
        unique=False,
        sqlite_where=sa.text("state = 'in'"),
        postgresql_where=sa.text("state = 'in'"),
    )
    op.create_index(
        "orders_inside_by_plate",
        "orders",
        ["lot_id", "plate"],
        unique=False,
        sqlite_where=sa.text("state = 'in'"),
        postgresql_where=sa.text("state = 'in'"),
    )
