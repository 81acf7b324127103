"""The schema's history ends in the tables that the code uses, and can be walked both ways."""

from __future__ import annotations

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlmodel import SQLModel

from backend.store.session import Database


def tables_of(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names()) - {"alembic_version"}


class TestMigrations:
    def test_end_in_the_tables_of_the_code(self, empty: Database) -> None:
        assert empty.schema_version() is None
        empty.migrate()
        assert empty.schema_version() == empty.newest_version() is not None
        assert tables_of(empty) == set(SQLModel.metadata.tables)
        with empty.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, SQLModel.metadata) == []

    def test_can_be_walked_back_and_forth_one_by_one(self, empty: Database) -> None:
        config = empty._alembic()
        revisions = [r.revision for r in ScriptDirectory.from_config(config).walk_revisions()][::-1]
        assert revisions
        for revision in revisions:
            command.upgrade(config, revision)
            command.downgrade(config, "-1")
            command.upgrade(config, revision)
        command.downgrade(config, "base")
        assert tables_of(empty) == set()
        empty.migrate()
        assert tables_of(empty) == set(SQLModel.metadata.tables)

    def test_done_already_change_nothing(self, database: Database) -> None:
        before = database.schema_version()
        database.migrate()
        assert database.schema_version() == before
