"""A lift has a purpose, a car and the moment it was taken; an order its present lift; one process watches a lane."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("lanes", sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("orders", sa.Column("lift_id", sa.Text(), nullable=True))
    op.add_column("lifts", sa.Column("purpose", sa.Text(), server_default="", nullable=False))
    op.add_column("lifts", sa.Column("presence_id", sa.Text(), nullable=True))
    op.add_column("lifts", sa.Column("taken_at", Moment(), nullable=True))
    op.create_table(
        "lane_watchers",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "channel_id", name=op.f("pk_lane_watchers")),
    )
