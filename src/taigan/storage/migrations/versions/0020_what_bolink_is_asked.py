"""What BoLink is asked to do once, the rounds of time, and days held against its books."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0020"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "differences",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("difference_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), server_default="", nullable=False),
        sa.Column("ours_fen", sa.BigInteger(), nullable=True),
        sa.Column("theirs_fen", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found_at", Moment(), nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("lot_id", "difference_id", name=op.f("pk_differences")),
        sa.UniqueConstraint("lot_id", "kind", "number", name=op.f("uq_differences_lot_id_kind_number")),
    )
    op.create_index("differences_by_time", "differences", ["lot_id", "found_at", "difference_id"], unique=False)
    op.create_table(
        "errands",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("errand_id", sa.Text(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), server_default="", nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), server_default="", nullable=False),
        sa.Column("approved_by", sa.Text(), server_default="", nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("deadline", Moment(), nullable=True),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "errand_id", name=op.f("pk_errands")),
    )
    op.create_index("errands_about", "errands", ["lot_id", "section", "about"], unique=False)
    op.create_index("errands_by_time", "errands", ["lot_id", "at", "errand_id"], unique=False)
    op.create_index(
        "errands_running",
        "errands",
        ["section", "lot_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('running', 'unclear')"),
        postgresql_where=sa.text("state IN ('running', 'unclear')"),
    )
    op.create_index(
        "errands_unanswered",
        "errands",
        ["deadline"],
        unique=False,
        sqlite_where=sa.text("state = 'asked'"),
        postgresql_where=sa.text("state = 'asked'"),
    )
    op.create_index(
        "one_errand_a_number",
        "errands",
        ["lot_id", "section", "number"],
        unique=True,
        sqlite_where=sa.text("number <> ''"),
        postgresql_where=sa.text("number <> ''"),
    )
    op.create_index(
        "one_refund_under_way",
        "errands",
        ["lot_id", "about"],
        unique=True,
        sqlite_where=sa.text("section = '4.2' AND state IN ('wanted', 'asked', 'running', 'unclear')"),
        postgresql_where=sa.text("section = '4.2' AND state IN ('wanted', 'asked', 'running', 'unclear')"),
    )
    op.create_table(
        "reconciliations",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("orders", sa.Integer(), server_default="0", nullable=False),
        sa.Column("payments", sa.Integer(), server_default="0", nullable=False),
        sa.Column("withdrawals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("parked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("differences", sa.Integer(), server_default="0", nullable=False),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "day", name=op.f("pk_reconciliations")),
    )
    op.create_table(
        "rounds",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "task", name=op.f("pk_rounds")),
    )
