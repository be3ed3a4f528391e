"""Alarms that persons see to; who did what and what was closed, by time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alarms", sa.Column("state", sa.Text(), server_default="open", nullable=False))
    op.add_column("alarms", sa.Column("actor", sa.Text(), server_default="", nullable=False))
    op.add_column("alarms", sa.Column("note", sa.Text(), server_default="", nullable=False))
    op.add_column("alarms", sa.Column("via", sa.Text(), server_default="", nullable=False))
    op.add_column("alarms", sa.Column("changed_at", Moment(), nullable=True))
    op.add_column("alarms", sa.Column("until", Moment(), nullable=True))
    op.execute("UPDATE alarms SET state = 'done'")  # what was raised before is not put on anybody's table again
    op.create_index(
        "alarms_unfinished",
        "alarms",
        ["lot_id", "alarm_id"],
        unique=False,
        sqlite_where=sa.text("state IN ('open', 'taken', 'snoozed')"),
        postgresql_where=sa.text("state IN ('open', 'taken', 'snoozed')"),
    )
    op.create_index("bills_by_closing", "bills", ["lot_id", "closed_at"], unique=False)
    op.create_index(
        "lifts_by_persons",
        "lifts",
        ["lot_id", "intended_at", "lift_id"],
        unique=False,
        sqlite_where=sa.text("actor <> ''"),
        postgresql_where=sa.text("actor <> ''"),
    )
    op.create_index("acts_by_time", "operator_acts", ["lot_id", "at", "act_id"], unique=False)
