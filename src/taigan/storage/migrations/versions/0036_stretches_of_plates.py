"""What the stays of a stretch of time are called, in texts in which parts of plates are looked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "plate_stretches",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("begins_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("plates", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "begins_at", name=op.f("pk_plate_stretches")),
    )
