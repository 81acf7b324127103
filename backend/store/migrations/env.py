"""Alembic's entry: the engine comes from the caller, never from a file."""

from alembic import context
from sqlmodel import SQLModel

from backend.store import tables  # noqa: F401  (registers the tables)

engine = context.config.attributes["engine"]

with engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
