"""Lists as persons like to look at them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("lot_id", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["login"], ["staff.login"], name=op.f("fk_saved_views_login")),
        sa.PrimaryKeyConstraint("lot_id", "login", "page", "name", name=op.f("pk_saved_views")),
    )
