"""Runs the migrations on the connection that `migrate` was given."""

from __future__ import annotations

from alembic import context

from taigan.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
