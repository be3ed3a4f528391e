"""What limits a pass: areas, hours of the day, and fewer spaces than plates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pass_limits",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "kind", "number", name=op.f("pk_pass_limits")),
    )
    op.add_column("passes", sa.Column("spaces", sa.Integer(), server_default="0", nullable=False))
    op.add_column("passes", sa.Column("areas", sa.Text(), server_default="", nullable=False))
    op.add_column("passes", sa.Column("hours", sa.Text(), server_default="", nullable=False))
