"""Accounts elsewhere by which persons are let in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from taigan.storage.tables import Moment

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_links",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("linked_by", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["login"], ["staff.login"], name=op.f("fk_staff_links_login")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_staff_links")),
        sa.UniqueConstraint("login", "issuer", name=op.f("uq_staff_links_login_issuer")),
    )
    op.add_column("staff_sessions", sa.Column("issuer", sa.Text(), server_default="", nullable=False))
    op.add_column("staff_sessions", sa.Column("linking", sa.LargeBinary(length=32), nullable=True))
