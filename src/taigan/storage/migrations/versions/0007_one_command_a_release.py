"""A release gets one command by itself; the lifts of a car are found by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "lifts_of_car",
        "lifts",
        ["lot_id", "presence_id"],
        unique=False,
        sqlite_where=sa.text("presence_id IS NOT NULL"),
        postgresql_where=sa.text("presence_id IS NOT NULL"),
    )
    op.create_index(
        "one_command_a_release",
        "lifts",
        ["lot_id", "presence_id"],
        unique=True,
        sqlite_where=sa.text("cause = 'released'"),
        postgresql_where=sa.text("cause = 'released'"),
    )
