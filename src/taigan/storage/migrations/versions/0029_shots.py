"""Pictures are named by rows and lie in a store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shots",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("shot_id", sa.Text(), nullable=False),
        sa.Column("channel_id", sa.Text(), server_default="", nullable=False),
        sa.Column("presence_id", sa.Text(), server_default="", nullable=False),
        sa.Column("order_id", sa.Text(), server_default="", nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("plate", sa.Text(), server_default="", nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), server_default="", nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=True),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "shot_id", name=op.f("pk_shots")),
    )
    op.execute(
        "INSERT INTO shots (lot_id, shot_id, order_id, kind, why, content_type, picture, at)"
        " SELECT lot_id, order_id || '/' || kind, order_id, kind, 'given', content_type, picture, at FROM pictures"
    )
    op.create_index(op.f("ix_shots_at"), "shots", ["at"], unique=False)
    op.create_index("shots_of_car", "shots", ["lot_id", "presence_id", "at"], unique=False)
    op.create_index("shots_of_lane", "shots", ["lot_id", "channel_id", "at"], unique=False)
    op.create_index("shots_of_order", "shots", ["lot_id", "order_id", "at"], unique=False)
    op.drop_index(op.f("ix_pictures_at"), table_name="pictures")
    op.drop_table("pictures")
