"""Tokens have rights, and what is done says by which token it came."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("blocked", "lifts", "operator_acts", "order_events", "space_changes"):
        op.add_column(table, sa.Column("via", sa.Text(), server_default="", nullable=False))
    for column in ("roles", "rights", "lots"):
        op.add_column("api_tokens", sa.Column(column, sa.JSON(none_as_null=True)))
