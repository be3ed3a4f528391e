"""Terms of passes, the city's platform."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "city_lots",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("corrections", sa.Boolean(), nullable=False),
        sa.Column("checks", sa.Boolean(), nullable=False),
        sa.Column("screens", sa.Boolean(), nullable=False),
        sa.Column("texts", sa.Text(), server_default="{}", nullable=False),
        sa.Column("fetched_at", Moment(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", name=op.f("pk_city_lots")),
    )
    op.create_table(
        "pass_terms",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("fen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lot_id", "months", name=op.f("pk_pass_terms")),
    )
